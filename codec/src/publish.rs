//! PUBLISH (section 3.3).

use core::fmt;

use crate::packet::{Nowhere, PacketType, packet_len, write_head};
use crate::property::{Found, in_publish};
use crate::text::{NotPlainName, none_special};
use crate::wire::{Reader, Writer};
use crate::{
    EncodeError, PacketId, Properties, Property, QoS, ReasonCode, Rule, Sender, Sink, Topic, TopicAlias, error::Fault,
};

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
/// publish.encode(Sender::Client, &mut &mut out[..]).unwrap();
/// assert_eq!(out, [0x30, 6, 0, 1, b'a', 0, b'h', b'i']);
/// # Ok::<(), mqtt5_codec::Rule>(())
/// ```
#[derive(Clone, Copy, PartialEq)]
pub struct Publish<'a> {
    /// What it is about: a topic name, an alias of one, or both.
    ///
    /// A decoded alias also stands among the properties, at its place. When encoding, an alias that the properties lack is
    /// written before them; one that they have must be this one.
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
    #[inline]
    pub(crate) fn read(first: u8, r: &mut Reader<'a>, from: Sender) -> Result<Self, Fault> {
        let start = *r;
        let name = r.bytes()?;
        if !none_special::<NotPlainName>(name) {
            *r = start;
            Topic::read(r, ReasonCode::TOPIC_NAME_INVALID, Rule::TOPIC_WILDCARD)?;
        }
        let (dup, retain) = (first & DUP != 0, first & RETAIN != 0);
        let delivery = match first >> QOS & 3 {
            0 => Delivery::AtMostOnce,
            qos => {
                let id = PacketId::read(r, packet_id_rule(from))?;
                if qos == 1 { Delivery::AtLeastOnce { id, dup } } else { Delivery::ExactlyOnce { id, dup } }
            }
        };
        let (properties, found) = Properties::read(r, in_publish(from))?;
        let topic = if name.is_empty() || found.topic_alias() {
            Self::read_alias(name, &properties, found).ok_or_else(|| start.protocol_error(Rule::TOPIC_MISSING))?
        } else {
            TopicRef::Name(Topic::checked(name))
        };
        Ok(Self { topic, delivery, retain, properties, payload: r.rest() })
    }

    /// The topic of a PUBLISH with an alias, or with an empty name, which needs one.
    #[cold]
    fn read_alias(name: &'a [u8], properties: &Properties<'a>, found: Found) -> Option<TopicRef<'a>> {
        let alias = if found.topic_alias() { properties.topic_alias() } else { None }?;
        Some(if name.is_empty() { TopicRef::Alias(alias) } else { TopicRef::NameAndAlias(Topic::checked(name), alias) })
    }

    /// Writes the packet, and returns its length in bytes.
    ///
    /// # Errors
    /// When `from` may not send the packet so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, from: Sender, sink: &mut S) -> Result<usize, EncodeError> {
        let head = self.check(from)?;
        write_head(sink, self.first(), 0, |w| {
            self.put(w, head);
            w.put(self.payload);
        })
    }

    /// Writes everything but the payload, and returns how many bytes that is. The remaining length counts the payload,
    /// which the caller sends next, uncopied.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_head<S: Sink + ?Sized>(&self, from: Sender, sink: &mut S) -> Result<usize, EncodeError> {
        let head = self.check(from)?;
        write_head(sink, self.first(), self.payload.len(), |w| self.put(w, head))
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When `from` may not send the packet so.
    pub fn encoded_len(&self, from: Sender) -> Result<usize, EncodeError> {
        packet_len(self.encode(from, &mut Nowhere))
    }

    /// What has to be known to write the packet, if it may be sent.
    #[inline]
    fn check(&self, from: Sender) -> Result<Head, Rule> {
        let properties = self.properties.measure(in_publish(from))?;
        let listed = if properties == 0 { None } else { self.properties.topic_alias() };
        let alias = match (self.topic.alias(), listed) {
            (alias, None) => alias,
            (Some(alias), Some(listed)) if alias == listed => None,
            _ => return Err(crate::property::topic_alias_twice()),
        };
        Ok(Head { properties, alias })
    }

    #[inline]
    fn first(&self) -> u8 {
        let flag = |set, flag| if set { flag } else { 0 };
        (PacketType::Publish as u8) << 4
            | flag(self.delivery.dup(), DUP)
            | (self.delivery.qos() as u8) << QOS
            | flag(self.retain, RETAIN)
    }

    #[inline]
    fn put(&self, w: &mut Writer<'_>, head: Head) {
        w.bytes(self.topic.name().map_or(&[], Topic::as_bytes));
        if let Some(id) = self.delivery.id() {
            w.u16(id.get());
        }
        match head.alias {
            None => self.properties.put(w, head.properties),
            Some(alias) => self.properties.put_after(w, head.properties, Property::TopicAlias(alias)),
        }
    }
}

/// What has to be known to write a PUBLISH.
#[derive(Clone, Copy)]
struct Head {
    /// The length of the properties.
    properties: usize,
    /// An alias that is not among them.
    alias: Option<TopicAlias>,
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
