//! An exchange of the server's, in each of its states, by what the server may send in it.

use super::sequence;

/// A state: its name, and how it is reached; the identifier is 7.
const STATES: &[(&str, &[&str])] = &[
    ("new", &[]),
    ("qos-1-acknowledged", &["< 32 07 00 01 61 00 07 00 78", "= message payload=x", "> PUBACK id=7"]),
    ("qos-2-received", &["< 34 07 00 01 61 00 07 00 78", "= message payload=x", "> PUBREC id=7"]),
    (
        "qos-2-completed",
        &["< 34 07 00 01 61 00 07 00 78", "= message payload=x", "> PUBREC id=7", "< 62 02 00 07", "> PUBCOMP id=7"],
    ),
];
/// The place of the state in which the identifier is in use.
const IN_USE: usize = 2;

/// What may come: its name, and its bytes.
const INPUTS: &[(&str, &str)] = &[
    ("qos-1", "< 32 07 00 01 61 00 07 00 79"),
    ("qos-1-dup", "< 3a 07 00 01 61 00 07 00 79"),
    ("qos-2", "< 34 07 00 01 61 00 07 00 79"),
    ("qos-2-dup", "< 3c 07 00 01 61 00 07 00 79"),
    ("pubrel", "< 62 02 00 07"),
];

/// Where it comes: on the same connection, on the next one of the session, or in a new session.
const PLACES: &[(&str, &[&str])] =
    &[("live", &[]), ("resumed", &["cut", "resumed keep"]), ("lost", &["cut", "joined keep"])];

pub(super) fn text() -> String {
    let mut text = String::new();
    for (place, (whereabouts, between)) in PLACES.iter().enumerate() {
        for (state, (name, reached)) in STATES.iter().enumerate() {
            // What has ended is alike on each connection; a lost session is new whatever was before.
            if (place == 1 && state < IN_USE) || (place == 2 && state != IN_USE) {
                continue;
            }
            for (input, bytes) in INPUTS {
                let in_use = state == IN_USE && place < 2;
                let (outcome, why, of): (&[&str], _, _) = match (*input, in_use) {
                    ("pubrel", false) => (&["> PUBCOMP id=7"], "no message waits for it", "MQTT-4.3.3-11"),
                    ("pubrel", true) => (&["> PUBCOMP id=7"], "it ends the exchange", "MQTT-4.3.3-11"),
                    ("qos-1" | "qos-1-dup", false) => (
                        &["= message payload=y qos=1", "> PUBACK id=7"],
                        "it is a new message",
                        "MQTT-4.3.2-4 MQTT-4.3.2-5",
                    ),
                    ("qos-1" | "qos-1-dup", true) => {
                        (&["end"], "the identifier is in use by a QoS 2 message", "MQTT-2.2.1-4")
                    }
                    (_, false) => (
                        &["= message payload=y qos=2", "> PUBREC id=7"],
                        "it is a new message",
                        "MQTT-4.3.3-8 MQTT-4.3.3-12",
                    ),
                    (_, true) => (&["> PUBREC id=7", "~ 100"], "it is the same message, DUP or not", "MQTT-4.3.3-10"),
                };
                let should = outcome == ["end"];
                let steps = [&["joined keep"], *reached, *between, &[bytes], outcome].concat();
                let why = format!("The server sends {input} with an identifier that is {name} ({whereabouts}): {why}.");
                text += &sequence(&format!("receiver/{name}-{whereabouts}-{input}"), should, &why, of, &steps);
            }
        }
    }
    text
}
