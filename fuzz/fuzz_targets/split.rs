//! A stream of packets in pieces: the second byte is how many lengths follow, then comes the stream.
#![no_main]

use conformance::laws;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((from, [pieces, rest @ ..])) = laws::sender(input) else { return };
    let (pieces, stream) = rest.split_at(usize::from(pieces & 15).min(rest.len()));
    laws::split(from, stream, pieces);
    // The same stream twice, so that a packet follows another.
    laws::split(from, &[stream, stream].concat(), pieces);
});
