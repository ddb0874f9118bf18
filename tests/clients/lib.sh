# shellcheck shell=bash
# What the client scripts share. Each is run with REGISTRY=host:port in its environment, and pushes to
# repositories below its own name, so that all may run at once against one registry.
# shellcheck source=../lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

[ -n "${REGISTRY:-}" ] || fail "REGISTRY (host:port) is not set"

# Clients keep settings and credentials at home; each gets an empty one, and the user's stays as it is.
# TMPDIR is theirs too: containers/image would otherwise leave layers in /var/tmp.
export HOME=$work/home XDG_RUNTIME_DIR=$work/run TMPDIR=$work/tmp
unset XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME
mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$TMPDIR"

# Bytes of each layer's large file. Where the functions are tested, a blob must fit a request of theirs.
random_bytes=${MOORAGE_LAYER_BYTES:-6000000}

# A folder with files whose bytes no registry has seen before, so that every push really uploads.
make_files() {
  mkdir -p "$1/some/folder"
  head -c "$random_bytes" /dev/urandom >"$1/some/random.bin"
  seq 1 5000 >"$1/some/folder/numbers.txt"
  : >"$1/some/folder/empty"
}

sha256() { sha256sum "$1" | cut -d' ' -f1; }

# Puts a file into a layout's blobs, and prints its descriptor.
add_blob() {
  local layout=$1 media_type=$2 file=$3 digest
  digest=$(sha256 "$file")
  mv "$file" "$layout/blobs/sha256/$digest"
  printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}' \
    "$media_type" "$digest" "$(stat -c %s "$layout/blobs/sha256/$digest")"
}

# write_index LAYOUT CONFIG LAYERS: ends a layout with a manifest, tagged v1, whose digest is then in $digest.
write_index() {
  local layout=$1 manifest media_type=application/vnd.oci.image.manifest.v1+json
  printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' "$media_type" "$2" "$3" >"$layout/manifest"
  digest=sha256:$(sha256 "$layout/manifest")
  manifest=$(add_blob "$layout" "$media_type" "$layout/manifest")
  printf '{"schemaVersion":2,"manifests":[%s,"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}' \
    "${manifest%\}}" >"$layout/index.json"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
}

# make_image LAYOUT: an OCI image layout with an image of two fresh layers; sets $digest as above.
make_image() {
  local layout=$1 n config diff_ids='' layers=''
  mkdir -p "$layout/blobs/sha256"
  for n in 1 2; do
    make_files "$layout/files$n/layer$n"
    tar -C "$layout/files$n" -cf "$layout/layer.tar" .
    rm -r "$layout/files$n"
    diff_ids+=${diff_ids:+,}\"sha256:$(sha256 "$layout/layer.tar")\"
    gzip -1n "$layout/layer.tar"
    layers+=${layers:+,}$(add_blob "$layout" application/vnd.oci.image.layer.v1.tar+gzip "$layout/layer.tar.gz")
  done
  printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$diff_ids" >"$layout/config"
  config=$(add_blob "$layout" application/vnd.oci.image.config.v1+json "$layout/config")
  write_index "$layout" "$config" "$layers"
}

# same EXPECTED GOT: two files, or two folders with all that is in them, byte for byte.
same() {
  diff -r --brief "$1" "$2" || fail "what was pulled is not what was pushed ($1, $2)"
}

# equal WHAT EXPECTED GOT
equal() {
  [ "$2" = "$3" ] || fail "$1: wanted $2, got $3"
}
