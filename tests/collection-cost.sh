#!/usr/bin/env bash
# What it costs to collect a manifest and a blob, in calls of the storage, while the registry around them grows; fails
# where that grows too (shared/registry/collect/examples/collection_cost.rs):
#
#   tests/collection-cost.sh [OBJECTS...]
#
# 1,000, 10,000 and 100,000 objects without a choice. 1,000,000 take some minutes, and 10 GB of TMPDIR.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

(($# > 0)) || set -- 1000 10000 100000
(cd "$checkout" && cargo build --release --locked -p moorage-collector --example collection_cost)
# In memory where that is possible: what is counted is not what a disk takes.
if [ -w /dev/shm ] && (($(df --output=avail -k /dev/shm | tail -n 1) > 4 * 1024 * 1024)); then
  export TMPDIR=/dev/shm
fi
"${CARGO_TARGET_DIR:-$checkout/target}/release/examples/collection_cost" "$@"
