//! Vectors from the tables: every property in every place, every reason code, every flag of every type.

use mqtt5_codec::{PacketType, Sender};

use super::{BOTH, MALFORMED, PROTOCOL_ERROR, Vector, Verdict, framed, reject, valid};
use crate::tables::{Kind, PROPERTIES, Place, PropertyRow, reasons};

const TOPIC_NAME_INVALID: u8 = 0x90;
const TOPIC_ALIAS_INVALID: u8 = 0x94;

pub(super) fn vectors() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for place in Place::ALL {
        for &from in place.senders() {
            for row in PROPERTIES {
                vectors.extend(property(row, place, from));
            }
            vectors.extend(lists(place, from));
        }
    }
    vectors.extend(codes());
    vectors.extend(first_bytes());
    vectors
}

/// What stands around the properties of a place: the first byte, and the body before and after.
fn around(place: Place) -> (u8, &'static [u8], &'static [u8]) {
    match place {
        Place::Will => (0x10, b"\x00\x04MQTT\x05\x04\x00\x3C\x00\x00\x01i", b"\x00\x04will\x00\x02on"),
        Place::Connect => (0x10, b"\x00\x04MQTT\x05\x02\x00\x3C", b"\x00\x01i"),
        Place::ConnAck => (0x20, b"\x00\x00", b""),
        Place::PublishByClient | Place::PublishByServer => (0x30, b"\x00\x03a/b", b""),
        Place::PubAck => (0x40, b"\x00\x0A\x10", b""),
        Place::PubRec => (0x50, b"\x00\x0A\x10", b""),
        Place::PubRel => (0x62, b"\x00\x0A\x92", b""),
        Place::PubComp => (0x70, b"\x00\x0A\x92", b""),
        Place::Subscribe => (0x82, b"\x00\x0A", b"\x00\x03a/b\x01"),
        Place::SubAck => (0x90, b"\x00\x0A", b"\x01"),
        Place::Unsubscribe => (0xA2, b"\x00\x0A", b"\x00\x03a/b"),
        Place::UnsubAck => (0xB0, b"\x00\x0A", b"\x11"),
        Place::DisconnectByClient => (0xE0, b"\x04", b""),
        Place::DisconnectByServer => (0xE0, b"\x8B", b""),
        Place::Auth => (0xF0, b"\x18", b""),
    }
}

/// A packet with these properties. AUTH gets a method, unless one or the data that needs it is what this is about.
pub(super) fn with(place: Place, properties: &[u8]) -> Vec<u8> {
    let (first, before, after) = around(place);
    let method: &[u8] = match properties.first() {
        Some(0x15 | 0x16) => b"",
        _ if place == Place::Auth => b"\x15\x00\x01m",
        _ => b"",
    };
    let length = [(properties.len() + method.len()) as u8];
    framed(first, &[before, &length, properties, method, after])
}

/// A property with a value that it may have.
pub(super) fn good(row: &PropertyRow) -> Vec<u8> {
    let value: &[u8] = match row.kind {
        Kind::Flag => &[1],
        Kind::TwoBytes(_) => &[0, 7],
        Kind::FourBytes(_) => &[0, 0, 1, 0],
        Kind::VariableByte => &[0x80, 1],
        Kind::Text | Kind::Topic => b"\x00\x04text",
        Kind::Binary => b"\x00\x03\x00\xFF\x80",
        Kind::Pair => b"\x00\x04name\x00\x05value",
    };
    [&[row.id], value].concat()
}

/// Values that a property may not have, and what answers them.
fn bad(row: &PropertyRow, section: &str) -> Vec<(Vec<u8>, u8, String)> {
    let out_of_range = || match row.id {
        0x23 => (TOPIC_ALIAS_INVALID, "MQTT-3.3.2-8".to_owned()),
        _ => (PROTOCOL_ERROR, format!("MQTT {section}")),
    };
    let malformed = |rule: &str| (MALFORMED, rule.to_owned());
    let values: Vec<(&[u8], (u8, String))> = match row.kind {
        Kind::Flag => vec![(&[2], out_of_range()), (&[0xFF], out_of_range())],
        Kind::TwoBytes(1) => vec![(&[0, 0], out_of_range())],
        Kind::FourBytes(1) => vec![(&[0, 0, 0, 0], out_of_range())],
        Kind::TwoBytes(_) | Kind::FourBytes(_) | Kind::Binary => vec![],
        Kind::VariableByte => vec![
            (&[0], out_of_range()),
            (&[0x81, 0x00], malformed("MQTT-1.5.5-1")),
            (&[0xFF, 0xFF, 0xFF, 0xFF, 0x01], malformed("MQTT 1.5.5")),
        ],
        Kind::Text | Kind::Topic => {
            let mut values: Vec<(&[u8], _)> = vec![
                (b"\x00\x02a\xFF", malformed("MQTT-1.5.4-1")),
                (b"\x00\x03\xED\xA0\x80", malformed("MQTT-1.5.4-1")),
                (b"\x00\x02\xC0\x80", malformed("MQTT-1.5.4-1")),
                (b"\x00\x03a\x00b", malformed("MQTT-1.5.4-2")),
            ];
            if row.kind == Kind::Topic {
                values.push((b"\x00\x03a/+", (PROTOCOL_ERROR, "MQTT-3.3.2-14".to_owned())));
                values.push((b"\x00\x01#", (PROTOCOL_ERROR, "MQTT-3.3.2-14".to_owned())));
                values.push((b"\x00\x00", (PROTOCOL_ERROR, "MQTT-4.7.3-1".to_owned())));
            }
            values
        }
        Kind::Pair => vec![
            (b"\x00\x01\x80\x00\x01v", malformed("MQTT-1.5.4-1")),
            (b"\x00\x01n\x00\x03\xED\xBF\xBF", malformed("MQTT-1.5.4-1")),
            (b"\x00\x01\x00\x00\x01v", malformed("MQTT-1.5.4-2")),
            (b"\x00\x01n\x00\x01\x00", malformed("MQTT-1.5.4-2")),
        ],
    };
    values.into_iter().map(|(value, (reason, rule))| ([&[row.id], value].concat(), reason, rule)).collect()
}

/// One property in one place: once, twice, out of range, cut short; or where it may not stand.
fn property(row: &PropertyRow, place: Place, from: Sender) -> Vec<Vector> {
    const METHOD: &[u8] = b"\x15\x00\x01m";
    let mut one = good(row);
    if row.id == 0x16 {
        one.extend(METHOD);
    }
    let name = |what: &str| format!("{} in {place:?}{what}", row.name);
    let Some(section) = row.section(place) else {
        let (reason, rule) = match (row.id, place) {
            (0x0B, Place::PublishByClient) => (PROTOCOL_ERROR, "MQTT-3.3.4-6"),
            (0x11, Place::DisconnectByServer) => (PROTOCOL_ERROR, "MQTT-3.14.2-2"),
            _ => (MALFORMED, "MQTT 2.2.2.2"),
        };
        return vec![reject(from, with(place, &one), reason, rule, name(" where it may not stand"))];
    };
    let mut vectors = vec![valid(from, with(place, &one), name(""))];
    let twice = with(place, &[&one[..], &one].concat());
    vectors.push(if row.repeats(place) {
        valid(from, twice, name(" twice"))
    } else {
        reject(from, twice, PROTOCOL_ERROR, &format!("MQTT {section}"), name(" twice"))
    });
    for (value, reason, rule) in bad(row, section) {
        vectors.push(reject(from, with(place, &value), reason, &rule, name(" with a bad value")));
    }
    let (first, before, after) = around(place);
    let value = good(row);
    if let Some((_, cut)) = value.split_last() {
        let bytes = framed(first, &[before, &[cut.len() as u8], cut, after]);
        vectors.push(reject(from, bytes, MALFORMED, "MQTT 2.2.2.1", name(" cut short")));
    }
    if row.id == 0x16 {
        let rule = match place {
            Place::Connect => "MQTT 3.1.2.11.10",
            Place::ConnAck => "MQTT 3.2.2.3.18",
            _ => "MQTT 3.15.2.2.2",
        };
        vectors.push(reject(from, with(place, &value), PROTOCOL_ERROR, rule, name(" without a method")));
    }
    vectors
}

/// A place's list of properties as a whole.
fn lists(place: Place, from: Sender) -> Vec<Vector> {
    let (first, before, after) = around(place);
    let name = |what: &str| format!("{what} in {place:?}");
    let list = |bytes: &[u8]| framed(first, &[before, bytes, after]);
    let mut vectors = vec![
        reject(from, list(b"\x80\x00"), MALFORMED, "MQTT-1.5.5-1", name("a property length that is not minimal")),
        reject(from, list(b"\xFF\xFF\xFF\xFF\x01"), MALFORMED, "MQTT 1.5.5", name("a property length of five bytes")),
        reject(from, list(b"\x7F"), MALFORMED, "MQTT 2.2.2.1", name("a property length beyond the packet")),
        valid(from, with(place, b"\x26\x00\x00\x00\x00"), name("an empty pair")),
        valid(from, with(place, b"\x26\x00\x03\xEF\xBB\xBF\x00\x04\xF0\xAA\x9B\x94"), name("a byte order mark")),
        valid(from, with(place, b"\x26\x00\x01\x01\x00\x03\xEF\xBF\xBF"), name("characters that should not appear")),
    ];
    for id in [0x00, 0x04, 0x0A, 0x0C, 0x14, 0x1B, 0x20, 0x2B, 0x7F, 0x80, 0xA6, 0xFF] {
        let why = name("a property that does not exist");
        vectors.push(reject(from, with(place, &[id, 0, 0]), MALFORMED, "MQTT 2.2.2.2", why));
    }
    vectors
}

/// Every reason code, and some bytes that are none, in every packet that carries one.
fn codes() -> Vec<Vector> {
    use PacketType as P;
    let mut vectors = Vec::new();
    let types =
        [P::ConnAck, P::PubAck, P::PubRec, P::PubRel, P::PubComp, P::SubAck, P::UnsubAck, P::Disconnect, P::Auth];
    let bytes = (0x00..=0x05).chain(0x0F..=0x1A).chain([0x7F]).chain(0x80..=0xA5).chain([0xC0, 0xFF]);
    for (packet, code) in types.into_iter().flat_map(|packet| bytes.clone().map(move |code| (packet, code))) {
        for from in BOTH {
            let (carried, rule) = reasons(packet, from);
            if carried.is_empty() {
                continue;
            }
            let (bytes, short) = with_code(packet, code);
            let why = format!("reason code 0x{code:02X} in {} from {from:?}", packet.name());
            vectors.push(if carried.contains(&code) {
                Vector { from, bytes, verdict: Verdict::Valid(short), why }
            } else {
                reject(from, bytes, PROTOCOL_ERROR, rule, why)
            });
        }
    }
    vectors
}

/// A packet with a reason code, and its canonical form.
fn with_code(packet: PacketType, code: u8) -> (Vec<u8>, Vec<u8>) {
    let first = (packet as u8) << 4 | if packet == PacketType::PubRel { 2 } else { 0 };
    let same = |bytes: Vec<u8>| (bytes.clone(), bytes);
    match packet {
        PacketType::ConnAck => same(vec![first, 3, 0, code, 0]),
        PacketType::SubAck | PacketType::UnsubAck => same(vec![first, 5, 0, 9, 0, 0, code]),
        PacketType::Auth => same(vec![first, 6, code, 4, 0x15, 0, 1, b'm']),
        PacketType::Disconnect if code == 0 => (vec![first, 2, 0, 0], vec![first, 0]),
        PacketType::Disconnect => (vec![first, 2, code, 0], vec![first, 1, code]),
        _ if code == 0 => (vec![first, 4, 0, 9, 0, 0], vec![first, 2, 0, 9]),
        _ => (vec![first, 4, 0, 9, code, 0], vec![first, 3, 0, 9, code]),
    }
}

/// Every first byte from either side: refused at once, or the beginning of a packet.
fn first_bytes() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for from in BOTH {
        for first in 0..=u8::MAX {
            let bytes = vec![first];
            let why = format!("first byte 0x{first:02X} from {from:?}");
            vectors.push(match first_byte(first, from) {
                None => Vector { from, bytes, verdict: Verdict::Incomplete, why },
                Some((reason, rule)) => reject(from, bytes, reason, rule, why),
            });
        }
        for name in ["+", "#", "a/+", "a/#", "a+b", "a#", "sport/tennis/#", "é+"] {
            let bytes = framed(0x30, &[&[0, name.len() as u8], name.as_bytes(), b"\x00"]);
            let why = format!("topic name {name}");
            vectors.push(reject(from, bytes, TOPIC_NAME_INVALID, "MQTT-3.3.2-2", why));
        }
    }
    vectors
}

fn first_byte(first: u8, from: Sender) -> Option<(u8, &'static str)> {
    let (packet, flags) = (first >> 4, first & 0xF);
    let by = match packet {
        0 => return Some((MALFORMED, "MQTT 2.1.2")),
        1 | 8 | 10 | 12 => &[Sender::Client][..],
        2 | 9 | 11 | 13 => &[Sender::Server],
        _ => &BOTH,
    };
    if !by.contains(&from) {
        return Some((PROTOCOL_ERROR, "MQTT 2.1.2"));
    }
    let rule = match (packet, flags) {
        (3, 0x6 | 0x7 | 0xE | 0xF) => "MQTT-3.3.1-4",
        (3, 0x8 | 0x9) => "MQTT-3.3.1-2",
        (3, _) | (6 | 8 | 10, 2) => return None,
        (6, _) => "MQTT-3.6.1-1",
        (8, _) => "MQTT-3.8.1-1",
        (10, _) => "MQTT-3.10.1-1",
        (_, 0) => return None,
        (14, _) => "MQTT-3.14.1-1",
        (15, _) => "MQTT-3.15.1-1",
        _ => "MQTT-2.1.3-1",
    };
    Some((MALFORMED, rule))
}
