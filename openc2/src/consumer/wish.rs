//! Which response the sender of a message wants that can't be read as a whole, as far as that can still be told: who wants
//! none gets none (SLPF s3.2.1.7.1: that comes before all else).

use crate::cbor::Cbor;
use crate::json::Json;
use crate::source::{Key, Shape, Source};
use crate::transfer::Encoding;
use crate::vocabulary::ResponseType;

/// The way to `response_requested`, by names and, in the concise form, identifiers.
const WAY: [(&str, u64, Shape); 5] = [
    ("body", 2, Shape::Record),
    ("openc2", 1, Shape::Map),
    ("request", 1, Shape::Map),
    ("args", 3, Shape::Record),
    ("response_requested", 4, Shape::Map),
];

/// `None` if what is wrong lies before it, or it isn't there.
pub(super) fn response_requested(encoding: Encoding, payload: &[u8], depth: u8) -> Option<ResponseType> {
    match encoding {
        Encoding::Json => {
            let sound = payload.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            find(Json::new(sound, depth))
        }
        Encoding::Cbor => find(Cbor::detect(payload, depth)),
    }
}

fn find<'a, S: Source<'a>>(mut source: S) -> Option<ResponseType> {
    for (name, id, shape) in WAY {
        let mut walk = source.open(shape).ok()?;
        loop {
            let here = match source.key(&mut walk).ok()?? {
                Key::Name(key) => key == name,
                Key::Id(key) => key == id,
            };
            if here {
                break;
            }
            source.skip().ok()?;
        }
    }
    if source.concise() {
        ResponseType::from_id(source.integer().ok()?)
    } else {
        ResponseType::from_name(source.text().ok()?.as_plain()?)
    }
}
