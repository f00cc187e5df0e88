#!/bin/sh
# Runs `conformance interop` against a mosquitto of its own, on a free port. Arguments go to the tool.
set -eu
cd "$(dirname "$0")/.."
broker=$(command -v mosquitto || echo /usr/sbin/mosquitto)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
folder=$(mktemp -d)
cat >"$folder/mosquitto.conf" <<END
listener $port 127.0.0.1
allow_anonymous true
max_queued_messages 0
END
cargo build --quiet ${PROFILE---release} -p conformance
"$broker" -c "$folder/mosquitto.conf" >"$folder/log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT
tries=0
until (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null || python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || { cat "$folder/log" >&2; exit 1; }
    sleep 0.1
done
"${CARGO_TARGET_DIR:-target}/release/conformance" interop --broker "mqtt://127.0.0.1:$port" "$@"
