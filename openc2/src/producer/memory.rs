//! What a Producer remembers: its requests, and who answered what.

use super::{Answer, Expect, NotCounted, ProducerRefused, RequestId, Stage, TimedOut};
use crate::encoding::text::{self, Str};
use crate::language::vocabulary::ResponseType;
use mqtt5_session::Instant;

/// The longest name of a Consumer (`from`) that is kept, in bytes.
pub const NAME: usize = 64;
/// The longest `request_id` that is kept, in bytes: that of a UUID.
pub const REQUEST_ID: usize = 36;

/// Where a Producer keeps its requests. Sealed: [`ProducerMemory`] or a mutable reference to one.
#[expect(private_bounds, reason = "sealed")]
pub trait ProducerStore: Lend {}

pub(crate) trait Lend {
    fn lend(&mut self) -> (&mut [Pending], &mut [Responder]);
}

/// Memory in place for `REQUESTS` requests, and for `RESPONDERS` answers to all of them together. A request that is over
/// stays remembered, so that what comes late is known as such, until its place is needed.
#[derive(Clone, Debug)]
pub struct ProducerMemory<const REQUESTS: usize, const RESPONDERS: usize> {
    pending: [Pending; REQUESTS],
    responders: [Responder; RESPONDERS],
}

impl<const REQUESTS: usize, const RESPONDERS: usize> ProducerMemory<REQUESTS, RESPONDERS> {
    /// Empty memory.
    pub const fn new() -> Self {
        Self { pending: [Pending::FREE; REQUESTS], responders: [Responder::FREE; RESPONDERS] }
    }
}

impl<const REQUESTS: usize, const RESPONDERS: usize> Default for ProducerMemory<REQUESTS, RESPONDERS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const REQUESTS: usize, const RESPONDERS: usize> ProducerStore for ProducerMemory<REQUESTS, RESPONDERS> {}

impl<const REQUESTS: usize, const RESPONDERS: usize> Lend for ProducerMemory<REQUESTS, RESPONDERS> {
    fn lend(&mut self) -> (&mut [Pending], &mut [Responder]) {
        (&mut self.pending, &mut self.responders)
    }
}

impl<M: ProducerStore> ProducerStore for &mut M {}

impl<M: ProducerStore> Lend for &mut M {
    fn lend(&mut self) -> (&mut [Pending], &mut [Responder]) {
        (**self).lend()
    }
}

/// A short text, held in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct InlineStr<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

impl<const N: usize> InlineStr<N> {
    const EMPTY: Self = Self { bytes: [0; N], length: 0 };

    pub(super) fn new(text: Str<'_>) -> Option<Self> {
        let mut name = Self::EMPTY;
        let mut at = 0usize;
        for c in text.chars() {
            at = text::put(&mut name.bytes, at, c)?;
        }
        name.length = u8::try_from(at).ok()?;
        Some(name)
    }

    pub(super) fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.length)).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    pub(super) state: State,
    pub(super) serial: u16,
    pub(super) id: InlineStr<REQUEST_ID>,
    pub(super) deadline: Instant,
    /// Final responses that make it complete; `None` if nobody knows.
    pub(super) expected: Option<u16>,
    /// Whether only named Consumers count.
    pub(super) named: bool,
    /// Which response is wanted: only for a complete one is 102 not the end.
    pub(super) wanted: ResponseType,
    pub(super) answered: u16,
    /// How many of those answers were bad.
    pub(super) bad: u16,
    /// Newer requests have higher numbers, so that the oldest one over is forgotten first.
    pub(super) age: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    Pending,
    Over,
}

impl Pending {
    pub(super) const FREE: Self = Self {
        state: State::Free,
        serial: 0,
        id: InlineStr::EMPTY,
        deadline: Instant::NEVER,
        expected: None,
        named: false,
        wanted: ResponseType::Complete,
        answered: 0,
        bad: 0,
        age: 0,
    };
}

/// A Consumer that is expected to answer a request, or did.
#[derive(Clone, Copy, Debug)]
pub struct Responder {
    /// The request; free if it is remembered no more.
    pub(super) request: Option<RequestId>,
    pub(super) name: InlineStr<NAME>,
    pub(super) expected: bool,
    pub(super) answer: Answer,
    pub(super) created: Option<u64>,
}

impl Responder {
    pub(super) const FREE: Self =
        Self { request: None, name: InlineStr::EMPTY, expected: false, answer: Answer::Awaited, created: None };
}

/// What became of a response.
pub(super) enum Taken {
    Counted { request: RequestId, stage: Stage, complete: bool },
    Not(NotCounted),
}

pub(super) struct Table<'m> {
    pub(super) pending: &'m mut [Pending],
    pub(super) responders: &'m mut [Responder],
}

impl<'m> Table<'m> {
    pub(super) fn new<M: ProducerStore>(memory: &'m mut M) -> Self {
        let (pending, responders) = memory.lend();
        Self { pending, responders }
    }

    /// A free place, or that of the request that has been over for longest.
    fn place(&self) -> Option<usize> {
        let free = self.pending.iter().position(|pending| pending.state == State::Free);
        free.or_else(|| {
            let over = self.pending.iter().enumerate().filter(|(_, pending)| pending.state == State::Over);
            over.min_by_key(|(_, pending)| pending.age).map(|(index, _)| index)
        })
    }

    /// Whether nothing is lost if this place for a responder is taken: it is free, or its request is over. (What then still
    /// comes of that Consumer is told as late, not as a duplicate.) `place` is where a new request is to go.
    fn gives_way(&self, responder: &Responder, place: Option<usize>) -> bool {
        let Some(request) = responder.request else { return true };
        let index = usize::from(request.slot);
        Some(index) == place
            || self
                .pending
                .get(index)
                .is_none_or(|pending| pending.serial != request.serial || pending.state != State::Pending)
    }

    /// A place for a responder: a free one, or else that of the request that has been over for longest.
    fn place_for_responder(&self) -> Option<usize> {
        let age = |responder: &Responder| {
            let of = self.pending.get(usize::from(responder.request?.slot))?;
            (Some(of.serial) == responder.request.map(|request| request.serial)).then_some(of.age)
        };
        let places = self.responders.iter().enumerate().filter(|(_, responder)| self.gives_way(responder, None));
        places.min_by_key(|(_, responder)| age(responder)).map(|(index, _)| index)
    }

    /// That a request has room, before anything changes.
    pub(super) fn room_for(&self, id: &str, expect: Expect<'_>) -> Result<(), ProducerRefused> {
        if id.len() > REQUEST_ID {
            return Err(ProducerRefused::Name);
        }
        let place = self.place().ok_or(ProducerRefused::Requests)?;
        if let Expect::Each(names) = expect {
            if names.iter().any(|name| name.len() > NAME) {
                return Err(ProducerRefused::Name);
            }
            let free = self.responders.iter().filter(|responder| self.gives_way(responder, Some(place))).count();
            if free < names.len() {
                return Err(ProducerRefused::Responders);
            }
        }
        Ok(())
    }

    /// Remembers a request. One that wants no response is over at once.
    pub(super) fn insert(
        &mut self,
        id: &str,
        expect: Expect<'_>,
        deadline: Instant,
        wanted: ResponseType,
    ) -> Result<RequestId, ProducerRefused> {
        let index = self.place().ok_or(ProducerRefused::Requests)?;
        let name = InlineStr::new(Str::new(id)).ok_or(ProducerRefused::Name)?;
        let age = self.pending.iter().map(|pending| pending.age).max().unwrap_or(0).wrapping_add(1);
        let place = self.pending.get_mut(index).ok_or(ProducerRefused::Requests)?;
        let request = RequestId {
            slot: u16::try_from(index).map_err(|_| ProducerRefused::Requests)?,
            serial: place.serial.wrapping_add(1),
        };
        *place = Pending {
            state: if wanted == ResponseType::None { State::Over } else { State::Pending },
            serial: request.serial,
            id: name,
            deadline,
            expected: match expect {
                Expect::Unknown => None,
                Expect::Count(count) => Some(count),
                Expect::Each(names) => u16::try_from(names.len()).ok(),
            },
            named: matches!(expect, Expect::Each(_)),
            wanted,
            answered: 0,
            bad: 0,
            age,
        };
        if let Expect::Each(names) = expect {
            for expected in names {
                let responder = Responder {
                    request: Some(request),
                    name: InlineStr::new(Str::new(expected)).ok_or(ProducerRefused::Name)?,
                    expected: true,
                    ..Responder::FREE
                };
                let Some(index) = self.place_for_responder() else {
                    return Err(ProducerRefused::Responders);
                };
                if let Some(place) = self.responders.get_mut(index) {
                    *place = responder;
                }
            }
        }
        Ok(request)
    }

    fn get(&self, request: RequestId) -> Option<&Pending> {
        let pending = self.pending.get(usize::from(request.slot))?;
        (pending.serial == request.serial && pending.state != State::Free).then_some(pending)
    }

    fn get_mut(&mut self, request: RequestId) -> Option<&mut Pending> {
        let pending = self.pending.get_mut(usize::from(request.slot))?;
        (pending.serial == request.serial && pending.state != State::Free).then_some(pending)
    }

    /// Counts an answer.
    pub(super) fn take(
        &mut self,
        id: Str<'_>,
        from: Str<'_>,
        answer: Answer,
        created: Option<u64>,
        now: Instant,
    ) -> Taken {
        let found = self
            .pending
            .iter()
            .enumerate()
            .find(|(_, pending)| pending.state != State::Free && id == pending.id.as_str());
        let Some((index, pending)) = found else { return Taken::Not(NotCounted::Foreign) };
        let Ok(slot) = u16::try_from(index) else { return Taken::Not(NotCounted::Foreign) };
        let request = RequestId { slot, serial: pending.serial };
        let interim = pending.wanted == ResponseType::Complete;
        let over = pending.state == State::Over || pending.deadline <= now;
        let known =
            self.responders.iter().position(|place| place.request == Some(request) && from == place.name.as_str());
        let earlier = known.and_then(|index| self.responders.get(index)).copied();
        let stage = if answer.is_interim() && interim { Stage::Interim } else { Stage::Final };
        let before = earlier.map_or(Answer::Awaited, |earlier| earlier.answer);
        // What was bad gives way to an outcome that is good.
        let mends = matches!((before, answer), (Answer::Bad(_), Answer::Good(_))) && stage == Stage::Final;
        // A 102 followed by a 200 is progress; the same once more, or anything after the end, is not.
        let repeats = match before {
            Answer::Awaited => false,
            before if before.is_interim() && interim => {
                before == answer && earlier.is_some_and(|earlier| earlier.created == created)
            }
            _ => !mends,
        };
        if repeats {
            return Taken::Not(NotCounted::Duplicate(request));
        }
        if over {
            return Taken::Not(NotCounted::Late(request));
        }
        let Some(place) = known.or_else(|| self.place_for_responder()) else {
            return Taken::Not(NotCounted::Full(request));
        };
        let Some(name) = InlineStr::new(from) else { return Taken::Not(NotCounted::Full(request)) };
        let expected = earlier.is_some_and(|earlier| earlier.expected);
        if let Some(place) = self.responders.get_mut(place) {
            *place = Responder { request: Some(request), name, expected, answer, created };
        }
        let was_final = before != Answer::Awaited && !(before.is_interim() && interim);
        let counts = |answer: Answer, is_final: bool| (u16::from(is_final), u16::from(is_final && answer.is_bad()));
        let complete =
            stage == Stage::Final && self.count(request, expected, counts(before, was_final), counts(answer, true));
        Taken::Counted { request, stage, complete }
    }

    /// Counts a final answer, and how many of these are bad, in the place of what was counted before; whether it was the last
    /// one expected.
    fn count(&mut self, request: RequestId, expected: bool, before: (u16, u16), after: (u16, u16)) -> bool {
        let Some(pending) = self.get_mut(request) else { return false };
        if expected || !pending.named {
            pending.answered = pending.answered.saturating_sub(before.0).saturating_add(after.0);
            pending.bad = pending.bad.saturating_sub(before.1).saturating_add(after.1);
        }
        let complete = pending.expected.is_some_and(|expected| pending.answered >= expected);
        if complete {
            pending.state = State::Over;
        }
        complete
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let pending = self.pending.iter().filter(|pending| pending.state == State::Pending);
        pending.map(|pending| pending.deadline).min()
    }

    /// Ends one request whose time is over.
    pub(super) fn expire(&mut self, now: Instant) -> Option<TimedOut> {
        let (index, pending) = self
            .pending
            .iter_mut()
            .enumerate()
            .find(|(_, pending)| pending.state == State::Pending && pending.deadline <= now)?;
        pending.state = State::Over;
        Some(TimedOut {
            request: RequestId { slot: u16::try_from(index).ok()?, serial: pending.serial },
            answered: pending.answered,
            bad: pending.bad,
            awaited: pending.expected.unwrap_or(0).saturating_sub(pending.answered),
        })
    }

    pub(super) fn end(&mut self, request: RequestId) -> bool {
        match self.get_mut(request) {
            Some(pending) if pending.state == State::Pending => {
                pending.state = State::Over;
                true
            }
            _ => false,
        }
    }

    /// Frees the place of a request, and those of the Consumers that it named.
    pub(super) fn forget(&mut self, request: RequestId) {
        if let Some(pending) = self.get_mut(request) {
            pending.state = State::Free;
            self.responders.iter_mut().filter(|responder| responder.request == Some(request)).for_each(|responder| {
                *responder = Responder::FREE;
            });
        }
    }

    pub(super) fn is_pending(&self, request: RequestId) -> bool {
        self.get(request).is_some_and(|pending| pending.state == State::Pending)
    }

    /// The request of this identifier.
    pub(super) fn find(&self, id: &str) -> Option<RequestId> {
        self.requests().find(|(_, pending)| pending.id.as_str() == id).map(|(request, _)| request)
    }

    /// Each request that is remembered.
    pub(super) fn requests(&self) -> impl Iterator<Item = (RequestId, &Pending)> {
        let remembered = self.pending.iter().zip(0u16..).filter(|(pending, _)| pending.state != State::Free);
        remembered.map(|(pending, slot)| (RequestId { slot, serial: pending.serial }, pending))
    }

    pub(super) fn id(self, request: RequestId) -> Option<&'m str> {
        let pending: &'m Pending = self.pending.get(usize::from(request.slot))?;
        (pending.serial == request.serial).then(|| pending.id.as_str())
    }

    pub(super) fn responders(&self, request: RequestId, mut each: impl FnMut(&str, Answer)) {
        for responder in self.responders.iter().filter(|responder| responder.request == Some(request)) {
            each(responder.name.as_str(), responder.answer);
        }
    }
}
