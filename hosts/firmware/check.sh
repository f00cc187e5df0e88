#!/bin/sh
# Builds the bare-metal programs, proves by the linker that nothing public can panic, runs the measurements in QEMU and prints
# them beside the goals. Fails when the proof does, when its control doesn't, or when a program doesn't run to its end.
# Needs: a compiler (see toolchain.sh), qemu-system-arm, and any `size` that reads ARM files.
set -eu
cd "$(dirname "$0")"
. ./toolchain.sh
out=${CARGO_TARGET_DIR:-target}/$target
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0

for size in arm-none-eabi-size llvm-size rust-size size; do
    command -v $size >/dev/null 2>&1 && break
done
# flash PROFILE PROGRAM: bytes of code and constants
flash() { $size "$out/$1/$2" | awk 'NR == 2 { print $1 + $2 }'; }
run() {
    timeout 60 qemu-system-arm -M mps2-an386 -cpu cortex-m4 -icount shift=6 -nographic -monitor none -serial none \
        -semihosting-config enable=on,target=native -kernel "$out/$1/$2" 2>&1
}
fail() { echo "check.sh: $*" >&2; status=1; }
# What each profile of Cargo.toml is called by its opt-level.
level() { case $1 in release) echo z ;; small) echo s ;; fast) echo 3 ;; esac; }

echo "No reachable panic: a program that calls every public function, and whose panic handler calls a symbol that doesn't exist"
for profile in release small fast; do
    if firmware_cargo build --quiet --profile $profile --bin no_panic >"$log" 2>&1; then
        echo "  opt-level $(level $profile): links"
    else
        fail "opt-level $(level $profile): a panic can be reached"
        grep -v '^warning' "$log" | head -20 >&2
    fi
    if firmware_cargo build --quiet --profile $profile --bin no_panic --features control >"$log" 2>&1; then
        fail "opt-level $(level $profile): the control, with a panic put in, links"
    elif grep -q a_panic_path_is_reachable "$log"; then
        echo "  opt-level $(level $profile): with a panic put in, it doesn't"
    else
        fail "opt-level $(level $profile): the control fails for another reason"
        head -20 "$log" >&2
    fi
done

for profile in release fast; do
    firmware_cargo build --quiet --profile $profile --bin hello --bin codec_flash --bin codec_m4
    said=0
    run $profile hello >"$log" || said=$?
    [ $said = 7 ] || fail "hello exits with $said, not with 7"
    run $profile codec_m4 >"$out/$profile/codec_m4.txt" || fail "codec_m4 fails"
done
# told PROFILE WHAT: a figure that codec_m4 printed
told() { sed -n "s/^$2: //p" "$out/$1/codec_m4.txt"; }

echo
echo "| codec on a Cortex-M4, PUBLISH of 322 bytes | z | 3 | goal z / 3 |"
echo "|---|---|---|---|"
row() { echo "| $1 | $(told release "$1") | $(told fast "$1") | $2 |"; }
row "decode" "1,500 / 900"
row "decode and read every property" "-"
row "encode" "1,800 / 700"
row "encode, payload at another alignment" "-"
row "encode the head" "-"
row "calibration" "303, by hand"
echo "| flash of all 15 packets, both ways, bytes | $(($(flash release codec_flash) - $(flash release hello))) | $(($(flash fast codec_flash) - $(flash fast hello))) | - |"
exit $status
