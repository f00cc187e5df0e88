//! How long to wait before the next try to connect, and when not to try again.

use embassy_time::Duration;
use mqtt5_session::codec::ReasonCode;

/// Pauses that double from one failure to the next, each drawn from zero to its bound (full jitter), so that a fleet that lost
/// its server does not come back at one moment.
///
/// ```
/// use embassy_time::Duration;
/// use mqtt5_embedded::Backoff;
/// let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
/// assert!(backoff.pause(123_456_789) <= Duration::from_secs(1));
/// assert!(backoff.pause(987_654_321) <= Duration::from_secs(2));
/// backoff.reset(); // connected
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    bound: Duration,
}

impl Backoff {
    /// A first pause of up to `first`, and none longer than `most`.
    #[must_use]
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, bound: first }
    }

    /// The next pause. `random` is any number, each as likely.
    pub fn pause(&mut self, random: u32) -> Duration {
        let bound = self.bound.min(self.most);
        self.bound = Duration::from_ticks(bound.as_ticks().saturating_mul(2));
        // A share of the bound: random / 2^32.
        let share = u128::from(bound.as_ticks()).wrapping_mul(u128::from(random)) >> u32::BITS;
        Duration::from_ticks(u64::try_from(share).unwrap_or(u64::MAX))
    }

    /// The next pause is a first one again: the server accepted a connection.
    pub const fn reset(&mut self) {
        self.bound = self.first;
    }
}

/// Whether a server that refused or ended a connection for this reason would do so again, whoever tries and when: bad
/// credentials, a ban, a session that another client has taken over.
#[must_use]
pub const fn is_permanent(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::BAD_USER_NAME_OR_PASSWORD
            | ReasonCode::NOT_AUTHORIZED
            | ReasonCode::BANNED
            | ReasonCode::BAD_AUTHENTICATION_METHOD
            | ReasonCode::CLIENT_IDENTIFIER_NOT_VALID
            | ReasonCode::UNSUPPORTED_PROTOCOL_VERSION
            | ReasonCode::SESSION_TAKEN_OVER
            | ReasonCode::SERVER_MOVED
            | ReasonCode::USE_ANOTHER_SERVER
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_bound_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        let mut bounds = || backoff.pause(u32::MAX).as_millis();
        assert_eq!([bounds(), bounds(), bounds(), bounds()], [99, 199, 349, 349]);
        backoff.reset();
        assert_eq!(backoff.pause(0), Duration::from_ticks(0));
        assert_eq!(backoff.pause(u32::MAX / 2 + 1).as_millis(), 100);
    }
}
