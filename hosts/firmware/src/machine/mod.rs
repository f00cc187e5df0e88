//! The machine: what it says, when it ends, and what it counts. All of this package's `unsafe` is in this folder; what differs
//! from one processor to the next is in the files beside this one.

#[cfg(target_arch = "arm")]
#[path = "cortex_m.rs"]
mod arch;
#[cfg(target_arch = "riscv32")]
#[path = "riscv.rs"]
mod arch;

#[cfg(target_arch = "arm")]
pub mod uart;

pub use arch::{copy, entry, spin};

const WRITEC: u32 = 0x03;
const WRITE0: u32 = 0x04;
const EXIT_EXTENDED: u32 = 0x20;

/// Ends the run; QEMU exits with this status.
pub fn exit(status: u32) -> ! {
    let block = [0x20026u32, status]; // ADP_Stopped_ApplicationExit
    arch::semihosting(EXIT_EXTENDED, block.as_ptr().cast());
    loop {}
}

/// Prints on the host's terminal, byte by byte: a line's buffer would bring in the routine that clears memory, and take it off the
/// size of whatever is compared with `hello`.
pub fn print(text: &str) {
    for byte in text.as_bytes() {
        arch::semihosting(WRITEC, byte);
    }
}

/// Prints a decimal number, without `core::fmt`, which would be most of a small program.
pub fn print_number(mut number: u32) {
    let mut digits = [0u8; 11];
    for digit in digits.iter_mut().rev().skip(1) {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let zeros = digits.iter().take(9).take_while(|&&digit| digit == b'0').count();
    arch::semihosting(WRITE0, digits.as_ptr().wrapping_add(zeros));
}

/// Prints a figure on a line of its own.
pub fn report(what: &str, number: u32) {
    print(what);
    print(": ");
    print_number(number);
    print("\n");
}

/// The bytes from `start` on, one at a time.
fn copy_bytes(to: &mut [u8], from: &[u8], start: usize) {
    for (to, from) in to.iter_mut().zip(from).skip(start) {
        // So that the compiler doesn't take it for the copying routine of its library.
        *to = core::hint::black_box(*from);
    }
}

/// What a panic handler calls in a program that must not panic: the symbol doesn't exist, so that a program which can reach it
/// doesn't link.
pub fn unlinkable() -> ! {
    unsafe extern "C" {
        fn a_panic_path_is_reachable() -> !;
    }
    // SAFETY: never called, since it never links.
    unsafe { a_panic_path_is_reachable() }
}

/// How much memory some work took, in bytes.
#[derive(Clone, Copy)]
pub struct Memory {
    /// Of the stack, below the frame of who asked.
    pub stack: u32,
    /// Statics, and the stack from its very beginning on.
    pub in_all: u32,
}

/// How much memory `work` takes: what it has overwritten of the RAM that was painted before.
#[inline(never)]
pub fn memory(work: impl FnOnce()) -> Memory {
    const PAINT: u8 = 0xA5;
    const MOST: usize = 32_768;
    let here = arch::stack_pointer();
    let free = arch::end_of_statics().max(here - MOST);
    // SAFETY: the RAM between the statics and the stack pointer is nobody's, since there is no heap; it is painted and read by
    // volatile accesses. The 64 bytes next to the pointer are left alone, since this function may use them.
    let untouched = unsafe {
        for at in free..(here - 64) {
            (at as *mut u8).write_volatile(PAINT);
        }
        work();
        let mut at = free;
        while at < here - 64 && (at as *const u8).read_volatile() == PAINT {
            at += 1;
        }
        at
    };
    let statics = arch::end_of_statics() - arch::start_of_statics();
    Memory { stack: (here - untouched) as u32, in_all: (statics + arch::start_of_stack() - untouched) as u32 }
}

/// The instructions that `work` takes, exactly; see the `counted` of each processor.
pub fn instructions(work: impl FnMut()) -> u32 {
    arch::counted(work).saturating_sub(arch::counted(|| {}))
}
