//! Workers that share a subscription: each message goes to one of them.
//!
//! `cargo run --example shared_workers -- mqtt://localhost`

use core::error::Error;
use core::time::Duration;

use mqtt5_tokio::{Options, Outbound};
use tokio::sync::mpsc;

pub(crate) async fn run(url: &str, workers: usize, jobs: usize) -> Result<Vec<usize>, Box<dyn Error>> {
    let (done, mut results) = mpsc::channel(jobs);
    let mut clients = Vec::new();
    for worker in 0..workers {
        let (client, _events) = mqtt5_tokio::connect(url, Options::default()).await?;
        let mut messages = client.subscribe("$share/workers/shared/jobs").await?;
        let done = done.clone();
        tokio::spawn(async move {
            while messages.next().await.is_some() {
                let _ = done.send(worker).await;
            }
        });
        clients.push(client);
    }
    let (boss, _events) = mqtt5_tokio::connect(url, Options::default()).await?;
    for job in 0..jobs {
        drop(boss.publish(Outbound::new("shared/jobs", job.to_string()).at_least_once()).await?);
    }
    let mut counts = vec![0; workers];
    for _ in 0..jobs {
        let worker = results.recv().await.ok_or("all workers are gone")?;
        if let Some(count) = counts.get_mut(worker) {
            *count += 1;
        }
    }
    for client in clients {
        client.close(Duration::from_secs(5)).await?;
    }
    boss.close(Duration::from_secs(5)).await?;
    Ok(counts)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("a URL is wanted")?;
    println!("jobs of each worker: {:?}", run(&url, 3, 30).await?);
    Ok(())
}
