//! Reason codes, and which packet may carry which (section 2.4 and the table of each packet).

use core::fmt;

/// A reason code of section 2.4. Only values that the standard defines exist.
///
/// Below 0x80 it tells of success, from 0x80 on of failure. One value has several names, depending on the packet: 0x00 is
/// [`SUCCESS`](Self::SUCCESS), [`NORMAL_DISCONNECTION`](Self::NORMAL_DISCONNECTION) and
/// [`GRANTED_QOS_0`](Self::GRANTED_QOS_0).
///
/// ```
/// use mqtt5_codec::ReasonCode;
/// let reason = ReasonCode::from_u8(0x87).unwrap();
/// assert_eq!(reason, ReasonCode::NOT_AUTHORIZED);
/// assert_eq!(reason.name(), "Not authorized");
/// assert!(reason.is_error());
/// assert_eq!(ReasonCode::from_u8(0x03), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "u8", into = "u8"))]
pub struct ReasonCode(u8);

/// Packets that carry reason codes, a bit each: the packet type's, and two more for what only a client sends.
pub(crate) mod carrier {
    pub(crate) const DISCONNECT_BY_CLIENT: u16 = 1 << 0;
    pub(crate) const AUTH_BY_CLIENT: u16 = 1 << 1;
    pub(crate) const CONNACK: u16 = 1 << 2;
    pub(crate) const PUBACK: u16 = 1 << 4;
    pub(crate) const PUBREC: u16 = 1 << 5;
    pub(crate) const PUBREL: u16 = 1 << 6;
    pub(crate) const PUBCOMP: u16 = 1 << 7;
    pub(crate) const SUBACK: u16 = 1 << 9;
    pub(crate) const UNSUBACK: u16 = 1 << 11;
    pub(crate) const DISCONNECT_BY_SERVER: u16 = 1 << 14;
    pub(crate) const AUTH_BY_SERVER: u16 = 1 << 15;
    pub(crate) const DISCONNECT: u16 = DISCONNECT_BY_CLIENT | DISCONNECT_BY_SERVER;
}

/// Codes below 0x80 end at 0x19, codes from 0x80 on at 0xA2: the table holds those two runs.
const SUCCESSES: usize = 0x1A;
const CODES: usize = SUCCESSES + 0x23;

const fn slot(value: u8) -> usize {
    if value < 0x80 { value as usize } else { value as usize - 0x80 + SUCCESSES }
}

impl ReasonCode {
    /// The code of this value, if the standard defines one.
    #[must_use]
    pub const fn from_u8(value: u8) -> Option<Self> {
        if carriers(value) == 0 { None } else { Some(Self(value)) }
    }

    /// The code of this value, if a packet among `by` may carry it.
    #[inline]
    pub(crate) fn carried(value: u8, by: u16) -> Option<Self> {
        let reason = Self(value);
        if reason.fits(by) { Some(reason) } else { None }
    }

    /// Whether a packet among `carriers` may carry this code.
    #[inline]
    pub(crate) fn fits(self, by: u16) -> bool {
        carriers(self.0) & by != 0
    }

    /// The value on the wire.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }

    /// Whether the code tells of a failure, that is, is 0x80 or greater.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 >= 0x80
    }
}

#[inline]
const fn carriers(value: u8) -> u16 {
    if value < 0x80 && value as usize >= SUCCESSES {
        return 0;
    }
    let slot = slot(value);
    #[allow(clippy::indexing_slicing, reason = "checked in the same line; `get` is not const")]
    if slot < CODES { CARRIERS[slot] } else { 0 }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:02X})", self.name(), self.0)
    }
}

impl fmt::Debug for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<ReasonCode> for u8 {
    fn from(reason: ReasonCode) -> Self {
        reason.0
    }
}

impl TryFrom<u8> for ReasonCode {
    type Error = UnknownReason;

    fn try_from(value: u8) -> Result<Self, UnknownReason> {
        Self::from_u8(value).ok_or(UnknownReason)
    }
}

/// A byte that is no reason code of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownReason;

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no reason code of MQTT v5 has this value")
    }
}

impl core::error::Error for UnknownReason {}

macro_rules! reasons {
    ($($value:literal $constant:ident $name:literal $carrier:expr;)+) => {
        impl ReasonCode {
            $(
                #[doc = concat!("`", stringify!($value), "` ", $name, ".")]
                pub const $constant: Self = Self($value);
            )+

            /// The name that the standard gives the code, in English.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($value => $name,)+
                    _ => "unknown",
                }
            }
        }

        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        static CARRIERS: [u16; CODES] = {
            use carrier::*;
            let mut table = [0; CODES];
            $(table[slot($value)] = $carrier;)+
            table
        };
    };
}

reasons! {
    0x00 SUCCESS "Success" CONNACK | PUBACK | PUBREC | PUBREL | PUBCOMP | SUBACK | UNSUBACK | DISCONNECT | AUTH_BY_SERVER;
    0x01 GRANTED_QOS_1 "Granted QoS 1" SUBACK;
    0x02 GRANTED_QOS_2 "Granted QoS 2" SUBACK;
    0x04 DISCONNECT_WITH_WILL_MESSAGE "Disconnect with Will Message" DISCONNECT_BY_CLIENT;
    0x10 NO_MATCHING_SUBSCRIBERS "No matching subscribers" PUBACK | PUBREC;
    0x11 NO_SUBSCRIPTION_EXISTED "No subscription existed" UNSUBACK;
    0x18 CONTINUE_AUTHENTICATION "Continue authentication" AUTH_BY_CLIENT | AUTH_BY_SERVER;
    0x19 RE_AUTHENTICATE "Re-authenticate" AUTH_BY_CLIENT;
    0x80 UNSPECIFIED_ERROR "Unspecified error" CONNACK | PUBACK | PUBREC | SUBACK | UNSUBACK | DISCONNECT;
    0x81 MALFORMED_PACKET "Malformed Packet" CONNACK | DISCONNECT;
    0x82 PROTOCOL_ERROR "Protocol Error" CONNACK | DISCONNECT;
    0x83 IMPLEMENTATION_SPECIFIC_ERROR "Implementation specific error" CONNACK | PUBACK | PUBREC | SUBACK | UNSUBACK | DISCONNECT;
    0x84 UNSUPPORTED_PROTOCOL_VERSION "Unsupported Protocol Version" CONNACK;
    0x85 CLIENT_IDENTIFIER_NOT_VALID "Client Identifier not valid" CONNACK;
    0x86 BAD_USER_NAME_OR_PASSWORD "Bad User Name or Password" CONNACK;
    0x87 NOT_AUTHORIZED "Not authorized" CONNACK | PUBACK | PUBREC | SUBACK | UNSUBACK | DISCONNECT_BY_SERVER;
    0x88 SERVER_UNAVAILABLE "Server unavailable" CONNACK;
    0x89 SERVER_BUSY "Server busy" CONNACK | DISCONNECT_BY_SERVER;
    0x8A BANNED "Banned" CONNACK;
    0x8B SERVER_SHUTTING_DOWN "Server shutting down" DISCONNECT_BY_SERVER;
    0x8C BAD_AUTHENTICATION_METHOD "Bad authentication method" CONNACK | DISCONNECT_BY_SERVER;
    0x8D KEEP_ALIVE_TIMEOUT "Keep Alive timeout" DISCONNECT_BY_SERVER;
    0x8E SESSION_TAKEN_OVER "Session taken over" DISCONNECT_BY_SERVER;
    0x8F TOPIC_FILTER_INVALID "Topic Filter invalid" SUBACK | UNSUBACK | DISCONNECT_BY_SERVER;
    0x90 TOPIC_NAME_INVALID "Topic Name invalid" CONNACK | PUBACK | PUBREC | DISCONNECT;
    0x91 PACKET_IDENTIFIER_IN_USE "Packet Identifier in use" PUBACK | PUBREC | SUBACK | UNSUBACK;
    0x92 PACKET_IDENTIFIER_NOT_FOUND "Packet Identifier not found" PUBREL | PUBCOMP;
    0x93 RECEIVE_MAXIMUM_EXCEEDED "Receive Maximum exceeded" DISCONNECT;
    0x94 TOPIC_ALIAS_INVALID "Topic Alias invalid" DISCONNECT;
    0x95 PACKET_TOO_LARGE "Packet too large" CONNACK | DISCONNECT;
    0x96 MESSAGE_RATE_TOO_HIGH "Message rate too high" DISCONNECT;
    0x97 QUOTA_EXCEEDED "Quota exceeded" CONNACK | PUBACK | PUBREC | SUBACK | DISCONNECT;
    0x98 ADMINISTRATIVE_ACTION "Administrative action" DISCONNECT;
    0x99 PAYLOAD_FORMAT_INVALID "Payload format invalid" CONNACK | PUBACK | PUBREC | DISCONNECT;
    0x9A RETAIN_NOT_SUPPORTED "Retain not supported" CONNACK | DISCONNECT_BY_SERVER;
    0x9B QOS_NOT_SUPPORTED "QoS not supported" CONNACK | DISCONNECT_BY_SERVER;
    0x9C USE_ANOTHER_SERVER "Use another server" CONNACK | DISCONNECT_BY_SERVER;
    0x9D SERVER_MOVED "Server moved" CONNACK | DISCONNECT_BY_SERVER;
    0x9E SHARED_SUBSCRIPTIONS_NOT_SUPPORTED "Shared Subscriptions not supported" SUBACK | DISCONNECT_BY_SERVER;
    0x9F CONNECTION_RATE_EXCEEDED "Connection rate exceeded" CONNACK | DISCONNECT_BY_SERVER;
    0xA0 MAXIMUM_CONNECT_TIME "Maximum connect time" DISCONNECT_BY_SERVER;
    0xA1 SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED "Subscription Identifiers not supported" SUBACK | DISCONNECT_BY_SERVER;
    0xA2 WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED "Wildcard Subscriptions not supported" SUBACK | DISCONNECT_BY_SERVER;
}

impl ReasonCode {
    /// `0x00` Normal disconnection, in DISCONNECT.
    pub const NORMAL_DISCONNECTION: Self = Self::SUCCESS;
    /// `0x00` Granted QoS 0, in SUBACK.
    pub const GRANTED_QOS_0: Self = Self::SUCCESS;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_defines_43_codes() {
        assert_eq!((0..=u8::MAX).filter_map(ReasonCode::from_u8).count(), 43);
        for value in 0..=u8::MAX {
            let known = ReasonCode::from_u8(value);
            assert_eq!(known.is_some(), ReasonCode(value).name() != "unknown", "{value:#04x}");
            assert!(known.is_none_or(|reason| u8::from(reason) == value));
        }
    }

    #[test]
    fn each_packet_carries_as_many_codes_as_its_table_has_rows() {
        let count = |by| (0..=u8::MAX).filter(|&value| ReasonCode(value).fits(by)).count();
        assert_eq!(count(carrier::CONNACK), 22);
        assert_eq!(count(carrier::PUBACK), 9);
        assert_eq!(count(carrier::PUBREC), 9);
        assert_eq!(count(carrier::PUBREL), 2);
        assert_eq!(count(carrier::PUBCOMP), 2);
        assert_eq!(count(carrier::SUBACK), 12);
        assert_eq!(count(carrier::UNSUBACK), 7);
        assert_eq!(count(carrier::DISCONNECT_BY_CLIENT), 14);
        // Section 3.14.2.1 has 28 rows for a server; section 2.4 lists 0x8C Bad authentication method besides.
        assert_eq!(count(carrier::DISCONNECT_BY_SERVER), 28 + 1);
        assert_eq!(count(carrier::AUTH_BY_CLIENT), 2);
        assert_eq!(count(carrier::AUTH_BY_SERVER), 2);
    }
}
