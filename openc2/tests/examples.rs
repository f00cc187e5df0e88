//! The examples run: a Consumer and a Producer of one's own, over TCP and a broker.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "a test may panic, and an example has a main"
)]

mod broker;
#[path = "../examples/consumer.rs"]
mod consumer;
#[path = "../examples/peer.rs"]
mod peer;
#[path = "../examples/producer.rs"]
mod producer;
#[path = "../examples/profile.rs"]
mod profile;

use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;

use broker::Broker;
use mqtt5_codec::{Delivery, PacketId, Publish, Sender, Topic, TopicRef};
use openc2_mqtt::transfer::publish_properties;
use openc2_mqtt::{Encoding, Ipv4Net, MessageType, Status};

fn subscribed(broker: &Broker, topic: &str) {
    for _ in 0..500 {
        if broker.has(topic) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("nobody is subscribed to {topic}");
}

#[test]
fn a_firewall_denies_what_a_producer_tells_it() {
    let broker = Broker::start();
    let place = broker.address.to_string();
    let (tell, told) = mpsc::channel();
    let consumer = thread::spawn({
        let place = place.clone();
        move || {
            let end = consumer::serve(&place, |command| {
                tell.send(format!("{:?} {:?}", command.action, command.target)).unwrap();
                Status::Ok
            });
            end.map_err(|error| error.to_string())
        }
    });
    subscribed(&broker, "oc2/cmd/device/firewall7");
    let net = Ipv4Net::parse("198.51.100.0/24").unwrap();
    assert_eq!(producer::deny(&place, "firewall7", net).unwrap(), Some(Status::Ok));
    let told = told.recv_timeout(Duration::from_secs(5)).unwrap();
    assert!(told.starts_with("Deny Ipv4Net(") && told.contains("198.51.100.0"), "{told}");
    broker.hang_up();
    let end = consumer.join().unwrap();
    assert_eq!(end, Err("the server closed the connection".into()));
}

/// What nobody should send, and too much of the rest.
fn be_hostile(broker: &Broker) {
    let list = publish_properties(MessageType::Request, Encoding::Json, None);
    let mut packets = Vec::new();
    let mut say = |topic: &str, payload: &str| {
        let publish = Publish {
            delivery: Delivery::AtLeastOnce { id: PacketId::new(1).unwrap(), dup: false },
            retain: false,
            topic: TopicRef::Name(Topic::new(topic).unwrap()),
            properties: list.as_properties(),
            payload: payload.as_bytes(),
        };
        let mut bytes = vec![0; 8_192];
        let length = publish.encode(Sender::Client, &mut &mut bytes[..]).unwrap();
        packets.extend_from_slice(&bytes[..length]);
    };
    let query = |id: &str| {
        format!(
            r#"{{"headers":{{"request_id":"{id}","from":"x"}},"body":{{"openc2":{{"request":{{"action":"query","target":{{"features":[]}}}}}}}}}}"#
        )
    };
    let ids = [4_000, 4_050, 4_100, 6_000].map(|length| "i".repeat(length));
    for topic in ["oc2/cmd/all", "oc2/cmd/device/firewall7"] {
        for id in &ids {
            say(topic, &query(id));
            say(topic, &query(id).replace("features", "feature"));
            say(topic, &query(id).replace("}}}}}", ""));
        }
        for payload in ["", "{", "[]", "\0", r#"{"headers":{"request_id":7,"from":{}},"body":{}}"#] {
            say(topic, payload);
        }
        // Ten times as many as the Consumer has exchanges.
        (0..160).for_each(|number| say(topic, &query(&number.to_string())));
    }
    let mut stream = TcpStream::connect(broker.address).unwrap();
    stream.write_all(&packets).unwrap();
    // All of it is acknowledged, so it is on its way.
    let mut acks = vec![0; 4 * 2 * (4 * 3 + 5 + 160)];
    stream.read_exact(&mut acks).unwrap();
}

#[test]
fn a_consumer_survives_what_anyone_may_send() {
    let broker = Broker::start();
    let place = broker.address.to_string();
    let consumer = thread::spawn({
        let place = place.clone();
        move || consumer::serve(&place, |_| Status::Ok).map_err(|error| error.to_string())
    });
    subscribed(&broker, "oc2/cmd/device/firewall7");
    be_hostile(&broker);
    let net = Ipv4Net::parse("198.51.100.0/24").unwrap();
    assert_eq!(producer::deny(&place, "firewall7", net).unwrap(), Some(Status::Ok));
    broker.hang_up();
    assert_eq!(consumer.join().unwrap(), Err("the server closed the connection".into()));
}

#[test]
fn the_peer_survives_it_too() {
    let broker = Broker::start();
    let place = broker.address.to_string();
    let consumer = thread::spawn({
        let place = place.clone();
        move || peer::consumer(&place).map_err(|error| error.to_string())
    });
    subscribed(&broker, "oc2/cmd/device/firewall7");
    be_hostile(&broker);
    let net = Ipv4Net::parse("198.51.100.0/24").unwrap();
    assert_eq!(producer::deny(&place, "firewall7", net).unwrap(), Some(Status::Ok));
    broker.hang_up();
    assert_eq!(consumer.join().unwrap(), Err("the server closed the connection".into()));
}

#[test]
fn a_lamp_has_a_profile_of_its_own() {
    use openc2_mqtt::Raw;
    use profile::lamp::Light;

    let broker = Broker::start();
    let place = broker.address.to_string();
    let (tell, told) = mpsc::channel();
    let lamp = thread::spawn({
        let place = place.clone();
        move || {
            let end = profile::serve(&place, "desk", |light| tell.send(light.level).unwrap());
            end.map_err(|error| error.to_string())
        }
    });
    subscribed(&broker, "oc2/cmd/ap/x-lamp");
    subscribed(&broker, "oc2/cmd/device/desk");
    let set =
        |name, light: &str| profile::set(&place, "desk", name, Raw::from_json(light).unwrap().into()).unwrap().unwrap();

    // It does as it is told, and says how it was before.
    assert_eq!(set("desk", r#"{"level":40}"#), (Status::Ok, String::new(), Some(Light { level: 0 })));
    assert_eq!(set("desk", r#"{"level":0}"#), (Status::Ok, String::new(), Some(Light { level: 40 })));

    // What it can't read, it names; what it doesn't know, it says.
    let bad = "body.openc2.request.args.x-lamp";
    for (light, status, said) in [
        (r#"{"level":400}"#, 400, format!("{bad}.level: a level is 0 to 255 [x-lamp]")),
        (r#"{"level":"dim"}"#, 400, format!("{bad}.level: an integer of 0 or more is wanted [LS1 3.1.5]")),
        (r#"{"level":1,"hue":2}"#, 501, "Option not supported".into()),
    ] {
        let (answered, text, before) = set("desk", light);
        assert_eq!((answered.code(), text, before), (status, said, None), "{light}");
    }

    // What is for another lamp leaves this one as it is.
    assert_eq!(set("hall", r#"{"level":7}"#), (Status::NotFound, "No such actuator here".into(), None));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [40, 0]);
    broker.hang_up();
    assert_eq!(lamp.join().unwrap(), Err("the server closed the connection".into()));
}

#[test]
fn who_is_not_there_does_not_answer() {
    let broker = Broker::start();
    let net = Ipv4Net::parse("198.51.100.0/24").unwrap();
    assert_eq!(producer::deny(&broker.address.to_string(), "nobody", net).unwrap(), None);
}

/// The lines of an example's function: all that is said to the session, and the command.
#[test]
fn an_example_is_as_short_as_promised() {
    for (source, most) in [(include_str!("../examples/consumer.rs"), 23), (include_str!("../examples/producer.rs"), 17)]
    {
        let body = source.split("pub fn").nth(1).unwrap().split("\n}").next().unwrap();
        let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
        assert!(lines <= most, "{lines} lines");
    }
}
