//! Any PUBLISH to a Consumer and a Producer: what they answer can be read, and what is answered once is answered the same again.
#![no_main]

mod openc2;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| openc2::transfer(input));
