//! The state of a client, in two parts by how long it lives: what dies with the connection is in [`Link`], what survives it in
//! [`Session`]. Losing the connection is one assignment.

use core::num::NonZeroU32;

use mqtt5_codec::{PacketId, Publish, TopicAlias};

use crate::arena::{Arena, At, NIL};
use crate::error::Fault;
use crate::flight::Flight;
use crate::memory::Parts;
use crate::received;
use crate::slots::Linked;
use crate::time::Instant;
use crate::timer::Timers;

/// What survives the connection.
#[derive(Clone, Hash)]
pub(crate) struct Session {
    /// When the session ends for want of a connection; zero for never, or while connected.
    pub(crate) expires: Instant,
    /// Tells client identifiers apart.
    pub(crate) client: Option<NonZeroU32>,
    /// The session expiry interval, in seconds; `u32::MAX` for no end.
    pub(crate) expiry: u32,
    /// Numbers chunks in the order they were queued.
    pub(crate) orders: u32,
    /// PUBLISH and PUBREL packets without an answer, in the order first sent, then those that were never sent.
    pub(crate) publishes: Linked,
    /// SUBSCRIBE and UNSUBSCRIBE packets without an answer.
    pub(crate) requests: Linked,
    /// Exchanges that ended without an answer, until `poll_lost` names them.
    pub(crate) lost: Linked,
    /// Packet identifiers that have been used and are free again.
    pub(crate) free: Linked,
    /// How many packet identifiers have ever been used.
    pub(crate) fresh: u16,
    /// How many are in use.
    pub(crate) in_use: u16,
    /// How many of them are publishes.
    pub(crate) publishing: u16,
    /// How many of them are lost.
    pub(crate) losses: u16,
    /// Chunks that are written once, in the order they were queued.
    pub(crate) queue: Linked,
    /// Exchanges that the server began.
    pub(crate) received: received::Book,
    /// The number of the connection.
    pub(crate) serial: u16,
    /// The room of CONNECT, which is kept for the next one, in units.
    pub(crate) connect_units: u16,
    /// Whether there is a session: a server accepted us, and it has not ended.
    pub(crate) alive: bool,
    /// Whether the server may hold a session that we know to be empty: it got a CONNECT, and its answer did not come yet.
    pub(crate) server_may_hold: bool,
    /// Whether the server may still hold a session that has ended for us, and that is not empty.
    pub(crate) outlived: bool,
}

impl Session {
    pub(crate) const NEW: Self = Self {
        expires: Instant::ZERO,
        client: None,
        expiry: 0,
        orders: 0,
        publishes: Linked::NEW,
        requests: Linked::NEW,
        lost: Linked::NEW,
        free: Linked::NEW,
        fresh: 0,
        in_use: 0,
        publishing: 0,
        losses: 0,
        queue: Linked::NEW,
        received: received::Book::NEW,
        serial: 0,
        connect_units: 0,
        alive: false,
        server_may_hold: false,
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

/// Where the PINGREQ is whose answer is awaited. While it is not written, time runs from what was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ping {
    /// Written, or there is none.
    Written,
    /// Among the small packets.
    Queued,
    /// Copied out. It counts as written when all that was copied is.
    Copied,
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

/// How far CONNECT is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Greeting {
    /// It has not been written in full.
    Unwritten,
    /// It was written, and its answer did not come yet.
    Unanswered,
    /// The server has answered.
    Answered,
}

/// What goes out before all that is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Urgent {
    /// Nothing does.
    Nothing,
    /// What is apart: CONNECT, or an AUTH that found no other room.
    Apart,
    /// The AUTH or DISCONNECT in this chunk. A DISCONNECT waits for what is queued while the connection is draining.
    Chunk(At),
    /// A DISCONNECT with this reason code and without properties, when all that is queued has been sent.
    Farewell(u8),
}

/// What CONNECT said of how this connection is to be; bits of [`Connect::asked`].
pub(crate) mod asked {
    /// The application acknowledges messages itself.
    pub(crate) const MANUAL: u8 = 1;
    pub(crate) const CLEAN_START: u8 = 2;
    /// A session of an earlier run may be there.
    pub(crate) const PRIOR_EMPTY: u8 = 4;
    pub(crate) const NO_PROBLEM_INFORMATION: u8 = 8;
    pub(crate) const RESPONSE_INFORMATION: u8 = 16;
    pub(crate) const EMPTY_CLIENT_ID: u8 = 32;
    /// The Session Expiry Interval is 0.
    pub(crate) const NO_EXPIRY: u8 = 64;
    /// A server that says nothing is not asked whether it is there.
    pub(crate) const SILENCE: u8 = 128;
}

/// What the server said that it lacks; bits of [`Server::lacks`].
pub(crate) mod lacks {
    pub(crate) const RETAIN: u8 = 1;
    pub(crate) const WILDCARDS: u8 = 2;
    pub(crate) const SUBSCRIPTION_IDS: u8 = 4;
    pub(crate) const SHARED: u8 = 8;
}

/// CONNECT: what it said, and how far it is.
#[derive(Clone, Hash)]
pub(crate) struct Connect {
    pub(crate) greeting: Greeting,
    pub(crate) asked: u8,
    /// The share of the keep-alive interval after which a PINGREQ is due, in percent.
    pub(crate) share: u8,
    /// The session expiry interval, in seconds.
    pub(crate) expiry: u32,
    /// Tells authentication methods apart; `None` without one.
    pub(crate) method: Option<NonZeroU32>,
}

impl Connect {
    const NEW: Self = Self { greeting: Greeting::Unwritten, asked: 0, share: 0, expiry: 0, method: None };

    /// Whether this was asked for; one of [`asked`].
    #[inline]
    pub(crate) fn asked(&self, bit: u8) -> bool {
        self.asked & bit != 0
    }
}

/// What the server takes.
#[derive(Clone, Hash)]
pub(crate) struct Server {
    pub(crate) max_qos: u8,
    lacks: u8,
    /// Its Receive Maximum, and how much of that is left.
    pub(crate) receive_max: u16,
    pub(crate) quota: u16,
}

impl Server {
    const NEW: Self = Self { max_qos: 0, lacks: 0, receive_max: 0, quota: 0 };

    /// Whether it said that it lacks this; one of [`lacks`].
    #[inline]
    pub(crate) fn lacks(&self, bit: u8) -> bool {
        self.lacks & bit != 0
    }

    /// Notes all that it lacks.
    pub(crate) fn set_lacks(&mut self, bits: u8) {
        self.lacks = bits;
    }
}

/// The largest packets, in bytes.
#[derive(Clone, Hash)]
pub(crate) struct Largest {
    /// That the server takes; `None` for any.
    pub(crate) server: Option<NonZeroU32>,
    /// That we take.
    pub(crate) ours: u32,
}

impl Largest {
    const NEW: Self = Self { server: None, ours: 0 };

    /// That the server takes.
    #[inline]
    pub(crate) fn server(&self) -> u32 {
        self.server.map_or(u32::MAX, NonZeroU32::get)
    }
}

/// What we take of the server, and what it has sent.
#[derive(Clone, Hash)]
pub(crate) struct Inbound {
    /// The message given last, whose acknowledgement is due when it has been handled.
    pub(crate) handling: Option<PacketId>,
    /// Our Receive Maximum, and how many messages are not fully acknowledged.
    pub(crate) receive_max: u16,
    pub(crate) unacknowledged: u16,
    /// The highest topic alias that we take.
    pub(crate) alias_max: u16,
}

impl Inbound {
    const NEW: Self = Self { handling: None, receive_max: 0, unacknowledged: 0, alias_max: 0 };
}

/// How far we have come in the list of publishes.
#[derive(Clone, Hash)]
pub(crate) struct Order {
    /// The first publish that has not been sent on this connection. Behind it there may be PUBRELs that have been.
    pub(crate) cursor: u16,
    /// The first publish that has never been sent, on any connection.
    pub(crate) unsent: u16,
    /// PUBRELs that wait for their turn, all behind the cursor: resumed ones, and new ones that may not overtake them
    /// [MQTT-4.6.0-4]. Each names the next in its slot.
    pub(crate) releases: Linked,
}

impl Order {
    const NEW: Self = Self { cursor: 0, unsent: 0, releases: Linked::NEW };
}

/// The topic aliases that we give.
#[derive(Clone, Hash)]
pub(crate) struct Aliases {
    /// Their topics, the one used last first.
    pub(crate) topics: At,
    /// How many have been given.
    pub(crate) count: u16,
    /// How many may be given.
    pub(crate) max: u16,
    /// The highest that the server takes.
    pub(crate) server_max: u16,
    /// What is done about them, where any may be given.
    pub(crate) calls: Option<&'static AliasCalls>,
}

impl Aliases {
    const NEW: Self = Self { topics: NIL, count: 0, max: 0, server_max: 0, calls: None };
}

/// What is done about the aliases that we give. Called by way of a [`ConnectOptions`](crate::ConnectOptions) that asked for some,
/// so that a program without such a one has none of this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AliasCalls {
    /// Gives a message an alias, where that leaves it within the server's limit, and returns it.
    pub(crate) choose: fn(&Engine<'_>, &mut Publish<'_>) -> Option<TopicAlias>,
    /// An alias stands for a topic, and was used just now.
    pub(crate) note: fn(&mut Engine<'_>, TopicAlias, &[u8]),
    /// The connection is gone.
    pub(crate) forget: fn(&mut Engine<'_>),
}

impl core::hash::Hash for AliasCalls {
    /// There are no others.
    fn hash<H: core::hash::Hasher>(&self, _: &mut H) {}
}

/// What is being written, and what was copied out before it and is not written yet. All zeros for nothing.
#[derive(Clone, Hash)]
#[repr(C)]
pub(crate) struct Output {
    pub(crate) writing: Writing,
    /// Small packets: how many bytes there are, and where the first one begins that is not written.
    pub(crate) small_len: u8,
    pub(crate) small_start: u8,
    /// Whether anything has been written on this connection.
    pub(crate) begun: bool,
    /// The chunk that is being written.
    pub(crate) chunk: At,
    /// Bytes of small packets that were copied before all chunks.
    pub(crate) lead: u16,
    /// Chunks that were copied in full and are not written.
    pub(crate) copied: Linked,
    pub(crate) urgent: Urgent,
    /// How many bytes have been written of what is being written.
    pub(crate) written: u32,
    /// How many bytes have been copied of it.
    pub(crate) part: u32,
    /// How many bytes have been written of the first chunk that was copied.
    pub(crate) gone: u32,
    /// What is done about what was copied, once anything has been.
    pub(crate) calls: Option<&'static CopyCalls>,
}

impl Output {
    const NEW: Self = Self {
        writing: Writing::Nothing,
        small_len: 0,
        small_start: 0,
        begun: false,
        chunk: NIL,
        lead: 0,
        copied: Linked::NEW,
        urgent: Urgent::Nothing,
        written: 0,
        part: 0,
        gone: 0,
        calls: None,
    };

    /// Whether no packet was copied in full that is not written.
    pub(crate) fn is_copied_written(&self) -> bool {
        self.copied.first == NIL && self.lead == 0
    }
}

/// What is done about what was copied out. Called by way of the link, so that a program that copies nothing holds no code for it.
#[derive(Clone, Copy)]
pub(crate) struct CopyCalls {
    /// So many bytes have been written; how many of them belong to the packet that is chosen.
    pub(crate) written: fn(&mut Engine<'_>, usize, Instant) -> usize,
    /// The connection is gone.
    pub(crate) close: fn(&mut Engine<'_>),
}

impl core::hash::Hash for CopyCalls {
    /// There are no others.
    fn hash<H: core::hash::Hasher>(&self, _: &mut H) {}
}

/// When the server is asked whether it is there.
#[derive(Clone, Hash)]
pub(crate) struct KeepAlive {
    /// Milliseconds without a packet sent, or without a byte received, after which a PINGREQ is due; `None` for never.
    pub(crate) interval: Option<NonZeroU32>,
    /// Milliseconds that the server may take to answer.
    pub(crate) timeout: u32,
}

impl KeepAlive {
    const NEW: Self = Self { interval: None, timeout: 0 };
}

/// What dies with the connection. What is used most comes first, where instructions of two bytes reach it, and in an order that
/// leaves no gaps on 32 bits.
#[derive(Clone, Hash)]
#[repr(C)]
pub(crate) struct Link {
    pub(crate) phase: Phase,
    pub(crate) auth: AuthTurn,
    /// Where the PINGREQ is whose answer is awaited.
    pub(crate) ping: Ping,
    /// The first byte of the acknowledgement of [`Inbound::handling`].
    pub(crate) handling_kind: u8,
    pub(crate) output: Output,
    pub(crate) order: Order,
    pub(crate) server: Server,
    pub(crate) inbound: Inbound,
    pub(crate) fault: Option<Fault>,
    pub(crate) largest: Largest,
    pub(crate) connect: Connect,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) aliases: Aliases,
    pub(crate) timers: Timers,
}

impl Link {
    pub(crate) const NEW: Self = Self {
        phase: Phase::Down,
        auth: AuthTurn::Idle,
        ping: Ping::Written,
        handling_kind: 0,
        output: Output::NEW,
        order: Order::NEW,
        server: Server::NEW,
        inbound: Inbound::NEW,
        fault: None,
        largest: Largest::NEW,
        connect: Connect::NEW,
        keep_alive: KeepAlive::NEW,
        aliases: Aliases::NEW,
        timers: Timers::NEW,
    };

    /// When a server that has been silent for the keep-alive's share is to be asked whether it is there; zero for never. Not
    /// while it is being asked.
    pub(crate) fn silence(&self) -> Instant {
        let Timers { answer, ping, heard } = self.timers;
        match self.keep_alive.interval {
            Some(interval) if !self.connect.asked(asked::SILENCE) && !answer.is_set() && ping.is_set() => {
                heard.after(interval.get().into()).at_least_one()
            }
            _ => Instant::ZERO,
        }
    }
}

/// State and memory, borrowed for one call. It is built for each, so it is no larger than it has to be.
///
/// It stands beside the state since the state names functions that take it.
pub(crate) struct Engine<'m> {
    /// What dies with the connection.
    pub(crate) link: &'m mut Link,
    /// What survives it.
    pub(crate) session: &'m mut Session,
    pub(crate) flights: &'m mut [Flight],
    pub(crate) arena: Arena<'m>,
}

impl<'m> Engine<'m> {
    #[inline]
    pub(crate) fn new(state: &'m mut State, parts: Parts<'m>) -> Self {
        let Parts { flights, bytes, scale } = parts;
        let State { link, session } = state;
        let arena = Arena::new(bytes, scale, session.connect_units);
        Self { link, session, flights, arena }
    }
}

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
