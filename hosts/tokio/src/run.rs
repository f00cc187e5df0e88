//! The loop: what [`Driver`] says, done with tokio's sockets and timers.

use core::future::{Future, poll_fn};
use core::task::{Context, Poll, ready};
use core::time::Duration;

use mqtt5_host::{Attempt, Cause, Driver, Task};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::exchange::{Timer, poll_exchange};
use crate::transport::{Opener, Transport};

/// How long a server may take to close its side after our goodbye.
const LINGER: Duration = Duration::from_millis(500);

/// Runs a client until it has ended.
pub(crate) async fn run(mut driver: Driver, mut opener: Opener) {
    let mut timer = Timer::default();
    loop {
        match poll_fn(|context| poll_task(&mut driver, &mut timer, context)).await {
            Task::Open(attempt) => {
                let Some(mut stream) = open(&mut driver, &mut opener, &attempt, &mut timer).await else { continue };
                let cause = poll_fn(|context| poll_exchange(&mut driver, &mut stream, &mut timer, context)).await;
                if cause.is_none() {
                    // A socket that is closed while bytes lie unread is reset, and that may overtake our goodbye.
                    let _ = timeout(LINGER, finish(&mut stream)).await;
                }
                drop(stream);
                driver.closed(cause);
            }
            Task::End => return,
            _ => {}
        }
    }
}

/// Waits for something to do.
fn poll_task(driver: &mut Driver, timer: &mut Timer, context: &mut Context<'_>) -> Poll<Task> {
    loop {
        match driver.poll(context.waker()) {
            Task::Wait(until) => ready!(timer.poll_until(until, context)),
            task => return Poll::Ready(task),
        }
    }
}

/// Opens a connection, unless the client is closed meanwhile or it takes too long.
async fn open(
    driver: &mut Driver,
    opener: &mut Opener,
    attempt: &Attempt,
    timer: &mut Timer,
) -> Option<Box<dyn Transport>> {
    let mut opening = Box::pin(timeout(attempt.timeout, opener.open(attempt)));
    let opened = poll_fn(|context| {
        loop {
            let Ok(until) = driver.poll_abandoned(context.waker()) else { return Poll::Ready(None) };
            if let Poll::Ready(opened) = opening.as_mut().poll(context) {
                return Poll::Ready(Some(opened));
            }
            ready!(timer.poll_until(until, context));
        }
    })
    .await;
    drop(opening);
    let cause = match opened {
        Some(Ok(Ok((stream, credentials)))) => {
            driver.opened(credentials);
            return Some(stream);
        }
        Some(Ok(Err(cause))) => cause,
        Some(Err(_)) => Cause::TimedOut(attempt.timeout),
        None => Cause::Stopped,
    };
    driver.failed(opener.step, cause);
    None
}

/// Ends our side of the stream, and reads until the server ends its own.
async fn finish(stream: &mut Box<dyn Transport>) -> std::io::Result<()> {
    stream.shutdown().await?;
    let mut dropped = [0; 1 << 10];
    while stream.read(&mut dropped).await? != 0 {}
    Ok(())
}
