//! The loop that hosts a session.

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use mqtt5_session::{Client, Event, Inbox, Input, Instant, Memory, Transmit};

use crate::{Clock, Error, Stopper, Transport};

/// How long the server may take no byte before the connection is given up, unless the host says otherwise.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long [`Connection::close`] waits for the server to close its side.
const LINGER: Duration = Duration::from_millis(500);

/// One network connection of a session.
#[derive(Debug)]
pub struct Connection<T = TcpStream> {
    transport: T,
    clock: Clock,
    stop: Arc<AtomicBool>,
    write_timeout: Duration,
}

impl<T: Transport> Connection<T> {
    /// Takes over a stream that is open (see [`connect`](crate::connect)), and reads the session's time from `clock`.
    ///
    /// # Errors
    /// [`Error::Write`] if the socket takes no timeout.
    pub fn new(transport: T, clock: Clock) -> Result<Self, Error> {
        let mut connection = Self { transport, clock, stop: Arc::default(), write_timeout: WRITE_TIMEOUT };
        connection.set_write_timeout(WRITE_TIMEOUT)?;
        Ok(connection)
    }

    /// How long the server may take no byte before the connection is given up; 10 seconds unless set.
    ///
    /// # Errors
    /// [`Error::Write`] if the socket does not take it: zero is none.
    pub fn set_write_timeout(&mut self, timeout: Duration) -> Result<(), Error> {
        self.transport.socket().set_write_timeout(Some(timeout)).map_err(Error::Write)?;
        self.write_timeout = timeout;
        Ok(())
    }

    /// What ends this connection's waits from another thread.
    ///
    /// # Errors
    /// [`Error::Read`] if the operating system has no handle left.
    pub fn stopper(&self) -> Result<Stopper, Error> {
        Stopper::new(self.transport.socket(), Arc::clone(&self.stop)).map_err(Error::Read)
    }

    /// Hosts the session until `on` breaks with a value, or until the time `until` (then the answer is `None`).
    ///
    /// `on` gets each event with the session it came from, and may publish, subscribe or disconnect right there. What it
    /// queued is written when the next call begins, at the latest.
    ///
    /// # Errors
    /// Any of [`Error`] but [`Error::Lookup`] and [`Error::Connect`]. The session then knows that its connection is gone,
    /// except after [`Error::Stopped`]: it may still say goodbye, see [`close`](Self::close).
    pub fn drive<M: Memory, B>(
        &mut self,
        client: &mut Client<M>,
        inbox: &mut Inbox<'_>,
        until: Option<Instant>,
        mut on: impl FnMut(Event<'_>, &mut Client<M>) -> ControlFlow<B>,
    ) -> Result<Option<B>, Error> {
        let error = loop {
            match self.turn(client, inbox, until, &mut on) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(value)) => return Ok(value),
                Err(error) => break error,
            }
        };
        if !matches!(error, Error::Stopped) {
            client.handle_close(self.clock.now());
        }
        Err(error)
    }

    /// One turn of the loop: write, then the timer, then parse, and wait only when there is nothing left to parse.
    fn turn<M: Memory, B>(
        &mut self,
        client: &mut Client<M>,
        inbox: &mut Inbox<'_>,
        until: Option<Instant>,
        on: &mut impl FnMut(Event<'_>, &mut Client<M>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<Option<B>>, Error> {
        self.flush(client)?;
        if client.is_closed() {
            return Err(Error::Ended);
        }
        let now = self.clock.now();
        let fault = if client.poll_timeout().is_some_and(|due| due <= now) {
            match client.handle_timeout(now) {
                Ok(event) => {
                    let answer = event.map_or(ControlFlow::Continue(()), |event| on(event, client));
                    return Ok(answer.map_break(Some));
                }
                Err(fault) => fault,
            }
        } else {
            match client.handle_input(inbox, now) {
                Ok(Input::Event(event)) => {
                    let answer = on(event, client).map_break(Some);
                    let late = until.is_some_and(|until| until <= self.clock.now());
                    return Ok(if answer.is_continue() && late { ControlFlow::Break(None) } else { answer });
                }
                Ok(Input::Partial { .. }) => {
                    // What was read may have been answered without an event: a PUBREL, or a message handled before.
                    self.flush(client)?;
                    return self.wait(client, inbox, until);
                }
                // Something waits to be written, and the next turn begins with that.
                Ok(_) => return Ok(ControlFlow::Continue(())),
                Err(fault) => fault,
            }
        };
        // Its DISCONNECT is queued, where a client may send one.
        self.flush(client)?;
        Err(Error::Fault(fault))
    }

    /// Writes what the session has to say.
    fn flush<M: Memory>(&mut self, client: &mut Client<M>) -> Result<(), Error> {
        while let Some(Transmit::Bytes(bytes)) = client.poll_transmit() {
            match self.transport.write(bytes) {
                Ok(0) if !bytes.is_empty() => return Err(Error::Closed),
                Ok(n) => client.transmitted(n, self.clock.now()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return Err(Error::Stalled(self.write_timeout)),
                Err(error) if is_closed(&error) => return Err(Error::Closed),
                Err(error) => return Err(Error::Write(error)),
            }
        }
        self.transport.flush().map_err(Error::Write)
    }

    /// Waits for the first of a byte, the session's timer and `until`; breaks when that last one has come.
    fn wait<M: Memory, B>(
        &mut self,
        client: &Client<M>,
        inbox: &mut Inbox<'_>,
        until: Option<Instant>,
    ) -> Result<ControlFlow<Option<B>>, Error> {
        if self.stop.load(Ordering::Acquire) {
            return Err(Error::Stopped);
        }
        let now = self.clock.now();
        if until.is_some_and(|until| until <= now) {
            return Ok(ControlFlow::Break(None));
        }
        let first = [client.poll_timeout(), until].into_iter().flatten().min();
        // A timer that is due is no wait at all; a socket takes no timeout of zero.
        let wait = first.map(|first| Duration::from_millis(now.until(first).max(1)));
        self.transport.socket().set_read_timeout(wait).map_err(Error::Read)?;
        let spare = inbox.spare();
        let room = spare.len();
        match self.transport.read(spare) {
            // Only where room was offered does a read of nothing mean that there is no more.
            Ok(0) if room > 0 => {
                return Err(if self.stop.load(Ordering::Acquire) { Error::Stopped } else { Error::Closed });
            }
            Ok(n) => inbox.filled(n),
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_closed(&error) => return Err(Error::Closed),
            Err(error) => return Err(Error::Read(error)),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Writes what the session still has to say, such as its DISCONNECT, and closes the connection.
    ///
    /// A socket that is closed while received bytes lie unread is reset, and a reset may overtake the DISCONNECT. So our
    /// side is closed first, and what the server still sends is read and dropped until it closes too, half a second at most.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Closed`] or [`Error::Stalled`] if the last words could not be written.
    pub fn close<M: Memory>(&mut self, client: &mut Client<M>) -> Result<(), Error> {
        let written = self.flush(client);
        client.handle_close(self.clock.now());
        let socket = self.transport.socket();
        let deadline = std::time::Instant::now() + LINGER;
        if written.is_ok() && socket.shutdown(Shutdown::Write).is_ok() {
            let mut dropped = [0; 1024];
            loop {
                let left = deadline.saturating_duration_since(std::time::Instant::now());
                if left.is_zero() || self.transport.socket().set_read_timeout(Some(left)).is_err() {
                    break;
                }
                match self.transport.read(&mut dropped) {
                    Ok(n) if n > 0 => {}
                    _ => break,
                }
            }
        }
        written
    }
}

/// What a socket answers when its timeout has passed; Unix and Windows name it differently.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// What a socket answers when its peer has gone.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
}
