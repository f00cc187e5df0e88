//! Real sessions to a real broker, all in one thread: memory and CPU a session when idle, and at one message a second each.
//!
//! `cargo run --release -p mqtt5-fleet --example crowd -- 127.0.0.1:1883 9000 10`: so many sessions, so many seconds of each.
#![expect(clippy::print_stdout, reason = "an example")]

use core::error::Error;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::time::Instant;

use mqtt5_fleet::{Happening, Id, Net};
use mqtt5_session::codec::{QoS, ReasonCode, Text, Topic};
use mqtt5_session::{ConnectOptions, Event, Publication};

/// How many sessions may be on their way to the broker at a time, so that its queue of connections does not overflow.
const AT_ONCE: usize = 200;
/// Sessions from one of our addresses.
const PER_ADDRESS: usize = 20_000;

#[derive(Default)]
struct Tally {
    connected: usize,
    acknowledged: usize,
    lost: usize,
}

impl Tally {
    fn note(&mut self, happening: &Happening<'_>) {
        match happening {
            Happening::Event(Event::Connected(_)) => self.connected += 1,
            Happening::Event(Event::Published(ack)) if ack.reason != ReasonCode::UNSPECIFIED_ERROR => {
                self.acknowledged += 1;
            }
            Happening::Closed(why) => {
                println!("{why}");
                self.lost += 1;
            }
            _ => {}
        }
    }
}

/// A figure of this process from `/proc`, in its own unit; 0 where there is none.
fn figure(file: &str, of: impl Fn(&str) -> Option<usize>) -> usize {
    std::fs::read_to_string(file).ok().and_then(|text| of(&text)).unwrap_or(0)
}

/// CPU time of this process, in hundredths of a second: user and system.
fn cpu() -> usize {
    figure("/proc/self/stat", |text| {
        let mut fields = text.rsplit(')').next()?.split_whitespace().skip(11);
        Some(fields.next()?.parse::<usize>().ok()? + fields.next()?.parse::<usize>().ok()?)
    })
}

fn resident() -> usize {
    figure("/proc/self/status", |text| {
        text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let server: SocketAddr = arguments.next().unwrap_or_else(|| "127.0.0.1:1883".to_owned()).parse()?;
    let sessions: usize = arguments.next().map_or(Ok(1_000), |count| count.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(10), |count| count.parse())?;

    let mut net = Net::<4, 512>::new()?;
    net.fleet.reserve(sessions);
    let (mut tally, before, begun) = (Tally::default(), resident(), Instant::now());
    let mut ids = Vec::<Id>::with_capacity(sessions);
    while tally.connected < sessions {
        while ids.len() < sessions && ids.len() < tally.connected + AT_ONCE {
            let from = server.ip().is_loopback().then(|| {
                let host = u8::try_from(1 + ids.len() / PER_ADDRESS).unwrap_or(1);
                IpAddr::V4(Ipv4Addr::new(127, 0, 0, host))
            });
            let name = format!("crowd-{}", ids.len());
            let id = net.fleet.add();
            net.open(id, server, from, &ConnectOptions::new(Text::new(&name)?))?;
            ids.push(id);
        }
        net.turn(Some(Duration::from_secs(1)), |_, happening, _| tally.note(&happening))?;
        if tally.lost > 0 || begun.elapsed() > Duration::from_secs(120) {
            return Err(format!("{} of {sessions} connected", tally.connected).into());
        }
    }
    println!("{sessions} sessions connected in {:.1} s", begun.elapsed().as_secs_f32());
    println!(
        "memory a session: {} bytes told by the fleet, {} by the system",
        net.fleet.bytes() / sessions,
        (resident() - before) * 1_024 / sessions
    );

    let (idle, until) = (cpu(), Instant::now() + Duration::from_secs(seconds));
    while Instant::now() < until {
        net.turn(Some(Duration::from_millis(100)), |_, happening, _| tally.note(&happening))?;
    }
    let each = |hundredths: usize| hundredths as f64 * 10_000.0 / sessions as f64 / seconds as f64;
    println!("CPU a session and second, idle: {:.2} µs", each(cpu() - idle));

    let mut publication = Publication::new(Topic::new("crowd/level")?, b"a reading of a few bytes");
    publication.qos = QoS::AtLeastOnce;
    let (busy, start) = (cpu(), Instant::now());
    let (mut sent, all) = (0usize, sessions * usize::try_from(seconds)?);
    while tally.acknowledged < all && start.elapsed() < Duration::from_secs(seconds + 20) {
        // So many have to be sent by now, each session in its turn.
        let due = (start.elapsed().as_millis() as usize * sessions / 1_000).min(all);
        while sent < due {
            let Some(id) = ids.get(sent % sessions) else { break };
            let now = net.now();
            let published = net.fleet.with(
                *id,
                now,
                |client| client.publish(&publication).is_ok(),
                |_, happening, _| {
                    tally.note(&happening);
                },
            );
            if published != Some(true) {
                break;
            }
            sent += 1;
        }
        net.turn(Some(Duration::from_millis(5)), |_, happening, _| tally.note(&happening))?;
    }
    println!(
        "CPU a session and second, at one QoS 1 message a second: {:.2} µs; {} of {all} acknowledged in {:.1} s; {} connections lost",
        each(cpu() - busy),
        tally.acknowledged,
        start.elapsed().as_secs_f32(),
        tally.lost,
    );
    if tally.acknowledged < all || tally.lost > 0 { Err("not all were acknowledged".into()) } else { Ok(()) }
}
