//! The real session against the model broker, explored whole for small bounds.
//!
//! A state is the client, the broker, what is on the wire between them and what the application knows. From each state every
//! step is taken that can be: the application publishes, a packet is written, in part or whole, and arrives or does not, one is
//! read; the link is cut; the device restarts. States that were seen are not gone into again, so the search ends, and has then
//! seen all.
//!
//! In each state: the broker saw no statement broken, the client found no fault, nothing was passed on or received twice or out of
//! order. And from each state the network can fall quiet, with everything done: the steps that need no cut and no call never go
//! round in a circle, and where none is left, all is done.
//!
//! What keeps the number of states small, and loses none that differs:
//! - A packet that was written arrives at once, for the broker's answers need not be read at once. What does not arrive is lost
//!   with the link, and with it all that is written after it: one packet decides that ([`Step::Lose`]), and counts as the cut.
//! - A cut within a packet is one after its first byte: what was written of a packet is forgotten with the link, however
//!   much it was. What was not read is lost with the link too, so a cut among the server's packets is one before they are read.
//! - How often the link has been cut is no part of a state: what was seen with fewer cuts is not gone into again with more.
//! - Bytes of the client's memory that nothing will ever read are zeroed.

mod begin;
pub mod command;
mod judge;
mod mark;
mod state;

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::{HashSet, VecDeque};

pub use state::{Bounds, State, Step};

/// What a search saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Different states.
    pub states: usize,
    /// Steps taken from one to another.
    pub steps: usize,
    /// The most steps that lead to a state, as the search went.
    pub depth: usize,
    /// Bytes of memory that the states took.
    pub bytes: usize,
    /// The search ended before it had seen all.
    pub cut_short: bool,
    /// What did not hold, and the steps to it.
    pub failure: Option<(String, Vec<Step>)>,
}

/// Marks are random numbers as they are.
#[derive(Clone, Copy, Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    }

    fn write_u128(&mut self, number: u128) {
        self.0 = number as u64;
    }
}

/// States that have been seen, in parts that grow one at a time.
struct Marks(Vec<HashSet<u128, BuildHasherDefault<AsItIs>>>);

impl Marks {
    fn new() -> Self {
        Self(vec![HashSet::default(); 256])
    }

    fn insert(&mut self, mark: u128) -> bool {
        self.0.get_mut((mark >> 120) as usize).is_some_and(|part| part.insert(mark))
    }

    /// Bytes of memory: a mark and a byte for each place.
    fn bytes(&self) -> usize {
        self.0.iter().map(|part| part.capacity() * 8 / 7 * 17).sum()
    }
}

/// A state on the way to the one that is looked at.
struct Stop {
    state: State,
    mark: u128,
    /// The steps that are still to be taken.
    left: Vec<Step>,
    /// The step that was taken last.
    taken: Option<Step>,
}

/// Searches all states within these bounds, or until one does not hold, or `most` have been seen. `progress` is told of what has
/// been seen so far.
pub fn explore(bounds: Bounds, most: usize, mut progress: impl FnMut(&Seen)) -> Seen {
    let mut marks = Marks::new();
    let mut seen = Seen::default();
    // Where to begin: after each cut, with all that have fewer cuts before it.
    let mut starts = VecDeque::from([(State::new(bounds), Vec::new())]);
    while let Some((start, before)) = starts.pop_front() {
        let mark = start.mark();
        if !marks.insert(mark) {
            continue;
        }
        seen.states += 1;
        let mut way = vec![stop(start, mark)];
        while let Some(here) = way.last_mut() {
            if here.taken.is_none()
                && let Some(problem) = here.state.verdict()
            {
                seen.failure = Some((problem, path(&before, &way)));
                break;
            }
            let Some(step) = here.left.pop() else {
                way.pop();
                continue;
            };
            here.taken = Some(step);
            let mut next = here.state.clone();
            next.take(step);
            seen.steps += 1;
            if step == Step::Cut && !next.has_problem() {
                // Told apart when its turn comes.
                starts.push_back((next, path(&before, &way)));
                continue;
            }
            let mark = next.mark();
            if marks.insert(mark) {
                seen.states += 1;
                seen.depth = seen.depth.max(before.len() + way.len());
                if seen.states >= most {
                    seen.cut_short = true;
                    break;
                }
                if seen.states.is_multiple_of(1024) {
                    seen.bytes = marks.bytes();
                    progress(&seen);
                }
                way.push(stop(next, mark));
            } else if mark == here.mark && here.state.waits_for_write(step) {
                // Nothing has changed, and something else will.
            } else if way.iter().any(|stop| stop.mark == mark) {
                // Calls, cuts and restarts are counted, so only what flows by itself can come round.
                seen.failure = Some(("the network need not fall quiet".to_owned(), path(&before, &way)));
                break;
            }
        }
        if seen.failure.is_some() || seen.cut_short {
            break;
        }
    }
    seen.bytes = marks.bytes();
    seen
}

fn stop(state: State, mark: u128) -> Stop {
    let left = state.steps();
    Stop { state, mark, left, taken: None }
}

/// The steps that lead to the last stop, and the one taken there.
fn path(before: &[Step], way: &[Stop]) -> Vec<Step> {
    before.iter().copied().chain(way.iter().filter_map(|stop| stop.taken)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: usize = usize::MAX;

    #[test]
    fn one_message_each_way_and_two_cuts_hold_in_every_state() {
        let bounds = Bounds { out: 1, inward: 1, cuts: 2, ..Bounds::default() };
        let seen = explore(bounds, ALL, |_| {});
        assert!(seen.failure.is_none() && !seen.cut_short, "{:?}", seen.failure);
        assert!(seen.states > 500, "{seen:?}");
    }

    #[test]
    fn a_search_ends_when_it_has_seen_enough() {
        let seen = explore(Bounds::default(), 100, |_| {});
        assert!(seen.cut_short && seen.states == 100);
    }

    #[test]
    fn a_broker_that_passes_duplicates_on_is_found_out() {
        let bounds = Bounds { out: 1, inward: 0, cuts: 1, lapse: Some("MQTT-4.3.3-10"), ..Bounds::default() };
        let (problem, path) = explore(bounds, ALL, |_| {}).failure.unwrap();
        assert!(problem.contains("passed on"), "{problem}");
        assert!(path.contains(&Step::Cut));
    }

    #[test]
    fn a_broker_that_answers_nothing_is_found_out() {
        for lapse in ["MQTT-4.3.3-8", "MQTT-4.3.3-11", "MQTT-4.4.0-1"] {
            let bounds = Bounds { out: 1, inward: 1, cuts: 1, lapse: Some(lapse), ..Bounds::default() };
            let (problem, _) = explore(bounds, ALL, |_| {}).failure.unwrap_or_default();
            assert!(problem.contains("not done") || problem.contains("in the end"), "{lapse}: {problem}");
        }
    }
}
