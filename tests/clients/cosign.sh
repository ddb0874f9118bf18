#!/usr/bin/env bash
# cosign signs and verifies with a local key, with both ways of keeping a signature: under a tag made of
# the image's digest, and as a Sigstore bundle that refers to the image (OCI 1.1). No network, no log.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cosign crane oras

cd "$work"
export COSIGN_PASSWORD=secret
cosign generate-key-pair
cosign generate-key-pair --output-key-prefix other
make_image image

# sign_and_verify REPOSITORY SIGN_OPTION...
sign_and_verify() {
  local image=$REGISTRY/cosign/$1@$digest
  crane push image "$REGISTRY/cosign/$1:v1"
  # A signing configuration without services would say the same as the two flags, but asks the network for trusted roots.
  cosign sign --key cosign.key --allow-http-registry --use-signing-config=false --tlog-upload=false "${@:2}" "$image"
  verify cosign.pub "$image" >"$work/verified.json"
  grep -q "\"docker-manifest-digest\":\"$digest\"" "$work/verified.json" || fail "the signature does not name $digest"
  if verify other.pub "$image"; then fail "$1: verified with the wrong key"; fi
}

verify() { cosign verify --key "$1" --allow-http-registry --insecure-ignore-tlog "$2"; }

sign_and_verify by-tag --new-bundle-format=false
equal "tags with a signature by tag" "${digest/:/-}.sig v1" "$(crane ls "$REGISTRY/cosign/by-tag" | xargs)"

sign_and_verify by-referrer
# No tag `<algorithm>-<digest>` is left: the bundle is found by the referrers API alone.
equal "tags with a signature that refers" v1 "$(crane ls "$REGISTRY/cosign/by-referrer" | xargs)"
equal referrers application/vnd.dev.sigstore.bundle.v0.3+json "$(oras discover --plain-http --format go-template \
  --template '{{range .referrers}}{{.artifactType}}{{end}}' "$REGISTRY/cosign/by-referrer:v1")"
