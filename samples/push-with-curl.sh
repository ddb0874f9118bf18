#!/usr/bin/env bash
# Pushes an artifact of a type of your own with nothing but curl, and pulls it back.
#
#   samples/push-with-curl.sh [HOST:PORT, 127.0.0.1:5000 by default]
set -euo pipefail

registry=http://${1:-127.0.0.1:5000}
repository=samples/greeting
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

digest() { echo "sha256:$(sha256sum "$1" | cut -d ' ' -f 1)"; }

# A blob: open an upload, then send the bytes to where the answer points.
push_blob() {
  local location
  location=$(curl --fail --silent --show-error --request POST --dump-header - --output "$work/answer" \
    "$registry/v2/$repository/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  curl --fail --silent --show-error --upload-file "$1" "$registry$location?digest=$(digest "$1")"
}

printf 'Hello, harbour.\n' >"$work/greeting"
printf '{}' >"$work/empty"
push_blob "$work/greeting"
push_blob "$work/empty"

# A manifest: what the artifact is, and which blobs it is made of.
cat >"$work/manifest" <<JSON
{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "artifactType": "application/vnd.example.greeting",
  "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": "$(digest "$work/empty")", "size": 2 },
  "layers": [
    { "mediaType": "text/plain", "digest": "$(digest "$work/greeting")", "size": $(wc -c <"$work/greeting") }
  ]
}
JSON
curl --fail --silent --show-error --upload-file "$work/manifest" \
  --header 'Content-Type: application/vnd.oci.image.manifest.v1+json' \
  "$registry/v2/$repository/manifests/v1"

# Back again: the manifest by its tag, then the blob that it names.
curl --fail --silent --show-error "$registry/v2/$repository/manifests/v1" >"$work/pulled"
cmp "$work/manifest" "$work/pulled"
curl --fail --silent --show-error "$registry/v2/$repository/blobs/$(digest "$work/greeting")"
