//! Values of profiles as types of the caller's, by serde or minicbor.

use crate::Form;
use crate::encoding::mismatch::{DecodeError, Mismatch};
use crate::encoding::raw::Raw;
use crate::encoding::typed;

impl<'a> Raw<'a> {
    /// Decodes the value into a serde type of the caller's. An error if it has another shape, or has identifiers for keys. A
    /// `&str` is lent if it holds no escape; what owns its text gets one with escapes of up to 256 bytes too.
    ///
    /// An error costs one more walk to the place that it names.
    pub fn to_serde<T: serde::Deserialize<'a>>(&self) -> Result<T, DecodeError> {
        match self.form() {
            Form::Concise => Err(DecodeError::new(self, Mismatch::Identifiers, Some(0), "")),
            Form::Json | Form::Cbor => {
                typed::read(self.reader()).map_err(|misfit| DecodeError::new(self, misfit.why, misfit.at, misfit.field))
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LanguageRule;

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
