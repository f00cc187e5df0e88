#!/bin/sh
# Fuzzes each target for a while, from the conformance vectors: fuzz/run.sh SECONDS [TARGET…]
# What is found stays in fuzz/artifacts; what is learnt, in fuzz/corpus. Neither is committed.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET…]}
shift
[ $# -gt 0 ] || set -- decode roundtrip split
cargo run --quiet --release -p conformance -- seeds fuzz/corpus/seeds
# A nightly compiler brings the address sanitizer; there is no unsafe code to watch, so a stable one will do.
if cargo +nightly --version >/dev/null 2>&1; then
    fuzz() { cargo +nightly fuzz run "$@"; }
else
    export RUSTC_BOOTSTRAP=1
    fuzz() { cargo fuzz run --sanitizer none "$@"; }
fi
for target in "$@"; do
    mkdir -p "fuzz/corpus/$target"
    fuzz "$target" "fuzz/corpus/$target" fuzz/corpus/seeds -- \
        -max_total_time="$seconds" -max_len=512 -print_final_stats=1
done
