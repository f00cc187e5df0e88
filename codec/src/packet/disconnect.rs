//! DISCONNECT (section 3.14) and AUTH (section 3.15).

use super::shape::{self, Body, PacketType, Plan};
use crate::property::{in_disconnect, place};
use crate::reason::carrier;
use crate::wire::{Reader, Writer};
use crate::{EncodeError, Properties, ReasonCode, Rule, Sender, Sink};

/// The last packet on a connection.
///
/// ```
/// use mqtt5_codec::{Disconnect, Properties, ReasonCode, Sender};
/// let disconnect = Disconnect { reason: ReasonCode::NORMAL_DISCONNECTION, properties: Properties::EMPTY };
/// let mut out = [0; 2];
/// disconnect.encode(Sender::Client, &mut out).unwrap();
/// assert_eq!(out, [0xE0, 0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disconnect<'a> {
    /// Why.
    pub reason: ReasonCode,
    /// Session expiry (a client's only), Reason String, User Properties, Server Reference.
    pub properties: Properties<'a>,
}

fn disconnect_carrier(from: Sender) -> u16 {
    match from {
        Sender::Client => carrier::DISCONNECT_BY_CLIENT,
        Sender::Server => carrier::DISCONNECT_BY_SERVER,
    }
}

fn auth_carrier(from: Sender) -> u16 {
    match from {
        Sender::Client => carrier::AUTH_BY_CLIENT,
        Sender::Server => carrier::AUTH_BY_SERVER,
    }
}

impl<'a> Disconnect<'a> {
    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>, from: Sender) -> Option<Self> {
        // Section 3.14.2.1: no remaining length means Normal disconnection; one of 1 means no properties.
        let mut disconnect = Disconnect { reason: ReasonCode::NORMAL_DISCONNECTION, properties: Properties::EMPTY };
        if !r.is_empty() {
            disconnect.reason = r.reason(disconnect_carrier(from), Rule::DISCONNECT_REASON)?;
        }
        if !r.is_empty() {
            disconnect.properties = Properties::read(r, in_disconnect(from))?;
        }
        Some(disconnect)
    }

    /// Writes the packet in its shortest form, and returns its length in bytes.
    ///
    /// # Errors
    /// When `from` may not send the packet so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, from: Sender, sink: &mut S) -> Result<usize, EncodeError> {
        shape::write(sink, self, &self.plan(from)?)
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When `from` may not send the packet so.
    pub fn encoded_len(&self, from: Sender) -> Result<usize, EncodeError> {
        shape::len(self, &self.plan(from)?)
    }

    /// What has to be known to write the packet, if it may be sent.
    fn plan(&self, from: Sender) -> Result<Plan, Rule> {
        if !self.reason.fits(disconnect_carrier(from)) {
            return Err(Rule::DISCONNECT_REASON);
        }
        let properties = self.properties.measure(in_disconnect(from))?;
        Ok(Plan::new(PacketType::Disconnect, properties))
    }
}

impl Body for Disconnect<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn put(&self, w: &mut Writer<'_>, plan: &Plan) {
        if self.reason != ReasonCode::NORMAL_DISCONNECTION || plan.properties != 0 {
            w.u8(self.reason.value());
        }
        if plan.properties != 0 {
            self.properties.put(w, plan.properties);
        }
    }
}

/// A step of enhanced authentication (section 4.12).
///
/// It has an authentication method, but for one case: an AUTH of Remaining Length 0 from a server, which section 3.15.2.1
/// reads as Success, and by which some end a re-authentication. It is taken and, as section 3.15.2.2.2 forbids it, never sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auth<'a> {
    /// Success, Continue authentication or Re-authenticate.
    pub reason: ReasonCode,
    /// Authentication Method, which is needed, Authentication Data, Reason String, User Properties.
    pub properties: Properties<'a>,
}

impl<'a> Auth<'a> {
    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>, from: Sender) -> Option<Self> {
        if r.is_empty() {
            // Success, which only a server says.
            return match from {
                Sender::Server => Some(Self { reason: ReasonCode::SUCCESS, properties: Properties::EMPTY }),
                Sender::Client => r.protocol_error(0, Rule::AUTH_METHOD),
            };
        }
        let reason = r.reason(auth_carrier(from), Rule::AUTH_REASON)?;
        Some(Self { reason, properties: Properties::read(r, place::AUTH)? })
    }

    /// Writes the packet, and returns its length in bytes.
    ///
    /// # Errors
    /// When `from` may not send the packet so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, from: Sender, sink: &mut S) -> Result<usize, EncodeError> {
        shape::write(sink, self, &self.plan(from)?)
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When `from` may not send the packet so.
    pub fn encoded_len(&self, from: Sender) -> Result<usize, EncodeError> {
        shape::len(self, &self.plan(from)?)
    }

    /// What has to be known to write the packet, if it may be sent.
    fn plan(&self, from: Sender) -> Result<Plan, Rule> {
        if !self.reason.fits(auth_carrier(from)) {
            return Err(Rule::AUTH_REASON);
        }
        if self.properties.is_empty() {
            return Err(Rule::AUTH_METHOD);
        }
        let properties = self.properties.measure(place::AUTH)?;
        Ok(Plan::new(PacketType::Auth, properties))
    }
}

impl Body for Auth<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn put(&self, w: &mut Writer<'_>, plan: &Plan) {
        w.u8(self.reason.value());
        self.properties.put(w, plan.properties);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        BOTH, CLIENT, MALFORMED, PROTOCOL_ERROR, SERVER, accepted, carries, decoded, framed, not_sent, refused,
        refused_at_once, shortened,
    };
    use crate::{Packet, Property, Text};

    const BY_CLIENT: &[u8] = &[0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99];
    /// Section 3.14.2.1, and 0x8C by the table of section 2.4.
    const BY_SERVER: &[u8] = &[
        0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97,
        0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
    ];

    #[test]
    fn mqtt_3_14_1_1_the_flags_of_disconnect_are_zero() {
        for from in BOTH {
            for first in 0xE1..=0xEF {
                refused_at_once(from, &[first], MALFORMED, "MQTT-3.14.1-1", 0);
                refused_at_once(from, &[first, 0], MALFORMED, "MQTT-3.14.1-1", 0);
            }
        }
    }

    #[test]
    fn mqtt_3_14_2_1_disconnect_carries_the_sender_s_reason_codes() {
        for (from, table) in [(CLIENT, BY_CLIENT), (SERVER, BY_SERVER)] {
            carries(
                from,
                |reason| if reason == 0 { [0xE0, 0].to_vec() } else { [0xE0, 1, reason].to_vec() },
                |reason| Packet::Disconnect(Disconnect { reason, properties: Properties::EMPTY }),
                table,
                "MQTT-3.14.2-1",
                2,
            );
        }
    }

    #[test]
    fn mqtt_3_14_2_2_a_server_s_disconnect_has_no_session_expiry_interval() {
        const BYTES: &[u8] = b"\xE0\x07\x00\x05\x11\x00\x00\x00\x0A";
        accepted(CLIENT, BYTES);
        refused(SERVER, BYTES, PROTOCOL_ERROR, "MQTT-3.14.2-2", 4);
        let list = [Property::SessionExpiryInterval(10)];
        let packet = Disconnect { reason: ReasonCode::SERVER_BUSY, properties: Properties::from(&list) };
        not_sent(SERVER, &Packet::Disconnect(packet), "MQTT-3.14.2-2");
    }

    #[test]
    fn what_a_disconnect_does_not_say_is_left_out() {
        for from in BOTH {
            accepted(from, b"\xE0\x00");
            shortened(from, b"\xE0\x01\x00", b"\xE0\x00");
            shortened(from, b"\xE0\x02\x00\x00", b"\xE0\x00");
            shortened(from, b"\xE0\x02\x81\x00", b"\xE0\x01\x81");
            accepted(from, b"\xE0\x06\x00\x04\x1F\x00\x01r");
            refused(from, b"\xE0\x03\x00\x00\x00", MALFORMED, "MQTT 2.1.4", 4);
            refused(from, b"\xE0\x02\x00\x01", MALFORMED, "MQTT 2.2.2.1", 4);
        }
    }

    #[test]
    fn a_server_names_another() {
        const BYTES: &[u8] = b"\xE0\x0E\x9D\x0C\x1C\x00\x01s\x1F\x00\x05moved";
        accepted(SERVER, BYTES);
        let Packet::Disconnect(packet) = decoded(SERVER, BYTES) else { panic!() };
        assert_eq!(packet.reason, ReasonCode::SERVER_MOVED);
        assert_eq!(packet.properties.server_reference(), Text::new("s").ok());
        assert_eq!(packet.properties.reason_string(), Text::new("moved").ok());
    }

    #[test]
    fn mqtt_3_15_1_1_the_flags_of_auth_are_zero() {
        for from in BOTH {
            for first in 0xF1..=0xFF {
                refused_at_once(from, &[first], MALFORMED, "MQTT-3.15.1-1", 0);
                refused_at_once(from, &framed(first, &[b"\x18\x04\x15\x00\x01m"]), MALFORMED, "MQTT-3.15.1-1", 0);
            }
        }
    }

    #[test]
    fn mqtt_3_15_2_1_auth_carries_the_sender_s_reason_codes() {
        let method = [Property::AuthenticationMethod(Text::new("m").unwrap())];
        for (from, table) in [(CLIENT, &[0x18, 0x19]), (SERVER, &[0x00, 0x18])] {
            carries(
                from,
                |reason| framed(0xF0, &[&[reason], b"\x04\x15\x00\x01m"]),
                |reason| Packet::Auth(Auth { reason, properties: Properties::from(&method) }),
                table,
                "MQTT-3.15.2-1",
                2,
            );
        }
    }

    #[test]
    fn auth_has_an_authentication_method() {
        const RULE: &str = "MQTT 3.15.2.2.2";
        refused(CLIENT, b"\xF0\x00", PROTOCOL_ERROR, RULE, 2);
        for from in BOTH {
            refused(from, b"\xF0\x02\x18\x00", PROTOCOL_ERROR, RULE, 3);
            refused(from, b"\xF0\x06\x18\x04\x1F\x00\x01r", PROTOCOL_ERROR, RULE, 3);
            let packet = Auth { reason: ReasonCode::CONTINUE_AUTHENTICATION, properties: Properties::EMPTY };
            not_sent(from, &Packet::Auth(packet), RULE);
        }
    }

    #[test]
    fn the_short_form_of_auth_is_a_server_s_success_and_not_sent() {
        let short = Packet::Auth(Auth { reason: ReasonCode::SUCCESS, properties: Properties::EMPTY });
        assert_eq!(decoded(SERVER, b"\xF0\x00"), short);
        not_sent(SERVER, &short, "MQTT 3.15.2.2.2");
        // With a reason code, its method is missed.
        refused(SERVER, b"\xF0\x02\x00\x00", PROTOCOL_ERROR, "MQTT 3.15.2.2.2", 3);
    }

    #[test]
    fn no_field_of_auth_is_cut_short_and_nothing_follows_the_last() {
        for from in BOTH {
            refused(from, b"\xF0\x01\x18", MALFORMED, "MQTT-2.2.2-1", 3);
            refused(from, b"\xF0\x05\x18\x04\x15\x00\x01", MALFORMED, "MQTT 2.2.2.1", 4);
            refused(from, b"\xF0\x07\x18\x04\x15\x00\x01m\x00", MALFORMED, "MQTT 2.1.4", 8);
            const BYTES: &[u8] = b"\xF0\x0B\x18\x09\x15\x00\x01m\x16\x00\x02\x00\xFF";
            accepted(from, BYTES);
            let Packet::Auth(auth) = decoded(from, BYTES) else { panic!() };
            assert_eq!(auth.properties.authentication_data(), Some(&b"\x00\xFF"[..]));
        }
    }
}
