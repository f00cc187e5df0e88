//! SUBACK (section 3.9) and UNSUBACK (section 3.11): one shape.

use super::shape::{self, Body, PacketType, Plan};
use crate::list::{Item, List, Wire};
use crate::property::place;
use crate::reason::carrier;
use crate::wire::{self, Reader, Writer};
use crate::{EncodeError, PacketId, Properties, ReasonCode, Rule, Sink};

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
    fn get(rest: &mut &'a [u8]) -> Option<Self> {
        Self::from_u8(wire::u8(rest)?)
    }

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
    pub(crate) fn read(r: &mut Reader<'a>, carrier: u16) -> Option<Self> {
        let (place, reason_rule, count_rule) = kind(carrier);
        let id = PacketId::read(r, Rule::PACKET_ID_SUBACK)?;
        let properties = Properties::read(r, place)?;
        if r.is_empty() {
            return r.protocol_error(0, count_rule);
        }
        let reasons = List::checked(r.rest());
        while !r.is_empty() {
            r.reason(carrier, reason_rule)?;
        }
        Some(Self { id, properties, reasons })
    }

    /// Writes the packet as SUBACK, and returns its length in bytes.
    ///
    /// # Errors
    /// When the packet may not be sent so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<usize, EncodeError> {
        shape::write(sink, self, &self.plan(carrier::SUBACK)?)
    }

    /// Writes the packet as UNSUBACK, and returns its length in bytes.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_unsuback<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<usize, EncodeError> {
        shape::write(sink, self, &self.plan(carrier::UNSUBACK)?)
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When the packet may not be sent so.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        shape::len(self, &self.plan(carrier::SUBACK)?)
    }

    /// How many bytes [`encode_unsuback`](Self::encode_unsuback) would write.
    ///
    /// # Errors
    /// When the packet may not be sent so.
    pub fn encoded_unsuback_len(&self) -> Result<usize, EncodeError> {
        shape::len(self, &self.plan(carrier::UNSUBACK)?)
    }

    /// What has to be known to write the packet, if it may be sent.
    fn plan(&self, carrier: u16) -> Result<Plan, Rule> {
        let (place, reason_rule, count_rule) = kind(carrier);
        if self.reasons.is_empty() {
            return Err(count_rule);
        }
        let list = self.reasons.measure(|reason| if reason.fits(carrier) { Ok(1) } else { Err(reason_rule) })?;
        let properties = self.properties.measure(place)?;
        let packet = if carrier == carrier::SUBACK { PacketType::SubAck } else { PacketType::UnsubAck };
        Ok(Plan { list, ..Plan::new(packet, properties) })
    }
}

impl Body for SubAck<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn put(&self, w: &mut Writer<'_>, plan: &Plan) {
        w.u16(self.id.get());
        self.properties.put(w, plan.properties);
        self.reasons.put(w, plan.list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Packet;
    use crate::testing::{MALFORMED, PROTOCOL_ERROR, SERVER, accepted, decoded, not_sent, refused, refused_at_once};
    use std::vec::Vec;

    const GRANTED: &[u8] = &[0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2];
    const ENDED: &[u8] = &[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91];

    fn suback(reasons: List<'_, ReasonCode>) -> SubAck<'_> {
        SubAck { id: PacketId::new(1).unwrap(), properties: Properties::EMPTY, reasons }
    }

    fn packet(first: u8, reasons: &[ReasonCode]) -> Packet<'_> {
        let suback = suback(List::from(reasons));
        if first == 0x90 { Packet::SubAck(suback) } else { Packet::UnsubAck(suback) }
    }

    fn carries(first: u8, table: &[u8], rule: &str) {
        for value in 0..=u8::MAX {
            // Alone, and behind one that may be there.
            let (alone, second) = ([first, 4, 0, 1, 0, value], [first, 5, 0, 1, 0, 0, value]);
            let codes: Option<Vec<_>> = [0, value].into_iter().map(ReasonCode::from_u8).collect();
            if table.contains(&value) {
                accepted(SERVER, &alone);
                accepted(SERVER, &second);
                let sent = crate::testing::encoded(SERVER, &packet(first, &codes.unwrap()));
                assert_eq!(sent.unwrap(), second);
            } else {
                refused(SERVER, &alone, PROTOCOL_ERROR, rule, 5);
                refused(SERVER, &second, PROTOCOL_ERROR, rule, 6);
                if let Some(codes) = codes {
                    not_sent(SERVER, &packet(first, &codes), rule);
                }
            }
        }
    }

    #[test]
    fn mqtt_3_9_3_2_suback_carries_its_own_reason_codes() {
        carries(0x90, GRANTED, "MQTT-3.9.3-2");
    }

    #[test]
    fn mqtt_3_11_3_2_unsuback_carries_its_own_reason_codes() {
        carries(0xB0, ENDED, "MQTT-3.11.3-2");
    }

    #[test]
    fn mqtt_3_8_4_6_suback_has_a_reason_code() {
        refused(SERVER, b"\x90\x03\x00\x01\x00", PROTOCOL_ERROR, "MQTT-3.8.4-6", 5);
        not_sent(SERVER, &Packet::SubAck(suback(List::EMPTY)), "MQTT-3.8.4-6");
    }

    #[test]
    fn mqtt_3_11_3_1_unsuback_has_a_reason_code() {
        refused(SERVER, b"\xB0\x03\x00\x01\x00", PROTOCOL_ERROR, "MQTT-3.11.3-1", 5);
        not_sent(SERVER, &Packet::UnsubAck(suback(List::EMPTY)), "MQTT-3.11.3-1");
    }

    #[test]
    fn mqtt_3_9_3_1_reason_codes_keep_their_order() {
        const BYTES: &[u8] = b"\x90\x0C\x12\x34\x04\x1F\x00\x01r\x02\x00\x87\x01\x00";
        accepted(SERVER, BYTES);
        let Packet::SubAck(suback) = decoded(SERVER, BYTES) else { panic!() };
        assert_eq!(suback.id.get(), 0x1234);
        let reasons: Vec<_> = suback.reasons.iter().map(ReasonCode::value).collect();
        assert_eq!(reasons, [0x02, 0x00, 0x87, 0x01, 0x00]);
        assert_eq!(suback.reasons.len(), 5);
    }

    #[test]
    fn mqtt_2_2_1_6_the_answer_names_a_request() {
        refused(SERVER, b"\x90\x04\x00\x00\x00\x00", PROTOCOL_ERROR, "MQTT-2.2.1-6", 2);
        refused(SERVER, b"\xB0\x04\x00\x00\x00\x00", PROTOCOL_ERROR, "MQTT-2.2.1-6", 2);
    }

    #[test]
    fn no_field_is_cut_short() {
        for first in [0x90, 0xB0] {
            refused(SERVER, &[first, 0], MALFORMED, "MQTT 2.1.4", 2);
            refused_at_once(SERVER, &[first, 1, 0], MALFORMED, "MQTT 2.1.4", 2);
            refused(SERVER, &[first, 2, 0, 1], MALFORMED, "MQTT-2.2.2-1", 4);
        }
    }
}
