//! What becomes of a message on its way to those who subscribed (section 3.3).

use mqtt5_codec::{
    Delivery, Packet, PayloadFormat, Properties, Property, Publish, QoS, RetainHandling, SubscriptionId,
    SubscriptionOptions, Text, Topic, TopicAlias, TopicRef,
};

use super::{Case, LASTING, options, payload};
use crate::judge::talk::{Got, Join, Stop, Talk, Try, read};

pub(super) const CASES: &[Case] = &[
    ("retained messages", &["MQTT-3.3.1-5", "MQTT-3.3.1-6", "MQTT-3.3.1-7", "MQTT-3.3.1-8"], retained),
    ("retain handling", &["MQTT-3.3.1-9", "MQTT-3.3.1-10", "MQTT-3.3.1-11", "MQTT-3.8.4-4"], retain_handling),
    ("retain as published", &["MQTT-3.3.1-12", "MQTT-3.3.1-13"], retain_as_published),
    (
        "what is forwarded",
        &[
            "MQTT-3.3.2-3",
            "MQTT-3.3.2-4",
            "MQTT-3.3.2-15",
            "MQTT-3.3.2-16",
            "MQTT-3.3.2-17",
            "MQTT-3.3.2-18",
            "MQTT-3.3.2-20",
        ],
        forwarded,
    ),
    ("message expiry", &["MQTT-3.3.2-5", "MQTT-3.3.2-6"], expiry),
    ("overlapping subscriptions", &["MQTT-3.3.4-2", "MQTT-3.3.4-3", "MQTT-3.3.4-4"], overlapping),
    (
        "Receive Maximum",
        &["MQTT-3.3.4-9", "MQTT-3.3.4-10", "MQTT-4.9.0-1", "MQTT-4.9.0-2", "MQTT-4.9.0-3"],
        receive_maximum,
    ),
    ("Maximum Packet Size", &["MQTT-3.1.2-24", "MQTT-3.1.2-25"], packet_size),
    ("topic aliases of the server", &["MQTT-3.1.2-26", "MQTT-3.1.2-27", "MQTT-3.3.2-11"], server_aliases),
    ("topic aliases of the client", &["MQTT-3.3.2-7", "MQTT-3.3.2-12"], client_aliases),
];

/// What somebody gets who subscribes now.
fn kept(talk: &mut Talk<'_>, topic: &str) -> Try<Option<Got>> {
    let link = talk.enter("retained-reader", Join::default())?;
    talk.subscribe(link, topic, options(QoS::AtMostOnce))?;
    let got = talk.arrival(link, false)?;
    talk.raw(link, &[0xE0, 0]);
    talk.cut(link);
    Ok(got)
}

fn retained(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("retained", Join::default())?;
    talk.publish(link, "retained", "one", QoS::AtLeastOnce, true)?;
    talk.publish(link, "retained", "two", QoS::AtLeastOnce, true)?;
    let got = kept(talk, "retained")?;
    talk.see("MQTT-3.3.1-5", payload(&got) == "two", || format!("two was retained last, and {} came", payload(&got)));
    talk.publish(link, "retained", "three", QoS::AtLeastOnce, false)?;
    let got = kept(talk, "retained")?;
    talk.see("MQTT-3.3.1-8", payload(&got) == "two", || format!("a message without RETAIN left {}", payload(&got)));
    talk.publish(link, "retained", "", QoS::AtLeastOnce, true)?;
    let got = kept(talk, "retained")?;
    let old = got.as_ref().is_some_and(|got| !got.payload.is_empty());
    talk.see("MQTT-3.3.1-6", !old, || format!("an empty message left {}", payload(&got)));
    talk.see("MQTT-3.3.1-7", old || got.is_none(), || "an empty message is retained".to_owned());
    Ok(())
}

fn retain_handling(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("handling", Join::default())?;
    talk.publish(link, "handling", "kept", QoS::AtLeastOnce, true)?;
    let with = |retain_handling| SubscriptionOptions { retain_handling, ..options(QoS::AtMostOnce) };
    talk.subscribe(link, "handling", with(RetainHandling::SendAtSubscribe))?;
    let got = talk.arrival(link, false)?;
    talk.see("MQTT-3.3.1-9", got.is_some(), || "Retain Handling 0, and nothing came".to_owned());
    talk.subscribe(link, "handling", with(RetainHandling::SendAtSubscribe))?;
    let got = talk.arrival(link, false)?;
    talk.see("MQTT-3.8.4-4", got.is_some(), || {
        "a subscription was replaced with Retain Handling 0, and nothing came".to_owned()
    });
    talk.subscribe(link, "handling", with(RetainHandling::SendIfNew))?;
    let quiet = talk.silence(link)?;
    talk.see("MQTT-3.3.1-10", quiet, || "Retain Handling 1 for an old subscription, and the message came".to_owned());
    talk.subscribe(link, "handling", with(RetainHandling::DoNotSend))?;
    let quiet = talk.silence(link)?;
    talk.see("MQTT-3.3.1-11", quiet, || "Retain Handling 2, and the message came".to_owned());
    talk.publish(link, "handling", "", QoS::AtMostOnce, true)
}

fn retain_as_published(talk: &mut Talk<'_>) -> Try<()> {
    for (flag, statement) in [(false, "MQTT-3.3.1-12"), (true, "MQTT-3.3.1-13")] {
        let link = talk.enter("as-published", Join::default())?;
        let with = SubscriptionOptions { retain_as_published: flag, ..options(QoS::AtMostOnce) };
        talk.subscribe(link, "as-published", with)?;
        let other = talk.enter("as-published-other", Join::default())?;
        talk.publish(other, "as-published", "x", QoS::AtLeastOnce, true)?;
        let got = talk.arrival(link, true)?.ok_or_else(|| Stop("no message came".to_owned()))?;
        talk.see(statement, got.retain == flag, || {
            format!("published with RETAIN, Retain As Published {flag}: {}", got.retain)
        });
        talk.publish(other, "as-published", "", QoS::AtLeastOnce, true)?;
        talk.raw(link, &[0xE0, 0]);
        talk.cut(link);
    }
    Ok(())
}

fn forwarded(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("forwarded", Join::default())?;
    talk.subscribe(link, "forwarded", options(QoS::AtLeastOnce))?;
    let text = |text| Text::new(text).map_err(|rule| Stop(rule.to_string()));
    let reply = Topic::new("reply/to").map_err(|rule| Stop(rule.to_string()))?;
    let pairs = [(text("b")?, text("1")?), (text("a")?, text("2")?), (text("b")?, text("0")?)];
    let mut sent = vec![
        Property::PayloadFormatIndicator(PayloadFormat::Utf8),
        Property::ContentType(text("text/plain")?),
        Property::ResponseTopic(reply),
        Property::CorrelationData(&[0, 255]),
    ];
    sent.extend(pairs.iter().map(|(name, value)| Property::UserProperty(*name, *value)));
    let other = talk.enter("forwarded-other", Join::default())?;
    talk.publish_with(other, "forwarded", "x", QoS::AtLeastOnce, false, &sent)?;
    let got = talk.owed(link)?;
    talk.acknowledge(link, &got)?;
    let Some(Packet::Publish(Publish { properties, .. })) = read(&got.bytes) else { return Ok(()) };
    let what = || format!("{properties:?} came of {sent:?}");
    let topic = talk.name("forwarded");
    talk.see("MQTT-3.3.2-3", got.topic == topic, || format!("{topic} came as {}", got.topic));
    talk.see("MQTT-3.3.2-4", properties.payload_format_indicator() == Some(PayloadFormat::Utf8), what);
    talk.see("MQTT-3.3.2-20", properties.content_type().is_some_and(|kind| kind == "text/plain"), what);
    talk.see("MQTT-3.3.2-15", properties.response_topic().is_some_and(|topic| topic == "reply/to"), what);
    talk.see("MQTT-3.3.2-16", properties.correlation_data() == Some(&[0, 255]), what);
    let came: Vec<_> = properties.user_properties().collect();
    talk.see("MQTT-3.3.2-17", pairs.iter().all(|pair| came.contains(pair)), what);
    if came.len() == pairs.len() {
        talk.see("MQTT-3.3.2-18", came == pairs, what);
    }
    Ok(())
}

fn expiry(talk: &mut Talk<'_>) -> Try<()> {
    let join = Join { clean: false, properties: LASTING, ..Join::default() };
    let link = talk.enter("expiry", join)?;
    talk.subscribe(link, "expiry", options(QoS::AtLeastOnce))?;
    talk.cut(link);
    let other = talk.enter("expiry-other", Join::default())?;
    talk.publish_with(other, "expiry", "late", QoS::AtLeastOnce, false, &[Property::MessageExpiryInterval(1)])?;
    talk.publish_with(other, "expiry", "kept", QoS::AtLeastOnce, false, &[Property::MessageExpiryInterval(50)])?;
    talk.sleep(2500);
    let link = talk.enter("expiry", join)?;
    let mut got = talk.message(link)?;
    let expired = payload(&got) == "late";
    talk.see("MQTT-3.3.2-5", !expired, || "a message of 1 second came after 2".to_owned());
    if expired {
        got = talk.message(link)?;
    }
    let got = got.ok_or_else(|| Stop("no message came".to_owned()))?;
    if let Some(Packet::Publish(publish)) = read(&got.bytes) {
        let left = publish.properties.message_expiry_interval();
        let counted = left.is_some_and(|left| (46..=48).contains(&left));
        talk.see("MQTT-3.3.2-6", counted, || format!("an expiry of 50 seconds is {left:?} after 2.5 seconds"));
    }
    Ok(())
}

fn overlapping(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("overlap", Join::default())?;
    let identifier = |id| SubscriptionId::new(id).map(Property::SubscriptionIdentifier).into_iter().collect::<Vec<_>>();
    talk.subscribe_with(link, "overlap/+", options(QoS::AtMostOnce), &identifier(7))?;
    talk.subscribe_with(link, "overlap/#", options(QoS::ExactlyOnce), &identifier(300))?;
    let other = talk.enter("overlap-other", Join::default())?;
    talk.publish(other, "overlap/x", "x", QoS::ExactlyOnce, false)?;
    let mut came = Vec::new();
    while let Some(got) = talk.message(link)? {
        came.push(got);
    }
    let best = came.iter().map(|got| got.qos).max();
    talk.see("MQTT-3.3.4-2", best == Some(QoS::ExactlyOnce), || {
        format!("the best of {} copies has {best:?}", came.len())
    });
    let mut ids: Vec<_> = came.iter().flat_map(|got| got.ids.clone()).collect();
    ids.sort_unstable();
    talk.see("MQTT-3.3.4-3", ids == [7, 300], || format!("identifiers {ids:?} of 7 and 300"));
    if came.len() == 1 {
        talk.see("MQTT-3.3.4-4", ids == [7, 300], || format!("identifiers {ids:?} of 7 and 300 in a single copy"));
    }
    Ok(())
}

fn receive_maximum(talk: &mut Talk<'_>) -> Try<()> {
    let properties = [Property::ReceiveMaximum(core::num::NonZeroU16::MIN)];
    let link = talk.enter("receive", Join { properties: &properties, ..Join::default() })?;
    talk.subscribe(link, "receive", options(QoS::AtLeastOnce))?;
    let other = talk.enter("receive-other", Join::default())?;
    talk.publish(other, "receive", "1", QoS::AtLeastOnce, false)?;
    talk.publish(other, "receive", "2", QoS::AtLeastOnce, false)?;
    let first = talk.arrival(link, true)?.ok_or_else(|| Stop("no message came".to_owned()))?;
    let second = talk.arrival(link, false)?;
    for statement in ["MQTT-3.3.4-9", "MQTT-4.9.0-1", "MQTT-4.9.0-2"] {
        talk.see(statement, second.is_none(), || "a second message, with a Receive Maximum of 1".to_owned());
    }
    talk.raw(link, &[0xC0, 0]);
    let answer = talk.next(link);
    let goes_on = answer.as_deref().and_then(read) == Some(Packet::PingResp);
    for statement in ["MQTT-3.3.4-10", "MQTT-4.9.0-3"] {
        talk.see(statement, goes_on, || "a message is unanswered, and PINGREQ is too".to_owned());
    }
    talk.acknowledge(link, &first)
}

fn packet_size(talk: &mut Talk<'_>) -> Try<()> {
    let properties = [Property::MaximumPacketSize(core::num::NonZeroU32::MIN.saturating_add(99))];
    let link = talk.enter("size", Join { properties: &properties, ..Join::default() })?;
    talk.subscribe(link, "size", options(QoS::AtLeastOnce))?;
    let other = talk.enter("size-other", Join::default())?;
    talk.publish(other, "size", &"x".repeat(200), QoS::AtLeastOnce, false)?;
    talk.publish(other, "size", "small", QoS::AtLeastOnce, false)?;
    let got = talk.message(link)?;
    let large = got.as_ref().is_some_and(|got| got.bytes.len() > 100);
    talk.see("MQTT-3.1.2-24", !large, || "more than 100 bytes, with a Maximum Packet Size of 100".to_owned());
    if !large {
        talk.see("MQTT-3.1.2-25", payload(&got) == "small", || {
            format!("{} came behind a message too large", payload(&got))
        });
    }
    Ok(())
}

fn server_aliases(talk: &mut Talk<'_>) -> Try<()> {
    for (most, statement) in [(0, "MQTT-3.1.2-27"), (1, "MQTT-3.1.2-26")] {
        let properties = [Property::TopicAliasMaximum(most)];
        let properties = properties.get(..usize::from(most.min(1))).unwrap_or_default();
        let link = talk.enter("aliases", Join { properties, ..Join::default() })?;
        talk.subscribe(link, "aliases/#", options(QoS::AtMostOnce))?;
        let other = talk.enter("aliases-other", Join::default())?;
        for number in 0..4 {
            talk.publish(other, &format!("aliases/{}", number % 2), "x", QoS::AtMostOnce, false)?;
        }
        for _ in 0..4 {
            let got = talk.arrival(link, true)?.ok_or_else(|| Stop("no message came".to_owned()))?;
            let Some(Packet::Publish(publish)) = read(&got.bytes) else { continue };
            let alias = publish.topic.alias().map_or(0, TopicAlias::get);
            for statement in [statement, "MQTT-3.3.2-11"] {
                talk.see(statement, alias <= most, || format!("topic alias {alias}, with a maximum of {most}"));
            }
        }
        talk.close_all();
    }
    Ok(())
}

fn client_aliases(talk: &mut Talk<'_>) -> Try<()> {
    let join = Join { clean: false, properties: LASTING, ..Join::default() };
    let (other, connack) = talk.join("client-aliases-other", join)?;
    let most = match read(&connack) {
        Some(Packet::ConnAck(ack)) => ack.properties.topic_alias_maximum().unwrap_or(0),
        _ => 0,
    };
    let alias = TopicAlias::new(most).ok_or_else(|| Stop("the server takes no topic aliases".to_owned()))?;
    let link = talk.enter("client-aliases", Join::default())?;
    talk.subscribe(link, "client-aliases", options(QoS::AtMostOnce))?;
    let name = talk.name("client-aliases");
    let name = Topic::new(&name).map_err(|rule| Stop(rule.to_string()))?;
    for topic in [TopicRef::NameAndAlias(name, alias), TopicRef::Alias(alias)] {
        let delivery = Delivery::AtMostOnce;
        let properties = Properties::EMPTY;
        talk.send(other, &Packet::Publish(Publish { topic, delivery, retain: false, properties, payload: b"x" }));
        let got = talk.arrival(link, true)?;
        let came = got.as_ref().is_some_and(|got| got.topic == name.as_str());
        talk.see("MQTT-3.3.2-12", came, || format!("a message with topic alias {most} came as {got:?}"));
    }
    talk.cut(other);
    let other = talk.enter("client-aliases-other", join)?;
    let (topic, delivery) = (TopicRef::Alias(alias), Delivery::AtMostOnce);
    let properties = Properties::EMPTY;
    talk.send(other, &Packet::Publish(Publish { topic, delivery, retain: false, properties, payload: b"x" }));
    let quiet = talk.silence(link)?;
    talk.see("MQTT-3.3.2-7", quiet, || "a topic alias of a connection that is gone still means its topic".to_owned());
    Ok(())
}
