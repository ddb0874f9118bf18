#!/usr/bin/env bash
# Installs the outside tools that the tests use, those that are missing:
#
#   tests/tools/install.sh TOOL...
#
# They go into a cache folder outside the checkout (MOORAGE_TOOLS; by default ~/.cache/moorage-tools, commands
# in its bin/): Go modules, Python packages (each in a virtual environment of its own) and one Java program.
# The others, and what those are built with, are Debian packages and need root. Go itself must be there.
# Several calls may run at once: a tool is built by one of them while the others wait for it.
set -euo pipefail

cache=${MOORAGE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/moorage-tools}

# The one place where versions are pinned. The command's name is the tool's name.
declare -A go_modules=(
  [conformance]=github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111
  [crane]=github.com/google/go-containerregistry/cmd/crane@v0.22.1
  [oras]=oras.land/oras/cmd/oras@v1.3.6
  [regctl]=github.com/regclient/regclient/cmd/regctl@v0.11.7
  [helm]=helm.sh/helm/v4/cmd/helm@v4.3.1
  [cosign]=github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3
  [registry]=github.com/distribution/distribution/v3/cmd/registry@v3.1.2
  [minio]=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
  [versitygw]=github.com/versity/versitygw/cmd/versitygw@v1.8.0
)

# The first package is the one whose command is wanted; zig is cargo-lambda's linker for arm64. moto is installed without
# its extras, which bring far more than a server with EventBridge needs.
declare -A python_packages=(
  [cargo-lambda]='cargo-lambda==1.9.2 ziglang==0.17.1'
  [cfn-lint]='cfn-lint==1.58.0'
  [sam]='aws-sam-cli==1.170.0'
  [moto_server]='moto==5.2.5 flask==3.1.3 flask-cors==6.0.5 jsonpath-ng==1.16.0'
)

# The artifact, and the main class that the command starts.
declare -A maven_artifacts=([dynamodb-local]=com.amazonaws:DynamoDBLocal:2.6.1)
declare -A main_classes=([dynamodb-local]=com.amazonaws.services.dynamodbv2.local.main.ServerRunner)

# Debian packages have the version of the Debian release; docker brings containerd and ctr.
declare -A debian_packages=(
  [curl]=curl
  [docker]=docker.io
  [ip]=iproute2
  [python3]=python3
  [skopeo]=skopeo
  [podman]=podman
  [buildah]=buildah
)

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# What a tool is built from; empty where none has this name.
pin() {
  printf '%s' "${go_modules[$1]:-}${python_packages[$1]:-}${maven_artifacts[$1]:-}"
}

# The stamp beside a command says which version it is, so a new pin above rebuilds the tool.
is_built() {
  [ -x "$cache/bin/$1" ] && [ "$(cat "$cache/stamps/$1" 2>/dev/null)" = "$(pin "$1")" ]
}

build_go_module() {
  # No cgo: none of the tools needs it, and a bare machine may have no C compiler.
  CGO_ENABLED=0 GOBIN="$cache/fresh/$1" go install "${go_modules[$1]}" && mv "$cache/fresh/$1/$1" "$cache/bin/$1"
}

build_python_package() {
  local home=$cache/python/$1 packages
  read -ra packages <<<"${python_packages[$1]}"
  # A virtual environment can't be moved, so it is made where it stays.
  rm -rf "$home"
  python3 -m venv "$home" && "$home/bin/pip" install --disable-pip-version-check "${packages[@]}" || return
  # Not a link: cargo-lambda looks for its linker among the commands beside it.
  put_command "$1" "PATH=$home/bin:\$PATH exec $home/bin/$1 \"\$@\""
}

build_maven_artifact() {
  local home=$cache/java/$1 group artifact version
  IFS=: read -r group artifact version <<<"${maven_artifacts[$1]}"
  rm -rf "$home"
  mkdir -p "$home"
  cat >"$home/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>moorage</groupId>
  <artifactId>$1</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>$group</groupId><artifactId>$artifact</artifactId><version>$version</version></dependency>
  </dependencies>
</project>
POM
  mvn --batch-mode --file "$home/pom.xml" -DoutputDirectory="$home/lib" dependency:copy-dependencies || return
  put_command "$1" "exec java -Djava.library.path=$home/lib -cp '$home/lib/*' ${main_classes[$1]} \"\$@\""
}

# put_command NAME SHELL: the file is there whole, or not at all.
put_command() {
  mkdir -p "$cache/fresh/$1"
  printf '#!/bin/sh\n%s\n' "$2" >"$cache/fresh/$1/$1"
  chmod +x "$cache/fresh/$1/$1"
  mv "$cache/fresh/$1/$1" "$cache/bin/$1"
}

# build TOOL BUILDER
build() {
  local tool=$1 builder=$2 log="$cache/logs/$1.log" started=$SECONDS
  echo "building $tool ($(pin "$tool"))"
  # Until it is whole, there is no stamp.
  rm -f "$cache/stamps/$tool"
  if ! "$builder" "$tool" >"$log" 2>&1; then
    cat "$log" >&2
    fail "$tool could not be built; its log is above and in $log"
  fi
  pin "$tool" >"$cache/stamps/$tool"
  echo "built $tool in $((SECONDS - started)) s"
}

install_tool() {
  local tool=$1 builder
  # Java is also what the program runs on, so it is looked for when the program is there already.
  if [ -n "${maven_artifacts[$tool]:-}" ]; then need_command java openjdk-17-jre-headless; fi
  is_built "$tool" && return
  if [ -n "${go_modules[$tool]:-}" ]; then
    builder=build_go_module
    command -v go >/dev/null || fail "$tool is built with Go, which is not on the PATH"
  elif [ -n "${python_packages[$tool]:-}" ]; then
    builder=build_python_package
    # Debian's python3 is without venv, until its package is there.
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3 python3-venv
  else
    builder=build_maven_artifact
    need_command mvn maven
  fi
  {
    flock 9
    if ! is_built "$tool"; then build "$tool" "$builder"; fi
  } 9>"$cache/locks/$tool"
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

# need_command COMMAND PACKAGE: any version that is there already will do.
need_command() {
  command -v "$1" >/dev/null || install_packages "$2"
}

known="${!go_modules[*]} ${!python_packages[*]} ${!maven_artifacts[*]} ${!debian_packages[*]}"
[ $# -gt 0 ] || fail "usage: tests/tools/install.sh TOOL... (of: $known)"
packages=()
for tool in "$@"; do
  if [ -n "${debian_packages[$tool]:-}" ]; then
    packages+=("${debian_packages[$tool]}")
  elif [ -z "$(pin "$tool")" ]; then
    fail "$tool: unknown; known are $known"
  fi
done

mkdir -p "$cache"/{bin,fresh,java,locks,logs,python,stamps}
[ "${#packages[@]}" -eq 0 ] || install_packages "${packages[@]}"
for tool in "$@"; do
  [ -z "$(pin "$tool")" ] || install_tool "$tool"
done
