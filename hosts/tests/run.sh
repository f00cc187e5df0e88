#!/bin/sh
# Runs the table of all hosts against brokers of its own, each on a free loopback port, one after the other.
#   hosts/tests/run.sh                       mosquitto, rumqttd and ejabberd
#   hosts/tests/run.sh ejabberd              only this one (or several)
#   hosts/tests/run.sh mosquitto -- flood    what follows -- is part of the names of the rows to run
# HOSTS names the packages whose test `table` is run, all that have one if it is not set.
# Needs: cargo, python3 (for free ports); mosquitto and ejabberd, where they are to be tested (Debian's packages have these
# names). rumqttd is the one that is built into `oc2`. A broker that is not installed is skipped, and said so.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin
target=${CARGO_TARGET_DIR:-target}
folder=$(mktemp -d)
pid=
trap 'stop; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

# Ends the broker that runs now.
stop() {
    [ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>"$folder/ended" || true
    pid=
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Waits until the broker accepts connections.
await() {
    tries=0
    until python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>"$folder/python"; do
        tries=$((tries + 1))
        if [ "$tries" -ge 150 ] || ! kill -0 "$pid"; then
            cat "$folder/log" >&2
            return 1
        fi
        sleep 0.1
    done
}

# Starts a broker, and sets `MQTT_BROKER`; fails if it is not installed.
start() {
    unset MQTT_BROKER
    port=$(free_port)
    case $1 in
    mosquitto)
        # The tests start their own, since they stop and start it too.
        command -v mosquitto >"$folder/which"
        return
        ;;
    rumqttd)
        cargo build --quiet --release -p oc2 || exit 1
        "$target/release/oc2" broker --listen "127.0.0.1:$port" >"$folder/log" 2>&1 &
        url=mqtt://127.0.0.1:$port
        ;;
    ejabberd)
        # Without its control script, which wants a user and a node name of its own.
        libraries=$(find /usr/lib -path '*/ejabberd*/ebin/ejabberd.app' 2>"$folder/which" | head -n 1)
        [ -n "$libraries" ] && command -v erl >"$folder/which" || return 1
        mkdir -p "$folder/spool"
        printf '%s\n' 'hosts: [localhost]' 'loglevel: 3' 'auth_method: anonymous' 'anonymous_protocol: both' \
            'listen:' "  - {port: $port, ip: \"127.0.0.1\", module: mod_mqtt}" \
            'modules: {mod_mqtt: {max_queue: 1000000}}' >"$folder/ejabberd.yml"
        ERL_LIBS=${libraries%/*/ebin/*} EJABBERD_CONFIG_PATH=$folder/ejabberd.yml EJABBERD_LOG_PATH=$folder/ejabberd.log \
            erl -noshell -noinput -mnesia dir "\"$folder/spool\"" -s ejabberd >"$folder/log" 2>&1 &
        # It wants a user, and asks nobody who that is.
        url=mqtt://table:any@127.0.0.1:$port
        ;;
    *)
        echo "no such broker: $1 (mosquitto, rumqttd, ejabberd)" >&2
        exit 1
        ;;
    esac
    pid=$!
    await || exit 1
    export MQTT_BROKER="$url"
}

brokers=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    brokers="$brokers $1"
    shift
done
[ $# -eq 0 ] || shift
export MQTT_ROW="${1:-}"
hosts=${HOSTS:-$(grep -l mqtt5-host-tests hosts/*/Cargo.toml | grep -v '^hosts/tests/' | xargs sed -n 's/^name = "\(.*\)"/\1/p')}
failed=0
for broker in ${brokers:-mosquitto rumqttd ejabberd}; do
    if ! start "$broker"; then
        echo "== $broker: skipped, it is not installed"
        continue
    fi
    for host in $hosts; do
        echo "== $host against $broker"
        cargo test --quiet -p "$host" --test table -- --nocapture || failed=1
    done
    stop
done
exit "$failed"
