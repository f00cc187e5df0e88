# Brokers for the scripts beside this one: each started on a free loopback port, in a folder of its own. To be sourced, in the
# project's folder; `start BROKER` sets `url`, `more` (options for the tool), `about` (what it is) and `pid`, and fails if the broker
# is not installed; `stop` ends it.
# Needs python3 (for free ports); for mosquitto the broker, for mosquitto-tls openssl too, for ejabberd the broker (Debian's packages
# have these names). rumqttd is the one that is built into `oc2`.
# PROFILE=dev builds quickly; otherwise it is a release build.
profile=${PROFILE:-release}
target=${CARGO_TARGET_DIR:-target}
[ "$profile" = dev ] && built=$target/debug || built=$target/$profile
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

# An authority of our own, and a certificate of it for 127.0.0.1.
certificates() {
    key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    openssl req -x509 $key -keyout "$folder/ca.key" -out "$folder/ca.pem" -subj "/CN=interop authority" &&
        openssl req $key -keyout "$folder/server.key" -out "$folder/server.csr" -subj "/CN=127.0.0.1" &&
        printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >"$folder/extensions" &&
        openssl x509 -req -in "$folder/server.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial \
            -days 2 -extfile "$folder/extensions" -out "$folder/server.pem" && chmod 644 "$folder/server.key"
}

# Starts a broker, and sets `url` and `more`; fails if it is not installed.
start() {
    port=$(free_port) more= about=$1
    url=mqtt://127.0.0.1:$port
    case $1 in
    mosquitto | mosquitto-tls)
        command -v mosquitto >"$folder/which" || return 1
        about="mosquitto $(mosquitto -h | sed -n 's/^mosquitto version //p')"
        printf 'listener %s 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n' "$port" >"$folder/mosquitto.conf"
        if [ "$1" = mosquitto-tls ]; then
            command -v openssl >"$folder/which" || return 1
            chmod 755 "$folder"
            certificates >"$folder/openssl" 2>&1 || { cat "$folder/openssl" >&2; exit 1; }
            printf 'certfile %s/server.pem\nkeyfile %s/server.key\n' "$folder" "$folder" >>"$folder/mosquitto.conf"
            url=mqtts://127.0.0.1:$port more="--ca $folder/ca.pem"
        fi
        mosquitto -c "$folder/mosquitto.conf" >"$folder/log" 2>&1 &
        ;;
    rumqttd)
        cargo build --quiet --profile "$profile" -p oc2 || exit 1
        about="rumqttd $(sed -n 's/^rumqttd = .*"=\([0-9.]*\)".*/\1/p' Cargo.toml)"
        "$built/oc2" broker --listen "127.0.0.1:$port" >"$folder/log" 2>&1 &
        ;;
    ejabberd)
        # Without its control script, which wants a user and a node name of its own.
        libraries=$(find /usr/lib -path '*/ejabberd*/ebin/ejabberd.app' 2>"$folder/which" | head -n 1)
        [ -n "$libraries" ] && command -v erl >"$folder/which" || return 1
        about="ejabberd $(sed -n 's/.*{vsn, *"\([^"]*\)".*/\1/p' "$libraries" | head -n 1)"
        mkdir -p "$folder/spool"
        printf '%s\n' 'hosts: [localhost]' 'loglevel: 3' 'auth_method: anonymous' 'anonymous_protocol: both' \
            'listen:' "  - {port: $port, ip: \"127.0.0.1\", module: mod_mqtt}" \
            'modules: {mod_mqtt: {max_queue: 100000}}' >"$folder/ejabberd.yml"
        ERL_LIBS=${libraries%/*/ebin/*} EJABBERD_CONFIG_PATH=$folder/ejabberd.yml EJABBERD_LOG_PATH=$folder/ejabberd.log \
            erl -noshell -noinput -mnesia dir "\"$folder/spool\"" -s ejabberd >"$folder/log" 2>&1 &
        # It wants a user, and asks nobody who that is.
        url=mqtt://interop:any@127.0.0.1:$port
        ;;
    *)
        echo "no such broker: $1 (mosquitto, mosquitto-tls, rumqttd, ejabberd)" >&2
        exit 1
        ;;
    esac
    pid=$!
    await || exit 1
}
