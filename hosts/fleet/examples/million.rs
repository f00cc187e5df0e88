//! A million sessions in one process, each accepted by a server in memory: what an idle one takes, and what a tick costs when a
//! thousand are due, whether there are ten thousand or a million.
//!
//! `cargo run --release -p mqtt5-fleet --example million -- 1000000`
#![expect(clippy::print_stdout, reason = "an example")]

use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant as SystemInstant;

use mqtt5_fleet::{Fleet, Happening};
use mqtt5_session::codec::Text;
use mqtt5_session::{ConnectOptions, Event, Instant, Refused};

/// How many are due in a tick that is timed.
const DUE: usize = 1_000;
/// How long a session may be idle before it pings, in milliseconds: 95 % of its keep-alive.
const IDLE: u64 = 57_000;

/// A server that accepts, and answers each ping: two bytes of memory a session.
#[derive(Default)]
struct Server {
    connected: bool,
    owes: u8,
}

impl Write for Server {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        // CONNECT, then nothing but PINGREQs.
        self.owes += if self.connected { u8::try_from(from.len() / 2).unwrap_or(0) } else { 1 };
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Server {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.owes == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.owes -= 1;
        let answer: &[u8] = if self.connected { &[0xD0, 0] } else { &[0x20, 3, 0, 0, 0] };
        self.connected = true;
        let room = to.get_mut(..answer.len()).ok_or(ErrorKind::WriteZero)?;
        room.copy_from_slice(answer);
        Ok(answer.len())
    }
}

/// Memory that the operating system counts for this process, in bytes; 0 where it does not say.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).map_or(0, |kilobytes: usize| kilobytes << 10)
}

fn try_with(sessions: usize) -> Result<(), Refused> {
    let before = resident();
    let mut fleet = Fleet::<Server, 2, 256>::default();
    fleet.reserve(sessions);
    let begun = SystemInstant::now();
    let mut connected = 0usize;
    let mut ids = Vec::with_capacity(DUE);
    for number in 0..sessions {
        let id = fleet.add();
        let name = format!("s{number}");
        let mut options = ConnectOptions::new(Text::new(&name).map_err(Refused::from)?);
        options.packet.keep_alive = 60;
        // A thousand of them begin a minute earlier, so they are due alone.
        let now = Instant::from_millis(if number < DUE { 0 } else { IDLE / 2 });
        fleet.connect(id, Server::default(), &options, now)?;
        fleet.writable(id, now, |_, _, _| {});
        fleet.readable(id, now, |_, happening, _| {
            connected += usize::from(matches!(happening, Happening::Event(Event::Connected(_))));
        });
        if number < DUE {
            ids.push(id);
        }
    }
    let opening = begun.elapsed();
    let (told, counted) = (fleet.bytes() / sessions, resident().saturating_sub(before) / sessions);
    // Nobody is due, then a thousand are.
    let idle = SystemInstant::now();
    fleet.tick(Instant::from_millis(IDLE - 1_000), |_, _, _| {});
    let idle = idle.elapsed();
    let busy = SystemInstant::now();
    fleet.tick(Instant::from_millis(IDLE + 1_000), |_, _, _| {});
    let busy = busy.elapsed();
    let mut pongs = 0usize;
    for id in ids {
        fleet.readable(id, Instant::from_millis(IDLE + 1_000), |_, happening, _| {
            pongs += usize::from(matches!(happening, Happening::Event(Event::Pong)));
        });
    }
    println!(
        "| {sessions} | {connected} | {told} | {counted} | {:.1} s | {:.1} µs | {:.1} µs | {pongs} |",
        opening.as_secs_f32(),
        idle.as_secs_f32() * 1e6,
        busy.as_secs_f32() * 1e6,
    );
    Ok(())
}

fn main() -> Result<(), Refused> {
    let most = std::env::args().nth(1).and_then(|most| most.parse().ok()).unwrap_or(100_000usize).max(DUE);
    println!(
        "| sessions | connected | bytes each, counted by us | by the system | to connect all | a tick, none due | {DUE} due | pongs |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for sessions in [most / 100, most / 10, most] {
        try_with(sessions.max(DUE))?;
    }
    Ok(())
}
