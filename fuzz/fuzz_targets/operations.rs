//! Arbitrary calls of a client's host and arbitrary bytes of its server, in any order: no panic, no broken invariant. The input
//! is read as operations by the driver that the session's own tests run; `OPERATIONS=HEX cargo test -p mqtt5-session
//! replay -- --ignored --nocapture` tells in words what an input does.
#![no_main]

#[path = "../../session/tests/driver/mod.rs"]
mod driver;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    driver::run(input);
});
