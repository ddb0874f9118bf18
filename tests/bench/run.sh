#!/usr/bin/env bash
# The benchmark: builds the driver and the registry, finds the other registries that are installed, and
# compares them, each alone in turn. Prints a table; --json FILE and --markdown FILE keep the figures.
#
#   tests/bench/run.sh                  the whole comparison (an hour or so with four peers)
#   tests/bench/run.sh --quick          the same, small: a few minutes
#   tests/bench/run.sh --count-syncs    how often each syncs for a push (needs strace)
#   tests/bench/run.sh seed|measure ... fill once (--work DIR), measure often
#   tests/bench/run.sh --help           all options, which are the driver's
#
# MOORAGE_BIN      our binary, instead of building it
# PEER_REGISTRY    distribution's `registry`; else looked for in $MOORAGE_TOOLS/bin and on PATH
# PEER_ZOT, PEER_OLAREG, PEER_ANGOS   binaries of these registries; else looked for on PATH
# PEER_NGINX       nginx, to compare with static files; else looked for on PATH
# ONLY             names of targets, separated by spaces; the others are left out
set -euo pipefail

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$bench/../.." && pwd)
tools=${MOORAGE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/moorage-tools}
PATH=$tools/bin:$PATH:/usr/sbin

targets=()

# wanted NAME: whether ONLY leaves it in.
wanted() { [[ -z ${ONLY:-} || " $ONLY " == *" $1 "* ]]; }

# peer NAME COMMAND VARIABLE: makes a target of the binary in VARIABLE, or of COMMAND where it is installed.
peer() {
  local name=$1 command=$2 variable=$3 path
  wanted "$name" || return 0
  path=${!variable:-$(command -v "$command" || true)}
  if [[ -n $path && -x $path ]]; then
    targets+=(--target "$name=$path")
  else
    echo "$name is not here: install it, or give its binary in $variable" >&2
  fi
}

case ${1:-} in
  all | seed | measure | syncs | rows) mode=$1 && shift ;;
  --count-syncs) mode=syncs && shift ;;
  *) mode=all ;;
esac

cargo build --release --quiet --manifest-path "$bench/Cargo.toml"
driver=${CARGO_TARGET_DIR:-$bench/target}/release/moorage-bench
if [[ " $* " == *" --help "* || $mode == rows ]]; then
  exec "$driver" "$mode" "$@"
fi

if wanted moorage; then
  if [[ -z ${MOORAGE_BIN:-} ]]; then
    cargo build --release --quiet --manifest-path "$checkout/Cargo.toml" --bin moorage
    MOORAGE_BIN=${CARGO_TARGET_DIR:-$checkout/target}/release/moorage
  fi
  targets+=(--target "moorage=$MOORAGE_BIN")
fi
peer distribution registry PEER_REGISTRY
peer zot zot PEER_ZOT
peer olareg olareg PEER_OLAREG
peer angos angos PEER_ANGOS
peer nginx nginx PEER_NGINX

exec "$driver" "$mode" "${targets[@]}" "$@"
