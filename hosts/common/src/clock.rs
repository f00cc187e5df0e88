//! The session's time, read from the operating system.

use mqtt5_session::Instant;

/// A clock of milliseconds since it was started. Keep one for as long as a session lasts: its connections come and go, but
/// the time of the session may not run backwards.
///
/// It counts by the operating system's monotonic clock, so setting the time of day does not move it.
#[derive(Clone, Copy, Debug)]
pub struct Clock(std::time::Instant);

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The time on this clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.at(std::time::Instant::now())
    }

    /// What this clock showed at that moment of the system.
    pub(crate) fn at(&self, moment: std::time::Instant) -> Instant {
        let since = moment.saturating_duration_since(self.0);
        Instant::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// When this clock will show `at`; `None` for a moment that no clock of the system reaches.
    #[must_use]
    pub fn when(&self, at: Instant) -> Option<std::time::Instant> {
        self.0.checked_add(core::time::Duration::from_millis(at.as_millis()))
    }
}

/// The moment `wait` after `now`, rounded up to a millisecond.
#[must_use]
pub fn after(now: Instant, wait: core::time::Duration) -> Instant {
    now.after(u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX))
}
