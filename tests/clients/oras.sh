#!/usr/bin/env bash
# ORAS (oras-go; notation pushes the same way): POST, one PUT; artifacts, referrers.
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need oras

oras() { command oras "$@" --no-tty; }

artifact=$REGISTRY/oras/sample:v1
make_files "$work/pushed"
mkdir "$work/pulled"
cd "$work/pushed"
digest=$(command oras push --plain-http --format go-template='{{.digest}}' --artifact-type application/vnd.example.sample \
  "$artifact" some/random.bin:application/octet-stream some/folder)
equal digest "$digest" "$(command oras resolve --plain-http "$artifact")"
oras pull --plain-http --output "$work/pulled" "$artifact"
same "$work/pushed" "$work/pulled"

# A referrer is found by its subject, with its annotations.
seq 1 100 >"$work/sbom.json"
oras attach --plain-http --disable-path-validation --artifact-type application/vnd.example.sbom \
  --annotation purpose=test "$artifact" "$work/sbom.json:application/json"
equal referrers "application/vnd.example.sbom test" "$(command oras discover --plain-http --format go-template \
  --template '{{range .referrers}}{{.artifactType}} {{.annotations.purpose}}{{end}}' "$artifact")"

# A copy with its referrers into a layout on disk and back into another repository.
oras copy --recursive --from-plain-http --to-oci-layout "$artifact" "$work/layout:v1"
oras copy --recursive --from-oci-layout --to-plain-http "$work/layout:v1" "$REGISTRY/oras/copy:v1"
equal "digest of the copy" "$digest" "$(command oras resolve --plain-http "$REGISTRY/oras/copy:v1")"
