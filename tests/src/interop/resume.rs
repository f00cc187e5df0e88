//! Sessions that go on: connections are cut while messages are in flight in both directions.

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::driver::{Driver, Exchanges, Held, Wrong, broker, by_broker, ours};
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
    let closed = client.expect("closed")?;
    if by_broker(&closed) { Err(client.closed_by_broker()) } else { Ok(()) }
}

/// The text of a message: the QoS at which it was published, and its number.
fn text(qos: u8, number: usize) -> String {
    format!("{qos} {number}")
}

/// That each message published came to `client` in order and as often as its QoS says; whose doing it is if not, `sent` and
/// the packets that `client` received say.
fn count(client: &Driver, sent: &Exchanges, messages: &[Value], qos: u8, total: usize) -> Held {
    let mut seen = BTreeMap::new();
    let mut last = 0;
    let prefix = format!("{qos} ");
    for message in messages {
        let payload = payload(message);
        let Some(number) = payload.strip_prefix(&prefix).and_then(|number| number.parse::<usize>().ok()) else {
            continue;
        };
        broker(message["qos"] == qos, || format!("published at QoS {qos}, it came as {message}"))?;
        let times = seen.entry(number).or_insert(0);
        *times += 1;
        if *times == 1 {
            broker(number > last, || format!("number {number} of QoS {qos} came first after {last}"))?;
            last = number;
        }
    }
    for number in 1..=total {
        let text = text(qos, number);
        let times = seen.get(&number).copied().unwrap_or(0);
        let (begun, arrived) = (sent.begun(qos, &text), client.received.begun(qos, &text));
        ours(begun > 0, || format!("message {text} was never sent"))?;
        ours(times == arrived, || format!("message {text} arrived {arrived} times, and was told {times} times"))?;
        broker(times > 0, || format!("message {text} of {total} was acknowledged, and never came{}", client.told()))?;
        if qos == 2 {
            ours(begun == 1, || format!("message {text} was begun {begun} times"))?;
            broker(times == 1, || format!("message {text} came {times} times, each as a new one{}", client.told()))?;
        }
    }
    Ok(())
}

/// Messages, until none comes any more and both QoS have come to an end.
fn collect(client: &mut Driver, messages: &mut Vec<Value>, total: usize) -> Result<(), Wrong> {
    let last = |messages: &[Value], qos| messages.iter().any(|message| payload(message) == text(qos, total));
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
    let mut publisher = world.driver("the publisher");
    let connect = lasting(world);
    world.connect(&mut publisher, &connect)?;
    let mut number = 0;
    for round in 0..CUTS {
        for _ in 0..BATCH {
            number += 1;
            publish(&publisher, &topic, &text(1, number), 1);
            publish(&publisher, &topic, &text(2, number), 2);
        }
        cut(&mut publisher, round)?;
        again(world, &mut publisher, &connect)?;
    }
    for _ in 0..2 * number {
        let published = publisher.expect("published")?;
        // A PUBCOMP of an exchange that the broker had finished says that it finds none, which is no error.
        let fine = published["reason"] == 0 || (published["qos"] == 2 && published["reason"] == 146);
        ours(fine, || format!("{published}{}", publisher.told()))?;
    }
    let mut messages = Vec::new();
    collect(&mut subscriber, &mut messages, number)?;
    count(&subscriber, &publisher.sent, &messages, 1, number)?;
    count(&subscriber, &publisher.sent, &messages, 2, number)
}

fn inwards(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = world.driver("the subscriber");
    let connect = lasting(world);
    world.connect(&mut subscriber, &connect)?;
    subscribe(&mut subscriber, &topic, 2)?;
    let mut publisher = world.client("the publisher", &json!({}))?;
    let mut number = 0;
    for round in 0..CUTS {
        for _ in 0..BATCH {
            number += 1;
            publish(&publisher, &topic, &text(1, number), 1);
            publish(&publisher, &topic, &text(2, number), 2);
        }
        cut(&mut subscriber, round)?;
        again(world, &mut subscriber, &connect)?;
    }
    for _ in 0..2 * number {
        publisher.expect("published")?;
    }
    let mut messages = Vec::new();
    collect(&mut subscriber, &mut messages, number)?;
    count(&subscriber, &publisher.sent, &messages, 1, number)?;
    count(&subscriber, &publisher.sent, &messages, 2, number)
}

fn both(world: &World) -> Held {
    let (up, down) = (world.name(), world.name());
    let mut hub = world.subscriber(&up, 2)?;
    let mut device = world.driver("the device");
    let connect = lasting(world);
    world.connect(&mut device, &connect)?;
    subscribe(&mut device, &down, 2)?;
    let mut number = 0;
    for round in 0..CUTS {
        for _ in 0..BATCH {
            number += 1;
            for qos in 1..=2 {
                publish(&device, &up, &text(qos, number), qos);
                publish(&hub, &down, &text(qos, number), qos);
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
    for (from, to, messages) in [(&device, &hub, ups), (&hub, &device, downs)] {
        count(to, &from.sent, &messages, 1, number)?;
        count(to, &from.sent, &messages, 2, number)?;
    }
    disconnect(&mut hub)
}

fn by_hand(world: &World) -> Held {
    let topic = world.name();
    let mut subscriber = world.driver("the subscriber");
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
    // A broker may have one under way at a time.
    let second = subscriber.within("message", Duration::from_millis(300))?;
    subscriber.say(&json!({ "ack": { "id": first["id"] } }));
    if second.is_none() {
        subscriber.expect("message")?;
    }
    subscriber.say(&json!({ "close": {} }));
    subscriber.expect("closed")?;
    again(world, &mut subscriber, &connect)?;
    let message = subscriber.expect("message")?;
    broker(payload(&message) == "2", || format!("{message}{}", subscriber.told()))?;
    broker(message["dup"] == true, || format!("came again without DUP: {message}{}", subscriber.told()))?;
    subscriber.say(&json!({ "ack": { "id": message["id"] } }));
    subscriber.none("message", Duration::from_millis(200))
}
