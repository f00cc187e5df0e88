//! Instructions to receive and to send a QoS 1 message of 322 bytes, the memory that the whole script takes, and the sizes of
//! things.
#![no_std]
#![no_main]

use firmware::machine::{entry, exit, instructions, memory, report, spin};
use firmware::script::{self, Cycles};
use mqtt5_session::{Client, Inbox, Inline};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[entry]
fn main() -> ! {
    // 303 by hand on a Cortex-M, plus what the compiler adds: shows that the clock counts instructions.
    report("calibration", instructions(|| spin(100)));
    let mut well = true;
    let taken = memory(|| well &= script::on_a_device(script::all));
    // What a device holds from one turn to the next: the client with its packet memory, the inbox with its buffer, the wire.
    let held = (size_of::<Client<script::Memory>>() + size_of::<script::Device<'_>>() + 512) as u32;
    report("stack", taken.stack - held);
    report("RAM in all", taken.in_all);
    // The smallest packet memory is 128 bytes; without it this is the client and its tables.
    report("client and tables for 8 + 8", (size_of::<Client<Inline<8, 128>>>() - 128) as u32);
    report("inbox", size_of::<Inbox<'_>>() as u32);
    let mut cycles = Cycles::default();
    well &= script::on_a_device(|device| cycles.count(device));
    report("receive", cycles.receive);
    report("of which a host's read", cycles.read);
    report("send", cycles.send);
    exit(if well { 7 } else { 1 })
}
