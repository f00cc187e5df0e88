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
#[path = "../examples/producer.rs"]
mod producer;
#[path = "../examples/profile.rs"]
mod profile;

use core::time::Duration;
use std::sync::mpsc;
use std::thread;

use broker::Broker;
use openc2_mqtt::{Ipv4Net, Status};

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

#[test]
fn a_lamp_has_a_profile_of_its_own() {
    use profile::Light;

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
    let set = |name, light: serde_json::Value| profile::set(&place, "desk", name, &light).unwrap().unwrap();
    let level = |level: u32| serde_json::json!({ "level": level });

    // It does as it is told, and says how it was before.
    assert_eq!(set("desk", level(40)), (Status::Ok, String::new(), Some(Light { level: 0 })));
    assert_eq!(set("desk", level(0)), (Status::Ok, String::new(), Some(Light { level: 40 })));

    // What it can't read, it names.
    for (light, said) in [
        (level(400), "level: a value of the right kind, but not one that the type has"),
        (serde_json::json!({ "level": "dim" }), "level: the type wants another kind of value"),
        (serde_json::json!({ "level": 1, "hue": 2 }), "hue: the type doesn't know this field"),
        (serde_json::json!({}), "level: this field is missing"),
    ] {
        assert_eq!(set("desk", light), (Status::BadRequest, said.into(), None));
    }

    // What is for another lamp leaves this one as it is.
    assert_eq!(set("hall", level(7)), (Status::NotFound, "No such actuator here".into(), None));
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
    for (source, most) in [(include_str!("../examples/consumer.rs"), 22), (include_str!("../examples/producer.rs"), 17)]
    {
        let body = source.split("pub fn").nth(1).unwrap().split("\n}").next().unwrap();
        let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
        assert!(lines <= most, "{lines} lines");
    }
}
