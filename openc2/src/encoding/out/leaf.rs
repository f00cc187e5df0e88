//! Values without parts: numbers, bytes and what spells them.

use super::Writer;
use crate::Form;
use crate::encoding::error::LanguageRule;
use crate::encoding::number::{self, Number};
use crate::encoding::source::Numeral;

impl Writer<'_> {
    /// True or false.
    pub fn boolean(&mut self, value: bool) {
        match (value, self.json()) {
            (true, true) => self.put(b"true"),
            (false, true) => self.put(b"false"),
            (value, false) => self.put(&[0xF4 | u8::from(value)]),
        }
    }

    /// An integer.
    pub fn integer(&mut self, value: u64) {
        self.require(value <= number::MAX_INTEGER, LanguageRule::NumberRange);
        self.unsigned(value);
    }

    fn unsigned(&mut self, value: u64) {
        if !self.json() {
            return self.head(0, value);
        }
        let mut digits = [0u8; 20];
        let mut rest = value;
        let mut start = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0' | (rest % 10) as u8;
            rest /= 10;
            start = start.saturating_sub(1);
            if rest == 0 {
                break;
            }
        }
        self.put(digits.get(start..).unwrap_or_default());
    }

    /// Digits of which so many are places behind the point.
    fn decimal(&mut self, digits: u64, places: u32) {
        let mut spelled = [0u8; 48];
        let (mut rest, mut start) = (digits, spelled.len());
        for (place, digit) in (0u32..).zip(spelled.iter_mut().rev()) {
            start = start.saturating_sub(1);
            if place == places && places > 0 {
                *digit = b'.';
                continue;
            }
            *digit = b'0' | (rest % 10) as u8;
            rest /= 10;
            if rest == 0 && (place > places || places == 0) {
                break;
            }
        }
        self.put(spelled.get(start..).unwrap_or_default());
    }

    /// A number: an integer if it is one, except that the concise form always has a double (JADN s4.4).
    pub fn number(&mut self, value: Number) {
        match (value.integer(), self.style.form) {
            (Some(integer), Form::Json | Form::Cbor) => self.unsigned(integer),
            (None, Form::Json) => {
                let (digits, exponent) = value.parts();
                if exponent < 0 {
                    self.decimal(digits, u32::from(exponent.unsigned_abs()));
                } else {
                    self.unsigned(digits);
                    (0..exponent).for_each(|_| self.put(b"0"));
                }
            }
            _ => self.double(value.to_f64()),
        }
    }

    fn double(&mut self, value: f64) {
        self.byte(0xFB);
        self.put(&value.to_be_bytes());
    }

    /// Bytes: a byte string of CBOR, of this length, which is refused in JSON, and if there are more or fewer of them.
    pub fn bytes(&mut self, length: usize, bytes: impl Iterator<Item = u8>) {
        self.require(!self.json(), LanguageRule::WantText);
        self.head(2, length as u64);
        let end = self.at.saturating_add(length);
        for byte in bytes {
            self.put(&[byte]);
        }
        self.require(self.at == end, LanguageRule::WantBinary);
    }

    /// Bytes as a string in upper-case hexadecimal (RFC 4648 s8), with something between them.
    pub(crate) fn hex(&mut self, length: usize, bytes: impl Iterator<Item = u8>, between: &str) {
        let gaps = length.saturating_sub(1).saturating_mul(between.len());
        self.quote(length.saturating_mul(2).saturating_add(gaps));
        for (index, byte) in bytes.enumerate() {
            if index > 0 {
                self.put(between.as_bytes());
            }
            self.put(&[hex(byte >> 4), hex(byte & 15)]);
        }
        self.unquote();
    }

    /// Bytes as a string in base64url without padding (RFC 4648 s5).
    pub(crate) fn base64(&mut self, length: usize, mut bytes: impl Iterator<Item = u8>) {
        self.quote(length.saturating_mul(4).div_ceil(3));
        while let Some(one) = bytes.next() {
            let (two, three) = (bytes.next(), bytes.next());
            let group = [one, two.unwrap_or(0), three.unwrap_or(0)];
            let bits = group.iter().fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
            let count = 2 + usize::from(two.is_some()) + usize::from(three.is_some());
            for shift in [18u32, 12, 6, 0].into_iter().take(count) {
                self.put(&[base64((bits >> shift) & 63)]);
            }
        }
        self.unquote();
    }

    pub(super) fn numeral(&mut self, numeral: Numeral<'_>) {
        match (numeral, self.json()) {
            (Numeral::Integer { negative: false, magnitude }, _) => self.unsigned(magnitude),
            (Numeral::Integer { negative: true, magnitude }, true) => {
                self.put(b"-");
                self.unsigned(magnitude);
            }
            // Minus zero is zero: CBOR's negative integers begin at -1.
            (Numeral::Integer { magnitude: 0, .. }, false) => self.head(0, 0),
            (Numeral::Integer { magnitude, .. }, false) => self.head(1, magnitude.saturating_sub(1)),
            (Numeral::Decimal(span), true) => self.put(span.as_bytes()),
            (Numeral::Decimal(span), false) => match number::double(span) {
                Some(value) => self.double(value),
                None => self.refuse(LanguageRule::NumberRange),
            },
            (Numeral::Double(value), false) => self.double(value),
            (Numeral::Double(value), true) => match number::shortest(value) {
                Some((digits, places)) => {
                    if value < 0.0 {
                        self.put(b"-");
                    }
                    self.decimal(digits, places);
                }
                None => self.refuse(LanguageRule::NumberRange),
            },
        }
    }
}

pub(super) const fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' | digit } else { b'A'.wrapping_add(digit.wrapping_sub(10)) }
}

fn base64(six: u32) -> u8 {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    ALPHABET.get(six as usize).copied().unwrap_or(b'A')
}
