#!/bin/sh
# Runs every measurement in turn, writes what they print to benches/RESULTS.md, and draws benches/plots/*.svg from it.
#   benches/results.sh           all of it: half an hour, and more with other work on the machine
#   benches/results.sh codec …   these parts alone; the others keep what RESULTS.md has of them
# Parts: codec, checks, allocations, growth, flat, openc2, hosts, firmware, fleet.
# Needs: valgrind, mosquitto, python3; what hosts/firmware/check.sh needs; libpaho-mqtt-dev and strace for hosts.sh's last columns.
# A part that fails is told in RESULTS.md, and the status is 1.
set -eu
cd "$(dirname "$0")"
all="codec checks allocations growth flat openc2 hosts firmware fleet"
parts=${*:-$all}
target=$(realpath -m "${CARGO_TARGET_DIR:-../target}")
sections=$target/results
mkdir -p "$sections"
status=0

# Each part: what it is about, the command that anybody can run, and the command.
title() {
    case $1 in
        codec) echo "The codec, in instructions a packet" ;;
        checks) echo "What each codec leaves unchecked" ;;
        allocations) echo "Allocations a decoded packet" ;;
        growth) echo "What a packet of n of everything costs" ;;
        flat) echo "A message with n in flight" ;;
        openc2) echo "OpenC2, in instructions a message" ;;
        hosts) echo "Hosts, over a broker" ;;
        firmware) echo "Bare metal" ;;
        fleet) echo "A fleet" ;;
    esac
}
command_of() {
    case $1 in
        codec) echo "benches/count.sh --peers" ;;
        checks) echo "conformance vectors >vectors.jsonl; (cd benches/peers && cargo run --release --bin peer-checks ../../vectors.jsonl)" ;;
        allocations) echo "cd benches/peers && cargo run --release --bin peer-allocations" ;;
        growth) echo "benches/growth.sh" ;;
        flat) echo "benches/flat.sh" ;;
        openc2) echo "benches/openc2-count.sh" ;;
        hosts) echo "benches/hosts.sh" ;;
        firmware) echo "hosts/firmware/check.sh figures" ;;
        fleet) echo "cargo run --release -p mqtt5-fleet --example million -- 1000000; hosts/fleet/run.sh" ;;
    esac
}
measure() {
    case $1 in
        codec) ./count.sh --peers ;;
        checks)
            cargo run --quiet --release -p conformance -- vectors >"$sections/vectors.jsonl"
            (cd peers && cargo run --quiet --release --bin peer-checks "$sections/vectors.jsonl")
            ;;
        allocations) (cd peers && cargo run --quiet --release --bin peer-allocations) ;;
        growth) ./growth.sh ;;
        flat) ./flat.sh ;;
        openc2) ./openc2-count.sh ;;
        hosts) ./hosts.sh ;;
        # Without the headings, which are gates.md's own.
        firmware) ../hosts/firmware/check.sh figures | sed -n '/^|/p;/^$/p' ;;
        fleet)
            cargo run --quiet --release -p mqtt5-fleet --example million -- 1000000
            echo
            ../hosts/fleet/run.sh
            ;;
        *) echo "results.sh: no part is called $1" >&2; exit 2 ;;
    esac
}

number=0
for part in $parts; do
    number=$((number + 1))
    printf '%s of %s: %s … ' "$number" "$(echo "$parts" | wc -w)" "$(title "$part")" >&2
    begin=$(date +%s)
    said=0
    measure "$part" >"$sections/$part.new" 2>"$sections/$part.log" || said=$?
    [ $said != 2 ] || [ -s "$sections/$part.new" ] || { cat "$sections/$part.log" >&2; exit 2; }
    {
        printf '\n## %s\n\n`%s`, on %s' "$(title "$part")" "$(command_of "$part")" "$(date -u +%F)"
        printf ', load %s when it ended\n\n' "$(cut -d' ' -f1 /proc/loadavg)"
        cat "$sections/$part.new"
        if [ $said != 0 ]; then
            status=1
            printf '\nEnded with %s:\n\n```text\n' $said
            tail -n 20 "$sections/$part.log"
            printf '```\n'
        fi
    } >"$sections/$part.md"
    echo "$(($(date +%s) - begin)) s, status $said" >&2
done

# What stands of the parts that were not run.
kept() { awk -v title="## $1" '/^## / { on = $0 == title } on' RESULTS.md 2>/dev/null; }
{
    echo "# What was measured"
    echo
    echo "Written by \`benches/results.sh\`, which also draws \`plots/\`. How each figure is taken, and what is fair about it: [README](README.md)."
    echo "Instructions repeat exactly; times are of a machine that did other work too, so their ratios within one table are what counts."
    echo
    echo "$(uname -sm), $(nproc) × $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1); $(rustc --version)."
    echo "Peers: $(sed -n 's/^\(mountain-mqtt\|mqtt-protocol-core\|rumqttc\|minimq\) = .*"=\([0-9.]*\)".*/\1 \2/p' peers/Cargo.toml peers/minimq-open/Cargo.toml | paste -sd, | sed 's/,/, /g')."
    for part in $all; do
        if [ -f "$sections/$part.md" ]; then cat "$sections/$part.md"; else printf '\n'; kept "$(title "$part")"; fi
    done
} | cat -s >"$sections/RESULTS.md"
cp "$sections/RESULTS.md" RESULTS.md
cargo run --quiet --release -p benches --features plots --bin plots RESULTS.md plots
exit $status
