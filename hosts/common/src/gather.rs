//! Small answers that wait for each other, so that many go out in one write.
//!
//! Where messages follow each other closely, a write of its own for each acknowledgement costs more than all else that there
//! is to do about a message, and so does waking a publisher for each place that becomes free. So answers are gathered, up to a
//! number that is learned: it grows as long as more of them come at once, and shrinks when some have waited in vain, since the
//! server waits for them or has nothing more to say. It begins with one: who sends now and then waits for nothing.
//! What the application asks for never waits, and takes with it what was gathered.

use core::time::Duration;
use std::time::Instant;

use crate::options::Options;

/// How long an answer may wait for others.
const PATIENCE: Duration = Duration::from_millis(1);

/// How many answers are gathered at most: a write then is no longer what an answer costs.
const MOST: u32 = 64;

/// From how many on that are gathered the loop is busy.
const BUSY: u32 = 8;

/// How many gatherings have to be filled until more is tried, once some have waited in vain. After each trial that failed it
/// is twice as many, up to the other bound: a trial costs the server's time.
const SURE: u16 = 16;
const SUREST: u16 = 4_096;

/// What is gathered.
#[derive(Debug)]
pub(crate) struct Gather {
    answers: u32,
    /// Since when there are some.
    since: Option<Instant>,
    /// How many go out at once.
    enough: u32,
    most: u32,
    /// How many have to be filled until more is tried, and how many have been.
    sure: u16,
    filled: u16,
    /// Whether the last trial went well, or is not over.
    growing: bool,
    last: Option<Instant>,
    /// Whether the loop looks again before long by itself.
    watched: bool,
    /// Whether something is not to wait.
    urgent: bool,
}

impl Gather {
    pub(crate) fn new(options: &Options) -> Self {
        // Half of what may be under way: the other half is what the server does meanwhile.
        let most = u32::from(options.receive_maximum.get().min(options.in_flight) / 2).clamp(1, MOST);
        Self {
            answers: 0,
            since: None,
            enough: 1,
            most,
            sure: SURE / 2,
            filled: 0,
            growing: true,
            last: None,
            watched: false,
            urgent: false,
        }
    }

    /// Something was asked for that does not wait.
    pub(crate) const fn hurry(&mut self) {
        self.urgent = true;
    }

    /// Something was answered, or has freed a place.
    pub(crate) const fn add(&mut self, answers: u32) {
        self.answers = self.answers.saturating_add(answers);
    }

    /// Whether the loop has to be woken for it: it does not look by itself before long, or there is enough.
    pub(crate) const fn wants_loop(&self) -> bool {
        !self.watched || self.answers >= self.enough
    }

    /// Whether what there is goes out now. `comes` is whether answers to what was just received may come.
    pub(crate) fn is_due(&mut self, now: Instant, comes: bool) -> bool {
        if self.answers == 0 && !self.urgent {
            self.since = None;
            self.watched = comes && self.enough > 1;
            return true;
        }
        let since = *self.since.get_or_insert(now);
        if self.answers >= self.enough {
            self.learn_more(now);
        } else if !self.urgent {
            if now.saturating_duration_since(since) < PATIENCE {
                self.watched = true;
                return false;
            }
            self.learn_less();
        }
        self.last = Some(now);
        self.answers = 0;
        self.since = None;
        self.urgent = false;
        self.watched = comes && self.enough > 1;
        true
    }

    /// The gathering was filled.
    fn learn_more(&mut self, now: Instant) {
        if self.last.is_none_or(|last| now.saturating_duration_since(last) > PATIENCE) {
            return;
        }
        self.filled = self.filled.saturating_add(1);
        if self.growing || self.filled >= self.sure {
            self.growing = true;
            self.enough = self.enough.saturating_mul(2).min(self.most);
        }
    }

    /// Some have waited in vain.
    fn learn_less(&mut self) {
        self.sure = if self.growing { self.sure.saturating_mul(2).min(SUREST) } else { self.sure };
        self.growing = false;
        self.filled = 0;
        self.enough = (self.answers * 3 / 4).max(1);
    }

    /// Whether many come in the time that one may wait.
    pub(crate) const fn is_busy(&self) -> bool {
        self.enough >= BUSY
    }

    /// When the loop is to look again, if it is to do so by itself before long.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        if self.watched { self.since.unwrap_or(now).checked_add(PATIENCE) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather() -> Gather {
        Gather::new(&Options::default())
    }

    /// Moments, so many microseconds after the first.
    fn clock() -> impl Fn(u64) -> Instant {
        let began = Instant::now();
        move |micros| began + Duration::from_micros(micros)
    }

    #[test]
    fn an_answer_now_and_then_goes_out_at_once() {
        let (mut gather, at) = (gather(), clock());
        for second in 1..100 {
            gather.add(1);
            assert!(gather.wants_loop());
            assert!(gather.is_due(at(second * 1_000_000), true));
            assert_eq!(gather.until(at(second * 1_000_000)), None);
        }
    }

    #[test]
    fn answers_that_follow_closely_wait_for_each_other_up_to_half_the_window() {
        let (mut gather, at) = (gather(), clock());
        let mut writes = 0;
        for answer in 0..1_000 {
            gather.add(1);
            writes += u32::from(gather.is_due(at(answer * 10), false));
        }
        assert!((1_000 / 32..50).contains(&writes), "{writes}");
        assert_eq!(gather.enough, 32);
    }

    #[test]
    fn what_is_urgent_takes_all_with_it() {
        let (mut gather, at) = (gather(), clock());
        gather.enough = 10;
        gather.add(3);
        assert!(!gather.is_due(at(5_000), false));
        assert_eq!(gather.until(at(5_000)), Some(at(6_000)));
        gather.hurry();
        assert!(gather.is_due(at(5_000), false));
        assert_eq!(gather.answers, 0);
    }

    #[test]
    fn none_waits_longer_than_its_patience_and_a_server_that_waits_is_learned_from() {
        let (mut gather, at) = (gather(), clock());
        gather.enough = 32;
        // A server that sends 20 before it waits for their acknowledgements.
        gather.add(20);
        assert!(!gather.is_due(at(7_000), true));
        assert!(!gather.wants_loop(), "it looks by itself");
        assert!(gather.is_due(at(8_000), false));
        assert_eq!(gather.enough, 15);
        for _ in 0..SURE {
            assert_eq!(gather.enough, 15);
            gather.add(15);
            assert!(gather.is_due(at(8_000), false));
        }
        assert_eq!(gather.enough, 30, "and more is tried by and by");
    }

    #[test]
    fn a_server_that_waits_for_each_acknowledgement_is_seldom_kept_waiting() {
        let (mut gather, at) = (gather(), clock());
        let (mut now, mut kept) = (1_000, 0);
        for _ in 0..10_000 {
            gather.add(1);
            if !gather.is_due(at(now), true) {
                now += 1_000;
                kept += 1;
                assert!(gather.is_due(at(now), true));
            }
        }
        assert!(kept < 15, "{kept}");
    }

    #[test]
    fn a_window_of_one_is_never_waited_for() {
        let options = Options { in_flight: 1, ..Options::default() };
        let (mut gather, at) = (Gather::new(&options), clock());
        for _ in 0..100 {
            gather.add(1);
            assert!(gather.is_due(at(3_000), true));
        }
        assert_eq!(gather.until(at(3_000)), None);
    }
}
