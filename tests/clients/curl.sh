#!/usr/bin/env bash
# curl: the sample that pushes an artifact with nothing else, and compares what it pulls back.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need curl

said=$("$checkout/samples/push-with-curl.sh" "$REGISTRY")
[ "$said" = "Hello, harbour." ] || fail "the sample's blob came back as: $said"
