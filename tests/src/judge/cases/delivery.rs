//! QoS, order, and what is sent again (sections 4.3, 4.4 and 4.6).

use std::collections::BTreeSet;

use mqtt5_codec::{Ack, Delivery, Packet, Properties, Property, Publish, QoS, ReasonCode, Topic, TopicRef};

use super::{Case, LASTING, options};
use crate::judge::talk::{Join, Stop, Talk, Try, read};

pub(super) const CASES: &[Case] = &[
    (
        "QoS",
        &[
            "MQTT-4.3.2-4",
            "MQTT-4.3.3-4",
            "MQTT-4.3.3-8",
            "MQTT-4.3.3-11",
            "MQTT-2.2.1-5",
            "MQTT-3.8.4-8",
            "MQTT-3.3.1-3",
            "MQTT-3.3.4-1",
            "MQTT-3.4.2-1",
            "MQTT-3.5.2-1",
            "MQTT-3.6.2-1",
            "MQTT-3.7.2-1",
            "MQTT-4.3.2-2",
            "MQTT-4.3.3-2",
            "MQTT-4.5.0-1",
            "MQTT-4.6.0-6",
            "MQTT-4.6.0-5",
        ],
        qos,
    ),
    ("a duplicate at QoS 2", &["MQTT-4.3.3-10"], duplicate),
    ("what is sent again", &["MQTT-4.4.0-1", "MQTT-3.3.1-1", "MQTT-4.3.2-3", "MQTT-4.3.3-3"], again),
    ("identifiers of the server", &["MQTT-2.2.1-4", "MQTT-4.3.2-1", "MQTT-4.3.3-1"], identifiers),
    ("identifiers used again", &["MQTT-4.3.2-5", "MQTT-4.3.3-12"], used_again),
    ("PUBREL sent again", &["MQTT-4.3.3-5", "MQTT-4.3.3-6"], released_again),
    ("messages that the client refuses", &["MQTT-4.4.0-2"], refused),
    ("messages that expire under way", &["MQTT-4.3.3-7", "MQTT-4.3.3-13"], expiring),
];

fn qos(talk: &mut Talk<'_>) -> Try<()> {
    let levels = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
    for granted in levels {
        let link = talk.enter("qos", Join::default())?;
        let other = talk.enter("qos-other", Join::default())?;
        talk.subscribe(link, "qos", options(granted))?;
        for published in levels {
            let mut came = Vec::new();
            for number in 0..3 {
                talk.publish(other, "qos", &number.to_string(), published, false)?;
            }
            for _ in 0..3 {
                let got = talk.owed(link)?;
                talk.acknowledge(link, &got)?;
                let wanted = published.min(granted);
                talk.see("MQTT-3.8.4-8", got.qos == wanted, || {
                    format!("{published:?} for {granted:?} came at {:?}", got.qos)
                });
                let first = match got.qos {
                    QoS::AtMostOnce => &["MQTT-3.3.1-3"][..],
                    QoS::AtLeastOnce => &["MQTT-3.3.1-3", "MQTT-4.3.2-2"],
                    QoS::ExactlyOnce => &["MQTT-3.3.1-3", "MQTT-4.3.3-2"],
                };
                for statement in first {
                    talk.see(statement, !got.dup, || "the first time, and DUP is set".to_owned());
                }
                came.push(got.payload);
                let sorted = came.is_sorted();
                for statement in ["MQTT-4.6.0-5", "MQTT-4.6.0-6"] {
                    talk.see(statement, sorted, || format!("{came:?} came of 0, 1, 2 at {published:?}"));
                }
            }
        }
        talk.close_all();
    }
    Ok(())
}

fn duplicate(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("duplicate", Join::default())?;
    talk.subscribe(link, "duplicate", options(QoS::AtMostOnce))?;
    let join = Join { clean: false, properties: LASTING, ..Join::default() };
    let other = talk.enter("duplicate-other", join)?;
    let topic = talk.name("duplicate");
    let topic = TopicRef::Name(Topic::new(&topic).map_err(|rule| Stop(rule.to_string()))?);
    let id = talk.id();
    let publish = |dup| {
        let delivery = Delivery::ExactlyOnce { id, dup };
        Packet::Publish(Publish { topic, delivery, retain: false, properties: Properties::EMPTY, payload: b"x" })
    };
    talk.send(other, &publish(false));
    // PUBREC is not read: whoever has read it may not send the message again.
    talk.sleep(100);
    talk.cut(other);
    let other = talk.enter("duplicate-other", join)?;
    talk.send(other, &publish(true));
    talk.next(other).ok_or_else(|| Stop("no PUBREC".to_owned()))?;
    talk.release(other, id)?;
    let first = talk.arrival(link, true)?;
    let quiet = talk.silence(link)?;
    talk.see("MQTT-4.3.3-10", first.is_some() && quiet, || {
        "a message sent again before PUBREL is passed on twice".to_owned()
    });
    Ok(())
}

fn again(talk: &mut Talk<'_>) -> Try<()> {
    let join = Join { clean: false, properties: LASTING, ..Join::default() };
    let other = talk.enter("again-other", Join::default())?;
    for level in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let link = talk.enter("again", join)?;
        talk.subscribe(link, "again", options(level))?;
        talk.publish(other, "again", "x", level, false)?;
        let first = talk.arrival(link, true)?.ok_or_else(|| Stop("no message came".to_owned()))?;
        talk.cut(link);
        let link = talk.enter("again", join)?;
        let second = talk.arrival(link, true)?;
        let same = second.as_ref().is_some_and(|second| second.id == first.id && second.payload == first.payload);
        let kept = if level == QoS::AtLeastOnce { "MQTT-4.3.2-3" } else { "MQTT-4.3.3-3" };
        for statement in ["MQTT-4.4.0-1", kept] {
            talk.see(statement, same, || format!("{:?} unacknowledged, and on resume came {second:?}", first.id));
        }
        if let Some(second) = second {
            talk.see("MQTT-3.3.1-1", second.dup, || "sent again without DUP".to_owned());
            talk.acknowledge(link, &second)?;
        }
        talk.raw(link, &[0xE0, 0]);
        talk.cut(link);
    }
    Ok(())
}

fn identifiers(talk: &mut Talk<'_>) -> Try<()> {
    for (level, statement) in [(QoS::AtLeastOnce, "MQTT-4.3.2-1"), (QoS::ExactlyOnce, "MQTT-4.3.3-1")] {
        let link = talk.enter("identifiers", Join::default())?;
        talk.subscribe(link, "identifiers", options(level))?;
        let other = talk.enter("identifiers-other", Join::default())?;
        for number in 0..4 {
            talk.publish(other, "identifiers", &number.to_string(), level, false)?;
        }
        let mut ids = BTreeSet::new();
        while let Some(got) = talk.arrival(link, ids.is_empty())? {
            let new = ids.insert(got.id);
            for statement in [statement, "MQTT-2.2.1-4"] {
                talk.see(statement, new, || format!("{:?} is used while it is unacknowledged", got.id));
            }
        }
        talk.close_all();
    }
    Ok(())
}

fn used_again(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("used", Join::default())?;
    talk.subscribe(link, "used", options(QoS::AtMostOnce))?;
    let other = talk.enter("used-other", Join::default())?;
    let topic = talk.name("used");
    let topic = TopicRef::Name(Topic::new(&topic).map_err(|rule| Stop(rule.to_string()))?);
    for (level, statement) in [(QoS::AtLeastOnce, "MQTT-4.3.2-5"), (QoS::ExactlyOnce, "MQTT-4.3.3-12")] {
        let id = talk.id();
        for number in 0..2 {
            let delivery = match level {
                QoS::ExactlyOnce => Delivery::ExactlyOnce { id, dup: false },
                _ => Delivery::AtLeastOnce { id, dup: false },
            };
            let (retain, properties) = (false, Properties::EMPTY);
            talk.send(other, &Packet::Publish(Publish { topic, delivery, retain, properties, payload: b"x" }));
            talk.next(other).ok_or_else(|| Stop("no acknowledgement".to_owned()))?;
            if level == QoS::ExactlyOnce {
                talk.release(other, id)?;
            }
            let came = talk.arrival(link, true)?.is_some();
            if number == 1 {
                talk.see(statement, came, || format!("{id} was free again, and its second message did not come"));
            }
        }
    }
    Ok(())
}

fn released_again(talk: &mut Talk<'_>) -> Try<()> {
    let join = Join { clean: false, properties: LASTING, ..Join::default() };
    let link = talk.enter("released", join)?;
    talk.subscribe(link, "released", options(QoS::ExactlyOnce))?;
    let other = talk.enter("released-other", Join::default())?;
    talk.publish(other, "released", "x", QoS::ExactlyOnce, false)?;
    let got = talk.owed(link)?;
    let id = got.id.ok_or_else(|| Stop("no identifier".to_owned()))?;
    let received = Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
    talk.send(link, &Packet::PubRec(received));
    let first = talk.next(link).ok_or_else(|| Stop("no PUBREL".to_owned()))?;
    if !matches!(read(&first), Some(Packet::PubRel(_))) {
        return Err(Stop("no PUBREL".to_owned()));
    }
    talk.cut(link);
    let link = talk.enter("released", join)?;
    let second = talk.next(link);
    let packet = second.as_deref().and_then(read);
    let publish = matches!(packet, Some(Packet::Publish(_)));
    talk.see("MQTT-4.3.3-6", !publish, || format!("{id} was released, and {packet:?} came"));
    let again = matches!(packet, Some(Packet::PubRel(ack)) if ack.id == id);
    talk.see("MQTT-4.3.3-5", again, || format!("PUBREL of {id} is unanswered, and on resume came {packet:?}"));
    if again {
        talk.send(link, &Packet::PubComp(received));
    }
    Ok(())
}

fn refused(talk: &mut Talk<'_>) -> Try<()> {
    let join = Join { clean: false, properties: LASTING, ..Join::default() };
    let link = talk.enter("refusing", join)?;
    talk.subscribe(link, "refusing", options(QoS::AtLeastOnce))?;
    let other = talk.enter("refusing-other", Join::default())?;
    talk.publish(other, "refusing", "x", QoS::AtLeastOnce, false)?;
    let id = talk.owed(link)?.id.ok_or_else(|| Stop("no identifier".to_owned()))?;
    let reason = ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR;
    talk.send(link, &Packet::PubAck(Ack { id, reason, properties: Properties::EMPTY }));
    talk.sleep(100);
    talk.cut(link);
    let link = talk.enter("refusing", join)?;
    let quiet = talk.silence(link)?;
    talk.see("MQTT-4.4.0-2", quiet, || "a message that the client refused came again".to_owned());
    Ok(())
}

fn expiring(talk: &mut Talk<'_>) -> Try<()> {
    let join = Join { clean: false, properties: LASTING, ..Join::default() };
    let link = talk.enter("expiring", join)?;
    talk.subscribe(link, "expiring", options(QoS::ExactlyOnce))?;
    let other = talk.enter("expiring-other", Join::default())?;
    let soon = [Property::MessageExpiryInterval(1)];
    talk.publish_with(other, "expiring", "x", QoS::ExactlyOnce, false, &soon)?;
    let first = talk.owed(link)?;
    talk.cut(link);
    // The other way round: begun by a client, and not released before it expires.
    let (id, topic) = (talk.id(), talk.name("expiring-too"));
    let topic = TopicRef::Name(Topic::new(&topic).map_err(|rule| Stop(rule.to_string()))?);
    let (delivery, properties) = (Delivery::ExactlyOnce { id, dup: false }, Properties::from(&soon));
    talk.send(other, &Packet::Publish(Publish { topic, delivery, retain: false, properties, payload: b"late" }));
    talk.next(other).ok_or_else(|| Stop("no PUBREC".to_owned()))?;
    talk.sleep(2500);
    let finished = talk.release(other, id).is_ok();
    talk.see("MQTT-4.3.3-13", finished, || format!("{id} expired, and PUBREL is not answered by PUBCOMP"));
    let link = talk.enter("expiring", join)?;
    let second = talk.arrival(link, true)?;
    let same = second.as_ref().is_some_and(|second| second.id == first.id);
    talk.see("MQTT-4.3.3-7", same, || format!("{:?} was sent, expired, and was given up: {second:?} came", first.id));
    Ok(())
}
