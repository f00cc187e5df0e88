//! The machine: what it says, when it ends, and what it counts. All of this package's `unsafe` is here.

use core::arch::asm;

const WRITE0: u32 = 0x04;
const EXIT_EXTENDED: u32 = 0x20;

const SYST_CSR: *mut u32 = 0xE000_E010 as *mut u32;
const SYST_RVR: *mut u32 = 0xE000_E014 as *mut u32;
const SYST_CVR: *mut u32 = 0xE000_E018 as *mut u32;

fn semihosting(operation: u32, argument: *const u8) {
    // SAFETY: QEMU answers this breakpoint; it reads what `argument` points to and changes r0 alone.
    unsafe { asm!("bkpt 0xAB", inout("r0") operation => _, in("r1") argument, options(nostack)) }
}

/// Ends the run; QEMU exits with this status.
pub fn exit(status: u32) -> ! {
    let block = [0x20026u32, status]; // ADP_Stopped_ApplicationExit
    semihosting(EXIT_EXTENDED, block.as_ptr().cast());
    loop {}
}

/// Prints on the host's terminal.
pub fn print(text: &str) {
    for chunk in text.as_bytes().chunks(64) {
        let mut line = [0u8; 65];
        for (to, from) in line.iter_mut().zip(chunk) {
            *to = *from;
        }
        semihosting(WRITE0, line.as_ptr());
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
    semihosting(WRITE0, digits.as_ptr().wrapping_add(zeros));
}

/// A loop of three instructions a round.
#[inline(never)]
pub fn spin(rounds: u32) {
    // SAFETY: counts a register down.
    unsafe { asm!("2: nop", "subs {0}, {0}, #1", "bne 2b", inout(reg) rounds => _, options(nomem, nostack)) }
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

/// How many bytes of stack `work` takes: what it has overwritten of 32 KiB that were painted before.
#[inline(never)]
pub fn stack(work: impl FnOnce()) -> u32 {
    const PAINT: u8 = 0xA5;
    const DEPTH: usize = 32_768;
    let top: usize;
    // SAFETY: reads the stack pointer; the RAM below it, 4 MiB of which this program has none in use, is painted and read
    // by volatile accesses. The 64 bytes next to the pointer are left alone, since this function may use them.
    unsafe {
        asm!("mov {0}, sp", out(reg) top, options(nomem, nostack, preserves_flags));
        for at in (top - DEPTH)..(top - 64) {
            (at as *mut u8).write_volatile(PAINT);
        }
        work();
        let mut untouched = top - DEPTH;
        while untouched < top - 64 && (untouched as *const u8).read_volatile() == PAINT {
            untouched += 1;
        }
        (top - untouched) as u32
    }
}

/// The instructions that `work` takes, exactly: `-icount shift=6` makes an instruction 64 ns, and SysTick counts the 25 MHz of
/// mps2-an386, 40 ns, so that 8 ticks are 5 instructions. At most 10 million instructions.
pub fn instructions(work: impl FnMut()) -> u32 {
    counted(work).saturating_sub(counted(|| {}))
}

#[inline(always)]
fn counted(mut work: impl FnMut()) -> u32 {
    const FULL: u32 = 0x00FF_FFFF;
    // SAFETY: SysTick belongs to this program alone, and no interrupt is enabled.
    unsafe {
        SYST_RVR.write_volatile(FULL);
        SYST_CVR.write_volatile(0);
        SYST_CSR.write_volatile(0b101);
        let start = SYST_CVR.read_volatile();
        work();
        let end = SYST_CVR.read_volatile();
        SYST_CSR.write_volatile(0);
        (start.wrapping_sub(end) & FULL) * 5 / 8
    }
}
