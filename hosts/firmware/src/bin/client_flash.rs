//! The script and nothing else: its size less that of `hello` is what a client takes of the flash.
#![no_std]
#![no_main]

use firmware::machine::{entry, exit, print};
use firmware::script;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[entry]
fn main() -> ! {
    print("hello from bare metal\n");
    exit(if script::on_a_device(script::all) { 7 } else { 1 })
}
