//! The table of exchanges that the server began: found by packet identifier, queued in the order of their arrival.
//!
//! The server chooses identifiers, so an entry hangs in a chain that begins at its identifier modulo the table's size: one
//! step for identifiers in a row, and never more than the square root of 65,536 however they are chosen. The entries whose
//! answer is owed are also in a queue, one for each QoS, since answers go out in the order of arrival [MQTT-4.6.0-2].

use crate::flight::{Entry, Flight, HERE};
use crate::flow::{Exchange, ReceiveInput, ReceiveReply, Receiving};
use crate::slots::Linked;

/// What there is to know about the table beside its entries.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Book {
    /// The first free entry among those that have been used.
    free: u16,
    /// How many entries have been used.
    fresh: u16,
    /// How many are in use.
    pub(crate) used: u16,
    /// The answers owed, of QoS 1 and of QoS 2.
    pub(crate) owed: [Linked; 2],
}

/// The entry with this number.
#[inline]
pub(crate) fn entry(flights: &mut [Flight], number: u16) -> Option<&mut Entry> {
    flights.get_mut(usize::from(number).wrapping_sub(1)).map(|flight| &mut flight.entry)
}

/// Where the chain of an identifier begins.
#[inline]
fn head(entries: &mut [Flight], id: u16) -> Option<&mut u16> {
    let index = usize::from(id).checked_rem(entries.len())?;
    entries.get_mut(index).map(|flight| &mut flight.entry.chain)
}

/// The number of the entry with this identifier, or 0.
#[inline(never)]
pub(crate) fn find(entries: &mut [Flight], id: u16) -> u16 {
    let mut at = head(entries, id).map_or(0, |head| *head);
    while let Some(&mut Entry { id: found, link, .. }) = entry(entries, at) {
        if found == id {
            break;
        }
        at = link;
    }
    at
}

impl Book {
    pub(crate) const NEW: Self = Self { free: 0, fresh: 0, used: 0, owed: [Linked::NEW; 2] };

    /// Enters an exchange whose identifier is not in the table, and returns its number; 0 when the table is full.
    #[inline(never)]
    pub(crate) fn enter(&mut self, entries: &mut [Flight], id: u16, exchange: Exchange<Receiving>) -> u16 {
        let mut number = self.free;
        if let Some(free) = entry(entries, number) {
            self.free = free.next;
        } else {
            if usize::from(self.fresh) >= entries.len().min(u16::MAX.into()) {
                return 0;
            }
            self.fresh = self.fresh.wrapping_add(1);
            number = self.fresh;
        }
        self.used = self.used.wrapping_add(1);
        let link = head(entries, id).map_or(0, |head| core::mem::replace(head, number));
        if let Some(entry) = entry(entries, number) {
            *entry = Entry { link, id, exchange, flags: HERE, next: 0, chain: entry.chain };
        }
        number
    }

    /// Frees an entry that is in no queue, whose exchange is over.
    #[inline(never)]
    pub(crate) fn leave(&mut self, entries: &mut [Flight], number: u16) {
        let Some(&mut Entry { id, link, .. }) = entry(entries, number) else { return };
        let mut at = head(entries, id).map_or(0, |head| *head);
        if at == number {
            if let Some(head) = head(entries, id) {
                *head = link;
            }
        } else {
            while let Some(before) = entry(entries, at) {
                if before.link == number {
                    before.link = link;
                    break;
                }
                at = before.link;
            }
        }
        if let Some(entry) = entry(entries, number) {
            entry.id = 0;
            entry.next = core::mem::replace(&mut self.free, number);
        }
        self.used = self.used.wrapping_sub(1);
    }

    /// Whether any answer is owed.
    #[inline]
    pub(crate) fn has_answers(&self) -> bool {
        let [first, second] = self.owed;
        first.first | second.first != 0
    }

    /// Queues an entry whose answer is owed.
    #[inline(never)]
    pub(crate) fn queue_answer(&mut self, entries: &mut [Flight], number: u16, queue: usize) {
        let Some(list) = self.owed.get_mut(queue) else { return };
        match entry(entries, core::mem::replace(&mut list.last, number)) {
            Some(last) => last.next = number,
            None => list.first = number,
        }
        if let Some(entry) = entry(entries, number) {
            entry.next = 0;
        }
    }

    /// Takes the first entry of a queue off it.
    pub(crate) fn dequeue_answer(&mut self, next: u16, queue: usize) {
        let Some(list) = self.owed.get_mut(queue) else { return };
        list.first = next;
        if next == 0 {
            list.last = 0;
        }
    }

    /// Forgets every entry.
    pub(crate) fn clear(&mut self, entries: &mut [Flight]) {
        entries.iter_mut().for_each(|flight| flight.entry = Entry::NEW);
        *self = Self::NEW;
    }

    /// The connection is gone: QoS 1 messages will come again as new ones, QoS 2 identifiers are remembered.
    pub(crate) fn connection_lost(&mut self, entries: &mut [Flight]) {
        self.owed = [Linked::NEW; 2];
        for number in 1..=self.fresh {
            let Some(entry) = entry(entries, number) else { break };
            entry.flags &= !HERE;
            if entry.exchange.step(ReceiveInput::Disconnect) == Ok(ReceiveReply::Forget) {
                self.leave(entries, number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn after(input: ReceiveInput) -> Exchange<Receiving> {
        let mut exchange = Exchange::<Receiving>::NEW;
        exchange.step(input).unwrap();
        exchange
    }

    #[test]
    fn any_identifiers_are_found_until_they_leave() {
        for size in [1usize, 2, 7, 8, 100] {
            let mut entries = vec![Flight::NEW; size];
            let mut book = Book::NEW;
            let ids: vec::Vec<u16> = (0..size).map(|i| (i * 31 + 65_000) as u16 | 1).collect::<vec::Vec<_>>();
            let mut ids = ids;
            ids.sort_unstable();
            ids.dedup();
            for _ in 0..3 {
                for &id in &ids {
                    assert_eq!(find(&mut entries, id), 0);
                    assert_ne!(book.enter(&mut entries, id, after(ReceiveInput::Publish2)), 0);
                }
                for &id in &ids {
                    let number = find(&mut entries, id);
                    assert_eq!(entry(&mut entries, number).unwrap().id, id);
                    book.leave(&mut entries, number);
                    assert_eq!(find(&mut entries, id), 0);
                }
                assert_eq!(book.used, 0);
            }
        }
    }

    #[test]
    fn a_full_table_takes_no_more() {
        let mut entries = [Flight::NEW; 2];
        let mut book = Book::NEW;
        assert_eq!(book.enter(&mut entries, 9, after(ReceiveInput::Publish2)), 1);
        assert_eq!(book.enter(&mut entries, 11, after(ReceiveInput::Publish2)), 2);
        assert_eq!(book.enter(&mut entries, 13, after(ReceiveInput::Publish2)), 0);
        book.leave(&mut entries, 1);
        assert_eq!(book.enter(&mut entries, 13, after(ReceiveInput::Publish2)), 1);
        assert_eq!(find(&mut entries, 11), 2);
    }

    #[test]
    fn mqtt_4_3_3_10_a_lost_connection_forgets_qos_1_and_remembers_qos_2() {
        let mut entries = [Flight::NEW; 4];
        let mut book = Book::NEW;
        let one = book.enter(&mut entries, 1, after(ReceiveInput::Publish1));
        book.queue_answer(&mut entries, one, 0);
        let two = book.enter(&mut entries, 2, after(ReceiveInput::Publish2));
        book.queue_answer(&mut entries, two, 1);
        book.connection_lost(&mut entries);
        assert_eq!(find(&mut entries, 1), 0);
        assert_eq!(find(&mut entries, 2), two);
        assert_eq!(book.owed.map(|list| (list.first, list.last)), [(0, 0); 2]);
    }
}
