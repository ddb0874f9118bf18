#!/usr/bin/env bash
# The samples, as a reader runs them, against a server with a grace of two seconds.
#
#   tests/samples.sh
#
# The server is MOORAGE_BIN, else the checkout's release build.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need cosign
build_server
start_server "$work/data" --grace 2s --recycle 0s

# sample SCRIPT [OPTION...]
sample() {
  say "samples/$*"
  "$checkout/samples/$1" "$registry" "${@:2}" >"$work/sample.log" 2>&1 || {
    cat "$work/sample.log"
    fail "samples/$*"
  }
}

sample push-with-curl.sh
sample cnab.sh --sign --wait
stop_server
