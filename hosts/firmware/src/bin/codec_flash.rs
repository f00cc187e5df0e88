//! Decodes any packet and encodes it again: its size less that of `hello` is what the codec takes of the flash.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::machine::{entry, exit, print};
use mqtt5_codec::{Decoded, Decoder, Sender};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[entry]
fn main() -> ! {
    print("hello from bare metal\n");
    let from = if black_box(true) { Sender::Client } else { Sender::Server };
    let input: &[u8] = black_box(&[0xC0, 0x00]);
    let mut buffer = [0; 64];
    let mut room: &mut [u8] = black_box(&mut buffer);
    if let Ok(Decoded::Packet { packet, .. }) = Decoder::new(from).decode(input)
        && packet.encode(from, &mut room).is_ok()
    {
        exit(7)
    }
    exit(8)
}
