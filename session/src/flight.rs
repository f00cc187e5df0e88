//! A place for one exchange in each direction: what is known of one that we began, and of one that the server began.
//!
//! Places are numbered from 1 on, so that 0 says that there is none, and memory of zeros is empty. They are linked by numbers into
//! the lists of `slots` and the chains of `received`.

use mqtt5_codec::Rule;

use crate::arena::{At, NIL};
use crate::flow::{Exchange, Receiving, SendInput, SendReply, Sending};

/// A place for one exchange in each direction.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Flight {
    pub(crate) slot: Slot,
    pub(crate) entry: Entry,
}

impl Flight {
    pub(crate) const NEW: Self = Self { slot: Slot::NEW, entry: Entry::NEW };
}

/// An exchange that we began.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Slot {
    pub(crate) previous: u16,
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

/// An exchange that the server began.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Entry {
    /// The first entry of the chain that begins here; by number from 1 on, 0 for none.
    pub(crate) chain: u16,
    /// The next entry of the chain that this one is in.
    pub(crate) link: u16,
    /// The next one in the queue of owed answers, or of free entries.
    pub(crate) next: u16,
    /// The packet identifier; 0 when free.
    pub(crate) id: u16,
    pub(crate) exchange: Exchange<Receiving>,
    /// The flags below, and above them those bits of the answer's reason code that can differ.
    pub(crate) flags: u8,
}

/// The application has answered, with the reason in [`Entry::reason`]; its turn has not come yet.
pub(crate) const ANSWERED: u8 = 0x20;
/// It was received on this connection: it counts against our Receive Maximum, and is queued while its answer is owed.
pub(crate) const HERE: u8 = 0x40;

impl Entry {
    pub(crate) const NEW: Self =
        Self { chain: 0, link: 0, next: 0, id: 0, exchange: Exchange::<Receiving>::NEW, flags: 0 };

    /// The reason code of the answer. No reason code of PUBACK or PUBREC has bit 5 or bit 6.
    pub(crate) fn reason(&self) -> u8 {
        self.flags & !(ANSWERED | HERE)
    }
}
