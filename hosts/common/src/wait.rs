//! Waiting for a future in a thread that has nothing else to do.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;
use std::task::Wake;
use std::thread::{self, Thread};
use std::time::Instant;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    static UNPARKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
}

/// What wakes the thread that calls this, from [`std::thread::park`].
#[must_use]
pub fn unparker() -> Waker {
    UNPARKER.with(Waker::clone)
}

/// Sleeps until the future is done. For any future of this crate; one of a runtime needs that runtime.
pub fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = unparker();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

/// Sleeps until the future is done, or until `deadline`; then it is dropped, and there is no answer.
pub fn wait_until<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = unparker();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slot::Slot;
    use core::future::{pending, poll_fn};
    use core::time::Duration;

    #[test]
    fn a_thread_waits_for_what_another_one_puts_there() {
        let slot = Arc::new(Slot::new());
        let there = Arc::clone(&slot);
        let other = thread::spawn(move || wait(poll_fn(|context| there.poll(context))));
        thread::sleep(Duration::from_millis(10));
        slot.put(7).into_iter().for_each(Waker::wake);
        assert_eq!(other.join().unwrap(), 7);
    }

    #[test]
    fn a_wait_ends_at_its_deadline() {
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(wait_until(soon, pending::<()>()), None);
        assert!(Instant::now() >= soon);
        assert_eq!(wait_until(soon, async { 3 }), Some(3));
    }
}
