//! Publishes lines of standard input, and tells what the server says to each.
//!
//! `echo 0.7 | cargo run --example publish -- mqtt://localhost plant/1/level`

#![allow(clippy::expect_used, reason = "an example may end like this")]

use core::time::Duration;
use std::env::args;
use std::io::stdin;

use mqtt5_tokio::{Options, Outbound};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let [url, topic] = [1, 2].map(|n| args().nth(n).expect("a URL and a topic"));
    let (client, _events) = mqtt5_tokio::connect(&url, Options::default()).await?;
    for line in stdin().lines() {
        let message = Outbound::new(topic.as_str(), line?).at_least_once().text();
        // Awaiting this is the backpressure; awaiting what it gives is the server's answer.
        let acknowledgement = client.publish(message).await?;
        println!("{:?}", acknowledgement.await);
    }
    client.close(Duration::from_secs(5)).await?;
    Ok(())
}
