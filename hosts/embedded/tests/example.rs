//! The example, run as a stranger would, against the model broker behind TCP.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![allow(missing_docs, clippy::std_instead_of_core, reason = "a test")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use conformance::broker::{Broker, Entry};

/// Serves one connection until it is closed; gives the payloads that were published, and what broke a statement.
fn serve(listener: &TcpListener) -> (Vec<String>, usize) {
    let mut broker = Broker::new();
    broker.journal = Some(Vec::new());
    let start = Instant::now();
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let link = broker.open(0);
    let mut bytes = [0; 512];
    loop {
        let now = u64::try_from(start.elapsed().as_millis()).unwrap();
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(n) => broker.receive(link, &bytes[..n], now),
            Err(_) => broker.tick(now),
        }
        let written = stream.write(broker.readable(link)).unwrap_or(0);
        broker.read(link, written);
    }
    let journal = broker.journal.take().unwrap().into_iter();
    let payloads = journal.filter_map(|entry| match entry {
        Entry::Routed(message) => Some(String::from_utf8_lossy(message.payload()).into_owned()),
        _ => None,
    });
    (payloads.collect(), broker.ledger.violations().len())
}

#[test]
fn the_telemetry_example_publishes_each_reading_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || serve(&listener));
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "mqtt5-embedded", "--example", "telemetry", "--", &address])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = [0, 1, 2].map(|number| format!("reading {number}: No matching subscribers\n")).concat();
    assert_eq!(said, expected, "{output:?}");
    let readings = [700, 701, 702].map(|level| format!(r#"{{"sensor":"tank","level":{level}}}"#));
    assert_eq!(server.join().unwrap(), (readings.to_vec(), 0));
}
