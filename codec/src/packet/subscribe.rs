//! SUBSCRIBE (section 3.8) and UNSUBSCRIBE (section 3.10).

mod options;

use super::shape::{self, Body, PacketType, Plan};
use crate::list::{Item, List, Wire};
use crate::property::place;
use crate::wire::{self, Reader, Writer};
use crate::{EncodeError, Filter, PacketId, Properties, Rule, Sink};

pub use options::SubscriptionOptions;

/// A client subscribes.
///
/// ```
/// use mqtt5_codec::{Filter, PacketId, Properties, Subscribe, Subscription};
/// let filters = [Subscription::new(Filter::new("oc2/cmd/all")?)];
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

impl<'a> Subscription<'a> {
    /// A subscription to this filter with the default options: up to QoS 2, all else zero.
    ///
    /// ```
    /// use mqtt5_codec::{Filter, QoS, Subscription, SubscriptionOptions};
    /// let everything = Subscription::new(Filter::new("oc2/#")?);
    /// assert_eq!(everything.options, SubscriptionOptions::default());
    /// let options = SubscriptionOptions { maximum_qos: QoS::AtLeastOnce, ..everything.options };
    /// assert_eq!(Subscription { options, ..everything }.options.to_u8(), 1);
    /// # Ok::<(), mqtt5_codec::Rule>(())
    /// ```
    #[must_use]
    #[inline]
    pub const fn new(filter: Filter<'a>) -> Self {
        Self { filter, options: SubscriptionOptions::DEFAULT }
    }

    /// Reads a filter with its options, and checks them.
    #[inline]
    fn read(r: &mut Reader<'a>) -> Option<Self> {
        let filter = Filter::read(r)?;
        let start = r.left();
        let options = match SubscriptionOptions::from_u8(r.u8()?) {
            Ok(options) => options,
            Err(Rule::SUBSCRIPTION_RESERVED) => return r.malformed(start, Rule::SUBSCRIPTION_RESERVED),
            Err(rule) => return r.protocol_error(start, rule),
        };
        let subscription = Self { filter, options };
        match subscription.check() {
            Ok(()) => Some(subscription),
            Err(rule) => r.protocol_error(start, rule),
        }
    }

    #[inline]
    fn check(&self) -> Result<(), Rule> {
        if !self.options.no_local {
            return Ok(()); // Looked at first: nearly none has it.
        }
        if self.filter.is_shared() { Err(Rule::NO_LOCAL_SHARED) } else { Ok(()) }
    }
}

impl<'a> Item<'a> for Subscription<'a> {}

impl<'a> Wire<'a> for Subscription<'a> {
    #[inline]
    fn get(rest: &mut &'a [u8]) -> Option<Self> {
        let filter = Filter::checked(wire::bytes(rest)?);
        Some(Self { filter, options: SubscriptionOptions::of_checked(wire::u8(rest)?) })
    }

    #[inline]
    fn put(&self, w: &mut Writer<'_>) {
        w.bytes_tailed(self.filter.slice(), self.options.to_u8());
    }
}

impl<'a> Item<'a> for Filter<'a> {}

impl<'a> Wire<'a> for Filter<'a> {
    #[inline]
    fn get(rest: &mut &'a [u8]) -> Option<Self> {
        wire::bytes(rest).map(Self::checked)
    }

    #[inline]
    fn put(&self, w: &mut Writer<'_>) {
        w.bytes(self.slice());
    }
}

impl<'a> Subscribe<'a> {
    /// Reads everything behind the fixed header.
    #[inline]
    pub(crate) fn read(r: &mut Reader<'a>) -> Option<Self> {
        let id = PacketId::read(r, Rule::PACKET_ID_CLIENT)?;
        let properties = Properties::read(r, place::SUBSCRIBE)?;
        if r.is_empty() {
            return r.protocol_error(0, Rule::SUBSCRIBE_EMPTY);
        }
        let filters = List::checked(r.rest());
        r.each(|r| Subscription::read(r).map(|_| ()))?;
        Some(Self { id, properties, filters })
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
    #[inline]
    fn plan(&self) -> Result<Plan, Rule> {
        if self.filters.is_empty() {
            return Err(Rule::SUBSCRIBE_EMPTY);
        }
        let list = self.filters.measure(|subscription| {
            subscription.check()?;
            Ok(subscription.filter.as_bytes().len().wrapping_add(3))
        })?;
        let properties = self.properties.measure(place::SUBSCRIBE)?;
        Ok(Plan { list, ..Plan::new(PacketType::Subscribe, properties) })
    }
}

impl Body for Subscribe<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn put(&self, w: &mut Writer<'_>, plan: &Plan) {
        w.u16(self.id.get());
        self.properties.put(w, plan.properties);
        self.filters.put(w, plan.list);
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
    #[inline]
    pub(crate) fn read(r: &mut Reader<'a>) -> Option<Self> {
        let id = PacketId::read(r, Rule::PACKET_ID_CLIENT)?;
        let properties = Properties::read(r, place::UNSUBSCRIBE)?;
        if r.is_empty() {
            return r.protocol_error(0, Rule::UNSUBSCRIBE_EMPTY);
        }
        let filters = List::checked(r.rest());
        r.each(|r| Filter::read(r).map(|_| ()))?;
        Some(Self { id, properties, filters })
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
    #[inline]
    fn plan(&self) -> Result<Plan, Rule> {
        if self.filters.is_empty() {
            return Err(Rule::UNSUBSCRIBE_EMPTY);
        }
        let list = self.filters.measure(|filter| Ok(filter.as_bytes().len().wrapping_add(2)))?;
        let properties = self.properties.measure(place::UNSUBSCRIBE)?;
        Ok(Plan { list, ..Plan::new(PacketType::Unsubscribe, properties) })
    }
}

impl Body for Unsubscribe<'_> {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn put(&self, w: &mut Writer<'_>, plan: &Plan) {
        w.u16(self.id.get());
        self.properties.put(w, plan.properties);
        self.filters.put(w, plan.list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        CLIENT, MALFORMED, PROTOCOL_ERROR, accepted, decoded, encoded, framed, not_sent, refused, refused_at_once,
    };
    use crate::{Packet, ReasonCode};
    use std::vec::Vec;

    /// A SUBSCRIBE and an UNSUBSCRIBE of one filter.
    fn both(filter: &[u8]) -> [Vec<u8>; 2] {
        let length = [0, filter.len() as u8];
        [framed(0x82, &[b"\x00\x01\x00", &length, filter, b"\x00"]), framed(0xA2, &[b"\x00\x01\x00", &length, filter])]
    }

    /// Where its first byte stands.
    const FILTER: usize = 7;

    #[test]
    fn mqtt_3_8_1_1_the_flags_of_subscribe_are_0010() {
        accepted(CLIENT, b"\x82\x07\x00\x01\x00\x00\x01a\x00");
        for flags in (0..16).filter(|&flags| flags != 2) {
            refused_at_once(CLIENT, &[0x80 | flags], MALFORMED, "MQTT-3.8.1-1", 0);
            refused_at_once(CLIENT, &[0x80 | flags, 7, 0, 1, 0, 0, 1, b'a', 0], MALFORMED, "MQTT-3.8.1-1", 0);
        }
    }

    #[test]
    fn mqtt_3_10_1_1_the_flags_of_unsubscribe_are_0010() {
        accepted(CLIENT, b"\xA2\x06\x00\x01\x00\x00\x01a");
        for flags in (0..16).filter(|&flags| flags != 2) {
            refused_at_once(CLIENT, &[0xA0 | flags], MALFORMED, "MQTT-3.10.1-1", 0);
            refused_at_once(CLIENT, &[0xA0 | flags, 6, 0, 1, 0, 0, 1, b'a'], MALFORMED, "MQTT-3.10.1-1", 0);
        }
    }

    #[test]
    fn mqtt_2_2_1_3_the_packet_identifier_is_not_zero() {
        refused(CLIENT, b"\x82\x07\x00\x00\x00\x00\x01a\x00", PROTOCOL_ERROR, "MQTT-2.2.1-3", 2);
        refused(CLIENT, b"\xA2\x06\x00\x00\x00\x00\x01a", PROTOCOL_ERROR, "MQTT-2.2.1-3", 2);
    }

    #[test]
    fn mqtt_3_8_3_1_the_filters_of_subscribe_are_strings() {
        for (filter, rule, at) in
            [(&b"a/\xFF"[..], "MQTT-1.5.4-1", 2), (b"\xED\xBF\xBF", "MQTT-1.5.4-1", 0), (b"a/\x00", "MQTT-1.5.4-2", 2)]
        {
            refused(CLIENT, &both(filter)[0], MALFORMED, rule, FILTER + at);
        }
        accepted(CLIENT, &both("\u{FEFF}é/+".as_bytes())[0]);
        // Also the second filter.
        refused(CLIENT, b"\x82\x0B\x00\x01\x00\x00\x01a\x00\x00\x01\x80\x00", MALFORMED, "MQTT-1.5.4-1", 11);
    }

    #[test]
    fn mqtt_3_10_3_1_the_filters_of_unsubscribe_are_strings() {
        for (filter, rule, at) in
            [(&b"a/\xFF"[..], "MQTT-1.5.4-1", 2), (b"\xED\xBF\xBF", "MQTT-1.5.4-1", 0), (b"a/\x00", "MQTT-1.5.4-2", 2)]
        {
            refused(CLIENT, &both(filter)[1], MALFORMED, rule, FILTER + at);
        }
        accepted(CLIENT, &both("\u{FEFF}é/+".as_bytes())[1]);
        refused(CLIENT, b"\xA2\x09\x00\x01\x00\x00\x01a\x00\x01\x80", MALFORMED, "MQTT-1.5.4-1", 10);
    }

    #[test]
    fn mqtt_3_8_3_2_subscribe_has_a_filter() {
        refused(CLIENT, b"\x82\x03\x00\x01\x00", PROTOCOL_ERROR, "MQTT-3.8.3-2", 5);
        refused(CLIENT, b"\x82\x05\x00\x01\x02\x0B\x01", PROTOCOL_ERROR, "MQTT-3.8.3-2", 7);
        let packet = Subscribe { id: PacketId::new(1).unwrap(), properties: Properties::EMPTY, filters: List::EMPTY };
        not_sent(CLIENT, &Packet::Subscribe(packet), "MQTT-3.8.3-2");
    }

    #[test]
    fn mqtt_3_10_3_2_unsubscribe_has_a_filter() {
        refused(CLIENT, b"\xA2\x03\x00\x01\x00", PROTOCOL_ERROR, "MQTT-3.10.3-2", 5);
        let packet = Unsubscribe { id: PacketId::new(1).unwrap(), properties: Properties::EMPTY, filters: List::EMPTY };
        not_sent(CLIENT, &Packet::Unsubscribe(packet), "MQTT-3.10.3-2");
    }

    #[test]
    fn mqtt_3_8_3_4_a_shared_subscription_does_not_ask_for_no_local() {
        let bytes = |options| framed(0x82, &[b"\x00\x01\x00\x00\x0A$share/g/a", &[options]]);
        accepted(CLIENT, &bytes(0x00));
        accepted(CLIENT, &bytes(0x2A));
        for options in [0x04, 0x05, 0x2E] {
            refused(CLIENT, &bytes(options), PROTOCOL_ERROR, "MQTT-3.8.3-4", 17);
        }
        // `$share` alone is an ordinary topic.
        accepted(CLIENT, b"\x82\x0C\x00\x01\x00\x00\x06$share\x04");
        let options = SubscriptionOptions { no_local: true, ..SubscriptionOptions::default() };
        let list = [
            Subscription { filter: Filter::new("a").unwrap(), options },
            Subscription { filter: Filter::new("$share/g/a").unwrap(), options },
        ];
        let packet = |filters| Subscribe { id: PacketId::new(1).unwrap(), properties: Properties::EMPTY, filters };
        not_sent(CLIENT, &Packet::Subscribe(packet(List::from(&list))), "MQTT-3.8.3-4");
        let sent = encoded(CLIENT, &Packet::Subscribe(packet(List::from(&list[..1]))));
        assert_eq!(sent.unwrap(), b"\x82\x07\x00\x01\x00\x00\x01a\x06");
    }

    #[test]
    fn mqtt_3_8_3_5_reserved_bits_of_the_options_are_zero() {
        for options in 0..=u8::MAX {
            let bytes = [0x82, 7, 0, 1, 0, 0, 1, b'a', options];
            if options & 0xC0 != 0 {
                refused(CLIENT, &bytes, MALFORMED, "MQTT-3.8.3-5", 8);
            } else if options & 0x03 == 0x03 || options & 0x30 == 0x30 {
                // QoS 3, retain handling 3.
                refused(CLIENT, &bytes, PROTOCOL_ERROR, "MQTT 3.8.3.1", 8);
            } else {
                accepted(CLIENT, &bytes);
                let Packet::Subscribe(packet) = decoded(CLIENT, &bytes) else { panic!() };
                let told = packet.filters.iter().next().unwrap().options;
                assert_eq!(told.maximum_qos as u8, options & 3);
                assert_eq!(told.no_local, options & 4 != 0);
                assert_eq!(told.retain_as_published, options & 8 != 0);
                assert_eq!(told.retain_handling as u8, options >> 4);
                assert_eq!(told.to_u8(), options);
            }
        }
    }

    #[test]
    fn mqtt_4_7_1_1_a_misplaced_multi_level_wildcard_is_told_by_its_place() {
        for (filter, at) in [(&b"a#"[..], 1), (b"a/#/b", 2), (b"##", 0), (b"$share/g/a#", 10)] {
            for packet in both(filter) {
                refused(CLIENT, &packet, ReasonCode::TOPIC_FILTER_INVALID, "MQTT-4.7.1-1", FILTER + at);
            }
        }
        both(b"#").iter().chain(&both(b"a/#")).for_each(|packet| accepted(CLIENT, packet));
    }

    #[test]
    fn mqtt_4_7_1_2_a_misplaced_single_level_wildcard_is_told_by_its_place() {
        for (filter, at) in [(&b"a+"[..], 1), (b"+a", 0), (b"a/b+/c", 3), (b"++", 0), (b"$share/g/+a", 9)] {
            for packet in both(filter) {
                refused(CLIENT, &packet, ReasonCode::TOPIC_FILTER_INVALID, "MQTT-4.7.1-2", FILTER + at);
            }
        }
        both(b"+").iter().chain(&both(b"+/a/+")).for_each(|packet| accepted(CLIENT, packet));
    }

    #[test]
    fn mqtt_4_7_3_1_a_filter_is_not_empty() {
        for packet in both(b"") {
            refused(CLIENT, &packet, ReasonCode::TOPIC_FILTER_INVALID, "MQTT-4.7.3-1", FILTER);
        }
    }

    #[test]
    fn mqtt_4_8_2_1_a_share_name_is_not_empty() {
        for packet in both(b"$share//a").iter().chain(&both(b"$share/")) {
            refused(CLIENT, packet, ReasonCode::TOPIC_FILTER_INVALID, "MQTT-4.8.2-1", FILTER + 7);
        }
        both(b"$share/g/a").iter().for_each(|packet| accepted(CLIENT, packet));
    }

    #[test]
    fn mqtt_4_8_2_2_a_share_name_has_no_wildcard_and_a_filter_follows_it() {
        for (filter, at) in
            [(&b"$share/g"[..], 8), (b"$share/g/", 8), (b"$share/g+/a", 8), (b"$share/#/a", 7), (b"$share/+/a", 7)]
        {
            for packet in both(filter) {
                refused(CLIENT, &packet, ReasonCode::TOPIC_FILTER_INVALID, "MQTT-4.8.2-2", FILTER + at);
            }
        }
        both(b"$share/g//").iter().chain(&both(b"$share/g/#")).for_each(|packet| accepted(CLIENT, packet));
    }

    #[test]
    fn no_field_is_cut_short() {
        refused(CLIENT, b"\x82\x00", MALFORMED, "MQTT 2.1.4", 2);
        refused_at_once(CLIENT, b"\x82\x01\x00", MALFORMED, "MQTT 2.1.4", 2);
        refused(CLIENT, b"\x82\x02\x00\x01", MALFORMED, "MQTT-2.2.2-1", 4);
        refused(CLIENT, b"\x82\x04\x00\x01\x00\x00", MALFORMED, "MQTT 2.1.4", 5);
        refused(CLIENT, b"\x82\x06\x00\x01\x00\x00\x02a", MALFORMED, "MQTT 2.1.4", 7);
        refused(CLIENT, b"\x82\x06\x00\x01\x00\x00\x01a", MALFORMED, "MQTT 2.1.4", 8);
        refused(CLIENT, b"\x82\x08\x00\x01\x00\x00\x01a\x00\x00", MALFORMED, "MQTT 2.1.4", 9);
        refused(CLIENT, b"\xA2\x07\x00\x01\x00\x00\x01a\x00", MALFORMED, "MQTT 2.1.4", 8);
    }

    #[test]
    fn filters_keep_their_order_and_one_may_repeat() {
        const BYTES: &[u8] = b"\x82\x11\x00\x0A\x02\x0B\x05\x00\x01b\x01\x00\x01a\x02\x00\x01b\x20";
        accepted(CLIENT, BYTES);
        let Packet::Subscribe(packet) = decoded(CLIENT, BYTES) else { panic!() };
        let filters: Vec<_> = packet.filters.iter().map(|s| (s.filter.as_str(), s.options.to_u8())).collect();
        assert_eq!(filters, [("b", 0x01), ("a", 0x02), ("b", 0x20)]);
        assert_eq!(packet.filters.len(), 3);
        assert_eq!(packet.properties.subscription_identifiers().count(), 1);
    }
}
