//! The engine, which borrows the state of a client and its memory for one call.
//!
//! Its work is in the files beside this one: `connect` and `connack` (the connection), `outgoing` (what the host asks for),
//! `transmit` (what is written), `incoming` and `delivering` (what is read). Here is what they share: small packets, the
//! exchanges that we began, and the end of a session and of a connection.

use mqtt5_codec::{ReasonCode, Rule};

use crate::arena::{At, KEPT, NIL, SENT, SMALL};
use crate::error::Fault;
use crate::flow::SendInput;
use crate::slots::slot;
use crate::state::{Engine, Greeting, Link, Phase, Urgent, Writing};
use crate::time::Instant;

/// First bytes of small packets.
pub(crate) const PUBACK: u8 = 0x40;
pub(crate) const PUBREC: u8 = 0x50;
pub(crate) const PUBREL: u8 = 0x62;
pub(crate) const PUBCOMP: u8 = 0x70;
pub(crate) const PINGREQ: u8 = 0xC0;
pub(crate) const DISCONNECT: u8 = 0xE0;

/// The longest small packet.
const ACK: usize = 5;
/// What is kept free among the small packets: for a PINGREQ of the host and the acknowledgement of the message that it is
/// handling, which are together a byte longer than the longest, and for a PINGREQ of the keep-alive and a DISCONNECT.
const RESERVE: usize = 6;

impl Engine<'_> {
    // --- small packets ---

    /// Whether there is room for another acknowledgement.
    #[inline]
    pub(crate) fn has_small_room(&self) -> bool {
        usize::from(self.link.output.small_len) <= SMALL - ACK - RESERVE
    }

    /// Queues a packet of a few bytes. Callers know that there is room.
    pub(crate) fn push_small(&mut self, packet: &[u8]) {
        let start = usize::from(self.link.output.small_len);
        let Some(room) = self.arena.small() else { return };
        let Some(room) = room.get_mut(start..).and_then(|room| room.get_mut(..packet.len())) else { return };
        for (to, from) in room.iter_mut().zip(packet) {
            *to = *from;
        }
        self.link.output.small_len = self.link.output.small_len.wrapping_add(packet.len() as u8);
    }

    /// Queues an acknowledgement. Callers know that there is room.
    #[inline(never)]
    pub(crate) fn push_ack(&mut self, first: u8, id: u16, reason: ReasonCode) {
        let len = &mut self.link.output.small_len;
        let room = self.arena.small().and_then(|small| small.get_mut(usize::from(*len)..));
        let Some(room) = room.and_then(|room| room.first_chunk_mut::<ACK>()) else { return };
        let [high, low] = id.to_be_bytes();
        let reason = reason.value();
        let rest = if reason == 0 { 2 } else { 3 };
        *room = [first, rest, high, low, reason];
        *len = len.wrapping_add(2).wrapping_add(rest);
    }

    /// Queues a DISCONNECT with this reason code.
    #[inline(never)]
    pub(crate) fn push_disconnect(&mut self, reason: u8) {
        let packet = [DISCONNECT, 1, reason];
        self.push_small(if reason == 0 { &[DISCONNECT, 0] } else { &packet });
    }

    // --- exchanges that we began ---

    /// The packet identifier that the next exchange gets: one that rests for the longest. 0 when all are in use.
    pub(crate) fn next_id(&self) -> u16 {
        let limit = u16::try_from(self.flights.len()).unwrap_or(u16::MAX);
        if self.session.fresh < limit { self.session.fresh.wrapping_add(1) } else { self.session.free.first }
    }

    /// Takes the identifier that [`next_id`](Self::next_id) named, for an exchange that begins; see [`Slot::begin`].
    #[inline(never)]
    pub(crate) fn take_id(&mut self, number: u16, input: SendInput, holds: u16) {
        if number > self.session.fresh {
            self.session.fresh = number;
        } else {
            self.session.free.remove(self.flights, number);
        }
        self.session.in_use = self.session.in_use.wrapping_add(1);
        if let Some(slot) = slot(self.flights, number) {
            slot.begin(input, holds);
        }
    }

    /// Gives back an identifier that is in no list.
    #[inline(never)]
    pub(crate) fn free_id(&mut self, number: u16) {
        self.session.free.insert(self.flights, number, 0);
        self.session.in_use = self.session.in_use.wrapping_sub(1);
    }

    /// Takes a publish out of the order of sending.
    #[inline(never)]
    pub(crate) fn unlink_publish(&mut self, number: u16) {
        if self.link.order.cursor == number {
            self.link.order.cursor = slot(self.flights, number).map_or(0, |slot| slot.next);
        }
        self.session.publishes.remove(self.flights, number);
    }

    /// Frees the packet of an exchange: at once, or when it has been written if that has begun.
    #[inline(never)]
    pub(crate) fn release_chunk(&mut self, at: At) {
        if at == NIL {
            return;
        }
        if self.link.output.writing == Writing::Kept && self.link.output.chunk == at {
            self.link.output.writing = Writing::Once;
        } else if self.arena.has(at, KEPT) {
            // It has been copied out.
            self.arena.unmark(at, KEPT);
        } else {
            self.arena.give(at);
        }
    }

    /// The exchange of a publish is over, which held this packet: ends all of it but its identifier.
    #[inline(never)]
    pub(crate) fn end_publish(&mut self, number: u16, packet: At) {
        self.unlink_publish(number);
        self.release_chunk(packet);
        let sent = slot(self.flights, number).is_some_and(|slot| slot.sent);
        self.session.publishing = self.session.publishing.wrapping_sub(1);
        if sent && self.link.server.quota < self.link.server.receive_max {
            self.link.server.quota = self.link.server.quota.wrapping_add(1);
        }
    }

    /// An exchange that is in no list is over without an answer: its identifier is kept until `poll_lost` names it.
    #[inline(never)]
    pub(crate) fn lose(&mut self, number: u16) {
        if let Some(slot) = slot(self.flights, number) {
            let _ = slot.step(SendInput::Lose);
        }
        self.session.lost.insert(self.flights, number, 0);
        self.session.losses = self.session.losses.wrapping_add(1);
    }

    #[inline(never)]
    pub(crate) fn poll_lost(&mut self) -> u16 {
        let number = self.session.lost.first;
        if number != 0 {
            self.session.lost.remove(self.flights, number);
            self.session.losses = self.session.losses.wrapping_sub(1);
            self.free_id(number);
        }
        number
    }

    /// The session is over: what was sent is lost, what was received is forgotten, what waits to be sent stays.
    pub(crate) fn end_session(&mut self) {
        let mut number = self.session.publishes.first;
        while let Some(slot) = slot(self.flights, number) {
            let (next, packet) = (slot.next, slot.packet());
            if packet == NIL || self.arena.has(packet, SENT) {
                self.end_publish(number, packet);
                self.lose(number);
            }
            number = next;
        }
        self.session.received.clear(self.flights);
        if self.session.alive {
            self.session.server_may_hold = false;
            self.session.outlived = true;
        }
        self.session.alive = false;
        self.session.expires = Instant::ZERO;
    }

    // --- the end of a connection ---

    /// The peer did something wrong: queues the DISCONNECT that says so, and ends the connection.
    #[cold]
    pub(crate) fn fault(&mut self, reason: ReasonCode, rule: Rule) -> Fault {
        // Before CONNECT nothing may be sent [MQTT-3.1.0-1].
        if self.link.output.begun && self.link.largest.server() >= 3 {
            self.leave();
            self.push_disconnect(reason.value());
            self.fault_in(Phase::Leaving, reason, rule)
        } else {
            self.fault_in(Phase::Closed, reason, rule)
        }
    }

    /// As [`fault`](Self::fault), but nothing is sent.
    #[cold]
    pub(crate) fn fault_in(&mut self, phase: Phase, reason: ReasonCode, rule: Rule) -> Fault {
        // The first is the cause.
        let fault = *self.link.fault.get_or_insert(Fault { reason, rule });
        self.link.phase = phase;
        crate::trace::fault(&fault);
        fault
    }

    /// Sends no more than what is being written and small packets.
    pub(crate) fn leave(&mut self) {
        self.link.phase = Phase::Leaving;
        // The time is not known here: the deadline counts from the next call of `timeout`.
        self.link.timers.answer = Instant::DUE;
        self.drop_urgent();
    }

    /// What was to go out before all that is queued doesn't.
    #[inline(never)]
    pub(crate) fn drop_urgent(&mut self) {
        if let Urgent::Chunk(at) = core::mem::replace(&mut self.link.output.urgent, Urgent::Nothing) {
            self.arena.give(at);
        }
    }

    /// The transport is gone.
    #[inline(never)]
    pub(crate) fn close(&mut self, now: Instant) {
        if self.link.phase == Phase::Down {
            return;
        }
        if self.link.output.writing == Writing::Once {
            // A packet of which a part was written did not arrive: if it may wait, it does so in its old place.
            let at = self.link.output.chunk;
            self.arena.set_after(at, self.session.queue.first);
            self.session.queue.first = at; // And last, once the queue is sifted.
        }
        if let Some(calls) = self.link.output.calls {
            (calls.close)(self);
        }
        // What was taken in was within the limits then, and those of a server that was not accepted don't count.
        self.link.largest.server = None;
        self.link.server.max_qos = 2;
        self.link.server.set_lacks(0);
        self.prune_queue();
        self.drop_urgent();
        if self.link.connect.greeting == Greeting::Unanswered {
            // The server may have taken it: the session is as long as either knows, from now on [MQTT-3.1.2-23].
            self.session.server_may_hold = !self.session.outlived;
            self.session.expiry = self.session.expiry.max(self.link.connect.expiry);
            self.session.expires = Instant::ZERO;
        }
        while self.next_release() != 0 {}
        if let Some(calls) = self.link.aliases.calls {
            (calls.forget)(self);
        }
        let fault = self.link.fault;
        *self.link = Link::NEW;
        self.link.fault = fault;
        while self.session.requests.first != 0 {
            let number = self.session.requests.first;
            self.session.requests.remove(self.flights, number);
            self.lose(number);
        }
        self.session.received.connection_lost(self.flights);
        if self.session.alive && self.session.expiry == 0 {
            self.end_session();
        } else if self.session.alive && self.session.expiry != u32::MAX && self.session.expires == Instant::ZERO {
            self.session.expires = now.after(u64::from(self.session.expiry).wrapping_mul(1_000)).at_least_one();
        }
    }
}
