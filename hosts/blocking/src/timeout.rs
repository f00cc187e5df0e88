//! The timeout of a socket's reads, which costs a system call to set: it is set seldom.

use core::time::Duration;

/// What a socket's read timeout is.
///
/// A deadline comes nearer with each wait, and a timeout that follows it would be set before each. So it is the power of two
/// below what is left, in milliseconds, which changes only when that is halved. A socket then wakes too early at most once: a
/// wait that nothing has come to is followed by one that ends when it should.
#[derive(Debug, Default)]
pub(crate) struct Armed {
    /// In milliseconds; nothing was set yet in a new socket, which waits for ever.
    millis: Option<u64>,
    exact: bool,
}

impl Armed {
    /// What to set the timeout to before a wait of so many milliseconds, for ever if there are none; `None` if it may stay.
    pub(crate) fn change(&mut self, wait: Option<u64>) -> Option<Option<Duration>> {
        // A timer that is due is no wait at all; a socket takes no timeout of zero.
        let wait = wait.map(|millis| millis.max(1));
        let exact = core::mem::take(&mut self.exact);
        let millis = wait.map(|millis| if exact { millis } else { 1 << millis.ilog2() });
        if millis == self.millis {
            return None;
        }
        self.millis = millis;
        Some(millis.map(Duration::from_millis))
    }

    /// The timeout has passed without a byte.
    pub(crate) fn passed(&mut self) {
        self.exact = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Option<Option<Duration>> {
        Some(Some(Duration::from_millis(millis)))
    }

    #[test]
    fn a_timeout_is_set_when_it_is_halved() {
        let mut armed = Armed::default();
        assert_eq!(armed.change(None), None, "a new socket waits for ever");
        assert_eq!(armed.change(Some(57_000)), millis(32_768));
        let set = (0..57_000).rev().filter(|left| armed.change(Some(*left)).is_some()).count();
        assert_eq!(set, 15, "fifteen times in 57,000 waits");
        assert_eq!(armed.change(None), Some(None));
    }

    #[test]
    fn no_wait_is_longer_than_asked_and_none_is_zero() {
        let mut armed = Armed::default();
        for wait in 0..5_000u64 {
            let set = armed.change(Some(wait));
            let now = armed.millis.unwrap();
            assert!(now >= 1 && now <= wait.max(1), "{wait}");
            assert!(set.is_none_or(|set| set == Some(Duration::from_millis(now))));
        }
    }

    #[test]
    fn after_an_early_end_the_rest_is_waited_for_exactly() {
        let mut armed = Armed::default();
        armed.change(Some(57_000));
        armed.passed();
        assert_eq!(armed.change(Some(24_232)), millis(24_232));
        assert_eq!(armed.change(Some(57_000)), millis(32_768));
    }
}
