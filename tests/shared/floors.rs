//! The rooms of a crate and their floors: a room imports only what lies on a lower floor. The floors are written in
//! `ARCHITECTURE.md`, and nowhere else; the tests of each crate bring this file in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Compares the imports of a crate with its floors: what is imported upwards or from the same floor, as `room imports room`.
pub(crate) fn wrong_imports(manifest: &str, section: &str) -> BTreeSet<String> {
    let folder = Path::new(manifest);
    let floors = floors(&fs::read_to_string(folder.join("../ARCHITECTURE.md")).unwrap(), section);
    let lib = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    let mut modules = BTreeMap::new();
    files(&folder.join("src"), "", &mut modules);
    modules.remove("lib");
    modules.retain(|module, _| !lib.contains(&format!("#[cfg(test)]\nmod {module};")));
    for room in floors.iter().flatten() {
        assert!(modules.keys().any(|module| within(module, room)), "{room} is a room without a file");
    }
    // What lib.rs passes on, and from which module.
    let mut passed_on = BTreeMap::new();
    for path in lib.split("pub use ").skip(1).flat_map(|rest| expand(rest.split(';').next().unwrap())) {
        if let Some((name, path)) = path.split_last() {
            passed_on.insert(name.clone(), path.join("/"));
        }
    }
    let mut wrong = BTreeSet::new();
    for (module, code) in &modules {
        for path in imports(module, code) {
            let first = path.first().and_then(|name| passed_on.get(name));
            let (path, modules) = (path.join("/"), &modules);
            // A path names a module and what is in it; `crate::Name` is what lib.rs passes on.
            let other = modules.keys().filter(|other| within(&path, other)).max_by_key(|other| other.len()).or(first);
            let Some(other) = other.filter(|other| !other.is_empty()) else { continue };
            let ((floor, own), (below, room)) = (room(&floors, module), room(&floors, other));
            if own != room && below >= floor {
                wrong.insert(format!("{own} imports {room}"));
            }
        }
    }
    wrong
}

/// The floors of a section's picture, from the ground up.
fn floors(text: &str, section: &str) -> Vec<Vec<String>> {
    let picture = text.split(&format!("# {section}\n")).nth(1).and_then(|rest| rest.split("```").nth(1)).unwrap();
    let rooms = |line: &str| {
        let named = line.trim_start().split("   ").next().unwrap();
        let each = named.split('·').map(str::trim).flat_map(|name| match name.split_once("/{") {
            Some((folder, files)) => {
                files.trim_end_matches('}').split(' ').map(|file| format!("{folder}/{file}")).collect()
            }
            None => vec![name.to_owned()],
        });
        each.filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    picture.lines().map(rooms).filter(|floor| !floor.is_empty()).rev().collect()
}

/// The files of a folder and of those in it, by what they are called as modules, with their code alone.
fn files(folder: &Path, name: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = format!("{name}{}", path.file_stem().unwrap().to_str().unwrap());
        if path.is_dir() {
            files(&path, &format!("{stem}/"), found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let lines = code.lines().map(|line| line.split("//").next().unwrap());
            let module = stem.strip_suffix("/mod").unwrap_or(&stem).to_owned();
            found.insert(module, lines.collect::<Vec<_>>().join("\n"));
        }
    }
}

/// Whether a path is that of a module, or of something in it.
fn within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The paths into this crate that stand in a module's code, from the crate's root on.
fn imports(module: &str, code: &str) -> Vec<Vec<String>> {
    let own: Vec<String> = module.split('/').map(str::to_owned).collect();
    let parent = own.get(..own.len() - 1).unwrap_or_default();
    let of_root = code.split("crate::").skip(1).flat_map(expand);
    let of_parent = code.split("super::").skip(1).flat_map(expand).map(|path| [parent, &path[..]].concat());
    of_root.chain(of_parent).collect()
}

/// The names with which the paths begin that stand here.
#[allow(dead_code, reason = "not every crate asks")]
pub(crate) fn names(text: &str) -> BTreeSet<String> {
    expand(text).into_iter().filter_map(|path| path.into_iter().next()).collect()
}

/// The paths that begin here: one, or those of a group.
fn expand(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' | ',' if depth == 0 => {
                    paths.extend(expand(&group[start..at]));
                    start = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
        return paths;
    }
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if name.is_empty() {
        return Vec::new();
    }
    match text[name.len()..].strip_prefix("::").map(expand).filter(|paths| !paths.is_empty()) {
        Some(paths) => paths.into_iter().map(|path| [vec![name.clone()], path].concat()).collect(),
        None => vec![vec![name]],
    }
}

/// The floor and the room of a module: itself, or the folder around it.
fn room<'f>(floors: &'f [Vec<String>], module: &str) -> (usize, &'f str) {
    let around = (0..floors.len()).flat_map(|at| floors[at].iter().map(move |room| (at, room.as_str())));
    let found = around.filter(|(_, room)| within(module, room)).max_by_key(|(_, room)| room.len());
    found.unwrap_or_else(|| panic!("{module} has no floor"))
}
