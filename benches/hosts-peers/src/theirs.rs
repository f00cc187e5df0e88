//! rumqttc: its asynchronous client, whose loop is polled here while a task publishes, as its examples do.

use std::time::Instant;

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use rumqttc::{NetworkOptions, Outgoing};

use crate::{BYTES, Cost, Failure, Meter, Plan};

const PAYLOAD: Bytes = Bytes::from_static(&[b'x'; BYTES]);

fn qos(plan: &Plan) -> QoS {
    match plan.qos {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

/// Connected.
async fn open(plan: &Plan) -> Result<(AsyncClient, EventLoop), Failure> {
    let mut options = MqttOptions::new(format!("rumqttc-{}", std::process::id()), "127.0.0.1", plan.port);
    options.set_keep_alive(std::time::Duration::from_secs(60));
    options.set_outgoing_inflight_upper_limit(plan.window);
    options.set_receive_maximum(Some(plan.window));
    // As ours; it is off otherwise.
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    let (client, mut events) = AsyncClient::new(options, plan.window.into());
    while !matches!(events.poll().await?, Event::Incoming(Packet::ConnAck(_))) {}
    Ok((client, events))
}

/// Whether this is the end of the exchange that a message of ours is.
fn settles(event: &Event, plan: &Plan) -> bool {
    match event {
        Event::Outgoing(Outgoing::Publish(_)) => plan.qos == 0,
        Event::Incoming(Packet::PubAck(_)) => plan.qos == 1,
        Event::Incoming(Packet::PubComp(_)) => plan.qos == 2,
        _ => false,
    }
}

pub async fn publish(plan: &Plan) -> Result<Cost, Failure> {
    let (client, mut events) = open(plan).await?;
    let (meter, publisher, qos, messages) = (Meter::start(), client.clone(), qos(plan), plan.messages);
    let publishing = tokio::spawn(async move {
        for _ in 0..messages {
            publisher.publish("bench/hosts", qos, false, PAYLOAD).await?;
        }
        Ok::<_, Failure>(())
    });
    let mut settled = 0;
    while settled < plan.messages {
        settled += usize::from(settles(&events.poll().await?, plan));
    }
    publishing.await??;
    close(&client, &mut events).await?;
    Ok(meter.read())
}

async fn close(client: &AsyncClient, events: &mut EventLoop) -> Result<(), Failure> {
    client.disconnect().await?;
    // It ends by an error, or by telling what was sent.
    while let Ok(event) = events.poll().await {
        if matches!(event, Event::Outgoing(Outgoing::Disconnect)) {
            break;
        }
    }
    Ok(())
}

pub async fn receive(plan: &Plan) -> Result<Cost, Failure> {
    let (client, mut events) = open(plan).await?;
    client.subscribe("bench/hosts", QoS::ExactlyOnce).await?;
    while !matches!(events.poll().await?, Event::Incoming(Packet::SubAck(_))) {}
    let mut feeder = plan.feed()?;
    let (meter, mut received) = (Meter::start(), 0);
    while received < plan.messages {
        if let Event::Incoming(Packet::Publish(message)) = events.poll().await? {
            if message.payload.len() != BYTES || message.qos != qos(plan) {
                return Err(format!("message {received} is {message:?}").into());
            }
            received += 1;
        }
    }
    let cost = meter.read();
    close(&client, &mut events).await?;
    feeder.wait()?;
    Ok(cost)
}

pub async fn latency(plan: &Plan) -> Result<Cost, Failure> {
    let (client, mut events) = open(plan).await?;
    let (meter, mut trips) = (Meter::start(), Vec::with_capacity(plan.messages));
    for _ in 0..plan.messages {
        let began = Instant::now();
        client.publish("bench/hosts", qos(plan), false, PAYLOAD).await?;
        while !settles(&events.poll().await?, plan) {}
        trips.push(began.elapsed());
    }
    let cost = meter.read();
    close(&client, &mut events).await?;
    Ok(Cost { trips, ..cost })
}
