//! Lets the linker find the memory of the machine that is built for.

use std::path::PathBuf;

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let (target, out) = (variable("TARGET"), PathBuf::from(variable("OUT_DIR")));
    let memory = PathBuf::from("memory").join(target).with_extension("x");
    if let Err(error) = std::fs::copy(&memory, out.join("memory.x")) {
        panic!("{}: {error}", memory.display());
    }
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rerun-if-changed=memory");
}
