//! The rooms of this crate and their floors: a room imports only what lies on a lower floor. `ARCHITECTURE.md` shows the same floors.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From the ground up. Rooms of one floor don't know each other; a folder is a room, unless its files are named here.
const FLOORS: &[&[&str]] = &[
    &["word", "rule", "reason", "sink"],
    &["error"],
    &["wire"],
    &["text", "value", "list"],
    &["topic"],
    &["property"],
    &["packet/shape"],
    &[
        "packet/ack",
        "packet/connack",
        "packet/connect",
        "packet/disconnect",
        "packet/publish",
        "packet/suback",
        "packet/subscribe",
    ],
    &["packet"],
    &["packet/print"],
    &["decoder"],
    &["owned"],
];

/// The files of a folder and of those in it, by what they are called as modules.
fn files(folder: &Path, name: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = format!("{name}{}", path.file_stem().unwrap().to_str().unwrap());
        if path.is_dir() {
            files(&path, &format!("{stem}/"), found);
        } else if !matches!(stem.as_str(), "lib" | "testing") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let lines = code.lines().map(|line| line.split("//").next().unwrap());
            found.insert(stem, lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// What lib.rs passes on, and from which module.
fn passed_on(lib: &str) -> BTreeMap<String, String> {
    let mut from = BTreeMap::new();
    for line in lib.split("pub use ").skip(1) {
        let (module, names) = line.split(';').next().unwrap().split_once("::").unwrap();
        for name in names.split(|c: char| !c.is_alphanumeric()).filter(|name| !name.is_empty()) {
            from.insert(name.to_owned(), module.to_owned());
        }
    }
    from
}

/// The names that are imported from the crate's root, by `use` or in the code.
fn imported(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' | ',' if depth == 0 => {
                    names.insert(word(group[start..at].trim()));
                    start = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    names.remove("");
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The room of a file: itself or the folder around it.
fn room(module: &str) -> (usize, &'static str) {
    let named = |name: &str| {
        FLOORS
            .iter()
            .enumerate()
            .find_map(|(at, rooms)| rooms.iter().find(|room| **room == name).map(|room| (at, *room)))
    };
    let folder = module.split('/').next().unwrap();
    named(module).or_else(|| named(folder)).unwrap_or_else(|| panic!("{module} has no floor"))
}

#[test]
fn a_room_imports_only_what_lies_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let from = passed_on(&fs::read_to_string(source.join("lib.rs")).unwrap());
    let mut modules = BTreeMap::new();
    files(&source, "", &mut modules);
    assert!(modules.len() > 20);
    let mut wrong = Vec::new();
    for (module, code) in &modules {
        let siblings =
            code.split("super::").skip(1).map(word).filter(|name| modules.contains_key(&format!("packet/{name}")));
        let above = siblings.map(|name| format!("packet/{name}"));
        for name in imported(code).into_iter().map(|name| from.get(&name).cloned().unwrap_or(name)).chain(above) {
            let ((floor, own), (below, other)) = (room(module), room(&name));
            if own != other && below >= floor {
                wrong.push(format!("{module} imports {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
