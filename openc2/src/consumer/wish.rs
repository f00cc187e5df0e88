//! Which response the sender of a message wants that can't be read as a whole, as far as that can still be told: who wants
//! none gets none (SLPF s3.2.1.7.1: that comes before all else).

use crate::error::LanguageRule;
use crate::source::{Key, Reader, Shape};
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
    let mut reader = Reader::of_sound(encoding, payload, depth);
    for (name, id, shape) in WAY {
        let mut walk = reader.open_map(shape);
        loop {
            let here = match reader.key(&mut walk)? {
                Key::Name(key) => key == name,
                Key::Id(key) => key == id,
            };
            if here {
                break;
            }
            reader.skip();
        }
    }
    let wish = reader.one_of(LanguageRule::ResponseType)?;
    reader.sound().then_some(wish)
}
