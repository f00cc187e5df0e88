//! Sessions and their streams, without sockets or a clock: what is read and written, and when.

use core::fmt;
use std::io::{self, ErrorKind, Read, Write};

use mqtt5_session::{Client, ConnectOptions, Event, Fault, Inbox, Inline, Input, Instant, Refused};

use crate::deadlines::Deadlines;

/// How many bytes are read at a time, and the largest packet that is taken, unless the fleet is made with another size.
const BUFFER: usize = 64 << 10;

/// A session of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(crate) u32);

impl Id {
    /// Its place: sessions are numbered from 0 in the order in which they were added.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Something that happened to a session.
#[derive(Debug)]
#[non_exhaustive]
pub enum Happening<'e> {
    /// An event of the session.
    Event(Event<'e>),
    /// Its connection is gone. The session goes on; [`Fleet::connect`] connects it again.
    Closed(Closed),
}

/// Why a connection is gone.
#[derive(Debug)]
#[non_exhaustive]
pub enum Closed {
    /// We ended it, or an event said that the server did.
    Ended,
    /// The server closed it without a word.
    Silently,
    /// The server broke the standard, or did not answer in time.
    Fault(Fault),
    /// Reading or writing failed.
    Io(io::Error),
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the connection was ended"),
            Self::Silently => f.write_str("the server closed the connection"),
            Self::Fault(fault) => write!(f, "the server broke the standard: {fault}"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

/// Many sessions. `L` is a stream that answers [`WouldBlock`](ErrorKind::WouldBlock) where it would have to wait; each session
/// has room for `FLIGHTS` exchanges in each direction and `BYTES` bytes of packets, as in [`Inline`].
#[derive(Debug)]
pub struct Fleet<L, const FLIGHTS: usize, const BYTES: usize> {
    members: Vec<Member<L, FLIGHTS, BYTES>>,
    deadlines: Deadlines,
    /// What all of them read into, one at a time.
    buffer: Box<[u8]>,
    /// What all of them write from.
    out: Box<[u8]>,
}

#[derive(Debug)]
struct Member<L, const FLIGHTS: usize, const BYTES: usize> {
    client: Client<Inline<FLIGHTS, BYTES>>,
    link: Option<L>,
    /// Bytes in between; there are none while a session is idle.
    pending: Option<Box<Pending>>,
    /// The earliest deadline that is noted; [`Instant::NEVER`] for none.
    noted: Instant,
}

#[derive(Debug, Default)]
struct Pending {
    /// The beginning of a packet.
    received: Vec<u8>,
    /// What the stream did not take yet.
    unsent: Vec<u8>,
    /// Whether reading stopped, since answers had no room: it goes on when the stream takes more.
    unread: bool,
}

impl<L: Read + Write, const FLIGHTS: usize, const BYTES: usize> Default for Fleet<L, FLIGHTS, BYTES> {
    fn default() -> Self {
        Self::new(BUFFER)
    }
}

impl<L: Read + Write, const FLIGHTS: usize, const BYTES: usize> Fleet<L, FLIGHTS, BYTES> {
    /// A fleet without sessions, with buffers of `buffer` bytes: the largest packet that it takes. State no larger Maximum Packet
    /// Size in CONNECT.
    #[must_use]
    pub fn new(buffer: usize) -> Self {
        Self {
            members: Vec::new(),
            deadlines: Deadlines::default(),
            buffer: vec![0; buffer].into_boxed_slice(),
            out: vec![0; buffer].into_boxed_slice(),
        }
    }

    /// Makes room for so many more sessions at once, in one piece.
    pub fn reserve(&mut self, sessions: usize) {
        self.members.reserve_exact(sessions);
    }

    /// Adds a session without a connection. At most 2^32 - 1.
    pub fn add(&mut self) -> Id {
        let id = Id(u32::try_from(self.members.len()).unwrap_or(u32::MAX));
        let client = Client::new(Inline::new());
        self.members.push(Member { client, link: None, pending: None, noted: Instant::NEVER });
        id
    }

    /// How many sessions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many bytes the sessions take, all told, but what the operating system has for their sockets.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let pending = self.members.iter().filter_map(|member| member.pending.as_deref());
        let pending = pending.map(|held| size_of::<Pending>() + held.received.capacity() + held.unsent.capacity());
        self.members.capacity() * size_of::<Member<L, FLIGHTS, BYTES>>()
            + self.deadlines.bytes()
            + pending.sum::<usize>()
    }

    /// The stream of a session, if it has one.
    pub fn link(&mut self, id: Id) -> Option<&mut L> {
        self.members.get_mut(id.index())?.link.as_mut()
    }

    /// Begins a connection on a stream that was just opened, or is being opened.
    ///
    /// # Errors
    /// What [`Client::connect`] refuses, [`Refused::Unknown`] for a session that is not of this fleet. The stream is dropped.
    pub fn connect(&mut self, id: Id, link: L, options: &ConnectOptions<'_>, now: Instant) -> Result<(), Refused> {
        let Some(member) = self.members.get_mut(id.index()) else { return Err(Refused::Unknown) };
        member.client.connect(options, &mut Inbox::new(&mut self.buffer), now)?;
        member.pending = None;
        member.link = Some(link);
        self.deadlines.note(id, member.client.poll_timeout(), now, &mut member.noted);
        Ok(())
    }

    /// Calls the client of a session, and writes what it has to say then. `None` for a session that is not of this fleet.
    pub fn with<T>(
        &mut self,
        id: Id,
        now: Instant,
        call: impl FnOnce(&mut Client<Inline<FLIGHTS, BYTES>>) -> T,
        on: impl FnMut(Id, Happening<'_>, &mut Client<Inline<FLIGHTS, BYTES>>),
    ) -> Option<T> {
        let value = call(&mut self.members.get_mut(id.index())?.client);
        self.writable(id, now, on);
        Some(value)
    }

    /// The stream of a session may be read: reads all there is.
    pub fn readable(
        &mut self,
        id: Id,
        now: Instant,
        mut on: impl FnMut(Id, Happening<'_>, &mut Client<Inline<FLIGHTS, BYTES>>),
    ) {
        let Some(member) = self.members.get_mut(id.index()) else { return };
        let mut inbox = Inbox::new(&mut self.buffer);
        let result = member.read(&mut inbox, &mut self.out, now, |event, client| {
            on(id, Happening::Event(event), client);
        });
        // What is left is the beginning of a packet. It moves to the front, and waits in memory of its own.
        inbox.spare();
        let begun = inbox.len();
        if let Some(begun) = self.buffer.get(..begun).filter(|begun| !begun.is_empty()) {
            member.pending.get_or_insert_default().received = begun.to_vec();
        }
        self.settle(id, result, now, on);
    }

    /// The stream of a session takes more, or the session has more to say: writes all that goes.
    pub fn writable(
        &mut self,
        id: Id,
        now: Instant,
        on: impl FnMut(Id, Happening<'_>, &mut Client<Inline<FLIGHTS, BYTES>>),
    ) {
        let Some(member) = self.members.get_mut(id.index()) else { return };
        let result = member.write(&mut self.out, now);
        if matches!(result, Ok(true)) && member.pending.as_ref().is_some_and(|held| held.unread) {
            return self.readable(id, now, on);
        }
        self.settle(id, result.map(drop), now, on);
    }

    /// When [`tick`](Self::tick) is to be called, at the latest.
    #[must_use]
    pub fn next_tick(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// Does what is due, at most 64 milliseconds late. Costs by what is due, however many sessions there are.
    pub fn tick(&mut self, now: Instant, mut on: impl FnMut(Id, Happening<'_>, &mut Client<Inline<FLIGHTS, BYTES>>)) {
        while let Some((slot, due)) = self.deadlines.take(now) {
            for id in due {
                self.ring(id, slot, now, &mut on);
            }
        }
    }

    /// A deadline that was noted has come.
    fn ring(
        &mut self,
        id: Id,
        slot: Instant,
        now: Instant,
        mut on: impl FnMut(Id, Happening<'_>, &mut Client<Inline<FLIGHTS, BYTES>>),
    ) {
        // Others were noted before an earlier one took their place.
        let Some(member) = self.members.get_mut(id.index()).filter(|member| member.noted == slot) else { return };
        member.noted = Instant::NEVER;
        let result = match member.client.handle_timeout(now) {
            Ok(event) => {
                if let Some(event) = event {
                    on(id, Happening::Event(event), &mut member.client);
                }
                member.write(&mut self.out, now).map(drop)
            }
            Err(fault) => Err(Closed::Fault(fault)),
        };
        self.settle(id, result, now, on);
    }

    /// Notes when the session is due, and ends its connection where that is over.
    fn settle(
        &mut self,
        id: Id,
        result: Result<(), Closed>,
        now: Instant,
        mut on: impl FnMut(Id, Happening<'_>, &mut Client<Inline<FLIGHTS, BYTES>>),
    ) {
        let Some(member) = self.members.get_mut(id.index()) else { return };
        if let Err(closed) = result
            && member.link.take().is_some()
        {
            member.pending = None;
            member.client.handle_close(now);
            on(id, Happening::Closed(closed), &mut member.client);
        }
        if member
            .pending
            .as_ref()
            .is_some_and(|held| held.received.is_empty() && held.unsent.is_empty() && !held.unread)
        {
            member.pending = None;
        }
        self.deadlines.note(id, member.client.poll_timeout(), now, &mut member.noted);
    }
}

impl<L: Read + Write, const FLIGHTS: usize, const BYTES: usize> Member<L, FLIGHTS, BYTES> {
    /// Reads until the stream has no more, and handles it.
    fn read(
        &mut self,
        inbox: &mut Inbox<'_>,
        out: &mut [u8],
        now: Instant,
        mut on: impl FnMut(Event<'_>, &mut Client<Inline<FLIGHTS, BYTES>>),
    ) -> Result<(), Closed> {
        if let Some(pending) = &mut self.pending {
            pending.unread = false;
            // It fits: it has been here before.
            let begun = core::mem::take(&mut pending.received);
            if let Some(room) = inbox.spare().get_mut(..begun.len()) {
                room.copy_from_slice(&begun);
                inbox.filled(begun.len());
            }
        }
        loop {
            let blocked = !self.handle(inbox, out, now, &mut on)?;
            let Some(link) = &mut self.link else { return Ok(()) };
            if inbox.spare().is_empty() || blocked {
                // The stream tells no second time that there is more to read.
                self.pending.get_or_insert_default().unread = blocked;
                return Ok(());
            }
            match link.read(inbox.spare()) {
                Ok(0) => return Err(Closed::Silently),
                Ok(n) => inbox.filled(n),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return self.write(out, now).map(drop),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Closed::Io(error)),
            }
        }
    }

    /// Handles what was read. False when answers have to be written first, and the stream takes none now.
    fn handle(
        &mut self,
        inbox: &mut Inbox<'_>,
        out: &mut [u8],
        now: Instant,
        on: &mut impl FnMut(Event<'_>, &mut Client<Inline<FLIGHTS, BYTES>>),
    ) -> Result<bool, Closed> {
        loop {
            match self.client.handle_input(inbox, now) {
                Ok(Input::Event(event)) => on(event, &mut self.client),
                Ok(Input::Partial { .. }) if !self.client.is_closed() => return Ok(true),
                Ok(Input::Partial { .. }) => return self.write(out, now),
                Ok(_) if self.write(out, now)? => {}
                Ok(_) => return Ok(false),
                Err(fault) => {
                    let _ = self.write(out, now);
                    return Err(Closed::Fault(fault));
                }
            }
        }
    }

    /// Writes what the session has to say, a burst at a time. Whether the stream took all of it.
    fn write(&mut self, out: &mut [u8], now: Instant) -> Result<bool, Closed> {
        let Some(link) = &mut self.link else { return Ok(true) };
        loop {
            let mut burst = match &mut self.pending {
                Some(pending) if !pending.unsent.is_empty() => core::mem::take(&mut pending.unsent),
                _ => Vec::new(),
            };
            let held = !burst.is_empty();
            let bytes: &[u8] = if held {
                &burst
            } else {
                let n = self.client.transmit_into(out);
                out.get(..n).unwrap_or(&[])
            };
            if bytes.is_empty() {
                return if self.client.is_closed() { Err(Closed::Ended) } else { Ok(true) };
            }
            let written = match link.write(bytes) {
                Ok(0) => return Err(Closed::Silently),
                Ok(n) => n,
                // A socket that is still being connected has its own way to say so.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => 0,
                Err(error) => return Err(Closed::Io(error)),
            };
            self.client.transmitted(written, now);
            let rest = bytes.get(written..).unwrap_or(&[]);
            if !rest.is_empty() {
                if held {
                    burst.drain(..written);
                } else {
                    burst = rest.to_vec();
                }
                self.pending.get_or_insert_default().unsent = burst;
                return Ok(false);
            }
        }
    }
}
