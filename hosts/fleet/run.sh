#!/bin/sh
# Many real sessions to a mosquitto of its own, in one process: `hosts/fleet/run.sh [SESSIONS [SECONDS]]`, 9000 and 10 unless said.
# Needs: mosquitto, and a limit of open files above the number of sessions (`ulimit -n`), for it and for us.
set -eu
cd "$(dirname "$0")/../.."
sessions=${1:-9000} seconds=${2:-10}
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -gt $((sessions + 100)) ] || { echo "run.sh: $(ulimit -n) open files are too few for $sessions sessions" >&2; exit 2; }
work=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest none\nmax_connections -1\n' "$port" >"$work/mosquitto.conf"
cargo build --quiet --release -p mqtt5-fleet --example crowd
PATH=$PATH:/usr/sbin mosquitto -c "$work/mosquitto.conf" &
broker=$!
trap 'kill $broker 2>/dev/null; rm -rf "$work"' EXIT
sleep 1
"${CARGO_TARGET_DIR:-target}/release/examples/crowd" "127.0.0.1:$port" "$sessions" "$seconds"
