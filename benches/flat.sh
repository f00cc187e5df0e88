#!/bin/sh
# Counts instructions a message of QoS 1 and QoS 2, sent and received, with 1, 100, 10,000 and 65,535 in flight, answered in
# order and at random; fails when one is more than 10 % above one with fewer in flight (less is no fault: with one alone, each
# message has a read, an answer and a wake-up of its own). Takes a quarter of a minute.
#   benches/flat.sh
# A figure counts what the example `scaling` of the session marks: 20,000 exchanges or more while that many are in flight.
set -eu
# An incremental build cuts a crate into pieces, and has other figures.
export CARGO_INCREMENTAL=0
cd "$(dirname "$0")/.."
cargo build --quiet --release -p mqtt5-session --features alloc --example scaling
binary=${CARGO_TARGET_DIR:-target}/release/examples/scaling
log=$(mktemp)
trap 'rm -f "$log"' EXIT
steep=0
echo "| instructions a message | 1 | 100 | 10,000 | 65,535 |"
echo "|---|---|---|---|---|"
for side in out in; do
    for qos in 1 2; do
        for order in ordered random; do
            row="| QoS $qos $side, $order |" least= rise=
            for flights in 1 100 10000 65535; do
                valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*counted*' \
                    "$binary" $side $qos $flights $order >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
                messages=$(sed -n 's/^\([0-9]*\) messages.*/\1/p' "$log")
                figure=$(($(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log") / messages))
                # No message costs nothing: what was to be counted has been renamed.
                [ "$figure" -gt 0 ] || { echo "flat.sh: nothing was counted" >&2; exit 1; }
                least=${least:-$figure}
                [ "$figure" -ge "$least" ] || least=$figure
                [ $((figure * 10)) -le $((least * 11)) ] || rise="from $least to $figure"
                row="$row $figure |"
            done
            echo "$row"
            if [ -n "$rise" ]; then
                echo "flat.sh: QoS $qos $side, $order: $rise instructions" >&2
                steep=$((steep + 1))
            fi
        done
    done
done
[ "$steep" = 0 ] || { echo "flat.sh: $steep rows rise by more than 10 %" >&2; exit 1; }
echo "no row rises by more than 10 %"
