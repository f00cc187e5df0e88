#!/bin/sh
# A bare-metal Consumer, a real broker and a Producer: starts mosquitto, then QEMU with the board's UART as a TCP connection to
# it, then twice the Producer of openc2/examples, each of which has to be told that what it commanded was done. The board ends
# when it has answered both, with its own status.
# Needs: a compiler (see toolchain.sh), cargo for this machine, mosquitto, qemu-system-arm, python3.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
broker='' board=''
trap 'kill $board $broker 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "broker.sh: $*" >&2; cat "$work"/*.log >&2; exit 1; }
# within SECONDS COMMAND...: tries until it succeeds
within() {
    left=$(($1 * 10))
    shift
    until "$@" 2>/dev/null; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
}

(cd ../.. && cargo build --quiet -p openc2-mqtt --example producer)
producer=$(cd ../.. && echo "${CARGO_TARGET_DIR:-$PWD/target}")/debug/examples/producer
# In a shell of its own, whose PATH is not ours.
(. ./toolchain.sh && firmware_cargo build --quiet --release --bin firewall)
firewall=${CARGO_TARGET_DIR:-target}/thumbv7em-none-eabi/release/firewall

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\n' "$port" >"$work/mosquitto.conf"
PATH=$PATH:/usr/sbin mosquitto -v -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
broker=$!
within 10 grep -q "Opening ipv4 listen socket" "$work/mosquitto.log" || fail "mosquitto doesn't start"
timeout 60 qemu-system-arm -M mps2-an386 -cpu cortex-m4 -nographic -monitor none -serial "tcp:127.0.0.1:$port" \
    -semihosting-config enable=on,target=native -kernel "$firewall" >"$work/board.log" 2>&1 &
board=$!
within 20 grep -q ready "$work/board.log" || fail "the board doesn't subscribe"
for time in first second; do
    timeout 20 "$producer" "127.0.0.1:$port" >"$work/producer.log" 2>&1 || fail "the Producer fails"
    grep -q '^firewall7@example.com: 200' "$work/producer.log" || fail "the Producer isn't answered the $time time"
    cat "$work/producer.log"
done
said=0
wait $board || said=$?
board=
[ $said = 7 ] || fail "the board ends with $said, not with 7"
[ "$(grep -c '^deny' "$work/board.log")" = 2 ] || fail "the board didn't carry out two commands"
grep -q "Received DISCONNECT from firewall7" "$work/mosquitto.log" || fail "the board said no goodbye"
echo "a Consumer on a Cortex-M4 was commanded twice over mosquitto, and answered"
