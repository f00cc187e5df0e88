//! JSON as the [`Reader`] sees it: RFC 8259 with the limits of I-JSON (RFC 7493), in one pass and without a copy.

use crate::encoding::error::LanguageRule;
use crate::encoding::name::{Name, search};
use crate::encoding::number::{self, MAX_INTEGER, Number};
use crate::encoding::source::{Group, Item, Kind, Numeral, Reader, Walk};
use crate::encoding::text::Str;

impl<'a> Reader<'a, '_> {
    /// The next byte that is not white space.
    #[inline(always)]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        match self.bytes.get(self.at) {
            Some(byte) if *byte > b' ' => Some(*byte),
            _ => self.peek_on(),
        }
    }

    #[cold]
    #[inline(never)]
    fn peek_on(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => {
                    self.spaced = true;
                    self.at += 1;
                }
                other => return other.copied(),
            }
        }
    }

    /// What stands where something else must.
    #[cold]
    #[inline(never)]
    fn junk(&mut self) {
        self.fail(if self.at < self.bytes.len() { LanguageRule::Junk } else { LanguageRule::End });
    }

    #[inline]
    pub(crate) fn json_kind(&mut self) -> Kind {
        match self.peek() {
            Some(b'"') => Kind::Text,
            Some(b'{') => Kind::Map,
            Some(b'[') => Kind::List,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Boolean,
            _ => {
                self.junk();
                Kind::Broken
            }
        }
    }

    fn word(&mut self, word: &str) {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at = self.at.saturating_add(word.len());
        } else {
            self.fail(LanguageRule::Junk);
        }
    }

    pub(crate) fn json_null(&mut self) {
        self.peek();
        self.word("null");
    }

    pub(crate) fn json_boolean(&mut self) -> bool {
        match self.peek() {
            Some(b't') => self.word("true"),
            Some(b'f') => {
                self.word("false");
                return false;
            }
            _ => self.unexpected(LanguageRule::WantBoolean),
        }
        true
    }

    pub(crate) fn json_enter(&mut self, open: u8, wanted: LanguageRule) -> Walk {
        if self.peek() != Some(open) {
            self.unexpected(wanted);
            return Walk::OVER;
        }
        match self.depth.checked_sub(1) {
            Some(depth) => self.depth = depth,
            None => {
                self.fail(LanguageRule::TooDeep);
                return Walk::OVER;
            }
        }
        self.at += 1;
        Walk { left: Walk::UNKNOWN, ..Walk::OVER }
    }

    /// Whether another item stands before `close`; its comma is read.
    #[inline]
    pub(crate) fn json_another(&mut self, walk: &mut Walk, close: u8) -> bool {
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth = self.depth.saturating_add(1);
                return false;
            }
            Some(b',') if walk.done > 0 => {
                self.at += 1;
                self.peek();
            }
            Some(_) if walk.done == 0 => {}
            _ => {
                self.junk();
                return false;
            }
        }
        walk.done = walk.done.saturating_add(1);
        true
    }

    /// Passes over the next field's key if it is of a table and has no white space about it: comma, quotation marks and colon
    /// at once.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn json_known_key(&mut self, walk: &mut Walk, names: &[Name], likely: usize) -> Option<usize> {
        let first = walk.done == 0;
        let here = self.bytes.get(self.at..)?;
        let letter = *here.get(if first { 1 } else { 2 })?;
        let index = search(names, likely, letter, |name| here.starts_with(name.key(first)))?;
        let length = names.get(index)?.key(first).len();
        walk.key_at = self.at.saturating_add(usize::from(!first));
        walk.done = walk.done.saturating_add(1);
        self.at = self.at.saturating_add(length);
        Some(index)
    }

    /// Passes over the end of a map, if it is here.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn known_end(&mut self) -> bool {
        let end = self.bytes.get(self.at) == Some(&b'}') && self.is_json();
        if end {
            self.at += 1;
            self.depth = self.depth.saturating_add(1);
        }
        end
    }

    pub(crate) fn json_key(&mut self, walk: &mut Walk) -> Option<Str<'a>> {
        if !self.json_another(walk, b'}') {
            return None;
        }
        let at = self.at;
        if self.bytes.get(at) != Some(&b'"') {
            self.junk();
            return None;
        }
        let name = self.string();
        match self.peek() {
            Some(b':') => self.at += 1,
            _ => {
                self.junk();
                return None;
            }
        }
        walk.key_at = at;
        Some(name)
    }

    #[inline]
    pub(crate) fn json_text(&mut self) -> Str<'a> {
        if self.peek() == Some(b'"') {
            return self.string();
        }
        self.unexpected(LanguageRule::WantText);
        Str::EMPTY
    }

    /// A string that begins here, at its quotation mark.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn string(&mut self) -> Str<'a> {
        let start = self.at + 1;
        let end = start.saturating_add(plain(self.bytes, start));
        self.at = end;
        // Most strings hold no escape.
        if self.bytes.get(end) == Some(&b'"')
            && !self.strange
            && let Some(raw) = self.text.get(start..end)
        {
            self.at += 1;
            return Str::from_json(raw, false);
        }
        self.special_string(start)
    }

    /// The string whose quotation mark is at a place where one was read before; its end is found by who needs it.
    pub(crate) fn json_string_at(&self, at: usize) -> Item<'a> {
        Item::Open(self.text.get(at.saturating_add(1)..).unwrap_or_default())
    }

    /// Passes over a string that begins here, checking it.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn pass_string(&mut self) -> Item<'a> {
        let start = self.at + 1;
        let end = start.saturating_add(plain(self.bytes, start));
        self.at = end;
        if self.bytes.get(end) == Some(&b'"') && !self.strange {
            self.at += 1;
            return Item::Bytes(self.bytes.get(start..end).unwrap_or_default());
        }
        self.special_string(start).into()
    }

    /// Passes over a value, checking it, nothing kept.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn json_skip(&mut self) {
        // Most values are strings.
        if self.peek() == Some(b'"') {
            self.pass_string();
        } else {
            self.json_skip_other();
        }
    }

    /// The same, but of a word or a number no more is asked than where it ends.
    #[cold]
    pub(crate) fn json_pass_over(&mut self) {
        match self.peek() {
            Some(b'"' | b'{' | b'[') | None => self.json_skip(),
            Some(_) => {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                let of_a_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_');
                let length = rest.iter().take_while(|byte| of_a_word(byte)).count();
                self.at = self.at.saturating_add(length);
            }
        }
    }

    #[inline(never)]
    fn json_skip_other(&mut self) {
        match self.peek() {
            Some(b'{') => self.json_skip_map(),
            Some(b'[') => self.json_skip_list(),
            Some(b'-' | b'0'..=b'9') => {
                self.json_numeral();
            }
            Some(b'n') => self.word("null"),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            _ => self.junk(),
        }
    }

    fn json_skip_list(&mut self) {
        self.json_enter(b'[', LanguageRule::WantList);
        if self.peek() == Some(b']') {
            return self.json_leave();
        }
        loop {
            self.json_skip();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => return self.json_leave(),
                _ => return self.junk(),
            }
        }
    }

    fn json_skip_map(&mut self) {
        let mut group = Group::NEW;
        self.json_enter(b'{', LanguageRule::WantMap);
        if self.peek() == Some(b'}') {
            return self.json_leave();
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.junk();
            }
            let at = self.at;
            let key = self.pass_string();
            match self.peek() {
                Some(b':') => self.at += 1,
                _ => return self.junk(),
            }
            self.once(&mut group, key, at, LanguageRule::DuplicateKey);
            self.json_skip();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.junk(),
            }
        }
        self.leave(&group);
        self.json_leave();
    }

    /// Passes over the end of a map or list.
    fn json_leave(&mut self) {
        self.at = self.at.saturating_add(1);
        self.depth = self.depth.saturating_add(1);
    }

    /// The rest of a string that holds an escape or perhaps a noncharacter, or doesn't end.
    #[cold]
    #[inline(never)]
    fn special_string(&mut self, start: usize) -> Str<'a> {
        let mut escaped = false;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape();
                }
                Some(_) => self.fail(LanguageRule::ControlCharacter),
                None => {
                    // Also where an escape was none.
                    self.fail(LanguageRule::End);
                    return Str::EMPTY;
                }
            }
            self.at = self.at.saturating_add(plain(self.bytes, self.at));
        }
        let raw = self.text.get(start..self.at).unwrap_or_default();
        if self.strange && has_noncharacter(raw) {
            self.fail_at(start.saturating_sub(1), LanguageRule::Noncharacter);
        }
        self.at += 1;
        Str::from_json(raw, escaped)
    }

    /// Checks the escape that begins here.
    fn escape(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = match rest {
            [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [_, b'u', rest @ ..] => match (hex4(rest), rest.get(4..)) {
                (Some(0xD800..=0xDBFF), Some([b'\\', b'u', low @ ..])) => match (hex4(rest), hex4(low)) {
                    (Some(high), Some(low @ 0xDC00..=0xDFFF)) => {
                        let code = (((high & 0x3FF) << 10) | (low & 0x3FF)).wrapping_add(0x1_0000);
                        if char::from_u32(code).is_some_and(is_noncharacter) {
                            return self.fail(LanguageRule::Noncharacter);
                        }
                        12
                    }
                    _ => return self.fail(LanguageRule::Surrogate),
                },
                (Some(0xD800..=0xDFFF), _) => return self.fail(LanguageRule::Surrogate),
                (Some(code), _) if char::from_u32(code).is_some_and(is_noncharacter) => {
                    return self.fail(LanguageRule::Noncharacter);
                }
                (Some(_), _) => 6,
                (None, _) => return self.fail(LanguageRule::Escape),
            },
            [_] | [] => return self.fail(LanguageRule::End),
            _ => return self.fail(LanguageRule::Escape),
        };
        self.at = self.at.saturating_add(length);
    }

    pub(crate) fn json_integer(&mut self) -> u64 {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            self.unexpected(LanguageRule::WantInteger);
            return 0;
        }
        let start = self.at;
        let mut end = start;
        let mut value = 0u64;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(end) {
            // Within the limit nothing overflows: ten times 2^53 has 57 bits.
            value = if value > MAX_INTEGER { value } else { value * 10 + u64::from(digit & 15) };
            end += 1;
        }
        match self.bytes.get(end) {
            Some(b'.' | b'e' | b'E') => self.fail(LanguageRule::WantInteger),
            // What follows a leading zero is no part of the number.
            _ if end > start + 1 && self.bytes.get(start) == Some(&b'0') => {
                self.at += 1;
                value = 0;
            }
            _ if value > MAX_INTEGER => self.fail(LanguageRule::NumberRange),
            _ => self.at = end,
        }
        value
    }

    /// The span of a number, in the grammar of RFC 8259 s6, and whether it is an integer.
    fn number_span(&mut self) -> (&'a str, bool) {
        self.peek();
        let start = self.at;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let Some((length, whole)) = number::span(rest) else {
            self.fail(LanguageRule::NumberForm);
            return ("0", true);
        };
        self.at = start.saturating_add(length);
        (self.text.get(start..self.at).unwrap_or_default(), whole)
    }

    pub(crate) fn json_number(&mut self) -> Number {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            self.unexpected(LanguageRule::WantNumber);
            return Number::ZERO;
        }
        let start = self.at;
        let (span, _) = self.number_span();
        Number::from_json(span).unwrap_or_else(|| {
            self.fail_at(start, LanguageRule::NumberRange);
            Number::ZERO
        })
    }

    pub(crate) fn json_numeral(&mut self) -> Numeral<'a> {
        self.peek();
        let start = self.at;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let negative = rest.first() == Some(&b'-');
        let digits = rest.get(usize::from(negative)..).unwrap_or_default();
        let (mut magnitude, mut count) = (0u64, 0usize);
        while let Some(digit @ b'0'..=b'9') = digits.get(count) {
            // Within the limit nothing overflows: ten times 2^53 has 57 bits.
            magnitude = if magnitude > MAX_INTEGER { magnitude } else { magnitude * 10 + u64::from(digit & 15) };
            count += 1;
        }
        let plain = count == 1 || (count > 1 && digits.first() != Some(&b'0'));
        if !plain || matches!(digits.get(count), Some(b'.' | b'e' | b'E')) {
            let (span, whole) = self.number_span();
            // What follows a leading zero is no part of the number.
            return if whole { Numeral::Integer { negative, magnitude: 0 } } else { Numeral::Decimal(span) };
        }
        self.at = start.saturating_add(usize::from(negative)).saturating_add(count);
        // I-JSON keeps integers within what a double holds exactly; a fraction only loses precision.
        if magnitude > MAX_INTEGER {
            self.fail_at(start, LanguageRule::NumberRange);
            return Numeral::ZERO;
        }
        Numeral::Integer { negative, magnitude }
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

/// How many bytes stand from a place on before a quotation mark, a backslash or a control character: eight at a time.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn plain(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Bytes that are zero have their high bit set in the result; above the first one it may err.
    let zeros = |word: u64| word.wrapping_sub(ONES);
    let special = |word: u64| {
        let control = word.wrapping_sub(ONES * 0x20);
        (zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64)) | control) & !word & HIGH
    };
    let (words, rest) = bytes.get(from..).unwrap_or_default().as_chunks::<8>();
    let mut length = 0usize;
    for word in words {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return length.wrapping_add((special.trailing_zeros() / 8) as usize);
        }
        length = length.wrapping_add(8);
    }
    // What is missing reads as control characters, which end it.
    let word = rest.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte));
    length.wrapping_add((special(word).trailing_zeros() / 8) as usize)
}

/// Whether a text holds a noncharacter. In UTF-8 few other characters begin with the same bytes, so most blocks hold none.
pub(crate) fn has_noncharacter(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_at_checked(64.min(rest.len())).filter(|(first, _)| !first.is_empty()) {
        if first.iter().fold(false, |found, byte| found | (*byte >= 0xEF)) {
            for (at, byte) in first.iter().enumerate() {
                if *byte >= 0xEF && begins_noncharacter(rest.get(at..).unwrap_or_default()) {
                    return true;
                }
            }
        }
        rest = after;
    }
    false
}

/// Whether the UTF-8 of a noncharacter stands here.
const fn begins_noncharacter(bytes: &[u8]) -> bool {
    match bytes {
        [0xEF, 0xB7, 0x90..=0xAF, ..] | [0xEF, 0xBF, 0xBE | 0xBF, ..] => true,
        [0xF0..=0xF4, second, 0xBF, 0xBE | 0xBF, ..] => *second & 15 == 15,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::source::Places;

    fn skip(text: &str) -> Result<(), LanguageRule> {
        let mut places = Places::new(64);
        let mut json = Reader::json(text, 8).looked_through().with_places(&mut places);
        json.skip();
        json.end();
        json.failed().map_or(Ok(()), |fail| Err(fail.rule))
    }

    #[test]
    fn a_noncharacter_is_found_wherever_it_stands() {
        for c in '\0'..=char::MAX {
            let mut text = [b'x'; 70];
            let at = u32::from(c) as usize % 66;
            let length = c.encode_utf8(&mut text[at..]).len();
            let text = core::str::from_utf8(&text[..at + length]).unwrap();
            assert_eq!(has_noncharacter(text), is_noncharacter(c), "{:x}", u32::from(c));
        }
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
            ("", LanguageRule::End),
            ("{", LanguageRule::End),
            ("[1", LanguageRule::End),
            ("\"a", LanguageRule::End),
            ("\"a\\", LanguageRule::End),
            ("{\"a\"", LanguageRule::End),
            ("{\"a\":", LanguageRule::End),
            ("tru", LanguageRule::Junk),
            ("{a:1}", LanguageRule::Junk),
            ("[1 2]", LanguageRule::Junk),
            ("{\"a\":1,}", LanguageRule::Junk),
            ("[1,]", LanguageRule::Junk),
            ("[,1]", LanguageRule::Junk),
            ("'a'", LanguageRule::Junk),
            ("01", LanguageRule::Trailing),
            ("1 2", LanguageRule::Trailing),
            ("{} x", LanguageRule::Trailing),
            ("-", LanguageRule::NumberForm),
            ("1.", LanguageRule::NumberForm),
            ("1e", LanguageRule::NumberForm),
            ("-a", LanguageRule::NumberForm),
            ("9007199254740992", LanguageRule::NumberRange),
            ("\"\\x\"", LanguageRule::Escape),
            ("\"\\u12g4\"", LanguageRule::Escape),
            ("\"\n\"", LanguageRule::ControlCharacter),
            ("\"\\ud83d\"", LanguageRule::Surrogate),
            ("\"\\ude00\"", LanguageRule::Surrogate),
            ("\"\\ud83d\\u0041\"", LanguageRule::Surrogate),
            ("\"\\ufffe\"", LanguageRule::Noncharacter),
            ("\"\u{fdd0}\"", LanguageRule::Noncharacter),
            ("\"\\ud83f\\udfff\"", LanguageRule::Noncharacter),
            ("{\"a\":1,\"b\":2,\"a\":3}", LanguageRule::DuplicateKey),
            ("{\"a\":1,\"\\u0061\":3}", LanguageRule::DuplicateKey),
            ("[{\"x\":{\"k\":1,\"k\":1}}]", LanguageRule::DuplicateKey),
            ("[[[[[[[[[]]]]]]]]]", LanguageRule::TooDeep),
        ] {
            assert_eq!(skip(text), Err(rule), "{text}");
        }
    }
}
