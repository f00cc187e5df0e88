//! The table of exchanges that we began: a slot for each packet identifier, in doubly linked lists by number.
//!
//! A slot's number is its packet identifier, so an answer finds its exchange by indexing, and no identifier is given twice.
//! Free slots queue up, so that an identifier rests as long as possible before it is used again. Taking, moving and freeing
//! cost the same however many there are.

use mqtt5_codec::Rule;

use crate::arena::{At, NIL};
use crate::flow::{Exchange, SendInput, SendReply, Sending};
use crate::received::Entry;

/// An exchange that we began.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Slot {
    previous: u16,
    pub(crate) next: u16,
    /// What the exchange holds, which is another thing in each state: see `packet`, `filters` and `waiting`.
    holds: u16,
    exchange: Exchange<Sending>,
    /// Sent on this connection. A PUBLISH then counts against the server's Receive Maximum.
    pub(crate) sent: bool,
}

impl Slot {
    pub(crate) const NEW: Self =
        Self { previous: 0, next: 0, holds: 0, exchange: Exchange::<Sending>::NEW, sent: false };

    pub(crate) fn previous(&self) -> u16 {
        self.previous
    }

    /// Whether there is no exchange, and nothing is held.
    pub(crate) fn is_free(&self) -> bool {
        self.state() == Sending::Idle && self.holds == 0
    }

    /// What is waited for.
    #[inline]
    pub(crate) fn state(&self) -> Sending {
        self.exchange.state()
    }

    /// The PUBLISH, which is kept until the server has it.
    #[inline]
    pub(crate) fn packet(&self) -> At {
        if matches!(self.state(), Sending::PubAck | Sending::PubRec) { self.holds } else { NIL }
    }

    /// Whether an answer has a reason for each filter of this SUBSCRIBE or UNSUBSCRIBE.
    pub(crate) fn has_filters(&self, count: usize) -> bool {
        usize::from(self.holds) == count
    }

    /// While a PUBREL waits for its turn, the next one that does; the last one is followed by itself.
    #[inline]
    pub(crate) fn waiting(&self) -> u16 {
        if self.state().is_released() { self.holds } else { 0 }
    }

    /// Has a PUBREL wait for its turn before another one, which may be itself; before 0, it waits no more.
    pub(crate) fn set_waiting(&mut self, next: u16) {
        self.holds = next;
    }

    /// Begins an exchange that holds a PUBLISH, or has this number of filters.
    pub(crate) fn begin(&mut self, input: SendInput, holds: u16) {
        let _ = self.step(input);
        self.holds = holds;
        self.sent = false;
    }

    /// What an input does to the exchange, and what we do. A packet that it held is its caller's when the state has changed.
    ///
    /// # Errors
    /// As [`Exchange::step`].
    #[inline(never)]
    pub(crate) fn step(&mut self, input: SendInput) -> Result<SendReply, Rule> {
        let reply = self.exchange.step(input)?;
        if matches!(
            reply,
            SendReply::Done | SendReply::DoneUnconfirmed | SendReply::Release | SendReply::GiveUp | SendReply::Lost
        ) {
            self.holds = 0;
        }
        Ok(reply)
    }
}

/// A place for one exchange in each direction.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Flight {
    pub(crate) slot: Slot,
    pub(crate) entry: Entry,
}

impl Flight {
    pub(crate) const NEW: Self = Self { slot: Slot::NEW, entry: Entry::NEW };
}

/// The first and last of a list, by number; 0 for none.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Ends {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

/// The slot with this number.
#[inline]
pub(crate) fn slot(flights: &mut [Flight], number: u16) -> Option<&mut Slot> {
    flights.get_mut(usize::from(number).wrapping_sub(1)).map(|flight| &mut flight.slot)
}

impl Ends {
    pub(crate) const NEW: Self = Self { first: 0, last: 0 };

    /// Puts a slot that is in no list before another one of this list; before 0, at its end.
    pub(crate) fn insert(&mut self, slots: &mut [Flight], number: u16, before: u16) {
        let previous = match slot(slots, before) {
            Some(next) => core::mem::replace(&mut next.previous, number),
            None => core::mem::replace(&mut self.last, number),
        };
        match slot(slots, previous) {
            Some(previous) => previous.next = number,
            None => self.first = number,
        }
        if let Some(slot) = slot(slots, number) {
            slot.previous = previous;
            slot.next = before;
        }
    }

    /// Takes a slot out of this list, which it is in.
    #[inline(never)]
    pub(crate) fn remove(&mut self, slots: &mut [Flight], number: u16) {
        let Some(&mut Slot { previous, next, .. }) = slot(slots, number) else { return };
        match slot(slots, previous) {
            Some(slot) => slot.next = next,
            None => self.first = next,
        }
        match slot(slots, next) {
            Some(slot) => slot.previous = previous,
            None => self.last = previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn numbers(ends: Ends, slots: &mut [Flight]) -> Vec<u16> {
        let mut all = Vec::new();
        let (mut at, mut before) = (ends.first, 0);
        while let Some(s) = slot(slots, at) {
            assert_eq!(s.previous, before);
            all.push(at);
            before = at;
            at = s.next;
        }
        assert_eq!(ends.last, before);
        all
    }

    #[test]
    fn slots_enter_and_leave_a_list_anywhere() {
        let mut slots = [Flight::NEW; 5];
        let mut list = Ends::NEW;
        list.insert(&mut slots, 2, 0);
        list.insert(&mut slots, 5, 0);
        list.insert(&mut slots, 1, 5);
        list.insert(&mut slots, 3, 2);
        assert_eq!(numbers(list, &mut slots), [3, 2, 1, 5]);
        list.remove(&mut slots, 2);
        assert_eq!(numbers(list, &mut slots), [3, 1, 5]);
        list.remove(&mut slots, 3);
        list.remove(&mut slots, 5);
        list.remove(&mut slots, 1);
        assert_eq!(numbers(list, &mut slots), []);
    }
}
