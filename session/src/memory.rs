//! The memory of a session, which the host provides: tables of exchanges, and bytes for packets.
//!
//! Capacity ends here: the engine sees slices and is compiled once, whatever their sizes.

#[cfg(feature = "alloc")]
use alloc::{boxed::Box, vec};

use crate::arena;
use crate::flight::Flight;

/// Memory for a [`Client`](crate::Client): [`Inline`], with the feature `alloc` also `Boxed`, or a `&mut` of either.
///
/// Sealed.
#[expect(private_bounds, reason = "sealed")]
pub trait Memory: Lend {}

/// The private half of [`Memory`].
pub(crate) trait Lend {
    fn lend(&mut self) -> Parts<'_>;
    /// Bytes that packets take.
    fn held(&self) -> usize;
}

/// What the engine sees of a memory. At most 65,535 flights are used.
pub(crate) struct Parts<'m> {
    pub(crate) flights: &'m mut [Flight],
    pub(crate) bytes: &'m mut [u8],
    pub(crate) scale: u8,
}

/// Memory inside the client itself: `FLIGHTS` exchanges in each direction, and `BYTES` bytes for packets.
///
/// A packet is held from the moment it is queued until it has been transmitted, a PUBLISH of QoS 1 or QoS 2 until it is
/// acknowledged. Each takes its own length and 12 bytes, rounded up to 16, in one piece. 48 bytes are taken by the session, and
/// CONNECT has a place of its own, which stays for the next one: 4 bytes more than its length, rounded up to 16. So the way
/// back to the server is never barred by what waits for it.
///
/// All zeros when new, so that a static one takes no space in flash.
///
/// ```
/// use mqtt5_session::{Client, Inline};
/// let client = Client::new(Inline::<8, 1024>::new());
/// assert_eq!(client.figures(Default::default()).in_flight, 0);
/// ```
#[derive(Clone, Hash)]
pub struct Inline<const FLIGHTS: usize, const BYTES: usize> {
    flights: [Flight; FLIGHTS],
    bytes: [u8; BYTES],
}

impl<const FLIGHTS: usize, const BYTES: usize> Inline<FLIGHTS, BYTES> {
    /// Empty memory. At least one exchange and 128 bytes, which is checked when compiling.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(FLIGHTS >= 1 && FLIGHTS <= u16::MAX as usize, "1 to 65,535 exchanges") }
        const { assert!(BYTES >= arena::LEAST && BYTES < 1 << 28, "128 bytes to 256 MiB") }
        Self { flights: [Flight::NEW; FLIGHTS], bytes: [0; BYTES] }
    }
}

impl<const FLIGHTS: usize, const BYTES: usize> Default for Inline<FLIGHTS, BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const FLIGHTS: usize, const BYTES: usize> Memory for Inline<FLIGHTS, BYTES> {}

impl<const FLIGHTS: usize, const BYTES: usize> Lend for Inline<FLIGHTS, BYTES> {
    #[inline]
    fn lend(&mut self) -> Parts<'_> {
        Parts { flights: &mut self.flights, bytes: &mut self.bytes, scale: const { arena::scale(BYTES) } }
    }

    fn held(&self) -> usize {
        arena::held(&self.bytes, const { arena::scale(BYTES) })
    }
}

/// Memory on the heap, sized at run time and allocated once.
///
/// ```
/// use mqtt5_session::{Boxed, Client};
/// let client = Client::new(Boxed::new(1_000, 64 << 10));
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, Hash)]
pub struct Boxed {
    flights: Box<[Flight]>,
    bytes: Box<[u8]>,
    scale: u8,
}

#[cfg(feature = "alloc")]
impl Boxed {
    /// Memory for `flights` exchanges in each direction and `bytes` bytes of packets; see [`Inline`] for what a packet
    /// takes. Fewer than 1 or more than 65,535 exchanges, fewer than 128 bytes or more than 256 MiB are brought into that
    /// range.
    ///
    /// Costs 18 bytes for an exchange. Packets are rounded up to 16 bytes up to a megabyte, then to 32, and so on.
    #[must_use]
    pub fn new(flights: usize, bytes: usize) -> Self {
        let flights = flights.clamp(1, u16::MAX.into());
        let bytes = bytes.clamp(arena::LEAST, (1 << 28) - 1);
        Self {
            flights: vec![Flight::NEW; flights].into_boxed_slice(),
            bytes: vec![0; bytes].into_boxed_slice(),
            scale: arena::scale(bytes),
        }
    }
}

#[cfg(feature = "alloc")]
impl Memory for Boxed {}

#[cfg(feature = "alloc")]
impl Lend for Boxed {
    #[inline]
    fn lend(&mut self) -> Parts<'_> {
        Parts { flights: &mut self.flights, bytes: &mut self.bytes, scale: self.scale }
    }

    fn held(&self) -> usize {
        arena::held(&self.bytes, self.scale)
    }
}

impl<M: Memory + ?Sized> Memory for &mut M {}

impl<M: Memory + ?Sized> Lend for &mut M {
    #[inline]
    fn lend(&mut self) -> Parts<'_> {
        (**self).lend()
    }

    fn held(&self) -> usize {
        (**self).held()
    }
}
