//! SUBSCRIBE and UNSUBSCRIBE, filters and shared subscriptions (sections 3.8 to 3.11, 4.7 and 4.8).

use mqtt5_codec::{
    Ack, Delivery, Filter, Packet, Properties, Property, Publish, QoS, ReasonCode, RetainHandling, Subscribe,
    Subscription, SubscriptionOptions, Topic, TopicRef, Unsubscribe,
};

use super::{Case, LASTING, options};
use crate::judge::talk::{Join, Stop, Talk, Try, read};

pub(super) const CASES: &[Case] = &[
    ("no local", &["MQTT-3.8.3-3"], no_local),
    (
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
    ("a subscription replaced", &["MQTT-3.8.4-3"], replaced),
    (
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
    ("unsubscribing in the middle of a message", &["MQTT-3.10.4-3"], finished),
    (
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
    (
        "a member of a share that fails",
        &["MQTT-4.8.2-3", "MQTT-4.8.2-4", "MQTT-4.8.2-5", "MQTT-4.8.2-6"],
        failing_member,
    ),
    ("topics and filters", &["MQTT-4.7.2-1", "MQTT-4.7.3-4"], topics),
    ("shared subscriptions", &["MQTT 4.8.2"], shared),
    ("problem information", &["MQTT-3.1.2-29"], problem_information),
];

fn no_local(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("no-local", Join::default())?;
    talk.subscribe(link, "no-local", SubscriptionOptions { no_local: true, ..options(QoS::AtMostOnce) })?;
    talk.publish(link, "no-local", "own", QoS::AtMostOnce, false)?;
    let quiet = talk.silence(link)?;
    talk.see("MQTT-3.8.3-3", quiet, || "No Local, and the client's own message came".to_owned());
    Ok(())
}

fn many_filters(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("filters", Join::default())?;
    let names = ["filters/0", "filters/1", "filters/2"].map(|name| talk.name(name));
    let levels = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
    let mut filters = Vec::new();
    for (name, level) in names.iter().zip(levels) {
        let filter = Filter::new(name).map_err(|rule| Stop(rule.to_string()))?;
        filters.push(Subscription { filter, options: options(level) });
    }
    let (id, properties) = (talk.id(), Properties::EMPTY);
    talk.send(link, &Packet::Subscribe(Subscribe { id, properties, filters: filters[..].into() }));
    let bytes = talk.next(link).ok_or_else(|| Stop("no SUBACK".to_owned()))?;
    let Some(Packet::SubAck(ack)) = read(&bytes) else { return Err(Stop("no SUBACK".to_owned())) };
    let reasons: Vec<_> = ack.reasons.iter().map(ReasonCode::value).collect();
    let what = || format!("reasons {reasons:x?} for QoS 0, 1 and 2");
    for statement in ["MQTT-3.8.4-5", "MQTT-3.8.4-6"] {
        talk.see(statement, reasons.len() == 3, what);
    }
    talk.see("MQTT-3.8.4-7", reasons.iter().zip(0..).all(|(reason, asked)| *reason <= asked || *reason >= 0x80), what);
    if reasons.len() == 3 && reasons.iter().all(|reason| *reason < 0x80) {
        talk.see("MQTT-3.9.3-1", reasons.is_sorted(), what);
    }
    Ok(())
}

fn replaced(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("replaced", Join::default())?;
    talk.subscribe(link, "replaced", options(QoS::AtMostOnce))?;
    talk.subscribe(link, "replaced", options(QoS::AtLeastOnce))?;
    let other = talk.enter("replaced-other", Join::default())?;
    talk.publish(other, "replaced", "x", QoS::AtLeastOnce, false)?;
    let first = talk.message(link)?.ok_or_else(|| Stop("no message came".to_owned()))?;
    let quiet = talk.silence(link)?;
    talk.see("MQTT-3.8.4-3", quiet && first.qos == QoS::AtLeastOnce, || {
        format!("the same filter at QoS 0 and then 1: {:?}, and another copy {}", first.qos, !quiet)
    });
    Ok(())
}

fn unsubscribing(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("unsubscribe", Join::default())?;
    let names = ["unsubscribe/a", "unsubscribe/b", "unsubscribe/none"];
    talk.subscribe(link, "unsubscribe/a", options(QoS::AtMostOnce))?;
    talk.subscribe(link, "unsubscribe/b", options(QoS::AtMostOnce))?;
    let names = names.map(|name| talk.name(name));
    let mut filters = Vec::new();
    for name in &names {
        filters.push(Filter::new(name).map_err(|rule| Stop(rule.to_string()))?);
    }
    let (id, properties) = (talk.id(), Properties::EMPTY);
    talk.send(link, &Packet::Unsubscribe(Unsubscribe { id, properties, filters: filters[..].into() }));
    let bytes = talk.next(link);
    let answer = bytes.as_deref().and_then(read);
    let Some(Packet::UnsubAck(ack)) = answer else {
        talk.see("MQTT-3.10.4-4", false, || format!("UNSUBSCRIBE is answered by {answer:?}"));
        return Ok(());
    };
    talk.see("MQTT-3.10.4-4", true, String::new);
    talk.see("MQTT-3.10.4-5", ack.id == id, || format!("UNSUBACK for {}, not {id}", ack.id));
    let reasons: Vec<_> = ack.reasons.iter().map(ReasonCode::value).collect();
    talk.see("MQTT-3.11.3-1", reasons == [0, 0, 0x11], || {
        format!("reasons {reasons:x?} for two that were and one that was not")
    });
    let other = talk.enter("unsubscribe-other", Join::default())?;
    for (topic, statements) in
        [("unsubscribe/a", &["MQTT-3.10.4-1", "MQTT-3.10.4-2"][..]), ("unsubscribe/b", &["MQTT-3.10.4-6"])]
    {
        talk.publish(other, topic, "x", QoS::AtMostOnce, false)?;
        let quiet = talk.silence(link)?;
        for statement in statements {
            talk.see(statement, quiet, || format!("a message on {topic} came after UNSUBACK"));
        }
    }
    Ok(())
}

fn topics(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("topics", Join::default())?;
    talk.subscribe(
        link,
        "#",
        SubscriptionOptions { retain_handling: RetainHandling::DoNotSend, ..options(QoS::AtMostOnce) },
    )?;
    let other = talk.enter("topics-other", Join::default())?;
    let hidden = format!("$judge/{}", talk.name("topics"));
    let _ = talk.publish(other, &hidden, "hidden", QoS::AtMostOnce, false);
    let mut shown = false;
    while let Some(got) = talk.arrival(link, false)? {
        shown |= got.topic.starts_with('$');
    }
    talk.see("MQTT-4.7.2-1", !shown, || "# matched a topic that begins with $".to_owned());
    let link = talk.enter("topics-case", Join::default())?;
    talk.subscribe(link, "Topics/Case", options(QoS::AtMostOnce))?;
    talk.publish(other, "topics/case", "x", QoS::AtMostOnce, false)?;
    let quiet = talk.silence(link)?;
    talk.see("MQTT-4.7.3-4", quiet, || "a filter with capitals matched a topic without".to_owned());
    Ok(())
}

fn shared(talk: &mut Talk<'_>) -> Try<()> {
    let mut members = Vec::new();
    for name in ["shared-1", "shared-2"] {
        let link = talk.enter(name, Join::default())?;
        talk.subscribe(link, "$share/judge/shared", options(QoS::AtLeastOnce))?;
        members.push(link);
    }
    let other = talk.enter("shared-other", Join::default())?;
    let mut came = 0;
    for _ in 0..4 {
        talk.publish(other, "shared", "x", QoS::AtLeastOnce, false)?;
    }
    for link in members {
        while let Some(got) = talk.arrival(link, false)? {
            talk.acknowledge(link, &got)?;
            came += 1;
        }
    }
    talk.see("MQTT 4.8.2", came == 4, || format!("4 messages for two members of a share came {came} times"));
    Ok(())
}

fn problem_information(talk: &mut Talk<'_>) -> Try<()> {
    let properties = [Property::RequestProblemInformation(false)];
    let link = talk.enter("problems", Join { properties: &properties, ..Join::default() })?;
    let topic = talk.name("problems");
    let topic = TopicRef::Name(Topic::new(&topic).map_err(|rule| Stop(rule.to_string()))?);
    let delivery = Delivery::AtLeastOnce { id: talk.id(), dup: false };
    let properties = Properties::EMPTY;
    talk.send(link, &Packet::Publish(Publish { topic, delivery, retain: false, properties, payload: b"" }));
    let bytes = talk.next(link).ok_or_else(|| Stop("no PUBACK".to_owned()))?;
    let Some(Packet::PubAck(ack)) = read(&bytes) else { return Err(Stop("no PUBACK".to_owned())) };
    let terse = ack.properties.is_empty();
    talk.see("MQTT-3.1.2-29", terse, || format!("PUBACK explains: {:?}", ack.properties));
    Ok(())
}

/// Unsubscribes from one filter of this run, and reads UNSUBACK.
fn leave(talk: &mut Talk<'_>, link: usize, filter: &str) -> Try<()> {
    let name = talk.name(filter);
    let filters = [Filter::new(&name).map_err(|rule| Stop(rule.to_string()))?];
    let (id, properties) = (talk.id(), Properties::EMPTY);
    talk.send(link, &Packet::Unsubscribe(Unsubscribe { id, properties, filters: filters[..].into() }));
    let bytes = talk.next(link);
    match bytes.as_deref().and_then(read) {
        Some(Packet::UnsubAck(_)) => Ok(()),
        other => Err(Stop(format!("UNSUBSCRIBE is answered by {other:?}"))),
    }
}

fn finished(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("finished", Join::default())?;
    talk.subscribe(link, "finished", options(QoS::ExactlyOnce))?;
    let other = talk.enter("finished-other", Join::default())?;
    talk.publish(other, "finished", "x", QoS::ExactlyOnce, false)?;
    let got = talk.owed(link)?;
    leave(talk, link, "finished")?;
    let finished = talk.acknowledge(link, &got).is_ok();
    talk.see("MQTT-3.10.4-3", finished, || {
        "a message was under way, and its PUBREC after UNSUBACK has no answer".to_owned()
    });
    Ok(())
}

/// Every packet that may carry an explanation, to a client that takes forty bytes: [`Talk`] looks at each.
fn little(talk: &mut Talk<'_>) -> Try<()> {
    let properties = [Property::MaximumPacketSize(core::num::NonZeroU32::MIN.saturating_add(39))];
    let join = Join { properties: &properties, ..Join::default() };
    let link = talk.enter("little", join)?;
    talk.subscribe(link, "little", options(QoS::ExactlyOnce))?;
    talk.publish(link, "little", "1", QoS::AtLeastOnce, false)?;
    talk.publish(link, "little", "2", QoS::ExactlyOnce, false)?;
    for _ in 0..2 {
        let got = talk.owed(link)?;
        talk.acknowledge(link, &got)?;
    }
    leave(talk, link, "little")?;
    talk.enter("little", join)?;
    // The first connection is told that it has been taken over, if the server tells.
    talk.next(link);
    Ok(())
}

fn failing_member(talk: &mut Talk<'_>) -> Try<()> {
    const SHARE: &str = "$share/judge/failing";
    let lasting = Join { clean: false, properties: LASTING, ..Join::default() };
    let publisher = talk.enter("failing-publisher", Join::default())?;
    // The granted QoS is the greatest.
    let link = talk.enter("failing-low", Join::default())?;
    talk.subscribe(link, SHARE, options(QoS::AtMostOnce))?;
    talk.publish(publisher, "failing", "x", QoS::AtLeastOnce, false)?;
    let got = talk.owed(link)?;
    talk.see("MQTT-4.8.2-3", got.qos == QoS::AtMostOnce, || format!("granted QoS 0, and {:?} came", got.qos));
    talk.raw(link, &[0xE0, 0]);
    talk.cut(link);
    for (round, statement) in ["MQTT-4.8.2-4", "MQTT-4.8.2-5", "MQTT-4.8.2-6"].into_iter().enumerate() {
        let name = |member: usize| format!("failing-{round}-{member}");
        let join = if round == 0 { lasting } else { Join::default() };
        let level = if round == 2 { QoS::AtLeastOnce } else { QoS::ExactlyOnce };
        let mut members = Vec::new();
        for member in 0..2 {
            let link = talk.enter(&name(member), join)?;
            talk.subscribe(link, SHARE, options(level))?;
            members.push(link);
        }
        talk.publish(publisher, "failing", "x", level, false)?;
        let mut chosen = None;
        for (member, link) in members.iter().enumerate() {
            if let Some(got) = talk.arrival(*link, false)? {
                chosen = Some((member, *link, got));
            }
        }
        let (member, link, got) = chosen.ok_or_else(|| Stop("no message came".to_owned()))?;
        let others: Vec<_> = members.iter().copied().filter(|other| *other != link).collect();
        if round == 2 {
            let id = got.id.ok_or_else(|| Stop("no identifier".to_owned()))?;
            let reason = ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR;
            talk.send(link, &Packet::PubAck(Ack { id, reason, properties: Properties::EMPTY }));
        } else {
            talk.cut(link);
        }
        let mut quiet = true;
        for other in &others {
            quiet &= talk.silence(*other)?;
        }
        if round == 0 {
            let back = talk.enter(&name(member), lasting)?;
            let again = talk.arrival(back, true)?;
            let same = again.as_ref().is_some_and(|again| again.id == got.id);
            talk.see(statement, same && quiet, || format!("the member is back, and {again:?} came"));
            if let Some(again) = again {
                talk.acknowledge(back, &again)?;
            }
            leave_share(talk, back)?;
        } else {
            talk.see(statement, quiet, || "what one member did not take went to another".to_owned());
        }
        for other in others {
            leave_share(talk, other)?;
        }
        talk.cut(link);
    }
    Ok(())
}

/// Ends a client's session, and so its share.
fn leave_share(talk: &mut Talk<'_>, link: usize) -> Try<()> {
    talk.raw(link, &[0xE0, 7, 0, 5, 0x11, 0, 0, 0, 0]);
    talk.cut(link);
    Ok(())
}
