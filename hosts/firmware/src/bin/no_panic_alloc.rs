//! The proof for what the core crates offer where there is a heap: features `alloc` of session and codec, and `bytes` of the codec.
//! The libraries that have the heap panic when it is exhausted, so this program links; `panics.py` then shows that nothing but
//! those libraries can panic. It isn't run.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::hint::black_box;

use bytes::BytesMut;
use firmware::calls;
use firmware::machine::{entry, exit};
use firmware::opaque::{bytes, now, plain, room};
use mqtt5_codec::{Decoded, Decoder, OwnedPublish, Sender, Sink, Text};
use mqtt5_session::{Boxed, Client, ConnectOptions, Inbox, Input};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}

/// A heap that can't be seen.
struct Heap;

// SAFETY: it isn't run.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        black_box(layout);
        black_box(core::ptr::null_mut())
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        black_box((place, layout));
    }
}

#[global_allocator]
static HEAP: Heap = Heap;

#[entry]
fn main() -> ! {
    codec();
    session();
    #[cfg(feature = "control")]
    calls! { bytes()[black_box(7)]; }
    exit(0)
}

fn sender() -> Sender {
    if black_box(true) { Sender::Client } else { Sender::Server }
}

fn codec() {
    let decoder = Decoder::new(sender());
    let mut growing = BytesMut::new();
    let mut vector = Vec::new();
    if let Ok(Decoded::Packet { packet, .. }) = decoder.decode(bytes()) {
        calls! { packet.encode(sender(), black_box(&mut growing)); packet.encode(sender(), black_box(&mut vector)); }
    }
    calls! { Sink::room(&mut growing, black_box(0)); Sink::room(&mut vector, black_box(0)); }
    let frame = black_box(growing.freeze());
    match OwnedPublish::decode(&decoder, &frame) {
        Ok(Some(owned)) => {
            calls! {
                owned.as_publish(); owned.topic(); owned.payload(); owned.clone() == owned;
                owned.as_publish().to_owned_in(black_box(&frame));
            }
        }
        other => calls! { other.is_ok(); },
    }
}

fn session() {
    let mut client = Client::new(Boxed::new(black_box(0), black_box(0)));
    let mut inbox = Inbox::growing(black_box(0), black_box(0));
    if let Ok(id) = Text::new(plain()) {
        calls! { client.connect(&ConnectOptions::new(id), &mut inbox, now()); }
    }
    loop {
        let n = inbox.spare().len();
        inbox.filled(black_box(n));
        match client.handle_input(&mut inbox, now()) {
            Ok(Input::Event(event)) => calls! { event; },
            other => {
                calls! { other.is_ok(); inbox.is_empty(); }
                break;
            }
        }
    }
    inbox.clear();
    calls! { client.transmit_into(room()); client.figures(now()); client.poll_timeout(); client.clone().is_closed(); }
}
