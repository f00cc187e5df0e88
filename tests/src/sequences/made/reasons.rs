//! The standard's reason codes, in the packets that carry them.

use super::sequence;

const CONNACK: &[u8] = &[
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C,
    0x9D, 0x9F,
];
const DISCONNECT: &[u8] = &[
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
];
/// Of PUBACK and PUBREC alike.
const PUBLISHED: &[u8] = &[0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const SUBACK: &[u8] = &[0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2];
const UNSUBACK: &[u8] = &[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91];

pub(super) fn text() -> String {
    let mut text = String::new();
    for reason in CONNACK {
        let refuse = format!("< 20 03 00 {reason:02x} 00");
        let told = format!("= refused by=server reason={reason}");
        let why = format!(
            "CONNACK {reason:#04x} is told, ends the connection, and leaves what is under way to the next one."
        );
        let steps = [
            "joined keep",
            "publish 2 t x",
            "> PUBLISH id=a",
            "cut",
            "connect keep",
            "> CONNECT",
            &refuse,
            &told,
            "end",
            "resumed keep",
            "> PUBLISH id=a dup=true",
        ];
        text += &sequence(&format!("reason/connack-{reason:02x}"), false, &why, "MQTT-3.2.2-7 MQTT-4.4.0-1", &steps);
    }
    for reason in DISCONNECT {
        let end = format!("< e0 01 {reason:02x}");
        let told = format!("= disconnected reason={reason}");
        let why = format!(
            "DISCONNECT {reason:#04x} is told, is not answered, and leaves what is under way to the next connection."
        );
        let steps = [
            "joined keep",
            "publish 1 t x",
            "> PUBLISH id=a",
            &end,
            &told,
            "end",
            "resumed keep",
            "> PUBLISH id=a dup=true",
        ];
        text +=
            &sequence(&format!("reason/disconnect-{reason:02x}"), false, &why, "MQTT-3.14.2-1 MQTT-4.4.0-1", &steps);
    }
    for reason in PUBLISHED {
        let told = format!("= published reason={reason}");
        let answer = format!("< 40 03 {{a}} {reason:02x}");
        let why = format!("PUBACK {reason:#04x} ends the exchange, is told, and gives the quota back.");
        let next = ["> PUBLISH payload=y id=b", "< 40 02 {b}", "= published"];
        let begin =
            ["joined | 21 00 01", "publish 1 t x hold=true", "publish 1 t y hold=true", "> PUBLISH payload=x id=a"];
        let steps = [&begin[..], &[&answer, &told], &next].concat();
        text += &sequence(&format!("reason/puback-{reason:02x}"), false, &why, "MQTT-4.3.2-3 MQTT-4.9.0-2", &steps);
        let answer = format!("< 50 03 {{a}} {reason:02x}");
        let begin =
            ["joined | 21 00 01", "publish 2 t x hold=true", "publish 1 t y hold=true", "> PUBLISH payload=x id=a"];
        let goes_on: &[&str] = if *reason < 0x80 { &["> PUBREL id=a", "< 70 02 {a}", "= published"] } else { &[&told] };
        let why = format!(
            "PUBREC {reason:#04x} {}.",
            if *reason < 0x80 {
                "is a success: PUBREL follows"
            } else {
                "ends the exchange, is told, and gives the quota back; no PUBREL follows"
            }
        );
        let steps = [&begin[..], &[&answer], goes_on, &next].concat();
        text += &sequence(&format!("reason/pubrec-{reason:02x}"), false, &why, "MQTT-4.3.3-4 MQTT-4.9.0-2", &steps);
    }
    text += &answered("suback", SUBACK, "90", "subscribe", "SUBSCRIBE", "subscribed", "MQTT-3.9.3-1 MQTT-3.9.3-2");
    text += &answered(
        "unsuback",
        UNSUBACK,
        "b0",
        "unsubscribe",
        "UNSUBSCRIBE",
        "unsubscribed",
        "MQTT-3.11.3-1 MQTT-3.11.3-2",
    );
    text
}

/// All reasons of an answer in one, each for a filter of its own.
fn answered(name: &str, all: &[u8], first: &str, command: &str, packet: &str, event: &str, of: &str) -> String {
    let filters: Vec<String> = (0..all.len())
        .map(|n| if command == "subscribe" { format!(r#"{{"filter":"f{n}"}}"#) } else { format!(r#""f{n}""#) })
        .collect();
    let request = format!(r#"do {{"{command}":{{"filters":[{}]}}}}"#, filters.join(","));
    let codes: Vec<String> = all.iter().map(|reason| format!("{reason:02x}")).collect();
    let answer = format!("< {first} {:02x} {{s}} 00 {}", 3 + all.len(), codes.join(" "));
    let reasons: Vec<String> = all.iter().map(ToString::to_string).collect();
    let told = format!("= {event} reasons=[{}]", reasons.join(","));
    let why = format!("Each reason code of {} is told for its own filter.", name.to_uppercase());
    let expect = format!("> {packet} id=s");
    sequence(&format!("reason/{name}-all"), false, &why, of, &["joined", &request, &expect, &answer, &told])
}
