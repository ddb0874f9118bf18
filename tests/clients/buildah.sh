#!/usr/bin/env bash
# buildah: builds an image from files, pushes and pulls it; no container is run.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need buildah

# buildah STORE ARGUMENT...: with a storage of its own, so that what is pulled comes from the registry.
buildah() {
  command buildah --root "$work/$1/root" --runroot "$work/$1/run" --storage-driver vfs "${@:2}"
}
export BUILDAH_ISOLATION=chroot

image=$REGISTRY/buildah/sample:v1
make_files "$work/files"
container=$(buildah here from scratch)
buildah here copy --quiet "$container" "$work/files" /
buildah here commit --quiet "$container" sample
buildah here push --quiet --tls-verify=false --digestfile "$work/digest" sample "docker://$image"
container=$(buildah there from --quiet --tls-verify=false "docker://$image")
equal digest "$(cat "$work/digest")" "$(buildah there inspect --format '{{.FromImageDigest}}' "$container")"
same "$work/files" "$(buildah there mount "$container")"
buildah there umount "$container"
