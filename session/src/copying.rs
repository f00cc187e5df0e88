//! Packets that were copied out to a buffer of the host, which writes them in its own time: what is copied, in whole packets,
//! and what each is worth once it has really been written.
//!
//! Chunks that are copied in full and not yet written hang in a list, linked by what links a queue. Small packets give their
//! place back at once, so of them only the bytes are counted: those before the first chunk in the link, those behind a chunk
//! in its slot, which nothing else uses by then. What was copied in part stays chosen, as what is lent does.

use crate::arena::{At, KEPT, NIL, SENT};
use crate::state::{CopyCalls, Engine, Phase, Ping, Writing};
use crate::time::Instant;

/// How many bytes of small packets are counted behind one chunk, at most.
const COUNTED: u16 = u16::MAX - 32;

static CALLS: CopyCalls =
    CopyCalls { written: |engine, n, now| engine.copies_written(n, now), close: |engine| engine.forget_copies() };

impl Engine<'_> {
    /// Copies what is to be written next, as many whole packets as fit.
    #[inline(never)]
    pub(crate) fn transmit_into(&mut self, out: &mut [u8]) -> usize {
        self.link.output.calls = Some(&CALLS);
        let mut filled = 0;
        while self.link.phase != Phase::Closed && self.counts() <= COUNTED {
            if self.link.output.writing == Writing::Nothing {
                self.choose();
            }
            let Some(room) = out.get_mut(filled..) else { break };
            let n = self.copy(room, filled == 0);
            if n == 0 {
                break;
            }
            filled = filled.saturating_add(n);
        }
        filled
    }

    /// Copies what is chosen, or what is left of it, and gives the number of bytes. A part is copied only if it `may_split`.
    fn copy(&mut self, room: &mut [u8], may_split: bool) -> usize {
        let link = &*self.link;
        let start = link.output.written.max(link.output.part) as usize;
        let (writing, chunk, small_len) = (link.output.writing, link.output.chunk, usize::from(link.output.small_len));
        let packet: &[u8] = match writing {
            Writing::Nothing => return 0,
            Writing::Small => self.arena.small().and_then(|small| small.get(..small_len)).unwrap_or(&[]),
            Writing::Apart => self.arena.apart_packet(),
            Writing::Once | Writing::Kept => self.arena.packet(chunk),
        };
        let rest = packet.get(start..).unwrap_or(&[]);
        let mut n = rest.len();
        if n > room.len() {
            n = if writing == Writing::Small { whole_packets(packet, start, room.len()) } else { 0 };
            if n == 0 && may_split {
                n = room.len();
            }
        }
        for (to, from) in room.iter_mut().zip(rest.iter().take(n)) {
            *to = *from;
        }
        let part = start.saturating_add(n);
        let whole = part == packet.len();
        self.link.output.part = part as u32;
        if whole && writing != Writing::Apart {
            self.copied(writing, chunk);
        }
        n
    }

    /// What was chosen is copied in full. What is apart stays chosen until it is written: nothing follows CONNECT anyway.
    fn copied(&mut self, writing: Writing, chunk: At) {
        let written = core::mem::replace(&mut self.link.output.written, 0);
        self.link.output.part = 0;
        self.link.output.writing = Writing::Nothing;
        self.link.output.chunk = NIL;
        if writing == Writing::Small {
            let queued = self.link.ping == Ping::Queued;
            self.small_written(u32::MAX);
            if queued && self.link.ping == Ping::Written {
                self.link.ping = Ping::Copied;
            }
            let bytes = u16::from(self.link.output.small_len).saturating_sub(written as u16);
            self.link.output.small_start = 0;
            self.link.output.small_len = 0;
            let counts = self.counts().saturating_add(bytes);
            match self.link.output.copied.last {
                NIL => self.link.output.lead = counts,
                last => self.arena.set_slot(last, counts),
            }
            return;
        }
        if writing == Writing::Kept {
            self.arena.mark(chunk, KEPT);
        }
        self.arena.set_slot(chunk, 0);
        self.arena.set_after(chunk, NIL);
        match core::mem::replace(&mut self.link.output.copied.last, chunk) {
            NIL => {
                self.link.output.copied.first = chunk;
                self.link.output.gone = written;
            }
            last => self.arena.set_after(last, chunk),
        }
    }

    /// Bytes of small packets behind all chunks.
    fn counts(&self) -> u16 {
        match self.link.output.copied.last {
            NIL => self.link.output.lead,
            last => self.arena.slot(last),
        }
    }

    /// Whether a chunk that was copied belongs to an exchange that goes on: it is kept when it has been written.
    pub(crate) fn is_of_exchange(&self, at: At) -> bool {
        // A held message of QoS 0 is marked too, and belongs to none.
        self.arena.has(at, KEPT) && self.arena.packet(at).first().is_some_and(|first| first & 6 != 0)
    }

    /// So many bytes have been written. Gives how many of them belong to the packet that is chosen.
    fn copies_written(&mut self, n: usize, now: Instant) -> usize {
        let mut rest = u32::try_from(n).unwrap_or(u32::MAX);
        let mut whole = false;
        while rest != 0 && !self.link.output.is_copied_written() {
            let output = &mut self.link.output;
            if output.lead != 0 {
                let small = u32::from(output.lead).min(rest);
                output.lead = output.lead.wrapping_sub(small as u16);
                rest = rest.wrapping_sub(small);
                whole |= output.lead == 0;
                continue;
            }
            let at = output.copied.first;
            self.arena.mark(at, SENT);
            let left = self.arena.len(at).wrapping_sub(output.gone);
            if rest < left {
                output.gone = output.gone.wrapping_add(rest);
                rest = 0;
                break;
            }
            rest = rest.wrapping_sub(left);
            whole = true;
            output.gone = 0;
            output.lead = self.arena.slot(at);
            output.copied.first = self.arena.after(at);
            if output.copied.first == NIL {
                output.copied.last = NIL;
            }
            self.let_go(at);
        }
        if whole {
            self.packet_written(now);
        }
        self.end_when_written();
        rest as usize
    }

    /// A chunk that was copied hangs in no list any more: it belongs to its exchange, or to nobody.
    fn let_go(&mut self, at: At) {
        self.arena.set_slot(at, 0);
        self.arena.set_after(at, NIL);
        if self.is_of_exchange(at) {
            self.arena.unmark(at, KEPT);
        } else {
            self.arena.give(at);
        }
    }

    /// The connection is gone: what was copied and not written is what it was before, at its old place.
    fn forget_copies(&mut self) {
        let mut at = self.link.output.copied.first;
        let (mut last, queue) = (NIL, self.session.queue.first);
        while at != NIL {
            let next = self.arena.after(at);
            if self.is_of_exchange(at) {
                self.let_go(at);
            } else {
                // Of those that belong to none, the queue keeps what may wait.
                self.arena.set_slot(at, 0);
                self.arena.set_after(at, queue);
                match core::mem::replace(&mut last, at) {
                    NIL => self.session.queue.first = at,
                    last => self.arena.set_after(last, at),
                }
            }
            at = next;
        }
    }
}

/// How many bytes from `start` on hold whole small packets, at most `room`. From within a packet, the rest of that counts too.
fn whole_packets(small: &[u8], start: usize, room: usize) -> usize {
    let limit = start.saturating_add(room);
    let (mut end, mut rest) = (0usize, small);
    while let &[_, len, ..] = rest {
        let next = end.saturating_add(2).saturating_add(len.into());
        if next > limit {
            break;
        }
        end = next;
        rest = small.get(end..).unwrap_or(&[]);
    }
    end.saturating_sub(start)
}
