//! What a server may send, and now and then what it may not.

use super::Op;
use super::judge::{Judge, Kind, Owed};
use super::tape::Tape;

/// The next thing that the server sends.
pub(crate) fn send(tape: &mut Tape<'_>, judge: &mut Judge) -> Op {
    let plain = |bytes| Op::Send { bytes, plain: true };
    match tape.below(20) {
        0..=7 => plain(answer(tape, judge)),
        8 => plain(any_answer(judge.an_exchange(tape), tape)),
        9 => plain(any_answer(u16::from(tape.below(6)) + 1, tape)),
        10..=12 => plain(message(tape)),
        13 => plain(with_alias(tape)),
        14..=15 => {
            let [high, low] = judge.a_message(tape).to_be_bytes();
            plain(vec![0x62, 2, high, low])
        }
        16 => plain(connack(tape, judge)),
        17 => plain(match tape.below(6) {
            0..=1 => vec![0xD0, 0],
            2 => vec![0xE0, 0],
            3 => vec![0xE0, 2, 0x8B, 0],
            _ => vec![0xF0, 6, tape.one_of(&[0x18, 0]), 4, 0x15, 0, 1, b'm'],
        }),
        18 => {
            let n = tape.below(12) + 1;
            Op::Send { bytes: tape.bytes(n), plain: false }
        }
        _ => {
            let mut bytes = answer(tape, judge);
            let at = usize::from(tape.byte()) % bytes.len();
            bytes[at] ^= 1 << tape.below(8);
            Op::Send { bytes, plain: false }
        }
    }
}

/// What the server owes the client for longest.
pub(crate) fn answer(tape: &mut Tape<'_>, judge: &mut Judge) -> Vec<u8> {
    match judge.owed.pop_front() {
        Some(Owed::ConnAck) => connack(tape, judge),
        Some(Owed::Packet(mut bytes)) => {
            // An acknowledgement may have a reason.
            if bytes.len() == 4 && bytes[0] >> 5 == 2 && tape.chance(30) {
                bytes.push(tape.one_of(&[0x10, 0x80, 0x91]));
                bytes[1] = 3;
            }
            bytes
        }
        None => message(tape),
    }
}

/// A message of QoS 1 or QoS 2.
fn message(tape: &mut Tape<'_>) -> Vec<u8> {
    let (qos, dup, id) = (tape.below(2) + 1, tape.chance(64), tape.below(5) + 1);
    vec![0x30 | qos << 1 | u8::from(dup) << 3, 6, 0, 1, b't', 0, id, 0]
}

/// An answer of any kind to an exchange.
fn any_answer(id: u16, tape: &mut Tape<'_>) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    match tape.below(12) {
        kind @ 0..=7 => {
            let first = [0x40, 0x50, 0x62, 0x70][usize::from(kind & 3)];
            if kind < 4 {
                return vec![first, 2, high, low];
            }
            vec![first, 3, high, low, tape.one_of(&[0, 0x10, 0x80, 0x92])]
        }
        kind @ 8..=9 => vec![0x90 | (kind & 1) << 5, 4, high, low, 0, 0],
        10 => vec![0x90, 5, high, low, 0, 0x80, 1],
        _ => vec![0x50, 10, high, low, 0, 6, 0x26, 0, 1, b'a', 0, 0],
    }
}

/// What answers an exchange by the book.
pub(crate) fn right_answer(kind: Kind, id: u16) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    let many = |first: u8, n: u8| [&[first, n + 3, high, low, 0][..], &vec![0; n.into()]].concat();
    match kind {
        Kind::Once => vec![0x40, 2, high, low],
        Kind::Twice => vec![0x50, 2, high, low],
        Kind::Released => vec![0x70, 2, high, low],
        Kind::Subscribe(n) => many(0x90, n),
        Kind::Unsubscribe(n) => many(0xB0, n),
    }
}

fn with_alias(tape: &mut Tape<'_>) -> Vec<u8> {
    let alias = tape.below(4);
    match tape.below(3) {
        0 => vec![0x30, 4, 0, 1, b't', 0],
        1 => vec![0x30, 7, 0, 1, b'a', 3, 0x23, 0, alias],
        _ => vec![0x30, 6, 0, 0, 3, 0x23, 0, alias],
    }
}

/// A CONNACK with a few of its properties, each once.
fn connack(tape: &mut Tape<'_>, judge: &Judge) -> Vec<u8> {
    let refused = tape.chance(12);
    let present = !refused && if judge.asked.clean { tape.chance(8) } else { tape.chance(180) };
    let mut properties: Vec<u8> = Vec::new();
    if judge.asked.method != tape.chance(8) {
        properties.extend([0x15, 0, 1, b'm']);
    }
    if judge.asked.id.is_empty() {
        properties.extend([0x12, 0, 1, b'c']);
    }
    let mut limits = tape.byte();
    limits &= tape.byte();
    let bits: [&[u8]; 8] = [
        &[0x21, 0, 1],
        &[0x22, 0, 1],
        &[0x24, 0],
        &[0x25, 0],
        &[0x27, 0, 0, 0, 30],
        &[0x13, 0, 9],
        &[0x11, 0, 0, 0, 20],
        &[0x28, 0, 0x29, 0, 0x2A, 0],
    ];
    for (bit, property) in bits.iter().enumerate() {
        if limits >> bit & 1 != 0 {
            properties.extend_from_slice(property);
            // Some have a second value that matters.
            if let Some(last) = properties.last_mut()
                && matches!(bit, 0..=2)
                && tape.chance(128)
            {
                *last = [2, 2, 1][bit];
            }
        }
    }
    let (len, reason) = (properties.len() as u8, if refused { 0x87 } else { 0 });
    [&[0x20, 3 + len, present.into(), reason, len][..], &properties].concat()
}
