#!/usr/bin/env bash
# What a million of each operation costs on AWS, by the list: from calls that were counted while real clients push and
# pull through the functions (behind the front door, on MinIO and DynamoDB Local), and the prices in infra/prices.json.
# Then what comes after the requests, of images that stay and of images that are deleted: the collector's part, what
# search adds to it, and events.
#
#   tests/bill.sh [requests] [after]
#
# Both parts without a name.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need curl python3 docker oras regctl crane

(($# > 0)) || set -- requests after
for part in "$@"; do [[ $part =~ ^(requests|after)$ ]] || fail "unknown part $part; known are requests and after"; done

build_functions
use_engines minio

part_requests() {
  start_functions bill --parameter Anonymous=push
  # Several times, so that a cold start does not stand for the others.
  local round
  for round in 1 2 3; do
    say "round $round"
    MOORAGE_LAYER_BYTES=4000000 MOORAGE_CHUNKED_BYTES=9437184 "$checkout/tests/clients.sh" --registry "$registry" \
      curl docker oras regctl crane oci-client
  done
  stop_functions
  python3 "$checkout/tests/ledger/bill.py" "$checkout/infra/prices.json" "$checkout/infra/template.yaml" "$functions_log"/*
}

# after NAME WHAT [PARAMETER...]: what images cost after their requests, where the stack has these parameters.
after() {
  # Others' records would make the engine slower, and what waits together is written together.
  stop_engines
  use_engines minio
  local parameter parameters=()
  for parameter in "${@:3}"; do parameters+=(--parameter "$parameter"); done
  start_functions "$1" --parameter Anonymous=push --parameter Grace=2s --parameter Recycle=2s "${parameters[@]}"
  python3 "$checkout/tests/ledger/collection.py" "$checkout/infra/prices.json" "$checkout/infra/template.yaml" \
    "$registry" "$control" "$dynamodb_url" "$1" "$functions_log" "$2"
  stop_functions
}

part_after() {
  after collected "collected" Search=off
  after searched "collected, searched" Search=on
  after annotated "collected, searched, annotated" Search=on
  after told "collected, told" Search=off EventBus=the-bus
  say "not waited for: the deadlines of what was pending (a review each, in an hour), and the trash (after 25 minutes)"
}

for part in "$@"; do "part_$part"; done
