#!/usr/bin/env bash
# Kills the process at random while clients push, starts it again on the same data, and checks that nothing
# that was acknowledged is lost:
#
#   tests/kills.sh [--kills N] [--full] [--seed N] [--clients N]
#
# 60 kills without an option, 250 with --full. First the check itself is checked: data that is damaged in
# known ways must be noticed. With the seed that a run prints, another makes the same choices; which request
# a kill meets is up to the clock all the same. The server is MOORAGE_BIN, else the checkout's release build.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

kills=60
options=()
while [ $# -gt 0 ]; do
  case $1 in
    --full)
      kills=250
      shift
      continue
      ;;
    --kills) kills=$2 ;;
    --seed | --clients) options+=("$1" "$2") ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done

build_server
# Not the caller's target folder, which is the registry's: one that the crates apart share, as what they need is much the same.
export CARGO_TARGET_DIR=$checkout/tests/target
(cd "$checkout/tests/kills" && cargo build --release --locked)
driver=$CARGO_TARGET_DIR/release/moorage-kills
"$driver" --binary "$MOORAGE_BIN" "${options[@]}" --sabotage
"$driver" --binary "$MOORAGE_BIN" "${options[@]}" --kills "$kills"
