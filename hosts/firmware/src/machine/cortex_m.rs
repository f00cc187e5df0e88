//! A Cortex-M: mps2-an386 (Cortex-M4) and microbit (Cortex-M0) of QEMU.

use core::arch::asm;

pub use cortex_m_rt::entry;

const SYST_CSR: *mut u32 = 0xE000_E010 as *mut u32;
const SYST_RVR: *mut u32 = 0xE000_E014 as *mut u32;
const SYST_CVR: *mut u32 = 0xE000_E018 as *mut u32;

/// Ticks of SysTick, and how many instructions they are. `-icount shift=6` makes an instruction 64 ns; SysTick counts the
/// 25 MHz of mps2-an386, 40 ns, and the 16 MHz of microbit, 62.5 ns.
const TICKS: (u32, u32) = if cfg!(microbit) { (128, 125) } else { (8, 5) };

pub(super) fn semihosting(operation: u32, argument: *const u8) {
    // SAFETY: QEMU answers this breakpoint; it reads what `argument` points to and changes r0 alone.
    unsafe { asm!("bkpt 0xAB", inout("r0") operation => _, in("r1") argument, options(nostack)) }
}

/// A loop of three instructions a round.
#[inline(never)]
pub fn spin(rounds: u32) {
    // SAFETY: counts a register down.
    unsafe { asm!("2: nop", "subs {0}, {0}, #1", "bne 2b", inout(reg) rounds => _, options(nomem, nostack)) }
}

/// Copies as many bytes as both have, four words at a time where they begin at words: what a host's read costs beside the
/// client, and not the routine of the compiler's library, which would be charged to the client.
#[inline(never)]
pub fn copy(to: &mut [u8], from: &[u8]) -> usize {
    let len = to.len().min(from.len());
    let blocks = if (to.as_ptr() as usize | from.as_ptr() as usize) & 3 == 0 { len / 16 } else { 0 };
    if blocks != 0 {
        // SAFETY: `blocks` times 16 bytes lie in both slices, which begin at words.
        unsafe {
            asm!(
                "2: ldmia {from}!, {{r2, r3, r4, r5}}", "stmia {to}!, {{r2, r3, r4, r5}}", "subs {blocks}, {blocks}, #1", "bne 2b",
                from = inout(reg) from.as_ptr() => _, to = inout(reg) to.as_mut_ptr() => _, blocks = inout(reg) blocks => _,
                out("r2") _, out("r3") _, out("r4") _, out("r5") _, options(nostack),
            );
        }
    }
    super::copy_bytes(to, from, blocks * 16);
    len
}

pub(super) fn stack_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {0}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) }
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

/// At most 10 million instructions.
#[inline(always)]
pub(super) fn counted(mut work: impl FnMut()) -> u32 {
    const FULL: u32 = 0x00FF_FFFF;
    // SAFETY: SysTick belongs to this program alone, and no interrupt is enabled.
    let ticks = unsafe {
        SYST_RVR.write_volatile(FULL);
        SYST_CVR.write_volatile(0);
        SYST_CSR.write_volatile(0b101);
        let start = SYST_CVR.read_volatile();
        work();
        let end = SYST_CVR.read_volatile();
        SYST_CSR.write_volatile(0);
        start.wrapping_sub(end) & FULL
    };
    // In two steps, which don't overflow.
    ticks / TICKS.0 * TICKS.1 + ticks % TICKS.0 * TICKS.1 / TICKS.0
}
