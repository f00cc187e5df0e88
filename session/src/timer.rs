//! The deadlines of a connection: an answer that is awaited, and the next PINGREQ.

use crate::time::Instant;

/// Deadlines; zero for none.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Timers {
    /// When the answer to CONNECT or PINGREQ is missed.
    pub(crate) answer: Instant,
    /// When a PINGREQ is due for want of a packet sent.
    pub(crate) ping: Instant,
    /// When something was received last.
    pub(crate) heard: Instant,
}

impl Timers {
    pub(crate) const NEW: Self = Self { answer: Instant::ZERO, ping: Instant::ZERO, heard: Instant::ZERO };
}

/// The first of the deadlines that are set.
pub(crate) fn first(deadlines: [Instant; 3]) -> Option<Instant> {
    deadlines.into_iter().filter(|at| at.is_set()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_deadline_is_the_one_that_is_set() {
        let at = Instant::from_millis;
        assert_eq!(first([0, 0, 0].map(at)), None);
        assert_eq!(first([0, 5, 0].map(at)), Some(at(5)));
        assert_eq!(first([7, 0, 9].map(at)), Some(at(7)));
        assert_eq!(first([7, 5, 6].map(at)), Some(at(5)));
    }
}
