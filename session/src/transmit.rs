//! What is written, and in which order: a packet that has begun, then small packets, then what waits.

use mqtt5_codec::ReasonCode;

use crate::arena::{At, KEPT, NIL, SENT};
use crate::engine::{Engine, PUBACK, PUBCOMP, PUBREC, PUBREL, Phase, Writing, flag};
use crate::flow::{Receiving, Sending};
use crate::received::{ANSWERED, Entry, entry};
use crate::slots::{Ends, Slot, slot};
use crate::time::Instant;

/// DUP in the first byte of a PUBLISH.
const DUP: u8 = 8;

impl<'m> Engine<'m> {
    /// The bytes to be written next. A packet that has been lent stays chosen until it is written or the connection ends.
    pub(crate) fn transmit(mut self) -> Option<&'m [u8]> {
        if self.link.phase == Phase::Closed {
            return None;
        }
        if self.link.writing == Writing::Nothing {
            self.choose();
        }
        let (bytes, written): (&'m [u8], usize) = match self.link.writing {
            Writing::Nothing => return None,
            Writing::Small => {
                let start = usize::from(self.link.small_start.wrapping_add(self.link.small_written));
                (self.arena.into_small().get(..usize::from(self.link.small_len))?, start)
            }
            Writing::Connect => (self.arena.into_apart(), usize::try_from(self.link.written).unwrap_or(usize::MAX)),
            Writing::Once | Writing::Kept => {
                (self.arena.into_packet(self.link.chunk), usize::try_from(self.link.written).unwrap_or(usize::MAX))
            }
        };
        bytes.get(written..)
    }

    /// Chooses the packet that is written next.
    fn choose(&mut self) {
        let [first, second] = self.session.received.owed;
        if first.first | second.first != 0 && matches!(self.link.phase, Phase::Up | Phase::Draining) {
            self.push_answers();
        }
        if self.link.small_len != 0 {
            self.link.writing = Writing::Small;
            return;
        }
        match self.link.phase {
            Phase::Down | Phase::Closed => {}
            Phase::Connecting if self.link.is(flag::CONNECT_DUE) => {
                self.link.flags &= !flag::CONNECT_DUE;
                self.begin(NIL, Writing::Connect);
            }
            Phase::Connecting | Phase::Leaving => self.choose_urgent(),
            Phase::Up => {
                self.choose_urgent();
                if self.link.writing == Writing::Nothing {
                    self.choose_queued();
                }
            }
            Phase::Draining => {
                self.choose_queued();
                if self.link.writing == Writing::Nothing && self.link.cursor == 0 {
                    self.link.phase = Phase::Leaving;
                    self.choose_urgent();
                }
            }
        }
    }

    fn choose_urgent(&mut self) {
        let at = core::mem::replace(&mut self.link.urgent, NIL);
        if at != NIL {
            self.begin(at, Writing::Once);
        }
    }

    /// Chooses what was queued first, but passes by messages that wait for the server's Receive Maximum [MQTT-3.3.4-8].
    fn choose_queued(&mut self) {
        // PUBRELs that went ahead. Each is passed by once a connection.
        while let Some(&mut Slot { state: Sending::PubComp, chunk: NIL, next, .. }) = slot(self.slots, self.link.cursor)
        {
            self.link.cursor = next;
        }
        let once = self.session.queue.first;
        let number = self.link.cursor;
        if once == NIL && number == 0 {
            return;
        }
        let publish = slot(self.slots, number).map(|slot| *slot);
        let ready = publish.filter(|slot| slot.state == Sending::PubComp || self.link.quota != 0);
        // What waits its turn is older than all that is new. No quota holds back a PUBREL [MQTT-3.3.4-8] [MQTT-4.9.0-3].
        let releases = self.link.releases.first != 0;
        match ready {
            Some(Slot { state: Sending::PubComp, .. }) => self.choose_release(),
            None if releases => self.choose_release(),
            Some(publish) if once == NIL || !self.is_before(once, publish.chunk) => {
                self.choose_publish(number, publish);
            }
            _ if once != NIL => {
                self.session.queue.first = self.arena.after(once);
                if self.session.queue.first == NIL {
                    self.session.queue.last = NIL;
                }
                if let Some(slot) = slot(self.slots, self.arena.slot(once)) {
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
        self.link.writing = Writing::Small;
    }

    /// Has a PUBREL wait for its turn, the last of all.
    pub(crate) fn delay_release(&mut self, number: u16) {
        let last = core::mem::replace(&mut self.link.releases.last, number);
        match slot(self.slots, last) {
            Some(last) => last.chunk = number,
            None => self.link.releases.first = number,
        }
        if let Some(slot) = slot(self.slots, number) {
            slot.chunk = number;
        }
    }

    /// The PUBREL whose turn it is: it waits no more. 0 for none.
    pub(crate) fn next_release(&mut self) -> u16 {
        let number = self.link.releases.first;
        if let Some(slot) = slot(self.slots, number) {
            let next = core::mem::replace(&mut slot.chunk, NIL);
            if next == number {
                self.link.releases = Ends::default();
            } else {
                self.link.releases.first = next;
            }
        }
        number
    }

    fn choose_publish(&mut self, number: u16, publish: Slot) {
        self.link.cursor = publish.next;
        if self.link.unsent == number {
            self.link.unsent = publish.next;
        }
        self.link.quota = self.link.quota.wrapping_sub(1);
        if let Some(slot) = slot(self.slots, number) {
            slot.sent = true;
        }
        if self.arena.has(publish.chunk, SENT)
            && let Some(first) = self.arena.packet_mut(publish.chunk).first_mut()
        {
            *first |= DUP;
        }
        self.begin(publish.chunk, Writing::Kept);
    }

    fn begin(&mut self, at: At, writing: Writing) {
        self.link.chunk = at;
        self.link.written = 0;
        self.link.writing = writing;
    }

    /// Whether one chunk was queued before another.
    fn is_before(&self, at: At, other: At) -> bool {
        self.arena.order(at).wrapping_sub(self.arena.order(other)) > u32::MAX / 2
    }

    /// Queues the answers of the application whose turn has come [MQTT-4.6.0-2] [MQTT-4.6.0-3].
    pub(crate) fn push_answers(&mut self) {
        for queue in 0..2 {
            while self.has_small_room() {
                let number = self.session.received.owed.get(queue).map_or(0, |ends| ends.first);
                let Some(&mut Entry { flags, id, next, state, .. }) = entry(self.entries, number) else { break };
                if flags & ANSWERED == 0 {
                    break;
                }
                let reason = entry(self.entries, number).map_or(0, |entry| entry.reason());
                let reason = ReasonCode::from_u8(reason).unwrap_or(ReasonCode::SUCCESS);
                self.session.received.paid(next, queue);
                if state == Receiving::Owes2 && !reason.is_error() {
                    if let Some(entry) = entry(self.entries, number) {
                        entry.state = Receiving::PubRel;
                    }
                } else {
                    self.session.received.leave(self.entries, number);
                }
                self.push_ack(if queue == 0 { PUBACK } else { PUBREC }, id, reason);
            }
        }
    }

    /// The host wrote `n` bytes of what was lent.
    pub(crate) fn transmitted(&mut self, n: usize, now: Instant) {
        if n == 0 {
            return;
        }
        match self.link.writing {
            Writing::Nothing => return,
            Writing::Small => self.small_written(n, now),
            writing => {
                self.link.flags |= flag::BEGUN;
                let n = u32::try_from(n).unwrap_or(u32::MAX);
                self.link.written = self.link.written.saturating_add(n);
                let len = if writing == Writing::Connect {
                    self.arena.apart_len()
                } else {
                    self.arena.mark(self.link.chunk, SENT);
                    self.arena.len(self.link.chunk)
                };
                if self.link.written >= len {
                    match writing {
                        Writing::Once => self.arena.give(self.link.chunk),
                        Writing::Connect => {
                            // It may hold a password.
                            self.arena.apart_mut().fill(0);
                            self.link.flags |= flag::UNANSWERED;
                        }
                        _ => {}
                    }
                    self.link.writing = Writing::Nothing;
                    self.link.chunk = NIL;
                    self.packet_written(now);
                }
            }
        }
        if self.link.phase == Phase::Leaving
            && self.link.writing == Writing::Nothing
            && self.link.small_len == 0
            && self.link.urgent == NIL
        {
            self.link.phase = Phase::Closed;
        }
    }

    /// Goes through the small packets that have been written.
    fn small_written(&mut self, n: usize, now: Instant) {
        let mut left = n.saturating_add(usize::from(self.link.small_written));
        loop {
            let start = usize::from(self.link.small_start);
            let packet = self.arena.small().and_then(|small| small.get(start..)).unwrap_or(&[]);
            let &[first, rest, ref tail @ ..] = packet else { break };
            let reason = if rest == 3 { tail.get(2).copied().unwrap_or(0) } else { 0 };
            let len = rest.wrapping_add(2);
            let Some(after) = left.checked_sub(usize::from(len)) else { break };
            left = after;
            self.link.small_start = self.link.small_start.wrapping_add(len);
            // The server may send another message as soon as it has this.
            if first == PUBACK || first == PUBREC && reason >= 0x80 || first == PUBCOMP && reason == 0 {
                self.link.unacknowledged = self.link.unacknowledged.saturating_sub(1);
            }
            self.packet_written(now);
            if self.link.small_start >= self.link.small_len {
                left = 0;
                self.link.small_start = 0;
                self.link.small_len = 0;
                self.link.writing = Writing::Nothing;
                break;
            }
        }
        self.link.small_written = u8::try_from(left).unwrap_or(0);
    }

    /// The last byte of a packet has been written.
    fn packet_written(&mut self, now: Instant) {
        if self.link.phase == Phase::Connecting {
            self.link.timers.ping = now;
        } else if self.link.interval != 0 {
            self.link.timers.ping = now.after(self.link.interval.into()).at_least_one();
        }
    }

    /// Keeps of the queue what may wait for another connection, and is within this one's limits.
    pub(crate) fn sift_queue(&mut self) {
        let mut at = core::mem::take(&mut self.session.queue).first;
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
    pub(crate) fn enqueue(&mut self, at: At) {
        self.arena.set_after(at, NIL);
        match core::mem::replace(&mut self.session.queue.last, at) {
            NIL => self.session.queue.first = at,
            last => self.arena.set_after(last, at),
        }
    }

    /// Whether the server's limits allow this PUBLISH.
    pub(crate) fn is_allowed(&mut self, at: At) -> bool {
        let first = self.arena.packet(at).first().copied().unwrap_or(0);
        self.arena.len(at) <= self.link.send_max()
            && first >> 1 & 3 <= self.link.max_qos
            && (first & 1 == 0 || !self.link.is(flag::NO_RETAIN))
    }
}
