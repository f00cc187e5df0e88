//! Hosts an MQTT v5 session on a blocking TCP stream.
//!
//! The session decides everything and does no I/O; a host owns the socket and the clock, and decides nothing. All of it is
//! `Connection::drive`: write what the session has to say, give it what was read, hand over its events, and otherwise wait
//! for the first of a byte, a timer and the caller's own deadline. It never spins, and every wait is bounded.

mod transport;

use core::time::Duration;
use std::io;
use std::net::SocketAddr;

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
    /// A [`Stopper`] asked for it.
    #[error("stopped")]
    Stopped,
}
