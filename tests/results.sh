#!/bin/sh
# Judges brokers and clients, and writes tests/RESULTS.md: who keeps what, with versions and date.
#   tests/results.sh [FILE]
# Needs: cargo, python3, what brokers.sh says, mosquitto_sub and mosquitto_rr (Debian's mosquitto-clients), paho-mqtt (PyPI), node with
# the package mqtt (npm) in NODE_PATH, a C compiler with libpaho-mqtt-dev (Debian). Whoever is not installed is skipped, and said so.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin
output=${1:-tests/RESULTS.md}
. tests/brokers.sh
cargo build --quiet --profile "$profile" -p conformance
export CONFORMANCE="$built/conformance"

# Judges one, by `judge NAME COMMAND…`: a report of the name in the folder. Failures are what is looked for.
judge() {
    name=$1
    shift
    echo "== $name"
    "$CONFORMANCE" "$@" --json >"$folder/$name.json" 2>"$folder/$name.err" || [ -s "$folder/$name.json" ] || cat "$folder/$name.err"
}

brokers=
for broker in mosquitto rumqttd ejabberd; do
    if start "$broker"; then
        judge "$broker" broker "$url" $more
        [ ! -s "$folder/$broker.json" ] || brokers="$brokers $broker=$about"
        stop
    else
        echo "== $broker: skipped, it is not installed"
    fi
    brokers=$(printf '%s' "$brokers" | tr ' ' '~' | sed 's/~\([a-z]*\)=/ \1=/g')
done

clients=
# A client: its name here, what it is, and its command; skipped where what it is can't be told.
client() {
    if [ -z "$2" ]; then
        echo "== $1: skipped, it is not installed"
        return
    fi
    judge "$1" peer --exec "$3"
    [ ! -s "$folder/$1.json" ] || clients="$clients $1=$(printf '%s' "$2" | tr ' ' '~')"
}
version=$(cargo metadata --no-deps --format-version 1 | python3 -c 'import json, sys
print(*[p["version"] for p in json.load(sys.stdin)["packages"] if p["name"] == "mqtt5-session"])')
client ours "mqtt5-session $version" "python3 tests/peers/ours.py"
client paho "$(python3 -c 'import importlib.metadata as m; print("paho-mqtt", m.version("paho-mqtt"))' 2>"$folder/no" || true)" \
    "python3 tests/peers/paho_python.py"
client mqttjs "$(node -p '"MQTT.js " + require("mqtt/package.json").version' 2>"$folder/no" || true)" "node tests/peers/mqttjs.mjs"
if cargo build --quiet --manifest-path tests/peers/rumqttc/Cargo.toml --target-dir "$target/peers"; then
    version=$(cargo tree --manifest-path tests/peers/rumqttc/Cargo.toml -i rumqttc --depth 0 | sed -n 's/^rumqttc v//p')
    client rumqttc "rumqttc $version" "$target/peers/debug/peer-rumqttc"
fi
if cc -o "$folder/paho_c" tests/peers/paho_c.c -lpaho-mqtt3c 2>"$folder/no"; then
    client paho-c "Paho C $("$folder/paho_c" version)" "$folder/paho_c"
else
    echo "== paho-c: skipped, it is not installed"
fi
client mosquitto-clients "$(mosquitto_sub --help 2>"$folder/no" | sed -n 's/.*running on libmosquitto \([0-9.]*[0-9]\).*/libmosquitto \1/p')" \
    tests/peers/mosquitto.sh

python3 tests/results.py "$folder" "$output" "$(git describe --always --dirty 2>"$folder/no" || true)" $brokers -- $clients
echo "wrote $output"
