//! A value that stands in the input, checked, and what reads it once more.

use super::{Kind, MAX_MEMBERS, Places, Reader, Shape};
use crate::encoding::error::LanguageRule;
use crate::encoding::raw::{DEPTH, Raw, Span};

impl<'a> Raw<'a> {
    /// A JSON value of the caller's, checked, as [`Reading`](crate::Reading) does by default.
    pub fn from_json(text: &'a str) -> Result<Self, LanguageRule> {
        check(Reader::json(text, DEPTH)).map(|()| Self(Span::Json { text, compact: false }))
    }

    /// A CBOR item of the caller's with names for keys, checked.
    pub fn from_cbor(bytes: &'a [u8]) -> Result<Self, LanguageRule> {
        check(Reader::cbor(bytes, false, DEPTH)).map(|()| Self(Span::Cbor { bytes, concise: false }))
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
}

fn check(reader: Reader<'_, '_>) -> Result<(), LanguageRule> {
    let mut places = Places::new(MAX_MEMBERS);
    let mut reader = reader.looked_through().with_places(&mut places);
    reader.skip();
    reader.end();
    reader.failed().map_or(Ok(()), |fail| Err(fail.rule))
}
