//! MQTT v5 packets: bytes ⇄ packets, all 15, both directions, with no state, no I/O, no allocation and no `unsafe`.
//!
//! Decoding borrows from the input and checks everything that one packet can show: what [`Decoder::decode`] returns is
//! valid, and what the standard forbids comes back as an [`Error`] that names the reason code to answer, the statement that
//! is broken and the offset of the byte. Encoding goes to any [`Sink`]; what may not be sent cannot be built, or is refused
//! before a byte is written.
//!
//! # Decode
//! Bytes arrive in any pieces. [`Decoder`] says how many are missing, refuses what can never become a packet as soon as its
//! fixed header shows it, and otherwise lends a [`Packet`]:
//!
//! ```
//! use mqtt5_codec::{Decoded, Decoder, Packet, Sender};
//!
//! let mut inbox = &[0x30, 0x06, 0x00, 0x01, b'a', 0x00, b'h', b'i', 0xD0, 0x00, 0x40][..];
//! let from_server = Decoder::new(Sender::Server).max_packet_size(4096);
//! let mut seen = 0;
//! let need = loop {
//!     match from_server.decode(inbox)? {
//!         Decoded::Partial { need } => break need,
//!         Decoded::Packet { used, packet } => {
//!             if let Packet::Publish(publish) = packet {
//!                 assert_eq!(publish.topic.name().unwrap(), "a");
//!                 assert_eq!(publish.payload, b"hi");
//!             }
//!             seen += 1;
//!             inbox = &inbox[used..];
//!         }
//!     }
//! };
//! assert_eq!((seen, need), (2, 2)); // PUBLISH, PINGRESP, and one byte of a PUBACK that needs at least two
//! # Ok::<(), mqtt5_codec::Error>(())
//! ```
//!
//! # Encode
//! Each packet is a plain struct, and properties are a slice in the order in which they are sent:
//!
//! ```
//! use mqtt5_codec::{Delivery, EncodeError, PacketId, Properties, Property, Publish, Rule, Sender, Text, Topic, TopicRef};
//!
//! let properties = [Property::ContentType(Text::new("application/openc2")?)];
//! let mut publish = Publish {
//!     topic: TopicRef::Name(Topic::new("oc2/cmd/all")?),
//!     delivery: Delivery::AtLeastOnce { id: PacketId::new(2468).unwrap(), dup: false },
//!     retain: false,
//!     properties: Properties::from(&properties),
//!     payload: b"{}",
//! };
//! let mut out = [0; 64];
//! let len = publish.encode(Sender::Client, &mut out)?;
//! assert_eq!(len, publish.encoded_len(Sender::Client)?);
//!
//! // A Server Keep Alive belongs into CONNACK.
//! let misplaced = [Property::ServerKeepAlive(60)];
//! publish.properties = Properties::from(&misplaced);
//! assert_eq!(publish.encode(Sender::Client, &mut out), Err(EncodeError::Refused(Rule::PROPERTY_ID)));
//! # Ok::<(), EncodeError>(())
//! ```
//!
//! # Costs
//! Decoding is one pass that checks, and lists (properties, filters, reason codes) are read again when they are iterated.
//! Encoding is one pass that checks and counts, and one that writes. Nothing is allocated and nothing panics; a `BytesMut` does both as
//! it grows.
//!
//! # Features
//! - `alloc`: encodes into `Vec<u8>`.
//! - `bytes`: encodes into `BytesMut`; owned PUBLISH packets whose parts are slices of one `Bytes`.
//! - `serde`: `Serialize` and `Deserialize` for the values that people log or configure.
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod decoder;
mod error;
mod list;
#[cfg(feature = "bytes")]
mod owned;
mod packet;
mod property;
mod reason;
mod rule;
mod sink;
#[cfg(test)]
mod testing;
mod text;
mod topic;
mod value;
mod wire;
mod word;

pub use decoder::{Decoded, Decoder, Frame, MAXIMUM_PACKET_SIZE};
pub use error::{CodecError, EncodeError, Error, OutOfRange};
pub use list::{Item, Iter, List};
#[cfg(feature = "bytes")]
pub use owned::OwnedPublish;
pub use packet::{
    Ack, AckKind, Auth, ConnAck, Connect, Delivery, Disconnect, Packet, PacketType, Publish, SubAck, Subscribe,
    Subscription, SubscriptionOptions, TopicRef, Unsubscribe, Will,
};
pub use property::{Properties, Property};
pub use reason::{ReasonCode, UnknownReason};
pub use rule::Rule;
pub use sink::{Full, Sink};
pub use text::Text;
pub use topic::{Filter, Topic};
pub use value::{PacketId, PayloadFormat, QoS, RetainHandling, Sender, SubscriptionId, TopicAlias};
