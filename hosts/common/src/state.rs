//! What the loop of a host and its users share, under one lock that is never held while anybody waits.
//!
//! The session lives here. Users change it from their own threads; the loop writes what it has to say. Nobody is woken while
//! the lock is held.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use mqtt5_codec::{PacketId, Property, ReasonCode};
use mqtt5_session::{Boxed, Client, Ending, Event, Instant, Refused};

use crate::clock::{Clock, after};
use crate::error::{Cause, HostError, Notice};
use crate::events::{EventQueue, HostEvent};
use crate::gather::Gather;
use crate::options::Options;
use crate::publish::{Outcome, Publishers};
use crate::routes::Routes;
use crate::slot::Slot;
use crate::stock::{Stock, exchanges};

/// How long a client whose last user went may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(5);

/// Whom an answer of the server is for.
#[derive(Debug)]
pub(crate) enum Pending {
    Publish(Arc<Slot<Outcome>>),
    Subscribe(u32),
    Unsubscribe(u32),
}

/// How the client ended.
#[derive(Clone, Debug)]
pub(crate) struct End(pub(crate) Option<HostError>);

/// A step of enhanced authentication that the authenticator is to be asked about, without the lock.
#[derive(Debug)]
pub(crate) struct AuthStep {
    pub(crate) reason: ReasonCode,
    pub(crate) data: Option<Vec<u8>>,
}

pub(crate) struct State {
    pub(crate) session: Client<Boxed>,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    /// How many connections have been accepted: tells whether a QoS 1 message may still be acknowledged.
    pub(crate) link: u32,
    /// How many sessions the server has begun for us: the same for QoS 2.
    pub(crate) era: u32,
    /// Whom the answers are for.
    pub(crate) pending: HashMap<PacketId, Pending>,
    /// How many of them are publishes.
    pub(crate) publishing: usize,
    pub(crate) publishers: Publishers,
    pub(crate) routes: Routes,
    pub(crate) events: EventQueue,
    /// What waits to be taken.
    pub(crate) stock: Stock,
    /// Answers that wait for each other.
    pub(crate) gather: Gather,
    /// Whether reading has stopped until some of that is.
    pub(crate) paused: bool,
    /// The keep-alive interval in force, in seconds.
    pub(crate) keep_alive: u16,
    /// The client identifier that the server assigned.
    pub(crate) assigned: Option<String>,
    /// Whether the next connection discards the session.
    pub(crate) clean_start: bool,
    /// What the server said when it ended the connection, or what it did wrong.
    pub(crate) ending: Option<Cause>,
    pub(crate) auth: Option<AuthStep>,
    /// Whether the server of this connection has been authenticated, where that is asked for.
    pub(crate) vouched: bool,
    /// Until when the client may say goodbye, once it is being closed.
    pub(crate) closing: Option<Instant>,
    /// Whether DISCONNECT was queued.
    pub(crate) leaving: bool,
    /// How many messages had no answer when the deadline of closing had passed.
    pub(crate) unanswered: usize,
    pub(crate) end: Option<End>,
    /// Those who wait for a connection, or for the end.
    watchers: BTreeMap<u64, Waker>,
    /// How many there have been.
    watched: u64,
    /// The loop, if it waits.
    pub(crate) driver: Option<Waker>,
    users: usize,
    /// Whom to wake when the lock is released.
    pub(crate) wake: Vec<Waker>,
}

impl State {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            session: Client::new(Boxed::new(
                exchanges(&options),
                options.send_bytes.saturating_add(options.connect_room()),
            )),
            clock: Clock::start(),
            link: 0,
            era: 0,
            pending: HashMap::new(),
            publishing: 0,
            publishers: Publishers::default(),
            routes: Routes::new(options.clean_start),
            events: EventQueue::default(),
            stock: Stock::default(),
            gather: Gather::new(&options),
            paused: false,
            keep_alive: options.keep_alive,
            assigned: None,
            clean_start: options.clean_start,
            ending: None,
            auth: None,
            vouched: false,
            closing: None,
            leaving: false,
            unanswered: 0,
            end: None,
            watchers: BTreeMap::new(),
            watched: 0,
            driver: None,
            users: 0,
            wake: Vec::new(),
            options,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Has the loop look at the session again, at once.
    pub(crate) fn rouse(&mut self) {
        self.gather.hurry();
        self.wake.extend(self.driver.take());
    }

    /// An answer waits in the session. The loop looks at it before long, at once if there are enough.
    pub(crate) fn answered(&mut self) {
        self.gather.add(1);
        if self.gather.wants_loop() {
            self.wake.extend(self.driver.take());
        }
    }

    /// Wakes someone when there is a connection, or at the end.
    fn watch(&mut self, key: &mut Option<u64>, waker: &Waker) {
        let key = *key.get_or_insert_with(|| {
            self.watched += 1;
            self.watched
        });
        self.watchers.insert(key, waker.clone());
    }

    /// Whether there is a connection, to a server that is the one it should be.
    pub(crate) fn is_connected(&self) -> bool {
        self.vouched && self.session.is_connected()
    }

    /// Tells those who wait for a connection, once the authenticator has nothing against it.
    pub(crate) fn vouch(&mut self) {
        if !self.vouched && self.auth.is_none() && self.session.is_connected() {
            self.vouched = true;
            self.wake_watchers();
        }
    }

    fn wake_watchers(&mut self) {
        self.wake.extend(core::mem::take(&mut self.watchers).into_values());
    }

    // --- what the session reports ---

    /// Takes in an event. What it lends is copied.
    pub(crate) fn on_event(&mut self, event: Event<'_>) {
        match event {
            Event::Message(incoming) => self.deliver(&incoming),
            Event::Published(ack) => self.answer(ack.id, Outcome::Acknowledged(ack.reason)),
            Event::Unconfirmed(ack) => self.answer(ack.id, Outcome::Unconfirmed),
            Event::Subscribed(ack) => {
                let reasons = ack.reasons.iter().collect();
                self.subscribed(ack.id, reasons);
            }
            Event::Unsubscribed(ack) => {
                let reasons = ack.reasons.iter().collect();
                self.unsubscribed(ack.id, reasons);
            }
            Event::Connected(connected) => self.connected(&connected),
            Event::Rejected(packet) => {
                self.ending = Some(Cause::Rejected(Notice::new(packet.reason, packet.properties.iter())));
            }
            Event::Disconnected(packet) => {
                self.ending = Some(Cause::Disconnected(Notice::new(packet.reason, packet.properties.iter())));
            }
            Event::Auth(packet) => {
                let data = packet.properties.authentication_data().map(<[u8]>::to_vec);
                self.auth = Some(AuthStep { reason: packet.reason, data });
            }
            Event::SessionExpired { .. } => {
                // The server's clock may be behind ours.
                self.clean_start = true;
                self.name_lost();
            }
            _ => {}
        }
    }

    fn connected(&mut self, connected: &mqtt5_session::Connected<'_>) {
        let mqtt5_session::Connected { resumed, packet, .. } = *connected;
        self.link = self.link.wrapping_add(1);
        if !resumed {
            self.era = self.era.wrapping_add(1);
        }
        self.name_lost();
        // From now on the session is worth keeping.
        self.clean_start = self.options.session_expiry == 0;
        self.keep_alive = self.options.keep_alive;
        let mut identifiers = true;
        for property in packet.properties.iter() {
            match property {
                Property::AssignedClientIdentifier(id) => self.assigned = Some(id.as_str().to_owned()),
                Property::ServerKeepAlive(seconds) => self.keep_alive = seconds,
                Property::SubscriptionIdentifiersAvailable(available) => identifiers = available,
                Property::AuthenticationData(data) => {
                    self.auth = Some(AuthStep { reason: ReasonCode::SUCCESS, data: Some(data.to_vec()) });
                }
                _ => {}
            }
        }
        self.forget_what_comes_again(resumed);
        self.routes.reconnected(resumed, identifiers);
        self.report(HostEvent::connected(resumed, &packet));
        self.subscribe_what_waits();
        self.publishers.next(&mut self.wake);
    }

    /// Tells a publisher what became of a message.
    fn answer(&mut self, id: PacketId, outcome: Outcome) {
        if let Some(Pending::Publish(slot)) = self.pending.remove(&id) {
            self.publishing = self.publishing.saturating_sub(1);
            self.wake.extend(slot.put(outcome));
        }
    }

    /// Tells what ended without an answer.
    pub(crate) fn name_lost(&mut self) {
        while let Some(id) = self.session.poll_lost() {
            match self.pending.get(&id) {
                Some(Pending::Publish(_)) => self.answer(id, Outcome::SessionLost),
                // What they are about is asked for again on the next connection.
                _ => drop(self.pending.remove(&id)),
            }
        }
        self.publishers.next(&mut self.wake);
    }

    // --- the end ---

    /// Begins to close, once.
    pub(crate) fn close(&mut self, deadline: Duration) {
        if self.closing.is_none() && self.end.is_none() {
            self.closing = Some(after(self.now(), deadline));
            self.publishers.wake_all(&mut self.wake);
            self.rouse();
        }
    }

    /// Whether the client is being closed and nothing is left to wait for.
    pub(crate) fn may_leave(&self, now: Instant) -> bool {
        self.closing.is_some_and(|until| self.publishing == 0 || until <= now)
    }

    /// Says goodbye on the connection, once that is due.
    pub(crate) fn leave(&mut self, now: Instant) {
        if !self.may_leave(now) {
            return;
        }
        let late = self.closing.is_some_and(|until| until <= now);
        if self.leaving && !late {
            return;
        }
        if late {
            // Ending the session answers them, though not as was hoped.
            self.unanswered = self.unanswered.max(self.publishing);
        }
        let ending = if late { Ending::AtOnce } else { Ending::AfterQueued };
        let over = [Property::SessionExpiryInterval(0)];
        // Whoever began without a session leaves none behind.
        let ends_session = self.options.clean_start && self.options.session_expiry != 0 && self.session.is_connected();
        let said = if ends_session && !self.leaving {
            self.session.disconnect_with(ReasonCode::NORMAL_DISCONNECTION, over[..].into(), ending)
        } else {
            self.session.disconnect(ending)
        };
        if matches!(said, Err(Refused::Bytes { .. })) {
            let _ = self.session.disconnect(ending);
        }
        self.leaving = true;
    }

    /// The client has ended: everyone who waits is told.
    pub(crate) fn finish(&mut self, error: Option<HostError>) {
        if self.end.is_some() {
            return;
        }
        self.end = Some(End(error.clone()));
        for (_, pending) in self.pending.drain() {
            if let Pending::Publish(slot) = pending {
                self.wake.extend(slot.put(Outcome::Closed));
            }
        }
        self.publishing = 0;
        self.publishers.wake_all(&mut self.wake);
        self.routes.finish(&mut self.wake);
        self.report(HostEvent::Ended(error));
        self.events.wake(&mut self.wake);
        self.wake_watchers();
    }
}

/// The state behind its lock.
pub(crate) struct Shared(Mutex<State>);

impl Shared {
    pub(crate) fn new(options: Options) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::new(options))))
    }

    /// Does something with the state, then wakes whom that concerns.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut state);
        if state.wake.is_empty() {
            return result;
        }
        let mut wake = core::mem::take(&mut state.wake);
        drop(state);
        wake.drain(..).for_each(Waker::wake);
        result
    }
}

/// Someone for whom the client lives: when the last one goes, it says goodbye.
pub(crate) struct User(Arc<Shared>);

impl User {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        shared.with(|state| state.users = state.users.saturating_add(1));
        Self(Arc::clone(shared))
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        self.0.with(work)
    }
}

impl Clone for User {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.0.with(|state| {
            state.users = state.users.saturating_sub(1);
            if state.users == 0 {
                state.close(FAREWELL);
            }
        });
    }
}

/// Waits until something is so. Dropped, it leaves nothing behind.
pub(crate) struct Watching<T> {
    shared: Arc<Shared>,
    look: fn(&State) -> Poll<T>,
    key: Option<u64>,
}

impl<T> Watching<T> {
    pub(crate) fn new(shared: &Arc<Shared>, look: fn(&State) -> Poll<T>) -> Self {
        Self { shared: Arc::clone(shared), look, key: None }
    }
}

impl<T> Future for Watching<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Self { shared, look, key } = &mut *self;
        shared.with(|state| {
            let seen = look(state);
            if seen.is_pending() {
                state.watch(key, context.waker());
            }
            seen
        })
    }
}

impl<T> Drop for Watching<T> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.shared.with(|state| state.watchers.remove(&key));
        }
    }
}
