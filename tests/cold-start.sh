#!/usr/bin/env bash
# From the start of a function's process to its first answer, with the storage behind TLS: time, processor time,
# memory and size, for builds that differ in one choice each.
#
#   tests/cold-start.sh [--rounds N] [BUILD...]
#
# BUILD is one of those below; all without a name, which builds the SDKs once for each: half an hour on two cores.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

all=(shipping release opt-3 opt-z no-lto aws-lc aws-lc-no-jitter mimalloc)
rounds=21
chosen=()
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2 && shift ;;
    -*) fail "unknown option $1" ;;
    *)
      [[ " ${all[*]} " == *" $1 "* ]] || fail "unknown build $1; known are ${all[*]}"
      chosen+=("$1")
      ;;
  esac
  shift
done
[ "${#chosen[@]}" -gt 0 ] || chosen=("${all[@]}")

# Each build has a target folder of its own, kept for the next time.
builds=${MOORAGE_COLD_START_BUILDS:-$MOORAGE_TOOLS/cold-start}

# build NAME PROFILE [NAME=VALUE...] [-- CARGO_OPTION...]
build() {
  local name=$1 profile=$2 settings=()
  shift 2
  while [ $# -gt 0 ] && [ "$1" != -- ]; do settings+=("$1") && shift; done
  [ $# -eq 0 ] || shift
  say "building $name"
  (cd "$checkout" && env CARGO_TARGET_DIR="$builds/$name" "${settings[@]}" cargo build --quiet --locked \
    --profile "$profile" -p moorage-pull -p moorage-push -p moorage-ingest -p moorage-collect "$@")
  arguments+=("$name=$builds/$name/$profile")
}

arguments=()
of_aws=(-- -p moorage-aws --features)
for name in "${chosen[@]}"; do
  case $name in
    shipping) build shipping shipping ;;
    release) build release release ;;
    opt-3) build opt-3 shipping CARGO_PROFILE_SHIPPING_OPT_LEVEL=3 ;;
    opt-z) build opt-z shipping CARGO_PROFILE_SHIPPING_OPT_LEVEL=z ;;
    no-lto) build no-lto shipping CARGO_PROFILE_SHIPPING_LTO=off ;;
    aws-lc) build aws-lc shipping "${of_aws[@]}" moorage-aws/tls-aws-lc ;;
    aws-lc-no-jitter) build aws-lc-no-jitter shipping AWS_LC_SYS_NO_JITTER_ENTROPY=1 "${of_aws[@]}" moorage-aws/tls-aws-lc ;;
    mimalloc) build mimalloc shipping -- -p moorage-lambda --features moorage-lambda/mimalloc ;;
  esac
done

(cd "$checkout/tests/cold-start" && env -u CARGO_TARGET_DIR cargo build --quiet --release --locked)
"$checkout/tests/cold-start/target/release/moorage-cold-start" --rounds "$rounds" "${arguments[@]}"
