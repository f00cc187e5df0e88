//! Why a value of a profile can't be read as the caller's type.

use core::fmt;

use crate::encoding::error::Path;
use crate::encoding::raw::Raw;
use crate::encoding::source::locate;

macro_rules! mismatches {
    ($($name:ident = $meaning:literal;)*) => {
        /// What keeps a value from being read as a type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Mismatch { $(#[doc = concat!($meaning, ".")] $name,)* }

        impl Mismatch {
            /// The same as a phrase, such as a response's `status_text` can hold.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

mismatches! {
    Type = "the type wants another kind of value";
    Value = "a value of the right kind, but not one that the type has";
    Length = "the type wants more or fewer items or fields";
    MissingField = "this field is missing";
    UnknownField = "the type doesn't know this field";
    DuplicateField = "two names for one field";
    UnknownVariant = "none of the type's variants";
    Escapes = "a text with escapes, which can't be lent, or is too long to be put together";
    Refused = "the type refuses it, for a reason of its own";
    Identifiers = "identifiers stand for names in the concise form, which serde types don't know";
    NotCbor = "a value of JSON, which minicbor doesn't read";
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meaning())
    }
}

/// Why a [`Raw`] can't be read as a type, and where. It prints as both, which is enough for the answer to a bad command.
///
/// ```
/// use openc2_mqtt::{Mismatch, Raw};
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Led {
///     level: u8,
/// }
/// let error = Raw::from_json(r#"{"level":256}"#)?.to_serde::<Led>().unwrap_err();
/// assert_eq!((error.why(), error.at(), error.path().as_str()), (Mismatch::Value, Some(9), "level"));
/// assert_eq!(error.to_string(), "level: a value of the right kind, but not one that the type has");
/// # Ok::<(), openc2_mqtt::OpenC2Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    path: Path,
    /// [`NOWHERE`](Self::NOWHERE) if it isn't known. No reader takes more than 4 GiB.
    at: u32,
    why: Mismatch,
}

impl DecodeError {
    const NOWHERE: u32 = u32::MAX;

    /// Of a value, at this offset. The path's last step is `field`, unless it is empty.
    #[cold]
    #[inline(never)]
    pub(crate) fn new(raw: &Raw<'_>, why: Mismatch, at: Option<usize>, field: &'static str) -> Self {
        let mut path = at.map_or(Path::EMPTY, |at| locate(raw.reader(), at));
        if !field.is_empty() {
            let mut name = Path::EMPTY;
            name.name(field.chars());
            path = if path.as_str().is_empty() { name } else { path.followed_by(&name) };
        }
        Self { path, at: at.and_then(|at| u32::try_from(at).ok()).unwrap_or(Self::NOWHERE), why }
    }

    /// What keeps it from being read.
    pub const fn why(&self) -> Mismatch {
        self.why
    }

    /// The offset in the value, in bytes, of what doesn't fit: of a missing field, the map in which it is missing. `None` if
    /// the type didn't tell minicbor.
    pub const fn at(&self) -> Option<usize> {
        if self.at == Self::NOWHERE { None } else { Some(self.at as usize) }
    }

    /// The way there within the value, such as `lamps[2].level`; empty for the value itself. Of a missing field, where it
    /// would stand.
    pub const fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.as_str().is_empty() { "value" } else { self.path.as_str() };
        write!(f, "{path}: {}", self.why)
    }
}

impl core::error::Error for DecodeError {}
