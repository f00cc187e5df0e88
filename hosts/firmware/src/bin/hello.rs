//! The baseline: start-up code, one line of output, and a wire that is read and written. Its size is subtracted from the others'.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::host::{Buffer, Wire};
use firmware::machine::{entry, exit, print};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[entry]
fn main() -> ! {
    print("hello from bare metal\n");
    let mut wire = Wire::new();
    let mut buffer = Buffer([0; 4]);
    wire.arrive(b"ping");
    // So that all of the copying is in it.
    let n = wire.read(black_box(&mut buffer.0[..]));
    exit(if wire.write(buffer.0.get(..n).unwrap_or_default()) == 4 { 7 } else { 1 })
}
