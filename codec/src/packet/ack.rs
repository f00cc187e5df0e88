//! PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 to 3.7): one shape, told apart by [`AckKind`].

use super::shape::{self, Body, PacketType, Plan};
use crate::reason::carrier;
use crate::wire::{Reader, Writer};
use crate::{EncodeError, PacketId, Properties, ReasonCode, Rule, Sink};

/// Which of the four acknowledgements a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AckKind {
    /// Answers a QoS 1 PUBLISH.
    PubAck = 4,
    /// Answers a QoS 2 PUBLISH.
    PubRec = 5,
    /// Answers a PUBREC.
    PubRel = 6,
    /// Answers a PUBREL.
    PubComp = 7,
}

impl AckKind {
    pub(crate) const fn packet_type(self) -> PacketType {
        match self {
            Self::PubAck => PacketType::PubAck,
            Self::PubRec => PacketType::PubRec,
            Self::PubRel => PacketType::PubRel,
            Self::PubComp => PacketType::PubComp,
        }
    }

    /// The packet's bit among those that carry reason codes.
    const fn carrier(self) -> u16 {
        1 << self as u8
    }

    #[cold]
    const fn reason_rule(self) -> Rule {
        match self {
            Self::PubAck => Rule::PUBACK_REASON,
            Self::PubRec => Rule::PUBREC_REASON,
            Self::PubRel => Rule::PUBREL_REASON,
            Self::PubComp => Rule::PUBCOMP_REASON,
        }
    }
}

const _: () = assert!(
    AckKind::PubAck.carrier() == carrier::PUBACK
        && AckKind::PubRec.carrier() == carrier::PUBREC
        && AckKind::PubRel.carrier() == carrier::PUBREL
        && AckKind::PubComp.carrier() == carrier::PUBCOMP
);

/// The contents of a PUBACK, PUBREC, PUBREL or PUBCOMP.
///
/// ```
/// use mqtt5_codec::{Ack, AckKind, PacketId, Properties, ReasonCode};
/// let ack = Ack { id: PacketId::new(10).unwrap(), reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
/// let mut out = [0; 4];
/// ack.encode(AckKind::PubAck, &mut out)?;
/// assert_eq!(out, [0x40, 2, 0, 10]);
/// # Ok::<(), mqtt5_codec::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ack<'a> {
    /// The identifier of the PUBLISH.
    pub id: PacketId,
    /// How it went.
    pub reason: ReasonCode,
    /// Reason String and User Properties.
    pub properties: Properties<'a>,
}

impl<'a> Ack<'a> {
    /// Reads a body of two bytes, which is nearly every acknowledgement: an identifier, and Success (section 3.4.2.1).
    pub(crate) fn read_short(body: &'a [u8]) -> Option<Self> {
        let id = PacketId::new(u16::from_be_bytes(<[u8; 2]>::try_from(body).ok()?))?;
        Some(Self { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY })
    }

    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>, kind: AckKind) -> Option<Self> {
        let id = PacketId::read(r, Rule::PACKET_ID_ACK)?;
        let mut ack = Self { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
        // Section 3.4.2.1: a remaining length of 2 means Success, one of 3 means no properties.
        if !r.is_empty() {
            ack.reason = r.reason(kind.carrier(), kind.reason_rule())?;
        }
        if !r.is_empty() {
            ack.properties = Properties::read(r, kind as u8)?;
        }
        Some(ack)
    }

    /// Writes the packet, in its shortest form, and returns its length in bytes.
    ///
    /// # Errors
    /// When the packet may not be sent so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, kind: AckKind, sink: &mut S) -> Result<usize, EncodeError> {
        if self.reason != ReasonCode::SUCCESS || !self.properties.is_empty() {
            return self.encode_reason(kind, sink);
        }
        // Nearly every acknowledgement, at once: an identifier and Success.
        let [high, low] = self.id.get().to_be_bytes();
        let bytes = [kind.packet_type().first_byte(), 2, high, low];
        // A sink that lends less than it was asked for has no room.
        *sink.room(bytes.len())?.first_chunk_mut().ok_or(EncodeError::Full { need: bytes.len() })? = bytes;
        Ok(bytes.len())
    }

    #[inline(never)]
    fn encode_reason<S: Sink + ?Sized>(&self, kind: AckKind, sink: &mut S) -> Result<usize, EncodeError> {
        shape::write(sink, self, &self.plan(kind)?)
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When the packet may not be sent so.
    pub fn encoded_len(&self, kind: AckKind) -> Result<usize, EncodeError> {
        shape::len(self, &self.plan(kind)?)
    }

    /// What has to be known to write the packet, if it may be sent.
    fn plan(&self, kind: AckKind) -> Result<Plan, Rule> {
        if !self.reason.fits(kind.carrier()) {
            return Err(kind.reason_rule());
        }
        let properties = self.properties.measure(kind as u8)?;
        Ok(Plan::new(kind.packet_type(), properties))
    }
}

impl Body for Ack<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn put(&self, w: &mut Writer<'_>, plan: &Plan) {
        w.u16(self.id.get());
        if self.reason != ReasonCode::SUCCESS || plan.properties != 0 {
            w.u8(self.reason.value());
        }
        if plan.properties != 0 {
            self.properties.put(w, plan.properties);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        BOTH, MALFORMED, PROTOCOL_ERROR, accepted, carries, decoded, framed, refused, refused_at_once, shortened,
    };
    use crate::{Packet, Text};

    const FIRSTS: [u8; 4] = [0x40, 0x50, 0x62, 0x70];
    const PUBLISHED: &[u8] = &[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
    const RELEASED: &[u8] = &[0x00, 0x92];

    /// The four packets, with the reason codes of their tables.
    fn each(kind: AckKind, packet: fn(Ack<'static>) -> Packet<'static>, first: u8, table: &[u8], rule: &str) {
        let ack = |reason| Ack { id: PacketId::new(0x1234).unwrap(), reason, properties: Properties::EMPTY };
        for from in BOTH {
            carries(
                from,
                |reason| {
                    if reason == 0 { framed(first, &[b"\x12\x34"]) } else { framed(first, &[b"\x12\x34", &[reason]]) }
                },
                |reason| packet(ack(reason)),
                table,
                rule,
                4,
            );
            assert_eq!(ack(ReasonCode::SUCCESS).encoded_len(kind), Ok(4));
        }
    }

    #[test]
    fn mqtt_3_4_2_1_puback_carries_its_own_reason_codes() {
        each(AckKind::PubAck, Packet::PubAck, 0x40, PUBLISHED, "MQTT-3.4.2-1");
    }

    #[test]
    fn mqtt_3_5_2_1_pubrec_carries_its_own_reason_codes() {
        each(AckKind::PubRec, Packet::PubRec, 0x50, PUBLISHED, "MQTT-3.5.2-1");
    }

    #[test]
    fn mqtt_3_6_2_1_pubrel_carries_its_own_reason_codes() {
        each(AckKind::PubRel, Packet::PubRel, 0x62, RELEASED, "MQTT-3.6.2-1");
    }

    #[test]
    fn mqtt_3_7_2_1_pubcomp_carries_its_own_reason_codes() {
        each(AckKind::PubComp, Packet::PubComp, 0x70, RELEASED, "MQTT-3.7.2-1");
    }

    #[test]
    fn mqtt_3_6_1_1_the_flags_of_pubrel_are_0010() {
        for from in BOTH {
            accepted(from, b"\x62\x02\x00\x01");
            for flags in (0..16).filter(|&flags| flags != 2) {
                refused_at_once(from, &[0x60 | flags], MALFORMED, "MQTT-3.6.1-1", 0);
                refused_at_once(from, &[0x60 | flags, 2, 0, 1], MALFORMED, "MQTT-3.6.1-1", 0);
            }
        }
    }

    #[test]
    fn mqtt_2_2_1_5_an_acknowledgement_names_a_publish() {
        for from in BOTH {
            for first in FIRSTS {
                refused(from, &[first, 2, 0, 0], PROTOCOL_ERROR, "MQTT-2.2.1-5", 2);
                refused(from, &[first, 4, 0, 0, 0, 0], PROTOCOL_ERROR, "MQTT-2.2.1-5", 2);
                accepted(from, &[first, 2, 0xFF, 0xFF]);
            }
        }
    }

    #[test]
    fn a_sink_that_lends_less_than_it_was_asked_for_has_no_room() {
        struct Short([u8; 16]);
        impl Sink for Short {
            fn room(&mut self, len: usize) -> Result<&mut [u8], crate::Full> {
                self.0.get_mut(1..len).ok_or(crate::Full { need: len })
            }
        }
        let id = PacketId::new(1).unwrap();
        for (reason, need) in [(ReasonCode::SUCCESS, 4), (ReasonCode::NOT_AUTHORIZED, 5)] {
            let ack = Ack { id, reason, properties: Properties::EMPTY };
            assert_eq!(ack.encode(AckKind::PubAck, &mut Short([0; 16])), Err(EncodeError::Full { need }));
        }
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        for from in BOTH {
            for first in FIRSTS {
                let error = if first < 0x60 { 0x97 } else { 0x92 };
                shortened(from, &[first, 3, 0, 1, 0], &[first, 2, 0, 1]);
                shortened(from, &[first, 4, 0, 1, 0, 0], &[first, 2, 0, 1]);
                accepted(from, &[first, 3, 0, 1, error]);
                shortened(from, &[first, 4, 0, 1, error, 0], &[first, 3, 0, 1, error]);
                accepted(from, &[first, 7, 0, 1, 0, 3, 0x1F, 0, 0]);
                accepted(from, &[first, 14, 0, 1, error, 10, 0x26, 0, 1, b'n', 0, 0, 0x1F, 0, 1, b'r']);
            }
        }
    }

    #[test]
    fn no_field_is_cut_short_and_nothing_follows_the_last() {
        for from in BOTH {
            for first in FIRSTS {
                refused(from, &[first, 0], MALFORMED, "MQTT 2.1.4", 2);
                refused_at_once(from, &[first, 1, 0], MALFORMED, "MQTT 2.1.4", 2);
                refused(from, &[first, 5, 0, 1, 0, 0, 0], MALFORMED, "MQTT 2.1.4", 6);
                refused(from, &[first, 4, 0, 1, 0, 1], MALFORMED, "MQTT 2.2.2.1", 6);
            }
        }
    }

    #[test]
    fn a_reason_string_and_user_properties_are_read() {
        for from in BOTH {
            let Packet::PubRec(ack) = decoded(from, b"\x50\x0D\x00\x07\x87\x09\x1F\x00\x01r\x26\x00\x00\x00\x00")
            else {
                panic!()
            };
            assert_eq!((ack.id.get(), ack.reason), (7, ReasonCode::NOT_AUTHORIZED));
            assert_eq!(ack.properties.reason_string(), Text::new("r").ok());
            assert_eq!(ack.properties.user_properties().next(), Some((Text::EMPTY, Text::EMPTY)));
        }
    }
}
