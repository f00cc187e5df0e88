//! A request and its response: Response Topic and Correlation Data. One client adds numbers, the other one asks it to.
//!
//! `cargo run --example request_response -- mqtt://localhost`

use core::error::Error;
use core::time::Duration;

use mqtt5_tokio::{Filters, Handle, Options, Outbound};

/// Answers requests on `sum/requests`: numbers, separated by spaces.
async fn serve(client: Handle) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut requests = client.subscribe(Filters::one("sum/requests")).await?;
    while let Some(request) = requests.next().await {
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
        drop(client.publish(response).await?);
    }
    Ok(())
}

pub(crate) async fn run(url: &str, numbers: &str) -> Result<String, Box<dyn Error>> {
    let (server, _events) = mqtt5_tokio::connect(url, Options::default()).await?;
    let serving = tokio::spawn(serve(server.clone()));
    let (client, _events) = mqtt5_tokio::connect(url, Options::default()).await?;
    let mut responses = client.subscribe("sum/responses/me").await?;

    let mut answer = None;
    for request in 0u32.. {
        // The other one may not have subscribed yet.
        let message = Outbound::new("sum/requests", numbers)
            .at_least_once()
            .expiry(5)
            .response_topic("sum/responses/me")
            .correlation_data(request.to_be_bytes());
        drop(client.publish(message).await?);
        let response = tokio::time::timeout(Duration::from_secs(1), responses.next()).await;
        if let Ok(Some(response)) = response
            && response.properties().correlation_data() == Some(&request.to_be_bytes())
        {
            answer = Some(String::from_utf8(response.payload().to_vec())?);
            break;
        }
        if request == 5 {
            break;
        }
    }
    client.close(Duration::from_secs(5)).await?;
    server.close(Duration::from_secs(5)).await?;
    let _ = serving.await;
    answer.ok_or_else(|| "nobody answers".into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("a URL is wanted")?;
    println!("1 + 2 + 39 = {}", run(&url, "1 2 39").await?);
    Ok(())
}
