#!/bin/sh
# Counts instructions per packet under callgrind and prints one table; fails when one of our figures is above its gate in
# gates.csv (the goal, where no gate is recorded).
#   benches/count.sh          ours only: quick, what CI runs
#   benches/count.sh --peers  the peers beside ours, in one run
#   benches/count.sh --record writes today's figures to gates.csv as the gates where a goal is missed
# A figure is exact: the instructions inside the measured loop for 12 repetitions less those for 2, through 10 (callgrind
# collects in that loop only, so that preparing inputs isn't counted; the difference leaves lazy binding out).
set -eu
# An incremental build cuts a crate into pieces, and has other figures.
export CARGO_INCREMENTAL=0
cd "$(dirname "$0")"
peers=no record=no
for option in "$@"; do
    case $option in
        --peers) peers=yes ;;
        --record) record=yes ;;
        *) echo "count.sh [--peers] [--record]" >&2; exit 2 ;;
    esac
done
cargo build --quiet --profile measured -p benches --bin codec-workload --bin nom-workload
target=${CARGO_TARGET_DIR:-../target}
if [ $peers = yes ]; then
    (cd peers && cargo build --quiet --release)
    peer_target=${CARGO_TARGET_DIR:-peers/target}
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# collected COMMAND...: instructions, or nothing when the codec can't do that
collected() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*measured*' "$@" >"$log" 2>&1 || return 0
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log"
}
# figure COMMAND... OPERATION WORKLOAD: instructions per packet, or -
figure() {
    few=$(collected "$@" 2)
    many=$(collected "$@" 12)
    eval "workload=\${$#}"
    packets=10
    [ "$workload" = 5 ] && packets=10000
    if [ -n "$few" ] && [ -n "$many" ]; then echo $(((many - few + packets / 2) / packets)); else echo -; fi
}
cell() { awk -F, -v o="$1" -v w="$2" -v c="$3" '$1 == o && $2 == w { print $c }' gates.csv; }

status=0
for operation in decode text encode; do
    echo
    case $operation in
        text) echo "| decode, every text read as a str | 1 | 2 | 3 | 4 | 5 | 6 | 7 |" ;;
        *) echo "| $operation, instructions per packet | 1 | 2 | 3 | 4 | 5 | 6 | 7 |" ;;
    esac
    echo "|---|---|---|---|---|---|---|---|"
    # The peers have texts as str from the start, or as bytes only: one row serves.
    if [ $peers = yes ] && [ $operation != text ]; then
        for peer in rumqttc mqtt-protocol-core mountain-mqtt minimq; do
            row="| $peer |"
            for workload in 1 2 3 4 5 6 7; do
                row="$row $(figure "$peer_target/release/peer-workload" $peer $operation $workload) |"
            done
            echo "$row"
        done
    fi
    if [ $operation = decode ]; then
        row="| a PUBLISH reader made with nom |"
        for workload in 1 2 3 4 5 6 7; do
            row="$row $(figure "$target/measured/nom-workload" $operation $workload) |"
        done
        echo "$row"
    fi
    ours="| **ours** |" goals="| goal |"
    for workload in 1 2 3 4 5 6 7; do
        got=$(figure "$target/measured/codec-workload" $operation $workload)
        goal=$(cell $operation $workload 3)
        gate=$(cell $operation $workload 4)
        ours="$ours $got |" goals="$goals ${goal:--} |"
        [ -n "$goal" ] || continue
        if [ $record = yes ]; then
            gate=$got
            [ "$got" -le "$goal" ] && gate=
            awk -F, -v OFS=, -v o=$operation -v w=$workload -v g="$gate" '$1 == o && $2 == w { $4 = g } 1' gates.csv >"$log"
            cp "$log" gates.csv
        fi
        # Three in a hundred more are let pass: another machine's libc may copy with other instructions.
        if [ $((got * 100)) -gt $((${gate:-$goal} * 103)) ]; then
            echo "count.sh: $operation $workload takes $got instructions, its gate is ${gate:-$goal}" >&2
            status=1
        fi
    done
    echo "$ours"
    echo "$goals"
done
exit $status
