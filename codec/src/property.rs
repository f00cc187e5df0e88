//! Properties (section 2.2.2): one table of all 27 says what each holds, where it may stand and which section says so.
//!
//! Checking, reading, writing, printing and the named accessors all follow that table; see `properties!` at the end.

use core::num::{NonZeroU16, NonZeroU32};

use crate::list::{Item, Iter, List, Wire};
use crate::value::{PayloadFormat, QoS, Sender, SubscriptionId, TopicAlias};
use crate::wire::{Reader, Writer, fits_u16};
use crate::{ReasonCode, Rule, Text, Topic, error::Fault};

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

    fn find(&self, id: u8) -> Option<Property<'a>> {
        self.iter().find(|property| property.id() == id)
    }

    /// Reads the property length and the properties, and checks them all. Also tells which there are.
    #[inline]
    pub(crate) fn read(r: &mut Reader<'a>, place: u8) -> Result<(Self, Found), Fault> {
        let len = r.varint().map_err(|fault| fault.instead(Rule::REMAINING_LENGTH, Rule::PROPERTY_LENGTH_MISSING))?;
        if len == 0 {
            return Ok((Self::EMPTY, Found(0)));
        }
        let mut part =
            r.part(len as usize).map_err(|fault| fault.instead(Rule::REMAINING_LENGTH, Rule::PROPERTY_LENGTH))?;
        let bytes = part.rest();
        // Inside, what ends early is not the packet but the list.
        let found = check_all(&mut part, place)
            .map_err(|fault| fault.instead(Rule::REMAINING_LENGTH, Rule::PROPERTY_LENGTH))?;
        Ok((Self(List::checked(bytes)), found))
    }

    /// How many bytes the properties take, without the property length, if they may all stand in `place`.
    pub(crate) fn measure(&self, place: u8) -> Result<usize, Rule> {
        let mut found = Found(0);
        let mut counter = Writer::count();
        for property in self.iter() {
            let id = property.id();
            let Some(entry) = entry(id, place) else { return Err(misplaced(id, place).1) };
            if !found.add(entry, id, place) {
                return Err(Rule::of_property(place, id));
            }
            property.valid(place)?;
            property.put(&mut counter);
        }
        if found.data_without_method() {
            return Err(data_without_method(place));
        }
        Ok(counter.written())
    }

    /// Writes the property length, which is `len`, and the properties.
    #[inline]
    pub(crate) fn put(&self, w: &mut Writer<'_>, len: usize) {
        w.varint(len as u32);
        if w.counts() {
            w.skip(len); // What `measure` has counted already.
        } else {
            self.0.put(w);
        }
    }

    /// Writes the property length and the properties, whose length is `len`, behind one more property.
    #[cold]
    pub(crate) fn put_after(&self, w: &mut Writer<'_>, len: usize, one: Property<'_>) {
        let mut counter = Writer::count();
        one.put(&mut counter);
        w.varint(len.saturating_add(counter.written()) as u32);
        one.put(w);
        self.0.put(w);
    }

    /// The checked text of all properties, for a stricter look at it.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Text<'a>> {
        self.iter().flat_map(|property| property.texts()).flatten()
    }
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

/// Which properties a list holds: a bit for each row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Found(u32);

impl Found {
    /// Takes note of a property; false when it may not stand here a second time.
    #[inline]
    fn add(&mut self, entry: u32, id: u8, place: u8) -> bool {
        let bit = entry_bit(entry);
        if self.0 & bit != 0 && id != USER_PROPERTY && !(id == SUBSCRIPTION_IDENTIFIER && place == place::PUBLISH) {
            return false;
        }
        self.0 |= bit;
        true
    }

    #[inline]
    fn has(self, id: u8) -> bool {
        const fn bit(id: u8) -> u32 {
            #[allow(clippy::indexing_slicing, reason = "evaluated with identifiers of the table")]
            entry_bit(TABLE[id as usize])
        }
        const METHOD: u32 = bit(AUTHENTICATION_METHOD);
        const DATA: u32 = bit(AUTHENTICATION_DATA);
        const ALIAS: u32 = bit(TOPIC_ALIAS);
        let bit = match id {
            AUTHENTICATION_METHOD => METHOD,
            AUTHENTICATION_DATA => DATA,
            _ => ALIAS,
        };
        self.0 & bit != 0
    }

    #[inline]
    pub(crate) fn topic_alias(self) -> bool {
        self.has(TOPIC_ALIAS)
    }

    #[inline]
    pub(crate) fn authentication_method(self) -> bool {
        self.has(AUTHENTICATION_METHOD)
    }

    #[inline]
    pub(crate) fn data_without_method(self) -> bool {
        self.has(AUTHENTICATION_DATA) && !self.has(AUTHENTICATION_METHOD)
    }
}

/// The rule against authentication data without a method, which each of three packets states.
#[cold]
pub(crate) fn data_without_method(place: u8) -> Rule {
    match place {
        place::CONNECT => Rule::CONNECT_AUTHENTICATION_DATA,
        place::CONNACK => Rule::CONNACK_AUTHENTICATION_DATA,
        _ => Rule::AUTH_METHOD,
    }
}

/// Checks the properties that make up all of `r`.
fn check_all(r: &mut Reader<'_>, place: u8) -> Result<Found, Fault> {
    let mut found = Found(0);
    while let Some((&id, _)) = r.rest().split_first() {
        let Some(entry) = entry(id, place) else {
            let (reason, rule) = misplaced(id, place);
            return Err(r.fault(reason, rule));
        };
        if !found.add(entry, id, place) {
            return Err(r.protocol_error(Rule::of_property(place, id)));
        }
        let _ = r.u8();
        check_value(r, entry_kind(entry), id, place)?;
    }
    Ok(found)
}

/// Checks one value, and moves past it.
#[inline]
fn check_value(r: &mut Reader<'_>, kind: Kind, id: u8, place: u8) -> Result<(), Fault> {
    let start = *r;
    let in_range = match kind {
        Kind::Flag => r.u8()? <= 1,
        Kind::U16 => r.u16().map(|_| true)?,
        Kind::NonZeroU16 => r.u16()? != 0,
        Kind::U32 => r.u32().map(|_| true)?,
        Kind::NonZeroU32 => r.u32()? != 0,
        Kind::Varint => r.varint()? != 0,
        Kind::Text => r.text().map(|_| true)?,
        Kind::Topic => Topic::read(r, ReasonCode::PROTOCOL_ERROR, Rule::RESPONSE_TOPIC_WILDCARD).map(|_| true)?,
        Kind::Bytes => r.bytes().map(|_| true)?,
        Kind::Pair => {
            r.text()?;
            r.text().map(|_| true)?
        }
    };
    if in_range { Ok(()) } else { Err(out_of_range(&start, id, place)) }
}

#[cold]
fn out_of_range(at: &Reader<'_>, id: u8, place: u8) -> Fault {
    if id == TOPIC_ALIAS {
        return at.fault(ReasonCode::TOPIC_ALIAS_INVALID, Rule::TOPIC_ALIAS_ZERO);
    }
    at.protocol_error(Rule::of_property(place, id))
}

/// Why a property may not stand in a place.
#[cold]
fn misplaced(id: u8, place: u8) -> (ReasonCode, Rule) {
    match (id, place) {
        (SUBSCRIPTION_IDENTIFIER, place::PUBLISH_BY_CLIENT) => {
            (ReasonCode::PROTOCOL_ERROR, Rule::SUBSCRIPTION_ID_FROM_CLIENT)
        }
        (SESSION_EXPIRY_INTERVAL, place::DISCONNECT_BY_SERVER) => {
            (ReasonCode::PROTOCOL_ERROR, Rule::SESSION_EXPIRY_FROM_SERVER)
        }
        _ => (ReasonCode::MALFORMED_PACKET, Rule::PROPERTY_ID),
    }
}

/// The rule against a second topic alias.
#[cold]
pub(crate) fn topic_alias_twice() -> Rule {
    Rule::of_property(place::PUBLISH, TOPIC_ALIAS)
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

/// What a property's value is on the wire.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Flag,
    U16,
    NonZeroU16,
    U32,
    NonZeroU32,
    Varint,
    Text,
    Topic,
    Bytes,
    Pair,
}

// An entry of the table: bits 0 to 17 the places, bits 20 to 23 the kind, bits 27 to 31 the number of the row.

const fn new_entry(row: u8, id: u8, kind: Kind, places: &[u8]) -> u32 {
    let mut mask = 0;
    let mut rest = places;
    while let Some((&place, tail)) = rest.split_first() {
        mask |= 1 << place;
        if place == place::PUBLISH && id != SUBSCRIPTION_IDENTIFIER {
            mask |= 1 << place::PUBLISH_BY_CLIENT;
        }
        if place == place::DISCONNECT && id != SESSION_EXPIRY_INTERVAL {
            mask |= 1 << place::DISCONNECT_BY_SERVER;
        }
        rest = tail;
    }
    mask | (kind as u32) << 20 | (row as u32) << 27
}

/// The entry of a property that may stand in `place`.
#[inline]
fn entry(id: u8, place: u8) -> Option<u32> {
    let entry = *TABLE.get(usize::from(id))?;
    if entry >> (place & 31) & 1 == 0 { None } else { Some(entry) }
}

#[inline]
const fn entry_bit(entry: u32) -> u32 {
    1 << (entry >> 27)
}

#[inline]
fn entry_kind(entry: u32) -> Kind {
    match entry >> 20 & 0xF {
        0 => Kind::Flag,
        1 => Kind::U16,
        2 => Kind::NonZeroU16,
        3 => Kind::U32,
        4 => Kind::NonZeroU32,
        5 => Kind::Varint,
        6 => Kind::Text,
        7 => Kind::Topic,
        8 => Kind::Bytes,
        _ => Kind::Pair,
    }
}

/// A property's value: how it is read from checked bytes, written, and whether it may be sent.
trait Value<'a>: Copy {
    fn get(r: &mut Reader<'a>) -> Option<Self>;
    fn put(self, w: &mut Writer<'_>);
    fn valid(self) -> Result<(), Rule> {
        Ok(())
    }
    fn text(self) -> Option<Text<'a>> {
        None
    }
}

macro_rules! value {
    ($($type:ty: |$r:ident| $get:expr, |$value:ident, $w:ident| $put:expr;)+) => {$(
        impl<'a> Value<'a> for $type {
            #[inline]
            fn get($r: &mut Reader<'a>) -> Option<Self> { $get }
            #[inline]
            fn put(self, $w: &mut Writer<'_>) { let $value = self; $put }
        }
    )+};
}

value! {
    bool: |r| r.u8().ok().map(|byte| byte != 0), |value, w| w.u8(u8::from(value));
    PayloadFormat: |r| r.u8().ok().and_then(Self::from_u8), |value, w| w.u8(value as u8);
    QoS: |r| r.u8().ok().and_then(Self::from_u8), |value, w| w.u8(value as u8);
    u16: |r| r.u16().ok(), |value, w| w.u16(value);
    NonZeroU16: |r| r.u16().ok().and_then(Self::new), |value, w| w.u16(value.get());
    TopicAlias: |r| r.u16().ok().and_then(Self::new), |value, w| w.u16(value.get());
    u32: |r| r.u32().ok(), |value, w| w.u32(value);
    NonZeroU32: |r| r.u32().ok().and_then(Self::new), |value, w| w.u32(value.get());
    SubscriptionId: |r| r.varint().ok().and_then(Self::new), |value, w| w.varint(value.get());
}

impl<'a> Value<'a> for Text<'a> {
    #[inline]
    fn get(r: &mut Reader<'a>) -> Option<Self> {
        r.bytes().ok().map(Self::checked)
    }
    #[inline]
    fn put(self, w: &mut Writer<'_>) {
        w.bytes(self.as_bytes());
    }
    fn text(self) -> Option<Self> {
        Some(self)
    }
}

impl<'a> Value<'a> for Topic<'a> {
    #[inline]
    fn get(r: &mut Reader<'a>) -> Option<Self> {
        r.bytes().ok().map(Self::checked)
    }
    #[inline]
    fn put(self, w: &mut Writer<'_>) {
        w.bytes(self.as_bytes());
    }
    fn text(self) -> Option<Text<'a>> {
        Some(Topic::text(self))
    }
}

impl<'a> Value<'a> for &'a [u8] {
    #[inline]
    fn get(r: &mut Reader<'a>) -> Option<Self> {
        r.bytes().ok()
    }
    #[inline]
    fn put(self, w: &mut Writer<'_>) {
        w.bytes(self);
    }
    #[inline]
    fn valid(self) -> Result<(), Rule> {
        fits_u16(self)
    }
}

impl<'a> Item<'a> for Property<'a> {}

macro_rules! properties {
    ($(
        $kind:ident($type:ty):
        $($id:literal $variant:ident $accessor:ident $doc:literal { $($place:ident $section:literal),+ })+
    )+) => {
        /// A property and its value (section 2.2.2.2).
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[repr(u8)]
        pub enum Property<'a> {
            $($(
                #[doc = concat!("`", stringify!($id), "` ", $doc)]
                #[doc = concat!("\n\nSections: ", $($section, " "),+)]
                $variant($type) = $id,
            )+)+
            /// `0x26` User Property: a name and a value. The only property that may repeat in every packet.
            ///
            /// Sections: one in each packet type that has properties.
            UserProperty(Text<'a>, Text<'a>) = USER_PROPERTY,
        }

        impl<'a> Property<'a> {
            /// The property's identifier on the wire.
            #[must_use]
            #[inline]
            pub const fn id(&self) -> u8 {
                match self {
                    $($(Self::$variant(_) => $id,)+)+
                    Self::UserProperty(..) => USER_PROPERTY,
                }
            }

            /// Whether the value may be sent, as far as its type does not say so.
            #[inline]
            fn valid(&self, place: u8) -> Result<(), Rule> {
                match self {
                    // Section 3.2.2.3.4: a server that grants QoS 2 does not say so.
                    Self::MaximumQoS(QoS::ExactlyOnce) => Err(Rule::of_property(place, self.id())),
                    $($(Self::$variant(value))|+ => value.valid(),)+
                    Self::UserProperty(..) => Ok(()),
                }
            }

            fn texts(self) -> [Option<Text<'a>>; 2] {
                match self {
                    $($(Self::$variant(value))|+ => [Value::text(value), None],)+
                    Self::UserProperty(name, value) => [Some(name), Some(value)],
                }
            }
        }

        impl<'a> Wire<'a> for Property<'a> {
            #[inline]
            fn get(r: &mut Reader<'a>) -> Option<Self> {
                let id = r.u8().ok()?;
                Some(match id {
                    $($($id => Self::$variant(Value::get(r)?),)+)+
                    USER_PROPERTY => Self::UserProperty(Value::get(r)?, Value::get(r)?),
                    _ => return None,
                })
            }

            #[inline]
            fn put(&self, w: &mut Writer<'_>) {
                w.u8(self.id());
                match *self {
                    $($(Self::$variant(value))|+ => value.put(w),)+
                    Self::UserProperty(name, value) => {
                        name.put(w);
                        value.put(w);
                    }
                }
            }
        }

        impl<'a> Properties<'a> {
            $($(
                #[doc = $doc]
                #[doc = "\n\nThe first one in the list; looks through the list."]
                #[must_use]
                pub fn $accessor(&self) -> Option<$type> {
                    match self.find($id) {
                        Some(Property::$variant(value)) => Some(value),
                        _ => None,
                    }
                }
            )+)+
        }

        /// The rows of the table, for their numbers.
        enum Row { $($($variant,)+)+ UserProperty }

        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        static TABLE: [u32; 0x2B] = {
            use place::*;
            let mut table = [0; 0x2B];
            $($(table[$id] = new_entry(Row::$variant as u8, $id, Kind::$kind, &[$($place),+]);)+)+
            table[USER_PROPERTY as usize] = new_entry(Row::UserProperty as u8, USER_PROPERTY, Kind::Pair, &[
                WILL, CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK,
                DISCONNECT, AUTH,
            ]);
            table
        };

        /// The section that describes a property in a place.
        pub(crate) fn section(place: u8, id: u8) -> &'static str {
            use place::*;
            let place = match place {
                PUBLISH_BY_CLIENT => PUBLISH,
                DISCONNECT_BY_SERVER => DISCONNECT,
                _ => place,
            };
            match (id, place) {
                $($($(($id, $place) => concat!("MQTT ", $section),)+)+)+
                _ => "MQTT 2.2.2.2",
            }
        }
    };
}

properties! {
    Flag(PayloadFormat):
        0x01 PayloadFormatIndicator payload_format_indicator "Payload Format Indicator: what the payload is said to be."
            { PUBLISH "3.3.2.3.2", WILL "3.1.3.2.3" }
    Flag(QoS):
        0x24 MaximumQoS maximum_qos "Maximum QoS: the highest level that the server grants, QoS 0 or 1; QoS 2 when absent."
            { CONNACK "3.2.2.3.4" }
    Flag(bool):
        0x17 RequestProblemInformation request_problem_information
            "Request Problem Information: whether reason strings and user properties may come with every packet; yes when absent."
            { CONNECT "3.1.2.11.7" }
        0x19 RequestResponseInformation request_response_information
            "Request Response Information: whether CONNACK may carry Response Information; no when absent."
            { CONNECT "3.1.2.11.6" }
        0x25 RetainAvailable retain_available "Retain Available: whether the server keeps retained messages; yes when absent."
            { CONNACK "3.2.2.3.5" }
        0x28 WildcardSubscriptionAvailable wildcard_subscription_available
            "Wildcard Subscription Available: whether filters may have wildcards; yes when absent."
            { CONNACK "3.2.2.3.11" }
        0x29 SubscriptionIdentifiersAvailable subscription_identifiers_available
            "Subscription Identifiers Available: whether subscriptions may have identifiers; yes when absent."
            { CONNACK "3.2.2.3.12" }
        0x2A SharedSubscriptionAvailable shared_subscription_available
            "Shared Subscription Available: whether there are shared subscriptions; yes when absent."
            { CONNACK "3.2.2.3.13" }
    U16(u16):
        0x13 ServerKeepAlive server_keep_alive "Server Keep Alive: the interval in seconds that the client has to use; 0 is off."
            { CONNACK "3.2.2.3.14" }
        0x22 TopicAliasMaximum topic_alias_maximum "Topic Alias Maximum: the greatest alias that the sender accepts; 0 when absent."
            { CONNECT "3.1.2.11.5", CONNACK "3.2.2.3.8" }
    NonZeroU16(NonZeroU16):
        0x21 ReceiveMaximum receive_maximum
            "Receive Maximum: how many QoS 1 and 2 messages the sender takes at a time; 65,535 when absent."
            { CONNECT "3.1.2.11.3", CONNACK "3.2.2.3.3" }
    NonZeroU16(TopicAlias):
        0x23 TopicAlias topic_alias "Topic Alias: a number that stands for the topic name."
            { PUBLISH "3.3.2.3.4" }
    U32(u32):
        0x02 MessageExpiryInterval message_expiry_interval "Message Expiry Interval: the message's lifetime in seconds; no end when absent."
            { PUBLISH "3.3.2.3.3", WILL "3.1.3.2.4" }
        0x11 SessionExpiryInterval session_expiry_interval
            "Session Expiry Interval: how long the session outlives the connection, in seconds; 0xFFFFFFFF is for ever."
            { CONNECT "3.1.2.11.2", CONNACK "3.2.2.3.2", DISCONNECT "3.14.2.2.2" }
        0x18 WillDelayInterval will_delay_interval "Will Delay Interval: how long the server waits with the will, in seconds; 0 when absent."
            { WILL "3.1.3.2.2" }
    NonZeroU32(NonZeroU32):
        0x27 MaximumPacketSize maximum_packet_size "Maximum Packet Size: the largest packet that the sender accepts, in bytes; no limit when absent."
            { CONNECT "3.1.2.11.4", CONNACK "3.2.2.3.6" }
    Varint(SubscriptionId):
        0x0B SubscriptionIdentifier subscription_identifier "Subscription Identifier: a number of the client's for a subscription."
            { PUBLISH "3.3.2.3.8", SUBSCRIBE "3.8.2.1.2" }
    Text(Text<'a>):
        0x03 ContentType content_type "Content Type: what the payload is, in the application's terms."
            { PUBLISH "3.3.2.3.9", WILL "3.1.3.2.5" }
        0x12 AssignedClientIdentifier assigned_client_identifier "Assigned Client Identifier: the server's choice for a client that named none."
            { CONNACK "3.2.2.3.7" }
        0x15 AuthenticationMethod authentication_method "Authentication Method: the name of the enhanced authentication."
            { CONNECT "3.1.2.11.9", CONNACK "3.2.2.3.17", AUTH "3.15.2.2.2" }
        0x1A ResponseInformation response_information "Response Information: what response topics can be made from."
            { CONNACK "3.2.2.3.15" }
        0x1C ServerReference server_reference "Server Reference: another server to use."
            { CONNACK "3.2.2.3.16", DISCONNECT "3.14.2.2.5" }
        0x1F ReasonString reason_string "Reason String: why, for people."
            { CONNACK "3.2.2.3.9", PUBACK "3.4.2.2.2", PUBREC "3.5.2.2.2", PUBREL "3.6.2.2.2", PUBCOMP "3.7.2.2.2",
              SUBACK "3.9.2.1.2", UNSUBACK "3.11.2.1.2", DISCONNECT "3.14.2.2.3", AUTH "3.15.2.2.4" }
    Topic(Topic<'a>):
        0x08 ResponseTopic response_topic "Response Topic: where an answer is expected."
            { PUBLISH "3.3.2.3.5", WILL "3.1.3.2.6" }
    Bytes(&'a [u8]):
        0x09 CorrelationData correlation_data "Correlation Data: what an answer carries to be recognised."
            { PUBLISH "3.3.2.3.6", WILL "3.1.3.2.7" }
        0x16 AuthenticationData authentication_data "Authentication Data: what the authentication method defines."
            { CONNECT "3.1.2.11.10", CONNACK "3.2.2.3.18", AUTH "3.15.2.2.3" }
}
