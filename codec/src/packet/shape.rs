//! What all control packets share: their types, who sends which with which first byte, and how one is counted and written.

use crate::value::{Sender, TopicAlias};
use crate::wire::{VARINT_MAX, Writer, varint_len};
use crate::{EncodeError, Error, ReasonCode, Rule, Sink};

/// The type of a control packet (section 2.1.2); the number is the high half of its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "UPPERCASE"))]
#[repr(u8)]
#[expect(missing_docs, reason = "the standard's names, one a packet")]
pub enum PacketType {
    Connect = 1,
    ConnAck,
    Publish,
    PubAck,
    PubRec,
    PubRel,
    PubComp,
    Subscribe,
    SubAck,
    Unsubscribe,
    UnsubAck,
    PingReq,
    PingResp,
    Disconnect,
    Auth,
}

impl PacketType {
    /// The type that stands in a first byte, whatever its flags.
    #[must_use]
    pub const fn from_first_byte(first: u8) -> Option<Self> {
        Some(match first >> 4 {
            1 => Self::Connect,
            2 => Self::ConnAck,
            3 => Self::Publish,
            4 => Self::PubAck,
            5 => Self::PubRec,
            6 => Self::PubRel,
            7 => Self::PubComp,
            8 => Self::Subscribe,
            9 => Self::SubAck,
            10 => Self::Unsubscribe,
            11 => Self::UnsubAck,
            12 => Self::PingReq,
            13 => Self::PingResp,
            14 => Self::Disconnect,
            15 => Self::Auth,
            _ => return None,
        })
    }

    /// The name as the standard writes it: `PUBLISH`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::ConnAck => "CONNACK",
            Self::Publish => "PUBLISH",
            Self::PubAck => "PUBACK",
            Self::PubRec => "PUBREC",
            Self::PubRel => "PUBREL",
            Self::PubComp => "PUBCOMP",
            Self::Subscribe => "SUBSCRIBE",
            Self::SubAck => "SUBACK",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::UnsubAck => "UNSUBACK",
            Self::PingReq => "PINGREQ",
            Self::PingResp => "PINGRESP",
            Self::Disconnect => "DISCONNECT",
            Self::Auth => "AUTH",
        }
    }

    /// The first byte that every packet of this type but PUBLISH has: flags 0010 for PUBREL, SUBSCRIBE and UNSUBSCRIBE, 0000
    /// for the others (section 2.1.3).
    #[inline]
    pub(crate) const fn first_byte(self) -> u8 {
        let flags = match self {
            Self::PubRel | Self::Subscribe | Self::Unsubscribe => 2,
            _ => 0,
        };
        (self as u8) << 4 | flags
    }
}

impl core::fmt::Display for PacketType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// Whether a first byte is that of PINGREQ or PINGRESP.
#[inline]
pub(crate) const fn is_ping(first: u8) -> bool {
    matches!(first >> 4, 12 | 13)
}

/// A PINGREQ or PINGRESP has no body, so its second byte is zero.
pub(crate) const LONG_PING: Error = Error { reason: ReasonCode::MALFORMED_PACKET, rule: Rule::REMAINING_LENGTH, at: 1 };

/// Whether packets of this type flow from this side (section 2.1.2).
#[inline]
pub(crate) fn flows(packet_type: u8, from: Sender) -> bool {
    let allowed = match from {
        Sender::Client => &FIRST_BY_CLIENT,
        Sender::Server => &FIRST_BY_SERVER,
    };
    allowed.get(usize::from(packet_type)).is_some_and(|&flags| flags != 0)
}

/// Checks the first byte of a packet: its type, its direction and its flags.
#[inline]
pub(crate) fn check_first(first: u8, from: Sender) -> Result<(), Error> {
    let allowed = match from {
        Sender::Client => &FIRST_BY_CLIENT,
        Sender::Server => &FIRST_BY_SERVER,
    };
    match allowed.get(usize::from(first >> 4)) {
        Some(flags) if flags >> (first & 0xF) & 1 != 0 => Ok(()),
        _ => Err(bad_first(first, from)),
    }
}

/// For each packet type of one side the flags that it may have, a bit for each of the 16 values.
static FIRST_BY_CLIENT: [u16; 16] = first_bytes(Sender::Client);
static FIRST_BY_SERVER: [u16; 16] = first_bytes(Sender::Server);

const fn first_bytes(from: Sender) -> [u16; 16] {
    // PUBREL, SUBSCRIBE and UNSUBSCRIBE have flags 0010; a PUBLISH has any but QoS 3, and no DUP at QoS 0.
    const NONE: u16 = 1 << 0b0000;
    const FLAGGED: u16 = 1 << 0b0010;
    const PUBLISH: u16 = 0b0011_1100_0011_1111;
    let c = if matches!(from, Sender::Client) { u16::MAX } else { 0 };
    let s = !c;
    [
        0,
        NONE & c,
        NONE & s,
        PUBLISH,
        NONE,
        NONE,
        FLAGGED,
        NONE,
        FLAGGED & c,
        NONE & s,
        FLAGGED & c,
        NONE & s,
        NONE & c,
        NONE & s,
        NONE,
        NONE,
    ]
}

/// What is wrong with a first byte.
#[cold]
fn bad_first(first: u8, from: Sender) -> Error {
    use ReasonCode as Reason;
    let (reason, rule) = match first >> 4 {
        0 => (Reason::MALFORMED_PACKET, Rule::PACKET_TYPE),
        packet_type if !flows(packet_type, from) => (Reason::PROTOCOL_ERROR, Rule::PACKET_TYPE),
        3 if first & 0b0110 == 0b0110 => (Reason::MALFORMED_PACKET, Rule::PUBLISH_QOS),
        3 => (Reason::MALFORMED_PACKET, Rule::PUBLISH_DUP),
        6 => (Reason::MALFORMED_PACKET, Rule::PUBREL_FLAGS),
        8 => (Reason::MALFORMED_PACKET, Rule::SUBSCRIBE_FLAGS),
        10 => (Reason::MALFORMED_PACKET, Rule::UNSUBSCRIBE_FLAGS),
        14 => (Reason::MALFORMED_PACKET, Rule::DISCONNECT_FLAGS),
        15 => (Reason::MALFORMED_PACKET, Rule::AUTH_FLAGS),
        _ => (Reason::MALFORMED_PACKET, Rule::RESERVED_FLAGS),
    };
    Error { reason, rule, at: 0 }
}

/// What has to be known to write a packet that may be sent.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// The first byte.
    pub(crate) first: u8,
    /// The length of the properties, without the property length.
    pub(crate) properties: usize,
    /// That of the will.
    pub(crate) will_properties: usize,
    /// The length of the list of filters or reason codes.
    pub(crate) list: usize,
    /// A topic alias to be written before the properties.
    pub(crate) alias: Option<TopicAlias>,
    /// How many bytes that the remaining length counts are sent by the caller.
    pub(crate) apart: usize,
}

impl Plan {
    /// A packet of this type, with the flags of its type and properties of this length.
    #[inline]
    pub(crate) fn new(packet_type: PacketType, properties: usize) -> Self {
        Self { first: packet_type.first_byte(), properties, will_properties: 0, list: 0, alias: None, apart: 0 }
    }
}

/// A packet that can be written.
pub(crate) trait Body {
    /// Writes everything behind the fixed header, of a packet that has been checked.
    fn put(&self, w: &mut Writer<'_>, plan: &Plan);
}

/// PINGREQ and PINGRESP.
pub(crate) struct Nothing;

impl Body for Nothing {
    fn put(&self, _: &mut Writer<'_>, _: &Plan) {}
}

/// Writes a packet that has been checked: counts it, asks for room once, and writes it.
///
/// The packet comes as a trait object, so that this is compiled once for each sink where code is to be small.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn write<S: Sink + ?Sized>(sink: &mut S, body: &dyn Body, plan: &Plan) -> Result<usize, EncodeError> {
    let (here, remaining) = measure(body, plan)?;
    // A sink that lends less than it was asked for has no room.
    let room = sink.room(here)?.get_mut(..here).ok_or(EncodeError::Full { need: here })?;
    let mut w = Writer::new(room);
    w.u8(plan.first);
    w.varint(remaining);
    body.put(&mut w, plan);
    debug_assert_eq!(w.written(), here, "what writes has counted");
    // Always so, as what writes has counted. Were a packet cut short, nobody would be told that it is one.
    if w.is_full() { Ok(here) } else { Err(EncodeError::Full { need: here }) }
}

/// How many bytes [`write`] would write.
pub(crate) fn len(body: &dyn Body, plan: &Plan) -> Result<usize, EncodeError> {
    Ok(measure(body, plan)?.0)
}

/// How many bytes of a packet are here, and its remaining length.
#[cfg_attr(target_pointer_width = "64", inline(always))]
fn measure(body: &dyn Body, plan: &Plan) -> Result<(usize, u32), Rule> {
    let mut counter = Writer::count();
    body.put(&mut counter, plan);
    let here = counter.written();
    let remaining = here.saturating_add(plan.apart);
    if remaining > VARINT_MAX as usize {
        return Err(Rule::REMAINING_LENGTH);
    }
    Ok((here.saturating_add(1).saturating_add(varint_len(remaining)), remaining as u32))
}
