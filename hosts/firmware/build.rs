//! Lets the linker find the memory of the machine that is built for, and the programs know which it is: a stable compiler doesn't
//! tell them what a Cortex-M has.

use std::path::PathBuf;

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let (target, out) = (variable("TARGET"), PathBuf::from(variable("OUT_DIR")));
    println!("cargo:rustc-check-cfg=cfg(microbit)");
    if target == "thumbv6m-none-eabi" {
        println!("cargo:rustc-cfg=microbit");
    }
    let memory = PathBuf::from("memory").join(target).with_extension("x");
    if let Err(error) = std::fs::copy(&memory, out.join("memory.x")) {
        panic!("{}: {error}", memory.display());
    }
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rerun-if-changed=memory");
}
