//! A client's packet as JSON, in the words that sequences use.

use mqtt5_codec::{Ack, Decoded, Decoder, Packet, PacketId, Sender};
use serde_json::{Map, Value, json};

use crate::client::{digits, shown};

/// What came from the client so far.
pub(super) enum Shown {
    /// A packet, and how long it is.
    Packet(Value, usize),
    /// Not yet a whole one.
    Partial,
    /// No packet that a client may send, and why.
    Wrong(String),
}

/// The first packet of what a client sent.
pub(super) fn packet(bytes: &[u8]) -> Shown {
    match Decoder::new(Sender::Client).decode(bytes) {
        Ok(Decoded::Packet { packet, used }) => Shown::Packet(Value::Object(object(&packet)), used),
        Ok(Decoded::Partial { .. }) => Shown::Partial,
        Err(error) => Shown::Wrong(error.to_string()),
    }
}

fn object(packet: &Packet<'_>) -> Map<String, Value> {
    let value = match packet {
        Packet::Connect(connect) => json!({
            "packet": "CONNECT",
            "client_id": connect.client_id.as_str(),
            "clean_start": connect.clean_start,
            "keep_alive": connect.keep_alive,
            "user_name": connect.user_name.map(|name| name.as_str().to_owned()),
            "password_hex": connect.password.map(digits),
            "properties": shown(&connect.properties),
            "will": connect.will.map(|will| json!({
                "topic": will.topic.as_str(),
                "payload_hex": digits(will.payload),
                "qos": u8::from(will.qos),
                "retain": will.retain,
                "properties": shown(&will.properties),
            })),
        }),
        Packet::Publish(publish) => {
            json!({
                "packet": "PUBLISH",
                "topic": publish.topic.name().map_or("", |name| name.as_str()),
                "payload_hex": digits(publish.payload),
                "qos": u8::from(publish.delivery.qos()),
                "id": publish.delivery.id().map(PacketId::get),
                "dup": publish.delivery.dup(),
                "retain": publish.retain,
                "properties": shown(&publish.properties),
            })
        }
        Packet::PubAck(ack) => acknowledgement("PUBACK", ack),
        Packet::PubRec(ack) => acknowledgement("PUBREC", ack),
        Packet::PubRel(ack) => acknowledgement("PUBREL", ack),
        Packet::PubComp(ack) => acknowledgement("PUBCOMP", ack),
        Packet::Subscribe(subscribe) => json!({
            "packet": "SUBSCRIBE",
            "id": subscribe.id.get(),
            "properties": shown(&subscribe.properties),
            "filters": subscribe.filters.iter().map(|one| json!({
                "filter": one.filter.as_str(),
                "qos": u8::from(one.options.maximum_qos),
                "no_local": one.options.no_local,
                "retain_as_published": one.options.retain_as_published,
                "retain_handling": u8::from(one.options.retain_handling),
            })).collect::<Vec<_>>(),
        }),
        Packet::Unsubscribe(unsubscribe) => json!({
            "packet": "UNSUBSCRIBE",
            "id": unsubscribe.id.get(),
            "properties": shown(&unsubscribe.properties),
            "filters": unsubscribe.filters.iter().map(|filter| filter.as_str().to_owned()).collect::<Vec<_>>(),
        }),
        Packet::PingReq => json!({ "packet": "PINGREQ" }),
        Packet::Disconnect(disconnect) => json!({
            "packet": "DISCONNECT", "reason": disconnect.reason.value(), "properties": shown(&disconnect.properties),
        }),
        Packet::Auth(auth) => json!({
            "packet": "AUTH", "reason": auth.reason.value(), "properties": shown(&auth.properties),
        }),
        // A server's, which the decoder does not give for a client.
        _ => json!({ "packet": "none" }),
    };
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn acknowledgement(packet: &str, ack: &Ack<'_>) -> Value {
    json!({ "packet": packet, "id": ack.id.get(), "reason": ack.reason.value(), "properties": shown(&ack.properties) })
}
