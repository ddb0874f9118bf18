#!/usr/bin/env bash
# The five-minute walk of the README, as a reader types it: the fenced blocks between the lines
# `<!-- walk -->` and `<!-- /walk -->`, run in the checkout. A block opened with "```sh background" (drawn
# like any other on a page) is what the reader leaves running in a terminal of its own: it is started
# first, and is ready when it has printed where it listens. Those opened with "```sh" then run as one
# script that stops at the first command that fails.
#
# It runs in a network and a process namespace of its own: the ports of the README are free there
# whatever else runs on this machine, and what a block leaves running ends with the script.
if [ -z "${WALK_NAMESPACE:-}" ]; then
  # Where it runs there is no network to fetch anything from, so what it needs is there before.
  "$(dirname "$0")/../tools/install.sh" ip docker curl crane oras || exit 1
  (cd "$(dirname "$0")/../.." && cargo build --release) || exit 1
  WALK_NAMESPACE=yes exec unshare --net --pid --fork --kill-child=SIGTERM --mount-proc "$0" "$@"
fi
# shellcheck source=../lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
ip link set lo up

# Storage of its own: a server that already runs on the checkout's data is left alone.
export MOORAGE_DATA=$work/data CARGO_NET_OFFLINE=true

start_docker_engine # a reader has one

# Writes the blocks to walk.sh, the background ones to numbered files beside it.
mkdir "$work/blocks"
if ! awk -v dir="$work/blocks" '
  /^<!-- walk -->/ { walking = 1; walks++ }
  /^<!-- \/walk -->/ { walking = 0 }
  !walking { next }
  /^```/ && block { block = ""; next }
  /^```sh background *$/ { n++; block = dir "/background" n ".sh"; next }
  /^```sh *$/ { block = dir "/walk.sh"; next }
  /^```/ { block = "/dev/null"; next }
  block { print > block }
  END { exit walks == 1 && !walking && !block ? 0 : 1 }
' "$checkout/README.md" || [ ! -s "$work/blocks/walk.sh" ]; then
  fail "README.md has no walk: blocks of sh between <!-- walk --> and <!-- /walk -->"
fi

cd "$checkout"
shopt -s nullglob
for block in "$work"/blocks/background*.sh; do
  start "$block.log" bash -euxo pipefail "$block"
  wait_for "$pid" "$block.log" grep -q 'http://127\.0\.0\.1:[0-9]' "$block.log"
done
bash -euxo pipefail "$work/blocks/walk.sh" || {
  cat "$work"/blocks/*.log
  fail "the walk stopped at the last command above; below that is what the blocks in the background printed"
}
say "the walk ran to its end: $(grep -c . "$work/blocks/walk.sh") lines"
