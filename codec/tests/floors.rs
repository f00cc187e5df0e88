//! The codec's rooms and their floors, as `ARCHITECTURE.md` shows them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../../tests/shared/floors.rs"]
mod floors;

#[test]
fn a_room_imports_only_what_lies_below_it() {
    let wrong = floors::wrong_imports(env!("CARGO_MANIFEST_DIR"), "Floors of the codec");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
