//! The statements of the MQTT v5 standard that this stack enforces, in one table.
//!
//! A row is a constant, the statement's identifier as the standard prints it, and our sentence for it. Codec and
//! session name rows where they see a violation; nothing else in the stack spells an identifier.

use core::fmt;

/// One statement of the MQTT v5 standard, two bytes large.
///
/// [`Display`](fmt::Display) prints what it asks for and its identifier in brackets: `[MQTT-3.3.1-4]` for a numbered
/// statement, `[MQTT 3.1.2.11.3]` for a rule that a section states without a number. It is an error by itself: what a
/// constructor such as [`Text::new`](crate::Text::new) refuses breaks this rule.
///
/// ```
/// use mqtt5_codec::Rule;
/// assert_eq!(Rule::PUBLISH_QOS.to_string(), "a PUBLISH does not have both QoS bits set [MQTT-3.3.1-4]");
/// assert_eq!(Rule::PUBLISH_QOS.id(), "MQTT-3.3.1-4");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule(u16);

/// Set in a rule that a property's own section states; the rest is the place and the property's identifier.
const OF_PROPERTY: u16 = 0x8000;

impl Rule {
    /// The section that describes property `id` in packet `place`.
    pub(crate) const fn of_property(place: u8, id: u8) -> Self {
        Self(OF_PROPERTY | (place as u16) << 8 | id as u16)
    }

    /// The identifier of a row, or the place and the identifier of the property whose section states the rule.
    pub(crate) fn row(self) -> Result<&'static str, [u8; 2]> {
        if self.0 & OF_PROPERTY == 0 {
            return Ok(ROWS.get(usize::from(self.0)).map_or("MQTT", |row| row.0));
        }
        Err((self.0 & !OF_PROPERTY).to_be_bytes())
    }

    /// What the statement asks for, as one sentence of ours.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        if self.0 & OF_PROPERTY == 0 {
            return ROWS.get(usize::from(self.0)).map_or("", |row| row.1);
        }
        "a property stands at most once in a packet, with a value that its section allows"
    }

    /// Every numbered or sectioned rule of the table, for tools that list them. Property sections are not in it.
    pub fn all() -> impl Iterator<Item = Self> {
        (0u16..).zip(ROWS).map(|(index, _)| Self(index))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.meaning(), self.id())
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl core::error::Error for Rule {}

#[cfg(feature = "serde")]
impl serde::Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

macro_rules! rules {
    ($($name:ident = $id:literal, $meaning:literal;)+) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "one name serves row and constant")]
        #[repr(u16)]
        enum Row { $($name),+ }

        impl Rule {
            $(
                #[doc = concat!("`[", $id, "]`: ", $meaning, ".")]
                pub const $name: Self = Self(Row::$name as u16);
            )+
        }

        static ROWS: &[(&str, &str)] = &[$(($id, $meaning)),+];
    };
}

rules! {
    // Data representation
    STRING_UTF8 = "MQTT-1.5.4-1", "a string is well-formed UTF-8 without surrogates";
    STRING_NUL = "MQTT-1.5.4-2", "a string holds no U+0000";
    STRING_CHARACTERS = "MQTT 1.5.4", "a string should hold no control characters and no non-characters";
    STRING_LENGTH = "MQTT 1.5.4", "a string is at most 65,535 bytes long";
    BINARY_LENGTH = "MQTT 1.5.6", "binary data is at most 65,535 bytes long";
    VARINT_MINIMAL = "MQTT-1.5.5-1", "a variable byte integer uses the fewest bytes that hold it";
    VARINT_LENGTH = "MQTT 1.5.5", "a variable byte integer is at most four bytes long";

    // Control packet format
    PACKET_TYPE = "MQTT 2.1.2", "the packet type exists and flows in this direction";
    RESERVED_FLAGS = "MQTT-2.1.3-1", "reserved flags of the fixed header hold the tabled value";
    REMAINING_LENGTH = "MQTT 2.1.4", "the remaining length covers the packet's fields exactly";
    PACKET_ID_CLIENT = "MQTT-2.2.1-3", "a client's packet identifier is not zero";
    PACKET_ID_SERVER = "MQTT-2.2.1-4", "a server's packet identifier is not zero";
    PACKET_ID_ACK = "MQTT-2.2.1-5", "an acknowledgement repeats the PUBLISH's packet identifier";
    PACKET_ID_SUBACK = "MQTT-2.2.1-6", "SUBACK and UNSUBACK repeat the request's packet identifier";
    PROPERTY_LENGTH_MISSING = "MQTT-2.2.2-1", "a packet without properties says so with a property length of zero";
    PROPERTY_LENGTH = "MQTT 2.2.2.1", "the property length covers the properties exactly";
    PROPERTY_ID = "MQTT 2.2.2.2", "a property is known and belongs to this packet type";

    // CONNECT
    PROTOCOL_NAME = "MQTT-3.1.2-1", "the protocol name is MQTT";
    PROTOCOL_VERSION = "MQTT-3.1.2-2", "the protocol version is 5";
    CONNECT_RESERVED_FLAG = "MQTT-3.1.2-3", "the reserved connect flag is zero";
    WILL_FIELDS = "MQTT-3.1.2-9", "a will has its properties, topic and payload";
    WILL_QOS_WITHOUT_WILL = "MQTT-3.1.2-11", "without a will its QoS is zero";
    WILL_QOS = "MQTT-3.1.2-12", "a will's QoS is 0, 1 or 2";
    WILL_RETAIN_WITHOUT_WILL = "MQTT-3.1.2-13", "without a will its retain flag is zero";
    USER_NAME_ABSENT = "MQTT-3.1.2-16", "no user name follows when its flag is zero";
    USER_NAME_PRESENT = "MQTT-3.1.2-17", "a user name follows when its flag is one";
    PASSWORD_ABSENT = "MQTT-3.1.2-18", "no password follows when its flag is zero";
    PASSWORD_PRESENT = "MQTT-3.1.2-19", "a password follows when its flag is one";
    CONNECT_AUTHENTICATION_DATA = "MQTT 3.1.2.11.10", "authentication data comes with an authentication method";
    CLIENT_ID_PRESENT = "MQTT-3.1.3-3", "the client identifier is the first field of the payload";

    // CONNACK
    CONNACK_FLAGS = "MQTT-3.2.2-1", "bits 7 to 1 of the connect acknowledge flags are zero";
    CONNACK_SESSION_PRESENT = "MQTT-3.2.2-6", "a refusing CONNACK has session present zero";
    CONNACK_REASON = "MQTT-3.2.2-8", "CONNACK carries one of its reason codes";
    CONNACK_AUTHENTICATION_DATA = "MQTT 3.2.2.3.18", "authentication data comes with an authentication method";

    // PUBLISH
    PUBLISH_DUP = "MQTT-3.3.1-2", "a QoS 0 PUBLISH is not marked as a duplicate";
    PUBLISH_QOS = "MQTT-3.3.1-4", "a PUBLISH does not have both QoS bits set";
    TOPIC_WILDCARD = "MQTT-3.3.2-2", "the topic name of a PUBLISH has no wildcards";
    TOPIC_MISSING = "MQTT 3.3.2.1", "an empty topic name comes with a topic alias";
    TOPIC_ALIAS_LISTED = "MQTT 3.3.2.3.4", "a topic alias among the properties is the alias of the topic";
    TOPIC_ALIAS_ZERO = "MQTT-3.3.2-8", "a topic alias is not zero";
    RESPONSE_TOPIC_WILDCARD = "MQTT-3.3.2-14", "the response topic has no wildcards";
    PAYLOAD_FORMAT = "MQTT 3.3.2.3.2", "a payload that is said to be UTF-8 is UTF-8";
    WILL_PAYLOAD_FORMAT = "MQTT 3.1.3.2.3", "a will payload that is said to be UTF-8 is UTF-8";
    SUBSCRIPTION_ID_FROM_CLIENT = "MQTT-3.3.4-6", "a client's PUBLISH has no subscription identifier";

    // Acknowledgements
    PUBACK_REASON = "MQTT-3.4.2-1", "PUBACK carries one of its reason codes";
    PUBREC_REASON = "MQTT-3.5.2-1", "PUBREC carries one of its reason codes";
    PUBREL_FLAGS = "MQTT-3.6.1-1", "the flags of PUBREL are 0010";
    PUBREL_REASON = "MQTT-3.6.2-1", "PUBREL carries one of its reason codes";
    PUBCOMP_REASON = "MQTT-3.7.2-1", "PUBCOMP carries one of its reason codes";

    // SUBSCRIBE to UNSUBACK
    SUBSCRIBE_FLAGS = "MQTT-3.8.1-1", "the flags of SUBSCRIBE are 0010";
    SUBSCRIBE_EMPTY = "MQTT-3.8.3-2", "SUBSCRIBE has at least one topic filter";
    NO_LOCAL_SHARED = "MQTT-3.8.3-4", "a shared subscription does not ask for No Local";
    SUBSCRIPTION_RESERVED = "MQTT-3.8.3-5", "the reserved bits of the subscription options are zero";
    SUBSCRIPTION_OPTIONS = "MQTT 3.8.3.1", "subscription options have QoS 0 to 2 and retain handling 0 to 2";
    SUBACK_COUNT = "MQTT-3.8.4-6", "SUBACK has one reason code for each topic filter";
    SUBACK_REASON = "MQTT-3.9.3-2", "SUBACK carries its reason codes";
    UNSUBSCRIBE_FLAGS = "MQTT-3.10.1-1", "the flags of UNSUBSCRIBE are 0010";
    UNSUBSCRIBE_EMPTY = "MQTT-3.10.3-2", "UNSUBSCRIBE has at least one topic filter";
    UNSUBACK_COUNT = "MQTT-3.11.3-1", "UNSUBACK has one reason code for each topic filter, in their order";
    UNSUBACK_REASON = "MQTT-3.11.3-2", "UNSUBACK carries its reason codes";

    // DISCONNECT and AUTH
    DISCONNECT_FLAGS = "MQTT-3.14.1-1", "the flags of DISCONNECT are zero";
    DISCONNECT_REASON = "MQTT-3.14.2-1", "DISCONNECT carries one of the sender's reason codes";
    SESSION_EXPIRY_FROM_SERVER = "MQTT-3.14.2-2", "a server's DISCONNECT has no session expiry interval";
    AUTH_FLAGS = "MQTT-3.15.1-1", "the flags of AUTH are zero";
    AUTH_REASON = "MQTT-3.15.2-1", "AUTH carries one of the sender's reason codes";
    AUTH_METHOD = "MQTT 3.15.2.2.2", "AUTH has an authentication method";

    // Topics
    TOPIC_NAME_WILDCARD = "MQTT-4.7.0-1", "a topic name has no wildcards";
    MULTI_LEVEL_WILDCARD = "MQTT-4.7.1-1", "the multi-level wildcard is the whole last level of a filter";
    SINGLE_LEVEL_WILDCARD = "MQTT-4.7.1-2", "the single-level wildcard is a whole level of a filter";
    TOPIC_EMPTY = "MQTT-4.7.3-1", "topic names and filters have at least one character";
    SHARE_NAME = "MQTT-4.8.2-1", "a shared subscription has a share name of at least one character";
    SHARE_FILTER = "MQTT-4.8.2-2", "a share name has no wildcard and is followed by a slash and a topic filter";

    // Limits of a connection
    MAXIMUM_PACKET_SIZE = "MQTT-3.1.2-24", "a packet is no larger than the receiver's maximum packet size";
    SERVER_MAXIMUM_PACKET_SIZE = "MQTT-3.2.2-15", "a client's packets are no larger than the server's maximum packet size";
    SERVER_PACKET_SIZE_TOO_SMALL = "MQTT 3.2.2.3.6", "a server takes packets of 5 bytes, such as an acknowledgement with a reason";
    SERVER_MAXIMUM_QOS = "MQTT-3.2.2-11", "a client publishes at no QoS above the server's maximum";
    RETAIN_UNAVAILABLE = "MQTT-3.2.2-14", "a client sends no retained message to a server without retained messages";
    SERVER_TOPIC_ALIAS_MAXIMUM = "MQTT-3.2.2-17", "a client's topic alias is within the server's topic alias maximum";
    TOPIC_ALIAS_MAXIMUM = "MQTT-3.3.2-11", "a server's topic alias is within the client's topic alias maximum";
    TOPIC_ALIAS_UNKNOWN = "MQTT 3.3.2.3.4", "a topic alias without a topic name has been set on this connection";
    TOPIC_ALIAS_ACCEPTED = "MQTT-3.3.2-10", "a client has room for the topic of every alias that it allows";
    TOPIC_ALIAS_OF_LINK = "MQTT-3.3.2-7", "topic aliases end with the connection, so a PUBLISH that may be sent again has none";
    RECEIVE_MAXIMUM = "MQTT-3.3.4-9", "a server has no more unanswered PUBLISH packets than the client's receive maximum";
    WILDCARDS_UNAVAILABLE = "MQTT 3.2.2.3.11", "no wildcard subscription goes to a server without them";
    SUBSCRIPTION_IDS_UNAVAILABLE = "MQTT 3.2.2.3.12", "no subscription identifier goes to a server without them";
    SHARED_UNAVAILABLE = "MQTT 3.2.2.3.13", "no shared subscription goes to a server without them";

    // Connection and session
    CONNACK_FIRST = "MQTT-3.2.0-1", "the server's first packet is CONNACK, or AUTH if the client named a method";
    CONNACK_ONCE = "MQTT-3.2.0-2", "a server sends one CONNACK";
    CONNACK_MISSED = "MQTT 3.2", "a server answers CONNECT in time";
    PINGRESP_MISSED = "MQTT 3.1.2.10", "a server answers PINGREQ in time";
    CLIENT_ID_OF_SESSION = "MQTT-3.1.3-2", "a session belongs to one client identifier";
    CLIENT_ID_ASSIGNED = "MQTT-3.2.2-16", "a server assigns an identifier to a client that has none";
    SESSION_AFTER_CLEAN_START = "MQTT-3.2.2-2", "no session is present after a clean start";
    SESSION_UNKNOWN = "MQTT-3.2.2-4", "a client without a session closes a connection on which the server has one";
    RESPONSE_INFORMATION = "MQTT-3.1.2-28", "a server sends response information only where asked for";
    PROBLEM_INFORMATION = "MQTT-3.1.2-29", "a server explains problems only where asked for";
    DISCONNECT_EARLY = "MQTT-3.14.0-1", "a server sends no DISCONNECT before its CONNACK";
    SESSION_EXPIRY_RAISED = "MQTT 3.14.2.2.2", "DISCONNECT does not set a session expiry where CONNECT had none";

    // Exchanges
    SERVER_ID_IN_USE = "MQTT-2.2.1-4", "a server's new PUBLISH has an identifier that is not in use";
    ANSWER_BY_QOS = "MQTT-3.3.4-1", "the QoS of a PUBLISH decides which packets answer it";
    PUBREC_TAKEN_BACK = "MQTT-4.3.3-8", "a receiver that has accepted a message does not refuse it afterwards";
    PUBREL_UNASKED = "MQTT 4.3.3", "PUBREL answers PUBREC";

    // Enhanced authentication
    AUTH_CONTINUES = "MQTT-4.12.0-2", "a server's AUTH before CONNACK continues the authentication";
    AUTH_ANSWERS = "MQTT-4.12.0-3", "a client's AUTH answers a server's and continues the authentication";
    AUTH_SAME_METHOD = "MQTT-4.12.0-5", "every AUTH and the accepting CONNACK have the authentication method of CONNECT";
    AUTH_UNASKED = "MQTT-4.12.0-6", "a server authenticates only where CONNECT named a method";
    AUTH_TURN = "MQTT 4.12", "client and server take turns in sending AUTH";
    AUTH_WITHOUT_METHOD = "MQTT-4.12.0-7", "a client that named no method sends no AUTH";
    REAUTHENTICATION = "MQTT-4.12.1-1", "an authenticated client begins again once it is connected";
    REAUTHENTICATION_BY_SERVER = "MQTT 4.12.1", "only a client begins an authentication anew";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_rule_prints_its_meaning_and_its_identifier() {
        assert_eq!(Rule::TOPIC_EMPTY.to_string(), "topic names and filters have at least one character [MQTT-4.7.3-1]");
        assert!(Rule::PACKET_TYPE.to_string().ends_with(" [MQTT 2.1.2]"));
        assert!(Rule::of_property(1, 0x21).to_string().ends_with(" [MQTT 3.1.2.11.3]"));
        assert!(Rule::of_property(14, 0x1F).to_string().ends_with(" [MQTT 3.14.2.2.3]"));
    }

    #[test]
    fn every_row_has_an_identifier_and_a_sentence() {
        for rule in Rule::all() {
            assert!(rule.id().starts_with("MQTT"), "{rule}");
            assert!(!rule.meaning().is_empty(), "{rule}");
        }
    }
}
