#!/bin/sh
# Prints what a feature costs: how much larger the script's program is with it, on a Cortex-M4, and the largest symbols that come
# with it; then what each part of the client and of the Consumer takes, by its symbols. See check.sh for what it needs, and python3.
set -eu
# An incremental build has other figures.
export CARGO_INCREMENTAL=0
cd "$(dirname "$0")"
. ./toolchain.sh
out=${CARGO_TARGET_DIR:-target}/$target
for nm in llvm-nm rust-nm arm-none-eabi-nm; do
    command -v $nm >/dev/null 2>&1 && break
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# features: the names that the program knows
features() { sed -n 's/^        b"\([^"]*\)" =>.*/\1/p' src/bin/feature_flash.rs; }
features | while read -r feature; do
    export FIRMWARE_FEATURE="$feature"
    for profile in release fast; do
        firmware_cargo build --quiet --profile $profile --bin feature_flash </dev/null
        $nm --demangle --print-size --radix=d "$out/$profile/feature_flash" >"$work/$profile $feature"
    done
done
for program in client_flash consumer_flash; do
    for profile in release fast; do
        firmware_cargo build --quiet --profile $profile --bin $program
        $nm --demangle --print-size --radix=d "$out/$profile/$program" >"$work/$profile $program"
    done
done
python3 costs.py "$work"
