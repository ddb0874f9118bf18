#!/usr/bin/env bash
# skopeo (containers/image): HEAD, POST, one PATCH with its length, PUT.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need skopeo

skopeo() { command skopeo --insecure-policy "$@"; }

image=docker://$REGISTRY/skopeo/sample:v1
make_image "$work/pushed"
skopeo copy --dest-tls-verify=false "oci:$work/pushed:v1" "$image"
equal digest "$digest" "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "$image")"
skopeo copy --src-tls-verify=false "$image" "oci:$work/pulled:v1"
same "$work/pushed/blobs" "$work/pulled/blobs"
