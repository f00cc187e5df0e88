//! Prints the messages of a subscription until there have been so many.
//!
//! `cargo run --example subscribe -- mqtt://localhost 'plant/+/level' 3`

#![allow(clippy::expect_used, reason = "an example may end like this")]

use core::time::Duration;
use std::env::args;

use mqtt5_tokio::{Builder, HostEvent};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let [url, filter, count] = [1, 2, 3].map(|n| args().nth(n).expect("a URL, a filter and a number"));
    let (client, mut events) = Builder::new(&url)?.spawn();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let HostEvent::Disconnected { error, retry_in } = event {
                eprintln!("{error}; trying again in {retry_in:?}");
            }
        }
    });
    let mut messages = client.subscribe(filter.as_str()).await?;
    println!("subscribed: {:?}", messages.results());
    for _ in 0..count.parse()? {
        let Some(message) = messages.next().await else { break };
        println!("{} {}", message.topic(), String::from_utf8_lossy(&message.payload()));
    }
    client.close(Duration::from_secs(5)).await?;
    Ok(())
}
