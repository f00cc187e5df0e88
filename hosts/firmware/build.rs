//! Lets the linker find memory.x.

fn main() {
    if let Some(folder) = std::env::var_os("CARGO_MANIFEST_DIR") {
        println!("cargo:rustc-link-search={}", folder.display());
    }
    println!("cargo:rerun-if-changed=memory.x");
}
