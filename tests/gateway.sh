#!/usr/bin/env bash
# `moorage serve` on S3 and DynamoDB: MinIO or versitygw, and DynamoDB Local.
#
#   tests/gateway.sh [--s3 minio|versitygw] [PART...]
#
# stable, dev, sparse   the official tool: the released specification, its main branch, that with sparse manifests
# redirected    the stable run once more, with every blob redirected
# clients       real clients
# big           2 GiB by skopeo in one PATCH and back, redirected and streamed, in bounded memory
# many          eight clients with 200 MiB each at once, in bounded memory
#
# All of them without a name. The server is MOORAGE_BIN, else the checkout's release build.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

# What the process may take at most, in KiB as in /proc: for one large blob, and for eight that come at once. Uploads
# share 96 MiB of buffers (shared/aws/src/s3/room.rs); the allocator keeps about as much again of what eight have freed
# (98 and 217 MiB were seen).
big_kib_most=$((150 * 1024)) many_kib_most=$((300 * 1024))
big_bytes=${MOORAGE_BIG_BYTES:-2147483648}

all=(stable dev sparse redirected clients big many)
take_parts "$@"

need curl skopeo
build_server
use_engines "$engine"

peak_kib() { awk '/^VmHWM:/ {print $2}' "/proc/$server/status" || fail "the server is gone"; }

# bounded WHAT MOST: fails where the process has taken more memory.
bounded() {
  local peak
  peak=$(peak_kib)
  say "$1: peak memory $((peak / 1024)) MiB of at most $(($2 / 1024))"
  ((peak <= $2)) || fail "$1 took $peak KiB of memory"
}

start_registry() {
  local setting options=()
  for setting in "${@:2}"; do
    case $setting in
      missing=allow) options+=(--missing allow) ;;
      redirect=all) options+=(--redirect-bytes-min 0) ;;
      *) fail "unknown setting $setting" ;;
    esac
  done
  start_gateway "$1" "${options[@]}"
}

stop_registry() { stop_server; }

registry_logs() { cat "$server_log"; }

part_clients() {
  start_gateway clients
  "$checkout/tests/clients.sh" --registry "$registry" curl docker containerd skopeo podman buildah crane oras regctl \
    cosign oci-client
  stop_server
}

# Runs in a process of its own: the clients' lib.sh gives it an empty home.
make_big_image() (
  REGISTRY=$registry source "$checkout/tests/clients/lib.sh"
  layout=$1
  mkdir -p "$layout/blobs/sha256"
  head -c "$big_bytes" /dev/urandom >"$layout/layer"
  layer=$(add_blob "$layout" application/vnd.oci.image.layer.v1.tar "$layout/layer")
  printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["%s"]}}' \
    "$(grep -o 'sha256:[0-9a-f]*' <<<"$layer")" >"$layout/config"
  config=$(add_blob "$layout" application/vnd.oci.image.config.v1+json "$layout/config")
  write_index "$layout" "$config" "$layer"
)

# timed WHAT COMMAND...: how long a transfer of the big blob took.
timed() {
  local what=$1 began=${EPOCHREALTIME/[.,]/} us
  shift
  "$@"
  us=$((${EPOCHREALTIME/[.,]/} - began))
  say "$what: $((us / 1000000)) s, $((big_bytes / us)) MB/s"
}

part_big() {
  local image
  start_gateway big
  export TMPDIR=$work/tmp
  mkdir -p "$TMPDIR"
  image=docker://$registry/big/skopeo:v1
  make_big_image "$work/big-pushed"
  # Without compression, which would take longer than the rest.
  timed "push of $big_bytes bytes by skopeo" skopeo --insecure-policy copy --quiet --preserve-digests \
    --dest-tls-verify=false "oci:$work/big-pushed:v1" "$image"
  (($(grep '"method":"PATCH"' "$server_log" | grep -c "\"received_bytes\":$big_bytes") == 1)) || fail "the blob did not come in one PATCH"
  bounded "the push of $big_bytes bytes" $big_kib_most
  timed "pull, redirected" skopeo --insecure-policy copy --quiet --preserve-digests --src-tls-verify=false \
    "$image" "oci:$work/big-pulled:v1"
  diff -r --brief "$work/big-pushed/blobs" "$work/big-pulled/blobs" || fail "what was pulled is not what was pushed"
  rm -r "$work/big-pulled"
  stop_server
  start_gateway big --redirect-bytes-min 1000000000000
  timed "pull, streamed" skopeo --insecure-policy copy --quiet --preserve-digests --src-tls-verify=false \
    "docker://$registry/big/skopeo:v1" "oci:$work/big-pulled:v1"
  diff -r --brief "$work/big-pushed/blobs" "$work/big-pulled/blobs" || fail "what was pulled is not what was pushed"
  bounded "the pull of $big_bytes bytes" $big_kib_most
  rm -r "$work/big-pulled" "$work/big-pushed"
  stop_server
}

# push_one NUMBER: one blob in one PATCH of unknown length, then the closing PUT.
push_one() {
  local location digest
  digest=sha256:$(sha256sum "$work/many-$1" | cut -d' ' -f1)
  location=$(curl --silent --fail --request POST --dump-header - "http://$registry/v2/many/$1/blobs/uploads/" |
    tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  curl --silent --show-error --fail --request PATCH --header 'transfer-encoding: chunked' \
    --header 'content-type: application/octet-stream' --upload-file "$work/many-$1" --output /dev/null "http://$registry$location"
  curl --silent --show-error --fail --request PUT --output /dev/null "http://$registry$location?digest=$digest"
}

part_many() {
  local n pushing=()
  start_gateway many
  for n in 1 2 3 4 5 6 7 8; do head -c 209715200 /dev/urandom >"$work/many-$n"; done
  for n in 1 2 3 4 5 6 7 8; do
    push_one "$n" &
    pushing+=($!)
  done
  for n in "${pushing[@]}"; do wait "$n" || fail "a push failed"; done
  bounded "eight pushes of 200 MiB at once" $many_kib_most
  rm "$work"/many-?
  stop_server
}

run_parts gateway
