//! Connections that are cut, go silent, or lose their broker.

use core::time::Duration;
use std::collections::HashMap;
use std::thread::sleep;

use crate::broker::Broker;
use crate::proxy::Proxy;
use crate::roads::{SOON, fresh, plan};
use crate::table::Row;
use crate::{Host, Outcome, Session};

pub(crate) const ROWS: &[Row] = &[
    row("a connection that is cut again and again loses and doubles nothing", false, cut),
    row("an idle connection is kept alive", false, idle),
    row("a half-open connection is noticed", false, half_open),
    row("a session is resumed after the broker was restarted", true, restart),
];

const fn row(name: &'static str, own_broker: bool, test: fn(&dyn Host, &mut Broker) -> Outcome) -> Row {
    Row { name, scheme: "mqtt", own_broker, test }
}

/// Receives until each of `count` messages of each QoS has come; counts how often each did.
fn gather(session: &mut dyn Session, count: usize) -> Result<HashMap<String, usize>, String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    while seen.len() < count {
        let Some(message) = session.receive(SOON)? else {
            return Err(format!("{} of {count} messages came", seen.len()));
        };
        *seen.entry(String::from_utf8_lossy(&message.payload).into_owned()).or_default() += 1;
    }
    while let Some(message) = session.receive(Duration::from_millis(300))? {
        *seen.entry(String::from_utf8_lossy(&message.payload).into_owned()).or_default() += 1;
    }
    match seen.iter().find(|(name, times)| name.starts_with("2 ") && **times != 1) {
        Some((name, times)) => Err(format!("QoS {name} came {times} times")),
        None => Ok(seen),
    }
}

fn cut(host: &dyn Host, broker: &mut Broker) -> Outcome {
    let (topic, url) = (fresh("cut"), broker.url("mqtt").unwrap_or_default().to_owned());
    let proxies = [Proxy::to(&url)?, Proxy::to(&url)?];
    let [first, second] = &proxies;
    let mut plans = [plan(broker, "mqtt", "sub"), plan(broker, "mqtt", "pub")];
    for (plan, proxy) in plans.iter_mut().zip(&proxies) {
        plan.url = proxy.url();
    }
    let [sub, publ] = &plans;
    let mut subscriber = host.open(sub)?;
    subscriber.subscribe(&topic, 2)?;
    let mut publisher = host.open(publ)?;
    for n in 0..300 {
        let qos = if n % 2 == 0 { 1 } else { 2 };
        publisher.publish(&topic, format!("{qos} {n}").as_bytes(), qos)?;
        if n % 60 == 20 {
            first.cut();
        }
        if n % 60 == 50 {
            second.cut();
        }
        if n % 10 == 0 {
            sleep(Duration::from_millis(5));
        }
    }
    publisher.settle(SOON)?;
    gather(&mut *subscriber, 300)?;
    if second.accepted() < 2 {
        return Err("no connection was cut".to_owned());
    }
    publisher.close(SOON)?;
    subscriber.close(SOON)
}

fn idle(host: &dyn Host, broker: &mut Broker) -> Outcome {
    let proxy = Proxy::to(broker.url("mqtt").unwrap_or_default())?;
    let mut plan = plan(broker, "mqtt", "idle");
    (plan.url, plan.keep_alive) = (proxy.url(), 1);
    let mut session = host.open(&plan)?;
    sleep(Duration::from_secs(4));
    session.publish("idle", b"still here", 1)?;
    session.settle(SOON)?;
    match proxy.accepted() {
        1 => session.close(SOON),
        n => Err(format!("it took {n} connections")),
    }
}

fn half_open(host: &dyn Host, broker: &mut Broker) -> Outcome {
    let proxy = Proxy::to(broker.url("mqtt").unwrap_or_default())?;
    let mut plan = plan(broker, "mqtt", "half-open");
    (plan.url, plan.keep_alive, plan.patience) = (proxy.url(), 1, Duration::from_secs(1));
    let mut session = host.open(&plan)?;
    proxy.silence();
    session.publish("half-open", b"into the void", 1)?;
    session.lost(Duration::from_secs(6))?;
    session.back(SOON)?;
    session.settle(SOON)?;
    session.close(SOON)
}

fn restart(host: &dyn Host, broker: &mut Broker) -> Outcome {
    let topic = fresh("restart");
    let [mut sub, mut publ] = [plan(broker, "mqtt", "sub"), plan(broker, "mqtt", "pub")];
    // mosquitto stores no session that was begun with a clean start.
    (sub.clean_start, publ.clean_start) = (false, false);
    let mut subscriber = host.open(&sub)?;
    subscriber.subscribe(&topic, 2)?;
    let mut publisher = host.open(&publ)?;
    for n in 0..200 {
        let qos = if n % 2 == 0 { 1 } else { 2 };
        publisher.publish(&topic, format!("{qos} {n}").as_bytes(), qos)?;
        if n == 100 {
            broker.stop();
        }
    }
    publisher.lost(SOON)?;
    subscriber.lost(SOON)?;
    broker.start()?;
    let resumed = [publisher.back(SOON)?, subscriber.back(SOON)?];
    if resumed != [true, true] {
        return Err(format!("resumed: {resumed:?}"));
    }
    publisher.settle(SOON)?;
    gather(&mut *subscriber, 200)?;
    publisher.close(SOON)?;
    subscriber.close(SOON)
}
