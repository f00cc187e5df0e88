//! What went wrong: on the peer's side ([`Fault`]), on ours ([`Refused`]), and either ([`SessionError`]).

use core::fmt;

use mqtt5_codec::{CodecError, ReasonCode, Rule};

/// Why the session ends the connection: what the peer did wrong, an answer that it did not give in time, or a limit of it with
/// which nobody can work. Transmit what is left, then close it.
///
/// ```
/// # use mqtt5_session::Fault;
/// fn log(fault: Fault) -> String {
///     fault.to_string() // "Protocol Error (0x82): a server sends one CONNACK [MQTT-3.2.0-2]"
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Fault {
    /// The reason, which our DISCONNECT gives where one is sent.
    pub reason: ReasonCode,
    /// The statement that it broke, or that describes what is missing.
    pub rule: Rule,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.rule)?;
        if self.rule == Rule::SESSION_UNKNOWN {
            f.write_str(
                ": connect with Prior::Empty if it is of an earlier run, with Clean Start 1 if it has ended here",
            )?;
        }
        Ok(())
    }
}

impl core::error::Error for Fault {}

/// Why a call was refused. It has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// There is no connection, or the server has not accepted it yet.
    NotConnected,
    /// There is a connection; `handle_close` ends it.
    Connected,
    /// Clean Start is 0, and nothing was said of the past: see [`ConnectOptions::resume`](crate::ConnectOptions::resume).
    Prior,
    /// The connection is being ended.
    Closing,
    /// All packet identifiers are in use: wait for an answer, or take what `poll_lost` names.
    Exchanges {
        /// How many the memory has.
        of: u16,
    },
    /// The packet memory has no `need` bytes in one piece: wait for an answer, or for what is queued to be transmitted.
    Bytes {
        /// The length of the packet, in bytes.
        need: usize,
    },
    /// As many messages are unanswered as the server takes at a time [MQTT-3.3.4-7]: wait for an answer, or let the
    /// message wait.
    ReceiveMaximum,
    /// No message with this identifier waits to be acknowledged.
    Unknown,
    /// A statement of the standard, or a limit that the server stated, forbids it.
    Rule(Rule),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => f.write_str("not connected"),
            Self::Connected => f.write_str("connected already"),
            Self::Prior => {
                f.write_str(
                    "Clean Start is 0, and nothing was said of an earlier session: write \
                     ConnectOptions::resume(client_id, Prior::Empty) if the server may hold one, with Prior::None if it can't",
                )
            }
            Self::Closing => f.write_str("the connection is being ended"),
            Self::Exchanges { of } => write!(f, "{of} of {of} exchanges are in use"),
            Self::Bytes { need } => write!(f, "no room for a packet of {need} bytes"),
            Self::ReceiveMaximum => f.write_str("the server takes no more unanswered messages [MQTT-3.3.4-7]"),
            Self::Unknown => f.write_str("no such message waits to be acknowledged"),
            Self::Rule(rule) => rule.fmt(f),
        }
    }
}

impl core::error::Error for Refused {}

impl From<Rule> for Refused {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}

/// Any error of this crate and of the codec, so that one `?` works from all of them. It prints as the error that it holds.
///
/// ```
/// use mqtt5_session::codec::{Text, Topic};
/// use mqtt5_session::{Client, ConnectOptions, Inbox, Inline, Instant, Publication, SessionError};
/// fn hello(client: &mut Client<Inline<1, 256>>, inbox: &mut Inbox<'_>) -> Result<(), SessionError> {
///     let now = Instant::default();
///     client.connect(&ConnectOptions::new(Text::new("device-7")?), inbox, now)?;
///     client.handle_input(inbox, now)?;
///     client.publish(&Publication::new(Topic::new("hello")?, b""))?;
///     Ok(())
/// }
/// let said = hello(&mut Client::new(Inline::new()), &mut Inbox::new(&mut [0; 64])).unwrap_err();
/// assert_eq!(said.to_string(), "not connected");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum SessionError {
    /// A call was refused, and has changed nothing.
    Refused(Refused),
    /// The session ends the connection.
    Fault(Fault),
    /// A value or a packet is not what the standard allows.
    Codec(CodecError),
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
            Self::Codec(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(match self {
            Self::Refused(refused) => refused,
            Self::Fault(fault) => fault,
            Self::Codec(error) => error,
        })
    }
}

impl From<Refused> for SessionError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Fault> for SessionError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<E: Into<CodecError>> From<E> for SessionError {
    fn from(error: E) -> Self {
        Self::Codec(error.into())
    }
}
