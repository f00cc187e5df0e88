//! Clients of the checks: the client tool itself, each in a thread of its own, driven by JSON.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use mqtt5_codec::{self as codec, Decoded, Packet, QoS};
use serde_json::Value;

use crate::{client, hex};

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How many packets are told when something went wrong: the first ones of the last connection, and the last ones.
const FIRST: usize = 6;
const LAST: usize = 8;
/// How many digits of a packet are told.
const DIGITS: usize = 160;

/// What did not hold, and by whose doing.
#[derive(Debug)]
pub(super) enum Wrong {
    /// The broker broke the standard.
    Broker(String),
    /// The client did, or nobody knows.
    Failed(String),
    /// The broker does not offer it, and says so.
    Lacks(&'static str),
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
    /// The packets of the last connection that were seen first, those that were seen last, and how many in between.
    first: Vec<String>,
    last: VecDeque<String>,
    between: usize,
    /// What was sent and received at QoS 2, and how often.
    pub(super) sent: Exchanges,
    pub(super) received: Exchanges,
}

impl Driver {
    pub(super) fn new(name: &'static str, ca: Option<PathBuf>) -> Self {
        let (commands, input) = channel();
        let (output, lines) = channel();
        thread::spawn(move || {
            let (input, output) = (Input { input, rest: Vec::new(), at: 0 }, Output { output, line: Vec::new() });
            client::run(&client::Options { trace: true, ca }, input, output)
        });
        Self {
            name,
            commands,
            lines,
            backlog: VecDeque::new(),
            first: Vec::new(),
            last: VecDeque::new(),
            between: 0,
            sent: Exchanges::default(),
            received: Exchanges::default(),
        }
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

    /// The next event of this name, which the broker owes by a statement.
    pub(super) fn owed(&mut self, name: &str, statement: &str) -> Result<Value, Wrong> {
        match self.within(name, LIMIT)? {
            Some(event) => Ok(event),
            None => Err(Wrong::Broker(format!("no {name} came, against {statement}{}", self.told()))),
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
                Some("closed") if by_broker(&event) => return Err(self.closed_by_broker()),
                _ => self.backlog.push_back(event),
            }
        }
        Ok(None)
    }

    /// What a broker does wrong that closes a connection on which all was well, and does not say why.
    pub(super) fn closed_by_broker(&self) -> Wrong {
        Wrong::Broker(format!("it closed the connection, without a DISCONNECT that says why{}", self.told()))
    }

    /// No event of this name comes for a while.
    pub(super) fn none(&mut self, name: &str, time: Duration) -> Held {
        match self.within(name, time)? {
            Some(event) => Err(Wrong::Broker(format!("an unexpected {event}{}", self.told()))),
            None => Ok(()),
        }
    }

    /// Waits for the broker to end the connection, and returns its DISCONNECT, if there was one.
    pub(super) fn ended(&mut self) -> Result<Option<Value>, Wrong> {
        let until = Instant::now() + LIMIT;
        let mut disconnected = None;
        while let Some(event) = self.next(until) {
            match event["event"].as_str() {
                Some("disconnected") => disconnected = Some(event),
                Some("closed") => return Ok(disconnected),
                _ => self.backlog.push_back(event),
            }
        }
        Err(Wrong::Broker(format!("the connection goes on{}", self.told())))
    }

    fn next(&mut self, until: Instant) -> Option<Value> {
        loop {
            let line = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
            if line.starts_with(r#"{"event""#) {
                return serde_json::from_str(&line).ok();
            }
            self.note(line);
        }
    }

    /// Keeps a packet for [`told`](Self::told).
    fn note(&mut self, line: String) {
        let packet: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(digits) = packet["sent"].as_str() {
            if digits.starts_with("10") {
                self.first.clear();
                self.last.clear();
                self.between = 0;
            }
            self.sent.note(codec::Sender::Client, digits);
        } else if let Some(digits) = packet["received"].as_str() {
            self.received.note(codec::Sender::Server, digits);
        }
        if self.first.len() < FIRST {
            self.first.push(line);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
            self.between += 1;
        }
        self.last.push_back(line);
    }

    /// The packets of the last connection, for whoever has to find out.
    pub(super) fn told(&self) -> String {
        let mut told = format!("\n    packets of {}:", self.name);
        let mut tell = |line: &str| {
            let cut = line.get(..DIGITS).unwrap_or(line);
            told.push_str(&format!("\n      {cut}{}", if cut.len() < line.len() { "…" } else { "" }));
        };
        self.first.iter().for_each(|line| tell(line));
        if self.between > 0 {
            tell(&format!("({} more)", self.between));
        }
        self.last.iter().for_each(|line| tell(line));
        told
    }
}

/// Whether a connection was closed by the broker, seen when reading or when writing.
pub(super) fn by_broker(closed: &Value) -> bool {
    closed["by"] == "server" || !closed["why"].is_null()
}

/// How often each message was put on the wire by one side: at QoS 2, an identifier that was not released is the same message
/// again, so that a payload that counts twice was begun twice.
#[derive(Default)]
pub(super) struct Exchanges {
    open: BTreeSet<u16>,
    /// By QoS and payload.
    begun: BTreeMap<(u8, String), usize>,
}

impl Exchanges {
    fn note(&mut self, from: codec::Sender, digits: &str) {
        let mut bytes = Vec::new();
        // Large messages are counted nowhere.
        if digits.len() > 400 || hex::read(digits.as_bytes(), &mut bytes).is_err() {
            return;
        }
        match codec::Decoder::new(from).decode(&bytes) {
            Ok(Decoded::Packet { packet: Packet::Publish(publish), .. }) => {
                let qos = publish.delivery.qos();
                let id = publish.delivery.id().map_or(0, |id| id.get());
                if qos == QoS::ExactlyOnce && !self.open.insert(id) {
                    return;
                }
                let payload = String::from_utf8_lossy(publish.payload).into_owned();
                *self.begun.entry((qos as u8, payload)).or_insert(0) += 1;
            }
            Ok(Decoded::Packet { packet: Packet::PubRel(ack), .. }) => drop(self.open.remove(&ack.id.get())),
            _ => {}
        }
    }

    /// How often this payload was begun at this QoS.
    pub(super) fn begun(&self, qos: u8, payload: &str) -> usize {
        self.begun.get(&(qos, payload.to_owned())).copied().unwrap_or(0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_sent_again_is_begun_once_until_it_is_released() {
        let mut exchanges = Exchanges::default();
        // QoS 2, identifier 1, payload "x"; again with DUP; PUBREL; and the identifier for a new one.
        for digits in ["34070001740001 0078", "3c0700017400010078", "62020001", "34070001740001 0078"] {
            exchanges.note(codec::Sender::Client, &digits.replace(' ', ""));
        }
        assert_eq!(exchanges.begun(2, "x"), 2);
        // At QoS 1 each one counts.
        for digits in ["3207000174000200 79", "3a07000174000200 79"] {
            exchanges.note(codec::Sender::Client, &digits.replace(' ', ""));
        }
        assert_eq!((exchanges.begun(1, "y"), exchanges.begun(2, "y")), (2, 0));
    }

    #[test]
    fn the_first_and_the_last_packets_of_the_last_connection_are_told() {
        let mut driver = Driver::new("the client", None);
        driver.note(r#"{"sent":"c000"}"#.to_owned());
        driver.note(r#"{"sent":"10"}"#.to_owned());
        for number in 0..20 {
            driver.note(format!(r#"{{"received":"d0{number:02}"}}"#));
        }
        let told = driver.told();
        assert_eq!(told.lines().count(), 2 + FIRST + 1 + LAST, "{told}");
        assert!(!told.contains("c000") && told.contains("\"10\"") && told.contains("(7 more)"), "{told}");
    }
}
