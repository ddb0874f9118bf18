#!/usr/bin/env bash
# Runs many clients and collectors, the real ones, in simulated worlds on the embedded table: one storage call at a
# time, in an order, with failing calls and dying actors, that a seed draws. An auditor looks at the world after each
# call. Prints how often each thing happened; fails where one never did, or with the seed of a world that went wrong.
#
#   tests/simulation.sh [--seeds N] [--full]     so many worlds: 1,000 without an option, 10,000 with --full
#   tests/simulation.sh --seed S                 one of them once more, with all its steps
#   tests/simulation.sh --mutant NAME            without a rule of the protocol (shared/registry/collect/src/mutants.rs):
#                                                fails unless a world goes wrong
#   tests/simulation.sh --mutants [--seeds N]    without each of them: fails unless each makes one of so many worlds go
#                                                wrong, 1000 if nothing is said
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

seeds=
most=1000
options=()
while [ $# -gt 0 ]; do
  case $1 in
    --full)
      most=10000
      shift
      continue
      ;;
    --mutants)
      most=1000
      options+=("$1")
      shift
      continue
      ;;
    --seeds) seeds=$2 ;;
    --seed | --mutant) options+=("$1" "$2") ;;
    *) fail "unknown option $1" ;;
  esac
  shift 2
done

# Not the caller's target folder, which is the registry's: one that the crates apart share, as what they need is much the same.
export CARGO_TARGET_DIR=$checkout/tests/target
(cd "$checkout/tests/simulation" && cargo build --release --locked)
exec "$CARGO_TARGET_DIR/release/moorage-simulation" \
  --seeds "${seeds:-$most}" --threads "$(nproc)" ${options[@]+"${options[@]}"}
