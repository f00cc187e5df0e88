//! Publishes a message, and tells what the server says to it.
//!
//! `cargo run --example publish -- mqtt://localhost plant/1/level 0.7`

use core::error::Error;
use core::time::Duration;

use mqtt5_tokio::{Options, Outbound, Outcome};

pub(crate) async fn run(url: &str, topic: &str, payload: &str) -> Result<Outcome, Box<dyn Error>> {
    let (client, _events) = mqtt5_tokio::connect(url, Options::default()).await?;
    // Awaiting this is the backpressure; awaiting what it gives is the server's answer.
    let acknowledgement = client.publish(Outbound::new(topic, payload).at_least_once().text()).await?;
    let outcome = acknowledgement.await;
    client.close(Duration::from_secs(5)).await?;
    Ok(outcome)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(topic), Some(payload)) = (args.next(), args.next(), args.next()) else {
        return Err("a URL, a topic and a payload are wanted".into());
    };
    println!("{:?}", run(&url, &topic, &payload).await?);
    Ok(())
}
