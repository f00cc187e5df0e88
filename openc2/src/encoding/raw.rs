//! Values of profiles that this crate doesn't know: kept as they stand, checked, and decoded by the caller's types.

use crate::Form;
use crate::encoding::error::LanguageRule;
use crate::encoding::mismatch::{DecodeError, Mismatch};
use crate::encoding::source::{Kind, MAX_MEMBERS, Places, Reader, Shape};

/// How deep values may be nested, unless the caller says otherwise.
pub(crate) const DEPTH: u8 = 16;

/// One value, as it stands in the input: well-formed, no key twice, of bounded depth.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a>(pub(crate) Span<'a>);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Span<'a> {
    /// Compact if it holds no insignificant white space.
    Json {
        text: &'a str,
        compact: bool,
    },
    Cbor {
        bytes: &'a [u8],
        concise: bool,
    },
}

impl<'a> Raw<'a> {
    /// What stands where nothing was read.
    pub(crate) const EMPTY: Self = Self(Span::Json { text: "", compact: true });

    /// A JSON value of the caller's, checked, as [`Reading`](crate::Reading) does by default.
    pub fn from_json(text: &'a str) -> Result<Self, LanguageRule> {
        check(Reader::json(text, DEPTH)).map(|()| Self(Span::Json { text, compact: false }))
    }

    /// A CBOR item of the caller's with names for keys, checked.
    pub fn from_cbor(bytes: &'a [u8]) -> Result<Self, LanguageRule> {
        check(Reader::cbor(bytes, false, DEPTH)).map(|()| Self(Span::Cbor { bytes, concise: false }))
    }

    pub(crate) const fn from_checked_json(text: &'a str, compact: bool) -> Self {
        Self(Span::Json { text, compact })
    }

    pub(crate) const fn from_checked_cbor(bytes: &'a [u8], concise: bool) -> Self {
        Self(Span::Cbor { bytes, concise })
    }

    /// In what form it stands.
    pub const fn form(&self) -> Form {
        match self.0 {
            Span::Json { .. } => Form::Json,
            Span::Cbor { concise: false, .. } => Form::Cbor,
            Span::Cbor { concise: true, .. } => Form::Concise,
        }
    }

    /// The JSON text, if it came as JSON.
    pub const fn as_json(&self) -> Option<&'a str> {
        match self.0 {
            Span::Json { text, .. } => Some(text),
            Span::Cbor { .. } => None,
        }
    }

    /// The CBOR item, if it came as CBOR.
    pub const fn as_cbor(&self) -> Option<&'a [u8]> {
        match self.0 {
            Span::Json { .. } => None,
            Span::Cbor { bytes, .. } => Some(bytes),
        }
    }

    /// A cursor over it. It was checked, so its depth is no concern.
    pub(crate) const fn reader(&self) -> Reader<'a, 'static> {
        match self.0 {
            Span::Json { text, .. } => Reader::json(text, u8::MAX),
            Span::Cbor { bytes, concise } => Reader::cbor(bytes, concise, u8::MAX),
        }
    }

    /// Whether it is a map with a field at least.
    pub(crate) fn is_filled_map(&self) -> bool {
        let mut reader = self.reader();
        reader.kind() == Kind::Map && {
            let mut walk = reader.open_map(Shape::Map);
            reader.key(&mut walk).is_some()
        }
    }

    /// Decodes the value into a serde type of the caller's. An error if it has another shape, or has identifiers for keys. A
    /// `&str` is lent if it holds no escape; what owns its text gets one with escapes of up to 256 bytes too.
    ///
    /// An error costs one more walk to the place that it names.
    pub fn to_serde<T: serde::Deserialize<'a>>(&self) -> Result<T, DecodeError> {
        match self.form() {
            Form::Concise => Err(DecodeError::new(self, Mismatch::Identifiers, Some(0), "")),
            Form::Json | Form::Cbor => crate::encoding::typed::read(self.reader())
                .map_err(|misfit| DecodeError::new(self, misfit.why, misfit.at, misfit.field)),
        }
    }

    /// Decodes a CBOR item into a type of the caller's, by minicbor. An error if it is JSON or of another shape; its place is
    /// the one that the type told minicbor.
    pub fn to_minicbor<T: minicbor::Decode<'a, ()>>(&self) -> Result<T, DecodeError> {
        let Some(bytes) = self.as_cbor() else { return Err(DecodeError::new(self, Mismatch::NotCbor, Some(0), "")) };
        minicbor::decode(bytes).map_err(|error| DecodeError::new(self, mismatch_of(&error), error.position(), ""))
    }
}

fn mismatch_of(error: &minicbor::decode::Error) -> Mismatch {
    match error {
        _ if error.is_type_mismatch() || error.is_tag_mismatch() => Mismatch::Type,
        _ if error.is_end_of_input() => Mismatch::Length,
        _ if error.is_unknown_variant() => Mismatch::UnknownVariant,
        _ if error.is_missing_value() => Mismatch::MissingField,
        _ if error.is_message() => Mismatch::Refused,
        _ => Mismatch::Value,
    }
}

fn check(reader: Reader<'_, '_>) -> Result<(), LanguageRule> {
    let mut places = Places::new(MAX_MEMBERS);
    let mut reader = reader.looked_through().with_places(&mut places);
    reader.skip();
    reader.end();
    reader.failed().map_or(Ok(()), |fail| Err(fail.rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_type_reads_a_raw_value() {
        #[derive(serde::Deserialize)]
        struct Led<'a> {
            color: &'a str,
        }
        let raw = Raw::from_json(r#"{"color":"red"}"#).unwrap();
        assert_eq!(raw.to_serde::<Led<'_>>().unwrap().color, "red");
        assert_eq!(raw.to_minicbor::<&str>().unwrap_err().why(), Mismatch::NotCbor);
        assert_eq!(Raw::from_json(r#"{"color":"red","color":"red"}"#).unwrap_err(), LanguageRule::DuplicateKey);
        assert_eq!(Raw::from_cbor(&[0x63, b'r', b'e', b'd']).unwrap().to_minicbor::<&str>(), Ok("red"));
    }
}
