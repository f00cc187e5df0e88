#!/bin/sh
# Fuzzes each target for a while: fuzz/run.sh SECONDS [TARGET…]
#   decode, roundtrip, split   the codec, from the conformance vectors
#   operations                 the session: any calls of the host and any bytes of the server, in any order
#   openc2_json, openc2_cbor   OpenC2 documents, from those that are measured
#   openc2_transfer            a PUBLISH to a Consumer and a Producer
# RUNS=N ends a target after so many executions instead.
# What is found stays in fuzz/artifacts; what is learnt, in fuzz/corpus. Neither is committed.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET…]}
shift
[ $# -gt 0 ] || set -- decode roundtrip split operations openc2_json openc2_cbor openc2_transfer
# A nightly compiler brings the address sanitizer; there is no unsafe code to watch, so a stable one will do.
if cargo +nightly --version >/dev/null 2>&1; then
    fuzz() { cargo +nightly fuzz run "$@"; }
else
    export RUSTC_BOOTSTRAP=1
    fuzz() { cargo fuzz run --sanitizer none "$@"; }
fi
seeded=no
for target in "$@"; do
    mkdir -p "fuzz/corpus/$target"
    # A packet is no list of operations: those begin from nothing, and need not be short.
    case $target in
        operations) seeds= longest=2048 ;;
        openc2_*)
            seeds=fuzz/corpus/$target-seeds longest=2048
            mkdir -p "$seeds"
            cargo run --quiet --release -p benches --bin openc2-seeds -- "$seeds" "${target#openc2_}"
            ;;
        *)
            seeds=fuzz/corpus/seeds longest=512
            [ "$seeded" = yes ] || cargo run --quiet --release -p conformance -- seeds "$seeds"
            seeded=yes
            ;;
    esac
    fuzz "$target" "fuzz/corpus/$target" $seeds -- \
        ${RUNS:+-runs="$RUNS"} -max_total_time="$seconds" -max_len="$longest" -print_final_stats=1
done
