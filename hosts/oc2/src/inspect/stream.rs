//! One connection: the bytes of its two directions cut into packets, and judged by the codec.

use core::time::Duration;
use std::collections::HashMap;

use mqtt5_codec::{Decoder, Error, Frame, Packet, PacketType, Publish, Rule, Sender, TopicRef};

/// So many bad packets in a row are no MQTT.
const NOISE: usize = 3;

/// One packet, or what had to be passed over.
#[derive(Debug)]
pub(crate) enum Seen<'s> {
    Packet(Seeing<'s>),
    /// Bytes that are no packets, and why.
    Skipped {
        from: Sender,
        bytes: u64,
        why: &'static str,
    },
    /// What is good to know.
    Note(&'static str),
}

/// A packet with what is known about it.
#[derive(Debug)]
pub(crate) struct Seeing<'s> {
    pub(crate) time: Option<Duration>,
    pub(crate) from: Sender,
    /// Where it began among the bytes of its direction.
    pub(crate) offset: u64,
    pub(crate) bytes: &'s [u8],
    pub(crate) verdict: Verdict<'s>,
    /// The topic that the alias of a PUBLISH stands for.
    pub(crate) alias_of: Option<&'s str>,
}

/// What a packet is worth.
#[derive(Debug)]
pub(crate) enum Verdict<'s> {
    Valid(Packet<'s>),
    Bad(Error),
    /// The bytes end inside of it; it has so many, at the least.
    Cut {
        need: usize,
    },
}

/// Which side a stream's bytes are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Known(Sender),
    /// Told by each packet's type, as far as that tells.
    Unknown,
}

/// How packets are judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judging {
    pub(crate) strict: bool,
    pub(crate) max_packet_size: u32,
}

/// The bytes of one direction that are no whole packet yet.
#[derive(Debug)]
struct Half {
    side: Side,
    judging: Judging,
    last: Sender,
    rest: Vec<u8>,
    /// Where `rest` begins in the stream.
    offset: u64,
    aliases: HashMap<u16, String>,
    bad: usize,
    /// How many bytes were passed over since the beginning of packets was lost.
    lost: Option<u64>,
}

impl Half {
    fn new(side: Side, judging: Judging) -> Self {
        let last = if let Side::Known(sender) = side { sender } else { Sender::Client };
        Self { side, judging, last, rest: Vec::new(), offset: 0, aliases: HashMap::new(), bad: 0, lost: None }
    }

    /// Who sends a packet that begins with this byte.
    fn sender(&mut self, first: u8) -> Sender {
        if let Side::Known(sender) = self.side {
            return sender;
        }
        use PacketType::{ConnAck, Connect, PingReq, PingResp, SubAck, Subscribe, UnsubAck, Unsubscribe};
        match PacketType::from_first_byte(first) {
            Some(Connect | Subscribe | Unsubscribe | PingReq) => self.last = Sender::Client,
            Some(ConnAck | SubAck | UnsubAck | PingResp) => self.last = Sender::Server,
            _ => {}
        }
        self.last
    }

    fn decoder(&self, from: Sender) -> Decoder {
        Decoder::new(from).strict(self.judging.strict).max_packet_size(self.judging.max_packet_size)
    }

    /// Takes bytes that begin where something was sent, so possibly with a packet.
    fn push(&mut self, bytes: &[u8], time: Option<Duration>, on: &mut dyn FnMut(Seen<'_>)) {
        if let Some(lost) = self.lost {
            let sender = bytes.first().map_or(self.last, |first| self.sender(*first));
            let begins = matches!(self.decoder(sender).decode(bytes), Ok(mqtt5_codec::Decoded::Packet { .. }));
            if !begins {
                self.lost = Some(lost + bytes.len() as u64);
                self.offset += bytes.len() as u64;
                return;
            }
            on(Seen::Skipped { from: sender, bytes: lost, why: "no packet is known to begin there" });
            self.lost = None;
        }
        self.rest.extend_from_slice(bytes);
        let rest = core::mem::take(&mut self.rest);
        let mut at = 0;
        while self.lost.is_none()
            && let Some(used) = self.next(rest.get(at..).unwrap_or_default(), at, time, on)
        {
            at += used;
        }
        self.rest = rest;
        self.rest.drain(..at);
        self.offset += at as u64;
        if self.lost.is_some() {
            self.lost = Some(self.rest.len() as u64);
            self.offset += self.rest.len() as u64;
            self.rest.clear();
        }
    }

    /// Shows the packet at the front, and says how many bytes that were; nothing if it is not whole yet.
    fn next(&mut self, rest: &[u8], at: usize, time: Option<Duration>, on: &mut dyn FnMut(Seen<'_>)) -> Option<usize> {
        let from = self.sender(*rest.first()?);
        let decoder = self.decoder(from);
        let (used, verdict) = match decoder.frame(rest) {
            Ok(Frame::Partial { .. }) => return None,
            Ok(Frame::Whole { used, first, body }) => (Some(used), decoder.packet(first, body)),
            Err(error) => (claimed(rest).filter(|used| *used <= rest.len()), Err(error)),
        };
        let bytes = rest.get(..used.unwrap_or(rest.len())).unwrap_or_default();
        self.bad = if verdict.is_ok() { 0 } else { self.bad + 1 };
        if used.is_none() || self.bad >= NOISE {
            self.lost = Some(0);
        }
        let earlier = matches!(&verdict, Err(error) if error.rule == Rule::PROTOCOL_VERSION);
        let (verdict, offset) = (verdict.map_or_else(Verdict::Bad, Verdict::Valid), self.offset + at as u64);
        if let Verdict::Valid(Packet::Connect(_)) = verdict {
            self.aliases.clear();
        }
        let alias_of = match &verdict {
            Verdict::Valid(Packet::Publish(publish)) => self.alias(publish),
            _ => None,
        };
        on(Seen::Packet(Seeing { time, from, offset, bytes, verdict, alias_of }));
        if earlier {
            on(Seen::Note(
                "this client speaks another version of MQTT; what follows is read as version 5 all the same",
            ));
        }
        Some(bytes.len())
    }

    /// Learns the alias of a PUBLISH, or says what it stands for.
    fn alias(&mut self, publish: &Publish<'_>) -> Option<&str> {
        match publish.topic {
            TopicRef::Name(_) => None,
            TopicRef::NameAndAlias(topic, alias) => {
                self.aliases.insert(alias.get(), topic.as_str().to_owned());
                None
            }
            TopicRef::Alias(alias) => self.aliases.get(&alias.get()).map(String::as_str),
        }
    }

    /// Bytes are missing from here on.
    fn gap(&mut self, missing: u64, on: &mut dyn FnMut(Seen<'_>)) {
        let begun = self.rest.len() as u64;
        self.rest.clear();
        on(Seen::Skipped { from: self.last, bytes: missing, why: "they are not in the capture" });
        self.offset += begun + missing;
        self.lost = Some(self.lost.unwrap_or(0) + begun);
    }

    /// No more bytes will come.
    fn end(&mut self, on: &mut dyn FnMut(Seen<'_>)) {
        if let Some(bytes) = self.lost.take().filter(|bytes| *bytes > 0) {
            on(Seen::Skipped { from: self.last, bytes, why: "no packet is known to begin there" });
        }
        let rest = core::mem::take(&mut self.rest);
        let Some(first) = rest.first() else { return };
        let from = self.sender(*first);
        let need = match self.decoder(from).frame(&rest) {
            Ok(Frame::Partial { need }) => need,
            _ => rest.len(),
        };
        let verdict = Verdict::Cut { need: claimed(&rest).unwrap_or(need).max(need) };
        on(Seen::Packet(Seeing { time: None, from, offset: self.offset, bytes: &rest, verdict, alias_of: None }));
        self.offset += rest.len() as u64;
    }
}

/// How long a packet says that it is, whatever else is wrong with it.
fn claimed(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    for (place, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(length + place + 2);
        }
    }
    None
}

/// Both directions of a connection, or bytes of which it is not known.
#[derive(Debug)]
pub(crate) struct Connection {
    up: Half,
    down: Half,
}

impl Connection {
    pub(crate) fn new(judging: Judging) -> Self {
        Self {
            up: Half::new(Side::Known(Sender::Client), judging),
            down: Half::new(Side::Known(Sender::Server), judging),
        }
    }

    /// One stream of bytes.
    pub(crate) fn single(side: Side, judging: Judging) -> Self {
        Self { up: Half::new(side, judging), ..Self::new(judging) }
    }

    fn half(&mut self, from: Sender) -> &mut Half {
        if from == Sender::Client { &mut self.up } else { &mut self.down }
    }

    /// Takes bytes that this side sent.
    pub(crate) fn push(&mut self, from: Sender, bytes: &[u8], time: Option<Duration>, on: &mut dyn FnMut(Seen<'_>)) {
        self.half(from).push(bytes, time, on);
    }

    /// Bytes of this side are missing from here on.
    pub(crate) fn gap(&mut self, from: Sender, missing: u64, on: &mut dyn FnMut(Seen<'_>)) {
        self.half(from).gap(missing, on);
    }

    /// No more bytes will come.
    pub(crate) fn end(&mut self, on: &mut dyn FnMut(Seen<'_>)) {
        self.up.end(on);
        self.down.end(on);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUDGING: Judging = Judging { strict: false, max_packet_size: mqtt5_codec::MAXIMUM_PACKET_SIZE };

    /// What was seen, in words.
    fn told(seen: Seen<'_>) -> String {
        match seen {
            Seen::Packet(seeing) => {
                let side = if seeing.from == Sender::Client { "c" } else { "s" };
                let what = match seeing.verdict {
                    Verdict::Valid(packet) => packet.packet_type().name().to_owned(),
                    Verdict::Bad(error) => error.rule.id().to_owned(),
                    Verdict::Cut { need } => format!("cut, needs {need}"),
                };
                let alias = seeing.alias_of.map_or(String::new(), |topic| format!(" {topic}"));
                format!("{side}{}+{} {what}{alias}", seeing.offset, seeing.bytes.len())
            }
            Seen::Skipped { bytes, why, .. } => format!("{bytes} skipped: {why}"),
            Seen::Note(note) => note.into(),
        }
    }

    fn single(side: Side, pieces: &[&[u8]]) -> Vec<String> {
        let mut all = Vec::new();
        let mut connection = Connection::single(side, JUDGING);
        for piece in pieces {
            connection.push(Sender::Client, piece, None, &mut |seen| all.push(told(seen)));
        }
        connection.end(&mut |seen| all.push(told(seen)));
        all
    }

    #[test]
    fn packets_are_cut_wherever_the_bytes_are_split() {
        // PINGREQ, PUBACK 7, DISCONNECT.
        let bytes = b"\xc0\x00\x40\x02\x00\x07\xe0\x00";
        let whole = single(Side::Known(Sender::Client), &[bytes]);
        assert_eq!(whole, ["c0+2 PINGREQ", "c2+4 PUBACK", "c6+2 DISCONNECT"]);
        for at in 0..bytes.len() {
            assert_eq!(single(Side::Known(Sender::Client), &[&bytes[..at], &bytes[at..]]), whole);
        }
    }

    #[test]
    fn a_packet_tells_who_sent_it_where_nothing_else_does() {
        let mixed = b"\xc0\x00\xd0\x00\x40\x02\x00\x07\xc0\x00\x40\x02\x00\x07";
        let told = single(Side::Unknown, &[mixed]);
        assert_eq!(told, ["c0+2 PINGREQ", "s2+2 PINGRESP", "s4+4 PUBACK", "c8+2 PINGREQ", "c10+4 PUBACK"]);
    }

    #[test]
    fn a_bad_packet_whose_length_is_known_is_passed_over() {
        // A PUBLISH with both QoS bits, and a PUBACK whose flags are not zero.
        let told = single(Side::Unknown, &[b"\x36\x02\x00\x00\x41\x02\x00\x07\xc0\x00"]);
        assert_eq!(told, ["c0+4 MQTT-3.3.1-4", "c4+4 MQTT-2.1.3-1", "c8+2 PINGREQ"]);
    }

    #[test]
    fn a_packet_that_ends_too_early_says_what_it_needs() {
        assert_eq!(single(Side::Unknown, &[b"\xc0\x00\x40\x02\x00"]), ["c0+2 PINGREQ", "c2+3 cut, needs 4"]);
        assert_eq!(single(Side::Unknown, &[]), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_mqtt_is_not_told_byte_by_byte() {
        let told = single(Side::Unknown, &[b"HTTP/1.1 400 Bad Request\r\n", b"more of it", b"\xc0\x00"]);
        let skipped = "10 skipped: no packet is known to begin there";
        assert_eq!(told, ["c0+26 MQTT-2.1.3-1", skipped, "c36+2 PINGREQ"]);
        let noise = single(Side::Unknown, &[&[0; 1000]]);
        assert_eq!(noise.len(), NOISE + 1, "{noise:?}");
    }

    #[test]
    fn after_a_gap_packets_are_found_again_where_one_begins() {
        let mut all = Vec::new();
        let mut connection = Connection::new(JUDGING);
        connection.push(Sender::Server, b"\x40\x02", None, &mut |seen| all.push(told(seen)));
        connection.gap(Sender::Server, 10, &mut |seen| all.push(told(seen)));
        connection.push(Sender::Server, b"\x01\x02\x03", None, &mut |seen| all.push(told(seen)));
        connection.push(Sender::Server, b"\xd0\x00", None, &mut |seen| all.push(told(seen)));
        assert_eq!(
            all,
            [
                "10 skipped: they are not in the capture",
                "5 skipped: no packet is known to begin there",
                "s15+2 PINGRESP"
            ]
        );
    }

    #[test]
    fn an_alias_is_told_with_its_topic_until_the_next_connection() {
        // PUBLISH "a" with alias 1, PUBLISH by alias 1, CONNECT, PUBLISH by alias 1.
        let name = b"\x30\x07\x00\x01a\x03\x23\x00\x01";
        let alias = b"\x30\x06\x00\x00\x03\x23\x00\x01";
        let connect = b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01x";
        let told = single(Side::Unknown, &[name, alias, connect, alias]);
        assert_eq!(told, ["c0+9 PUBLISH", "c9+8 PUBLISH a", "c17+16 CONNECT", "c33+8 PUBLISH"]);
    }
}
