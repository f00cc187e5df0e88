//! The rooms of the session and their floors, as `ARCHITECTURE.md` shows them.

#[path = "../../tests/shared/floors.rs"]
mod shared;

#[test]
fn a_room_imports_only_what_lies_below_it() {
    let wrong = shared::wrong_imports(env!("CARGO_MANIFEST_DIR"), "Floors of the session");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
