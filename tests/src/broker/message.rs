//! An application message as the broker keeps it: the PUBLISH that it came in, without what belongs to the link.

use std::rc::Rc;

use mqtt5_codec::{
    Decoded, Decoder, Delivery, EncodeError, Full, Packet, Properties, Property, Publish, QoS, Sender, Sink,
    SubscriptionId, Topic, TopicAlias, TopicRef,
};

/// A buffer that packets are appended to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Buffer(pub Vec<u8>);

impl Sink for Buffer {
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let start = self.0.len();
        self.0.resize(start + len, 0);
        self.0.get_mut(start..).ok_or(Full { need: len })
    }
}

/// An application message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// The topic name.
    pub topic: String,
    /// The QoS at which it was published.
    pub qos: QoS,
    /// Whether it was published with RETAIN.
    pub retain: bool,
    /// Who published it.
    pub from: String,
    /// When it expires, in milliseconds of the broker's clock.
    pub expires: Option<u64>,
    /// A PUBLISH at QoS 0 with everything that is forwarded but the expiry.
    packet: Vec<u8>,
    /// How many bytes of the packet's end are the payload.
    payload: usize,
}

/// How a message is sent to one subscriber.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'e> {
    /// QoS, identifier and DUP.
    pub delivery: Delivery,
    /// The RETAIN flag.
    pub retain: bool,
    /// The identifiers of the subscriptions that it matches.
    pub ids: &'e [u32],
    /// The alias of the topic, and whether the receiver knows it already.
    pub alias: Option<(TopicAlias, bool)>,
}

impl Message {
    /// Keeps a message that `from` published now, on `topic`.
    pub fn new(publish: &Publish<'_>, topic: Topic<'_>, from: &str, now: u64) -> Rc<Self> {
        let properties: Vec<_> = publish
            .properties
            .iter()
            .filter(|property| !matches!(property, Property::MessageExpiryInterval(_) | Property::TopicAlias(_)))
            .collect();
        let kept = Publish {
            topic: TopicRef::Name(topic),
            delivery: Delivery::AtMostOnce,
            retain: false,
            properties: Properties::from(&properties[..]),
            payload: publish.payload,
        };
        let mut packet = Buffer::default();
        // What was decoded can be encoded.
        let _ = kept.encode(Sender::Server, &mut packet);
        let expiry = publish.properties.message_expiry_interval();
        Rc::new(Self {
            topic: topic.as_str().to_owned(),
            qos: publish.delivery.qos(),
            retain: publish.retain,
            from: from.to_owned(),
            expires: expiry.map(|seconds| now + u64::from(seconds) * 1000),
            packet: packet.0,
            payload: publish.payload.len(),
        })
    }

    /// A will: as [`new`](Self::new), at the will's own QoS and without an expiry, which begins to count later.
    pub fn of_will(publish: &Publish<'_>, topic: Topic<'_>, from: &str, qos: QoS) -> Rc<Self> {
        let kept = Self::new(publish, topic, from, 0);
        Rc::new(Self { qos, ..Rc::unwrap_or_clone(kept) })
    }

    /// The same message with another expiry.
    #[must_use]
    pub fn expiring(self: &Rc<Self>, expires: Option<u64>) -> Rc<Self> {
        Rc::new(Self { expires, ..(**self).clone() })
    }

    /// The same message with another RETAIN flag.
    #[must_use]
    pub fn retained(self: &Rc<Self>, retain: bool) -> Rc<Self> {
        Rc::new(Self { retain, ..(**self).clone() })
    }

    /// The same message without some of its properties.
    #[must_use]
    pub fn without(self: &Rc<Self>, keep: impl Fn(&Property<'_>) -> bool, reverse: bool) -> Rc<Self> {
        let decoded = Decoder::new(Sender::Server).decode(&self.packet);
        let Ok(Decoded::Packet { packet: Packet::Publish(kept), .. }) = decoded else { return self.clone() };
        let mut properties: Vec<_> = kept.properties.iter().filter(|property| keep(property)).collect();
        if reverse {
            properties.reverse();
        }
        let mut packet = Buffer::default();
        let _ = Publish { properties: Properties::from(&properties[..]), ..kept }.encode(Sender::Server, &mut packet);
        Rc::new(Self { packet: packet.0, ..(**self).clone() })
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.packet.get(self.packet.len() - self.payload..).unwrap_or_default()
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Appends the PUBLISH to `out`, and tells its length.
    ///
    /// # Errors
    /// Those of the codec.
    pub fn encode(&self, envelope: Envelope<'_>, now: u64, out: &mut Buffer) -> Result<usize, EncodeError> {
        let Ok(Decoded::Packet { packet: Packet::Publish(kept), .. }) =
            Decoder::new(Sender::Server).decode(&self.packet)
        else {
            return Err(EncodeError::Full { need: 0 });
        };
        let mut properties: Vec<_> = kept.properties.iter().collect();
        if let Some(expires) = self.expires {
            // Whole seconds, of which the one that has begun counts.
            properties.push(Property::MessageExpiryInterval((expires.saturating_sub(now)).div_ceil(1000) as u32));
        }
        properties.extend(
            envelope.ids.iter().filter_map(|&id| SubscriptionId::new(id)).map(Property::SubscriptionIdentifier),
        );
        let topic = match (envelope.alias, kept.topic) {
            (Some((alias, true)), _) => TopicRef::Alias(alias),
            (Some((alias, false)), TopicRef::Name(name)) => TopicRef::NameAndAlias(name, alias),
            (_, topic) => topic,
        };
        let publish = Publish {
            topic,
            delivery: envelope.delivery,
            retain: envelope.retain,
            properties: Properties::from(&properties[..]),
            payload: kept.payload,
        };
        publish.encode(Sender::Server, out)
    }
}
