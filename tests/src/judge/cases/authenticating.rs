//! Enhanced authentication (sections 3.15 and 4.12), and what follows a refusal.

use mqtt5_codec::{Auth, Connect, Packet, Properties, Property, QoS, ReasonCode, Text};

use super::{Case, case, options, shown};
use crate::judge::talk::{Join, Talk, Try, lacks, lost, read, tell};

pub(super) const CASES: &[Case] = &[
    case(
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
        unknown,
    ),
    case(
        "an authentication method of the server's",
        &["MQTT-4.12.0-2", "MQTT-4.12.0-5", "MQTT-3.15.2-1", "MQTT-3.15.2-2", "MQTT-3.15.2-3"],
        own,
    ),
    case("authentication anew that fails", &["MQTT-4.12.1-2"], anew),
];

/// CONNECT with an authentication method.
fn connect(talk: &mut Talk<'_>, name: &str, method: &str, data: Option<&[u8]>, more: &[Property<'_>]) -> Try<Vec<u8>> {
    let name = talk.client_id(name);
    let mut properties = vec![Property::AuthenticationMethod(Text::new(method)?)];
    properties.extend(data.map(Property::AuthenticationData));
    properties.extend_from_slice(more);
    let user = talk.known.user.clone();
    let connect = Connect {
        clean_start: true,
        keep_alive: 60,
        properties: Properties::from(&properties[..]),
        client_id: Text::new(&name)?,
        will: None,
        user_name: user.as_ref().and_then(|(user, _)| Text::new(user).ok()),
        password: user.as_ref().map(|(_, password)| password.as_bytes()),
    };
    let mut out = crate::broker::Buffer::default();
    let sent = Packet::Connect(connect).encode(mqtt5_codec::Sender::Client, &mut out);
    sent.map(|_| out.0).map_err(|error| lost(error.to_string()))
}

fn unknown(talk: &mut Talk<'_>) -> Try<()> {
    let bytes = connect(talk, "unknown", "?!?", None, &[])?;
    let link = talk.open()?;
    talk.raw(link, &bytes);
    let answer = talk.next(link).unwrap_or_default();
    let refusal = match read(&answer) {
        Some(Packet::ConnAck(ack)) => Some(ack),
        Some(Packet::Disconnect(_)) => {
            talk.see("MQTT-3.14.0-1", false, "no DISCONNECT before CONNACK", || tell(&answer));
            None
        }
        _ => None,
    };
    let taken = refusal.as_ref().is_some_and(|ack| !ack.reason.is_error());
    let closes = !taken && talk.closes(link);
    // CONNACK may tell, and the connection has to end.
    let expected = "the end of the connection, after CONNACK 0x8c or 0x87 or none";
    talk.see("MQTT-4.12.0-1", !taken && closes, expected, || {
        format!("{}, and the connection is {}", tell(&answer), if closes { "closed" } else { "open" })
    });
    if taken {
        return Ok(());
    }
    talk.see("MQTT-3.1.4-2", closes, "the end of the connection", || "it stays open".to_owned());
    if let Some(ack) = refusal {
        talk.see("MQTT-3.2.2-6", !ack.session_present, "Session Present 0 in a refusal", || tell(&answer));
        for statement in ["MQTT-3.2.2-7", "MQTT-4.12.0-4", "MQTT-4.13.2-1"] {
            talk.see(statement, closes, "the end of the connection after a refusing CONNACK", || {
                "it stays open".to_owned()
            });
        }
    }
    // Once more, with a PUBLISH that does not wait for CONNACK.
    let watcher = talk.enter("watcher", Join::default())?;
    talk.subscribe(watcher, "refused", options(QoS::AtMostOnce))?;
    let topic = talk.name("refused");
    let mut bytes = bytes;
    let length = topic.len() as u8;
    bytes.extend([0x30, length + 3, 0, length]);
    bytes.extend_from_slice(topic.as_bytes());
    bytes.push(0);
    let link = talk.open()?;
    talk.raw(link, &bytes);
    let got = talk.arrival(watcher, false)?;
    talk.see("MQTT-3.1.4-6", got.is_none(), "no message of a client that is refused", || shown(&got));
    Ok(())
}

/// Joins by the server's own method, a step for each data that is known; returns the link and the method.
fn authenticate(talk: &mut Talk<'_>, more: &[Property<'_>]) -> Try<(usize, String)> {
    let (method, data) = talk.known.method.clone().ok_or_else(|| {
        lacks("pass --auth-method, a method that the server has, and --auth-data for each of its steps")
    })?;
    let mut data = data.into_iter();
    let first = data.next();
    let bytes = connect(talk, "method", &method, first.as_deref(), more)?;
    let link = talk.open()?;
    for property in more {
        if let Property::MaximumPacketSize(most) = property {
            talk.limit(link, most.get());
        }
    }
    talk.raw(link, &bytes);
    for _ in 0..10 {
        let answer = talk.next(link).unwrap_or_default();
        let properties = match read(&answer) {
            Some(Packet::Auth(auth)) => {
                let goes_on = auth.reason == ReasonCode::CONTINUE_AUTHENTICATION;
                talk.see("MQTT-4.12.0-2", goes_on, "AUTH 0x18 before CONNACK", || tell(&answer));
                auth.properties
            }
            Some(Packet::ConnAck(ack)) if ack.reason.is_error() => {
                return Err(lacks(format!("the server refuses: {}", ack.reason)));
            }
            Some(Packet::ConnAck(ack)) => ack.properties,
            _ => return Err(lost(format!("{} instead of AUTH or CONNACK", tell(&answer)))),
        };
        let said = properties.authentication_method().map(|said| said.as_str().to_owned());
        talk.see("MQTT-4.12.0-5", said.as_deref() == Some(&*method), "the method of CONNECT", || {
            said.clone().unwrap_or_else(|| "no method".to_owned())
        });
        if matches!(read(&answer), Some(Packet::ConnAck(_))) {
            return Ok((link, method));
        }
        let step = data.next();
        auth(talk, link, ReasonCode::CONTINUE_AUTHENTICATION, &method, step.as_deref())?;
    }
    Err(lost("authentication does not end"))
}

fn auth(talk: &mut Talk<'_>, link: usize, reason: ReasonCode, method: &str, data: Option<&[u8]>) -> Try<()> {
    let mut properties = vec![Property::AuthenticationMethod(Text::new(method)?)];
    properties.extend(data.map(Property::AuthenticationData));
    talk.send(link, &Packet::Auth(Auth { reason, properties: Properties::from(&properties[..]) }));
    Ok(())
}

fn own(talk: &mut Talk<'_>) -> Try<()> {
    let little = [Property::MaximumPacketSize(core::num::NonZeroU32::MIN.saturating_add(59))];
    authenticate(talk, &little)?;
    Ok(())
}

fn anew(talk: &mut Talk<'_>) -> Try<()> {
    let (link, method) = authenticate(talk, &[])?;
    // A method other than CONNECT's can't succeed.
    auth(talk, link, ReasonCode::RE_AUTHENTICATE, &format!("not {method}"), None)?;
    let closes = talk.closes(link);
    talk.see("MQTT-4.12.1-2", closes, "the end of the connection", || "it stays open".to_owned());
    Ok(())
}
