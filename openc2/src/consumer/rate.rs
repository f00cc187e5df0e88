//! The limit on commands a minute (LS1 s3.3.2.2).

use mqtt5_session::Instant;

/// How many commands have come in this minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    /// In units of 1/60,000 of a command, of which a millisecond gives back as many as a minute may have commands.
    used: u64,
    at: Instant,
}

impl Rate {
    /// What was used when the process began.
    pub(super) const fn new(used: u64, at: Instant) -> Self {
        Self { used, at }
    }

    /// What is used by now.
    pub(super) const fn used(&self, limit: u32, now: Instant) -> u64 {
        self.used.saturating_sub(earned(limit, self.at.until(now)))
    }

    /// What there is after another command now; `None` if none may come.
    pub(super) const fn with_another(&self, limit: u32, now: Instant) -> Option<Self> {
        let used = self.used(limit, now).saturating_add(60_000);
        if used <= (limit as u64).saturating_mul(60_000) { Some(Self { used, at: now }) } else { None }
    }
}

/// What a time gives back.
pub(super) const fn earned(limit: u32, millis: u64) -> u64 {
    millis.saturating_mul(limit as u64)
}
