#!/usr/bin/env bash
# OpenC2 over more than one broker, and over more than one process: two nodes of ejabberd of which one is killed in mid-exchange, then
# mosquitto with responses that are shared between processes, and a burst of answers. What holds is printed, a line each.
#   tests/cluster.sh [nodes] [share] [burst]      all three if none is named
# Needs cargo; for `nodes` erl, epmd and ejabberd (Debian's packages erlang-base and ejabberd: their 23.01 forms a cluster); for the others
# mosquitto. Everything listens on 127.0.0.1, on free ports. Status 77 if what is needed is not installed. It takes two minutes;
# with PROFILE=release less, once that is built.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin
folder=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' INT TERM

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Waits until a port accepts connections.
await() {
    for _ in $(seq 200); do
        (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        sleep 0.1
    done
    echo "nothing listens on port $1" >&2
    cat "$folder"/*.log >&2
    return 1
}

profile=${PROFILE:-dev}
[ "$profile" = dev ] && built=debug || built=$profile
cargo build --quiet --profile "$profile" -p mqtt5-tokio --example cluster
program=${CARGO_TARGET_DIR:-target}/$built/examples/cluster

# One node of ejabberd, NAME PORT [OTHER]: joined to the other one, if it is named.
node() {
    local name=$1 port=$2 other=${3:-} join=
    mkdir -p "$folder/$name"
    printf '%s\n' 'hosts: [localhost]' 'loglevel: 3' 'auth_method: anonymous' 'anonymous_protocol: both' \
        'listen:' "  - {port: $port, ip: \"127.0.0.1\", module: mod_mqtt}" \
        'modules: {mod_mqtt: {max_queue: 100000}}' >"$folder/$name.yml"
    [ -z "$other" ] || join="ok = ejabberd_cluster:join('$other@127.0.0.1')"
    ERL_LIBS=${libraries%/*/ebin/*} EJABBERD_CONFIG_PATH=$folder/$name.yml EJABBERD_LOG_PATH=$folder/$name-ejabberd.log \
        erl -noshell -noinput -name "$name@127.0.0.1" -setcookie judge -kernel inet_dist_use_interface '{127,0,0,1}' \
        -mnesia dir "\"$folder/$name\"" -eval "{ok, _} = application:ensure_all_started(ejabberd)${join:+, $join}, io:format(\"joined~n\")" \
        >"$folder/$name.log" 2>&1 &
    last=$!
    pids+=("$last")
    # Its end is no news.
    disown "$last"
    await "$port"
    for _ in $(seq 200); do
        grep -q joined "$folder/$name.log" && return
        kill -0 "$last" || break
        sleep 0.1
    done
    echo "$name did not come up:" >&2
    cat "$folder/$name.log" >&2
    return 1
}

nodes() {
    libraries=$(find /usr/lib -path '*/ejabberd*/ebin/ejabberd.app' 2>/dev/null | head -n 1)
    if [ -z "$libraries" ] || ! command -v erl epmd >/dev/null; then
        echo "nodes: ejabberd is not installed"
        exit 77
    fi
    # A port mapper of our own, so that none stays behind.
    export ERL_EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1
    ERL_EPMD_PORT=$(free_port)
    epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 >"$folder/epmd.log" 2>&1 &
    pids+=($!)
    await "$ERL_EPMD_PORT"
    local one two
    one=$(free_port) two=$(free_port)
    node one "$one"
    node two "$two" one
    echo "nodes: one on port $one, two on port $two"
    # It wants a user, and asks nobody who that is.
    "$program" "mqtt://judge:any@127.0.0.1:$one" "mqtt://judge:any@127.0.0.1:$two" "kill -KILL $last"
}

mosquitto_on() {
    if ! command -v mosquitto >/dev/null; then
        echo "mosquitto is not installed"
        exit 77
    fi
    port=$(free_port)
    printf 'listener %s 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n' "$port" >"$folder/mosquitto.conf"
    mosquitto -c "$folder/mosquitto.conf" >"$folder/mosquitto.log" 2>&1 &
    pids+=($!)
    await "$port"
}

share() {
    mosquitto_on
    "$program" --share "mqtt://127.0.0.1:$port"
}

burst() {
    mosquitto_on
    "$program" --burst "mqtt://127.0.0.1:$port" 10000
}

[ $# -gt 0 ] || set -- nodes share burst
for part in "$@"; do "$part"; done
