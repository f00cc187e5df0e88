//! The `openc2` crate and `serde_json::Value`. Both read everything at once, so there is nothing left to visit; both write
//! to the same slice as ours, which is kinder to them than `to_vec`.

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use crate::Subject;

/// The types of the `openc2` crate, by serde_json. Its own `Message` insists on a `content_type` that no version of the language
/// has, so that it can't read what others send; this is the same without.
pub struct Crate;

/// A message of the crate's types.
#[derive(Deserialize, Serialize)]
pub struct Envelope {
    headers: openc2::json::Headers,
    body: openc2::json::Body,
}

/// Any JSON, unchecked.
pub struct Value;

macro_rules! subject {
    ($name:ident, $label:literal, $message:ty) => {
        impl Subject for $name {
            const NAME: &'static str = $label;
            type Message<'a> = $message;

            fn input(json: &str) -> Vec<u8> {
                json.as_bytes().to_vec()
            }

            #[inline]
            fn decode(bytes: &[u8]) -> $message {
                serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{}: {error}", Self::NAME))
            }

            #[inline]
            fn visit(message: &$message) {
                black_box(message);
            }

            #[inline]
            fn encode(message: &$message, buffer: &mut [u8]) -> usize {
                let whole = buffer.len();
                let mut rest = buffer;
                match serde_json::to_writer(&mut rest, message) {
                    Ok(()) => whole - rest.len(),
                    Err(error) => panic!("{}: {error}", Self::NAME),
                }
            }
        }
    };
}

subject!(Crate, "openc2 crate", Envelope);
subject!(Value, "serde_json::Value", serde_json::Value);
