#!/bin/sh
# Producers and Consumers over mosquitto with TLS, and the packet filter with the real nftables.
#   hosts/oc2/roles.sh          everything that can be done here
#   hosts/oc2/roles.sh tls      only this one (tls, inspect, unix, nftables)
# Needs: mosquitto, openssl, python3 (for free ports and JSON); nftables needs root, nft and ip, and makes a network namespace.
# What needs something that is not there is skipped, and said so. OC2 names another binary than the released one.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin
oc2=${OC2:-${CARGO_TARGET_DIR:-target}/release/oc2}
[ -n "${OC2:-}" ] || cargo build --quiet --release -p oc2
oc2=$(realpath "$oc2")
folder=$(mktemp -d)
# mosquitto gives up being root, and makes its socket in there.
chmod 777 "$folder"
pids=
space=
trap 'stop; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

stop() {
    for pid in $pids; do
        kill "$pid" 2>>"$folder/ended" && wait "$pid" 2>>"$folder/ended" || true
    done
    pids=
    [ -z "$space" ] || ip netns del "$space"
    space=
}

fail() {
    echo "failed: $*" >&2
    cat "$folder"/*.log >&2 || true
    exit 1
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

has() { command -v "$1" >"$folder/which"; }

# Waits until a file has a line.
await() {
    tries=0
    until grep -qs "$2" "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || fail "no \"$2\" in $1"
        sleep 0.1
    done
}

# An authority of our own, and certificates of it: the broker's for 127.0.0.1, and a client's.
certificates() {
    key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    cd "$folder"
    openssl req -x509 $key -days 2 -keyout ca.key -out ca.pem -subj "/CN=roles authority"
    for name in server client; do
        openssl req $key -keyout $name.key -out $name.csr -subj "/CN=$name"
        printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >extensions
        openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out $name.pem
        chmod 644 $name.key
    done
    cd - >which
}

# Starts mosquitto with what is in its configuration.
broker() {
    ${1:-} mosquitto -c "$folder/mosquitto.conf" >"$folder/mosquitto.log" 2>&1 &
    pids="$pids $!"
    await "$folder/mosquitto.log" running
}

consume() {
    name=$1
    shift
    # What one of this name said before is not what is waited for.
    : >"$folder/$name.log"
    "$@" >"$folder/$name.log" 2>&1 &
    pids="$pids $!"
    await "$folder/$name.log" serves
}

tls() {
    has mosquitto && has openssl || { echo "== tls: skipped, mosquitto or openssl is not installed"; return; }
    certificates >"$folder/openssl" 2>&1 || { cat "$folder/openssl"; exit 1; }
    port=$(free_port)
    printf 'listener %s 127.0.0.1\nallow_anonymous true\ncafile %s/ca.pem\ncertfile %s/server.pem\nkeyfile %s/server.key\nrequire_certificate true\n' \
        "$port" "$folder" "$folder" "$folder" >"$folder/mosquitto.conf"
    broker
    at="-h 127.0.0.1 -p $port --cafile $folder/ca.pem --cert $folder/client.pem --key $folder/client.key"
    for device in fw1 fw2 fw3; do
        consume $device "$oc2" consume $at --device $device --slpf
    done
    "$oc2" produce $at deny ipv4_net 198.51.100.0/24 --to-profile slpf -C 3 || fail "three Consumers over TLS"
    "$oc2" produce $at allow ipv6_net 2001:db8::/32 --discover -W 3 --message flat --encoding cbor || fail "those who were found"
    "$oc2" discover $at -C 3 || fail "discovery over TLS"
    "$oc2" demo --broker "mqtts://127.0.0.1:$port" --timeout 10 --cafile "$folder/ca.pem" --cert "$folder/client.pem" \
        --key "$folder/client.key" --svg "$folder/demo.svg" >"$folder/demo.log" || fail "the demo over TLS"
    tail -1 "$folder/demo.log"
    "$oc2" bench $at -C 1000 || fail "a measurement over TLS"
    # A broker that is not believed, and a client that the broker does not believe.
    status=0
    "$oc2" discover -h 127.0.0.1 -p "$port" --tls 2>"$folder/refused" || status=$?
    [ $status = 1 ] && [ "$(wc -l <"$folder/refused")" = 1 ] || fail "a certificate of an unknown authority"
    cat "$folder/refused"
    status=0
    "$oc2" discover -h 127.0.0.1 -p "$port" --cafile "$folder/ca.pem" --connect-timeout 3 2>"$folder/refused" || status=$?
    [ $status = 1 ] && [ "$(wc -l <"$folder/refused")" = 1 ] || fail "a client without a certificate"
    cat "$folder/refused"
    stop
    echo "== tls: ok"
}

# What is encrypted is looked at by standing before the broker.
inspect() {
    has mosquitto && has openssl || { echo "== inspect: skipped, mosquitto or openssl is not installed"; return; }
    [ -e "$folder/ca.pem" ] || certificates >"$folder/openssl" 2>&1 || { cat "$folder/openssl"; exit 1; }
    port=$(free_port) before=$(free_port)
    printf 'listener %s 127.0.0.1\nallow_anonymous true\ncertfile %s/server.pem\nkeyfile %s/server.key\n' \
        "$port" "$folder" "$folder" >"$folder/mosquitto.conf"
    broker
    "$oc2" inspect --brief --listen "127.0.0.1:$before" --to "mqtts://127.0.0.1:$port" --cafile "$folder/ca.pem" \
        >"$folder/inspect.log" 2>&1 &
    pids="$pids $!"
    await "$folder/inspect.log" "Ctrl-C ends"
    status=0
    "$oc2" produce -h 127.0.0.1 -p "$before" query features -W 1 || status=$?
    [ $status = 27 ] || fail "nobody is there"
    await "$folder/inspect.log" DISCONNECT
    for part in CONNECT CONNACK SUBACK "OpenC2  request: query features" PUBACK; do
        grep -q "$part" "$folder/inspect.log" || fail "no \"$part\" was seen"
    done
    stop
    echo "== inspect: ok"
}

unix() {
    has mosquitto || { echo "== unix: skipped, mosquitto is not installed"; return; }
    printf 'listener 0 %s/mqtt.sock\nallow_anonymous true\n' "$folder" >"$folder/mosquitto.conf"
    broker
    consume fw1 "$oc2" consume --unix "$folder/mqtt.sock" --device fw1 --slpf
    "$oc2" produce --unix "$folder/mqtt.sock" deny ipv4_net 10.0.0.1 --to-device fw1 || fail "a socket in the file system"
    stop
    echo "== unix: ok"
}

nftables() {
    has mosquitto && has nft && has ip && [ "$(id -u)" = 0 ] || { echo "== nftables: skipped, it needs root, nft, ip and mosquitto"; return; }
    space=oc2-$$
    ip netns add "$space"
    ip netns exec "$space" ip link set lo up
    inside="ip netns exec $space"
    printf 'listener 1883 127.0.0.1\nallow_anonymous true\n' >"$folder/mosquitto.conf"
    broker "$inside"
    consume fw7 $inside "$oc2" consume -h 127.0.0.1 --device fw7 --nftables
    produce="$inside $oc2 produce -h 127.0.0.1 --to-device fw7"
    $produce deny ipv4_net 198.51.100.0/24 --arg slpf.direction=egress --arg slpf.drop_process=reject || fail "deny"
    $produce deny ipv4_connection protocol=udp dst_port=9999 || fail "deny a connection"
    $produce allow ipv6_net 2001:db8::/32 || fail "allow"
    $inside nft list table inet oc2 >"$folder/rules"
    for rule in 'ip daddr 198.51.100.0/24 reject' 'udp dport 9999 drop' 'ip6 saddr 2001:db8::/32 accept'; do
        grep -q "$rule" "$folder/rules" || fail "no rule \"$rule\""
    done
    # The rule does what it says: a datagram to the port does not arrive.
    cat >"$folder/datagram.py" <<'PYTHON'
import socket, sys
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", 9999))
receiver.settimeout(1)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    sender.sendto(b"x", ("127.0.0.1", 9999))
    receiver.recv(1)
    sys.exit(0)
except OSError:
    sys.exit(1)
PYTHON
    ! $inside python3 "$folder/datagram.py" || fail "a denied datagram arrived"
    $produce delete slpf:rule_number 1010 || fail "delete"
    $inside python3 "$folder/datagram.py" || fail "an allowed datagram did not arrive"
    status=0
    $produce deny ipv4_net 10.0.0.1 --arg slpf.drop_process=false_ack || status=$?
    [ $status = 1 ] || fail "what nftables can't do"
    stop
    echo "== nftables: ok"
}

for part in ${*:-tls inspect unix nftables}; do
    $part
done
