//! The deadlines of a connection: an answer that is awaited, and the next PINGREQ.

use crate::time::Instant;

/// Deadlines; zero for none.
#[derive(Clone, Copy, Hash)]
pub(crate) struct Timers {
    /// When the answer to CONNECT or PINGREQ is missed.
    pub(crate) answer: Instant,
    /// When a PINGREQ is due.
    pub(crate) ping: Instant,
}

impl Timers {
    pub(crate) const NEW: Self = Self { answer: Instant::ZERO, ping: Instant::ZERO };

    /// The first of the deadlines.
    pub(crate) fn first(self) -> Option<Instant> {
        match (self.answer.is_set(), self.ping.is_set()) {
            (true, true) => Some(self.answer.min(self.ping)),
            (true, false) => Some(self.answer),
            (false, true) => Some(self.ping),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_deadline_is_the_one_that_is_set() {
        let at = Instant::from_millis;
        let timers = |answer, ping| Timers { answer: at(answer), ping: at(ping) }.first();
        assert_eq!(timers(0, 0), None);
        assert_eq!(timers(0, 5), Some(at(5)));
        assert_eq!(timers(7, 0), Some(at(7)));
        assert_eq!(timers(7, 5), Some(at(5)));
    }
}
