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
        write!(f, "no room for a packet of {} bytes", self.need)
    }
}

impl core::error::Error for Full {}

/// A place that takes whole packets.
///
/// | sink | where a packet goes |
/// |---|---|
/// | `[u8]`, `[u8; N]` | to the front, each time |
/// | `&mut [u8]` | to the front; the slice is then what is left, as with `std::io::Write` |
/// | `Vec<u8>` (feature `alloc`), `BytesMut` (feature `bytes`) | behind what is there; it grows |
///
/// ```
/// use mqtt5_codec::{EncodeError, Packet, Sender};
/// let mut buffer = [0; 64];
/// let length = Packet::PingReq.encode(Sender::Client, &mut buffer)?;
/// assert_eq!(buffer[..length], [0xC0, 0]);
///
/// // Two packets, one behind the other.
/// let mut rest = &mut buffer[..];
/// Packet::PingReq.encode(Sender::Client, &mut rest)?;
/// Packet::PingReq.encode(Sender::Client, &mut rest)?;
/// assert_eq!(rest.len(), 60);
/// # Ok::<(), EncodeError>(())
/// ```
pub trait Sink {
    /// Lends the next `len` bytes to be written, and counts them as taken.
    ///
    /// # Errors
    /// [`Full`] when there are fewer; then nothing is taken.
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full>;
}

impl Sink for [u8] {
    #[inline]
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        self.get_mut(..len).ok_or(Full { need: len })
    }
}

impl<const N: usize> Sink for [u8; N] {
    #[inline]
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        self.as_mut_slice().room(len)
    }
}

impl Sink for &mut [u8] {
    #[inline]
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

#[cfg(feature = "alloc")]
impl Sink for alloc::vec::Vec<u8> {
    #[inline]
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let start = self.len();
        // More than can be reserved is no room; `resize` alone would abort.
        self.try_reserve(len).map_err(|_| Full { need: len })?;
        self.resize(start.saturating_add(len), 0);
        self.get_mut(start..).ok_or(Full { need: len })
    }
}

#[cfg(feature = "bytes")]
impl Sink for bytes::BytesMut {
    #[inline]
    fn room(&mut self, len: usize) -> Result<&mut [u8], Full> {
        let start = self.len();
        let end = start.checked_add(len).ok_or(Full { need: len })?;
        self.resize(end, 0);
        self.get_mut(start..end).ok_or(Full { need: len })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_takes_each_packet_at_its_front_and_a_reference_to_one_behind_the_last() {
        let mut bytes = [0; 4];
        bytes.room(2).unwrap().fill(1);
        bytes[..].room(1).unwrap().fill(2);
        let mut rest = &mut bytes[..];
        Sink::room(&mut rest, 1).unwrap().fill(3);
        Sink::room(&mut rest, 2).unwrap().fill(4);
        assert_eq!(Sink::room(&mut rest, 2), Err(Full { need: 2 }));
        assert_eq!(rest.len(), 1);
        assert_eq!(bytes, [3, 4, 4, 0]);
        assert_eq!(bytes.room(5), Err(Full { need: 5 }));
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn a_vec_grows_and_keeps_what_it_holds() {
        let mut bytes = std::vec![7];
        bytes.room(2).unwrap().fill(1);
        bytes.room(1).unwrap().fill(2);
        assert_eq!(bytes, [7, 1, 1, 2]);
        assert!(bytes.room(usize::MAX).is_err());
        assert_eq!(bytes.len(), 4);
    }
}
