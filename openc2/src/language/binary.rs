//! Bytes, as several targets have them: as they stand, spelled, and hashes.

use core::fmt;

use crate::encoding::error::LanguageRule;
use crate::encoding::out::Writer;
use crate::encoding::source::{Kind, Reader, Shape};
use crate::encoding::text::Str;
use crate::encoding::value::{Value, Write};
use crate::language::vocabulary::HashKey;

/// Bytes as they stand: a byte string, or text that spells them (LS1 s3.1.1, type Binary).
#[derive(Clone, Copy)]
pub struct Binary<'a>(Spelling<'a>);

#[derive(Clone, Copy)]
enum Spelling<'a> {
    Bytes(&'a [u8]),
    Hex(Str<'a>),
    Base64(Str<'a>),
}

impl<'a> Binary<'a> {
    /// Bytes of the caller's.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(Spelling::Bytes(bytes))
    }

    /// Hexadecimal digits, of either case, in pairs (RFC 4648 s8).
    pub fn from_hex(text: Str<'a>) -> Option<Self> {
        let whole = match text.as_plain() {
            Some(plain) => plain.len().is_multiple_of(2) && all(plain.as_bytes(), |byte| byte.is_ascii_hexdigit()),
            None => text.chars().all(|c| c.is_ascii_hexdigit()) && text.len().is_multiple_of(2),
        };
        whole.then_some(Self(Spelling::Hex(text)))
    }

    /// Base64url, padded or not (RFC 4648 s5).
    pub fn from_base64(text: Str<'a>) -> Option<Self> {
        let (digits, padding, last) = match text.as_plain() {
            Some(plain) => {
                let digits = plain.trim_end_matches('=');
                let padding = plain.len().wrapping_sub(digits.len());
                let digits = digits.as_bytes();
                let is_digit = |byte: u8| byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'_');
                all(digits, is_digit).then_some(())?;
                (digits.len(), padding, digits.last().and_then(|last| sextet(char::from(*last))).unwrap_or(0))
            }
            None => spelled_out(text)?,
        };
        let whole = match digits % 4 {
            0 => padding == 0,
            2 => matches!(padding, 0 | 2) && last & 15 == 0,
            3 => matches!(padding, 0 | 1) && last & 3 == 0,
            _ => false,
        };
        whole.then_some(Self(Spelling::Base64(text)))
    }

    /// How many bytes they are.
    pub fn len(&self) -> usize {
        match self.0 {
            Spelling::Bytes(bytes) => bytes.len(),
            Spelling::Hex(text) => text.len() / 2,
            Spelling::Base64(text) => match text.as_plain() {
                Some(plain) => plain.trim_end_matches('=').len().saturating_mul(3) / 4,
                None => text.chars().filter(|c| *c != '=').count().saturating_mul(3) / 4,
            },
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, one by one.
    pub fn iter(&self) -> impl Iterator<Item = u8> + use<'a> {
        let (bytes, mut text, base) = match self.0 {
            Spelling::Bytes(bytes) => (bytes, Str::EMPTY.chars(), 0),
            Spelling::Hex(text) => (&[][..], text.chars(), 4),
            Spelling::Base64(text) => (&[][..], text.chars(), 6),
        };
        let mut kept = 0u32;
        let mut bits = 0u32;
        let spelled = core::iter::from_fn(move || {
            while bits < 8 {
                let c = text.next()?;
                let digit = if base == 4 { c.to_digit(16)? } else { sextet(c)? };
                kept = (kept << base) | digit;
                bits = bits.wrapping_add(base);
            }
            bits = bits.wrapping_sub(8);
            Some((kept >> bits) as u8)
        });
        bytes.iter().copied().chain(spelled)
    }
}

/// Whether each byte is of a kind, looked at in blocks: most are.
fn all(bytes: &[u8], is: impl Fn(u8) -> bool + Copy) -> bool {
    bytes.chunks(64).all(|block| block.iter().fold(true, |all, byte| all & is(*byte)))
}

/// How many digits of base64url a text with escapes has, how much padding, and the value of its last digit.
#[cold]
fn spelled_out(text: Str<'_>) -> Option<(usize, usize, u32)> {
    let (mut digits, mut padding, mut last) = (0usize, 0usize, 0u32);
    for c in text.chars() {
        match sextet(c) {
            Some(bits) if padding == 0 => {
                last = bits;
                digits = digits.wrapping_add(1);
            }
            None if c == '=' => padding = padding.wrapping_add(1),
            _ => return None,
        }
    }
    Some((digits, padding, last))
}

/// The value of a digit of base64url.
const fn sextet(c: char) -> Option<u32> {
    let code = c as u32;
    match c {
        'A'..='Z' => Some(code.wrapping_sub('A' as u32)),
        'a'..='z' => Some(code.wrapping_sub('a' as u32).wrapping_add(26)),
        '0'..='9' => Some(code.wrapping_sub('0' as u32).wrapping_add(52)),
        '-' => Some(62),
        '_' => Some(63),
        _ => None,
    }
}

impl PartialEq for Binary<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Binary<'_> {}

impl fmt::Debug for Binary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// Hashes of a file's or artifact's bytes (LS1 s3.4.2.5): at least one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hashes<'a> {
    /// MD5, 16 bytes.
    pub md5: Option<Binary<'a>>,
    /// SHA-1, 20 bytes.
    pub sha1: Option<Binary<'a>>,
    /// SHA-256, 32 bytes.
    pub sha256: Option<Binary<'a>>,
}

impl<'a> Value<'a> for Hashes<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self { md5: None, sha1: None, sha256: None }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        while let Some(key) = members.only(r, LanguageRule::UnknownKey) {
            let (slot, length) = match key {
                HashKey::Md5 => (&mut self.md5, 16),
                HashKey::Sha1 => (&mut self.sha1, 20),
                HashKey::Sha256 => (&mut self.sha256, 32),
            };
            let at = r.at;
            let hash = match r.kind() {
                Kind::Bytes => Some(Binary::new(r.bytes())),
                _ => Binary::from_hex(r.text_unless_concise(LanguageRule::WantBinary)),
            };
            *slot = hash.filter(|hash| hash.len() == length);
            r.require(slot.is_some(), at, LanguageRule::Hash);
        }
        members.filled(r, LanguageRule::EmptyTarget);
    }
}

impl Write for Hashes<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        let fields = [(HashKey::Md5, self.md5, 16), (HashKey::Sha1, self.sha1, 20), (HashKey::Sha256, self.sha256, 32)];
        out.require(fields.iter().any(|(_, hash, _)| hash.is_some()), LanguageRule::EmptyTarget);
        for (key, hash, length) in fields {
            let Some(hash) = hash else { continue };
            out.require(hash.len() == length, LanguageRule::Hash);
            out.field(&mut frame, key);
            if out.concise() { out.bytes(hash.len(), hash.iter()) } else { out.hex(hash.len(), hash.iter(), "") }
        }
        out.close(frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_spelled_in_three_ways() {
        let bytes = Binary::new(&[0x00, 0xFB, 0xFF, 0x10]);
        assert_eq!(Binary::from_hex(Str::new("00fbFF10")), Some(bytes));
        assert_eq!(Binary::from_base64(Str::new("APv_EA")), Some(bytes));
        assert_eq!(Binary::from_base64(Str::new("APv_EA==")), Some(bytes));
        assert_eq!(Binary::from_base64(Str::new("APv_EA==")).map(|binary| binary.len()), Some(4));
        for bad in ["0", "0g", "é0"] {
            assert_eq!(Binary::from_hex(Str::new(bad)), None, "{bad}");
        }
        for bad in ["A", "APv/EA", "APv_EA=", "AP=v", "AB", "APv_EA===", "===="] {
            assert_eq!(Binary::from_base64(Str::new(bad)), None, "{bad}");
        }
    }
}
