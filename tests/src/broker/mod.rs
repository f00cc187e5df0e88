//! A model of an MQTT v5 server: in memory, deterministic, without sockets or a clock, and strict.
//!
//! Bytes go in with [`Broker::receive`] and come out of [`Broker::readable`]; time is an argument. Whatever a client may not
//! do, as far as a server sees it, is taken down in the [`Ledger`] by its statement. The broker can also be told to break a
//! statement itself ([`Broker::lapse`]), which is how those who judge servers are judged.

mod connect;
mod deliver;
mod end;
mod ledger;
mod limits;
mod link;
mod message;
mod publish;
mod session;
mod subscribe;
#[cfg(test)]
mod tests;

use core::hash::{Hash, Hasher};
use std::collections::BTreeMap;
use std::rc::Rc;

use mqtt5_codec::{Decoded, Decoder, EncodeError, Packet, QoS, ReasonCode, Sender};

pub use ledger::{Ledger, Violation};
pub use limits::{Faults, Limits};
pub use message::{Buffer, Envelope, Message};
pub use session::{Kind, Session};

use link::{Link, Phase};

/// What the broker did with a message.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A session of this client begins; whatever there was is gone.
    Began(String),
    /// This client said goodbye, so its will is never to be published [MQTT-3.14.4-3].
    Left(String),
    /// It was published, and is on its way to whoever subscribed.
    Routed(Rc<Message>),
    /// It was published, and refused.
    Refused(Rc<Message>),
    /// It is on its way to one client.
    Queued(String, Rc<Message>, QoS),
    /// It is too large for the client, or its time is over: given up.
    Dropped(String, Rc<Message>),
}

/// A model broker.
#[derive(Clone, Debug, Default)]
pub struct Broker {
    /// What it grants to connections that follow.
    pub limits: Limits,
    /// What it is told to do wrong to clients, all within the standard.
    pub faults: Faults,
    /// The statement that it breaks, for those who judge servers to find out.
    pub lapse: Option<&'static str>,
    /// What it saw.
    pub ledger: Ledger,
    /// What it did with messages, if that is wanted.
    pub journal: Option<Vec<Entry>>,
    /// Whether a client that is silent for longer than its keep-alive is taken down.
    pub watch_keep_alive: bool,
    sessions: BTreeMap<String, Session>,
    links: Vec<Option<Link>>,
    retained: BTreeMap<String, Rc<Message>>,
    now: u64,
    assigned: u32,
    turn: usize,
    /// For a lapse.
    kept_back: Option<Rc<Message>>,
}

/// The state, for a search over states: all but the time and the ledger.
impl Hash for Broker {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.limits.hash(state);
        self.faults.hash(state);
        self.sessions.hash(state);
        self.links.hash(state);
        self.retained.hash(state);
        self.assigned.hash(state);
        self.turn.hash(state);
    }
}

impl Broker {
    /// A broker that grants everything.
    #[must_use]
    pub fn new() -> Self {
        Self { watch_keep_alive: true, ..Self::default() }
    }

    fn note(&mut self, entry: impl FnOnce() -> Entry) {
        if let Some(journal) = &mut self.journal {
            journal.push(entry());
        }
    }

    /// Whether it is to break this statement.
    fn breaks(&self, statement: &str) -> bool {
        self.lapse.is_some_and(|lapse| lapse == statement)
    }

    /// Somebody connects. Returns the number of the link, which is free again after [`close`](Self::close).
    pub fn open(&mut self, now: u64) -> usize {
        self.tick(now);
        let link = Link {
            limits: self.limits.clone(),
            heard: now,
            cut_received: self.faults.cut_received.take(),
            cut_sent: self.faults.cut_sent.take(),
            ..Link::default()
        };
        match self.links.iter().position(Option::is_none) {
            Some(free) => {
                if let Some(place) = self.links.get_mut(free) {
                    *place = Some(link);
                }
                free
            }
            None => {
                self.links.push(Some(link));
                self.links.len() - 1
            }
        }
    }

    /// Bytes arrive on a link. They are answered at once, in its output.
    pub fn receive(&mut self, number: usize, bytes: &[u8], now: u64) {
        self.tick(now);
        let Some(link) = self.link(number) else { return };
        let mut bytes = bytes;
        if let Some(left) = &mut link.cut_received {
            bytes = bytes.get(..*left).unwrap_or(bytes);
            *left -= bytes.len();
        }
        if link.left {
            self.ledger.check("MQTT-3.14.4-1", bytes.is_empty(), || {
                format!("{} bytes after DISCONNECT, the first 0x{:02x}", bytes.len(), bytes.first().unwrap_or(&0))
            });
            return;
        }
        if link.is_closed() {
            return;
        }
        link.input.extend_from_slice(bytes);
        let mut input = core::mem::take(&mut link.input);
        let mut at = 0;
        while let Some(used) = self.packet(number, input.get(at..).unwrap_or_default()) {
            at += used;
            if self.link(number).is_none_or(|link| link.is_closed()) {
                break;
            }
        }
        input.drain(..at);
        if let Some(link) = self.link(number) {
            let left = link.left;
            if link.cut_received == Some(0) {
                self.cut(number);
            }
            self.ledger.check("MQTT-3.14.4-1", !left || input.is_empty(), || {
                format!("{} bytes after DISCONNECT", input.len())
            });
            if let Some(link) = self.link(number) {
                link.input = input;
            }
        }
    }

    /// What the client can read from a link now.
    #[must_use]
    pub fn readable(&self, number: usize) -> &[u8] {
        self.links.get(number).and_then(Option::as_ref).map_or(&[], |link| link.readable(self.now))
    }

    /// The client has read, and understood, that many bytes more.
    pub fn read(&mut self, number: usize, len: usize) {
        let Some(link) = self.link(number) else { return };
        let steps = link.read(len);
        let cut = link.cut_sent == Some(0);
        let client = link.client.clone();
        if let Some(session) = self.sessions.get_mut(&client) {
            // A CONNACK that refuses says nothing of the session.
            session.untold &= len == 0 || session.link != Some(number);
            for (id, step) in steps {
                session.acknowledged(id, step);
            }
        }
        if cut {
            self.cut(number);
        }
    }

    /// A client that said no goodbye may not have read what was sent last: it may send again what a PUBREC answered.
    pub fn doubt(&mut self, number: usize) {
        let Some(client) = self.client(number).map(str::to_owned) else { return };
        for claim in self.sessions.get_mut(&client).into_iter().flat_map(|session| &mut session.claims) {
            claim.doubtful = claim.here && claim.received && !claim.released;
        }
    }

    /// Whether the broker has closed the link, once [`readable`](Self::readable) is empty.
    #[must_use]
    pub fn is_closed(&self, number: usize) -> bool {
        self.links.get(number).and_then(Option::as_ref).is_none_or(Link::is_closed)
    }

    /// Whether a client that holds `have` unread bytes gets no more, for the link is to be cut there.
    #[must_use]
    pub fn is_cut(&self, number: usize, have: usize) -> bool {
        let link = self.links.get(number).and_then(Option::as_ref);
        link.and_then(|link| link.cut_sent).is_some_and(|left| left <= have)
    }

    /// A client has lost its memory: nothing of what it began is expected of it any more. Returns whether QoS 2 messages of
    /// its were taken whose identifiers are still in use, which it can't know.
    pub fn forgotten(&mut self, client: &str) -> bool {
        let Some(session) = self.sessions.get_mut(client) else { return false };
        session.claims.clear();
        !session.incoming.is_empty()
    }

    /// The connection is gone, whoever closed it.
    pub fn close(&mut self, number: usize, now: u64) {
        self.tick(now);
        self.part(number);
        if let Some(place) = self.links.get_mut(number) {
            *place = None;
        }
    }

    /// Sends the acknowledgements that were held, `count` of them.
    pub fn release(&mut self, number: usize, count: usize) {
        let now = self.now;
        for _ in 0..count {
            let Some(link) = self.link(number) else { return };
            let Some((bytes, id, step)) = link.held.pop_front() else { return };
            link.output.0.extend_from_slice(&bytes);
            link.steps.push_back((link.output.0.len(), id, step));
            self.note_delay(number, bytes.len(), now);
        }
    }

    /// How many acknowledgements are held on a link.
    #[must_use]
    pub fn held(&self, number: usize) -> usize {
        self.links.get(number).and_then(Option::as_ref).map_or(0, |link| link.held.len())
    }

    /// Sends bytes that are no work of this broker's: what a peer has to refuse.
    pub fn send_raw(&mut self, number: usize, bytes: &[u8]) {
        if let Some(link) = self.link(number) {
            link.output.0.extend_from_slice(bytes);
        }
    }

    /// The session of a client.
    #[must_use]
    pub fn session(&self, client: &str) -> Option<&Session> {
        self.sessions.get(client)
    }

    /// All sessions by client identifier.
    pub fn sessions(&self) -> impl Iterator<Item = (&str, &Session)> {
        self.sessions.iter().map(|(client, session)| (client.as_str(), session))
    }

    /// Whose a link is, once CONNECT has come.
    #[must_use]
    pub fn client(&self, number: usize) -> Option<&str> {
        self.links.get(number)?.as_ref().filter(|link| link.phase == Phase::Up).map(|link| link.client.as_str())
    }

    /// When bytes that are under way can be read, at the latest.
    #[must_use]
    pub fn next_arrival(&self) -> Option<u64> {
        let links = self.links.iter().flatten().filter(|link| !link.is_closed());
        links.filter_map(|link| link.delayed.back()).map(|(due, _)| *due).filter(|due| *due > self.now).max()
    }

    /// When [`tick`](Self::tick) is due.
    #[must_use]
    pub fn next_timeout(&self) -> Option<u64> {
        let links = self.links.iter().flatten().filter_map(|link| match link.phase {
            Phase::Up if link.keep_alive > 0 => Some(link.heard + u64::from(link.keep_alive) * 1500),
            _ => None,
        });
        let delays = self.links.iter().flatten().filter_map(|link| link.delayed.front()).map(|(due, _)| *due);
        let sessions = self
            .sessions
            .values()
            .flat_map(|session| [session.ends, session.will.as_ref().and_then(|will| will.due)].into_iter().flatten());
        links.chain(sessions).chain(delays.filter(|due| *due > self.now)).min()
    }

    /// Time passes.
    pub fn tick(&mut self, now: u64) {
        if now <= self.now {
            return;
        }
        self.now = now;
        for number in 0..self.links.len() {
            self.watch(number);
        }
        if self.sessions.values().any(|session| session.link.is_none()) {
            self.end_sessions();
        }
    }

    fn link(&mut self, number: usize) -> Option<&mut Link> {
        self.links.get_mut(number)?.as_mut()
    }

    /// The session that a link serves.
    fn session_of(&mut self, number: usize) -> Option<&mut Session> {
        let link = self.links.get(number)?.as_ref()?;
        self.sessions.get_mut(&link.client)
    }

    /// Handles the first packet of `input`, if it is whole.
    fn packet(&mut self, number: usize, input: &[u8]) -> Option<usize> {
        let now = self.now;
        let link = self.link(number)?;
        let most = link.limits.maximum_packet_size.filter(|_| link.phase != Phase::Waiting).unwrap_or(u32::MAX);
        match Decoder::new(Sender::Client).max_packet_size(most).decode(input) {
            Ok(Decoded::Partial { .. }) => None,
            Ok(Decoded::Packet { used, packet }) => {
                let silence = now.saturating_sub(link.heard);
                let (up, keep_alive) = (link.phase == Phase::Up, u64::from(link.keep_alive) * 1000);
                link.heard = now;
                if up && keep_alive > 0 && self.watch_keep_alive {
                    self.ledger.check("MQTT-3.1.2-20", silence <= keep_alive, || {
                        format!("silent for {silence} ms at a keep-alive of {keep_alive} ms")
                    });
                }
                self.dispatch(number, &packet, input.get(..used).unwrap_or_default());
                Some(used)
            }
            Err(error) => {
                let statement = match error.rule.id() {
                    "MQTT-3.1.2-24" => "MQTT-3.2.2-15", // Said of the other direction.
                    id => id,
                };
                self.fail(number, error.reason, statement, error.to_string());
                None
            }
        }
    }

    fn dispatch(&mut self, number: usize, packet: &Packet<'_>, bytes: &[u8]) {
        let phase = self.link(number).map_or(Phase::Closed, |link| link.phase);
        match (phase, packet) {
            (Phase::Closed, _) => {}
            (Phase::Waiting, Packet::Connect(connect)) => {
                self.ledger.check("MQTT-3.1.0-1", true, String::new);
                self.connect(number, connect, bytes);
            }
            (Phase::Waiting, other) => {
                let what = format!("the first packet is {}", other.packet_type());
                self.fail(number, ReasonCode::PROTOCOL_ERROR, "MQTT-3.1.0-1", what);
            }
            (_, Packet::Connect(_)) => {
                if !self.breaks("MQTT-3.1.0-2") {
                    self.fail(number, ReasonCode::PROTOCOL_ERROR, "MQTT-3.1.0-2", "a second CONNECT");
                }
            }
            (_, Packet::Disconnect(disconnect)) => self.leave(number, disconnect),
            (_, Packet::Auth(auth)) => self.auth(number, auth),
            (Phase::Authenticating, other) => {
                let what = format!("{} while authentication goes on", other.packet_type());
                self.fail(number, ReasonCode::PROTOCOL_ERROR, "MQTT-3.1.2-30", what);
            }
            (Phase::Up, Packet::Publish(publish)) => self.publish(number, publish, bytes.len()),
            (Phase::Up, Packet::PubAck(ack)) => self.puback(number, ack),
            (Phase::Up, Packet::PubRec(ack)) => self.pubrec(number, ack),
            (Phase::Up, Packet::PubRel(ack)) => self.pubrel(number, ack),
            (Phase::Up, Packet::PubComp(ack)) => self.pubcomp(number, ack),
            (Phase::Up, Packet::Subscribe(subscribe)) => self.subscribe(number, subscribe),
            (Phase::Up, Packet::Unsubscribe(unsubscribe)) => self.unsubscribe(number, unsubscribe),
            (Phase::Up, Packet::PingReq) => {
                if !self.faults.mute_pings && !self.breaks("MQTT-3.12.4-1") {
                    self.send(number, &Packet::PingResp);
                }
            }
            // The codec lets nothing else through in this direction.
            (Phase::Up, _) => {}
        }
    }

    /// Appends a packet to a link's output, and tells its length; 0 when it is too large for the client.
    fn send(&mut self, number: usize, packet: &Packet<'_>) -> usize {
        let now = self.now;
        let large = self.breaks("MQTT-3.1.2-24");
        let Some(link) = self.link(number) else { return 0 };
        let most = link.maximum_packet_size.map_or(usize::MAX, |most| most as usize);
        let sent = match packet.encoded_len(Sender::Server) {
            Ok(len) if len <= most || large => packet.encode(Sender::Server, &mut link.output),
            Ok(need) => Err(EncodeError::Full { need }),
            Err(error) => Err(error),
        };
        let len = sent.unwrap_or(0);
        self.note_delay(number, len, now);
        len
    }

    fn note_delay(&mut self, number: usize, len: usize, now: u64) {
        let delay = self.faults.delay;
        if let Some(link) = self.link(number)
            && (delay > 0 || !link.delayed.is_empty())
        {
            link.delay(now + delay, len);
        }
    }
}
