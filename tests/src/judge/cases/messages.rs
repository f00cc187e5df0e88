//! What becomes of a message on its way to those who subscribed (section 3.3).

use mqtt5_codec::{
    Delivery, Packet, PayloadFormat, Properties, Property, Publish, QoS, RetainHandling, SubscriptionId,
    SubscriptionOptions, Text, Topic, TopicAlias, TopicRef,
};

use super::{Case, LASTING, case, long, options, payload, shown};
use crate::judge::talk::{Got, Join, Talk, Try, lacks, lost, read, tell};

pub(super) const CASES: &[Case] = &[
    case("retained messages", &["MQTT-3.3.1-5", "MQTT-3.3.1-6", "MQTT-3.3.1-7", "MQTT-3.3.1-8"], retained),
    case("retain handling", &["MQTT-3.3.1-9", "MQTT-3.3.1-10", "MQTT-3.3.1-11", "MQTT-3.8.4-4"], retain_handling),
    case("retain as published", &["MQTT-3.3.1-12", "MQTT-3.3.1-13"], retain_as_published),
    case(
        "what is forwarded",
        &[
            "MQTT-3.3.2-1",
            "MQTT-3.3.2-3",
            "MQTT-3.3.2-4",
            "MQTT-3.3.2-15",
            "MQTT-3.3.2-16",
            "MQTT-3.3.2-17",
            "MQTT-3.3.2-18",
            "MQTT-3.3.2-20",
            "MQTT-1.5.4-3",
        ],
        forwarded,
    ),
    long("message expiry", &["MQTT-3.3.2-5", "MQTT-3.3.2-6"], expiry),
    case("overlapping subscriptions", &["MQTT-3.3.4-2", "MQTT-3.3.4-3", "MQTT-3.3.4-4", "MQTT-3.3.4-5"], overlapping),
    case(
        "Receive Maximum",
        &["MQTT-3.3.4-9", "MQTT-3.3.4-10", "MQTT-4.9.0-1", "MQTT-4.9.0-2", "MQTT-4.9.0-3"],
        receive_maximum,
    ),
    case("Maximum Packet Size", &["MQTT-3.1.2-24", "MQTT-3.1.2-25"], packet_size),
    case("topic aliases of the server", &["MQTT-3.1.2-26", "MQTT-3.1.2-27", "MQTT-3.3.2-11"], server_aliases),
    case("topic aliases of the client", &["MQTT-3.3.2-7", "MQTT-3.3.2-12"], client_aliases),
];

/// What somebody gets who subscribes now.
fn kept(talk: &mut Talk<'_>, topic: &str, owed: bool) -> Try<Option<Got>> {
    let link = talk.enter("reader", Join::default())?;
    talk.subscribe(link, topic, options(QoS::AtMostOnce))?;
    let got = talk.arrival(link, owed)?;
    talk.leave(link);
    Ok(got)
}

fn retained(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("retained", Join::default())?;
    talk.publish(link, "retained", "one", QoS::AtLeastOnce, true)?;
    talk.publish(link, "retained", "two", QoS::AtLeastOnce, true)?;
    let got = kept(talk, "retained", true)?;
    talk.see("MQTT-3.3.1-5", payload(&got) == "two", "two, which was retained last", || shown(&got));
    talk.publish(link, "retained", "three", QoS::AtLeastOnce, false)?;
    let got = kept(talk, "retained", true)?;
    talk.see("MQTT-3.3.1-8", payload(&got) == "two", "two, since three was sent without RETAIN", || shown(&got));
    talk.publish(link, "retained", "", QoS::AtLeastOnce, true)?;
    let got = kept(talk, "retained", false)?;
    let old = got.as_ref().is_some_and(|got| !got.payload.is_empty());
    talk.see("MQTT-3.3.1-6", !old, "nothing, since an empty message was retained", || shown(&got));
    talk.see("MQTT-3.3.1-7", old || got.is_none(), "no empty message kept", || shown(&got));
    Ok(())
}

fn retain_handling(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("handling", Join::default())?;
    talk.publish(link, "handling", "kept", QoS::AtLeastOnce, true)?;
    let with = |retain_handling| SubscriptionOptions { retain_handling, ..options(QoS::AtMostOnce) };
    talk.subscribe(link, "handling", with(RetainHandling::SendAtSubscribe))?;
    let got = talk.arrival(link, true)?;
    talk.see("MQTT-3.3.1-9", got.is_some(), "the retained message at Retain Handling 0", || shown(&got));
    talk.subscribe(link, "handling", with(RetainHandling::SendAtSubscribe))?;
    let got = talk.arrival(link, true)?;
    let expected = "the retained message again, since the subscription was replaced at Retain Handling 0";
    talk.see("MQTT-3.8.4-4", got.is_some(), expected, || shown(&got));
    talk.subscribe(link, "handling", with(RetainHandling::SendIfNew))?;
    let got = talk.arrival(link, false)?;
    talk.see("MQTT-3.3.1-10", got.is_none(), "nothing at Retain Handling 1 for an old subscription", || shown(&got));
    talk.subscribe(link, "handling", with(RetainHandling::DoNotSend))?;
    let got = talk.arrival(link, false)?;
    talk.see("MQTT-3.3.1-11", got.is_none(), "nothing at Retain Handling 2", || shown(&got));
    talk.publish(link, "handling", "", QoS::AtMostOnce, true)
}

fn retain_as_published(talk: &mut Talk<'_>) -> Try<()> {
    for (flag, statement) in [(false, "MQTT-3.3.1-12"), (true, "MQTT-3.3.1-13")] {
        let link = talk.enter("as published", Join::default())?;
        let with = SubscriptionOptions { retain_as_published: flag, ..options(QoS::AtMostOnce) };
        talk.subscribe(link, "as-published", with)?;
        let other = talk.enter("other", Join::default())?;
        talk.publish(other, "as-published", "x", QoS::AtLeastOnce, true)?;
        let got = talk.owed(link)?;
        let expected = format!("RETAIN {} at Retain As Published {}", u8::from(flag), u8::from(flag));
        talk.see(statement, got.retain == flag, &expected, || format!("RETAIN {}", u8::from(got.retain)));
        talk.publish(other, "as-published", "", QoS::AtLeastOnce, true)?;
        talk.leave(link);
    }
    Ok(())
}

/// A topic that a byte order mark begins, which belongs to it.
const MARKED: &str = "forwarded/\u{FEFF}marked";

fn forwarded(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("forwarded", Join::default())?;
    talk.subscribe(link, "forwarded", options(QoS::AtLeastOnce))?;
    let text = Text::new;
    let pairs = [(text("b")?, text("1")?), (text("a")?, text("2")?), (text("b")?, text("0")?)];
    let mut sent = vec![
        Property::PayloadFormatIndicator(PayloadFormat::Utf8),
        Property::ContentType(text("text/plain")?),
        Property::ResponseTopic(Topic::new("reply/to")?),
        Property::CorrelationData(&[0, 255]),
    ];
    sent.extend(pairs.iter().map(|(name, value)| Property::UserProperty(*name, *value)));
    let other = talk.enter("other", Join::default())?;
    talk.publish_with(other, "forwarded", "x", QoS::AtLeastOnce, false, &sent)?;
    let got = talk.owed(link)?;
    talk.acknowledge(link, &got)?;
    let Some(Packet::Publish(Publish { properties, .. })) = read(&got.bytes) else { return Ok(()) };
    let came: Vec<_> = properties.user_properties().collect();
    let topic = talk.name("forwarded");
    talk.see("MQTT-3.3.2-3", got.topic == topic, &format!("the topic {topic}"), || got.topic.clone());
    let what = || format!("{properties:?}");
    let utf8 = properties.payload_format_indicator() == Some(PayloadFormat::Utf8);
    talk.see("MQTT-3.3.2-4", utf8, "the payload's format, 1", what);
    let kind = properties.content_type().is_some_and(|kind| kind == "text/plain");
    talk.see("MQTT-3.3.2-20", kind, "the content type text/plain", what);
    let reply = properties.response_topic().is_some_and(|topic| topic == "reply/to");
    talk.see("MQTT-3.3.2-15", reply, "the response topic reply/to", what);
    let data = properties.correlation_data() == Some(&[0, 255]);
    talk.see("MQTT-3.3.2-16", data, "the correlation data 00 ff", what);
    talk.see("MQTT-3.3.2-17", pairs.iter().all(|pair| came.contains(pair)), "every user property", what);
    if came.len() == pairs.len() {
        talk.see("MQTT-3.3.2-18", came == pairs, "the user properties in their order", what);
    }
    // A server may refuse non-characters, but this is none.
    talk.subscribe(link, MARKED, options(QoS::AtMostOnce))?;
    talk.publish(other, MARKED, "x", QoS::AtLeastOnce, false)?;
    let got = talk.owed(link)?;
    let topic = talk.name(MARKED);
    talk.see("MQTT-1.5.4-3", got.topic == topic, "the topic with its U+FEFF", || format!("{:?}", got.topic));
    Ok(())
}

fn expiry(talk: &mut Talk<'_>) -> Try<()> {
    const WHOLE: u32 = 50;
    let join = Join { clean: false, properties: LASTING, ..Join::default() };
    let link = talk.enter("expiry", join)?;
    talk.subscribe(link, "expiry", options(QoS::AtLeastOnce))?;
    talk.cut(link);
    let other = talk.enter("other", Join::default())?;
    talk.publish_with(other, "expiry", "late", QoS::AtLeastOnce, false, &[Property::MessageExpiryInterval(1)])?;
    let begun = talk.now();
    talk.publish_with(other, "expiry", "kept", QoS::AtLeastOnce, false, &[Property::MessageExpiryInterval(WHOLE)])?;
    let taken = talk.now();
    talk.sleep(3500);
    let least = (talk.now() - taken) / 1000;
    let link = talk.enter("expiry", join)?;
    let mut got = talk.message(link)?;
    let expired = payload(&got) == "late";
    talk.see("MQTT-3.3.2-5", !expired, "no message whose 1 s was over", || shown(&got));
    if expired {
        got = talk.message(link)?;
    }
    let most = (talk.now() - begun).div_ceil(1000);
    let got = got.ok_or_else(|| lost("no message came"))?;
    if let Some(Packet::Publish(publish)) = read(&got.bytes) {
        let left = publish.properties.message_expiry_interval();
        // A second more or less for how the server rounds.
        let (least, most) = (least.saturating_sub(1) as u32, most as u32 + 1);
        let counted =
            left.is_some_and(|left| (WHOLE.saturating_sub(most)..=WHOLE.saturating_sub(least)).contains(&left));
        let expected =
            format!("from {} to {} s left of {WHOLE}", WHOLE.saturating_sub(most), WHOLE.saturating_sub(least));
        talk.see("MQTT-3.3.2-6", counted, &expected, || match left {
            Some(left) => format!("{left} s"),
            None => "no Message Expiry Interval".to_owned(),
        });
    }
    talk.leave(link);
    Ok(())
}

fn overlapping(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("overlap", Join::default())?;
    let identifier = |id| SubscriptionId::new(id).map(Property::SubscriptionIdentifier).into_iter().collect::<Vec<_>>();
    talk.subscribe_with(link, "overlap/+", options(QoS::AtMostOnce), &identifier(7))?;
    talk.subscribe_with(link, "overlap/#", options(QoS::ExactlyOnce), &identifier(300))?;
    let other = talk.enter("other", Join::default())?;
    talk.publish(other, "overlap/x", "x", QoS::ExactlyOnce, false)?;
    let first = talk.owed(link)?;
    talk.acknowledge(link, &first)?;
    let mut came = vec![first];
    while let Some(got) = talk.arrival(link, false)? {
        talk.acknowledge(link, &got)?;
        came.push(got);
    }
    let copies =
        || came.iter().map(|got| format!("QoS {} {:?}", got.qos as u8, got.ids)).collect::<Vec<_>>().join(", ");
    let best = came.iter().map(|got| got.qos).max();
    talk.see("MQTT-3.3.4-2", best == Some(QoS::ExactlyOnce), "a copy at QoS 2", copies);
    let mut ids: Vec<_> = came.iter().flat_map(|got| got.ids.clone()).collect();
    ids.sort_unstable();
    talk.see("MQTT-3.3.4-3", ids == [7, 300], "the identifiers 7 and 300", copies);
    if came.len() == 1 {
        talk.see("MQTT-3.3.4-4", ids == [7, 300], "7 and 300 in the single copy", copies);
        talk.report.not_seen("MQTT-3.3.4-5", "the server sends one copy for overlapping subscriptions, as it may");
    } else {
        let own = came.iter().all(|got| got.ids.len() == 1);
        talk.see("MQTT-3.3.4-5", own && ids == [7, 300], "7 in one copy and 300 in the other", copies);
        talk.report.not_seen("MQTT-3.3.4-4", "the server sends a copy for each overlapping subscription, as it may");
    }
    Ok(())
}

fn receive_maximum(talk: &mut Talk<'_>) -> Try<()> {
    let properties = [Property::ReceiveMaximum(core::num::NonZeroU16::MIN)];
    let link = talk.enter("receive", Join { properties: &properties, ..Join::default() })?;
    talk.subscribe(link, "receive", options(QoS::AtLeastOnce))?;
    let other = talk.enter("other", Join::default())?;
    talk.publish(other, "receive", "1", QoS::AtLeastOnce, false)?;
    talk.publish(other, "receive", "2", QoS::AtLeastOnce, false)?;
    let first = talk.owed(link)?;
    let second = talk.arrival(link, false)?;
    for statement in ["MQTT-3.3.4-9", "MQTT-4.9.0-1", "MQTT-4.9.0-2"] {
        talk.see(statement, second.is_none(), "one message at a time, the Receive Maximum", || shown(&second));
    }
    talk.raw(link, &[0xC0, 0]);
    let answer = talk.next(link).unwrap_or_default();
    let goes_on = read(&answer) == Some(Packet::PingResp);
    for statement in ["MQTT-3.3.4-10", "MQTT-4.9.0-3"] {
        talk.see(statement, goes_on, "PINGRESP, though a message is not acknowledged", || tell(&answer));
    }
    talk.acknowledge(link, &first)
}

fn packet_size(talk: &mut Talk<'_>) -> Try<()> {
    let properties = [Property::MaximumPacketSize(core::num::NonZeroU32::MIN.saturating_add(99))];
    let link = talk.enter("size", Join { properties: &properties, ..Join::default() })?;
    talk.subscribe(link, "size", options(QoS::AtLeastOnce))?;
    let other = talk.enter("other", Join::default())?;
    talk.publish(other, "size", &"x".repeat(200), QoS::AtLeastOnce, false)?;
    talk.publish(other, "size", "small", QoS::AtLeastOnce, false)?;
    let got = talk.message(link)?;
    let large = got.as_ref().is_some_and(|got| got.bytes.len() > 100);
    talk.see("MQTT-3.1.2-24", !large, "at most 100 bytes, the Maximum Packet Size", || shown(&got));
    if !large {
        let small = payload(&got) == "small";
        talk.see("MQTT-3.1.2-25", small, "the message behind one that is too large", || shown(&got));
    }
    Ok(())
}

fn server_aliases(talk: &mut Talk<'_>) -> Try<()> {
    for (most, statement) in [(0, "MQTT-3.1.2-27"), (1, "MQTT-3.1.2-26")] {
        let properties = [Property::TopicAliasMaximum(most)];
        let properties = properties.get(..usize::from(most.min(1))).unwrap_or_default();
        let link = talk.enter("aliases", Join { properties, ..Join::default() })?;
        talk.subscribe(link, "aliases/#", options(QoS::AtMostOnce))?;
        let other = talk.enter("other", Join::default())?;
        for number in 0..4 {
            talk.publish(other, &format!("aliases/{}", number % 2), "x", QoS::AtMostOnce, false)?;
        }
        for _ in 0..4 {
            let got = talk.arrival(link, true)?.ok_or_else(|| lost("no message came"))?;
            let Some(Packet::Publish(publish)) = read(&got.bytes) else { continue };
            let alias = publish.topic.alias().map_or(0, TopicAlias::get);
            for statement in [statement, "MQTT-3.3.2-11"] {
                talk.see(statement, alias <= most, &format!("no topic alias above {most}"), || format!("{alias}"));
            }
        }
        talk.close_all();
    }
    Ok(())
}

fn client_aliases(talk: &mut Talk<'_>) -> Try<()> {
    let join = Join { clean: false, properties: LASTING, ..Join::default() };
    let other = talk.enter("other", join)?;
    let most = talk.offers.topic_alias_maximum;
    let alias = TopicAlias::new(most).ok_or_else(|| lacks("the server says that it takes no topic aliases"))?;
    let link = talk.enter("aliases", Join::default())?;
    talk.subscribe(link, "aliases", options(QoS::AtMostOnce))?;
    let name = talk.name("aliases");
    let name = Topic::new(&name)?;
    let publish = |topic| {
        let (delivery, properties) = (Delivery::AtMostOnce, Properties::EMPTY);
        Packet::Publish(Publish { topic, delivery, retain: false, properties, payload: b"x" })
    };
    for topic in [TopicRef::NameAndAlias(name, alias), TopicRef::Alias(alias)] {
        talk.send(other, &publish(topic));
        let got = talk.arrival(link, true)?;
        let came = got.as_ref().is_some_and(|got| got.topic == name.as_str());
        talk.see("MQTT-3.3.2-12", came, &format!("a message by topic alias {most}"), || shown(&got));
    }
    talk.cut(other);
    let other = talk.enter("other", join)?;
    talk.send(other, &publish(TopicRef::Alias(alias)));
    let got = talk.arrival(link, false)?;
    let expected = "no message by a topic alias of a connection that is gone";
    talk.see("MQTT-3.3.2-7", got.is_none(), expected, || shown(&got));
    Ok(())
}
