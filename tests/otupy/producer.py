"""otupy's Producer: producer.py PORT ENCODING DEVICE. It sends commands and prints who answered what, a line each."""
import sys

import otupy as oc2
import otupy.profiles.slpf as slpf
from otupy.encoders.cbor import CBOREncoder
from otupy.encoders.json import JSONEncoder
from otupy.transfers.mqtt.mqtt_transfer import MQTTTransfer, OpenC2Role

port, encoding, device = int(sys.argv[1]), sys.argv[2], sys.argv[3]
encoder = {"json": JSONEncoder, "cbor": CBOREncoder}[encoding]()
features = oc2.Features([oc2.Feature.versions, oc2.Feature.profiles])
with_pairs = oc2.Features([oc2.Feature.versions, oc2.Feature.profiles, oc2.Feature.pairs])
for says, action, target, specifiers in [
    ("query features", oc2.Actions.query, features, {}),
    ("query features and pairs", oc2.Actions.query, with_pairs, {}),
    ("deny ipv4_net", oc2.Actions.deny, oc2.IPv4Net("198.51.100.0/24"), {}),
    ("deny ipv4_net at another", oc2.Actions.deny, oc2.IPv4Net("198.51.100.0/24"), {"hostname": "firewall8"}),
    ("deny file", oc2.Actions.deny, oc2.File({"name": "dropper.exe"}), {}),
]:
    # One transfer each: its queue and its event keep what came for the last command.
    transfer = MQTTTransfer("127.0.0.1", port, role=OpenC2Role.Producer, device_id="otupy", response_timeout=4)
    producer = oc2.Producer("otupy", encoder, transfer)
    command = oc2.Command(action, target, actuator=slpf.Specifiers(specifiers))
    answers = producer.sendcmd(command, consumers=[device])
    if not answers:
        print(f"{says}: no answer", flush=True)
    for answer in answers:
        results = answer.content.get("results") if hasattr(answer.content, "get") else None
        profiles = f" {[str(one) for one in results['profiles']]}" if results and "profiles" in results else ""
        print(f"{says}: {answer.from_} {answer.content['status'].value}{profiles}", flush=True)
    transfer.client.disconnect()
