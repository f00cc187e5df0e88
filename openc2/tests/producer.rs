//! What a Producer sends, and what it makes of whatever comes back.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::*;
use mqtt5_codec::{Properties, Property, QoS, Topic};
use openc2_mqtt::consumer::{Breaches, ConsumerPolicy, OnBreach, Reaction};
use openc2_mqtt::producer::{
    Answer, Expect, Heard, NotCounted, OwnTopic, Producer, ProducerMemory, ProducerPolicy, ProducerRefused, Request,
    Stage,
};
use openc2_mqtt::transfer::{Channel, Clause, Layout, Received, Scheme, publish_properties};
use openc2_mqtt::{
    Action, Command, Encoding, Instant, Ipv4Net, Language, MessageType, Quirk, Reading, Response, Status, Str, Target,
};

fn answer(producer: &mut Producer<'_, ProducerMemory<2, 3>>, json: &str, now: Instant) -> String {
    let properties = publish_properties(MessageType::Response, Encoding::Json, None);
    let received = Received {
        topic: Topic::new("oc2/rsp").unwrap(),
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: properties.as_properties(),
        payload: json.as_bytes(),
    };
    match producer.handle(&received, now) {
        Heard::Response { from, stage, complete, .. } => {
            format!("{from} {stage:?}{}", if complete { " complete" } else { "" })
        }
        Heard::Malformed { from, status, stage, complete, error, .. } => {
            let status = status.map_or("?".to_string(), |status| status.code().to_string());
            format!("{from} {stage:?}{} bad {status} {error}", if complete { " complete" } else { "" })
        }
        Heard::Nothing { why: NotCounted::Malformed(error), .. } => error.to_string(),
        Heard::Nothing { why, .. } => format!("{why:?}").split('(').next().unwrap().into(),
        other => panic!("{other:?}"),
    }
}

fn response(id: &str, from: &str, status: u16) -> String {
    format!(
        r#"{{"headers":{{"request_id":"{id}","from":"{from}"}},"body":{{"openc2":{{"response":{{"status":{status}}}}}}}}}"#
    )
}

#[test]
fn a_producer_tells_apart_whatever_may_come() {
    let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 3>::new());
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let mut out = [0; 512];
    let each = Request { expect: Expect::Each(&["a", "b"]), ..Request::new(Channel::Profile("slpf"), command, 1_000) };
    let (id, _) = producer.request_as(&each, "1", NOW, None, &mut out).unwrap();
    assert_eq!(producer.request_id(id), Some("1"));
    assert_eq!(answer(&mut producer, &response("9", "a", 200), NOW), "Foreign");
    assert_eq!(answer(&mut producer, &response("1", "a", 102), NOW), "a Interim");
    assert_eq!(answer(&mut producer, &response("1", "a", 102), NOW), "Duplicate");
    assert_eq!(answer(&mut producer, &response("1", "a", 200), NOW), "a Final");
    assert_eq!(answer(&mut producer, &response("1", "a", 102), NOW), "Duplicate", "the end came before");
    assert_eq!(
        answer(&mut producer, &response("1", "c", 200), NOW),
        "c Final",
        "one more than expected doesn't complete"
    );
    assert_eq!(answer(&mut producer, &response("1", "d", 200), NOW), "Full");
    assert_eq!(answer(&mut producer, &response("1", "b", 500), NOW), "b Final complete");
    assert_eq!(answer(&mut producer, &response("1", "b", 500), NOW), "Duplicate");
    assert_eq!(answer(&mut producer, &response("1", "e", 200), NOW), "Late");
    assert!(!producer.is_pending(id));
    assert_eq!(answer(&mut producer, &response("1", "", 200), NOW), "Anonymous", "an empty from is none");
    let anonymous = response("1", "a", 200).replace(r#","from":"a""#, "");
    assert_eq!(answer(&mut producer, &anonymous, NOW), "Anonymous");
    assert_eq!(answer(&mut producer, &deny("1"), NOW), "NotAResponse");
    assert!(answer(&mut producer, "{", NOW).starts_with("message: the text ends"));
    let to_other = response("1", "a", 200).replace(r#""from":"a""#, r#""from":"a","to":["q"]"#);
    assert_eq!(answer(&mut producer, &to_other, NOW), "ForOthers");
}

/// A response as `{"status":...}` is written, of a Consumer.
fn rough(from: &str, response: &str) -> String {
    format!(r#"{{"headers":{{"request_id":"1","from":"{from}"}},"body":{{"openc2":{{"response":{response}}}}}}}"#)
}

#[test]
fn a_response_with_one_bad_field_is_an_answer_that_was_bad() {
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let each = Request { expect: Expect::Each(&["a", "b"]), ..Request::new(Channel::Profile("slpf"), command, 1_000) };
    for (bad, told) in [
        (r#"{"status":200,"results":"done"}"#, "bad 200 body.openc2.response.results: "),
        (r#"{"status":200,"results":["done"]}"#, "bad 200 body.openc2.response.results: "),
        (r#"{"status":200,"extra":1}"#, "bad 200 body.openc2.response.extra: "),
        (r#"{"status":500,"status_text":7}"#, "bad 500 body.openc2.response.status_text: "),
        (r#"{"status":"200"}"#, "bad ? body.openc2.response.status: "),
        (r#"{"status":299}"#, "bad ? body.openc2.response.status: "),
        (r#"{}"#, "bad ? body.openc2.response: "),
        (r#"{"status":200,"results":{"pairs":{"deny":[]}}}"#, "bad 200 body.openc2.response.results.pairs.deny: "),
    ] {
        let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 3>::new());
        let mut out = [0; 512];
        let (id, _) = producer.request_as(&each, "1", NOW, None, &mut out).unwrap();
        let heard = answer(&mut producer, &rough("a", bad), NOW);
        assert!(heard.starts_with(&format!("a Final {told}")), "{bad}: {heard}");
        assert_eq!(answer(&mut producer, &rough("a", bad), NOW), "Duplicate");
        let mut answers = Vec::new();
        producer.responders(id, |name, answer| answers.push((name.to_string(), answer)));
        assert!(matches!(answers[..], [(_, Answer::Bad(_)), (_, Answer::Awaited)]), "{answers:?}");
        let over = producer.handle_timeout(NOW.after(1_000)).unwrap();
        assert_eq!((over.answered, over.bad, over.awaited), (1, 1, 1), "{bad}");
    }
}

#[test]
fn a_bad_answer_completes_a_request_and_gives_way_to_a_good_one() {
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let two = Request { expect: Expect::Count(2), ..Request::new(Channel::Profile("slpf"), command, 1_000) };
    let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 3>::new());
    let mut out = [0; 512];
    producer.request_as(&two, "1", NOW, None, &mut out).unwrap();
    let starts = |told: String, with: &str| assert!(told.starts_with(with), "{told}");
    starts(answer(&mut producer, &rough("a", r#"{"status":102,"results":1}"#), NOW), "a Interim bad 102");
    starts(answer(&mut producer, &rough("a", r#"{"status":200,"results":1}"#), NOW), "a Final bad 200");
    assert_eq!(answer(&mut producer, &rough("a", r#"{"status":102}"#), NOW), "Duplicate", "the end came before");
    assert_eq!(answer(&mut producer, &rough("a", r#"{"status":200}"#), NOW), "a Final", "what was bad is mended");
    assert_eq!(answer(&mut producer, &rough("a", r#"{"status":200}"#), NOW), "Duplicate");
    starts(answer(&mut producer, &rough("b", r#"{"status":200,"results":1}"#), NOW), "b Final complete bad 200");
    assert_eq!(answer(&mut producer, &rough("b", r#"{"status":200}"#), NOW), "Late");
    assert_eq!(answer(&mut producer, &rough("c", r#"{"status":200,"results":1}"#), NOW), "Late");
    assert_eq!(producer.handle_timeout(NOW.after(1_000)), None);
    // A bad answer counts over a restart too.
    let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 3>::new());
    producer.request_as(&two, "1", NOW, None, &mut out).unwrap();
    starts(answer(&mut producer, &rough("a", r#"{"status":200,"results":1}"#), NOW), "a Final bad");
    let mut bytes = [0; ProducerMemory::<2, 3>::EXPORT];
    let length = producer.export(NOW, None, &mut bytes).unwrap();
    let mut next = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 3>::new());
    next.import(&bytes[..length], NOW, None).unwrap();
    let over = next.handle_timeout(NOW.after(1_000)).unwrap();
    assert_eq!((over.answered, over.bad, over.awaited), (1, 1, 1));
}

#[test]
fn what_answers_nothing_that_can_be_told_stays_malformed() {
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let request = Request::new(Channel::Profile("slpf"), command, 1_000);
    let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 3>::new());
    let mut out = [0; 512];
    producer.request_as(&request, "1", NOW, None, &mut out).unwrap();
    let bad = rough("a", r#"{"status":200,"results":1}"#);
    let told = |producer: &mut Producer<'_, ProducerMemory<2, 3>>, json: &str| answer(producer, json, NOW);
    assert!(told(&mut producer, &bad.replace(r#""request_id":"1","#, "")).starts_with("body.openc2.response.results:"));
    assert!(told(&mut producer, &bad.replace(r#","from":"a""#, "")).starts_with("body.openc2.response.results:"));
    assert_eq!(told(&mut producer, &bad.replace(r#""1""#, r#""2""#)), "Foreign");
    assert_eq!(told(&mut producer, &bad.replace(r#""from":"a""#, r#""from":"a","to":["q"]"#)), "ForOthers");
    let asks = r#"{"headers":{"request_id":"1","from":"a"},"body":{"openc2":{"request":{"action":"deny"}}}}"#;
    assert!(told(&mut producer, asks).starts_with("body.openc2.request:"), "a request answers nothing");
    // Leniently, results that are no map are a habit that is forgiven.
    let policy = ProducerPolicy { reading: Reading::lenient(Language::V1_0), ..ProducerPolicy::default() };
    let mut lenient = Producer::new("p", policy, ProducerMemory::<2, 3>::new());
    lenient.request_as(&request, "1", NOW, None, &mut out).unwrap();
    let properties = publish_properties(MessageType::Response, Encoding::Json, None);
    let received = Received {
        topic: Topic::new("oc2/rsp").unwrap(),
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: properties.as_properties(),
        payload: bad.as_bytes(),
    };
    let Heard::Response { response, stage: Stage::Final, verdict, .. } = lenient.handle(&received, NOW) else {
        panic!("not forgiven")
    };
    assert_eq!(response.status, Status::Ok);
    assert!(response.results.is_empty() && verdict.quirks.iter().eq([Quirk::ResultsNotAMap]));
}

#[test]
fn a_producer_has_room_or_says_so() {
    let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 3>::new());
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let plain = Request::new(Channel::Profile("slpf"), command, 1_000);
    let mut out = [0; 512];
    let mut send = |producer: &mut Producer<'_, ProducerMemory<2, 3>>, request: &Request<'_>, id: &str| {
        producer.request_as(request, id, NOW, None, &mut out).map(|(id, _)| id)
    };
    let many = Request { expect: Expect::Each(&["a", "b", "c", "d"]), ..plain };
    assert_eq!(send(&mut producer, &many, "1"), Err(ProducerRefused::Responders));
    let long = "x".repeat(65);
    let names = [long.as_str()];
    let named = Request { expect: Expect::Each(&names), ..plain };
    assert_eq!(send(&mut producer, &named, "1"), Err(ProducerRefused::Name));
    assert_eq!(send(&mut producer, &plain, &long), Err(ProducerRefused::Name));
    let back = Request { channel: Channel::Responses, ..plain };
    assert_eq!(send(&mut producer, &back, "1"), Err(ProducerRefused::Channel));
    let first = send(&mut producer, &plain, "1").unwrap();
    let second = send(&mut producer, &plain, "2").unwrap();
    assert_eq!(send(&mut producer, &plain, "3"), Err(ProducerRefused::Requests));
    assert!(producer.cancel(first));
    assert!(!producer.cancel(first));
    assert_eq!(answer(&mut producer, &response("1", "a", 200), NOW), "Late");
    let third = send(&mut producer, &plain, "3").unwrap();
    assert_eq!(producer.request_id(first), None, "its place was needed");
    assert_eq!(answer(&mut producer, &response("1", "a", 200), NOW), "Foreign");
    assert_eq!(producer.poll_timeout(), Some(NOW.after(1_000)));
    let over: Vec<_> =
        core::iter::from_fn(|| producer.handle_timeout(NOW.after(1_000))).map(|over| over.request).collect();
    assert_eq!(over.len(), 2);
    assert!(over.contains(&second) && over.contains(&third));
    let mut silent = plain;
    silent.command.args.response_requested = Some(openc2_mqtt::ResponseType::None);
    let id = send(&mut producer, &silent, "4").unwrap();
    assert!(!producer.is_pending(id) && producer.poll_timeout().is_none());
}

#[test]
fn a_request_says_who_sends_it_and_asks_for_no_response_topic() {
    let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<1, 1>::new());
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let mut request = Request::new(Channel::Device("d"), command, 1_000);
    request.expiry = Some(30);
    let mut out = [0; 512];
    let (_, outgoing) = producer.request(&request, [7; 16], NOW, Some(UTC), &mut out).unwrap();
    let message = Reading::default().message(Encoding::Json, outgoing.payload).unwrap().value;
    assert_eq!(message.headers.from, Some(Str::new("p")));
    assert_eq!(message.headers.created, Some(UTC));
    assert_eq!(message.headers.request_id.map(|id| id.len()), Some(36));
    let properties = outgoing.properties.as_properties();
    assert!(properties.response_topic().is_none() && properties.correlation_data().is_none());
    assert_eq!(properties.message_expiry_interval(), Some(30));
    let sent = outgoing.message();
    assert_eq!((sent.qos, sent.retain), (QoS::AtLeastOnce, false));
    // A peer's request that has one is answered 400, or executed where the host says so, and never answered there.
    let mend = Breaches { response_topic: OnBreach::Execute, ..Breaches::default() };
    with_consumer(ConsumerPolicy { breaches: mend, ..ConsumerPolicy::default() }, None, |consumer| {
        let mut list = outgoing.properties.to_vec();
        list.push(Property::ResponseTopic(Topic::new("elsewhere").unwrap()));
        let received = Received {
            topic: outgoing.topic,
            qos: QoS::AtLeastOnce,
            retain: false,
            properties: Properties::from(&list[..]),
            payload: outgoing.payload,
        };
        let mut buffer = [0; 512];
        let Ok(Reaction::Execute { verdict, ticket, .. }) = consumer.handle(&received, NOW, None, &mut buffer) else {
            panic!("not executed")
        };
        assert!(verdict.violations.iter().eq([Clause::ResponseTopic]));
        let reply = consumer.respond(ticket, &Response::new(Status::Ok), NOW, None, &mut buffer).unwrap().unwrap();
        assert_eq!(reply.topic, "oc2/rsp");
    });
    // Its own topic is that of its identity, of another level, or none.
    assert!(producer.channels().eq([Channel::Responses, Channel::ResponsesTo("p")]));
    let channels = |id, policy: ProducerPolicy<'static>| -> Vec<_> {
        Producer::new(id, policy, ProducerMemory::<1, 1>::new()).channels().collect()
    };
    assert_eq!(channels("a/b", ProducerPolicy::default()), [Channel::Responses], "no level of a topic");
    let absent = ProducerPolicy { own_topic: OwnTopic::Absent, ..ProducerPolicy::default() };
    assert_eq!(channels("p", absent), [Channel::Responses]);
    let wd01 = Scheme { layout: Layout::Wd01, prefix: None };
    assert_eq!(channels("p", ProducerPolicy { scheme: wd01, ..ProducerPolicy::default() }), [Channel::Responses]);
    let policy = ProducerPolicy { own_topic: OwnTopic::Named("omega"), ..ProducerPolicy::default() };
    let producer = Producer::new("p", policy, ProducerMemory::<1, 1>::new());
    assert!(producer.channels().eq([Channel::Responses, Channel::ResponsesTo("omega")]));
}

#[test]
fn requests_that_are_over_give_way_to_those_that_are_pending() {
    let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 3>::new());
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let all = Request { expect: Expect::Each(&["a", "b", "c"]), ..Request::new(Channel::All, command, 1_000) };
    let mut out = [0; 512];
    let (first, _) = producer.request_as(&all, "1", NOW, None, &mut out).unwrap();
    assert_eq!(answer(&mut producer, &response("1", "a", 200), NOW), "a Final");
    let refused = producer.request_as(&all, "2", NOW, None, &mut out).map(|_| ());
    assert_eq!(refused, Err(ProducerRefused::Responders), "the first still waits for two");
    assert!(producer.cancel(first));
    assert_eq!(answer(&mut producer, &response("1", "a", 200), NOW), "Duplicate");
    let some = Request { expect: Expect::Count(2), ..all };
    producer.request_as(&some, "2", NOW, None, &mut out).unwrap();
    assert_eq!(answer(&mut producer, &response("2", "x", 200), NOW), "x Final");
    assert_eq!(answer(&mut producer, &response("2", "y", 500), NOW), "y Final complete");
    let told = answer(&mut producer, &response("1", "b", 200), NOW);
    assert_eq!(told, "Late", "whoever it was, it is too late");
}

#[test]
fn an_answer_with_a_bad_header_is_an_answer_all_the_same() {
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let each = Request { expect: Expect::Each(&["d"]), ..Request::new(Channel::Profile("slpf"), command, 1_000) };
    for bad in [r#""created":"2026-01-01T00:00:00Z""#, r#""created":-1"#, r#""to":7"#] {
        for headers in [
            format!(r#""request_id":"ID",{bad},"from":"d""#),
            format!(r#"{bad},"from":"d","request_id":"ID""#),
            format!(r#""from":"d","request_id":"ID",{bad}"#),
        ] {
            let wrapper = format!(r#"{{"headers":{{{headers}}},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#);
            let record = format!(r#"{{{headers},"content":{{"response":{{"status":200}}}}}}"#);
            for json in [wrapper, record] {
                let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 3>::new());
                producer.request_as(&each, "ID", NOW, None, &mut [0; 512]).unwrap();
                let told = answer(&mut producer, &json, NOW);
                assert!(told.starts_with("d Final complete bad 200 "), "{told}: {json}");
            }
        }
    }
}
