//! What a Consumer remembers: for each request its sender, identifier and answer, in slots of equal size.

use super::Ticket;
use crate::response::Status;
use crate::text::Text;
use crate::time::Instant;
use crate::transfer::Encoding;
use crate::vocabulary::ResponseType;

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

    /// Sender, identifier and the rest of a slot's room.
    fn parts(&self, index: usize) -> Option<(&str, &str, &[u8])> {
        let slot = self.slots.get(index)?;
        let (from, rest) = self.room(index).split_at_checked(usize::from(slot.from))?;
        let (id, rest) = rest.split_at_checked(usize::from(slot.id))?;
        Some((core::str::from_utf8(from).ok()?, core::str::from_utf8(id).ok()?, rest))
    }

    /// Looks for a request among those remembered.
    pub(super) fn find(&self, from: Text<'_>, id: Text<'_>, now: Instant) -> Found {
        for (index, slot) in self.slots.iter().enumerate() {
            let live = match slot.state {
                State::Free => false,
                State::Running => true,
                State::Answered => slot.until > now,
            };
            if live && self.parts(index).is_some_and(|(its_from, its_id, _)| id == its_id && from == its_from) {
                return if slot.state == State::Running { Found::Running } else { Found::Answered(index) };
            }
        }
        Found::New
    }

    /// A slot for a request: a free one, or one whose time has passed. `None` if there is none, or no room for the names.
    pub(super) fn free(&self, from: Text<'_>, id: Text<'_>, now: Instant) -> Option<usize> {
        let names = from.len().saturating_add(id.len());
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
        from: Text<'_>,
        id: Text<'_>,
        encoding: Encoding,
        requested: ResponseType,
    ) -> Option<Ticket> {
        let mut at = 0usize;
        let room = self.room_mut(index);
        for c in from.chars().chain(id.chars()) {
            let end = at.checked_add(c.len_utf8())?;
            c.encode_utf8(room.get_mut(at..end)?);
            at = end;
        }
        let (from, id) = (u16::try_from(from.len()).ok()?, u16::try_from(id.len()).ok()?);
        let slot = self.slots.get_mut(index)?;
        let serial = slot.serial.wrapping_add(1);
        *slot = Slot { state: State::Running, serial, from, id, encoding, requested, ..Slot::FREE };
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
        let (from, id, _) = self.parts(usize::from(ticket.slot))?;
        Some((from, id, slot.encoding, slot.requested))
    }

    /// Keeps a response, if there is room for it.
    pub(super) fn keep(&mut self, ticket: Ticket, status: Status, response: &[u8]) {
        let index = usize::from(ticket.slot);
        let Some(slot) = self.slot(ticket) else { return };
        let names = usize::from(slot.from).saturating_add(usize::from(slot.id));
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
        let (_, _, rest) = self.parts(index)?;
        let kept = slot.kept.and_then(|length| rest.get(..usize::from(length)));
        Some((slot.status?, slot.requested, kept))
    }
}
