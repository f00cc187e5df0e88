//! What the unit tests share: packets that are accepted, refused, and not to be sent.

use std::vec::Vec;

use crate::{AckKind, Decoded, Decoder, EncodeError, Error, Packet, ReasonCode, Sender};

pub(crate) const CLIENT: Sender = Sender::Client;
pub(crate) const SERVER: Sender = Sender::Server;
pub(crate) const BOTH: [Sender; 2] = [CLIENT, SERVER];
pub(crate) const MALFORMED: ReasonCode = ReasonCode::MALFORMED_PACKET;
pub(crate) const PROTOCOL_ERROR: ReasonCode = ReasonCode::PROTOCOL_ERROR;

/// A packet: its first byte, its length, and the parts of its body.
pub(crate) fn framed(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    assert!(body.len() < 0x4000);
    let (low, high) = ((body.len() & 0x7F) as u8, (body.len() >> 7) as u8);
    let mut packet = std::vec![first];
    if high == 0 {
        packet.push(low)
    } else {
        packet.extend([low | 0x80, high])
    }
    packet.extend(body);
    packet
}

/// Decodes a whole packet, none of whose prefixes is anything but the beginning of one.
pub(crate) fn decoded(from: Sender, bytes: &[u8]) -> Packet<'_> {
    begins(from, bytes);
    match Decoder::new(from).decode(bytes) {
        Ok(Decoded::Packet { used, packet }) if used == bytes.len() => packet,
        other => panic!("{bytes:02x?}: {other:?}"),
    }
}

/// Every proper prefix needs more, and never more than there is.
fn begins(from: Sender, bytes: &[u8]) {
    for len in 0..bytes.len() {
        match Decoder::new(from).decode(&bytes[..len]) {
            Ok(Decoded::Partial { need }) => assert!(len < need && need <= bytes.len().max(2), "{len} of {bytes:02x?}"),
            other => panic!("{len} of {bytes:02x?}: {other:?}"),
        }
    }
}

/// A valid packet in its canonical form: it is decoded, and encoded to the same bytes.
pub(crate) fn accepted(from: Sender, bytes: &[u8]) {
    shortened(from, bytes, bytes);
}

/// A valid packet, and its canonical form.
pub(crate) fn shortened(from: Sender, bytes: &[u8], canonical: &[u8]) {
    assert_eq!(encoded(from, &decoded(from, bytes)), Ok(canonical.to_vec()), "{bytes:02x?}");
}

/// The bytes of a packet, whose length is foretold and which needs no byte more than that.
pub(crate) fn encoded(from: Sender, packet: &Packet<'_>) -> Result<Vec<u8>, EncodeError> {
    let need = packet.encoded_len(from)?;
    assert_eq!(own_length(from, packet), Ok(need));
    let mut out = std::vec![0xAA; need + 3];
    let mut narrow = &mut out[..need - 1];
    assert_eq!(packet.encode(from, &mut narrow), Err(EncodeError::Full { need }));
    assert_eq!(narrow.len(), need - 1);
    let mut sink = &mut out[..];
    assert_eq!(packet.encode(from, &mut sink), Ok(need));
    assert_eq!(sink, [0xAA; 3]);
    out.truncate(need);
    Ok(out)
}

/// What the packet's own function says of its length.
fn own_length(from: Sender, packet: &Packet<'_>) -> Result<usize, EncodeError> {
    match packet {
        Packet::Connect(packet) => packet.encoded_len(),
        Packet::ConnAck(packet) => packet.encoded_len(),
        Packet::Publish(packet) => packet.encoded_len(from),
        Packet::PubAck(packet) => packet.encoded_len(AckKind::PubAck),
        Packet::PubRec(packet) => packet.encoded_len(AckKind::PubRec),
        Packet::PubRel(packet) => packet.encoded_len(AckKind::PubRel),
        Packet::PubComp(packet) => packet.encoded_len(AckKind::PubComp),
        Packet::Subscribe(packet) => packet.encoded_len(),
        Packet::SubAck(packet) => packet.encoded_len(),
        Packet::Unsubscribe(packet) => packet.encoded_len(),
        Packet::Disconnect(packet) => packet.encoded_len(from),
        Packet::Auth(packet) => packet.encoded_len(from),
        Packet::UnsubAck(_) | Packet::PingReq | Packet::PingResp => packet.encoded_len(from),
    }
}

/// A packet that is refused once it is whole, and not before.
pub(crate) fn refused(from: Sender, bytes: &[u8], reason: ReasonCode, rule: &str, at: usize) {
    begins(from, bytes);
    refused_at_once(from, bytes, reason, rule, at);
}

/// Bytes that are refused, whether or not a packet is whole.
pub(crate) fn refused_at_once(from: Sender, bytes: &[u8], reason: ReasonCode, rule: &str, at: usize) {
    let error = match Decoder::new(from).decode(bytes) {
        Err(error) => error,
        Ok(decoded) => panic!("{from:?} {bytes:02x?}: {decoded:?}"),
    };
    assert_eq!((error.reason, error.rule.id(), error.at), (reason, rule, at), "{from:?} {bytes:02x?}");
}

/// What a strict decoder refuses and another accepts.
pub(crate) fn refused_strictly(from: Sender, bytes: &[u8], reason: ReasonCode, rule: &str, at: usize) {
    let _ = decoded(from, bytes);
    match Decoder::new(from).strict(true).decode(bytes) {
        Err(Error { reason: told, rule: broken, at: place }) => {
            assert_eq!((told, broken.id(), place), (reason, rule, at), "{bytes:02x?}");
        }
        Ok(decoded) => panic!("{bytes:02x?}: {decoded:?}"),
    }
}

/// A packet that is not encoded: its sink stays as it is.
pub(crate) fn not_sent(from: Sender, packet: &Packet<'_>, rule: &str) {
    let mut out = [0xAA; 256];
    let mut sink = &mut out[..];
    match packet.encode(from, &mut sink) {
        Err(EncodeError::Refused(broken)) => assert_eq!(broken.id(), rule, "{packet:?}"),
        other => panic!("{from:?} {packet:?}: {other:?}"),
    }
    assert_eq!(sink.len(), 256);
    assert_eq!(out, [0xAA; 256]);
    assert!(matches!(packet.encoded_len(from), Err(EncodeError::Refused(broken)) if broken.id() == rule));
}

/// Every reason code in one packet: those of its table are carried both ways, no other byte is.
pub(crate) fn carries<'a>(
    from: Sender,
    build: impl Fn(u8) -> Vec<u8>,
    with: impl Fn(ReasonCode) -> Packet<'a>,
    table: &[u8],
    rule: &str,
    at: usize,
) {
    for value in 0..=u8::MAX {
        let bytes = build(value);
        if table.contains(&value) {
            accepted(from, &bytes);
            assert_eq!(encoded(from, &with(ReasonCode::from_u8(value).unwrap())), Ok(bytes));
        } else {
            refused(from, &bytes, PROTOCOL_ERROR, rule, at);
            if let Some(reason) = ReasonCode::from_u8(value) {
                not_sent(from, &with(reason), rule);
            }
        }
    }
}
