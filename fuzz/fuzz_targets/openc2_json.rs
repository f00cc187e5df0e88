//! Any bytes as a JSON document of OpenC2: what is read obeys the laws of reading and writing.
#![no_main]

mod openc2;

use libfuzzer_sys::fuzz_target;
use openc2_mqtt::Encoding;

fuzz_target!(|input: &[u8]| openc2::document(Encoding::Json, input));
