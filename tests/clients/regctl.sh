#!/usr/bin/env bash
# regctl (regclient): POST with an anonymous mount, one PUT; and blobs in chunks.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need regctl

regctl registry set --skip-check --tls disabled "$REGISTRY"

# copy_there_and_back NAME
copy_there_and_back() {
  local image=$REGISTRY/regctl/$1:v1
  make_image "$work/$1-pushed"
  regctl --verbosity trace image copy "ocidir://$work/$1-pushed:v1" "$image" 2>"$work/$1.log"
  equal "$1: digest" "$digest" "$(regctl image digest "$image")"
  regctl image copy "$image" "ocidir://$work/$1-pulled:v1"
  same "$work/$1-pushed/blobs" "$work/$1-pulled/blobs"
}

copy_there_and_back whole
equal "PATCHes of a push in whole blobs" 0 "$(grep -c req-method=PATCH "$work/whole.log" || true)"

# Two layers of so many random bytes, which do not compress.
regctl registry set --skip-check --blob-chunk 1000000 --blob-max 1000000 "$REGISTRY"
copy_there_and_back chunked
patches=$(grep -c req-method=PATCH "$work/chunked.log")
least=$((2 * (random_bytes / 1000000)))
((patches >= least)) || fail "a chunked push made $patches PATCHes, not at least $least"
