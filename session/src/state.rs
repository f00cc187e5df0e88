//! The state of a client, in two parts by how long it lives: what dies with the connection is in [`Link`], what survives it in
//! [`Session`]. Losing the connection is one assignment.

use crate::aliases::Giving;
use crate::arena::{At, NIL};
use crate::copying::Copied;
use crate::error::Fault;
use crate::received;
use crate::slots::Ends;
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
    /// A server that says nothing is not asked whether it is there.
    pub(crate) const SILENCE: u16 = 32768;
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
    /// Where the PINGREQ is whose answer is awaited.
    pub(crate) ping: Ping,
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
    /// Milliseconds without a packet sent, or without a byte received, after which a PINGREQ is due; 0 for never.
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
    /// What is copied out and not written.
    pub(crate) copied: Copied,
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
        ping: Ping::Written,
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
        copied: Copied::NEW,
        timers: Timers::NEW,
    };

    /// Whether something was asked for, or not granted.
    #[inline]
    pub(crate) fn is(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// When a server that has been silent for the keep-alive's share is to be asked whether it is there; zero for never. Not
    /// while it is being asked.
    pub(crate) fn silence(&self) -> Instant {
        let Timers { answer, ping, heard } = self.timers;
        if self.is(flag::SILENCE) || self.interval == 0 || answer.is_set() || !ping.is_set() {
            return Instant::ZERO;
        }
        heard.after(self.interval.into()).at_least_one()
    }

    /// The largest packet that the server takes, in bytes.
    pub(crate) fn send_max(&self) -> u32 {
        if self.send_max == 0 { u32::MAX } else { self.send_max }
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
