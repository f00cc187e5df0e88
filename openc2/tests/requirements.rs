//! The table of requirements is complete, and each row names a test, a type or the host's duty that there is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use openc2_mqtt::transfer::Layout;

/// A line's cells; none of ours holds a quotation mark, but some are quoted for their comma.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().unwrap().push(c),
        }
    }
    cells
}

/// All Rust sources below a folder.
fn sources(folder: &Path, into: &mut String) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_requirement_has_its_evidence() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(here.join("requirements.csv")).unwrap();
    let mut all = String::new();
    for part in ["openc2", "session", "codec", "tests"] {
        for folder in ["src", "tests"] {
            sources(&here.join("..").join(part).join(folder), &mut all);
        }
    }
    let mut rows = BTreeMap::new();
    for line in table.lines().skip(1) {
        let row = cells(line);
        let [id, layout, section, level, role, requirement, how, evidence] = row.as_slice() else { panic!("{line}") };
        // Each version of the transfer specification has rows of its own.
        let of = ["CS01", "CSD03", "WD01"].into_iter().find(|name| section.split(' ').next() == Some(name));
        let own = ['C', 'D', 'W'].iter().any(|letter| id.starts_with(*letter));
        let wanted = of.filter(|_| own).map_or("all".into(), str::to_lowercase);
        assert_eq!(*layout, wanted, "{id}");
        assert!(layout == "all" || Layout::from_name(layout).is_some(), "{id}");
        assert!([section, level, role, requirement].iter().all(|cell| !cell.is_empty()), "{line}");
        match how.as_str() {
            "test" => {
                for name in evidence.split(' ') {
                    let function = format!("fn {name}(");
                    let found = all.find(&function).unwrap_or_else(|| panic!("{id}: there is no test {name}"));
                    let attributes = all.get(..found).unwrap().rsplit("\n\n").next().unwrap();
                    assert!(attributes.contains("#[test]"), "{id}: {name} is no test");
                }
            }
            "type" => {
                let found =
                    all.contains(&format!("pub struct {evidence}")) || all.contains(&format!("pub enum {evidence}"));
                assert!(found, "{id}: there is no type {evidence}");
            }
            "host" | "none" => assert!(!evidence.is_empty(), "{id}"),
            other => panic!("{id}: {other}"),
        }
        assert!(rows.insert(id.clone(), ()).is_none(), "{id} stands twice");
    }
    for (letter, count) in [('C', 51), ('D', 30), ('W', 16), ('L', 24), ('S', 8), ('K', 23), ('P', 10)] {
        for number in 1..=count {
            assert!(rows.remove(&format!("{letter}{number}")).is_some(), "{letter}{number} is missing");
        }
    }
    assert!(rows.is_empty(), "{rows:?}");
}
