//! From a stream of bytes to packets: framing, limits, and what is checked beyond one packet's bytes.

mod strict;

use crate::packet::{LONG_PING, Packet, check_first, is_ping};
use crate::wire::{VARINT_MAX, varint, varint_fault, varint_len};
use crate::{Error, PacketId, ReasonCode, Rule, Sender};

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

impl<'a> Frame<'a> {
    /// Looks for a frame by its length alone, whatever its first byte is and however long it is: for who watches a stream, and
    /// steps over packets that may not be. [`Decoder::packet`] says what is wrong with them.
    ///
    /// ```
    /// use mqtt5_codec::{Decoder, Frame, Rule, Sender};
    /// let Frame::Whole { used, first, body } = Frame::find(&[0x36, 0x01, 0x00, 0xD0, 0x00])? else { return Ok(()) };
    /// assert_eq!(Decoder::new(Sender::Server).packet(first, body).unwrap_err().rule, Rule::PUBLISH_QOS);
    /// assert_eq!(used, 3); // where the next one begins
    /// # Ok::<(), mqtt5_codec::Error>(())
    /// ```
    ///
    /// # Errors
    /// A length that is none: more than four bytes, or not in its shortest form. Then nobody can say where the next frame begins.
    pub fn find(input: &'a [u8]) -> Result<Self, Error> {
        let Some((&first, mut rest)) = input.split_first() else { return Ok(Self::Partial { need: 2 }) };
        let Some(remaining) = varint(&mut rest) else { return unknown_length(rest) };
        let used = input.len().wrapping_sub(rest.len()).wrapping_add(remaining as usize);
        match rest.split_at_checked(remaining as usize) {
            Some((body, _)) => Ok(Self::Whole { used, first, body }),
            None => Ok(Self::Partial { need: used }),
        }
    }
}

/// What is to be said of a length that is not all there, or is none.
#[cold]
fn unknown_length<'a>(length: &[u8]) -> Result<Frame<'a>, Error> {
    match varint_fault(length) {
        None => Ok(Frame::Partial { need: length.len().saturating_add(2) }),
        Some(rule) => Err(Error { reason: ReasonCode::MALFORMED_PACKET, rule, at: 1 }),
    }
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

    /// Looks for a packet's frame. The first byte and the length are checked as soon as they are there, byte by byte: a packet
    /// that can only be too large, or whose body may not have this length whatever it holds, is refused before its body arrives.
    ///
    /// # Errors
    /// A type, direction, flags or length that may not be, or more than the maximum packet size.
    #[inline]
    pub fn frame<'a>(&self, input: &'a [u8]) -> Result<Frame<'a>, Error> {
        let Some((&first, mut rest)) = input.split_first() else { return Ok(Frame::Partial { need: 2 }) };
        check_first(first, self.from)?;
        let Some(remaining) = varint(&mut rest) else { return self.unknown_length(first, rest) };
        let remaining = remaining as usize;
        let used = input.len().wrapping_sub(rest.len()).wrapping_add(remaining);
        if used > self.max as usize {
            return Err(too_large(self.from));
        }
        match rest.split_at_checked(remaining) {
            Some((body, _)) => Ok(Frame::Whole { used, first, body }),
            None => partial(first, remaining, used),
        }
    }

    /// What is to be said of a frame whose length is not all there, or is none.
    #[cold]
    fn unknown_length<'a>(&self, first: u8, length: &[u8]) -> Result<Frame<'a>, Error> {
        if is_ping(first) && !length.is_empty() {
            return Err(LONG_PING);
        }
        let partial = unknown_length(length)?;
        // Each of its up to three bytes says that another follows, which is at least one.
        let mut least = 0usize;
        for (shift, &byte) in [0, 7, 14].into_iter().zip(length) {
            least = (least & ((1 << shift) - 1)) | usize::from(byte) << shift;
        }
        if !length.is_empty() && least.saturating_add(1).saturating_add(varint_len(least)) > self.max as usize {
            return Err(too_large(self.from));
        }
        Ok(partial)
    }

    /// Reads the packet in a whole frame, as [`frame`](Self::frame) lends it. Its size has been checked there.
    ///
    /// # Errors
    /// Whatever the standard calls malformed or a protocol error, as far as one packet shows it.
    pub fn packet<'a>(&self, first: u8, body: &'a [u8]) -> Result<Packet<'a>, Error> {
        check_first(first, self.from)?;
        if self.strict {
            let packet = self.strict(false).packet(first, body)?;
            strict::check(&packet, body)?;
            return Ok(packet);
        }
        Packet::read(first, body, self.from, |packet| packet)
    }

    /// Looks for a frame and reads its packet: [`frame`](Self::frame), then [`packet`](Self::packet).
    ///
    /// # Errors
    /// As those two.
    #[inline]
    pub fn decode<'a>(&self, input: &'a [u8]) -> Result<Decoded<'a>, Error> {
        // Nearly every acknowledgement, before all else: it may come from either side.
        if usize::BITS > 32
            && let [first @ (0x40 | 0x50 | 0x62 | 0x70), 2, high, low, ..] = *input
            && let Some(id) = PacketId::new(u16::from_be_bytes([high, low]))
            && self.max >= 4
        {
            return Ok(Decoded::Packet { used: 4, packet: Packet::acknowledged(first, id) });
        }
        self.decode_any(input)
    }

    #[cfg_attr(target_pointer_width = "64", inline(never))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    fn decode_any<'a>(&self, input: &'a [u8]) -> Result<Decoded<'a>, Error> {
        match self.frame(input)? {
            Frame::Partial { need } => Ok(Decoded::Partial { need }),
            Frame::Whole { used, first, body } if self.strict => {
                self.packet(first, body).map(|packet| Decoded::Packet { used, packet })
            }
            Frame::Whole { used, first, body } => {
                Packet::read(first, body, self.from, |packet| Decoded::Packet { used, packet })
            }
        }
    }
}

/// A frame whose body is not all there: it goes on, unless any body of this length has the same fault.
#[inline]
fn partial<'a>(first: u8, remaining: usize, need: usize) -> Result<Frame<'a>, Error> {
    match first >> 4 {
        _ if is_ping(first) => Err(LONG_PING),
        // What begins with two bytes, an identifier or a length, has more than one.
        1 | 3..=11 if remaining == 1 => {
            Err(Error { reason: ReasonCode::MALFORMED_PACKET, rule: Rule::REMAINING_LENGTH, at: 2 })
        }
        _ => Ok(Frame::Partial { need }),
    }
}

#[cold]
fn too_large(from: Sender) -> Error {
    let rule = match from {
        Sender::Client => Rule::SERVER_MAXIMUM_PACKET_SIZE,
        Sender::Server => Rule::MAXIMUM_PACKET_SIZE,
    };
    Error { reason: ReasonCode::PACKET_TOO_LARGE, rule, at: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        BOTH, CLIENT, MALFORMED, SERVER, accepted, framed, refused, refused_at_once, refused_strictly,
    };
    use std::vec;

    fn frame(decoder: Decoder, input: &[u8]) -> Result<Frame<'_>, Error> {
        decoder.frame(input)
    }

    #[test]
    fn a_frame_says_how_many_bytes_it_needs() {
        let decoder = Decoder::new(CLIENT);
        assert_eq!(frame(decoder, b""), Ok(Frame::Partial { need: 2 }));
        assert_eq!(frame(decoder, b"\x30"), Ok(Frame::Partial { need: 2 }));
        assert_eq!(frame(decoder, b"\x30\x80"), Ok(Frame::Partial { need: 3 }));
        assert_eq!(frame(decoder, b"\x30\x80\x80"), Ok(Frame::Partial { need: 4 }));
        assert_eq!(frame(decoder, b"\x30\x80\x80\x80"), Ok(Frame::Partial { need: 5 }));
        assert_eq!(frame(decoder, b"\x30\x05abc"), Ok(Frame::Partial { need: 7 }));
        assert_eq!(frame(decoder, b"\x30\x80\x01"), Ok(Frame::Partial { need: 131 }));
        assert_eq!(frame(decoder, b"\x30\xFF\xFF\xFF\x7F"), Ok(Frame::Partial { need: 268_435_460 }));
        assert_eq!(frame(decoder, b"\x30\x02abcd"), Ok(Frame::Whole { used: 4, first: 0x30, body: b"ab" }));
        assert_eq!(frame(decoder, b"\xC0\x00\xC0"), Ok(Frame::Whole { used: 2, first: 0xC0, body: b"" }));
        let mut long = vec![0; 131 + 1];
        long[..3].copy_from_slice(b"\x30\x80\x01");
        assert_eq!(frame(decoder, &long), Ok(Frame::Whole { used: 131, first: 0x30, body: &long[3..131] }));
    }

    #[test]
    fn mqtt_1_5_5_1_the_remaining_length_has_its_shortest_form() {
        for from in BOTH {
            for length in [&b"\x80\x00"[..], b"\x84\x00", b"\xFF\x80\x00", b"\x80\x80\x80\x00"] {
                refused_at_once(from, &framed_by(0x30, length), MALFORMED, "MQTT-1.5.5-1", 1);
            }
            // More than four bytes, known from the fourth.
            refused_at_once(from, &framed_by(0x30, b"\x80\x80\x80\x80"), MALFORMED, "MQTT 1.5.5", 1);
            refused_at_once(from, &framed_by(0x30, b"\xFF\xFF\xFF\xFF\x01"), MALFORMED, "MQTT 1.5.5", 1);
        }
    }

    fn framed_by(first: u8, length: &[u8]) -> vec::Vec<u8> {
        [&[first], length].concat()
    }

    #[test]
    fn the_remaining_length_covers_the_fields_exactly() {
        for from in BOTH {
            // An acknowledgement with one byte too many and one too few, told where the fields end.
            refused(from, b"\x40\x06\x00\x01\x00\x01\x00\x00", MALFORMED, "MQTT 2.2.2.2", 6);
            refused_at_once(from, b"\x40\x01\x00", MALFORMED, "MQTT 2.1.4", 2);
        }
        // The same behind a fixed header of three bytes.
        let mut packet = vec![0x40, 0x80, 0x01, 0, 1, 0, 0];
        packet.resize(131, 0);
        refused(CLIENT, &packet, MALFORMED, "MQTT 2.1.4", 7);
    }

    #[test]
    fn mqtt_3_1_2_24_a_packet_over_the_maximum_is_refused_before_its_body_arrives() {
        for (from, rule) in [(SERVER, "MQTT-3.1.2-24"), (CLIENT, "MQTT-3.2.2-15")] {
            let refused = |max, input| match Decoder::new(from).max_packet_size(max).decode(input) {
                Err(error) => {
                    assert_eq!((error.reason, error.rule.id(), error.at), (ReasonCode::PACKET_TOO_LARGE, rule, 1));
                    true
                }
                Ok(_) => false,
            };
            assert!(refused(6, b"\x30\x05"));
            assert!(!refused(7, b"\x30\x05"));
            assert!(refused(6, b"\x30\x05\x00\x01a\x00p"));
            assert!(!refused(7, b"\x30\x05\x00\x01a\x00p"));
            assert!(refused(130, b"\x30\x80\x01"));
            assert!(!refused(131, b"\x30\x80\x01"));
            assert_eq!(MAXIMUM_PACKET_SIZE, 268_435_460);
            assert!(refused(268_435_459, b"\x30\xFF\xFF\xFF\x7F"));
            assert!(!refused(MAXIMUM_PACKET_SIZE, b"\x30\xFF\xFF\xFF\x7F"));
            assert!(!refused(u32::MAX, b"\x30\xFF\xFF\xFF\x7F"));
            // Not known yet; then half of a length, which becomes no less than 128, 129, 16,384.
            assert!(!refused(1, b"\x30"));
            assert!(!refused(131, b"\x30\x80") && refused(130, b"\x30\x80"));
            assert!(!refused(132, b"\x30\x81") && refused(131, b"\x30\x81"));
            assert!(!refused(16_388, b"\x30\x80\x80") && refused(16_387, b"\x30\x80\x80"));
            assert!(!refused(2_097_157, b"\x30\x80\x80\x80") && refused(2_097_156, b"\x30\x80\x80\x80"));
            // A length that is none is told first.
            for none in [&b"\x30\x80\x00"[..], b"\x30\x80\x80\x80\x80"] {
                assert_eq!(Decoder::new(from).max_packet_size(5).decode(none).unwrap_err().reason, MALFORMED);
            }
            // What is no packet is told first.
            assert_eq!(Decoder::new(from).max_packet_size(2).decode(b"\x36\x05").unwrap_err().reason, MALFORMED);
        }
    }

    #[test]
    fn a_length_whose_body_is_wrong_whatever_it_holds_is_refused_before_it() {
        for (from, first) in [(CLIENT, 0x10), (CLIENT, 0x82), (CLIENT, 0xA2), (SERVER, 0x90), (SERVER, 0xB0)] {
            refused_at_once(from, &[first, 1], MALFORMED, "MQTT 2.1.4", 2);
        }
        for from in BOTH {
            for first in [0x30, 0x34, 0x40, 0x50, 0x62, 0x70] {
                for byte in [0, 1, 0x80, 0xFF] {
                    refused_at_once(from, &[first, 1], MALFORMED, "MQTT 2.1.4", 2);
                    refused_at_once(from, &[first, 1, byte], MALFORMED, "MQTT 2.1.4", 2);
                }
            }
            // One byte may be all of these.
            for first in [0xE0, 0xF0] {
                assert_eq!(frame(Decoder::new(from), &[first, 1]), Ok(Frame::Partial { need: 3 }));
            }
        }
        assert_eq!(frame(Decoder::new(SERVER), b"\x20\x01"), Ok(Frame::Partial { need: 3 }));
        // A ping has no length but zero, which one byte says.
        refused_at_once(CLIENT, b"\xC0\x01", MALFORMED, "MQTT 2.1.4", 1);
        refused_at_once(SERVER, b"\xD0\x80", MALFORMED, "MQTT 2.1.4", 1);
        assert_eq!(frame(Decoder::new(CLIENT), b"\xC0"), Ok(Frame::Partial { need: 2 }));
    }

    #[test]
    fn a_packet_given_apart_from_its_frame_is_checked_alike() {
        let decoder = Decoder::new(SERVER);
        assert_eq!(decoder.packet(0xD0, b""), Ok(Packet::PingResp));
        for (first, body, at) in [(0xC0, &b""[..], 0), (0xD1, b"", 0), (0x00, b"", 0), (0x36, b"", 0), (0xD0, b"\0", 1)]
        {
            let apart = decoder.packet(first, body).unwrap_err();
            assert_eq!(apart.at, at);
            assert_eq!(decoder.decode(&framed(first, &[body])).unwrap_err(), apart);
        }
    }

    #[test]
    fn control_characters_and_non_characters_are_refused_strictly_in_every_string() {
        const RULE: &str = "MQTT 1.5.4";
        for (from, bytes, at) in [
            // CONNECT: client identifier, will topic, user name; an authentication method, a will's content type.
            (CLIENT, &b"\x10\x0E\x00\x04MQTT\x05\x00\x00\x00\x00\x00\x01\x01"[..], 15),
            (CLIENT, b"\x10\x13\x00\x04MQTT\x05\x04\x00\x00\x00\x00\x00\x00\x00\x01\x7F\x00\x00", 18),
            (CLIENT, b"\x10\x11\x00\x04MQTT\x05\x80\x00\x00\x00\x00\x00\x00\x02a\x1F", 18),
            (CLIENT, b"\x10\x11\x00\x04MQTT\x05\x00\x00\x00\x04\x15\x00\x01\x02\x00\x00", 16),
            (CLIENT, b"\x10\x17\x00\x04MQTT\x05\x04\x00\x00\x00\x00\x00\x04\x03\x00\x01\x0A\x00\x01t\x00\x00", 19),
            // PUBLISH: topic, response topic, content type, both halves of a user property.
            (SERVER, b"\x30\x06\x00\x03a\xC2\x9F\x00", 5),
            (CLIENT, b"\x30\x08\x00\x01a\x04\x08\x00\x01\x01", 9),
            (CLIENT, b"\x30\x0A\x00\x01a\x06\x03\x00\x03\xEF\xBF\xBE", 9),
            (SERVER, b"\x30\x0B\x00\x01a\x07\x26\x00\x01\x01\x00\x01v", 9),
            (SERVER, b"\x30\x0B\x00\x01a\x07\x26\x00\x01n\x00\x01\x01", 12),
            // SUBSCRIBE, UNSUBSCRIBE: filters.
            (CLIENT, b"\x82\x0B\x00\x01\x00\x00\x01a\x00\x00\x01\x01\x00", 11),
            (CLIENT, b"\xA2\x09\x00\x01\x00\x00\x01a\x00\x01\x01", 10),
            // Properties of the others.
            (CLIENT, b"\x82\x0E\x00\x01\x07\x26\x00\x01\x01\x00\x01v\x00\x01a\x00", 8),
            (CLIENT, b"\xA2\x0D\x00\x01\x07\x26\x00\x01n\x00\x01\x01\x00\x01a", 11),
            (SERVER, b"\x20\x07\x00\x00\x04\x1F\x00\x01\x01", 8),
            (SERVER, b"\x40\x08\x00\x01\x00\x04\x1F\x00\x01\x01", 9),
            (CLIENT, b"\x50\x08\x00\x01\x00\x04\x1F\x00\x01\x01", 9),
            (SERVER, b"\x62\x08\x00\x01\x00\x04\x1F\x00\x01\x01", 9),
            (CLIENT, b"\x70\x08\x00\x01\x00\x04\x1F\x00\x01\x01", 9),
            (SERVER, b"\x90\x08\x00\x01\x04\x1F\x00\x01\x01\x00", 8),
            (SERVER, b"\xB0\x08\x00\x01\x04\x1F\x00\x01\x01\x00", 8),
            (SERVER, b"\xE0\x06\x00\x04\x1F\x00\x01\x01", 7),
            (CLIENT, b"\xF0\x06\x18\x04\x15\x00\x01\x01", 7),
        ] {
            accepted(from, bytes);
            refused_strictly(from, bytes, MALFORMED, RULE, at);
        }
    }

    #[test]
    fn a_payload_is_checked_strictly_against_its_format() {
        let reason = ReasonCode::PAYLOAD_FORMAT_INVALID;
        for from in BOTH {
            refused_strictly(from, b"\x30\x08\x00\x01a\x02\x01\x01h\xFF", reason, "MQTT 3.3.2.3.2", 9);
            for fine in [
                &b"\x30\x08\x00\x01a\x02\x01\x00h\xFF"[..],
                b"\x30\x08\x00\x01a\x02\x01\x01\xC3\xA9",
                b"\x30\x05\x00\x01a\x00\xFF",
            ] {
                assert!(Decoder::new(from).strict(true).decode(fine).is_ok());
            }
            // U+0000 is no string of MQTT's, but a fine payload.
            assert!(Decoder::new(from).strict(true).decode(b"\x30\x07\x00\x01a\x02\x01\x01\x00").is_ok());
        }
        let will = b"\x10\x17\x00\x04MQTT\x05\x04\x00\x00\x00\x00\x00\x02\x01\x01\x00\x01t\x00\x02p\xC3";
        refused_strictly(CLIENT, will, reason, "MQTT 3.1.3.2.3", 24);
    }

    #[test]
    fn offsets_count_a_long_fixed_header() {
        // A topic of 200 bytes, the last of which is a wildcard, or a control character.
        let topic = |last| [&b"\x30\xCB\x01\x00\xC8"[..], &[b'a'; 199], &[last], b"\x00"].concat();
        refused(SERVER, &topic(b'#'), ReasonCode::TOPIC_NAME_INVALID, "MQTT-3.3.2-2", 204);
        refused_strictly(SERVER, &topic(0x01), MALFORMED, "MQTT 1.5.4", 204);
    }
}
