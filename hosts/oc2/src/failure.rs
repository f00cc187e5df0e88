//! Why the job failed, in one line: who, at which step, with whom, and what went wrong.

use core::fmt;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use mqtt5_codec::{Properties, ReasonCode};

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Start,
    Connect,
    Tls,
    Connack,
    Suback,
    Work,
    Goodbye,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "starting",
            Self::Connect => "connecting to",
            Self::Tls => "TLS handshake with",
            Self::Connack => "waiting for CONNACK from",
            Self::Suback => "waiting for SUBACK from",
            Self::Work => "exchanging messages through",
            Self::Goodbye => "disconnecting from",
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{who}, {step} {place}: {cause}")]
pub(crate) struct Failure {
    pub(crate) who: Arc<str>,
    pub(crate) step: Step,
    /// The broker, as it was named.
    pub(crate) place: Arc<str>,
    pub(crate) cause: Cause,
}

impl Failure {
    pub(crate) fn is_interruption(&self) -> bool {
        matches!(self.cause, Cause::Interrupted)
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error(transparent)]
    Host(#[from] mqtt5_blocking::Error),
    #[error("{0}")]
    Tls(String),
    #[error("no answer within {} s", .0.as_secs_f64())]
    Silent(Duration),
    #[error("the broker refused: {0}")]
    Rejected(Said),
    #[error("the broker ended the connection: {0}")]
    Disconnected(Said),
    #[error("the broker refused the subscription to {filter}: {reason}")]
    Subscription { filter: String, reason: ReasonCode },
    #[error("the broker refused a message: {0}")]
    Publish(Said),
    #[error("not sent: {0}")]
    Refused(#[from] mqtt5_session::Refused),
    #[error("no topic: {0}")]
    Topic(#[from] openc2_mqtt::transfer::TopicError),
    #[error("{missing} of {expected} expected responses are missing")]
    Missing { missing: usize, expected: usize },
    #[error("{wrong} of {expected} responses are not the expected ones")]
    Unexpected { wrong: usize, expected: usize },
    #[error("{0}")]
    Invalid(String),
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    #[error("not sent: {0}")]
    Request(#[from] openc2_mqtt::producer::ProducerRefused),
    #[error("not answered: {0}")]
    Response(#[from] openc2_mqtt::consumer::ConsumerRefused),
    #[error(transparent)]
    Broker(#[from] crate::broker::Error),
    #[error("{}: {why}", .file.display())]
    File { file: PathBuf, why: std::io::Error },
    #[error("no handler for Ctrl-C: {0}")]
    Signal(#[from] ctrlc::Error),
    #[error("interrupted")]
    Interrupted,
}

/// A reason code, and the words that came with it.
#[derive(Debug)]
pub(crate) struct Said {
    reason: ReasonCode,
    words: Option<String>,
}

impl Said {
    pub(crate) fn new(reason: ReasonCode, properties: &Properties<'_>) -> Self {
        let words = properties.reason_string().map(|words| words.as_str().escape_debug().to_string());
        Self { reason, words }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        self.words.iter().try_for_each(|words| write!(f, ", \"{words}\""))
    }
}
