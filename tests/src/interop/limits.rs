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
    let mut publisher = world.driver("the publisher");
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
    let mut subscriber = world.driver("the subscriber");
    let connect = json!({ "client_id": world.name(), "acknowledge": "manual", "properties": { "receive_maximum": 3 } });
    world.connect(&mut subscriber, &connect)?;
    subscribe(&mut subscriber, &topic, 2)?;
    let publisher = world.client("the publisher", &json!({}))?;
    for qos in 1..=2 {
        for number in 0..12 {
            publish(&publisher, &topic, &number.to_string(), qos);
        }
        let mut number = 0;
        while number < 12 {
            // One has to come; a broker may have fewer under way than we allow, and never more.
            let mut came = vec![subscriber.owed("message", "[MQTT-4.5.0-1]")?];
            while let Some(message) = subscriber.within("message", Duration::from_millis(150))? {
                came.push(message);
            }
            broker(came.len() <= 3, || format!("{} of 3 at a time{}", came.len(), subscriber.told()))?;
            for message in came {
                broker(payload(&message) == number.to_string(), || format!("{message}{}", subscriber.told()))?;
                subscriber.say(&json!({ "ack": { "id": message["id"] } }));
                number += 1;
            }
        }
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
    let mut client = world.driver("the client");
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
    let mut subscriber = world.driver("the subscriber");
    world.connect(&mut subscriber, &json!({ "client_id": world.name(), "acknowledge": "manual" }))?;
    subscribe(&mut subscriber, &topic, 2)?;
    let mut publisher = world.client("the publisher", &json!({}))?;
    for round in 0..5 {
        for number in 0..10 {
            publish(&publisher, &topic, &format!("{round} {number}"), 1 + number % 2);
        }
        let mut count = 0;
        while count < 10 {
            // As many as the broker has under way at a time.
            let mut ids = vec![subscriber.expect("message")?["id"].clone()];
            while count + ids.len() < 10
                && let Some(message) = subscriber.within("message", Duration::from_millis(300))?
            {
                ids.push(message["id"].clone());
            }
            count += ids.len();
            // Backwards, and every third with a reason that says no.
            for (number, id) in ids.into_iter().enumerate().rev() {
                subscriber.say(&json!({ "ack": { "id": id, "reason": if number % 3 == 0 { 131 } else { 0 } } }));
            }
        }
        for _ in 0..10 {
            publisher.expect("published")?;
        }
    }
    subscriber.say(&json!({ "ping": {} }));
    subscriber.expect("pong")?;
    subscriber.none("message", Duration::from_millis(200))
}
