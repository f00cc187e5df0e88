//! Prints the messages of a subscription until there have been so many, and says when the connection is lost.
//!
//! `cargo run --example subscribe -- mqtt://localhost 'plant/+/level' 3`

use core::error::Error;
use core::time::Duration;

use mqtt5_tokio::{Builder, HostEvent};

pub(crate) async fn run(url: &str, filter: &str, count: usize) -> Result<Vec<String>, Box<dyn Error>> {
    let (client, mut events) = Builder::new(url)?.spawn();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let HostEvent::Disconnected { error, retry_in } = event {
                eprintln!("{error}; trying again in {retry_in:?}");
            }
        }
    });
    let mut messages = client.subscribe(filter).await?;
    let mut seen = Vec::new();
    while seen.len() < count {
        let Some(message) = messages.next().await else { break };
        println!("{} {:?}", message.topic(), message.payload());
        seen.push(message.topic().to_owned());
    }
    client.close(Duration::from_secs(5)).await?;
    Ok(seen)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(filter), Some(count)) = (args.next(), args.next(), args.next()) else {
        return Err("a URL, a filter and a number are wanted".into());
    };
    run(&url, &filter, count.parse()?).await?;
    Ok(())
}
