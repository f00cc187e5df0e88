//! What can go wrong: a peer's packet that may not be ([`Error`]), and a packet of ours that may not ([`EncodeError`]).

use core::fmt;

use crate::{ReasonCode, Rule, sink::Full};

/// A packet that the standard forbids: which reason code answers it, which statement it breaks, and where.
///
/// ```
/// use mqtt5_codec::{Decoder, ReasonCode, Rule, Sender};
/// // A PUBLISH whose two QoS bits are both set.
/// let error = Decoder::new(Sender::Server).decode(&[0x36, 0x00]).unwrap_err();
/// assert_eq!(error.reason, ReasonCode::MALFORMED_PACKET);
/// assert_eq!(error.rule, Rule::PUBLISH_QOS);
/// assert_eq!(error.at, 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Error {
    /// What a receiver answers in DISCONNECT, or a server in CONNACK.
    pub reason: ReasonCode,
    /// The statement that the packet breaks.
    pub rule: Rule,
    /// The offset of the offending byte, in bytes from the first byte of the packet's fixed header.
    pub at: usize,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, rule, at } = self;
        write!(f, "{} (0x{:02X}) at byte {at}: {} {rule}", reason.name(), reason.value(), rule.meaning())
    }
}

impl core::error::Error for Error {}

/// A packet that could not be encoded. Nothing of it has been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeError {
    /// The sink has no room for the packet, which is `need` bytes long.
    Full {
        /// The length of the whole packet, in bytes.
        need: usize,
    },
    /// The packet breaks this statement and may not be sent.
    Refused(Rule),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { need } => write!(f, "no room for a packet of {need} bytes"),
            Self::Refused(rule) => write!(f, "refused to encode: {} {rule}", rule.meaning()),
        }
    }
}

impl core::error::Error for EncodeError {}

impl From<Rule> for EncodeError {
    fn from(rule: Rule) -> Self {
        Self::Refused(rule)
    }
}

impl From<Full> for EncodeError {
    fn from(full: Full) -> Self {
        Self::Full { need: full.need }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn an_error_prints_as_a_sentence() {
        let error = Error { reason: ReasonCode::MALFORMED_PACKET, rule: Rule::PUBLISH_QOS, at: 0 };
        assert_eq!(
            error.to_string(),
            "Malformed Packet (0x81) at byte 0: a PUBLISH does not have both QoS bits set [MQTT-3.3.1-4]"
        );
        assert_eq!(
            EncodeError::Refused(Rule::TOPIC_EMPTY).to_string(),
            "refused to encode: topic names and filters have at least one character [MQTT-4.7.3-1]"
        );
        assert_eq!(EncodeError::Full { need: 9 }.to_string(), "no room for a packet of 9 bytes");
    }
}
