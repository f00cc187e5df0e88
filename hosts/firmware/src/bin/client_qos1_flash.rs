//! As `client_flash`, of a client that connects, subscribes, receives and publishes at QoS 0 and 1.
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
    exit(if script::on_a_device(script::at_most_qos_1) { 7 } else { 1 })
}
