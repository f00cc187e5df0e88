//! What a Consumer remembers: for each request its sender, identifier and answer, in slots of equal size.

use super::Ticket;
use super::reply::Requester;
use crate::encoding::text::{self, Str};
use crate::language::command::Command;
use crate::language::message::{Headers, Structure};
use crate::language::response::Status;
use crate::language::vocabulary::ResponseType;
use crate::transfer::Encoding;
use mqtt5_session::Instant;

/// Where a Consumer keeps its requests. Sealed: [`ConsumerMemory`] or a mutable reference to one.
#[expect(private_bounds, reason = "sealed")]
pub trait ConsumerStore: Lend {}

pub(crate) trait Lend {
    fn lend(&mut self) -> (&mut [Slot], &mut [u8]);
}

/// Memory in place for `SLOTS` requests at a time, which share `BYTES` evenly: each needs room for sender, identifiers and
/// response. A response that finds no room is sent, but not kept: should the request come again, it is answered
/// with the status alone. No more than 65,536 slots are used. How much is needed: [memory](crate::consumer#memory).
#[derive(Clone, Debug)]
pub struct ConsumerMemory<const SLOTS: usize, const BYTES: usize> {
    slots: [Slot; SLOTS],
    bytes: [u8; BYTES],
}

impl<const SLOTS: usize, const BYTES: usize> ConsumerMemory<SLOTS, BYTES> {
    /// Empty memory.
    pub const fn new() -> Self {
        Self { slots: [Slot::FREE; SLOTS], bytes: [0; BYTES] }
    }
}

impl<const SLOTS: usize, const BYTES: usize> Default for ConsumerMemory<SLOTS, BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const SLOTS: usize, const BYTES: usize> ConsumerStore for ConsumerMemory<SLOTS, BYTES> {}

impl<const SLOTS: usize, const BYTES: usize> Lend for ConsumerMemory<SLOTS, BYTES> {
    fn lend(&mut self) -> (&mut [Slot], &mut [u8]) {
        (&mut self.slots, &mut self.bytes)
    }
}

impl<M: ConsumerStore> ConsumerStore for &mut M {}

impl<M: ConsumerStore> Lend for &mut M {
    fn lend(&mut self) -> (&mut [Slot], &mut [u8]) {
        (**self).lend()
    }
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    pub(super) state: State,
    pub(super) serial: u16,
    pub(super) from: u16,
    /// The length of the identifier by which the request is known again.
    pub(super) id: u16,
    /// The length of the command's own identifier, 0 without one.
    pub(super) command: u16,
    /// Whether the request has a `request_id`, which then is `id`.
    pub(super) named: bool,
    /// The length of the kept response; `None` if it found no room or there is none.
    pub(super) kept: Option<u16>,
    pub(super) status: Option<Status>,
    pub(super) requested: ResponseType,
    pub(super) encoding: Encoding,
    pub(super) structure: Structure,
    /// The sum over the command, to know another one under the same identifier.
    pub(super) digest: u32,
    /// Whether its final response is still to be published. Until then it doesn't give way.
    pub(super) unsent: bool,
    pub(super) until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    Running,
    Answered,
}

impl Slot {
    pub(super) const FREE: Self = Self {
        state: State::Free,
        serial: 0,
        from: 0,
        id: 0,
        command: 0,
        named: false,
        kept: None,
        status: None,
        requested: ResponseType::Complete,
        encoding: Encoding::Json,
        structure: Structure::Wrapper,
        digest: 0,
        unsent: false,
        until: Instant::from_millis(0),
    };

    pub(super) fn free(&mut self) {
        *self = Self { serial: self.serial.wrapping_add(1), ..Self::FREE };
    }

    /// Whether it is remembered.
    fn is_live(&self, now: Instant) -> bool {
        match self.state {
            State::Free => false,
            State::Running => true,
            State::Answered => self.unsent || self.until > now,
        }
    }
}

/// Why a request finds no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// Every slot is taken by a running command.
    Full,
    /// The sender has as many running commands as one may have.
    Share,
    /// Its names are longer than a slot.
    Names,
}

/// What looking for a request finds.
pub(super) enum Lookup {
    New,
    Running(usize),
    Answered(usize),
}

/// What is kept of a request.
pub(super) struct Parts<'t> {
    pub(super) from: &'t str,
    pub(super) id: &'t str,
    pub(super) command: &'t str,
    /// The room for its response.
    pub(super) rest: &'t [u8],
}

/// The response that was given to a request.
pub(super) struct PastResponse<'t> {
    pub(super) status: Status,
    pub(super) requested: ResponseType,
    pub(super) encoding: Encoding,
    /// The response as it was, if it was kept.
    pub(super) kept: Option<&'t [u8]>,
}

/// The names by which a request is known.
#[derive(Clone, Copy)]
pub(super) struct Names<'i> {
    from: Str<'i>,
    request: Option<Str<'i>>,
    command: Option<Str<'i>>,
    /// The sum over the command as it came.
    digest: u32,
}

impl<'i> Names<'i> {
    pub(super) fn new(headers: &Headers<'i>, command: &Command<'i>, digest: u32) -> Self {
        let from = headers.from.unwrap_or(Str::EMPTY);
        Self { from, request: headers.request_id, command: command.command_id, digest }
    }

    /// Its `request_id`, else its `command_id`. With neither it can't be told from others.
    pub(super) fn id(&self) -> Option<Str<'i>> {
        self.request.or(self.command)
    }

    fn parts(&self) -> [Str<'i>; 3] {
        [self.from, self.id().unwrap_or(Str::EMPTY), self.command.unwrap_or(Str::EMPTY)]
    }

    fn len(&self) -> usize {
        self.parts().iter().fold(0, |sum, part| sum.saturating_add(part.len()))
    }
}

/// The most slots that are used.
const MOST: usize = 1 << 16;

/// The slots with their shares of the bytes.
pub(super) struct Table<'m> {
    slots: &'m mut [Slot],
    bytes: &'m mut [u8],
    share: usize,
}

impl<'m> Table<'m> {
    pub(super) fn new<M: ConsumerStore>(memory: &'m mut M) -> Self {
        let (slots, bytes) = memory.lend();
        // As many as tickets tell apart.
        let most = slots.len().min(MOST);
        let slots = slots.get_mut(..most).unwrap_or_default();
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

    /// Each request that is being carried out or was answered not too long ago.
    pub(super) fn remembered(&self, now: Instant) -> impl Iterator<Item = (&Slot, Parts<'_>)> {
        let live = self.slots.iter().enumerate().filter(move |(_, slot)| slot.is_live(now));
        live.filter_map(|(index, slot)| Some((slot, self.parts(index)?)))
    }

    /// Each command that is being carried out.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = (Ticket, &Slot, Parts<'_>)> {
        let running = self.slots.iter().zip(0u16..).filter(|(slot, _)| slot.state == State::Running);
        running.filter_map(|(slot, index)| {
            Some((Ticket { slot: index, serial: slot.serial }, slot, self.parts(usize::from(index))?))
        })
    }

    /// The command of this identifier that is being carried out for this sender.
    pub(super) fn find_command(&self, from: &str, command: &str) -> Option<Ticket> {
        self.unfinished().find_map(|(ticket, slot, parts)| {
            let its = if slot.command == 0 { parts.id } else { parts.command };
            (parts.from == from && its == command).then_some(ticket)
        })
    }

    /// Looks for a request among those remembered.
    pub(super) fn find(&self, names: Names<'_>, now: Instant) -> Lookup {
        let Some(id) = names.id() else { return Lookup::New };
        for (index, slot) in self.slots.iter().enumerate() {
            if slot.is_live(now) && self.parts(index).is_some_and(|parts| id == parts.id && names.from == parts.from) {
                return if slot.state == State::Running { Lookup::Running(index) } else { Lookup::Answered(index) };
            }
        }
        Lookup::New
    }

    /// Whether a slot that was found holds another command. Two encodings can't be compared: what came in the other one is taken
    /// for the same.
    pub(super) fn is_another(&self, index: usize, names: Names<'_>, encoding: Encoding) -> bool {
        self.slots.get(index).is_some_and(|slot| slot.encoding == encoding && slot.digest != names.digest)
    }

    /// A slot for a request: a free one, one whose time has passed, or that of the request that was answered longest ago. Who
    /// has its share of the slots already can only have one of its own.
    pub(super) fn place(&self, names: Names<'_>, share: Option<u16>, now: Instant) -> Result<usize, NoPlace> {
        let length = names.len();
        if length > self.share || length > usize::from(u16::MAX) {
            return Err(NoPlace::Names);
        }
        let all = self.slots.len();
        let share = share.map_or(all.saturating_sub((all / 4).max(1)), usize::from).max(1);
        let mut own = 0usize;
        let (mut free, mut oldest, mut oldest_own) = (None, None, None);
        let older = |than: Option<(Instant, usize)>, until: Instant| than.is_none_or(|(other, _)| until < other);
        for (index, slot) in self.slots.iter().enumerate() {
            if !slot.is_live(now) {
                free = free.or(Some(index));
                continue;
            }
            let is_own = self.from(index).is_some_and(|from| names.from == from);
            own = own.saturating_add(usize::from(is_own));
            if slot.state == State::Answered && !slot.unsent {
                if older(oldest, slot.until) {
                    oldest = Some((slot.until, index));
                }
                if is_own && older(oldest_own, slot.until) {
                    oldest_own = Some((slot.until, index));
                }
            }
        }
        match (own < share, free) {
            (true, Some(free)) => Ok(free),
            (true, None) => oldest.map(|(_, index)| index).ok_or(NoPlace::Full),
            (false, _) => oldest_own.map(|(_, index)| index).ok_or(NoPlace::Share),
        }
    }

    /// Until when the request in a slot would have been remembered, if it is to give way though it was answered not too long
    /// ago.
    pub(super) fn given_way(&self, index: usize, now: Instant) -> Option<Instant> {
        let slot = self.slots.get(index)?;
        (slot.state == State::Answered && slot.until > now).then_some(slot.until)
    }

    /// How many slots there are: with a running command, with an answered one that is remembered, others.
    pub(super) fn figures(&self, now: Instant) -> [u16; 3] {
        let count = |wanted: fn(&Slot, Instant) -> bool| {
            u16::try_from(self.slots.iter().filter(|slot| wanted(slot, now)).count()).unwrap_or(u16::MAX)
        };
        [
            count(|slot, _| slot.state == State::Running),
            count(|slot, now| slot.state == State::Answered && slot.is_live(now)),
            count(|slot, now| !slot.is_live(now)),
        ]
    }

    /// Who sent the request in a slot.
    fn from(&self, index: usize) -> Option<&str> {
        let slot = self.slots.get(index)?;
        core::str::from_utf8(self.room(index).get(..usize::from(slot.from))?).ok()
    }

    /// Fills a free slot.
    pub(super) fn run(
        &mut self,
        index: usize,
        names: Names<'_>,
        requester: Requester<'_>,
        requested: ResponseType,
    ) -> Option<Ticket> {
        let parts = names.parts();
        // Whatever may fail comes before the first change.
        let number = u16::try_from(index).ok()?;
        let length = |text: Str<'_>| u16::try_from(text.len()).ok();
        let [from, id, command] = parts;
        let (from, id, command) = (length(from)?, length(id)?, length(command)?);
        if !self.fits(index, names.len()) {
            return None;
        }
        let mut at = 0usize;
        let room = self.room_mut(index);
        for c in parts.iter().flat_map(Str::chars) {
            at = text::put(room, at, c)?;
        }
        let (named, digest) = (names.request.is_some(), names.digest);
        let slot = self.slots.get_mut(index)?;
        let serial = slot.serial.wrapping_add(1);
        let (state, Requester { encoding, structure, .. }) = (State::Running, requester);
        *slot = Slot { state, serial, from, id, command, named, encoding, structure, digest, requested, ..Slot::FREE };
        Some(Ticket { slot: number, serial })
    }

    /// Whether names of so many bytes have room in this slot.
    pub(super) fn fits(&self, index: usize, names: usize) -> bool {
        index < self.slots.len() && names <= self.share
    }

    /// Fills a slot with what was exported from another.
    pub(super) fn restore(&mut self, index: usize, from_export: Slot, names: [&str; 3], kept: &[u8]) {
        let mut lengths = [0u16; 3];
        let mut rest = self.room_mut(index);
        for (name, length) in names.iter().zip(&mut lengths) {
            let Some((room, after)) = core::mem::take(&mut rest).split_at_mut_checked(name.len()) else { return };
            text::copy(room, name.as_bytes());
            *length = u16::try_from(name.len()).unwrap_or(0);
            rest = after;
        }
        let has_room = rest.len() >= kept.len();
        text::copy(rest, kept);
        let Some(slot) = self.slots.get_mut(index) else { return };
        let [from, id, command] = lengths;
        let kept = from_export.kept.filter(|_| has_room);
        *slot = Slot { serial: slot.serial.wrapping_add(1), from, id, command, kept, ..from_export };
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

    /// Who asked for a command that is being carried out, and what for.
    pub(super) fn requester(&self, ticket: Ticket) -> Option<(Requester<'_>, ResponseType)> {
        let slot = self.slots.get(usize::from(ticket.slot))?;
        if slot.state != State::Running || slot.serial != ticket.serial {
            return None;
        }
        Some((self.requester_of(usize::from(ticket.slot))?, slot.requested))
    }

    /// Who sent the request in a slot, as it is answered.
    pub(super) fn requester_of(&self, index: usize) -> Option<Requester<'_>> {
        let Slot { encoding, structure, named, .. } = *self.slots.get(index)?;
        let parts = self.parts(index)?;
        let request_id = named.then_some(Str::new(parts.id));
        Some(Requester { from: Some(Str::new(parts.from)), request_id, encoding, structure })
    }

    /// The next slot from this one on whose final response is still to be published.
    pub(super) fn unsent(&self, from: usize) -> Option<usize> {
        let mut rest = self.slots.iter().enumerate().skip(from);
        rest.find_map(|(index, slot)| slot.unsent.then_some(index))
    }

    /// The final response of a command could not be published yet; whether it is remembered to be.
    pub(super) fn hold_back(&mut self, ticket: Ticket) -> bool {
        let Some(slot) = self.slots.get_mut(usize::from(ticket.slot)) else { return false };
        slot.unsent = slot.state == State::Answered && slot.serial == ticket.serial;
        slot.unsent
    }

    /// The final response of the request in a slot is published, or never will be.
    pub(super) fn settle(&mut self, index: usize) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.unsent = false;
        }
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
        text::copy(room, response);
        if let Some(slot) = self.slot(ticket) {
            slot.kept = Some(length);
        }
    }

    /// The command was carried out; it is remembered until then, if it would be known again.
    pub(super) fn finish(&mut self, ticket: Ticket, status: Status, until: Instant) {
        if let Some(slot) = self.slot(ticket) {
            if !slot.named && slot.command == 0 {
                return slot.free();
            }
            slot.state = State::Answered;
            slot.status.get_or_insert(status);
            slot.until = until;
        }
    }

    /// What a request was answered, if it was.
    pub(super) fn answer(&self, index: usize) -> Option<PastResponse<'_>> {
        let slot = self.slots.get(index)?;
        let parts = self.parts(index)?;
        let kept = slot.kept.and_then(|length| parts.rest.get(..usize::from(length)));
        Some(PastResponse { status: slot.status?, requested: slot.requested, encoding: slot.encoding, kept })
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::{Action, Target};

    struct Heap(Vec<Slot>, Vec<u8>);

    impl ConsumerStore for Heap {}

    impl Lend for Heap {
        fn lend(&mut self) -> (&mut [Slot], &mut [u8]) {
            (&mut self.0, &mut self.1)
        }
    }

    #[test]
    fn slots_that_no_ticket_can_name_are_not_used_and_a_refusal_changes_nothing() {
        let headers = Headers { from: Some(Str::new("p")), request_id: Some(Str::new("1")), ..Headers::default() };
        let command = Command::new(Action::Deny, Target::Command(Str::new("c")));
        let (names, now) = (Names::new(&headers, &command, 7), Instant::from_millis(1));
        let mut memory = Heap(vec![Slot::FREE; 65_540], vec![0; 4 * 65_540]);
        let mut table = Table::new(&mut memory);
        assert_eq!(table.place(names, Some(1), now), Ok(0));
        for slot in table.slots.iter_mut() {
            slot.state = State::Running;
        }
        assert_eq!(table.place(names, Some(1), now), Err(NoPlace::Full));
        assert!(table.run(65_536, names, Requester::NOBODY, ResponseType::Complete).is_none());
        assert!(table.run(65_535, names, Requester::NOBODY, ResponseType::Complete).is_some());
        assert!(memory.0[65_536..].iter().all(|slot| slot.serial == 0 && slot.state == State::Free));
        // What has no room is refused before a byte of it is written.
        let mut narrow = Heap(vec![Slot::FREE; 2], vec![0; 2]);
        assert!(Table::new(&mut narrow).run(1, names, Requester::NOBODY, ResponseType::Complete).is_none());
        assert_eq!((narrow.1, narrow.0[1].serial), (vec![0; 2], 0));
    }
}
