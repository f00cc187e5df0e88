//! The properties of a packet (section 2.2.2) as one ordered list: read and checked, looked through, measured and written.
//!
//! What each property is says the table in `property/table.rs`.

mod check;
mod table;

use crate::list::{Iter, List, Wire};
use crate::value::{Sender, SubscriptionId, TopicAlias};
use crate::wire::{self, Reader, Writer, add, varint_len};
use crate::{Rule, Text};

use check::{Found, check_again, check_all, method_missing, misplaced};
pub use table::Property;
use table::entry;

/// Where properties stand: the packet type, 0 for the will, and two more for what one side alone may not send.
pub(crate) mod place {
    pub(crate) const WILL: u8 = 0;
    pub(crate) const CONNECT: u8 = 1;
    pub(crate) const CONNACK: u8 = 2;
    pub(crate) const PUBLISH: u8 = 3;
    pub(crate) const PUBACK: u8 = 4;
    pub(crate) const PUBREC: u8 = 5;
    pub(crate) const PUBREL: u8 = 6;
    pub(crate) const PUBCOMP: u8 = 7;
    pub(crate) const SUBSCRIBE: u8 = 8;
    pub(crate) const SUBACK: u8 = 9;
    pub(crate) const UNSUBSCRIBE: u8 = 10;
    pub(crate) const UNSUBACK: u8 = 11;
    pub(crate) const DISCONNECT: u8 = 14;
    pub(crate) const AUTH: u8 = 15;
    pub(crate) const PUBLISH_BY_CLIENT: u8 = 16;
    pub(crate) const DISCONNECT_BY_SERVER: u8 = 17;
}

const USER_PROPERTY: u8 = 0x26;
const SUBSCRIPTION_IDENTIFIER: u8 = 0x0B;
const SESSION_EXPIRY_INTERVAL: u8 = 0x11;
const AUTHENTICATION_METHOD: u8 = 0x15;
const AUTHENTICATION_DATA: u8 = 0x16;
const TOPIC_ALIAS: u8 = 0x23;

/// The properties of one packet, in their order.
///
/// All packets have the same type of properties. What may not stand in a packet is refused when it is encoded, before a
/// byte is written; what a decoded packet holds has been checked. Reading is lazy: an accessor looks through the list, so
/// whoever wants most of them iterates once instead.
///
/// ```
/// use mqtt5_codec::{PayloadFormat, Properties, Property, Text};
/// let list = [
///     Property::PayloadFormatIndicator(PayloadFormat::Utf8),
///     Property::UserProperty(Text::new("msgType")?, Text::new("req")?),
/// ];
/// let properties = Properties::from(&list);
/// assert_eq!(properties.payload_format_indicator(), Some(PayloadFormat::Utf8));
/// assert!(properties.user_properties().any(|(name, value)| name == "msgType" && value == "req"));
/// assert_eq!(properties.content_type(), None);
/// # Ok::<(), mqtt5_codec::Rule>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Properties<'a>(List<'a, Property<'a>>);

impl<'a> Properties<'a> {
    /// No properties.
    pub const EMPTY: Self = Self(List::EMPTY);

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Wraps a list on the wire that has been checked.
    #[cfg(feature = "bytes")]
    pub(crate) const fn checked(bytes: &'a [u8]) -> Self {
        Self(List::checked(bytes))
    }

    /// The list's bytes, if it stands on the wire.
    #[cfg(feature = "bytes")]
    pub(crate) const fn wire(&self) -> Option<&'a [u8]> {
        self.0.wire()
    }

    /// The properties in their order.
    #[inline]
    pub fn iter(&self) -> Iter<'a, Property<'a>> {
        self.0.iter()
    }

    /// The user properties in their order, as name and value. A name may stand more than once.
    pub fn user_properties(&self) -> impl Iterator<Item = (Text<'a>, Text<'a>)> + use<'a> {
        self.iter().filter_map(|property| match property {
            Property::UserProperty(name, value) => Some((name, value)),
            _ => None,
        })
    }

    /// The subscription identifiers in their order: those of all matching subscriptions in a server's PUBLISH, at most one
    /// in SUBSCRIBE.
    pub fn subscription_identifiers(&self) -> impl Iterator<Item = SubscriptionId> + use<'a> {
        self.iter().filter_map(|property| match property {
            Property::SubscriptionIdentifier(id) => Some(id),
            _ => None,
        })
    }

    /// Of the properties of a PUBLISH as they came, the topic alias, which stands in its topic and no longer among them: where
    /// it was first it is cut off, elsewhere its bytes stay, and whoever reads the list passes over them.
    #[cold]
    pub(crate) fn split_alias(self) -> (Option<TopicAlias>, Self) {
        let Err(bytes) = self.0.slice() else { return (None, self) };
        let mut rest = bytes;
        if wire::u8(&mut rest) == Some(TOPIC_ALIAS) {
            let alias = wire::u16(&mut rest).and_then(TopicAlias::new);
            return (alias, Self(List::checked(rest)));
        }
        (around_alias(bytes).map(|(_, alias, _)| alias), self)
    }

    /// The topic alias that [`split_alias`](Self::split_alias) has left among bytes whose other properties take `len` bytes.
    #[inline]
    pub(crate) fn hidden_alias(&self, len: usize) -> Option<TopicAlias> {
        match self.0.slice() {
            Err(bytes) if bytes.len() != len => around_alias(bytes).map(|(_, alias, _)| alias),
            _ => None,
        }
    }

    #[inline(never)]
    fn find(&self, id: u8) -> Option<Property<'a>> {
        // A loop, so that code which is to be small has the reading of a property once.
        let mut properties = self.iter();
        loop {
            let property = properties.next()?;
            if property.id() == id {
                return Some(property);
            }
        }
    }

    /// Reads the property length and the properties, and checks them all.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn read(r: &mut Reader<'a>, place: u8) -> Option<Self> {
        Self::read_found(r, place).map(|(properties, _)| properties)
    }

    /// As [`read`](Self::read), and tells which there are.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn read_found(r: &mut Reader<'a>, place: u8) -> Option<(Self, Found)> {
        let start = r.left();
        r.ends_against(Rule::PROPERTY_LENGTH_MISSING);
        let len = r.varint()?;
        r.ends_against(Rule::PROPERTY_LENGTH);
        let bytes = r.take(len as usize)?;
        r.ends_against(Rule::REMAINING_LENGTH);
        let mut found = Found::NONE;
        if !bytes.is_empty() {
            let mut list = Reader::part(bytes, r.left(), Rule::PROPERTY_LENGTH);
            let Some(all) = check_all(&mut list, place) else {
                *r = list;
                return None;
            };
            found = all;
        }
        if found.lacks_method(place) {
            return r.protocol_error(start, method_missing(place));
        }
        Some((Self(List::checked(bytes)), found))
    }

    /// How many bytes the properties take, without the property length, if they may all stand in `place`.
    #[inline]
    pub(crate) fn measure(&self, place: u8) -> Result<usize, Rule> {
        if self.is_empty() { Ok(0) } else { self.measure_all(place).map(|(len, _)| len) }
    }

    /// As [`measure`](Self::measure), and tells which there are.
    #[inline(never)]
    pub(crate) fn measure_all(&self, place: u8) -> Result<(usize, Found), Rule> {
        let (len, found) = match self.0.slice() {
            Ok(list) => {
                let (mut len, mut found) = (0usize, Found::NONE);
                for property in list {
                    let id = property.id();
                    let Some(entry) = entry(id, place) else { return Err(misplaced(id, place).1) };
                    if !found.add(entry, place) {
                        return Err(Rule::of_property(place, id));
                    }
                    len = add(len, property.size(place)?);
                }
                (len, found)
            }
            // Decoded, perhaps from another kind of packet.
            Err(bytes) => match check_again(bytes, place) {
                Ok(found) if !found.topic_alias() => (bytes.len(), found),
                told => check_around(bytes, place, told)?,
            },
        };
        if found.lacks_method(place) { Err(method_missing(place)) } else { Ok((len, found)) }
    }

    /// Writes the property length, which is `len`, and the properties.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn put(&self, w: &mut Writer<'_>, len: usize) {
        w.varint(len as u32);
        self.put_list(w, len);
    }

    /// As [`put`](Self::put), with one property before them.
    #[inline]
    pub(crate) fn put_behind(&self, alias: TopicAlias, w: &mut Writer<'_>, len: usize) {
        let with_alias = len.saturating_add(3);
        w.apart(with_alias.saturating_add(varint_len(with_alias)), |w| {
            w.varint(with_alias as u32);
            let [high, low] = alias.get().to_be_bytes();
            w.chunk([TOPIC_ALIAS, high, low]);
            self.put_list(w, len);
        });
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn put_list(&self, w: &mut Writer<'_>, len: usize) {
        match self.0.slice() {
            _ if len == 0 => {}
            Err(bytes) if bytes.len() != len => w.apart(len, |w| put_around(bytes, w)),
            _ => self.0.put(w, len),
        }
    }

    /// The checked text of all properties, for a stricter look at it.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Text<'a>> {
        self.iter().flat_map(|property| property.texts()).flatten()
    }
}

/// The topic alias among the bytes of a PUBLISH's properties, with what is before and behind it.
#[cold]
#[inline(never)]
fn around_alias(bytes: &[u8]) -> Option<(&[u8], TopicAlias, &[u8])> {
    let mut rest = bytes;
    while rest.first()? != &TOPIC_ALIAS {
        Property::get(&mut rest)?;
    }
    let (before, alias) = bytes.split_at_checked(bytes.len().wrapping_sub(rest.len()))?;
    let (&[_, high, low], behind) = alias.split_first_chunk()?;
    Some((before, TopicAlias::new(u16::from_be_bytes([high, low]))?, behind))
}

/// Writes properties without the topic alias among them.
#[cold]
#[inline(never)]
fn put_around(bytes: &[u8], w: &mut Writer<'_>) {
    if let Some((before, _, behind)) = around_alias(bytes) {
        w.put(&before);
        w.put(&behind);
    }
}

/// As [`check_again`], of those around a topic alias, and how long they are; without one, what has been told already.
#[cold]
#[inline(never)]
fn check_around(bytes: &[u8], place: u8, told: Result<Found, Rule>) -> Result<(usize, Found), Rule> {
    let Some((before, _, behind)) = around_alias(bytes) else { return told.map(|found| (bytes.len(), found)) };
    let found = Found(check_again(before, place)?.0 | check_again(behind, place)?.0);
    Ok((add(before.len(), behind.len()), found))
}

impl<'a> From<&'a [Property<'a>]> for Properties<'a> {
    fn from(list: &'a [Property<'a>]) -> Self {
        Self(List::from(list))
    }
}

impl<'a, const N: usize> From<&'a [Property<'a>; N]> for Properties<'a> {
    fn from(list: &'a [Property<'a>; N]) -> Self {
        Self(List::from(list))
    }
}

impl core::fmt::Debug for Properties<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a> IntoIterator for Properties<'a> {
    type Item = Property<'a>;
    type IntoIter = Iter<'a, Property<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Rule {
    /// The identifier as the standard prints it, without brackets: `MQTT-3.3.1-4` or `MQTT 3.1.2.11.3`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self.row() {
            Ok(id) => id,
            Err([place, property]) => table::section(place, property),
        }
    }
}

/// The place of a PUBLISH's properties.
#[inline]
pub(crate) fn in_publish(from: Sender) -> u8 {
    match from {
        Sender::Client => place::PUBLISH_BY_CLIENT,
        Sender::Server => place::PUBLISH,
    }
}

/// The place of a DISCONNECT's properties.
#[inline]
pub(crate) fn in_disconnect(from: Sender) -> u8 {
    match from {
        Sender::Client => place::DISCONNECT,
        Sender::Server => place::DISCONNECT_BY_SERVER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        BOTH, CLIENT, MALFORMED, PROTOCOL_ERROR, SERVER, accepted, decoded, framed, not_sent, refused,
    };
    use crate::{Packet, QoS, ReasonCode, Sender, Topic};
    use std::vec;
    use std::vec::Vec;

    /// Where properties may stand: who sends it, the packet around them, and a letter for the table below.
    struct Place {
        letter: char,
        from: Sender,
        first: u8,
        before: &'static [u8],
        after: &'static [u8],
    }

    const PLACES: &[Place] = &[
        Place {
            letter: 'w', // the will
            from: CLIENT,
            first: 0x10,
            before: b"\x00\x04MQTT\x05\x04\x00\x00\x00\x00\x00",
            after: b"\x00\x01t\x00\x00",
        },
        Place { letter: 'c', from: CLIENT, first: 0x10, before: b"\x00\x04MQTT\x05\x00\x00\x00", after: b"\x00\x00" },
        Place { letter: 'C', from: SERVER, first: 0x20, before: b"\x00\x00", after: b"" },
        Place { letter: 'p', from: CLIENT, first: 0x30, before: b"\x00\x01t", after: b"" },
        Place { letter: 'P', from: SERVER, first: 0x30, before: b"\x00\x01t", after: b"" },
        Place { letter: '4', from: CLIENT, first: 0x40, before: b"\x00\x01\x00", after: b"" },
        Place { letter: '4', from: SERVER, first: 0x40, before: b"\x00\x01\x10", after: b"" },
        Place { letter: '5', from: CLIENT, first: 0x50, before: b"\x00\x01\x97", after: b"" },
        Place { letter: '5', from: SERVER, first: 0x50, before: b"\x00\x01\x00", after: b"" },
        Place { letter: '6', from: CLIENT, first: 0x62, before: b"\x00\x01\x00", after: b"" },
        Place { letter: '6', from: SERVER, first: 0x62, before: b"\x00\x01\x92", after: b"" },
        Place { letter: '7', from: CLIENT, first: 0x70, before: b"\x00\x01\x00", after: b"" },
        Place { letter: '7', from: SERVER, first: 0x70, before: b"\x00\x01\x92", after: b"" },
        Place { letter: 's', from: CLIENT, first: 0x82, before: b"\x00\x01", after: b"\x00\x01f\x00" },
        Place { letter: 'S', from: SERVER, first: 0x90, before: b"\x00\x01", after: b"\x00" },
        Place { letter: 'u', from: CLIENT, first: 0xA2, before: b"\x00\x01", after: b"\x00\x01f" },
        Place { letter: 'U', from: SERVER, first: 0xB0, before: b"\x00\x01", after: b"\x11" },
        Place { letter: 'd', from: CLIENT, first: 0xE0, before: b"\x04", after: b"" },
        Place { letter: 'D', from: SERVER, first: 0xE0, before: b"\x8B", after: b"" },
        Place { letter: 'a', from: CLIENT, first: 0xF0, before: b"\x18", after: b"" },
        Place { letter: 'a', from: SERVER, first: 0xF0, before: b"\x18", after: b"" },
    ];

    /// A property on the wire, and for each place where it may stand the section that says that it stands there once.
    type Row = (&'static [u8], &'static [(char, &'static str)]);

    const TABLE: &[Row] = &[
        (b"\x01\x01", &[('w', "3.1.3.2.3"), ('p', "3.3.2.3.2"), ('P', "3.3.2.3.2")]),
        (b"\x02\x00\x00\x00\x00", &[('w', "3.1.3.2.4"), ('p', "3.3.2.3.3"), ('P', "3.3.2.3.3")]),
        (b"\x03\x00\x01x", &[('w', "3.1.3.2.5"), ('p', "3.3.2.3.9"), ('P', "3.3.2.3.9")]),
        (b"\x08\x00\x01x", &[('w', "3.1.3.2.6"), ('p', "3.3.2.3.5"), ('P', "3.3.2.3.5")]),
        (b"\x09\x00\x01\xFF", &[('w', "3.1.3.2.7"), ('p', "3.3.2.3.6"), ('P', "3.3.2.3.6")]),
        (b"\x0B\x7F", &[('P', ""), ('s', "3.8.2.1.2")]),
        (b"\x11\xFF\xFF\xFF\xFF", &[('c', "3.1.2.11.2"), ('C', "3.2.2.3.2"), ('d', "3.14.2.2.2")]),
        (b"\x12\x00\x01i", &[('C', "3.2.2.3.7")]),
        (b"\x13\x00\x00", &[('C', "3.2.2.3.14")]),
        (b"\x15\x00\x01m", &[('c', "3.1.2.11.9"), ('C', "3.2.2.3.17"), ('a', "3.15.2.2.2")]),
        (b"\x16\x00\x01\x00\x15\x00\x01m", &[('c', "3.1.2.11.10"), ('C', "3.2.2.3.18"), ('a', "3.15.2.2.3")]),
        (b"\x17\x00", &[('c', "3.1.2.11.7")]),
        (b"\x18\x00\x00\x00\x05", &[('w', "3.1.3.2.2")]),
        (b"\x19\x01", &[('c', "3.1.2.11.6")]),
        (b"\x1A\x00\x00", &[('C', "3.2.2.3.15")]),
        (b"\x1C\x00\x01r", &[('C', "3.2.2.3.16"), ('d', "3.14.2.2.5"), ('D', "3.14.2.2.5")]),
        (
            b"\x1F\x00\x01r",
            &[
                ('C', "3.2.2.3.9"),
                ('4', "3.4.2.2.2"),
                ('5', "3.5.2.2.2"),
                ('6', "3.6.2.2.2"),
                ('7', "3.7.2.2.2"),
                ('S', "3.9.2.1.2"),
                ('U', "3.11.2.1.2"),
                ('d', "3.14.2.2.3"),
                ('D', "3.14.2.2.3"),
                ('a', "3.15.2.2.4"),
            ],
        ),
        (b"\x21\x00\x01", &[('c', "3.1.2.11.3"), ('C', "3.2.2.3.3")]),
        (b"\x22\x00\x00", &[('c', "3.1.2.11.5"), ('C', "3.2.2.3.8")]),
        (b"\x23\xFF\xFF", &[('p', "3.3.2.3.4"), ('P', "3.3.2.3.4")]),
        (b"\x24\x01", &[('C', "3.2.2.3.4")]),
        (b"\x25\x00", &[('C', "3.2.2.3.5")]),
        (
            b"\x26\x00\x01n\x00\x01v",
            &[
                ('w', ""),
                ('c', ""),
                ('C', ""),
                ('p', ""),
                ('P', ""),
                ('4', ""),
                ('5', ""),
                ('6', ""),
                ('7', ""),
                ('s', ""),
                ('S', ""),
                ('u', ""),
                ('U', ""),
                ('d', ""),
                ('D', ""),
                ('a', ""),
            ],
        ),
        (b"\x27\x00\x00\x00\x01", &[('c', "3.1.2.11.4"), ('C', "3.2.2.3.6")]),
        (b"\x28\x00", &[('C', "3.2.2.3.11")]),
        (b"\x29\x01", &[('C', "3.2.2.3.12")]),
        (b"\x2A\x00", &[('C', "3.2.2.3.13")]),
    ];

    /// A packet with these properties in this place, and where the first of them stands. AUTH has a method as well.
    fn with(place: &Place, properties: &[u8]) -> (Vec<u8>, usize) {
        let method: &[u8] = match properties.first() {
            Some(0x15 | 0x16) => b"",
            _ if place.letter == 'a' => b"\x15\x00\x01m",
            _ => b"",
        };
        let length = [(properties.len() + method.len()) as u8];
        let packet = framed(place.first, &[place.before, &length, properties, method, place.after]);
        (packet, 2 + place.before.len() + 1)
    }

    fn properties<'p, 'a>(packet: &'p mut Packet<'a>, place: &Place) -> &'p mut Properties<'a> {
        match packet {
            Packet::Connect(connect) => match &mut connect.will {
                Some(will) if place.letter == 'w' => &mut will.properties,
                _ => &mut connect.properties,
            },
            Packet::ConnAck(connack) => &mut connack.properties,
            Packet::Publish(publish) => &mut publish.properties,
            Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
                &mut ack.properties
            }
            Packet::Subscribe(subscribe) => &mut subscribe.properties,
            Packet::Unsubscribe(unsubscribe) => &mut unsubscribe.properties,
            Packet::SubAck(suback) | Packet::UnsubAck(suback) => &mut suback.properties,
            Packet::Disconnect(disconnect) => &mut disconnect.properties,
            Packet::Auth(auth) => &mut auth.properties,
            Packet::PingReq | Packet::PingResp => panic!("no properties"),
        }
    }

    /// What these bytes say; a topic alias, too, which is not read from a list.
    fn read(bytes: &[u8]) -> Vec<Property<'_>> {
        match bytes {
            &[0x23, high, low] => vec![Property::TopicAlias(TopicAlias::new(u16::from_be_bytes([high, low])).unwrap())],
            _ => Properties(List::checked(bytes)).iter().collect(),
        }
    }

    fn place(letter: char) -> &'static Place {
        PLACES.iter().find(|place| place.letter == letter).unwrap()
    }

    /// Whether a property may stand in a place, and which section says that it stands there once.
    fn allowed(row: &Row, place: &Place) -> Option<&'static str> {
        row.1.iter().find(|(letter, _)| *letter == place.letter).map(|(_, section)| *section)
    }

    /// What answers a property in a place where it may not stand.
    fn answer(id: u8, place: &Place) -> (ReasonCode, &'static str) {
        match (id, place.letter) {
            (0x0B, 'p') => (PROTOCOL_ERROR, "MQTT-3.3.4-6"),
            (0x11, 'D') => (PROTOCOL_ERROR, "MQTT-3.14.2-2"),
            _ => (MALFORMED, "MQTT 2.2.2.2"),
        }
    }

    #[test]
    fn the_standard_defines_27_properties() {
        assert_eq!(TABLE.len(), 27);
    }

    #[test]
    fn each_property_is_accepted_where_it_may_stand_and_refused_elsewhere() {
        for row in TABLE {
            for place in PLACES {
                let (packet, at) = with(place, row.0);
                if allowed(row, place).is_some() {
                    accepted(place.from, &packet);
                } else {
                    let (reason, rule) = answer(row.0[0], place);
                    refused(place.from, &packet, reason, rule, at);
                }
            }
        }
    }

    #[test]
    fn a_property_is_as_long_as_its_table_says() {
        let longer: &[&[u8]] = &[b"\x0B\x80\x01", b"\x0B\xFF\xFF\x7F", b"\x0B\xFF\xFF\xFF\x7F", b"\x09\x00\x00"];
        for bytes in TABLE.iter().map(|row| row.0).chain(longer.iter().copied()) {
            let list = read(bytes);
            let size: usize = list.iter().map(|property| property.size(place::PUBLISH).unwrap()).sum();
            assert_eq!(size, bytes.len(), "{list:?}");
            let mut counter = Writer::count();
            list.iter().for_each(|property| property.put(&mut counter));
            assert_eq!(counter.written(), size, "{list:?}");
            let mut room = vec![0; size];
            Properties::from(&*list).0.put(&mut Writer::new(&mut room), size);
            assert_eq!(room, bytes);
        }
    }

    #[test]
    fn a_misplaced_property_is_not_sent() {
        for row in TABLE {
            let home = place(row.1[0].0);
            let _ = decoded(home.from, &with(home, row.0).0);
            let list = read(row.0);
            for place in PLACES {
                let (empty, _) = with(place, b"");
                let (expected, _) = with(place, row.0);
                let mut packet = decoded(place.from, &empty);
                if let (Packet::Publish(publish), [Property::TopicAlias(alias)]) = (&mut packet, &list[..]) {
                    publish.topic = crate::TopicRef::NameAndAlias(Topic::new("t").unwrap(), *alias);
                }
                let with_method: Vec<_> = if place.letter == 'a' && !matches!(row.0[0], 0x15 | 0x16) {
                    list.iter().copied().chain([Property::AuthenticationMethod(Text::new("m").unwrap())]).collect()
                } else {
                    list.clone()
                };
                *properties(&mut packet, place) = Properties::from(&with_method[..]);
                if allowed(row, place).is_some() {
                    assert_eq!(crate::testing::encoded(place.from, &packet), Ok(expected));
                } else {
                    not_sent(place.from, &packet, answer(row.0[0], place).1);
                }
            }
        }
    }

    #[test]
    fn a_property_stands_once_unless_it_may_repeat() {
        for row in TABLE {
            for place in PLACES {
                let Some(section) = allowed(row, place) else { continue };
                let (packet, at) = with(place, &[row.0, row.0].concat());
                if section.is_empty() {
                    accepted(place.from, &packet);
                } else {
                    let mut rule = std::string::String::from("MQTT ");
                    rule.push_str(section);
                    refused(place.from, &packet, PROTOCOL_ERROR, &rule, at + row.0.len());
                    // The same list, given to be sent.
                    let (once, _) = with(place, row.0);
                    let mut packet = decoded(place.from, &once);
                    let twice = [read(row.0), read(row.0)].concat();
                    *properties(&mut packet, place) = Properties::from(&twice[..]);
                    not_sent(place.from, &packet, &rule);
                }
            }
        }
    }

    #[test]
    fn an_identifier_that_no_property_has_is_malformed() {
        for place in PLACES {
            for id in 0..=u8::MAX {
                if TABLE.iter().all(|row| row.0[0] != id) {
                    let (packet, at) = with(place, &[id, 0, 0, 0, 0]);
                    refused(place.from, &packet, MALFORMED, "MQTT 2.2.2.2", at);
                }
            }
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused() {
        for (letter, property, reason, rule) in [
            ('P', &b"\x01\x02"[..], PROTOCOL_ERROR, "MQTT 3.3.2.3.2"),
            ('p', b"\x01\xFF", PROTOCOL_ERROR, "MQTT 3.3.2.3.2"),
            ('w', b"\x01\x02", PROTOCOL_ERROR, "MQTT 3.1.3.2.3"),
            ('P', b"\x0B\x00", PROTOCOL_ERROR, "MQTT 3.3.2.3.8"),
            ('s', b"\x0B\x00", PROTOCOL_ERROR, "MQTT 3.8.2.1.2"),
            ('s', b"\x0B\x81\x00", MALFORMED, "MQTT-1.5.5-1"),
            ('s', b"\x0B\xFF\xFF\xFF\xFF\x01", MALFORMED, "MQTT 1.5.5"),
            ('c', b"\x17\x02", PROTOCOL_ERROR, "MQTT 3.1.2.11.7"),
            ('c', b"\x19\x02", PROTOCOL_ERROR, "MQTT 3.1.2.11.6"),
            ('c', b"\x21\x00\x00", PROTOCOL_ERROR, "MQTT 3.1.2.11.3"),
            ('C', b"\x21\x00\x00", PROTOCOL_ERROR, "MQTT 3.2.2.3.3"),
            ('p', b"\x23\x00\x00", ReasonCode::TOPIC_ALIAS_INVALID, "MQTT-3.3.2-8"),
            ('P', b"\x23\x00\x00", ReasonCode::TOPIC_ALIAS_INVALID, "MQTT-3.3.2-8"),
            ('C', b"\x24\x02", PROTOCOL_ERROR, "MQTT 3.2.2.3.4"),
            ('C', b"\x25\x02", PROTOCOL_ERROR, "MQTT 3.2.2.3.5"),
            ('c', b"\x27\x00\x00\x00\x00", PROTOCOL_ERROR, "MQTT 3.1.2.11.4"),
            ('C', b"\x27\x00\x00\x00\x00", PROTOCOL_ERROR, "MQTT 3.2.2.3.6"),
            ('C', b"\x28\x02", PROTOCOL_ERROR, "MQTT 3.2.2.3.11"),
            ('C', b"\x29\x80", PROTOCOL_ERROR, "MQTT 3.2.2.3.12"),
            ('C', b"\x2A\x02", PROTOCOL_ERROR, "MQTT 3.2.2.3.13"),
        ] {
            let place = place(letter);
            // The fault is told where the value begins.
            let (packet, at) = with(place, property);
            refused(place.from, &packet, reason, rule, at + 1);
        }
    }

    #[test]
    fn mqtt_3_2_2_9_a_maximum_qos_of_two_is_not_sent() {
        let (bytes, _) = with(place('C'), b"");
        for (qos, sent) in [(QoS::AtMostOnce, true), (QoS::AtLeastOnce, true), (QoS::ExactlyOnce, false)] {
            let list = [Property::MaximumQoS(qos)];
            let mut packet = decoded(SERVER, &bytes);
            *properties(&mut packet, place('C')) = Properties::from(&list);
            if sent {
                let expected = [0x20, 5, 0, 0, 2, 0x24, qos as u8];
                assert_eq!(crate::testing::encoded(SERVER, &packet), Ok(expected.to_vec()));
            } else {
                not_sent(SERVER, &packet, "MQTT 3.2.2.3.4");
            }
        }
    }

    #[test]
    fn a_value_that_is_cut_short_is_malformed() {
        for row in TABLE {
            for place in PLACES.iter().filter(|place| allowed(row, place).is_some()) {
                // Without its last byte the property ends with the list, in the middle of its value.
                let cut = &row.0[..row.0.len() - 1];
                let length = [cut.len() as u8];
                let packet = framed(place.first, &[place.before, &length, cut, place.after]);
                let error = crate::Decoder::new(place.from).decode(&packet).unwrap_err();
                assert_eq!((error.reason, error.rule.id()), (MALFORMED, "MQTT 2.2.2.1"), "{packet:02x?}");
            }
        }
    }

    #[test]
    fn mqtt_2_2_2_1_a_packet_without_properties_has_a_property_length_of_zero() {
        for place in PLACES.iter().filter(|place| !matches!(place.letter, 'a' | '4'..='7' | 'd' | 'D')) {
            accepted(place.from, &with(place, b"").0);
            // The packet ends where the property length should be.
            let packet = framed(place.first, &[place.before]);
            let rule = if place.letter == 'w' { "MQTT-3.1.2-9" } else { "MQTT-2.2.2-1" };
            refused(place.from, &packet, MALFORMED, rule, packet.len());
        }
    }

    #[test]
    fn the_property_length_covers_the_properties() {
        for place in PLACES {
            // Longer than the packet, not in the shortest form, too long.
            let at = 2 + place.before.len();
            let packet = framed(place.first, &[place.before, b"\x7F", place.after]);
            refused(place.from, &packet, MALFORMED, "MQTT 2.2.2.1", at + 1);
            let packet = framed(place.first, &[place.before, b"\x80\x00", place.after]);
            refused(place.from, &packet, MALFORMED, "MQTT-1.5.5-1", at);
            let packet = framed(place.first, &[place.before, b"\xFF\xFF\xFF\xFF\x7F", place.after]);
            refused(place.from, &packet, MALFORMED, "MQTT 1.5.5", at);
            // Shorter than the value, which goes on behind it.
            let packet = framed(place.first, &[place.before, b"\x03\x26\x00\x01n\x00\x01v", place.after]);
            refused(place.from, &packet, MALFORMED, "MQTT 2.2.2.1", at + 4);
        }
    }

    #[test]
    fn mqtt_1_5_7_1_both_halves_of_a_user_property_are_strings() {
        for place in PLACES {
            for (pair, rule, at) in [
                (&b"\x26\x00\x02n\xFF\x00\x01v"[..], "MQTT-1.5.4-1", 4),
                (b"\x26\x00\x01n\x00\x02v\xC0", "MQTT-1.5.4-1", 7),
                (b"\x26\x00\x03\xED\xA0\x80\x00\x00", "MQTT-1.5.4-1", 3),
                (b"\x26\x00\x01\x00\x00\x01v", "MQTT-1.5.4-2", 3),
                (b"\x26\x00\x01n\x00\x03vv\x00", "MQTT-1.5.4-2", 8),
            ] {
                let (packet, start) = with(place, pair);
                refused(place.from, &packet, MALFORMED, rule, start + at);
            }
            accepted(place.from, &with(place, b"\x26\x00\x00\x00\x00").0);
            accepted(place.from, &with(place, b"\x26\x00\x03\xEF\xBB\xBF\x00\x02\xC3\xA9").0);
        }
    }

    #[test]
    fn mqtt_1_5_4_1_every_string_among_the_properties_is_utf_8() {
        for (letter, id) in [
            ('P', 0x03),
            ('w', 0x03),
            ('P', 0x08),
            ('w', 0x08),
            ('C', 0x12),
            ('c', 0x15),
            ('C', 0x15),
            ('a', 0x15),
            ('C', 0x1A),
            ('C', 0x1C),
            ('d', 0x1C),
            ('C', 0x1F),
            ('4', 0x1F),
            ('5', 0x1F),
            ('6', 0x1F),
            ('7', 0x1F),
            ('S', 0x1F),
            ('U', 0x1F),
            ('D', 0x1F),
            ('a', 0x1F),
        ] {
            let place = place(letter);
            let (packet, at) = with(place, &[id, 0, 3, b'a', 0xE2, 0x82]);
            refused(place.from, &packet, MALFORMED, "MQTT-1.5.4-1", at + 4);
            let (packet, at) = with(place, &[id, 0, 3, b'a', b'b', 0]);
            refused(place.from, &packet, MALFORMED, "MQTT-1.5.4-2", at + 5);
        }
    }

    #[test]
    fn authentication_data_comes_with_a_method() {
        for (letter, rule) in [('c', "MQTT 3.1.2.11.10"), ('C', "MQTT 3.2.2.3.18"), ('a', "MQTT 3.15.2.2.2")] {
            let place = place(letter);
            let (packet, at) = with(place, b"\x16\x00\x01\x00");
            refused(place.from, &packet, PROTOCOL_ERROR, rule, at - 1);
            // In either order.
            accepted(place.from, &with(place, b"\x15\x00\x01m\x16\x00\x00").0);
            accepted(place.from, &with(place, b"\x16\x00\x00\x15\x00\x01m").0);
            let (full, _) = with(place, b"\x15\x00\x00");
            let mut packet = decoded(place.from, &full);
            let list = [Property::AuthenticationData(b"\0")];
            *properties(&mut packet, place) = Properties::from(&list);
            not_sent(place.from, &packet, rule);
        }
    }

    #[test]
    fn binary_properties_are_at_most_65_535_bytes() {
        let long = vec![0; 65_536];
        for (letter, property) in [
            ('p', Property::CorrelationData(&long)),
            ('w', Property::CorrelationData(&long)),
            ('a', Property::AuthenticationData(&long)),
        ] {
            let place = place(letter);
            let (bytes, _) = with(place, b"");
            let mut packet = decoded(place.from, &bytes);
            let list = [Property::AuthenticationMethod(Text::EMPTY), property];
            let list = if letter == 'a' { &list[..] } else { &list[1..] };
            *properties(&mut packet, place) = Properties::from(list);
            not_sent(place.from, &packet, "MQTT 1.5.6");
        }
    }

    #[test]
    fn order_is_kept_and_accessors_find_the_first() {
        let bytes = framed(
            0x30,
            &[
                b"\x00\x01t",
                b"\x18",
                b"\x26\x00\x01b\x00\x011",
                b"\x0B\x02",
                b"\x26\x00\x01a\x00\x012",
                b"\x0B\x01",
                b"\x26\x00\x01b\x00\x003",
            ],
        );
        // The last pair has an empty value, so the payload begins with its `3`.
        let Packet::Publish(publish) = decoded(SERVER, &bytes) else { panic!() };
        let pairs: Vec<_> = publish.properties.user_properties().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("b", "1"), ("a", "2"), ("b", "")]);
        assert_eq!(publish.properties.subscription_identifiers().map(SubscriptionId::get).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(publish.properties.subscription_identifier(), SubscriptionId::new(2));
        assert_eq!(publish.properties.topic_alias(), None);
        assert_eq!(publish.payload, b"3");
        accepted(SERVER, &bytes);
        for from in BOTH {
            let ids: Vec<_> = decoded(from, b"\x40\x0A\x00\x01\x00\x06\x1F\x00\x03why")
                .packet_properties()
                .iter()
                .map(|p| p.id())
                .collect();
            assert_eq!(ids, [0x1F]);
        }
    }

    impl<'a> Packet<'a> {
        fn packet_properties(&self) -> Properties<'a> {
            match self {
                Packet::PubAck(ack) => ack.properties,
                other => panic!("{other:?}"),
            }
        }
    }
}
