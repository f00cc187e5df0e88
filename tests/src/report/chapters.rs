//! The standard's chapters, and what its statements say.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::{sequences, statements};

const TITLES: &[(&str, &str)] = &[
    ("1.5", "Data representation"),
    ("2.1", "Structure of a packet"),
    ("2.2", "Variable header"),
    ("2.4", "Reason codes"),
    ("3.1", "CONNECT"),
    ("3.2", "CONNACK"),
    ("3.3", "PUBLISH"),
    ("3.4", "PUBACK"),
    ("3.5", "PUBREC"),
    ("3.6", "PUBREL"),
    ("3.7", "PUBCOMP"),
    ("3.8", "SUBSCRIBE"),
    ("3.9", "SUBACK"),
    ("3.10", "UNSUBSCRIBE"),
    ("3.11", "UNSUBACK"),
    ("3.12", "PINGREQ"),
    ("3.13", "PINGRESP"),
    ("3.14", "DISCONNECT"),
    ("3.15", "AUTH"),
    ("4.1", "Session state"),
    ("4.2", "Network connections"),
    ("4.3", "Quality of service"),
    ("4.4", "Delivery again"),
    ("4.5", "Receipt of messages"),
    ("4.6", "Order of messages"),
    ("4.7", "Topic names and filters"),
    ("4.8", "Subscriptions"),
    ("4.9", "Flow control"),
    ("4.12", "Enhanced authentication"),
    ("4.13", "Handling errors"),
    ("6.0", "WebSocket"),
];

/// What the standard says without a number, and a judge looks at.
const UNNUMBERED: &[(&str, &str)] = &[
    ("MQTT 3.2.2.3.11", "No wildcards in filters where the server has none"),
    ("MQTT 3.2.2.3.12", "No Subscription Identifier where the server has none"),
    ("MQTT 3.2.2.3.13", "No shared subscription where the server has none"),
    ("MQTT 3.14.2.2.2", "A session expiry of 0 is not raised at DISCONNECT"),
    ("MQTT 4.8.2", "A message for a share goes to one of its members"),
];

/// The chapter in which a statement stands, with its number; what has no number stands by itself.
pub(super) fn title(statement: &str) -> String {
    let Some(place) = statement.strip_prefix("MQTT").map(|rest| rest.trim_start_matches(['-', ' '])) else {
        return match statement.split_once('/') {
            Some((kind, _)) if sequences::why(statement).is_some() => format!("Sequences: {kind}"),
            _ => "Checks".to_owned(),
        };
    };
    let mut levels = place.split(['.', '-']);
    let chapter = format!("{}.{}", levels.next().unwrap_or_default(), levels.next().unwrap_or_default());
    match TITLES.iter().find(|(number, _)| *number == chapter) {
        Some((number, title)) => format!("{number} {title}"),
        None => chapter,
    }
}

pub(super) fn says(statement: &str) -> String {
    static TABLE: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let numbered = statements::parse(include_str!("../../statements.csv"));
        let unnumbered = UNNUMBERED.iter().map(|(id, says)| ((*id).to_owned(), (*says).to_owned()));
        numbered.into_iter().map(|statement| (statement.id, statement.says)).chain(unnumbered).collect()
    });
    table.get(statement).map(String::as_str).or_else(|| sequences::why(statement)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_stands_in_a_chapter_and_says_something() {
        for statement in statements::parse(include_str!("../../statements.csv")) {
            let chapter = title(&statement.id);
            assert!(chapter.contains(' '), "{}: {chapter}", statement.id);
            assert_eq!(says(&statement.id), statement.says);
        }
        assert_eq!(title("MQTT 3.14.2.2.2"), "3.14 DISCONNECT");
        assert_eq!(title("MQTT-3.1.2-22"), "3.1 CONNECT");
        assert_eq!(title("connect, ping, disconnect"), "Checks");
        assert_eq!(says("MQTT 1"), "");
    }
}
