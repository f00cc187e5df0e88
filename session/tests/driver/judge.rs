//! What a client may do, seen from outside: by the bytes that it writes, and by what it tells its host.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mqtt5_codec::{Decoded, Decoder, Delivery, Packet, Property, QoS, ReasonCode, Sender};
use mqtt5_session::{Connected, Event};

use super::Connecting;
use super::peer::right_answer;
use super::tape::Tape;

/// What an exchange of ours waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// PUBACK.
    Once,
    /// PUBREC.
    Twice,
    /// PUBCOMP.
    Released,
    /// SUBACK with so many reasons.
    Subscribe(u8),
    /// UNSUBACK with so many reasons.
    Unsubscribe(u8),
}

/// What the server owes the client.
#[derive(Debug)]
pub(crate) enum Owed {
    ConnAck,
    Packet(Vec<u8>),
}

/// How far the connection is, roughly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    Down,
    Connecting,
    Up,
    /// It is over, and was not closed yet.
    Over,
}

/// What the server said on this connection.
#[derive(Debug)]
struct Limits {
    receive: usize,
    qos: u8,
    retain: bool,
    size: usize,
    aliases: u16,
}

/// What has been seen, and what may follow.
#[derive(Default)]
pub(crate) struct Judge {
    /// What happened at all.
    pub(crate) seen: BTreeSet<&'static str>,
    pub(crate) stage: Stage,
    pub(crate) owed: VecDeque<Owed>,
    /// The last CONNECT that was accepted.
    pub(crate) asked: Connecting,
    /// Calls without a result.
    pub(crate) open: BTreeMap<u16, Kind>,
    /// Those whose PUBLISH was written as a whole, ever and on this connection.
    sent: BTreeSet<u16>,
    here: BTreeSet<u16>,
    /// One whose answer came before all of it was written, as far as can be seen.
    early: Option<u16>,
    /// Topic aliases that the server has been given on this connection.
    aliases: BTreeSet<u16>,
    limits: Option<Limits>,
    /// What was written on this connection and is no whole packet yet.
    written: Vec<u8>,
    connects: u32,
    over: bool,
    /// Identifiers of messages of the server: delivered at QoS 2, and how often one may be delivered anew.
    delivered: BTreeSet<u16>,
    released: BTreeMap<u16, u32>,
    /// The server sent what may be anything.
    loose: bool,
    /// Whether the session outlives the connection.
    lasts: bool,
    /// When the last connection ended that the server had accepted.
    closed: Option<u64>,
}

impl Judge {
    /// The identifier of one of our exchanges; any small one if there is none.
    pub(crate) fn an_exchange(&self, tape: &mut Tape<'_>) -> u16 {
        let at = usize::from(tape.byte());
        self.open.keys().nth(at % self.open.len().max(1)).copied().unwrap_or(1)
    }

    /// The identifier of a message of the server.
    pub(crate) fn a_message(&self, tape: &mut Tape<'_>) -> u16 {
        let at = usize::from(tape.byte());
        match self.delivered.iter().nth(at % (self.delivered.len() + 2)) {
            Some(id) => *id,
            None => at as u16 % 5 + 1,
        }
    }

    // --- what the host did ---

    pub(crate) fn began(&mut self, id: u16, kind: Kind) {
        assert_eq!(self.open.insert(id, kind), None, "an identifier is given once");
        self.seen.insert("exchange");
    }

    /// An exchange has its result.
    fn ended(&mut self, id: u16) -> Kind {
        self.sent.remove(&id);
        self.here.remove(&id);
        self.open.remove(&id).expect("a result for what was asked for, once")
    }

    pub(crate) fn lost(&mut self, id: u16) {
        self.ended(id);
        self.seen.insert("lost");
    }

    pub(crate) fn connecting(&mut self, asked: &Connecting, now: u64) {
        // 5 seconds is the shortest expiry in use.
        if asked.clean || asked.empty || self.closed.is_some_and(|closed| now - closed >= 5_000) {
            self.delivered.clear();
        }
        self.asked = asked.clone();
        self.stage = Stage::Connecting;
    }

    pub(crate) fn disconnecting(&mut self, expiry: Option<u32>) {
        self.lasts = expiry.map_or(self.lasts, |seconds| seconds != 0);
    }

    /// The application has answered a message.
    pub(crate) fn answered(&mut self, id: u16, reason: ReasonCode) {
        if reason.is_error() {
            *self.released.entry(id).or_default() += 1;
        }
    }

    pub(crate) fn closed(&mut self, now: u64) {
        if !self.lasts {
            self.delivered.clear();
        }
        self.loose = false;
        // A connection that the server did not accept lets the expiry interval run on.
        self.closed.get_or_insert(now);
        self.stage = Stage::Down;
        self.owed.clear();
        self.here.clear();
        self.early = None;
        self.aliases.clear();
        self.limits = None;
        self.written.clear();
        self.connects = 0;
        self.over = false;
    }

    // --- what the server sent ---

    pub(crate) fn received(&mut self, bytes: &[u8], plain: bool) {
        match bytes {
            &[0x62, _, high, low, ..] if plain => {
                *self.released.entry(u16::from_be_bytes([high, low])).or_default() += 1;
            }
            _ if plain => {}
            // It may be a PUBREL for anything.
            _ => self.loose = true,
        }
    }

    // --- what the client told ---

    pub(crate) fn told(&mut self, event: &Event<'_>) {
        match event {
            Event::Connected(connected) => self.connected(connected),
            Event::Message(message) => {
                self.seen.insert("message");
                if let Delivery::ExactlyOnce { id, .. } = message.delivery
                    && !self.delivered.insert(id.get())
                    && !self.loose
                {
                    let again = self.released.get_mut(&id.get()).filter(|n| **n > 0);
                    *again.expect("a message of QoS 2 is delivered once [MQTT-4.3.3-10]") -= 1;
                }
            }
            Event::Published(ack) => {
                self.seen.insert("published");
                if !self.here.contains(&ack.id.get()) {
                    self.early = Some(ack.id.get());
                }
                let kind = self.ended(ack.id.get());
                let known = kind != Kind::Twice || ack.reason.is_error();
                assert!(known, "a success that is not known is not reported");
                assert!(matches!(kind, Kind::Once | Kind::Twice | Kind::Released), "{kind:?}");
            }
            Event::PublishReceived(ack) => {
                self.seen.insert("publish received");
                assert_eq!(self.open.insert(ack.id.get(), Kind::Released), Some(Kind::Twice));
            }
            Event::Unconfirmed(ack) => {
                self.seen.insert("unconfirmed");
                assert_eq!(self.ended(ack.id.get()), Kind::Twice);
            }
            Event::Subscribed(ack) => {
                self.seen.insert("subscribed");
                assert_eq!(self.ended(ack.id.get()), Kind::Subscribe(ack.reasons.len() as u8));
            }
            Event::Unsubscribed(ack) => {
                self.seen.insert("unsubscribed");
                assert_eq!(self.ended(ack.id.get()), Kind::Unsubscribe(ack.reasons.len() as u8));
            }
            Event::SessionExpired { .. } => {
                self.seen.insert("session expired");
                self.delivered.clear();
            }
            Event::Rejected(_) => drop(self.seen.insert("rejected")),
            Event::Auth(_) => drop(self.seen.insert("auth")),
            Event::Pong => drop(self.seen.insert("pong")),
            Event::Disconnected(_) => drop(self.seen.insert("disconnected")),
            _ => {}
        }
    }

    fn connected(&mut self, connected: &Connected<'_>) {
        self.seen.insert(if connected.resumed { "resumed" } else { "connected" });
        if !connected.resumed {
            self.delivered.clear();
        }
        self.lasts = self.asked.expiry.is_some_and(|seconds| seconds != 0);
        let mut limits = Limits { receive: 65_535, qos: 2, retain: true, size: usize::MAX, aliases: 0 };
        for property in connected.packet.properties.iter() {
            match property {
                Property::ReceiveMaximum(most) => limits.receive = most.get().into(),
                Property::MaximumQoS(qos) => limits.qos = qos as u8,
                Property::RetainAvailable(yes) => limits.retain = yes,
                Property::MaximumPacketSize(most) => limits.size = most.get() as usize,
                Property::TopicAliasMaximum(most) => limits.aliases = most,
                Property::SessionExpiryInterval(seconds) => self.lasts = seconds != 0,
                _ => {}
            }
        }
        self.closed = None;
        self.limits = Some(limits);
        self.stage = Stage::Up;
    }

    // --- what the client wrote ---

    pub(crate) fn wrote(&mut self, bytes: &[u8]) {
        let mut written = core::mem::take(&mut self.written);
        written.extend_from_slice(bytes);
        let decoder = Decoder::new(Sender::Client);
        let mut rest = &written[..];
        loop {
            match decoder.decode(rest) {
                Ok(Decoded::Packet { used, packet }) => {
                    self.packet(&packet, used);
                    rest = &rest[used..];
                }
                Ok(Decoded::Partial { .. }) => break,
                Err(error) => panic!("{error}: {rest:02x?}"),
            }
        }
        self.written = rest.to_vec();
    }

    fn packet(&mut self, packet: &Packet<'_>, len: usize) {
        assert!(!self.over, "nothing after DISCONNECT [MQTT-3.14.4-1]");
        assert_eq!(matches!(packet, Packet::Connect(_)), self.connects == 0, "CONNECT is first, and once");
        self.connects = 1;
        if let Some(limits) = &self.limits {
            // These may have been on their way when the limit came.
            let late = matches!(packet, Packet::Auth(_) | Packet::Connect(_));
            assert!(late || len <= limits.size, "Maximum Packet Size [MQTT-3.2.2-15]");
        }
        match packet {
            Packet::Connect(_) => self.owed.push_back(Owed::ConnAck),
            Packet::Publish(publish) => self.publish(publish),
            Packet::PubRel(ack) if ack.reason == ReasonCode::SUCCESS => {
                self.owe(right_answer(Kind::Released, ack.id.get()));
            }
            Packet::PubRec(ack) if !ack.reason.is_error() => {
                let [high, low] = ack.id.get().to_be_bytes();
                self.owe(vec![0x62, 2, high, low]);
            }
            Packet::PubComp(ack) if ack.reason == ReasonCode::SUCCESS => {
                // Another one with this identifier is a new message.
                self.delivered.remove(&ack.id.get());
            }
            Packet::Subscribe(subscribe) => {
                let id = subscribe.id.get();
                self.owe(right_answer(Kind::Subscribe(subscribe.filters.len() as u8), id));
            }
            Packet::Unsubscribe(unsubscribe) => {
                let id = unsubscribe.id.get();
                self.owe(right_answer(Kind::Unsubscribe(unsubscribe.filters.len() as u8), id));
            }
            Packet::PingReq => self.owe(vec![0xD0, 0]),
            Packet::Disconnect(_) => self.over = true,
            _ => {}
        }
    }

    fn owe(&mut self, packet: Vec<u8>) {
        self.owed.push_back(Owed::Packet(packet));
    }

    fn publish(&mut self, publish: &mqtt5_codec::Publish<'_>) {
        let limits = self.limits.as_ref().expect("no PUBLISH before CONNACK");
        let qos = publish.delivery.qos();
        assert!(qos as u8 <= limits.qos, "Maximum QoS [MQTT-3.2.2-11]");
        assert!(limits.retain || !publish.retain, "Retain Available [MQTT-3.2.2-14]");
        if let Some(alias) = publish.topic.alias().map(|alias| alias.get()) {
            assert!(qos == QoS::AtMostOnce && alias <= limits.aliases, "Topic Alias Maximum [MQTT-3.2.2-17]");
            let new = self.aliases.insert(alias);
            assert!(!new || publish.topic.name().is_some(), "an alias is used when it was given");
            self.seen.insert(if publish.topic.name().is_some() { "alias given" } else { "alias used" });
        }
        let (id, dup, kind) = match publish.delivery {
            Delivery::AtMostOnce => return,
            Delivery::AtLeastOnce { id, dup } => (id.get(), dup, Kind::Once),
            Delivery::ExactlyOnce { id, dup } => (id.get(), dup, Kind::Twice),
        };
        self.owed.push_back(Owed::Packet(right_answer(kind, id)));
        if self.early.take() == Some(id) {
            return;
        }
        self.here.insert(id);
        assert!(self.here.len() <= limits.receive, "Receive Maximum [MQTT-3.3.4-9]");
        let before = !self.sent.insert(id);
        assert!(dup || !before, "what is sent again has DUP [MQTT-3.3.1-1]");
        self.seen.insert(if dup { "sent again" } else { "sent" });
    }
}
