//! MQTT v5 packets: bytes ⇄ packets, all 15, both directions, with no state and no I/O.
#![no_std]

#[cfg(test)]
extern crate std;

mod ack;
mod connack;
mod connect;
mod decoder;
mod disconnect;
mod error;
mod list;
mod packet;
mod property;
mod publish;
mod reason;
mod rule;
mod sink;
mod suback;
mod subscribe;
mod text;
mod topic;
mod value;
mod wire;

pub use ack::{Ack, AckKind};
pub use connack::ConnAck;
pub use connect::{Connect, Will};
pub use decoder::{Decoded, Decoder, Frame, MAXIMUM_PACKET_SIZE};
pub use disconnect::{Auth, Disconnect};
pub use error::{EncodeError, Error};
pub use list::{Iter, List};
pub use packet::{Packet, PacketType};
pub use property::{Properties, Property};
pub use publish::{Delivery, Publish, TopicRef};
pub use reason::ReasonCode;
pub use rule::Rule;
pub use sink::{Full, Sink};
pub use suback::SubAck;
pub use subscribe::{Subscribe, Subscription, SubscriptionOptions, Unsubscribe};
pub use text::Text;
pub use topic::{Filter, Topic};
pub use value::{PacketId, PayloadFormat, QoS, RetainHandling, Sender, SubscriptionId, TopicAlias};
