//! Prints the messages of a subscription until there have been so many, and says when the connection is lost.
//!
//! `cargo run -p mqtt5-blocking --example subscribe -- mqtt://localhost 'plant/+/level' 3`

use core::error::Error;
use core::time::Duration;
use std::thread;

use mqtt5_blocking::Builder;
use mqtt5_host::HostEvent;

pub(crate) fn run(url: &str, filter: &str, count: usize) -> Result<Vec<String>, Box<dyn Error>> {
    let (client, events) = Builder::new(url)?.spawn()?;
    thread::spawn(move || {
        for event in events {
            if let HostEvent::Disconnected { error, retry_in } = event {
                eprintln!("{error}; trying again in {retry_in:?}");
            }
        }
    });
    let mut seen = Vec::new();
    // The iterator waits for the next message.
    for message in client.subscribe(filter)?.take(count) {
        println!("{} {:?}", message.topic(), message.payload());
        seen.push(message.topic().to_owned());
    }
    client.close(Duration::from_secs(5))?;
    Ok(seen)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(filter), Some(count)) = (args.next(), args.next(), args.next()) else {
        return Err("a URL, a filter and a number are wanted".into());
    };
    run(&url, &filter, count.parse()?)?;
    Ok(())
}
