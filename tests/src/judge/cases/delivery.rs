//! QoS, order and identifiers (sections 4.3, 4.5 and 4.6).

use std::collections::BTreeSet;

use mqtt5_codec::{Packet, Properties, Publish, QoS, Topic, TopicRef};

use super::{Case, case, options, shown};
use crate::judge::talk::{Join, Talk, Try, delivery, lacks, lost};

pub(super) const CASES: &[Case] = &[
    case(
        "QoS",
        &[
            "MQTT-2.2.1-2",
            "MQTT-4.3.1-1",
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
    case("two senders at once", &["MQTT-4.6.0-5", "MQTT-4.5.0-1"], two_senders),
    case("identifiers of the server", &["MQTT-2.2.1-4", "MQTT-4.3.2-1", "MQTT-4.3.3-1"], identifiers),
    case("identifiers used again", &["MQTT-4.3.2-5", "MQTT-4.3.3-12"], used_again),
    case("an identifier used again after a refusal", &["MQTT-4.3.3-9"], used_after_refusal),
];

const LEVELS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

fn qos(talk: &mut Talk<'_>) -> Try<()> {
    for granted in LEVELS {
        let link = talk.enter("receiver", Join::default())?;
        let other = talk.enter("sender", Join::default())?;
        talk.able(granted)?;
        talk.subscribe(link, "qos", options(granted))?;
        for published in LEVELS {
            let mut came = Vec::new();
            for number in 0..3 {
                talk.publish(other, "qos", &number.to_string(), published, false)?;
            }
            for _ in 0..3 {
                let got = talk.owed(link)?;
                talk.acknowledge(link, &got)?;
                let wanted = published.min(granted);
                let expected = format!("QoS {}, of QoS {} for QoS {}", wanted as u8, published as u8, granted as u8);
                talk.see("MQTT-3.8.4-8", got.qos == wanted, &expected, || format!("QoS {}", got.qos as u8));
                let first = match got.qos {
                    QoS::AtMostOnce => &["MQTT-3.3.1-3"][..],
                    QoS::AtLeastOnce => &["MQTT-3.3.1-3", "MQTT-4.3.2-2"],
                    QoS::ExactlyOnce => &["MQTT-3.3.1-3", "MQTT-4.3.3-2"],
                };
                for statement in first {
                    talk.see(statement, !got.dup, "no DUP the first time", || "DUP is set".to_owned());
                }
                if got.qos == QoS::AtMostOnce {
                    // Bytes of an identifier would stand where the payload begins.
                    let plain = got.payload.len() == 1;
                    talk.see("MQTT-2.2.1-2", plain, "one byte of payload behind the properties", || {
                        shown(&Some(got.clone()))
                    });
                }
                came.push(got.payload);
                let sorted = came.is_sorted();
                for statement in ["MQTT-4.6.0-5", "MQTT-4.6.0-6"] {
                    talk.see(statement, sorted, "0, 1, 2 in their order", || came.join(", "));
                }
            }
        }
        talk.close_all();
    }
    Ok(())
}

/// The messages of two clients go in between one another: those of each keep their order.
fn two_senders(talk: &mut Talk<'_>) -> Try<()> {
    const EACH: usize = 8;
    let link = talk.enter("receiver", Join::default())?;
    talk.able(QoS::AtLeastOnce)?;
    talk.subscribe(link, "two", options(QoS::AtLeastOnce))?;
    let senders = [talk.enter("one", Join::default())?, talk.enter("other", Join::default())?];
    for number in 0..EACH {
        for (name, sender) in ["a", "b"].into_iter().zip(senders) {
            talk.begin(sender, "two", &format!("{name}{number}"), QoS::AtLeastOnce, false, &[])?;
        }
    }
    let mut came = Vec::new();
    for _ in 0..2 * EACH {
        let got = talk.owed(link)?;
        talk.acknowledge(link, &got)?;
        came.push(got.payload);
    }
    for name in ["a", "b"] {
        let of: Vec<_> = came.iter().filter(|payload| payload.starts_with(name)).cloned().collect();
        let expected = format!("{EACH} messages of {name} in their order");
        talk.see("MQTT-4.6.0-5", of.is_sorted() && of.len() == EACH, &expected, || came.join(", "));
    }
    Ok(())
}

fn identifiers(talk: &mut Talk<'_>) -> Try<()> {
    for (level, statement) in [(QoS::AtLeastOnce, "MQTT-4.3.2-1"), (QoS::ExactlyOnce, "MQTT-4.3.3-1")] {
        let link = talk.enter("receiver", Join::default())?;
        talk.subscribe(link, "identifiers", options(level))?;
        let other = talk.enter("sender", Join::default())?;
        for number in 0..4 {
            talk.publish(other, "identifiers", &number.to_string(), level, false)?;
        }
        let mut ids = BTreeSet::new();
        while let Some(got) = talk.arrival(link, ids.is_empty())? {
            let new = ids.insert(got.id);
            for statement in [statement, "MQTT-2.2.1-4"] {
                talk.see(statement, new, "an identifier that is not in use", || shown(&Some(got.clone())));
            }
        }
        talk.close_all();
    }
    Ok(())
}

fn used_again(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("receiver", Join::default())?;
    talk.subscribe(link, "used", options(QoS::AtMostOnce))?;
    let other = talk.enter("sender", Join::default())?;
    let topic = talk.name("used");
    let topic = TopicRef::Name(Topic::new(&topic)?);
    for (level, statement) in [(QoS::AtLeastOnce, "MQTT-4.3.2-5"), (QoS::ExactlyOnce, "MQTT-4.3.3-12")] {
        talk.able(level)?;
        let id = talk.id();
        for number in 0..2 {
            let delivery = delivery(level, id, false);
            let (retain, properties) = (false, Properties::EMPTY);
            talk.send(other, &Packet::Publish(Publish { topic, delivery, retain, properties, payload: b"x" }));
            talk.next(other).ok_or_else(|| lost("no acknowledgement"))?;
            if level == QoS::ExactlyOnce {
                talk.release(other, id)?;
            }
            let got = talk.arrival(link, true)?;
            if number == 1 {
                let expected = format!("the second message of {id}, which was free again");
                talk.see(statement, got.is_some(), &expected, || shown(&got));
            }
        }
    }
    Ok(())
}

fn used_after_refusal(talk: &mut Talk<'_>) -> Try<()> {
    let refused = talk.known.refused_topic.clone();
    let refused = refused.ok_or_else(|| lacks("pass --refused-topic, a topic on which the server refuses messages"))?;
    let link = talk.enter("receiver", Join::default())?;
    talk.able(QoS::ExactlyOnce)?;
    talk.subscribe(link, "refusal", options(QoS::AtMostOnce))?;
    let other = talk.enter("sender", Join::default())?;
    let id = talk.id();
    let taken = talk.name("refusal");
    for (topic, refuses) in [(&refused, true), (&taken, false)] {
        let topic = TopicRef::Name(Topic::new(topic)?);
        let (delivery, properties) = (delivery(QoS::ExactlyOnce, id, false), Properties::EMPTY);
        talk.send(other, &Packet::Publish(Publish { topic, delivery, retain: false, properties, payload: b"x" }));
        match talk.recorded(other, id) {
            Ok(()) if refuses => return Err(lacks(format!("the server takes a message on {refused}"))),
            Err(stop) if !refuses => return Err(stop),
            Err(_) => {}
            Ok(()) => talk.release(other, id)?,
        }
    }
    let got = talk.arrival(link, true)?;
    let expected = format!("the message of {id}, which a refusal had freed");
    talk.see("MQTT-4.3.3-9", got.is_some(), &expected, || shown(&got));
    Ok(())
}
