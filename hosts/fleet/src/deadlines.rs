//! Deadlines of many, in slots of time: putting one in and taking it out cost the same whether there are ten or a million.
//!
//! What moves to a later time costs nothing: it is looked at again when the earlier one comes.

use std::collections::BTreeMap;

use mqtt5_session::Instant;

use crate::fleet::Id;

/// How long a slot is, in milliseconds: by so much a deadline may be late. A keep-alive is counted in seconds.
const SLOT: u64 = 64;

/// How far ahead a deadline is noted, in milliseconds; one further away is looked at again then. So what an old connection left
/// behind here, such as the end of its session in a month, is gone soon.
const AHEAD: u64 = 60_000;

/// The deadlines of a fleet. There are only so many slots as there are times: a minute has a thousand.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(BTreeMap<u64, Vec<Id>>);

impl Deadlines {
    /// Notes a deadline. `noted` is the earliest one that stands here for the same session, and is kept up to date.
    pub(crate) fn note(&mut self, id: Id, deadline: Option<Instant>, now: Instant, noted: &mut Instant) {
        let Some(deadline) = deadline else { return };
        let deadline = deadline.min(now.after(AHEAD));
        // The end of its slot, so that it is never early.
        let slot = deadline.as_millis().div_ceil(SLOT);
        let end = Instant::from_millis(slot.saturating_mul(SLOT));
        if end < *noted {
            *noted = end;
            self.0.entry(slot).or_default().push(id);
        }
    }

    /// The first deadline there is.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.0.first_key_value().map(|(slot, _)| Instant::from_millis(slot.saturating_mul(SLOT)))
    }

    /// Takes all that stand in the first slot, if it has come, with its end.
    pub(crate) fn take(&mut self, now: Instant) -> Option<(Instant, Vec<Id>)> {
        let first = self.first().filter(|first| *first <= now)?;
        self.0.pop_first().map(|(_, due)| (first, due))
    }

    /// How many bytes they take, about.
    pub(crate) fn bytes(&self) -> usize {
        let ids: usize = self.0.values().map(Vec::capacity).sum();
        ids * size_of::<Id>() + self.0.len() * size_of::<(u64, Vec<Id>)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_comes_once_never_early_and_no_later_than_a_slot() {
        let mut deadlines = Deadlines::default();
        let mut noted = [Instant::NEVER; 3];
        for (id, millis) in [(0, 1_000), (1, 1_001), (2, 5_000)] {
            deadlines.note(Id(id), Some(Instant::from_millis(millis)), Instant::default(), &mut noted[id as usize]);
        }
        // A later one for the same session is not noted, an earlier one is.
        deadlines.note(Id(0), Some(Instant::from_millis(9_000)), Instant::default(), &mut noted[0]);
        deadlines.note(Id(2), Some(Instant::from_millis(1_500)), Instant::default(), &mut noted[2]);
        let mut came = Vec::new();
        for now in 0..6_000 {
            while let Some((slot, due)) = deadlines.take(Instant::from_millis(now)) {
                came.extend(due.into_iter().filter(|id| noted[id.index()] == slot).map(|id| (id.0, now)));
            }
        }
        assert_eq!(came.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [0, 1, 2]);
        for ((_, now), due) in came.iter().zip([1_000, 1_001, 1_500]) {
            assert!((due..due + SLOT).contains(now), "{came:?}");
        }
        assert_eq!(deadlines.first(), None);
    }
}
