#!/bin/sh
# Sourced: gives firmware_cargo, a cargo that builds for $FIRMWARE_TARGET (thumbv7em-none-eabi, if unset). Where rustup has the
# target (or can add it) that is plain cargo; else, or with FIRMWARE_TOOLCHAIN=debian, Debian's rustc-web with rust-web-src,
# which builds core itself.

target=${FIRMWARE_TARGET:-thumbv7em-none-eabi}
sysroot=$(rustc --print sysroot 2>/dev/null || true)
if [ "${FIRMWARE_TOOLCHAIN:-}" != debian ] && [ -n "$sysroot" ] && [ -d "$sysroot/lib/rustlib/$target/lib" ]; then
    FIRMWARE_CARGO="cargo"
    FIRMWARE_COMPILER="$(rustc --version), its own core"
elif [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src/rust/library/core ]; then
    export RUSTC_BOOTSTRAP=1
    PATH=/usr/bin:$PATH
    # Debian has no rust-lld.
    export CARGO_TARGET_THUMBV7EM_NONE_EABI_LINKER=ld.lld CARGO_TARGET_THUMBV6M_NONE_EABI_LINKER=ld.lld
    export CARGO_TARGET_RISCV32IMAC_UNKNOWN_NONE_ELF_LINKER=ld.lld
    FIRMWARE_CARGO="/usr/bin/cargo -Zbuild-std-features=compiler-builtins-mem"
    FIRMWARE_STD=yes
    FIRMWARE_COMPILER="$(rustc --version), core built with the program"
else
    echo "no compiler for $target here: rustup target add $target, or apt-get install rustc-web cargo-web rust-web-src lld" >&2
    exit 2
fi
# Arguments as usual: firmware_cargo build --release. FIRMWARE_CRATES=core,alloc for a program that has a heap.
firmware_cargo() { $FIRMWARE_CARGO ${FIRMWARE_STD:+-Zbuild-std=${FIRMWARE_CRATES:-core}} "$@" --target "$target"; }
