//! Workers that share a subscription: each message goes to one of them.
//!
//! `cargo run -p mqtt5-blocking --example shared_workers -- mqtt://localhost`

use core::error::Error;
use core::time::Duration;
use std::sync::mpsc;
use std::thread;

use mqtt5_host::{Options, Outbound};

pub(crate) fn run(url: &str, workers: usize, jobs: usize) -> Result<Vec<usize>, Box<dyn Error>> {
    let (done, results) = mpsc::channel();
    let mut clients = Vec::new();
    for worker in 0..workers {
        let (client, _events) = mqtt5_blocking::open(url, Options::default())?;
        let mut messages = client.subscribe("$share/workers/shared/jobs")?;
        let done = done.clone();
        thread::spawn(move || messages.try_for_each(|_job| done.send(worker)));
        clients.push(client);
    }
    let (boss, _events) = mqtt5_blocking::open(url, Options::default())?;
    for job in 0..jobs {
        drop(boss.publish(Outbound::new("shared/jobs", job.to_string()).at_least_once())?);
    }
    let mut counts = vec![0; workers];
    for _ in 0..jobs {
        let worker = results.recv_timeout(Duration::from_secs(10))?;
        if let Some(count) = counts.get_mut(worker) {
            *count += 1;
        }
    }
    for client in clients.iter().chain([&boss]) {
        client.close(Duration::from_secs(5))?;
    }
    Ok(counts)
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("a URL is wanted")?;
    println!("jobs of each worker: {:?}", run(&url, 3, 30)?);
    Ok(())
}
