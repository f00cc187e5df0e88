//! Our hosts.

use std::time::Instant;

use mqtt5_host::codec::QoS;
use mqtt5_host::{Options, Outbound};

use crate::{BYTES, Cost, Failure, LIMIT, Meter, Plan};

const PAYLOAD: &[u8] = &[b'x'; BYTES];

fn url(plan: &Plan) -> String {
    format!("mqtt://127.0.0.1:{}", plan.port)
}

fn options(plan: &Plan) -> Options {
    let mut options = Options::default();
    options.in_flight = plan.window;
    options.receive_maximum = plan.window.try_into().unwrap_or(core::num::NonZeroU16::MIN);
    // At QoS 0 nobody holds the publisher back; nothing of what was sent is to be missed.
    options.at_most_once_bytes = 256 << 20;
    options
}

fn message(plan: &Plan) -> Outbound<'static, &'static [u8]> {
    Outbound::new("bench/hosts", PAYLOAD).qos(QoS::from_u8(plan.qos).unwrap_or(QoS::AtMostOnce))
}

fn accepted(outcome: mqtt5_host::Outcome) -> Result<(), Failure> {
    if outcome.is_success() { Ok(()) } else { Err(format!("{outcome:?}").into()) }
}

pub async fn tokio_publish(plan: &Plan) -> Result<Cost, Failure> {
    let (client, _events) = mqtt5_tokio::connect(&url(plan), options(plan)).await?;
    let meter = Meter::start();
    for _ in 0..plan.messages {
        drop(client.publish(message(plan)).await?);
    }
    // It fails if one was not acknowledged.
    client.close(LIMIT).await?;
    Ok(meter.read())
}

pub async fn tokio_receive(plan: &Plan) -> Result<Cost, Failure> {
    let (client, _events) = mqtt5_tokio::connect(&url(plan), options(plan)).await?;
    let mut messages = client.subscribe("bench/hosts").await?;
    let mut feeder = plan.feed()?;
    let meter = Meter::start();
    for n in 0..plan.messages {
        let next = tokio::time::timeout(LIMIT / 20, messages.next()).await;
        let Ok(message) = next else { return Err(format!("message {n} does not come: {:?}", client.figures()).into()) };
        let message = message.ok_or("the client has ended")?;
        check(&message, plan, n)?;
    }
    let cost = meter.read();
    client.close(LIMIT).await?;
    feeder.wait()?;
    Ok(cost)
}

fn check(message: &mqtt5_host::Inbound, plan: &Plan, n: usize) -> Result<(), Failure> {
    let seen = (message.payload().len(), message.qos() as u8);
    if seen == (BYTES, plan.qos) { Ok(()) } else { Err(format!("message {n} is {seen:?}").into()) }
}

pub async fn tokio_latency(plan: &Plan) -> Result<Cost, Failure> {
    let (client, _events) = mqtt5_tokio::connect(&url(plan), options(plan)).await?;
    let (meter, mut trips) = (Meter::start(), Vec::with_capacity(plan.messages));
    for _ in 0..plan.messages {
        let began = Instant::now();
        accepted(client.publish(message(plan)).await?.await)?;
        trips.push(began.elapsed());
    }
    let cost = meter.read();
    client.close(LIMIT).await?;
    Ok(Cost { trips, ..cost })
}

pub fn blocking_publish(plan: &Plan) -> Result<Cost, Failure> {
    let (client, _events) = mqtt5_blocking::open(&url(plan), options(plan))?;
    let meter = Meter::start();
    for _ in 0..plan.messages {
        drop(client.publish(message(plan))?);
    }
    client.close(LIMIT)?;
    Ok(meter.read())
}

pub fn blocking_receive(plan: &Plan) -> Result<Cost, Failure> {
    let (client, _events) = mqtt5_blocking::open(&url(plan), options(plan))?;
    let mut messages = client.subscribe("bench/hosts")?;
    let mut feeder = plan.feed()?;
    let meter = Meter::start();
    for n in 0..plan.messages {
        check(&messages.next().ok_or("the client has ended")?, plan, n)?;
    }
    let cost = meter.read();
    client.close(LIMIT)?;
    feeder.wait()?;
    Ok(cost)
}

pub fn blocking_latency(plan: &Plan) -> Result<Cost, Failure> {
    let (client, _events) = mqtt5_blocking::open(&url(plan), options(plan))?;
    let (meter, mut trips) = (Meter::start(), Vec::with_capacity(plan.messages));
    for _ in 0..plan.messages {
        let began = Instant::now();
        accepted(client.publish(message(plan))?.wait())?;
        trips.push(began.elapsed());
    }
    let cost = meter.read();
    client.close(LIMIT)?;
    Ok(Cost { trips, ..cost })
}
