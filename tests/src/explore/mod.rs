//! The real session against the model broker, explored whole for small bounds.
//!
//! A state is the client, the broker, what is on the wire between them and what the application knows. From each state every
//! step is taken that can be: the application publishes, a packet is written, in part or whole, arrives, is read; the link is cut;
//! the device restarts. A cut within a packet is one after its first byte: what was written of a packet is forgotten with the
//! link, however much it was. States that were seen are not gone into again, so the search ends, and has then seen all.
//!
//! In each state: the broker saw no statement broken, the client found no fault, nothing was passed on or received twice or out of
//! order, and when the network is quiet from here on, everything ends quiet and done.

pub mod command;
mod state;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

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
    /// What did not hold, and the steps to it.
    pub failure: Option<(String, Vec<Step>)>,
}

/// Searches all states within these bounds, or until one does not hold. `progress` is told of the number of states.
pub fn explore(bounds: Bounds, mut progress: impl FnMut(usize)) -> Seen {
    let first = State::new(bounds);
    let mut parents: HashMap<u128, Option<(u128, Step)>> = HashMap::new();
    let mut seen = Seen::default();
    let mark = first.mark();
    parents.insert(mark, None);
    let mut open = vec![(first, mark, 0)];
    while let Some((state, mark, depth)) = open.pop() {
        seen.depth = seen.depth.max(depth);
        progress(parents.len());
        if let Some(problem) = state.problem().or_else(|| state.clone().calm()) {
            seen.failure = Some((problem, path(&parents, mark)));
            break;
        }
        for step in state.steps() {
            let mut next = state.clone();
            next.take(step);
            seen.steps += 1;
            let there = next.mark();
            if let Entry::Vacant(place) = parents.entry(there) {
                place.insert(Some((mark, step)));
                open.push((next, there, depth + 1));
            }
        }
    }
    seen.states = parents.len();
    seen
}

/// The steps that lead to a state.
fn path(parents: &HashMap<u128, Option<(u128, Step)>>, mut to: u128) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(Some((from, step))) = parents.get(&to) {
        steps.push(*step);
        to = *from;
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_each_way_and_a_cut_hold_in_every_state() {
        let bounds = Bounds { out: 1, inward: 1, cuts: 1, ..Bounds::default() };
        let seen = explore(bounds, |_| {});
        assert!(seen.failure.is_none(), "{:?}", seen.failure);
        assert!(seen.states > 500, "{seen:?}");
    }

    #[test]
    fn a_broker_that_passes_duplicates_on_is_found_out() {
        let bounds = Bounds { out: 1, inward: 0, cuts: 1, lapse: Some("MQTT-4.3.3-10"), ..Bounds::default() };
        let (problem, path) = explore(bounds, |_| {}).failure.unwrap();
        assert!(problem.contains("passed on"), "{problem}");
        assert!(path.contains(&Step::Cut));
    }
}
