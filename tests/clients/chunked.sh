#!/usr/bin/env bash
# One large blob in chunks, by those that chunk: regctl, and the Rust crate oci-client with its 4 MiB. So a blob
# of any length goes through functions, whose requests are bounded.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need regctl

bytes=${MOORAGE_CHUNKED_BYTES:-200000000}
regctl registry set --skip-check --tls disabled --blob-chunk 4000000 --blob-max 4000000 "$REGISTRY"
head -c "$bytes" /dev/urandom >"$work/pushed"
expected=sha256:$(sha256 "$work/pushed")
pushed=$(regctl --verbosity trace blob put "$REGISTRY/chunked/regctl" <"$work/pushed" 2>"$work/push.log")
equal digest "$expected" "$pushed"
patches=$(grep -c req-method=PATCH "$work/push.log" || true)
((patches >= bytes / 4000000)) || fail "the push made $patches PATCHes, not at least $((bytes / 4000000))"
regctl blob get "$REGISTRY/chunked/regctl" "$expected" >"$work/pulled"
same "$work/pushed" "$work/pulled"
rm "$work/pushed" "$work/pulled"

HOME=$user_home MOORAGE_CHUNKED_BYTES=$bytes "$checkout/tests/clients/oci-client.sh"
