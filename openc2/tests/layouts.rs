//! The topics of the three versions of the transfer specification: CS01, CSD03, WD01.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::*;
use mqtt5_codec::{Properties, QoS, Topic};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration, Reaction};
use openc2_mqtt::producer::{Expect, Heard, Producer, ProducerMemory, ProducerPolicy, ProducerRefused, Request};
use openc2_mqtt::profile::Profiles;
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::{Channel, Clause, Layout, Received, Scheme, TopicError};
use openc2_mqtt::{Action, Command, Feature, Features, Ipv4Net, Pair, Status, Target, Texts};

const WD01: Scheme<'static> = Scheme { layout: Layout::Wd01, prefix: None };

fn topics<'c>(channels: impl Iterator<Item = Channel<'c>>, scheme: &Scheme<'_>) -> Vec<String> {
    let topic = |channel: Channel<'_>| channel.write(scheme, &mut [0; 64]).map(|(topic, _)| topic.to_string()).unwrap();
    channels.map(topic).collect()
}

fn subscribed(layout: Layout, pairs: &[Pair<'_>]) -> Vec<String> {
    let mut declaration = Declaration::new("c", "zulu", &Profiles::NONE, pairs).with_others(&["alpha", "iota"]);
    declaration.device_type = Some("firewall");
    topics(declaration.channels(layout), &Scheme { layout, prefix: None })
}

#[test]
fn a_consumer_of_cs01_and_of_csd03_subscribes_to_all_its_profiles_and_itself() {
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }];
    for layout in [Layout::Cs01, Layout::Csd03] {
        let wanted = ["oc2/cmd/all", "oc2/cmd/ap/alpha", "oc2/cmd/ap/iota", "oc2/cmd/device/zulu"];
        assert_eq!(subscribed(layout, &pairs), wanted, "{layout}");
    }
}

#[test]
fn a_consumer_of_wd01_subscribes_to_what_it_is_and_can_do_query_features_among_it() {
    let pairs = [
        Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "ipv6_net"]) },
        Pair { action: Action::Delete, targets: Texts::from(&["slpf:rule_number"]) },
    ];
    let of_device = ["oc2/cmd/ap/alpha", "oc2/cmd/ap/iota", "oc2/cmd/device_type/firewall", "oc2/cmd/device_id/zulu"];
    let actions = ["oc2/cmd/action/deny", "oc2/cmd/action/delete", "oc2/cmd/action/query"];
    let targets = [
        "oc2/cmd/action_target/deny_ipv4_net",
        "oc2/cmd/action_target/deny_ipv6_net",
        "oc2/cmd/action_target/delete_slpf:rule_number",
        "oc2/cmd/action_target/query_features",
    ];
    assert_eq!(subscribed(Layout::Wd01, &pairs), [&of_device[..], &actions, &targets].concat());
    // Who can do nothing else is asked what it can do.
    let query = ["oc2/cmd/action/query", "oc2/cmd/action_target/query_features"];
    assert_eq!(subscribed(Layout::Wd01, &[]), [&of_device[..], &query].concat());
    // And nothing is subscribed to twice.
    for targets in [&["features"][..], &["features", "file"], &["file"]] {
        let topics = subscribed(Layout::Wd01, &[Pair { action: Action::Query, targets: Texts::from(targets) }]);
        for wanted in query {
            assert_eq!(topics.iter().filter(|topic| *topic == wanted).count(), 1, "{topics:?}");
        }
    }
}

#[test]
fn a_producer_subscribes_to_the_topics_for_responses_that_there_are() {
    for (layout, wanted) in [
        (Layout::Cs01, &["oc2/rsp", "oc2/rsp/omega"][..]),
        (Layout::Csd03, &["oc2/rsp", "oc2/rsp/omega"]),
        (Layout::Wd01, &["oc2/rsp"]),
    ] {
        let scheme = Scheme { layout, prefix: None };
        let policy = ProducerPolicy { scheme, ..ProducerPolicy::default() };
        let producer = Producer::new("omega", policy, ProducerMemory::<1, 1>::new());
        assert_eq!(topics(producer.channels(), &scheme), wanted, "{layout}");
    }
}

/// A request, sent and answered as MQTT 3.1.1 would bring it: without a property.
fn exchange(request: &Request<'_>) -> (String, Status) {
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }];
    let mut declaration = Declaration::new("c", "d7", &slpf::PROFILES, &pairs);
    declaration.device_type = Some("firewall");
    let policy = ConsumerPolicy { scheme: WD01, ..ConsumerPolicy::default() };
    let mut consumer = Consumer::new(declaration, policy, ConsumerMemory::<2, 512>::new());
    let policy = ProducerPolicy { scheme: WD01, ..ProducerPolicy::default() };
    let mut producer = Producer::new("p", policy, ProducerMemory::<1, 4>::new());
    let mut out = [0; 512];
    let (_, outgoing) = producer.request(request, [0; 16], NOW, None, &mut out).unwrap();
    assert_eq!(outgoing.qos(), QoS::AtLeastOnce);
    let subscribed = topics(consumer.channels(), &WD01);
    assert!(subscribed.contains(&outgoing.topic.to_string()), "{} is none of {subscribed:?}", outgoing.topic);
    let bare = |topic, payload| Received {
        topic,
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: Properties::EMPTY,
        payload,
    };
    let mut back = [0; 512];
    let topic = outgoing.topic.to_string();
    let received = bare(outgoing.topic, outgoing.payload);
    let ticket = match consumer.handle(&received, NOW, None, &mut back).unwrap() {
        Reaction::Execute { ticket, verdict, .. } => {
            assert!(verdict.violations.is_empty() && verdict.quirks.is_empty());
            Some(ticket)
        }
        Reaction::Reply { verdict, .. } => {
            assert!(verdict.violations.is_empty() && verdict.quirks.is_empty());
            None
        }
        other => panic!("{other:?}"),
    };
    let reply = match ticket {
        Some(ticket) => {
            let done = openc2_mqtt::Response::new(Status::Ok);
            consumer.respond(ticket, &done, NOW, None, &mut back).unwrap().unwrap()
        }
        None => match consumer.handle(&received, NOW, None, &mut back).unwrap() {
            Reaction::Reply { reply, .. } => reply,
            other => panic!("{other:?}"),
        },
    };
    assert_eq!(reply.topic, "oc2/rsp");
    let Heard::Response { response, complete: true, .. } = producer.handle(&bare(reply.topic, reply.payload), NOW)
    else {
        panic!("not heard")
    };
    (topic, response.status)
}

#[test]
fn every_topic_of_wd01_carries_a_command_and_its_response() {
    let deny = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let query = Command::new(Action::Query, Target::Features(Features::new(&[Feature::Pairs])));
    for (channel, command, topic) in [
        (Channel::Profile("slpf"), deny, "oc2/cmd/ap/slpf"),
        (Channel::DeviceType("firewall"), deny, "oc2/cmd/device_type/firewall"),
        (Channel::Device("d7"), deny, "oc2/cmd/device_id/d7"),
        (Channel::Action(Action::Deny), deny, "oc2/cmd/action/deny"),
        (Channel::Pair(Action::Deny, "ipv4_net"), deny, "oc2/cmd/action_target/deny_ipv4_net"),
        (Channel::Action(Action::Query), query, "oc2/cmd/action/query"),
        (Channel::Pair(Action::Query, "features"), query, "oc2/cmd/action_target/query_features"),
        (Channel::DeviceType("firewall"), query, "oc2/cmd/device_type/firewall"),
    ] {
        let request = Request { expect: Expect::Count(1), ..Request::new(channel, command, 1_000) };
        assert_eq!(exchange(&request), (topic.to_string(), Status::Ok));
    }
}

#[test]
fn wd01_has_no_topic_for_all_so_discovery_asks_the_devices_of_a_type() {
    let policy = ProducerPolicy { scheme: WD01, ..ProducerPolicy::default() };
    let mut producer = Producer::new("p", policy, ProducerMemory::<1, 4>::new());
    let discover = Request::discover(Features::NONE, 1_000);
    let refused = producer.request(&discover, [0; 16], NOW, None, &mut [0; 512]).map(|_| ()).unwrap_err();
    assert_eq!(refused, ProducerRefused::Topic(TopicError::NotInLayout));
    let discover = Request::discover_on(Channel::DeviceType("firewall"), Features::NONE, 1_000);
    let mut out = [0; 512];
    let (_, outgoing) = producer.request(&discover, [0; 16], NOW, None, &mut out).unwrap();
    assert_eq!(outgoing.topic, "oc2/cmd/device_type/firewall");
}

#[test]
fn a_topic_that_names_another_action_or_pair_than_the_command_is_a_violation_and_nothing_is_executed() {
    let deny = deny("1");
    let query = request("1", r#""action":"query","target":{"features":[]}"#);
    let delete = request("1", r#""action":"delete","target":{"slpf:rule_number":7}"#);
    let text = "oc2/rsp 400 the topic names another action or target than the command [WD01 2.2] to 1";
    for (topic, json, wanted) in [
        ("oc2/cmd/action/deny", &deny, "execute"),
        ("oc2/cmd/action/delete", &deny, text),
        ("oc2/cmd/action/query", &deny, text),
        ("oc2/cmd/action/deny", &query, text),
        ("oc2/cmd/action_target/deny_ipv4_net", &deny, "execute"),
        ("oc2/cmd/action_target/deny_ipv6_net", &deny, text),
        ("oc2/cmd/action_target/allow_ipv4_net", &deny, text),
        ("oc2/cmd/action_target/query_features", &deny, text),
        ("oc2/cmd/action_target/delete_slpf:rule_number", &delete, "execute"),
        ("oc2/cmd/action_target/delete_x-slpf:rule_number", &delete, text),
        ("oc2/cmd/action_target/query_features", &query, "oc2/rsp 200 to 1"),
        // Topics that name no action say nothing about it.
        ("oc2/cmd/ap/slpf", &deny, "execute"),
        // An action that there isn't makes no topic, which then doesn't tell that this is a request.
        ("oc2/cmd/action/dance", &deny, "NotARequest"),
    ] {
        with_consumer(ConsumerPolicy { scheme: WD01, ..ConsumerPolicy::default() }, None, |consumer| {
            let told = tell_with(consumer, topic, json.as_bytes(), Properties::EMPTY, NOW);
            assert_eq!(told, wanted, "{topic}");
            let received = Received {
                topic: Topic::new(topic).unwrap(),
                qos: QoS::AtLeastOnce,
                retain: false,
                properties: Properties::EMPTY,
                payload: json.as_bytes(),
            };
            let mut buffer = [0; 512];
            if let Reaction::Reply { verdict, status: Status::BadRequest, .. } =
                consumer.handle(&received, NOW, None, &mut buffer).unwrap()
            {
                assert!(verdict.violations.contains(Clause::TopicCommand));
            }
        });
    }
}
