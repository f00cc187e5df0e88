//! A request and its response: Response Topic and Correlation Data. One client adds numbers, the other one asks it to.
//!
//! `cargo run -p mqtt5-blocking --example request_response -- mqtt://localhost`

use core::error::Error;
use core::time::Duration;
use std::thread;

use mqtt5_blocking::{Handle, Messages};
use mqtt5_host::{Options, Outbound, RequestError};

/// Answers requests: numbers, separated by spaces.
fn serve(client: &Handle, requests: Messages) -> Result<(), RequestError> {
    for request in requests {
        let properties = request.properties();
        // Whoever wants no response names no topic for it.
        let Some(topic) = properties.response_topic() else { continue };
        let payload = request.payload();
        let numbers = String::from_utf8_lossy(&payload);
        let sum: i64 = numbers.split(' ').filter_map(|number| number.parse::<i64>().ok()).sum();
        let mut response = Outbound::new(topic.as_str(), sum.to_string()).at_least_once();
        if let Some(data) = properties.correlation_data() {
            response = response.correlation_data(data);
        }
        drop(client.publish(response)?);
    }
    Ok(())
}

pub(crate) fn run(url: &str, numbers: &str) -> Result<String, Box<dyn Error>> {
    let (server, _events) = mqtt5_blocking::open(url, Options::default())?;
    let requests = server.subscribe("sum/requests")?;
    let other = server.clone();
    let serving = thread::spawn(move || serve(&other, requests));

    let (client, _events) = mqtt5_blocking::open(url, Options::default())?;
    let mut responses = client.subscribe("sum/responses/me")?;
    let number = 7u32.to_be_bytes();
    let message = Outbound::new("sum/requests", numbers)
        .at_least_once()
        .expiry(5)
        .response_topic("sum/responses/me")
        .correlation_data(number);
    drop(client.publish(message)?);
    let response = responses.next_within(Duration::from_secs(5)).ok_or("nobody answers")?;
    if response.properties().correlation_data() != Some(&number) {
        return Err("this answers another request".into());
    }
    let answer = String::from_utf8(response.payload().to_vec())?;
    client.close(Duration::from_secs(5))?;
    server.close(Duration::from_secs(5))?;
    serving.join().map_err(|_| "the server panicked")??;
    Ok(answer)
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("a URL is wanted")?;
    println!("1 + 2 + 39 = {}", run(&url, "1 2 39")?);
    Ok(())
}
