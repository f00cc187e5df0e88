//! A 32-bit RISC-V: the machine `virt` of QEMU.

use core::arch::asm;

pub use riscv_rt::entry;

pub(super) fn semihosting(operation: u32, argument: *const u8) {
    // SAFETY: QEMU answers these three instructions; it reads what `argument` points to and changes a0 alone. They may not be
    // compressed, nor lie on two pages.
    unsafe {
        asm!(
            ".balign 16", ".option push", ".option norvc", "slli x0, x0, 0x1f", "ebreak", "srai x0, x0, 7", ".option pop",
            inout("a0") operation => _, in("a1") argument, options(nostack),
        );
    }
}

/// A loop of three instructions a round.
#[inline(never)]
pub fn spin(rounds: u32) {
    // SAFETY: counts a register down.
    unsafe { asm!("2: nop", "addi {0}, {0}, -1", "bnez {0}, 2b", inout(reg) rounds => _, options(nomem, nostack)) }
}

/// Copies as many bytes as both have, a word at a time where they begin at words: what a host's read costs beside the client, and
/// not the routine of the compiler's library, which would be charged to the client.
#[inline(never)]
pub fn copy(to: &mut [u8], from: &[u8]) -> usize {
    let len = to.len().min(from.len());
    let words = if (to.as_ptr() as usize | from.as_ptr() as usize) & 3 == 0 { len / 4 } else { 0 };
    if words != 0 {
        // SAFETY: `words` times 4 bytes lie in both slices, which begin at words.
        unsafe {
            asm!(
                "2: lw {word}, 0({from})", "sw {word}, 0({to})", "addi {from}, {from}, 4", "addi {to}, {to}, 4",
                "addi {words}, {words}, -1", "bnez {words}, 2b",
                from = inout(reg) from.as_ptr() => _, to = inout(reg) to.as_mut_ptr() => _, words = inout(reg) words => _,
                word = out(reg) _, options(nostack),
            );
        }
    }
    super::copy_bytes(to, from, words * 4);
    len
}

pub(super) fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mv {0}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) }
    pointer
}

unsafe extern "C" {
    static __sdata: u32;
    static __sheap: u32;
    static _stack_start: u32;
}

pub(super) fn start_of_statics() -> usize {
    &raw const __sdata as usize
}

pub(super) fn end_of_statics() -> usize {
    &raw const __sheap as usize
}

pub(super) fn start_of_stack() -> usize {
    &raw const _stack_start as usize
}

/// Instructions retired, which QEMU counts exactly with `-icount shift=0`.
#[inline(always)]
pub(super) fn counted(mut work: impl FnMut()) -> u32 {
    let start = retired();
    work();
    retired().wrapping_sub(start)
}

#[inline(always)]
fn retired() -> u32 {
    let count: u32;
    // SAFETY: reads a counter. No `nomem`, so that nothing is moved across it.
    unsafe { asm!("csrr {0}, minstret", out(reg) count, options(nostack)) }
    count
}
