//! What went wrong on the way to a server or on a connection: at which step, where, and why.

use core::fmt;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use mqtt5_codec::{Property, ReasonCode};
use mqtt5_session::{Fault, Refused};

use crate::address::AddressError;

/// Why there is no connection, or no longer one. One sentence: the step, the place, the cause.
///
/// ```
/// use mqtt5_host::{Cause, HostError, Step};
/// let error = HostError::new(Step::Open, "127.0.0.1:1883", Cause::TimedOut(core::time::Duration::from_secs(5)));
/// assert_eq!(error.to_string(), "opening a connection to 127.0.0.1:1883: no answer within 5s");
/// ```
#[derive(Clone, Debug)]
pub struct HostError {
    /// What was being done.
    pub step: Step,
    /// With whom; no user name, no password.
    pub place: Arc<str>,
    /// What became of it.
    pub cause: Cause,
}

/// What a host does for a connection, step by step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Reading what it was told.
    #[default]
    Configure,
    /// Asking for credentials.
    Credentials,
    /// Looking up a name.
    LookUp,
    /// Opening a connection of the operating system.
    Open,
    /// The TLS handshake.
    Tls,
    /// The WebSocket handshake.
    WebSocket,
    /// CONNECT, authentication, CONNACK.
    Connect,
    /// Exchanging packets once connected.
    Exchange,
    /// Saying goodbye.
    Close,
}

impl Step {
    const fn words(self) -> &'static str {
        match self {
            Self::Configure => "configuring a connection to",
            Self::Credentials => "asking for credentials for",
            Self::LookUp => "looking up",
            Self::Open => "opening a connection to",
            Self::Tls => "TLS handshake with",
            Self::WebSocket => "WebSocket handshake with",
            Self::Connect => "MQTT connection to",
            Self::Exchange => "MQTT exchange with",
            Self::Close => "taking leave of",
        }
    }
}

/// What became of a step.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The URL can't be read.
    #[error("{0}")]
    Address(#[source] AddressError),
    /// The operating system's answer.
    #[error("{0}")]
    Io(#[source] Arc<io::Error>),
    /// What rustls says, of a certificate for example.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    /// It took longer than it may.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// A name without an address.
    #[error("the name has no address")]
    NoAddress,
    /// An HTTP answer that is not the upgrade to WebSocket.
    #[error("HTTP status {0} instead of the upgrade to WebSocket")]
    Http(u16),
    /// Anything else that WebSocket does not allow.
    #[error("{0}")]
    WebSocket(Arc<str>),
    /// The other side speaks another protocol.
    #[error("{0}")]
    WrongProtocol(&'static str),
    /// CONNACK refuses.
    #[error("the server refuses: {0}")]
    Rejected(Notice),
    /// DISCONNECT of the server.
    #[error("the server disconnected: {0}")]
    Disconnected(Notice),
    /// The server closed the connection without a word.
    #[error("the server closed the connection")]
    Closed,
    /// Nothing came from the server for so long, though it was asked.
    #[error("nothing came from the server for {0:?}")]
    Silent(Duration),
    /// Messages waited to be taken, and none was for so long.
    #[error("none of the messages that wait was taken for {0:?}")]
    Unread(Duration),
    /// The server took no byte for so long.
    #[error("the server took no byte for {0:?}")]
    Stalled(Duration),
    /// The server broke the standard, or did not answer.
    #[error("{0}")]
    Fault(#[source] Fault),
    /// The session refuses what it was asked: an option does not fit.
    #[error("{0}")]
    Refused(#[source] Refused),
    /// The application's own answer when it was asked for something.
    #[error("{0}")]
    Application(#[source] Arc<dyn core::error::Error + Send + Sync>),
    /// This build or this operating system can't.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The application closed the client.
    #[error("the client is closed")]
    Stopped,
    /// What ran the client is gone before its end: a task that was aborted or a thread that panicked.
    #[error("what runs the client is gone")]
    Abandoned,
    /// The client was closed, and its deadline passed while so many messages had no answer.
    #[error("{0} messages were not acknowledged in time")]
    Unacknowledged(usize),
}

/// What the server says when it ends a connection, or does not begin one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// The reason code.
    pub reason: ReasonCode,
    /// The Reason String.
    pub explanation: Option<Arc<str>>,
    /// The Server Reference: where to go instead.
    pub reference: Option<Arc<str>>,
}

impl Notice {
    /// What stands in a CONNACK or a DISCONNECT.
    pub fn new<'p>(reason: ReasonCode, properties: impl IntoIterator<Item = Property<'p>>) -> Self {
        let mut notice = Self { reason, explanation: None, reference: None };
        for property in properties {
            match property {
                Property::ReasonString(text) => notice.explanation = Some(text.as_str().into()),
                Property::ServerReference(text) => notice.reference = Some(text.as_str().into()),
                _ => {}
            }
        }
        notice
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:02X})", self.reason.name(), self.reason.value())?;
        if let Some(explanation) = &self.explanation {
            write!(f, ", {explanation:?}")?;
        }
        if let Some(reference) = &self.reference {
            write!(f, ", use {reference:?}")?;
        }
        Ok(())
    }
}

impl HostError {
    /// An error of this step.
    pub fn new(step: Step, place: impl fmt::Display, cause: impl Into<Cause>) -> Self {
        Self { step, place: place.to_string().into(), cause: cause.into() }
    }

    /// The reason code that the server gave, if it gave one.
    #[must_use]
    pub const fn reason(&self) -> Option<ReasonCode> {
        match &self.cause {
            Cause::Rejected(notice) | Cause::Disconnected(notice) => Some(notice.reason),
            _ => None,
        }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.step.words(), self.place, self.cause)
    }
}

impl core::error::Error for HostError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.cause)
    }
}

impl From<io::Error> for Cause {
    /// What lies in the error, where that says more.
    fn from(error: io::Error) -> Self {
        #[cfg(feature = "tls")]
        if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return inner.clone().into();
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io(Arc::new(error)),
        }
    }
}

#[cfg(feature = "tls")]
impl From<rustls::Error> for Cause {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidMessage(_) => Self::WrongProtocol("what answers there does not speak TLS"),
            error => Self::Tls(error.into()),
        }
    }
}

impl From<AddressError> for Cause {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

impl From<Fault> for Cause {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refused> for Cause {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// What the first bytes from a server show when they are no MQTT: TLS where none was expected, or HTTP.
#[must_use]
pub fn wrong_protocol(first: &[u8]) -> Option<Cause> {
    match first {
        [0x15 | 0x16, 3, ..] => Some(Cause::WrongProtocol("the server speaks TLS there: mqtts:// or wss:// is wanted")),
        [b'H', b'T', b'T', b'P', ..] => {
            Some(Cause::WrongProtocol("the server speaks HTTP there: ws:// or wss:// is wanted"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtt5_codec::Text;

    #[test]
    fn an_error_names_step_place_and_cause() {
        let properties = [Property::ReasonString(Text::new("ask ops").unwrap())];
        let cause = Cause::Rejected(Notice::new(ReasonCode::BANNED, properties));
        let error = HostError::new(Step::Connect, "mqtt://broker:1883", cause);
        assert_eq!(
            error.to_string(),
            "MQTT connection to mqtt://broker:1883: the server refuses: Banned (0x8A), \"ask ops\""
        );
        assert_eq!(error.reason(), Some(ReasonCode::BANNED));
    }

    #[test]
    fn a_server_reference_is_told() {
        let properties = [Property::ServerReference(Text::new("b:1").unwrap())];
        let notice = Notice::new(ReasonCode::SERVER_MOVED, properties);
        assert_eq!(notice.to_string(), "Server moved (0x9D), use \"b:1\"");
    }

    #[test]
    fn other_protocols_are_known_by_their_first_bytes() {
        assert!(wrong_protocol(&[0x15, 3, 1, 0, 2, 2, 70]).is_some());
        assert!(wrong_protocol(b"HTTP/1.1 400 Bad Request").is_some());
        assert!(wrong_protocol(&[0x20, 3, 0, 0, 0]).is_none());
        assert!(wrong_protocol(b"").is_none());
    }

    #[cfg(feature = "tls")]
    #[test]
    fn what_tls_found_is_told_without_its_wrapping() {
        let inner = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let error = HostError::new(Step::Tls, "h:1", io::Error::new(io::ErrorKind::InvalidData, inner));
        assert_eq!(error.to_string(), "TLS handshake with h:1: invalid peer certificate: Expired");
    }
}
