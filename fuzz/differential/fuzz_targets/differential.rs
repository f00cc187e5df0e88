//! Any bytes: a difference between our codec and another crate's that `differences.csv` does not explain is a find.
#![no_main]

use std::sync::Once;

use differential::{PEERS, difference, explained};
use libfuzzer_sys::fuzz_target;

static QUIET: Once = Once::new();

fuzz_target!(|input: &[u8]| {
    // A panic of another crate is a verdict here; ours ends the process by itself.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    // A seed begins with a byte that names the sender.
    let Some((_, bytes)) = input.split_first() else { return };
    for peer in PEERS {
        if let Some((does, about)) = difference(peer, bytes)
            && explained(peer.name, does, &about).is_none()
        {
            eprintln!("{} {does} {about}: {bytes:02x?}", peer.name);
            std::process::abort();
        }
    }
});
