//! CONNECT (section 3.1) and its will.

use core::fmt;

use super::shape::{self, Body, PacketType, Plan};
use crate::property::place;
use crate::wire::{Reader, Writer, fits_u16};
use crate::{EncodeError, Properties, QoS, ReasonCode, Rule, Sink, Text, Topic};

/// A client asks for a connection. Always the first packet on a connection [MQTT-3.1.0-1].
///
/// ```
/// use mqtt5_codec::{Connect, Properties, Property, Text};
/// let connect = Connect {
///     clean_start: false,
///     keep_alive: 300,
///     properties: Properties::from(&[Property::SessionExpiryInterval(3600)]),
///     client_id: Text::new("hzboblxic")?,
///     will: None,
///     user_name: None,
///     password: None,
/// };
/// assert_eq!(connect.encoded_len(), Ok(29));
/// # Ok::<(), mqtt5_codec::Rule>(())
/// ```
#[derive(Clone, Copy, PartialEq)]
pub struct Connect<'a> {
    /// Whether both sides discard the session that they may hold (section 3.1.2.4).
    pub clean_start: bool,
    /// The keep-alive interval in seconds; 0 turns it off (section 3.1.2.10).
    pub keep_alive: u16,
    /// Session expiry, limits, authentication (section 3.1.2.11).
    pub properties: Properties<'a>,
    /// The client identifier; an empty one asks the server to assign one (section 3.1.3.1).
    pub client_id: Text<'a>,
    /// What the server publishes when the connection is lost.
    pub will: Option<Will<'a>>,
    /// The user name.
    pub user_name: Option<Text<'a>>,
    /// The password, at most 65,535 bytes. It may come without a user name.
    pub password: Option<&'a [u8]>,
}

/// A message that the server publishes when the connection ends in any other way than a normal DISCONNECT.
#[derive(Clone, Copy, PartialEq)]
pub struct Will<'a> {
    /// The level at which it is published.
    pub qos: QoS,
    /// Whether it is retained.
    pub retain: bool,
    /// Will delay, expiry, format, content type, response topic, correlation data, user properties (section 3.1.3.2).
    pub properties: Properties<'a>,
    /// Where it is published.
    pub topic: Topic<'a>,
    /// The message, at most 65,535 bytes.
    pub payload: &'a [u8],
}

/// Protocol Name and Protocol Version (sections 3.1.2.1 and 3.1.2.2).
const PROTOCOL_NAME: &str = "MQTT";
const PROTOCOL_VERSION: u8 = 5;

/// Protocol name, protocol version and no flags, and the flags that need no further check: all of a CONNECT without a will.
const HEAD: u64 = u64::from_be_bytes(*b"\x00\x04MQTT\x05\x00");
const PLAIN_FLAGS: u64 = (flag::CLEAN_START | flag::PASSWORD | flag::USER_NAME) as u64;

/// The connect flags (section 3.1.2.3).
mod flag {
    pub(super) const RESERVED: u8 = 1 << 0;
    pub(super) const CLEAN_START: u8 = 1 << 1;
    pub(super) const WILL: u8 = 1 << 2;
    pub(super) const WILL_QOS: u8 = 3;
    pub(super) const WILL_RETAIN: u8 = 1 << 5;
    pub(super) const PASSWORD: u8 = 1 << 6;
    pub(super) const USER_NAME: u8 = 1 << 7;
}

impl<'a> Connect<'a> {
    /// Reads everything behind the fixed header.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub(crate) fn read(r: &mut Reader<'a>) -> Option<Self> {
        let flags = match r.rest().first_chunk() {
            // Nearly every CONNECT: name, version and flags in one look.
            Some(&head) if u64::from_be_bytes(head) & !PLAIN_FLAGS == HEAD => {
                let _ = r.take(head.len());
                (u64::from_be_bytes(head) & PLAIN_FLAGS) as u8
            }
            _ => Self::read_head(r)?,
        };
        let has = |flag| flags & flag != 0;
        let keep_alive = r.u16()?;
        let properties = Properties::read(r, place::CONNECT)?;
        // What the flags promise and the packet does not hold has a statement of its own.
        r.ends_against(Rule::CLIENT_ID_PRESENT);
        let client_id = r.text()?;
        let will = if has(flag::WILL) {
            // Checked: the QoS is not 3.
            let qos = QoS::from_u8(flags >> flag::WILL_QOS & 3).unwrap_or_default();
            let mut copy = *r; // So that the reader itself can be in registers.
            let will = Will::read(&mut copy, qos, has(flag::WILL_RETAIN));
            *r = copy;
            Some(will?)
        } else {
            None
        };
        r.ends_against(Rule::USER_NAME_PRESENT);
        let user_name = if has(flag::USER_NAME) { Some(r.text()?) } else { None };
        r.ends_against(Rule::PASSWORD_PRESENT);
        let password = if has(flag::PASSWORD) { Some(r.bytes()?) } else { None };
        r.ends_against(match (user_name, password) {
            (None, None) => Rule::USER_NAME_ABSENT,
            (Some(_), None) => Rule::PASSWORD_ABSENT,
            _ => Rule::REMAINING_LENGTH,
        });
        Some(Self { clean_start: has(flag::CLEAN_START), keep_alive, properties, client_id, will, user_name, password })
    }

    /// Reads protocol name, protocol version and connect flags.
    #[cold]
    #[inline(never)]
    fn read_head(r: &mut Reader<'a>) -> Option<u8> {
        let start = r.left();
        if r.text()? != PROTOCOL_NAME {
            return r.refuse(start, ReasonCode::UNSUPPORTED_PROTOCOL_VERSION, Rule::PROTOCOL_NAME);
        }
        let start = r.left();
        if r.u8()? != PROTOCOL_VERSION {
            return r.refuse(start, ReasonCode::UNSUPPORTED_PROTOCOL_VERSION, Rule::PROTOCOL_VERSION);
        }
        let start = r.left();
        let flags = r.u8()?;
        match check_flags(flags) {
            Ok(()) => Some(flags),
            Err(rule) => r.malformed(start, rule),
        }
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

    fn flags(&self) -> u8 {
        let flag = |set, flag| if set { flag } else { 0 };
        let mut flags = flag(self.clean_start, flag::CLEAN_START)
            | flag(self.user_name.is_some(), flag::USER_NAME)
            | flag(self.password.is_some(), flag::PASSWORD);
        if let Some(will) = &self.will {
            flags |= flag::WILL | (will.qos as u8) << flag::WILL_QOS | flag(will.retain, flag::WILL_RETAIN);
        }
        flags
    }

    /// What has to be known to write the packet, if it may be sent.
    fn plan(&self) -> Result<Plan, Rule> {
        let properties = self.properties.measure(place::CONNECT)?;
        self.password.map_or(Ok(()), fits_u16)?;
        let mut will_properties = 0;
        if let Some(will) = &self.will {
            fits_u16(will.payload)?;
            will_properties = will.properties.measure(place::WILL)?;
        }
        Ok(Plan { will_properties, ..Plan::new(PacketType::Connect, properties) })
    }
}

impl Body for Connect<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn put(&self, w: &mut Writer<'_>, plan: &Plan) {
        let [high, low] = self.keep_alive.to_be_bytes();
        w.chunk([0, 4, b'M', b'Q', b'T', b'T', PROTOCOL_VERSION, self.flags(), high, low]);
        self.properties.put(w, plan.properties);
        w.bytes(self.client_id.slice());
        if let Some(will) = &self.will {
            will.properties.put(w, plan.will_properties);
            w.bytes(will.topic.slice());
            w.bytes(&will.payload);
        }
        if let Some(user_name) = &self.user_name {
            w.bytes(user_name.slice());
        }
        if let Some(password) = &self.password {
            w.bytes(password);
        }
    }
}

fn check_flags(flags: u8) -> Result<(), Rule> {
    let will_qos = flags >> flag::WILL_QOS & 3;
    if flags & flag::RESERVED != 0 {
        return Err(Rule::CONNECT_RESERVED_FLAG);
    }
    if flags & flag::WILL != 0 {
        return if will_qos == 3 { Err(Rule::WILL_QOS) } else { Ok(()) };
    }
    if will_qos != 0 {
        return Err(Rule::WILL_QOS_WITHOUT_WILL);
    }
    if flags & flag::WILL_RETAIN != 0 { Err(Rule::WILL_RETAIN_WITHOUT_WILL) } else { Ok(()) }
}

impl<'a> Will<'a> {
    #[inline(never)]
    fn read(r: &mut Reader<'a>, qos: QoS, retain: bool) -> Option<Self> {
        let Some(properties) = Properties::read(r, place::WILL) else {
            if r.rule() == Rule::PROPERTY_LENGTH_MISSING {
                r.ends_against(Rule::WILL_FIELDS);
            }
            return None;
        };
        r.ends_against(Rule::WILL_FIELDS);
        let topic = Topic::read(r, ReasonCode::TOPIC_NAME_INVALID, Rule::TOPIC_NAME_WILDCARD)?;
        Some(Self { qos, retain, properties, topic, payload: r.bytes()? })
    }
}

impl fmt::Debug for Connect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("clean_start", &self.clean_start)
            .field("keep_alive", &self.keep_alive)
            .field("properties", &self.properties)
            .field("client_id", &self.client_id)
            .field("will", &self.will)
            .field("user_name", &self.user_name)
            .field("password", &self.password.map(|_| format_args!("***")))
            .finish()
    }
}

impl fmt::Debug for Will<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Will")
            .field("qos", &self.qos)
            .field("retain", &self.retain)
            .field("properties", &self.properties)
            .field("topic", &self.topic)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CLIENT, MALFORMED, accepted, decoded, encoded, framed, not_sent, refused, refused_at_once};
    use crate::{Packet, Property};
    use std::{format, vec, vec::Vec};

    /// The smallest CONNECT, with these flags and this behind the client identifier.
    fn connect(flags: u8, rest: &[u8]) -> Vec<u8> {
        framed(0x10, &[b"\x00\x04MQTT\x05", &[flags], b"\x00\x00\x00\x00\x00", rest])
    }

    const FLAGS: usize = 9;
    const BEHIND_CLIENT_ID: usize = 15;

    #[test]
    fn the_smallest_connect_is_accepted() {
        accepted(CLIENT, b"\x10\x0D\x00\x04MQTT\x05\x00\x00\x00\x00\x00\x00");
        accepted(CLIENT, b"\x10\x0E\x00\x04MQTT\x05\x02\xFF\xFF\x00\x00\x01i");
    }

    #[test]
    fn mqtt_3_1_2_1_the_protocol_name_is_mqtt() {
        let packet = |name: &[u8]| framed(0x10, &[name, b"\x05\x00\x00\x00\x00\x00\x00"]);
        for name in [&b"\x00\x04MQTt"[..], b"\x00\x06MQIsdp", b"\x00\x00", b"\x00\x05MQTTX", b"\x00\x05MQTT\x7F"] {
            refused(CLIENT, &packet(name), ReasonCode::UNSUPPORTED_PROTOCOL_VERSION, "MQTT-3.1.2-1", 2);
        }
        // What is no string is no name of another protocol.
        refused(CLIENT, &packet(b"\x00\x04\xFF\xFF\xFF\xFF"), MALFORMED, "MQTT-1.5.4-1", 4);
        refused(CLIENT, &packet(b"\x00\x05MQTT\x80"), MALFORMED, "MQTT-1.5.4-1", 8);
        refused(CLIENT, &packet(b"\x00\x04MQ\x00T"), MALFORMED, "MQTT-1.5.4-2", 6);
    }

    #[test]
    fn mqtt_3_1_2_2_the_protocol_version_is_five() {
        for version in (0..=u8::MAX).filter(|&version| version != 5) {
            let packet = framed(0x10, &[b"\x00\x04MQTT", &[version], b"\x00\x00\x00\x00\x00\x00"]);
            refused(CLIENT, &packet, ReasonCode::UNSUPPORTED_PROTOCOL_VERSION, "MQTT-3.1.2-2", 8);
        }
    }

    #[test]
    fn mqtt_3_1_2_3_the_reserved_flag_is_zero() {
        for flags in [0x01, 0x03, 0xC3, 0xFF] {
            refused(CLIENT, &connect(flags, b"\x00\x01u\x00\x01p"), MALFORMED, "MQTT-3.1.2-3", FLAGS);
        }
    }

    #[test]
    fn mqtt_3_1_2_9_a_will_has_properties_topic_and_payload() {
        accepted(CLIENT, &connect(0x04, b"\x00\x00\x01t\x00\x00"));
        accepted(CLIENT, &connect(0x36, b"\x05\x18\x00\x00\x00\x01\x00\x01t\x00\x02\x00\xFF"));
        for (fields, at) in [
            (&b""[..], 0),
            (b"\x00", 1),
            (b"\x00\x00", 1),
            (b"\x00\x00\x02t", 3),
            (b"\x00\x00\x01t", 4),
            (b"\x00\x00\x01t\x00", 4),
            (b"\x00\x00\x01t\x00\x02p", 6),
        ] {
            refused(CLIENT, &connect(0x04, fields), MALFORMED, "MQTT-3.1.2-9", BEHIND_CLIENT_ID + at);
        }
    }

    #[test]
    fn mqtt_3_1_2_11_without_a_will_its_qos_is_zero() {
        for flags in [0x08, 0x10, 0x18, 0x3A] {
            refused(CLIENT, &connect(flags, b"\x00\x00\x01t\x00\x00"), MALFORMED, "MQTT-3.1.2-11", FLAGS);
        }
    }

    #[test]
    fn mqtt_3_1_2_12_a_will_has_qos_zero_one_or_two() {
        for (flags, qos) in [(0x04, QoS::AtMostOnce), (0x0C, QoS::AtLeastOnce), (0x14, QoS::ExactlyOnce)] {
            let bytes = connect(flags, b"\x00\x00\x01t\x00\x00");
            let Packet::Connect(packet) = decoded(CLIENT, &bytes) else { panic!() };
            assert_eq!(packet.will.unwrap().qos, qos);
            accepted(CLIENT, &bytes);
        }
        for flags in [0x1C, 0x3C, 0x1E] {
            refused(CLIENT, &connect(flags, b"\x00\x00\x01t\x00\x00"), MALFORMED, "MQTT-3.1.2-12", FLAGS);
        }
    }

    #[test]
    fn mqtt_3_1_2_13_without_a_will_its_retain_flag_is_zero() {
        for flags in [0x20, 0x22] {
            refused(CLIENT, &connect(flags, b""), MALFORMED, "MQTT-3.1.2-13", FLAGS);
        }
        let bytes = connect(0x24, b"\x00\x00\x01t\x00\x00");
        let Packet::Connect(packet) = decoded(CLIENT, &bytes) else { panic!() };
        assert!(packet.will.unwrap().retain);
    }

    #[test]
    fn mqtt_3_1_2_16_no_user_name_follows_without_its_flag() {
        refused(CLIENT, &connect(0x00, b"\x00\x01u"), MALFORMED, "MQTT-3.1.2-16", BEHIND_CLIENT_ID);
        refused(CLIENT, &connect(0x04, b"\x00\x00\x01t\x00\x00\x00"), MALFORMED, "MQTT-3.1.2-16", BEHIND_CLIENT_ID + 6);
    }

    #[test]
    fn mqtt_3_1_2_17_a_user_name_follows_its_flag() {
        accepted(CLIENT, &connect(0x80, b"\x00\x00"));
        for (rest, at) in [(&b""[..], 0), (b"\x00", 0), (b"\x00\x02u", 2)] {
            refused(CLIENT, &connect(0x80, rest), MALFORMED, "MQTT-3.1.2-17", BEHIND_CLIENT_ID + at);
        }
    }

    #[test]
    fn mqtt_3_1_2_18_no_password_follows_without_its_flag() {
        refused(CLIENT, &connect(0x80, b"\x00\x01u\x00\x01p"), MALFORMED, "MQTT-3.1.2-18", BEHIND_CLIENT_ID + 3);
    }

    #[test]
    fn mqtt_3_1_2_19_a_password_follows_its_flag_with_or_without_a_user_name() {
        accepted(CLIENT, &connect(0x40, b"\x00\x02\xFF\x00"));
        accepted(CLIENT, &connect(0xC0, b"\x00\x01u\x00\x00"));
        refused(CLIENT, &connect(0x40, b""), MALFORMED, "MQTT-3.1.2-19", BEHIND_CLIENT_ID);
        refused(CLIENT, &connect(0xC0, b"\x00\x01u\x00\x02p"), MALFORMED, "MQTT-3.1.2-19", BEHIND_CLIENT_ID + 5);
    }

    #[test]
    fn nothing_follows_the_last_field() {
        for (flags, rest) in [(0x40, &b"\x00\x01p\x00"[..]), (0xC0, b"\x00\x01u\x00\x01p\x00")] {
            let packet = connect(flags, rest);
            refused(CLIENT, &packet, MALFORMED, "MQTT 2.1.4", packet.len() - 1);
        }
        // And none is cut short.
        for (body, at) in
            [(&b""[..], 2), (b"\x00\x04", 4), (b"\x00\x04MQT", 4), (b"\x00\x04MQTT", 8), (b"\x00\x04MQTT\x05", 9)]
        {
            refused(CLIENT, &framed(0x10, &[body]), MALFORMED, "MQTT 2.1.4", at);
        }
        refused_at_once(CLIENT, b"\x10\x01\x00", MALFORMED, "MQTT 2.1.4", 2);
        refused(CLIENT, b"\x10\x09\x00\x04MQTT\x05\x00\x00", MALFORMED, "MQTT 2.1.4", 10);
    }

    #[test]
    fn mqtt_3_1_3_1_the_payload_has_its_order() {
        const BYTES: &[u8] = b"\x10\x22\x00\x04MQTT\x05\xEE\x01\x2C\x05\x11\x00\x00\x0E\x10\
            \x00\x01i\x02\x01\x01\x00\x01t\x00\x01w\x00\x01u\x00\x01p";
        accepted(CLIENT, BYTES);
        let Packet::Connect(packet) = decoded(CLIENT, BYTES) else { panic!() };
        assert!(packet.clean_start);
        assert_eq!(packet.keep_alive, 300);
        assert_eq!(packet.properties.session_expiry_interval(), Some(3600));
        assert_eq!(packet.client_id, "i");
        let will = packet.will.unwrap();
        assert_eq!(will.properties.payload_format_indicator(), Some(crate::PayloadFormat::Utf8));
        assert_eq!(
            (will.qos, will.retain, will.topic.as_str(), will.payload),
            (QoS::AtLeastOnce, true, "t", &b"w"[..])
        );
        assert_eq!((packet.user_name.unwrap().as_str(), packet.password), ("u", Some(&b"p"[..])));
    }

    #[test]
    fn mqtt_3_1_3_3_the_client_identifier_is_there() {
        refused(CLIENT, b"\x10\x0B\x00\x04MQTT\x05\x00\x00\x00\x00", MALFORMED, "MQTT-3.1.3-3", 13);
        refused(CLIENT, b"\x10\x0C\x00\x04MQTT\x05\x00\x00\x00\x00\x00", MALFORMED, "MQTT-3.1.3-3", 13);
        refused(CLIENT, b"\x10\x0E\x00\x04MQTT\x05\x00\x00\x00\x00\x00\x02i", MALFORMED, "MQTT-3.1.3-3", 15);
    }

    #[test]
    fn mqtt_3_1_3_4_the_client_identifier_is_a_string() {
        refused(CLIENT, b"\x10\x0F\x00\x04MQTT\x05\x00\x00\x00\x00\x00\x02i\xFF", MALFORMED, "MQTT-1.5.4-1", 16);
        refused(CLIENT, b"\x10\x0E\x00\x04MQTT\x05\x00\x00\x00\x00\x00\x01\x00", MALFORMED, "MQTT-1.5.4-2", 15);
    }

    #[test]
    fn mqtt_3_1_3_10_the_order_of_a_will_s_user_properties_is_kept() {
        let bytes = connect(0x04, b"\x0E\x26\x00\x01b\x00\x011\x26\x00\x01a\x00\x012\x00\x01t\x00\x00");
        accepted(CLIENT, &bytes);
        let Packet::Connect(packet) = decoded(CLIENT, &bytes) else { panic!() };
        let names: Vec<_> = packet.will.unwrap().properties.user_properties().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
    }

    #[test]
    fn mqtt_3_1_3_11_the_will_topic_is_a_topic_name() {
        let topic = |topic: &[u8]| connect(0x04, &[&[0, 0, topic.len() as u8], topic, &[0, 0]].concat());
        let at = BEHIND_CLIENT_ID + 3;
        refused(CLIENT, &topic(b"t\xC3"), MALFORMED, "MQTT-1.5.4-1", at + 1);
        refused(CLIENT, &topic(b"tt\x00"), MALFORMED, "MQTT-1.5.4-2", at + 2);
        refused(CLIENT, &topic(b""), ReasonCode::TOPIC_NAME_INVALID, "MQTT-4.7.3-1", at);
        refused(CLIENT, &topic(b"t/+"), ReasonCode::TOPIC_NAME_INVALID, "MQTT-4.7.0-1", at + 2);
        refused(CLIENT, &topic(b"#"), ReasonCode::TOPIC_NAME_INVALID, "MQTT-4.7.0-1", at);
        accepted(CLIENT, &topic("t/é".as_bytes()));
    }

    #[test]
    fn mqtt_3_1_3_12_the_user_name_is_a_string() {
        refused(CLIENT, &connect(0x80, b"\x00\x02u\xFE"), MALFORMED, "MQTT-1.5.4-1", BEHIND_CLIENT_ID + 3);
        refused(CLIENT, &connect(0x80, b"\x00\x02\x00u"), MALFORMED, "MQTT-1.5.4-2", BEHIND_CLIENT_ID + 2);
        accepted(CLIENT, &connect(0x80, b"\x00\x03\xEF\xBB\xBF"));
    }

    #[test]
    fn what_two_bytes_of_length_cannot_describe_is_not_sent() {
        let long = vec![0; 65_536];
        let bytes = connect(0x44, b"\x00\x00\x01t\x00\x00\x00\x00");
        let Packet::Connect(packet) = decoded(CLIENT, &bytes) else { panic!() };
        not_sent(CLIENT, &Packet::Connect(Connect { password: Some(&long), ..packet }), "MQTT 1.5.6");
        let will = Will { payload: &long, ..packet.will.unwrap() };
        not_sent(CLIENT, &Packet::Connect(Connect { will: Some(will), ..packet }), "MQTT 1.5.6");
        let will = Will { payload: &long[1..], ..will };
        let longest = Packet::Connect(Connect { password: Some(&long[1..]), will: Some(will), ..packet });
        assert_eq!(encoded(CLIENT, &longest).unwrap().len(), bytes.len() + 2 * 65_535 + 2);
    }

    #[test]
    fn neither_password_nor_will_payload_is_printed() {
        let bytes = connect(0x44, b"\x00\x00\x01t\x00\x03wxy\x00\x03pqr");
        let printed = format!("{:?}", decoded(CLIENT, &bytes));
        assert!(printed.contains("password: Some(***)") && printed.contains("payload: 3 bytes"), "{printed}");
        assert!(
            !printed.contains("pqr")
                && !printed.contains("112")
                && !printed.contains("wxy")
                && !printed.contains("119")
        );
    }

    #[test]
    fn properties_of_connect_are_no_properties_of_its_will() {
        let list = [Property::SessionExpiryInterval(1)];
        let bytes = connect(0x04, b"\x00\x00\x01t\x00\x00");
        let Packet::Connect(packet) = decoded(CLIENT, &bytes) else { panic!() };
        let will = Will { properties: Properties::from(&list), ..packet.will.unwrap() };
        not_sent(CLIENT, &Packet::Connect(Connect { will: Some(will), ..packet }), "MQTT 2.2.2.2");
    }
}
