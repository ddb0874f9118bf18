#!/usr/bin/env bash
# Builds every fuzz target with a stable compiler and runs each for some seconds; fails if one crashes.
#
#   tests/fuzz/run.sh [seconds, 10 by default] [target ...]
#
# A target is one file in src/bin (and its crate in Cargo.toml); seeds/<target>/ and <target>.dict are
# taken if they are there. What was found is kept in corpus/, what crashed in crashes/ (not committed).
# Needs a C++ compiler for libFuzzer, and nothing that is unstable: the flags are those that `cargo fuzz`
# gives, without the address sanitizer (the code is safe Rust).
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-10}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for file in src/bin/*.rs; do targets+=("$(basename "$file" .rs)"); done
fi

host=$(rustc -vV | sed -n 's/^host: //p')
# With --target these reach the code under test only, not build scripts and macros.
export RUSTFLAGS="-Cpasses=sancov-module -Ccodegen-units=1 --cfg fuzzing \
-Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
cargo build --locked --release --target-dir target --target "$host" "${targets[@]/#/--bin=}"

for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "crashes/$target"
    inputs=("corpus/$target")
    [ -d "seeds/$target" ] && inputs+=("seeds/$target")
    options=(-max_total_time="$seconds" -artifact_prefix="crashes/$target/" -timeout=5 -print_final_stats=1)
    [ -f "$target.dict" ] && options+=(-dict="$target.dict")
    log=$(mktemp)
    echo "fuzz $target: $seconds seconds"
    if ! "target/$host/release/$target" "${options[@]}" "${inputs[@]}" >"$log" 2>&1; then
        tail -n 60 "$log"
        rm -f "$log"
        echo "fuzz $target: CRASHED; run it again with: $PWD/target/$host/release/$target $PWD/crashes/$target/<file>" >&2
        exit 1
    fi
    sed -n 's/^stat::number_of_executed_units: *\(.*\)/fuzz '"$target"': \1 runs without a crash/p' "$log"
    grep -o 'DONE *cov: [0-9]* ft: [0-9]* corp: [0-9/a-zA-Z]*' "$log" || true
    rm -f "$log"
done
