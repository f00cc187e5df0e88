//! The codec on each vector: whole, and a byte at a time.

use std::collections::BTreeSet;

use conformance::codec::{Judge, Options};
use conformance::vectors::{self, Verdict};
use mqtt5_codec::{Decoded, Decoder, MAXIMUM_PACKET_SIZE, Sender};

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
fn there_are_at_least_1500_vectors_each_once_and_each_line_of_them_is_json() {
    let vectors = vectors::all();
    assert!(vectors.len() >= 1_500, "{}", vectors.len());
    assert_eq!(vectors, vectors::all(), "the order is the same each time");
    let mut seen = BTreeSet::new();
    for vector in vectors {
        assert!(seen.insert((vector.from == Sender::Server, vector.bytes.clone())), "twice: {vector:?}");
        let line: serde_json::Value = serde_json::from_str(&vector.to_json()).unwrap();
        assert_eq!(line["hex"].as_str().unwrap().len(), 2 * vector.bytes.len());
        assert!(["valid", "incomplete", "reject"].contains(&line["verdict"].as_str().unwrap()));
        assert!(!vector.why.is_empty());
    }
}

#[test]
fn every_statement_of_single_packets_that_a_packet_can_break_is_broken_by_one() {
    let vectors = vectors::all();
    let broken: BTreeSet<_> = vectors
        .iter()
        .filter_map(|vector| match &vector.verdict {
            Verdict::Reject(_, rule) => Some(rule.as_str()),
            _ => None,
        })
        .collect();
    let table = conformance::statements::parse(include_str!("../statements.csv"));
    let packets = table.iter().filter(|statement| statement.binds == "packet").map(|statement| statement.id.as_str());
    let missing: Vec<_> = packets.filter(|id| !broken.contains(id)).collect();
    assert_eq!(missing, NOT_BROKEN, "statements that no vector breaks");
}

/// Statements on packets that no packet can be refused for by their own number: another statement says the same of the same
/// bytes (that text is UTF-8, MQTT-1.5.4-1; that it has no U+0000, MQTT-1.5.4-2; where a field stands), no bytes can break them
/// (a string over 65,535 bytes), or they are on what a receiver makes of valid bytes.
const NOT_BROKEN: &[&str] = &[
    "MQTT-1.5.4-3",
    "MQTT-1.5.7-1",
    "MQTT-2.2.1-2",
    "MQTT-3.1.3-1",
    "MQTT-3.1.3-4",
    "MQTT-3.1.3-11",
    "MQTT-3.1.3-12",
    "MQTT-3.3.2-1",
    "MQTT-3.3.2-13",
    "MQTT-3.3.2-19",
    "MQTT-3.8.3-1",
    "MQTT-3.10.3-1",
    "MQTT-4.7.3-2",
    "MQTT-4.7.3-3",
];
