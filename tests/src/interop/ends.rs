//! Ends: of sessions, of messages, of connections, and the wills that they leave.

use core::time::Duration;
use std::thread;

use serde_json::json;

use super::driver::{Held, broker};
use super::{Check, World, disconnect, payload, publish, subscribe};

pub(super) const CHECKS: &[Check] = &[
    ("a session ends with its expiry", session_expiry),
    ("DISCONNECT changes the expiry", expiry_at_disconnect),
    ("messages expire, and say how long they have", message_expiry),
    ("wills", wills),
    ("a delayed will is not sent if we come back", delayed_will),
    ("a second connection takes the session over", takeover),
];

const SHORT: Duration = Duration::from_millis(300);

fn session_expiry(world: &World) -> Held {
    let mut client = world.driver("the client");
    let connect =
        json!({ "client_id": world.name(), "clean_start": false, "properties": { "session_expiry_interval": 1 } });
    world.connect(&mut client, &connect)?;
    disconnect(&mut client)?;
    let connected = world.connect(&mut client, &connect)?;
    broker(connected["session_present"] == true, || format!("{connected}{}", client.told()))?;
    disconnect(&mut client)?;
    thread::sleep(Duration::from_millis(3_500));
    let connected = world.connect(&mut client, &connect)?;
    broker(connected["session_present"] == false, || format!("{connected}{}", client.told()))
}

fn expiry_at_disconnect(world: &World) -> Held {
    let mut client = world.driver("the client");
    let connect =
        json!({ "client_id": world.name(), "clean_start": false, "properties": { "session_expiry_interval": 300 } });
    world.connect(&mut client, &connect)?;
    client.say(&json!({ "disconnect": { "properties": { "session_expiry_interval": 0 } } }));
    client.expect("closed")?;
    let connected = world.connect(&mut client, &connect)?;
    broker(connected["session_present"] == false, || format!("{connected}{}", client.told()))
}

fn message_expiry(world: &World) -> Held {
    let topic = world.name();
    let mut client = world.driver("the subscriber");
    let connect =
        json!({ "client_id": world.name(), "clean_start": false, "properties": { "session_expiry_interval": 300 } });
    world.connect(&mut client, &connect)?;
    subscribe(&mut client, &topic, 1)?;
    disconnect(&mut client)?;
    let mut publisher = world.client("the publisher", &json!({}))?;
    for (text, expiry) in [("short", 1), ("long", 300)] {
        let properties = json!({ "message_expiry_interval": expiry });
        let message = json!({ "topic": topic, "payload": text, "qos": 1, "properties": properties });
        publisher.say(&json!({ "publish": message }));
        publisher.expect("published")?;
    }
    thread::sleep(Duration::from_millis(3_200));
    world.connect(&mut client, &connect)?;
    let message = client.expect("message")?;
    broker(payload(&message) == "long", || format!("{message}{}", client.told()))?;
    let left = message["properties"]["message_expiry_interval"].as_u64();
    broker(left.is_some_and(|left| (290..=298).contains(&left)), || format!("{message}{}", client.told()))
}

fn wills(world: &World) -> Held {
    let topic = world.name();
    let mut heir = world.subscriber(&topic, 2)?;
    // How the connection ends, and whether the will is published.
    for (end, published) in [
        (json!({ "close": {} }), true),
        (json!({ "disconnect": { "reason": 4 } }), true),
        (json!({ "disconnect": {} }), false),
    ] {
        for qos in 0..=2 {
            let mut client = world.driver("the client");
            let will = json!({
                "topic": topic, "payload": format!("of {qos}"), "qos": qos, "retain": false,
                "properties": { "content_type": "will", "user_property": [["a", "b"], ["a", "c"]] },
            });
            world.connect(&mut client, &json!({ "client_id": world.name(), "will": will }))?;
            client.say(&end);
            client.expect("closed")?;
            if published {
                let message = heir.expect("message")?;
                let same = payload(&message) == format!("of {qos}")
                    && message["qos"] == qos
                    && message["properties"]["content_type"] == "will"
                    && message["properties"]["user_property"] == json!([["a", "b"], ["a", "c"]]);
                broker(same, || format!("{message}{}", heir.told()))?;
            } else {
                heir.none("message", SHORT)?;
            }
        }
    }
    Ok(())
}

fn delayed_will(world: &World) -> Held {
    let topic = world.name();
    let mut heir = world.subscriber(&topic, 1)?;
    let mut client = world.driver("the client");
    let connect = json!({
        "client_id": world.name(), "clean_start": false, "properties": { "session_expiry_interval": 300 },
        "will": { "topic": topic, "payload": "late", "qos": 1, "properties": { "will_delay_interval": 2 } },
    });
    world.connect(&mut client, &connect)?;
    client.say(&json!({ "close": {} }));
    client.expect("closed")?;
    world.connect(&mut client, &connect)?;
    heir.none("message", Duration::from_millis(3_500))?;
    client.say(&json!({ "close": {} }));
    client.expect("closed")?;
    heir.none("message", Duration::from_millis(800))?;
    let message = heir.expect("message")?;
    broker(payload(&message) == "late", || format!("{message}"))
}

fn takeover(world: &World) -> Held {
    let name = world.name();
    let connect = json!({ "client_id": name, "clean_start": false, "properties": { "session_expiry_interval": 300 } });
    let (mut first, mut second) = (world.driver("the first"), world.driver("the second"));
    world.connect(&mut first, &connect)?;
    // The second knows nothing of the first.
    let properties = json!({ "session_expiry_interval": 300 });
    let claim = json!({ "client_id": name, "clean_start": false, "prior": "empty", "properties": properties });
    let connected = world.connect(&mut second, &claim)?;
    broker(connected["session_present"] == true, || format!("{connected}{}", second.told()))?;
    match first.ended()? {
        Some(disconnected) => broker(disconnected["reason"] == 142, || format!("{disconnected}{}", first.told()))?,
        None => world.note(format!("closed without a DISCONNECT (e0018e) [MQTT-3.1.4-3]{}", first.told())),
    }
    publish(&second, &name, "p", 1);
    second.expect("published").map(drop)
}
