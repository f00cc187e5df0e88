//! Test vectors: packets with the verdict that the standard demands, made from the tables here and by hand for the traps.
//!
//! None of them asks the codec what it thinks: the codec is checked against them.

mod systematic;
mod traps;

use core::fmt::Write;

use mqtt5_codec::Sender;

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

/// All vectors.
#[must_use]
pub fn all() -> Vec<Vector> {
    let mut vectors = systematic::vectors();
    vectors.extend(traps::vectors());
    vectors
}

impl Vector {
    /// The vector as one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let from = match self.from {
            Sender::Client => "client",
            Sender::Server => "server",
        };
        let mut line = format!(r#"{{"from":"{from}","hex":"{}","#, digits(&self.bytes));
        // Writing to a string can't fail.
        let _ = match &self.verdict {
            Verdict::Valid(canonical) => write!(line, r#""verdict":"valid","canonical":"{}""#, digits(canonical)),
            Verdict::Incomplete => write!(line, r#""verdict":"incomplete""#),
            Verdict::Reject(reason, rule) => {
                write!(line, r#""verdict":"reject","reason":{reason},"statement":"{rule}""#)
            }
        };
        let _ = write!(line, r#","why":"{}"}}"#, self.why);
        line
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
