#!/usr/bin/env bash
# Ours against otupy (PyPI), an independent implementation in Python: each as Producer and as Consumer, in JSON and in CBOR, over
# mosquitto; first the library's roles, then the command line's. What each told is compared with what it has to be. Status 0 if
# all of it is, 77 if otupy does not install here. OC2 names another binary than the released one.
#   tests/otupy.sh                    installs otupy into a virtual environment of its own
#   OTUPY_PYTHON=... tests/otupy.sh   takes a Python that has it
# (otupy as Producer waits four seconds for each command, whoever has answered.)
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin
version=1.1.0
work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT

python=${OTUPY_PYTHON:-}
if [ -z "$python" ]; then
    # Without what only its actuators for OpenStack, Kubernetes and Docker need, which would be most of it.
    needs=('aenum>=3.1.15' cbor2==5.6.5 paho-mqtt==2.1.0 requests idna fqdn email-validator macaddress rfc3987 xmltodict flask werkzeug
        mediatype pyyaml)
    python=$work/venv/bin/python
    if ! { python3 -m venv "$work/venv" && "$python" -m pip install --quiet --no-deps "otupy==$version" &&
        "$python" -m pip install --quiet "${needs[@]}"; } >"$work/pip.log" 2>&1; then
        echo "otupy $version does not install here:"
        tail -3 "$work/pip.log"
        exit 77
    fi
fi

cargo build --quiet --package openc2-mqtt --example peer
peer=${CARGO_TARGET_DIR:-target}/debug/examples/peer
oc2=${OC2:-${CARGO_TARGET_DIR:-target}/release/oc2}
[ -n "${OC2:-}" ] || cargo build --quiet --release --package oc2
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >"$work/mosquitto.conf"
mosquitto -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
pids+=($!)

# ready LOG: waits until a program has said so, ours in JSON.
ready() {
    for _ in $(seq 100); do
        grep -q '^ready\|"type":"ready"' "$1" && return 0
        sleep 0.1
    done
    echo "not ready after 10 seconds:"
    cat "$1"
    return 1
}

# same WHAT FILE: compares a file with standard input.
status=0
same() {
    if diff <(cat) "$2" >"$work/diff"; then
        echo "$1: as expected"
    else
        echo "$1: not as expected (<), but (>)"
        cat "$work/diff"
        status=1
    fi
}

for _ in $(seq 50); do
    python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null && break
    sleep 0.1
done

for encoding in json cbor; do
    "$peer" consumer "127.0.0.1:$port" >"$work/ours.txt" 2>&1 &
    consumer=$!
    pids+=($consumer)
    ready "$work/ours.txt"
    "$python" tests/otupy/producer.py "$port" "$encoding" firewall7 >"$work/theirs.txt" 2>"$work/theirs.log" || cat "$work/theirs.log"
    kill $consumer
    same "otupy's Producer, $encoding, to our Consumer" "$work/theirs.txt" <<'EXPECTED'
query features: firewall7@example.com 200 ['slpf']
deny ipv4_net: firewall7@example.com 200
deny ipv4_net at another: firewall7@example.com 404
deny file: firewall7@example.com 501
EXPECTED
    same "our Consumer about it" "$work/ours.txt" <<'EXPECTED'
ready
answered 200 OK None {}
deny Ipv4Net(Ipv4Net { address: 198.51.100.0, prefix: Some(24) }) {}
answered 404 Not Found None {}
answered 501 Not Implemented None {}
EXPECTED

    "$python" tests/otupy/consumer.py "$port" "$encoding" >"$work/theirs.txt" 2>"$work/theirs.log" &
    consumer=$!
    pids+=($consumer)
    ready "$work/theirs.txt"
    sleep 1 # its subscriptions are on their way
    "$peer" producer "127.0.0.1:$port" otupy7 "$encoding" wrapper >"$work/ours.txt" 2>&1
    kill $consumer
    same "our Producer, $encoding, to otupy's Consumer" "$work/ours.txt" <<'EXPECTED'
query features: otupy7 200 OK ["slpf"]
deny ipv4_net: otupy7 200 OK
delete slpf:rule_number: otupy7 500 Internal Error
EXPECTED
done

# told FORMAT: a line for each JSON object of the command line that has what is named in there.
told() {
    "$python" -c '
import json, sys
for line in sys.stdin:
    try:
        print(sys.argv[1].format_map(json.loads(line)).rstrip())
    except KeyError:
        pass' "$1"
}

at="-h 127.0.0.1 -p $port"
for encoding in json cbor; do
    "$oc2" consume $at --device firewall7 --from firewall7@example.com --slpf --json >"$work/ours.txt" 2>"$work/ours.log" &
    consumer=$!
    pids+=($consumer)
    ready "$work/ours.txt"
    "$python" tests/otupy/producer.py "$port" "$encoding" firewall7 >"$work/theirs.txt" 2>"$work/theirs.log" || cat "$work/theirs.log"
    kill $consumer
    same "otupy's Producer, $encoding, to oc2 consume" "$work/theirs.txt" <<'EXPECTED'
query features: firewall7@example.com 200 ['slpf']
deny ipv4_net: firewall7@example.com 200
deny ipv4_net at another: firewall7@example.com 404
deny file: firewall7@example.com 501
EXPECTED
    told '{type} {status}' <"$work/ours.txt" >"$work/replies.txt"
    same "oc2 consume about it" "$work/replies.txt" <<'EXPECTED'
reply 200
reply 200
reply 404
reply 501
EXPECTED

    "$python" tests/otupy/consumer.py "$port" "$encoding" >"$work/theirs.txt" 2>"$work/theirs.log" &
    consumer=$!
    pids+=($consumer)
    ready "$work/theirs.txt"
    sleep 1 # its subscriptions are on their way
    for words in "query features profiles" "deny ipv4_net 198.51.100.0/24" "delete slpf:rule_number 7"; do
        ended=0
        "$oc2" produce $at $words --actuator slpf --to-device otupy7 --encoding "$encoding" --json >"$work/ours.json" || ended=$?
        told "$words: {from} {status}" <"$work/ours.json"
        echo "status $ended"
    done >"$work/ours.txt"
    kill $consumer
    same "oc2 produce, $encoding, to otupy's Consumer" "$work/ours.txt" <<'EXPECTED'
query features profiles: otupy7 200
status 0
deny ipv4_net 198.51.100.0/24: otupy7 200
status 0
delete slpf:rule_number 7: otupy7 500
status 1
EXPECTED
done
exit $status
