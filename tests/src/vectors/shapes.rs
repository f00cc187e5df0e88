//! Vectors for packets as a whole: every type in every valid shape, each of its beginnings, and a byte too many.

use mqtt5_codec::{PacketType, Sender};

use super::systematic::{good, with};
use super::{BOTH, MALFORMED, Vector, Verdict, framed, reject, valid};
use crate::tables::{Kind, PROPERTIES, Place};

pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = beginnings();
    vectors.extend(full_lists());
    vectors.extend(edges());
    vectors.extend(identifiers());
    vectors.extend(lengths());
    vectors
}

/// A packet of every type, the place of its properties, and whether one byte more would be something else (part of a payload
/// or a filter, a reason code, a user name that no flag announces).
const WHOLE: &[(Place, bool)] = &[
    (Place::Connect, true),
    (Place::ConnAck, false),
    (Place::PublishByClient, true),
    (Place::PublishByServer, true),
    (Place::PubAck, false),
    (Place::PubRec, false),
    (Place::PubRel, false),
    (Place::PubComp, false),
    (Place::Subscribe, true),
    (Place::SubAck, true),
    (Place::Unsubscribe, true),
    (Place::UnsubAck, true),
    (Place::DisconnectByClient, false),
    (Place::DisconnectByServer, false),
    (Place::Auth, false),
];

/// Every proper beginning of a packet of every type is incomplete, the packet is valid, and one byte more is too many.
fn beginnings() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for &(place, more) in WHOLE {
        let packet = with(place, b"\x26\x00\x04name\x00\x05value");
        for &from in place.senders() {
            for len in 2..packet.len() {
                let bytes = packet.get(..len).unwrap_or_default().to_vec();
                let why = format!("{len} of {} bytes of {place:?}", packet.len());
                vectors.push(Vector { from, bytes, verdict: Verdict::Incomplete, why });
            }
            vectors.push(valid(from, packet.clone(), format!("{place:?} with a user property")));
            if let (false, Some((first, body))) = (more, packet.split_first()) {
                let body = body.get(1..).unwrap_or_default();
                let bytes = framed(*first, &[body, b"\x00"]);
                vectors.push(reject(from, bytes, MALFORMED, "MQTT 2.1.4", format!("a byte behind {place:?}")));
            }
        }
    }
    vectors
}

/// All properties that a place allows in one packet, in the order of their identifiers and in the opposite one.
fn full_lists() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for place in Place::ALL {
        // AUTH gets its method from `with`, unless the list begins with it.
        let allowed = PROPERTIES.iter().filter(|row| row.section(place).is_some() && place != Place::Auth);
        let mut list: Vec<_> = allowed.map(good).collect();
        for order in ["", " backwards"] {
            let bytes = list.concat();
            if bytes.len() > 127 {
                continue;
            }
            for &from in place.senders() {
                let why = format!("{} properties in {place:?}{order}", list.len());
                vectors.push(valid(from, with(place, &bytes), why));
            }
            list.reverse();
        }
    }
    vectors
}

/// The least and the greatest values of every property.
fn edges() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for place in Place::ALL {
        for row in PROPERTIES.iter().filter(|row| row.section(place).is_some()) {
            let values: Vec<Vec<u8>> = match row.kind {
                Kind::Flag => vec![vec![0], vec![1]],
                Kind::TwoBytes(least) => vec![least.to_be_bytes().to_vec(), vec![0xFF; 2]],
                Kind::FourBytes(least) => vec![least.to_be_bytes().to_vec(), vec![0xFF; 4]],
                Kind::VariableByte => {
                    [&b"\x01"[..], b"\x7F", b"\x80\x01", b"\xFF\x7F", b"\x80\x80\x01", b"\xFF\xFF\x7F"]
                        .into_iter()
                        .chain([&b"\x80\x80\x80\x01"[..], b"\xFF\xFF\xFF\x7F"])
                        .map(<[u8]>::to_vec)
                        .collect()
                }
                Kind::Text => vec![b"\x00\x00".to_vec(), [&b"\x00\x60"[..], &[b'x'; 0x60]].concat()],
                Kind::Topic => vec![b"\x00\x01/".to_vec(), [&b"\x00\x60"[..], &[b'x'; 0x60]].concat()],
                Kind::Binary => vec![b"\x00\x00".to_vec(), [&b"\x00\x60"[..], &[0xFF; 0x60]].concat()],
                Kind::Pair => {
                    vec![b"\x00\x00\x00\x00".to_vec(), b"\x00\x00\x00\x01v".to_vec(), b"\x00\x01n\x00\x00".to_vec()]
                }
            };
            for value in values {
                let mut property = [&[row.id], &value[..]].concat();
                if row.id == 0x16 {
                    property.extend_from_slice(b"\x15\x00\x01m");
                }
                for &from in place.senders() {
                    let why = format!("{} of {} bytes in {place:?}", row.name, value.len());
                    vectors.push(valid(from, with(place, &property), why));
                }
            }
        }
    }
    vectors
}

/// Packet identifiers 1 and 65535, wherever there is one, and each kind of PUBLISH.
fn identifiers() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for id in [1, 0x7FFF, 0x8000, u16::MAX] {
        let id = id.to_be_bytes();
        let mut push = |from: Sender, packet: PacketType, first: u8, rest: &[u8]| {
            let why = format!("{} with identifier {}", packet.name(), u16::from_be_bytes(id));
            vectors.push(valid(from, framed(first, &[&id, rest]), why));
        };
        for from in BOTH {
            push(from, PacketType::PubAck, 0x40, b"");
            push(from, PacketType::PubRec, 0x50, b"");
            push(from, PacketType::PubRel, 0x62, b"");
            push(from, PacketType::PubComp, 0x70, b"");
        }
        push(Sender::Client, PacketType::Subscribe, 0x82, b"\x00\x00\x01a\x00");
        push(Sender::Client, PacketType::Unsubscribe, 0xA2, b"\x00\x00\x01a");
        push(Sender::Server, PacketType::SubAck, 0x90, b"\x00\x00");
        push(Sender::Server, PacketType::UnsubAck, 0xB0, b"\x00\x00");
        for (from, flags) in BOTH.into_iter().flat_map(|from| [2, 3, 4, 5, 10, 11, 12, 13].map(|flags| (from, flags))) {
            let bytes = framed(0x30 | flags, &[b"\x00\x01t", &id, b"\x00payload"]);
            let id = u16::from_be_bytes(id);
            vectors.push(valid(from, bytes, format!("PUBLISH with flags 0x{flags:X} and identifier {id}")));
        }
    }
    for (from, flags) in BOTH.into_iter().flat_map(|from| [0, 1].map(|flags| (from, flags))) {
        let bytes = framed(0x30 | flags, &[b"\x00\x01t\x00payload"]);
        vectors.push(valid(from, bytes, format!("PUBLISH with flags 0x{flags:X}")));
    }
    vectors
}

/// Payloads around each border of the remaining length, and of a string's length.
fn lengths() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for remaining in [4, 126, 127, 128, 129, 255, 256, 16_382, 16_383, 16_384, 16_385] {
        for from in BOTH {
            let bytes = framed(0x30, &[b"\x00\x01t\x00", &vec![b'x'; remaining - 4]]);
            vectors.push(valid(from, bytes, format!("PUBLISH with a remaining length of {remaining}")));
        }
    }
    for len in [0x7F_u16, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF] {
        let topic = vec![b't'; usize::from(len)];
        let bytes = framed(0x30, &[&len.to_be_bytes(), &topic, b"\x00"]);
        vectors.push(valid(Sender::Server, bytes, format!("a topic name of {len} bytes")));
    }
    // A string that says that it is longer than the packet.
    for len in [2_u16, 3, 0xFF, 0x100, 0xFFFF] {
        for from in BOTH {
            let bytes = framed(0x30, &[&len.to_be_bytes(), b"t"]);
            vectors.push(reject(from, bytes, MALFORMED, "MQTT 2.1.4", format!("a topic name of {len} bytes in 1")));
        }
    }
    vectors
}
