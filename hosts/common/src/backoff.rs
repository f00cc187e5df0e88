//! How long to wait before the next attempt.

use core::time::Duration;

/// Exponential backoff with full jitter: the wait before attempt n is a random part of `first` × 2ⁿ, at most of `most`.
///
/// ```
/// use core::time::Duration;
/// use mqtt5_host::Backoff;
/// let backoff = Backoff::jittered(Duration::from_secs(1), Duration::from_secs(60)).attempts(10);
/// assert_eq!(backoff.delay(3, u64::MAX), Some(Duration::from_secs(8)));
/// assert_eq!(backoff.delay(3, 0), Some(Duration::ZERO));
/// assert_eq!(backoff.delay(10, 0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    attempts: u32,
}

impl Default for Backoff {
    /// Half a second at first, a minute at most, without end.
    fn default() -> Self {
        Self::jittered(Duration::from_millis(500), Duration::from_secs(60))
    }
}

impl Backoff {
    /// At most `first` before the second attempt, twice as much before each further one, never more than `most`; without end.
    #[must_use]
    pub const fn jittered(first: Duration, most: Duration) -> Self {
        Self { first, most, attempts: u32::MAX }
    }

    /// No second attempt at all.
    #[must_use]
    pub const fn never() -> Self {
        Self { first: Duration::ZERO, most: Duration::ZERO, attempts: 0 }
    }

    /// The same, ending after so many attempts that failed one after the other, the first one not counted.
    #[must_use]
    pub const fn attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// How long to wait after `failures` earlier waits; `None` to give up. `random` is any number, each as likely.
    #[must_use]
    pub fn delay(&self, failures: u32, random: u64) -> Option<Duration> {
        if failures >= self.attempts {
            return None;
        }
        let doubled = 1u32.checked_shl(failures).and_then(|factor| self.first.checked_mul(factor));
        let most = doubled.map_or(self.most, |most| most.min(self.most));
        let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        let part = u128::from(nanos) * u128::from(random) / u128::from(u64::MAX);
        Some(Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX)))
    }

    /// How long a connection has to last for what failed before it to be forgotten: otherwise a server that accepts and
    /// ends at once would be asked without a pause.
    #[must_use]
    pub(crate) fn forgives_after(&self) -> Duration {
        self.first.saturating_mul(10).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_doubles_up_to_a_bound_and_never_overflows() {
        let backoff = Backoff::jittered(Duration::from_millis(100), Duration::from_secs(1));
        let longest: Vec<u128> = (0..6).map(|n| backoff.delay(n, u64::MAX).unwrap().as_millis()).collect();
        assert_eq!(longest, [100, 200, 400, 800, 1_000, 1_000]);
        for failures in [31, 32, 33, u32::MAX - 1] {
            assert_eq!(backoff.delay(failures, u64::MAX), Some(Duration::from_secs(1)));
        }
        let endless = Backoff::jittered(Duration::MAX, Duration::MAX);
        assert!(endless.delay(9, u64::MAX).is_some());
    }

    #[test]
    fn every_wait_up_to_the_longest_may_come() {
        let backoff = Backoff::jittered(Duration::from_secs(4), Duration::from_secs(60));
        assert_eq!(backoff.delay(0, u64::MAX / 2).unwrap().as_millis(), 1_999);
        assert_eq!(backoff.delay(0, 0), Some(Duration::ZERO));
    }

    #[test]
    fn it_gives_up_after_so_many_attempts() {
        let backoff = Backoff::default().attempts(2);
        assert!(backoff.delay(1, 1).is_some());
        assert_eq!(backoff.delay(2, 1), None);
        assert_eq!(Backoff::never().delay(0, 1), None);
    }
}
