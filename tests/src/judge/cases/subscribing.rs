//! SUBSCRIBE and UNSUBSCRIBE, filters, and what fits into little packets (sections 3.8 to 3.11 and 4.7).

use mqtt5_codec::{
    Delivery, Filter, Packet, Properties, Property, Publish, QoS, ReasonCode, RetainHandling, Subscribe, Subscription,
    SubscriptionOptions, Topic, TopicRef, Unsubscribe,
};

use super::{Case, alone, case, options, shown};
use crate::judge::talk::{Join, Talk, Try, lacks, lost, read, tell};

pub(super) const CASES: &[Case] = &[
    case("no local", &["MQTT-3.8.3-3"], no_local),
    case(
        "many filters",
        &[
            "MQTT-2.2.1-6",
            "MQTT-3.8.4-1",
            "MQTT-3.8.4-2",
            "MQTT-3.9.3-2",
            "MQTT-3.8.4-5",
            "MQTT-3.8.4-6",
            "MQTT-3.8.4-7",
            "MQTT-3.9.3-1",
        ],
        many_filters,
    ),
    case("a subscription replaced", &["MQTT-3.8.4-3"], replaced),
    case(
        "unsubscribing",
        &[
            "MQTT-3.10.4-1",
            "MQTT-3.10.4-2",
            "MQTT-3.10.4-4",
            "MQTT-3.10.4-5",
            "MQTT-3.10.4-6",
            "MQTT-3.11.3-1",
            "MQTT-3.11.3-2",
        ],
        unsubscribing,
    ),
    case("unsubscribing in the middle of a message", &["MQTT-3.10.4-3"], finished),
    case(
        "what fits into little packets",
        &[
            "MQTT-3.2.2-19",
            "MQTT-3.2.2-20",
            "MQTT-3.4.2-2",
            "MQTT-3.4.2-3",
            "MQTT-3.5.2-2",
            "MQTT-3.5.2-3",
            "MQTT-3.6.2-2",
            "MQTT-3.6.2-3",
            "MQTT-3.7.2-2",
            "MQTT-3.7.2-3",
            "MQTT-3.9.2-1",
            "MQTT-3.9.2-2",
            "MQTT-3.11.2-1",
            "MQTT-3.11.2-2",
            "MQTT-3.14.2-3",
            "MQTT-3.14.2-4",
        ],
        little,
    ),
    alone("topics that begin with $", &["MQTT-4.7.2-1"], hidden),
    case("capitals in topics", &["MQTT-4.7.3-4"], capitals),
    case("problem information", &["MQTT-3.1.2-29"], problem_information),
];

fn no_local(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("own", Join::default())?;
    talk.subscribe(link, "no-local", SubscriptionOptions { no_local: true, ..options(QoS::AtMostOnce) })?;
    talk.publish(link, "no-local", "own", QoS::AtMostOnce, false)?;
    let got = talk.arrival(link, false)?;
    talk.see("MQTT-3.8.3-3", got.is_none(), "none of the client's own messages, with No Local", || shown(&got));
    Ok(())
}

fn many_filters(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("filters", Join::default())?;
    let names = ["filters/0", "filters/1", "filters/2"].map(|name| talk.name(name));
    let levels = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
    let mut filters = Vec::new();
    for (name, level) in names.iter().zip(levels) {
        filters.push(Subscription { filter: Filter::new(name)?, options: options(level) });
    }
    let (id, properties) = (talk.id(), Properties::EMPTY);
    talk.send(link, &Packet::Subscribe(Subscribe { id, properties, filters: filters[..].into() }));
    let bytes = talk.next(link).unwrap_or_default();
    let Some(Packet::SubAck(ack)) = read(&bytes) else {
        return Err(lost(format!("{} instead of SUBACK", tell(&bytes))));
    };
    let reasons: Vec<_> = ack.reasons.iter().map(ReasonCode::value).collect();
    let what = || tell(&bytes);
    for statement in ["MQTT-3.8.4-5", "MQTT-3.8.4-6"] {
        talk.see(statement, reasons.len() == 3, "one SUBACK with a reason code for each of 3 filters", what);
    }
    let granted = reasons.iter().zip(0..).all(|(reason, asked)| *reason <= asked || *reason >= 0x80);
    talk.see("MQTT-3.8.4-7", granted, "at most QoS 0, 1 and 2, or refusals", what);
    if reasons.len() == 3 && reasons.iter().all(|reason| *reason < 0x80) {
        talk.see("MQTT-3.9.3-1", reasons.is_sorted(), "reason codes in the order of the filters", what);
    }
    Ok(())
}

fn replaced(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("replaces", Join::default())?;
    talk.subscribe(link, "replaced", options(QoS::AtMostOnce))?;
    talk.subscribe(link, "replaced", options(QoS::AtLeastOnce))?;
    let other = talk.enter("sender", Join::default())?;
    talk.publish(other, "replaced", "x", QoS::AtLeastOnce, false)?;
    let first = talk.owed(link)?;
    talk.acknowledge(link, &first)?;
    let second = talk.arrival(link, false)?;
    let well = second.is_none() && first.qos == QoS::AtLeastOnce;
    talk.see("MQTT-3.8.4-3", well, "one message, at QoS 1 of the second subscription", || {
        format!("{}, then {}", tell(&first.bytes), shown(&second))
    });
    Ok(())
}

/// UNSUBSCRIBE for filters of this case, and its answer.
fn unsubscribe(talk: &mut Talk<'_>, link: usize, names: &[&str]) -> Try<(mqtt5_codec::PacketId, Vec<u8>)> {
    let names: Vec<_> = names.iter().map(|name| talk.filter(name)).collect();
    let filters = names.iter().map(|name| Filter::new(name)).collect::<Result<Vec<_>, _>>()?;
    let (id, properties) = (talk.id(), Properties::EMPTY);
    talk.send(link, &Packet::Unsubscribe(Unsubscribe { id, properties, filters: filters[..].into() }));
    let answer = talk.next(link).unwrap_or_default();
    Ok((id, answer))
}

fn unsubscribing(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("unsubscribes", Join::default())?;
    talk.subscribe(link, "unsubscribe/a", options(QoS::AtMostOnce))?;
    talk.subscribe(link, "unsubscribe/b", options(QoS::AtMostOnce))?;
    let names = ["unsubscribe/none", "unsubscribe/a", "unsubscribe/b"];
    let (id, bytes) = unsubscribe(talk, link, &names)?;
    let Some(Packet::UnsubAck(ack)) = read(&bytes) else {
        talk.see("MQTT-3.10.4-4", false, "UNSUBACK", || tell(&bytes));
        return Ok(());
    };
    let what = || tell(&bytes);
    talk.see("MQTT-3.10.4-4", true, "UNSUBACK", what);
    talk.see("MQTT-3.10.4-5", ack.id == id, &format!("UNSUBACK of {id}"), what);
    let reasons: Vec<_> = ack.reasons.iter().map(ReasonCode::value).collect();
    if reasons.iter().any(|reason| *reason >= 0x80) {
        return Err(lacks(format!("the server refuses: {}", tell(&bytes))));
    }
    // A server may say 0x00 of all three: then it does not show its order.
    let ordered = reasons.len() == 3 && (reasons == [0x11, 0, 0] || reasons.iter().all(|reason| *reason == 0));
    talk.see("MQTT-3.11.3-1", ordered, "3 reason codes, and 0x11 for the first filter alone", what);
    let other = talk.enter("sender", Join::default())?;
    for (topic, statements) in
        [("unsubscribe/a", &["MQTT-3.10.4-1", "MQTT-3.10.4-2"][..]), ("unsubscribe/b", &["MQTT-3.10.4-6"])]
    {
        talk.publish(other, topic, "x", QoS::AtMostOnce, false)?;
        let got = talk.arrival(link, false)?;
        for statement in statements {
            talk.see(statement, got.is_none(), "no message of this filter after UNSUBACK", || shown(&got));
        }
    }
    Ok(())
}

/// Unsubscribes from one filter of this case, and reads UNSUBACK.
fn leave(talk: &mut Talk<'_>, link: usize, filter: &str) -> Try<()> {
    let (_, bytes) = unsubscribe(talk, link, &[filter])?;
    match read(&bytes) {
        Some(Packet::UnsubAck(_)) => Ok(()),
        _ => Err(lost(format!("UNSUBSCRIBE is answered by {}", tell(&bytes)))),
    }
}

fn finished(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("receiver", Join::default())?;
    talk.subscribe(link, "finished", options(QoS::ExactlyOnce))?;
    let other = talk.enter("sender", Join::default())?;
    talk.publish(other, "finished", "x", QoS::ExactlyOnce, false)?;
    let got = talk.owed(link)?;
    leave(talk, link, "finished")?;
    let finished = talk.acknowledge(link, &got);
    talk.see("MQTT-3.10.4-3", finished.is_ok(), "PUBREL of a message that was under way at UNSUBSCRIBE", || {
        finished.as_ref().err().map(|stop| stop.why().to_owned()).unwrap_or_default()
    });
    Ok(())
}

/// Every packet that may carry an explanation, to a client that takes forty bytes: [`Talk`] looks at each.
fn little(talk: &mut Talk<'_>) -> Try<()> {
    let properties = [Property::MaximumPacketSize(core::num::NonZeroU32::MIN.saturating_add(39))];
    let join = Join { properties: &properties, ..Join::default() };
    let link = talk.enter("little", join)?;
    talk.able(QoS::ExactlyOnce)?;
    talk.subscribe(link, "l", options(QoS::ExactlyOnce))?;
    talk.publish(link, "l", "1", QoS::AtLeastOnce, false)?;
    talk.publish(link, "l", "2", QoS::ExactlyOnce, false)?;
    for _ in 0..2 {
        let got = talk.owed(link)?;
        talk.acknowledge(link, &got)?;
    }
    leave(talk, link, "l")?;
    talk.enter("little", join)?;
    // The first connection is told that it has been taken over, if the server tells.
    talk.next(link);
    Ok(())
}

fn hidden(talk: &mut Talk<'_>) -> Try<()> {
    // Others may publish too: the judge looks for its own.
    const MOST: usize = 200;
    let link = talk.enter("all", Join::default())?;
    let none = SubscriptionOptions { retain_handling: RetainHandling::DoNotSend, ..options(QoS::AtMostOnce) };
    let one_level = format!("+/{}", talk.name("topics"));
    talk.subscribe(link, "#", none)?;
    talk.subscribe(link, &one_level, none)?;
    let other = talk.enter("sender", Join::default())?;
    let hidden = format!("$judge/{}", talk.name("topics"));
    let _ = talk.publish(other, &hidden, "hidden", QoS::AtMostOnce, false);
    let mut seen = None;
    for _ in 0..MOST {
        let Some(got) = talk.arrival(link, false)? else { break };
        if got.topic == hidden {
            seen = Some(got);
            break;
        }
    }
    talk.see("MQTT-4.7.2-1", seen.is_none(), "no topic that begins with $ for # and +", || shown(&seen));
    Ok(())
}

fn capitals(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("case", Join::default())?;
    let other = talk.enter("sender", Join::default())?;
    talk.subscribe(link, "Topics/Case", options(QoS::AtMostOnce))?;
    talk.publish(other, "topics/case", "x", QoS::AtMostOnce, false)?;
    let got = talk.arrival(link, false)?;
    talk.see("MQTT-4.7.3-4", got.is_none(), "no message on topics/case for the filter Topics/Case", || shown(&got));
    Ok(())
}

fn problem_information(talk: &mut Talk<'_>) -> Try<()> {
    let properties = [Property::RequestProblemInformation(false)];
    let link = talk.enter("problems", Join { properties: &properties, ..Join::default() })?;
    talk.able(QoS::AtLeastOnce)?;
    let topic = talk.name("problems");
    let topic = TopicRef::Name(Topic::new(&topic)?);
    let delivery = Delivery::AtLeastOnce { id: talk.id(), dup: false };
    let properties = Properties::EMPTY;
    talk.send(link, &Packet::Publish(Publish { topic, delivery, retain: false, properties, payload: b"" }));
    let bytes = talk.next(link).unwrap_or_default();
    let Some(Packet::PubAck(ack)) = read(&bytes) else {
        return Err(lost(format!("{} instead of PUBACK", tell(&bytes))));
    };
    let terse = ack.properties.is_empty();
    let expected = "no reason string or user property in PUBACK, with Request Problem Information 0";
    talk.see("MQTT-3.1.2-29", terse, expected, || format!("{:?}", ack.properties));
    Ok(())
}
