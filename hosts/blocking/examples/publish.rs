//! Publishes a message, and tells what the server says to it.
//!
//! `cargo run -p mqtt5-blocking --example publish -- mqtt://localhost plant/1/level 0.7`

use core::error::Error;
use core::time::Duration;

use mqtt5_host::{Options, Outbound, Outcome};

pub(crate) fn run(url: &str, topic: &str, payload: &str) -> Result<Outcome, Box<dyn Error>> {
    let (client, _events) = mqtt5_blocking::open(url, Options::default())?;
    // This waits for room, which is the backpressure; what it gives waits for the server's answer.
    let acknowledgement = client.publish(Outbound::new(topic, payload).at_least_once().text())?;
    let outcome = acknowledgement.wait();
    client.close(Duration::from_secs(5))?;
    Ok(outcome)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(topic), Some(payload)) = (args.next(), args.next(), args.next()) else {
        return Err("a URL, a topic and a payload are wanted".into());
    };
    println!("{:?}", run(&url, &topic, &payload)?);
    Ok(())
}
