//! What a Consumer remembers: for each request its sender, identifier and answer, in slots of equal size.

use super::Ticket;
use crate::response::Status;
use crate::text::Text;
use crate::transfer::Encoding;
use crate::vocabulary::ResponseType;
use mqtt5_session::Instant;

/// Where a Consumer keeps its requests. Sealed: [`Inline`] or a mutable reference to one.
#[expect(private_bounds, reason = "sealed")]
pub trait Memory: Lend {}

pub(crate) trait Lend {
    fn lend(&mut self) -> (&mut [Slot], &mut [u8]);
}

/// Memory in place for `SLOTS` requests at a time, which share `BYTES` evenly: each needs room for sender, identifier and
/// response. A response that finds no room is sent, but not kept: should the request come again, it is answered
/// with the status alone.
#[derive(Clone, Debug)]
pub struct Inline<const SLOTS: usize, const BYTES: usize> {
    slots: [Slot; SLOTS],
    bytes: [u8; BYTES],
}

impl<const SLOTS: usize, const BYTES: usize> Inline<SLOTS, BYTES> {
    /// Empty memory.
    pub const fn new() -> Self {
        Self { slots: [Slot::FREE; SLOTS], bytes: [0; BYTES] }
    }
}

impl<const SLOTS: usize, const BYTES: usize> Default for Inline<SLOTS, BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const SLOTS: usize, const BYTES: usize> Memory for Inline<SLOTS, BYTES> {}

impl<const SLOTS: usize, const BYTES: usize> Lend for Inline<SLOTS, BYTES> {
    fn lend(&mut self) -> (&mut [Slot], &mut [u8]) {
        (&mut self.slots, &mut self.bytes)
    }
}

impl<M: Memory> Memory for &mut M {}

impl<M: Memory> Lend for &mut M {
    fn lend(&mut self) -> (&mut [Slot], &mut [u8]) {
        (**self).lend()
    }
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    state: State,
    serial: u16,
    from: u16,
    id: u16,
    /// The length of the command's own identifier, 0 without one.
    command: u16,
    /// The length of the kept response; `None` if it found no room or there is none.
    kept: Option<u16>,
    status: Option<Status>,
    requested: ResponseType,
    encoding: Encoding,
    until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Running,
    Answered,
}

impl Slot {
    const FREE: Self = Self {
        state: State::Free,
        serial: 0,
        from: 0,
        id: 0,
        command: 0,
        kept: None,
        status: None,
        requested: ResponseType::Complete,
        encoding: Encoding::Json,
        until: Instant::from_millis(0),
    };

    pub(super) fn free(&mut self) {
        *self = Self { serial: self.serial.wrapping_add(1), ..Self::FREE };
    }
}

/// What is known of a request.
pub(super) enum Found {
    /// It can't be told from others.
    Unidentified,
    New,
    Running,
    Answered(usize),
}

/// What is kept of a request.
struct Parts<'t> {
    from: &'t str,
    id: &'t str,
    command: &'t str,
    /// The room for its response.
    rest: &'t [u8],
}

/// The names by which a request is known.
#[derive(Clone, Copy)]
pub(super) struct Names<'i> {
    pub(super) from: Text<'i>,
    pub(super) id: Text<'i>,
    pub(super) command: Text<'i>,
}

impl Names<'_> {
    fn len(&self) -> usize {
        self.from.len().saturating_add(self.id.len()).saturating_add(self.command.len())
    }
}

/// The slots with their shares of the bytes.
pub(super) struct Table<'m> {
    slots: &'m mut [Slot],
    bytes: &'m mut [u8],
    share: usize,
}

impl<'m> Table<'m> {
    pub(super) fn new<M: Memory>(memory: &'m mut M) -> Self {
        let (slots, bytes) = memory.lend();
        let share = bytes.len().checked_div(slots.len()).unwrap_or(0);
        Self { slots, bytes, share }
    }

    fn room(&self, slot: usize) -> &[u8] {
        let start = slot.saturating_mul(self.share);
        self.bytes.get(start..start.saturating_add(self.share)).unwrap_or_default()
    }

    fn room_mut(&mut self, slot: usize) -> &mut [u8] {
        let start = slot.saturating_mul(self.share);
        self.bytes.get_mut(start..start.saturating_add(self.share)).unwrap_or_default()
    }

    /// What a slot's room holds.
    fn parts(&self, index: usize) -> Option<Parts<'_>> {
        let slot = self.slots.get(index)?;
        let (from, rest) = self.room(index).split_at_checked(usize::from(slot.from))?;
        let (id, rest) = rest.split_at_checked(usize::from(slot.id))?;
        let (command, rest) = rest.split_at_checked(usize::from(slot.command))?;
        Some(Parts {
            from: core::str::from_utf8(from).ok()?,
            id: core::str::from_utf8(id).ok()?,
            command: core::str::from_utf8(command).ok()?,
            rest,
        })
    }

    /// The command of this identifier that is being carried out for this sender.
    pub(super) fn find_command(&self, from: &str, command: &str) -> Option<Ticket> {
        self.slots.iter().enumerate().find_map(|(index, slot)| {
            let parts = self.parts(index).filter(|_| slot.state == State::Running)?;
            let its = if slot.command == 0 { parts.id } else { parts.command };
            let ticket = Ticket { slot: u16::try_from(index).ok()?, serial: slot.serial };
            (parts.from == from && its == command).then_some(ticket)
        })
    }

    /// Looks for a request among those remembered.
    pub(super) fn find(&self, from: Text<'_>, id: Text<'_>, now: Instant) -> Found {
        for (index, slot) in self.slots.iter().enumerate() {
            let live = match slot.state {
                State::Free => false,
                State::Running => true,
                State::Answered => slot.until > now,
            };
            if live && self.parts(index).is_some_and(|parts| id == parts.id && from == parts.from) {
                return if slot.state == State::Running { Found::Running } else { Found::Answered(index) };
            }
        }
        Found::New
    }

    /// A slot for a request: a free one, or one whose time has passed. `None` if there is none, or no room for the names.
    pub(super) fn free(&self, names: Names<'_>, now: Instant) -> Option<usize> {
        let names = names.len();
        if names > self.share || names > usize::from(u16::MAX) {
            return None;
        }
        self.slots.iter().position(|slot| match slot.state {
            State::Free => true,
            State::Running => false,
            State::Answered => slot.until <= now,
        })
    }

    /// Fills a free slot.
    pub(super) fn run(
        &mut self,
        index: usize,
        names: Names<'_>,
        encoding: Encoding,
        requested: ResponseType,
    ) -> Option<Ticket> {
        let mut at = 0usize;
        let room = self.room_mut(index);
        for c in names.from.chars().chain(names.id.chars()).chain(names.command.chars()) {
            let end = at.checked_add(c.len_utf8())?;
            c.encode_utf8(room.get_mut(at..end)?);
            at = end;
        }
        let length = |text: Text<'_>| u16::try_from(text.len()).ok();
        let (from, id, command) = (length(names.from)?, length(names.id)?, length(names.command)?);
        let slot = self.slots.get_mut(index)?;
        let serial = slot.serial.wrapping_add(1);
        *slot = Slot { state: State::Running, serial, from, id, command, encoding, requested, ..Slot::FREE };
        Some(Ticket { slot: u16::try_from(index).ok()?, serial })
    }

    /// The slot of a command that is being carried out.
    pub(super) fn running(self, ticket: Ticket) -> Option<&'m mut Slot> {
        let slot = self.slots.get_mut(usize::from(ticket.slot))?;
        (slot.state == State::Running && slot.serial == ticket.serial).then_some(slot)
    }

    fn slot(&mut self, ticket: Ticket) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(usize::from(ticket.slot))?;
        (slot.state == State::Running && slot.serial == ticket.serial).then_some(slot)
    }

    pub(super) fn count_running(&self) -> usize {
        self.slots.iter().filter(|slot| slot.state == State::Running).count()
    }

    /// Who asked for a command that is being carried out, and how.
    pub(super) fn asker(&self, ticket: Ticket) -> Option<(&str, &str, Encoding, ResponseType)> {
        let slot = self.slots.get(usize::from(ticket.slot))?;
        if slot.state != State::Running || slot.serial != ticket.serial {
            return None;
        }
        let parts = self.parts(usize::from(ticket.slot))?;
        Some((parts.from, parts.id, slot.encoding, slot.requested))
    }

    /// Keeps a response, if there is room for it.
    pub(super) fn keep(&mut self, ticket: Ticket, status: Status, response: &[u8]) {
        let index = usize::from(ticket.slot);
        let Some(slot) = self.slot(ticket) else { return };
        let names = [slot.from, slot.id, slot.command].into_iter().map(usize::from).sum::<usize>();
        slot.status = Some(status);
        slot.kept = None;
        let Ok(length) = u16::try_from(response.len()) else { return };
        let Some(room) = self.room_mut(index).get_mut(names..) else { return };
        let Some(room) = room.get_mut(..response.len()) else { return };
        room.copy_from_slice(response);
        if let Some(slot) = self.slot(ticket) {
            slot.kept = Some(length);
        }
    }

    /// The command was carried out; it is remembered until then.
    pub(super) fn finish(&mut self, ticket: Ticket, status: Status, until: Instant) {
        if let Some(slot) = self.slot(ticket) {
            slot.state = State::Answered;
            slot.status.get_or_insert(status);
            slot.until = until;
        }
    }

    /// What a request was answered: the status, what was wanted, and the response as it was, if it was kept.
    pub(super) fn answer(&self, index: usize) -> Option<(Status, ResponseType, Option<&[u8]>)> {
        let slot = self.slots.get(index)?;
        let parts = self.parts(index)?;
        let kept = slot.kept.and_then(|length| parts.rest.get(..usize::from(length)));
        Some((slot.status?, slot.requested, kept))
    }
}
