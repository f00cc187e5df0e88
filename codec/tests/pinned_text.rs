//! Text, topic names and filters are checked twice over: bytes of a packet a word at a time, and a caller's string by the rules
//! of sections 1.5.4, 4.7 and 4.8.2 one by one. The two agree on every short string, wherever in a machine word it stands.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use mqtt5_codec::{Decoded, Decoder, Error, Filter, Packet, Property, Rule, Sender, Text, Topic, TopicRef};

/// Every string of up to three of these characters, behind and before letters.
fn strings() -> impl Iterator<Item = String> {
    const CHARACTERS: [&str; 8] = ["a", "/", "+", "#", "\0", "\u{80}", "\u{7F}", "$"];
    let mut short = vec![String::new()];
    for length in 0..3 {
        let longer: Vec<_> = short
            .iter()
            .filter(|s| s.chars().count() == length)
            .flat_map(|s| CHARACTERS.map(|c| format!("{s}{c}")))
            .collect();
        short.extend(longer);
    }
    short.into_iter().flat_map(|middle| {
        (0..10usize).flat_map(move |before| {
            let middle = middle.clone();
            [0usize, 1, 8].map(move |after| format!("{}{middle}{}", "b".repeat(before), "c".repeat(after)))
        })
    })
}

fn field(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

fn packet(first: u8, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    [&[first, body.len() as u8][..], &body].concat()
}

fn decode(bytes: &[u8]) -> Result<Packet<'_>, Error> {
    match Decoder::new(Sender::Client).decode(bytes)? {
        Decoded::Packet { packet, .. } => Ok(packet),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_filter_in_a_packet_is_judged_as_a_filter_of_the_caller() {
    for filter in strings() {
        let bytes = packet(0xA2, &[&[0, 1, 0], &field(&filter)]);
        match (decode(&bytes), Filter::new(&filter)) {
            (Ok(Packet::Unsubscribe(read)), Ok(made)) => assert!(read.filters.iter().eq([made]), "{filter:?}"),
            (Err(error), Err(rule)) => assert_eq!(error.rule, rule, "{filter:?}"),
            other => panic!("{filter:?}: {other:?}"),
        }
    }
}

#[test]
fn a_filter_behind_a_share_name_is_judged_as_any_other() {
    for filter in strings().filter(|filter| filter.len() < 12) {
        for filter in [format!("$share/{filter}"), format!("$share/group/{filter}"), format!("$share{filter}")] {
            let bytes = packet(0xA2, &[&[0, 1, 0], &field(&filter)]);
            match (decode(&bytes), Filter::new(&filter)) {
                (Ok(_), Ok(_)) => {}
                (Err(error), Err(rule)) => assert_eq!(error.rule, rule, "{filter:?}"),
                other => panic!("{filter:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_topic_name_in_a_packet_is_judged_as_a_topic_name_of_the_caller() {
    for name in strings() {
        let bytes = packet(0x30, &[&field(&name), &[0]]);
        match (decode(&bytes), Topic::new(&name)) {
            (Ok(Packet::Publish(read)), Ok(made)) => assert_eq!(read.topic, TopicRef::Name(made), "{name:?}"),
            (Err(error), Err(rule)) => {
                // What is said of a wildcard depends on the packet, and an empty name may stand for an alias.
                let same = error.rule == rule || rule == Rule::TOPIC_NAME_WILDCARD || name.is_empty();
                assert!(same, "{name:?}: {error}, {rule}");
            }
            other => panic!("{name:?}: {other:?}"),
        }
    }
}

#[test]
fn a_string_in_a_packet_is_judged_as_a_string_of_the_caller() {
    for text in strings() {
        let property = [&[0x26][..], &field("n"), &field(&text)].concat();
        let bytes = packet(0xA2, &[&[0, 1, property.len() as u8], &property, &field("f")]);
        match (decode(&bytes), Text::new(&text)) {
            (Ok(Packet::Unsubscribe(read)), Ok(made)) => {
                assert!(read.properties.iter().eq([Property::UserProperty(Text::new("n").unwrap(), made)]));
            }
            (Err(error), Err(rule)) => {
                assert_eq!((error.rule, rule), (Rule::STRING_NUL, Rule::STRING_NUL));
                let start = bytes.len() - field("f").len() - text.len();
                assert_eq!(error.at, start + text.find('\0').unwrap(), "{text:?}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

/// Every byte that can't stand in UTF-8 is found in every place.
#[test]
fn a_byte_that_is_no_utf_8_is_found_wherever_it_stands() {
    for len in 1..40 {
        for at in 0..len {
            for byte in [0x80, 0xC0, 0xFF] {
                let mut name = vec![b'n'; len];
                name[at] = byte;
                let bytes = packet(0x30, &[&(len as u16).to_be_bytes(), &name, &[0]]);
                let error = decode(&bytes).unwrap_err();
                assert_eq!((error.rule, error.at), (Rule::STRING_UTF8, 4 + at));
            }
        }
    }
}
