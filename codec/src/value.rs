//! Small values that stand in packets: identifiers, levels and choices that cannot hold what the standard forbids.

use core::num::NonZeroU16;

use crate::error::OutOfRange;
use crate::{Rule, wire::Reader};

/// Which side sent, or sends, a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Sender {
    /// A client.
    Client,
    /// A server.
    Server,
}

/// A quality of service level (section 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "u8", into = "u8"))]
#[repr(u8)]
pub enum QoS {
    /// QoS 0: delivered at most once.
    #[default]
    AtMostOnce = 0,
    /// QoS 1: delivered at least once.
    AtLeastOnce = 1,
    /// QoS 2: delivered exactly once.
    ExactlyOnce = 2,
}

impl QoS {
    /// The level with this number, 0 to 2.
    #[must_use]
    #[inline]
    pub const fn from_u8(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }
}

/// What the server does with retained messages when a subscription is made (section 3.8.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "u8", into = "u8"))]
#[repr(u8)]
pub enum RetainHandling {
    /// 0: send retained messages at the time of the subscribe.
    #[default]
    SendAtSubscribe = 0,
    /// 1: send them only if the subscription does not exist yet.
    SendIfNew = 1,
    /// 2: do not send them.
    DoNotSend = 2,
}

impl RetainHandling {
    /// The choice with this number, 0 to 2.
    #[must_use]
    #[inline]
    pub const fn from_u8(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::SendAtSubscribe),
            1 => Some(Self::SendIfNew),
            2 => Some(Self::DoNotSend),
            _ => None,
        }
    }
}

/// What a payload is said to be (section 3.3.2.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "u8", into = "u8"))]
#[repr(u8)]
pub enum PayloadFormat {
    /// 0: bytes of no stated kind.
    #[default]
    Unspecified = 0,
    /// 1: UTF-8 text.
    Utf8 = 1,
}

impl PayloadFormat {
    /// The format with this number, 0 or 1.
    #[must_use]
    #[inline]
    pub const fn from_u8(value: u8) -> Option<Self> {
        match value {
            0 => Some(Self::Unspecified),
            1 => Some(Self::Utf8),
            _ => None,
        }
    }
}

macro_rules! numbered {
    ($($name:ident)+) => {$(
        impl TryFrom<u8> for $name {
            type Error = OutOfRange;

            fn try_from(value: u8) -> Result<Self, OutOfRange> {
                Self::from_u8(value).ok_or(OutOfRange)
            }
        }

        impl From<$name> for u8 {
            fn from(value: $name) -> Self {
                value as Self
            }
        }
    )+};
}

numbered! { QoS RetainHandling PayloadFormat }

/// A packet identifier, 1 to 65,535 (section 2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct PacketId(NonZeroU16);

/// A topic alias, 1 to 65,535 (section 3.3.2.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct TopicAlias(NonZeroU16);

macro_rules! nonzero {
    ($($name:ident)+) => {$(
        impl $name {
            /// The value, unless it is zero.
            #[must_use]
            #[inline]
            pub const fn new(value: u16) -> Option<Self> {
                match NonZeroU16::new(value) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }

            /// The value.
            #[must_use]
            #[inline]
            pub const fn get(self) -> u16 {
                self.0.get()
            }
        }

        impl TryFrom<u16> for $name {
            type Error = OutOfRange;

            fn try_from(value: u16) -> Result<Self, OutOfRange> {
                Self::new(value).ok_or(OutOfRange)
            }
        }

        impl From<NonZeroU16> for $name {
            fn from(value: NonZeroU16) -> Self {
                Self(value)
            }
        }

        impl From<$name> for u16 {
            fn from(value: $name) -> Self {
                value.get()
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&self.0, f)
            }
        }
    )+};
}

nonzero! { PacketId TopicAlias }

impl PacketId {
    /// Reads an identifier, which is not zero; `rule` is what says so.
    #[inline]
    pub(crate) fn read(r: &mut Reader<'_>, rule: Rule) -> Option<Self> {
        let start = r.left();
        match Self::new(r.u16()?) {
            None => r.protocol_error(start, rule),
            id => id,
        }
    }
}

/// A subscription identifier, 1 to 268,435,455 (section 3.8.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "u32", into = "u32"))]
pub struct SubscriptionId(u32);

impl SubscriptionId {
    /// The greatest identifier, 268,435,455.
    pub const MAX: Self = Self(crate::wire::VARINT_MAX);

    /// The identifier, if it is in range.
    #[must_use]
    #[inline]
    pub const fn new(value: u32) -> Option<Self> {
        if value == 0 || value > crate::wire::VARINT_MAX { None } else { Some(Self(value)) }
    }

    /// The value.
    #[must_use]
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for SubscriptionId {
    type Error = OutOfRange;

    fn try_from(value: u32) -> Result<Self, OutOfRange> {
        Self::new(value).ok_or(OutOfRange)
    }
}

impl From<SubscriptionId> for u32 {
    fn from(id: SubscriptionId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_never_zero() {
        assert_eq!(PacketId::new(0), None);
        assert_eq!(TopicAlias::new(0), None);
        assert_eq!(SubscriptionId::new(0), None);
        assert_eq!(SubscriptionId::new(268_435_456), None);
        assert_eq!(SubscriptionId::new(268_435_455), Some(SubscriptionId::MAX));
    }

    #[test]
    fn numbers_out_of_range_are_no_values() {
        assert_eq!(QoS::from_u8(3), None);
        assert_eq!(RetainHandling::try_from(3), Err(OutOfRange));
        assert_eq!(PayloadFormat::from_u8(2), None);
        assert_eq!(u8::from(QoS::ExactlyOnce), 2);
    }
}
