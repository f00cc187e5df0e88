//! The codec on each vector: whole, and a byte at a time.

use conformance::codec::{Judge, Options};
use conformance::vectors::{self, Verdict};
use mqtt5_codec::{Decoded, Decoder, MAXIMUM_PACKET_SIZE};

#[test]
fn the_judge_agrees_with_every_vector() {
    let mut judge = Judge::new(&Options { max_packet_size: MAXIMUM_PACKET_SIZE, strict: false });
    let disagreed: Vec<_> = vectors::all()
        .iter()
        .filter_map(|vector| {
            let (line, answer) = vector.to_line();
            let told = String::from_utf8_lossy(judge.line(line.as_bytes())).trim_end().to_owned();
            (told != answer).then(|| format!("{}: {line}: {told}, not {answer}", vector.why))
        })
        .collect();
    assert!(disagreed.is_empty(), "{}", disagreed.join("\n"));
}

#[test]
fn a_byte_at_a_time_gives_the_same_verdict() {
    for vector in vectors::all() {
        let decoder = Decoder::new(vector.from);
        let end = (0..=vector.bytes.len()).find_map(|len| match decoder.decode(vector.bytes.get(..len).unwrap()) {
            Ok(Decoded::Partial { .. }) => None,
            other => Some((len, other.map(|_| ()).map_err(|error| (error.reason.value(), error.rule.id().to_owned())))),
        });
        match (&vector.verdict, end) {
            (Verdict::Incomplete, None) => {}
            (Verdict::Valid(_), Some((len, Ok(())))) => assert_eq!(len, vector.bytes.len(), "{vector:?}"),
            (Verdict::Reject(reason, rule), Some((_, Err(told)))) => {
                assert_eq!(told, (*reason, rule.clone()), "{vector:?}")
            }
            (_, end) => assert_eq!(end, None, "{vector:?}"),
        }
    }
}

#[test]
fn there_are_at_least_1500_vectors_and_each_line_of_them_is_json() {
    let vectors = vectors::all();
    assert!(vectors.len() >= 1_500, "{}", vectors.len());
    for vector in vectors {
        let line: serde_json::Value = serde_json::from_str(&vector.to_json()).unwrap();
        assert_eq!(line["hex"].as_str().unwrap().len(), 2 * vector.bytes.len());
        assert!(["valid", "incomplete", "reject"].contains(&line["verdict"].as_str().unwrap()));
        assert!(!vector.why.is_empty());
    }
}
