//! What can go wrong: a peer's packet that may not be ([`Error`]), a packet of ours that may not ([`EncodeError`]), and any
//! error of this crate ([`CodecError`]).

use core::{error, fmt};

use crate::{ReasonCode, Rule, UnknownReason, sink::Full};

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
        write!(f, "{reason} at byte {at}: {rule}")
    }
}

impl error::Error for Error {}

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
            Self::Refused(rule) => write!(f, "refused to encode: {rule}"),
        }
    }
}

impl error::Error for EncodeError {}

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

/// A number that stands for no value of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number is out of the range that MQTT v5 defines")
    }
}

impl error::Error for OutOfRange {}

/// Any error of this crate, so that one `?` serves a function that decodes, builds and encodes packets.
///
/// It prints as the error that it holds, which is also its [`source`](error::Error::source).
///
/// ```
/// use mqtt5_codec::{CodecError, Decoder, PacketId, QoS, ReasonCode, Sender, Text};
/// fn all(bytes: &[u8]) -> Result<(), CodecError> {
///     Decoder::new(Sender::Server).decode(bytes)?;
///     Text::new("text")?;
///     PacketId::try_from(7)?;
///     QoS::try_from(1)?;
///     ReasonCode::try_from(0x10)?;
///     Ok(())
/// }
/// assert!(matches!(all(&[0x36, 0]), Err(CodecError::Decode(_))));
/// assert_eq!(all(&[0xD0, 0]), Ok(()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// A packet that the standard forbids has come.
    Decode(Error),
    /// A packet could not be encoded.
    Encode(EncodeError),
    /// A string, a topic name, a filter or an options byte that the standard forbids.
    Rule(Rule),
    /// A number that stands for no value of its type.
    OutOfRange(OutOfRange),
    /// A byte that is no reason code.
    UnknownReason(UnknownReason),
}

impl CodecError {
    fn inner(&self) -> &(dyn error::Error + 'static) {
        match self {
            Self::Decode(error) => error,
            Self::Encode(error) => error,
            Self::Rule(error) => error,
            Self::OutOfRange(error) => error,
            Self::UnknownReason(error) => error,
        }
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.inner(), f)
    }
}

impl error::Error for CodecError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(self.inner())
    }
}

macro_rules! from {
    ($($error:ident => $variant:ident;)+) => {$(
        impl From<$error> for CodecError {
            fn from(error: $error) -> Self {
                Self::$variant(error.into())
            }
        }
    )+};
}

from! {
    Error => Decode;
    EncodeError => Encode;
    Full => Encode;
    Rule => Rule;
    OutOfRange => OutOfRange;
    UnknownReason => UnknownReason;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{QoS, Text, Topic};
    use std::boxed::Box;
    use std::string::ToString;

    #[test]
    fn one_question_mark_serves_every_error_of_the_crate() {
        fn any(which: u8) -> Result<(), CodecError> {
            let error = Error { reason: ReasonCode::MALFORMED_PACKET, rule: Rule::PUBLISH_QOS, at: 0 };
            match which {
                0 => Err(error)?,
                1 => Err(EncodeError::Full { need: 9 })?,
                2 => Err(Full { need: 9 })?,
                3 => drop(Topic::new("#")?),
                4 => drop(QoS::try_from(3)?),
                5 => drop(ReasonCode::try_from(3)?),
                _ => {}
            }
            Ok(())
        }
        fn boxed(which: u8) -> Result<(), Box<dyn error::Error>> {
            match which {
                0 => drop(crate::Decoder::new(crate::Sender::Server).decode(&[0x36])?),
                1 => drop(crate::Packet::PingReq.encode(crate::Sender::Client, &mut [0; 1])?),
                2 => Err(Full { need: 9 })?,
                3 => drop(Text::try_from("\0")?),
                4 => drop(QoS::try_from(3)?),
                5 => drop(ReasonCode::try_from(3)?),
                _ => any(0)?,
            }
            Ok(())
        }
        for which in 0..6 {
            let error = any(which).unwrap_err();
            assert_eq!(error.to_string(), error::Error::source(&error).unwrap().to_string());
            assert!(boxed(which).is_err());
        }
        assert!(any(6).is_ok() && boxed(6).is_err());
    }

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
