#!/usr/bin/env bash
# A Cloud Native Application Bundle (CNAB) from end to end, in the layout that cnab-to-oci writes: a thick bundle, which
# has its images beside it, and a thin one, which only names where they are. Pushed, signed, pulled, collected.
#
#   samples/cnab.sh [HOST:PORT, 127.0.0.1:5000 by default] [--sign] [--wait]
#
# --sign signs bundles and parts, with cosign and a key made for this. --wait waits until what was deleted is collected:
# for a registry with a grace of seconds (`cargo run --release -- serve --grace 2s --recycle 0s`).
set -euo pipefail

registry=127.0.0.1:5000 sign='' wait=''
for argument in "$@"; do
  case $argument in
    --sign) sign=yes ;;
    --wait) wait=yes ;;
    *) registry=$argument ;;
  esac
done
repository=samples/cnab-$$
base=http://$registry/v2/$repository
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
ask() { curl --fail-with-body --silent --show-error "$@"; }
digest() { echo "sha256:$(sha256sum "$1" | cut -d ' ' -f 1)"; }
size() { wc -c <"$1" | tr -d ' '; }
# descriptor MEDIA_TYPE FILE: without the braces, so that more can be said of it.
descriptor() { printf '"mediaType": "%s", "digest": "%s", "size": %s' "$1" "$(digest "$2")" "$(size "$2")"; }
status() { curl --silent --output /dev/null --write-out '%{http_code}' "$@"; }

push_blob() {
  local location
  location=$(ask --request POST --dump-header - --output "$work/answer" "$base/blobs/uploads/" |
    tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  ask --upload-file "$1" "http://$registry$location?digest=$(digest "$1")"
}

# push_manifest MEDIA_TYPE FILE [TAG]
push_manifest() {
  ask --upload-file "$2" --header "Content-Type: $1" "$base/manifests/${3:-$(digest "$2")}"
}

oci_manifest=application/vnd.oci.image.manifest.v1+json
oci_index=application/vnd.oci.image.index.v1+json

# make_image NAME: an image of one layer, pushed by its digest; its manifest is in $work/NAME.
make_image() {
  printf 'the files of %s' "$1" >"$work/$1.layer"
  cat >"$work/$1.config" <<JSON
{"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["$(digest "$work/$1.layer")"]}}
JSON
  cat >"$work/$1" <<JSON
{
  "schemaVersion": 2, "mediaType": "$oci_manifest",
  "config": { $(descriptor application/vnd.oci.image.config.v1+json "$work/$1.config") },
  "layers": [ { $(descriptor application/vnd.oci.image.layer.v1.tar "$work/$1.layer") } ]
}
JSON
}

push_image() {
  push_blob "$work/$1.config"
  push_blob "$work/$1.layer"
  push_manifest "$oci_manifest" "$work/$1"
}

# make_bundle NAME ENTRIES: its index is in $work/NAME. What the bundle is stands in the config of a manifest of its own.
make_bundle() {
  cat >"$work/$1.bundle" <<JSON
{"schemaVersion": "v1.0.0", "name": "$1", "version": "0.1.0", "description": "A sample",
 "invocationImages": [{"imageType": "oci", "image": "$repository", "contentDigest": "$(digest "$work/installer")"}],
 "images": {"backend": {"imageType": "oci", "image": "$repository", "contentDigest": "$(digest "$work/backend")"}}}
JSON
  cat >"$work/$1.config" <<JSON
{ "schemaVersion": 2, "config": { $(descriptor application/vnd.cnab.config.v1+json "$work/$1.bundle") }, "layers": null }
JSON
  cat >"$work/$1" <<JSON
{
  "schemaVersion": 2, "mediaType": "$oci_index",
  "manifests": [
    { $(descriptor "$oci_manifest" "$work/$1.config"), "annotations": { "io.cnab.manifest.type": "config" } },
    $2
  ],
  "annotations": {
    "io.cnab.runtime_version": "v1.0.0",
    "org.opencontainers.artifactType": "application/vnd.cnab.manifest.v1",
    "org.opencontainers.image.title": "$1", "org.opencontainers.image.version": "0.1.0"
  }
}
JSON
  push_blob "$work/$1.bundle"
  push_manifest "$oci_manifest" "$work/$1.config"
  push_manifest "$oci_index" "$work/$1" "$1"
}

invocation='"annotations": { "io.cnab.manifest.type": "invocation" }'
component='"annotations": { "io.cnab.manifest.type": "component", "io.cnab.component.name": "backend" }'

say "the rules of types are enforced in $repository"
ask --request PUT --data '{"types": {"allowed": "registered", "rules": "enforce", "config": "enforce"}}' \
  "$base/_moorage/policy"

say "a thick bundle: its images are pushed first"
make_image installer
make_image backend
push_image installer
push_image backend
make_bundle thick "{ $(descriptor "$oci_manifest" "$work/installer"), $invocation },
    { $(descriptor "$oci_manifest" "$work/backend"), $component }"

say "a thin bundle: only the bundle is pushed, its images live elsewhere"
make_image far-installer
make_image far-backend
cp "$work/far-installer" "$work/installer"
cp "$work/far-backend" "$work/backend"
elsewhere=https://images.example.com/v2/store/manifests
make_bundle thin "{ $(descriptor "$oci_manifest" "$work/far-installer"), $invocation,
      \"remote\": true, \"urls\": [\"$elsewhere/$(digest "$work/far-installer")\"] },
    { $(descriptor "$oci_manifest" "$work/far-backend"), $component,
      \"remote\": true, \"urls\": [\"$elsewhere/$(digest "$work/far-backend")\"] }"
make_image installer
make_image backend

say "a bundle without its invocation image is refused, and the answer says why"
sed -e "s|\"thick\"|\"broken\"|; /\"invocation\"/d" "$work/thick" >"$work/broken"
[ "$(status --upload-file "$work/broken" --header "Content-Type: $oci_index" "$base/manifests/broken")" = 400 ] ||
  fail "a broken bundle was taken"
curl --silent --upload-file "$work/broken" --header "Content-Type: $oci_index" "$base/manifests/broken"

if [ -n "$sign" ]; then
  say "bundles and parts are signed, and the signatures verified"
  (cd "$work" && COSIGN_PASSWORD=secret cosign generate-key-pair)
  # Signatures are of a type of their own, which the repository's rules know.
  for part in thick thick.config installer backend thin thin.config; do
    image=$registry/$repository@$(digest "$work/$part")
    COSIGN_PASSWORD=secret cosign sign --key "$work/cosign.key" --allow-http-registry --use-signing-config=false \
      --tlog-upload=false "$image"
    cosign verify --key "$work/cosign.pub" --allow-http-registry --insecure-ignore-tlog "$image" >"$work/verified"
    grep -q "$(digest "$work/$part")" "$work/verified" || fail "the signature of $part does not name it"
  done
fi

say "pulled: the thick bundle with its parts, the thin one without"
for bundle in thick thin; do
  ask "$base/manifests/$bundle" | cmp - "$work/$bundle"
  ask "$base/manifests/$(digest "$work/$bundle.config")" | cmp - "$work/$bundle.config"
  ask "$base/blobs/$(digest "$work/$bundle.bundle")" | cmp - "$work/$bundle.bundle"
done
for part in installer backend; do
  ask "$base/manifests/$(digest "$work/$part")" | cmp - "$work/$part"
  ask "$base/blobs/$(digest "$work/$part.layer")" | cmp - "$work/$part.layer"
done
# Who asks for a remote part is told where it is.
curl --silent "$base/manifests/$(digest "$work/far-backend")" >"$work/answer"
grep -q "$elsewhere/$(digest "$work/far-backend")" "$work/answer" || fail "no word of where the part is: $(cat "$work/answer")"

say "why is a part kept? and a bundle's part cannot be deleted under it"
ask "$base/_moorage/explain/$(digest "$work/backend")"
[ "$(status --request DELETE "$base/manifests/$(digest "$work/backend")")" = 405 ] || fail "a part was deleted"

say "the thick bundle is deleted; a part that has a tag of its own stays"
push_manifest "$oci_manifest" "$work/backend" backend
ask --request DELETE "$base/manifests/$(digest "$work/thick")"

if [ -n "$wait" ]; then
  say "what only the thick bundle needed is collected"
  gone() {
    for file in thick thick.config installer; do
      [ "$(status --head "$base/manifests/$(digest "$work/$file")")" = 404 ] || return 1
    done
    for file in thick.bundle installer.layer installer.config; do
      [ "$(status --head "$base/blobs/$(digest "$work/$file")")" = 404 ] || return 1
    done
  }
  # A look at a blob by someone who may push keeps it for another grace: so it is not looked at all the time.
  for _ in $(seq 6); do
    sleep 10
    if gone; then break; fi
  done
  gone || fail "not everything is gone"
fi
ask "$base/manifests/backend" | cmp - "$work/backend"
ask "$base/blobs/$(digest "$work/backend.layer")" | cmp - "$work/backend.layer"
ask "$base/manifests/thin" | cmp - "$work/thin"
say "done"
