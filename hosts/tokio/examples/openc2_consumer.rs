//! An OpenC2 Consumer of its own: a packet filter that is told what to deny. (On an operational network TLS is required, CS01
//! appendix B: give it an `mqtts://` URL.)
//!
//! `cargo run --example openc2_consumer -- mqtt://localhost`

use core::error::Error;
use std::time::UNIX_EPOCH;

use mqtt5_tokio::codec::Topic;
use mqtt5_tokio::{Builder, Clock, Filters, Handle, Inbound, Options, Outbound};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration, Reaction};
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::{Outgoing, Quality, Received, Scheme, subscriptions};
use openc2_mqtt::{Action, Command, Pair, Response, Status, Texts};

/// Carries out commands until it is dropped.
pub(crate) async fn run(
    url: &str,
    mut carry_out: impl FnMut(&Command<'_>) -> Status,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "ipv6_net"]) }];
    let declaration = Declaration::new("firewall7@example.com", "firewall7", &slpf::PROFILES, &pairs);
    let memory = ConsumerMemory::<64, 16_384>::new();
    let mut consumer = Consumer::new(declaration, ConsumerPolicy::default(), memory);
    let (mut buffer, clock) = ([0; 4_096], Clock::start());

    // As CS01 s3.1 says: no clean start, and a session that outlives the connection.
    let mut options = Options::new("firewall7");
    (options.clean_start, options.session_expiry, options.keep_alive) = (false, 3_600, 300);
    let (client, _events) = Builder::new(url)?.options(options).spawn();
    let channels = subscriptions::<4>(consumer.channels(), &Scheme::default(), Quality::default(), &mut buffer)?;
    let mut messages = client.subscribe(channels.into_iter().collect::<Filters>()).await?;

    while let Some(message) = messages.next().await {
        let Some(received) = received(&message) else { continue };
        let utc = UNIX_EPOCH.elapsed().ok().and_then(|since| since.as_millis().try_into().ok());
        match consumer.handle(&received, clock.now(), utc, &mut buffer)? {
            Reaction::Execute { ticket, command, reply, .. } => {
                if let Some(reply) = reply {
                    publish(&client, &reply).await?;
                }
                let response = Response::new(carry_out(&command));
                if let Some(reply) = consumer.respond(ticket, &response, clock.now(), utc, &mut buffer)? {
                    publish(&client, &reply).await?;
                }
            }
            Reaction::Reply { reply, .. } => publish(&client, &reply).await?,
            _ => {}
        }
    }
    Ok(())
}

fn received(message: &Inbound) -> Option<Received<'_>> {
    let publish = message.as_publish();
    let topic = Topic::new(message.topic()).ok()?;
    let (qos, retain) = (message.qos(), message.retain());
    Some(Received { topic, qos, retain, properties: publish.properties, payload: publish.payload })
}

async fn publish(client: &Handle, message: &Outgoing<'_>) -> Result<(), Box<dyn Error + Send + Sync>> {
    // It waits for a connection, if there is none; nobody need wait for the server's answer.
    drop(client.publish(Outbound::from(message.message())).await?);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let url = std::env::args().nth(1).ok_or("a URL is wanted")?;
    run(&url, |command| {
        println!("deny {:?}", command.target);
        Status::Ok
    })
    .await
}
