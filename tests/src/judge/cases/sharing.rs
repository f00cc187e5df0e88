//! Shared subscriptions (section 4.8.2).

use mqtt5_codec::{Ack, Packet, Properties, QoS, ReasonCode};

use super::{Case, LASTING, case, options, shown};
use crate::judge::talk::{Got, Join, Talk, Try, lost};

pub(super) const CASES: &[Case] = &[
    case("shared subscriptions", &["MQTT 4.8.2"], shared),
    case("the QoS of a share", &["MQTT-4.8.2-3"], granted),
    case("a member of a share that comes back", &["MQTT-4.8.2-4"], comes_back),
    case("a member of a share that goes for good", &["MQTT-4.8.2-5"], goes),
    case("a member of a share that refuses", &["MQTT-4.8.2-6"], refuses),
];

const SHARE: &str = "$share/judge/shared";
const LASTS: Join<'_> = Join { clean: false, keep_alive: 60, properties: LASTING, will: None };

fn shared(talk: &mut Talk<'_>) -> Try<()> {
    let mut members = Vec::new();
    for name in ["one", "other"] {
        let link = talk.enter(name, Join::default())?;
        talk.subscribe(link, SHARE, options(QoS::AtLeastOnce))?;
        members.push(link);
    }
    let sender = talk.enter("sender", Join::default())?;
    let mut came = 0;
    for _ in 0..4 {
        talk.publish(sender, "shared", "x", QoS::AtLeastOnce, false)?;
    }
    for link in members {
        while let Some(got) = talk.arrival(link, false)? {
            talk.acknowledge(link, &got)?;
            came += 1;
        }
    }
    talk.see("MQTT 4.8.2", came == 4, "4 messages in all for two members of a share", || format!("{came}"));
    Ok(())
}

fn granted(talk: &mut Talk<'_>) -> Try<()> {
    let sender = talk.enter("sender", Join::default())?;
    let link = talk.enter("member", Join::default())?;
    talk.subscribe(link, SHARE, options(QoS::AtMostOnce))?;
    talk.publish(sender, "shared", "x", QoS::AtLeastOnce, false)?;
    let got = talk.owed(link)?;
    talk.see("MQTT-4.8.2-3", got.qos == QoS::AtMostOnce, "QoS 0, which was granted", || shown(&Some(got.clone())));
    Ok(())
}

/// Two members of a share, of which one is given a message: its name, its link and the message, and the link of the other.
fn chosen(talk: &mut Talk<'_>, join: Join<'_>, qos: QoS) -> Try<(&'static str, usize, Got, usize)> {
    let mut members = Vec::new();
    for name in ["one", "other"] {
        let link = talk.enter(name, join)?;
        talk.subscribe(link, SHARE, options(qos))?;
        members.push((name, link));
    }
    let sender = talk.enter("sender", Join::default())?;
    talk.publish(sender, "shared", "x", qos, false)?;
    // Whoever is asked first is asked again, since nobody knows who will be given it.
    for _ in 0..4 {
        for (at, (name, link)) in members.iter().enumerate() {
            if let Some(got) = talk.arrival(*link, false)? {
                let other = members.get(1 - at).map_or(*link, |(_, other)| *other);
                return Ok((name, *link, got, other));
            }
        }
    }
    Err(lost("no message came to a share"))
}

const NOT_TO_ANOTHER: &str = "nothing for another member of the share";

fn comes_back(talk: &mut Talk<'_>) -> Try<()> {
    let (name, link, got, other) = chosen(talk, LASTS, QoS::ExactlyOnce)?;
    talk.cut(link);
    let stray = talk.arrival(other, false)?;
    let back = talk.enter(name, LASTS)?;
    let again = talk.arrival(back, true)?;
    let same = again.as_ref().is_some_and(|again| again.id == got.id) && stray.is_none();
    talk.see("MQTT-4.8.2-4", same, "the message again for the member that came back, and for no other", || {
        format!("{}; for another member {}", shown(&again), shown(&stray))
    });
    if let Some(again) = again {
        talk.acknowledge(back, &again)?;
    }
    for link in [back, other] {
        end_session(talk, link);
    }
    Ok(())
}

fn goes(talk: &mut Talk<'_>) -> Try<()> {
    let (_, link, _, other) = chosen(talk, Join::default(), QoS::ExactlyOnce)?;
    talk.cut(link);
    let stray = talk.arrival(other, false)?;
    talk.see("MQTT-4.8.2-5", stray.is_none(), NOT_TO_ANOTHER, || shown(&stray));
    Ok(())
}

fn refuses(talk: &mut Talk<'_>) -> Try<()> {
    let (_, link, got, other) = chosen(talk, Join::default(), QoS::AtLeastOnce)?;
    let id = got.id.ok_or_else(|| lost("no identifier"))?;
    let reason = ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR;
    talk.send(link, &Packet::PubAck(Ack { id, reason, properties: Properties::EMPTY }));
    let stray = talk.arrival(other, false)?;
    talk.see("MQTT-4.8.2-6", stray.is_none(), NOT_TO_ANOTHER, || shown(&stray));
    Ok(())
}

/// Ends a client's session, and so its share: DISCONNECT with a session expiry of 0.
fn end_session(talk: &mut Talk<'_>, link: usize) {
    talk.raw(link, &[0xE0, 7, 0, 5, 0x11, 0, 0, 0, 0]);
    talk.cut(link);
}
