//! Inputs that the compiler can't see, and a place where what is made of them goes.

use core::fmt;
use core::hint::black_box;

use mqtt5_session::Instant;

/// Each expression is evaluated, and its value handed to something that the compiler can't see.
#[macro_export]
macro_rules! calls {
    ($($call:expr;)+) => {{$(
        let _ = ::core::hint::black_box($call);
    )+}};
}

/// Any bytes.
pub fn bytes() -> &'static [u8] {
    black_box(&[])
}

/// Any text.
pub fn plain() -> &'static str {
    black_box("")
}

/// As much room as can't be seen.
pub fn room() -> &'static mut [u8] {
    black_box(&mut [])
}

/// Any moment.
pub fn now() -> Instant {
    Instant::from_millis(black_box(0)).after(black_box(0))
}

/// Any moment of UTC, or none.
pub fn utc() -> Option<u64> {
    black_box(None)
}

/// Takes what is printed.
pub struct Paper;

impl fmt::Write for Paper {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        black_box(text);
        Ok(())
    }
}
