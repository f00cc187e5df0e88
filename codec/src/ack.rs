//! PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 to 3.7): one shape, told apart by [`AckKind`].

use crate::packet::{Nowhere, PacketType, packet_len, write_packet};
use crate::reason::carrier;
use crate::wire::{Reader, Writer};
use crate::{EncodeError, PacketId, Properties, ReasonCode, Rule, Sink, error::Fault};

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
    #[inline]
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
/// ack.encode(AckKind::PubAck, &mut &mut out[..])?;
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
    /// Reads everything behind the fixed header.
    #[inline]
    pub(crate) fn read(r: &mut Reader<'a>, kind: AckKind) -> Result<Self, Fault> {
        let id = PacketId::read(r, Rule::PACKET_ID_ACK)?;
        let mut ack = Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
        // Section 3.4.2.1: a remaining length of 2 means Success, one of 3 means no properties.
        if !r.is_empty() {
            ack.read_reason(r, kind)?;
        }
        Ok(ack)
    }

    fn read_reason(&mut self, r: &mut Reader<'a>, kind: AckKind) -> Result<(), Fault> {
        let at = *r;
        let byte = r.u8()?;
        self.reason = ReasonCode::carried(byte, kind.carrier()).ok_or_else(|| at.protocol_error(kind.reason_rule()))?;
        if !r.is_empty() {
            self.properties = Properties::read(r, kind as u8)?.0;
            r.end()?;
        }
        Ok(())
    }

    /// Writes the packet, in its shortest form, and returns its length in bytes.
    ///
    /// # Errors
    /// When the packet may not be sent so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, kind: AckKind, sink: &mut S) -> Result<usize, EncodeError> {
        let properties = self.check(kind)?;
        write_packet(sink, kind.packet_type(), 0, |w| self.put(w, properties))
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When the packet may not be sent so.
    pub fn encoded_len(&self, kind: AckKind) -> Result<usize, EncodeError> {
        packet_len(self.encode(kind, &mut Nowhere))
    }

    /// The length of the properties, if the packet may be sent.
    #[inline]
    fn check(&self, kind: AckKind) -> Result<usize, Rule> {
        if !self.reason.fits(kind.carrier()) {
            return Err(kind.reason_rule());
        }
        if self.properties.is_empty() { Ok(0) } else { self.properties.measure(kind as u8) }
    }

    #[inline]
    fn put(&self, w: &mut Writer<'_>, properties: usize) {
        w.u16(self.id.get());
        if self.reason != ReasonCode::SUCCESS || properties != 0 {
            w.u8(self.reason.value());
        }
        if properties != 0 {
            self.properties.put(w, properties);
        }
    }
}
