//! UTF-8 strings (section 1.5.4): checked once, kept as bytes, read as `&str` when asked.

use core::fmt::Write as _;
use core::{fmt, str};

use crate::wire::{Fault, Reader};
use crate::word::none_special;
use crate::{ReasonCode, Rule};

/// A string that MQTT can carry: well-formed UTF-8 without U+0000, at most 65,535 bytes.
///
/// Checking is the dearest part of decoding, so it happens once, a machine word at a time for plain ASCII. What is kept
/// are the bytes; comparing them is free, and [`as_str`](Self::as_str) costs one more look at them.
///
/// ```
/// use mqtt5_codec::{Rule, Text};
/// let text = Text::new("naïve")?;
/// assert_eq!(text, "naïve");
/// assert_eq!(Text::new("a\0b"), Err(Rule::STRING_NUL));
/// # Ok::<(), Rule>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// The empty string.
    pub const EMPTY: Self = Self(&[]);

    /// A string that MQTT can carry. Costs one pass.
    ///
    /// # Errors
    /// [`Rule::STRING_NUL`] for U+0000, [`Rule::STRING_LENGTH`] for more than 65,535 bytes.
    pub fn new(text: &'a str) -> Result<Self, Rule> {
        let bytes = text.as_bytes();
        if Self::is_plain(bytes) && bytes.len() <= usize::from(u16::MAX) {
            return Ok(Self(bytes));
        }
        Self::new_in_full(text)
    }

    /// As [`new`](Self::new), with an eye for what is not plain. (Apart, so that the first look needs no memory.)
    #[cold]
    #[inline(never)]
    fn new_in_full(text: &'a str) -> Result<Self, Rule> {
        let bytes = text.as_bytes();
        if bytes.len() > usize::from(u16::MAX) {
            return Err(Rule::STRING_LENGTH);
        }
        if bytes.contains(&0) { Err(Rule::STRING_NUL) } else { Ok(Self(bytes)) }
    }

    /// Whether the bytes are ASCII without zero.
    pub(crate) fn is_plain(bytes: &[u8]) -> bool {
        none_special::<false>(bytes)
    }

    /// Wraps bytes that have been checked.
    pub(crate) const fn checked(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What is wrong with bytes as a string, and all that is left from there on.
    #[cold]
    pub(crate) fn fault(bytes: &[u8]) -> Option<(Rule, &[u8])> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            let Some(after) = without_character(rest) else {
                return Some((if first == 0 { Rule::STRING_NUL } else { Rule::STRING_UTF8 }, rest));
            };
            rest = after;
        }
        None
    }

    /// The string. Costs a pass over it; [`as_bytes`](Self::as_bytes) and comparisons do not.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        // Every constructor has checked the bytes.
        str::from_utf8(self.0).unwrap_or_default()
    }

    /// The string's bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The slice where it is.
    pub(crate) const fn slice(&self) -> &&'a [u8] {
        &self.0
    }

    /// The length in bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are no characters.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The byte offset of the first character that should not appear: a control character or a non-character
    /// (section 1.5.4). A receiver may refuse it; this codec does so when it is strict.
    #[must_use]
    pub fn discouraged(self) -> Option<usize> {
        let discouraged = |c: char| {
            let code = u32::from(c);
            c.is_control() || (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
        };
        self.as_str().char_indices().find(|&(_, c)| discouraged(c)).map(|(at, _)| at)
    }
}

impl<'a> Reader<'a> {
    /// A string, checked.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn text(&mut self) -> Option<Text<'a>> {
        let bytes = self.bytes()?;
        if Text::is_plain(bytes) { Some(Text::checked(bytes)) } else { self.unusual_text(bytes) }
    }

    /// A string that is not plain ASCII, just read. (Apart, so that those that are need no memory for a fault.)
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn unusual_text(&mut self, bytes: &'a [u8]) -> Option<Text<'a>> {
        self.checked(check_text(bytes, self.left()))?;
        Some(Text::checked(bytes))
    }
}

/// Checks a string that is not plain ASCII; `left` bytes of the packet follow it.
#[cold]
#[inline(never)]
pub(crate) fn check_text(bytes: &[u8], left: usize) -> Result<(), Fault> {
    match Text::fault(bytes) {
        None => Ok(()),
        Some((rule, from)) => {
            Err(Fault { reason: ReasonCode::MALFORMED_PACKET, rule, left: left.wrapping_add(from.len()) })
        }
    }
}

/// What follows a first character that is well-formed UTF-8, as table 3-7 of the Unicode standard has them, and not U+0000.
fn without_character(bytes: &[u8]) -> Option<&[u8]> {
    let (&first, mut rest) = bytes.split_first()?;
    // How many bytes follow, and from where to where the first of them may be.
    let (more, mut from, mut to) = match first {
        0x01..=0x7F => return Some(rest),
        0xC2..=0xDF => (1, 0x80, 0xBF),
        0xE0 => (2, 0xA0, 0xBF),
        0xED => (2, 0x80, 0x9F),
        0xE1..=0xEF => (2, 0x80, 0xBF),
        0xF0 => (3, 0x90, 0xBF),
        0xF4 => (3, 0x80, 0x8F),
        0xF1..=0xF3 => (3, 0x80, 0xBF),
        _ => return None,
    };
    for _ in 0..more {
        let (byte, after) = rest.split_first()?;
        if !(from..=to).contains(byte) {
            return None;
        }
        (rest, from, to) = (after, 0x80, 0xBF);
    }
    Some(rest)
}

/// A text as it stands in one line of a log: in quotation marks, with an escape for every character that would end the line,
/// leave the quotation or reorder what is printed.
pub(crate) struct Quoted<'a>(pub(crate) Text<'a>);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.as_str().chars() {
            match c {
                '"' | '\\' => {
                    f.write_char('\\')?;
                    f.write_char(c)?;
                }
                // Line and paragraph separators, and what sets the direction of writing.
                '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{61C}' => {
                    escape(c, f)?
                }
                _ if c.is_control() => escape(c, f)?,
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

fn escape(c: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "\\u{{{:x}}}", u32::from(c))
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<'a> TryFrom<&'a str> for Text<'a> {
    type Error = Rule;

    fn try_from(text: &'a str) -> Result<Self, Rule> {
        Self::new(text)
    }
}

impl<'a> From<Text<'a>> for &'a str {
    fn from(text: Text<'a>) -> Self {
        text.as_str()
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Text<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn mqtt_1_5_4_1_strings_are_well_formed_utf_8_without_surrogates() {
        for (bytes, at) in [
            (&b"\xFF"[..], 0),
            (b"ab\xC0\x80", 2),       // overlong
            (b"\xED\xA0\x80", 0),     // U+D800
            (b"\xED\xBF\xBF", 0),     // U+DFFF
            (b"\xF4\x90\x80\x80", 0), // above U+10FFFF
            (b"12345678\xE2\x82", 8), // cut short
        ] {
            assert_eq!(Text::fault(bytes), Some((Rule::STRING_UTF8, &bytes[at..])), "{bytes:02x?}");
        }
        assert_eq!(Text::fault("A𪛔".as_bytes()), None);
    }

    #[test]
    fn mqtt_1_5_4_2_no_u_0000_in_a_string_wherever_it_stands() {
        for len in 1..40 {
            for at in 0..len {
                let mut bytes = vec![b'x'; len];
                assert!(Text::is_plain(&bytes), "{len}");
                bytes[at] = 0;
                assert!(!Text::is_plain(&bytes), "{len} {at}");
                assert_eq!(Text::fault(&bytes), Some((Rule::STRING_NUL, &bytes[at..])));
            }
        }
    }

    #[test]
    fn mqtt_1_5_4_3_a_byte_order_mark_is_kept() {
        assert_eq!(Text::fault(b"\xEF\xBB\xBFx"), None);
        let text = Text::checked(b"\xEF\xBB\xBFx");
        assert_eq!(text.as_str(), "\u{FEFF}x");
        assert_eq!(text.as_bytes(), b"\xEF\xBB\xBFx");
    }

    #[test]
    fn utf_8_is_told_from_what_is_not_as_the_language_tells_it() {
        // All of up to three bytes that can begin a character; of four, those at the edges.
        let edges = [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xED, 0xF5, 0xFF];
        let check = |bytes: &[u8]| {
            let valid = str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
            let valid = bytes[..valid].iter().position(|&byte| byte == 0).unwrap_or(valid);
            let found = Text::fault(bytes).map_or(bytes.len(), |(_, rest)| bytes.len() - rest.len());
            assert_eq!(found, valid, "{bytes:02x?}");
        };
        for first in 0..=u8::MAX {
            check(&[first]);
            for second in 0..=u8::MAX {
                check(&[first, second]);
                for third in edges {
                    check(&[first, second, third]);
                    edges.iter().for_each(|&fourth| check(&[first, second, third, fourth]));
                }
            }
        }
    }

    #[test]
    fn discouraged_characters_are_found() {
        let at = |text| Text::new(text).unwrap().discouraged();
        assert_eq!(at("plain text, naïve"), None);
        assert_eq!(at("a\u{1}"), Some(1));
        assert_eq!(at("\u{7F}"), Some(0));
        assert_eq!(at("é\u{9F}"), Some(2));
        assert_eq!(at("\u{FDD0}"), Some(0));
        assert_eq!(at("\u{FFFE}"), Some(0));
        assert_eq!(at("x\u{10FFFF}"), Some(1));
        assert_eq!(at("\u{FFFD}\u{FDF0}\u{A0}"), None);
    }
}
