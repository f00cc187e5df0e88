//! What always holds of a client's state, for tests that try to break it.

use crate::arena::{KEPT, NIL, SENT};
use crate::flight::{ANSWERED, Entry, HERE};
use crate::flight::{Flight, Slot};
use crate::flow::{Receiving, Sending};
use crate::received::{self, entry};
use crate::slots::{Linked, slot};
use crate::state::{Engine, Phase, Urgent, Writing};

type Broken = Result<(), &'static str>;

fn hold(holds: bool, what: &'static str) -> Broken {
    if holds { Ok(()) } else { Err(what) }
}

impl Engine<'_> {
    /// The first invariant that does not hold.
    pub(crate) fn check(&mut self) -> Broken {
        let publishes = self.check_publishes()?;
        let requests =
            self.check_list(self.session.requests, |slot| matches!(slot.state(), Sending::SubAck | Sending::UnsubAck))?;
        let lost = self.check_list(self.session.lost, Slot::is_free)?;
        let free = self.check_list(self.session.free, Slot::is_free)?;
        hold(publishes == self.session.publishing, "publishes are counted")?;
        hold(lost == self.session.losses, "losses are counted")?;
        hold(publishes + requests + lost == self.session.in_use, "identifiers in use are counted")?;
        hold(self.session.in_use + free == self.session.fresh, "every identifier is in use or free")?;
        self.check_chunks()?;
        self.check_received()
    }

    /// Gives states that behave alike the same bytes, as long as no inbox of an older connection is used.
    pub(crate) fn scrub(&mut self) {
        self.session.serial = 1;
        for Flight { slot, entry } in self.flights.iter_mut() {
            if slot.state() == Sending::Idle {
                slot.sent = false;
            }
            if entry.id == 0 {
                entry.flags = 0;
                entry.link = 0;
            }
        }
        let (start, len) = (self.link.output.small_start, self.link.output.small_len);
        if let Some(small) = self.arena.small() {
            small.get_mut(..start.into()).unwrap_or(&mut []).fill(0);
            small.get_mut(len.into()..).unwrap_or(&mut []).fill(0);
        }
        self.arena.scrub();
    }

    fn check_list(&mut self, list: Linked, fits: impl Fn(&Slot) -> bool) -> Result<u16, &'static str> {
        let (mut number, mut before, mut count) = (list.first, 0, 0u16);
        while let Some(slot) = slot(self.flights, number) {
            hold(slot.previous == before, "lists are linked both ways")?;
            hold(fits(slot), "slots are in the list of their state")?;
            hold(count < u16::MAX, "lists end")?;
            count += 1;
            before = number;
            number = slot.next;
        }
        hold(list.last == before, "lists know their last")?;
        Ok(count)
    }

    fn check_publishes(&mut self) -> Result<u16, &'static str> {
        let count = self.check_list(self.session.publishes, |slot| match slot.state() {
            Sending::PubAck | Sending::PubRec => slot.packet() != NIL,
            state => state.is_released(),
        })?;
        let up = matches!(self.link.phase, Phase::Up | Phase::Draining);
        let (mut number, mut after, mut new, mut sent) = (self.session.publishes.first, false, false, 0);
        let Linked { first: mut due, .. } = self.link.order.releases;
        while let Some(slot) = slot(self.flights, number) {
            let (state, next, here) = (slot.state(), slot.next, slot.sent);
            let (packet, waiting) = (slot.packet(), slot.waiting());
            after |= number == self.link.order.cursor;
            new |= number == self.link.order.unsent;
            if state.is_released() {
                hold(!(up && new), "what was sent is before what was not")?;
                if waiting != 0 {
                    hold(number == due, "PUBRELs wait in the order of the list")?;
                    hold(after, "a PUBREL that waits is behind the cursor")?;
                    due = if waiting == number { 0 } else { waiting };
                    hold(due != 0 || self.link.order.releases.last == number, "the PUBRELs that wait know their last")?;
                }
            } else {
                hold(!(after && here), "what waits has not been sent")?;
                hold(!up || after || here, "what does not wait has been sent")?;
                hold(!(up && new && self.arena.has(packet, SENT)), "what was never sent is marked so")?;
                let lent = self.link.output.writing == Writing::Kept && self.link.output.chunk == packet
                    || self.arena.has(packet, KEPT);
                hold(!up || new || lent || self.arena.has(packet, SENT), "what was sent is marked so")?;
            }
            sent += u16::from(here);
            number = next;
        }
        hold(due == 0, "every PUBREL that waits is in the list")?;
        hold(after || self.link.order.cursor == 0 || self.link.phase == Phase::Closed, "the cursor is in the list")?;
        hold(
            self.link.phase != Phase::Up || self.link.server.quota.saturating_add(sent) == self.link.server.receive_max,
            "quota and unanswered messages are the server's receive maximum",
        )?;
        Ok(count)
    }

    fn check_chunks(&mut self) -> Broken {
        let mut used = u32::from(matches!(self.link.output.urgent, Urgent::Chunk(_)))
            + u32::from(self.link.output.writing == Writing::Once);
        let mut number = self.session.publishes.first;
        while let Some(slot) = slot(self.flights, number) {
            used += u32::from(slot.packet() != NIL);
            number = slot.next;
        }
        for (mut at, last) in [(self.session.queue.first, self.session.queue.last), (self.link.aliases.topics, NIL)] {
            let mut before = NIL;
            while at != NIL {
                used += 1;
                before = at;
                at = self.arena.after(at);
            }
            hold(last == NIL || last == before, "the queue knows its last")?;
        }
        let mut at = self.link.output.copied.first;
        while at != NIL {
            used += u32::from(!self.is_of_exchange(at));
            at = self.arena.after(at);
        }
        hold(self.arena.check() == Some(used), "every chunk belongs to someone")
    }

    fn check_received(&mut self) -> Broken {
        let mut used = 0;
        let mut owed = 0;
        for number in 1..=u16::try_from(self.flights.len()).unwrap_or(u16::MAX) {
            let Some(&mut Entry { id, exchange, flags, .. }) = entry(self.flights, number) else { break };
            if id != 0 {
                used += 1;
                hold(received::find(self.flights, id) == number, "entries are found")?;
                let state = exchange.state();
                hold(state != Receiving::Idle, "entries have a state")?;
                owed += u16::from(state != Receiving::PubRel && flags & HERE != 0);
            }
        }
        hold(used == self.session.received.used, "entries are counted")?;
        for list in self.session.received.owed {
            let (mut number, mut before) = (list.first, 0);
            while let Some(&mut Entry { next, exchange, flags, .. }) = entry(self.flights, number) {
                hold(
                    matches!(exchange.state(), Receiving::Owes1 | Receiving::Owes2),
                    "owed answers are of entries that owe",
                )?;
                hold(flags & !ANSWERED & HERE != 0, "owed answers are of this connection")?;
                owed = owed.wrapping_sub(1);
                before = number;
                number = next;
            }
            hold(list.last == before, "queues know their last")?;
        }
        hold(owed == 0, "every owed answer is queued")?;
        hold(self.link.inbound.unacknowledged <= self.link.inbound.receive_max, "our receive maximum is kept")
    }
}
