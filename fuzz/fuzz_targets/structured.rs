//! A packet that may be sent, chosen by a seed, then changed by the rest of the input: every type and field is reached without guessing at
//! lengths, and what was changed is a packet or not by the same laws.
#![no_main]

use conformance::{arbitrary, laws};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, changes)) = input.split_first_chunk::<4>() else { return };
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(first);
    let Some(sent) = arbitrary::from_seed(&seed) else { return };
    let Ok(mut bytes) = sent.with(|packet| laws::canonical(sent.from, packet)) else { return };
    // Two bytes say where, one says what: an exclusive or.
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] ^= change[2];
    }
    laws::decode(sent.from, &bytes);
});
