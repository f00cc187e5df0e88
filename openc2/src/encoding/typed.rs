//! serde over the cursors of this crate: a caller's type reads a raw value of JSON or CBOR where it lies. Which serde-json-core
//! does too, for JSON, but with panics in reach, escapes left as they stand, and surrogate pairs refused.

use core::fmt;
use core::marker::PhantomData;

use serde::de::value::{BorrowedBytesDeserializer, BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::encoding::mismatch::Mismatch;
use crate::encoding::number::double;
use crate::encoding::source::{Key, Kind, Numeral, Reader, Shape, Walk};
use crate::encoding::text::Str;

/// The longest text with escapes that a type gets, in bytes of UTF-8; one without escapes may have any length.
const ESCAPED: usize = 256;

/// Reads a value that was checked.
pub(crate) fn read<'a, T: Deserialize<'a>>(reader: Reader<'a, 'static>) -> Result<T, Misfit> {
    Value(reader).seed(PhantomData)
}

/// The value isn't what the type wants: why, and where.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) why: Mismatch,
    /// Absent until the error reaches what knows the place.
    pub(crate) at: Option<usize>,
    /// The name of a field that isn't there; empty otherwise.
    pub(crate) field: &'static str,
}

impl Misfit {
    /// What is wrong stands here, unless it was found deeper.
    fn or_at(self, at: usize) -> Self {
        Self { at: self.at.or(Some(at)), ..self }
    }
}

impl From<Mismatch> for Misfit {
    fn from(why: Mismatch) -> Self {
        Self { why, at: None, field: "" }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl core::error::Error for Misfit {}

/// What is to be said is not kept: it may be of any length, and there is no place for it.
impl Error for Misfit {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Mismatch::Refused.into()
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Mismatch::Type.into()
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Mismatch::Value.into()
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Mismatch::Length.into()
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Mismatch::UnknownVariant.into()
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Mismatch::UnknownField.into()
    }

    fn missing_field(field: &'static str) -> Self {
        Self { why: Mismatch::MissingField, at: None, field }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self { why: Mismatch::DuplicateField, at: None, field }
    }
}

/// The next value of a cursor.
struct Value<'de>(Reader<'de, 'static>);

impl<'de> Value<'de> {
    /// Reads it by a seed; what is wrong with it then has a place.
    fn seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Misfit> {
        let at = self.0.begin();
        seed.deserialize(&mut *self).map_err(|misfit| misfit.or_at(at))
    }
}

impl<'de> Deserializer<'de> for &mut Value<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.kind() {
            Kind::Null => {
                self.0.null();
                visitor.visit_unit()
            }
            Kind::Boolean => visitor.visit_bool(self.0.boolean()),
            Kind::Number => match self.0.numeral() {
                Numeral::Integer { negative: false, magnitude } => visitor.visit_u64(magnitude),
                Numeral::Integer { negative: true, magnitude } => {
                    visitor.visit_i64(0i64.checked_sub_unsigned(magnitude).ok_or(Mismatch::Value)?)
                }
                Numeral::Decimal(decimal) => visitor.visit_f64(double(decimal).ok_or(Mismatch::Value)?),
                Numeral::Double(double) => visitor.visit_f64(double),
            },
            Kind::Text => on_text(self.0.text(), visitor),
            Kind::Bytes => BorrowedBytesDeserializer::new(self.0.bytes()).deserialize_any(visitor),
            Kind::List => {
                let walk = self.0.open_list();
                let mut items = Items { value: self, walk, done: false };
                let read = visitor.visit_seq(&mut items)?;
                if items.done || !items.value.0.more(&mut items.walk) { Ok(read) } else { Err(Mismatch::Length.into()) }
            }
            Kind::Map => {
                let walk = self.0.open_map(Shape::Map);
                let mut fields = Items { value: self, walk, done: false };
                let read = visitor.visit_map(&mut fields)?;
                if fields.done || fields.value.0.ended(&mut fields.walk) {
                    Ok(read)
                } else {
                    Err(Mismatch::Length.into())
                }
            }
            Kind::Broken => Err(Mismatch::Type.into()),
        }
    }

    /// A text that is wanted as it lies.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let is_text = self.0.kind() == Kind::Text;
        if !is_text {
            return self.deserialize_any(visitor);
        }
        let text = self.0.text();
        on_text(text, visitor).map_err(|misfit| match misfit.why {
            // The type takes a text, if not one that was put together.
            Mismatch::Type if text.as_plain().is_none() => Mismatch::Escapes.into(),
            _ => misfit,
        })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.kind() {
            Kind::Null => {
                self.0.null();
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    /// A variant is its name, or a map of its name alone to what it holds.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0.kind() {
            Kind::Text => {
                let at = self.0.begin();
                visitor.visit_enum(Variant { name: self.0.text(), at, value: None })
            }
            Kind::Map => {
                let mut walk = self.0.open_map(Shape::Map);
                let Some(Key::Name(name)) = self.0.key(&mut walk) else { return Err(Mismatch::Length.into()) };
                let read = visitor.visit_enum(Variant { name, at: walk.key_at, value: Some(&mut *self) })?;
                if self.0.ended(&mut walk) { Ok(read) } else { Err(Mismatch::Length.into()) }
            }
            _ => Err(Mismatch::Type.into()),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.0.skip();
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

/// A text: lent where it stands, or put together if it holds escapes.
fn on_text<'de, V: Visitor<'de>>(text: Str<'de>, visitor: V) -> Result<V::Value, Misfit> {
    match text.as_plain() {
        Some(plain) => visitor.visit_borrowed_str(plain),
        None => visitor.visit_str(text.read(&mut [0; ESCAPED]).ok_or(Mismatch::Escapes)?),
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
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        if self.done || !self.value.0.more(&mut self.walk) {
            self.done = true;
            return Ok(None);
        }
        self.value.seed(seed).map(Some)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        if self.done {
            return Ok(None);
        }
        match self.value.0.key(&mut self.walk) {
            None => {
                self.done = true;
                Ok(None)
            }
            Some(Key::Name(name)) => {
                named(name, seed).map(Some).map_err(|misfit: Misfit| misfit.or_at(self.walk.key_at))
            }
            Some(Key::Id(_)) => Err(Misfit::from(Mismatch::Identifiers).or_at(self.walk.key_at)),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Misfit> {
        self.value.seed(seed)
    }
}

/// What a name stands for.
fn named<'de, T: DeserializeSeed<'de>>(name: Str<'de>, seed: T) -> Result<T::Value, Misfit> {
    match name.as_plain() {
        Some(plain) => seed.deserialize(BorrowedStrDeserializer::new(plain)),
        None => {
            let mut buffer = [0; ESCAPED];
            let name: StrDeserializer<'_, Misfit> =
                name.read(&mut buffer).ok_or(Mismatch::Escapes)?.into_deserializer();
            seed.deserialize(name)
        }
    }
}

/// A variant, with what it holds, if it does.
struct Variant<'s, 'de> {
    name: Str<'de>,
    /// Where the name stands.
    at: usize,
    value: Option<&'s mut Value<'de>>,
}

impl<'s, 'de> EnumAccess<'de> for Variant<'s, 'de> {
    type Error = Misfit;
    type Variant = Held<'s, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Held<'s, 'de>), Misfit> {
        let variant = named(self.name, seed).map_err(|misfit: Misfit| misfit.or_at(self.at))?;
        Ok((variant, Held(self.value)))
    }
}

/// What a variant holds.
struct Held<'s, 'de>(Option<&'s mut Value<'de>>);

impl<'s, 'de> Held<'s, 'de> {
    /// What must be there.
    fn value(self) -> Result<&'s mut Value<'de>, Misfit> {
        self.0.ok_or_else(|| Mismatch::Type.into())
    }
}

impl<'de> VariantAccess<'de> for Held<'_, 'de> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        match self.0 {
            None => Ok(()),
            Some(value) => match value.0.kind() {
                Kind::Null => {
                    value.0.null();
                    Ok(())
                }
                _ => Err(Misfit::from(Mismatch::Type).or_at(value.0.begin())),
            },
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        self.value()?.seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        let value = self.value()?;
        let at = value.0.begin();
        value.deserialize_any(visitor).map_err(|misfit| misfit.or_at(at))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Misfit> {
        let value = self.value()?;
        let at = value.0.begin();
        value.deserialize_any(visitor).map_err(|misfit| misfit.or_at(at))
    }
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec::Vec;

    use serde::Deserialize;

    use crate::{DecodeError, Mismatch, Raw};

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

    fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, DecodeError> {
        Raw::from_json(text).unwrap().to_serde()
    }

    fn cbor<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
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
        assert_eq!(door, Ok(expected));
        assert_eq!(json::<State>(r#"{"Ajar":2}"#), Ok(State::Ajar(2.0)));
        assert_eq!(json::<State>(r#"{"Between":[1,2]}"#), Ok(State::Between(1, 2)));
        assert_eq!(json::<State>(r#"{"Moving":{"up":true}}"#), Ok(State::Moving { up: true }));
        assert_eq!(json::<State>(r#"{"Locked":null}"#), Ok(State::Locked));
        assert_eq!(json::<Option<bool>>("null"), Ok(None));
        assert_eq!(json::<Option<bool>>("true"), Ok(Some(true)));
        assert_eq!(json::<f64>("2.5e3"), Ok(2500.0));
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
        assert_eq!(cbor::<Door<'_>>(door), Ok(expected));
        assert_eq!(cbor::<&[u8]>(b"\x42ab"), Ok(&b"ab"[..]));
        // Identifiers are no names: which field is 1?
        assert_eq!(Raw::from_cbor(b"\xA1\x01\x61d").unwrap_err(), crate::LanguageRule::CborKey);
    }

    /// Why `T` is not read, at which byte, and the path to it.
    fn why<'a, T: core::fmt::Debug + Deserialize<'a>>(text: &'a str) -> (Mismatch, usize, String) {
        let error = json::<T>(text).unwrap_err();
        (error.why(), error.at().unwrap(), error.path().to_string())
    }

    fn at(why: Mismatch, at: usize, path: &str) -> (Mismatch, usize, String) {
        (why, at, path.to_string())
    }

    #[test]
    fn what_has_another_shape_is_not_read() {
        assert_eq!(why::<u8>("256"), at(Mismatch::Value, 0, ""));
        assert_eq!(why::<u8>(" -1"), at(Mismatch::Value, 1, ""));
        assert_eq!(why::<u8>("1.5"), at(Mismatch::Type, 0, ""));
        assert_eq!(why::<u8>(r#""1""#), at(Mismatch::Type, 0, ""));
        assert_eq!(why::<u8>(r#""\n""#), at(Mismatch::Type, 0, ""));
        assert_eq!(why::<&str>("7"), at(Mismatch::Type, 0, ""));
        assert_eq!(why::<&str>(r#""\n""#), at(Mismatch::Escapes, 0, ""), "an escape can't be lent");
        assert_eq!(why::<(u8, u8)>("[1]"), at(Mismatch::Length, 0, ""));
        assert_eq!(why::<(u8, u8)>("[1,2,3]"), at(Mismatch::Length, 0, ""));
        assert_eq!(why::<(u8, bool)>("[1, 2]"), at(Mismatch::Type, 4, "[1]"));
        assert_eq!(why::<State>(r#""Open""#), at(Mismatch::UnknownVariant, 0, ""));
        assert_eq!(why::<State>(r#"{"Open":1}"#), at(Mismatch::UnknownVariant, 1, "Open"));
        assert_eq!(why::<State>(r#""Ajar""#), at(Mismatch::Type, 0, ""));
        assert_eq!(why::<State>(r#"{"Ajar":1,"Locked":null}"#), at(Mismatch::Length, 0, ""));
        assert_eq!(why::<State>(r#"{"Locked":1}"#), at(Mismatch::Type, 10, "Locked"));
        assert_eq!(why::<State>(r#"{"Ajar":"wide"}"#), at(Mismatch::Type, 8, "Ajar"));
        assert_eq!(why::<State>(r#"{"Between":[1,[]]}"#), at(Mismatch::Type, 14, "Between[1]"));
        assert_eq!(why::<State>("[]"), at(Mismatch::Type, 0, ""));
        assert_eq!(why::<State>("{}"), at(Mismatch::Length, 0, ""));
        assert_eq!(why::<Door<'_>>(r#"{"name":"d"}"#), at(Mismatch::MissingField, 0, "floor"));
        let long = std::format!(r#""\n{}""#, "x".repeat(256));
        assert_eq!(why::<String>(&long), at(Mismatch::Escapes, 0, ""));
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct House<'a> {
        #[serde(borrow, alias = "gates")]
        _doors: Vec<Way<'a>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Way<'a> {
        #[serde(alias = "n")]
        #[serde(rename = "name")]
        _name: &'a str,
    }

    #[test]
    fn what_is_wrong_is_told_where_it_stands() {
        let house = |doors: &str| std::format!(r#"{{"gates":[{{"name":"a"}}, {doors}]}}"#);
        assert_eq!(why::<House<'_>>(&house(r#"{"name":7}"#)), at(Mismatch::Type, 32, "gates[1].name"));
        assert_eq!(why::<House<'_>>(&house("{}")), at(Mismatch::MissingField, 24, "gates[1].name"));
        assert_eq!(why::<House<'_>>(&house(r#"{"name":"b","y":[1]}"#)), at(Mismatch::UnknownField, 36, "gates[1].y"));
        assert_eq!(
            why::<House<'_>>(&house(r#"{"name":"b","n":"c"}"#)),
            at(Mismatch::DuplicateField, 24, "gates[1].name")
        );
        let error = json::<Door<'_>>(r#"{"size":[1,true]}"#).unwrap_err();
        assert_eq!(error.to_string(), "size[1]: the type wants another kind of value");
        assert_eq!(why::<core::net::Ipv4Addr>(r#""1.2.3""#), at(Mismatch::Refused, 0, ""), "the type's own reason");
        let error = cbor::<Door<'_>>(b"\xA1\x64size\x82\x01\xF5").unwrap_err();
        assert_eq!((error.why(), error.at(), error.path().as_str()), (Mismatch::Type, Some(8), "size[1]"));
    }

    #[test]
    fn minicbor_says_why_too() {
        let why = |error: DecodeError| (error.why(), error.at(), error.path().to_string());
        let raw = Raw::from_cbor(b"\x82\x01\x63red").unwrap();
        assert_eq!(raw.to_minicbor::<(u8, &str)>(), Ok((1, "red")));
        let of_another_type = (Mismatch::Type, Some(2), "[1]".to_string());
        assert_eq!(why(raw.to_minicbor::<(u8, u8)>().unwrap_err()), of_another_type);
        let raw = Raw::from_cbor(b"\x19\x01\x00").unwrap();
        assert_eq!(raw.to_minicbor::<u8>().unwrap_err().why(), Mismatch::Value);
        assert_eq!(Raw::from_json("1").unwrap().to_minicbor::<u8>().unwrap_err().why(), Mismatch::NotCbor);
    }
}
