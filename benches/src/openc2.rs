//! OpenC2 messages to be measured: a command and a response in each of three sizes.

/// How many bytes of JSON a median message has, of all that were collected.
pub const MEDIAN: usize = 144;
/// How many bytes of JSON the largest one has.
pub const LARGE: usize = 28 * 1024;

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

    #[test]
    fn ours_reads_each_and_writes_the_same_bytes() {
        for sample in samples() {
            let read = openc2_mqtt::Reading::default().message(openc2_mqtt::Encoding::Json, sample.json.as_bytes());
            let mut buffer = vec![0; LARGE];
            let length = read.unwrap().value.encode(openc2_mqtt::Form::Json, &mut buffer).unwrap();
            assert_eq!(core::str::from_utf8(&buffer[..length]), Ok(sample.json.as_str()));
        }
    }
}
