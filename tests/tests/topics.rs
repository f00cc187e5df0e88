//! Topic names, filters and matching against a plain reading of sections 4.7 and 4.8.2, for every short string over the
//! characters that matter, at every place in a machine word.

use conformance::topics::{is_filter, is_name, matches};
use mqtt5_codec::{Decoded, Decoder, Filter, Sender, Topic};

const ALPHABET: &[char] = &['a', '/', '+', '#', '$', 'é'];

/// Every string of up to `len` characters.
fn strings(len: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut longest = all.clone();
    for _ in 0..len {
        longest = longest.iter().flat_map(|text| ALPHABET.iter().map(move |c| format!("{text}{c}"))).collect();
        all.extend(longest.iter().cloned());
    }
    all
}

/// Whether a packet with this text in it is accepted.
fn accepted(first: u8, before: &[u8], text: &str, after: &[u8]) -> bool {
    let body = [before, &[0, text.len() as u8], text.as_bytes(), after].concat();
    let packet = [&[first, body.len() as u8], &body[..]].concat();
    matches!(Decoder::new(Sender::Client).decode(&packet), Ok(Decoded::Packet { .. }))
}

#[test]
fn names_and_filters_are_what_the_standard_says_they_are() {
    for prefix in
        ["", "xxxxxx/", "xxxxxxx/", "xxxxxxxx/", "x/x/x/x/x/x/x/x/", "$share/", "$share/g", "$share/gr/", "$SYS/"]
    {
        for text in strings(4) {
            let text = format!("{prefix}{text}");
            assert_eq!(Topic::new(&text).is_ok(), is_name(&text), "{text}");
            assert_eq!(accepted(0x30, b"", &text, b"\x00"), is_name(&text), "{text}");
            assert_eq!(Filter::new(&text).is_ok(), is_filter(&text), "{text}");
            assert_eq!(accepted(0x82, b"\x00\x01\x00", &text, b"\x00"), is_filter(&text), "{text}");
            assert_eq!(accepted(0xA2, b"\x00\x01\x00", &text, b""), is_filter(&text), "{text}");
        }
    }
}

#[test]
fn filters_match_what_the_standard_says_they_match() {
    let filters: Vec<String> = strings(4).into_iter().filter(|text| is_filter(text)).collect();
    let names: Vec<String> = strings(3).into_iter().filter(|text| is_name(text)).collect();
    for filter in &filters {
        let shared = format!("$share/g/{filter}");
        let (parsed, shared) = (Filter::new(filter).unwrap(), Filter::new(&shared).unwrap());
        assert!(shared.is_shared() && shared.share_name().unwrap() == "g");
        for name in &names {
            let (topic, expected) = (Topic::new(name).unwrap(), matches(filter, name));
            assert_eq!(parsed.matches(topic), expected, "{filter} {name}");
            assert_eq!(shared.matches(topic), expected, "{shared} {name}");
        }
    }
}
