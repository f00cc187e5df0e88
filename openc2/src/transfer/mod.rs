//! OpenC2 messages on MQTT (CS01 s2.2, s3): topics, connect options, subscriptions, properties.
//!
//! What goes out is right by construction; what comes in is checked, clause by clause, by [`check`].

mod check;
mod connect;
mod notification;
mod publish;
mod subscribe;
mod topic;

pub use check::{Clause, Clauses, Verdict, check};
pub use connect::{ClientId, Connecting, KeepAlive, PropertyList};
pub use notification::Notification;
pub(crate) use notification::Sending;
pub use publish::{Outgoing, Received, publish_properties};
pub use subscribe::{Chunks, chunks, options, subscriptions};
pub use topic::{Channel, Layout, Scheme, TopicError};

/// What an OpenC2 message is, as the `msgType` user property tells it (CS01 s3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// A command.
    Request,
    /// A response to one.
    Response,
    /// A notification.
    Notification,
}

impl MessageType {
    /// The value of the user property.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "req",
            Self::Response => "rsp",
            Self::Notification => "ntf",
        }
    }

    /// What the value of the user property stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Request, Self::Response, Self::Notification].into_iter().find(|kind| kind.name() == name)
    }
}

/// How an OpenC2 message is encoded, as the `encoding` user property tells it (CS01 s3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// JSON.
    #[default]
    Json,
    /// CBOR.
    Cbor,
}

impl Encoding {
    /// The value of the user property.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Cbor => "cbor",
        }
    }

    /// What a payload looks like: CBOR begins with a map, an array or a tag, JSON with a character of ASCII.
    pub fn sniff(payload: &[u8]) -> Self {
        if payload.first().is_some_and(|byte| *byte >= 0x80) { Self::Cbor } else { Self::Json }
    }

    /// What a payload can only be, by its first byte: a JSON object begins with a brace or white space, a CBOR message with
    /// an array, a map or a tag. `None` for what is neither.
    pub(crate) const fn evident(payload: &[u8]) -> Option<Self> {
        match payload.first() {
            Some(b'\t' | b'\n' | b'\r' | b' ' | b'{') => Some(Self::Json),
            Some(0x80..=0xDB) => Some(Self::Cbor),
            _ => None,
        }
    }

    /// What the value of the user property stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Json, Self::Cbor].into_iter().find(|encoding| encoding.name() == name)
    }
}

/// The quality of service of an OpenC2 message: QoS 0 is not one of them (CS01 s3.2, s3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Quality {
    /// QoS 1, the default.
    #[default]
    AtLeastOnce,
    /// QoS 2.
    ExactlyOnce,
}

impl From<Quality> for mqtt5_codec::QoS {
    fn from(quality: Quality) -> Self {
        match quality {
            Quality::AtLeastOnce => Self::AtLeastOnce,
            Quality::ExactlyOnce => Self::ExactlyOnce,
        }
    }
}
