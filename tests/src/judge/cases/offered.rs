//! What a server says that it has, and what it says that it does not (section 3.2.2.3).

use mqtt5_codec::{Packet, Properties, QoS, ReasonCode, Topic, Will};

use super::{Case, case, options};
use crate::judge::talk::{Join, Talk, Try, delivery, kind, lacks, read, tell};

pub(super) const CASES: &[Case] = &[
    case("Maximum QoS", &["MQTT-3.2.2-9"], maximum_qos),
    case("subscribing above Maximum QoS", &["MQTT-3.2.2-10"], above_maximum_qos),
    case("a will above Maximum QoS", &["MQTT-3.2.2-12"], will_above),
    case("a retained will where nothing is retained", &["MQTT-3.2.2-13"], retained_will),
    case("a packet larger than the server takes", &["MQTT 3.2.2.3.6"], large),
    case("more messages at a time than the server takes", &["MQTT 3.3.4"], many),
];

/// Whoever says nothing of Maximum QoS takes QoS 2.
fn maximum_qos(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("most", Join::default())?;
    let most = talk.offers.maximum_qos;
    for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce].into_iter().filter(|qos| *qos <= most) {
        talk.begin(link, "most", "x", qos, false, &[])?;
        let answer = talk.next(link).unwrap_or_default();
        let refused = match read(&answer) {
            Some(Packet::Disconnect(words)) => words.reason == ReasonCode::QOS_NOT_SUPPORTED,
            Some(Packet::PubAck(ack) | Packet::PubRec(ack)) => ack.reason == ReasonCode::QOS_NOT_SUPPORTED,
            _ => false,
        };
        talk.see("MQTT-3.2.2-9", !refused, "Maximum QoS in CONNACK, or that QoS taken", || tell(&answer));
    }
    talk.report.keeps("MQTT-3.2.2-9");
    Ok(())
}

const LESS: &str = "the server has every QoS: judge one that is set to a Maximum QoS of 0 or 1";

fn above_maximum_qos(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("above", Join::default())?;
    if talk.offers.maximum_qos == QoS::ExactlyOnce {
        return Err(lacks(LESS));
    }
    let granted = talk.subscribe(link, "above", options(QoS::ExactlyOnce));
    let expected = "SUBACK that grants QoS 2 or less";
    talk.see("MQTT-3.2.2-10", granted.is_ok(), expected, || format!("{granted:?}"));
    Ok(())
}

fn will_refused(talk: &mut Talk<'_>, statement: &str, qos: QoS, retain: bool, reason: ReasonCode) -> Try<()> {
    let topic = talk.name("will");
    let will = Will { qos, retain, properties: Properties::EMPTY, topic: Topic::new(&topic)?, payload: b"will" };
    let joined = talk.join("will", Join { will: Some(will), ..Join::default() });
    let expected = format!("CONNACK with {reason}");
    talk.see(statement, joined.is_err(), &expected, || "CONNACK 0x00".to_owned());
    if let Err(stop) = joined {
        let said = stop.why().contains(&reason.to_string());
        talk.prefer(statement, said, &expected, || stop.why().to_owned());
    }
    Ok(())
}

fn will_above(talk: &mut Talk<'_>) -> Try<()> {
    talk.enter("asks", Join::default())?;
    if talk.offers.maximum_qos == QoS::ExactlyOnce {
        return Err(lacks(LESS));
    }
    will_refused(talk, "MQTT-3.2.2-12", QoS::ExactlyOnce, false, ReasonCode::QOS_NOT_SUPPORTED)
}

fn retained_will(talk: &mut Talk<'_>) -> Try<()> {
    talk.enter("asks", Join::default())?;
    if talk.offers.retain {
        return Err(lacks("the server keeps retained messages: judge one that is set not to"));
    }
    will_refused(talk, "MQTT-3.2.2-13", QoS::AtMostOnce, true, ReasonCode::RETAIN_NOT_SUPPORTED)
}

fn large(talk: &mut Talk<'_>) -> Try<()> {
    const MOST: u32 = 64 << 20;
    let link = talk.enter("large", Join::default())?;
    let most = talk.offers.maximum_packet_size.or(talk.known.max_packet);
    let most = most.ok_or_else(|| lacks("pass --max-packet, the largest packet that the server takes"))?;
    if most > MOST {
        return Err(lacks(format!("the server takes {most} bytes, more than the judge sends")));
    }
    // The length alone says it; the bytes follow, in case they are waited for.
    let rest = most as usize;
    let mut packet = vec![0x30];
    let mut length = rest;
    while length >= 0x80 {
        packet.push((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    packet.push(length as u8);
    let head = packet.len();
    let topic = talk.name("large");
    packet.extend([0, topic.len() as u8]);
    packet.extend_from_slice(topic.as_bytes());
    packet.push(0);
    packet.resize(packet.len().max(head + rest), b'x');
    talk.raw(link, &packet);
    let (said, closes) = talk.rest(link, talk.patience());
    talk.prefer("MQTT 3.2.2.3.6", closes, "DISCONNECT 0x95 and the end of the connection", || {
        format!("{} bytes of {most} are put up with, {}", packet.len(), tell(&said))
    });
    Ok(())
}

fn many(talk: &mut Talk<'_>) -> Try<()> {
    const MOST: u16 = 10_000;
    let link = talk.enter("many", Join::default())?;
    talk.able(QoS::ExactlyOnce)?;
    let says = Some(talk.offers.receive_maximum).filter(|_| talk.offers.says_receive_maximum);
    let most = says.or(talk.known.quota);
    let most = most.ok_or_else(|| lacks("pass --quota, how many QoS 2 messages the server takes at a time"))?;
    if most > MOST {
        return Err(lacks(format!("the server takes {most} messages at a time, more than the judge sends")));
    }
    let topic = talk.name("many");
    let mut sent = crate::broker::Buffer::default();
    for id in 1..=most + 1 {
        let id = mqtt5_codec::PacketId::new(id).ok_or_else(|| lacks("no identifier is left"))?;
        let publish = mqtt5_codec::Publish {
            topic: mqtt5_codec::TopicRef::Name(Topic::new(&topic)?),
            delivery: delivery(QoS::ExactlyOnce, id, false),
            retain: false,
            properties: Properties::EMPTY,
            payload: b"",
        };
        let _ = Packet::Publish(publish).encode(mqtt5_codec::Sender::Client, &mut sent);
    }
    talk.raw(link, &sent.0);
    let (said, closes) = talk.rest(link, talk.patience());
    talk.prefer("MQTT 3.3.4", closes, "DISCONNECT 0x93 and the end of the connection", || {
        format!("{} messages of {most} are put up with, and last came {}", most + 1, kind(&said))
    });
    Ok(())
}
