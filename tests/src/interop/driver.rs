//! Clients of the checks: the client tool itself, each in a thread of its own, driven by JSON.

use core::time::Duration;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::client;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(20);
/// How many packets of a connection are told when something went wrong.
const TOLD: usize = 12;
/// How many digits of a packet are told.
const DIGITS: usize = 160;

/// What did not hold, and by whose doing.
#[derive(Debug)]
pub(super) enum Wrong {
    /// The broker broke the standard.
    Broker(String),
    /// The client did, or nobody knows.
    Failed(String),
}

pub(super) type Held = Result<(), Wrong>;

/// Holds, or is the broker's fault.
pub(super) fn broker(holds: bool, what: impl FnOnce() -> String) -> Held {
    if holds { Ok(()) } else { Err(Wrong::Broker(what())) }
}

/// Holds, or is our fault.
pub(super) fn ours(holds: bool, what: impl FnOnce() -> String) -> Held {
    if holds { Ok(()) } else { Err(Wrong::Failed(what())) }
}

/// A client.
pub(super) struct Driver {
    name: &'static str,
    commands: Sender<Vec<u8>>,
    lines: Receiver<String>,
    /// Events that nobody has asked for yet.
    backlog: VecDeque<Value>,
    /// The packets seen last.
    wire: VecDeque<String>,
}

impl Driver {
    pub(super) fn new(name: &'static str) -> Self {
        let (commands, input) = channel();
        let (output, lines) = channel();
        thread::spawn(move || {
            let (input, output) = (Input { input, rest: Vec::new(), at: 0 }, Output { output, line: Vec::new() });
            client::run(&client::Options { trace: true }, input, output)
        });
        Self { name, commands, lines, backlog: VecDeque::new(), wire: VecDeque::new() }
    }

    /// Gives the client a command.
    pub(super) fn say(&self, command: &Value) {
        // A client that has ended says nothing more, which is seen where something is expected.
        let _ = self.commands.send(format!("{command}\n").into_bytes());
    }

    /// The next event of this name. Others are kept, except those that end a connection without being asked for.
    pub(super) fn expect(&mut self, name: &str) -> Result<Value, Wrong> {
        match self.within(name, LIMIT)? {
            Some(event) => Ok(event),
            None => Err(Wrong::Failed(format!("no {name} came{}", self.told()))),
        }
    }

    /// The next event of this name, if it comes in this time.
    pub(super) fn within(&mut self, name: &str, time: Duration) -> Result<Option<Value>, Wrong> {
        if let Some(at) = self.backlog.iter().position(|event| event["event"] == name) {
            return Ok(self.backlog.remove(at));
        }
        let until = Instant::now() + time;
        while let Some(event) = self.next(until) {
            if event["event"] == name {
                return Ok(Some(event));
            }
            match event["event"].as_str() {
                Some("fault") => return Err(Wrong::Broker(format!("{event}{}", self.told()))),
                Some("error" | "refused" | "disconnected") => {
                    return Err(Wrong::Failed(format!("{event} instead of {name}{}", self.told())));
                }
                Some("closed") if event["by"] == "server" => {
                    return Err(Wrong::Failed(format!("{event} instead of {name}{}", self.told())));
                }
                _ => self.backlog.push_back(event),
            }
        }
        Ok(None)
    }

    /// No event of this name comes for a while.
    pub(super) fn none(&mut self, name: &str, time: Duration) -> Held {
        match self.within(name, time)? {
            Some(event) => Err(Wrong::Broker(format!("an unexpected {event}{}", self.told()))),
            None => Ok(()),
        }
    }

    fn next(&mut self, until: Instant) -> Option<Value> {
        loop {
            let line = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
            if line.starts_with(r#"{"event""#) {
                return serde_json::from_str(&line).ok();
            }
            if self.wire.len() == TOLD {
                self.wire.pop_front();
            }
            self.wire.push_back(line);
        }
    }

    /// The packets seen last, for whoever has to find out.
    pub(super) fn told(&self) -> String {
        let mut told = format!("\n    last packets of {}:", self.name);
        for line in &self.wire {
            let cut = line.get(..DIGITS).unwrap_or(line);
            told.push_str(&format!("\n      {cut}{}", if cut.len() < line.len() { "…" } else { "" }));
        }
        told
    }
}

/// Commands, as a stream.
struct Input {
    input: Receiver<Vec<u8>>,
    rest: Vec<u8>,
    at: usize,
}

impl Read for Input {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.rest.len() {
            // Without a sender, the stream ends.
            self.rest = self.input.recv().unwrap_or_default();
            self.at = 0;
        }
        let mut rest = self.rest.get(self.at..).unwrap_or_default();
        let n = rest.read(to)?;
        self.at += n;
        Ok(n)
    }
}

/// Events, line by line.
struct Output {
    output: Sender<String>,
    line: Vec<u8>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if self.line.ends_with(b"\n") {
            let line = String::from_utf8_lossy(self.line.trim_ascii_end()).into_owned();
            self.line.clear();
            self.output.send(line).map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
