//! Messages on every road: QoS 0, 1 and 2, over each transport, both ways.

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::broker::Broker;
use crate::table::Row;
use crate::{Host, Outcome, Plan, Session};

pub(crate) const ROWS: &[Row] = &[
    row("QoS 0, 1 and 2 both ways over TCP", "mqtt", |host, broker| both_ways(host, broker, "mqtt")),
    row("QoS 0, 1 and 2 both ways over TLS", "mqtts", |host, broker| both_ways(host, broker, "mqtts")),
    row("QoS 0, 1 and 2 both ways over WebSocket", "ws", |host, broker| both_ways(host, broker, "ws")),
    row("QoS 0, 1 and 2 both ways over a Unix socket", "unix", |host, broker| both_ways(host, broker, "unix")),
    row("large messages both ways", "mqtt", large),
    row("closing waits for what was published", "mqtt", closing),
];

const fn row(name: &'static str, scheme: &'static str, test: fn(&dyn Host, &mut Broker) -> Outcome) -> Row {
    Row { name, scheme, own_broker: false, test }
}

/// How long anything may take that is not about time.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A name that no other test has had.
pub(crate) fn fresh(name: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    format!("{name}-{now:x}")
}

pub(crate) fn plan(broker: &Broker, scheme: &str, name: &str) -> Plan {
    Plan {
        url: broker.url(scheme).unwrap_or_default().to_owned(),
        client_id: fresh(name),
        clean_start: true,
        session_expiry: 300,
        keep_alive: 60,
        patience: Duration::from_secs(5),
        connect_timeout: SOON,
        roots: broker.roots().map(str::to_owned),
    }
}

/// Receives messages numbered from 0 on, each once and in order.
pub(crate) fn expect(session: &mut dyn Session, count: usize) -> Outcome {
    for n in 0..count {
        let message = session.receive(SOON)?.ok_or_else(|| format!("message {n} of {count} did not come"))?;
        let got = String::from_utf8_lossy(&message.payload).into_owned();
        if got.split(' ').next() != Some(&n.to_string()) {
            return Err(format!("message {n} of {count} was expected, {:?} came", got.get(..40).unwrap_or(&got)));
        }
    }
    nothing_more(session)
}

pub(crate) fn nothing_more(session: &mut dyn Session) -> Outcome {
    match session.receive(Duration::from_millis(200))? {
        None => Ok(()),
        Some(message) => Err(format!("one more message came: {message:?}")),
    }
}

fn both_ways(host: &dyn Host, broker: &mut Broker, scheme: &str) -> Outcome {
    for qos in 0..=2 {
        let topic = fresh("roads");
        let mut subscriber = host.open(&plan(broker, scheme, "sub"))?;
        subscriber.subscribe(&topic, qos)?;
        let mut publisher = host.open(&plan(broker, scheme, "pub"))?;
        for n in 0..200 {
            publisher.publish(&topic, n.to_string().as_bytes(), qos)?;
        }
        publisher.settle(SOON)?;
        expect(&mut *subscriber, 200).map_err(|why| format!("QoS {qos}: {why}"))?;
        publisher.close(SOON)?;
        subscriber.close(SOON)?;
    }
    Ok(())
}

fn large(host: &dyn Host, broker: &mut Broker) -> Outcome {
    let topic = fresh("large");
    let mut session = host.open(&plan(broker, "mqtt", "large"))?;
    session.subscribe(&topic, 2)?;
    for (n, len) in [0, 1, 127, 128, 16_383, 16_384, 100_000].into_iter().enumerate() {
        let mut payload = format!("{n} ").into_bytes();
        payload.resize(payload.len() + len, b'x');
        session.publish(&topic, &payload, 2)?;
        let message = session.receive(SOON)?.ok_or("a large message did not come")?;
        if message.payload != payload {
            return Err(format!("{} bytes were sent, {} other ones came", payload.len(), message.payload.len()));
        }
    }
    session.close(SOON)
}

fn closing(host: &dyn Host, broker: &mut Broker) -> Outcome {
    let topic = fresh("closing");
    let mut subscriber = host.open(&plan(broker, "mqtt", "sub"))?;
    subscriber.subscribe(&topic, 1)?;
    let mut publisher = host.open(&plan(broker, "mqtt", "pub"))?;
    for n in 0..100 {
        publisher.publish(&topic, n.to_string().as_bytes(), 1)?;
    }
    publisher.close(SOON)?;
    expect(&mut *subscriber, 100)?;
    subscriber.close(SOON)
}
