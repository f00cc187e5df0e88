//! CBOR as a [`Source`], on minicbor's primitives: with names for keys, as peers send it, or in the concise form of
//! JADN s4.4, with identifiers for keys, arrays for records and bytes for formats of text.

use minicbor::Decoder;
use minicbor::data::Type;

use crate::error::{Fail, Rule};
use crate::number::{MAX_INTEGER, Number};
use crate::raw::Raw;
use crate::source::{Key, Kind, Numeral, Shape, Source, Walk};
use crate::text::Text;

/// The tag that says no more than "this is CBOR" (RFC 8949 s3.4.6).
const SELF_DESCRIBED: u64 = 55_799;

/// A cursor over CBOR items.
#[derive(Clone)]
pub(crate) struct Cbor<'a> {
    items: Decoder<'a>,
    depth: u8,
    concise: bool,
}

impl<'a> Cbor<'a> {
    pub(crate) fn new(bytes: &'a [u8], depth: u8, concise: bool) -> Self {
        Self { items: Decoder::new(bytes), depth, concise }
    }

    /// A cursor over a whole message, command or response: a map of names is the named form; an array, or a map of
    /// identifiers, is the concise one.
    pub(crate) fn detect(bytes: &'a [u8], depth: u8) -> Self {
        let mut items = Decoder::new(bytes);
        if matches!(items.datatype(), Ok(Type::Tag)) && !items.tag().is_ok_and(|tag| u64::from(tag) == SELF_DESCRIBED) {
            items.set_position(0);
        }
        let mut ahead = items.clone();
        let concise = match ahead.datatype() {
            Ok(Type::Array | Type::ArrayIndef) => true,
            Ok(Type::Map | Type::MapIndef) => {
                ahead.map().is_ok() && matches!(ahead.datatype(), Ok(Type::U8 | Type::U16 | Type::U32 | Type::U64))
            }
            _ => false,
        };
        Self { items, depth, concise }
    }

    fn position(&self) -> usize {
        self.items.position()
    }

    fn kind_of(&self) -> Result<Type, Fail> {
        self.items.datatype().map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &minicbor::decode::Error) -> Fail {
        Fail::new(self.position(), if error.is_end_of_input() { Rule::CborEnd } else { Rule::CborJunk })
    }

    /// One primitive; on error the cursor stands where it stood.
    fn item<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'a>) -> Result<T, minicbor::decode::Error>,
    ) -> Result<T, Fail> {
        let at = self.position();
        read(&mut self.items).map_err(|error| {
            self.items.set_position(at);
            self.broken(&error)
        })
    }

    fn fail<T>(&self, rule: Rule) -> Result<T, Fail> {
        Err(Fail::new(self.position(), rule))
    }

    fn unexpected<T>(&mut self, wanted: Rule) -> Result<T, Fail> {
        match self.kind() {
            Ok(Kind::Null) => self.fail(Rule::Null),
            Ok(_) => self.fail(wanted),
            Err(fail) => Err(fail),
        }
    }

    fn enter(&mut self, left: Option<u64>, positional: bool) -> Result<Walk, Fail> {
        self.depth = match self.depth.checked_sub(1) {
            Some(depth) => depth,
            None => return self.fail(Rule::TooDeep),
        };
        // No input is as long as the largest count, which stands for an unknown one.
        let left = left.map_or(Walk::UNKNOWN, |left| left.min(Walk::UNKNOWN - 1));
        Ok(Walk { left, done: 0, positional, key_at: 0 })
    }

    /// Whether another item (or pair) follows.
    fn another(&mut self, walk: &mut Walk) -> Result<bool, Fail> {
        let over = match walk.left {
            0 => true,
            Walk::UNKNOWN if self.kind_of()? == Type::Break => {
                self.items.set_position(self.position().saturating_add(1));
                true
            }
            Walk::UNKNOWN => false,
            left => {
                walk.left = left - 1;
                false
            }
        };
        if over {
            self.depth = self.depth.saturating_add(1);
        } else {
            walk.done = walk.done.saturating_add(1);
        }
        Ok(!over)
    }

    fn float(&mut self) -> Result<Option<f64>, Fail> {
        Ok(match self.kind_of()? {
            Type::F16 => {
                let start = self.position().saturating_add(1);
                let bits = self.items.input().get(start..).and_then(|rest| rest.first_chunk::<2>());
                let Some(bits) = bits else { return self.fail(Rule::CborEnd) };
                let value = half(u16::from_be_bytes(*bits));
                self.items.set_position(start.saturating_add(2));
                Some(value)
            }
            Type::F32 => Some(f64::from(self.item(Decoder::f32)?)),
            Type::F64 => Some(self.item(Decoder::f64)?),
            _ => None,
        })
    }
}

/// A half-precision number (RFC 8949 appendix D).
fn half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3FF);
    let exponent = (bits >> 10) & 0x1F;
    let magnitude = match exponent {
        0 => fraction / 16_777_216.0,
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (fraction + 1024.0) * f64::from(1u32 << exponent) / 33_554_432.0,
    };
    if bits & 0x8000 == 0 { magnitude } else { -magnitude }
}

impl<'a> Source<'a> for Cbor<'a> {
    fn at(&self) -> usize {
        self.position()
    }

    fn back_to(&self, map: usize) -> Self {
        let mut earlier = self.clone();
        earlier.items.set_position(map);
        earlier.depth = earlier.depth.saturating_add(1);
        earlier
    }

    fn kind(&mut self) -> Result<Kind, Fail> {
        Ok(match self.kind_of()? {
            Type::Null => Kind::Null,
            Type::Bool => Kind::Boolean,
            Type::String => Kind::Text,
            Type::Bytes => Kind::Bytes,
            Type::Array | Type::ArrayIndef => Kind::List,
            Type::Map | Type::MapIndef => Kind::Map,
            Type::StringIndef | Type::BytesIndef => return self.fail(Rule::CborChunks),
            Type::Tag => return self.fail(Rule::CborTag),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
                Kind::Number
            }
            Type::F16 | Type::F32 | Type::F64 => Kind::Number,
            _ => return self.fail(Rule::CborJunk),
        })
    }

    fn concise(&self) -> bool {
        self.concise
    }

    fn null(&mut self) -> Result<(), Fail> {
        self.item(Decoder::null)
    }

    fn boolean(&mut self) -> Result<bool, Fail> {
        if self.kind()? == Kind::Boolean { self.item(Decoder::bool) } else { self.unexpected(Rule::WantBoolean) }
    }

    fn text(&mut self) -> Result<Text<'a>, Fail> {
        if self.kind()? != Kind::Text {
            return self.unexpected(Rule::WantText);
        }
        let at = self.position();
        let mut ahead = self.items.clone();
        match self.items.str() {
            Ok(text) if !text.is_ascii() && text.chars().any(crate::json::is_noncharacter) => {
                Err(Fail::new(at, Rule::Noncharacter))
            }
            Ok(text) => Ok(Text::new(text)),
            Err(error) => {
                self.items.set_position(at);
                // The same head and length, read as bytes: if they are there, only their content is wrong.
                let short = ahead.str().is_err_and(|error| error.is_end_of_input());
                Err(if short || error.is_end_of_input() {
                    Fail::new(at, Rule::CborEnd)
                } else {
                    Fail::new(at, Rule::Utf8)
                })
            }
        }
    }

    fn bytes(&mut self) -> Result<&'a [u8], Fail> {
        if self.kind()? == Kind::Bytes { self.item(Decoder::bytes) } else { self.unexpected(Rule::WantBinary) }
    }

    fn integer(&mut self) -> Result<u64, Fail> {
        match self.kind_of()? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
                let at = self.position();
                let value = self.item(Decoder::u64)?;
                if value > MAX_INTEGER { Err(Fail::new(at, Rule::NumberRange)) } else { Ok(value) }
            }
            _ => self.unexpected(Rule::WantInteger),
        }
    }

    fn number(&mut self) -> Result<Number, Fail> {
        let at = self.position();
        match self.float()? {
            Some(value) => Number::from_f64(value).ok_or(Fail::new(at, Rule::NumberRange)),
            None if self.kind()? == Kind::Number => {
                let value = self.integer()?;
                Number::new(value, 0).ok_or(Fail::new(at, Rule::NumberRange))
            }
            None => self.unexpected(Rule::WantNumber),
        }
    }

    fn open(&mut self, shape: Shape) -> Result<Walk, Fail> {
        match self.kind()? {
            Kind::Map => {
                let left = self.item(Decoder::map)?;
                self.enter(left, false)
            }
            Kind::List if self.concise && shape == Shape::Record => {
                let left = self.item(Decoder::array)?;
                self.enter(left, true)
            }
            _ => self.unexpected(Rule::WantMap),
        }
    }

    fn key(&mut self, walk: &mut Walk) -> Result<Option<Key<'a>>, Fail> {
        loop {
            if !self.another(walk)? {
                return Ok(None);
            }
            let at = self.position();
            if walk.positional {
                if self.kind()? == Kind::Null {
                    self.null()?;
                    continue;
                }
                walk.key_at = at;
                return Ok(Some(Key::Id(u64::from(walk.done))));
            }
            let key = match (self.kind()?, self.concise) {
                (Kind::Text, false) => Key::Name(self.text()?),
                (Kind::Number, true) => Key::Id(self.integer()?),
                _ => return self.fail(Rule::CborKey),
            };
            walk.key_at = at;
            return Ok(Some(key));
        }
    }

    fn ended(&mut self, walk: &mut Walk) -> Result<bool, Fail> {
        self.another(walk).map(|another| !another)
    }

    fn open_list(&mut self) -> Result<Walk, Fail> {
        if self.kind()? != Kind::List {
            return self.unexpected(Rule::WantList);
        }
        let left = self.item(Decoder::array)?;
        self.enter(left, false)
    }

    fn more(&mut self, walk: &mut Walk) -> Result<bool, Fail> {
        self.another(walk)
    }

    fn raw(&mut self) -> Result<Raw<'a>, Fail> {
        let start = self.position();
        self.skip()?;
        let span = self.items.input().get(start..self.position()).unwrap_or_default();
        Ok(Raw::from_checked_cbor(span, self.concise))
    }

    fn until(&mut self, end: &Self) -> Raw<'a> {
        let span = self.items.input().get(self.position()..end.position()).unwrap_or_default();
        Raw::from_checked_cbor(span, self.concise)
    }

    fn end(&mut self) -> Result<(), Fail> {
        if self.position() == self.items.input().len() { Ok(()) } else { self.fail(Rule::CborTrailing) }
    }

    fn numeral(&mut self) -> Result<Numeral<'a>, Fail> {
        let at = self.position();
        match self.float()? {
            Some(value) if value.is_finite() => Ok(Numeral::Double(value)),
            Some(_) => Err(Fail::new(at, Rule::NumberRange)),
            None => {
                let value = i128::from(self.item(Decoder::int)?);
                match u64::try_from(value.unsigned_abs()) {
                    Ok(magnitude @ 0..=MAX_INTEGER) => Ok(Numeral::Integer { negative: value < 0, magnitude }),
                    _ => Err(Fail::new(at, Rule::NumberRange)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(bytes: &[u8]) -> Result<(), Rule> {
        let mut cbor = Cbor::detect(bytes, 4);
        cbor.skip().and_then(|()| cbor.end()).map_err(|fail| fail.rule)
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
            (&[][..], Rule::CborEnd),
            (&[0xA1, 0x61], Rule::CborEnd),
            (&[0x9F, 0x01], Rule::CborEnd),
            (&[0x62, b'a'], Rule::CborEnd),
            (&[0x61, 0xFF], Rule::Utf8),
            (&[0xA1, 0x80, 0x01], Rule::CborKey),
            (&[0xA2, 0x61, b'a', 0x01, 0x61, b'a', 0x02], Rule::DuplicateKey),
            (&[0xA2, 0x61, b'a', 0x01, 0x05, 0x02], Rule::CborKey),
            (&[0xFF], Rule::CborJunk),
            (&[0xF7], Rule::CborJunk),
            (&[0x1C], Rule::CborJunk),
            (&[0xC1, 0x01], Rule::CborTag),
            (&[0x7F, 0x61, b'a', 0xFF], Rule::CborChunks),
            (&[0x80, 0x00], Rule::CborTrailing),
            (&[0x81, 0x81, 0x81, 0x81, 0x81, 0x01], Rule::TooDeep),
            (&[0x1B, 0, 0x20, 0, 0, 0, 0, 0, 0], Rule::NumberRange),
            (&[0xF9, 0x7C, 0x00], Rule::NumberRange),
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
