//! Prints who accepts what of the vectors, and each difference with its explanation: `cargo run --release --bin table`.
//! With `--csv` the differences that nobody has explained, as lines for `differences.csv`; with `--flips` of the vectors with each of
//! their bits turned over, too, some million packets.

use std::collections::BTreeMap;

use conformance::vectors::{self, Verdict as Wanted};
use differential::{PEERS, Verdict, difference, explained};

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let csv = std::env::args().any(|argument| argument == "--csv");
    let flips = std::env::args().any(|argument| argument == "--flips");
    let all = vectors::all();
    let counts = |peer: &differential::Peer, wanted: fn(&Wanted) -> bool| {
        let of: Vec<_> = all.iter().filter(|vector| wanted(&vector.verdict)).collect();
        let good = of.iter().filter(|vector| matches!(peer.verdict(&vector.bytes), Verdict::Accepted(_))).count();
        (good, of.len())
    };
    for peer in PEERS {
        if !csv {
            let (valid, of_valid) = counts(peer, |verdict| matches!(verdict, Wanted::Valid(_)));
            let (wrong, of_wrong) = counts(peer, |verdict| matches!(verdict, Wanted::Reject(..)));
            println!(
                "{}: takes {valid} of {of_valid} valid packets, and {wrong} of {of_wrong} that may not be",
                peer.name
            );
        }
        let mut differences: BTreeMap<(&str, String), (usize, Vec<u8>)> = BTreeMap::new();
        let mut compare = |bytes: &[u8]| {
            if let Some(found) = difference(peer, bytes) {
                differences.entry(found).or_insert_with(|| (0, bytes.to_vec())).0 += 1;
            }
        };
        for vector in &all {
            compare(&vector.bytes);
            let mut bytes = vector.bytes.clone();
            for at in 0..if flips { bytes.len().min(64) } else { 0 } {
                for bit in 0..8 {
                    bytes[at] ^= 1 << bit;
                    compare(&bytes);
                    bytes[at] ^= 1 << bit;
                }
            }
        }
        for ((does, about), (times, bytes)) in differences {
            let shown: String = bytes.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
            match explained(peer.name, does, &about) {
                Some(why) if !csv => println!("  {times:>4} × {does} {about}: {why}"),
                None if csv => println!("{},{does},{about},{shown}", peer.name),
                None => println!("  {times:>4} × {does} {about}: NOT EXPLAINED, {shown}"),
                Some(_) => {}
            }
        }
    }
}
