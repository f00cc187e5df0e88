//! `peer-checks VECTORS`: what each codec leaves unchecked, by the vectors that `conformance vectors` writes.

use std::io::{self, Write};
use std::panic::catch_unwind;
use std::process::ExitCode;

use benches::{Ours, Subject};
use peers::{Checks, Minimq, Mountain, ProtocolCore, Rumqttc, Side};

struct Vector {
    from: Side,
    bytes: Vec<u8>,
    valid: bool,
}

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("peer-checks VECTORS");
        return ExitCode::from(2);
    };
    let vectors = match std::fs::read_to_string(&path) {
        Ok(text) => text.lines().filter_map(vector).collect::<Vec<_>>(),
        Err(error) => {
            eprintln!("peer-checks: {path}: {error}");
            return ExitCode::from(2);
        }
    };
    std::panic::set_hook(Box::new(|_| {})); // a panic is a figure here
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "| codec | malformed packets accepted | valid packets refused | panics |\n|---|---|---|---|");
    let _ = out.write_all(row::<Rumqttc>(&vectors).as_bytes());
    let _ = out.write_all(row::<ProtocolCore>(&vectors).as_bytes());
    let _ = out.write_all(row::<Mountain>(&vectors).as_bytes());
    let _ = out.write_all(row::<Minimq>(&vectors).as_bytes());
    let _ = out.write_all(row::<Ours>(&vectors).as_bytes());
    ExitCode::SUCCESS
}

/// A line of the vectors; nothing for the beginning of a packet, which is neither right nor wrong.
fn vector(line: &str) -> Option<Vector> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let from = if line["from"] == "client" { Side::Client } else { Side::Server };
    let valid = match line["verdict"].as_str()? {
        "valid" => true,
        "reject" => false,
        _ => return None,
    };
    let digits = line["hex"].as_str()?;
    let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    Some(Vector { from, bytes: bytes.collect::<Option<_>>()?, valid })
}

fn row<S: Subject + Checks>(vectors: &[Vector]) -> String {
    let (mut bad, mut accepted, mut good, mut refused, mut panics) = (0, 0, 0, 0, 0);
    for vector in vectors {
        // What panics has not accepted it.
        let said = catch_unwind(|| S::accepts(vector.from, &vector.bytes)).unwrap_or_else(|_| {
            panics += 1;
            Some(false)
        });
        match said {
            Some(yes) if vector.valid => {
                good += 1;
                refused += usize::from(!yes);
            }
            Some(yes) => {
                bad += 1;
                accepted += usize::from(yes);
            }
            None => {}
        }
    }
    format!("| {} | {accepted} of {bad} | {refused} of {good} | {panics} |\n", S::NAME)
}
