#!/usr/bin/env bash
# From the start of a function's process to its first answer, with the storage behind TLS: time, processor time,
# memory and size, for builds that differ in one choice each.
#
#   tests/cold-start.sh [--rounds N] [--function NAME]... [BUILD...]
#
# BUILD is one of those below, and the functions are pull, push, ingest and collect; all without a name, which takes
# the better part of an hour on two cores the first time.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

all=(shipping release opt-3 opt-z sdk-opt-1 no-lto aws-lc aws-lc-no-jitter mimalloc)
rounds=31
functions=()
chosen=()
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) rounds=$2 && shift ;;
    --function) functions+=("$2") && shift ;;
    -*) fail "unknown option $1" ;;
    *)
      [[ " ${all[*]} " == *" $1 "* ]] || fail "unknown build $1; known are ${all[*]}"
      chosen+=("$1")
      ;;
  esac
  shift
done
[ "${#chosen[@]}" -gt 0 ] || chosen=("${all[@]}")
[ "${#functions[@]}" -gt 0 ] || functions=(pull push ingest collect)

# All builds share one target folder, so that each compiles only what it changes; what is measured is copied out of
# it. Both are kept for the next time.
builds=${MOORAGE_COLD_START_BUILDS:-$MOORAGE_TOOLS/cold-start}
# Those whose level the profiles set one by one (Cargo.toml).
sdk=(aws-config aws-sdk-dynamodb aws-sdk-dynamodbstreams aws-sdk-eventbridge aws-sdk-s3 aws-sdk-sts)

# build NAME PROFILE [CARGO_OPTION...]
build() {
  local name=$1 profile=$2 these=("${functions[@]}") function programs=()
  shift 2
  # What the others read is pushed first, by the first build.
  [ "${#arguments[@]}" -gt 0 ] || [[ " ${these[*]} " == *" push "* ]] || these+=(push)
  for function in "${these[@]}"; do programs+=(--package "moorage-$function"); done
  say "building $name"
  (cd "$checkout" && CARGO_TARGET_DIR=$builds/target cargo build --quiet --locked --profile "$profile" \
    "${programs[@]}" "$@")
  mkdir -p "$builds/$name"
  for function in "${these[@]}"; do
    cp "$builds/target/$profile/$function" "$builds/$name/"
    # The profile for everyday keeps what a debugger needs, which nobody would ship.
    strip "$builds/$name/$function"
  done
  arguments+=("$name=$builds/$name")
}

# Sets $options: optimise the SDK's crates so.
sdk_level() {
  local crate
  options=()
  for crate in "${sdk[@]}"; do options+=(--config "profile.shipping.package.\"$crate\".opt-level=$1"); done
}

arguments=()
aws_lc=(--package moorage-aws --features moorage-aws/tls-aws-lc)
for name in "${chosen[@]}"; do
  case $name in
    shipping) build "$name" shipping ;;
    release) build "$name" release ;;
    opt-3) sdk_level 3 && build "$name" shipping --config profile.shipping.opt-level=3 "${options[@]}" ;;
    opt-z) sdk_level '"z"' && build "$name" shipping --config 'profile.shipping.opt-level="z"' "${options[@]}" ;;
    sdk-opt-1) sdk_level 1 && build "$name" shipping "${options[@]}" ;;
    no-lto) build "$name" shipping --config 'profile.shipping.lto="off"' ;;
    aws-lc) build "$name" shipping "${aws_lc[@]}" ;;
    aws-lc-no-jitter) AWS_LC_SYS_NO_JITTER_ENTROPY=1 build "$name" shipping "${aws_lc[@]}" ;;
    mimalloc) build "$name" shipping --package moorage-lambda --features moorage-lambda/mimalloc ;;
  esac
done

(cd "$checkout/tests/cold-start" && env -u CARGO_TARGET_DIR cargo build --quiet --release --locked)
chosen_functions=()
for function in "${functions[@]}"; do chosen_functions+=(--function "$function"); done
"$checkout/tests/cold-start/target/release/moorage-cold-start" --rounds "$rounds" \
  "${chosen_functions[@]}" "${arguments[@]}"
