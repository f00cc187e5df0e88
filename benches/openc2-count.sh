#!/bin/sh
# Counts instructions per OpenC2 message under callgrind and prints one table; fails when a figure is above its gate in
# openc2-gates.csv.
#   benches/openc2-count.sh
#   benches/openc2-count.sh --record   writes today's figures as the gates
# A figure is exact: the instructions inside the measured loop for 12 messages less those for 2, through 10, as in count.sh.
set -eu
# An incremental build cuts a crate into pieces, and has other figures.
export CARGO_INCREMENTAL=0
cd "$(dirname "$0")"
record=no
[ "${1:-}" != --record ] || record=yes
cargo build --quiet --profile measured -p benches --bin openc2-workload
binary=${CARGO_TARGET_DIR:-../target}/measured/openc2-workload
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# collected ARGUMENTS...: instructions, or nothing when there is no such measurement
collected() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*measured*' "$binary" "$@" >"$log" 2>&1 || return 0
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log"
}

status=0
[ $record = no ] || echo "operation,form,message,gate" >openc2-gates.csv
echo "| instructions per message | small command | small response | median command | median response | large command | large response |"
echo "|---|---|---|---|---|---|---|"
for operation in decode encode convert; do
    for form in json cbor concise; do
        row="| $operation, $form |"
        for message in 0 1 2 3 4 5; do
            few=$(collected $operation $form $message 2)
            many=$(collected $operation $form $message 12)
            if [ -z "$few" ] || [ -z "$many" ]; then
                row="$row - |"
                continue
            fi
            figure=$(((many - few + 5) / 10))
            row="$row $figure |"
            [ $record = no ] || echo "$operation,$form,$message,$figure" >>openc2-gates.csv
            gate=$(awk -F, -v o=$operation -v f=$form -v m=$message '$1 == o && $2 == f && $3 == m { print $4 }' openc2-gates.csv)
            # Three in a hundred more are let pass: another machine's libc may copy with other instructions.
            if [ $((figure * 100)) -gt $((${gate:-0} * 103)) ]; then
                echo "openc2-count.sh: $operation $form $message takes $figure instructions, its gate is ${gate:-missing}" >&2
                status=1
            fi
        done
        echo "$row"
    done
done
# figure OPERATION FORM: of the large messages
figure() { awk -F, -v o="$1" -v f="$2" '$1 == o && $2 == f && $3 >= 4 { sum += $4 } END { print sum }' openc2-gates.csv; }
for operation in encode convert; do
    if [ "$(figure $operation cbor)" -gt $((2 * $(figure $operation json))) ]; then
        echo "openc2-count.sh: $operation of large messages costs more than twice as much in CBOR as in JSON" >&2
        status=1
    fi
done
exit $status
