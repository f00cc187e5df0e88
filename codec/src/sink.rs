//! Where encoded packets go.
//!
//! A packet is checked and measured first, then a [`Sink`] is asked once for exactly its length, then it is written. So a
//! packet that is refused, or has no room, has written nothing, and the code that writes is compiled once for all sinks.

use core::{fmt, mem};

/// A sink that has no room for a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Full {
    /// How many bytes the packet needs.
    pub need: usize,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no room for {} bytes", self.need)
    }
}

impl core::error::Error for Full {}

/// A place that takes whole packets.
///
/// `&mut [u8]` is one: it takes from its front, as `std::io::Write` does. With the feature `bytes`, so is
/// `bytes::BytesMut`, which grows.
pub trait Sink {
    /// Lends the next `len` bytes to be written, and counts them as taken.
    ///
    /// # Errors
    /// [`Full`] when there are fewer; then nothing is taken.
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full>;
}

impl Sink for &mut [u8] {
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        if len > self.len() {
            return Err(Full { need: len });
        }
        let Some((taken, rest)) = mem::take(self).split_at_mut_checked(len) else {
            return Err(Full { need: len });
        };
        *self = rest;
        Ok(taken)
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        (**self).room(len)
    }
}

#[cfg(feature = "bytes")]
impl Sink for bytes::BytesMut {
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let start = self.len();
        let end = start.checked_add(len).ok_or(Full { need: len })?;
        self.resize(end, 0);
        self.get_mut(start..end).ok_or(Full { need: len })
    }
}
