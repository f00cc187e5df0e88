//! SUBSCRIBE (section 3.8) and UNSUBSCRIBE (section 3.10).

use crate::list::{Item, List, Wire};
use crate::packet::{Nowhere, PacketType, packet_len, write_packet};
use crate::property::place;
use crate::wire::{Reader, Writer};
use crate::{EncodeError, Filter, PacketId, Properties, QoS, RetainHandling, Rule, Sink, error::Fault};

/// A client subscribes.
///
/// ```
/// use mqtt5_codec::{Filter, PacketId, Properties, Subscribe, Subscription, SubscriptionOptions};
/// let filters = [Subscription { filter: Filter::new("oc2/cmd/all")?, options: SubscriptionOptions::default() }];
/// let subscribe = Subscribe { id: PacketId::new(1).unwrap(), properties: Properties::EMPTY, filters: (&filters).into() };
/// assert_eq!(subscribe.encoded_len(), Ok(19));
/// # Ok::<(), mqtt5_codec::Rule>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subscribe<'a> {
    /// What SUBACK repeats.
    pub id: PacketId,
    /// Subscription Identifier and User Properties.
    pub properties: Properties<'a>,
    /// At least one filter with its options.
    pub filters: List<'a, Subscription<'a>>,
}

/// One filter of a SUBSCRIBE, and its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription<'a> {
    /// Which topics.
    pub filter: Filter<'a>,
    /// How their messages are delivered.
    pub options: SubscriptionOptions,
}

/// The options of a subscription (section 3.8.3.1). The default is QoS 2 and otherwise all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SubscriptionOptions {
    /// The highest level at which the server sends.
    pub maximum_qos: QoS,
    /// Whether the client's own messages are kept from it. Not on a shared subscription [MQTT-3.8.3-4].
    pub no_local: bool,
    /// Whether messages keep the RETAIN flag with which they were published.
    pub retain_as_published: bool,
    /// What happens to retained messages when the subscription is made.
    pub retain_handling: RetainHandling,
}

impl Default for SubscriptionOptions {
    fn default() -> Self {
        Self {
            maximum_qos: QoS::ExactlyOnce,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::SendAtSubscribe,
        }
    }
}

const NO_LOCAL: u8 = 1 << 2;
const RETAIN_AS_PUBLISHED: u8 = 1 << 3;

impl SubscriptionOptions {
    /// The options byte.
    #[must_use]
    #[inline]
    pub const fn to_u8(self) -> u8 {
        self.maximum_qos as u8
            | if self.no_local { NO_LOCAL } else { 0 }
            | if self.retain_as_published { RETAIN_AS_PUBLISHED } else { 0 }
            | (self.retain_handling as u8) << 4
    }

    /// The options that a byte stands for.
    ///
    /// # Errors
    /// [`Rule::SUBSCRIPTION_RESERVED`] and [`Rule::SUBSCRIPTION_OPTIONS`].
    #[inline]
    pub const fn from_u8(byte: u8) -> Result<Self, Rule> {
        if byte & 0xC0 != 0 {
            return Err(Rule::SUBSCRIPTION_RESERVED);
        }
        match (QoS::from_u8(byte & 3), RetainHandling::from_u8(byte >> 4)) {
            (Some(maximum_qos), Some(retain_handling)) => Ok(Self {
                maximum_qos,
                no_local: byte & NO_LOCAL != 0,
                retain_as_published: byte & RETAIN_AS_PUBLISHED != 0,
                retain_handling,
            }),
            _ => Err(Rule::SUBSCRIPTION_OPTIONS),
        }
    }
}

impl<'a> Subscription<'a> {
    /// Reads a filter with its options, and checks them.
    #[inline]
    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let filter = Filter::read(r)?;
        let at = *r;
        let options = SubscriptionOptions::from_u8(r.u8()?).map_err(|rule| match rule {
            Rule::SUBSCRIPTION_RESERVED => at.malformed(rule),
            _ => at.protocol_error(rule),
        })?;
        let subscription = Self { filter, options };
        subscription.check().map_err(|rule| at.protocol_error(rule))?;
        Ok(subscription)
    }

    #[inline]
    fn check(&self) -> Result<(), Rule> {
        if self.options.no_local && self.filter.is_shared() { Err(Rule::NO_LOCAL_SHARED) } else { Ok(()) }
    }
}

impl<'a> Item<'a> for Subscription<'a> {}

impl<'a> Wire<'a> for Subscription<'a> {
    #[inline]
    fn get(r: &mut Reader<'a>) -> Option<Self> {
        let filter = Filter::checked(r.bytes().ok()?);
        Some(Self { filter, options: SubscriptionOptions::from_u8(r.u8().ok()?).ok()? })
    }

    #[inline]
    fn put(&self, w: &mut Writer<'_>) {
        w.bytes(self.filter.as_bytes());
        w.u8(self.options.to_u8());
    }
}

impl<'a> Item<'a> for Filter<'a> {}

impl<'a> Wire<'a> for Filter<'a> {
    #[inline]
    fn get(r: &mut Reader<'a>) -> Option<Self> {
        Some(Self::checked(r.bytes().ok()?))
    }

    #[inline]
    fn put(&self, w: &mut Writer<'_>) {
        w.bytes(self.as_bytes());
    }
}

impl<'a> Subscribe<'a> {
    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let id = PacketId::read(r, Rule::PACKET_ID_CLIENT)?;
        let (properties, _) = Properties::read(r, place::SUBSCRIBE)?;
        if r.is_empty() {
            return Err(r.protocol_error(Rule::SUBSCRIBE_EMPTY));
        }
        let filters = List::checked(r.rest());
        while !r.is_empty() {
            Subscription::read(r)?;
        }
        Ok(Self { id, properties, filters })
    }

    /// Writes the packet, and returns its length in bytes.
    ///
    /// # Errors
    /// When the packet may not be sent so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<usize, EncodeError> {
        if self.filters.is_empty() {
            return Err(EncodeError::Refused(Rule::SUBSCRIBE_EMPTY));
        }
        self.filters.iter().try_for_each(|subscription| subscription.check())?;
        let properties = self.properties.measure(place::SUBSCRIBE)?;
        write_packet(sink, PacketType::Subscribe, 0, |w| {
            w.u16(self.id.get());
            self.properties.put(w, properties);
            self.filters.put(w);
        })
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When the packet may not be sent so.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        packet_len(self.encode(&mut Nowhere))
    }
}

/// A client ends subscriptions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unsubscribe<'a> {
    /// What UNSUBACK repeats.
    pub id: PacketId,
    /// User Properties.
    pub properties: Properties<'a>,
    /// At least one filter, character by character as it was subscribed.
    pub filters: List<'a, Filter<'a>>,
}

impl<'a> Unsubscribe<'a> {
    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let id = PacketId::read(r, Rule::PACKET_ID_CLIENT)?;
        let (properties, _) = Properties::read(r, place::UNSUBSCRIBE)?;
        if r.is_empty() {
            return Err(r.protocol_error(Rule::UNSUBSCRIBE_EMPTY));
        }
        let filters = List::checked(r.rest());
        while !r.is_empty() {
            Filter::read(r)?;
        }
        Ok(Self { id, properties, filters })
    }

    /// Writes the packet, and returns its length in bytes.
    ///
    /// # Errors
    /// When the packet may not be sent so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<usize, EncodeError> {
        if self.filters.is_empty() {
            return Err(EncodeError::Refused(Rule::UNSUBSCRIBE_EMPTY));
        }
        let properties = self.properties.measure(place::UNSUBSCRIBE)?;
        write_packet(sink, PacketType::Unsubscribe, 0, |w| {
            w.u16(self.id.get());
            self.properties.put(w, properties);
            self.filters.put(w);
        })
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When the packet may not be sent so.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        packet_len(self.encode(&mut Nowhere))
    }
}
