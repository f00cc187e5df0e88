//! Finds minimq's source where cargo keeps what it fetched, and makes it the body of this crate: `lib.rs` loses its inner
//! attributes, which can't be included, and every other file is used as it is.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

const PACKAGE: &str = "minimq-0.13.5";

fn main() {
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("minimq");
    let source = find().unwrap_or_else(|| panic!("{PACKAGE} isn't in cargo's registry folder"));
    copy(&source.join("src"), &target);
    let lib = fs::read_to_string(target.join("lib.rs")).expect("minimq has a lib.rs");
    let body: Vec<&str> = lib
        .lines()
        .take_while(|line| !line.contains("cfg(test)"))
        .filter(|line| !line.starts_with("#![") && !line.starts_with("//!"))
        .collect();
    fs::write(target.join("lib.rs"), body.join("\n")).expect("OUT_DIR can be written");
}

fn find() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    registries.flatten().map(|registry| registry.path().join(PACKAGE)).find(|path| path.is_dir())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("OUT_DIR can be written");
    for entry in fs::read_dir(from).expect("minimq's source can be read").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target)
        } else {
            let _ = fs::copy(path, target).expect("OUT_DIR can be written");
        }
    }
}
