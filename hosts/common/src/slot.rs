//! A place for one value that comes later: whoever waits for it is woken, in any runtime or none.

use core::task::{Context, Poll, Waker};
use std::sync::{Mutex, PoisonError};

#[derive(Debug)]
enum Content<T> {
    Awaited(Option<Waker>),
    Here(T),
    Taken,
}

/// One value, once.
#[derive(Debug)]
pub(crate) struct Slot<T>(Mutex<Content<T>>);

impl<T> Slot<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Content::Awaited(None)))
    }

    /// Puts the value there, unless there is one. Gives back who waits for it, to be woken without a lock held.
    pub(crate) fn put(&self, value: T) -> Option<Waker> {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *content {
            Content::Awaited(waker) => {
                let waker = waker.take();
                *content = Content::Here(value);
                waker
            }
            _ => None,
        }
    }

    /// Takes the value; never ready again once it was taken.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<T> {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Content::Awaited(waker) = &mut *content {
            if waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
                *waker = Some(context.waker().clone());
            }
            return Poll::Pending;
        }
        match core::mem::replace(&mut *content, Content::Taken) {
            Content::Here(value) => Poll::Ready(value),
            _ => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_once() {
        let slot = Slot::new();
        let context = Context::from_waker(Waker::noop());
        assert_eq!(slot.poll(&context), Poll::Pending);
        assert!(slot.put(1).is_some());
        assert!(slot.put(2).is_none());
        assert_eq!(slot.poll(&context), Poll::Ready(1));
        assert_eq!(slot.poll(&context), Poll::Pending);
    }
}
