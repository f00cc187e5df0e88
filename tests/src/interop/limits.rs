//! Limits, the broker's and ours.

use core::time::Duration;

use serde_json::json;

use super::driver::{Held, broker, ours};
use super::{Check, Driver, World, payload, publish, subscribe};

pub(super) const CHECKS: &[Check] = &[
    ("the broker's Receive Maximum is kept", receive_maximum_of_broker),
    ("our Receive Maximum is kept", receive_maximum),
    ("our Maximum Packet Size is kept", maximum_packet_size),
    ("what the broker lacks is refused here", lacks),
    ("acknowledgements by hand, in any order", by_hand),
];

fn receive_maximum_of_broker(world: &World) -> Held {
    let topic = world.name();
    let mut publisher = Driver::new("the publisher");
    let connected = world.connect(&mut publisher, &json!({ "client_id": world.name() }))?;
    let most = connected["properties"]["receive_maximum"].as_u64().unwrap_or(65_535);
    // Far more at a time than it takes; a broker that minds ends the connection.
    let count = (3 * most).min(1_000);
    for number in 0..count {
        publish(&publisher, &topic, &number.to_string(), 2);
    }
    for _ in 0..count {
        publisher.expect("published")?;
    }
    Ok(())
}

fn receive_maximum(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = Driver::new("the subscriber");
    let connect = json!({ "client_id": world.name(), "acknowledge": "manual", "properties": { "receive_maximum": 3 } });
    world.connect(&mut subscriber, &connect)?;
    subscribe(&mut subscriber, &topic, 2)?;
    let publisher = world.client("the publisher", &json!({}))?;
    for number in 0..12 {
        publish(&publisher, &topic, &number.to_string(), 1 + number % 2);
    }
    let mut waiting = Vec::new();
    for number in 0..12 {
        if waiting.len() == 3 {
            subscriber.none("message", Duration::from_millis(150))?;
            for id in waiting.drain(..) {
                subscriber.say(&json!({ "ack": { "id": id } }));
            }
        }
        let message = subscriber.expect("message")?;
        broker(payload(&message) == number.to_string(), || format!("{message}{}", subscriber.told()))?;
        waiting.push(message["id"].clone());
    }
    Ok(())
}

fn maximum_packet_size(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = world.client("the subscriber", &json!({ "maximum_packet_size": 100 }))?;
    subscribe(&mut subscriber, &topic, 1)?;
    let publisher = world.client("the publisher", &json!({}))?;
    publish(&publisher, &topic, &"x".repeat(200), 1);
    publish(&publisher, &topic, "short", 1);
    let message = subscriber.expect("message")?;
    broker(payload(&message) == "short", || format!("{message}{}", subscriber.told()))
}

fn lacks(world: &World) -> Held {
    let mut client = Driver::new("the client");
    let connected = world.connect(&mut client, &json!({ "client_id": world.name() }))?;
    let properties = &connected["properties"];
    let over = properties["topic_alias_maximum"].as_u64().unwrap_or(0) + 1;
    if over <= 65_535 {
        client.say(&json!({ "publish": { "topic": "t", "properties": { "topic_alias": over } } }));
        refused(&mut client, "MQTT-3.2.2-17")?;
    }
    if let Some(most) = properties["maximum_packet_size"].as_u64().filter(|most| *most < 50 << 20) {
        client.say(&json!({ "publish": { "topic": "t", "payload": "x".repeat(most as usize) } }));
        refused(&mut client, "MQTT-3.2.2-15")?;
    }
    if properties["maximum_qos"].is_u64() {
        client.say(&json!({ "publish": { "topic": "t", "qos": 2 } }));
        refused(&mut client, "MQTT-3.2.2-11")?;
    }
    if properties["retain_available"] == 0 {
        client.say(&json!({ "publish": { "topic": "t", "retain": true } }));
        refused(&mut client, "MQTT-3.2.2-14")?;
    }
    client.say(&json!({ "ping": {} }));
    client.expect("pong").map(drop)
}

fn refused(client: &mut Driver, rule: &str) -> Held {
    let refused = client.expect("refused")?;
    ours(refused["rule"] == rule, || format!("{refused}, not {rule}"))
}

fn by_hand(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = Driver::new("the subscriber");
    world.connect(&mut subscriber, &json!({ "client_id": world.name(), "acknowledge": "manual" }))?;
    subscribe(&mut subscriber, &topic, 2)?;
    let mut publisher = world.client("the publisher", &json!({}))?;
    for round in 0..5 {
        let mut ids = Vec::new();
        for number in 0..10 {
            publish(&publisher, &topic, &format!("{round} {number}"), 1 + number % 2);
        }
        for _ in 0..10 {
            ids.push(subscriber.expect("message")?["id"].clone());
            publisher.expect("published")?;
        }
        // Backwards, and every third with a reason that says no.
        for (number, id) in ids.into_iter().enumerate().rev() {
            subscriber.say(&json!({ "ack": { "id": id, "reason": if number % 3 == 0 { 131 } else { 0 } } }));
        }
    }
    subscriber.say(&json!({ "ping": {} }));
    subscriber.expect("pong")?;
    subscriber.none("message", Duration::from_millis(200))
}
