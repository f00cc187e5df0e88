//! Packets of a server, for people.

use mqtt5_codec::{Decoded, Decoder, Packet, Sender};

/// Reads what a server sent.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Packet<'_>> {
    match Decoder::new(Sender::Server).decode(bytes) {
        Ok(Decoded::Packet { packet, .. }) => Some(packet),
        _ => None,
    }
}

/// What a packet is, for people: its type, and what matters of it.
#[must_use]
pub fn tell(bytes: &[u8]) -> String {
    match read(bytes) {
        None if bytes.is_empty() => "nothing".to_owned(),
        None => crate::report::brief(bytes),
        Some(Packet::ConnAck(ack)) => format!("CONNACK 0x{:02x}", ack.reason.value()),
        Some(Packet::Disconnect(words)) => format!("DISCONNECT 0x{:02x}", words.reason.value()),
        Some(Packet::Auth(auth)) => format!("AUTH 0x{:02x}", auth.reason.value()),
        Some(Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack)) => {
            format!("{} of {} with 0x{:02x}", kind(bytes), ack.id, ack.reason.value())
        }
        Some(Packet::SubAck(ack) | Packet::UnsubAck(ack)) => {
            let reasons: Vec<_> = ack.reasons.iter().map(|reason| format!("0x{:02x}", reason.value())).collect();
            format!("{} of {} with {}", kind(bytes), ack.id, reasons.join(", "))
        }
        Some(Packet::Publish(publish)) => {
            let topic = publish.topic.name().map(|name| name.as_str().to_owned()).unwrap_or_default();
            let payload = String::from_utf8_lossy(publish.payload.get(..40).unwrap_or(publish.payload)).into_owned();
            let id = publish.delivery.id().map_or(String::new(), |id| format!(", {id}"));
            let dup = if publish.delivery.dup() { ", DUP" } else { "" };
            format!("PUBLISH {payload:?} on {topic} at QoS {}{id}{dup}", publish.delivery.qos() as u8)
        }
        Some(other) => other.packet_type().to_string(),
    }
}

/// The name of a packet's type, by its first byte.
#[must_use]
pub fn kind(bytes: &[u8]) -> &'static str {
    const NAMES: [&str; 16] = [
        "no packet",
        "CONNECT",
        "CONNACK",
        "PUBLISH",
        "PUBACK",
        "PUBREC",
        "PUBREL",
        "PUBCOMP",
        "SUBSCRIBE",
        "SUBACK",
        "UNSUBSCRIBE",
        "UNSUBACK",
        "PINGREQ",
        "PINGRESP",
        "DISCONNECT",
        "AUTH",
    ];
    bytes.first().and_then(|first| NAMES.get(usize::from(first >> 4))).copied().unwrap_or("nothing")
}
