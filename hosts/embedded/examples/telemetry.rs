//! A sensor: one task keeps the connection, another publishes readings as JSON and waits for each acknowledgement.
//!
//! It runs on embassy's executor for an operating system, over TCP. On a device the executor, the driver of the clock and the
//! socket are others (`embassy-net`), and this code is the same.
//!
//! `cargo run -p mqtt5-embedded --example telemetry -- 127.0.0.1:1883`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example")]

use core::convert::Infallible;
use core::ops::ControlFlow;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};

use async_io::Async;
use embassy_executor::Executor;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_time::{Duration, Timer};
use embedded_io_adapters::futures_03::FromFutures;
use mqtt5_embedded::{Backoff, Connection, Error, Outcome, Session, is_permanent};
use mqtt5_session::codec::{Properties, Property, QoS, Text, Topic};
use mqtt5_session::{ConnectOptions, Event, Inbox, Inline, Prior, Publication};
use serde::Serialize;
use static_cell::StaticCell;

/// Eight exchanges, and a kilobyte for packets that wait for their acknowledgement.
static SESSION: Session<CriticalSectionRawMutex, Inline<8, 1024>> = Session::new(Inline::new());

#[derive(Serialize)]
struct Reading {
    sensor: &'static str,
    level: u16,
}

/// Connects again and again, with pauses between, until the server says that it is of no use.
#[embassy_executor::task]
async fn keep_connected(server: &'static str) {
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    let expiry = [Property::SessionExpiryInterval(3_600)];
    let Ok(name) = Text::new("telemetry-example") else { return };
    let mut options = ConnectOptions::new(name);
    options.packet.properties = Properties::from(&expiry);
    loop {
        match connect_once(server, &options, &mut backoff).await {
            Ok(Error::Rejected(reason) | Error::Disconnected(reason)) if is_permanent(reason) => {
                eprintln!("{server} does not want us: {}", reason.name());
                return;
            }
            Ok(error) => eprintln!("{error}"),
            Err(error) => eprintln!("{server}: {error}"),
        }
        // What was queued waits for the next connection: the session goes on.
        (options.packet.clean_start, options.prior) = (false, Some(Prior::None));
        Timer::after(backoff.pause(random())).await;
    }
}

/// One connection, from the first byte to the last.
async fn connect_once(
    server: &str,
    options: &ConnectOptions<'_>,
    backoff: &mut Backoff,
) -> io::Result<Error<io::Error, io::Error>> {
    let address = server.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
    let stream = Async::<TcpStream>::connect(address).await?;
    let (reader, writer) = (FromFutures::new(&stream), FromFutures::new(&stream));
    let (mut received, mut out) = ([0; 512], [0; 512]);
    let inbox = Inbox::new(&mut received);
    let mut connection =
        Connection::open(&SESSION, options, reader, writer, inbox, &mut out).map_err(io::Error::other)?;
    let ended = connection.run(|event| {
        if let Event::Connected(_) = event {
            backoff.reset();
        }
        ControlFlow::<Infallible>::Continue(())
    });
    let Err(error) = ended.await;
    Ok(error)
}

#[embassy_executor::task]
async fn measure() {
    let Ok(topic) = Topic::new("plant/7/level") else { return };
    for level in 0..3u16 {
        let reading = Reading { sensor: "tank", level: 700 + level };
        let mut payload = [0; 64];
        let Ok(len) = serde_json_core::to_slice(&reading, &mut payload) else { return };
        let mut publication = Publication::new(topic, payload.get(..len).unwrap_or_default());
        publication.qos = QoS::AtLeastOnce;
        publication.hold = true; // until there is a connection
        match SESSION.publish(&publication).await {
            Ok(Outcome::Answered(reason)) => println!("reading {level}: {}", reason.name()),
            other => println!("reading {level}: {other:?}"),
        }
    }
    std::process::exit(0);
}

/// A device has a generator of its own.
fn random() -> u32 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |passed| passed.subsec_nanos() << 2)
}

fn main() {
    static EXECUTOR: StaticCell<Executor> = StaticCell::new();
    let server = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:1883".to_owned());
    let server: &'static str = server.leak();
    EXECUTOR.init(Executor::new()).run(|spawner| {
        match (keep_connected(server), measure()) {
            (Ok(connecting), Ok(measuring)) => {
                spawner.spawn(connecting);
                spawner.spawn(measuring);
            }
            // Each is spawned once.
            _ => eprintln!("no room for the tasks"),
        }
    });
}
