//! Packets that may not be: a server closes the connection on which one comes [MQTT-4.13.1-1].

use mqtt5_codec::Packet;

use super::talk::{Join, Talk, Try, read};

/// The statement that each breaks, and the packet.
const PACKETS: &[(&str, &[u8])] = &[
    ("MQTT-1.5.4-1", &[0x30, 5, 0, 2, 0xC3, 0x28, 0]),
    ("MQTT-1.5.4-2", &[0x30, 5, 0, 2, b'a', 0, 0]),
    ("MQTT-1.5.5-1", &[0x30, 0x84, 0, 0, 1, b'a', 0]),
    ("MQTT-2.1.3-1", &[0xC1, 0]),
    ("MQTT-2.2.2-1", &[0x30, 3, 0, 1, b'a']),
    ("MQTT-2.2.1-3", &[0x32, 6, 0, 1, b'a', 0, 0, 0]),
    ("MQTT-3.3.1-2", &[0x38, 4, 0, 1, b'a', 0]),
    ("MQTT-3.3.1-4", &[0x36, 6, 0, 1, b'a', 0, 1, 0]),
    ("MQTT-3.3.2-2", &[0x30, 4, 0, 1, b'#', 0]),
    ("MQTT-3.3.2-8", &[0x30, 7, 0, 1, b'a', 3, 0x23, 0, 0]),
    ("MQTT-3.3.2-14", &[0x30, 8, 0, 1, b'a', 4, 0x08, 0, 1, b'+']),
    ("MQTT-3.3.4-6", &[0x30, 6, 0, 1, b'a', 2, 0x0B, 1]),
    ("MQTT-3.6.1-1", &[0x60, 2, 0, 1]),
    ("MQTT-3.8.1-1", &[0x80, 7, 0, 1, 0, 0, 1, b'a', 0]),
    ("MQTT-3.8.3-2", &[0x82, 3, 0, 1, 0]),
    ("MQTT-3.8.3-4", &[0x82, 16, 0, 1, 0, 0, 10, b'$', b's', b'h', b'a', b'r', b'e', b'/', b'g', b'/', b'a', 4]),
    ("MQTT-3.8.3-5", &[0x82, 7, 0, 1, 0, 0, 1, b'a', 0x40]),
    ("MQTT-3.10.1-1", &[0xA0, 6, 0, 1, 0, 0, 1, b'a']),
    ("MQTT-3.10.3-2", &[0xA2, 3, 0, 1, 0]),
    ("MQTT-3.14.1-1", &[0xE1, 0]),
    ("MQTT-3.15.1-1", &[0xF1, 0]),
    ("MQTT-4.7.1-1", &[0x82, 8, 0, 1, 0, 0, 2, b'a', b'#', 0]),
    ("MQTT-4.7.1-2", &[0x82, 8, 0, 1, 0, 0, 2, b'+', b'a', 0]),
    ("MQTT-4.7.3-1", &[0x82, 6, 0, 1, 0, 0, 0, 0]),
    ("MQTT-4.8.2-1", &[0x82, 15, 0, 1, 0, 0, 9, b'$', b's', b'h', b'a', b'r', b'e', b'/', b'/', b'a', 0]),
    ("MQTT-4.8.2-2", &[0x82, 17, 0, 1, 0, 0, 11, b'$', b's', b'h', b'a', b'r', b'e', b'/', b'g', b'+', b'/', b'a', 0]),
];

/// CONNECT packets that may not be.
const CONNECTS: &[(&str, &[u8])] = &[
    ("MQTT-3.1.2-2", &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 6, 2, 0, 0, 0, 0, 1, b'j']),
    ("MQTT-3.1.2-3", &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 3, 0, 0, 0, 0, 1, b'j']),
    ("MQTT-3.1.2-11", &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x0A, 0, 0, 0, 0, 1, b'j']),
    ("MQTT-3.1.2-12", &[0x10, 19, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x1E, 0, 0, 0, 0, 1, b'j', 0, 0, 1, b'w', 0, 0]),
    ("MQTT-3.1.2-13", &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x22, 0, 0, 0, 0, 1, b'j']),
    ("MQTT-3.1.2-1", &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'Q', 5, 2, 0, 0, 0, 0, 1, b'j']),
    ("MQTT-3.1.2-9", &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 5, 4, 0, 0, 0, 0, 0]),
    ("MQTT-3.1.2-16", &[0x10, 16, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 0, 0, 1, b'u']),
    ("MQTT-3.1.2-17", &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x82, 0, 0, 0, 0, 0]),
    ("MQTT-3.1.2-18", &[0x10, 19, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x82, 0, 0, 0, 0, 0, 0, 1, b'u', 0, 1, b'p']),
    ("MQTT-3.1.2-19", &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x42, 0, 0, 0, 0, 0]),
    ("MQTT-3.1.3-3", &[0x10, 11, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0]),
    ("MQTT-3.1.0-1", &[0xC0, 0]),
];

/// What this case looks at.
pub const STATEMENTS: &[&str] = &[
    "MQTT-4.13.1-1",
    "MQTT-3.1.4-1",
    "MQTT-1.5.4-1",
    "MQTT-1.5.4-2",
    "MQTT-1.5.5-1",
    "MQTT-2.1.3-1",
    "MQTT-2.2.2-1",
    "MQTT-2.2.1-3",
    "MQTT-3.3.1-2",
    "MQTT-3.3.1-4",
    "MQTT-3.3.2-2",
    "MQTT-3.3.2-8",
    "MQTT-3.3.2-14",
    "MQTT-3.3.4-6",
    "MQTT-3.6.1-1",
    "MQTT-3.8.1-1",
    "MQTT-3.8.3-2",
    "MQTT-3.8.3-4",
    "MQTT-3.8.3-5",
    "MQTT-3.10.1-1",
    "MQTT-3.10.3-2",
    "MQTT-3.14.1-1",
    "MQTT-3.15.1-1",
    "MQTT-3.1.2-2",
    "MQTT-3.1.2-3",
    "MQTT-3.1.2-11",
    "MQTT-3.1.2-12",
    "MQTT-3.1.2-13",
    "MQTT-3.1.0-1",
    "MQTT-3.1.2-1",
    "MQTT-3.1.2-9",
    "MQTT-3.1.2-16",
    "MQTT-3.1.2-17",
    "MQTT-3.1.2-18",
    "MQTT-3.1.2-19",
    "MQTT-3.1.3-3",
    "MQTT-4.7.1-1",
    "MQTT-4.7.1-2",
    "MQTT-4.7.3-1",
    "MQTT-4.8.2-1",
    "MQTT-4.8.2-2",
    "MQTT-3.14.0-1",
];

/// Sends each on a connection of its own.
///
/// # Errors
/// When there is no connection.
pub fn run(talk: &mut Talk<'_>) -> Try<()> {
    for (statement, bytes) in PACKETS {
        let link = talk.enter("malformed", Join::default())?;
        judge(talk, link, statement, "MQTT-4.13.1-1", bytes);
    }
    for (statement, bytes) in CONNECTS {
        let link = talk.open()?;
        judge(talk, link, statement, "MQTT-3.1.4-1", bytes);
    }
    Ok(())
}

fn judge(talk: &mut Talk<'_>, link: usize, statement: &str, general: &str, bytes: &[u8]) {
    talk.raw(link, bytes);
    let (said, closed) = talk.rest(link);
    if general == "MQTT-3.1.4-1" {
        let spoke = said.first().is_some_and(|first| first >> 4 == 14);
        talk.see("MQTT-3.14.0-1", !spoke, || format!("DISCONNECT before CONNACK: {said:02x?}"));
    }
    // A filter may be refused by a SUBACK as well.
    let refused =
        matches!(read(&said), Some(Packet::SubAck(ack)) if ack.reasons.iter().all(|reason| reason.is_error()));
    let closes = closed || refused;
    for statement in [statement, general] {
        talk.see(statement, closes, || format!("{bytes:02x?} is put up with"));
    }
    talk.close_all();
}
