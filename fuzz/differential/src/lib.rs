//! Who accepts what: our codec's verdict on some bytes, and those of other crates, each by the function that its own client uses.
//!
//! Most of them take a packet from either side, so ours is asked for both: it accepts what a client or a server may send.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::BytesMut;
use mountain_mqtt::codec::mqtt_reader::{MqttBufReader, MqttReader};
use mountain_mqtt::codec::read::Read;
use mountain_mqtt::packets::packet_generic::PacketGeneric;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{PacketBuildResult, PacketBuilder, PacketData};
use mqtt_protocol_core::mqtt::packet::v5_0;
use mqtt5_codec::{Decoded, Decoder, Sender};

/// What a codec says of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A packet, so many bytes long.
    Accepted(usize),
    /// Not yet a whole one.
    Partial,
    /// No packet.
    Refused,
    /// It panicked.
    Panicked,
}

/// A crate that is compared with.
pub struct Peer {
    /// Its name, as the list of differences has it.
    pub name: &'static str,
    read: fn(&[u8]) -> Verdict,
}

impl Peer {
    /// What it says.
    pub fn verdict(&self, bytes: &[u8]) -> Verdict {
        catch_unwind(AssertUnwindSafe(|| (self.read)(bytes))).unwrap_or(Verdict::Panicked)
    }
}

/// All of them.
pub const PEERS: &[Peer] = &[
    Peer { name: "rumqttc 0.25.1", read: rumqttc },
    Peer { name: "mqtt-protocol-core 0.7.9", read: protocol_core },
    Peer { name: "mountain-mqtt 0.2.0", read: mountain },
];

fn rumqttc(bytes: &[u8]) -> Verdict {
    use rumqttc::v5::mqttbytes::{Error, v5::Packet};
    let mut stream = BytesMut::from(bytes);
    match Packet::read(&mut stream, None) {
        Ok(_) => Verdict::Accepted(bytes.len() - stream.len()),
        Err(Error::InsufficientBytes(_)) => Verdict::Partial,
        Err(_) => Verdict::Refused,
    }
}

fn mountain(bytes: &[u8]) -> Verdict {
    let mut reader = MqttBufReader::new(bytes);
    match PacketGeneric::<'_, 32, 32, 32>::read(&mut reader) {
        Ok(_) => Verdict::Accepted(reader.position()),
        Err(mountain_mqtt::error::PacketReadError::InsufficientData) if !is_whole(bytes) => Verdict::Partial,
        Err(_) => Verdict::Refused,
    }
}

/// Whether there is a whole packet by its length. This crate reads from what it has, and says of a packet that ends too early what
/// it says of a stream that does.
fn is_whole(bytes: &[u8]) -> bool {
    matches!(Decoder::new(Sender::Client).frame(bytes), Ok(mqtt5_codec::Frame::Whole { .. }))
}

fn protocol_core(bytes: &[u8]) -> Verdict {
    let mut cursor = Cursor::new(bytes);
    let raw = match PacketBuilder::new().feed(&mut cursor) {
        PacketBuildResult::Complete(raw) => raw,
        PacketBuildResult::Incomplete => return Verdict::Partial,
        _ => return Verdict::Refused,
    };
    let used = cursor.position() as usize;
    let slice = match &raw.data {
        PacketData::Publish(data) => &data[..],
        data => data.as_slice(),
    };
    let parsed = match raw.packet_type() {
        1 => v5_0::Connect::parse(slice).is_ok(),
        2 => v5_0::Connack::parse(slice).is_ok(),
        3 => v5_0::Publish::parse(raw.flags(), std::sync::Arc::from(slice)).is_ok(),
        4 => v5_0::Puback::parse(slice).is_ok(),
        5 => v5_0::Pubrec::parse(slice).is_ok(),
        6 => v5_0::Pubrel::parse(slice).is_ok(),
        7 => v5_0::Pubcomp::parse(slice).is_ok(),
        8 => v5_0::Subscribe::parse(slice).is_ok(),
        9 => v5_0::Suback::parse(slice).is_ok(),
        10 => v5_0::Unsubscribe::parse(slice).is_ok(),
        11 => v5_0::Unsuback::parse(slice).is_ok(),
        12 => v5_0::Pingreq::parse(slice).is_ok(),
        13 => v5_0::Pingresp::parse(slice).is_ok(),
        14 => v5_0::Disconnect::parse(slice).is_ok(),
        15 => v5_0::Auth::parse(slice).is_ok(),
        _ => false,
    };
    if parsed { Verdict::Accepted(used) } else { Verdict::Refused }
}

/// Our verdict, and the statement that it rests on where bytes are refused from both sides: the one that is met last.
pub fn ours(bytes: &[u8]) -> (Verdict, &'static str) {
    let [client, server] = [Sender::Client, Sender::Server].map(|from| Decoder::new(from).decode(bytes));
    match (client, server) {
        (Ok(Decoded::Packet { used, .. }), _) | (_, Ok(Decoded::Packet { used, .. })) => (Verdict::Accepted(used), ""),
        (Ok(_), _) | (_, Ok(_)) => (Verdict::Partial, ""),
        (Err(one), Err(other)) => (Verdict::Refused, if one.at > other.at { one.rule.id() } else { other.rule.id() }),
    }
}

/// How a peer differs from us on some bytes: what it does, and what it is about. None where it doesn't.
pub fn difference(peer: &Peer, bytes: &[u8]) -> Option<(&'static str, String)> {
    let theirs = peer.verdict(bytes);
    let (verdict, rule) = ours(bytes);
    match (verdict, theirs) {
        (_, Verdict::Panicked) => Some(("panics", kind(bytes))),
        (Verdict::Accepted(one), Verdict::Accepted(other)) if one != other => Some(("length", kind(bytes))),
        (Verdict::Refused, Verdict::Accepted(_)) => Some(("accepts", rule.to_owned())),
        (Verdict::Accepted(_), Verdict::Refused | Verdict::Partial) => Some(("refuses", kind(bytes))),
        // A stream that can't become a packet any more, or can: nobody but a slow reader sees the difference.
        _ => None,
    }
}

/// The packet type by its number, as the list has it.
pub fn kind(bytes: &[u8]) -> String {
    const NAMES: [&str; 16] = [
        "type 0",
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
    bytes.first().map_or("nothing", |first| NAMES[usize::from(first >> 4)]).to_owned()
}

/// The differences that are explained: lines of `differences.csv`.
const LIST: &str = include_str!("../differences.csv");

/// Why a peer differs so; none where nobody has said yet.
pub fn explained(peer: &str, does: &str, about: &str) -> Option<&'static str> {
    LIST.lines().skip(1).find_map(|line| {
        let mut fields = line.splitn(4, ',');
        let (name, what, which, why) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        (name == peer
            && what == does
            && which.split(' ').collect::<String>().split(';').any(|one| one == about.replace(' ', "")))
        .then_some(why.trim_matches('"'))
    })
}
