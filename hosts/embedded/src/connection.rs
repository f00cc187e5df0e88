//! One network connection of a session: the loop that reads, writes and keeps time.

use core::fmt;
use core::future::{Future, pending};
use core::ops::ControlFlow;
use core::pin::pin;

use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_time::{Duration, Instant as Moment, Timer};
use embedded_io_async::{Read, Write};
use mqtt5_session::codec::ReasonCode;
use mqtt5_session::{ConnectOptions, Event, Fault, Inbox, Input, Memory, Refused};

use crate::session::{Session, now};

/// How long the last words of a connection, its DISCONNECT, may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Why a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<R, W> {
    /// Reading failed.
    Read(R),
    /// Writing failed.
    Write(W),
    /// The server closed the connection.
    Closed,
    /// The server refused the connection, for this reason.
    Rejected(ReasonCode),
    /// The server ended the connection by a DISCONNECT, for this reason.
    Disconnected(ReasonCode),
    /// Our own DISCONNECT has been written.
    Ended,
    /// The server broke the standard, or did not answer in time.
    Fault(Fault),
}

impl<R: fmt::Debug, W: fmt::Debug> fmt::Display for Error<R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, reason) = match self {
            Self::Read(error) => return write!(f, "reading failed: {error:?}"),
            Self::Write(error) => return write!(f, "writing failed: {error:?}"),
            Self::Fault(fault) => return write!(f, "the server broke the standard: {fault}"),
            Self::Closed => return f.write_str("the server closed the connection"),
            Self::Ended => return f.write_str("the connection was ended by us"),
            Self::Rejected(reason) => ("the server refused the connection", reason),
            Self::Disconnected(reason) => ("the server ended the connection", reason),
        };
        write!(f, "{what}: {} (0x{:02X})", reason.name(), reason.value())
    }
}

impl<R: fmt::Debug, W: fmt::Debug> core::error::Error for Error<R, W> {}

/// One network connection of a [`Session`]. Dropped, it is lost for the session, which can be connected anew.
///
/// `RD` and `WR` are the two halves of a stream, such as a socket's `split` gives.
#[derive(Debug)]
pub struct Connection<'s, R: RawMutex, M: Memory, RD, WR, const WAITS: usize = 4> {
    session: &'s Session<R, M, WAITS>,
    reader: RD,
    inbox: Inbox<'s>,
    outbox: Outbox<'s, WR>,
    /// What the server said last of all.
    farewell: Option<Farewell>,
    /// Whether the session knows that this connection is over.
    over: bool,
}

#[derive(Clone, Copy, Debug)]
enum Farewell {
    Rejected(ReasonCode),
    Disconnected(ReasonCode),
}

#[derive(Debug)]
struct Outbox<'s, WR> {
    writer: WR,
    bytes: &'s mut [u8],
    /// The bytes that are copied and not yet written.
    start: usize,
    end: usize,
    /// Whether something was written that the stream may still hold back.
    unflushed: bool,
}

impl<'s, R: RawMutex, M: Memory, RD: Read, WR: Write, const WAITS: usize> Connection<'s, R, M, RD, WR, WAITS> {
    /// Queues CONNECT on a stream that has just been opened. `out` holds what is written at a time: the more packets it takes,
    /// the fewer writes there are.
    ///
    /// # Errors
    /// What [`Client::connect`](mqtt5_session::Client::connect) refuses.
    pub fn open(
        session: &'s Session<R, M, WAITS>,
        options: &ConnectOptions<'_>,
        reader: RD,
        writer: WR,
        mut inbox: Inbox<'s>,
        out: &'s mut [u8],
    ) -> Result<Self, Refused> {
        session.quietly(|client| client.connect(options, &mut inbox, now()))?;
        session.note_lost();
        let outbox = Outbox { writer, bytes: out, start: 0, end: 0, unflushed: false };
        Ok(Self { session, reader, inbox, outbox, farewell: None, over: false })
    }

    /// Hosts the session until `on` breaks with a value; it may be called again then. `on` may call the session's
    /// [`with`](Session::with), and hands over to other tasks what takes longer.
    ///
    /// It may be dropped at any point, and called again, without losing or doubling anything, where dropping the stream's `read`
    /// and `write` loses nothing either.
    ///
    /// # Errors
    /// Any of [`Error`]: the connection is over.
    pub async fn run<B>(
        &mut self,
        mut on: impl FnMut(Event<'_>) -> ControlFlow<B>,
    ) -> Result<B, Error<RD::Error, WR::Error>> {
        let Self { session, reader, inbox, outbox, farewell, over } = self;
        let session = *session;
        let incoming = async {
            loop {
                let handled = handle(session, inbox, farewell, &mut on);
                // What was read may have been answered, or have moved a deadline.
                session.call();
                match handled {
                    Handled::Broke(value) => return Ok(value),
                    Handled::Over => {
                        // The other half says goodbye, and ends first, unless the stream takes nothing.
                        Timer::after(LAST_WORDS).await;
                        return Err(Error::Ended);
                    }
                    Handled::Blocked if inbox.spare().is_empty() => session.written().await,
                    // A peer that writes until it is read is read, whatever waits to be written.
                    handled => {
                        let blocked = matches!(handled, Handled::Blocked);
                        let room = async { if blocked { session.written().await } else { pending().await } };
                        match select(reader.read(inbox.spare()), room).await {
                            Either::First(Ok(0)) => return Err(Error::Closed),
                            Either::First(Ok(n)) => inbox.filled(n),
                            Either::First(Err(error)) => return Err(Error::Read(error)),
                            Either::Second(()) => {}
                        }
                    }
                }
            }
        };
        let ended = match select(pin!(incoming), pin!(outbox.write(session))).await {
            Either::First(Ok(value)) => return Ok(value),
            Either::First(Err(error)) | Either::Second(error) => error,
        };
        let fault = session.close();
        *over = true;
        Err(match (fault, *farewell) {
            (Some(fault), _) => Error::Fault(fault),
            (None, Some(Farewell::Rejected(reason))) => Error::Rejected(reason),
            (None, Some(Farewell::Disconnected(reason))) => Error::Disconnected(reason),
            (None, None) => ended,
        })
    }
}

impl<R: RawMutex, M: Memory, RD, WR, const WAITS: usize> Drop for Connection<'_, R, M, RD, WR, WAITS> {
    fn drop(&mut self) {
        if !self.over {
            self.session.close();
        }
    }
}

/// How far the received bytes were handled.
enum Handled<B> {
    /// The caller broke off.
    Broke(B),
    /// The connection is over, or nearly.
    Over,
    /// Answers have to be written first.
    Blocked,
    /// There is no whole packet any more.
    All,
}

/// Handles what has been received.
fn handle<R: RawMutex, M: Memory, B, const WAITS: usize>(
    session: &Session<R, M, WAITS>,
    inbox: &mut Inbox<'_>,
    farewell: &mut Option<Farewell>,
    on: &mut impl FnMut(Event<'_>) -> ControlFlow<B>,
) -> Handled<B> {
    loop {
        match session.quietly(|client| client.handle_input(inbox, now())) {
            Ok(Input::Event(event)) => {
                match &event {
                    Event::Rejected(packet) => *farewell = Some(Farewell::Rejected(packet.reason)),
                    Event::Disconnected(packet) => *farewell = Some(Farewell::Disconnected(packet.reason)),
                    _ => {}
                }
                session.note(&event);
                if let ControlFlow::Break(value) = on(event) {
                    return Handled::Broke(value);
                }
            }
            _ if session.quietly(|client| client.fault().is_some() || client.is_closed()) => return Handled::Over,
            Ok(Input::Partial { .. }) => return Handled::All,
            _ => return Handled::Blocked,
        }
    }
}

impl<WR: Write> Outbox<'_, WR> {
    /// Writes what the session has to say, and rings its alarms, until the connection is over.
    async fn write<R: RawMutex, M: Memory, RE, const WAITS: usize>(
        &mut self,
        session: &Session<R, M, WAITS>,
    ) -> Error<RE, WR::Error> {
        loop {
            if self.start == self.end {
                (self.start, self.end) = (0, session.quietly(|client| client.transmit_into(self.bytes)));
            }
            let bytes = self.bytes.get(self.start..self.end).unwrap_or(&[]);
            let written = if !bytes.is_empty() {
                alarmed(session, self.writer.write(bytes)).await
            } else if self.unflushed {
                let done = alarmed(session, self.writer.flush()).await;
                self.unflushed = !matches!(done, Some(Ok(())));
                done.map(|done| done.map(|()| 0))
            } else if session.quietly(|client| client.is_closed()) {
                return Error::Ended;
            } else {
                alarmed(session, session.called()).await.map(|()| Ok(0))
            };
            match written {
                Some(Ok(0)) if self.start != self.end => return Error::Closed,
                Some(Ok(n)) => {
                    self.unflushed |= n != 0;
                    self.start = self.start.saturating_add(n).min(self.end);
                    if n != 0 {
                        session.quietly(|client| client.transmitted(n, now()));
                        session.wrote();
                    }
                }
                Some(Err(error)) => return Error::Write(error),
                None => return Error::Ended,
            }
        }
    }
}

/// Awaits this, and rings the session's alarms meanwhile. `None` when an alarm ended the connection.
async fn alarmed<R: RawMutex, M: Memory, T, const WAITS: usize>(
    session: &Session<R, M, WAITS>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    loop {
        let alarm = async {
            match session.quietly(|client| client.poll_timeout()) {
                Some(due) => Timer::at(Moment::from_millis(due.as_millis())).await,
                None => pending().await,
            }
        };
        match select(&mut work, alarm).await {
            Either::First(value) => return Some(value),
            // The event of an alarm comes only without a connection.
            Either::Second(()) if session.quietly(|client| client.handle_timeout(now())).is_err() => return None,
            Either::Second(()) => session.call(),
        }
    }
}
