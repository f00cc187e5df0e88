#!/bin/sh
# What a message costs in which one construct is repeated 1,000, 2,000 and 4,000 times: instructions to read it, to read it
# without its last byte, to have a Consumer answer it so, and to write it in the other encoding. Fails when what the second
# doubling adds is more than 2.6 times what the first one adds (2 is linear, 2.2 is n log n, 4 is quadratic), or when a byte takes
# more than 400 instructions. Two minutes.
#   benches/openc2-growth.sh
set -eu
# An incremental build cuts a crate into pieces, and has other figures.
export CARGO_INCREMENTAL=0
cd "$(dirname "$0")"
cargo build --quiet --profile measured -p benches --bin openc2-growth
binary=${CARGO_TARGET_DIR:-../target}/measured/openc2-growth
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
valgrind --tool=callgrind --callgrind-out-file="$folder/out" --toggle-collect='*measured*' --dump-before='*end_of_figure*' \
    "$binary" >"$folder/names" 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
number=0
while read -r name; do
    number=$((number + 1))
    echo "$name;$(sed -n 's/^totals: *\([0-9]*\).*/\1/p' "$folder/out.$number")"
done <"$folder/names" >"$folder/figures"
# A row is three lines.
awk -F';' '
    BEGIN {
        print "| instructions | form | operation | bytes | 1,000 | 2,000 | 4,000 | growth | a byte |"
        print "|---|---|---|---|---|---|---|---|---|"
    }
    { figure[(NR - 1) % 3] = $5 }
    NR % 3 == 0 {
        first = figure[1] - figure[0]; second = figure[2] - figure[1]
        # What stays the same but for some noise does not grow.
        flat = figure[2] < 1.1 * figure[0] || second < 3000
        growth = flat ? "-" : sprintf("%.2f", second / (first > 0 ? first : 1))
        byte = figure[2] / $4
        printf "| %s | %s | %s | %d | %d | %d | %d | %s | %.1f |\n", $1, $2, $3, $4, figure[0], figure[1], figure[2], growth, byte
        if (!(figure[0] > 0)) { print "openc2-growth.sh: nothing was counted: " $1 > "/dev/stderr"; bad++ }
        if (!flat && growth > 2.6) { print "openc2-growth.sh: " $1 ", " $2 ", " $3 ": grows by " growth > "/dev/stderr"; bad++ }
        if (byte > 400) { print "openc2-growth.sh: " $1 ", " $2 ", " $3 ": " byte " instructions a byte" > "/dev/stderr"; bad++ }
        rows++
    }
    END {
        if (NR % 3 || rows < 300) { print "openc2-growth.sh: " NR " figures are not what was to be counted" > "/dev/stderr"; exit 1 }
        if (bad) exit 1
        print rows " rows, none grows faster than its input"
    }' "$folder/figures"
