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
for proof in no_panic no_panic_openc2; do
    for profile in release small fast; do
        what="$proof, opt-level $(level $profile)"
        if firmware_cargo build --quiet --profile $profile --bin $proof >"$log" 2>&1; then
            echo "  $what: links"
        else
            fail "$what: a panic can be reached"
            grep -v '^warning' "$log" | head -20 >&2
        fi
        if firmware_cargo build --quiet --profile $profile --bin $proof --features control >"$log" 2>&1; then
            fail "$what: the control, with a panic put in, links"
        elif grep -q a_panic_path_is_reachable "$log"; then
            echo "  $what: with a panic put in, it doesn't"
        else
            fail "$what: the control fails for another reason"
            head -20 "$log" >&2
        fi
    done
done

for profile in release fast; do
    firmware_cargo build --quiet --profile $profile --bins
    for program in hello codec_m4_flash client_flash consumer_flash; do
        said=0
        run $profile $program >"$log" || said=$?
        [ $said = 7 ] || fail "$program exits with $said, not with 7"
    done
    for program in codec_m4 client_m4 consumer_m4; do
        run $profile $program >"$out/$profile/$program.txt" || fail "$program fails"
    done
done
# told PROFILE PROGRAM WHAT: a figure that a program printed
told() { sed -n "s/^$3: //p" "$out/$1/$2.txt"; }
# row PROGRAM WHAT GOAL
row() { echo "| $2 | $(told release "$1" "$2") | $(told fast "$1" "$2") | $3 |"; }
# own PROGRAM: its flash less that of start-up and one line of output
own() { echo "$(($(flash release "$1") - $(flash release hello))) | $(($(flash fast "$1") - $(flash fast hello)))"; }

echo
echo "| codec on a Cortex-M4, PUBLISH of 322 bytes: instructions | z | 3 | goal z / 3 |"
echo "|---|---|---|---|"
row codec_m4 "decode" "1,500 / 900"
row codec_m4 "decode and read every property" "-"
row codec_m4 "encode" "1,800 / 700"
row codec_m4 "encode, payload at another alignment" "-"
row codec_m4 "encode the head" "-"
row codec_m4 "calibration" "303, by hand"
echo "| flash of all 15 packets, both ways, bytes | $(own codec_flash) | - |"
echo "| flash of what a client receives and sends, bytes | $(own codec_m4_flash) | - |"
echo
echo "| client on a Cortex-M4, the script | z | 3 | goal z / 3 |"
echo "|---|---|---|---|"
echo "| flash, bytes, the script included | $(own client_flash) | 8,192 / 14,336 |"
row client_m4 "receive" "1,860 / 915"
row client_m4 "send" "2,600 / 1,100"
row client_m4 "stack" "400"
row client_m4 "client and tables for 8 + 8" "256"
row client_m4 "inbox" "-"
row client_m4 "RAM in all" "1,100"
echo
echo "| a Consumer of packet filtering over the session, its script | z | 3 | goal z / 3 |"
echo "|---|---|---|---|"
echo "| flash, bytes, the client and the script included | $(own consumer_flash) | - |"
row consumer_m4 "query features" "-"
row consumer_m4 "deny" "-"
row consumer_m4 "allow" "-"
row consumer_m4 "delete" "-"
row consumer_m4 "malformed" "-"
row consumer_m4 "repeated" "-"
row consumer_m4 "stack" "-"
row consumer_m4 "consumer, 4 requests of 256 bytes included" "-"
row consumer_m4 "client, 1024 bytes for packets included" "-"
row consumer_m4 "RAM in all" "-"
exit $status
