//! An exchange of the client's own, in each of its states, by what may happen to it.

use super::sequence;

/// A state: its name, how it is reached, what is sent again after a resume, and how the exchange ends from there.
struct State {
    name: &'static str,
    reached: &'static [&'static str],
    again: &'static str,
    ends: &'static [&'static str],
}

const STATES: &[State] = &[
    State {
        name: "qos-1-sent",
        reached: &["publish 1 t x", "> PUBLISH qos=1 id=a dup=false"],
        again: "> PUBLISH qos=1 id=a dup=true topic=t payload=x",
        ends: &["< 40 02 {a}", "= published reason=0"],
    },
    State {
        name: "qos-2-sent",
        reached: &["publish 2 t x", "> PUBLISH qos=2 id=a dup=false"],
        again: "> PUBLISH qos=2 id=a dup=true topic=t payload=x",
        ends: &["< 50 02 {a}", "> PUBREL id=a", "< 70 02 {a}", "= published reason=0"],
    },
    State {
        name: "qos-2-released",
        reached: &["publish 2 t x", "> PUBLISH qos=2 id=a dup=false", "< 50 02 {a}", "> PUBREL id=a"],
        again: "> PUBREL id=a",
        ends: &["< 70 02 {a}", "= published reason=0"],
    },
];

/// Ends of a connection that leave the session: a name, why, and steps.
const LEAVING: &[(&str, &str, &[&str])] = &[
    ("goodbye", "A goodbye leaves the session as it is", &["do {\"disconnect\":{}}", "> DISCONNECT", "end"]),
    (
        "server-busy",
        "A server that ends the connection leaves the session",
        &["< e0 02 89 00", "= disconnected", "end"],
    ),
    (
        "refused-once",
        "A CONNACK that refuses leaves the session",
        &["cut", "connect keep", "> CONNECT", "< 20 03 00 97 00", "= refused by=server", "end"],
    ),
    ("no-connack", "A CONNECT without an answer leaves the session", &["cut", "connect keep", "> CONNECT", "cut"]),
    ("broken-packet", "A fault of the server ends the connection and leaves the session", &["< d1 00", "end 0x81"]),
    ("half-an-answer", "An answer that broke off is none", &["< 40", "sleep 20", "cut"]),
];

/// What ends the session: a name, why, and steps up to the new one.
const FORGETTING: &[(&str, &str, &[&str])] = &[
    (
        "clean-start",
        "Clean Start 1 ends the exchange on both sides",
        &["cut", "connect keep clean_start=true", "> CONNECT clean_start=true", "< 20 03 00 00 00", "= connected"],
    ),
    ("expired", "An exchange ends with its session, whose time is over", &["cut", "sleep 2500", "joined keep"]),
    (
        "ended-by-goodbye",
        "A goodbye with expiry 0 ends the exchange",
        &["do {\"disconnect\":{\"properties\":{\"session_expiry_interval\":0}}}", "> DISCONNECT", "end", "joined keep"],
    ),
];

/// A session that is kept for a second.
const SHORT: &[&str] = &[
    r#"do {"connect":{"client_id":"s","clean_start":false,"keep_alive":0,"properties":{"session_expiry_interval":1}}}"#,
    "> CONNECT",
    "< 20 03 00 00 00",
    "= connected",
];

/// Answers that do not belong to a state.
const WRONG: &[(usize, &str, &str)] =
    &[(0, "pubrec", "50"), (0, "pubcomp", "70"), (1, "puback", "40"), (1, "pubcomp", "70"), (2, "puback", "40")];

pub(super) fn text() -> String {
    let mut text = String::new();
    for State { name, reached, again, ends } in STATES {
        for (what, why, steps) in LEAVING {
            let why = format!("{why}: an exchange ({name}) goes on where it stood.");
            let steps = [&["joined keep"], *reached, *steps, &["resumed keep", again], *ends, &["~ 200"]].concat();
            text += &sequence(&format!("sender/{name}-{what}"), false, &why, "MQTT-4.4.0-1 MQTT-4.1.0-1", &steps);
        }
        for (what, why, steps) in FORGETTING {
            let why = format!("{why}: nothing of it ({name}) is sent again, and a new message goes its way.");
            let afterwards =
                ["~ 200", "publish 1 n y", "> PUBLISH dup=false topic=n id=b", "< 40 02 {b}", "= published"];
            let begin: &[&str] = if *what == "expired" { SHORT } else { &["joined keep"] };
            let steps = [begin, *reached, *steps, &afterwards].concat();
            text += &sequence(&format!("sender/{name}-{what}"), false, &why, "MQTT-4.4.0-1 MQTT-4.1.0-1", &steps);
        }
        // A PUBREL of the server has nothing to do with it: its identifiers are its own.
        let steps = [&["joined"], *reached, &["< 62 02 {a}", "> PUBCOMP id=a"], *ends, &["~ 200"]].concat();
        let why = format!("A server's PUBREL with the same identifier does not touch the client's exchange ({name}).");
        text += &sequence(&format!("sender/{name}-pubrel-of-the-server"), false, &why, "MQTT-2.2.1-5", &steps);
    }
    for (state, what, first) in WRONG {
        let Some(State { name, reached, again, ends }) = STATES.get(*state) else { continue };
        let answer = format!("< {first} 02 {{a}}");
        let after: &[&str] = &["resumed keep", again];
        let steps = [&["joined keep"], *reached, &[&answer, "end 0x82"], after, *ends].concat();
        let why = format!(
            "An answer of the wrong kind ({what}) is a Protocol Error, and does not end the exchange ({name})."
        );
        text += &sequence(&format!("sender/{name}-{what}"), true, &why, "MQTT-2.2.1-5 MQTT-4.4.0-1", &steps);
    }
    text
}
