//! The table of exchanges that we began: a slot for each packet identifier, in doubly linked lists by number.
//!
//! A slot's number is its packet identifier, so an answer finds its exchange by indexing, and no identifier is given twice.
//! Free slots queue up, so that an identifier rests as long as possible before it is used again. Taking, moving and freeing
//! cost the same however many there are.

use crate::flight::{Flight, Slot};

/// A linked list, by the numbers of its first and its last; 0 for none.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Linked {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

/// The slot with this number.
#[inline]
pub(crate) fn slot(flights: &mut [Flight], number: u16) -> Option<&mut Slot> {
    flights.get_mut(usize::from(number).wrapping_sub(1)).map(|flight| &mut flight.slot)
}

impl Linked {
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

    fn numbers(list: Linked, slots: &mut [Flight]) -> Vec<u16> {
        let mut all = Vec::new();
        let (mut at, mut before) = (list.first, 0);
        while let Some(s) = slot(slots, at) {
            assert_eq!(s.previous, before);
            all.push(at);
            before = at;
            at = s.next;
        }
        assert_eq!(list.last, before);
        all
    }

    #[test]
    fn slots_enter_and_leave_a_list_anywhere() {
        let mut slots = [Flight::NEW; 5];
        let mut list = Linked::NEW;
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
