//! OpenC2 messages to be measured, and who reads and writes them: ours in three forms, the `openc2` crate by serde_json,
//! and `serde_json::Value`, which knows nothing of OpenC2.

mod ours;
mod peers;

pub use ours::{CborConcise, CborNamed, Json};
pub use peers::{Crate, Value};

/// How many bytes of JSON a median message has, of all that were collected.
pub const MEDIAN: usize = 144;
/// How many bytes of JSON the largest one has.
pub const LARGE: usize = 28 * 1024;

/// A reader and writer of messages.
pub trait Subject {
    /// What it is called in the table.
    const NAME: &'static str;
    /// A message as this subject keeps it.
    type Message<'a>;

    /// The bytes that it reads: this JSON, or the same message in another form.
    fn input(json: &str) -> Vec<u8>;
    /// Reads a message.
    fn decode(bytes: &[u8]) -> Self::Message<'_>;
    /// Reads every field of it that reading the message hasn't read yet.
    fn visit(message: &Self::Message<'_>);
    /// Writes a message; how many bytes it took. Who can write to a slice only uses `buffer`.
    fn encode(message: &Self::Message<'_>, buffer: &mut [u8]) -> usize;
}

/// One message of the comparison.
pub struct Sample {
    /// What it is called in the table.
    pub name: &'static str,
    /// Its JSON, without white space.
    pub json: String,
}

/// The messages: a command and a response in each of three sizes.
#[must_use]
pub fn samples() -> Vec<Sample> {
    let request = |headers: &str, request: &str| {
        format!(r#"{{"headers":{{{headers}}},"body":{{"openc2":{{"request":{request}}}}}}}"#)
    };
    let response = |headers: &str, response: &str| {
        format!(r#"{{"headers":{{{headers}}},"body":{{"openc2":{{"response":{response}}}}}}}"#)
    };
    let small = r#""request_id":"7","from":"p1""#;
    let median = r#""request_id":"c2a","from":"p1@example.com""#;
    let large =
        r#""request_id":"d1ac0489-ed51-4345-9175-f3078f30afe5","created":1610483630000,"from":"c1@example.com""#;
    vec![
        Sample { name: "small command", json: request(small, r#"{"action":"query","target":{"features":[]}}"#) },
        Sample { name: "small response", json: response(small, r#"{"status":200}"#) },
        Sample {
            name: "median command",
            json: request(median, r#"{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"}}"#),
        },
        Sample {
            name: "median response",
            json: response(median, r#"{"status":200,"results":{"profiles":["slpf","x-acme1"]}}"#),
        },
        Sample {
            name: "large command",
            json: filled(|list, note| {
                let args = format!(r#"{{"x-acme":{{"note":"{note}","items":[{list}]}}}}"#);
                request(
                    large,
                    &format!(r#"{{"action":"set","target":{{"device":{{"hostname":"h.example"}}}},"args":{args}}}"#),
                )
            }),
        },
        Sample {
            name: "large response",
            json: filled(|list, note| {
                let results = format!(r#"{{"x-acme":{{"note":"{note}","items":[{list}]}}}}"#);
                response(large, &format!(r#"{{"status":200,"results":{results}}}"#))
            }),
        },
    ]
}

/// A message of exactly [`LARGE`] bytes: as many items as go in, and a note that fills the rest.
fn filled(message: impl Fn(&str, &str) -> String) -> String {
    let mut list = String::new();
    for index in 0.. {
        let comma = if index > 0 { "," } else { "" };
        let item = format!(
            r#"{comma}{{"name":"component-{index}","version":"1.{index}.0","purl":"pkg:cargo/component-{index}@1.{index}.0","licenses":["MIT","Apache-2.0"],"size":{index}}}"#
        );
        if message(&list, "").len() + item.len() > LARGE {
            break;
        }
        list.push_str(&item);
    }
    let missing = LARGE - message(&list, "").len();
    message(&list, &"n".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_what_the_table_says() {
        for sample in samples() {
            let size = sample.name.split(' ').next();
            match size {
                Some("small") => assert!(sample.json.len() < MEDIAN),
                Some("median") => assert_eq!(sample.json.len(), MEDIAN, "{}", sample.name),
                _ => assert_eq!(sample.json.len(), LARGE, "{}", sample.name),
            }
        }
    }

    fn round<S: Subject>() {
        for sample in samples() {
            let input = S::input(&sample.json);
            let message = S::decode(&input);
            S::visit(&message);
            let mut buffer = vec![0; input.len()];
            assert_eq!(S::encode(&message, &mut buffer), input.len(), "{}: {}", S::NAME, sample.name);
        }
    }

    #[test]
    fn everyone_writes_as_many_bytes_as_it_reads() {
        round::<Json>();
        round::<CborNamed>();
        round::<Crate>();
        round::<Value>();
    }

    #[test]
    fn ours_writes_the_same_bytes() {
        for sample in samples() {
            let mut buffer = vec![0; LARGE];
            let length = Json::encode(&Json::decode(sample.json.as_bytes()), &mut buffer);
            assert_eq!(std::str::from_utf8(&buffer[..length]), Ok(sample.json.as_str()));
        }
    }
}
