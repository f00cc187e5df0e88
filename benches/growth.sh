#!/bin/sh
# What the codec does with a packet in which something stands N, 2N and 4N times: instructions, and how they grow. Fails when a
# row grows faster than its input. Takes half a minute.
#   benches/growth.sh
set -eu
# An incremental build cuts a crate into pieces, and has other figures.
export CARGO_INCREMENTAL=0
cd "$(dirname "$0")/.."
cargo build --quiet --release -p benches --bin codec-growth
binary=${CARGO_TARGET_DIR:-target}/release/codec-growth
log=$(mktemp)
trap 'rm -f "$log" "$log.cases"' EXIT
steep=0
# collected CASE N
collected() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*measured*' "$binary" "$1" "$2" >"$log" 2>&1 ||
        { cat "$log" >&2; exit 1; }
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log"
}
echo "| instructions for all that is done with | 1,000 | 2,000 | 4,000 | growth |"
echo "|---|---|---|---|---|"
"$binary" >"$log.cases"
while read -r case; do
    one=$(collected "$case" 1000) two=$(collected "$case" 2000) four=$(collected "$case" 4000)
    # Nothing costs nothing: what was to be counted has been renamed.
    [ "$one" -gt 1000 ] || { echo "growth.sh: nothing was counted" >&2; exit 1; }
    # In percent, from N to 4N. A fixed part makes it less than 400; what is quadratic, 1,600.
    growth=$((four * 100 / one))
    echo "| $case | $one | $two | $four | $((growth / 100)).$((growth / 10 % 10)) |"
    [ "$growth" -le 420 ] || steep=$((steep + 1))
done <"$log.cases"
[ "$steep" = 0 ] || { echo "growth.sh: $steep rows grow faster than their input" >&2; exit 1; }
echo "every row grows as its input"
