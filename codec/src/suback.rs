//! SUBACK (section 3.9) and UNSUBACK (section 3.11): one shape.

use crate::list::{Item, List, Wire};
use crate::packet::{Nowhere, PacketType, packet_len, write_packet};
use crate::property::place;
use crate::reason::carrier;
use crate::wire::{Reader, Writer};
use crate::{EncodeError, PacketId, Properties, ReasonCode, Rule, Sink, error::Fault};

/// The contents of a SUBACK or an UNSUBACK: one reason code for each topic filter of the request, in their order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SubAck<'a> {
    /// The identifier of the request.
    pub id: PacketId,
    /// Reason String and User Properties.
    pub properties: Properties<'a>,
    /// At least one reason code.
    pub reasons: List<'a, ReasonCode>,
}

impl Item<'_> for ReasonCode {}

impl<'a> Wire<'a> for ReasonCode {
    #[inline]
    fn get(r: &mut Reader<'a>) -> Option<Self> {
        Self::from_u8(r.u8().ok()?)
    }

    #[inline]
    fn put(&self, w: &mut Writer<'_>) {
        w.u8(self.value());
    }
}

/// What differs between the two: place of the properties, rules for the codes and for their number.
const fn kind(carrier: u16) -> (u8, Rule, Rule) {
    if carrier == carrier::SUBACK {
        (place::SUBACK, Rule::SUBACK_REASON, Rule::SUBACK_COUNT)
    } else {
        (place::UNSUBACK, Rule::UNSUBACK_REASON, Rule::UNSUBACK_COUNT)
    }
}

impl<'a> SubAck<'a> {
    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>, carrier: u16) -> Result<Self, Fault> {
        let (place, reason_rule, count_rule) = kind(carrier);
        let id = PacketId::read(r, Rule::PACKET_ID_SUBACK)?;
        let (properties, _) = Properties::read(r, place)?;
        if r.is_empty() {
            return Err(r.protocol_error(count_rule));
        }
        let reasons = List::checked(r.rest());
        while let Some(&byte) = r.rest().first() {
            if ReasonCode::carried(byte, carrier).is_none() {
                return Err(r.protocol_error(reason_rule));
            }
            r.u8()?;
        }
        Ok(Self { id, properties, reasons })
    }

    /// Writes the packet as SUBACK, and returns its length in bytes.
    ///
    /// # Errors
    /// When the packet may not be sent so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<usize, EncodeError> {
        self.encode_as(PacketType::SubAck, carrier::SUBACK, sink)
    }

    /// Writes the packet as UNSUBACK, and returns its length in bytes.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_unsuback<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<usize, EncodeError> {
        self.encode_as(PacketType::UnsubAck, carrier::UNSUBACK, sink)
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When the packet may not be sent so.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        packet_len(self.encode(&mut Nowhere))
    }

    fn encode_as<S: Sink + ?Sized>(
        &self,
        packet: PacketType,
        carrier: u16,
        sink: &mut S,
    ) -> Result<usize, EncodeError> {
        let (place, reason_rule, count_rule) = kind(carrier);
        if self.reasons.is_empty() {
            return Err(EncodeError::Refused(count_rule));
        }
        if !self.reasons.iter().all(|reason| reason.fits(carrier)) {
            return Err(EncodeError::Refused(reason_rule));
        }
        let properties = self.properties.measure(place)?;
        write_packet(sink, packet, 0, |w| {
            w.u16(self.id.get());
            self.properties.put(w, properties);
            self.reasons.put(w);
        })
    }
}
