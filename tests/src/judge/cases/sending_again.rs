//! What is sent again on another connection, by either side, and what is not (sections 4.3, 4.4).

use mqtt5_codec::{Ack, Packet, PacketId, Properties, Property, Publish, QoS, ReasonCode, Topic, TopicRef};

use super::{Case, LASTING, case, long, options, shown};
use crate::judge::talk::{Join, Talk, Try, delivery, lost, read, tell};

pub(super) const CASES: &[Case] = &[
    case("a QoS 2 message again on another connection", &["MQTT-4.3.3-10"], duplicate_elsewhere),
    case("a QoS 2 message again on the same connection", &["MQTT-4.3.3-10"], duplicate_here),
    case("what is sent again", &["MQTT-4.4.0-1", "MQTT-3.3.1-1", "MQTT-4.3.2-3", "MQTT-4.3.3-3"], again),
    case("PUBREL sent again", &["MQTT-4.3.3-5", "MQTT-4.3.3-6"], released_again),
    case("messages that the client refuses", &["MQTT-4.4.0-2"], refused),
    long("messages that expire under way", &["MQTT-4.3.3-7", "MQTT-4.3.3-13"], expiring),
];

const LASTS: Join<'_> = Join { clean: false, keep_alive: 60, properties: LASTING, will: None };

/// PUBLISH at QoS 2 with an identifier.
fn second(talk: &mut Talk<'_>, link: usize, id: PacketId, dup: bool) -> Try<()> {
    let topic = talk.name("duplicate");
    let topic = TopicRef::Name(Topic::new(&topic)?);
    let delivery = delivery(QoS::ExactlyOnce, id, dup);
    let properties = Properties::EMPTY;
    talk.send(link, &Packet::Publish(Publish { topic, delivery, retain: false, properties, payload: b"x" }));
    Ok(())
}

/// One message comes, and no other one.
fn once(talk: &mut Talk<'_>, link: usize) -> Try<()> {
    talk.owed(link)?;
    let more = talk.arrival(link, false)?;
    let expected = "a message once that was sent again before its PUBREL";
    talk.see("MQTT-4.3.3-10", more.is_none(), expected, || format!("once more: {}", shown(&more)));
    Ok(())
}

fn duplicate_elsewhere(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("receiver", Join::default())?;
    talk.able(QoS::ExactlyOnce)?;
    talk.subscribe(link, "duplicate", options(QoS::AtMostOnce))?;
    let other = talk.enter("sender", LASTS)?;
    let id = talk.id();
    second(talk, other, id, false)?;
    // PUBREC is not read: whoever has read it may not send the message again.
    talk.sleep(200);
    talk.cut(other);
    for _ in 0..2 {
        let other = talk.enter("sender", LASTS)?;
        second(talk, other, id, true)?;
        talk.sleep(100);
        talk.cut(other);
    }
    let other = talk.enter("sender", LASTS)?;
    second(talk, other, id, true)?;
    talk.recorded(other, id)?;
    talk.release(other, id)?;
    once(talk, link)?;
    talk.leave(other);
    Ok(())
}

fn duplicate_here(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("receiver", Join::default())?;
    talk.able(QoS::ExactlyOnce)?;
    talk.subscribe(link, "duplicate", options(QoS::AtMostOnce))?;
    let other = talk.enter("sender", Join::default())?;
    let id = talk.id();
    for dup in [false, true] {
        second(talk, other, id, dup)?;
    }
    for _ in 0..2 {
        // A server may end the connection: no client sends again here [MQTT-4.4.0-1].
        talk.recorded(other, id)?;
    }
    talk.release(other, id)?;
    once(talk, link)
}

fn again(talk: &mut Talk<'_>) -> Try<()> {
    let other = talk.enter("sender", Join::default())?;
    for level in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let link = talk.enter("receiver", LASTS)?;
        talk.subscribe(link, "again", options(level))?;
        talk.publish(other, "again", "x", level, false)?;
        let first = talk.owed(link)?;
        talk.cut(link);
        let link = talk.enter("receiver", LASTS)?;
        let second = talk.arrival(link, true)?;
        let same = second.as_ref().is_some_and(|second| second.id == first.id && second.payload == first.payload);
        let kept = if level == QoS::AtLeastOnce { "MQTT-4.3.2-3" } else { "MQTT-4.3.3-3" };
        let expected = format!("the unacknowledged message again: {}", tell(&first.bytes));
        for statement in ["MQTT-4.4.0-1", kept] {
            talk.see(statement, same, &expected, || shown(&second));
        }
        if let Some(second) = second {
            talk.see("MQTT-3.3.1-1", second.dup, "DUP on a message sent again", || "DUP is not set".to_owned());
            talk.acknowledge(link, &second)?;
        }
        talk.leave(link);
    }
    Ok(())
}

fn released_again(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("receiver", LASTS)?;
    talk.subscribe(link, "released", options(QoS::ExactlyOnce))?;
    let other = talk.enter("sender", Join::default())?;
    talk.publish(other, "released", "x", QoS::ExactlyOnce, false)?;
    let got = talk.owed(link)?;
    let id = got.id.ok_or_else(|| lost("no identifier"))?;
    let received = Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
    talk.send(link, &Packet::PubRec(received));
    let first = talk.next(link).unwrap_or_default();
    if !matches!(read(&first), Some(Packet::PubRel(_))) {
        return Err(lost(format!("{} instead of PUBREL", tell(&first))));
    }
    talk.cut(link);
    let link = talk.enter("receiver", LASTS)?;
    let second = talk.next(link).unwrap_or_default();
    let packet = read(&second);
    let publish = matches!(packet, Some(Packet::Publish(_)));
    talk.see("MQTT-4.3.3-6", !publish, "no PUBLISH after PUBREL", || tell(&second));
    let again = matches!(packet, Some(Packet::PubRel(ack)) if ack.id == id);
    talk.see("MQTT-4.3.3-5", again, &format!("PUBREL of {id} again, which is unanswered"), || tell(&second));
    if again {
        talk.send(link, &Packet::PubComp(received));
    }
    talk.leave(link);
    Ok(())
}

fn refused(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("receiver", LASTS)?;
    talk.subscribe(link, "refusing", options(QoS::AtLeastOnce))?;
    let other = talk.enter("sender", Join::default())?;
    talk.publish(other, "refusing", "x", QoS::AtLeastOnce, false)?;
    let id = talk.owed(link)?.id.ok_or_else(|| lost("no identifier"))?;
    let reason = ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR;
    talk.send(link, &Packet::PubAck(Ack { id, reason, properties: Properties::EMPTY }));
    // Whoever answers this has read what came before.
    talk.raw(link, &[0xC0, 0]);
    talk.next(link);
    talk.cut(link);
    let link = talk.enter("receiver", LASTS)?;
    let got = talk.arrival(link, false)?;
    talk.see("MQTT-4.4.0-2", got.is_none(), "nothing, since the client refused the message", || shown(&got));
    talk.leave(link);
    Ok(())
}

fn expiring(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("receiver", LASTS)?;
    talk.subscribe(link, "expiring", options(QoS::ExactlyOnce))?;
    let other = talk.enter("sender", Join::default())?;
    let soon = [Property::MessageExpiryInterval(1)];
    talk.publish_with(other, "expiring", "x", QoS::ExactlyOnce, false, &soon)?;
    let first = talk.owed(link)?;
    talk.cut(link);
    // The other way round: begun by a client, and not released before it expires.
    let id = talk.begin(other, "expiring-too", "late", QoS::ExactlyOnce, false, &soon)?;
    talk.recorded(other, id)?;
    talk.sleep(3000);
    let finished = talk.release(other, id);
    talk.see("MQTT-4.3.3-13", finished.is_ok(), &format!("PUBCOMP of {id}, though its message expired"), || {
        format!("{finished:?}")
    });
    let link = talk.enter("receiver", LASTS)?;
    let second = talk.arrival(link, true)?;
    let same = second.as_ref().is_some_and(|second| second.id == first.id);
    let expected = format!("the message again that was sent before it expired: {}", tell(&first.bytes));
    talk.see("MQTT-4.3.3-7", same, &expected, || shown(&second));
    talk.leave(link);
    Ok(())
}
