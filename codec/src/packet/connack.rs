//! CONNACK (section 3.2).

use super::shape::{self, Body, PacketType, Plan};
use crate::property::place;
use crate::reason::carrier;
use crate::wire::{Reader, Writer};
use crate::{EncodeError, Properties, ReasonCode, Rule, Sink};

/// The server's answer to CONNECT.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConnAck<'a> {
    /// Whether the server goes on with a session that it held. Only where it accepts the connection [MQTT-3.2.2-6].
    pub session_present: bool,
    /// Whether it accepts the connection, or why not.
    pub reason: ReasonCode,
    /// The server's limits and more (section 3.2.2.3).
    pub properties: Properties<'a>,
}

impl<'a> ConnAck<'a> {
    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>) -> Option<Self> {
        let start = r.left();
        let flags = r.u8()?;
        if flags > 1 {
            return r.malformed(start, Rule::CONNACK_FLAGS);
        }
        let session_present = flags != 0;
        let reason = r.reason(carrier::CONNACK, Rule::CONNACK_REASON)?;
        if session_present && reason != ReasonCode::SUCCESS {
            return r.protocol_error(start, Rule::CONNACK_SESSION_PRESENT);
        }
        Some(Self { session_present, reason, properties: Properties::read(r, place::CONNACK)? })
    }

    /// Writes the packet, and returns its length in bytes.
    ///
    /// # Errors
    /// When the packet may not be sent so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<usize, EncodeError> {
        shape::write(sink, self, &self.plan()?)
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When the packet may not be sent so.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        shape::len(self, &self.plan()?)
    }

    /// What has to be known to write the packet, if it may be sent.
    fn plan(&self) -> Result<Plan, Rule> {
        if !self.reason.fits(carrier::CONNACK) {
            return Err(Rule::CONNACK_REASON);
        }
        if self.session_present && self.reason != ReasonCode::SUCCESS {
            return Err(Rule::CONNACK_SESSION_PRESENT);
        }
        let properties = self.properties.measure(place::CONNACK)?;
        Ok(Plan::new(PacketType::ConnAck, properties))
    }
}

impl Body for ConnAck<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn put(&self, w: &mut Writer<'_>, plan: &Plan) {
        w.u8(u8::from(self.session_present));
        w.u8(self.reason.value());
        self.properties.put(w, plan.properties);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Packet;
    use crate::testing::{MALFORMED, PROTOCOL_ERROR, SERVER, accepted, carries, decoded, not_sent, refused};

    #[test]
    fn mqtt_3_2_2_1_bits_7_to_1_of_the_flags_are_zero() {
        accepted(SERVER, b"\x20\x03\x00\x00\x00");
        accepted(SERVER, b"\x20\x03\x01\x00\x00");
        for flags in 2..=u8::MAX {
            refused(SERVER, &[0x20, 3, flags, 0, 0], MALFORMED, "MQTT-3.2.2-1", 2);
        }
    }

    #[test]
    fn mqtt_3_2_2_6_a_refusal_has_no_session_present() {
        for reason in [0x80, 0x84, 0x87, 0x9F] {
            refused(SERVER, &[0x20, 3, 1, reason, 0], PROTOCOL_ERROR, "MQTT-3.2.2-6", 2);
            let reason = ReasonCode::from_u8(reason).unwrap();
            let packet = ConnAck { session_present: true, reason, properties: Properties::EMPTY };
            not_sent(SERVER, &Packet::ConnAck(packet), "MQTT-3.2.2-6");
        }
    }

    #[test]
    fn mqtt_3_2_2_8_connack_carries_its_own_reason_codes() {
        const TABLE: &[u8] = &[
            0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A,
            0x9B, 0x9C, 0x9D, 0x9F,
        ];
        carries(
            SERVER,
            |reason| [0x20, 3, 0, reason, 0].to_vec(),
            |reason| Packet::ConnAck(ConnAck { session_present: false, reason, properties: Properties::EMPTY }),
            TABLE,
            "MQTT-3.2.2-8",
            3,
        );
        // Which is told before a session that a refusal may not have.
        refused(SERVER, b"\x20\x03\x01\x92\x00", PROTOCOL_ERROR, "MQTT-3.2.2-8", 3);
    }

    #[test]
    fn no_field_is_cut_short_and_nothing_follows_the_last() {
        refused(SERVER, b"\x20\x00", MALFORMED, "MQTT 2.1.4", 2);
        refused(SERVER, b"\x20\x01\x00", MALFORMED, "MQTT 2.1.4", 3);
        refused(SERVER, b"\x20\x02\x00\x00", MALFORMED, "MQTT-2.2.2-1", 4);
        refused(SERVER, b"\x20\x04\x00\x00\x00\x00", MALFORMED, "MQTT 2.1.4", 5);
    }

    #[test]
    fn every_limit_of_a_server_is_read() {
        const BYTES: &[u8] = b"\x20\x28\x01\x00\x25\
            \x11\x00\x00\x00\x07\x21\x00\x0A\x24\x01\x25\x00\x27\x00\x01\x00\x00\x12\x00\x01i\x22\x00\x05\
            \x28\x00\x29\x01\x2A\x00\x13\x00\x3C\x1A\x00\x01r";
        accepted(SERVER, BYTES);
        let Packet::ConnAck(connack) = decoded(SERVER, BYTES) else { panic!() };
        let properties = connack.properties;
        assert!(connack.session_present);
        assert_eq!(properties.session_expiry_interval(), Some(7));
        assert_eq!(properties.receive_maximum().unwrap().get(), 10);
        assert_eq!(properties.maximum_qos(), Some(crate::QoS::AtLeastOnce));
        assert_eq!(properties.retain_available(), Some(false));
        assert_eq!(properties.maximum_packet_size().unwrap().get(), 65_536);
        assert_eq!(properties.assigned_client_identifier().unwrap(), "i");
        assert_eq!(properties.topic_alias_maximum(), Some(5));
        assert_eq!(properties.wildcard_subscription_available(), Some(false));
        assert_eq!(properties.subscription_identifiers_available(), Some(true));
        assert_eq!(properties.shared_subscription_available(), Some(false));
        assert_eq!(properties.server_keep_alive(), Some(60));
        assert_eq!(properties.response_information().unwrap(), "r");
        assert_eq!(properties.server_reference(), None);
    }
}
