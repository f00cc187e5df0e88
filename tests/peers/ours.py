"""This project's own client, driven by JSON lines, as `conformance peer --exec` wants a client. CONFORMANCE names the tool."""

import json
import os
import subprocess

tool = os.environ.get("CONFORMANCE", "conformance")
client = subprocess.Popen([tool, "client"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def say(**line):
    client.stdin.write(json.dumps(line) + "\n")


for _ in range(20):
    say(open=os.environ["MQTT_URL"])
    properties = {"session_expiry_interval": 60}
    say(connect={"client_id": "ours", "clean_start": False, "keep_alive": 30, "properties": properties})
    say(wait={"event": "connected", "timeout_ms": 2000})
    say(subscribe={"filters": [{"filter": "peer/in", "qos": 2}]})
    for qos in (0, 1, 2):
        say(publish={"topic": "peer/out", "payload": "x", "qos": qos, "hold": True})
    say(wait={"event": "closed", "timeout_ms": 60000})
    say(sleep_ms=200)
client.stdin.flush()
client.wait()
