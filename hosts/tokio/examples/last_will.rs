//! A last will: what the server publishes for a device that vanishes. It is not published for one that says goodbye.
//!
//! `cargo run --example last_will -- mqtt://localhost`

use core::error::Error;
use core::time::Duration;

use mqtt5_tokio::{Builder, LastWill, Options, Outbound};

pub(crate) async fn run(url: &str) -> Result<String, Box<dyn Error>> {
    let (watcher, _events) = mqtt5_tokio::connect(url, Options::default()).await?;
    let mut states = watcher.subscribe("devices/7/state").await?;

    let mut options = Options::new("");
    options.will = Some(LastWill::new(Outbound::new("devices/7/state", b"lost".to_vec()).at_least_once()));
    // A session that outlives the connection would keep the will waiting, if that had a delay.
    options.session_expiry = 0;
    let (device, _events, work) = Builder::new(url)?.options(options).driver();
    let work = tokio::spawn(work);
    device.connected().await?;
    // The device vanishes: its connection is cut without a DISCONNECT.
    work.abort();

    let state = states.next().await.ok_or("the client has ended")?;
    watcher.close(Duration::from_secs(5)).await?;
    Ok(String::from_utf8(state.payload().to_vec())?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("a URL is wanted")?;
    println!("the device is {}", run(&url).await?);
    Ok(())
}
