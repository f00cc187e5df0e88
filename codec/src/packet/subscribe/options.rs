//! The options of one subscription, which are one byte behind its filter.

use crate::{QoS, RetainHandling, Rule};

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
        Self::DEFAULT
    }
}

const NO_LOCAL: u8 = 1 << 2;
const RETAIN_AS_PUBLISHED: u8 = 1 << 3;

impl SubscriptionOptions {
    pub(super) const DEFAULT: Self = Self {
        maximum_qos: QoS::ExactlyOnce,
        no_local: false,
        retain_as_published: false,
        retain_handling: RetainHandling::SendAtSubscribe,
    };

    /// The options byte.
    #[must_use]
    #[inline]
    pub const fn to_u8(self) -> u8 {
        self.maximum_qos as u8
            | if self.no_local { NO_LOCAL } else { 0 }
            | if self.retain_as_published { RETAIN_AS_PUBLISHED } else { 0 }
            | (self.retain_handling as u8) << 4
    }

    /// The options that a byte stands for which has been checked.
    #[inline]
    pub(super) const fn of_checked(byte: u8) -> Self {
        Self {
            maximum_qos: match byte & 3 {
                0 => QoS::AtMostOnce,
                1 => QoS::AtLeastOnce,
                _ => QoS::ExactlyOnce,
            },
            no_local: byte & NO_LOCAL != 0,
            retain_as_published: byte & RETAIN_AS_PUBLISHED != 0,
            retain_handling: match byte >> 4 {
                0 => RetainHandling::SendAtSubscribe,
                1 => RetainHandling::SendIfNew,
                _ => RetainHandling::DoNotSend,
            },
        }
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
