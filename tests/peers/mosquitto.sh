#!/bin/sh
# Mosquitto's library by way of its command line, as `conformance peer --exec` wants a client: mosquitto_rr subscribes at QoS 2 and
# publishes at QoS 2 over one connection, and mosquitto_sub stays. Needs Debian's mosquitto-clients.
common="-h $MQTT_HOST -p $MQTT_PORT -V 5 -k 30 -x 60"
for qos in 1 2; do
    timeout 3 mosquitto_rr $common -i "rr$qos" -c -q $qos -t peer/out -e peer/in -m x -W 2
done
exec mosquitto_sub $common -i sub -c -q 2 -t peer/in
