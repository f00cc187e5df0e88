//! The baseline: start-up code and one line of output. Its size is subtracted from the others'.
#![no_std]
#![no_main]

use firmware::machine::{exit, print};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    print("hello from thumbv7em\n");
    exit(7)
}
