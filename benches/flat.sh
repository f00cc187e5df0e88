#!/bin/sh
# Counts instructions a message of QoS 1 and QoS 2, sent and received, with 1, 100, 10,000 and 65,535 in flight, answered in
# order and at random; fails when a figure is more than 10 % above the one for a single exchange in flight.
#   benches/flat.sh
# A figure counts what the example `scaling` of the session marks: 20,000 exchanges while that many are in flight.
set -eu
cd "$(dirname "$0")/.."
cargo build --quiet --release -p mqtt5-session --features alloc --example scaling
binary=${CARGO_TARGET_DIR:-target}/release/examples/scaling
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
echo "| instructions a message | 1 | 100 | 10,000 | 65,535 |"
echo "|---|---|---|---|---|"
for side in out in; do
    for qos in 1 2; do
        for order in ordered random; do
            # Answers to QoS 1 go out in the order of arrival, whatever order the application gives them in.
            [ "$side $qos $order" != "in 1 random" ] || continue
            row="| QoS $qos $side, $order |" base=
            for flights in 1 100 10000 65535; do
                valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*counted*' \
                    "$binary" $side $qos $flights $order >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
                figure=$(($(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log") / 20000))
                base=${base:-$figure}
                row="$row $figure |"
                if [ $((figure * 10)) -gt $((base * 11)) ]; then
                    echo "flat.sh: QoS $qos $side, $order: $figure with $flights in flight, $base with one" >&2
                    status=1
                fi
            done
            echo "$row"
        done
    done
done
exit $status
