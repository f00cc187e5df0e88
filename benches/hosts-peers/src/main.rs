//! One client does one thing with a broker, and prints what that cost: CPU time a message of this whole process, user and system,
//! in microseconds; for `latency`, the 50th and the 99th percentile of the time from publishing to PUBACK too.
//!
//! `hosts-peers CLIENT publish|receive|latency PORT QOS WINDOW MESSAGES`
//!
//! `receive` starts another process of this program that publishes.

mod ours;
mod theirs;

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(120);

/// The payload of every message, in bytes.
const BYTES: usize = 256;

/// What is to be done.
struct Plan {
    port: u16,
    qos: u8,
    window: u16,
    messages: usize,
}

/// What it cost.
struct Cost {
    cpu: Duration,
    /// From publishing to PUBACK.
    trips: Vec<Duration>,
}

/// The CPU time of this process, from a moment on.
struct Meter(Duration);

fn spent() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

impl Meter {
    fn start() -> Self {
        Self(spent())
    }

    fn read(&self) -> Cost {
        Cost { cpu: spent() - self.0, trips: Vec::new() }
    }
}

impl Plan {
    /// Starts a process that publishes what is to be received.
    fn feed(&self) -> std::io::Result<Child> {
        let Self { port, qos, messages, .. } = self;
        let words = [port.to_string(), qos.to_string(), "100".to_owned(), messages.to_string()];
        let program = std::env::current_exe()?;
        Command::new(program).args(["tokio", "publish"]).args(words).stdout(std::process::Stdio::null()).spawn()
    }
}

/// In a task, as programs do: what is polled by the runtime's own call has it ask the operating system each time it is woken.
async fn in_task(work: impl Future<Output = Result<Cost, Failure>> + Send + 'static) -> Result<Cost, Failure> {
    tokio::spawn(work).await?
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [client, task, port, qos, window, messages] = arguments.as_slice() else {
        return Err("CLIENT TASK PORT QOS WINDOW MESSAGES are wanted".into());
    };
    let plan: &'static Plan = Box::leak(Box::new(Plan { port: port.parse()?, qos: qos.parse()?, window: window.parse()?, messages: messages.parse()? }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let began = Instant::now();
    let cost = match (client.as_str(), task.as_str()) {
        ("tokio", "publish") => runtime.block_on(in_task(ours::tokio_publish(plan))),
        ("tokio", "receive") => runtime.block_on(in_task(ours::tokio_receive(plan))),
        ("tokio", "latency") => runtime.block_on(in_task(ours::tokio_latency(plan))),
        ("blocking", "publish") => ours::blocking_publish(plan),
        ("blocking", "receive") => ours::blocking_receive(plan),
        ("blocking", "latency") => ours::blocking_latency(plan),
        ("rumqttc", "publish") => runtime.block_on(in_task(theirs::publish(plan))),
        ("rumqttc", "receive") => runtime.block_on(in_task(theirs::receive(plan))),
        ("rumqttc", "latency") => runtime.block_on(in_task(theirs::latency(plan))),
        _ => return Err("no such client or task".into()),
    };
    let Cost { cpu, mut trips } = cost?;
    trips.sort();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let part = |hundredths: usize| trips.get(trips.len() * hundredths / 100).map_or(0.0, |trip| micros(*trip));
    let each = micros(cpu) / plan.messages as f64;
    println!("{each:.2} {:.0} {:.0} {:.2}", part(50), part(99), began.elapsed().as_secs_f64());
    Ok(())
}
