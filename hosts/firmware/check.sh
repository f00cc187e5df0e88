#!/bin/sh
# Proves by the linker that nothing public can panic, builds the bare-metal programs, runs them in QEMU, and prints what they
# measure beside the goals. Fails when the proof does, when its control doesn't, when a program doesn't run to its end, or when a
# figure is above its gate in gates.md.
#   check.sh                   all of it
#   check.sh proofs|figures    that alone
#   check.sh --record figures  writes today's figures to gates.md
# Needs: a compiler (see toolchain.sh), qemu-system-arm, qemu-system-riscv32, llvm (size, objdump, symbolizer), and python3. An empty firmware,
# `hello`, is subtracted from each flash figure.
set -eu
# An incremental build has other figures.
export CARGO_INCREMENTAL=0
cd "$(dirname "$0")"
record=no parts=
for option in "$@"; do
    case $option in
        --record) record=yes ;;
        proofs | figures) parts="$parts $option" ;;
        *) echo "check.sh [--record] [proofs] [figures]" >&2; exit 2 ;;
    esac
done
: "${parts:=proofs figures}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
status=0
fail() { echo "check.sh: $*" >&2; status=1; }
. ./toolchain.sh
# What each profile of Cargo.toml is called by its opt-level.
level() { case $1 in release) echo z ;; small) echo s ;; fast) echo 3 ;; esac; }

# --- proofs ---

proofs() {
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
    proofs_with_a_heap
}

# What needs a heap, as above; but the libraries that have it may panic, when it is exhausted. At z alone: at 3 the compiler makes one
# call of several, which then stands in no line.
proofs_with_a_heap() {
    echo "With a heap: each panic that can be reached stands in a library that has it"
    for features in alloc alloc,control; do
        firmware_cargo_alloc build --quiet --release --bin no_panic_alloc --features $features
        said=0
        python3 panics.py "$heap/$target/release/no_panic_alloc" library/alloc/ bytes-1. >"$log" || said=$?
        if [ $features = alloc,control ]; then
            if grep -q 'NOT ALLOWED .*no_panic_alloc' "$log"; then
                echo "  no_panic_alloc, opt-level z: a panic put in is found"
            else
                fail "no_panic_alloc: the control, with a panic put in, isn't found"
            fi
        elif [ $said = 0 ]; then
            echo "  no_panic_alloc, opt-level z: holds, $(wc -l <"$log") places"
        else
            fail "no_panic_alloc: a panic of our own can be reached"
            cat "$log" >&2
        fi
    done
}
heap=${CARGO_TARGET_DIR:-target}/heap
firmware_cargo_alloc() {
    # With line tables, and so that nothing of the other programs is built anew.
    CARGO_PROFILE_RELEASE_DEBUG=line-tables-only CARGO_TARGET_DIR=$heap FIRMWARE_CRATES=core,alloc firmware_cargo "$@"
}

# --- figures ---

for size in llvm-size rust-size arm-none-eabi-size size; do
    command -v $size >/dev/null 2>&1 && break
done
for objdump in llvm-objdump rust-objdump objdump; do
    command -v $objdump >/dev/null 2>&1 && break
done
# The runner of .cargo/config.toml is what runs a program.
run() {
    # shellcheck disable=SC2046 # words are wanted
    $(sed -n "/^\[target.$target\]/,/^runner/s/^runner = \"\(.*\)\"/\1/p" .cargo/config.toml) "$out/$1/$2"
}
# flash PROFILE PROGRAM: bytes of code and constants
flash() { $size "$out/$1/$2" | awk 'NR == 2 { print $1 + $2 }'; }
# own PROFILE PROGRAM: its flash less that of the empty firmware
own() { echo $(($(flash "$1" "$2") - $(flash "$1" hello))); }
# told PROFILE PROGRAM FIGURE: what a program printed
told() { sed -n "s/^$3: //p" "$work/$1-$2"; }
# note FIGURE Z 3: one figure of this target
note() { echo "$target|$1|$2|$3" >>"$work/figures"; }
sizes() { for program in "$@"; do note "$program" "$(own release "$program")" "$(own fast "$program")"; done; }
# figures_of PROGRAM FIGURE...: those that it printed
figures_of() {
    program=$1
    shift
    for figure in "$@"; do note "$program: $figure" "$(told release "$program" "$figure")" "$(told fast "$program" "$figure")"; done
}

# measure PROGRAM...: builds and runs them, on this target
measure() {
    out=${CARGO_TARGET_DIR:-target}/$target
    for profile in release fast; do
        # shellcheck disable=SC2046
        firmware_cargo build --quiet --profile $profile $(printf ' --bin %s' hello "$@")
        for program in hello "$@"; do
            said=0
            run $profile "$program" >"$work/$profile-$program" 2>&1 || said=$?
            [ $said = 7 ] || fail "$program on $target at $(level $profile) exits with $said, not with 7"
        done
    done
}
client_figures() {
    sizes client_flash client_qos1_flash
    figures_of client "receive" "of which a host's read" "send" "stack" "RAM in all" "client and tables for 8 + 8" "inbox" "calibration"
}
consumer_figures() {
    figures_of consumer_m4 "query features" "deny" "allow" "delete" "malformed" "repeated" "stack" "RAM in all" \
        "consumer, 4 requests of 256 bytes included" "client, 1024 bytes for packets included"
}

figures() {
    compiler=$FIRMWARE_COMPILER
    measure codec_flash codec_m4_flash codec_m4 client_flash client_qos1_flash client consumer_flash consumer_m4
    sizes codec_flash codec_m4_flash
    figures_of codec_m4 "decode" "decode and read every property" "encode" "encode, payload at another alignment" "encode the head"
    client_figures
    sizes consumer_flash
    consumer_figures
    # Smaller and other chips: the same scripts.
    for target in thumbv6m-none-eabi riscv32imac-unknown-none-elf; do
        FIRMWARE_TARGET=$target
        . ./toolchain.sh
        measure client_flash client_qos1_flash client consumer_flash
        client_figures
        sizes consumer_flash
        # The 16 KiB of RAM of a microbit hold the Consumer, but not a Producer beside it, which the measuring program has.
        [ $target = thumbv6m-none-eabi ] || { measure consumer_m4 && consumer_figures; }
    done
    # A Cortex-M0 has no atomic instructions that read and write; this one has, and nothing may use them.
    if $objdump -d --mattr=+m,+a,+c "$out/release/consumer_flash" 2>/dev/null | grep -E '[[:space:]](amo[a-z]+|lr|sc)\.w'; then
        fail "atomic instructions on $target"
    fi

    awk -F '|' -v compiler="$compiler" -v record=$record -f gates.awk gates.md "$work/figures" >"$work/gates.md" || status=1
    cat "$work/gates.md"
    [ $record = no ] || cp "$work/gates.md" gates.md
}

for part in $parts; do $part; done
exit $status
