#!/bin/sh
# CPU time a message, syscalls a message and latency: our hosts, rumqttc and paho C, with one mosquitto, in turn.
#   benches/hosts.sh [MESSAGES [ROUNDS]]
# Each figure is the median of the rounds; in each round every client has its turn, so that what else the machine does hits all.
# paho C is left out where its library is not installed (libpaho-mqtt-dev), syscalls where strace is not.
set -eu
cd "$(dirname "$0")/hosts-peers"
messages=${1:-20000} rounds=${2:-5}
cargo build --quiet --release
target=${CARGO_TARGET_DIR:-target}
ours=$(realpath "$target/release/hosts-peers")
folder=$(mktemp -d)
broker=
trap '[ -z "$broker" ] || kill "$broker"; rm -r "$folder"' EXIT
trap 'exit 1' INT TERM
clients="tokio blocking rumqttc"
if cc -O2 -w -o "$folder/paho" src/paho.c -lpaho-mqtt3c 2>"$folder/cc"; then
    clients="$clients paho"
else
    echo "paho C is left out: its library is not installed"
fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$folder/conf" <<CONF
listener $port 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
max_inflight_messages 0
CONF
mosquitto=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mosquitto)
"$mosquitto" -c "$folder/conf" >"$folder/log" 2>&1 &
broker=$!
sleep 1

# run CLIENT TASK QOS WINDOW MESSAGES: what it prints; dashes where it fails
run() {
    program=$ours
    [ "$1" = paho ] && program="$folder/paho"
    # shellcheck disable=SC2086
    timeout 30 ${wrap:-} "$program" "$1" "$2" "$port" "$3" "$4" "$5" $([ "$1" = paho ] && echo "$ours") 2>>"$folder/errors" ||
        echo "- - - -"
}
# median COLUMN FILE: of the rounds; a dash where one failed
median() { cut -d' ' -f"$1" "$2" | sort -g | awk '$1 == "-" { bad = 1 } { v[NR] = $1 } END { print bad ? "-" : v[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { print (a > 0 && b > 0) ? sprintf("%.2f", a / b) : "-" }'; }

echo "$(date -u +%F), $(uname -m), $(nproc) x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
echo "$("$mosquitto" -h | head -n 1), rumqttc $(sed -n 's/^rumqttc.*"=\([0-9.]*\)".*/\1/p' Cargo.toml) (v5), paho C $(dpkg-query -W -f '${Version}' libpaho-mqtt1.3 2>/dev/null || echo -), $(rustc --version)"
echo "$messages messages of 256 bytes a run, medians of $rounds rounds, load $(cut -d' ' -f1 /proc/loadavg) when it began"
echo
echo "CPU time a message, µs, user and system"
echo
head="| task | QoS | window |" line="|---|---|---|"
for client in $clients; do head="$head $client |" line="$line---|"; done
echo "$head tokio : rumqttc | blocking : rumqttc |"
echo "$line---|---|"
for task in publish receive; do
    for qos in 0 1 2; do
        for window in 20 100; do
            rm -f "$folder"/run.*
            for _ in $(seq "$rounds"); do
                for client in $clients; do
                    run "$client" $task $qos $window "$messages" >>"$folder/run.$client"
                done
            done
            row="| $task | $qos | $window |"
            for client in $clients; do row="$row $(median 1 "$folder/run.$client") |"; done
            theirs=$(median 1 "$folder/run.rumqttc")
            echo "$row $(ratio "$(median 1 "$folder/run.tokio")" "$theirs") | $(ratio "$(median 1 "$folder/run.blocking")" "$theirs") |"
        done
    done
done
echo
echo "From publishing to PUBACK at QoS 1, one message at a time, µs"
echo
echo "| client | p50 | p99 | CPU time a message |"
echo "|---|---|---|---|"
rm -f "$folder"/run.*
for _ in $(seq "$rounds"); do
    for client in $clients; do
        # paho C's call that waits for an answer looks ten times a second.
        trips=2000
        [ "$client" = paho ] && trips=100
        run "$client" latency 1 20 $trips >>"$folder/run.$client"
    done
done
for client in $clients; do
    echo "| $client | $(median 2 "$folder/run.$client") | $(median 3 "$folder/run.$client") | $(median 1 "$folder/run.$client") |"
done
if command -v strace >/dev/null; then
    echo
    echo "Syscalls a message, publishing with a window of 100 (strace slows each, which changes what is done at once)"
    echo
    echo "| client | QoS 0 | QoS 1 | QoS 2 | most of them |"
    echo "|---|---|---|---|---|"
    for client in $clients; do
        row="| $client |"
        for qos in 0 1 2; do
            wrap="strace -f -c -U calls,name -o $folder/calls" run "$client" publish $qos 100 "$messages" >/dev/null
            row="$row $(awk -v n="$messages" '$2 == "total" { printf "%.2f", $1 / n }' "$folder/calls") |"
        done
        echo "$row $(awk '$1 ~ /^[0-9]+$/ && $2 != "total" { print $1, $2 }' "$folder/calls" | sort -rn | awk 'NR < 4 { printf "%s%s", sep, $2; sep = ", " }') |"
    done
fi
[ ! -s "$folder/errors" ] || { echo; sort "$folder/errors" | uniq -c; } >&2
