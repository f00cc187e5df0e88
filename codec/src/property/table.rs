//! The table of all 27 properties: what each holds, where it may stand and which section says so.
//!
//! The type [`Property`], how its values are read and written, and the named accessors follow from the rows at the end.

use core::fmt;
use core::num::{NonZeroU16, NonZeroU32};

use super::{Properties, SESSION_EXPIRY_INTERVAL, SUBSCRIPTION_IDENTIFIER, TOPIC_ALIAS, USER_PROPERTY, place};
use crate::list::{Item, Wire};
use crate::text::Quoted;
use crate::value::{PayloadFormat, QoS, SubscriptionId, TopicAlias};
use crate::wire::{self, Writer, fits_u16, varint_len};
use crate::{Rule, Text, Topic};

/// What a property's value is on the wire.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Kind {
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
pub(super) fn entry(id: u8, place: u8) -> Option<u32> {
    let entry = *TABLE.get(usize::from(id))?;
    if entry >> (place & 31) & 1 == 0 { None } else { Some(entry) }
}

#[inline]
pub(super) const fn entry_bit(entry: u32) -> u32 {
    1 << (entry >> 27)
}

#[inline]
pub(super) fn entry_kind(entry: u32) -> Kind {
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
    fn get(rest: &mut &'a [u8]) -> Option<Self>;
    /// How many bytes the value takes, if it may be sent.
    fn size(&self) -> Result<usize, Rule>;
    /// Writes the identifier `id` and the value, together where that is one step.
    fn put(&self, id: u8, w: &mut Writer<'_>);
    fn text(self) -> Option<Text<'a>> {
        None
    }
    /// Prints the value for a log.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

#[inline]
fn tagged_u16(id: u8, value: u16, w: &mut Writer<'_>) {
    let [a, b] = value.to_be_bytes();
    w.chunk([id, a, b]);
}

#[inline]
fn tagged_u32(id: u8, value: u32, w: &mut Writer<'_>) {
    let [a, b, c, d] = value.to_be_bytes();
    w.chunk([id, a, b, c, d]);
}

macro_rules! value {
    ($($type:ty: |$r:ident| $get:expr, $len:literal, |$value:ident, $id:ident, $w:ident| $put:expr, $show:expr;)+) => {$(
        impl<'a> Value<'a> for $type {
            #[inline]
            fn get($r: &mut &'a [u8]) -> Option<Self> { $get }
            #[inline]
            fn size(&self) -> Result<usize, Rule> { Ok($len) }
            #[inline]
            fn put(&self, $id: u8, $w: &mut Writer<'_>) { let $value = *self; $put }
            fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $value = *self;
                fmt::Display::fmt(&$show, f)
            }
        }
    )+};
}

value! {
    bool: |r| wire::u8(r).map(|byte| byte != 0), 1, |value, id, w| w.chunk([id, u8::from(value)]), u8::from(value);
    PayloadFormat: |r| wire::u8(r).and_then(Self::from_u8), 1, |value, id, w| w.chunk([id, value as u8]), value as u8;
    QoS: |r| wire::u8(r).and_then(Self::from_u8), 1, |value, id, w| w.chunk([id, value as u8]), value as u8;
    u16: |r| wire::u16(r), 2, |value, id, w| tagged_u16(id, value, w), value;
    NonZeroU16: |r| wire::u16(r).and_then(Self::new), 2, |value, id, w| tagged_u16(id, value.get(), w), value;
    TopicAlias: |r| wire::u16(r).and_then(Self::new), 2, |value, id, w| tagged_u16(id, value.get(), w), value;
    u32: |r| wire::u32(r), 4, |value, id, w| tagged_u32(id, value, w), value;
    NonZeroU32: |r| wire::u32(r).and_then(Self::new), 4, |value, id, w| tagged_u32(id, value.get(), w), value;
}

impl<'a> Value<'a> for SubscriptionId {
    #[inline]
    fn get(rest: &mut &'a [u8]) -> Option<Self> {
        wire::varint(rest).and_then(Self::new)
    }
    #[inline]
    fn size(&self) -> Result<usize, Rule> {
        Ok(varint_len(Self::get(*self) as usize))
    }
    #[inline]
    fn put(&self, id: u8, w: &mut Writer<'_>) {
        w.u8(id);
        w.varint(Self::get(*self));
    }
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Self::get(*self), f)
    }
}

macro_rules! text {
    ($($type:ident)+) => {$(
        impl<'a> Value<'a> for $type<'a> {
            #[inline]
            fn get(rest: &mut &'a [u8]) -> Option<Self> {
                wire::bytes(rest).map(Self::checked)
            }
            #[inline]
            fn size(&self) -> Result<usize, Rule> {
                Ok(self.slice().len().wrapping_add(2))
            }
            #[inline]
            fn put(&self, id: u8, w: &mut Writer<'_>) {
                w.tagged_bytes(id, self.slice());
            }
            fn text(self) -> Option<Text<'a>> {
                Some(Text::checked(self.as_bytes()))
            }
            fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&Quoted(Text::checked(self.as_bytes())), f)
            }
        }
    )+};
}

text! { Text Topic }

impl<'a> Value<'a> for &'a [u8] {
    #[inline]
    fn get(rest: &mut &'a [u8]) -> Option<Self> {
        wire::bytes(rest)
    }
    #[inline]
    fn size(&self) -> Result<usize, Rule> {
        fits_u16(self)?;
        Ok(self.len().wrapping_add(2))
    }
    #[inline]
    fn put(&self, id: u8, w: &mut Writer<'_>) {
        w.tagged_bytes(id, self);
    }
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

impl<'a> Item<'a> for Property<'a> {}

/// What stands before the colon in a row's sentence.
const fn name(sentence: &'static str) -> &'static str {
    let mut rest = sentence.as_bytes();
    while let [before @ .., last] = rest {
        if *last == b':' {
            return sentence.split_at(before.len()).0;
        }
        rest = before;
    }
    sentence
}

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

            /// The name that the standard gives it: `Payload Format Indicator`.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $($(Self::$variant(_) => const { name($doc) },)+)+
                    Self::UserProperty(..) => "User Property",
                }
            }

            /// How many bytes the property takes, if its value may be sent.
            #[inline]
            pub(super) fn size(&self, place: u8) -> Result<usize, Rule> {
                let len = match self {
                    // Section 3.2.2.3.4: a server that grants QoS 2 does not say so.
                    Self::MaximumQoS(QoS::ExactlyOnce) => return Err(Rule::of_property(place, self.id())),
                    $($(Self::$variant(value))|+ => value.size()?,)+
                    Self::UserProperty(name, value) => name.size()?.wrapping_add(value.size()?),
                };
                Ok(len.wrapping_add(1))
            }

            pub(super) fn texts(self) -> [Option<Text<'a>>; 2] {
                match self {
                    $($(Self::$variant(value))|+ => [Value::text(value), None],)+
                    Self::UserProperty(name, value) => [Some(name), Some(value)],
                }
            }
        }

        /// For a log: name and value, text in quotation marks, of binary data the length only.
        impl fmt::Display for Property<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())?;
                f.write_str(" ")?;
                match self {
                    $($(Self::$variant(value))|+ => value.show(f),)+
                    Self::UserProperty(name, value) => write!(f, "{}={}", Quoted(*name), Quoted(*value)),
                }
            }
        }

        impl<'a> Wire<'a> for Property<'a> {
            #[cfg_attr(target_pointer_width = "64", inline(always))]
            fn get(rest: &mut &'a [u8]) -> Option<Self> {
                let mut id = wire::u8(rest)?;
                if id == TOPIC_ALIAS {
                    // It stands once, and is its packet's: see `Properties::split_alias`.
                    wire::u16(rest)?;
                    id = wire::u8(rest)?;
                }
                Some(match id {
                    $($($id => Self::$variant(Value::get(rest)?),)+)+
                    USER_PROPERTY => Self::UserProperty(Value::get(rest)?, Value::get(rest)?),
                    _ => return None,
                })
            }

            #[cfg_attr(target_pointer_width = "64", inline(always))]
            fn put(&self, w: &mut Writer<'_>) {
                let id = self.id();
                match self {
                    $($(Self::$variant(value))|+ => value.put(id, w),)+
                    Self::UserProperty(name, value) => {
                        w.tagged_bytes(id, name.slice());
                        w.bytes(value.slice());
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
        pub(super) static TABLE: [u32; 0x2B] = {
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
        pub(super) fn section(place: u8, id: u8) -> &'static str {
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
