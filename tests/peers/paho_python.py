"""Eclipse Paho's Python client, as `conformance peer --exec` wants a client: it connects, subscribes at QoS 2, publishes at each QoS,
connects again when it is cut off, and goes on until it is ended. Needs paho-mqtt from PyPI."""

import os
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def connected(client, _data, _flags, reason, _properties):
    if reason.is_failure:
        return
    client.subscribe("peer/in", qos=2)
    for qos in (0, 1, 2):
        client.publish("peer/out", "x", qos=qos)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="paho", protocol=mqtt.MQTTv5)
client.on_connect = connected
client.reconnect_delay_set(1, 1)
properties = Properties(PacketTypes.CONNECT)
properties.SessionExpiryInterval = 60
client.connect(
    os.environ["MQTT_HOST"], int(os.environ["MQTT_PORT"]), keepalive=30, clean_start=False, properties=properties
)
client.loop_start()
while True:
    time.sleep(1)
