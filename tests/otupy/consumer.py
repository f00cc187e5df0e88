"""otupy's Consumer with a packet filter that filters nothing: consumer.py PORT ENCODING. It runs until it is killed.

The actuators that come with otupy need OpenStack, Kubernetes and Docker to be imported, so this one stands here.
"""
import sys

import otupy as oc2
import otupy.profiles.slpf as slpf
from otupy.encoders.cbor import CBOREncoder
from otupy.encoders.json import JSONEncoder
from otupy.transfers.mqtt.mqtt_transfer import MQTTTransfer, OpenC2Role


class PacketFilter:
    def run(self, command):
        if not slpf.validate_command(command):
            return oc2.Response(status=oc2.StatusCode.NOTIMPLEMENTED, status_text="Invalid Action/Target pair")
        if command.action == oc2.Actions.query:
            results = slpf.Results({
                "versions": oc2.ArrayOf(oc2.Version)([oc2.Version(1, 0)]),
                "profiles": oc2.ArrayOf(oc2.Nsid)([oc2.Nsid("slpf")]),
                "pairs": slpf.AllowedCommandTarget,
            })
            return oc2.Response(status=oc2.StatusCode.OK, results=results)
        if command.action == oc2.Actions.deny:
            return oc2.Response(status=oc2.StatusCode.OK)
        return oc2.Response(status=oc2.StatusCode.INTERNALERROR, status_text="firewall rule not removed or updated")


port, encoding = int(sys.argv[1]), sys.argv[2]
encoder = {"json": JSONEncoder, "cbor": CBOREncoder}[encoding]()
transfer = MQTTTransfer("127.0.0.1", port, role=OpenC2Role.Consumer, profiles=["slpf"], device_id="otupy7")
consumer = oc2.Consumer("otupy7", {("slpf", "mockup"): PacketFilter()}, encoder, transfer)
print("ready", flush=True)
consumer.run()
