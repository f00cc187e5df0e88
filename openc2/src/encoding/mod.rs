//! Bytes and values: JSON and CBOR, read and written by one set of calls. It knows no action, no target and no profile.

pub(crate) mod decode;
pub(crate) mod error;
pub(crate) mod mismatch;
pub(crate) mod mode;
pub(crate) mod name;
pub(crate) mod number;
pub(crate) mod out;
pub(crate) mod raw;
pub(crate) mod source;
pub(crate) mod sum;
pub(crate) mod text;
pub(crate) mod typed;
pub(crate) mod value;
