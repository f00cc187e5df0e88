//! Packets that may not be, in the middle of a session: they end the connection with the reason that belongs to them, and neither what
//! came before nor what is under way is lost.

use super::sequence;

/// A name, the bytes, the reason of the DISCONNECT, and the statement. A reason of 0 is any.
const PACKETS: &[(&str, &str, u8, &str)] = &[
    ("puback-flags", "41 02 00 01", 0x81, "MQTT-2.1.3-1"),
    ("pubrec-flags", "51 02 00 01", 0x81, "MQTT-2.1.3-1"),
    ("pubrel-flags", "60 02 00 01", 0x81, "MQTT-3.6.1-1"),
    ("pubcomp-flags", "71 02 00 01", 0x81, "MQTT-2.1.3-1"),
    ("suback-flags", "91 04 00 01 00 00", 0x81, "MQTT-2.1.3-1"),
    ("unsuback-flags", "b1 04 00 01 00 00", 0x81, "MQTT-2.1.3-1"),
    ("pingresp-flags", "d4 00", 0x81, "MQTT-2.1.3-1"),
    ("disconnect-flags", "e2 00", 0x81, "MQTT-3.14.1-1"),
    ("auth-flags", "f1 06 18 04 15 00 01 6d", 0x81, "MQTT-3.15.1-1"),
    ("qos-3", "36 07 00 01 61 00 07 00 78", 0x81, "MQTT-3.3.1-4"),
    ("dup-at-qos-0", "38 05 00 01 61 00 78", 0, "MQTT-3.3.1-2"),
    ("identifier-zero", "32 07 00 01 61 00 00 00 78", 0, "MQTT-2.2.1-4"),
    ("no-identifier", "32 04 00 01 61 00", 0x81, "MQTT-2.2.1-4"),
    ("wildcard-in-a-topic", "30 05 00 01 2b 00 78", 0, "MQTT-3.3.2-2"),
    ("empty-topic", "30 04 00 00 00 78", 0x82, "MQTT 3.3.2.1"),
    ("nul-in-a-topic", "30 06 00 02 61 00 00 78", 0x81, "MQTT-1.5.4-2"),
    ("overlong-utf-8", "30 06 00 02 c0 80 00 78", 0x81, "MQTT-1.5.4-1"),
    ("a-surrogate", "30 07 00 03 ed a0 80 00 78", 0x81, "MQTT-1.5.4-1"),
    ("cut-off-utf-8", "30 06 00 02 61 c3 00 78", 0x81, "MQTT-1.5.4-1"),
    ("topic-longer-than-its-packet", "30 05 00 09 61 00 78", 0x81, "MQTT-1.5.4-1"),
    ("properties-longer-than-their-packet", "30 05 00 01 61 09 78", 0x81, "MQTT 2.2.2"),
    ("property-cut-off", "30 07 00 01 61 03 02 00 00", 0x81, "MQTT 2.2.2"),
    ("property-of-another-packet", "30 07 00 01 61 03 21 00 01", 0, "MQTT 2.2.2.2"),
    ("property-that-nobody-knows", "30 06 00 01 61 02 7f 00", 0, "MQTT 2.2.2.2"),
    ("property-twice", "30 08 00 01 61 04 01 00 01 00", 0x82, "MQTT 3.3.2.3.2"),
    ("payload-format-2", "30 06 00 01 61 02 01 02", 0, "MQTT 3.3.2.3.2"),
    ("subscription-identifier-zero", "30 06 00 01 61 02 0b 00", 0x82, "MQTT 3.3.2.3.8"),
    ("wildcard-in-a-response-topic", "30 08 00 01 61 04 08 00 01 23", 0, "MQTT-3.3.2-14"),
    ("a-user-property-without-value", "30 08 00 01 61 04 26 00 01 6b", 0x81, "MQTT-1.5.7-1"),
    ("longer-form-of-a-length", "d0 80 00", 0x81, "MQTT-1.5.5-1"),
    ("a-length-of-five-bytes", "30 ff ff ff ff 01", 0x81, "MQTT 2.1.4"),
    ("puback-with-identifier-zero", "40 02 00 00", 0, "MQTT-2.2.1-5"),
    ("puback-with-an-unknown-reason", "40 03 00 01 01", 0, "MQTT-3.4.2-1"),
    ("puback-with-half-an-identifier", "40 01 00", 0x81, "MQTT 3.4.2"),
    ("pubrec-with-an-unknown-reason", "50 03 00 01 92", 0, "MQTT-3.5.2-1"),
    ("pubrel-with-an-unknown-reason", "62 03 00 01 10", 0, "MQTT-3.6.2-1"),
    ("pubcomp-with-an-unknown-reason", "70 03 00 01 10", 0, "MQTT-3.7.2-1"),
    ("suback-without-reasons", "90 03 00 01 00", 0, "MQTT-3.8.4-6"),
    ("suback-with-an-unknown-reason", "90 04 00 01 00 03", 0, "MQTT-3.9.3-2"),
    ("unsuback-with-an-unknown-reason", "b0 04 00 01 00 01", 0, "MQTT-3.11.3-2"),
    ("pingresp-with-a-body", "d0 01 00", 0x81, "MQTT 3.13"),
    ("disconnect-with-a-clients-reason", "e0 01 04", 0, "MQTT-3.14.2-1"),
    ("disconnect-with-session-expiry", "e0 07 00 05 11 00 00 00 01", 0x82, "MQTT-3.14.2-2"),
    ("disconnect-with-two-reason-strings", "e0 0a 8b 08 1f 00 01 61 1f 00 01 62", 0x82, "MQTT 3.14.2.2.3"),
];

pub(super) fn text() -> String {
    let mut text = String::new();
    for (name, bytes, reason, statement) in PACKETS {
        // A message before it in the same piece is told and acknowledged all the same.
        let send = format!("< 32 07 00 01 6d 00 09 00 7a {bytes}");
        let end = if *reason == 0 { "end".to_owned() } else { format!("end {reason:#04x}") };
        let steps = [
            "joined keep",
            "publish 1 t x",
            "> PUBLISH id=a",
            &send,
            "= message topic=m payload=z",
            "> PUBACK id=9",
            &end,
            "resumed keep",
            "> PUBLISH id=a dup=true",
        ];
        let why = format!("A server's packet that may not be ({name}) ends the connection, and not the session.");
        text += &sequence(&format!("malformed/{name}"), true, &why, statement, &steps);
    }
    text
}
