//! The rooms of openc2 and their floors, as `ARCHITECTURE.md` shows them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../../tests/shared/floors.rs"]
mod floors;

/// What is to go: packet filtering is the one profile that the language knows by name.
const DEBTS: [&str; 4] = ["extension", "list", "response", "target"];

#[test]
fn a_room_imports_only_what_lies_below_it() {
    let wrong = floors::wrong_imports(env!("CARGO_MANIFEST_DIR"), "Floors of openc2");
    let debts = DEBTS.map(|room| format!("language/{room} imports profile/slpf"));
    assert!(wrong.iter().eq(&debts), "{wrong:#?}");
}
