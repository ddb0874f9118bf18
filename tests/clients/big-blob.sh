#!/usr/bin/env bash
# A blob of more than 1 GiB there and back: once in one PATCH (crane), once in one PUT (ORAS).
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need crane oras

blob=$work/pushed.bin
head -c $((1024 * 1024 * 1024 + 1)) /dev/urandom >"$blob"
blob_digest=sha256:$(sha256 "$blob")

oras blob push --no-tty --plain-http --size "$(stat -c %s "$blob")" "$REGISTRY/big-blob/put@$blob_digest" "$blob"
oras blob fetch --no-tty --plain-http --output "$work/pulled.bin" "$REGISTRY/big-blob/put@$blob_digest"
cmp "$blob" "$work/pulled.bin"
rm "$work/pulled.bin"

# crane pushes images, so the blob becomes the layer of one.
layout=$work/layout
mkdir -p "$layout/blobs/sha256"
printf '{}' >"$layout/config"
config=$(add_blob "$layout" application/vnd.oci.empty.v1+json "$layout/config")
ln "$blob" "$layout/blob"
layer=$(add_blob "$layout" application/octet-stream "$layout/blob")
write_index "$layout" "$config" "$layer"
crane push "$layout" "$REGISTRY/big-blob/patch:v1"
equal digest "$digest" "$(crane digest "$REGISTRY/big-blob/patch:v1")"
crane blob "$REGISTRY/big-blob/patch@$blob_digest" >"$work/pulled.bin"
cmp "$blob" "$work/pulled.bin"
