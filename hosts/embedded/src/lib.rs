//! Hosts an MQTT v5 session over any [`embedded_io_async`] stream, with [`embassy_time`] for its clock.
//!
//! Nothing is allocated, and there is no task but yours. [`Session`] stands in a `static`, and any task may publish through
//! it; [`Connection`] is one network connection, and [`Connection::run`] is the loop that one task awaits:
//!
//! ```no_run
//! use core::ops::ControlFlow;
//! use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
//! use embedded_io_async::{Read, Write};
//! use mqtt5_embedded::{Connection, Session};
//! use mqtt5_session::codec::{Text, Topic};
//! use mqtt5_session::{ConnectOptions, Event, Inbox, Inline, Publication};
//!
//! static SESSION: Session<CriticalSectionRawMutex, Inline<8, 1024>> = Session::new(Inline::new());
//!
//! async fn listen(reader: impl Read, writer: impl Write) {
//!     let (mut received, mut out) = ([0; 512], [0; 256]);
//!     let options = ConnectOptions::new(Text::new("pump-7").unwrap());
//!     let inbox = Inbox::new(&mut received);
//!     let Ok(mut connection) = Connection::open(&SESSION, &options, reader, writer, inbox, &mut out) else { return };
//!     let ended = connection.run(|event| match event {
//!         Event::Message(message) if message.payload == b"stop" => ControlFlow::Break(()),
//!         _ => ControlFlow::Continue(()),
//!     });
//!     let _ = ended.await;
//! }
//!
//! async fn report(level: &[u8]) {
//!     let mut publication = Publication::new(Topic::new("pump/7/level").unwrap(), level);
//!     publication.qos = mqtt5_session::codec::QoS::AtLeastOnce;
//!     let _ = SESSION.publish(&publication).await; // returns when the server has acknowledged it
//! }
//! ```
#![no_std]

mod backoff;
mod connection;
mod session;

pub use backoff::{Backoff, is_permanent};
pub use connection::{Connection, Error};
pub use session::{Outcome, Session};
