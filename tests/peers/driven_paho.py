"""Eclipse Paho's Python client, driven by JSON lines as `conformance client` is, so that it plays session sequences:
conformance peer --sequences --exec "python3 tests/peers/driven_paho.py". Needs paho-mqtt from PyPI."""

import json
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

lock = threading.Lock()
client = None
place = ("127.0.0.1", 1883)
qos_of = {}


def tell(event, **keys):
    with lock:
        print(json.dumps({"event": event, **keys}), flush=True)


def camel(name):
    special = {"authentication_data_hex": "AuthenticationData", "correlation_data_hex": "CorrelationData"}
    return special.get(name) or "".join(part.capitalize() for part in name.split("_"))


def properties(kind, given):
    """Properties of a packet from their names in snake_case."""
    made = Properties(kind)
    for name, value in (given or {}).items():
        if name == "user_property":
            for pair in value:
                made.UserProperty = tuple(pair)
        elif name.endswith("_hex"):
            setattr(made, camel(name), bytes.fromhex(value))
        else:
            setattr(made, camel(name), value)
    return made


def shown(props):
    """Properties as the other clients tell them."""
    if props is None:
        return {}
    out = {}
    for name, value in props.json().items():
        snake = "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")
        if snake in ("correlation_data", "authentication_data"):
            snake += "_hex"
        if snake == "user_property":
            value = [list(pair) for pair in value]
        if snake == "subscription_identifier" and isinstance(value, list) and len(value) == 1:
            value = value[0]
        out[snake] = value
    return out


def payload(keys):
    return bytes.fromhex(keys["payload_hex"]) if "payload_hex" in keys else keys.get("payload", "").encode()


def make(keys):
    global client
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2,
        client_id=keys.get("client_id", ""),
        protocol=mqtt.MQTTv5,
        reconnect_on_failure=False,
        manual_ack=keys.get("acknowledge") == "manual",
    )

    def connected(_c, _d, flags, reason, props):
        if reason.value >= 128:
            tell("refused", by="server", reason=reason.value, properties=shown(props))
        else:
            tell("connected", session_present=flags.session_present, reason=reason.value, properties=shown(props))

    def disconnected(_c, _d, flags, reason, props):
        if flags.is_disconnect_packet_from_server:
            tell("disconnected", reason=reason.value, properties=shown(props))
        tell("closed", by="server")

    def message(_c, _d, m):
        tell(
            "message", topic=m.topic, payload_hex=m.payload.hex(), qos=m.qos, id=m.mid or None, dup=bool(m.dup),
            retain=bool(m.retain), properties=shown(m.properties),
        )

    def published(_c, _d, mid, reason, props):
        if qos_of.get(mid):
            tell("published", id=mid, qos=qos_of[mid], reason=reason.value, properties=shown(props))

    client.on_connect, client.on_disconnect, client.on_message, client.on_publish = connected, disconnected, message, published
    client.on_subscribe = lambda _c, _d, mid, reasons, props: tell(
        "subscribed", id=mid, reasons=[r.value for r in reasons], properties=shown(props)
    )
    client.on_unsubscribe = lambda _c, _d, mid, reasons, props: tell(
        "unsubscribed", id=mid, reasons=[r.value for r in reasons], properties=shown(props)
    )


def connect(keys):
    if "authentication_method" in keys.get("properties", {}):
        raise NotImplementedError("no enhanced authentication")
    if keys.get("topic_aliases"):
        raise NotImplementedError("topic aliases of the server are not resolved")
    if client is None or not client._client_id:
        make(keys)
    if "user_name" in keys or "password_hex" in keys or "password" in keys:
        if "user_name" not in keys:
            raise NotImplementedError("no password without a user name")
        client.username_pw_set(keys["user_name"], bytes.fromhex(keys["password_hex"]) if "password_hex" in keys else None)
    if will := keys.get("will"):
        client.will_set(
            will["topic"], payload(will), will.get("qos", 0), will.get("retain", False),
            properties(PacketTypes.WILLMESSAGE, will.get("properties")),
        )
    client.loop_stop()
    client.connect(
        *place, keepalive=keys.get("keep_alive", 60), clean_start=keys.get("clean_start", True),
        properties=properties(PacketTypes.CONNECT, keys.get("properties")),
    )
    client.loop_start()


def publish(keys):
    result = client.publish(
        keys["topic"], payload(keys), keys.get("qos", 0), keys.get("retain", False),
        properties(PacketTypes.PUBLISH, keys.get("properties")),
    )
    qos_of[result.mid] = keys.get("qos", 0)


def subscribe(keys):
    filters = [
        (
            one["filter"],
            SubscribeOptions(
                qos=one.get("qos", 0), noLocal=one.get("no_local", False),
                retainAsPublished=one.get("retain_as_published", False), retainHandling=one.get("retain_handling", 0),
            ),
        )
        for one in keys["filters"]
    ]
    client.subscribe(filters, properties=properties(PacketTypes.SUBSCRIBE, keys.get("properties")))


def carry_out(name, keys):
    global place
    if name == "open":
        host, _, port = keys.removeprefix("mqtt://").rpartition(":")
        place = (host, int(port))
    elif name == "connect":
        connect(keys)
    elif name == "publish":
        publish(keys)
    elif name == "subscribe":
        subscribe(keys)
    elif name == "unsubscribe":
        client.unsubscribe(keys["filters"], properties(PacketTypes.UNSUBSCRIBE, keys.get("properties")))
    elif name == "disconnect":
        reason = mqtt.ReasonCode(PacketTypes.DISCONNECT, identifier=keys.get("reason", 0))
        client.disconnect(reason, properties(PacketTypes.DISCONNECT, keys.get("properties")))
    elif name == "ack" and "reason" not in keys:
        # Either of the two; the client itself knows which.
        client.ack(keys["id"], 2 if keys["id"] in client._in_messages else 1)
    else:
        tell("error", why=f"no {name}")


for line in sys.stdin:
    (name, keys), = json.loads(line).items()
    try:
        carry_out(name, keys)
    except NotImplementedError as lacking:
        tell("error", why=str(lacking))
    except Exception as error:
        tell("refused", by="client", command=name, why=f"{type(error).__name__}: {error}")
