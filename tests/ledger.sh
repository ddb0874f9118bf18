#!/usr/bin/env bash
# The ledger is right: what the log lines say was sent to S3 and DynamoDB is what passed the sockets.
#
#   tests/ledger.sh [--s3 minio|versitygw]
#
# A proxy in front of both counts each request by its operation, while real clients push and pull through a gateway.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

engine=minio
while [ $# -gt 0 ]; do
  case $1 in
    --s3) engine=$2 && shift 2 ;;
    *) fail "unknown option $1" ;;
  esac
done

need curl python3 crane oras regctl skopeo
build_server
build_tool moorage-engines counting-proxy
use_engines "$engine"

start "$work/proxy.log" "$tool" --s3 "$s3_url" --dynamodb "$dynamodb_url"
wait_for "$pid" "$work/proxy.log" grep -q '^control' "$work/proxy.log"
proxied() { sed -n "s/^$1 //p" "$work/proxy.log"; }
AWS_ENDPOINT_URL_S3=$(proxied s3) AWS_ENDPOINT_URL_DYNAMODB=$(proxied dynamodb) start_gateway ledger --redirect-bytes-min 8000000

# What the start itself sent is of no request.
curl --silent --fail --request POST "$(proxied control)/__reset"
# Chunks with tails, and a blob in parts, besides what all clients do.
MOORAGE_CHUNKED_BYTES=9437184 "$checkout/tests/clients.sh" --registry "$registry" curl crane oras regctl skopeo oci-client
MOORAGE_LAYER_BYTES=50000000 MOORAGE_CHUNKED_BYTES=9437184 "$checkout/tests/clients.sh" --registry "$registry" skopeo oras
stop_server
curl --silent --fail "$(proxied control)/__counts" >"$work/socket.json"
python3 "$checkout/tests/ledger/compare.py" "$server_log" "$work/socket.json"
