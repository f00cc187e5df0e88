//! How the judge of servers talks: clients without a mind of their own, whose every packet a case decides.
//!
//! Connections and packets are here, what takes several packets in `steps.rs`, and what is noted of them in `notes.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mqtt5_codec::{Decoded, Decoder, Packet, PacketId, QoS, Sender, Will};

use super::server::Server;
use crate::broker::Buffer;
use crate::report::{Bytes, Class, Report};

mod notes;
mod offers;
mod steps;
mod tell;

pub use offers::Offers;
pub(crate) use steps::delivery;
pub use tell::{kind, read, tell};

/// A case ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The server says that it has no such thing, or refuses for a reason that the case is not about.
    Lacks(String),
    /// What it takes to go on did not come.
    Lost(String),
}

impl Stop {
    /// Why.
    #[must_use]
    pub fn why(&self) -> &str {
        let (Self::Lacks(why) | Self::Lost(why)) = self;
        why
    }
}

/// A case can't go on: what it takes did not come.
#[must_use]
pub fn lost(why: impl Into<String>) -> Stop {
    Stop::Lost(why.into())
}

/// A case can't begin or go on: the server does not have it.
#[must_use]
pub fn lacks(why: impl Into<String>) -> Stop {
    Stop::Lacks(why.into())
}

/// A topic, filter or text that the judge itself made wrong.
impl From<mqtt5_codec::Rule> for Stop {
    fn from(rule: mqtt5_codec::Rule) -> Self {
        Self::Lost(rule.to_string())
    }
}

/// What a step of a case gives.
pub type Try<T> = Result<T, Stop>;

/// How a client joins.
#[derive(Clone, Copy, Debug)]
pub struct Join<'a> {
    /// Clean Start.
    pub clean: bool,
    /// Keep-alive in seconds.
    pub keep_alive: u16,
    /// Properties of CONNECT.
    pub properties: &'a [mqtt5_codec::Property<'a>],
    /// The will.
    pub will: Option<Will<'a>>,
}

impl Default for Join<'_> {
    fn default() -> Self {
        Self { clean: true, keep_alive: 60, properties: &[], will: None }
    }
}

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Got {
    /// The packet.
    pub bytes: Vec<u8>,
    /// The topic name.
    pub topic: String,
    /// The payload as text.
    pub payload: String,
    /// QoS.
    pub qos: QoS,
    /// RETAIN.
    pub retain: bool,
    /// DUP.
    pub dup: bool,
    /// The identifier.
    pub id: Option<PacketId>,
    /// Subscription identifiers, sorted.
    pub ids: Vec<u32>,
}

/// What is told of a server besides where it is.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// User name and password, where the server wants them.
    pub user: Option<(String, String)>,
    /// What every topic begins with, where the server does not take any.
    pub prefix: String,
    /// An authentication method that it has, and the data of each AUTH, CONNECT's first.
    pub method: Option<(String, Vec<Vec<u8>>)>,
    /// The largest packet that it takes, in bytes, where it does not say so.
    pub max_packet: Option<u32>,
    /// How many QoS 1 and 2 messages it takes at a time, where it does not say so.
    pub quota: Option<u16>,
    /// A client identifier that it refuses.
    pub refused_client_id: Option<String>,
    /// A topic on which it refuses messages.
    pub refused_topic: Option<String>,
    /// Where it speaks MQTT over WebSocket.
    pub websocket: Option<String>,
}

/// The judge of a server at work on one case.
pub struct Talk<'s> {
    server: &'s mut dyn Server,
    /// What was found.
    pub report: Report,
    /// What the server said last that it has.
    pub offers: Offers,
    /// What is told of the server.
    pub known: &'s Known,
    /// The case.
    trial: &'static str,
    unread: BTreeMap<usize, Vec<u8>>,
    /// Messages that came while something else was waited for.
    early: VecDeque<(usize, Vec<u8>)>,
    open: Vec<usize>,
    /// Links on which something came that is no packet: what they do not say means nothing.
    garbled: BTreeSet<usize>,
    /// The Maximum Packet Size that a link's CONNECT named.
    sizes: BTreeMap<usize, u32>,
    /// The link that a finding is about, where packets of others do not matter.
    pub focus: Option<usize>,
    /// The last packets: the link, whether the client sent it, and its bytes.
    packets: VecDeque<(usize, bool, Vec<u8>)>,
    /// Part of every name and topic, so that cases and runs do not meet: letters and digits, at most 12.
    run: String,
    /// The names of clients that a case uses; a client identifier is the place of its name.
    clients: Vec<String>,
    next_id: u16,
    /// How much longer than usual is waited for what has to come.
    slack: u64,
}

impl<'s> Talk<'s> {
    /// A judge of this server, for one case; `run` is part of every name.
    pub fn new(server: &'s mut dyn Server, known: &'s Known, trial: &'static str, run: &str, slack: u64) -> Self {
        Self {
            server,
            report: Report::default(),
            offers: Offers::default(),
            known,
            trial,
            unread: BTreeMap::new(),
            early: VecDeque::new(),
            open: Vec::new(),
            garbled: BTreeSet::new(),
            sizes: BTreeMap::new(),
            focus: None,
            packets: VecDeque::new(),
            run: run.to_owned(),
            clients: Vec::new(),
            next_id: 0,
            slack,
        }
    }

    /// A topic of this case.
    #[must_use]
    pub fn name(&self, name: &str) -> String {
        format!("{}{}/{name}", self.known.prefix, self.run)
    }

    /// The identifier of a client of this case: at most 23 letters and digits, which every server takes [MQTT-3.1.3-5].
    pub fn client_id(&mut self, name: &str) -> String {
        let at = self.clients.iter().position(|known| known == name).unwrap_or_else(|| {
            self.clients.push(name.to_owned());
            self.clients.len() - 1
        });
        format!("{}x{at}", self.run)
    }

    /// A packet identifier not used before.
    pub fn id(&mut self) -> PacketId {
        self.next_id = self.next_id % 1000 + 1;
        PacketId::new(self.next_id).unwrap_or(PacketId::from(core::num::NonZeroU16::MIN))
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When the server does not take it.
    pub fn open(&mut self) -> Try<usize> {
        let link = self.server.open().map_err(|error| lost(format!("no connection: {error}")))?;
        self.open.push(link);
        self.unread.insert(link, Vec::new());
        self.garbled.remove(&link);
        Ok(link)
    }

    /// What a client says in a CONNECT that is not [`join`](Self::join)'s: its Maximum Packet Size.
    pub fn limit(&mut self, link: usize, most: u32) {
        self.sizes.insert(link, most);
    }

    /// Closes all connections.
    pub fn close_all(&mut self) {
        for link in core::mem::take(&mut self.open) {
            self.server.close(link);
        }
        self.unread.clear();
        self.early.clear();
    }

    /// Closes a connection without a word.
    pub fn cut(&mut self, link: usize) {
        self.server.close(link);
        self.server.sleep(self.server.patience().1 / 3);
    }

    /// Says goodbye, and closes a connection.
    pub fn leave(&mut self, link: usize) {
        self.raw(link, &[0xE0, 0]);
        self.cut(link);
    }

    /// Lets time pass, in milliseconds.
    pub fn sleep(&mut self, wait: u64) {
        self.server.sleep(wait);
    }

    /// The time since some beginning, in milliseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.server.now()
    }

    /// Sends bytes.
    pub fn raw(&mut self, link: usize, bytes: &[u8]) {
        self.keep(link, true, bytes);
        self.server.send(link, bytes);
    }

    /// Sends a packet.
    pub fn send(&mut self, link: usize, packet: &Packet<'_>) {
        let mut out = Buffer::default();
        if packet.encode(Sender::Client, &mut out).is_ok() {
            self.raw(link, &out.0);
        }
    }

    /// The next packet, within the time that the judge has for it; none when nothing comes or the server closes.
    pub fn next(&mut self, link: usize) -> Option<Vec<u8>> {
        self.within(link, self.server.patience().0 * self.slack)
    }

    /// The next packet, within the time after which the judge says that none comes.
    pub fn soon(&mut self, link: usize) -> Option<Vec<u8>> {
        self.within(link, self.server.patience().1)
    }

    /// The next packet, within so many milliseconds.
    pub fn within(&mut self, link: usize, wait: u64) -> Option<Vec<u8>> {
        loop {
            let unread = self.unread.entry(link).or_default();
            match Decoder::new(Sender::Server).decode(unread) {
                Ok(Decoded::Packet { used, .. }) => {
                    let bytes: Vec<u8> = unread.drain(..used).collect();
                    self.keep(link, false, &bytes);
                    self.look(link, &bytes);
                    return Some(bytes);
                }
                Err(error) => {
                    let bytes = Bytes { from: "server", bytes: core::mem::take(unread), at: Some(error.at) };
                    self.keep(link, false, &bytes.bytes);
                    self.garbled.insert(link);
                    let of_publish = kind(&bytes.bytes) == "PUBLISH";
                    // What is said of one kind of packet as well.
                    let too = match error.rule.id() {
                        "MQTT-3.3.1-2" => Some("MQTT-4.3.1-1"),
                        "MQTT-1.5.4-1" | "MQTT-1.5.4-2" if of_publish => Some("MQTT-3.3.2-1"),
                        _ => None,
                    };
                    for statement in [error.rule.id()].into_iter().chain(too) {
                        let seen = || error.to_string();
                        let bytes = Some(bytes.clone());
                        self.note(statement, Class::Must, false, "a packet that is valid", seen, bytes);
                    }
                    return None;
                }
                Ok(Decoded::Partial { .. }) => {}
            }
            let before = unread.len();
            let mut more = core::mem::take(unread);
            let goes_on = self.server.receive(link, &mut more, wait);
            let none = more.len() == before;
            self.unread.insert(link, more);
            if none || (!goes_on && !self.has_whole(link)) {
                return None;
            }
        }
    }

    /// Whether a whole packet has been received that was not looked at.
    fn has_whole(&self, link: usize) -> bool {
        let unread = self.unread.get(&link).map(Vec::as_slice).unwrap_or_default();
        !matches!(Decoder::new(Sender::Server).decode(unread), Ok(Decoded::Partial { .. }))
    }

    /// Goes on if all that came on a link were packets.
    ///
    /// # Errors
    /// When something was not.
    pub fn clear(&self, link: usize) -> Try<()> {
        if self.garbled.contains(&link) { Err(lost("what came is no packet")) } else { Ok(()) }
    }

    /// Whether the server closes the connection, whatever it says before.
    pub fn closes(&mut self, link: usize) -> bool {
        self.rest(link, self.server.patience().0 * self.slack).1
    }

    /// What the server still says, and whether it closes the connection within so many milliseconds.
    pub fn rest(&mut self, link: usize, wait: u64) -> (Vec<u8>, bool) {
        let (rest, closed) = self.remaining(link, wait);
        let mut unread = &rest[..];
        while let Ok(Decoded::Packet { used, .. }) = Decoder::new(Sender::Server).decode(unread) {
            let (packet, others) = unread.split_at_checked(used).unwrap_or((unread, &[]));
            self.look(link, packet);
            unread = others;
        }
        (rest, closed)
    }

    fn remaining(&mut self, link: usize, wait: u64) -> (Vec<u8>, bool) {
        let mut rest = self.unread.remove(&link).unwrap_or_default();
        let until = self.server.now() + wait;
        loop {
            let left = until.saturating_sub(self.server.now());
            let before = rest.len();
            let goes_on = self.server.receive(link, &mut rest, left.max(1));
            if let Some(new) = rest.get(before..).filter(|new| !new.is_empty()) {
                let new = new.to_vec();
                self.keep(link, false, &new);
            }
            // What came last may be followed by the end.
            if !goes_on || (left == 0 && rest.len() == before) {
                return (rest, !goes_on);
            }
        }
    }

    /// How long the judge waits for a connection to end, in milliseconds.
    #[must_use]
    pub fn patience(&self) -> u64 {
        self.server.patience().0 * self.slack
    }
}
