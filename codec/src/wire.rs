//! The data types of section 1.5 on the wire: integers, variable byte integers, strings and binary data.

use core::mem;

use crate::word::{copy, copy_blocks};
use crate::{Error, ReasonCode, Rule};

/// The greatest variable byte integer.
pub(crate) const VARINT_MAX: u32 = 268_435_455;

/// Takes a byte from the front of `rest`. Here and below: `None`, and nothing taken, when `rest` ends before.
#[inline]
pub(crate) fn u8(rest: &mut &[u8]) -> Option<u8> {
    let (&byte, after) = rest.split_first()?;
    *rest = after;
    Some(byte)
}

/// Takes a two byte integer.
#[inline]
pub(crate) fn u16(rest: &mut &[u8]) -> Option<u16> {
    let (&bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u16::from_be_bytes(bytes))
}

/// Takes a four byte integer.
#[inline]
pub(crate) fn u32(rest: &mut &[u8]) -> Option<u32> {
    let (&bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_be_bytes(bytes))
}

/// Takes the next `len` bytes.
#[inline]
pub(crate) fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(taken)
}

/// Takes binary data: two bytes of length, then the bytes.
#[inline]
pub(crate) fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (&len, after) = rest.split_first_chunk()?;
    let (taken, after) = after.split_at_checked(usize::from(u16::from_be_bytes(len)))?;
    *rest = after;
    Some(taken)
}

/// Takes a variable byte integer of one to four bytes (section 1.5.5). [`varint_fault`] says why there is none.
#[inline]
pub(crate) fn varint(rest: &mut &[u8]) -> Option<u32> {
    match *rest {
        [byte @ ..0x80, after @ ..] => {
            *rest = after;
            Some(u32::from(*byte))
        }
        [first, second @ 1..0x80, after @ ..] => {
            *rest = after;
            Some(u32::from(*first & 0x7F) | u32::from(*second) << 7)
        }
        // The length of a packet of 16 KiB and more: worth its place where there is flash.
        [first, second, third @ 1..0x80, after @ ..] if usize::BITS > 32 && *second >= 0x80 => {
            *rest = after;
            Some(u32::from(*first & 0x7F) | u32::from(*second & 0x7F) << 7 | u32::from(*third) << 14)
        }
        _ => {
            let (value, after) = long_varint(rest)?;
            *rest = after;
            Some(value)
        }
    }
}

/// As [`varint`], of any length; gives what follows.
#[inline(never)]
fn long_varint(mut bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (mut value, mut shift) = (0, 0u32);
    while shift < 28 {
        let byte = u8(&mut bytes)?;
        value |= u32::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            // [MQTT-1.5.5-1]: a last byte of zero adds nothing.
            return if byte == 0 && shift != 0 { None } else { Some((value, bytes)) };
        }
        shift = shift.wrapping_add(7);
    }
    None
}

/// What is wrong with bytes that [`varint`] refuses; nothing is when they only end too soon.
#[cold]
pub(crate) fn varint_fault(bytes: &[u8]) -> Option<Rule> {
    match bytes.iter().take(4).position(|&byte| byte < 0x80) {
        Some(_) => Some(Rule::VARINT_MINIMAL),
        None if bytes.len() < 4 => None,
        None => Some(Rule::VARINT_LENGTH),
    }
}

/// What is wrong with a packet, from which byte on.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) reason: ReasonCode,
    pub(crate) rule: Rule,
    /// How many bytes of the packet remain from the offending byte on.
    pub(crate) left: usize,
}

impl Fault {
    /// The error of the packet around a body.
    #[cold]
    #[inline(never)]
    fn in_frame(self, body: usize) -> Error {
        let total = body.saturating_add(1).saturating_add(varint_len(body));
        Error { reason: self.reason, rule: self.rule, at: total.saturating_sub(self.left) }
    }
}

/// Reads a packet's fields front to back. It never reads past its end, and knows where it is for errors.
///
/// A method that returns `None` has left the reader where the fault is, and what is wrong in it.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// How many bytes of the packet follow the end of `rest`.
    after: usize,
    /// What is wrong; as long as nothing is, what will be if `rest` ends within a field.
    rule: Rule,
    reason: ReasonCode,
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self::part(bytes, 0, Rule::REMAINING_LENGTH)
    }

    /// Reads a part of a packet, which `after` more bytes follow, and which breaks `rule` when it ends within a field.
    #[inline]
    pub(crate) fn part(bytes: &'a [u8], after: usize, rule: Rule) -> Self {
        Self { rest: bytes, after, rule, reason: ReasonCode::MALFORMED_PACKET }
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

    /// What is wrong.
    #[inline]
    pub(crate) fn rule(&self) -> Rule {
        self.rule
    }

    /// From here on the packet breaks `rule` when it ends within a field.
    #[inline]
    pub(crate) fn ends_against(&mut self, rule: Rule) {
        self.rule = rule;
    }

    /// A fault at the byte from which on `left` bytes of the packet remain.
    #[inline]
    pub(crate) fn refuse<T>(&mut self, left: usize, reason: ReasonCode, rule: Rule) -> Option<T> {
        self.note(Fault { reason, rule, left });
        None
    }

    /// Stands where the fault is. (Inlined where there are registers, so that a reader need not be in memory.)
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn note(&mut self, Fault { reason, rule, left }: Fault) {
        (self.rest, self.after, self.reason, self.rule) = (&[], left, reason, rule);
    }

    #[inline]
    pub(crate) fn malformed<T>(&mut self, left: usize, rule: Rule) -> Option<T> {
        self.refuse(left, ReasonCode::MALFORMED_PACKET, rule)
    }

    #[inline]
    pub(crate) fn protocol_error<T>(&mut self, left: usize, rule: Rule) -> Option<T> {
        self.refuse(left, ReasonCode::PROTOCOL_ERROR, rule)
    }

    /// The fault, of a packet with this body. (In parts, so that a reader need not be in memory.)
    #[inline]
    pub(crate) fn error(&self, body: &[u8]) -> Error {
        Fault { reason: self.reason, rule: self.rule, left: self.left() }.in_frame(body.len())
    }

    /// Takes note of what a check has found.
    #[inline]
    pub(crate) fn checked(&mut self, check: Result<(), Fault>) -> Option<()> {
        match check {
            Ok(()) => Some(()),
            Err(fault) => {
                self.note(fault);
                None
            }
        }
    }

    /// Reads what repeats up to the end, by a copy: nobody has its address, so it can be in registers.
    #[inline(always)]
    pub(crate) fn each(&mut self, read: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        let mut copy = *self;
        let mut read_all = Some(());
        while read_all.is_some() && !copy.is_empty() {
            read_all = read(&mut copy);
        }
        *self = copy;
        read_all
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Option<u8> {
        u8(&mut self.rest)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Option<u16> {
        u16(&mut self.rest)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Option<u32> {
        u32(&mut self.rest)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Option<u32> {
        varint(&mut self.rest).or_else(|| {
            self.rule = varint_fault(self.rest).unwrap_or(self.rule);
            None
        })
    }

    /// A reason code that a packet among the carriers `by` may carry; `rule` says which.
    #[inline]
    pub(crate) fn reason(&mut self, by: u16, rule: Rule) -> Option<ReasonCode> {
        let start = self.left();
        match ReasonCode::carried(self.u8()?, by) {
            None => self.protocol_error(start, rule),
            reason => reason,
        }
    }

    /// The next `len` bytes as they are.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        take(&mut self.rest, len)
    }

    /// Binary data: two bytes of length, then the bytes.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        bytes(&mut self.rest).or_else(|| {
            self.u16(); // One that is cut short is cut short behind its length.
            None
        })
    }
}

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
            write(&mut Writer::new(room));
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
            return None; // Looked at first, so that the room is not taken and put back.
        }
        let (part, rest) = mem::take(&mut self.room).split_at_mut_checked(len)?;
        self.room = rest;
        Some(part)
    }

    /// Bytes as they are. They come by a reference to where the slice is, so that they could overlap the room as far as the
    /// compiler knows: else it would make a call of `memcpy` of the loop over words, and that of bare metal goes byte by byte
    /// when a string is short or begins elsewhere in a word than its copy.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
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
            return;
        }
        if let Some((first, rest)) = mem::take(&mut self.room).split_first_chunk_mut() {
            *first = bytes;
            self.room = rest;
        }
    }

    /// A variable byte integer; `value` is at most [`VARINT_MAX`].
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn varint(&mut self, value: u32) {
        if value < 0x80 {
            self.u8(value as u8);
        } else {
            self.long_varint(value);
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
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
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn tagged_bytes(&mut self, tag: u8, bytes: &&[u8]) {
        let [high, low] = (bytes.len() as u16).to_be_bytes();
        if usize::BITS > 32 {
            return self.headed([tag, high, low], bytes);
        }
        self.chunk([tag, high, low]);
        self.put(bytes);
    }

    /// As [`bytes`](Self::bytes), and a byte behind.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
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
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn bytes(&mut self, bytes: &&[u8]) {
        if usize::BITS > 32 {
            return self.headed((bytes.len() as u16).to_be_bytes(), bytes);
        }
        self.u16(bytes.len() as u16);
        self.put(bytes);
    }
}

/// Adds to a count, which stops at its end where an address space is small enough to be filled by items that borrow the same
/// bytes again and again.
#[inline]
pub(crate) const fn add(count: usize, more: usize) -> usize {
    if usize::BITS > 32 { count.wrapping_add(more) } else { count.saturating_add(more) }
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
        let mut r = Reader::new(bytes);
        r.varint().ok_or_else(|| r.rule())
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
            writer.bytes(&&b"four"[..]);
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
        counter.bytes(&&b"more"[..]);
        counter.chunk([0; 4]);
        assert_eq!(counter.written(), usize::MAX);
    }

    #[test]
    fn bytes_are_copied_wherever_they_begin() {
        let bytes: [u8; 80] = core::array::from_fn(|at| at as u8 + 1);
        for start in 0..8 {
            for len in 0..=bytes.len() - 8 {
                let from = &bytes[start..start + len];
                let mut room = [0; 88];
                Writer::new(&mut room[8 - start..8 - start + len]).put(&from);
                assert_eq!(room[8 - start..8 - start + len], *from);
                assert!(room[..8 - start].iter().chain(&room[8 - start + len..]).all(|&byte| byte == 0));
            }
        }
    }
}
