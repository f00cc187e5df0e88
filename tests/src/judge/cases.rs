//! What a server is asked, case by case. A case names the statements that it looks at; those that it does not come to are not
//! seen.

use mqtt5_codec::{
    ConnAck, Delivery, Filter, Packet, PayloadFormat, Properties, Property, Publish, QoS, ReasonCode, RetainHandling,
    Subscribe, Subscription, SubscriptionId, SubscriptionOptions, Text, Topic, TopicAlias, TopicRef, Unsubscribe, Will,
};

use super::malformed;
use super::talk::{Got, Join, Stop, Talk, Try, read};

/// What a case does.
type Run = fn(&mut Talk<'_>) -> Try<()>;

/// The cases, with the statements that each looks at.
pub const CASES: &[(&str, &[&str], Run)] = &[
    (
        "sessions",
        &[
            "MQTT-3.1.2-4",
            "MQTT-3.1.2-5",
            "MQTT-3.1.2-6",
            "MQTT-3.1.2-23",
            "MQTT-3.2.2-2",
            "MQTT-3.2.2-3",
            "MQTT-4.1.0-2",
        ],
        sessions,
    ),
    ("a second CONNECT", &["MQTT-3.1.0-2"], connect_twice),
    ("client identifiers", &["MQTT-3.1.3-5", "MQTT-3.1.3-6", "MQTT-3.1.3-7", "MQTT-3.2.2-16"], client_ids),
    ("session taken over", &["MQTT-3.1.4-3"], take_over),
    ("CONNACK", &["MQTT-3.2.0-2", "MQTT-3.1.2-28", "MQTT-4.12.0-6", "MQTT-3.12.4-1"], connack),
    ("an unknown authentication method", &["MQTT-4.12.0-1", "MQTT-3.2.2-6", "MQTT-3.2.2-7"], authentication),
    ("keep-alive", &["MQTT-3.1.2-22"], keep_alive),
    ("wills", &["MQTT-3.1.2-8", "MQTT-3.1.2-10", "MQTT-3.14.4-3", "MQTT-3.1.2-14"], wills),
    ("retained wills", &["MQTT-3.1.2-15", "MQTT-3.1.3-9"], more_wills),
    ("retained messages", &["MQTT-3.3.1-5", "MQTT-3.3.1-6", "MQTT-3.3.1-7", "MQTT-3.3.1-8"], retained),
    ("retain handling", &["MQTT-3.3.1-9", "MQTT-3.3.1-10", "MQTT-3.3.1-11", "MQTT-3.8.4-4"], retain_handling),
    ("retain as published", &["MQTT-3.3.1-12", "MQTT-3.3.1-13"], retain_as_published),
    (
        "what is forwarded",
        &["MQTT-3.3.2-4", "MQTT-3.3.2-15", "MQTT-3.3.2-16", "MQTT-3.3.2-17", "MQTT-3.3.2-18", "MQTT-3.3.2-20"],
        forwarded,
    ),
    ("message expiry", &["MQTT-3.3.2-5", "MQTT-3.3.2-6"], expiry),
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
            "MQTT-4.6.0-5",
        ],
        qos,
    ),
    ("a duplicate at QoS 2", &["MQTT-4.3.3-10"], duplicate),
    ("what is sent again", &["MQTT-4.4.0-1", "MQTT-3.3.1-1"], again),
    ("overlapping subscriptions", &["MQTT-3.3.4-2", "MQTT-3.3.4-3", "MQTT-3.3.4-4"], overlapping),
    ("Receive Maximum", &["MQTT-3.3.4-9"], receive_maximum),
    ("Maximum Packet Size", &["MQTT-3.1.2-24", "MQTT-3.1.2-25"], packet_size),
    ("topic aliases of the server", &["MQTT-3.1.2-26", "MQTT-3.1.2-27"], server_aliases),
    ("topic aliases of the client", &["MQTT-3.3.2-12"], client_aliases),
    ("no local", &["MQTT-3.8.3-3"], no_local),
    ("many filters", &["MQTT-3.8.4-5", "MQTT-3.8.4-6", "MQTT-3.8.4-7", "MQTT-3.9.3-1"], many_filters),
    ("a subscription replaced", &["MQTT-3.8.4-3"], replaced),
    (
        "unsubscribing",
        &["MQTT-3.10.4-1", "MQTT-3.10.4-2", "MQTT-3.10.4-4", "MQTT-3.10.4-5", "MQTT-3.10.4-6", "MQTT-3.11.3-1"],
        unsubscribing,
    ),
    ("topics and filters", &["MQTT-4.7.2-1", "MQTT-4.7.3-4"], topics),
    ("shared subscriptions", &["MQTT 4.8.2"], shared),
    ("problem information", &["MQTT-3.1.2-29"], problem_information),
    ("what may not be", malformed::STATEMENTS, malformed::run),
];

/// Asks a server everything.
pub fn ask(talk: &mut Talk<'_>, mut progress: impl FnMut(&str)) {
    for (name, statements, run) in CASES {
        progress(name);
        let done = run(talk);
        talk.close_all();
        for statement in *statements {
            let why = match &done {
                Err(Stop(why)) => format!("{name}: {why}"),
                Ok(()) => format!("{name}: did not come to it"),
            };
            talk.report.not_seen(statement, &why);
        }
    }
}

const LASTING: &[Property<'_>] = &[Property::SessionExpiryInterval(60)];

fn options(maximum_qos: QoS) -> SubscriptionOptions {
    SubscriptionOptions { maximum_qos, ..SubscriptionOptions::default() }
}

fn present(connack: &[u8]) -> bool {
    matches!(read(connack), Some(Packet::ConnAck(ConnAck { session_present: true, .. })))
}

fn payload(got: &Option<Got>) -> &str {
    got.as_ref().map_or("nothing", |got| &got.payload)
}

fn sessions(talk: &mut Talk<'_>) -> Try<()> {
    let lasting = Join { clean: false, properties: LASTING, ..Join::default() };
    let (link, connack) = talk.join("session", Join { clean: true, ..lasting })?;
    talk.see("MQTT-3.2.2-2", !present(&connack), || "Session Present after Clean Start".to_owned());
    talk.subscribe(link, "session", options(QoS::AtLeastOnce))?;
    talk.cut(link);
    let other = talk.enter("session-other", Join::default())?;
    talk.publish(other, "session", "kept", QoS::AtLeastOnce, false)?;
    let (link, connack) = talk.join("session", lasting)?;
    let found = present(&connack);
    talk.see("MQTT-3.2.2-3", found, || "Session Present 0 for a session of 60 seconds".to_owned());
    let got = talk.message(link)?;
    let kept = payload(&got) == "kept";
    for statement in ["MQTT-3.1.2-5", "MQTT-3.1.2-23"] {
        talk.see(statement, kept, || format!("the session had a message, and {} came", payload(&got)));
    }
    talk.cut(link);
    let (link, connack) = talk.join("session", Join { clean: true, ..lasting })?;
    talk.see("MQTT-3.2.2-2", !present(&connack), || "Session Present after Clean Start".to_owned());
    talk.publish(other, "session", "gone", QoS::AtLeastOnce, false)?;
    let quiet = talk.silence(link)?;
    talk.see("MQTT-3.1.2-4", quiet, || "a subscription outlived Clean Start".to_owned());
    let (_, connack) = talk.join("session-new", lasting)?;
    talk.see("MQTT-3.1.2-6", !present(&connack), || "Session Present 1 for a new client".to_owned());
    let short = [Property::SessionExpiryInterval(1)];
    let short = Join { clean: false, properties: &short, ..Join::default() };
    let link = talk.enter("session-short", short)?;
    talk.cut(link);
    talk.sleep(3000);
    let (_, connack) = talk.join("session-short", short)?;
    talk.see("MQTT-4.1.0-2", !present(&connack), || "a session of 1 second is there after 3".to_owned());
    Ok(())
}

fn connect_twice(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.enter("twice", Join::default())?;
    talk.raw(link, &[0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 0]);
    let closes = talk.closes(link);
    talk.see("MQTT-3.1.0-2", closes, || "a second CONNECT is put up with".to_owned());
    Ok(())
}

fn client_ids(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.open()?;
    let mut connect = vec![0x10, 13 + 23, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 23];
    connect.extend_from_slice(b"0129ABCXYZabcxyzQWERTY7");
    talk.raw(link, &connect);
    let answer = talk.next(link).unwrap_or_default();
    let taken = matches!(read(&answer), Some(Packet::ConnAck(ack)) if !ack.reason.is_error());
    talk.see("MQTT-3.1.3-5", taken, || format!("an identifier of 23 letters and digits: {:?}", read(&answer)));
    let mut names = Vec::new();
    for _ in 0..2 {
        let (_, connack) = talk.join("", Join::default())?;
        let name = match read(&connack) {
            Some(Packet::ConnAck(ack)) => {
                ack.properties.assigned_client_identifier().map(|name| name.as_str().to_owned())
            }
            _ => None,
        };
        for statement in ["MQTT-3.1.3-6", "MQTT-3.1.3-7"] {
            talk.see(statement, name.is_some(), || "no identifier is assigned to a client without one".to_owned());
        }
        names.extend(name);
    }
    if let [first, second] = &names[..] {
        talk.see("MQTT-3.2.2-16", first != second, || format!("{first} is assigned twice"));
    }
    Ok(())
}

fn take_over(talk: &mut Talk<'_>) -> Try<()> {
    let first = talk.enter("taken", Join::default())?;
    talk.enter("taken", Join::default())?;
    let last = talk.next(first).unwrap_or_default();
    let told = matches!(read(&last), Some(Packet::Disconnect(words)) if words.reason == ReasonCode::SESSION_TAKEN_OVER);
    let closes = talk.closes(first);
    talk.see("MQTT-3.1.4-3", told && closes, || format!("the first client got {:?}, closed {closes}", read(&last)));
    Ok(())
}

fn connack(talk: &mut Talk<'_>) -> Try<()> {
    let (link, connack) = talk.join("connack", Join::default())?;
    if let Some(Packet::ConnAck(ack)) = read(&connack) {
        let silent = ack.properties.response_information().is_none();
        talk.see("MQTT-3.1.2-28", silent, || "Response Information that nobody asked for".to_owned());
        let silent = ack.properties.authentication_method().is_none();
        talk.see("MQTT-4.12.0-6", silent, || "an authentication method that nobody named".to_owned());
    }
    talk.raw(link, &[0xC0, 0]);
    let answer = talk.next(link);
    let packet = answer.as_deref().and_then(read);
    let once = !matches!(packet, Some(Packet::ConnAck(_)));
    talk.see("MQTT-3.2.0-2", once, || "a second CONNACK".to_owned());
    talk.see("MQTT-3.12.4-1", packet == Some(Packet::PingResp), || format!("PINGREQ is answered by {packet:?}"));
    Ok(())
}

fn authentication(talk: &mut Talk<'_>) -> Try<()> {
    let link = talk.open()?;
    talk.raw(link, &[0x10, 19, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 6, 0x15, 0, 3, b'?', b'!', b'?', 0, 0]);
    let bytes = talk.next(link).ok_or_else(|| Stop("no answer".to_owned()))?;
    let [_, _, flags, reason, ..] = bytes[..] else { return Err(Stop("no CONNACK".to_owned())) };
    let refused = matches!(reason, 0x8C | 0x87);
    talk.see("MQTT-4.12.0-1", refused, || format!("an unknown authentication method is answered by 0x{reason:02x}"));
    if reason >= 0x80 {
        talk.see("MQTT-3.2.2-6", flags == 0, || format!("CONNACK flags 0x{flags:02x} with reason 0x{reason:02x}"));
        let closes = talk.closes(link);
        talk.see("MQTT-3.2.2-7", closes, || "the connection stays open after a refusing CONNACK".to_owned());
    }
    Ok(())
}

fn keep_alive(talk: &mut Talk<'_>) -> Try<()> {
    let (link, connack) = talk.join("keep-alive", Join { keep_alive: 1, ..Join::default() })?;
    if let Some(Packet::ConnAck(ack)) = read(&connack)
        && ack.properties.server_keep_alive().is_some_and(|seconds| seconds != 1)
    {
        return Err(Stop("the server has a keep-alive of its own".to_owned()));
    }
    talk.sleep(1600);
    let closes = talk.closes(link);
    talk.see("MQTT-3.1.2-22", closes, || "silence of 1.5 times the keep-alive, and the connection is open".to_owned());
    Ok(())
}

fn will<'w>(topic: &'w str, properties: &'w [Property<'w>], retain: bool) -> Try<Will<'w>> {
    let topic = Topic::new(topic).map_err(|rule| Stop(rule.to_string()))?;
    Ok(Will { qos: QoS::AtLeastOnce, retain, properties: Properties::from(properties), topic, payload: b"will" })
}

fn wills(talk: &mut Talk<'_>) -> Try<()> {
    let watcher = talk.enter("will-watcher", Join::default())?;
    talk.subscribe(watcher, "will", options(QoS::AtMostOnce))?;
    let topic = talk.name("will");
    let join = Join { will: Some(will(&topic, &[], false)?), ..Join::default() };
    let link = talk.enter("will", join)?;
    talk.cut(link);
    let got = talk.message(watcher)?;
    talk.see("MQTT-3.1.2-8", payload(&got) == "will", || format!("the connection was cut, and {} came", payload(&got)));
    let quiet = talk.silence(watcher)?;
    talk.see("MQTT-3.1.2-10", quiet, || "a will is published twice".to_owned());
    let late = talk.enter("will-late", Join::default())?;
    talk.subscribe(late, "will", options(QoS::AtMostOnce))?;
    let quiet = talk.silence(late)?;
    talk.see("MQTT-3.1.2-14", quiet, || "a will without RETAIN is retained".to_owned());
    let link = talk.enter("will", join)?;
    talk.raw(link, &[0xE0, 0]);
    talk.cut(link);
    let quiet = talk.silence(watcher)?;
    for statement in ["MQTT-3.14.4-3", "MQTT-3.1.2-10"] {
        talk.see(statement, quiet, || "DISCONNECT with reason 0, and the will is published".to_owned());
    }
    Ok(())
}

fn more_wills(talk: &mut Talk<'_>) -> Try<()> {
    let watcher = talk.enter("will-watcher", Join::default())?;
    let topic = talk.name("will-retained");
    let link = talk.enter("will-retained", Join { will: Some(will(&topic, &[], true)?), ..Join::default() })?;
    talk.cut(link);
    talk.sleep(50);
    talk.subscribe(watcher, "will-retained", options(QoS::AtMostOnce))?;
    let got = talk.message(watcher)?;
    talk.see("MQTT-3.1.2-15", got.as_ref().is_some_and(|got| got.retain), || {
        "a will with RETAIN is not retained".to_owned()
    });
    talk.publish(watcher, "will-retained", "", QoS::AtMostOnce, true)?;
    let _ = talk.arrival(watcher, true)?;
    let topic = talk.name("will-delayed");
    talk.subscribe(watcher, "will-delayed", options(QoS::AtMostOnce))?;
    let delay = [Property::WillDelayInterval(1)];
    let join = Join { will: Some(will(&topic, &delay, false)?), clean: false, properties: LASTING, ..Join::default() };
    let link = talk.enter("will-delayed", join)?;
    talk.cut(link);
    talk.enter("will-delayed", Join { will: None, ..join })?;
    talk.sleep(1500);
    let quiet = talk.silence(watcher)?;
    talk.see("MQTT-3.1.3-9", quiet, || "the client was back within the delay, and the will is published".to_owned());
    Ok(())
}

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
    let got = talk.message(link)?.ok_or_else(|| Stop("no message came".to_owned()))?;
    let Some(Packet::Publish(Publish { properties, .. })) = read(&got.bytes) else { return Ok(()) };
    let what = || format!("{properties:?} came of {sent:?}");
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
                let got = talk.message(link)?.ok_or_else(|| Stop("no message came".to_owned()))?;
                let wanted = published.min(granted);
                talk.see("MQTT-3.8.4-8", got.qos == wanted, || {
                    format!("{published:?} for {granted:?} came at {:?}", got.qos)
                });
                talk.see("MQTT-3.3.1-3", !got.dup, || "the first time, and DUP is set".to_owned());
                came.push(got.payload);
                let sorted = came.is_sorted();
                talk.see("MQTT-4.6.0-5", sorted, || format!("{came:?} came of 0, 1, 2 at {published:?}"));
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
        talk.see("MQTT-4.4.0-1", same, || format!("{:?} unacknowledged, and on resume came {second:?}", first.id));
        if let Some(second) = second {
            talk.see("MQTT-3.3.1-1", second.dup, || "sent again without DUP".to_owned());
            talk.acknowledge(link, &second)?;
        }
        talk.raw(link, &[0xE0, 0]);
        talk.cut(link);
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
    talk.see("MQTT-3.3.4-9", second.is_none(), || "a second message, with a Receive Maximum of 1".to_owned());
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
            talk.see(statement, alias <= most, || format!("topic alias {alias}, with a maximum of {most}"));
        }
        talk.close_all();
    }
    Ok(())
}

fn client_aliases(talk: &mut Talk<'_>) -> Try<()> {
    let (other, connack) = talk.join("client-aliases-other", Join::default())?;
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
    Ok(())
}

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
