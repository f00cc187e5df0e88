//! Many bytes in one step: looking for what is special in a text, and copying. Whatever is written with an eye on the machine's
//! registers stands here.

/// Whether this byte is special: zero, not ASCII or, in topics, one of the wildcards `+` (0x2B) and `#` (0x23), which differ in one bit.
#[inline(always)]
fn is_special(byte: u8, in_topic: bool) -> bool {
    byte.cast_signed() <= 0 || in_topic && byte & !0x08 == b'#'
}

/// Whether no byte is special.
///
/// Out of line on 64 bits: inlined, it is seldom made of vectors (a PUBLISH with properties took 780 instructions to decode, not 760).
#[cfg_attr(target_pointer_width = "64", inline(never))]
#[cfg_attr(not(target_pointer_width = "64"), inline)]
pub(crate) fn none_special<const IN_TOPIC: bool>(bytes: &[u8]) -> bool {
    if usize::BITS <= 32 {
        return no_special_word::<IN_TOPIC>(bytes);
    }
    // No way out between: of 8 and of 16 bytes the compiler makes one comparison in a vector register.
    let none = |bytes: &[u8]| !bytes.iter().fold(false, |any, &byte| any | is_special(byte, IN_TOPIC));
    if let Some(last) = bytes.last_chunk::<16>() {
        let (blocks, tail) = bytes.as_chunks::<16>();
        // The last block overlaps the one before it.
        return blocks.iter().all(|block| none(block)) && (tail.is_empty() || none(last));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return none(first) & none(last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return none(first) & none(last);
    }
    let [first, rest @ ..] = bytes else { return true };
    none(&[*first, *rest.first().unwrap_or(first), *rest.last().unwrap_or(first)])
}

/// As [`none_special`], where there are no vector registers: a machine word at a time.
fn no_special_word<const IN_TOPIC: bool>(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else { return !bytes.iter().any(|&byte| is_special(byte, IN_TOPIC)) };
    let none = |word| special_in_word(usize::from_ne_bytes(word), IN_TOPIC) == 0;
    let (words, tail) = bytes.as_chunks();
    // The last word overlaps the one before it.
    words.iter().all(|word| none(*word)) && (tail.is_empty() || none(*last))
}

/// Sets the high bit of the lowest special byte of a word and, of the bytes above it, of some that are not special.
fn special_in_word(word: usize, in_topic: bool) -> usize {
    const ONES: usize = usize::MAX / 0xFF;
    // Taking one from each byte borrows into the high bit only where a byte was zero (or had it set already).
    let mut special = word.wrapping_sub(ONES) | word;
    if in_topic {
        special |= ((word | (ONES * 0x08)) ^ (ONES * 0x2B)).wrapping_sub(ONES);
    }
    special & (ONES * 0x80)
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
    debug_assert_eq!(to.len(), from.len(), "the room has been asked for by length");
    if to.len() != from.len() {
        return; // It spares the checks below, and the panic of `copy_from_slice`.
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
    use std::vec;

    #[test]
    fn a_byte_is_as_special_as_a_word_of_it() {
        for byte in 0..=u8::MAX {
            for in_topic in [false, true] {
                let word = usize::from_ne_bytes([byte; size_of::<usize>()]);
                assert_eq!(is_special(byte, in_topic), special_in_word(word, in_topic) != 0, "{byte:#x} {in_topic}");
            }
        }
    }

    #[test]
    fn both_ways_to_look_see_a_special_byte_wherever_it_stands() {
        for len in 0..40 {
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![0x7F; len];
                    bytes[at] = byte;
                    let (plain, in_topic) = (!is_special(byte, false), !is_special(byte, true));
                    assert_eq!(none_special::<false>(&bytes), plain, "{len} {at} {byte:#x}");
                    assert_eq!(no_special_word::<false>(&bytes), plain, "{len} {at} {byte:#x}");
                    assert_eq!(none_special::<true>(&bytes), in_topic, "{len} {at} {byte:#x}");
                    assert_eq!(no_special_word::<true>(&bytes), in_topic, "{len} {at} {byte:#x}");
                }
            }
        }
    }
}
