//! Test vectors: packets with the verdict that the standard demands, made from the tables here and by hand for the traps.
//!
//! None of them asks the codec what it thinks: the codec is checked against them.

mod fields;
mod shapes;
mod systematic;
mod traps;

use std::collections::BTreeSet;
use std::io;

use mqtt5_codec::Sender;
use serde_json::{Value, json};

use crate::hex;

/// Bytes, and what has to be said of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vector {
    /// Who sends them.
    pub from: Sender,
    /// The packet, or its beginning.
    pub bytes: Vec<u8>,
    /// What has to be said.
    pub verdict: Verdict,
    /// Which rule it is about, in a few words.
    pub why: String,
}

/// What has to be said of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is valid, and this is its canonical form.
    Valid(Vec<u8>),
    /// It is the beginning of a packet.
    Incomplete,
    /// It is refused with this reason code, for this statement.
    Reject(u8, String),
}

const BOTH: [Sender; 2] = [Sender::Client, Sender::Server];
const MALFORMED: u8 = 0x81;
const PROTOCOL_ERROR: u8 = 0x82;

fn reject(from: Sender, bytes: Vec<u8>, reason: u8, rule: &str, why: String) -> Vector {
    Vector { from, bytes, verdict: Verdict::Reject(reason, rule.into()), why }
}

fn valid(from: Sender, bytes: Vec<u8>, why: String) -> Vector {
    Vector { from, verdict: Verdict::Valid(bytes.clone()), bytes, why }
}

/// All vectors, always in the same order, each packet once for each side.
#[must_use]
pub fn all() -> Vec<Vector> {
    let mut vectors = systematic::vectors();
    vectors.extend(fields::vectors());
    vectors.extend(shapes::vectors());
    vectors.extend(traps::vectors());
    let mut seen = BTreeSet::new();
    vectors.retain(|vector| seen.insert((vector.from == Sender::Server, vector.bytes.clone())));
    vectors
}

/// Writes all vectors as JSON lines.
///
/// # Errors
/// When writing fails.
pub fn write(mut output: impl io::Write) -> io::Result<()> {
    for vector in all() {
        writeln!(output, "{}", vector.to_json())?;
    }
    output.flush()
}

impl Vector {
    /// The vector as one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let from = match self.from {
            Sender::Client => "client",
            Sender::Server => "server",
        };
        let mut line = json!({ "from": from, "hex": digits(&self.bytes) });
        let more = match &self.verdict {
            Verdict::Valid(canonical) => json!({ "verdict": "valid", "canonical": digits(canonical) }),
            Verdict::Incomplete => json!({ "verdict": "incomplete" }),
            Verdict::Reject(reason, rule) => json!({ "verdict": "reject", "reason": reason, "statement": rule }),
        };
        if let (Some(line), Value::Object(mut more)) = (line.as_object_mut(), more) {
            line.append(&mut more);
            line.insert("why".to_owned(), self.why.clone().into());
        }
        line.to_string()
    }

    /// The line that asks the judge of packets, and its answer.
    #[must_use]
    pub fn to_line(&self) -> (String, String) {
        let direction = match self.from {
            Sender::Client => "c2s",
            Sender::Server => "s2c",
        };
        let answer = match &self.verdict {
            Verdict::Valid(canonical) => format!("valid {}", digits(canonical)),
            Verdict::Incomplete => "incomplete".into(),
            Verdict::Reject(reason, rule) => format!("reject 0x{reason:02X} {}", rule.replace(' ', "")),
        };
        (format!("{direction} {}", digits(&self.bytes)), answer)
    }
}

fn digits(bytes: &[u8]) -> String {
    let mut digits = Vec::new();
    hex::write(bytes, &mut digits);
    String::from_utf8(digits).unwrap_or_default()
}

/// A packet of these parts behind a first byte, with its length.
fn framed(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut packet = vec![first];
    let mut rest = body.len();
    loop {
        let byte = (rest & 0x7F) as u8;
        rest >>= 7;
        packet.push(if rest == 0 { byte } else { byte | 0x80 });
        if rest == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}
