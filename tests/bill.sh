#!/usr/bin/env bash
# What a million of each operation costs on AWS, by the list: from calls that were counted while real clients push and
# pull through the functions (behind the front door, on MinIO and DynamoDB Local), and the prices in infra/prices.json.
# Then what the collector's part costs, of images that stay and of images that are deleted.
#
#   tests/bill.sh
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need curl python3 docker oras regctl crane

build_functions
use_engines minio
start_functions bill --parameter Anonymous=push
# Several times, so that a cold start does not stand for the others.
for round in 1 2 3; do
  say "round $round"
  MOORAGE_LAYER_BYTES=4000000 MOORAGE_CHUNKED_BYTES=9437184 "$checkout/tests/clients.sh" --registry "$registry" \
    curl docker oras regctl crane oci-client
done
stop_functions
python3 "$checkout/tests/ledger/bill.py" "$checkout/infra/prices.json" "$checkout/infra/template.yaml" "$functions_log"/*

start_functions collection --parameter Anonymous=push --parameter Grace=2s --parameter Recycle=2s
python3 "$checkout/tests/ledger/collection.py" "$checkout/infra/prices.json" "$checkout/infra/template.yaml" \
  "$registry" "$control" "$dynamodb_url" collection "$functions_log"
stop_functions
