//! Why a [`Serve`](super::Serve) or a [`Call`](super::Call) could not go on.

use core::fmt;

use mqtt5_codec::ReasonCode;
use mqtt5_session::Refused;

use crate::consumer::ConsumerRefused;
use crate::encoding::error::Error;
use crate::producer::ProducerRefused;
use crate::transfer::TopicError;

/// Why a Consumer or a Producer on a session could not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// The Consumer refuses: mostly, the buffer is too small for a response.
    Consumer(ConsumerRefused),
    /// The Producer refuses.
    Producer(ProducerRefused),
    /// There is no topic for a channel, or the buffer is too small for the topics of one SUBSCRIBE.
    Topic(TopicError),
    /// The session refuses to publish or to subscribe: mostly, its memory is full.
    Session(Refused),
    /// The server doesn't grant a subscription, or only at QoS 0.
    Subscription {
        /// Which of the channels, counted from 0.
        index: u16,
        /// What the server answered.
        reason: ReasonCode,
    },
    /// An answer breaks the language, so what it says is not known.
    Answer(Error),
    /// The subscriptions are not granted yet, so responses would be missed: wait for [`Called::Ready`](super::Called::Ready).
    NotReady,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consumer(refused) => refused.fmt(f),
            Self::Producer(refused) => refused.fmt(f),
            Self::Topic(error) => error.fmt(f),
            Self::Session(refused) => refused.fmt(f),
            Self::Subscription { index, reason } if *reason == ReasonCode::GRANTED_QOS_0 => {
                write!(f, "the server grants subscription {index} at QoS 0 only")
            }
            Self::Subscription { index, reason } => {
                write!(f, "the server answers subscription {index} with {} (0x{:02X})", reason.name(), reason.value())
            }
            Self::Answer(error) => write!(f, "the answer breaks the language: {error}"),
            Self::NotReady => f.write_str("the subscriptions are not granted yet"),
        }
    }
}

impl core::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Consumer(refused) => Some(refused),
            Self::Producer(refused) => Some(refused),
            Self::Topic(error) => Some(error),
            Self::Session(refused) => Some(refused),
            Self::Answer(error) => Some(error),
            Self::Subscription { .. } | Self::NotReady => None,
        }
    }
}

impl From<ConsumerRefused> for JoinError {
    fn from(refused: ConsumerRefused) -> Self {
        Self::Consumer(refused)
    }
}

impl From<ProducerRefused> for JoinError {
    fn from(refused: ProducerRefused) -> Self {
        Self::Producer(refused)
    }
}

impl From<TopicError> for JoinError {
    fn from(error: TopicError) -> Self {
        Self::Topic(error)
    }
}

impl From<Refused> for JoinError {
    fn from(refused: Refused) -> Self {
        Self::Session(refused)
    }
}
