#!/usr/bin/env bash
# The exhaustive proof: the real operations and collectors, each storage call a step, in every order, each of them
# able to stop for ever at any step; then every rule of the protocol taken away in turn, which must be noticed:
#
#   tests/proof.sh [--full] [--scenario NAME] [--mutant NAME] [--states N] [--every-order]
#
# A minute or two of two cores; --full has larger scenarios too and far higher bounds, and takes hours and some GB.
# With --mutant, a short way to the harm is printed, step by step. Orders that nobody can tell apart are not all
# taken; with --every-order they are, and the same number of worlds must be reached.
set -euo pipefail
cd "$(dirname "$0")/proof"
# Not the caller's target folder, which is the registry's: one that the crates apart share, as what they need is much the same.
export CARGO_TARGET_DIR=$PWD/../target
exec cargo run --quiet --release --locked -- "$@"
