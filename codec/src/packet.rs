//! The 15 control packets as one type, and one file for each kind of them.

mod ack;
mod connack;
mod connect;
mod disconnect;
mod print;
mod publish;
mod shape;
mod suback;
mod subscribe;

use crate::reason::carrier;
use crate::wire::Reader;
use crate::{EncodeError, Error, PacketId, Properties, ReasonCode, Rule, Sender, Sink};

pub use ack::{Ack, AckKind};
pub use connack::ConnAck;
pub use connect::{Connect, Will};
pub use disconnect::{Auth, Disconnect};
pub use publish::{Delivery, Publish, TopicRef};
pub use shape::PacketType;
pub(crate) use shape::{LONG_PING, check_first, is_ping};
use shape::{Nothing, Plan, flows, len, write};
pub use suback::SubAck;
pub use subscribe::{Subscribe, Subscription, SubscriptionOptions, Unsubscribe};

/// A control packet, whichever it is.
///
/// Fields borrow from the decoder's input or from the caller, so a packet is cheap to copy. Two packets are equal when their
/// fields are, properties in the same order, whether decoded or built. `Debug` shows neither passwords nor payloads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Packet<'a> {
    /// A client asks for a connection.
    Connect(Connect<'a>),
    /// The server's answer to it.
    ConnAck(ConnAck<'a>),
    /// An application message.
    Publish(Publish<'a>),
    /// Answers a QoS 1 PUBLISH.
    PubAck(Ack<'a>),
    /// Answers a QoS 2 PUBLISH.
    PubRec(Ack<'a>),
    /// Answers a PUBREC.
    PubRel(Ack<'a>),
    /// Answers a PUBREL.
    PubComp(Ack<'a>),
    /// A client subscribes.
    Subscribe(Subscribe<'a>),
    /// The server's answer to it.
    SubAck(SubAck<'a>),
    /// A client unsubscribes.
    Unsubscribe(Unsubscribe<'a>),
    /// The server's answer to it.
    UnsubAck(SubAck<'a>),
    /// A client is alive.
    PingReq,
    /// So is the server.
    PingResp,
    /// The end of the connection.
    Disconnect(Disconnect<'a>),
    /// A step of enhanced authentication.
    Auth(Auth<'a>),
}

impl<'a> Packet<'a> {
    /// Which of the 15 this is.
    #[must_use]
    pub const fn packet_type(&self) -> PacketType {
        match self {
            Self::Connect(_) => PacketType::Connect,
            Self::ConnAck(_) => PacketType::ConnAck,
            Self::Publish(_) => PacketType::Publish,
            Self::PubAck(_) => PacketType::PubAck,
            Self::PubRec(_) => PacketType::PubRec,
            Self::PubRel(_) => PacketType::PubRel,
            Self::PubComp(_) => PacketType::PubComp,
            Self::Subscribe(_) => PacketType::Subscribe,
            Self::SubAck(_) => PacketType::SubAck,
            Self::Unsubscribe(_) => PacketType::Unsubscribe,
            Self::UnsubAck(_) => PacketType::UnsubAck,
            Self::PingReq => PacketType::PingReq,
            Self::PingResp => PacketType::PingResp,
            Self::Disconnect(_) => PacketType::Disconnect,
            Self::Auth(_) => PacketType::Auth,
        }
    }

    /// Writes the packet in its canonical form, and returns its length in bytes: shortest lengths and short forms,
    /// properties in the order given.
    ///
    /// # Errors
    /// When `from` may not send this, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, from: Sender, sink: &mut S) -> Result<usize, EncodeError> {
        if !flows(self.packet_type() as u8, from) {
            return Err(EncodeError::Refused(Rule::PACKET_TYPE));
        }
        match self {
            Self::Connect(packet) => packet.encode(sink),
            Self::ConnAck(packet) => packet.encode(sink),
            Self::Publish(packet) => packet.encode(from, sink),
            Self::PubAck(packet) => packet.encode(AckKind::PubAck, sink),
            Self::PubRec(packet) => packet.encode(AckKind::PubRec, sink),
            Self::PubRel(packet) => packet.encode(AckKind::PubRel, sink),
            Self::PubComp(packet) => packet.encode(AckKind::PubComp, sink),
            Self::Subscribe(packet) => packet.encode(sink),
            Self::SubAck(packet) => packet.encode(sink),
            Self::Unsubscribe(packet) => packet.encode(sink),
            Self::UnsubAck(packet) => packet.encode_unsuback(sink),
            Self::PingReq | Self::PingResp => write(sink, &Nothing, &Plan::new(self.packet_type(), 0)),
            Self::Disconnect(packet) => packet.encode(from, sink),
            Self::Auth(packet) => packet.encode(from, sink),
        }
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When `from` may not send this.
    pub fn encoded_len(&self, from: Sender) -> Result<usize, EncodeError> {
        if !flows(self.packet_type() as u8, from) {
            return Err(EncodeError::Refused(Rule::PACKET_TYPE));
        }
        match self {
            Self::Connect(packet) => packet.encoded_len(),
            Self::ConnAck(packet) => packet.encoded_len(),
            Self::Publish(packet) => packet.encoded_len(from),
            Self::PubAck(packet) => packet.encoded_len(AckKind::PubAck),
            Self::PubRec(packet) => packet.encoded_len(AckKind::PubRec),
            Self::PubRel(packet) => packet.encoded_len(AckKind::PubRel),
            Self::PubComp(packet) => packet.encoded_len(AckKind::PubComp),
            Self::Subscribe(packet) => packet.encoded_len(),
            Self::SubAck(packet) => packet.encoded_len(),
            Self::Unsubscribe(packet) => packet.encoded_len(),
            Self::UnsubAck(packet) => packet.encoded_unsuback_len(),
            Self::PingReq | Self::PingResp => len(&Nothing, &Plan::new(self.packet_type(), 0)),
            Self::Disconnect(packet) => packet.encoded_len(from),
            Self::Auth(packet) => packet.encoded_len(from),
        }
    }

    /// Reads everything behind a fixed header that has been checked, and hands the packet to `done`.
    ///
    /// Each kind of packet goes there by itself, so that its few fields are stored where the caller wants them and nothing of
    /// the size of the largest packet is moved about. Acknowledgements, the most and the smallest, have no call between.
    #[inline]
    pub(crate) fn read<R>(first: u8, body: &'a [u8], from: Sender, done: impl Fn(Self) -> R) -> Result<R, Error> {
        let kind = match first >> 4 {
            3 => return Self::read_publish(first, body, from, done),
            4 => AckKind::PubAck,
            5 => AckKind::PubRec,
            6 => AckKind::PubRel,
            7 => AckKind::PubComp,
            _ => return Self::read_other(first, body, from, done),
        };
        match Ack::read_short(body) {
            Some(ack) => Ok(done(Self::ack(kind, ack))),
            None => Self::read_ack(kind, body, done),
        }
    }

    /// The acknowledgement with this first byte, of Success.
    #[inline]
    pub(crate) const fn acknowledged(first: u8, id: PacketId) -> Self {
        let ack = Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
        match first >> 4 {
            4 => Self::PubAck(ack),
            5 => Self::PubRec(ack),
            6 => Self::PubRel(ack),
            _ => Self::PubComp(ack),
        }
    }

    #[inline]
    fn ack(kind: AckKind, ack: Ack<'a>) -> Self {
        match kind {
            AckKind::PubAck => Self::PubAck(ack),
            AckKind::PubRec => Self::PubRec(ack),
            AckKind::PubRel => Self::PubRel(ack),
            AckKind::PubComp => Self::PubComp(ack),
        }
    }

    #[inline(never)]
    fn read_ack<R>(kind: AckKind, body: &'a [u8], done: impl Fn(Self) -> R) -> Result<R, Error> {
        let r = &mut Reader::new(body);
        match all(Ack::read(r, kind), r) {
            Some(ack) => Ok(done(Self::ack(kind, ack))),
            None => Err(r.error(body)),
        }
    }

    #[inline]
    fn read_publish<R>(first: u8, body: &'a [u8], from: Sender, done: impl Fn(Self) -> R) -> Result<R, Error> {
        let mut r = Reader::new(body);
        match Publish::read(first, &mut r, from) {
            Some(packet) => Ok(done(Self::Publish(packet))),
            None => Err(r.error(body)),
        }
    }

    #[inline(never)]
    fn read_other<R>(first: u8, body: &'a [u8], from: Sender, done: impl Fn(Self) -> R) -> Result<R, Error> {
        macro_rules! read {
            ($packet:ident, $r:ident, $read:expr) => {
                if let Some(packet) = all($read, $r) {
                    return Ok(done(Self::$packet(packet)));
                }
            };
        }
        // The packets with most fields have a reader of their own, so that it can be in registers.
        macro_rules! read_long {
            ($packet:ident) => {{
                let r = &mut Reader::new(body);
                read!($packet, r, $packet::read(r));
                return Err(r.error(body));
            }};
        }
        match (first >> 4, from) {
            (1, Sender::Client) => read_long!(Connect),
            (8, Sender::Client) => read_long!(Subscribe),
            (10, Sender::Client) => read_long!(Unsubscribe),
            _ => {}
        }
        let r = &mut Reader::new(body);
        match (first >> 4, from) {
            (2, Sender::Server) => read!(ConnAck, r, ConnAck::read(r)),
            (9, Sender::Server) => read!(SubAck, r, SubAck::read(r, carrier::SUBACK)),
            (11, Sender::Server) => read!(UnsubAck, r, SubAck::read(r, carrier::UNSUBACK)),
            (14, _) => read!(Disconnect, r, Disconnect::read(r, from)),
            (15, _) => read!(Auth, r, Auth::read(r, from)),
            // The first byte has been checked: these are the only other ones.
            _ if r.is_empty() => return Ok(done(if first >> 4 == 12 { Self::PingReq } else { Self::PingResp })),
            _ => return Err(LONG_PING),
        }
        Err(r.error(body))
    }
}

/// A packet that is read is all of the body.
#[inline]
fn all<T>(packet: Option<T>, r: &Reader<'_>) -> Option<T> {
    if r.is_empty() { packet } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        BOTH, CLIENT, MALFORMED, PROTOCOL_ERROR, SERVER, accepted, decoded, encoded, not_sent, refused_at_once,
    };
    use std::string::ToString;

    /// One packet of each type, in the types' order, and who may send it.
    const ONE_OF_EACH: [(&[u8], &[Sender]); 15] = [
        (b"\x10\x0D\x00\x04MQTT\x05\x00\x00\x00\x00\x00\x00", &[CLIENT]),
        (b"\x20\x03\x00\x00\x00", &[SERVER]),
        (b"\x30\x04\x00\x01a\x00", &BOTH),
        (b"\x40\x02\x00\x01", &BOTH),
        (b"\x50\x02\x00\x01", &BOTH),
        (b"\x62\x02\x00\x01", &BOTH),
        (b"\x70\x02\x00\x01", &BOTH),
        (b"\x82\x07\x00\x01\x00\x00\x01a\x00", &[CLIENT]),
        (b"\x90\x04\x00\x01\x00\x00", &[SERVER]),
        (b"\xA2\x06\x00\x01\x00\x00\x01a", &[CLIENT]),
        (b"\xB0\x04\x00\x01\x00\x00", &[SERVER]),
        (b"\xC0\x00", &[CLIENT]),
        (b"\xD0\x00", &[SERVER]),
        (b"\xE0\x00", &BOTH),
        (b"\xF0\x06\x18\x04\x15\x00\x01m", &BOTH),
    ];

    #[test]
    fn each_type_is_accepted_from_whom_it_may_come_and_refused_from_the_other_side() {
        for (bytes, senders) in ONE_OF_EACH {
            let packet = decoded(senders[0], bytes);
            assert_eq!(packet.packet_type() as u8, bytes[0] >> 4);
            for from in BOTH {
                if senders.contains(&from) {
                    accepted(from, bytes);
                    assert_eq!(encoded(from, &packet).unwrap(), bytes);
                } else {
                    refused_at_once(from, &bytes[..1], PROTOCOL_ERROR, "MQTT 2.1.2", 0);
                    refused_at_once(from, bytes, PROTOCOL_ERROR, "MQTT 2.1.2", 0);
                    not_sent(from, &packet, "MQTT 2.1.2");
                }
            }
        }
    }

    #[test]
    fn type_zero_is_malformed() {
        for from in BOTH {
            for first in 0x00..=0x0F {
                refused_at_once(from, &[first], MALFORMED, "MQTT 2.1.2", 0);
            }
        }
    }

    #[test]
    fn mqtt_2_1_3_1_reserved_flags_hold_the_tabled_value() {
        let own = |packet_type| match packet_type {
            6 => "MQTT-3.6.1-1",
            8 => "MQTT-3.8.1-1",
            10 => "MQTT-3.10.1-1",
            14 => "MQTT-3.14.1-1",
            15 => "MQTT-3.15.1-1",
            _ => "MQTT-2.1.3-1",
        };
        for (bytes, senders) in ONE_OF_EACH {
            let packet_type = bytes[0] >> 4;
            if packet_type == 3 {
                continue; // Its flags are not reserved.
            }
            for first in (0..16).map(|flags| packet_type << 4 | flags).filter(|&first| first != bytes[0]) {
                for &from in senders {
                    refused_at_once(from, &[first], MALFORMED, own(packet_type), 0);
                    refused_at_once(from, &[&[first], &bytes[1..]].concat(), MALFORMED, own(packet_type), 0);
                }
            }
        }
    }

    #[test]
    fn a_ping_has_no_body() {
        for (from, first) in [(CLIENT, 0xC0), (SERVER, 0xD0)] {
            for bytes in [&b"\x01"[..], b"\x01\x00", b"\x02\x00\x00", b"\x80", b"\x80\x00", b"\xFF\xFF\xFF\xFF"] {
                refused_at_once(from, &[&[first], bytes].concat(), MALFORMED, "MQTT 2.1.4", 1);
            }
        }
    }

    #[test]
    fn types_have_the_standard_s_names_and_numbers() {
        for first in 0..=u8::MAX {
            let packet_type = PacketType::from_first_byte(first);
            assert_eq!(packet_type.map(|packet_type| packet_type as u8), (first > 15).then_some(first >> 4));
        }
        assert_eq!(PacketType::UnsubAck.to_string(), "UNSUBACK");
        for (bytes, _) in ONE_OF_EACH {
            let name = PacketType::from_first_byte(bytes[0]).unwrap().name();
            assert!(name.chars().all(|c| c.is_ascii_uppercase()), "{name}");
        }
    }
}
