//! OpenC2 messages on MQTT (CS01 s2.2, s3): topics, connect options, subscriptions, properties.
//!
//! What goes out is right by construction; what comes in is checked, clause by clause, by [`check`].

mod check;
mod connect;
mod notification;
mod publish;
mod subscribe;
mod topic;

pub use crate::encoding::mode::Encoding;
pub use crate::language::message::MessageType;
pub use check::{Clause, Clauses, Verdict, check};
pub use connect::{ClientId, Connecting, KeepAlive, PropertyList};
pub use notification::Notification;
pub(crate) use notification::Sending;
pub use publish::{Outgoing, Received, publish_properties};
pub use subscribe::{Chunks, chunks, options, subscriptions};
pub use topic::{Channel, Layout, Scheme, TopicError};

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
