#!/usr/bin/env bash
# crane (go-containerregistry; ko, kaniko and flux push the same way): POST, one PATCH, PUT.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need crane

image=$REGISTRY/crane/sample:v1
make_image "$work/pushed"
crane push "$work/pushed" "$image"
equal digest "$digest" "$(crane digest "$image")"
crane pull --format=oci "$image" "$work/pulled"
same "$work/pushed/blobs" "$work/pulled/blobs"

# A copy to another repository mounts the blobs instead of uploading them.
crane copy "$image" "$REGISTRY/crane/copy:v1"
equal "digest of the copy" "$digest" "$(crane digest "$REGISTRY/crane/copy:v1")"
equal "tags" v1 "$(crane ls "$REGISTRY/crane/copy")"
