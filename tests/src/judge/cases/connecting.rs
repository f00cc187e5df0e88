//! CONNECT, CONNACK, sessions and keep-alive (sections 3.1, 3.2, 3.12 and 4.1).

use mqtt5_codec::{Packet, Property, QoS, ReasonCode};

use super::{Case, LASTING, case, long, options, payload, present, shown};
use crate::judge::talk::{Join, Talk, Try, lacks, lost, read, tell};

pub(super) const CASES: &[Case] = &[
    case(
        "sessions",
        &[
            "MQTT-3.1.2-4",
            "MQTT-3.1.2-5",
            "MQTT-3.1.2-6",
            "MQTT-3.1.2-23",
            "MQTT-3.1.3-2",
            "MQTT-3.2.2-2",
            "MQTT-3.2.2-3",
            "MQTT-3.1.4-4",
        ],
        sessions,
    ),
    long("a session that ends", &["MQTT-4.1.0-2"], session_ends),
    long("a session longer in use than it is kept", &["MQTT-4.1.0-1"], session_in_use),
    case("a second CONNECT", &["MQTT-3.1.0-2"], connect_twice),
    case("a client identifier of 23 letters and digits", &["MQTT-3.1.3-5"], long_client_id),
    case("clients without an identifier", &["MQTT-3.1.3-6", "MQTT-3.1.3-7", "MQTT-3.2.2-16"], no_client_id),
    case("a client identifier that is refused", &["MQTT-3.1.3-8"], refused_client_id),
    case(
        "session taken over",
        &["MQTT-3.1.4-3", "MQTT-3.14.4-1", "MQTT-3.14.4-2", "MQTT-3.14.2-1", "MQTT-3.14.2-2"],
        take_over,
    ),
    case(
        "a session taken over with its messages",
        &["MQTT-3.1.2-5", "MQTT-4.4.0-1", "MQTT-3.3.1-1"],
        take_over_messages,
    ),
    case(
        "CONNACK",
        &[
            "MQTT-3.2.0-1",
            "MQTT-3.2.0-2",
            "MQTT-3.1.4-5",
            "MQTT-3.1.2-28",
            "MQTT-3.2.2-1",
            "MQTT-3.2.2-8",
            "MQTT-4.12.0-6",
            "MQTT-3.12.4-1",
        ],
        connack,
    ),
    case("packets in pieces", &["MQTT-4.2-1"], pieces),
    long("keep-alive", &["MQTT-3.1.2-22", "MQTT-3.2.2-22"], keep_alive),
];

const NO_SESSION: &str = "Session Present 0";

fn sessions(talk: &mut Talk<'_>) -> Try<()> {
    let lasting = Join { clean: false, properties: LASTING, ..Join::default() };
    let (link, connack) = talk.join("session", Join { clean: true, ..lasting })?;
    talk.see("MQTT-3.2.2-2", !present(&connack), NO_SESSION, || "Session Present 1 after Clean Start".to_owned());
    talk.subscribe(link, "session", options(QoS::AtLeastOnce))?;
    talk.cut(link);
    let other = talk.enter("other", Join::default())?;
    talk.publish(other, "session", "kept", QoS::AtLeastOnce, false)?;
    let (_, connack) = talk.join("new", lasting)?;
    for statement in ["MQTT-3.1.2-6", "MQTT-3.1.3-2"] {
        talk.see(statement, !present(&connack), NO_SESSION, || "Session Present 1 for a new client".to_owned());
    }
    let (link, connack) = talk.join("session", lasting)?;
    let found = present(&connack);
    talk.see("MQTT-3.2.2-3", found, "Session Present 1 for a session of 60 s", || "Session Present 0".to_owned());
    let got = talk.message(link)?;
    for statement in ["MQTT-3.1.2-5", "MQTT-3.1.2-23"] {
        talk.see(statement, payload(&got) == "kept", "the message that came meanwhile", || shown(&got));
    }
    talk.cut(link);
    let (link, connack) = talk.join("session", Join { clean: true, ..lasting })?;
    talk.see("MQTT-3.2.2-2", !present(&connack), NO_SESSION, || "Session Present 1 after Clean Start".to_owned());
    talk.publish(other, "session", "gone", QoS::AtLeastOnce, false)?;
    let got = talk.arrival(link, false)?;
    for statement in ["MQTT-3.1.2-4", "MQTT-3.1.4-4"] {
        talk.see(statement, got.is_none(), "no message of a subscription before Clean Start", || shown(&got));
    }
    Ok(())
}

/// Several sessions of a second: each is looked at later than the one before, since a server may clean up now and then.
fn session_ends(talk: &mut Talk<'_>) -> Try<()> {
    let short = [Property::SessionExpiryInterval(1)];
    let short = Join { clean: false, properties: &short, ..Join::default() };
    let looks: [(u64, &str); 3] = [(2500, "first"), (2500, "second"), (5000, "third")];
    for (_, name) in looks {
        let link = talk.enter(name, short)?;
        talk.cut(link);
    }
    let begun = talk.now();
    let mut gone = false;
    for (wait, name) in looks {
        talk.sleep(wait);
        let (_, connack) = talk.join(name, short)?;
        gone = !present(&connack);
        if gone {
            break;
        }
    }
    let waited = talk.now() - begun;
    talk.see("MQTT-4.1.0-2", gone, "Session Present 0 some seconds after a session of 1 s", || {
        format!("Session Present 1 after {waited} ms")
    });
    Ok(())
}

fn session_in_use(talk: &mut Talk<'_>) -> Try<()> {
    let short = [Property::SessionExpiryInterval(1)];
    let link = talk.enter("short", Join { clean: false, properties: &short, ..Join::default() })?;
    talk.subscribe(link, "short", options(QoS::AtMostOnce))?;
    talk.sleep(2500);
    let other = talk.enter("other", Join::default())?;
    talk.publish(other, "short", "there", QoS::AtMostOnce, false)?;
    let got = talk.message(link)?;
    talk.see("MQTT-4.1.0-1", payload(&got) == "there", "a message for a client that is connected", || shown(&got));
    Ok(())
}

fn connect_twice(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("twice", Join::default())?;
    talk.raw(link, &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 60, 0, 0, 0]);
    let closes = talk.closes(link);
    talk.see("MQTT-3.1.0-2", closes, "the end of the connection", || "a second CONNECT is put up with".to_owned());
    Ok(())
}

/// Sends CONNECT with this identifier as it is, and returns the answer.
fn connect_as(talk: &mut Talk<'_>, client_id: &str) -> Try<(usize, Vec<u8>)> {
    let link = talk.open()?;
    let user = talk.known.user.clone();
    let connect = mqtt5_codec::Connect {
        clean_start: true,
        keep_alive: 60,
        properties: mqtt5_codec::Properties::EMPTY,
        client_id: mqtt5_codec::Text::new(client_id)?,
        will: None,
        user_name: user.as_ref().and_then(|(user, _)| mqtt5_codec::Text::new(user).ok()),
        password: user.as_ref().map(|(_, password)| password.as_bytes()),
    };
    talk.send(link, &Packet::Connect(connect));
    let answer = talk.next(link).unwrap_or_default();
    Ok((link, answer))
}

fn long_client_id(talk: &mut Talk<'_>) -> Try<()> {
    let mut name = talk.client_id("long");
    name.extend("ABCXYZabcxyzQWERTY0123456".chars().take(23 - name.len().min(23)));
    let (_, answer) = connect_as(talk, &name)?;
    let expected = "no refusal of an identifier of 23 letters and digits";
    match read(&answer) {
        Some(Packet::ConnAck(ack))
            if ack.reason.is_error() && ack.reason != ReasonCode::CLIENT_IDENTIFIER_NOT_VALID =>
        {
            return Err(lacks(format!("CONNECT is refused for another reason: {}", ack.reason)));
        }
        Some(Packet::ConnAck(ack)) => {
            talk.see("MQTT-3.1.3-5", !ack.reason.is_error(), expected, || tell(&answer));
        }
        _ => return Err(lost(format!("CONNECT is answered by {}", tell(&answer)))),
    }
    Ok(())
}

fn no_client_id(talk: &mut Talk<'_>) -> Try<()> {
    let mut names = Vec::new();
    for _ in 0..2 {
        // A server may refuse clients without an identifier, as it may any other.
        let (_, connack) = talk.join("", Join::default())?;
        let name = match read(&connack) {
            Some(Packet::ConnAck(ack)) => {
                ack.properties.assigned_client_identifier().map(|name| name.as_str().to_owned())
            }
            _ => None,
        };
        for statement in ["MQTT-3.1.3-6", "MQTT-3.1.3-7", "MQTT-3.2.2-16"] {
            talk.see(statement, name.is_some(), "an Assigned Client Identifier", || "there is none".to_owned());
        }
        names.extend(name);
    }
    if let [first, second] = &names[..] {
        for statement in ["MQTT-3.2.2-16", "MQTT-3.1.3-6"] {
            talk.see(statement, first != second, "another identifier each time", || format!("{first} twice"));
        }
    }
    Ok(())
}

fn refused_client_id(talk: &mut Talk<'_>) -> Try<()> {
    let name = talk.known.refused_client_id.clone();
    let name = name.ok_or_else(|| lacks("pass --refused-client-id, an identifier that the server refuses"))?;
    let (link, answer) = connect_as(talk, &name)?;
    if let Some(Packet::ConnAck(ack)) = read(&answer)
        && !ack.reason.is_error()
    {
        return Err(lacks(format!("the server takes {name}")));
    }
    let closes = talk.closes(link);
    talk.see("MQTT-3.1.3-8", closes, "the end of the connection after a refusal", || {
        format!("open after {}", tell(&answer))
    });
    Ok(())
}

fn take_over(talk: &mut Talk<'_>) -> Try<()> {
    let first = talk.enter("taken", Join::default())?;
    talk.enter("taken", Join::default())?;
    let last = talk.next(first).unwrap_or_default();
    let words = match read(&last) {
        Some(Packet::Disconnect(words)) => Some(words.reason),
        _ => None,
    };
    let told = words == Some(ReasonCode::SESSION_TAKEN_OVER);
    let (rest, closes) = talk.rest(first, talk.patience());
    talk.see("MQTT-3.1.4-3", told && closes, "DISCONNECT 0x8e, then the end of the first connection", || {
        format!("{}, then {}", tell(&last), if closes { "the end" } else { "no end" })
    });
    if words.is_some() {
        talk.see("MQTT-3.14.4-1", rest.is_empty(), "nothing after DISCONNECT", || crate::report::brief(&rest));
        for statement in ["MQTT-3.14.4-2", "MQTT-4.13.2-1"] {
            talk.see(statement, closes, "the end of the connection after DISCONNECT", || "no end".to_owned());
        }
    }
    Ok(())
}

fn take_over_messages(talk: &mut Talk<'_>) -> Try<()> {
    let lasting = Join { clean: false, properties: LASTING, ..Join::default() };
    let first = talk.enter("taken", lasting)?;
    talk.subscribe(first, "taken", options(QoS::AtLeastOnce))?;
    let other = talk.enter("other", Join::default())?;
    talk.publish(other, "taken", "x", QoS::AtLeastOnce, false)?;
    let before = talk.owed(first)?;
    // The first connection is open, and its message is not acknowledged.
    let (second, connack) = talk.join("taken", lasting)?;
    talk.see("MQTT-3.1.2-5", present(&connack), "Session Present 1 for a session taken over", || {
        "Session Present 0".to_owned()
    });
    let after = talk.arrival(second, true)?;
    let same = after.as_ref().is_some_and(|after| after.id == before.id && after.payload == before.payload);
    talk.see("MQTT-4.4.0-1", same, "the unacknowledged message again, with its identifier", || shown(&after));
    if let Some(after) = after {
        talk.see("MQTT-3.3.1-1", after.dup, "DUP on a message sent again", || "DUP is not set".to_owned());
        talk.acknowledge(second, &after)?;
    }
    talk.leave(second);
    Ok(())
}

fn connack(talk: &mut Talk<'_>) -> Try<()> {
    let (link, connack) = talk.join("connack", Join::default())?;
    if let Some(Packet::ConnAck(ack)) = read(&connack) {
        let said = ack.properties.response_information().map(|said| said.as_str().to_owned());
        talk.see("MQTT-3.1.2-28", said.is_none(), "no Response Information, which nobody asked for", || {
            said.clone().unwrap_or_default()
        });
        let method = ack.properties.authentication_method().map(|method| method.as_str().to_owned());
        talk.see("MQTT-4.12.0-6", method.is_none(), "no authentication method, which CONNECT did not name", || {
            method.clone().unwrap_or_default()
        });
    }
    talk.raw(link, &[0xC0, 0]);
    let answer = talk.next(link).unwrap_or_default();
    let packet = read(&answer);
    let once = !matches!(packet, Some(Packet::ConnAck(_)));
    talk.see("MQTT-3.2.0-2", once, "one CONNACK", || "a second CONNACK".to_owned());
    talk.see("MQTT-3.12.4-1", packet == Some(Packet::PingResp), "PINGRESP", || tell(&answer));
    Ok(())
}

/// The network may cut the stream of bytes anywhere.
fn pieces(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("pieces", Join::default())?;
    for byte in [0xC0, 0] {
        talk.raw(link, &[byte]);
        talk.sleep(20);
    }
    let answer = talk.next(link).unwrap_or_default();
    let answered = read(&answer) == Some(Packet::PingResp);
    talk.see("MQTT-4.2-1", answered, "PINGRESP to a PINGREQ that came in two pieces", || tell(&answer));
    Ok(())
}

/// The connection has to end when 1.5 times the keep-alive has passed. A server that looks only now and then is let do so.
fn keep_alive(talk: &mut Talk<'_>) -> Try<()> {
    const SLACK: u64 = 10_000;
    let (link, _) = talk.join("alive", Join { keep_alive: 1, ..Join::default() })?;
    let own = talk.offers.keep_alive.filter(|seconds| *seconds != 1);
    let seconds = own.unwrap_or(1);
    if seconds == 0 || seconds > 5 {
        return Err(lacks(format!("the server wants a keep-alive of {seconds} s: judge it with one of at most 5 s")));
    }
    let begun = talk.now();
    let (said, closes) = talk.rest(link, u64::from(seconds) * 1500 + SLACK);
    let after = talk.now() - begun;
    if closes && after < u64::from(seconds) * 900 {
        return Err(lost(format!("the connection ended after {after} ms: {}", tell(&said))));
    }
    let expected = format!("the end of the connection after {} ms of silence", u64::from(seconds) * 1500);
    talk.see("MQTT-3.1.2-22", closes, &expected, || format!("it is open after {after} ms"));
    if own.is_none() {
        talk.see("MQTT-3.2.2-22", closes, &expected, || format!("it is open after {after} ms"));
    }
    Ok(())
}
