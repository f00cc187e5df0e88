//! Messages: that they arrive, as they were sent, as often as their QoS says.

use core::time::Duration;

use serde_json::json;

use super::driver::{Held, Wrong, broker, ours};
use super::{Check, World, disconnect, payload, publish, subscribe};

const SHORT: Duration = Duration::from_millis(300);

pub(super) const CHECKS: &[Check] = &[
    ("connect, ping, disconnect", connect),
    ("an empty client identifier is replaced", assigned),
    ("QoS 0, 1 and 2 in every combination", qos),
    ("every property arrives, in order", properties),
    ("subscription identifiers", identifiers),
    ("no local", no_local),
    ("retained messages, retain handling, retain as published", retained),
    ("unsubscribe", unsubscribe),
    ("topic aliases out", aliases_out),
    ("topic aliases in", aliases_in),
    ("shared subscriptions", shared),
    ("large messages", large),
    ("many messages", many),
];

fn connect(world: &World) -> Held {
    let mut client = world.client("the client", &json!({}))?;
    client.say(&json!({ "ping": {} }));
    client.expect("pong")?;
    disconnect(&mut client)
}

fn assigned(world: &World) -> Held {
    let mut client = world.driver("the client");
    let connected = world.connect(&mut client, &json!({}))?;
    let id = connected["properties"]["assigned_client_identifier"].as_str().unwrap_or_default();
    broker(!id.is_empty(), || format!("no identifier: {connected}"))
}

fn qos(world: &World) -> Held {
    let topic = world.name();
    for asked in 0..=2 {
        let mut subscriber = world.subscriber(&topic, asked)?;
        let mut publisher = world.client("the publisher", &json!({}))?;
        for sent in 0..=2 {
            let text = format!("{sent} to {asked}");
            publish(&publisher, &topic, &text, sent);
            if sent > 0 {
                let published = publisher.expect("published")?;
                ours(published["reason"] == 0, || format!("{published}{}", publisher.told()))?;
            }
            let message = subscriber.expect("message")?;
            let holds = message["qos"] == asked.min(sent) && payload(&message) == text && message["retain"] == false;
            broker(holds, || format!("{text}: {message}{}", subscriber.told()))?;
        }
        subscriber.none("message", SHORT)?;
    }
    Ok(())
}

fn properties(world: &World) -> Held {
    let topic = world.name();
    for qos in 0..=2 {
        let mut subscriber = world.subscriber(&topic, 2)?;
        let publisher = world.client("the publisher", &json!({}))?;
        let sent = json!({
            "payload_format_indicator": 1, "message_expiry_interval": 1000, "content_type": "text/plain; ä",
            "response_topic": "an/answer", "correlation_data_hex": "00ff80",
            "user_property": [["b", "1"], ["a", "2"], ["b", "1"], ["", ""]],
        });
        publisher.say(&json!({ "publish": { "topic": topic, "payload": "p", "qos": qos, "properties": sent } }));
        let message = subscriber.expect("message")?;
        for (name, value) in sent.as_object().into_iter().flatten() {
            let same = if name == "message_expiry_interval" {
                message["properties"][name].as_u64().is_some_and(|left| (990..=1000).contains(&left))
            } else {
                message["properties"][name] == *value
            };
            broker(same, || format!("{name} {value} arrived in {message}{}", subscriber.told()))?;
        }
    }
    Ok(())
}

fn identifiers(world: &World) -> Held {
    let topic = world.name();
    let mut client = world.client("the client", &json!({}))?;
    for (filter, id) in [(topic.clone(), 1), (format!("{topic}/#"), 268_435_455)] {
        let properties = json!({ "subscription_identifier": id });
        client.say(&json!({ "subscribe": { "filters": [{ "filter": filter, "qos": 1 }], "properties": properties } }));
        client.expect("subscribed")?;
    }
    publish(&client, &topic, "p", 1);
    let mut ids = Vec::new();
    while ids.len() < 2 {
        let message = client.expect("message")?;
        match &message["properties"]["subscription_identifier"] {
            serde_json::Value::Array(all) => ids.extend(all.iter().filter_map(|id| id.as_u64())),
            one => ids.extend(one.as_u64()),
        }
        broker(message["properties"]["subscription_identifier"] != json!(null), || format!("{message}"))?;
    }
    ids.sort_unstable();
    broker(ids == [1, 268_435_455], || format!("{ids:?}{}", client.told()))
}

fn no_local(world: &World) -> Held {
    let topic = world.name();
    let mut client = world.client("the client", &json!({}))?;
    client.say(&json!({ "subscribe": { "filters": [{ "filter": topic, "qos": 1, "no_local": true }] } }));
    client.expect("subscribed")?;
    publish(&client, &topic, "p", 1);
    client.expect("published")?;
    client.none("message", SHORT)?;
    let other = world.client("the other", &json!({}))?;
    publish(&other, &topic, "q", 1);
    let message = client.expect("message")?;
    broker(payload(&message) == "q", || format!("{message}{}", client.told()))
}

fn retained(world: &World) -> Held {
    let topic = world.name();
    let mut client = world.client("the client", &json!({}))?;
    client.say(&json!({ "publish": { "topic": topic, "payload": "kept", "qos": 1, "retain": true } }));
    client.expect("published")?;
    // Whether the message comes: when subscribing for the first time, and again.
    for (handling, first, again) in [(0, true, true), (1, true, false), (2, false, false)] {
        let mut client = world.client("the subscriber", &json!({}))?;
        for expected in [first, again] {
            let filter = json!({ "filter": topic, "qos": 1, "retain_handling": handling, "retain_as_published": true });
            client.say(&json!({ "subscribe": { "filters": [filter] } }));
            client.expect("subscribed")?;
            if expected {
                let statement = if handling == 0 { "[MQTT-3.3.1-9]" } else { "[MQTT-3.3.1-10]" };
                let message = client.owed("message", statement)?;
                broker(message["retain"] == true, || format!("{message}{}", client.told()))?;
            }
            client.none("message", SHORT)?;
        }
    }
    let mut plain = world.subscriber(&topic, 1)?;
    plain.expect("message")?;
    // An empty message takes the retained one away, and is retained for nobody.
    client.say(&json!({ "publish": { "topic": topic, "qos": 1, "retain": true } }));
    let message = plain.expect("message")?;
    broker(message["retain"] == false, || format!("{message}{}", plain.told()))?;
    let mut late = world.subscriber(&topic, 1)?;
    late.none("message", SHORT)
}

fn unsubscribe(world: &World) -> Held {
    let topic = world.name();
    let mut client = world.subscriber(&topic, 1)?;
    client.say(&json!({ "unsubscribe": { "filters": [topic, "never/was"] } }));
    let unsubscribed = client.expect("unsubscribed")?;
    broker(unsubscribed["reasons"] == json!([0, 17]), || format!("{unsubscribed}{}", client.told()))?;
    publish(&client, &topic, "p", 1);
    let published = client.expect("published")?;
    broker(published["reason"] == 0 || published["reason"] == 16, || format!("{published}"))?;
    client.none("message", SHORT)
}

fn aliases_out(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = world.subscriber(&format!("{topic}/#"), 0)?;
    let mut publisher = world.driver("the publisher");
    let connected = world.connect(&mut publisher, &json!({ "client_id": world.name(), "topic_aliases": 3 }))?;
    let allowed = connected["properties"]["topic_alias_maximum"].as_u64().unwrap_or(0);
    for number in 0..40 {
        // More topics than aliases, some of them often.
        let topic = format!("{topic}/{}", if number % 3 == 0 { number % 7 } else { 9 });
        publisher.say(&json!({ "publish": { "topic": topic, "payload": number.to_string() } }));
        let message = subscriber.expect("message")?;
        let same = message["topic"] == topic && payload(&message) == number.to_string();
        ours(same, || format!("{topic} arrived as {message}{}", publisher.told()))?;
    }
    publisher.say(&json!({ "ping": {} }));
    publisher.expect("pong")?;
    // An alias alone: 30, a length of at most two digits, no topic.
    let short =
        publisher.told().contains(r#"{"sent":"3007000003"#) || publisher.told().contains(r#"{"sent":"3008000003"#);
    ours(allowed == 0 || short, || format!("no alias was used{}", publisher.told()))
}

fn aliases_in(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = world.client("the subscriber", &json!({ "topic_alias_maximum": 2 }))?;
    subscribe(&mut subscriber, &format!("{topic}/#"), 1)?;
    let publisher = world.client("the publisher", &json!({}))?;
    for number in 0..20 {
        let topic = format!("{topic}/{}", number % 5);
        publish(&publisher, &topic, "p", 1);
        let message = subscriber.expect("message")?;
        broker(message["topic"] == topic, || format!("{topic} arrived as {message}{}", subscriber.told()))?;
    }
    Ok(())
}

fn shared(world: &World) -> Held {
    let (topic, group) = (world.name(), world.name());
    let connected = world.connect(&mut world.driver("the client"), &json!({ "client_id": world.name() }))?;
    if connected["properties"]["shared_subscription_available"] == 0 {
        return Err(Wrong::Lacks("shared subscriptions"));
    }
    let filter = format!("$share/{group}/{topic}");
    let mut members = [world.subscriber(&filter, 2)?, world.subscriber(&filter, 2)?];
    let publisher = world.client("the publisher", &json!({}))?;
    for number in 0..40 {
        publish(&publisher, &topic, &format!("{number:02}"), 2);
    }
    let mut all = Vec::new();
    for member in &mut members {
        while let Some(message) = member.within("message", Duration::from_millis(700))? {
            all.push(payload(&message));
        }
    }
    all.sort_unstable();
    let wanted: Vec<_> = (0..40).map(|number| format!("{number:02}")).collect();
    broker(all == wanted, || format!("{} of 40 messages arrived: {all:?}", all.len()))
}

fn large(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = world.subscriber(&topic, 2)?;
    let mut publisher = world.client("the publisher", &json!({}))?;
    for (size, qos) in [(127, 1), (128, 1), (16_383, 1), (1 << 20, 1), (1 << 20, 2), (10 << 20, 2)] {
        publish(&publisher, &topic, "0123456789abcdef".repeat(size / 16 + 1).split_at(size).0, qos);
        let published = publisher.expect("published")?;
        ours(published["reason"] == 0, || format!("{published}"))?;
        let message = subscriber.expect("message")?;
        let digits = message["payload_hex"].as_str().unwrap_or_default();
        let whole = digits.len() == 2 * size
            && digits.as_bytes().chunks(32).all(|part| b"30313233343536373839616263646566".starts_with(part));
        ours(whole, || format!("{size} bytes arrived as {}", digits.len() / 2))?;
    }
    Ok(())
}

fn many(world: &World) -> Held {
    const COUNT: usize = 2_000;
    let topic = world.name();
    for qos in 1..=2 {
        let mut subscriber = world.subscriber(&topic, qos)?;
        let mut publisher = world.client("the publisher", &json!({}))?;
        for number in 0..COUNT {
            publish(&publisher, &topic, &number.to_string(), qos);
            // The broker queues no more than some for a subscriber.
            if number >= 500 {
                let message = subscriber.expect("message")?;
                in_order(&message, number - 500)?;
            }
        }
        for number in COUNT - 500..COUNT {
            let message = subscriber.expect("message")?;
            in_order(&message, number)?;
        }
        for _ in 0..COUNT {
            publisher.expect("published")?;
        }
        subscriber.none("message", SHORT)?;
    }
    Ok(())
}

fn in_order(message: &serde_json::Value, number: usize) -> Held {
    broker(payload(message) == number.to_string(), || format!("number {number} was expected, not {message}"))
}
