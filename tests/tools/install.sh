#!/usr/bin/env bash
# Installs the outside tools that the tests use, those that are missing:
#
#   tests/tools/install.sh TOOL...
#
# Go tools are built into a cache folder outside the checkout (MOORAGE_TOOLS; by default
# ~/.cache/moorage-tools, binaries in its bin/). The others are Debian packages and need root.
# Several calls may run at once: a tool is built by one of them while the others wait for it.
set -euo pipefail

cache=${MOORAGE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/moorage-tools}

# The one place where versions are pinned. The binary's name is the tool's name.
declare -A go_modules=(
  [conformance]=github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111
  [crane]=github.com/google/go-containerregistry/cmd/crane@v0.22.1
  [oras]=oras.land/oras/cmd/oras@v1.3.6
  [regctl]=github.com/regclient/regclient/cmd/regctl@v0.11.7
  [helm]=helm.sh/helm/v4/cmd/helm@v4.3.1
  [cosign]=github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3
  [registry]=github.com/distribution/distribution/v3/cmd/registry@v3.1.2
)

# Debian packages have the version of the Debian release; docker brings containerd and ctr.
declare -A debian_packages=(
  [curl]=curl
  [docker]=docker.io
  [ip]=iproute2
  [skopeo]=skopeo
  [podman]=podman
  [buildah]=buildah
)

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# The stamp beside a binary says which version it is, so a new pin above rebuilds the tool.
is_built() {
  local tool=$1
  [ -x "$cache/bin/$tool" ] && [ "$(cat "$cache/stamps/$tool" 2>/dev/null)" = "${go_modules[$tool]}" ]
}

build() {
  local tool=$1 log="$cache/logs/$1.log" started=$SECONDS
  echo "building $tool (${go_modules[$tool]})"
  # No cgo: none of the tools needs it, and a bare machine may have no C compiler.
  if ! CGO_ENABLED=0 GOBIN="$cache/fresh/$tool" go install "${go_modules[$tool]}" >"$log" 2>&1; then
    cat "$log" >&2
    fail "$tool could not be built; its log is above and in $log"
  fi
  mv "$cache/fresh/$tool/$tool" "$cache/bin/$tool"
  echo "${go_modules[$tool]}" >"$cache/stamps/$tool"
  echo "built $tool in $((SECONDS - started)) s"
}

install_go_tool() {
  is_built "$1" && return
  command -v go >/dev/null || fail "$1 is built with Go, which is not on the PATH"
  {
    flock 9
    if ! is_built "$1"; then build "$1"; fi
  } 9>"$cache/locks/$1"
}

missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

install_packages() {
  local log=$cache/logs/apt.log missing
  [ -n "$(missing_packages "$@")" ] || return 0
  {
    flock 9
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    echo "installing ${missing[*]}"
    # The lists of a bare machine are empty or old, so they are fetched before anything is installed.
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      -o DPkg::Lock::Timeout=300 "${missing[@]}"; } >"$log" 2>&1; then
      cat "$log" >&2
      fail "${missing[*]} could not be installed; the log is above and in $log"
    fi
  } 9>"$cache/locks/apt"
}

[ $# -gt 0 ] || fail "usage: tests/tools/install.sh TOOL... (of: ${!go_modules[*]} ${!debian_packages[*]})"
packages=()
for tool in "$@"; do
  if [ -n "${debian_packages[$tool]:-}" ]; then
    packages+=("${debian_packages[$tool]}")
  elif [ -z "${go_modules[$tool]:-}" ]; then
    fail "$tool: unknown; known are ${!go_modules[*]} ${!debian_packages[*]}"
  fi
done

mkdir -p "$cache"/{bin,fresh,locks,logs,stamps}
[ "${#packages[@]}" -eq 0 ] || install_packages "${packages[@]}"
for tool in "$@"; do
  [ -z "${go_modules[$tool]:-}" ] || install_go_tool "$tool"
done
