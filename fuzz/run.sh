#!/usr/bin/env bash
# Fuzzes each target for a while: fuzz/run.sh SECONDS [TARGET…]
#   decode, roundtrip, split   the codec, from the conformance vectors
#   structured                 the codec: packets that may be sent, changed here and there (not among those that run when none is named)
#   topics                     names, filters and matching, against a plain reading of the standard
#   operations                 the session: any calls of the host and any bytes of the server, in any order
#   openc2_json, openc2_cbor   OpenC2 documents, from those that are measured
#   openc2_transfer            a PUBLISH to a Consumer and a Producer
#   differential               our codec and other crates' (not among those that run when none is named: it builds some 100 crates)
# RUNS=N ends a target after so many executions instead. What it did is told while it runs: executions, coverage, finds.
# What is found stays in fuzz/artifacts; what is learnt, in fuzz/corpus. Neither is committed.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET…]}
shift
[ $# -gt 0 ] || set -- decode roundtrip split topics operations openc2_json openc2_cbor openc2_transfer
# A nightly compiler brings the address sanitizer; there is no unsafe code to watch, so a stable one will do.
if cargo +nightly --version >/dev/null 2>&1; then
    fuzz() { cargo +nightly fuzz run "$@"; }
else
    export RUSTC_BOOTSTRAP=1
    fuzz() { cargo fuzz run --sanitizer none "$@"; }
fi
seeded=no
found=no
for target in "$@"; do
    mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
    folder=fuzz words=fuzz/mqtt.dict longest=512 seeds=
    # A packet is no list of operations: those begin from nothing, and need not be short.
    case $target in
        operations) longest=2048 ;;
        structured) longest=64 words= ;;
        topics)
            seeds=fuzz/corpus/topics-seeds
            mkdir -p "$seeds"
            printf 'a/+/c\na/b/c' >"$seeds/1"
            printf '$share/g/#\n$SYS/a' >"$seeds/2"
            printf '#\n/' >"$seeds/3"
            ;;
        openc2_*)
            seeds=fuzz/corpus/$target-seeds longest=2048 words=fuzz/openc2.dict
            mkdir -p "$seeds"
            cargo run --quiet --release -p benches --bin openc2-seeds -- "$seeds" "${target#openc2_}"
            ;;
        *)
            seeds=fuzz/corpus/seeds
            [ "$target" != differential ] || folder=fuzz/differential
            [ "$seeded" = yes ] || cargo run --quiet --release -p conformance -- seeds "$seeds"
            seeded=yes
            ;;
    esac
    # Folders and files of the fuzzer itself are named from where we are.
    fuzz --fuzz-dir "$folder" "$target" "$PWD/fuzz/corpus/$target" ${seeds:+"$PWD/$seeds"} -- \
        ${RUNS:+-runs="$RUNS"} -max_total_time="$seconds" -max_len="$longest" ${words:+-dict="$PWD/$words"} \
        -artifact_prefix="$PWD/fuzz/artifacts/$target/" -print_final_stats=1 2>&1 |
        python3 fuzz/progress.py "$target" || found=yes
done
[ "$found" = no ]
