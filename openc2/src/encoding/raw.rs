//! Values of profiles that this crate doesn't know: kept as they stand, checked, and decoded by the caller's types.

use crate::Form;

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
}
