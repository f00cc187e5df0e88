//! Instructions to decode and to encode one PUBLISH.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::machine::{exit, instructions, print, print_number};
use firmware::sample::PUBLISH;
use mqtt5_codec::{Decoded, Decoder, Delivery, Packet, PacketId, Properties, Property, Publish, Sender, Text, Topic, TopicRef};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[cortex_m_rt::entry]
fn main() -> ! {
    // 303 by hand, plus what the compiler adds: shows that the clock counts instructions.
    report("calibration", instructions(|| firmware::machine::spin(100)));
    let decoder = Decoder::new(Sender::Server);
    report("decode", instructions(|| drop(black_box(decoder.decode(black_box(&PUBLISH))))));
    report("decode and read every property", instructions(|| decode_and_read(&decoder)));
    match built() {
        Some(publish) => {
            let mut buffer = [0u8; 512];
            report("encode", instructions(|| encode(&publish, &mut buffer)));
            if buffer.get(..PUBLISH.len()) != Some(&PUBLISH[..]) {
                print("encoded other bytes\n");
                exit(1);
            }
            report("encode the head", instructions(|| encode_head(&publish, &mut buffer)));
        }
        None => exit(2),
    }
    exit(0)
}

fn report(what: &str, number: u32) {
    print(what);
    print(": ");
    print_number(number);
    print("\n");
}

fn decode_and_read(decoder: &Decoder) {
    match decoder.decode(black_box(&PUBLISH)) {
        Ok(Decoded::Packet { packet: Packet::Publish(publish), .. }) => {
            for property in black_box(&publish).properties.iter() {
                black_box(&property);
            }
        }
        _ => exit(3),
    }
}

fn encode(publish: &Publish<'_>, mut buffer: &mut [u8]) {
    if black_box(publish).encode(Sender::Server, &mut buffer) != Ok(PUBLISH.len()) {
        exit(4);
    }
}

fn encode_head(publish: &Publish<'_>, mut buffer: &mut [u8]) {
    if black_box(publish).encode_head(Sender::Server, &mut buffer) != Ok(PUBLISH.len() - 256) {
        exit(5);
    }
}

fn built() -> Option<Publish<'static>> {
    static PROPERTIES: [Option<Property<'static>>; 0] = [];
    let _ = PROPERTIES;
    None
}
