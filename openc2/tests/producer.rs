//! What a Producer sends, and what it makes of whatever comes back.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::*;
use mqtt5_codec::{Properties, Property, QoS, Topic};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration, Reaction};
use openc2_mqtt::producer::{
    Expect, Heard, Producer, ProducerMemory, ProducerPolicy, ProducerRefused, Request, Unheard,
};
use openc2_mqtt::transfer::{Channel, Clause, Layout, Received, Scheme, publish_properties};
use openc2_mqtt::{
    Action, Command, Encoding, Feature, Features, Instant, Ipv4Net, MessageType, Pair, Reading, Response, Status, Str,
    Target, Texts,
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
        Heard::Response { from, part, complete, .. } => {
            format!("{from} {part:?}{}", if complete { " complete" } else { "" })
        }
        Heard::Nothing { why: Unheard::Malformed(error), .. } => error.to_string(),
        Heard::Nothing { why, .. } => format!("{why:?}").split('(').next().unwrap().into(),
    }
}

fn response(id: &str, from: &str, status: u16) -> String {
    format!(
        r#"{{"headers":{{"request_id":"{id}","from":"{from}"}},"body":{{"openc2":{{"response":{{"status":{status}}}}}}}}}"#
    )
}

#[test]
fn wd01_has_six_topics_and_no_properties() {
    let scheme = Scheme { layout: Layout::Wd01, prefix: None };
    let policy = ConsumerPolicy { scheme, ..ConsumerPolicy::default() };
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "ipv6_net"]) }];
    let mut declaration = Declaration::new("c", "d7", &["slpf"], &pairs);
    declaration.device_type = Some("firewall");
    let mut consumer = Consumer::new(declaration, policy, ConsumerMemory::<2, 512>::new());
    let topics: Vec<String> = consumer
        .channels()
        .map(|channel| channel.write(&scheme, &mut [0; 64]).map(|(topic, _)| topic.to_string()).unwrap())
        .collect();
    assert_eq!(
        topics,
        [
            "oc2/cmd/ap/slpf",
            "oc2/cmd/device_type/firewall",
            "oc2/cmd/device_id/d7",
            "oc2/cmd/action/deny",
            "oc2/cmd/action_target/deny_ipv4_net",
            "oc2/cmd/action_target/deny_ipv6_net",
        ]
    );
    let policy = ProducerPolicy { scheme, ..ProducerPolicy::default() };
    let mut producer = Producer::new("p", policy, ProducerMemory::<1, 4>::new());
    let discover = Request::discover(Features::NONE, 1_000);
    let refused = producer.request(&discover, [0; 16], NOW, None, &mut [0; 512]).map(|_| ()).unwrap_err();
    assert_eq!(refused, ProducerRefused::Topic(openc2_mqtt::transfer::TopicError::NotInLayout));
    let discover = Request::discover_on(Channel::DeviceType("firewall"), Features::new(&[Feature::Pairs]), 1_000);
    let mut out = [0; 512];
    let (_, outgoing) = producer.request(&discover, [0; 16], NOW, None, &mut out).unwrap();
    assert_eq!(outgoing.topic, "oc2/cmd/device_type/firewall");
    assert_eq!(outgoing.qos(), QoS::AtLeastOnce);
    // As MQTT 3.1.1 would bring it: without a property.
    let received = Received {
        topic: outgoing.topic,
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: Properties::EMPTY,
        payload: outgoing.payload,
    };
    let mut back = [0; 512];
    let Ok(Reaction::Reply { reply, status: Status::Ok, verdict, .. }) =
        consumer.handle(&received, NOW, None, &mut back)
    else {
        panic!("no answer")
    };
    assert!(verdict.violations.is_empty() && verdict.quirks.is_empty());
    assert_eq!(reply.topic, "oc2/rsp");
    let received = Received { topic: reply.topic, payload: reply.payload, ..received };
    assert!(matches!(producer.handle(&received, NOW), Heard::Response { .. }));
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
    assert_eq!(answer(&mut producer, &response("1", "", 200), NOW), "headers.from: from names the sender [CS01 3.2]");
    let anonymous = response("1", "a", 200).replace(r#","from":"a""#, "");
    assert_eq!(answer(&mut producer, &anonymous, NOW), "Anonymous");
    assert_eq!(answer(&mut producer, &deny("1"), NOW), "NotAResponse");
    assert!(answer(&mut producer, "{", NOW).starts_with("message: the text ends"));
    let to_other = response("1", "a", 200).replace(r#""from":"a""#, r#""from":"a","to":["q"]"#);
    assert_eq!(answer(&mut producer, &to_other, NOW), "ForOthers");
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
    // A peer's request that has one is executed all the same, and never answered there.
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
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
    assert!(producer.channels().eq([Channel::Responses]));
    let policy = ProducerPolicy { producer_id: Some("omega"), ..ProducerPolicy::default() };
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
