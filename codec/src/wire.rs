//! The data types of section 1.5 on the wire: integers, variable byte integers, strings and binary data.

use core::mem;

use crate::{ReasonCode, Rule, error::Fault, text::Text};

/// The greatest variable byte integer.
pub(crate) const VARINT_MAX: u32 = 268_435_455;

/// Reads a packet's fields front to back. It never reads past its end, and knows where it is for errors.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// How many bytes of the packet follow the end of `rest`.
    after: usize,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, after: 0 }
    }

    /// Reads a part of a packet, which `after` more bytes follow.
    #[inline]
    pub(crate) fn part(bytes: &'a [u8], after: usize) -> Self {
        Self { rest: bytes, after }
    }

    /// The bytes that have not been read.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes of the packet remain from here on.
    #[inline]
    pub(crate) fn left(&self) -> usize {
        self.rest.len().wrapping_add(self.after)
    }

    /// A fault at the place where the reader stands. (Inlined, here and below, so that a reader never has to be in memory.)
    #[inline]
    pub(crate) fn fault(&self, reason: ReasonCode, rule: Rule) -> Fault {
        Fault { reason, rule, left: self.left() }
    }

    #[inline]
    pub(crate) fn malformed(&self, rule: Rule) -> Fault {
        self.fault(ReasonCode::MALFORMED_PACKET, rule)
    }

    #[inline]
    pub(crate) fn protocol_error(&self, rule: Rule) -> Fault {
        self.fault(ReasonCode::PROTOCOL_ERROR, rule)
    }

    /// The packet ends within a field: its remaining length is wrong.
    #[inline]
    fn truncated(&self) -> Fault {
        self.malformed(Rule::REMAINING_LENGTH)
    }

    /// Reads nothing more: bytes that are left are an error.
    #[inline]
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.is_empty() { Ok(()) } else { Err(self.truncated()) }
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Fault> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(|| self.truncated())?;
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, Fault> {
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated())?;
        self.rest = rest;
        Ok(u16::from_be_bytes(bytes))
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        let (&bytes, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated())?;
        self.rest = rest;
        Ok(u32::from_be_bytes(bytes))
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u32, Fault> {
        if let [byte, rest @ ..] = self.rest
            && *byte < 0x80
        {
            self.rest = rest;
            return Ok(u32::from(*byte));
        }
        let (value, rest) = long_varint(self.rest, self.left())?;
        self.rest = rest;
        Ok(value)
    }

    /// The next `len` bytes as they are.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.truncated())?;
        self.rest = rest;
        Ok(taken)
    }

    /// Binary data: two bytes of length, then the bytes.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    /// A string, checked.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<Text<'a>, Fault> {
        let bytes = self.bytes()?;
        if !Text::is_plain(bytes) {
            check_text(bytes, self.left())?;
        }
        Ok(Text::checked(bytes))
    }
}

/// Checks a string that is not plain ASCII; `left` bytes of the packet follow it.
#[cold]
#[inline(never)]
pub(crate) fn check_text(bytes: &[u8], left: usize) -> Result<(), Fault> {
    match Text::check(bytes) {
        Ok(_) => Ok(()),
        Err((rule, at)) => Err(Fault {
            reason: ReasonCode::MALFORMED_PACKET,
            rule,
            left: left.wrapping_add(bytes.len().wrapping_sub(at)),
        }),
    }
}

/// A variable byte integer of more than one byte, and what follows it; `left` bytes of the packet begin with it.
#[cold]
#[inline(never)]
fn long_varint(bytes: &[u8], left: usize) -> Result<(u32, &[u8]), Fault> {
    let fault = |rule| Fault { reason: ReasonCode::MALFORMED_PACKET, rule, left };
    match varint(bytes) {
        Varint::Whole { value, rest } => Ok((value, rest)),
        Varint::Partial => Err(fault(Rule::REMAINING_LENGTH)),
        Varint::Invalid(rule) => Err(fault(rule)),
    }
}

/// What stands at the front of some bytes, read as a variable byte integer.
pub(crate) enum Varint<'a> {
    Whole { value: u32, rest: &'a [u8] },
    Partial,
    Invalid(Rule),
}

/// Reads a variable byte integer of one to four bytes (section 1.5.5).
#[inline]
pub(crate) fn varint(bytes: &[u8]) -> Varint<'_> {
    let part = |byte: u8, shift: u32| u32::from(byte & 0x7F) << shift;
    let (value, last, rest) = match bytes {
        [a @ ..0x80, rest @ ..] => return Varint::Whole { value: u32::from(*a), rest },
        [a, b @ ..0x80, rest @ ..] => (part(*a, 0) | part(*b, 7), *b, rest),
        [a, b, c @ ..0x80, rest @ ..] => (part(*a, 0) | part(*b, 7) | part(*c, 14), *c, rest),
        [a, b, c, d @ ..0x80, rest @ ..] => (part(*a, 0) | part(*b, 7) | part(*c, 14) | part(*d, 21), *d, rest),
        [_, _, _, _, ..] => return Varint::Invalid(Rule::VARINT_LENGTH),
        _ => return Varint::Partial,
    };
    // [MQTT-1.5.5-1]: a last byte of zero adds nothing.
    if last == 0 { Varint::Invalid(Rule::VARINT_MINIMAL) } else { Varint::Whole { value, rest } }
}

/// Writes a packet's fields front to back, or only counts them.
///
/// Counting is writing to nowhere, so that length and bytes cannot disagree. A count stops at `usize::MAX`, which no packet
/// may have: slices of items that borrow the same bytes can describe more than an address space holds.
pub(crate) struct Writer<'b> {
    room: &'b mut [u8],
    written: usize,
}

impl Writer<'_> {
    /// Whether there is no room, so that this only counts.
    #[inline]
    pub(crate) fn counts(&self) -> bool {
        self.room.is_empty()
    }

    /// Counts bytes that are known to follow.
    #[inline]
    pub(crate) fn skip(&mut self, len: usize) {
        self.written = add(self.written, len);
    }
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

    /// How many bytes have been written or counted.
    #[inline]
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// Room for the next `len` bytes, which are then written.
    #[inline]
    pub(crate) fn part(&mut self, len: usize) -> &'b mut [u8] {
        self.skip(len);
        match mem::take(&mut self.room).split_at_mut_checked(len) {
            Some((part, rest)) => {
                self.room = rest;
                part
            }
            None => &mut [],
        }
    }

    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.written = add(self.written, bytes.len());
        if let Some((taken, rest)) = mem::take(&mut self.room).split_at_mut_checked(bytes.len()) {
            copy(taken, bytes);
            self.room = rest;
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self, value: u8) {
        self.written = add(self.written, 1);
        if let Some((first, rest)) = mem::take(&mut self.room).split_first_mut() {
            *first = value;
            self.room = rest;
        }
    }

    #[inline]
    pub(crate) fn u16(&mut self, value: u16) {
        self.chunk(value.to_be_bytes());
    }

    #[inline]
    pub(crate) fn chunk<const N: usize>(&mut self, bytes: [u8; N]) {
        self.written = add(self.written, N);
        if let Some((first, rest)) = mem::take(&mut self.room).split_first_chunk_mut() {
            *first = bytes;
            self.room = rest;
        }
    }

    /// A variable byte integer; `value` is at most [`VARINT_MAX`].
    #[inline]
    pub(crate) fn varint(&mut self, value: u32) {
        let part = |shift: u32| (value >> shift) as u8 | 0x80;
        match value {
            0..0x80 => self.u8(value as u8),
            0x80..0x4000 => self.chunk([part(0), (value >> 7) as u8]),
            0x4000..0x20_0000 => self.chunk([part(0), part(7), (value >> 14) as u8]),
            _ => self.chunk([part(0), part(7), part(14), (value >> 21) as u8]),
        }
    }

    /// A byte, then binary data, which is at most 65,535 bytes long.
    #[inline]
    pub(crate) fn tagged_bytes(&mut self, tag: u8, bytes: &[u8]) {
        let [high, low] = (bytes.len() as u16).to_be_bytes();
        self.chunk([tag, high, low]);
        self.put(bytes);
    }

    /// Binary data, which is at most 65,535 bytes long.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.u16(bytes.len() as u16);
        self.put(bytes);
    }
}

/// Adds to a count, which stops at its end where an address space is small enough to be filled by items that borrow the same
/// bytes again and again.
#[inline]
const fn add(count: usize, more: usize) -> usize {
    if size_of::<usize>() > 4 { count.wrapping_add(more) } else { count.saturating_add(more) }
}

/// Copies bytes to room for as many.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    if size_of::<usize>() > 4 {
        // The comparison spares the panic of `copy_from_slice`.
        if to.len() == from.len() {
            to.copy_from_slice(from);
        }
    } else {
        copy_words(&mut (to, from));
    }
}

/// Copies word by word wherever the words begin, since the `memcpy` of bare metal goes byte by byte when a string is short or
/// begins elsewhere in a word than its copy. Both slices come in memory, so that they could overlap as far as the compiler
/// knows: else it would see a `memcpy` in these loops too.
#[inline(never)]
fn copy_words((to, from): &mut (&mut [u8], &[u8])) {
    let (to, to_tail) = to.as_chunks_mut::<4>();
    let (from, from_tail) = from.as_chunks::<4>();
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to_tail.iter_mut().zip(from_tail).for_each(|(to, from)| *to = *from);
}

/// How many bytes `put` writes.
#[inline]
pub(crate) fn counted(put: impl FnOnce(&mut Writer<'_>)) -> usize {
    let mut counter = Writer::count();
    put(&mut counter);
    counter.written()
}

/// Writes with a writer that is at hand.
#[inline]
pub(crate) fn written(mut writer: Writer<'_>, put: impl FnOnce(&mut Writer<'_>)) {
    put(&mut writer);
}

/// How many bytes a variable byte integer takes.
#[inline]
pub(crate) fn varint_len(value: usize) -> usize {
    match value {
        0..=0x7F => 1,
        0x80..=0x3FFF => 2,
        0x4000..=0x1F_FFFF => 3,
        _ => 4,
    }
}

/// Refuses binary data that its two bytes of length cannot describe.
#[inline]
pub(crate) fn fits_u16(bytes: &[u8]) -> Result<(), Rule> {
    if bytes.len() <= usize::from(u16::MAX) { Ok(()) } else { Err(Rule::BINARY_LENGTH) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<u32, Rule> {
        Reader::new(bytes).varint().map_err(|fault| fault.rule)
    }

    #[test]
    fn mqtt_1_5_5_1_variable_byte_integers_use_the_shortest_form() {
        for (value, bytes) in [
            (0, &[0x00][..]),
            (127, &[0x7F]),
            (128, &[0x80, 0x01]),
            (16_383, &[0xFF, 0x7F]),
            (16_384, &[0x80, 0x80, 0x01]),
            (2_097_151, &[0xFF, 0xFF, 0x7F]),
            (2_097_152, &[0x80, 0x80, 0x80, 0x01]),
            (268_435_455, &[0xFF, 0xFF, 0xFF, 0x7F]),
        ] {
            let mut out = [0; 5];
            let mut writer = Writer::new(&mut out);
            writer.varint(value);
            let len = writer.written();
            assert_eq!(&out[..len], bytes);
            assert_eq!(len, varint_len(value as usize));
            assert_eq!(read(bytes), Ok(value));
        }
        for padded in [&[0x80, 0x00][..], &[0xFF, 0x00], &[0x81, 0x80, 0x00], &[0x80, 0x80, 0x80, 0x00]] {
            assert_eq!(read(padded), Err(Rule::VARINT_MINIMAL), "{padded:02x?}");
        }
        assert_eq!(read(&[0xFF, 0xFF, 0xFF, 0xFF, 0x01]), Err(Rule::VARINT_LENGTH));
        assert_eq!(read(&[0x80]), Err(Rule::REMAINING_LENGTH));
    }

    #[test]
    fn a_writer_without_room_counts_what_one_with_room_writes() {
        let fill = |writer: &mut Writer<'_>| {
            writer.u8(1);
            writer.u16(2);
            writer.chunk([0, 0, 0, 3]);
            writer.bytes(b"four");
            writer.varint(500);
        };
        let mut count = Writer::count();
        fill(&mut count);
        let mut out = [0; 15];
        let mut writer = Writer::new(&mut out);
        fill(&mut writer);
        assert_eq!(count.written(), 15);
        assert_eq!(out, [1, 0, 2, 0, 0, 0, 3, 0, 4, b'f', b'o', b'u', b'r', 0xF4, 0x03]);
    }

    #[test]
    #[cfg(not(target_pointer_width = "64"))]
    fn a_count_past_the_address_space_is_too_long_for_any_packet() {
        let mut counter = Writer::count();
        counter.skip(usize::MAX - 1);
        counter.u8(0);
        counter.bytes(b"more");
        counter.chunk([0; 4]);
        assert_eq!(counter.written(), usize::MAX);
    }

    #[test]
    fn bytes_are_copied_alike_word_by_word() {
        let bytes: [u8; 40] = core::array::from_fn(|at| at as u8 + 1);
        for start in 0..8 {
            for len in 0..=bytes.len() - 8 {
                let from = &bytes[start..start + len];
                let (mut by_words, mut by_length) = ([0; 48], [0; 48]);
                copy_words(&mut (&mut by_words[8 - start..8 - start + len], from));
                copy(&mut by_length[8 - start..8 - start + len], from);
                assert_eq!(by_words[8 - start..8 - start + len], *from);
                assert_eq!(by_words, by_length);
            }
        }
    }
}
