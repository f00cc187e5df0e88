#!/bin/sh
# Fuzzes each target for a while, from the conformance vectors: fuzz/run.sh SECONDS [TARGET…]
# What is found stays in fuzz/artifacts; what is learnt, in fuzz/corpus. Neither is committed.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET…]}
shift
[ $# -gt 0 ] || set -- decode roundtrip split
cargo run --quiet --release -p conformance -- seeds fuzz/corpus/seeds
for target in "$@"; do
    mkdir -p "fuzz/corpus/$target"
    cargo +nightly fuzz run "$target" "fuzz/corpus/$target" fuzz/corpus/seeds -- \
        -max_total_time="$seconds" -max_len=512 -print_final_stats=1
done
