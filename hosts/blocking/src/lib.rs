//! Hosts an MQTT v5 session on a blocking TCP stream.
//!
//! The session decides everything and does no I/O; a host owns the socket and the clock, and decides nothing. All of it is
//! [`Connection::drive`]: write what the session has to say, give it what was read, hand over its events, and otherwise wait
//! for the first of a byte, a timer and the caller's own deadline. It never spins, and every wait is bounded.
//!
//! ```no_run
//! use core::{ops::ControlFlow, time::Duration};
//! use mqtt5_blocking::{Clock, Connection, Error, connect};
//! use mqtt5_codec::Text;
//! use mqtt5_session::{Client, ConnectOptions, Event, Inbox, Inline, Refused};
//!
//! let clock = Clock::start();
//! let mut client = Client::new(Inline::<8, 4096>::new());
//! let mut buffer = [0; 4096];
//! let mut inbox = Inbox::new(&mut buffer);
//!
//! let options = ConnectOptions::new(Text::new("device-7").map_err(Refused::from)?);
//! let mut connection = Connection::new(connect("broker.example:1883", Duration::from_secs(5))?, clock)?;
//! client.connect(&options, &mut inbox, clock.now())?;
//! let until = clock.now().after(10_000);
//! let pinged = connection.drive(&mut client, &mut inbox, Some(until), |event, client| match event {
//!     Event::Connected(_) => match client.ping(clock.now()) {
//!         Ok(()) => ControlFlow::Continue(()),
//!         Err(refused) => ControlFlow::Break(Err(refused)),
//!     },
//!     Event::Pong => ControlFlow::Break(Ok(())),
//!     _ => ControlFlow::Continue(()),
//! })?;
//! println!("{}", if pinged.is_some() { "alive" } else { "no answer within 10 seconds" });
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod client;
mod clock;
mod connection;
mod timeout;
mod transport;

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

pub use client::{Acknowledgement, Builder, Events, Handle, Messages, open};
pub use clock::Clock;
pub use connection::Connection;
pub use mqtt5_host;
pub use transport::{Stopper, Transport, connect};

/// Why a connection could not be opened, or has ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name has no address.
    #[error("no address: {0}")]
    Lookup(#[source] io::Error),
    /// No address accepted a connection; this is what the last one answered.
    #[error("{address} does not accept a connection: {source}")]
    Connect {
        /// The address that was tried last.
        address: SocketAddr,
        /// What became of it.
        source: io::Error,
    },
    /// Reading failed.
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
    /// Writing failed.
    #[error("writing failed: {0}")]
    Write(#[source] io::Error),
    /// The server took no byte for as long as a write may last.
    #[error("the server took no byte for {0:?}")]
    Stalled(Duration),
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The session is closed: by our own DISCONNECT, or by what its last event told.
    #[error("the session is closed")]
    Ended,
    /// The server broke the standard; the DISCONNECT that says so has been sent where a client may send one.
    #[error("the server broke the standard: {0}")]
    Fault(#[source] mqtt5_session::Fault),
    /// A [`Stopper`] asked for it.
    #[error("stopped")]
    Stopped,
}

/// The host loop in the repository's README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
