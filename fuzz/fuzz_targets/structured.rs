//! Any packet that may be sent, put together by the input, which so reaches every field without having to guess at lengths: what is
//! written is read again, and is read no more once a byte of it was changed into what may not be.
#![no_main]

use conformance::{arbitrary, laws};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((flip, input)) = input.split_first() else { return };
    let Some(sent) = arbitrary::from_bytes(input) else { return };
    let Ok(mut bytes) = sent.with(|packet| laws::canonical(sent.from, packet)) else { return };
    laws::decode(sent.from, &bytes);
    // One bit of it changed: it may still be a packet, and the laws hold either way.
    let at = usize::from(*flip) % (bytes.len() * 8);
    bytes[at / 8] ^= 1 << (at % 8);
    laws::decode(sent.from, &bytes);
});
