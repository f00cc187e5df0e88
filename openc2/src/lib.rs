//! OpenC2 over MQTT v5, without I/O: commands and responses in JSON and CBOR, and the two who exchange them.
//!
//! A *Producer* sends commands to topics of the broker, a *Consumer* carries them out and answers. Both stand beside an
//! [MQTT session](mqtt5_session), which any I/O backend can host: the host hands them the session's events, and whatever they
//! have to say they publish there. Nothing here reads a clock, waits, or allocates.
//!
//! # A Consumer
//! Declare what it is and can do; [`Serve`] subscribes to the topics that follow from it, answers `query features`, refuses what
//! it can't do, and leaves the rest to you: handle an event, carry out the command, respond.
//!
//! ```
//! use mqtt5_session::{Client, Event, Inbox, Inline, Instant};
//! use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration};
//! use openc2_mqtt::transfer::Connecting;
//! use openc2_mqtt::{Action, JoinError, Pair, Response, Serve, Served, Status, Texts, slpf};
//! # mod server { include!("../tests/parts/server.rs"); }
//! # use server::*;
//!
//! // Declare: identity, device, profiles, and which targets each action takes.
//! let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }];
//! let declaration = Declaration::new("firewall7@example.com", "firewall7", &slpf::PROFILES, &pairs);
//! let consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<16, 4096>::new());
//! let mut buffer = [0; 2048];
//! let mut serve = Serve::new(consumer, &mut buffer);
//!
//! // Connect: one step, as the specification wants it.
//! let mut client = Client::new(Inline::<8, 4096>::new());
//! let mut bytes = [0; 4096];
//! let mut inbox = Inbox::new(&mut bytes);
//! Connecting::new("firewall7", 3_600)?.connect(&mut client, &mut inbox, Instant::from_millis(0))?;
//!
//! // Handle each event that the host's loop gives, and respond.
//! type Session = Client<Inline<8, 4096>>;
//! let mut on = |event: Event<'_>, client: &mut Session, now: Instant, utc: Option<u64>| -> Result<(), JoinError> {
//!     match serve.handle(&event, client, now, utc)? {
//!         Served::Command { ticket, command, .. } => {
//!             let done = command.action == Action::Deny; // carry it out
//!             let status = if done { Status::Ok } else { Status::InternalError };
//!             serve.respond(ticket, &Response::new(status), client, now, utc)
//!         }
//!         _ => Ok(()),
//!     }
//! };
//! # let sent = script(&mut client, &mut inbox, &[CONNACK, &suback(1, 3), &request("oc2/cmd/device/firewall7")], &mut on);
//! # let response = String::from_utf8_lossy(&sent);
//! # assert!(response.contains("oc2/cmd/ap/slpf") && response.contains("oc2/cmd/all"), "{response}");
//! # assert!(response.contains(r#""from":"firewall7@example.com"},"body":{"openc2":{"response":{"status":200}}}}"#), "{response}");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # A Producer
//! [`Call`] subscribes to the topics for responses, publishes requests, and collects what is answered until every expected
//! Consumer has, or the time is over.
//!
//! ```
//! use core::ops::ControlFlow;
//! # use mqtt5_session::{Client, Event, Inbox, Inline, Instant};
//! use openc2_mqtt::producer::{Producer, ProducerMemory, ProducerPolicy, Request};
//! # use openc2_mqtt::transfer::Connecting;
//! use openc2_mqtt::{Action, Call, Command, Ipv4Net, JoinError, Status, Target};
//! # mod server { include!("../tests/parts/server.rs"); }
//! # use server::*;
//!
//! let producer = Producer::new("soc@example.com", ProducerPolicy::default(), ProducerMemory::<4, 16>::new());
//! let mut buffer = [0; 2048];
//! let mut call = Call::new(producer, &mut buffer);
//! # let mut client = Client::new(Inline::<8, 4096>::new());
//! # let mut bytes = [0; 4096];
//! # let mut inbox = Inbox::new(&mut bytes);
//! Connecting::new("soc", 0)?.connect(&mut client, &mut inbox, Instant::from_millis(0))?;
//!
//! let net = Target::Ipv4Net(Ipv4Net::parse("198.51.100.0/24").unwrap());
//! let request = Request::to_device("firewall7", Command::new(Action::Deny, net), 5_000);
//! let random = [7; 16]; // from the host
//!
//! // The usual case, one request: `ask` breaks with its outcome. For more there are `request` and `handle`.
//! # type Session = Client<Inline<8, 4096>>;
//! let mut on = |event: Event<'_>, client: &mut Session, now: Instant, utc: Option<u64>| {
//!     call.ask(&request, random, &event, client, now, utc, |from, response| println!("{from}: {}", response.status))
//! };
//! # let mut outcome = None;
//! # let answer = response("07070707-0707-4707-8707-070707070707");
//! # script(&mut client, &mut inbox, &[CONNACK, &suback(1, 2), &answer], |event, client, now, utc| {
//! #     if let ControlFlow::Break(end) = on(event, client, now, utc) { outcome = Some(end) }
//! #     Ok(())
//! # });
//! # assert_eq!(outcome, Some(Ok(Status::Ok)));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! Both run over a socket in some thirty lines: see `examples/consumer.rs` and `examples/producer.rs`, and how to
//! [host a session](mqtt5_session).
//!
//! # Below that
//! - [`consumer`] and [`producer`] work without a session: messages go in and out. They also tell what is kept over restarts.
//! - [`transfer`] is how messages travel: topics of CS01, CSD03 and WD01, properties, CONNECT, subscriptions.
//! - [`Reading`] and [`Message`] check, read and write messages that didn't come over MQTT. [`slpf`] is packet filtering;
//!   [`profile`] holds the parts for a profile of your own (`examples/profiles/lamp.rs`).
//! - [`OpenC2Error`] takes every error of this crate by `?`.
//!
//! ```
//! use openc2_mqtt::{Action, Command, Content, Form, Headers, Ipv4Net, Message, Str, Target};
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

mod any_error;
pub mod consumer;
mod encoding;
mod language;
pub mod producer;
pub mod profile;
mod session;
mod snapshot;
pub mod transfer;

pub use any_error::OpenC2Error;
pub use encoding::error::{EncodeError, Error, LanguageRule, Path};
pub use encoding::mismatch::{DecodeError, Mismatch};
pub use encoding::mode::{Encoding, Form, Language, Quirk, Quirks};
pub use encoding::name::{Name, Vocabulary};
pub use encoding::number::Number;
pub use encoding::out::Style;
pub use encoding::raw::Raw;
pub use encoding::source::MAX_MEMBERS;
pub use encoding::text::{Chars, Str};
pub use language::binary::{Binary, Hashes};
pub use language::command::{Args, Command, Interval};
pub use language::document::{Document, DocumentKind};
pub use language::extension::{Extension, ExtensionValue, Extensions, ExtensionsIter};
pub use language::list::{Pair, Pairs, PairsIter, Texts, TextsIter};
pub use language::message::{Content, Headers, Message, MessageType, Structure};
pub use language::net::{FiveTuple, Ipv4Connection, Ipv4Net, Ipv6Connection, Ipv6Net, MacAddr};
pub use language::object::{Artifact, Device, File, Parent, Payload, Process};
pub use language::reading::{Read, Reading};
pub use language::response::{Response, Results, Status};
pub use language::target::{Actuator, Features, Target};
pub use language::vocabulary::{Action, Feature, Protocol, RegisteredProfile, ResponseType, TargetKind};
pub use mqtt5_session::Instant;
pub use profile::slpf;
pub use session::{Call, Called, JoinError, Serve, Served};
pub use snapshot::{ExportError, ImportError};
pub use transfer::Notification;

#[cfg(test)]
extern crate std;

#[cfg(test)]
mod exchange_tests;
