//! JSON as a [`Source`]: RFC 8259 with the limits of I-JSON (RFC 7493), in one pass and without a copy.

use crate::error::{Fail, Rule};
use crate::number::{self, MAX_INTEGER, Number};
use crate::raw::Raw;
use crate::source::{Key, Kind, Numeral, Shape, Source, Walk};
use crate::text::Text;

/// A cursor over a JSON text.
#[derive(Clone)]
pub(crate) struct Json<'a> {
    text: &'a str,
    at: usize,
    /// How many maps and lists may still be opened in each other.
    depth: u8,
    /// Whether white space was passed over.
    spaced: bool,
}

impl<'a> Json<'a> {
    pub(crate) const fn new(text: &'a str, depth: u8) -> Self {
        Self { text, at: 0, depth, spaced: false }
    }

    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        match self.text.as_bytes().get(self.at) {
            Some(byte) if *byte > b' ' => Some(*byte),
            _ => self.peek_on(),
        }
    }

    #[cold]
    #[inline(never)]
    fn peek_on(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => {
                    self.spaced = true;
                    self.at += 1;
                }
                other => return other.copied(),
            }
        }
    }

    fn fail<T>(&self, rule: Rule) -> Result<T, Fail> {
        Err(Fail::new(self.at, rule))
    }

    /// The rule broken by what stands here instead of what was wanted.
    fn unexpected<T>(&mut self, wanted: Rule) -> Result<T, Fail> {
        let rule = match self.kind() {
            Ok(Kind::Null) => Rule::Null,
            Ok(_) => wanted,
            Err(fail) => fail.rule,
        };
        self.fail(rule)
    }

    fn word(&mut self, word: &str) -> Result<(), Fail> {
        match self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            true => {
                self.at = self.at.saturating_add(word.len());
                Ok(())
            }
            false => self.fail(Rule::Junk),
        }
    }

    /// The span of a number, in the grammar of RFC 8259 s6, and whether it is an integer.
    fn number_span(&mut self) -> Result<(&'a str, bool), Fail> {
        self.peek();
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let Some((length, whole)) = number::span(rest) else { return self.fail(Rule::NumberForm) };
        let end = start.saturating_add(length);
        let Some(span) = self.text.get(start..end) else { return self.fail(Rule::NumberForm) };
        self.at = end;
        Ok((span, whole))
    }

    fn enter(&mut self, open: u8, wanted: Rule) -> Result<Walk, Fail> {
        if self.peek() != Some(open) {
            return self.unexpected(wanted);
        }
        self.depth = match self.depth.checked_sub(1) {
            Some(depth) => depth,
            None => return self.fail(Rule::TooDeep),
        };
        self.at += 1;
        Ok(Walk { left: Walk::UNKNOWN, done: 0, positional: false, key_at: 0 })
    }

    /// Whether another item stands before `close`; its comma is read.
    #[inline]
    fn another(&mut self, walk: &mut Walk, close: u8) -> Result<bool, Fail> {
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth = self.depth.saturating_add(1);
                return Ok(false);
            }
            Some(b',') if walk.done > 0 => {
                self.at += 1;
                self.peek();
            }
            Some(_) if walk.done == 0 => {}
            Some(_) => return self.fail(Rule::Junk),
            None => return self.fail(Rule::End),
        }
        walk.done = walk.done.saturating_add(1);
        Ok(true)
    }

    /// A string that begins here, at its quotation mark.
    #[inline]
    fn string(&mut self) -> Result<Text<'a>, Fail> {
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let plain = plain(rest);
        self.at = start.saturating_add(plain.length);
        // Most strings are ASCII without escapes.
        if plain.ascii
            && rest.get(plain.length) == Some(&b'"')
            && let Some(raw) = self.text.get(start..self.at)
        {
            self.at += 1;
            return Ok(Text::from_json(raw, false));
        }
        self.special_string(start, plain.ascii)
    }

    /// The rest of a string that holds an escape or a character beyond ASCII, or doesn't end.
    #[cold]
    #[inline(never)]
    fn special_string(&mut self, start: usize, mut ascii: bool) -> Result<Text<'a>, Fail> {
        let mut escaped = false;
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fail(Rule::ControlCharacter),
                None => return self.fail(Rule::End),
            }
            let plain = plain(self.text.as_bytes().get(self.at..).unwrap_or_default());
            self.at = self.at.saturating_add(plain.length);
            ascii &= plain.ascii;
        }
        let Some(raw) = self.text.get(start..self.at) else { return self.fail(Rule::Utf8) };
        if !ascii && raw.chars().any(is_noncharacter) {
            return Err(Fail::new(start.saturating_sub(1), Rule::Noncharacter));
        }
        self.at += 1;
        Ok(Text::from_json(raw, escaped))
    }

    /// Checks the escape that begins here.
    fn escape(&mut self) -> Result<(), Fail> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = match rest {
            [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [_, b'u', rest @ ..] => match (hex4(rest), rest.get(4..)) {
                (Some(0xD800..=0xDBFF), Some([b'\\', b'u', low @ ..])) => match (hex4(rest), hex4(low)) {
                    (Some(high), Some(low @ 0xDC00..=0xDFFF)) => {
                        let code = (((high & 0x3FF) << 10) | (low & 0x3FF)).wrapping_add(0x1_0000);
                        if char::from_u32(code).is_some_and(is_noncharacter) {
                            return self.fail(Rule::Noncharacter);
                        }
                        12
                    }
                    _ => return self.fail(Rule::Surrogate),
                },
                (Some(0xD800..=0xDFFF), _) => return self.fail(Rule::Surrogate),
                (Some(code), _) if char::from_u32(code).is_some_and(is_noncharacter) => {
                    return self.fail(Rule::Noncharacter);
                }
                (Some(_), _) => 6,
                (None, _) => return self.fail(Rule::Escape),
            },
            [_] | [] => return self.fail(Rule::End),
            _ => return self.fail(Rule::Escape),
        };
        self.at = self.at.saturating_add(length);
        Ok(())
    }
}

/// The code points that RFC 7493 s2.1 calls noncharacters.
pub(crate) fn is_noncharacter(c: char) -> bool {
    matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE
}

/// The four hexadecimal digits that begin here.
fn hex4(bytes: &[u8]) -> Option<u32> {
    let digits: &[u8; 4] = bytes.first_chunk()?;
    digits.iter().try_fold(0u32, |sum, digit| Some((sum << 4) | char::from(*digit).to_digit(16)?))
}

/// Bytes before a quotation mark, a backslash or a control character.
#[derive(Clone, Copy)]
struct Plain {
    length: usize,
    /// Whether all of them are ASCII.
    ascii: bool,
}

/// Looks for the end of what is plain, eight bytes at a time.
#[inline]
fn plain(bytes: &[u8]) -> Plain {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Bytes that are zero have their high bit set in the result; above the first one it may err.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut length = 0usize;
    let mut beyond = 0u64;
    while let Some(word) = bytes.get(length..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let special = zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64)) | control;
        if special != 0 {
            let before = special.trailing_zeros();
            beyond |= word & HIGH & (1u64 << before).wrapping_sub(1);
            return Plain { length: length.saturating_add((before / 8) as usize), ascii: beyond == 0 };
        }
        beyond |= word & HIGH;
        length = length.saturating_add(8);
    }
    let rest = bytes.get(length..).unwrap_or_default();
    let count = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | ..=0x1F)).count();
    let ascii = beyond == 0 && rest.get(..count).is_some_and(<[u8]>::is_ascii);
    Plain { length: length.saturating_add(count), ascii }
}

impl<'a> Source<'a> for Json<'a> {
    #[inline]
    fn at(&self) -> usize {
        self.at
    }

    fn back_to(&self, map: usize) -> Self {
        Self { at: map, depth: self.depth.saturating_add(1), ..self.clone() }
    }

    #[inline]
    fn kind(&mut self) -> Result<Kind, Fail> {
        Ok(match self.peek() {
            Some(b'"') => Kind::Text,
            Some(b'{') => Kind::Map,
            Some(b'[') => Kind::List,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Boolean,
            Some(_) => return self.fail(Rule::Junk),
            None => return self.fail(Rule::End),
        })
    }

    fn concise(&self) -> bool {
        false
    }

    fn null(&mut self) -> Result<(), Fail> {
        self.peek();
        self.word("null")
    }

    fn boolean(&mut self) -> Result<bool, Fail> {
        match self.peek() {
            Some(b't') => self.word("true").map(|()| true),
            Some(b'f') => self.word("false").map(|()| false),
            _ => self.unexpected(Rule::WantBoolean),
        }
    }

    #[inline]
    fn text(&mut self) -> Result<Text<'a>, Fail> {
        if self.peek() == Some(b'"') { self.string() } else { self.unexpected(Rule::WantText) }
    }

    fn bytes(&mut self) -> Result<&'a [u8], Fail> {
        self.unexpected(Rule::WantBinary)
    }

    fn integer(&mut self) -> Result<u64, Fail> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.unexpected(Rule::WantInteger);
        }
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut value = 0u64;
        let mut end = start;
        while let Some(digit @ b'0'..=b'9') = bytes.get(end) {
            // Within the limit nothing overflows: ten times 2^53 has 57 bits.
            value = if value > MAX_INTEGER { value } else { value * 10 + u64::from(digit & 15) };
            end += 1;
        }
        match bytes.get(end) {
            Some(b'.' | b'e' | b'E') => return self.fail(Rule::WantInteger),
            _ if end > start + 1 && bytes.get(start) == Some(&b'0') => {
                self.at += 1;
                return Ok(0);
            }
            _ if value > MAX_INTEGER => return self.fail(Rule::NumberRange),
            _ => {}
        }
        self.at = end;
        Ok(value)
    }

    fn number(&mut self) -> Result<Number, Fail> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return self.unexpected(Rule::WantNumber);
        }
        let start = self.at;
        let (span, _) = self.number_span()?;
        Number::from_json(span).ok_or(Fail::new(start, Rule::NumberRange))
    }

    fn open(&mut self, _: Shape) -> Result<Walk, Fail> {
        self.enter(b'{', Rule::WantMap)
    }

    #[inline]
    fn key(&mut self, walk: &mut Walk) -> Result<Option<Key<'a>>, Fail> {
        if !self.another(walk, b'}')? {
            return Ok(None);
        }
        let at = self.at;
        if self.text.as_bytes().get(at) != Some(&b'"') {
            return self.fail(if at < self.text.len() { Rule::Junk } else { Rule::End });
        }
        let name = self.string()?;
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return self.fail(Rule::Junk),
            None => return self.fail(Rule::End),
        }
        walk.key_at = at;
        Ok(Some(Key::Name(name)))
    }

    fn ended(&mut self, walk: &mut Walk) -> Result<bool, Fail> {
        self.another(walk, b'}').map(|another| !another)
    }

    fn open_list(&mut self) -> Result<Walk, Fail> {
        self.enter(b'[', Rule::WantList)
    }

    fn more(&mut self, walk: &mut Walk) -> Result<bool, Fail> {
        self.another(walk, b']')
    }

    fn raw(&mut self) -> Result<Raw<'a>, Fail> {
        self.peek();
        let start = self.at;
        let before = core::mem::replace(&mut self.spaced, false);
        self.skip()?;
        let spaced = core::mem::replace(&mut self.spaced, before);
        self.spaced |= spaced;
        match self.text.get(start..self.at) {
            Some(text) => Ok(Raw::from_checked_json(text, !spaced)),
            None => Err(Fail::new(start, Rule::Utf8)),
        }
    }

    fn until(&mut self, end: &Self) -> Raw<'a> {
        self.peek();
        let start = self.at;
        Raw::from_checked_json(self.text.get(start..end.at).unwrap_or_default(), !end.spaced)
    }

    fn end(&mut self) -> Result<(), Fail> {
        if self.peek().is_none() { Ok(()) } else { self.fail(Rule::Trailing) }
    }

    fn numeral(&mut self) -> Result<Numeral<'a>, Fail> {
        let start = self.at();
        let (span, whole) = self.number_span()?;
        if !whole {
            return Ok(Numeral::Decimal(span));
        }
        // I-JSON keeps integers within what a double holds exactly; a fraction only loses precision.
        let digits = span.strip_prefix('-').unwrap_or(span);
        let magnitude = number::integer(digits).ok_or(Fail::new(start, Rule::NumberRange))?;
        Ok(Numeral::Integer { negative: digits.len() < span.len(), magnitude })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(text: &str) -> Result<(), Rule> {
        let mut json = Json::new(text, 8);
        json.skip().and_then(|()| json.end()).map_err(|fail| fail.rule)
    }

    #[test]
    fn values_are_passed_over() {
        for text in [
            "{}",
            "[]",
            " { \"a\" : [ 1 , -2.5e+3, true , false , null , \"x\\\"y\" ] } ",
            "0",
            "-0",
            "\"\"",
            "\"\\ud83d\\ude00\"",
            "[[[[[[[[]]]]]]]]",
            "9007199254740991",
            "1e400",
            "{\"a\":{},\"b\":{\"a\":1}}",
        ] {
            assert_eq!(skip(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn junk_is_told_apart() {
        for (text, rule) in [
            ("", Rule::End),
            ("{", Rule::End),
            ("[1", Rule::End),
            ("\"a", Rule::End),
            ("\"a\\", Rule::End),
            ("{\"a\"", Rule::End),
            ("{\"a\":", Rule::End),
            ("tru", Rule::Junk),
            ("{a:1}", Rule::Junk),
            ("[1 2]", Rule::Junk),
            ("{\"a\":1,}", Rule::Junk),
            ("[1,]", Rule::Junk),
            ("[,1]", Rule::Junk),
            ("'a'", Rule::Junk),
            ("01", Rule::Trailing),
            ("1 2", Rule::Trailing),
            ("{} x", Rule::Trailing),
            ("-", Rule::NumberForm),
            ("1.", Rule::NumberForm),
            ("1e", Rule::NumberForm),
            ("-a", Rule::NumberForm),
            ("9007199254740992", Rule::NumberRange),
            ("\"\\x\"", Rule::Escape),
            ("\"\\u12g4\"", Rule::Escape),
            ("\"\n\"", Rule::ControlCharacter),
            ("\"\\ud83d\"", Rule::Surrogate),
            ("\"\\ude00\"", Rule::Surrogate),
            ("\"\\ud83d\\u0041\"", Rule::Surrogate),
            ("\"\\ufffe\"", Rule::Noncharacter),
            ("\"\u{fdd0}\"", Rule::Noncharacter),
            ("\"\\ud83f\\udfff\"", Rule::Noncharacter),
            ("{\"a\":1,\"b\":2,\"a\":3}", Rule::DuplicateKey),
            ("{\"a\":1,\"\\u0061\":3}", Rule::DuplicateKey),
            ("[{\"x\":{\"k\":1,\"k\":1}}]", Rule::DuplicateKey),
            ("[[[[[[[[[]]]]]]]]]", Rule::TooDeep),
        ] {
            assert_eq!(skip(text), Err(rule), "{text}");
        }
    }
}
