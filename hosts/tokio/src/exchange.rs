//! Bytes in both directions at once, as many at a time as there are: neither waits for the other.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::time::Instant;

use mqtt5_host::{Cause, Driver, Turn};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use crate::transport::Transport;

/// How many turns are taken before others get theirs.
const TURNS: usize = 64;

/// A timer that is set anew only to an earlier time, or when it has rung: setting it costs more than ringing too early.
#[derive(Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready at that time; never, if there is none.
    pub(crate) fn poll_until(&mut self, until: Option<Instant>, context: &mut Context<'_>) -> Poll<()> {
        let Some(until) = until.map(tokio::time::Instant::from_std) else { return Poll::Pending };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() > until {
            sleep.as_mut().reset(until);
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            if sleep.deadline() >= until {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(until);
        }
    }
}

/// Exchanges bytes until the connection is over: by the session's wish, then there is no cause.
pub(crate) fn poll_exchange(
    driver: &mut Driver,
    stream: &mut Box<dyn Transport>,
    timer: &mut Timer,
    context: &mut Context<'_>,
) -> Poll<Option<Cause>> {
    // Woken for whatever reason: a turn says what it is.
    let (mut due, mut until, mut broken) = (true, None, None);
    for _ in 0..TURNS {
        // What the server said before it closed its side is worth more than that it did.
        let read = match (read(driver, stream, context), broken.take()) {
            (Err(cause), _) | (Ok(false), Some(cause)) => return Poll::Ready(Some(cause)),
            (Ok(read), _) => read,
        };
        if !read && !due {
            ready!(timer.poll_until(until, context));
        }
        until = match driver.turn(context.waker()) {
            Turn::Go(until) => until,
            Turn::Last => return Poll::Ready(None),
            Turn::Stuck(cause) => return Poll::Ready(Some(cause)),
        };
        match write(driver, stream, context) {
            Ok(wrote) => due = wrote && driver.goes_on(),
            Err(cause) => broken = Some(cause),
        }
    }
    context.waker().wake_by_ref();
    Poll::Pending
}

/// Writes what the stream takes. Whether that was anything.
fn write(driver: &mut Driver, stream: &mut Box<dyn Transport>, context: &mut Context<'_>) -> Result<bool, Cause> {
    let mut wrote = false;
    while !driver.outgoing().is_empty() {
        match Pin::new(&mut *stream).poll_write(context, driver.outgoing()) {
            Poll::Ready(Ok(0)) => return Err(Cause::Closed),
            Poll::Ready(Ok(n)) => driver.wrote(n),
            Poll::Ready(Err(error)) => return Err(error.into()),
            Poll::Pending => break,
        }
        wrote = true;
    }
    // TLS and WebSocket may hold some back; for a socket it is nothing.
    if let Poll::Ready(Err(error)) = Pin::new(&mut *stream).poll_flush(context) {
        return Err(error.into());
    }
    Ok(wrote)
}

/// Reads what has arrived. Whether that was anything.
fn read(driver: &mut Driver, stream: &mut Box<dyn Transport>, context: &mut Context<'_>) -> Result<bool, Cause> {
    let room = driver.room();
    if room.is_empty() {
        return Ok(false);
    }
    let mut buffer = ReadBuf::new(room);
    match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
        Poll::Ready(Ok(())) if buffer.filled().is_empty() => Err(Cause::Closed),
        Poll::Ready(Ok(())) => {
            let n = buffer.filled().len();
            driver.read(n);
            Ok(true)
        }
        Poll::Ready(Err(error)) => Err(error.into()),
        Poll::Pending => Ok(false),
    }
}
