//! CONNECT, CONNACK, sessions and keep-alive (sections 3.1, 3.2, 3.12, 4.1 and 4.12).

use mqtt5_codec::{Packet, Property, QoS, ReasonCode};

use super::{Case, LASTING, options, payload, present};
use crate::judge::talk::{Join, Stop, Talk, Try, read};

pub(super) const CASES: &[Case] = &[
    (
        "sessions",
        &[
            "MQTT-3.1.2-4",
            "MQTT-3.1.2-5",
            "MQTT-3.1.2-6",
            "MQTT-3.1.2-23",
            "MQTT-3.2.2-2",
            "MQTT-3.2.2-3",
            "MQTT-4.1.0-1",
            "MQTT-4.1.0-2",
            "MQTT-3.1.4-4",
        ],
        sessions,
    ),
    ("a second CONNECT", &["MQTT-3.1.0-2"], connect_twice),
    ("client identifiers", &["MQTT-3.1.3-5", "MQTT-3.1.3-6", "MQTT-3.1.3-7", "MQTT-3.2.2-16"], client_ids),
    (
        "session taken over",
        &["MQTT-3.1.4-3", "MQTT-3.14.4-1", "MQTT-3.14.4-2", "MQTT-3.14.2-1", "MQTT-3.14.2-2"],
        take_over,
    ),
    (
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
    (
        "an unknown authentication method",
        &[
            "MQTT-4.12.0-1",
            "MQTT-4.12.0-4",
            "MQTT-3.2.2-6",
            "MQTT-3.2.2-7",
            "MQTT-3.1.4-2",
            "MQTT-3.1.4-6",
            "MQTT-4.13.2-1",
        ],
        authentication,
    ),
    ("keep-alive", &["MQTT-3.1.2-22", "MQTT-3.2.2-22"], keep_alive),
];

fn sessions(talk: &mut Talk<'_>) -> Try<()> {
    let lasting = Join { clean: false, properties: LASTING, ..Join::default() };
    let (link, connack) = talk.join("session", Join { clean: true, ..lasting })?;
    talk.see("MQTT-3.2.2-2", !present(&connack), || "Session Present after Clean Start".to_owned());
    talk.subscribe(link, "session", options(QoS::AtLeastOnce))?;
    talk.cut(link);
    let other = talk.enter("session-other", Join::default())?;
    talk.publish(other, "session", "kept", QoS::AtLeastOnce, false)?;
    let (link, connack) = talk.join("session", lasting)?;
    let found = present(&connack);
    talk.see("MQTT-3.2.2-3", found, || "Session Present 0 for a session of 60 seconds".to_owned());
    let got = talk.message(link)?;
    let kept = payload(&got) == "kept";
    for statement in ["MQTT-3.1.2-5", "MQTT-3.1.2-23"] {
        talk.see(statement, kept, || format!("the session had a message, and {} came", payload(&got)));
    }
    talk.cut(link);
    let (link, connack) = talk.join("session", Join { clean: true, ..lasting })?;
    talk.see("MQTT-3.2.2-2", !present(&connack), || "Session Present after Clean Start".to_owned());
    talk.publish(other, "session", "gone", QoS::AtLeastOnce, false)?;
    let quiet = talk.silence(link)?;
    for statement in ["MQTT-3.1.2-4", "MQTT-3.1.4-4"] {
        talk.see(statement, quiet, || "a subscription outlived Clean Start".to_owned());
    }
    let (_, connack) = talk.join("session-new", lasting)?;
    talk.see("MQTT-3.1.2-6", !present(&connack), || "Session Present 1 for a new client".to_owned());
    let short = [Property::SessionExpiryInterval(1)];
    let short = Join { clean: false, properties: &short, ..Join::default() };
    let link = talk.enter("session-short", short)?;
    talk.subscribe(link, "session-short", options(QoS::AtMostOnce))?;
    talk.sleep(2500);
    talk.publish(other, "session-short", "there", QoS::AtMostOnce, false)?;
    let got = talk.message(link)?;
    talk.see("MQTT-4.1.0-1", payload(&got) == "there", || {
        format!("connected for longer than the session's expiry, and {} came", payload(&got))
    });
    talk.cut(link);
    talk.sleep(3000);
    let (_, connack) = talk.join("session-short", short)?;
    talk.see("MQTT-4.1.0-2", !present(&connack), || "a session of 1 second is there after 3".to_owned());
    Ok(())
}

fn connect_twice(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("twice", Join::default())?;
    talk.raw(link, &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 0]);
    let closes = talk.closes(link);
    talk.see("MQTT-3.1.0-2", closes, || "a second CONNECT is put up with".to_owned());
    Ok(())
}

fn client_ids(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.open()?;
    let mut connect = vec![0x10, 13 + 23, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 23];
    connect.extend_from_slice(b"0129ABCXYZabcxyzQWERTY7");
    talk.raw(link, &connect);
    let answer = talk.next(link).unwrap_or_default();
    let taken = matches!(read(&answer), Some(Packet::ConnAck(ack)) if !ack.reason.is_error());
    talk.see("MQTT-3.1.3-5", taken, || format!("an identifier of 23 letters and digits: {:?}", read(&answer)));
    let mut names = Vec::new();
    for _ in 0..2 {
        let (_, connack) = talk.join("", Join::default())?;
        let name = match read(&connack) {
            Some(Packet::ConnAck(ack)) => {
                ack.properties.assigned_client_identifier().map(|name| name.as_str().to_owned())
            }
            _ => None,
        };
        for statement in ["MQTT-3.1.3-6", "MQTT-3.1.3-7"] {
            talk.see(statement, name.is_some(), || "no identifier is assigned to a client without one".to_owned());
        }
        names.extend(name);
    }
    if let [first, second] = &names[..] {
        talk.see("MQTT-3.2.2-16", first != second, || format!("{first} is assigned twice"));
    }
    Ok(())
}

fn take_over(talk: &mut Talk<'_>) -> Try<()> {
    let first = talk.enter("taken", Join::default())?;
    talk.enter("taken", Join::default())?;
    let last = talk.next(first).unwrap_or_default();
    let told = matches!(read(&last), Some(Packet::Disconnect(words)) if words.reason == ReasonCode::SESSION_TAKEN_OVER);
    let (rest, closes) = talk.rest(first);
    talk.see("MQTT-3.1.4-3", told && closes, || format!("the first client got {:?}, closed {closes}", read(&last)));
    if told {
        talk.see("MQTT-3.14.4-1", rest.is_empty(), || format!("after DISCONNECT came {rest:02x?}"));
        for statement in ["MQTT-3.14.4-2", "MQTT-4.13.2-1"] {
            talk.see(statement, closes, || "the connection stays open after the server's DISCONNECT".to_owned());
        }
    }
    Ok(())
}

fn connack(talk: &mut Talk<'_>) -> Try<()> {
    let (link, connack) = talk.join("connack", Join::default())?;
    if let Some(Packet::ConnAck(ack)) = read(&connack) {
        let silent = ack.properties.response_information().is_none();
        talk.see("MQTT-3.1.2-28", silent, || "Response Information that nobody asked for".to_owned());
        let silent = ack.properties.authentication_method().is_none();
        talk.see("MQTT-4.12.0-6", silent, || "an authentication method that nobody named".to_owned());
    }
    talk.raw(link, &[0xC0, 0]);
    let answer = talk.next(link);
    let packet = answer.as_deref().and_then(read);
    let once = !matches!(packet, Some(Packet::ConnAck(_)));
    talk.see("MQTT-3.2.0-2", once, || "a second CONNACK".to_owned());
    talk.see("MQTT-3.12.4-1", packet == Some(Packet::PingResp), || format!("PINGREQ is answered by {packet:?}"));
    Ok(())
}

fn authentication(talk: &mut Talk<'_>) -> Try<()> {
    const CONNECT: &[u8] = &[0x10, 19, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 6, 0x15, 0, 3, b'?', b'!', b'?', 0, 0];
    let link = talk.open()?;
    talk.raw(link, CONNECT);
    let bytes = talk.next(link).ok_or_else(|| Stop("no answer".to_owned()))?;
    let [_, _, flags, reason, ..] = bytes[..] else { return Err(Stop("no CONNACK".to_owned())) };
    let refused = matches!(reason, 0x8C | 0x87);
    talk.see("MQTT-4.12.0-1", refused, || format!("an unknown authentication method is answered by 0x{reason:02x}"));
    if reason < 0x80 {
        return Ok(());
    }
    talk.see("MQTT-3.2.2-6", flags == 0, || format!("CONNACK flags 0x{flags:02x} with reason 0x{reason:02x}"));
    let closes = talk.closes(link);
    for statement in ["MQTT-3.2.2-7", "MQTT-3.1.4-2", "MQTT-4.12.0-4", "MQTT-4.13.2-1"] {
        talk.see(statement, closes, || "the connection stays open after a refusing CONNACK".to_owned());
    }
    // Once more, with a PUBLISH that does not wait for CONNACK.
    let watcher = talk.enter("refused-watcher", Join::default())?;
    talk.subscribe(watcher, "refused", options(QoS::AtMostOnce))?;
    let topic = talk.name("refused");
    let mut bytes = CONNECT.to_vec();
    bytes.extend([0x30, topic.len() as u8 + 3, 0, topic.len() as u8]);
    bytes.extend_from_slice(topic.as_bytes());
    bytes.push(0);
    let link = talk.open()?;
    talk.raw(link, &bytes);
    let quiet = talk.silence(watcher)?;
    talk.see("MQTT-3.1.4-6", quiet, || "a client that is refused has published".to_owned());
    Ok(())
}

fn keep_alive(talk: &mut Talk<'_>) -> Try<()> {
    let (link, connack) = talk.join("keep-alive", Join { keep_alive: 1, ..Join::default() })?;
    if let Some(Packet::ConnAck(ack)) = read(&connack)
        && ack.properties.server_keep_alive().is_some_and(|seconds| seconds != 1)
    {
        return Err(Stop("the server has a keep-alive of its own".to_owned()));
    }
    talk.sleep(1600);
    let closes = talk.closes(link);
    talk.see("MQTT-3.2.2-22", closes, || "the client's keep-alive is not gone by".to_owned());
    talk.see("MQTT-3.1.2-22", closes, || "silence of 1.5 times the keep-alive, and the connection is open".to_owned());
    Ok(())
}
