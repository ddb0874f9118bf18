#!/usr/bin/env bash
# What a page of a search costs, in calls of the table and items, and how long it takes, while the registry around it
# grows; fails where the calls or the items grow too (shared/registry/collect/examples/search_cost.rs):
#
#   tests/search-cost.sh [--full] [ARTIFACTS...]
#
# 1,000, 10,000 and 100,000 artifacts without a choice. --full is 1,000,000 too: some minutes, and 7 GB of TMPDIR.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

sizes=(1000 10000 100000) room_gib=4
if [ "${1:-}" = --full ]; then
  sizes+=(1000000) room_gib=10
  shift
fi
(($# == 0)) || sizes=("$@")
(cd "$checkout" && cargo build --release --locked -p moorage-collector --example search_cost)
# In memory where that is possible: what is counted is not what a disk takes.
if [ -w /dev/shm ] && (($(df --output=avail -k /dev/shm | tail -n 1) > room_gib * 1024 * 1024)); then
  export TMPDIR=/dev/shm
fi
"${CARGO_TARGET_DIR:-$checkout/target}/release/examples/search_cost" "${sizes[@]}"
