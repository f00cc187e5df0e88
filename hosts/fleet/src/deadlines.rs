//! Deadlines of many, in one heap. What moves to a later time costs nothing: it is looked at again when the earlier one comes.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use mqtt5_session::Instant;

use crate::fleet::Id;

/// The deadlines of a fleet.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(BinaryHeap<Reverse<(Instant, Id)>>);

impl Deadlines {
    /// Notes a deadline. `noted` is the earliest one that stands here for the same session, and is kept up to date.
    pub(crate) fn note(&mut self, id: Id, deadline: Option<Instant>, noted: &mut Instant) {
        if let Some(deadline) = deadline
            && deadline < *noted
        {
            *noted = deadline;
            self.0.push(Reverse((deadline, id)));
        }
    }

    /// The first deadline there is.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((deadline, _))| *deadline)
    }

    /// Takes the first deadline, if it has come.
    pub(crate) fn take(&mut self, now: Instant) -> Option<(Instant, Id)> {
        self.first().filter(|first| *first <= now)?;
        self.0.pop().map(|Reverse(due)| due)
    }

    /// How many bytes the heap takes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Reverse<(Instant, Id)>>()
    }
}
