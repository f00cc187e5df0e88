//! Any bytes, from a side that the first one names, as they arrive: framing, decoding, strictness.
#![no_main]

use conformance::laws;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Some((from, input)) = laws::sender(input) {
        laws::decode(from, input);
    }
});
