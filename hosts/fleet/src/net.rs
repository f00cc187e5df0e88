//! A fleet over TCP: one wait for all its sockets.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io;
use std::time::Instant as SystemInstant;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use mqtt5_session::{Client, ConnectOptions, Inline, Instant};
use socket2::{Domain, Protocol, Socket, Type};

use crate::fleet::{Fleet, Happening, Id};

/// How many sockets are looked after in one turn.
const AT_ONCE: usize = 1_024;

/// A fleet over TCP.
#[derive(Debug)]
pub struct Net<const FLIGHTS: usize, const BYTES: usize> {
    /// The sessions.
    pub fleet: Fleet<TcpStream, FLIGHTS, BYTES>,
    poll: Poll,
    events: Events,
    start: SystemInstant,
}

impl<const FLIGHTS: usize, const BYTES: usize> Net<FLIGHTS, BYTES> {
    /// No sessions yet.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            fleet: Fleet::default(),
            poll: Poll::new()?,
            events: Events::with_capacity(AT_ONCE),
            start: SystemInstant::now(),
        })
    }

    /// The time on the fleet's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Connects a session to a server, from one of our addresses: each has some 28,000 ports for one server. Returns at once;
    /// what comes of it is told by [`turn`](Self::turn).
    ///
    /// # Errors
    /// What the operating system says, or why the session refuses.
    pub fn open(
        &mut self,
        id: Id,
        server: SocketAddr,
        from: Option<IpAddr>,
        options: &ConnectOptions<'_>,
    ) -> io::Result<()> {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        // A session writes whole packets, and waits for their answers.
        socket.set_tcp_nodelay(true)?;
        if let Some(from) = from {
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        match socket.connect(&server.into()) {
            Err(error) if !is_under_way(&error) => return Err(error),
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        self.poll.registry().register(&mut stream, Token(id.index()), Interest::READABLE | Interest::WRITABLE)?;
        let now = self.now();
        self.fleet.connect(id, stream, options, now).map_err(io::Error::other)
    }

    /// Waits until a socket is ready, something is due, or so long; then does all there is to do.
    ///
    /// # Errors
    /// What the operating system says to the wait. What it says to a socket ends that one's connection only.
    pub fn turn(
        &mut self,
        most: Option<Duration>,
        mut on: impl FnMut(Id, Happening<'_>, &mut Client<Inline<FLIGHTS, BYTES>>),
    ) -> io::Result<()> {
        let now = self.now();
        let due = self.fleet.next_tick().map(|due| Duration::from_millis(now.until(due)));
        let wait = [most, due].into_iter().flatten().min();
        match self.poll.poll(&mut self.events, wait) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        let now = self.now();
        for event in &self.events {
            let id = Id(u32::try_from(event.token().0).unwrap_or(u32::MAX));
            if event.is_writable() {
                self.fleet.writable(id, now, &mut on);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                self.fleet.readable(id, now, &mut on);
            }
        }
        self.fleet.tick(now, on);
        Ok(())
    }
}

/// Whether a connection is on its way.
fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(EINPROGRESS) {
        return true;
    }
    error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const EINPROGRESS: i32 = 115;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
const EINPROGRESS: i32 = 36;
