//! What is written, and in which order: a packet that has begun, then small packets, then what waits.

use mqtt5_codec::ReasonCode;

use crate::arena::{At, KEPT, NIL, SENT};
use crate::engine::{PINGREQ, PUBACK, PUBCOMP, PUBREC, PUBREL};
use crate::flight::Slot;
use crate::flight::{ANSWERED, Entry};
use crate::flow::{ReceiveInput, Receiving};
use crate::received::entry;
use crate::slots::{Linked, slot};
use crate::state::{Engine, Greeting, Output, Phase, Ping, Urgent, Writing, lacks};
use crate::time::Instant;

/// DUP in the first byte of a PUBLISH.
const DUP: u8 = 8;

impl<'m> Engine<'m> {
    /// The bytes to be written next. A packet that has been lent stays chosen until it is written or the connection ends.
    #[inline(never)]
    pub(crate) fn transmit(mut self) -> Option<&'m [u8]> {
        if self.link.phase == Phase::Closed {
            return None;
        }
        if self.link.output.writing == Writing::Nothing {
            self.choose();
        }
        let Output { writing, chunk, written, part, small_len, .. } = self.link.output;
        let bytes: &'m [u8] = match writing {
            Writing::Nothing => return None,
            Writing::Small => self.arena.into_small().get(..usize::from(small_len))?,
            Writing::Apart => self.arena.into_apart(),
            Writing::Once | Writing::Kept => self.arena.into_packet(chunk),
        };
        // What is apart may be copied in full, and stays chosen until that is written.
        bytes.get(usize::try_from(written.max(part)).ok()?..).filter(|bytes| !bytes.is_empty())
    }

    /// Chooses the packet that is written next.
    pub(crate) fn choose(&mut self) {
        if self.session.received.has_answers() {
            self.push_answers();
        }
        let phase = self.link.phase;
        if self.link.output.small_len != 0 {
            self.begin(NIL, Writing::Small);
        } else {
            if phase != Phase::Draining {
                self.choose_urgent();
            }
            if self.link.output.writing == Writing::Nothing && matches!(phase, Phase::Up | Phase::Draining) {
                self.choose_queued();
                if phase == Phase::Draining
                    && self.link.output.writing == Writing::Nothing
                    && self.link.order.cursor == 0
                {
                    self.link.phase = Phase::Leaving;
                    self.link.timers.answer = Instant::DUE;
                    self.choose_urgent();
                }
            }
        }
    }

    fn choose_urgent(&mut self) {
        match core::mem::replace(&mut self.link.output.urgent, Urgent::Nothing) {
            Urgent::Nothing => {}
            Urgent::Apart => self.begin(NIL, Writing::Apart),
            Urgent::Chunk(at) => self.begin(at, Writing::Once),
            Urgent::Farewell(reason) => {
                self.push_disconnect(reason);
                self.begin(NIL, Writing::Small);
            }
        }
    }

    /// Chooses what was queued first, but passes by messages that wait for the server's Receive Maximum [MQTT-3.3.4-8].
    fn choose_queued(&mut self) {
        let once = self.session.queue.first;
        let mut number = self.link.order.cursor;
        if once | number == 0 {
            return;
        }
        let publish = loop {
            match slot(self.flights, number) {
                // A PUBREL that went ahead. Each is passed by once a connection.
                Some(slot) if slot.state().is_released() && slot.waiting() == 0 => number = slot.next,
                found => break found.map(|slot| *slot),
            }
        };
        self.link.order.cursor = number;
        let ready = publish.filter(|slot| slot.state().is_released() || self.link.server.quota != 0);
        // What waits its turn is older than all that is new. No quota holds back a PUBREL [MQTT-3.3.4-8] [MQTT-4.9.0-3].
        let releases = self.link.order.releases.first != 0;
        match ready {
            Some(slot) if slot.state().is_released() => self.choose_release(),
            None if releases => self.choose_release(),
            Some(publish) if once == NIL || !self.is_before(once, publish.packet()) => {
                self.choose_publish(number, publish);
            }
            _ if once != NIL => {
                self.session.queue.first = self.arena.after(once);
                if self.session.queue.first == NIL {
                    self.session.queue.last = NIL;
                }
                if let Some(slot) = slot(self.flights, self.arena.slot(once)) {
                    slot.sent = true;
                }
                self.begin(once, Writing::Once);
            }
            _ => {}
        }
    }

    /// Chooses the PUBREL whose turn it is.
    fn choose_release(&mut self) {
        let number = self.next_release();
        self.push_ack(PUBREL, number, ReasonCode::SUCCESS);
        self.begin(NIL, Writing::Small);
    }

    /// Has a PUBREL wait for its turn, the last of all.
    pub(crate) fn delay_release(&mut self, number: u16) {
        let last = core::mem::replace(&mut self.link.order.releases.last, number);
        match slot(self.flights, last) {
            Some(last) => last.set_waiting(number),
            None => self.link.order.releases.first = number,
        }
        if let Some(slot) = slot(self.flights, number) {
            slot.set_waiting(number);
        }
    }

    /// The PUBREL whose turn it is: it waits no more. 0 for none.
    pub(crate) fn next_release(&mut self) -> u16 {
        let number = self.link.order.releases.first;
        if let Some(slot) = slot(self.flights, number) {
            let next = slot.waiting();
            slot.set_waiting(0);
            if next == number {
                self.link.order.releases = Linked::NEW;
            } else {
                self.link.order.releases.first = next;
            }
        }
        number
    }

    fn choose_publish(&mut self, number: u16, publish: Slot) {
        self.link.order.cursor = publish.next;
        if self.link.order.unsent == number {
            self.link.order.unsent = publish.next;
        }
        self.link.server.quota = self.link.server.quota.wrapping_sub(1);
        if let Some(slot) = slot(self.flights, number) {
            slot.sent = true;
        }
        let packet = publish.packet();
        if self.arena.has(packet, SENT)
            && let Some(first) = self.arena.packet_mut(packet).first_mut()
        {
            *first |= DUP;
        }
        self.begin(packet, Writing::Kept);
    }

    fn begin(&mut self, at: At, writing: Writing) {
        self.link.output.chunk = at;
        self.link.output.written = 0;
        self.link.output.part = 0;
        self.link.output.writing = writing;
    }

    /// Whether one chunk was queued before another.
    fn is_before(&self, at: At, other: At) -> bool {
        self.arena.order(at).wrapping_sub(self.arena.order(other)) > u32::MAX / 2
    }

    /// Queues the answers of the application whose turn has come [MQTT-4.6.0-2] [MQTT-4.6.0-3].
    #[inline(never)]
    pub(crate) fn push_answers(&mut self) {
        if !matches!(self.link.phase, Phase::Up | Phase::Draining) {
            return;
        }
        for queue in 0..2 {
            while self.has_small_room() {
                let number = self.session.received.owed.get(queue).map_or(0, |list| list.first);
                let Some(entry) = entry(self.flights, number) else { break };
                if entry.flags & ANSWERED == 0 {
                    break;
                }
                let Entry { id, next, .. } = *entry;
                let reason = ReasonCode::from_u8(entry.reason()).unwrap_or(ReasonCode::SUCCESS);
                let _ =
                    entry.exchange.step(if reason.is_error() { ReceiveInput::Reject } else { ReceiveInput::Accept });
                let over = entry.exchange.state() == Receiving::Idle;
                self.session.received.dequeue_answer(next, queue);
                if over {
                    self.session.received.leave(self.flights, number);
                }
                self.push_ack(if queue == 0 { PUBACK } else { PUBREC }, id, reason);
            }
        }
    }

    /// The host wrote `n` bytes of what was copied out or lent.
    #[inline(never)]
    pub(crate) fn transmitted(&mut self, mut n: usize, now: Instant) {
        let leaving = self.link.phase == Phase::Leaving;
        if n != 0 && (leaving || self.link.ping != Ping::Written) {
            // The server takes bytes, if slowly.
            self.await_answer(now);
        }
        if let Some(calls) = self.link.output.calls {
            n = (calls.written)(self, n, now);
            if self.link.ping == Ping::Copied && self.link.output.is_copied_written() {
                self.link.ping = Ping::Written;
            }
        }
        let writing = self.link.output.writing;
        if n == 0 || writing == Writing::Nothing {
            return;
        }
        self.link.output.begun = true;
        let written = self.link.output.written.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        self.link.output.written = written;
        let chunk = self.link.output.chunk;
        let len = match writing {
            Writing::Small => {
                if self.small_written(written) {
                    self.packet_written(now);
                }
                u32::from(self.link.output.small_len)
            }
            Writing::Apart => self.arena.apart_len(),
            _ => {
                self.arena.mark(chunk, SENT);
                self.arena.len(chunk)
            }
        };
        if written < len {
            return;
        }
        self.link.output.writing = Writing::Nothing;
        self.link.output.chunk = NIL;
        match writing {
            Writing::Small => {
                self.link.output.small_start = 0;
                self.link.output.small_len = 0;
            }
            writing => {
                match writing {
                    Writing::Once => self.arena.give(chunk),
                    Writing::Apart => {
                        // It may hold a password.
                        self.arena.apart_mut().fill(0);
                        if self.link.connect.greeting == Greeting::Unwritten {
                            self.link.connect.greeting = Greeting::Unanswered;
                        }
                    }
                    _ => {}
                }
                self.packet_written(now);
            }
        }
        self.end_when_written();
    }

    /// The connection is over once the last that was to be said is written.
    pub(crate) fn end_when_written(&mut self) {
        let output = &self.link.output;
        let nothing = output.writing == Writing::Nothing
            && output.small_len == 0
            && output.urgent == Urgent::Nothing
            && output.is_copied_written();
        if self.link.phase == Phase::Leaving && nothing {
            self.link.phase = Phase::Closed;
        }
    }

    /// Goes through the small packets of which that many bytes have been written. Whether one of them is whole now.
    pub(crate) fn small_written(&mut self, written: u32) -> bool {
        let link = &mut *self.link;
        let Some(small) = self.arena.small().and_then(|small| small.get(..usize::from(link.output.small_len))) else {
            return false;
        };
        let mut rest = small.get(usize::from(link.output.small_start)..).unwrap_or(&[]);
        let mut whole = false;
        while let &[first, len, ref tail @ ..] = rest {
            let end = link.output.small_start.wrapping_add(len).wrapping_add(2);
            if u32::from(end) > written {
                break;
            }
            link.output.small_start = end;
            whole = true;
            if first == PINGREQ && link.ping == Ping::Queued {
                link.ping = Ping::Written;
            }
            let reason = if len == 3 { tail.get(2).copied().unwrap_or(0) } else { 0 };
            // The server may send another message as soon as it has this.
            if first == PUBACK || first == PUBREC && reason >= 0x80 || first == PUBCOMP && reason == 0 {
                link.inbound.unacknowledged = link.inbound.unacknowledged.saturating_sub(1);
            }
            rest = tail.get(usize::from(len)..).unwrap_or(&[]);
        }
        whole
    }

    /// The last byte of a packet has been written.
    pub(crate) fn packet_written(&mut self, now: Instant) {
        if self.link.phase == Phase::Connecting {
            self.link.timers.ping = now;
        } else if let Some(interval) = self.link.keep_alive.interval {
            self.link.timers.ping = now.after(interval.get().into()).at_least_one();
        }
    }

    /// Keeps of the queue what may wait for another connection, and is within this one's limits.
    #[inline(never)]
    pub(crate) fn prune_queue(&mut self) {
        let mut at = core::mem::replace(&mut self.session.queue, Linked::NEW).first;
        while at != NIL {
            let next = self.arena.after(at);
            if self.arena.has(at, KEPT) && self.is_allowed(at) {
                self.enqueue(at);
            } else {
                self.arena.give(at);
            }
            at = next;
        }
    }

    /// Puts a chunk at the end of the queue.
    #[inline(never)]
    pub(crate) fn enqueue(&mut self, at: At) {
        self.arena.set_after(at, NIL);
        match core::mem::replace(&mut self.session.queue.last, at) {
            NIL => self.session.queue.first = at,
            last => self.arena.set_after(last, at),
        }
    }

    /// Whether the server's limits allow this PUBLISH.
    #[inline(never)]
    pub(crate) fn is_allowed(&mut self, at: At) -> bool {
        let first = self.arena.packet(at).first().copied().unwrap_or(0);
        self.arena.len(at) <= self.link.largest.server()
            && first >> 1 & 3 <= self.link.server.max_qos
            && (first & 1 == 0 || !self.link.server.lacks(lacks::RETAIN))
    }
}
