//! CBOR (RFC 8949) as the [`Reader`] sees it: with names for keys, as peers send it, or in the concise form of JADN s4.4, with
//! identifiers for keys, arrays for records and bytes for formats of text.
//!
//! An item's head is read here: it is a byte and a number, and minicbor's way of telling types apart took half of the time and
//! a good part of the flash. What a profile defines is given to the caller's types by minicbor.

use crate::Form;
use crate::encoding::error::LanguageRule;
use crate::encoding::name::{Name, search};
use crate::encoding::number::{MAX_INTEGER, Number, twice};
use crate::encoding::source::{Group, Item, Key, Kind, Numeral, Reader, Shape, Walk};
use crate::encoding::text::Str;

/// The tag that says no more than "this is CBOR" (RFC 8949 s3.4.6).
const SELF_DESCRIBED: &[u8] = &[0xD9, 0xD9, 0xF7];
/// The major types (RFC 8949 s3.1).
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;

impl<'a> Reader<'a, '_> {
    /// Over CBOR items of which it is known whether they are concise.
    pub(crate) const fn cbor(bytes: &'a [u8], concise: bool, depth: u8) -> Self {
        Self::new("", bytes, if concise { Form::Concise } else { Form::Cbor }, depth)
    }

    /// Over a whole message, command or response: a map of names is the named form; an array, or a map of identifiers, is the
    /// concise one.
    pub(crate) fn detect(bytes: &'a [u8], depth: u8) -> Self {
        let mut reader = Self::cbor(bytes, false, depth);
        if bytes.starts_with(SELF_DESCRIBED) {
            reader.at = SELF_DESCRIBED.len();
        }
        let mut ahead = reader.clone();
        let concise = match ahead.major() {
            Some(4) => true,
            Some(5) => {
                ahead.head();
                ahead.major() == Some(UNSIGNED)
            }
            _ => false,
        };
        if concise {
            reader.form = Form::Concise;
        }
        reader
    }

    fn major(&self) -> Option<u8> {
        self.bytes.get(self.at).map(|first| first >> 5)
    }

    #[inline]
    pub(crate) fn cbor_kind(&mut self) -> Kind {
        let Some(first) = self.bytes.get(self.at).copied() else {
            self.fail(LanguageRule::CborEnd);
            return Kind::Broken;
        };
        let rule = match (first >> 5, first & 31) {
            (UNSIGNED | NEGATIVE, ..=27) | (7, 25..=27) => return Kind::Number,
            (2, ..=27) => return Kind::Bytes,
            (3, ..=27) => return Kind::Text,
            (4, ..=27 | 31) => return Kind::List,
            (5, ..=27 | 31) => return Kind::Map,
            (7, 20 | 21) => return Kind::Boolean,
            (7, 22) => return Kind::Null,
            // Well-formed, but no value of the language; from 32 on they stand in a byte of their own.
            (7, ..=19 | 23) => LanguageRule::CborSimple,
            (7, 24) if self.bytes.get(self.at.saturating_add(1)).is_some_and(|value| *value >= 32) => {
                LanguageRule::CborSimple
            }
            (2 | 3, 31) => LanguageRule::CborChunks,
            (6, _) => LanguageRule::CborTag,
            _ => LanguageRule::CborJunk,
        };
        self.fail(rule);
        Kind::Broken
    }

    /// Passes over an item's head: its argument, `None` for a length that isn't known beforehand.
    fn head(&mut self) -> Option<u64> {
        let info = self.bytes.get(self.at).map_or(0, |first| first & 31);
        let count = match info {
            0..=23 => {
                self.at = self.at.saturating_add(1);
                return Some(u64::from(info));
            }
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => {
                self.at = self.at.saturating_add(1);
                return None;
            }
        };
        let start = self.at.saturating_add(1);
        let end = start.saturating_add(count);
        let Some(argument) = self.bytes.get(start..end) else {
            self.fail(LanguageRule::CborEnd);
            return Some(0);
        };
        self.at = end;
        Some(argument.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
    }

    /// The bytes of a string whose head begins here.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn string_bytes(&mut self) -> &'a [u8] {
        let at = self.at;
        let info = self.bytes.get(at).map_or(0, |first| first & 31);
        // Most are short, and a head that is not there has no end to be found either.
        let length = match info {
            0..=23 => {
                self.at = at.saturating_add(1);
                usize::from(info)
            }
            _ => self.head().and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX),
        };
        let end = self.at.saturating_add(length);
        match self.bytes.get(self.at..end) {
            Some(bytes) => {
                self.at = end;
                bytes
            }
            None => {
                self.fail_at(at, LanguageRule::CborEnd);
                &[]
            }
        }
    }

    /// Passes over a text whose head begins here, checking it.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn pass_text(&mut self) -> &'a [u8] {
        let at = self.at;
        let text = self.string_bytes();
        let start = self.at.saturating_sub(text.len());
        if !is_ascii(self.bytes, start, text.len()) {
            self.check_text(at, text);
        }
        text
    }

    /// Checks a text that isn't all ASCII; it begins at a place.
    #[inline(never)]
    fn check_text(&mut self, at: usize, bytes: &'a [u8]) -> &'a str {
        let rule = match core::str::from_utf8(bytes) {
            Ok(text) if !crate::encoding::source::has_noncharacter(text) => return text,
            Ok(_) => LanguageRule::Noncharacter,
            Err(_) => LanguageRule::Utf8,
        };
        self.fail_at(at, rule);
        ""
    }

    /// Passes over an item, checking it, nothing kept.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn cbor_skip(&mut self) {
        // Most items are short texts.
        if let Some(0x60..=0x78) = self.bytes.get(self.at) {
            self.pass_text();
        } else {
            self.cbor_skip_other();
        }
    }

    /// The same, but numbers may be of any size, tags and simple values of any meaning, and strings in chunks.
    #[cold]
    pub(crate) fn cbor_pass_over(&mut self) {
        while let Some(first) = self.bytes.get(self.at).copied() {
            match (first >> 5, first & 31) {
                (6, ..=27) => self.head(),
                (UNSIGNED | NEGATIVE | 7, ..=27) => {
                    self.head();
                    return;
                }
                (2 | 3, 31) => {
                    self.head();
                    while self.bytes.get(self.at).is_some_and(|next| *next != 0xFF) {
                        self.string_bytes();
                    }
                    self.at = self.at.saturating_add(1);
                    return;
                }
                _ => return self.cbor_skip(),
            };
        }
    }

    #[inline(never)]
    fn cbor_skip_other(&mut self) {
        match self.cbor_kind() {
            Kind::Text => {
                self.pass_text();
            }
            Kind::Map => self.cbor_skip_map(),
            Kind::List => {
                let mut walk = self.cbor_enter(false);
                while self.cbor_another(&mut walk) {
                    self.cbor_skip();
                }
            }
            Kind::Bytes => {
                self.string_bytes();
            }
            Kind::Number => {
                self.cbor_numeral();
            }
            Kind::Boolean | Kind::Null => self.at = self.at.saturating_add(1),
            Kind::Broken => {}
        }
    }

    fn cbor_skip_map(&mut self) {
        let mut group = Group::NEW;
        let mut walk = self.cbor_enter(false);
        while self.cbor_another(&mut walk) {
            let at = self.at;
            let short = matches!(self.bytes.get(at), Some(0x60..=0x77)) && !self.concise();
            let key = match short {
                true => Item::Bytes(self.pass_text()),
                false => match (self.cbor_kind(), self.concise()) {
                    (Kind::Text, false) => Item::Bytes(self.pass_text()),
                    (Kind::Number, true) => Item::Id(self.cbor_integer()),
                    _ => return self.fail(LanguageRule::CborKey),
                },
            };
            self.once(&mut group, key, at, LanguageRule::DuplicateKey);
            self.cbor_skip();
        }
        self.leave(&group);
    }

    /// The text or identifier at a place where one was read before.
    pub(crate) fn cbor_member_at(&self, at: usize) -> Item<'a> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let Some((first, rest)) = rest.split_first() else { return Item::Id(0) };
        let count = match first & 31 {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => 0,
        };
        let (argument, rest) = rest.split_at_checked(count).unwrap_or_default();
        let argument = match count {
            0 => u64::from(first & 31),
            _ => argument.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
        };
        match first >> 5 {
            UNSIGNED => Item::Id(argument),
            _ => Item::Bytes(usize::try_from(argument).ok().and_then(|length| rest.get(..length)).unwrap_or_default()),
        }
    }

    pub(crate) fn cbor_null(&mut self) {
        if self.kind() == Kind::Null {
            self.at = self.at.saturating_add(1);
        } else {
            self.fail(LanguageRule::CborJunk);
        }
    }

    pub(crate) fn cbor_boolean(&mut self) -> bool {
        if self.kind() != Kind::Boolean {
            self.unexpected(LanguageRule::WantBoolean);
        }
        self.head() == Some(21)
    }

    pub(crate) fn cbor_text(&mut self) -> Str<'a> {
        if self.cbor_kind() != Kind::Text {
            self.unexpected(LanguageRule::WantText);
            return Str::EMPTY;
        }
        let at = self.at;
        let bytes = self.string_bytes();
        match core::str::from_utf8(bytes) {
            Ok(text) if text.is_ascii() => Str::new(text),
            _ => Str::new(self.check_text(at, bytes)),
        }
    }

    pub(crate) fn cbor_bytes(&mut self) -> &'a [u8] {
        if self.kind() != Kind::Bytes {
            self.unexpected(LanguageRule::WantBinary);
            return &[];
        }
        self.string_bytes()
    }

    pub(crate) fn cbor_integer(&mut self) -> u64 {
        let at = self.at;
        if self.cbor_kind() != Kind::Number || self.major() != Some(UNSIGNED) {
            self.unexpected(LanguageRule::WantInteger);
            return 0;
        }
        let value = self.head().unwrap_or(0);
        self.require(value <= MAX_INTEGER, at, LanguageRule::NumberRange);
        value
    }

    /// A floating-point number, if one is next.
    fn float(&mut self) -> Option<f64> {
        let info = match self.bytes.get(self.at)? {
            first @ 0xF9..=0xFB => first & 31,
            _ => return None,
        };
        let bits = self.head()?;
        Some(match info {
            25 => half(bits as u16),
            26 => f64::from(f32::from_bits(bits as u32)),
            _ => f64::from_bits(bits),
        })
    }

    pub(crate) fn cbor_number(&mut self) -> Number {
        let at = self.at;
        let number = match self.float() {
            Some(value) => Number::from_f64(value),
            None if self.kind() == Kind::Number => Number::new(self.integer(), 0),
            None => {
                self.unexpected(LanguageRule::WantNumber);
                None
            }
        };
        number.unwrap_or_else(|| {
            self.fail_at(at, LanguageRule::NumberRange);
            Number::ZERO
        })
    }

    pub(crate) fn cbor_numeral(&mut self) -> Numeral<'a> {
        let at = self.at;
        let numeral = match self.float() {
            Some(value) => value.is_finite().then_some(Numeral::Double(value)),
            None => {
                let negative = self.major() == Some(NEGATIVE);
                // Negative integers begin at -1.
                let magnitude = self.head().unwrap_or(0).saturating_add(u64::from(negative));
                (magnitude <= MAX_INTEGER).then_some(Numeral::Integer { negative, magnitude })
            }
        };
        numeral.unwrap_or_else(|| {
            self.fail_at(at, LanguageRule::NumberRange);
            Numeral::ZERO
        })
    }

    fn cbor_enter(&mut self, positional: bool) -> Walk {
        let left = self.head();
        match self.depth.checked_sub(1) {
            Some(depth) => self.depth = depth,
            None => self.fail(LanguageRule::TooDeep),
        }
        // No input is as long as the largest count, which stands for an unknown one.
        let left = left.map_or(Walk::UNKNOWN, |left| left.min(Walk::UNKNOWN - 1));
        Walk { left, positional, ..Walk::OVER }
    }

    pub(crate) fn cbor_open(&mut self, shape: Shape) -> Walk {
        match self.cbor_kind() {
            Kind::Map => self.cbor_enter(false),
            Kind::List if self.concise() && shape == Shape::Record => self.cbor_enter(true),
            _ => {
                // A record is an array in the concise form.
                let record = self.concise() && shape == Shape::Record;
                self.unexpected(if record { LanguageRule::WantList } else { LanguageRule::WantMap });
                Walk::OVER
            }
        }
    }

    pub(crate) fn cbor_open_list(&mut self) -> Walk {
        if self.cbor_kind() != Kind::List {
            self.unexpected(LanguageRule::WantList);
            return Walk::OVER;
        }
        self.cbor_enter(false)
    }

    /// Whether another item (or pair) follows.
    pub(crate) fn cbor_another(&mut self, walk: &mut Walk) -> bool {
        let next = self.bytes.get(self.at);
        if walk.left == 0 || (walk.left == Walk::UNKNOWN && next == Some(&0xFF)) {
            self.at = self.at.saturating_add(usize::from(walk.left != 0));
            self.depth = self.depth.saturating_add(1);
            return false;
        }
        if next.is_none() {
            self.fail(LanguageRule::CborEnd);
            return false;
        }
        if walk.left != Walk::UNKNOWN {
            walk.left = walk.left.wrapping_sub(1);
        }
        walk.done = walk.done.saturating_add(1);
        true
    }

    /// Passes over the next field's key if it is a name of a table.
    pub(crate) fn cbor_known_key(&mut self, walk: &mut Walk, names: &[Name], likely: usize) -> Option<usize> {
        if walk.left == 0 || walk.positional {
            return None;
        }
        let (head, rest) = self.bytes.get(self.at..)?.split_first()?;
        let fits = |name: &Name| {
            let name = name.name().as_bytes();
            usize::from(head ^ 0x60) == name.len() && rest.starts_with(name)
        };
        let index = search(names, likely, *rest.first()?, fits)?;
        walk.key_at = self.at;
        walk.done = walk.done.saturating_add(1);
        if walk.left != Walk::UNKNOWN {
            walk.left = walk.left.wrapping_sub(1);
        }
        self.at = self.at.saturating_add(names.get(index)?.name().len()).saturating_add(1);
        Some(index)
    }

    pub(crate) fn cbor_key(&mut self, walk: &mut Walk) -> Option<Key<'a>> {
        loop {
            if !self.cbor_another(walk) {
                return None;
            }
            let at = self.at;
            let kind = self.cbor_kind();
            if walk.positional {
                if kind == Kind::Null {
                    walk.nulls = walk.nulls.saturating_add(1);
                    self.null();
                    continue;
                }
                walk.key_at = at;
                return Some(Key::Id(u64::from(walk.done)));
            }
            let key = match (kind, self.concise()) {
                (Kind::Text, false) => Key::Name(self.cbor_text()),
                (Kind::Number, true) => Key::Id(self.cbor_integer()),
                _ => {
                    self.fail(LanguageRule::CborKey);
                    return None;
                }
            };
            walk.key_at = at;
            return self.sound().then_some(key);
        }
    }
}

/// Whether so many bytes from a place on are ASCII; what stands behind them is read too, and left out.
#[cfg_attr(target_pointer_width = "64", inline(always))]
fn is_ascii(bytes: &[u8], start: usize, length: usize) -> bool {
    let (mut at, mut left, mut beyond) = (start, length, 0u64);
    while left > 0 {
        let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else {
            let rest = bytes.get(at..).unwrap_or_default();
            beyond |= rest.iter().take(left).fold(0, |all, byte| all | u64::from(*byte));
            break;
        };
        let word = u64::from_le_bytes(*word);
        beyond |= if left < 8 { word & (1u64 << (left * 8)).wrapping_sub(1) } else { word };
        at = at.saturating_add(8);
        left = left.saturating_sub(8);
    }
    beyond & 0x8080_8080_8080_8080 == 0
}

/// A half-precision number (RFC 8949 appendix D).
fn half(bits: u16) -> f64 {
    let fraction = bits & 0x3FF;
    let exponent = (bits >> 10) & 0x1F;
    let magnitude = match exponent {
        0 => twice(f64::from(fraction), -24),
        31 if fraction == 0 => f64::INFINITY,
        31 => f64::NAN,
        _ => twice(f64::from(fraction | 0x400), i32::from(exponent) - 25),
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::source::Places;

    fn skip(bytes: &[u8]) -> Result<(), LanguageRule> {
        let mut places = Places::new(64);
        let mut cbor = Reader::detect(bytes, 4).with_places(&mut places);
        cbor.skip();
        cbor.end();
        cbor.failed().map_or(Ok(()), |fail| Err(fail.rule))
    }

    #[test]
    fn items_are_passed_over() {
        for bytes in [
            &[0xA0][..],
            &[0x80],
            &[0xBF, 0x61, b'a', 0x01, 0xFF],
            &[0x9F, 0x01, 0x80, 0xFF],
            &[0xF9, 0x3C, 0x00],
            &[0xFB, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0],
            &[0x20],
            &[0xF4],
            &[0xF6],
            &[0x43, 1, 2, 3],
            &[0x18, 0x05],
            &[0xD9, 0xD9, 0xF7, 0xA1, 0x61, b'a', 0x80],
        ] {
            assert_eq!(skip(bytes), Ok(()), "{bytes:02x?}");
        }
    }

    #[test]
    fn junk_is_told_apart() {
        for (bytes, rule) in [
            (&[][..], LanguageRule::CborEnd),
            (&[0xA1, 0x61], LanguageRule::CborEnd),
            (&[0x9F, 0x01], LanguageRule::CborEnd),
            (&[0x62, b'a'], LanguageRule::CborEnd),
            (&[0x61, 0xFF], LanguageRule::Utf8),
            (&[0xA1, 0x80, 0x01], LanguageRule::CborKey),
            (&[0xA2, 0x61, b'a', 0x01, 0x61, b'a', 0x02], LanguageRule::DuplicateKey),
            (&[0xA2, 0x61, b'a', 0x01, 0x05, 0x02], LanguageRule::CborKey),
            (&[0xFF], LanguageRule::CborJunk),
            (&[0xF7], LanguageRule::CborSimple),
            (&[0xE0], LanguageRule::CborSimple),
            (&[0xF8, 0x20], LanguageRule::CborSimple),
            (&[0xF8, 0x1F], LanguageRule::CborJunk),
            (&[0xF8], LanguageRule::CborJunk),
            (&[0x1C], LanguageRule::CborJunk),
            (&[0xC1, 0x01], LanguageRule::CborTag),
            (&[0x7F, 0x61, b'a', 0xFF], LanguageRule::CborChunks),
            (&[0x80, 0x00], LanguageRule::CborTrailing),
            (&[0x81, 0x81, 0x81, 0x81, 0x81, 0x01], LanguageRule::TooDeep),
            (&[0x1B, 0, 0x20, 0, 0, 0, 0, 0, 0], LanguageRule::NumberRange),
            (&[0xF9, 0x7C, 0x00], LanguageRule::NumberRange),
        ] {
            assert_eq!(skip(bytes), Err(rule), "{bytes:02x?}");
        }
    }

    #[test]
    fn a_half_is_its_number() {
        for (bits, value) in [
            (0x3C00, 1.0),
            (0x3800, 0.5),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x0001, 5.960464477539063e-8),
            (0x0400, 0.00006103515625),
        ] {
            assert_eq!(half(bits), value);
        }
    }
}
