//! Numbers that tell states apart: 128 bits, made from what a state hashes.

use core::hash::Hasher;

/// A hasher of two lanes, each a folded multiplication of its own. Not for input that somebody chooses to collide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(u64, u64);

/// The product of two numbers, its halves laid over each other.
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

impl Mark {
    pub(super) const fn new() -> Self {
        Self(0x2545_F491_4F6C_DD1D, 0x9E37_79B9_7F4A_7C15)
    }

    /// The number.
    pub(super) const fn number(self) -> u128 {
        let first = fold(self.0 ^ self.1.rotate_left(32), 0xD6E8_FEB8_6659_FD93);
        let second = fold(self.1 ^ self.0.rotate_left(17), 0xA076_1D64_78BD_642F);
        (first as u128) << 64 | second as u128
    }
}

impl Hasher for Mark {
    fn finish(&self) -> u64 {
        self.number() as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.write_u64(u64::from_le_bytes(last) ^ (bytes.len() as u64) << 56);
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = fold(self.0 ^ word, 0xE703_7ED1_A0B4_28DB).wrapping_add(self.1);
        self.1 = fold(self.1 ^ word.rotate_left(29), 0x8EBC_6AF0_9C88_C6E3) ^ self.0.rotate_left(23);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn what_differs_in_a_bit_or_in_its_parts_has_another_number() {
        let mut seen = HashSet::new();
        for length in 0..40 {
            for bit in 0..length * 8 + 1 {
                let mut bytes = vec![0u8; length];
                if let Some(byte) = bytes.get_mut(bit / 8) {
                    *byte = 1 << (bit % 8);
                }
                let mut mark = Mark::new();
                mark.write(&bytes);
                assert!(seen.insert(mark.number() as u64) && seen.insert((mark.number() >> 64) as u64));
            }
        }
    }
}
