#!/usr/bin/env bash
# containerd, through ctr: HEAD, POST, one PUT (as Docker's containerd store, BuildKit and nerdctl push).
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need docker # brings containerd and ctr

# start_containerd NAME: a daemon with a content store of its own.
start_containerd() {
  local dir=$work/$1
  mkdir "$dir"
  cat >"$dir/config.toml" <<TOML
version = 2
root = "$dir/root"
state = "$dir/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$dir/socket"
[ttrpc]
  address = "$dir/socket.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "$dir/opt"
TOML
  start "$dir.log" containerd --config "$dir/config.toml"
  wait_for "$pid" "$dir.log" ctr --address "$dir/socket" version
}

# ctr_at NAME ARGUMENT...
ctr_at() { ctr --address "$work/$1/socket" "${@:2}"; }

image=$REGISTRY/containerd/sample:v1
make_image "$work/pushed"
tar -C "$work/pushed" -cf "$work/pushed.tar" .
start_containerd here
ctr_at here images import --no-unpack --base-name "${image%:*}" "$work/pushed.tar"
ctr_at here images push --plain-http "$image"

start_containerd there
ctr_at there images pull --plain-http --snapshotter native "$image"
equal digest "$digest" "$(ctr_at there images list "name==$image" | awk 'NR == 2 {print $3}')"
ctr_at there images export "$work/pulled.tar" "$image"
mkdir "$work/pulled"
tar -C "$work/pulled" -xf "$work/pulled.tar"
same "$work/pushed/blobs" "$work/pulled/blobs"
