//! Plays a sequence with a client, step by step, and says where it goes wrong.

use std::collections::{BTreeMap, VecDeque};

use mqtt5_codec::{Decoded, Decoder, Packet, PacketId, QoS, Sender};
use serde_json::{Map, Value};

use super::show::{self, Shown};
use super::{Sequence, Step};
use crate::hex;
use crate::report::brief;

/// How long is waited for what has to come, in milliseconds.
const PATIENCE: u64 = 3000;
/// How long nothing may come once all has been, in milliseconds.
const AFTERWARDS: u64 = 100;
/// How long is waited for what a client may do later, or not at all.
const SOON: u64 = 400;
/// What an application may not be told without a step that says so: to tell it once too often breaks QoS 2.
const COUNTED: &[&str] = &["message", "published", "unconfirmed"];

/// What came from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// Bytes.
    Bytes(Vec<u8>),
    /// Nothing, within the time.
    Nothing,
    /// The end of its connection.
    End,
}

/// A client with its application, and the server's end of its connection.
pub trait Party {
    /// Gives the client a command.
    fn command(&mut self, command: &Value);
    /// What it sends, within so many milliseconds.
    fn receive(&mut self, wait: u64) -> Got;
    /// Sends to it.
    fn send(&mut self, bytes: &[u8]);
    /// Drops its connection.
    fn cut(&mut self);
    /// What its application is told next, within so many milliseconds.
    fn told(&mut self, wait: u64) -> Option<Value>;
    /// Lets time pass.
    fn sleep(&mut self, wait: u64);
    /// The time since some beginning, in milliseconds.
    fn now(&self) -> u64;
}

/// Why a sequence was not played to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Something else came than what had to.
    Wrong {
        /// What had to come.
        expected: String,
        /// What came.
        seen: String,
        /// The last packets, a line each.
        packets: Vec<String>,
    },
    /// The client can't do what the application is to ask of it, and says why.
    Lacks(String),
}

/// Plays a sequence. A `strict` one wants the DISCONNECT that should come before a connection ends, every refusal to be told, and a
/// message of QoS 2 when it comes; a client may also tell it at its PUBREL (section 4.3.3).
///
/// # Errors
/// When something else came than what had to, or the client can't do what is asked.
pub fn play(sequence: &Sequence, party: &mut dyn Party, strict: bool) -> Result<(), Stop> {
    let since = party.now();
    let mut play = Play {
        party,
        strict,
        unread: Vec::new(),
        names: BTreeMap::new(),
        told: VecDeque::new(),
        packets: VecDeque::new(),
        open: false,
        parted: false,
        arrived: None,
        late: VecDeque::new(),
        since,
        refused: None,
    };
    let played = sequence.steps.iter().try_for_each(|step| play.step(step)).and_then(|()| play.end());
    if let Err(Stop::Wrong { .. }) = played {
        // What did not come may have been refused.
        while let Some(event) = play.told.pop_front().or_else(|| play.party.told(AFTERWARDS)) {
            play.look(&event)?;
        }
    }
    match (played, play.refused) {
        // What it refused to do could not be looked at.
        (Err(Stop::Wrong { .. }), Some(why)) => Err(Stop::Lacks(why)),
        (played, _) => played,
    }
}

struct Play<'p> {
    party: &'p mut dyn Party,
    strict: bool,
    unread: Vec<u8>,
    /// Packet identifiers that were met, by the names that the sequence gives them.
    names: BTreeMap<String, u64>,
    told: VecDeque<Value>,
    packets: VecDeque<String>,
    open: bool,
    /// The server has said goodbye, and the client has told it.
    parted: bool,
    /// The identifier of the server's last PUBLISH, if it was of QoS 2.
    arrived: Option<u16>,
    /// Messages of QoS 2 that were not told yet: what is said of them, their identifiers, and whether PUBREL was sent.
    late: VecDeque<(Value, u16, bool)>,
    /// When the step before was over.
    since: u64,
    /// Why the client did not do what it was asked, while nobody expects that.
    refused: Option<String>,
}

impl Play<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::Do(command) => {
                if command.get("connect").is_some() {
                    self.party.command(&serde_json::json!({ "open": "server" }));
                    self.unread.clear();
                    self.open = true;
                    self.parted = false;
                }
                self.party.command(command);
                return Ok(()); // Time is measured from what happened last.
            }
            Step::Expect(pattern) => self.expect(&[pattern])?,
            Step::ExpectAnyOrder(patterns) => self.expect(&patterns.iter().collect::<Vec<_>>())?,
            Step::Send(text) => {
                let bytes = self.bytes(text)?;
                self.note("←", &bytes);
                self.remember(&bytes);
                self.party.send(&bytes);
            }
            Step::Told(pattern) => self.hear(pattern)?,
            Step::QuietMs(wait) => self.quiet(*wait)?,
            Step::SleepMs(wait) => self.party.sleep(*wait),
            Step::Cut {} => {
                self.party.cut();
                self.open = false;
            }
            Step::End { reason } => self.ends(*reason)?,
        }
        self.since = self.party.now();
        Ok(())
    }

    /// All is done: nothing more may come, and nothing more be told.
    fn end(&mut self) -> Result<(), Stop> {
        if self.open {
            self.quiet(AFTERWARDS)?;
        }
        while let Some(event) = self.told.pop_front().or_else(|| self.party.told(AFTERWARDS)) {
            self.look(&event)?;
            if self.is_late(&event) {
                continue;
            }
            if COUNTED.contains(&name(&event)) {
                return Err(self.wrong("nothing more to be told", event.to_string()));
            }
        }
        match self.late.iter().find(|(.., released)| *released) {
            Some((pattern, ..)) => Err(self.wrong(pattern.to_string(), "it was never told")),
            None => Ok(()),
        }
    }

    /// Takes down which message of QoS 2 the server sends, and which it releases.
    fn remember(&mut self, mut bytes: &[u8]) {
        while let Ok(Decoded::Packet { packet, used }) = Decoder::new(Sender::Server).decode(bytes) {
            match packet {
                Packet::Publish(publish) => {
                    let id = publish.delivery.id().filter(|_| publish.delivery.qos() == QoS::ExactlyOnce);
                    self.arrived = id.map(PacketId::get);
                }
                Packet::PubRel(ack) => {
                    let of = |late: &&mut (Value, u16, bool)| late.1 == ack.id.get();
                    self.late.iter_mut().filter(of).for_each(|late| late.2 = true);
                }
                _ => {}
            }
            bytes = bytes.get(used..).unwrap_or_default();
        }
    }

    /// Whether an event is a message of QoS 2 that was to be told before.
    fn is_late(&mut self, event: &Value) -> bool {
        let found = self.late.iter().position(|(pattern, ..)| name(event) == "message" && self.fits(pattern, event));
        found.and_then(|at| self.late.remove(at)).is_some()
    }

    fn wrong(&self, expected: impl Into<String>, seen: impl Into<String>) -> Stop {
        Stop::Wrong { expected: expected.into(), seen: seen.into(), packets: self.packets.iter().cloned().collect() }
    }

    fn note(&mut self, arrow: &str, bytes: &[u8]) {
        const MOST: usize = 8;
        if self.packets.len() == MOST {
            self.packets.pop_front();
        }
        self.packets.push_back(format!("{arrow} {}", brief(bytes)));
    }

    /// Bytes of a step, with the identifiers that were met.
    fn bytes(&self, text: &str) -> Result<Vec<u8>, Stop> {
        let mut digits = String::new();
        for part in text.split_inclusive('}') {
            let (before, name) = part.split_once('{').unwrap_or((part, ""));
            digits.extend(before.chars().filter(|letter| !letter.is_whitespace()));
            if let Some(name) = name.strip_suffix('}') {
                let id = self.names.get(name).ok_or_else(|| self.wrong(format!("an identifier {name}"), "none"))?;
                digits.push_str(&format!("{id:04x}"));
            }
        }
        let mut bytes = Vec::new();
        hex::read(digits.as_bytes(), &mut bytes)
            .map_err(|error| self.wrong("hexadecimal digits", error.to_string()))?;
        Ok(bytes)
    }

    /// The client's next packet; none when nothing comes in time. PINGREQ is answered and passed over unless it is wanted.
    fn next(&mut self, wait: u64, ping: bool) -> Result<Next, Stop> {
        let until = self.party.now() + wait;
        loop {
            match show::packet(&self.unread) {
                Shown::Packet(packet, used) => {
                    let bytes: Vec<u8> = self.unread.drain(..used).collect();
                    self.note("→", &bytes);
                    if !ping && name(&packet) == "PINGREQ" {
                        self.party.send(&[0xD0, 0]);
                        continue;
                    }
                    return Ok(Next::Packet(packet));
                }
                Shown::Wrong(why) => {
                    let bytes = core::mem::take(&mut self.unread);
                    self.note("→", &bytes);
                    return Err(self.wrong("a packet that is valid", why));
                }
                Shown::Partial => {}
            }
            match self.party.receive(until.saturating_sub(self.party.now())) {
                Got::Bytes(bytes) => self.unread.extend(bytes),
                Got::Nothing => return Ok(Next::Nothing),
                Got::End => return Ok(Next::End),
            }
        }
    }

    /// The next packets have to be these, in any order.
    fn expect(&mut self, patterns: &[&Value]) -> Result<(), Stop> {
        let mut patterns = patterns.to_vec();
        while !patterns.is_empty() {
            let ping = patterns.iter().any(|pattern| name(pattern) == "PINGREQ");
            let within = |pattern: &&Value| pattern.get("within_ms").and_then(Value::as_u64);
            let wait = patterns.iter().find_map(within).unwrap_or(PATIENCE);
            let wanted = patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let packet = match self.next(wait, ping)? {
                Next::Packet(packet) => packet,
                Next::Nothing => return Err(self.wrong(wanted, "nothing")),
                Next::End => return Err(self.wrong(wanted, "the end of the connection")),
            };
            let Some(at) = patterns.iter().position(|pattern| self.fits(pattern, &packet)) else {
                return Err(self.wrong(wanted, packet.to_string()));
            };
            let pattern = patterns.remove(at);
            let waited = self.party.now().saturating_sub(self.since);
            if pattern.get("not_before_ms").and_then(Value::as_u64).is_some_and(|least| waited < least) {
                return Err(self.wrong(wanted, format!("it came after {waited} ms")));
            }
            if let (Some(name), Some(id)) = (pattern.get("id").and_then(Value::as_str), packet.get("id")) {
                self.names.insert(name.to_owned(), id.as_u64().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Whether a packet or an event is as described.
    fn fits(&self, pattern: &Value, seen: &Value) -> bool {
        let empty = Map::new();
        let its_id = seen.get("id").and_then(Value::as_u64);
        pattern.as_object().unwrap_or(&empty).iter().all(|(key, wanted)| {
            let seen = seen.get(key);
            match (&**key, wanted) {
                ("within_ms" | "not_before_ms", _) => true,
                ("id_not", Value::Array(names)) => {
                    let of = |name: &Value| name.as_str().and_then(|name| self.names.get(name)).copied();
                    names.iter().all(|name| of(name).is_none_or(|id| its_id != Some(id)))
                }
                ("id", Value::String(name)) => match self.names.get(name) {
                    Some(id) => seen.and_then(Value::as_u64) == Some(*id),
                    None => seen.and_then(Value::as_u64).is_some(),
                },
                (_, Value::Null) => seen.is_none_or(Value::is_null),
                (_, Value::Object(_)) => seen.is_some_and(|seen| self.fits(wanted, seen)),
                (_, Value::Array(all)) if all.iter().any(Value::is_object) => seen
                    .and_then(Value::as_array)
                    .is_some_and(|seen| seen.len() == all.len() && all.iter().zip(seen).all(|(a, b)| self.fits(a, b))),
                _ => seen == Some(wanted),
            }
        })
    }

    /// The application has to be told this; of what does not count, other things may be told before.
    fn hear(&mut self, pattern: &Value) -> Result<(), Stop> {
        let (message, refusal) = (name(pattern) == "message", name(pattern) == "refused");
        let may_come_later = !self.strict && message && self.arrived.is_some();
        let patience = if may_come_later || (refusal && !self.strict) { SOON } else { PATIENCE };
        loop {
            let Some(event) = self.told.pop_front().or_else(|| self.party.told(patience)) else {
                if let (Some(id), true) = (self.arrived, may_come_later) {
                    self.late.push_back((pattern.clone(), id, false));
                    return Ok(());
                }
                return match self.next(1, false)? {
                    Next::Packet(packet) => Err(self.wrong(pattern.to_string(), format!("it sends {packet}"))),
                    // What was not to be sent was not.
                    _ if refusal && !self.strict => Ok(()),
                    _ => Err(self.wrong(pattern.to_string(), "nothing was told")),
                };
            };
            if !refusal {
                self.look(&event)?;
            }
            if name(&event) == name(pattern) && self.fits(pattern, &event) {
                self.parted |= name(&event) == "disconnected";
                return Ok(());
            }
            if self.is_late(&event) {
                continue;
            }
            if name(&event) == name(pattern) || COUNTED.contains(&name(&event)) {
                return Err(self.wrong(pattern.to_string(), event.to_string()));
            }
        }
    }

    /// A client that can't do what it is asked says so.
    fn look(&mut self, event: &Value) -> Result<(), Stop> {
        let why = || event.get("why").and_then(Value::as_str).unwrap_or_default().to_owned();
        match name(event) {
            "error" => Err(Stop::Lacks(why())),
            "refused" if event.get("by").is_some_and(|by| by == "client") => {
                self.refused = Some(why());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Nothing may come for a while.
    fn quiet(&mut self, wait: u64) -> Result<(), Stop> {
        match self.next(wait, false)? {
            Next::Nothing => Ok(()),
            Next::Packet(packet) => Err(self.wrong("silence", packet.to_string())),
            Next::End => Err(self.wrong("silence", "the end of the connection")),
        }
    }

    /// The client has to end the connection, and may say why.
    fn ends(&mut self, reason: Option<u8>) -> Result<(), Stop> {
        let expected = match reason {
            Some(reason) => format!("the end of the connection, after DISCONNECT {reason:#04x}"),
            None => "the end of the connection".to_owned(),
        };
        let mut said = None;
        loop {
            match self.next(PATIENCE, false)? {
                Next::End => break,
                Next::Nothing => return Err(self.wrong(expected, "the client goes on")),
                // Nothing follows a DISCONNECT, from either side [MQTT-3.14.4-1].
                Next::Packet(packet) if name(&packet) == "DISCONNECT" && said.is_none() && !self.parted => {
                    said = packet.get("reason").and_then(Value::as_u64);
                }
                Next::Packet(packet) => return Err(self.wrong(expected, packet.to_string())),
            }
        }
        self.open = false;
        match (reason, said) {
            (Some(wanted), Some(said)) if said != u64::from(wanted) => {
                Err(self.wrong(expected, format!("DISCONNECT {said:#04x}")))
            }
            (Some(_), None) if self.strict => Err(self.wrong(expected, "the end without DISCONNECT")),
            _ => Ok(()),
        }
    }
}

enum Next {
    Packet(Value),
    Nothing,
    End,
}

/// What a packet or an event is called.
fn name(value: &Value) -> &str {
    value.get("packet").or_else(|| value.get("event")).and_then(Value::as_str).unwrap_or_default()
}
