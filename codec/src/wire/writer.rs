//! Writes a packet's fields, or only counts them. Whether a packet may be written is said before.

use core::mem;

use crate::word::{copy, copy_blocks};

/// Writes a packet's fields front to back, or only counts them.
///
/// Counting is writing to nowhere, so that length and bytes cannot disagree. A count stops at `usize::MAX`, which no packet
/// may have: slices of items that borrow the same bytes can describe more than an address space holds.
pub(crate) struct Writer<'b> {
    /// What has not been written.
    room: &'b mut [u8],
    written: usize,
}

impl<'b> Writer<'b> {
    #[inline]
    pub(crate) fn new(room: &'b mut [u8]) -> Self {
        Self { room, written: 0 }
    }

    /// A writer that only counts.
    #[inline]
    pub(crate) fn count() -> Self {
        Self { room: &mut [], written: 0 }
    }

    /// Whether there is no room, so that this only counts.
    #[inline]
    pub(crate) fn counts(&self) -> bool {
        self.room.is_empty()
    }

    /// How many bytes have been written or counted.
    #[inline]
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// Whether the room is full: then what has been written is as long as it has been counted.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.room.is_empty()
    }

    /// Counts bytes that are known to follow.
    #[inline]
    pub(crate) fn skip(&mut self, len: usize) {
        // Only where an address space is small can it be filled by items that borrow the same bytes again and again.
        self.written = if usize::BITS > 32 { self.written.wrapping_add(len) } else { self.written.saturating_add(len) };
    }

    /// Has the next `len` bytes written by `write`.
    ///
    /// On 64 bits that is a function of its own with a writer of its own, so that both writers can be in registers: nobody has
    /// the address of either. On 32 bits it would only be more code.
    #[inline(always)]
    pub(crate) fn apart(&mut self, len: usize, write: impl FnOnce(&mut Writer<'_>)) {
        #[inline(never)]
        fn elsewhere(room: &mut [u8], write: impl FnOnce(&mut Writer<'_>)) {
            let mut w = Writer::new(room);
            write(&mut w);
            debug_assert!(w.is_full(), "a part is as long as it has been counted");
        }
        if self.counts() {
            self.skip(len);
        } else if usize::BITS <= 32 {
            write(self);
        } else if let Some(room) = self.part(len) {
            elsewhere(room, write);
        }
    }

    /// Room for the next `len` bytes, which are then written.
    #[inline]
    pub(crate) fn part(&mut self, len: usize) -> Option<&'b mut [u8]> {
        self.skip(len);
        if self.room.len() < len {
            // Looked at first, so that the room is not taken and put back.
            debug_assert!(self.counts(), "a packet is as long as it has been counted");
            return None;
        }
        let (part, rest) = mem::take(&mut self.room).split_at_mut_checked(len)?;
        self.room = rest;
        Some(part)
    }

    /// Bytes as they are. They come by a reference to where the slice is, so that they could overlap the room as far as the
    /// compiler knows: else it would make a call of `memcpy` of the loop over words, and that of bare metal goes byte by byte
    /// when a string is short or begins elsewhere in a word than its copy.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn put(&mut self, bytes: &&[u8]) {
        let Some(to) = self.part(bytes.len()) else { return };
        if usize::BITS > 32 {
            return copy(to, bytes);
        }
        copy_blocks(to, bytes);
    }

    #[inline]
    pub(crate) fn u8(&mut self, value: u8) {
        self.chunk([value]);
    }

    #[inline]
    pub(crate) fn u16(&mut self, value: u16) {
        self.chunk(value.to_be_bytes());
    }

    #[inline]
    pub(crate) fn chunk<const N: usize>(&mut self, bytes: [u8; N]) {
        self.skip(N);
        if self.room.len() < N {
            debug_assert!(self.counts(), "a packet is as long as it has been counted");
            return;
        }
        if let Some((first, rest)) = mem::take(&mut self.room).split_first_chunk_mut() {
            *first = bytes;
            self.room = rest;
        }
    }

    /// A variable byte integer; `value` is at most [`VARINT_MAX`].
    #[inline]
    pub(crate) fn varint(&mut self, value: u32) {
        if value < 0x80 {
            self.u8(value as u8);
        } else {
            self.long_varint(value);
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn long_varint(&mut self, value: u32) {
        if usize::BITS <= 32 {
            let mut value = value;
            while value >= 0x80 {
                self.u8(value as u8 | 0x80);
                value >>= 7;
            }
            return self.u8(value as u8);
        }
        let part = |shift: u32| (value >> shift) as u8 | 0x80;
        match value {
            0..0x4000 => self.chunk([part(0), (value >> 7) as u8]),
            0x4000..0x20_0000 => self.chunk([part(0), part(7), (value >> 14) as u8]),
            _ => self.chunk([part(0), part(7), part(14), (value >> 21) as u8]),
        }
    }

    /// A byte, then binary data, which is at most 65,535 bytes long.
    #[inline]
    pub(crate) fn tagged_bytes(&mut self, tag: u8, bytes: &&[u8]) {
        let [high, low] = (bytes.len() as u16).to_be_bytes();
        if usize::BITS > 32 {
            return self.headed([tag, high, low], bytes);
        }
        self.chunk([tag, high, low]);
        self.put(bytes);
    }

    /// As [`bytes`](Self::bytes), and a byte behind.
    #[inline]
    pub(crate) fn bytes_tailed(&mut self, bytes: &&[u8], tail: u8) {
        if usize::BITS > 32 {
            let Some(room) = self.part(bytes.len().wrapping_add(3)) else { return };
            if let Some((head, rest)) = room.split_first_chunk_mut()
                && let Some((last, middle)) = rest.split_last_mut()
            {
                *head = (bytes.len() as u16).to_be_bytes();
                copy(middle, bytes);
                *last = tail;
            }
            return;
        }
        self.bytes(bytes);
        self.u8(tail);
    }

    /// A few bytes and some more, as one.
    #[inline(always)]
    fn headed<const N: usize>(&mut self, head: [u8; N], bytes: &[u8]) {
        let Some(room) = self.part(bytes.len().wrapping_add(N)) else { return };
        if let Some((to, rest)) = room.split_first_chunk_mut() {
            *to = head;
            copy(rest, bytes);
        }
    }

    /// Binary data, which is at most 65,535 bytes long.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &&[u8]) {
        if usize::BITS > 32 {
            return self.headed((bytes.len() as u16).to_be_bytes(), bytes);
        }
        self.u16(bytes.len() as u16);
        self.put(bytes);
    }
}
