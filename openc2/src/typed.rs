//! serde over the cursors of this crate: a caller's type reads a raw value of JSON or CBOR where it lies. Which serde-json-core
//! does too, for JSON, but with panics in reach, escapes left as they stand, and surrogate pairs refused.

use core::fmt;

use serde::de::value::{BorrowedBytesDeserializer, BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::number::double;
use crate::source::{Key, Kind, Numeral, Reader, Shape, Walk};
use crate::text::Str;

/// The longest text with escapes that a type gets, in bytes of UTF-8; one without escapes may have any length.
const ESCAPED: usize = 256;

/// Reads a value that was checked. `None` if it has another shape than the type.
pub(crate) fn read<'a, T: Deserialize<'a>>(reader: Reader<'a, 'static>) -> Option<T> {
    T::deserialize(&mut Value(reader)).ok()
}

/// The value isn't what the type wants. Which value, a type that cares can tell itself.
#[derive(Debug)]
struct Mismatch;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value has another shape than the type")
    }
}

impl core::error::Error for Mismatch {}

impl Error for Mismatch {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The next value of a cursor.
struct Value<'de>(Reader<'de, 'static>);

impl<'de> Deserializer<'de> for &mut Value<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0.kind() {
            Kind::Null => {
                self.0.null();
                visitor.visit_unit()
            }
            Kind::Boolean => visitor.visit_bool(self.0.boolean()),
            Kind::Number => match self.0.numeral() {
                Numeral::Integer { negative: false, magnitude } => visitor.visit_u64(magnitude),
                Numeral::Integer { negative: true, magnitude } => {
                    visitor.visit_i64(0i64.checked_sub_unsigned(magnitude).ok_or(Mismatch)?)
                }
                Numeral::Decimal(decimal) => visitor.visit_f64(double(decimal).ok_or(Mismatch)?),
                Numeral::Double(double) => visitor.visit_f64(double),
            },
            Kind::Text => on_text(self.0.text(), visitor),
            Kind::Bytes => BorrowedBytesDeserializer::new(self.0.bytes()).deserialize_any(visitor),
            Kind::List => {
                let walk = self.0.open_list();
                let mut items = Items { value: self, walk, done: false };
                let read = visitor.visit_seq(&mut items)?;
                if items.done || !items.value.0.more(&mut items.walk) { Ok(read) } else { Err(Mismatch) }
            }
            Kind::Map => {
                let walk = self.0.open_map(Shape::Map);
                let mut fields = Items { value: self, walk, done: false };
                let read = visitor.visit_map(&mut fields)?;
                if fields.done || fields.value.0.ended(&mut fields.walk) { Ok(read) } else { Err(Mismatch) }
            }
            Kind::Broken => Err(Mismatch),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0.kind() {
            Kind::Null => {
                self.0.null();
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    /// A variant is its name, or a map of its name alone to what it holds.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.0.kind() {
            Kind::Text => visitor.visit_enum(Variant { name: self.0.text(), value: None }),
            Kind::Map => {
                let mut walk = self.0.open_map(Shape::Map);
                let Some(Key::Name(name)) = self.0.key(&mut walk) else { return Err(Mismatch) };
                let read = visitor.visit_enum(Variant { name, value: Some(&mut *self) })?;
                if self.0.ended(&mut walk) { Ok(read) } else { Err(Mismatch) }
            }
            _ => Err(Mismatch),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.0.skip();
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

/// A text: lent where it stands, or put together if it holds escapes.
fn on_text<'de, V: Visitor<'de>>(text: Str<'de>, visitor: V) -> Result<V::Value, Mismatch> {
    match text.as_plain() {
        Some(plain) => visitor.visit_borrowed_str(plain),
        None => visitor.visit_str(text.read(&mut [0; ESCAPED]).ok_or(Mismatch)?),
    }
}

/// The items of a list, or the fields of a map.
struct Items<'s, 'de> {
    value: &'s mut Value<'de>,
    walk: Walk,
    /// The end was seen.
    done: bool,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        if self.done || !self.value.0.more(&mut self.walk) {
            self.done = true;
            return Ok(None);
        }
        seed.deserialize(&mut *self.value).map(Some)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        if self.done {
            return Ok(None);
        }
        match self.value.0.key(&mut self.walk) {
            None => {
                self.done = true;
                Ok(None)
            }
            Some(Key::Name(name)) => named(name, seed).map(Some),
            Some(Key::Id(_)) => Err(Mismatch),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Mismatch> {
        seed.deserialize(&mut *self.value)
    }
}

/// What a name stands for.
fn named<'de, T: DeserializeSeed<'de>>(name: Str<'de>, seed: T) -> Result<T::Value, Mismatch> {
    match name.as_plain() {
        Some(plain) => seed.deserialize(BorrowedStrDeserializer::new(plain)),
        None => {
            let mut buffer = [0; ESCAPED];
            let name: StrDeserializer<'_, Mismatch> = name.read(&mut buffer).ok_or(Mismatch)?.into_deserializer();
            seed.deserialize(name)
        }
    }
}

/// A variant, with what it holds, if it does.
struct Variant<'s, 'de> {
    name: Str<'de>,
    value: Option<&'s mut Value<'de>>,
}

impl<'s, 'de> EnumAccess<'de> for Variant<'s, 'de> {
    type Error = Mismatch;
    type Variant = Held<'s, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Held<'s, 'de>), Mismatch> {
        Ok((named(self.name, seed)?, Held(self.value)))
    }
}

/// What a variant holds.
struct Held<'s, 'de>(Option<&'s mut Value<'de>>);

impl<'de> VariantAccess<'de> for Held<'_, 'de> {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        match self.0 {
            None => Ok(()),
            Some(value) => match value.0.kind() {
                Kind::Null => {
                    value.0.null();
                    Ok(())
                }
                _ => Err(Mismatch),
            },
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Mismatch> {
        seed.deserialize(self.0.ok_or(Mismatch)?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.0.ok_or(Mismatch)?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Mismatch> {
        self.0.ok_or(Mismatch)?.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec::Vec;

    use serde::Deserialize;

    use crate::Raw;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Door<'a> {
        #[serde(borrow)]
        name: &'a str,
        label: Option<String>,
        floor: i16,
        weight: f32,
        state: State,
        size: (u8, u8),
        keys: Vec<u32>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum State {
        Locked,
        Ajar(f64),
        Between(u8, u8),
        Moving { up: bool },
    }

    fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
        Raw::from_json(text).unwrap().to_serde()
    }

    fn cbor<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
        Raw::from_cbor(bytes).unwrap().to_serde()
    }

    #[test]
    fn a_callers_type_reads_json_escapes_undone() {
        let door = json::<Door<'_>>(
            r#"{"name":"d","la\u0062el":"\ud83d\ude00\n","floor":-3,"weight":1.5,"state":"Locked","size":[1,2],"keys":[],"else":{"a":[null]}}"#,
        );
        let expected = Door {
            name: "d",
            label: Some("😀\n".to_string()),
            floor: -3,
            weight: 1.5,
            state: State::Locked,
            size: (1, 2),
            keys: Vec::new(),
        };
        assert_eq!(door, Some(expected));
        assert_eq!(json::<State>(r#"{"Ajar":2}"#), Some(State::Ajar(2.0)));
        assert_eq!(json::<State>(r#"{"Between":[1,2]}"#), Some(State::Between(1, 2)));
        assert_eq!(json::<State>(r#"{"Moving":{"up":true}}"#), Some(State::Moving { up: true }));
        assert_eq!(json::<State>(r#"{"Locked":null}"#), Some(State::Locked));
        assert_eq!(json::<Option<bool>>("null"), Some(None));
        assert_eq!(json::<Option<bool>>("true"), Some(Some(true)));
        assert_eq!(json::<f64>("2.5e3"), Some(2500.0));
    }

    #[test]
    fn a_callers_type_reads_cbor() {
        let door = b"\xA7\x64name\x61d\x65label\xF6\x65floor\x22\x66weight\xF9\x3E\x00\x65state\xA1\x64Ajar\x01\x64size\x82\x01\x02\x64keys\x9F\x18\xFF\xFF";
        let expected = Door {
            name: "d",
            label: None,
            floor: -3,
            weight: 1.5,
            state: State::Ajar(1.0),
            size: (1, 2),
            keys: [255].into(),
        };
        assert_eq!(cbor::<Door<'_>>(door), Some(expected));
        assert_eq!(cbor::<&[u8]>(b"\x42ab"), Some(&b"ab"[..]));
        // Identifiers are no names: which field is 1?
        assert_eq!(Raw::from_cbor(b"\xA1\x01\x61d").unwrap_err(), crate::LanguageRule::CborKey);
    }

    #[test]
    fn what_has_another_shape_is_not_read() {
        assert_eq!(json::<u8>("256"), None);
        assert_eq!(json::<u8>("-1"), None);
        assert_eq!(json::<u8>("1.5"), None);
        assert_eq!(json::<u8>(r#""1""#), None);
        assert_eq!(json::<&str>(r#""\n""#), None, "an escape can't be lent");
        assert_eq!(json::<(u8, u8)>("[1]"), None);
        assert_eq!(json::<(u8, u8)>("[1,2,3]"), None);
        assert_eq!(json::<State>(r#""Open""#), None);
        assert_eq!(json::<State>(r#""Ajar""#), None);
        assert_eq!(json::<State>(r#"{"Ajar":1,"Locked":null}"#), None);
        assert_eq!(json::<State>(r#"{"Locked":1}"#), None);
        assert_eq!(json::<State>("[]"), None);
        assert_eq!(json::<State>("{}"), None);
        assert_eq!(json::<Door<'_>>(r#"{"name":"d"}"#), None);
        let long = std::format!(r#""\n{}""#, "x".repeat(256));
        assert_eq!(json::<String>(&long), None);
    }
}
