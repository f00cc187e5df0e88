//! Time as it is told to the session: milliseconds of a clock that the host owns. Nothing here reads a clock.

/// A moment, in milliseconds since a start that the host chooses (boot, or the process's start).
///
/// It must not run backwards while a connection lasts. Sums saturate: [`Instant::NEVER`] is never reached.
///
/// ```
/// use mqtt5_session::Instant;
/// let now = Instant::from_millis(1_500);
/// assert_eq!(now.after(250).as_millis(), 1_750);
/// assert_eq!(now.until(now.after(250)), 250);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// As a deadline: none.
    pub(crate) const ZERO: Self = Self(0);

    /// As a deadline: one that has come, where none can be set for want of the time.
    pub(crate) const DUE: Self = Self(1);

    /// The moment that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment `millis` milliseconds after the host's start.
    #[must_use]
    #[inline]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the host's start.
    #[must_use]
    #[inline]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `millis` milliseconds later; at most [`NEVER`](Self::NEVER).
    #[must_use]
    #[inline]
    pub const fn after(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from this moment to `later`; 0 if that has passed.
    #[must_use]
    #[inline]
    pub const fn until(self, later: Self) -> u64 {
        later.0.saturating_sub(self.0)
    }

    /// Whether this is a deadline: zero stands for none.
    #[inline]
    pub(crate) const fn is_set(self) -> bool {
        self.0 != 0
    }

    /// Whether this is a deadline that has come.
    #[inline]
    pub(crate) fn has_come(self, now: Self) -> bool {
        self.is_set() && self <= now
    }

    /// This moment as a deadline.
    #[inline]
    pub(crate) fn at_least_one(self) -> Self {
        Self(self.0.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_beyond_the_end_of_time_is_never() {
        assert_eq!(Instant::from_millis(u64::MAX - 1).after(2), Instant::NEVER);
    }

    #[test]
    fn a_deadline_of_zero_is_none() {
        assert!(!Instant::default().has_come(Instant::NEVER));
        assert!(Instant::default().at_least_one().has_come(Instant::from_millis(1)));
    }

    #[test]
    fn a_moment_that_has_passed_is_zero_away() {
        assert_eq!(Instant::from_millis(9).until(Instant::from_millis(3)), 0);
    }
}
