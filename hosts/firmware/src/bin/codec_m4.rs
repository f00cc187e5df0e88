//! Instructions to decode and to encode one PUBLISH.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::machine::{entry, exit, instructions, print, report};
use firmware::sample::PUBLISH;
use mqtt5_codec::{
    Decoded, Decoder, Delivery, Packet, PacketId, Properties, Property, Publish, Sender, Text, Topic, TopicRef,
};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[entry]
fn main() -> ! {
    // 303 by hand, plus what the compiler adds: shows that the clock counts instructions.
    report("calibration", instructions(|| firmware::machine::spin(100)));
    let decoder = Decoder::new(Sender::Server);
    report("decode", instructions(|| decode(&decoder)));
    report("decode and read every property", instructions(|| decode_and_read(&decoder)));
    let Some(list) = properties() else { exit(2) };
    let mut buffer = Buffer([0; 512]);
    // As a payload stands in a received packet, at the same distance from a word's beginning as in the buffer.
    measure_encoder(&list, PUBLISH.get(66..).unwrap_or_default(), "encode", &mut buffer.0);
    let moved = Buffer([b'x'; 256]);
    measure_encoder(&list, &moved.0, "encode, payload at another alignment", &mut buffer.0);
    exit(7)
}

/// Begins at a word.
#[repr(align(4))]
struct Buffer<const N: usize>([u8; N]);

fn measure_encoder(list: &[Property<'_>], payload: &[u8], what: &str, buffer: &mut [u8]) {
    let Some(publish) = built(list, payload) else { exit(2) };
    report(what, instructions(|| encode(&publish, buffer)));
    if buffer.get(..PUBLISH.len()) != Some(&PUBLISH[..]) {
        print("encoded other bytes\n");
        exit(1);
    }
    if what == "encode" {
        report("encode the head", instructions(|| encode_head(&publish, buffer)));
    }
}

fn decode(decoder: &Decoder) {
    let decoded = decoder.decode(black_box(&PUBLISH[..]));
    black_box(&decoded);
}

fn decode_and_read(decoder: &Decoder) {
    match decoder.decode(black_box(&PUBLISH[..])) {
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

/// The properties of the same packet, as an application builds them.
fn properties() -> Option<[Property<'static>; 3]> {
    let text = |text| Text::new(black_box(text)).ok();
    Some([
        Property::ContentType(text("application/json")?),
        Property::UserProperty(text("msgType")?, text("req")?),
        Property::UserProperty(text("v")?, text("2.0")?),
    ])
}

fn built<'a>(list: &'a [Property<'a>], payload: &'a [u8]) -> Option<Publish<'a>> {
    Some(Publish {
        topic: TopicRef::Name(Topic::new(black_box("oc2/cmd/ap/slpf")).ok()?),
        delivery: Delivery::AtLeastOnce { id: PacketId::new(black_box(7))?, dup: false },
        retain: false,
        properties: Properties::from(list),
        payload,
    })
}
