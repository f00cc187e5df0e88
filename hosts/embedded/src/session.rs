//! A session that tasks share: calls of the client, and futures that wait for its answers. Nothing here reads or writes a stream.

use core::cell::RefCell;
use core::future::{Future, poll_fn};
use core::task::{Context, Poll};

use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::signal::Signal;
use embassy_sync::waitqueue::MultiWakerRegistration;
use embassy_time::Instant as Now;
use mqtt5_session::codec::{PacketId, Properties, ReasonCode, Subscription};
use mqtt5_session::{Client, Event, Fault, Instant, Memory, Publication, Refused};

/// How many tasks may wait without waking each other for nothing.
const TASKS: usize = 8;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The server answered with this reason code; one from 0x80 on says that it refused.
    Answered(ReasonCode),
    /// A message of QoS 0 was queued. Nobody answers it.
    Queued,
    /// The session ended, or for a subscription the connection, before an answer came: nobody knows whether it arrived.
    Lost,
}

/// A session, shared by the tasks of a program: most often in a `static`.
///
/// `WAITS` requests can wait for an answer at a time; further ones wait for a place.
pub struct Session<R: RawMutex, M, const WAITS: usize = 4> {
    shared: Mutex<R, RefCell<Shared<M, WAITS>>>,
    /// Tells the connection that there may be something to write.
    work: Signal<R, ()>,
    /// Tells the connection that something was written.
    room: Signal<R, ()>,
}

struct Shared<M, const WAITS: usize> {
    client: Client<M>,
    /// Requests that a task waits for.
    waits: [Wait; WAITS],
    tasks: MultiWakerRegistration<TASKS>,
}

#[derive(Clone, Copy)]
enum Wait {
    Free,
    /// Taken by a task whose request is not queued yet.
    Taken,
    For(PacketId),
    Over(Outcome),
}

/// The milliseconds since boot, as the session counts them.
pub(crate) fn now() -> Instant {
    Instant::from_millis(Now::now().as_millis())
}

impl<R: RawMutex, M: Memory, const WAITS: usize> Session<R, M, WAITS> {
    /// A session without a connection.
    pub const fn new(memory: M) -> Self {
        let shared =
            Shared { client: Client::new(memory), waits: [Wait::Free; WAITS], tasks: MultiWakerRegistration::new() };
        Self { shared: Mutex::new(RefCell::new(shared)), work: Signal::new(), room: Signal::new() }
    }

    /// Makes any call of the client, from any task, and has what it queued written. It must not call the session again.
    ///
    /// With `CriticalSectionRawMutex` interrupts are off meanwhile: as long as a packet takes to encode.
    pub fn with<T>(&self, call: impl FnOnce(&mut Client<M>) -> T) -> T {
        let value = self.quietly(call);
        self.work.signal(());
        value
    }

    /// Publishes a message as soon as there is room for it, and waits until its exchange is over.
    ///
    /// Dropped before there is room, it has published nothing. Dropped later it cancels nothing: the message is still sent.
    ///
    /// # Errors
    /// [`Refused`], except for want of room, which is waited for where an exchange that is under way can make it.
    pub async fn publish(&self, publication: &Publication<'_>) -> Result<Outcome, Refused> {
        self.request(|client| client.publish(publication)).await
    }

    /// Subscribes, and waits for the server's answer.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn subscribe(&self, subscription: Subscription<'_>) -> Result<Outcome, Refused> {
        self.request(|client| client.subscribe(&[subscription], Properties::EMPTY).map(Some)).await
    }

    async fn request(
        &self,
        mut call: impl FnMut(&mut Client<M>) -> Result<Option<PacketId>, Refused>,
    ) -> Result<Outcome, Refused> {
        let place = Place { session: self, index: self.place().await };
        let queued = poll_fn(|context| self.poll_queue(place.index, &mut call, context)).await?;
        self.work.signal(());
        if queued.is_none() {
            return Ok(Outcome::Queued);
        }
        Ok(poll_fn(|context| self.poll_answer(place.index, context)).await)
    }

    /// Takes a place among those who wait.
    fn place(&self) -> impl Future<Output = usize> {
        poll_fn(|context| {
            self.lock(|shared| {
                let mut places = shared.waits.iter_mut().enumerate();
                match places.find(|(_, wait)| matches!(wait, Wait::Free)) {
                    Some((index, wait)) => {
                        *wait = Wait::Taken;
                        Poll::Ready(index)
                    }
                    None => shared.pend(context),
                }
            })
        })
    }

    fn poll_queue(
        &self,
        index: usize,
        call: &mut impl FnMut(&mut Client<M>) -> Result<Option<PacketId>, Refused>,
        context: &Context<'_>,
    ) -> Poll<Result<Option<PacketId>, Refused>> {
        self.lock(|shared| match call(&mut shared.client) {
            Err(Refused::Exchanges { .. } | Refused::Bytes { .. } | Refused::ReceiveMaximum)
                if shared.client.figures(now()).in_flight != 0 || shared.client.poll_transmit().is_some() =>
            {
                shared.pend(context)
            }
            Ok(Some(id)) => {
                shared.set(index, Wait::For(id));
                Poll::Ready(Ok(Some(id)))
            }
            other => Poll::Ready(other),
        })
    }

    fn poll_answer(&self, index: usize, context: &Context<'_>) -> Poll<Outcome> {
        self.lock(|shared| match shared.waits.get(index) {
            Some(Wait::Over(outcome)) => Poll::Ready(*outcome),
            _ => shared.pend(context),
        })
    }

    fn lock<T>(&self, call: impl FnOnce(&mut Shared<M, WAITS>) -> T) -> T {
        self.shared.lock(|shared| call(&mut shared.borrow_mut()))
    }

    /// As [`with`](Self::with), for the connection itself, which needs no telling.
    pub(crate) fn quietly<T>(&self, call: impl FnOnce(&mut Client<M>) -> T) -> T {
        self.lock(|shared| call(&mut shared.client))
    }

    /// Waits for a call of [`with`](Self::with).
    pub(crate) fn called(&self) -> impl Future<Output = ()> + '_ {
        self.work.wait()
    }

    /// Waits until something was written.
    pub(crate) fn written(&self) -> impl Future<Output = ()> + '_ {
        self.room.wait()
    }

    /// Something was written: there is room, also for those who wait to publish at QoS 0.
    pub(crate) fn wrote(&self) {
        self.room.signal(());
        self.lock(|shared| shared.tasks.wake());
    }

    /// The connection is gone. Gives what the server did wrong, if it did.
    pub(crate) fn close(&self) -> Option<Fault> {
        let fault = self.quietly(|client| {
            client.handle_close(now());
            client.fault()
        });
        self.note_lost();
        fault
    }

    /// Has the connection look again for what is to be written.
    pub(crate) fn call(&self) {
        self.work.signal(());
    }

    /// Tells whoever waits for it what this event says.
    pub(crate) fn note(&self, event: &Event<'_>) {
        let (id, reason) = match event {
            Event::Published(ack) => (ack.id, Some(ack.reason)),
            Event::Subscribed(ack) | Event::Unsubscribed(ack) => (ack.id, ack.reasons.iter().next()),
            // Whether it arrived is not known.
            Event::Unconfirmed(ack) => return self.lock(|shared| shared.end(ack.id, Outcome::Lost)),
            // The server may have lost the session, or its limits forbid what waited.
            Event::Connected(_) | Event::SessionExpired { .. } => return self.note_lost(),
            _ => return,
        };
        let reason = reason.unwrap_or(ReasonCode::SUCCESS);
        self.lock(|shared| shared.end(id, Outcome::Answered(reason)));
    }

    /// Tells those whose exchange was lost.
    pub(crate) fn note_lost(&self) {
        self.lock(|shared| {
            while let Some(id) = shared.client.poll_lost() {
                shared.end(id, Outcome::Lost);
            }
        });
    }
}

impl<M, const WAITS: usize> Shared<M, WAITS> {
    fn pend<T>(&mut self, context: &Context<'_>) -> Poll<T> {
        self.tasks.register(context.waker());
        Poll::Pending
    }

    fn set(&mut self, index: usize, wait: Wait) {
        if let Some(place) = self.waits.get_mut(index) {
            *place = wait;
        }
    }

    /// An exchange is over: its task is told, and all who wait for room try again.
    fn end(&mut self, id: PacketId, outcome: Outcome) {
        if let Some(wait) = self.waits.iter_mut().find(|wait| matches!(wait, Wait::For(waits) if *waits == id)) {
            *wait = Wait::Over(outcome);
        }
        self.tasks.wake();
    }
}

/// A place among those who wait, free again when it is dropped.
struct Place<'s, R: RawMutex, M: Memory, const WAITS: usize> {
    session: &'s Session<R, M, WAITS>,
    index: usize,
}

impl<R: RawMutex, M: Memory, const WAITS: usize> Drop for Place<'_, R, M, WAITS> {
    fn drop(&mut self) {
        self.session.lock(|shared| {
            shared.set(self.index, Wait::Free);
            shared.tasks.wake();
        });
    }
}

impl<R: RawMutex, M: Memory, const WAITS: usize> core::fmt::Debug for Session<R, M, WAITS> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.quietly(|client| client.fmt(f))
    }
}
