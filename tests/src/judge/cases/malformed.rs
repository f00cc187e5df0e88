//! Packets that may not be: a server that detects one closes the connection [MQTT-4.13.1-1].
//!
//! How rigorously a receiver looks is its own affair (section 4.13.1), unless the standard calls the packet malformed or a
//! protocol error where it describes it, or says what a server has to do. Only then is it a failure to put up with one; where
//! the standard binds the sender alone, it is told and fails nothing.

use mqtt5_codec::{Decoder, Packet, Sender};

use super::{Case, case};
use crate::judge::talk::{Join, Talk, Try, read, tell};
use crate::report::{Bytes, Class};

pub(super) const CASES: &[Case] =
    &[case("packets that may not be", STATEMENTS, packets), case("CONNECT that may not be", OF_CONNECT, connects)];

/// Of packets that may not be: the statement that each breaks, whether a server has to look, and the packet.
type Wrong = (&'static str, Class, &'static [u8]);

const PACKETS: &[Wrong] = &[
    ("MQTT-1.5.4-1", Class::Must, &[0x30, 5, 0, 2, 0xC3, 0x28, 0]),
    ("MQTT-1.5.4-2", Class::Must, &[0x30, 5, 0, 2, b'a', 0, 0]),
    ("MQTT-1.5.5-1", Class::Should, &[0x30, 0x84, 0, 0, 1, b'a', 0]),
    ("MQTT-1.5.7-1", Class::Must, &[0x30, 11, 0, 1, b'a', 7, 0x26, 0, 2, 0xC3, 0x28, 0, 0]),
    ("MQTT-2.1.3-1", Class::Must, &[0xC1, 0]),
    ("MQTT-2.2.2-1", Class::Must, &[0x30, 3, 0, 1, b'a']),
    ("MQTT-2.2.1-3", Class::Should, &[0x32, 6, 0, 1, b'a', 0, 0, 0]),
    ("MQTT-3.3.1-2", Class::Should, &[0x38, 4, 0, 1, b'a', 0]),
    ("MQTT-3.3.1-4", Class::Must, &[0x36, 6, 0, 1, b'a', 0, 1, 0]),
    ("MQTT-3.3.2-2", Class::Should, &[0x30, 4, 0, 1, b'#', 0]),
    ("MQTT-4.7.0-1", Class::Should, &[0x30, 6, 0, 3, b'a', b'/', b'+', 0]),
    ("MQTT-3.3.2-8", Class::Should, &[0x30, 7, 0, 1, b'a', 3, 0x23, 0, 0]),
    ("MQTT-3.3.2-13", Class::Must, &[0x30, 9, 0, 1, b'a', 5, 0x08, 0, 2, 0xC3, 0x28]),
    ("MQTT-3.3.2-14", Class::Should, &[0x30, 8, 0, 1, b'a', 4, 0x08, 0, 1, b'+']),
    ("MQTT-3.3.2-19", Class::Must, &[0x30, 9, 0, 1, b'a', 5, 0x03, 0, 2, 0xC3, 0x28]),
    ("MQTT-3.3.4-6", Class::Must, &[0x30, 6, 0, 1, b'a', 2, 0x0B, 1]),
    ("MQTT-3.6.1-1", Class::Must, &[0x60, 2, 0, 1]),
    ("MQTT-3.8.1-1", Class::Must, &[0x80, 7, 0, 1, 0, 0, 1, b'a', 0]),
    ("MQTT-3.8.3-1", Class::Must, &[0x82, 8, 0, 1, 0, 0, 2, 0xC3, 0x28, 0]),
    ("MQTT-3.8.3-2", Class::Must, &[0x82, 3, 0, 1, 0]),
    (
        "MQTT-3.8.3-4",
        Class::Must,
        &[0x82, 16, 0, 1, 0, 0, 10, b'$', b's', b'h', b'a', b'r', b'e', b'/', b'g', b'/', b'a', 4],
    ),
    ("MQTT-3.8.3-5", Class::Must, &[0x82, 7, 0, 1, 0, 0, 1, b'a', 0x40]),
    ("MQTT-3.10.1-1", Class::Must, &[0xA0, 6, 0, 1, 0, 0, 1, b'a']),
    ("MQTT-3.10.3-1", Class::Must, &[0xA2, 7, 0, 1, 0, 0, 2, 0xC3, 0x28]),
    ("MQTT-3.10.3-2", Class::Must, &[0xA2, 3, 0, 1, 0]),
    ("MQTT-3.14.1-1", Class::Must, &[0xE1, 0]),
    ("MQTT-3.15.1-1", Class::Must, &[0xF1, 0]),
    ("MQTT-4.7.1-1", Class::Should, &[0x82, 8, 0, 1, 0, 0, 2, b'a', b'#', 0]),
    ("MQTT-4.7.1-2", Class::Should, &[0x82, 8, 0, 1, 0, 0, 2, b'+', b'a', 0]),
    ("MQTT-4.7.3-1", Class::Should, &[0x82, 6, 0, 1, 0, 0, 0, 0]),
    ("MQTT-4.7.3-2", Class::Must, &[0x82, 8, 0, 1, 0, 0, 2, b'a', 0, 0]),
    (
        "MQTT-4.8.2-1",
        Class::Should,
        &[0x82, 15, 0, 1, 0, 0, 9, b'$', b's', b'h', b'a', b'r', b'e', b'/', b'/', b'a', 0],
    ),
    (
        "MQTT-4.8.2-2",
        Class::Should,
        &[0x82, 17, 0, 1, 0, 0, 11, b'$', b's', b'h', b'a', b'r', b'e', b'/', b'g', b'+', b'/', b'a', 0],
    ),
];

/// A server has to see that CONNECT is as section 3.1 describes it [MQTT-3.1.4-1].
const CONNECTS: &[Wrong] = &[
    ("MQTT-3.1.2-2", Class::Must, &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 6, 2, 0, 60, 0, 0, 1, b'j']),
    ("MQTT-3.1.2-3", Class::Must, &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 3, 0, 60, 0, 0, 1, b'j']),
    ("MQTT-3.1.2-11", Class::Must, &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x0A, 0, 60, 0, 0, 1, b'j']),
    (
        "MQTT-3.1.2-12",
        Class::Must,
        &[0x10, 19, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x1E, 0, 60, 0, 0, 1, b'j', 0, 0, 1, b'w', 0, 0],
    ),
    ("MQTT-3.1.2-13", Class::Must, &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x22, 0, 60, 0, 0, 1, b'j']),
    ("MQTT-3.1.2-1", Class::Must, &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'Q', 5, 2, 0, 60, 0, 0, 1, b'j']),
    ("MQTT-3.1.2-9", Class::Must, &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 5, 4, 0, 60, 0, 0, 0]),
    ("MQTT-3.1.2-16", Class::Must, &[0x10, 16, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 60, 0, 0, 0, 0, 1, b'u']),
    ("MQTT-3.1.2-17", Class::Must, &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x82, 0, 60, 0, 0, 0]),
    (
        "MQTT-3.1.2-18",
        Class::Must,
        &[0x10, 19, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x82, 0, 60, 0, 0, 0, 0, 1, b'u', 0, 1, b'p'],
    ),
    ("MQTT-3.1.2-19", Class::Must, &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x42, 0, 60, 0, 0, 0]),
    ("MQTT-3.1.3-3", Class::Must, &[0x10, 11, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 60, 0]),
    ("MQTT-3.1.3-4", Class::Must, &[0x10, 15, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 60, 0, 0, 2, 0xC3, 0x28]),
    (
        "MQTT-3.1.3-11",
        Class::Must,
        &[0x10, 21, 0, 4, b'M', b'Q', b'T', b'T', 5, 6, 0, 60, 0, 0, 1, b'j', 0, 0, 2, 0xC3, 0x28, 0, 0],
    ),
    (
        "MQTT-3.1.3-12",
        Class::Must,
        &[0x10, 18, 0, 4, b'M', b'Q', b'T', b'T', 5, 0x82, 0, 60, 0, 0, 1, b'j', 0, 2, 0xC3, 0x28],
    ),
    ("MQTT-3.1.0-1", Class::Must, &[0xC0, 0]),
];

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const STATEMENTS: &[&str] = &{
    let mut statements = ["MQTT-4.13.1-1"; PACKETS.len() + 1];
    let mut at = 0;
    while at < PACKETS.len() {
        statements[at] = PACKETS[at].0;
        at += 1;
    }
    statements
};

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const OF_CONNECT: &[&str] = &{
    let mut statements = ["MQTT-3.1.4-1"; CONNECTS.len() + 2];
    let mut at = 0;
    while at < CONNECTS.len() {
        statements[at] = CONNECTS[at].0;
        at += 1;
    }
    statements[at] = "MQTT-3.14.0-1";
    statements
};

/// The packet that breaks a statement, if this is a case's.
pub(in crate::judge) fn packet(statement: &str) -> Option<&'static [u8]> {
    PACKETS.iter().chain(CONNECTS).find(|(of, ..)| *of == statement).map(|(_, _, bytes)| *bytes)
}

fn packets(talk: &mut Talk<'_>) -> Try<()> {
    let mut links = Vec::new();
    for (at, wrong) in PACKETS.iter().enumerate() {
        links.push((talk.enter(&format!("{at}"), Join::default())?, wrong));
    }
    judge(talk, &links, "MQTT-4.13.1-1");
    Ok(())
}

fn connects(talk: &mut Talk<'_>) -> Try<()> {
    let mut links = Vec::new();
    for wrong in CONNECTS {
        links.push((talk.open()?, wrong));
    }
    judge(talk, &links, "MQTT-3.1.4-1");
    Ok(())
}

/// Sends each on its own connection, and gives all of them the same time.
fn judge(talk: &mut Talk<'_>, links: &[(usize, &'static Wrong)], general: &str) {
    for (link, (_, _, bytes)) in links {
        talk.raw(*link, bytes);
    }
    let until = talk.now() + talk.patience();
    for (link, (statement, class, bytes)) in links {
        talk.focus = Some(*link);
        let (said, closed) = talk.rest(*link, until.saturating_sub(talk.now()));
        if general == "MQTT-3.1.4-1" {
            let spoke = said.first().is_some_and(|first| first >> 4 == 14);
            talk.see("MQTT-3.14.0-1", !spoke, "no DISCONNECT before CONNACK", || tell(&said));
        }
        if matches!(read(&said), Some(Packet::Disconnect(_))) {
            let length = said.get(1).map_or(0, |length| usize::from(*length) + 2);
            let after = said.get(length..).unwrap_or_default();
            let nothing = "nothing after DISCONNECT";
            talk.see("MQTT-3.14.4-1", after.is_empty(), nothing, || crate::report::brief(after));
            for statement in ["MQTT-3.14.4-2", "MQTT-4.13.2-1"] {
                let expected = "the end of the connection after DISCONNECT";
                talk.see(statement, closed, expected, || "no end".to_owned());
            }
        }
        // A filter may be refused by a SUBACK as well.
        let refused =
            matches!(read(&said), Some(Packet::SubAck(ack)) if ack.reasons.iter().all(|reason| reason.is_error()));
        let closes = closed || refused;
        let at = Decoder::new(Sender::Client).decode(bytes).err().map(|error| error.at);
        let shown = || Bytes { from: "client", bytes: bytes.to_vec(), at };
        let seen = || format!("it is put up with, and {} came", tell(&said));
        let expected = "the end of the connection";
        talk.note(statement, *class, closes, expected, seen, Some(shown()));
        if *class == Class::Must {
            talk.note(general, *class, closes, expected, seen, Some(shown()));
        }
    }
    talk.focus = None;
}
