//! The rooms of openc2 and their floors, as `ARCHITECTURE.md` shows them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../../tests/shared/floors.rs"]
mod floors;

#[test]
fn a_room_imports_only_what_lies_below_it() {
    let wrong = floors::wrong_imports(env!("CARGO_MANIFEST_DIR"), "Floors of openc2");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn packet_filtering_uses_nothing_that_a_profile_of_anyones_own_could_not() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/profile/slpf");
    let lib = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for name in code.split("crate::").skip(1).flat_map(floors::names) {
            // The public module, what lib.rs gives to everyone, and the macro.
            let public = matches!(name.as_str(), "profile" | "vocabulary");
            assert!(
                public
                    || lib.contains(&format!("{name},"))
                    || lib.contains(&format!("{name};"))
                    || lib.contains(&format!("{name}}}")),
                "{name}"
            );
        }
    }
}
