//! One connection, turn by turn: what was written and read is told to the session, what it has to say is fetched.
//!
//! A turn is one call under the lock. The loop then writes [`Driver::outgoing`], reads into [`Driver::room`], and takes the
//! next turn when it has read, or has written and [goes on](Driver::goes_on), when the time of the last turn has come, or when it is woken.

use core::task::Waker;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant as SystemInstant;

use mqtt5_codec::Rule;
use mqtt5_session::{Event, Fault, Input, Instant};

use crate::clock::after;
use crate::driver::Driver;
use crate::error::{Cause, wrong_protocol};
use crate::state::State;

/// The length of most answers: a packet identifier, and what stands before it.
const ANSWER: usize = 4;

/// How many bytes are fetched for one write, at most.
const WRITE: usize = 32 << 10;

/// How long reading may be stopped without anything being taken, in times of what the server may take to answer a ping.
const UNREAD: u32 = 3;

/// Since when what has been so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Since {
    /// The last byte came, or reading went on.
    heard: Instant,
    /// Reading is stopped, and nothing is taken.
    paused: Option<Instant>,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Up to where it is to be written; what is behind waits for more.
    released: usize,
    /// Bytes that were written and not told yet.
    written: usize,
    /// Since when nothing was taken of what is there.
    stuck: Option<Instant>,
}

impl Outbox {
    pub(crate) fn clear(&mut self) {
        (self.start, self.end, self.released, self.written, self.stuck) = (0, 0, 0, 0, None);
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..self.released).unwrap_or_default()
    }

    /// Whether something is there that is not to be written yet.
    const fn holds(&self) -> bool {
        self.released < self.end
    }

    pub(crate) fn take_written(&mut self) -> usize {
        core::mem::take(&mut self.written)
    }
}

/// What was read in a turn.
#[derive(Debug, Default)]
struct Read {
    /// Messages, which are acknowledged when they are taken.
    messages: bool,
    /// How many answers of the server, which may have freed something or be answered in turn.
    answers: u32,
}

/// What became of a turn.
#[derive(Clone, Debug)]
pub enum Turn {
    /// The connection goes on; take the next turn at this time at the latest, if any.
    Go(Option<SystemInstant>),
    /// It is over and everything is written: close the transport, then call [`Driver::closed`].
    Last,
    /// The server takes nothing any more: drop the transport, then call [`Driver::closed`] with this.
    Stuck(Cause),
}

impl Driver {
    /// Takes a turn. The waker is woken when the application wants something.
    pub fn turn(&mut self, waker: &Waker) -> Turn {
        let shared = Arc::clone(&self.shared);
        loop {
            let (turn, connections, up, asks) = shared.with(|state| {
                let turn = self.take_turn(state, SystemInstant::now(), waker);
                (turn, state.link, state.session.is_connected(), state.auth.is_some())
            });
            self.accepted(connections, up && !asks);
            if !asks {
                return turn;
            }
            self.authenticate();
        }
    }

    fn take_turn(&mut self, state: &mut State, moment: SystemInstant, waker: &Waker) -> Turn {
        let now = state.clock.at(moment);
        let before = core::mem::replace(&mut self.turned, now);
        if !state.paused && self.since.paused.take().is_some() {
            self.since.heard = now;
        }
        if core::mem::take(&mut self.heard) {
            self.since.heard = now;
        }
        let written = self.out.take_written();
        if written > 0 {
            self.out.stuck = None;
            // It was written after the last turn. Who pings by an earlier time does not do so too late.
            state.session.transmitted(written, before);
        }
        if state.session.poll_timeout().is_some_and(|due| due <= now) {
            // A fault is kept by the session, and its connection is closed.
            let _ = state.session.handle_timeout(now);
            state.gather.hurry();
        }
        let mut read = Read::default();
        loop {
            self.read_on(state, now, &mut read);
            if state.auth.is_some() {
                // The authenticator is asked without the lock, and the next turn goes on.
                break;
            }
            if state.session.is_connected() {
                state.subscribe_what_waits();
            }
            state.leave(now);
            if self.fetch(state) == 0 {
                break;
            }
        }
        state.vouch();
        self.release(state, moment, written, &read);
        if state.session.is_closed() {
            return Turn::Last;
        }
        let left = !self.out.rest().is_empty();
        let unread = state.options.ping_timeout.saturating_mul(UNREAD);
        let limits = [
            left.then(|| (*self.out.stuck.get_or_insert(now), Cause::Stalled(state.options.ping_timeout))),
            state.paused.then(|| (*self.since.paused.get_or_insert(now), Cause::Unread(unread))),
            self.silence(state).map(|limit| (self.since.heard, Cause::Silent(limit))),
        ];
        let closing = state.closing.filter(|closing| *closing > now);
        let mut first = [state.session.poll_timeout(), closing].into_iter().flatten().min();
        for (since, cause) in limits.into_iter().flatten() {
            let (Cause::Stalled(limit) | Cause::Unread(limit) | Cause::Silent(limit)) = cause else { continue };
            let until = after(since, limit);
            if until <= now {
                return Turn::Stuck(cause);
            }
            first = Some(first.map_or(until, |first| first.min(until)));
        }
        state.driver = Some(waker.clone());
        let first = first.and_then(|first| state.clock.when(first));
        Turn::Go([first, state.gather.until(moment)].into_iter().flatten().min())
    }

    /// Has go out what is fetched, and publishers go on, or has both wait for more of their kind.
    fn release(&mut self, state: &mut State, now: SystemInstant, written: usize, read: &Read) {
        if self.out.holds() || state.publishers.wait_for_room() {
            state.gather.add(read.answers);
        }
        let full = self.out.end == self.out.bytes.len();
        let settled = state.session.is_connected() && state.closing.is_none();
        if full || !settled || state.session.is_closed() {
            state.gather.hurry();
        }
        if state.gather.is_due(now, read.messages) {
            self.out.released = self.out.end;
            state.publishers.next(&mut state.wake);
        } else if written > 0 && state.publishers.is_short() {
            state.publishers.next(&mut state.wake);
        }
        self.busy = settled && state.gather.is_busy();
        self.again = full || !settled || state.publishers.is_short();
    }

    /// How long the server may be silent: it is pinged after the keep-alive interval, and may take its time to answer. No
    /// limit while nothing is read; before the server has accepted, the session has one of its own.
    fn silence(&self, state: &State) -> Option<Duration> {
        let asked = state.session.is_connected() && state.keep_alive != 0 && !state.paused;
        asked.then(|| Duration::from_secs(state.keep_alive.into()).saturating_add(state.options.ping_timeout))
    }

    /// Handles what was read, up to a packet that is not whole, or to where an answer has to be fetched first.
    fn read_on(&mut self, state: &mut State, now: Instant, read: &mut Read) {
        loop {
            let before = self.inbox.len();
            // CONNACK is always read: it says whether what waits comes again.
            if state.session.is_connected() && state.stock.is_full(&state.options) {
                state.paused = true;
                return;
            }
            match state.session.handle_input(&mut self.inbox, now) {
                Ok(Input::Event(event)) => {
                    let last = match event {
                        Event::Auth(_) => true,
                        Event::Message(_) => {
                            read.messages = true;
                            false
                        }
                        _ => {
                            read.answers += 1;
                            false
                        }
                    };
                    state.on_event(event);
                    if last {
                        return;
                    }
                }
                // A fault is kept by the session, which says goodbye where it may. Of some answers nothing is told but that they
                // are not there any more.
                Ok(_) | Err(_) => {
                    let gone = before.saturating_sub(self.inbox.len()) / ANSWER;
                    read.answers += u32::try_from(gone).unwrap_or(u32::MAX);
                    return;
                }
            }
        }
    }

    /// Fetches what the session has to say, as far as there is room. Gives the number of bytes.
    fn fetch(&mut self, state: &mut State) -> usize {
        let Outbox { bytes, start, end, released, .. } = &mut self.out;
        if *start == *end {
            (*start, *end, *released) = (0, 0, 0);
        }
        if bytes.is_empty() {
            bytes.resize(WRITE, 0);
        }
        let room = bytes.get_mut(*end..).unwrap_or_default();
        let fetched = if room.is_empty() { 0 } else { state.session.transmit_into(room) };
        *end += fetched;
        fetched
    }

    /// What to write now; nothing, if there is nothing.
    #[must_use]
    pub fn outgoing(&self) -> &[u8] {
        self.out.rest()
    }

    /// Tells that the first `n` bytes of it have been written.
    pub fn wrote(&mut self, n: usize) {
        self.out.start = self.out.start.saturating_add(n).min(self.out.released);
        self.out.written += n;
    }

    /// Whether a turn is due once [`outgoing`](Self::outgoing) has been written, although nothing was read: there is more to
    /// write, or someone waits for the memory of what was.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        self.again
    }

    /// Whether messages follow each other so closely that it pays to let some more arrive before they are read.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.busy
    }

    /// Where to read to. Empty when nothing is to be read now: a turn has to be taken first.
    pub fn room(&mut self) -> &mut [u8] {
        if self.since.paused.is_some() { &mut [] } else { self.inbox.spare() }
    }

    /// Tells that `n` more bytes of it have been read into.
    pub fn read(&mut self, n: usize) {
        if self.first.len() < 4 {
            let bytes = self.inbox.spare();
            self.first.extend(bytes.iter().take(n.min(4)));
        }
        self.inbox.filled(n);
        self.heard = n > 0;
    }

    /// Says what a fault comes from, as far as it is known better.
    pub(crate) fn cause_of(&self, state: &State, fault: Fault) -> Cause {
        match fault.rule {
            Rule::CONNACK_MISSED => Cause::TimedOut(state.options.connect_timeout),
            _ if self.accepted_yet() => fault.into(),
            _ => wrong_protocol(&self.first).unwrap_or_else(|| fault.into()),
        }
    }
}
