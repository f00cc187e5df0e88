//! Hosts thousands to millions of MQTT v5 sessions in one thread.
//!
//! [`Fleet`] holds sessions and their streams, whatever those are. An idle session is its client and nothing else: all share
//! one buffer to read into and one to write from, a packet that has begun takes memory only until it is whole, and
//! deadlines stand in slots of time, so that a tick costs by what is due and not by how many sessions there are. [`Net`] is a fleet over TCP.
//!
//! ```no_run
//! use core::time::Duration;
//! use mqtt5_fleet::{Happening, Net};
//! use mqtt5_session::codec::{Text, Topic};
//! use mqtt5_session::{ConnectOptions, Event, Publication};
//!
//! let mut net = Net::<4, 256>::new()?;
//! let server = "127.0.0.1:1883".parse()?;
//! for number in 0..1_000 {
//!     let name = format!("sensor-{number}");
//!     let id = net.fleet.add();
//!     net.open(id, server, None, &ConnectOptions::new(Text::new(&name)?))?;
//! }
//! loop {
//!     net.turn(Some(Duration::from_secs(1)), |id, happening, client| match happening {
//!         Happening::Event(Event::Connected(_)) => {
//!             let _ = client.publish(&Publication::new(Topic::new("hello").unwrap(), b"from a fleet"));
//!         }
//!         Happening::Closed(why) => eprintln!("{id:?}: {why}"),
//!         _ => {}
//!     })?;
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod deadlines;
mod fleet;
mod net;

pub use fleet::{Closed, Fleet, Happening, Id};
pub use mqtt5_session;
pub use net::Net;
