//! The state of a client, in two parts by how long it lives, and the engine that works on it.
//!
//! What dies with the connection is in [`Link`], what survives it in [`Session`]; losing the connection is one assignment.
//! The engine borrows both, and the memory, for one call. Its work is in the files beside this one: `connect` and `connack`
//! (the connection), `outgoing` (what the host asks for), `transmit` (what is written), `incoming` (what is read).

use mqtt5_codec::{ReasonCode, Rule};

use crate::aliases::Giving;
use crate::arena::{Arena, At, NIL, SENT, SMALL};
use crate::event::Fault;
use crate::flow::Sending;
use crate::memory::Parts;
use crate::received;
use crate::slots::{Ends, Flight, Slot, slot};
use crate::time::Instant;
use crate::timer::Timers;

/// What survives the connection.
#[derive(Clone, Hash)]
pub(crate) struct Session {
    /// When the session ends for want of a connection; zero for never, or while connected.
    pub(crate) ends: Instant,
    /// Tells client identifiers apart.
    pub(crate) client: u32,
    /// The session expiry interval, in seconds; `u32::MAX` for no end.
    pub(crate) expiry: u32,
    /// Numbers chunks in the order they were queued.
    pub(crate) orders: u32,
    /// PUBLISH and PUBREL packets without an answer, in the order first sent, then those that were never sent.
    pub(crate) publishes: Ends,
    /// SUBSCRIBE and UNSUBSCRIBE packets without an answer.
    pub(crate) requests: Ends,
    /// Exchanges that ended without an answer, until `poll_lost` names them.
    pub(crate) lost: Ends,
    /// Packet identifiers that have been used and are free again.
    pub(crate) free: Ends,
    /// How many packet identifiers have ever been used.
    pub(crate) fresh: u16,
    /// How many are in use.
    pub(crate) in_use: u16,
    /// How many of them are publishes.
    pub(crate) publishing: u16,
    /// How many of them are lost.
    pub(crate) losses: u16,
    /// Chunks that are written once, in the order they were queued.
    pub(crate) queue: Ends,
    /// Exchanges that the server began.
    pub(crate) received: received::Book,
    /// The number of the connection.
    pub(crate) serial: u16,
    /// The room of CONNECT, which is kept for the next one, in units.
    pub(crate) connect_units: u16,
    /// Whether there is a session: a server accepted us, and it has not ended.
    pub(crate) alive: bool,
    /// Whether the server may hold a session that we know to be empty: it got a CONNECT, and its answer did not come yet.
    pub(crate) maybe: bool,
    /// Whether the server may still hold a session that has ended for us, and that is not empty.
    pub(crate) outlived: bool,
}

impl Session {
    pub(crate) const NEW: Self = Self {
        ends: Instant::ZERO,
        client: 0,
        expiry: 0,
        orders: 0,
        publishes: Ends::NEW,
        requests: Ends::NEW,
        lost: Ends::NEW,
        free: Ends::NEW,
        fresh: 0,
        in_use: 0,
        publishing: 0,
        losses: 0,
        queue: Ends::NEW,
        received: received::Book::NEW,
        serial: 0,
        connect_units: 0,
        alive: false,
        maybe: false,
        outlived: false,
    };
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// There is none.
    Down,
    /// CONNECT is queued or sent.
    Connecting,
    /// The server accepted.
    Up,
    /// DISCONNECT waits for what is queued.
    Draining,
    /// Only what is being written, small packets and DISCONNECT are still sent.
    Leaving,
    /// Nothing is sent or read any more.
    Closed,
}

/// What is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Writing {
    Nothing,
    /// The small packets.
    Small,
    /// What is apart: CONNECT, or an AUTH that found no other room.
    Apart,
    /// A chunk that is freed when it is written.
    Once,
    /// The chunk of an exchange.
    Kept,
}

/// How far authentication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AuthTurn {
    /// Nothing is going on.
    Idle,
    /// The server's AUTH or CONNACK is awaited.
    Theirs,
    /// Our AUTH is.
    Ours,
}

/// What was asked for on this connection, or granted; bits of [`Link::flags`].
pub(crate) mod flag {
    pub(crate) const MANUAL: u16 = 1;
    pub(crate) const CLEAN_START: u16 = 2;
    pub(crate) const PRIOR_EMPTY: u16 = 4;
    pub(crate) const NO_PROBLEM_INFORMATION: u16 = 8;
    pub(crate) const RESPONSE_INFORMATION: u16 = 16;
    pub(crate) const EMPTY_CLIENT_ID: u16 = 32;
    pub(crate) const NO_EXPIRY: u16 = 64;
    pub(crate) const NO_RETAIN: u16 = 128;
    pub(crate) const NO_WILDCARDS: u16 = 256;
    pub(crate) const NO_SUBSCRIPTION_IDS: u16 = 512;
    pub(crate) const NO_SHARED: u16 = 1024;
    /// Something was written.
    pub(crate) const BEGUN: u16 = 2048;
    /// CONNECT was written, and its answer did not come yet.
    pub(crate) const UNANSWERED: u16 = 4096;
    /// What is apart is to be written: CONNECT, or an AUTH that found no other room.
    pub(crate) const APART_DUE: u16 = 8192;
    /// The server has accepted.
    pub(crate) const ACCEPTED: u16 = 16384;
}

/// What dies with the connection. The small fields come first, where instructions of two bytes reach them.
#[derive(Clone, Hash)]
#[repr(C)]
pub(crate) struct Link {
    pub(crate) phase: Phase,
    pub(crate) writing: Writing,
    pub(crate) auth: AuthTurn,
    pub(crate) max_qos: u8,
    pub(crate) share: u8,
    /// Small packets: how many bytes there are, and where the first one begins that is not written.
    pub(crate) small_len: u8,
    pub(crate) small_start: u8,
    /// The reason code of our DISCONNECT, if it has no properties.
    pub(crate) farewell: u8,
    /// The first byte of the acknowledgement of `handling`.
    pub(crate) handling_kind: u8,
    /// The message given last, whose acknowledgement is due when it has been handled; 0 for none.
    pub(crate) handling: u16,
    pub(crate) flags: u16,
    /// The chunk that is being written.
    pub(crate) chunk: At,
    /// AUTH or DISCONNECT, to be written.
    pub(crate) urgent: At,
    /// The first publish that has not been sent on this connection. Behind it there may be PUBRELs that have been.
    pub(crate) cursor: u16,
    /// The first publish that has never been sent, on any connection.
    pub(crate) unsent: u16,
    /// PUBRELs that wait for their turn, all behind the cursor: resumed ones, and new ones that may not overtake them
    /// [MQTT-4.6.0-4]. They are linked by `chunk`.
    pub(crate) releases: Ends,
    /// Topics with an alias, the one used last first.
    pub(crate) aliases: At,
    /// How many aliases have been given.
    pub(crate) alias_count: u16,
    /// How many may be given.
    pub(crate) alias_max: u16,
    /// The highest alias that the server takes.
    pub(crate) server_alias_max: u16,
    /// The highest alias that we take.
    pub(crate) our_alias_max: u16,
    /// The server's Receive Maximum, and how much of it is left.
    pub(crate) server_receive_max: u16,
    pub(crate) quota: u16,
    /// Our Receive Maximum, and how many messages are not fully acknowledged.
    pub(crate) receive_max: u16,
    pub(crate) unacknowledged: u16,
    pub(crate) fault: Option<Fault>,
    /// The largest packet that the server takes, in bytes; 0 for any.
    pub(crate) send_max: u32,
    /// The largest packet that we take, in bytes.
    pub(crate) take_max: u32,
    /// Milliseconds without a packet sent after which a PINGREQ is due; 0 for never.
    pub(crate) interval: u32,
    pub(crate) ping_timeout: u32,
    /// Session expiry interval of CONNECT, in seconds.
    pub(crate) expiry: u32,
    /// Tells authentication methods apart; 0 for none.
    pub(crate) method: u32,
    /// How many bytes have been written of what is being written.
    pub(crate) written: u32,
    /// What is done about aliases, where any may be given.
    pub(crate) giving: Option<&'static Giving>,
    pub(crate) timers: Timers,
}

impl Link {
    pub(crate) const NEW: Self = Self {
        phase: Phase::Down,
        writing: Writing::Nothing,
        auth: AuthTurn::Idle,
        max_qos: 0,
        share: 0,
        small_len: 0,
        small_start: 0,
        farewell: 0,
        handling_kind: 0,
        handling: 0,
        flags: 0,
        chunk: NIL,
        urgent: NIL,
        cursor: 0,
        unsent: 0,
        releases: Ends::NEW,
        aliases: NIL,
        alias_count: 0,
        alias_max: 0,
        server_alias_max: 0,
        our_alias_max: 0,
        server_receive_max: 0,
        quota: 0,
        receive_max: 0,
        unacknowledged: 0,
        fault: None,
        send_max: 0,
        take_max: 0,
        interval: 0,
        ping_timeout: 0,
        expiry: 0,
        method: 0,
        written: 0,
        giving: None,
        timers: Timers::NEW,
    };

    /// Whether something was asked for, or not granted.
    #[inline]
    pub(crate) fn is(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// The largest packet that the server takes, in bytes.
    pub(crate) fn send_max(&self) -> u32 {
        if self.send_max == 0 { u32::MAX } else { self.send_max }
    }
}

/// First bytes of small packets.
pub(crate) const PUBACK: u8 = 0x40;
pub(crate) const PUBREC: u8 = 0x50;
pub(crate) const PUBREL: u8 = 0x62;
pub(crate) const PUBCOMP: u8 = 0x70;
pub(crate) const PINGREQ: u8 = 0xC0;
pub(crate) const DISCONNECT: u8 = 0xE0;

/// The longest small packet.
const ACK: usize = 5;
/// What is kept free among the small packets, for a PINGREQ and a DISCONNECT.
const RESERVE: usize = 5;

/// All that a client knows, beside the memory it was given.
#[derive(Clone, Hash)]
#[repr(C)]
pub(crate) struct State {
    pub(crate) link: Link,
    pub(crate) session: Session,
}

impl State {
    pub(crate) const NEW: Self = Self { link: Link::NEW, session: Session::NEW };
}

/// State and memory, borrowed for one call. It is built for each, so it is no larger than it has to be.
pub(crate) struct Engine<'m> {
    pub(crate) state: &'m mut State,
    pub(crate) flights: &'m mut [Flight],
    pub(crate) arena: Arena<'m>,
}

impl<'m> Engine<'m> {
    #[inline]
    pub(crate) fn new(state: &'m mut State, parts: Parts<'m>) -> Self {
        let Parts { flights, bytes, scale } = parts;
        let arena = Arena::new(bytes, scale, state.session.connect_units);
        Self { state, flights, arena }
    }

    // --- small packets ---

    /// Whether there is room for another acknowledgement.
    #[inline]
    pub(crate) fn has_small_room(&self) -> bool {
        usize::from(self.state.link.small_len) <= SMALL - ACK - RESERVE
    }

    /// Queues a packet of a few bytes. Callers know that there is room.
    pub(crate) fn push_small(&mut self, packet: &[u8]) {
        let start = usize::from(self.state.link.small_len);
        let Some(room) = self.arena.small() else { return };
        let Some(room) = room.get_mut(start..).and_then(|room| room.get_mut(..packet.len())) else { return };
        for (to, from) in room.iter_mut().zip(packet) {
            *to = *from;
        }
        self.state.link.small_len = self.state.link.small_len.wrapping_add(packet.len() as u8);
    }

    /// Queues an acknowledgement. Callers know that there is room.
    #[inline(never)]
    pub(crate) fn push_ack(&mut self, first: u8, id: u16, reason: ReasonCode) {
        let len = &mut self.state.link.small_len;
        let room = self.arena.small().and_then(|small| small.get_mut(usize::from(*len)..));
        let Some(room) = room.and_then(|room| room.first_chunk_mut::<ACK>()) else { return };
        let [high, low] = id.to_be_bytes();
        let reason = reason.value();
        let rest = if reason == 0 { 2 } else { 3 };
        *room = [first, rest, high, low, reason];
        *len = len.wrapping_add(2).wrapping_add(rest);
    }

    /// Queues a DISCONNECT with the reason that has been noted.
    pub(crate) fn push_disconnect(&mut self) {
        let packet = [DISCONNECT, 1, self.state.link.farewell];
        self.push_small(if self.state.link.farewell == 0 { &[DISCONNECT, 0] } else { &packet });
    }

    // --- exchanges that we began ---

    /// The packet identifier that the next exchange gets: one that rests for the longest. 0 when all are in use.
    pub(crate) fn next_id(&self) -> u16 {
        let limit = u16::try_from(self.flights.len()).unwrap_or(u16::MAX);
        if self.state.session.fresh < limit {
            self.state.session.fresh.wrapping_add(1)
        } else {
            self.state.session.free.first
        }
    }

    /// Takes the identifier that [`next_id`](Self::next_id) named.
    #[inline(never)]
    pub(crate) fn take_id(&mut self, number: u16, chunk: At, state: Sending) {
        if number > self.state.session.fresh {
            self.state.session.fresh = number;
        } else {
            self.state.session.free.remove(self.flights, number);
        }
        self.state.session.in_use = self.state.session.in_use.wrapping_add(1);
        if let Some(slot) = slot(self.flights, number) {
            slot.state = state;
            slot.chunk = chunk;
            slot.sent = false;
        }
    }

    /// Gives back an identifier that is in no list.
    #[inline(never)]
    pub(crate) fn free_id(&mut self, number: u16) {
        self.state.session.free.insert(self.flights, number, 0);
        self.state.session.in_use = self.state.session.in_use.wrapping_sub(1);
    }

    /// Takes a publish out of the order of sending.
    #[inline(never)]
    pub(crate) fn unlink_publish(&mut self, number: u16) {
        if self.state.link.cursor == number {
            self.state.link.cursor = slot(self.flights, number).map_or(0, |slot| slot.next);
        }
        self.state.session.publishes.remove(self.flights, number);
    }

    /// Frees the packet of an exchange: at once, or when it has been written if that has begun.
    #[inline(never)]
    pub(crate) fn release_chunk(&mut self, at: At) {
        if at == NIL {
            return;
        }
        if self.state.link.writing == Writing::Kept && self.state.link.chunk == at {
            self.state.link.writing = Writing::Once;
        } else {
            self.arena.give(at);
        }
    }

    /// A publish has reached the server, or is given up: its PUBCOMP is awaited from now on.
    #[inline(never)]
    pub(crate) fn release(&mut self, number: u16) {
        let Some(slot) = slot(self.flights, number) else { return };
        slot.state = Sending::PubComp;
        let chunk = core::mem::replace(&mut slot.chunk, NIL);
        self.release_chunk(chunk);
    }

    /// Ends a publish, all but its identifier.
    #[inline(never)]
    pub(crate) fn end_publish(&mut self, number: u16) {
        self.unlink_publish(number);
        let Some(slot) = slot(self.flights, number) else { return };
        let (chunk, sent) = (slot.chunk, slot.sent);
        slot.chunk = NIL;
        slot.state = Sending::Idle;
        self.release_chunk(chunk);
        self.state.session.publishing = self.state.session.publishing.wrapping_sub(1);
        if sent && self.state.link.quota < self.state.link.server_receive_max {
            self.state.link.quota = self.state.link.quota.wrapping_add(1);
        }
    }

    /// Ends a SUBSCRIBE or UNSUBSCRIBE, all but its identifier.
    #[inline(never)]
    pub(crate) fn end_request(&mut self, number: u16) {
        if let Some(slot) = slot(self.flights, number) {
            slot.state = Sending::Idle;
            slot.chunk = NIL;
        }
        self.state.session.requests.remove(self.flights, number);
    }

    /// Keeps an identifier, which is in no list, until `poll_lost` names it.
    pub(crate) fn lose_id(&mut self, number: u16) {
        self.state.session.lost.insert(self.flights, number, 0);
        self.state.session.losses = self.state.session.losses.wrapping_add(1);
    }

    #[inline(never)]
    pub(crate) fn poll_lost(&mut self) -> u16 {
        let number = self.state.session.lost.first;
        if number != 0 {
            self.state.session.lost.remove(self.flights, number);
            self.state.session.losses = self.state.session.losses.wrapping_sub(1);
            self.free_id(number);
        }
        number
    }

    /// The session is over: what was sent is lost, what was received is forgotten, what waits to be sent stays.
    pub(crate) fn end_session(&mut self) {
        let mut number = self.state.session.publishes.first;
        while let Some(&mut Slot { next, chunk, state, .. }) = slot(self.flights, number) {
            if state == Sending::PubComp || self.arena.has(chunk, SENT) {
                self.end_publish(number);
                self.lose_id(number);
            }
            number = next;
        }
        self.state.session.received.clear(self.flights);
        if self.state.session.alive {
            self.state.session.maybe = false;
            self.state.session.outlived = true;
        }
        self.state.session.alive = false;
        self.state.session.ends = Instant::ZERO;
    }

    // --- the end of a connection ---

    /// The peer did something wrong: queues the DISCONNECT that says so, and ends the connection.
    #[cold]
    pub(crate) fn fault(&mut self, reason: ReasonCode, rule: Rule) -> Fault {
        // Before CONNECT nothing may be sent [MQTT-3.1.0-1].
        if self.state.link.is(flag::BEGUN) && self.state.link.send_max() >= 3 {
            self.leave();
            self.state.link.farewell = reason.value();
            self.push_disconnect();
            self.fault_in(Phase::Leaving, reason, rule)
        } else {
            self.fault_in(Phase::Closed, reason, rule)
        }
    }

    /// As [`fault`](Self::fault), but nothing is sent.
    #[cold]
    pub(crate) fn fault_in(&mut self, phase: Phase, reason: ReasonCode, rule: Rule) -> Fault {
        let fault = Fault { reason, rule };
        self.state.link.phase = phase;
        self.state.link.fault = Some(fault);
        crate::trace::fault(&fault);
        fault
    }

    /// Sends no more than what is being written and small packets.
    pub(crate) fn leave(&mut self) {
        self.state.link.phase = Phase::Leaving;
        self.state.link.flags &= !flag::APART_DUE;
        self.arena.give(core::mem::replace(&mut self.state.link.urgent, NIL));
    }

    /// The transport is gone.
    #[inline(never)]
    pub(crate) fn close(&mut self, now: Instant) {
        if self.state.link.phase == Phase::Down {
            return;
        }
        if self.state.link.writing == Writing::Once {
            // A packet of which a part was written did not arrive: if it may wait, it does so in its old place.
            let at = self.state.link.chunk;
            self.arena.set_after(at, self.state.session.queue.first);
            self.state.session.queue.first = at;
            if self.state.session.queue.last == NIL {
                self.state.session.queue.last = at;
            }
        }
        self.sift_queue();
        self.arena.give(self.state.link.urgent);
        if self.state.link.is(flag::UNANSWERED) {
            // The server may have taken it: the session is as long as either knows, from now on [MQTT-3.1.2-23].
            self.state.session.maybe = !self.state.session.outlived;
            self.state.session.expiry = self.state.session.expiry.max(self.state.link.expiry);
            self.state.session.ends = Instant::ZERO;
        }
        while self.next_release() != 0 {}
        if let Some(giving) = self.state.link.giving {
            (giving.forget)(self);
        }
        self.state.link = Link::NEW;
        while self.state.session.requests.first != 0 {
            let number = self.state.session.requests.first;
            self.end_request(number);
            self.lose_id(number);
        }
        self.state.session.received.part(self.flights);
        if self.state.session.alive && self.state.session.expiry == 0 {
            self.end_session();
        } else if self.state.session.alive
            && self.state.session.expiry != u32::MAX
            && self.state.session.ends == Instant::ZERO
        {
            self.state.session.ends =
                now.after(u64::from(self.state.session.expiry).wrapping_mul(1_000)).at_least_one();
        }
    }
}
