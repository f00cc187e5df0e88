//! Acknowledges messages by hand: a job is acknowledged when it is done, by whichever thread does it, in any order.
//!
//! `cargo run -p mqtt5-blocking --example manual_acknowledgement -- mqtt://localhost`

use core::error::Error;
use core::num::NonZeroU16;
use core::time::Duration;
use std::thread;

use mqtt5_host::codec::ReasonCode;
use mqtt5_host::session::Acknowledge;
use mqtt5_host::{Options, Outbound};

pub(crate) fn run(url: &str, jobs: usize) -> Result<usize, Box<dyn Error>> {
    let mut options = Options::default();
    options.acknowledge = Acknowledge::Manual;
    // So many jobs may be under way at a time: the server sends no more.
    options.receive_maximum = NonZeroU16::MIN.saturating_add(7);
    let (worker, _events) = mqtt5_blocking::open(url, options)?;
    let messages = worker.subscribe("jobs")?;

    let (boss, _events) = mqtt5_blocking::open(url, Options::default())?;
    for job in 0..jobs {
        drop(boss.publish(Outbound::new("jobs", job.to_string()).at_least_once())?);
    }
    let threads = messages.take(jobs).map(|mut job| {
        // The token goes with the job. If the thread dies with it, the server sends the job again on the next connection.
        let token = job.take_token();
        thread::spawn(move || {
            let done = !job.payload().is_empty();
            let reason = if done { ReasonCode::SUCCESS } else { ReasonCode::PAYLOAD_FORMAT_INVALID };
            token.is_some_and(|token| token.acknowledge(reason).is_ok())
        })
    });
    let threads: Vec<_> = threads.collect();
    let acknowledged = threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|done| *done).count();
    boss.close(Duration::from_secs(5))?;
    worker.close(Duration::from_secs(5))?;
    Ok(acknowledged)
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("a URL is wanted")?;
    println!("{} jobs are done", run(&url, 20)?);
    Ok(())
}
