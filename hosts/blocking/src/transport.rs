//! The byte stream under a session, and how it is opened.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use crate::Error;

/// A byte stream over TCP: a socket as it is, or what stands on one (TLS, a recorder).
pub trait Transport: Read + Write {
    /// The socket underneath, whose timeouts the host sets and which it shuts down.
    fn socket(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

/// Opens a TCP connection to the first address of `place` that answers, all of them within `timeout`.
///
/// Looking up a name is the operating system's work, and takes as long as that takes: the timeout counts from then on.
///
/// Nagle's algorithm is off: a session writes whole packets, and waits for their answers.
///
/// # Errors
/// [`Error::Lookup`] if `place` has no address; [`Error::Connect`] with what the last address answered.
pub fn connect(place: impl ToSocketAddrs, timeout: Duration) -> Result<TcpStream, Error> {
    let addresses = place.to_socket_addrs().map_err(Error::Lookup)?;
    let deadline = Instant::now() + timeout;
    let mut last = None;
    for address in addresses {
        let left = deadline.saturating_duration_since(Instant::now());
        match connect_one(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(source) => last = Some(Error::Connect { address, source }),
        }
    }
    Err(last.unwrap_or_else(|| Error::Lookup(io::ErrorKind::NotFound.into())))
}

fn connect_one(address: &SocketAddr, left: Duration) -> io::Result<TcpStream> {
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let stream = TcpStream::connect_timeout(address, left)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Ends a wait from another thread, once: `drive` then returns [`Error::Stopped`], and the session can still say goodbye.
#[derive(Clone, Debug)]
pub struct Stopper {
    socket: Arc<TcpStream>,
    asked: Arc<AtomicBool>,
}

impl Stopper {
    pub(crate) fn new(socket: &TcpStream, asked: Arc<AtomicBool>) -> io::Result<Self> {
        Ok(Self { socket: Arc::new(socket.try_clone()?), asked })
    }

    /// Asks the host to stop. It may be called more than once, and from any thread.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::Release);
        // Nothing more will be read, so a read that waits returns at once. What is already closed needs no shutdown.
        let _ = self.socket.shutdown(Shutdown::Read);
    }
}
