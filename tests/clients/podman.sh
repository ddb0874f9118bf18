#!/usr/bin/env bash
# podman (containers/image with containers/storage), push and pull; no container is run.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need podman

# podman STORE ARGUMENT...: with a storage of its own, so that what is pulled comes from the registry.
podman() {
  command podman --root "$work/$1/root" --runroot "$work/$1/run" --tmpdir "$work/$1/tmp" \
    --storage-driver vfs --events-backend file --cgroup-manager cgroupfs "${@:2}"
}

image=$REGISTRY/podman/sample:v1
make_image "$work/source"
# podman makes the layout's path a name, which has no capital letters: hence the short path.
cd "$work"
id=$(podman here pull --quiet oci:source:v1)
podman here push --tls-verify=false --digestfile "$work/digest" "$id" "$image"
equal "image id" "$id" "$(podman there pull --quiet --tls-verify=false "$image")"
equal digest "$(cat "$work/digest")" "$(podman there image inspect --format '{{.Digest}}' "$image")"
# The layers are packed anew for the push, so it is the files that are the same, not the layers' bytes.
same "$(podman here image mount "$id")" "$(podman there image mount "$id")"
podman here image unmount --all
podman there image unmount --all
