//! Acknowledges messages by hand: a job is acknowledged when it is done, by whichever task does it, in any order.
//!
//! `cargo run --example manual_acknowledgement -- mqtt://localhost`

use core::error::Error;
use core::time::Duration;

use mqtt5_tokio::codec::ReasonCode;
use mqtt5_tokio::session::Acknowledge;
use mqtt5_tokio::{Options, Outbound};

pub(crate) async fn run(url: &str, jobs: usize) -> Result<usize, Box<dyn Error>> {
    let mut options = Options::new("");
    options.acknowledge = Acknowledge::Manual;
    // So many jobs may be under way at a time: the server sends no more.
    options.receive_maximum = core::num::NonZeroU16::MIN.saturating_add(7);
    let (worker, _events) = mqtt5_tokio::connect(url, options).await?;
    let mut messages = worker.subscribe("jobs").await?;

    let (boss, _events) = mqtt5_tokio::connect(url, Options::default()).await?;
    for job in 0..jobs {
        drop(boss.publish(Outbound::new("jobs", job.to_string()).at_least_once()).await?);
    }
    let mut tasks = Vec::new();
    for _ in 0..jobs {
        let Some(mut job) = messages.next().await else { break };
        // The token goes with the job. If the task dies with it, the server sends the job again on the next connection.
        let token = job.take_token();
        tasks.push(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let done = !job.payload().is_empty();
            let reason = if done { ReasonCode::SUCCESS } else { ReasonCode::PAYLOAD_FORMAT_INVALID };
            token.is_none_or(|token| token.acknowledge(reason).is_ok())
        }));
    }
    let mut acknowledged = 0;
    for task in tasks {
        acknowledged += usize::from(task.await?);
    }
    boss.close(Duration::from_secs(5)).await?;
    worker.close(Duration::from_secs(5)).await?;
    Ok(acknowledged)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("a URL is wanted")?;
    println!("{} jobs are done", run(&url, 20).await?);
    Ok(())
}
