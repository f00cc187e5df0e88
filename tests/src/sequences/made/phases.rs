//! Packets by the phase of a connection in which the server sends them.

use super::sequence;

/// What a server sends: its name, and its bytes.
const PACKETS: &[(&str, &str)] = &[
    ("puback", "40 02 00 01"),
    ("pubrec", "50 02 00 01"),
    ("pubrel", "62 02 00 01"),
    ("pubcomp", "70 02 00 01"),
    ("suback", "90 04 00 01 00 00"),
    ("unsuback", "b0 04 00 01 00 00"),
    ("pingresp", "d0 00"),
];

/// What only a client sends, or nobody.
const NEVER: &[(&str, &str)] = &[
    ("connect", "10 0e 00 04 4d 51 54 54 05 02 00 00 00 00 01 63"),
    ("subscribe", "82 07 00 01 00 00 01 61 00"),
    ("unsubscribe", "a2 06 00 01 00 00 01 61"),
    ("pingreq", "c0 00"),
    ("type-0", "00 00"),
];

/// What may cross the client's goodbye on the wire.
const CROSSING: &[(&str, &str)] = &[
    ("publish-qos-2", "34 07 00 01 61 00 07 00 78"),
    ("pubrel", "62 02 00 07"),
    ("pingresp", "d0 00"),
    ("disconnect", "e0 02 8b 00"),
    ("broken-packet", "d1 00"),
    ("connack", "20 03 00 00 00"),
];

const WITH_METHOD: &str =
    r#"do {"connect":{"client_id":"s","keep_alive":0,"properties":{"authentication_method":"m"}}}"#;

pub(super) fn text() -> String {
    let mut text = String::new();
    for (name, bytes) in PACKETS.iter().chain(NEVER) {
        let send = format!("< {bytes}");
        let why = format!("Before CONNACK a server sends no {name}.");
        text += &sequence(
            &format!("phase/before-connack-{name}"),
            true,
            &why,
            "MQTT-3.2.0-1",
            &["connect", "> CONNECT", &send, "end"],
        );
    }
    for (name, bytes) in PACKETS {
        let send = format!("< {bytes}");
        let why = format!("While it authenticates, a server sends AUTH or CONNACK, and no {name}.");
        let steps = [WITH_METHOD, "> CONNECT", "< f0 06 18 04 15 00 01 6d", "= auth", &send, "end"];
        text += &sequence(&format!("phase/authenticating-{name}"), true, &why, "MQTT-3.2.0-1", &steps);
    }
    for (name, bytes) in NEVER {
        let send = format!("< {bytes}");
        let why = format!("A server sends no {name}; the session outlives the connection that is ended for it.");
        let steps =
            ["joined keep", "publish 1 t x", "> PUBLISH id=a", &send, "end", "resumed keep", "> PUBLISH id=a dup=true"];
        text += &sequence(&format!("phase/connected-{name}"), true, &why, "MQTT 4.13", &steps);
    }
    for (name, bytes) in CROSSING {
        let send = format!("< {bytes}");
        let why = format!("A {name} that crosses the client's DISCONNECT is not answered, and not told.");
        let steps = ["joined keep", "do {\"disconnect\":{}}", "> DISCONNECT reason=0", &send, "end"];
        text += &sequence(&format!("phase/after-goodbye-{name}"), false, &why, "MQTT-3.14.4-1", &steps);
    }
    text
}
