//! Events: a JSON object a line, with every field of its packet.

use mqtt5_codec::{Ack, Auth, ConnAck, Disconnect, PacketId, QoS, ReasonCode, SubAck};
use mqtt5_session::{Connected, Fault, Incoming, Refused};
use serde_json::{Map, Value};

use super::property::{digits, shown};

/// The names of all events that `wait` can wait for.
pub(super) const NAMES: [&str; 14] = [
    "connected",
    "subscribed",
    "unsubscribed",
    "published",
    "unconfirmed",
    "message",
    "auth",
    "pong",
    "refused",
    "fault",
    "disconnected",
    "closed",
    "expired",
    "error",
];

/// An event on its way to a line.
#[derive(Debug)]
pub(super) struct Line {
    name: &'static str,
    object: Map<String, Value>,
}

impl Line {
    fn new(name: &'static str) -> Self {
        Self { name, object: Map::from_iter([("event".to_owned(), name.into())]) }
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.object.insert(key.to_owned(), value.into());
        self
    }

    /// The event's name.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The line itself, with its end.
    pub(super) fn text(self) -> String {
        let mut text = Value::Object(self.object).to_string();
        text.push('\n');
        text
    }
}

fn ids(lost: &[PacketId]) -> Value {
    lost.iter().map(|id| id.get()).collect()
}

/// What became of a QoS 2 message so far: PUBREC.
#[derive(Clone, Debug)]
pub(super) struct Received {
    reason: u8,
    properties: Value,
}

impl Received {
    pub(super) fn new(ack: &Ack<'_>) -> Self {
        Self { reason: ack.reason.value(), properties: shown(&ack.properties) }
    }
}

pub(super) fn connected(connected: &Connected<'_>, lost: &[PacketId]) -> Line {
    let ConnAck { session_present, reason, properties } = &connected.packet;
    Line::new("connected")
        .with("session_present", *session_present)
        .with("reason", reason.value())
        .with("properties", shown(properties))
        .with("resumed", connected.resumed)
        .with("lost", ids(lost))
}

pub(super) fn rejected(packet: &ConnAck<'_>) -> Line {
    Line::new("refused")
        .with("by", "server")
        .with("command", "connect")
        .with("session_present", packet.session_present)
        .with("reason", packet.reason.value())
        .with("properties", shown(&packet.properties))
        .with("why", packet.reason.name())
}

/// A call that the session refused.
pub(super) fn refused(command: &str, refused: &Refused) -> Line {
    let (kind, rule) = match refused {
        Refused::NotConnected => ("not_connected", None),
        Refused::Connected => ("connected", None),
        Refused::Closing => ("closing", None),
        Refused::Prior => ("prior", None),
        Refused::Exchanges { .. } => ("exchanges", None),
        Refused::Bytes { .. } => ("bytes", None),
        Refused::ReceiveMaximum => ("receive_maximum", Some("MQTT-3.3.4-7")),
        Refused::Unknown => ("unknown", None),
        Refused::Rule(rule) => ("rule", Some(rule.id())),
        _ => ("other", None),
    };
    Line::new("refused")
        .with("by", "client")
        .with("command", command)
        .with("kind", kind)
        .with("rule", rule)
        .with("why", refused.to_string())
}

pub(super) fn message(message: &Incoming<'_>) -> Line {
    let mut properties = shown(&message.properties);
    if let (Some(alias), Some(object)) = (message.alias, properties.as_object_mut()) {
        object.insert("topic_alias".to_owned(), alias.get().into());
    }
    Line::new("message")
        .with("topic", message.topic.as_str())
        .with("payload_hex", digits(message.payload))
        .with("qos", u8::from(message.delivery.qos()))
        .with("id", message.delivery.id().map(PacketId::get))
        .with("dup", message.delivery.dup())
        .with("retain", message.retain)
        .with("properties", properties)
}

pub(super) fn published(ack: &Ack<'_>, qos: QoS, received: Option<Received>) -> Line {
    let line = Line::new("published")
        .with("id", ack.id.get())
        .with("qos", u8::from(qos))
        .with("reason", ack.reason.value())
        .with("properties", shown(&ack.properties));
    let Some(Received { reason, properties }) = received else { return line };
    let received = [("reason".to_owned(), reason.into()), ("properties".to_owned(), properties)];
    line.with("received", Map::from_iter(received))
}

/// A QoS 2 message of which nobody knows whether it arrived.
pub(super) fn unconfirmed(ack: &Ack<'_>) -> Line {
    Line::new("unconfirmed")
        .with("id", ack.id.get())
        .with("reason", ack.reason.value())
        .with("properties", shown(&ack.properties))
}

fn answered(name: &'static str, ack: &SubAck<'_>) -> Line {
    Line::new(name)
        .with("id", ack.id.get())
        .with("reasons", ack.reasons.iter().map(ReasonCode::value).collect::<Vec<_>>())
        .with("properties", shown(&ack.properties))
}

pub(super) fn subscribed(ack: &SubAck<'_>) -> Line {
    answered("subscribed", ack)
}

pub(super) fn unsubscribed(ack: &SubAck<'_>) -> Line {
    answered("unsubscribed", ack)
}

pub(super) fn auth(packet: &Auth<'_>) -> Line {
    Line::new("auth").with("reason", packet.reason.value()).with("properties", shown(&packet.properties))
}

pub(super) fn pong() -> Line {
    Line::new("pong")
}

pub(super) fn fault(fault: &Fault) -> Line {
    Line::new("fault")
        .with("reason", fault.reason.value())
        .with("rule", fault.rule.id())
        .with("why", fault.rule.meaning())
}

pub(super) fn disconnected(packet: &Disconnect<'_>) -> Line {
    Line::new("disconnected").with("reason", packet.reason.value()).with("properties", shown(&packet.properties))
}

pub(super) fn closed(by: &str, why: Option<String>, lost: &[PacketId]) -> Line {
    let line = Line::new("closed").with("by", by).with("lost", ids(lost));
    match why {
        Some(why) => line.with("why", why),
        None => line,
    }
}

pub(super) fn expired(lost: &[PacketId]) -> Line {
    Line::new("expired").with("lost", ids(lost))
}

pub(super) fn error(why: impl Into<String>) -> Line {
    Line::new("error").with("why", why.into())
}

pub(super) fn timeout() -> Line {
    Line::new("timeout")
}

/// A packet, for `--trace`.
pub(super) fn packet(direction: &'static str, bytes: &[u8]) -> String {
    let mut text = Value::Object(Map::from_iter([(direction.to_owned(), digits(bytes))])).to_string();
    text.push('\n');
    text
}
