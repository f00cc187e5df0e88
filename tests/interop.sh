#!/bin/sh
# Runs `conformance interop` against brokers of its own, each on a free loopback port, one after the other.
#   tests/interop.sh                      mosquitto, mosquitto-tls, rumqttd and ejabberd
#   tests/interop.sh rumqttd              only this one (or several)
#   tests/interop.sh mosquitto -- --only resume    what follows -- goes to the tool
# Needs: cargo, and what brokers.sh says. A broker that is not installed is skipped, and said so.
# Ends with 0 if all held everywhere, with 2 if brokers alone are to blame for what did not, otherwise with 1.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin
. tests/brokers.sh

brokers=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    brokers="$brokers $1"
    shift
done
[ $# -eq 0 ] || shift
cargo build --quiet --profile "$profile" -p conformance
worst=0
for broker in ${brokers:-mosquitto mosquitto-tls rumqttd ejabberd}; do
    if ! start "$broker"; then
        echo "== $broker: skipped, it is not installed"
        continue
    fi
    echo "== $broker"
    status=0
    "$built/conformance" interop --broker "$url" $more "$@" || status=$?
    stop
    case $worst,$status in
    *,0 | 1,* | 2,2) ;;
    *) worst=$status ;;
    esac
done
exit "$worst"
