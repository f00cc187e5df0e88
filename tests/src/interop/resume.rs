//! Sessions that go on: connections are cut while messages are in flight in both directions.

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::driver::{Driver, Held, Wrong, broker, ours};
use super::{Check, World, disconnect, payload, publish, subscribe};

pub(super) const CHECKS: &[Check] = &[
    ("resume: what we had in flight", out),
    ("resume: what the broker had in flight", inwards),
    ("resume: both ways, cut 12 times, nothing lost, nothing doubled at QoS 2", both),
    ("resume: by hand, unacknowledged messages come again", by_hand),
];

/// How often the connection is cut, and how many messages of each QoS go each way in between.
const CUTS: usize = 12;
const BATCH: usize = 12;

/// A session that outlives its connections.
fn lasting(world: &World) -> Value {
    json!({ "client_id": world.name(), "clean_start": false, "properties": { "session_expiry_interval": 300 } })
}

/// Connects again; the session has to go on.
fn again(world: &World, client: &mut Driver, connect: &Value) -> Held {
    let connected = world.connect(client, connect)?;
    broker(connected["session_present"] == true, || format!("the session is gone: {connected}{}", client.told()))?;
    ours(connected["lost"] == json!([]), || format!("{connected}{}", client.told()))
}

/// Cuts the connection, after a while that differs from round to round.
fn cut(client: &mut Driver, round: usize) -> Held {
    client.say(&json!({ "sleep_ms": round * 7 % 5 }));
    client.say(&json!({ "close": {} }));
    client.expect("closed").map(drop)
}

/// How often each message came, and that first comes came in order.
fn count(messages: &[Value], qos: u8, total: usize) -> Held {
    let mut seen = BTreeMap::new();
    let mut last = 0;
    for message in messages.iter().filter(|message| message["qos"] == qos) {
        let number = payload(message).parse::<usize>().unwrap_or(0);
        let times = seen.entry(number).or_insert(0);
        *times += 1;
        if *times == 1 {
            broker(number > last, || format!("number {number} of QoS {qos} came first after {last}"))?;
            last = number;
        }
    }
    let lost: Vec<_> = (1..=total).filter(|number| !seen.contains_key(number)).collect();
    ours(lost.is_empty(), || format!("of {total} messages of QoS {qos} these were lost: {lost:?}"))?;
    let doubled: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    ours(qos == 1 || doubled.is_empty(), || format!("of {total} messages of QoS 2 these were doubled: {doubled:?}"))
}

/// Messages, until none comes any more and both QoS have come to an end.
fn collect(client: &mut Driver, messages: &mut Vec<Value>, total: usize) -> Result<(), Wrong> {
    let last = |messages: &[Value], qos| {
        messages.iter().any(|message| message["qos"] == qos && payload(message) == total.to_string())
    };
    loop {
        let done = last(messages, 1) && last(messages, 2);
        let time = if done { 300 } else { 5_000 };
        match client.within("message", Duration::from_millis(time))? {
            Some(message) => messages.push(message),
            None => return Ok(()),
        }
    }
}

fn out(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = world.subscriber(&topic, 2)?;
    let mut publisher = Driver::new("the publisher");
    let connect = lasting(world);
    world.connect(&mut publisher, &connect)?;
    let mut number = 0;
    for round in 0..CUTS {
        for _ in 0..BATCH {
            number += 1;
            publish(&publisher, &topic, &number.to_string(), 1);
            publish(&publisher, &topic, &number.to_string(), 2);
        }
        cut(&mut publisher, round)?;
        again(world, &mut publisher, &connect)?;
    }
    for _ in 0..2 * number {
        let published = publisher.expect("published")?;
        ours(published["reason"] == 0, || format!("{published}{}", publisher.told()))?;
    }
    let mut messages = Vec::new();
    collect(&mut subscriber, &mut messages, number)?;
    count(&messages, 1, number)?;
    count(&messages, 2, number)
}

fn inwards(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = Driver::new("the subscriber");
    let connect = lasting(world);
    world.connect(&mut subscriber, &connect)?;
    subscribe(&mut subscriber, &topic, 2)?;
    let publisher = world.client("the publisher", &json!({}))?;
    let mut number = 0;
    for round in 0..CUTS {
        for _ in 0..BATCH {
            number += 1;
            publish(&publisher, &topic, &number.to_string(), 1);
            publish(&publisher, &topic, &number.to_string(), 2);
        }
        cut(&mut subscriber, round)?;
        again(world, &mut subscriber, &connect)?;
    }
    let mut messages = Vec::new();
    collect(&mut subscriber, &mut messages, number)?;
    count(&messages, 1, number)?;
    count(&messages, 2, number)
}

fn both(world: &World) -> Held {
    let (up, down) = (world.name(), world.name());
    let mut hub = world.subscriber(&up, 2)?;
    let mut device = Driver::new("the device");
    let connect = lasting(world);
    world.connect(&mut device, &connect)?;
    subscribe(&mut device, &down, 2)?;
    let mut number = 0;
    for round in 0..CUTS {
        for _ in 0..BATCH {
            number += 1;
            for qos in 1..=2 {
                publish(&device, &up, &number.to_string(), qos);
                publish(&hub, &down, &number.to_string(), qos);
            }
        }
        cut(&mut device, round + 3)?;
        again(world, &mut device, &connect)?;
    }
    let (mut ups, mut downs) = (Vec::new(), Vec::new());
    collect(&mut device, &mut downs, number)?;
    collect(&mut hub, &mut ups, number)?;
    for client in [&mut device, &mut hub] {
        for _ in 0..2 * number {
            client.expect("published")?;
        }
        client.none("published", Duration::from_millis(50))?;
    }
    for messages in [ups, downs] {
        count(&messages, 1, number)?;
        count(&messages, 2, number)?;
    }
    disconnect(&mut hub)
}

fn by_hand(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = Driver::new("the subscriber");
    let mut connect = lasting(world);
    if let Some(connect) = connect.as_object_mut() {
        connect.insert("acknowledge".to_owned(), "manual".into());
    }
    world.connect(&mut subscriber, &connect)?;
    subscribe(&mut subscriber, &topic, 1)?;
    let mut publisher = world.client("the publisher", &json!({}))?;
    publish(&publisher, &topic, "1", 1);
    publish(&publisher, &topic, "2", 1);
    publisher.expect("published")?;
    let first = subscriber.expect("message")?;
    subscriber.expect("message")?;
    subscriber.say(&json!({ "ack": { "id": first["id"] } }));
    subscriber.say(&json!({ "close": {} }));
    subscriber.expect("closed")?;
    again(world, &mut subscriber, &connect)?;
    let message = subscriber.expect("message")?;
    broker(payload(&message) == "2", || format!("{message}{}", subscriber.told()))?;
    broker(message["dup"] == true, || format!("came again without DUP: {message}{}", subscriber.told()))?;
    subscriber.say(&json!({ "ack": { "id": message["id"] } }));
    subscriber.none("message", Duration::from_millis(200))
}
