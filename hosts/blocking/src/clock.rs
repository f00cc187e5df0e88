//! The session's time, read from the operating system.

use mqtt5_session::Instant;

/// A clock of milliseconds since it was started. Keep one for as long as a session lasts: its connections come and go, but
/// the time of the session may not run backwards.
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
        Instant::from_millis(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}
