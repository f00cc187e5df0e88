//! Bytes a machine word at a time: looking for what is special in a text, and copying. Whatever is written with an eye on machine words
//! stands here.

/// Every byte 0x01, and every byte 0x80, of a machine word.
const ONES: usize = usize::MAX / 0xFF;
const HIGH_BITS: usize = ONES * 0x80;
const WORD: usize = size_of::<usize>();

/// Looks for special bytes in a machine word: zero, what is not ASCII and, in topics, the wildcards `+` (0x2B) and `#` (0x23),
/// which differ in one bit. The high bit of the lowest special byte is set and, of the bytes above it, of some that are not.
#[inline]
fn special(word: usize, in_topic: bool) -> usize {
    // Taking one from each byte borrows into the high bit only where a byte was zero (or had it set already).
    let mut special = word.wrapping_sub(ONES) | word;
    if in_topic {
        special |= ((word | (ONES * 0x08)) ^ (ONES * 0x2B)).wrapping_sub(ONES);
    }
    special & HIGH_BITS
}

/// Whether this byte is one of those that [`special`] looks for.
#[inline]
fn is_special(byte: u8, in_topic: bool) -> bool {
    byte.cast_signed() <= 0 || in_topic && byte & !0x08 == b'#'
}

/// Whether no byte is special.
#[inline]
pub(crate) fn none_special<const IN_TOPIC: bool>(bytes: &[u8]) -> bool {
    if bytes.len() < WORD {
        if WORD > 4 {
            return special(short(bytes), IN_TOPIC) == 0;
        }
        return !bytes.iter().any(|&byte| is_special(byte, IN_TOPIC));
    }
    let (words, tail) = bytes.as_chunks::<WORD>();
    for word in words {
        if special(usize::from_ne_bytes(*word), IN_TOPIC) != 0 {
            return false;
        }
    }
    // The last word overlaps the one before it.
    tail.is_empty() || bytes.last_chunk().is_some_and(|last| special(usize::from_ne_bytes(*last), IN_TOPIC) == 0)
}

/// The first byte that is special in a topic, with what is before and behind it.
#[inline]
pub(crate) fn first_special(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let marked = |word| special(word, true);
    let (mut at, mut rest) = (0usize, bytes);
    while let Some((word, after)) = rest.split_first_chunk::<WORD>() {
        let found = marked(usize::from_le_bytes(*word));
        if found != 0 {
            return split_around(bytes, at.wrapping_add(found.trailing_zeros() as usize / 8));
        }
        at = at.wrapping_add(WORD);
        rest = after;
    }
    if rest.is_empty() {
        return None;
    }
    let found = match bytes.last_chunk::<WORD>() {
        // The last word overlaps the one before it, in which nothing is special.
        Some(last) => {
            at = bytes.len().wrapping_sub(WORD);
            marked(usize::from_le_bytes(*last))
        }
        // Less than a word, filled up with letters.
        None => {
            let letters = (ONES * b'a' as usize).wrapping_shl(8 * rest.len() as u32);
            marked(rest.iter().rev().fold(0, |word, &byte| word << 8 | usize::from(byte)) | letters)
        }
    };
    if found == 0 { None } else { split_around(bytes, at.wrapping_add(found.trailing_zeros() as usize / 8)) }
}

#[inline]
fn split_around(bytes: &[u8], at: usize) -> Option<(&[u8], u8, &[u8])> {
    let (before, from) = bytes.split_at_checked(at)?;
    let (&byte, after) = from.split_first()?;
    Some((before, byte, after))
}

/// Less than a word, filled up with some of its bytes a second time or with letters.
#[inline]
fn short(bytes: &[u8]) -> usize {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (first, last) = (u32::from_ne_bytes(*first) as usize, u32::from_ne_bytes(*last) as usize);
        return first | last << (usize::BITS / 2); // Only where a word is eight bytes.
    }
    let letters = (ONES * b'a' as usize) & !0xFF_FFFF;
    match *bytes {
        [a, ref rest @ ..] => {
            let (b, c) = (rest.first().copied().unwrap_or(a), rest.last().copied().unwrap_or(a));
            letters | usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16
        }
        [] => ONES,
    }
}

/// Copies 16 bytes, word by word.
#[inline(always)]
fn copy_block(to: &mut [u8; 16], from: &[u8; 16]) {
    if let ([a, b, c, d], [e, f, g, h]) = (to.as_chunks_mut::<4>().0, from.as_chunks::<4>().0) {
        (*a, *b, *c, *d) = (*e, *f, *g, *h);
    }
}

/// Copies bytes to room for as many, in blocks where there is one at all.
#[inline(always)]
pub(crate) fn copy_blocks(to: &mut [u8], from: &[u8]) {
    let (Some(to_last), Some(last)) = (to.last_chunk_mut::<16>(), from.last_chunk()) else {
        return copy(to, from);
    };
    if from.len() & 15 != 0 {
        copy_block(to_last, last); // It overlaps the last block of the loop.
    }
    for (to, from) in to.as_chunks_mut().0.iter_mut().zip(from.as_chunks().0) {
        copy_block(to, from);
    }
}

/// Copies bytes to room for as many. Short strings are not worth a call of `memcpy`: they are two words that may overlap.
#[inline(always)]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    macro_rules! two {
        ($len:literal) => {
            if let (Some(first), Some(last)) = (from.first_chunk::<$len>(), from.last_chunk::<$len>()) {
                if let Some(to) = to.first_chunk_mut() {
                    *to = *first;
                }
                if let Some(to) = to.last_chunk_mut() {
                    *to = *last;
                }
                return;
            }
        };
    }
    if to.len() != from.len() {
        return; // Never: it spares checks and the panic of `copy_from_slice`.
    }
    // Elsewhere, what is that long is written in blocks.
    if usize::BITS > 32 {
        if from.len() > 32 {
            return to.copy_from_slice(from);
        }
        two!(16);
    }
    two!(8);
    two!(4);
    two!(2);
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_as_special_as_a_word_of_it() {
        for byte in 0..=u8::MAX {
            for in_topic in [false, true] {
                let word = ONES * usize::from(byte);
                assert_eq!(is_special(byte, in_topic), special(word, in_topic) != 0, "{byte:#x} {in_topic}");
            }
        }
    }
}
