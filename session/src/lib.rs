//! An MQTT v5 client session that any I/O backend can host: packets in, events out, and the other way round.
//!
//! [`Client`] is a state machine. It owns no socket, no clock and no heap: a host reads into an [`Inbox`], writes what
//! [`Client::transmit_into`] copies out or [`Client::poll_transmit`] lends, and says what time it is. Hosting it is this loop,
//! here over a blocking stream; an async or bare-metal host has another way to wait:
//!
//! ```
#![doc = include_str!("../examples/parts/host.rs")]
//! ```
//!
//! What it takes care of: CONNECT to DISCONNECT, sessions that outlive connections, QoS 1 and QoS 2 in both directions,
//! exactly once, the server's limits and ours, topic aliases, enhanced authentication, keep-alive. What the server does
//! wrong is a [`Fault`] with a reason code and the statement it breaks; what the host asks for and may not have is
//! [`Refused`], and has changed nothing.
//!
//! # Features
//! - `bytes`: events that own their bytes, to be sent to other tasks ([`Event::into_owned`](crate::Event)). Needs an allocator.
//! - `alloc`: memory sized at run time ([`Boxed`](crate::Memory)), and an inbox that grows.
//! - `log`, `defmt`: connections, faults and ends are logged.
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

// The guides' code is tested.
#[cfg(doctest)]
#[doc = include_str!("../HOSTING.md")]
#[doc = include_str!("../SIZING.md")]
struct Guides;

mod aliases;
mod arena;
mod check;
mod client;
mod connack;
mod connect;
mod copying;
mod delivering;
mod digest;
mod engine;
mod error;
mod event;
mod flight;
mod flow;
mod inbox;
mod incoming;
pub mod journal;
mod memory;
mod options;
mod outgoing;
#[cfg(feature = "bytes")]
mod owned;
mod received;
mod sinks;
mod slots;
mod state;
mod time;
mod timer;
mod trace;
mod transmit;

pub use client::Client;
pub use error::{Fault, Refused, SessionError};
pub use event::{Connected, Event, Figures, Incoming, Input, Transmit};
pub use inbox::Inbox;
#[cfg(feature = "alloc")]
pub use memory::Boxed;
pub use memory::{Inline, Memory};
pub use mqtt5_codec as codec;
pub use options::{Acknowledge, ConnectOptions, Ending, Prior, Publication};
#[cfg(feature = "bytes")]
pub use owned::OwnedEvent;
pub use time::Instant;
