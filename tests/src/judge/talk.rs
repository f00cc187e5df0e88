//! How the judge of servers talks: clients without a mind of their own, whose every packet a case decides.

use std::collections::{BTreeMap, VecDeque};

use mqtt5_codec::{
    Ack, Connect, Decoded, Decoder, Delivery, Filter, Packet, PacketId, Properties, Property, Publish, QoS, ReasonCode,
    Sender, Subscribe, Subscription, SubscriptionOptions, Text, Topic, TopicRef, Will,
};

use super::report::Report;
use super::server::Server;
use crate::broker::Buffer;

/// A case ends early: what it says, the server did not do.
#[derive(Debug)]
pub struct Stop(pub String);

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
    pub properties: &'a [Property<'a>],
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

/// The judge of a server at work.
pub struct Talk<'s> {
    server: &'s mut dyn Server,
    /// What was found.
    pub report: Report,
    unread: BTreeMap<usize, Vec<u8>>,
    /// Messages that came while something else was waited for.
    early: VecDeque<(usize, Vec<u8>)>,
    open: Vec<usize>,
    /// The Maximum Packet Size that a link's CONNECT named.
    sizes: BTreeMap<usize, u32>,
    /// Part of every name and topic, so that runs do not meet.
    pub run: String,
    /// User name and password, where the server wants them.
    pub user: Option<(String, String)>,
    next_id: u16,
}

/// Reads what a server sent.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Packet<'_>> {
    match Decoder::new(Sender::Server).decode(bytes) {
        Ok(Decoded::Packet { packet, .. }) => Some(packet),
        _ => None,
    }
}

impl<'s> Talk<'s> {
    /// A judge of this server.
    pub fn new(server: &'s mut dyn Server, run: &str) -> Self {
        let (unread, early, open) = (BTreeMap::new(), VecDeque::new(), Vec::new());
        let sizes = BTreeMap::new();
        Self {
            server,
            report: Report::default(),
            unread,
            early,
            open,
            sizes,
            run: run.to_owned(),
            user: None,
            next_id: 0,
        }
    }

    /// A topic or client identifier of this run.
    #[must_use]
    pub fn name(&self, name: &str) -> String {
        format!("{}{name}", self.run)
    }

    /// A packet identifier not used before.
    pub fn id(&mut self) -> PacketId {
        self.next_id = self.next_id % 1000 + 1;
        PacketId::new(self.next_id).unwrap_or(PacketId::from(core::num::NonZeroU16::MIN))
    }

    /// A statement was looked at.
    pub fn see(&mut self, statement: &str, kept: bool, what: impl FnOnce() -> String) {
        self.report.see(statement, kept, what);
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When the server does not take it.
    pub fn open(&mut self) -> Try<usize> {
        let link = self.server.open().map_err(|error| Stop(format!("no connection: {error}")))?;
        self.open.push(link);
        self.unread.insert(link, Vec::new());
        Ok(link)
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

    /// Lets time pass.
    pub fn sleep(&mut self, wait: u64) {
        self.server.sleep(wait);
    }

    /// Sends bytes.
    pub fn raw(&mut self, link: usize, bytes: &[u8]) {
        self.server.send(link, bytes);
    }

    /// Sends a packet.
    pub fn send(&mut self, link: usize, packet: &Packet<'_>) {
        let mut out = Buffer::default();
        if packet.encode(Sender::Client, &mut out).is_ok() {
            self.server.send(link, &out.0);
        }
    }

    /// The next packet, within the time that the judge has for it; none when nothing comes or the server closes.
    pub fn next(&mut self, link: usize) -> Option<Vec<u8>> {
        self.within(link, self.server.patience().0)
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
                    self.look(link, &bytes);
                    return Some(bytes);
                }
                Err(error) => {
                    let what = format!("{error}: {:02x?}", unread.get(..unread.len().min(40)).unwrap_or_default());
                    unread.clear();
                    self.report.see(error.rule.id(), false, || what);
                    return None;
                }
                Ok(Decoded::Partial { .. }) => {}
            }
            let before = unread.len();
            let mut more = core::mem::take(unread);
            let goes_on = self.server.receive(link, &mut more, wait);
            let none = more.len() == before;
            self.unread.insert(link, more);
            if !goes_on || none {
                return None;
            }
        }
    }

    /// What every packet of a server shows by itself: that its codes are of the table, and that it does not explain itself at
    /// a greater length than the client takes.
    fn look(&mut self, link: usize, bytes: &[u8]) {
        let Some(packet) = read(bytes) else { return };
        let (codes, explained, properties): (&[&str], _, _) = match &packet {
            Packet::ConnAck(ack) => {
                (&["MQTT-3.2.2-1", "MQTT-3.2.2-8"], ["MQTT-3.2.2-19", "MQTT-3.2.2-20"], ack.properties)
            }
            Packet::PubAck(ack) => (&["MQTT-3.4.2-1"], ["MQTT-3.4.2-2", "MQTT-3.4.2-3"], ack.properties),
            Packet::PubRec(ack) => (&["MQTT-3.5.2-1"], ["MQTT-3.5.2-2", "MQTT-3.5.2-3"], ack.properties),
            Packet::PubRel(ack) => (&["MQTT-3.6.2-1"], ["MQTT-3.6.2-2", "MQTT-3.6.2-3"], ack.properties),
            Packet::PubComp(ack) => (&["MQTT-3.7.2-1"], ["MQTT-3.7.2-2", "MQTT-3.7.2-3"], ack.properties),
            Packet::SubAck(ack) => (&["MQTT-3.9.3-2"], ["MQTT-3.9.2-1", "MQTT-3.9.2-2"], ack.properties),
            Packet::UnsubAck(ack) => (&["MQTT-3.11.3-2"], ["MQTT-3.11.2-1", "MQTT-3.11.2-2"], ack.properties),
            Packet::Disconnect(words) => {
                (&["MQTT-3.14.2-1", "MQTT-3.14.2-2"], ["MQTT-3.14.2-3", "MQTT-3.14.2-4"], words.properties)
            }
            _ => return,
        };
        for statement in codes {
            self.report.see(statement, true, String::new);
        }
        let Some(most) = self.sizes.get(&link).copied() else { return };
        let fits = bytes.len() <= most as usize;
        let talks = [properties.reason_string().is_some(), properties.user_properties().next().is_some()];
        for (statement, talks) in explained.into_iter().zip(talks) {
            self.report.see(statement, fits || !talks, || format!("{} bytes of {most}: {bytes:02x?}", bytes.len()));
        }
    }

    /// Whether the server closes the connection, whatever it says before.
    pub fn closes(&mut self, link: usize) -> bool {
        self.rest(link).1
    }

    /// What the server still says, and whether it closes the connection.
    pub fn rest(&mut self, link: usize) -> (Vec<u8>, bool) {
        let patience = self.server.patience().0;
        let mut rest = self.unread.remove(&link).unwrap_or_default();
        for _ in 0..20 {
            let before = rest.len();
            if !self.server.receive(link, &mut rest, patience) {
                return (rest, true);
            }
            if rest.len() == before {
                break;
            }
        }
        (rest, false)
    }

    /// The next message, not acknowledged, which the server owes to the subscriber [MQTT-4.5.0-1].
    ///
    /// # Errors
    /// When it does not come.
    pub fn owed(&mut self, link: usize) -> Try<Got> {
        let got = self.arrival(link, true)?;
        self.see("MQTT-4.5.0-1", got.is_some(), || "a message on a topic that is subscribed did not come".to_owned());
        got.ok_or_else(|| Stop("no message came".to_owned()))
    }

    /// Sends CONNECT, and returns the link with CONNACK as it came.
    ///
    /// # Errors
    /// When no CONNACK with reason 0 comes.
    pub fn join(&mut self, name: &str, join: Join<'_>) -> Try<(usize, Vec<u8>)> {
        let link = self.open()?;
        let name = if name.is_empty() { String::new() } else { self.name(name) };
        let user = self.user.clone();
        let connect = Connect {
            clean_start: join.clean,
            keep_alive: join.keep_alive,
            properties: Properties::from(join.properties),
            client_id: Text::new(&name).unwrap_or(Text::EMPTY),
            will: join.will,
            user_name: user.as_ref().and_then(|(user, _)| Text::new(user).ok()),
            password: user.as_ref().map(|(_, password)| password.as_bytes()),
        };
        self.sizes.remove(&link);
        if let Some(most) = connect.properties.maximum_packet_size() {
            self.sizes.insert(link, most.get());
        }
        self.send(link, &Packet::Connect(connect));
        let bytes = self.next(link).ok_or_else(|| Stop("no answer to CONNECT".to_owned()));
        if bytes.is_err() {
            self.see("MQTT-3.1.4-5", false, || "CONNECT is not answered".to_owned());
        }
        let bytes = bytes?;
        match read(&bytes) {
            Some(Packet::ConnAck(ack)) if !ack.reason.is_error() => {
                for statement in ["MQTT-3.2.0-1", "MQTT-3.1.4-5", "MQTT-3.14.0-1"] {
                    self.see(statement, true, String::new);
                }
                Ok((link, bytes.clone()))
            }
            Some(Packet::ConnAck(ack)) => Err(Stop(format!("CONNECT is refused: {}", ack.reason))),
            other => {
                let what = format!("the first packet is {other:?}");
                let spoke = matches!(other, Some(Packet::Disconnect(_)));
                self.see("MQTT-3.14.0-1", !spoke, || what.clone());
                self.see("MQTT-3.2.0-1", false, || what.clone());
                Err(Stop(what))
            }
        }
    }

    /// As [`join`](Self::join), without CONNACK.
    ///
    /// # Errors
    /// As there.
    pub fn enter(&mut self, name: &str, join: Join<'_>) -> Try<usize> {
        Ok(self.join(name, join)?.0)
    }

    /// Subscribes to one filter of this run.
    ///
    /// # Errors
    /// When it is not granted.
    pub fn subscribe(&mut self, link: usize, filter: &str, options: SubscriptionOptions) -> Try<()> {
        self.subscribe_with(link, filter, options, &[])
    }

    /// Subscribes to one filter of this run, with properties.
    ///
    /// # Errors
    /// When it is not granted.
    pub fn subscribe_with(
        &mut self,
        link: usize,
        filter: &str,
        options: SubscriptionOptions,
        properties: &[Property<'_>],
    ) -> Try<()> {
        let filter = match filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/')) {
            Some((name, rest)) => format!("$share/{name}/{}", self.name(rest)),
            None if filter.starts_with(['#', '+']) => filter.to_owned(),
            None => self.name(filter),
        };
        let filter = Filter::new(&filter).map_err(|rule| Stop(format!("{filter}: {rule}")))?;
        let id = self.id();
        let filters = [Subscription { filter, options }];
        let properties = Properties::from(properties);
        self.send(link, &Packet::Subscribe(Subscribe { id, properties, filters: (&filters).into() }));
        let Some(bytes) = self.next(link) else {
            self.see("MQTT-3.8.4-1", false, || "no SUBACK".to_owned());
            return Err(Stop("no SUBACK".to_owned()));
        };
        let Some(Packet::SubAck(ack)) = read(&bytes) else {
            return Err(Stop(format!("not SUBACK: {:?}", read(&bytes))));
        };
        self.see("MQTT-3.8.4-1", true, String::new);
        for statement in ["MQTT-3.8.4-2", "MQTT-2.2.1-6"] {
            self.see(statement, ack.id == id, || format!("SUBACK for {}, not {id}", ack.id));
        }
        self.see("MQTT-3.8.4-6", ack.reasons.len() == 1, || format!("{} reasons for one filter", ack.reasons.len()));
        match ack.reasons.iter().next() {
            Some(reason) if !reason.is_error() => Ok(()),
            other => Err(Stop(format!("SUBACK says {other:?}"))),
        }
    }

    /// Publishes on a topic of this run, with every answer that belongs to it.
    ///
    /// # Errors
    /// When the answers do not come.
    pub fn publish(&mut self, link: usize, topic: &str, payload: &str, qos: QoS, retain: bool) -> Try<()> {
        self.publish_with(link, topic, payload, qos, retain, &[])
    }

    /// As [`publish`](Self::publish), with properties.
    ///
    /// # Errors
    /// As there.
    pub fn publish_with(
        &mut self,
        link: usize,
        topic: &str,
        payload: &str,
        qos: QoS,
        retain: bool,
        properties: &[Property<'_>],
    ) -> Try<()> {
        let topic = if topic.starts_with('$') { topic.to_owned() } else { self.name(topic) };
        let topic = Topic::new(&topic).map_err(|rule| Stop(format!("{topic}: {rule}")))?;
        let id = self.id();
        let delivery = match qos {
            QoS::AtMostOnce => Delivery::AtMostOnce,
            QoS::AtLeastOnce => Delivery::AtLeastOnce { id, dup: false },
            QoS::ExactlyOnce => Delivery::ExactlyOnce { id, dup: false },
        };
        let properties = Properties::from(properties);
        let payload = payload.as_bytes();
        let topic = TopicRef::Name(topic);
        self.send(link, &Packet::Publish(Publish { topic, delivery, retain, properties, payload }));
        match qos {
            QoS::AtMostOnce => Ok(()),
            QoS::AtLeastOnce => self.answered(link, id, "MQTT-4.3.2-4", |packet| match packet {
                Packet::PubAck(ack) => Some(*ack),
                _ => None,
            }),
            QoS::ExactlyOnce => {
                self.answered(link, id, "MQTT-4.3.3-8", |packet| match packet {
                    Packet::PubRec(ack) => Some(*ack),
                    _ => None,
                })?;
                self.release(link, id)
            }
        }
    }

    /// Sends PUBREL, and waits for PUBCOMP.
    ///
    /// # Errors
    /// When it does not come.
    pub fn release(&mut self, link: usize, id: PacketId) -> Try<()> {
        let ack = Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
        self.send(link, &Packet::PubRel(ack));
        self.answered(link, id, "MQTT-4.3.3-11", |packet| match packet {
            Packet::PubComp(ack) => Some(*ack),
            _ => None,
        })
    }

    /// Waits for an acknowledgement.
    fn answered(
        &mut self,
        link: usize,
        id: PacketId,
        statement: &str,
        pick: impl for<'p> Fn(&Packet<'p>) -> Option<Ack<'p>>,
    ) -> Try<()> {
        let mut bytes = self.next(link).unwrap_or_default();
        while matches!(read(&bytes), Some(Packet::Publish(_))) {
            self.early.push_back((link, bytes));
            bytes = self.next(link).unwrap_or_default();
        }
        let packet = read(&bytes);
        let Some(ack) = packet.as_ref().and_then(pick) else {
            if statement != "MQTT-4.3.3-4" && statement != "MQTT-4.3.3-11" {
                self.see("MQTT-3.3.4-1", false, || format!("{packet:?} instead of the acknowledgement of {id}"));
            }
            self.see(statement, false, || format!("{packet:?} instead of the acknowledgement of {id}"));
            return Err(Stop(format!("{id} is not acknowledged")));
        };
        self.see(statement, true, String::new);
        self.see("MQTT-3.3.4-1", true, String::new);
        self.see("MQTT-2.2.1-5", ack.id == id, || format!("{} is acknowledged instead of {id}", ack.id));
        if ack.id == id { Ok(()) } else { Err(Stop("another identifier".to_owned())) }
    }

    /// The next message, acknowledged; none when none comes.
    ///
    /// # Errors
    /// When something else comes, or the handshake is not finished.
    pub fn message(&mut self, link: usize) -> Try<Option<Got>> {
        let Some(got) = self.arrival(link, true)? else { return Ok(None) };
        self.acknowledge(link, &got)?;
        Ok(Some(got))
    }

    /// Whether no message comes.
    ///
    /// # Errors
    /// When something else comes.
    pub fn silence(&mut self, link: usize) -> Try<bool> {
        Ok(self.arrival(link, false)?.is_none())
    }

    /// The next message, not acknowledged.
    ///
    /// # Errors
    /// When something else comes.
    pub fn arrival(&mut self, link: usize, patient: bool) -> Try<Option<Got>> {
        let early = self.early.iter().position(|(of, _)| *of == link).and_then(|at| self.early.remove(at));
        let bytes = match early {
            Some((_, bytes)) => Some(bytes),
            None if patient => self.next(link),
            None => self.soon(link),
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let Some(Packet::Publish(publish)) = read(&bytes) else {
            return Err(Stop(format!("{:?} instead of a message", read(&bytes))));
        };
        let mut ids: Vec<_> = publish.properties.subscription_identifiers().map(|id| id.get()).collect();
        ids.sort_unstable();
        Ok(Some(Got {
            topic: publish.topic.name().map(|name| name.as_str().to_owned()).unwrap_or_default(),
            payload: String::from_utf8_lossy(publish.payload).into_owned(),
            qos: publish.delivery.qos(),
            retain: publish.retain,
            dup: publish.delivery.dup(),
            id: publish.delivery.id(),
            ids,
            bytes: bytes.clone(),
        }))
    }

    /// Acknowledges a message, to the end.
    ///
    /// # Errors
    /// When PUBREL does not come.
    pub fn acknowledge(&mut self, link: usize, got: &Got) -> Try<()> {
        let Some(id) = got.id else { return Ok(()) };
        let ack = Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
        if got.qos == QoS::AtLeastOnce {
            self.send(link, &Packet::PubAck(ack));
            return Ok(());
        }
        self.send(link, &Packet::PubRec(ack));
        self.answered(link, id, "MQTT-4.3.3-4", |packet| match packet {
            Packet::PubRel(ack) => Some(*ack),
            _ => None,
        })?;
        self.send(link, &Packet::PubComp(ack));
        Ok(())
    }
}
