//! The data types of section 1.5 on the wire: integers, variable byte integers, strings and binary data.

mod reader;
mod writer;

use crate::Rule;

pub(crate) use reader::{Fault, Reader};
pub(crate) use writer::Writer;

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
