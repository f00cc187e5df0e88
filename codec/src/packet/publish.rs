//! PUBLISH (section 3.3).

use core::fmt;

use super::shape::{self, Body, PacketType, Plan};
use crate::property::in_publish;
use crate::wire::{Reader, Writer};
use crate::{EncodeError, PacketId, Properties, Property, QoS, ReasonCode, Rule, Sender, Sink, Topic, TopicAlias};

/// An application message.
///
/// ```
/// use mqtt5_codec::{Delivery, Properties, Publish, Sender, Topic, TopicRef};
/// let publish = Publish {
///     topic: TopicRef::Name(Topic::new("a")?),
///     delivery: Delivery::AtMostOnce,
///     retain: false,
///     properties: Properties::EMPTY,
///     payload: b"hi",
/// };
/// let mut out = [0; 8];
/// publish.encode(Sender::Client, &mut out).unwrap();
/// assert_eq!(out, [0x30, 6, 0, 1, b'a', 0, b'h', b'i']);
/// # Ok::<(), mqtt5_codec::Rule>(())
/// ```
#[derive(Clone, Copy)]
pub struct Publish<'a> {
    /// What it is about: a topic name, an alias of one, or both.
    ///
    /// The alias of a PUBLISH stands here: a decoded one is not among the properties as well, and one to be sent need not be.
    /// It is written before the properties, or where it came when it was decoded. A caller's list may hold
    /// [`Property::TopicAlias`] to give the alias another place; any but the one that stands here is refused.
    pub topic: TopicRef<'a>,
    /// The quality of service, with what goes with it.
    pub delivery: Delivery,
    /// Whether the server retains the message, or sends a retained one.
    pub retain: bool,
    /// Format, expiry, alias, response topic, correlation, user properties, subscription identifiers, content type.
    pub properties: Properties<'a>,
    /// The message.
    pub payload: &'a [u8],
}

/// What a PUBLISH is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicRef<'a> {
    /// A topic name.
    Name(Topic<'a>),
    /// An alias that an earlier PUBLISH on this connection gave to a topic name.
    Alias(TopicAlias),
    /// A topic name, and an alias that stands for it from now on.
    NameAndAlias(Topic<'a>, TopicAlias),
}

impl<'a> TopicRef<'a> {
    /// The topic name, if it is there.
    #[must_use]
    #[inline]
    pub const fn name(self) -> Option<Topic<'a>> {
        match self {
            Self::Name(name) | Self::NameAndAlias(name, _) => Some(name),
            Self::Alias(_) => None,
        }
    }

    /// The alias, if there is one.
    #[must_use]
    #[inline]
    pub const fn alias(self) -> Option<TopicAlias> {
        match self {
            Self::Alias(alias) | Self::NameAndAlias(_, alias) => Some(alias),
            Self::Name(_) => None,
        }
    }
}

/// The quality of service of a PUBLISH, and what only exists from QoS 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// QoS 0: no identifier [MQTT-2.2.1-2], never a duplicate [MQTT-3.3.1-2].
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce {
        /// What PUBACK repeats.
        id: PacketId,
        /// Whether it may have been sent before.
        dup: bool,
    },
    /// QoS 2.
    ExactlyOnce {
        /// What PUBREC, PUBREL and PUBCOMP repeat.
        id: PacketId,
        /// Whether it may have been sent before.
        dup: bool,
    },
}

impl Delivery {
    /// The quality of service level.
    #[must_use]
    #[inline]
    pub const fn qos(self) -> QoS {
        match self {
            Self::AtMostOnce => QoS::AtMostOnce,
            Self::AtLeastOnce { .. } => QoS::AtLeastOnce,
            Self::ExactlyOnce { .. } => QoS::ExactlyOnce,
        }
    }

    /// The packet identifier, from QoS 1 on.
    #[must_use]
    #[inline]
    pub const fn id(self) -> Option<PacketId> {
        match self {
            Self::AtMostOnce => None,
            Self::AtLeastOnce { id, .. } | Self::ExactlyOnce { id, .. } => Some(id),
        }
    }

    /// Whether it may have been sent before.
    #[must_use]
    #[inline]
    pub const fn dup(self) -> bool {
        match self {
            Self::AtMostOnce => false,
            Self::AtLeastOnce { dup, .. } | Self::ExactlyOnce { dup, .. } => dup,
        }
    }
}

/// Flags of the fixed header (section 3.3.1).
const DUP: u8 = 1 << 3;
const QOS: u8 = 1;
const RETAIN: u8 = 1 << 0;

impl<'a> Publish<'a> {
    /// Reads everything behind the fixed header, whose flags have been checked.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub(crate) fn read(first: u8, r: &mut Reader<'a>, from: Sender) -> Option<Self> {
        let start = r.left();
        let name = Topic::read_or_empty(r, ReasonCode::TOPIC_NAME_INVALID, Rule::TOPIC_WILDCARD)?;
        let (dup, retain) = (first & DUP != 0, first & RETAIN != 0);
        let delivery = match first >> QOS & 3 {
            0 => Delivery::AtMostOnce,
            qos => {
                let id = PacketId::read(r, packet_id_rule(from))?;
                if qos == 1 { Delivery::AtLeastOnce { id, dup } } else { Delivery::ExactlyOnce { id, dup } }
            }
        };
        let (properties, found) = Properties::read_found(r, in_publish(from))?;
        let (mut topic, mut properties) = (TopicRef::Name(name), properties);
        if name.as_bytes().is_empty() || found.topic_alias() {
            // An alias, or an empty name, which needs one.
            let alias;
            (alias, properties) = properties.split_alias();
            topic = match alias {
                Some(alias) if name.as_bytes().is_empty() => TopicRef::Alias(alias),
                Some(alias) => TopicRef::NameAndAlias(name, alias),
                None => return r.protocol_error(start, Rule::TOPIC_MISSING),
            };
        }
        Some(Self { topic, delivery, retain, properties, payload: r.rest() })
    }

    /// Writes the packet, and returns its length in bytes.
    ///
    /// # Errors
    /// When `from` may not send the packet so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, from: Sender, sink: &mut S) -> Result<usize, EncodeError> {
        shape::write(sink, self, &self.plan(from)?)
    }

    /// Writes everything but the payload, and returns how many bytes that is. The remaining length counts the payload,
    /// which the caller sends next, uncopied.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_head<S: Sink + ?Sized>(&self, from: Sender, sink: &mut S) -> Result<usize, EncodeError> {
        let plan = Plan { apart: self.payload.len(), ..self.plan(from)? };
        shape::write(sink, self, &plan)
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When `from` may not send the packet so.
    pub fn encoded_len(&self, from: Sender) -> Result<usize, EncodeError> {
        shape::len(self, &self.plan(from)?)
    }

    #[inline]
    fn first(&self) -> u8 {
        let flag = |set, flag| if set { flag } else { 0 };
        (PacketType::Publish as u8) << 4
            | flag(self.delivery.dup(), DUP)
            | (self.delivery.qos() as u8) << QOS
            | flag(self.retain, RETAIN)
    }

    /// What has to be known to write the packet, if it may be sent.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    fn plan(&self, from: Sender) -> Result<Plan, Rule> {
        let (mut properties, mut alias) = (0, self.topic.alias());
        if !self.properties.is_empty() {
            let found;
            (properties, found) = self.properties.measure_all(in_publish(from))?;
            if found.topic_alias() {
                if alias.is_none() || alias != self.properties.topic_alias() {
                    return Err(Rule::TOPIC_ALIAS_LISTED);
                }
                alias = None; // It has its place in the list.
            } else if alias.is_some() && alias == self.properties.hidden_alias(properties) {
                // Written with the bytes among which it came.
                properties = properties.saturating_add(3);
                alias = None;
            }
        }
        Ok(Plan { first: self.first(), alias, ..Plan::new(PacketType::Publish, properties) })
    }
}

impl Body for Publish<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn put(&self, w: &mut Writer<'_>, plan: &Plan) {
        match &self.topic {
            TopicRef::Name(name) | TopicRef::NameAndAlias(name, _) => w.bytes(name.slice()),
            TopicRef::Alias(_) => w.u16(0),
        }
        if let Some(id) = self.delivery.id() {
            w.u16(id.get());
        }
        match plan.alias {
            None => self.properties.put(w, plan.properties),
            Some(alias) => self.properties.put_behind(alias, w, plan.properties),
        }
        if plan.apart == 0 {
            w.put(&self.payload);
        }
    }
}

/// An alias belongs to the topic, so it does not matter whether and where the properties list it as well.
impl PartialEq for Publish<'_> {
    fn eq(&self, other: &Self) -> bool {
        fn others<'a>(publish: &Publish<'a>) -> impl Iterator<Item = Property<'a>> {
            publish.properties.iter().filter(|property| !matches!(property, Property::TopicAlias(_)))
        }
        (self.topic, self.delivery, self.retain, self.payload)
            == (other.topic, other.delivery, other.retain, other.payload)
            && others(self).eq(others(other))
    }
}

#[cold]
fn packet_id_rule(from: Sender) -> Rule {
    match from {
        Sender::Client => Rule::PACKET_ID_CLIENT,
        Sender::Server => Rule::PACKET_ID_SERVER,
    }
}

impl fmt::Debug for Publish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("topic", &self.topic)
            .field("delivery", &self.delivery)
            .field("retain", &self.retain)
            .field("properties", &self.properties)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        BOTH, CLIENT, MALFORMED, PROTOCOL_ERROR, SERVER, accepted, decoded, encoded, framed, not_sent, refused,
        refused_at_once,
    };
    use crate::{Packet, SubscriptionId};
    use std::{format, vec, vec::Vec};

    fn publish(from: Sender, bytes: &[u8]) -> Publish<'_> {
        match decoded(from, bytes) {
            Packet::Publish(publish) => publish,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn mqtt_2_2_1_2_a_qos_0_publish_has_no_packet_identifier() {
        for from in BOTH {
            // What follows the topic is the property length.
            let packet = publish(from, b"\x30\x06\x00\x01a\x00hi");
            assert_eq!(
                (packet.delivery, packet.delivery.id(), packet.payload),
                (Delivery::AtMostOnce, None, &b"hi"[..])
            );
            let packet = publish(from, b"\x32\x08\x00\x01a\x00\x0A\x00hi");
            assert_eq!((packet.delivery.id(), packet.payload), (PacketId::new(10), &b"hi"[..]));
            accepted(from, b"\x30\x06\x00\x01a\x00hi");
            accepted(from, b"\x32\x08\x00\x01a\x00\x0A\x00hi");
            accepted(from, b"\x34\x06\x00\x01a\xFF\xFF\x00");
        }
    }

    #[test]
    fn mqtt_2_2_1_3_a_client_s_packet_identifier_is_not_zero() {
        for first in [0x32, 0x34, 0x3B, 0x3D] {
            refused(CLIENT, &framed(first, &[b"\x00\x01a\x00\x00\x00"]), PROTOCOL_ERROR, "MQTT-2.2.1-3", 5);
        }
    }

    #[test]
    fn mqtt_2_2_1_4_a_server_s_packet_identifier_is_not_zero() {
        for first in [0x32, 0x34, 0x3B, 0x3D] {
            refused(SERVER, &framed(first, &[b"\x00\x01a\x00\x00\x00"]), PROTOCOL_ERROR, "MQTT-2.2.1-4", 5);
        }
    }

    #[test]
    fn mqtt_3_3_1_1_a_publish_from_qos_1_on_may_be_a_duplicate() {
        for from in BOTH {
            for (first, qos, dup, retain) in [
                (0x32, QoS::AtLeastOnce, false, false),
                (0x33, QoS::AtLeastOnce, false, true),
                (0x34, QoS::ExactlyOnce, false, false),
                (0x35, QoS::ExactlyOnce, false, true),
                (0x3A, QoS::AtLeastOnce, true, false),
                (0x3B, QoS::AtLeastOnce, true, true),
                (0x3C, QoS::ExactlyOnce, true, false),
                (0x3D, QoS::ExactlyOnce, true, true),
            ] {
                let bytes = framed(first, &[b"\x00\x01a\x00\x01\x00"]);
                accepted(from, &bytes);
                let packet = publish(from, &bytes);
                assert_eq!((packet.delivery.qos(), packet.delivery.dup(), packet.retain), (qos, dup, retain));
            }
        }
    }

    #[test]
    fn mqtt_3_3_1_2_a_qos_0_publish_is_no_duplicate() {
        for from in BOTH {
            accepted(from, b"\x31\x04\x00\x01a\x00");
            for first in [0x38, 0x39] {
                refused_at_once(from, &[first], MALFORMED, "MQTT-3.3.1-2", 0);
                refused_at_once(from, &framed(first, &[b"\x00\x01a\x00"]), MALFORMED, "MQTT-3.3.1-2", 0);
            }
        }
    }

    #[test]
    fn mqtt_3_3_1_4_qos_three_is_malformed() {
        for from in BOTH {
            for first in [0x36, 0x37, 0x3E, 0x3F] {
                refused_at_once(from, &[first], MALFORMED, "MQTT-3.3.1-4", 0);
                refused_at_once(from, &framed(first, &[b"\x00\x01a\x00\x01\x00"]), MALFORMED, "MQTT-3.3.1-4", 0);
            }
        }
    }

    #[test]
    fn mqtt_3_3_2_1_the_topic_name_comes_first_and_is_a_string() {
        for from in BOTH {
            refused(from, b"\x30\x00", MALFORMED, "MQTT 2.1.4", 2);
            refused_at_once(from, b"\x30\x01\x00", MALFORMED, "MQTT 2.1.4", 2);
            refused(from, b"\x30\x03\x00\x02a", MALFORMED, "MQTT 2.1.4", 4);
            refused(from, b"\x30\x06\x00\x03a\xC3\x28\x00", MALFORMED, "MQTT-1.5.4-1", 5);
            refused(from, b"\x30\x06\x00\x03\xED\xA0\x80\x00", MALFORMED, "MQTT-1.5.4-1", 4);
            refused(from, b"\x30\x06\x00\x03a/\x00\x00", MALFORMED, "MQTT-1.5.4-2", 6);
            accepted(from, b"\x30\x06\x00\x03\xEF\xBB\xBF\x00");
        }
    }

    #[test]
    fn mqtt_3_3_2_2_a_topic_name_has_no_wildcards() {
        for from in BOTH {
            for (name, at) in
                [(&b"#"[..], 4), (b"+", 4), (b"a/#", 6), (b"a+b", 5), (b"a/b/c/d/e/f+", 15), (b"\xC3\xA9#", 6)]
            {
                let packet = framed(0x30, &[&[0, name.len() as u8], name, b"\x00"]);
                refused(from, &packet, ReasonCode::TOPIC_NAME_INVALID, "MQTT-3.3.2-2", at);
            }
            // What is no string is told before it is no topic name.
            refused(from, b"\x30\x05\x00\x02#\xFF\x00", MALFORMED, "MQTT-1.5.4-1", 5);
        }
    }

    #[test]
    fn an_empty_topic_name_comes_with_an_alias() {
        for from in BOTH {
            refused(from, b"\x30\x03\x00\x00\x00", PROTOCOL_ERROR, "MQTT 3.3.2.1", 2);
            refused(from, b"\x32\x0C\x00\x00\x00\x01\x05\x02\x00\x00\x00\x01hi", PROTOCOL_ERROR, "MQTT 3.3.2.1", 2);
            accepted(from, b"\x30\x06\x00\x00\x03\x23\x00\x01");
            assert_eq!(
                publish(from, b"\x30\x06\x00\x00\x03\x23\x00\x01").topic,
                TopicRef::Alias(TopicAlias::new(1).unwrap())
            );
            let topic = publish(from, b"\x30\x07\x00\x01a\x03\x23\xFF\xFF").topic;
            assert_eq!((topic.name().unwrap().as_str(), topic.alias()), ("a", TopicAlias::new(65_535)));
        }
    }

    #[test]
    fn mqtt_3_3_2_8_a_topic_alias_is_not_zero() {
        for from in BOTH {
            let reason = ReasonCode::TOPIC_ALIAS_INVALID;
            refused(from, b"\x30\x07\x00\x01a\x03\x23\x00\x00", reason, "MQTT-3.3.2-8", 7);
            refused(from, b"\x30\x06\x00\x00\x03\x23\x00\x00", reason, "MQTT-3.3.2-8", 6);
        }
        assert_eq!(TopicAlias::new(0), None);
    }

    #[test]
    fn an_alias_is_given_with_the_topic_and_sent_once_whether_or_not_it_is_listed() {
        const ONE: TopicAlias = TopicAlias::new(1).unwrap();
        const TWO: TopicAlias = TopicAlias::new(2).unwrap();
        const OTHERS: &[Property<'static>] = &[Property::MessageExpiryInterval(9)];
        const LISTED: &[Property<'static>] = &[Property::MessageExpiryInterval(9), Property::TopicAlias(ONE)];
        let named = publish(CLIENT, b"\x30\x04\x00\x01a\x00");
        let name = named.topic.name().unwrap();
        let with = |topic, list: &'static [Property<'static>]| {
            Packet::Publish(Publish { topic, properties: Properties::from(list), ..named })
        };
        for from in BOTH {
            for (topic, list, bytes) in [
                (TopicRef::Alias(ONE), OTHERS, &b"\x30\x0B\x00\x00\x08\x23\x00\x01\x02\x00\x00\x00\x09"[..]),
                (TopicRef::NameAndAlias(name, TWO), &[], b"\x30\x07\x00\x01a\x03\x23\x00\x02"),
                (TopicRef::Alias(ONE), LISTED, b"\x30\x0B\x00\x00\x08\x02\x00\x00\x00\x09\x23\x00\x01"),
            ] {
                assert_eq!(encoded(from, &with(topic, list)).unwrap(), bytes);
            }
            // Two aliases, or one where the topic has none.
            not_sent(from, &with(TopicRef::Alias(TWO), LISTED), "MQTT 3.3.2.3.4");
            not_sent(from, &with(TopicRef::Name(name), LISTED), "MQTT 3.3.2.3.4");
            assert!(encoded(from, &with(TopicRef::Name(name), OTHERS)).is_ok());
        }
        // Whether it is listed, and where, makes no other packet.
        assert_eq!(with(TopicRef::Alias(ONE), LISTED), with(TopicRef::Alias(ONE), OTHERS));
        assert_ne!(with(TopicRef::Alias(ONE), LISTED), with(TopicRef::Alias(TWO), OTHERS));
        assert_ne!(with(TopicRef::Alias(ONE), LISTED), with(TopicRef::Alias(ONE), &[]));
    }

    #[test]
    fn a_decoded_alias_stands_with_the_topic_alone_and_is_written_where_it_was() {
        // First, in the middle, last.
        for list in [
            &b"\x23\x00\x05\x02\x00\x00\x00\x09\x01\x01"[..],
            b"\x02\x00\x00\x00\x09\x23\x00\x05\x01\x01",
            b"\x02\x00\x00\x00\x09\x01\x01\x23\x00\x05",
        ] {
            for from in BOTH {
                for topic in [&b"\x00\x01a"[..], b"\x00\x00"] {
                    let bytes = framed(0x30, &[topic, b"\x0A", list, b"hi"]);
                    accepted(from, &bytes);
                    let packet = publish(from, &bytes);
                    assert_eq!(packet.topic.alias(), TopicAlias::new(5));
                    assert_eq!(packet.properties.topic_alias(), None);
                    let ids: Vec<_> = packet.properties.iter().map(|property| property.id()).collect();
                    assert_eq!(ids, [0x02, 0x01]);
                }
                // Another alias takes its place at the front, none leaves no trace.
                let bytes = framed(0x30, &[b"\x00\x01a\x0A", list]);
                let packet = publish(from, &bytes);
                let name = packet.topic.name().unwrap();
                let rest = b"\x02\x00\x00\x00\x09\x01\x01";
                let other = TopicRef::NameAndAlias(name, TopicAlias::new(6).unwrap());
                let other = Packet::Publish(Publish { topic: other, ..packet });
                assert_eq!(encoded(from, &other).unwrap(), framed(0x30, &[b"\x00\x01a\x0A\x23\x00\x06", &rest[..]]));
                let none = Packet::Publish(Publish { topic: TopicRef::Name(name), ..packet });
                assert_eq!(encoded(from, &none).unwrap(), framed(0x30, &[b"\x00\x01a\x07", &rest[..]]));
            }
        }
        // Alone, it leaves no properties.
        let packet = publish(CLIENT, b"\x30\x08\x00\x01a\x03\x23\x00\x05x");
        assert!(packet.properties.is_empty() && packet.properties == Properties::EMPTY);
    }

    #[test]
    fn mqtt_3_3_2_13_the_response_topic_is_a_string() {
        for from in BOTH {
            refused(from, b"\x30\x09\x00\x01a\x05\x08\x00\x02r\xFF", MALFORMED, "MQTT-1.5.4-1", 10);
            refused(from, b"\x30\x08\x00\x01a\x04\x08\x00\x01\x00", MALFORMED, "MQTT-1.5.4-2", 9);
            accepted(from, b"\x30\x09\x00\x01a\x05\x08\x00\x02\xC3\xA9");
        }
    }

    #[test]
    fn mqtt_3_3_2_14_the_response_topic_has_no_wildcards() {
        for from in BOTH {
            refused(from, b"\x30\x0A\x00\x01a\x06\x08\x00\x03r/+", PROTOCOL_ERROR, "MQTT-3.3.2-14", 11);
            refused(from, b"\x30\x08\x00\x01a\x04\x08\x00\x01#", PROTOCOL_ERROR, "MQTT-3.3.2-14", 9);
            refused(from, b"\x30\x07\x00\x01a\x03\x08\x00\x00", PROTOCOL_ERROR, "MQTT-4.7.3-1", 9);
        }
    }

    #[test]
    fn mqtt_3_3_2_19_the_content_type_is_a_string() {
        for from in BOTH {
            refused(from, b"\x30\x09\x00\x01a\x05\x03\x00\x02c\x80", MALFORMED, "MQTT-1.5.4-1", 10);
            refused(from, b"\x30\x08\x00\x01a\x04\x03\x00\x01\x00", MALFORMED, "MQTT-1.5.4-2", 9);
            accepted(from, b"\x30\x07\x00\x01a\x03\x03\x00\x00");
        }
    }

    #[test]
    fn mqtt_3_3_2_17_properties_pass_unaltered_and_in_their_order() {
        // User, format, correlation, user again, response topic, content type, expiry, user with the first name again.
        let bytes = b"\x30\x33\x00\x01t\x2A\x26\x00\x01b\x00\x011\x01\x01\x09\x00\x02\x00\xFF\x26\x00\x01a\x00\x012\
            \x08\x00\x01r\x03\x00\x01c\x02\x00\x00\x00\x07\x26\x00\x02bb\x00\x011hello";
        for from in BOTH {
            accepted(from, bytes);
            let list = publish(from, bytes).properties;
            let ids: Vec<_> = list.iter().map(|property| property.id()).collect();
            assert_eq!(ids, [0x26, 0x01, 0x09, 0x26, 0x08, 0x03, 0x02, 0x26]);
            assert_eq!((list.correlation_data(), list.message_expiry_interval()), (Some(&b"\x00\xFF"[..]), Some(7)));
            assert_eq!((list.response_topic().unwrap().as_str(), list.content_type().unwrap().as_str()), ("r", "c"));
        }
    }

    #[test]
    fn mqtt_3_3_4_4_a_server_s_publish_has_any_number_of_subscription_identifiers() {
        const BYTES: &[u8] = b"\x30\x0D\x00\x01a\x09\x0B\x01\x0B\x01\x0B\xFF\xFF\xFF\x7F";
        accepted(SERVER, BYTES);
        let ids: Vec<_> =
            publish(SERVER, BYTES).properties.subscription_identifiers().map(SubscriptionId::get).collect();
        assert_eq!(ids, [1, 1, 268_435_455]);
    }

    #[test]
    fn mqtt_3_3_4_6_a_client_s_publish_has_no_subscription_identifier() {
        refused(CLIENT, b"\x30\x06\x00\x01a\x02\x0B\x01", PROTOCOL_ERROR, "MQTT-3.3.4-6", 6);
        let list = [Property::SubscriptionIdentifier(SubscriptionId::new(1).unwrap())];
        let packet = Publish { properties: Properties::from(&list), ..publish(CLIENT, b"\x30\x04\x00\x01a\x00") };
        not_sent(CLIENT, &Packet::Publish(packet), "MQTT-3.3.4-6");
        assert_eq!(encoded(SERVER, &Packet::Publish(packet)).unwrap(), b"\x30\x06\x00\x01a\x02\x0B\x01");
    }

    #[test]
    fn mqtt_4_3_1_1_a_qos_0_publish_is_sent_with_qos_0_and_dup_0() {
        for from in BOTH {
            let packet = Publish { delivery: Delivery::AtMostOnce, ..publish(from, b"\x3D\x06\x00\x01a\x00\x01\x00") };
            assert_eq!(encoded(from, &Packet::Publish(packet)).unwrap(), b"\x31\x04\x00\x01a\x00");
        }
    }

    #[test]
    fn a_head_is_the_packet_without_its_payload() {
        let payload = vec![b'p'; 200];
        let packet = Publish { payload: &payload, ..publish(CLIENT, b"\x32\x06\x00\x01a\x00\x01\x00") };
        let whole = encoded(CLIENT, &Packet::Publish(packet)).unwrap();
        assert_eq!(whole[..9], *b"\x32\xCE\x01\x00\x01a\x00\x01\x00");
        let mut head = [0xAA; 16];
        assert_eq!(packet.encode_head(CLIENT, &mut head), Ok(9));
        assert_eq!(head[..9], whole[..9]);
        assert_eq!(head[9..], [0xAA; 7]);
        assert_eq!(packet.encode_head(CLIENT, &mut head[..8]), Err(EncodeError::Full { need: 9 }));
    }

    #[test]
    fn a_packet_beyond_the_greatest_remaining_length_is_not_sent() {
        let payload = vec![0; 268_435_452];
        let packet = publish(CLIENT, b"\x30\x04\x00\x01a\x00");
        let longest = Publish { payload: &payload[1..], ..packet };
        assert_eq!(longest.encoded_len(CLIENT), Ok(268_435_460));
        let longer = Publish { payload: &payload, ..packet };
        not_sent(CLIENT, &Packet::Publish(longer), "MQTT 2.1.4");
        assert_eq!(longer.encode_head(CLIENT, &mut [0; 9]), Err(EncodeError::Refused(Rule::REMAINING_LENGTH)));
    }

    #[test]
    fn the_payload_is_not_printed() {
        let printed = format!("{:?}", publish(CLIENT, b"\x30\x08\x00\x01a\x00wxyz"));
        assert!(
            printed.contains("payload: 4 bytes") && !printed.contains("wxyz") && !printed.contains("119"),
            "{printed}"
        );
    }
}
