//! Which events a `wait` may still consume.

use std::collections::VecDeque;

use super::event::NAMES;

/// Events that no `wait` has consumed, by name; each is known by its number, counted from 1.
///
/// Events from before the last `open` count only as far as they came after the event that was consumed last: a `closed` of
/// an old connection that nobody waited for doesn't answer for a new one.
#[derive(Debug, Default)]
pub(super) struct Log {
    events: [VecDeque<u64>; NAMES.len()],
    count: u64,
    /// The event consumed last.
    consumed: u64,
    /// The last event before the last `open`.
    opened: u64,
}

impl Log {
    /// Whether there is such an event.
    pub(super) fn knows(name: &str) -> bool {
        NAMES.contains(&name)
    }

    /// Notes an event.
    pub(super) fn note(&mut self, name: &str) {
        self.count += 1;
        if let Some((_, events)) = NAMES.iter().zip(&mut self.events).find(|(known, _)| **known == name) {
            events.push_back(self.count);
        }
    }

    /// Notes that a connection was opened.
    pub(super) fn open(&mut self) {
        self.opened = self.count;
    }

    /// Consumes the oldest event of this name, if there is one.
    pub(super) fn consume(&mut self, name: &str) -> bool {
        let stale = self.consumed.min(self.opened);
        let Some((_, events)) = NAMES.iter().zip(&mut self.events).find(|(known, _)| **known == name) else {
            return false;
        };
        while let Some(number) = events.pop_front() {
            if number > stale {
                self.consumed = self.consumed.max(number);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_events_are_consumed_oldest_first_and_once() {
        let mut log = Log::default();
        log.note("message");
        log.note("published");
        log.note("message");
        assert!(log.consume("published"));
        assert!(log.consume("message"), "in any order on one connection");
        assert!(log.consume("message"));
        assert!(!log.consume("message"));
        assert!(!log.consume("timeout"));
        log.note("message");
        assert!(log.consume("message"));
    }

    #[test]
    fn an_old_connection_does_not_answer_for_a_new_one() {
        let mut log = Log::default();
        log.note("connected");
        assert!(log.consume("connected"));
        log.note("closed");
        log.open();
        assert!(log.consume("closed"), "nothing later was consumed");
        log.note("fault");
        log.note("closed");
        log.open();
        log.note("connected");
        assert!(log.consume("connected"));
        assert!(!log.consume("closed"));
        assert!(!log.consume("fault"));
        log.note("closed");
        assert!(log.consume("closed"));
    }
}
