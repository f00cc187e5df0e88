//! From a stream of bytes to packets: framing, limits, and what is checked beyond one packet's bytes.

use core::str;

use crate::packet::{Packet, check_first};
use crate::property::Properties;
use crate::wire::{Reader, VARINT_MAX, Varint, varint, varint_len};
use crate::{Error, PayloadFormat, ReasonCode, Rule, Sender, Text};

/// The largest packet that the standard knows: a fixed header of five bytes and 268,435,455 bytes more.
pub const MAXIMUM_PACKET_SIZE: u32 = VARINT_MAX + 5;

/// How to read what one side sends.
///
/// ```
/// use mqtt5_codec::{Decoded, Decoder, Packet, Sender};
/// const FROM_SERVER: Decoder = Decoder::new(Sender::Server).max_packet_size(1024);
///
/// match FROM_SERVER.decode(&[0xD0, 0x00, 0x40])? {
///     Decoded::Packet { used: 2, packet: Packet::PingResp } => {}
///     other => panic!("{other:?}"),
/// }
/// assert_eq!(FROM_SERVER.decode(&[0x40])?, Decoded::Partial { need: 2 });
/// # Ok::<(), mqtt5_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    from: Sender,
    max: u32,
    strict: bool,
}

/// What stands at the front of some bytes: a packet's frame, or the beginning of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Frame<'a> {
    /// The frame goes on.
    Partial {
        /// How many bytes are needed, at the least, counted from the frame's first byte.
        need: usize,
    },
    /// The frame is all there.
    Whole {
        /// How many bytes it takes.
        used: usize,
        /// Its first byte: type and flags.
        first: u8,
        /// What follows the fixed header.
        body: &'a [u8],
    },
}

/// What stands at the front of some bytes: a packet, or the beginning of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decoded<'a> {
    /// The packet goes on.
    Partial {
        /// How many bytes are needed, at the least, counted from the packet's first byte.
        need: usize,
    },
    /// A packet.
    Packet {
        /// How many bytes it takes.
        used: usize,
        /// The packet, borrowing from the input.
        packet: Packet<'a>,
    },
}

impl Decoder {
    /// Reads what `from` sends, with no limit to the packet's size but the standard's.
    #[must_use]
    pub const fn new(from: Sender) -> Self {
        Self { from, max: MAXIMUM_PACKET_SIZE, strict: false }
    }

    /// Refuses packets of more than `bytes` bytes, fixed header included, as soon as their length is known.
    #[must_use]
    pub const fn max_packet_size(self, bytes: u32) -> Self {
        Self { max: bytes, ..self }
    }

    /// Also refuses what a receiver may refuse: control characters and non-characters in strings (section 1.5.4), and a
    /// payload that is said to be UTF-8 and is not (section 3.3.2.3.2). Costs a second look at every string.
    #[must_use]
    pub const fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Looks for a packet's frame. The first byte and the length are checked as soon as they are there, so a packet that is
    /// too large, or may not be, is refused before its body arrives.
    ///
    /// # Errors
    /// A type, direction, flags or length that may not be, or more than the maximum packet size.
    #[inline]
    pub fn frame<'a>(&self, input: &'a [u8]) -> Result<Frame<'a>, Error> {
        let Some((&first, rest)) = input.split_first() else { return Ok(Frame::Partial { need: 2 }) };
        check_first(first, self.from)?;
        // Most packets have a length of one byte.
        let (remaining, rest) = match *rest {
            [len @ ..0x80, ref rest @ ..] => (usize::from(len), rest),
            _ => match long_length(rest) {
                Ok(Some(length)) => length,
                Ok(None) => return Ok(Frame::Partial { need: input.len().saturating_add(1) }),
                Err(error) => return Err(error),
            },
        };
        let used = input.len().wrapping_sub(rest.len()).wrapping_add(remaining);
        if used > self.max as usize {
            return Err(too_large());
        }
        match rest.split_at_checked(remaining) {
            Some((body, _)) => Ok(Frame::Whole { used, first, body }),
            None => Ok(Frame::Partial { need: used }),
        }
    }

    /// Reads the packet in a whole frame.
    ///
    /// # Errors
    /// Whatever the standard calls malformed or a protocol error, as far as one packet shows it.
    #[inline]
    pub fn packet<'a>(&self, first: u8, body: &'a [u8]) -> Result<Packet<'a>, Error> {
        check_first(first, self.from)?;
        self.body(first, body)
    }

    /// Looks for a frame and reads its packet: [`frame`](Self::frame), then [`packet`](Self::packet).
    ///
    /// # Errors
    /// As those two.
    #[inline]
    pub fn decode<'a>(&self, input: &'a [u8]) -> Result<Decoded<'a>, Error> {
        match self.frame(input)? {
            Frame::Partial { need } => Ok(Decoded::Partial { need }),
            Frame::Whole { used, first, body } => Ok(Decoded::Packet { used, packet: self.body(first, body)? }),
        }
    }

    #[inline]
    fn body<'a>(&self, first: u8, body: &'a [u8]) -> Result<Packet<'a>, Error> {
        let packet = match Packet::read(first, &mut Reader::new(body), self.from) {
            Ok(packet) => packet,
            Err(fault) => return Err(fault.in_packet(frame_len(body))),
        };
        if self.strict {
            check_strictly(&packet, body)?;
        }
        Ok(packet)
    }
}

/// How long the frame around a body is.
#[cold]
fn frame_len(body: &[u8]) -> usize {
    body.len().saturating_add(1).saturating_add(varint_len(body.len()))
}

/// A remaining length, which may be more than one byte long or still be coming, and what follows it.
#[cold]
fn long_length(rest: &[u8]) -> Result<Option<(usize, &[u8])>, Error> {
    match varint(rest) {
        Varint::Whole { value, rest } => Ok(Some((value as usize, rest))),
        Varint::Partial => Ok(None),
        Varint::Invalid(rule) => Err(Error { reason: ReasonCode::MALFORMED_PACKET, rule, at: 1 }),
    }
}

#[cold]
fn too_large() -> Error {
    Error { reason: ReasonCode::PACKET_TOO_LARGE, rule: Rule::MAXIMUM_PACKET_SIZE, at: 1 }
}

/// What a strict receiver refuses besides.
fn check_strictly(packet: &Packet<'_>, body: &[u8]) -> Result<(), Error> {
    let text = |text: Text<'_>| match text.discouraged() {
        None => Ok(()),
        Some(at) => Err(Error {
            reason: ReasonCode::MALFORMED_PACKET,
            rule: Rule::STRING_CHARACTERS,
            at: offset(body, text.as_bytes()).saturating_add(at),
        }),
    };
    let texts = |properties: &Properties<'_>| properties.texts().try_for_each(text);
    match packet {
        Packet::Connect(connect) => {
            texts(&connect.properties)?;
            text(connect.client_id)?;
            if let Some(will) = &connect.will {
                texts(&will.properties)?;
                text(will.topic.text())?;
                payload(&will.properties, will.payload, Rule::WILL_PAYLOAD_FORMAT, body)?;
            }
            connect.user_name.map_or(Ok(()), text)
        }
        Packet::Publish(publish) => {
            publish.topic.name().map_or(Ok(()), |name| text(name.text()))?;
            texts(&publish.properties)?;
            payload(&publish.properties, publish.payload, Rule::PAYLOAD_FORMAT, body)
        }
        Packet::Subscribe(subscribe) => {
            texts(&subscribe.properties)?;
            subscribe.filters.iter().try_for_each(|subscription| text(subscription.filter.text()))
        }
        Packet::Unsubscribe(unsubscribe) => {
            texts(&unsubscribe.properties)?;
            unsubscribe.filters.iter().try_for_each(|filter| text(filter.text()))
        }
        Packet::ConnAck(connack) => texts(&connack.properties),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            texts(&ack.properties)
        }
        Packet::SubAck(suback) | Packet::UnsubAck(suback) => texts(&suback.properties),
        Packet::Disconnect(disconnect) => texts(&disconnect.properties),
        Packet::Auth(auth) => texts(&auth.properties),
        Packet::PingReq | Packet::PingResp => Ok(()),
    }
}

/// Checks a payload that is said to be UTF-8.
fn payload(properties: &Properties<'_>, payload: &[u8], rule: Rule, body: &[u8]) -> Result<(), Error> {
    if properties.payload_format_indicator() != Some(PayloadFormat::Utf8) {
        return Ok(());
    }
    str::from_utf8(payload).map(|_| ()).map_err(|error| Error {
        reason: ReasonCode::PAYLOAD_FORMAT_INVALID,
        rule,
        at: offset(body, payload).saturating_add(error.valid_up_to()),
    })
}

/// Where a part of a body begins, counted from the packet's first byte.
fn offset(body: &[u8], part: &[u8]) -> usize {
    let header = frame_len(body).saturating_sub(body.len());
    (part.as_ptr() as usize).saturating_sub(body.as_ptr() as usize).saturating_add(header)
}
