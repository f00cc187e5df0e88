//! The loop that hosts a session.

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use mqtt5_session::{Client, Event, Inbox, Input, Instant, Memory, Transmit};

use crate::timeout::Armed;
use crate::{Clock, Error, Stopper, Transport};

/// How long the server may take no byte before the connection is given up, unless the host says otherwise.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long [`Connection::close`] waits for the server to close its side.
const LINGER: Duration = Duration::from_millis(500);
/// How many bytes are written at a time. A packet of half of it or more goes out by itself, from where it is.
const BURST: usize = 16 << 10;

/// One network connection of a session.
#[derive(Debug)]
pub struct Connection<T = TcpStream> {
    transport: T,
    clock: Clock,
    stop: Arc<AtomicBool>,
    write_timeout: Duration,
    read_timeout: Armed,
    /// What is written at a time, and how much of it is copied out and was not written.
    burst: Box<[u8]>,
    copied: usize,
}

impl<T: Transport> Connection<T> {
    /// Takes over a stream that is open (see [`connect`](crate::connect)), and reads the session's time from `clock`.
    ///
    /// # Errors
    /// [`Error::Write`] if the socket takes no timeout.
    pub fn new(transport: T, clock: Clock) -> Result<Self, Error> {
        let mut connection = Self {
            transport,
            clock,
            stop: Arc::default(),
            write_timeout: WRITE_TIMEOUT,
            read_timeout: Armed::default(),
            burst: vec![0; BURST].into(),
            copied: 0,
        };
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
                Ok(ControlFlow::Break(value)) => {
                    // The message it broke on has been handled.
                    client.handled();
                    return Ok(value);
                }
                Err(error) => break error,
            }
        };
        if !matches!(error, Error::Stopped) {
            client.handle_close(self.clock.now());
        }
        Err(error)
    }

    /// One turn of the loop: the timer, then a packet; and only when nothing is left to parse, write and wait.
    fn turn<M: Memory, B>(
        &mut self,
        client: &mut Client<M>,
        inbox: &mut Inbox<'_>,
        until: Option<Instant>,
        on: &mut impl FnMut(Event<'_>, &mut Client<M>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<Option<B>>, Error> {
        let now = self.clock.now();
        let timer = client.poll_timeout().is_some_and(|due| due <= now);
        let event = if timer { client.handle_timeout(now) } else { Ok(None) };
        let input = match event {
            Ok(Some(event)) => return Ok(on(event, client).map_break(Some)),
            Ok(None) => client.handle_input(inbox, now),
            Err(fault) => Err(fault),
        };
        if let Ok(Input::Event(event)) = input {
            let answer = on(event, client).map_break(Some);
            let late = until.is_some_and(|until| until <= self.clock.now());
            return Ok(if answer.is_continue() && late { ControlFlow::Break(None) } else { answer });
        }
        if matches!(input, Ok(Input::Blocked)) && self.copy(client) > 0 {
            return Ok(ControlFlow::Continue(())); // there is room for more answers now
        }
        // What was read and what `on` queued piled up, and goes out in one piece; after a fault, the DISCONNECT that says so.
        let flushed = self.flush(client);
        match input {
            // It is the cause, whether or not the server could be told.
            Err(fault) => Err(Error::Fault(fault)),
            Ok(_) if flushed.is_err() => flushed.map(ControlFlow::Continue),
            Ok(_) if client.is_closed() => Err(Error::Ended),
            Ok(Input::Partial { .. }) => self.wait(client, inbox, until),
            // Something waited to be written.
            Ok(_) => Ok(ControlFlow::Continue(())),
        }
    }

    /// Copies out what there is to say, as far as it fits behind what is copied already.
    fn copy<M: Memory>(&mut self, client: &mut Client<M>) -> usize {
        let n = self.burst.get_mut(self.copied..).map_or(0, |room| client.transmit_into(room));
        self.copied += n;
        n
    }

    /// Writes what the session has to say, a burst at a time.
    fn flush<M: Memory>(&mut self, client: &mut Client<M>) -> Result<(), Error> {
        loop {
            while self.copied > 0 {
                let copied = self.burst.get(..self.copied).unwrap_or_default();
                let n = write(&mut self.transport, copied, self.write_timeout)?;
                client.transmitted(n, self.clock.now());
                self.burst.copy_within(n..self.copied, 0);
                self.copied -= n;
            }
            match client.poll_transmit() {
                None => break,
                Some(Transmit::Bytes(lent)) if lent.len() >= BURST / 2 => {
                    let n = write(&mut self.transport, lent, self.write_timeout)?;
                    client.transmitted(n, self.clock.now());
                }
                Some(_) => {
                    self.copy(client);
                }
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
        if let Some(timeout) = self.read_timeout.change(first.map(|first| now.until(first))) {
            self.transport.socket().set_read_timeout(timeout).map_err(Error::Read)?;
        }
        let spare = inbox.spare();
        let room = spare.len();
        match self.transport.read(spare) {
            // Only where room was offered does a read of nothing mean that there is no more.
            Ok(0) if room > 0 => {
                return Err(if self.stop.load(Ordering::Acquire) { Error::Stopped } else { Error::Closed });
            }
            Ok(n) => inbox.filled(n),
            Err(error) if is_timeout(&error) => self.read_timeout.passed(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
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

/// Writes some of `bytes`, which are not none.
fn write(transport: &mut impl Transport, bytes: &[u8], timeout: Duration) -> Result<usize, Error> {
    loop {
        return match transport.write(bytes) {
            Ok(0) => Err(Error::Closed),
            Ok(n) => Ok(n),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if is_timeout(&error) => Err(Error::Stalled(timeout)),
            Err(error) if is_closed(&error) => Err(Error::Closed),
            Err(error) => Err(Error::Write(error)),
        };
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
