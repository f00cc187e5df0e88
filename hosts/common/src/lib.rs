//! What every host of an MQTT v5 session with a heap shares. It has no runtime, no sockets and no threads.
//!
//! # Addresses, TLS, options
//! [`Address`] is a URL, `Tls` makes a `rustls::ClientConfig`, [`Options`] says how to connect and what may be held, and
//! [`Itinerary`] where to try next and when to give up. Each can be used alone.
//!
//! # A client
//! [`client`] makes one of three parts. The [`Handle`] is for those who publish and subscribe, the [`Events`] for those who
//! care what happens, the [`Driver`] for the host's loop. They share the session behind a lock that is never held while
//! anybody waits. Futures of the first two need no runtime: an async host hands them out as they are, a blocking one
//! [waits](wait) for them.
//!
//! The loop does what the driver says, which decides everything:
//!
//! ```no_run
//! use std::io::{ErrorKind, Read, Write};
//! use std::net::TcpStream;
//! use mqtt5_host::{Driver, Step, Task, Turn, unparker};
//!
//! fn run(mut driver: Driver) {
//!     let waker = unparker();
//!     loop {
//!         match driver.poll(&waker) {
//!             Task::Open(attempt) => match TcpStream::connect((attempt.address.host(), attempt.address.port())) {
//!                 Ok(stream) => {
//!                     driver.opened(None); // queues CONNECT
//!                     let end = exchange(&mut driver, stream);
//!                     driver.closed(end.err().map(Into::into));
//!                 }
//!                 Err(error) => driver.failed(Step::Open, error),
//!             },
//!             Task::Wait(until) => match until {
//!                 Some(until) => std::thread::park_timeout(until.saturating_duration_since(std::time::Instant::now())),
//!                 None => std::thread::park(),
//!             },
//!             _ => return,
//!         }
//!     }
//! }
//!
//! fn exchange(driver: &mut Driver, mut stream: TcpStream) -> std::io::Result<()> {
//!     let waker = unparker(); // a real host has one that ends the read below
//!     loop {
//!         let until = match driver.turn(&waker) {
//!             Turn::Go(until) => until,
//!             _ => return Ok(()),
//!         };
//!         if !driver.outgoing().is_empty() {
//!             let n = stream.write(driver.outgoing())?;
//!             driver.wrote(n);
//!             continue;
//!         }
//!         let wait = until.map(|until| until.saturating_duration_since(std::time::Instant::now()));
//!         stream.set_read_timeout(wait.map(|wait| wait.max(core::time::Duration::from_millis(1))))?;
//!         match stream.read(driver.room()) {
//!             Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
//!             Ok(n) => driver.read(n),
//!             Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
//!             Err(error) => return Err(error),
//!         }
//!     }
//! }
//! ```
//!
//! # Memory
//! Everything is bounded by [`Options`], in bytes. What is sent waits in `send_bytes`; what is received in `receive_bytes`,
//! messages of QoS 0 in `at_most_once_bytes`, and what of those is beyond is dropped and counted. Whoever does not take
//! messages stops their acknowledgements, not the reading: pings and answers go on. Only where a server then sends more than
//! our Receive Maximum does reading stop too.
//!
//! # Features
//! - `tls` (default): `Tls`. Without it, nothing of TLS is built.
//! - `dial`: `Dialer`, which opens connections with the sockets of the standard library, for hosts without a runtime.

mod address;
mod authenticate;
mod backoff;
mod clock;
#[cfg(feature = "dial")]
mod dial;
mod driver;
mod error;
mod events;
mod eyeballs;
mod gather;
mod handle;
mod link;
mod message;
mod messages;
mod options;
mod publish;
mod received;
mod reconnect;
mod routes;
mod secret;
mod slot;
mod state;
mod stock;
#[cfg(feature = "tls")]
mod tls;
mod wait;

pub use address::{Address, AddressError, UrlScheme};
pub use authenticate::{AuthenticationError, Authenticator};
pub use backoff::Backoff;
pub use clock::{Clock, after};
#[cfg(feature = "dial")]
pub use dial::{Dialer, Opened, Progress, Socket, Stream};
pub use driver::{Abandoned, Attempt, Driver, Task, client};
pub use error::{Cause, HostError, Notice, Step, wrong_protocol};
pub use events::{Accepted, Events, HostEvent};
pub use eyeballs::{STAGGER, interleaved};
pub use handle::Handle;
pub use link::Turn;
pub use message::{About, LastWill, Outbound};
pub use messages::{Filters, Messages, Subscribing};
pub use options::{Dial, Offline, Options};
pub use publish::{Acknowledgement, Outcome, Publishing, RequestError};
pub use received::{AcknowledgeError, Inbound, Token};
pub use reconnect::{AfterError, Itinerary, Next, Reconnect, after_error};
pub use secret::{Credentials, Secret};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
pub use wait::{unparker, wait, wait_until};

pub use mqtt5_codec as codec;
pub use mqtt5_session as session;
#[cfg(feature = "tls")]
pub use rustls;
