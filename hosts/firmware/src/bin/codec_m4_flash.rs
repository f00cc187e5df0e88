//! Decodes whatever a server sends and encodes whatever a client sends: its size less that of `hello` is what a client takes of
//! the codec. Each packet goes out as a session sends it, from fields that the compiler can't see.
#![no_std]
#![no_main]

use core::hint::black_box;

use firmware::machine::{entry, exit, print};
use mqtt5_codec::{
    Ack, AckKind, Auth, Connect, Decoded, Decoder, Disconnect, EncodeError, Packet, Publish, Sender, Subscribe,
    Unsubscribe,
};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

#[entry]
fn main() -> ! {
    print("hello from bare metal\n");
    let mut buffer = [0; 64];
    let room: &mut [u8] = black_box(&mut buffer);
    let encoded = encode(black_box(&Sent::Ping), room);
    exit(if encoded == Ok(2) && decode(black_box(&[0xD0, 0x00])) { 7 } else { 8 })
}

/// What a client sends.
#[allow(dead_code, reason = "which one it is can't be seen")]
enum Sent<'a> {
    Connect(Connect<'a>),
    Publish(Publish<'a>),
    Ack(AckKind, Ack<'a>),
    Subscribe(Subscribe<'a>),
    Unsubscribe(Unsubscribe<'a>),
    Ping,
    Disconnect(Disconnect<'a>),
    Auth(Auth<'a>),
}

#[inline(never)]
fn encode(packet: &Sent<'_>, mut room: &mut [u8]) -> Result<usize, EncodeError> {
    let sink = &mut room;
    match packet {
        Sent::Connect(packet) => packet.encode(sink),
        Sent::Publish(packet) => packet.encode(Sender::Client, sink),
        Sent::Ack(kind, packet) => packet.encode(*kind, sink),
        Sent::Subscribe(packet) => packet.encode(sink),
        Sent::Unsubscribe(packet) => packet.encode(sink),
        Sent::Ping => Packet::PingReq.encode(Sender::Client, sink),
        Sent::Disconnect(packet) => packet.encode(Sender::Client, sink),
        Sent::Auth(packet) => packet.encode(Sender::Client, sink),
    }
}

/// Hands out every part of a packet, and each property, filter and code.
#[inline(never)]
fn decode(input: &[u8]) -> bool {
    let Ok(Decoded::Packet { used, packet }) = Decoder::new(Sender::Server).decode(input) else { return false };
    black_box(used);
    match black_box(&packet) {
        Packet::Publish(packet) => packet.properties.iter().for_each(|property| _ = black_box(property)),
        Packet::SubAck(packet) | Packet::UnsubAck(packet) => {
            packet.reasons.iter().for_each(|reason| _ = black_box(reason))
        }
        _ => {}
    }
    true
}
