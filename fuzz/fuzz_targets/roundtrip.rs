//! Any body behind any first byte, with the length that it has, so that bytes reach the packets' fields: what is accepted
//! obeys the laws of encoding.
#![no_main]

use conformance::laws;
use libfuzzer_sys::fuzz_target;
use mqtt5_codec::Decoder;

fuzz_target!(|input: &[u8]| {
    let Some((from, [first, body @ ..])) = laws::sender(input) else { return };
    // A seed is a whole packet: its length, where that is one byte, is passed over.
    let body = match body {
        [length, rest @ ..] if usize::from(*length) == rest.len() => rest,
        body => body,
    };
    if let Ok(packet) = Decoder::new(from).packet(*first, body) {
        let bytes = laws::canonical(from, &packet);
        laws::decode(from, &bytes);
    }
});
