//! Arbitrary calls and arbitrary bytes of the server, in any order: nothing panics, every invariant holds, and what is written
//! is what a client may write. The fuzz target `operations` runs the same driver.

use std::collections::BTreeSet;

use proptest::prelude::*;

/// Shown as `OPERATIONS` takes it.
struct Hex(Vec<u8>);

impl core::fmt::Debug for Hex {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // What is behind the last byte that counts is 0 anyway.
        let len = self.0.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.0[..len].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, " and {} times 00", self.0.len() - len)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_calls_and_any_bytes_break_no_invariant(
        input in prop::collection::vec(any::<u8>(), 0..600).prop_map(Hex),
    ) {
        crate::driver::run(&input.0);
    }
}

#[test]
#[ignore = "tells what happens with the input OPERATIONS, in hexadecimal digits"]
fn replay() {
    let input = std::env::var("OPERATIONS").unwrap();
    let pair = |at: usize| u8::from_str_radix(&input[at..at + 2], 16).unwrap();
    crate::driver::run(&(0..input.len()).step_by(2).map(pair).collect::<Vec<_>>());
}

/// The driver is only worth something if it comes to what it judges.
#[test]
fn the_driver_sees_everything_happen() {
    let mut seen = BTreeSet::new();
    let mut seed = 1u32;
    for _ in 0..400 {
        let input: Vec<u8> = core::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        .take(600)
        .collect();
        seen.extend(crate::driver::run(&input));
    }
    let all = [
        "Bytes",
        "Closing",
        "Connected",
        "Exchanges",
        "NotConnected",
        "ReceiveMaximum",
        "Rule",
        "Unknown",
        "alias given",
        "alias used",
        "auth",
        "blocked",
        "connected",
        "disconnected",
        "exchange",
        "fault",
        "finished",
        "lost",
        "message",
        "missed",
        "pong",
        "publish received",
        "published",
        "rejected",
        "resumed",
        "sent",
        "sent again",
        "session expired",
        "subscribed",
        "unsubscribed",
    ];
    let missing: Vec<_> = all.into_iter().filter(|what| !seen.contains(what)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}
