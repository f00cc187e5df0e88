//! OpenC2 over MQTT v5, without I/O.
//!
//! ```
//! use openc2_mqtt::{Action, Command, Content, Form, Headers, Ipv4Net, Message, Target, Str};
//!
//! let target = Target::Ipv4Net(Ipv4Net::parse("198.51.100.0/24").unwrap());
//! let headers = Headers { from: Some(Str::new("producer@example.com")), ..Headers::default() };
//! let message = Message::new(headers, Content::Request(Command::new(Action::Deny, target)));
//!
//! let mut buffer = [0; 256];
//! let length = message.encode(Form::Json, &mut buffer).unwrap();
//! assert_eq!(
//!     &buffer[..length],
//!     br#"{"headers":{"from":"producer@example.com"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"}}}}}"#
//! );
//! ```
#![no_std]

mod cbor;
mod command;
pub mod consumer;
mod document;
mod error;
mod extension;
mod formats;
mod idn;
mod json;
mod list;
mod message;
mod net;
mod notification;
mod number;
mod object;
mod out;
pub mod producer;
pub mod profile;
mod raw;
mod reading;
mod response;
mod salvage;
mod session;
pub mod slpf;
mod snapshot;
mod source;
mod target;
mod text;
pub mod transfer;
mod typed;
mod value;
mod vocabulary;

pub use command::{Args, Command, Interval};
pub use document::{Document, Kind};
pub use error::{EncodeError, Error, LanguageRule, Path};
pub use extension::{Extension, ExtensionValue, Extensions, ExtensionsIter};
pub use list::{Pair, Pairs, PairsIter, Texts, TextsIter};
pub use message::{Content, Headers, Message};
pub use mqtt5_session::Instant;
pub use net::{FiveTuple, Ipv4Connection, Ipv4Net, Ipv6Connection, Ipv6Net, MacAddr};
pub use notification::Notification;
pub use number::Number;
pub use object::{Artifact, Device, File, Parent, Payload, Process};
pub use raw::Raw;
pub use reading::{Form, Language, Quirk, Quirks, Read, Reading, Style};
pub use response::{Response, Results, Status};
pub use snapshot::{ExportError, ImportError};
pub use source::MAX_MEMBERS;
pub use target::{Actuator, Features, Target};
pub use text::{Chars, Str};
pub use transfer::{Encoding, MessageType};
pub use value::{Binary, Hashes};
pub use vocabulary::{Action, Feature, Protocol, RegisteredProfile, ResponseType, TargetKind};

#[cfg(test)]
extern crate std;

#[cfg(test)]
mod exchange_tests;
