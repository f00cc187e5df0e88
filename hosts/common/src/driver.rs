//! What the loop of a host does next: connect, exchange bytes, wait. It decides; the loop has the sockets.
//!
//! A loop asks [`Driver::poll`] what to do. To [open](Task::Open) a connection it asks for credentials, opens the transport
//! and tells by [`opened`](Driver::opened) or [`failed`](Driver::failed) what came of it. To [exchange](Task::Exchange) bytes it
//! takes turns, as `link.rs` says, until one is the last, closes the transport and calls [`closed`](Driver::closed).

use core::task::Waker;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant as SystemInstant;

use mqtt5_codec::{Properties, Property, ReasonCode, Text};
use mqtt5_session::{Ending, Inbox, Instant, Refused};

use crate::address::Address;
use crate::authenticate::Authenticator;
use crate::clock::after;
use crate::error::{Cause, HostError, Step};
use crate::events::{Events, HostEvent};
use crate::handle::Handle;
use crate::link::{Outbox, Since};
use crate::options::{Dial, Options};
use crate::reconnect::{Itinerary, Next};
use crate::secret::Credentials;
use crate::state::{Shared, State, User};

/// How many bytes are read at a time, at most, as long as packets are smaller.
const READ: usize = 32 << 10;

/// What the loop is to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Task {
    /// Open a connection.
    Open(Attempt),
    /// Exchange bytes over the connection that was opened.
    Exchange,
    /// Wait until this time, or until the waker is woken; without a time, only for the waker.
    Wait(Option<SystemInstant>),
    /// Nothing any more: the client has ended.
    End,
}

/// An attempt to connect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// Where.
    pub address: Address,
    /// The first one is 1.
    pub number: u64,
    /// How long it may take, from asking for credentials to CONNACK.
    pub timeout: Duration,
    began: SystemInstant,
}

impl Attempt {
    /// How much of its time is left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.began.elapsed())
    }
}

enum Stage {
    Waiting(Instant),
    Opening(Attempt),
    Linked(Attempt),
    Ended,
}

/// The side of a client that its host's loop has.
pub struct Driver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbox: Inbox<'static>,
    pub(crate) out: Outbox,
    /// The first bytes that came on this connection.
    pub(crate) first: Vec<u8>,
    pub(crate) since: Since,
    /// Whether bytes came since the last turn.
    pub(crate) heard: bool,
    /// When the last turn was.
    pub(crate) turned: Instant,
    /// Whether a turn is due as soon as everything is written.
    pub(crate) again: bool,
    pub(crate) busy: bool,
    itinerary: Itinerary,
    authenticator: Option<Box<dyn Authenticator>>,
    stage: Stage,
    attempts: u64,
    /// Whether the first connection has to come about without a pause.
    impatient: bool,
    /// How many connections had been accepted before this one.
    before: u32,
    /// When the server accepted this connection.
    accepted: Option<SystemInstant>,
}

/// A client, in its three parts: a handle to use, events to take, and what drives it.
#[must_use]
pub fn client(
    addresses: Itinerary,
    options: Options,
    authenticator: Option<Box<dyn Authenticator>>,
) -> (Handle, Events, Driver) {
    let most = usize::try_from(options.maximum_packet_size.get()).unwrap_or(usize::MAX);
    let inbox = Inbox::growing(READ, most.max(READ));
    let shared = Shared::new(options);
    let driver = Driver {
        inbox,
        out: Outbox::default(),
        first: Vec::new(),
        since: Since::default(),
        heard: false,
        turned: Instant::default(),
        again: false,
        busy: false,
        itinerary: addresses,
        authenticator,
        stage: Stage::Waiting(Instant::default()),
        attempts: 0,
        impatient: false,
        before: 0,
        accepted: None,
        shared: Arc::clone(&shared),
    };
    (Handle::new(User::new(&shared)), Events::new(User::new(&shared)), driver)
}

impl Driver {
    /// Ends the client when its first connection does not come about at any of the addresses, instead of trying again.
    pub const fn fail_at_first(&mut self) {
        self.impatient = true;
    }

    /// What to do now. Whoever is told to wait is woken when that changes.
    pub fn poll(&mut self, waker: &Waker) -> Task {
        let until = match &self.stage {
            Stage::Opening(attempt) => return Task::Open(attempt.clone()),
            Stage::Linked(_) => return Task::Exchange,
            Stage::Ended => return Task::End,
            Stage::Waiting(until) => *until,
        };
        let wait = self.shared.with(|state| {
            let now = state.now();
            if state.may_leave(now) {
                return Err(());
            }
            if let Ok(Some(event)) = state.session.handle_timeout(now) {
                state.on_event(event);
            }
            let first = [Some(until), state.session.poll_timeout(), state.closing].into_iter().flatten().min();
            if until <= now {
                return Ok(None);
            }
            state.driver = Some(waker.clone());
            Ok(first.map(|first| state.clock.when(first)))
        });
        match wait {
            Err(()) => self.end(None),
            Ok(Some(until)) => Task::Wait(until),
            Ok(None) => self.attempt(),
        }
    }

    fn attempt(&mut self) -> Task {
        let Some(address) = self.itinerary.address() else { return self.end(None) };
        self.attempts += 1;
        let (address, number) = (address.clone(), self.attempts);
        let timeout = self.shared.with(|state| {
            state.report(HostEvent::Connecting { attempt: number, place: address.to_string().into() });
            state.options.connect_timeout
        });
        let attempt = Attempt { address, number, timeout, began: SystemInstant::now() };
        self.stage = Stage::Opening(attempt.clone());
        Task::Open(attempt)
    }

    fn end(&mut self, error: Option<HostError>) -> Task {
        self.stage = Stage::Ended;
        self.shared.with(|state| {
            let open = state.publishing.max(state.unanswered);
            let late = (open != 0 && error.is_none())
                .then(|| HostError::new(Step::Close, "the server", Cause::Unacknowledged(open)));
            state.finish(error.or(late));
        });
        Task::End
    }

    /// Whether the attempt to open a connection is to be given up, since the client is being closed. Otherwise the waker is
    /// woken when that may have changed; look again at the time that is given, if any.
    pub fn poll_abandoned(&mut self, waker: &Waker) -> Result<Option<SystemInstant>, Abandoned> {
        self.shared.with(|state| {
            let now = state.now();
            if state.may_leave(now) {
                return Err(Abandoned);
            }
            state.driver = Some(waker.clone());
            Ok(state.closing.and_then(|closing| state.clock.when(closing)))
        })
    }

    /// The transport is open. The session begins a connection on it; credentials are those of the application, or else of
    /// the URL.
    pub fn opened(&mut self, credentials: Option<Credentials>) {
        let Stage::Opening(attempt) = &self.stage else { return };
        let attempt = attempt.clone();
        let place = &attempt.address;
        let credentials = credentials.unwrap_or_else(|| place.credentials().clone());
        let mut data = None;
        if let Some(authenticator) = &mut self.authenticator {
            match authenticator.begin() {
                Ok(begun) => data = begun,
                Err(error) => {
                    return self.over(HostError::new(Step::Credentials, place, Cause::Application(error.into())));
                }
            }
        }
        let authentication = self.authenticator.as_ref().map(|method| (method.method(), data.as_deref()));
        let Self { shared, inbox, .. } = self;
        let begun = shared.with(|state| {
            let now = state.now();
            let State { options, assigned, clean_start, session, .. } = &mut *state;
            let client_id = assigned.as_deref().unwrap_or(&options.client_id);
            let dial = Dial {
                client_id,
                clean_start: *clean_start,
                credentials: &credentials,
                authentication,
                timeout: attempt.left(),
            };
            options
                .connecting(&dial, |connect| session.connect(connect, inbox, now))
                .unwrap_or_else(|rule| Err(Refused::Rule(rule)))?;
            state.ending = None;
            state.auth = None;
            state.vouched = false;
            state.leaving = false;
            state.paused = false;
            Ok::<_, Refused>(state.link)
        });
        match begun {
            Ok(before) => self.before = before,
            Err(refused) => return self.over(HostError::new(Step::Configure, place, refused)),
        }
        self.out.clear();
        self.first.clear();
        self.since = Since::default();
        self.heard = true;
        self.accepted = None;
        self.stage = Stage::Linked(attempt);
    }

    /// The transport was not opened.
    pub fn failed(&mut self, step: Step, cause: impl Into<Cause>) {
        let Stage::Opening(attempt) = &self.stage else { return };
        self.over(HostError::new(step, &attempt.address, cause));
    }

    /// The transport is closed: by the session's wish (then there is no cause), or because it failed.
    pub fn closed(&mut self, cause: Option<Cause>) {
        let Stage::Linked(attempt) = &self.stage else { return };
        let place = attempt.address.clone();
        let written = self.out.take_written();
        let ending = self.shared.with(|state| {
            let now = state.now();
            state.session.transmitted(written, self.turned);
            state.session.handle_close(now);
            state.name_lost();
            let faulty = state.session.fault().map(|fault| self.cause_of(state, fault));
            state.ending.take().or(faulty)
        });
        let step = if self.accepted.is_some() { Step::Exchange } else { Step::Connect };
        let cause = ending.or(cause).unwrap_or(Cause::Closed);
        self.over(HostError::new(step, &place, cause));
    }

    /// An attempt or a connection is over: decides whether and when there is another one.
    fn over(&mut self, error: HostError) {
        let now = self.shared.with(|state| (!state.leaving && !state.may_leave(state.now())).then(|| state.now()));
        let Some(now) = now else {
            self.end(None);
            return;
        };
        let lasted = self.accepted.take().map(|accepted| accepted.elapsed());
        let random = getrandom::u64().unwrap_or(u64::MAX);
        let next = match self.itinerary.failed(&error, lasted, random) {
            Some(Next::After(_)) if self.impatient => None,
            next => next,
        };
        let Some(next) = next else {
            self.end(Some(error));
            return;
        };
        let pause = match next {
            Next::Now => Duration::ZERO,
            Next::After(pause) => pause,
        };
        self.stage = Stage::Waiting(after(now, pause));
        self.shared.with(|state| state.report(HostEvent::Disconnected { error, retry_in: pause }));
    }

    /// Whether the server has accepted this connection.
    pub(crate) const fn accepted_yet(&self) -> bool {
        self.accepted.is_some()
    }

    /// So many connections have been accepted, perhaps this one too; and whether it is up, with the server authenticated.
    pub(crate) fn accepted(&mut self, connections: u32, up: bool) {
        if connections != self.before {
            self.impatient &= !up;
            self.accepted.get_or_insert_with(SystemInstant::now);
        }
    }

    /// Has the authenticator take the next step, if there is one. Not under the lock: it is the application's.
    pub(crate) fn authenticate(&mut self) {
        let Some(step) = self.shared.with(|state| state.auth.take()) else { return };
        let Some(authenticator) = &mut self.authenticator else { return };
        let data = step.data.as_deref();
        let answer = match step.reason {
            ReasonCode::RE_AUTHENTICATE => authenticator.begin(),
            ReasonCode::CONTINUE_AUTHENTICATION => authenticator.answer(data.unwrap_or_default()).map(Some),
            _ => match authenticator.end(data) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
        };
        let sent = answer.map_err(|error| Cause::Application(error.into())).and_then(|answer| {
            let method = Text::new(authenticator.method()).map_err(|rule| Cause::Refused(rule.into()))?;
            let mut list = vec![Property::AuthenticationMethod(method)];
            list.extend(answer.as_deref().map(Property::AuthenticationData));
            let list = Properties::from(list.as_slice());
            let reason = match step.reason {
                ReasonCode::RE_AUTHENTICATE => ReasonCode::RE_AUTHENTICATE,
                _ => ReasonCode::CONTINUE_AUTHENTICATION,
            };
            self.shared.with(|state| {
                state.gather.hurry();
                state.session.auth(reason, list).map_err(Cause::Refused)
            })
        });
        if let Err(cause) = sent {
            self.shared.with(|state| {
                state.ending = Some(cause);
                let _ = state.session.disconnect(Ending::AtOnce);
            });
        }
    }
}

/// The client is being closed, so no connection is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abandoned;

impl Drop for Driver {
    fn drop(&mut self) {
        if !matches!(self.stage, Stage::Ended) {
            self.end(Some(HostError::new(Step::Exchange, "the server", Cause::Abandoned)));
        }
    }
}

impl core::fmt::Debug for Driver {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Driver").field("attempts", &self.attempts).finish_non_exhaustive()
    }
}
