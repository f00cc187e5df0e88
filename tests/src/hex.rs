//! Bytes as hexadecimal digits.

use core::fmt;

/// Text that is not pairs of hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotHex {
    /// This byte of it, counted from 0, is no digit.
    Digit(usize),
    /// The number of digits is odd.
    Odd,
}

impl fmt::Display for NotHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digit(at) => write!(f, "no hexadecimal digit at {at}"),
            Self::Odd => f.write_str("an odd number of hexadecimal digits"),
        }
    }
}

impl core::error::Error for NotHex {}

/// Replaces `bytes` by what the digits say, in either case.
///
/// # Errors
/// When they are not pairs of digits.
pub fn read(digits: &[u8], bytes: &mut Vec<u8>) -> Result<(), NotHex> {
    bytes.clear();
    bytes.reserve(digits.len() / 2);
    let (pairs, odd) = digits.as_chunks::<2>();
    for (index, &[high, low]) in pairs.iter().enumerate() {
        match (digit(high), digit(low)) {
            (Some(high), Some(low)) => bytes.push(high << 4 | low),
            (None, _) => return Err(NotHex::Digit(2 * index)),
            (_, None) => return Err(NotHex::Digit(2 * index + 1)),
        }
    }
    match odd {
        [] => Ok(()),
        [last, ..] if digit(*last).is_none() => Err(NotHex::Digit(digits.len() - 1)),
        _ => Err(NotHex::Odd),
    }
}

/// Appends the digits of `bytes`, in lower case.
pub fn write(bytes: &[u8], digits: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or_default();
    digits.extend(bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 0xF)]));
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_either_case_are_read_and_lower_case_is_written() {
        let mut bytes = vec![1, 2, 3];
        assert_eq!(read(b"00fFAb9", &mut bytes), Err(NotHex::Odd));
        assert_eq!(read(b"00fFAb90", &mut bytes), Ok(()));
        assert_eq!(bytes, [0x00, 0xFF, 0xAB, 0x90]);
        let mut digits = Vec::new();
        write(&bytes, &mut digits);
        assert_eq!(digits, b"00ffab90");
    }

    #[test]
    fn what_is_no_digit_is_told_by_its_place() {
        let mut bytes = Vec::new();
        for (digits, at) in [(&b"g0"[..], 0), (b"0g", 1), (b"00/", 2), (b"0000:0", 4), (b"00 0", 2)] {
            assert_eq!(read(digits, &mut bytes), Err(NotHex::Digit(at)));
        }
    }
}
