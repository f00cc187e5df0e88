//! From a message to its subscribers (sections 3.3.1.3, 3.3.4, 4.5, 4.6 and 4.8).

use std::collections::BTreeMap;
use std::rc::Rc;

use mqtt5_codec::{Ack, Filter, Packet, PacketId, Properties, Property, QoS, ReasonCode, Topic, TopicAlias};

use super::link::Link;
use super::message::{Envelope, Message};
use super::publish::delivery;
use super::session::{Queued, Sending, Session, Will};
use super::{Broker, Entry};

/// What one session gets of a message.
#[derive(Default)]
struct Match {
    qos: Option<QoS>,
    retain_as_published: bool,
    ids: Vec<u32>,
}

/// A member of a shared subscription: client, QoS and subscription identifier.
type Member<'a> = (&'a str, QoS, Option<u32>);

impl Broker {
    /// Keeps a message if it asks for that, and sends it to whoever subscribed. Returns how many did.
    pub(super) fn route(&mut self, message: &Rc<Message>) -> usize {
        if self.breaks("MQTT-4.6.0-5") && !message.payload().is_empty() {
            // Every second message goes before the one that came before it.
            let Some(first) = self.kept_back.take() else {
                self.kept_back = Some(message.clone());
                return 1;
            };
            return self.spread(message) + self.spread(&first);
        }
        self.spread(message)
    }

    fn spread(&mut self, message: &Rc<Message>) -> usize {
        let altered = self.altered(message);
        let message = &altered;
        self.note(|| Entry::Routed(message.clone()));
        self.retain(message);
        let Ok(topic) = Topic::new(&message.topic) else { return 0 };
        let mut reached: Vec<(String, Match)> = Vec::new();
        let mut shared: BTreeMap<&str, Vec<Member<'_>>> = BTreeMap::new();
        for (client, session) in &self.sessions {
            let mut found = Match::default();
            for (filter, subscribed) in &session.subscriptions {
                let Ok(parsed) = Filter::new(filter) else { continue };
                if !parsed.matches(topic) && !self.matches_wrongly(filter, topic) {
                    continue;
                }
                if parsed.is_shared() {
                    shared.entry(filter).or_default().push((client, subscribed.options.maximum_qos, subscribed.id));
                    continue;
                }
                if subscribed.options.no_local && *client == message.from && !self.breaks("MQTT-3.8.3-3") {
                    continue;
                }
                let granted = subscribed.options.maximum_qos;
                let least = self.breaks("MQTT-3.3.4-2");
                found.qos =
                    found.qos.map(|qos| if least { qos.min(granted) } else { qos.max(granted) }).or(Some(granted));
                found.retain_as_published |= subscribed.options.retain_as_published;
                found.ids.extend(subscribed.id);
            }
            if found.qos.is_some() {
                reached.push((client.clone(), found));
            }
        }
        for members in shared.into_values() {
            let connected = |client: &str| self.sessions.get(client).is_some_and(|session| session.link.is_some());
            let (up, down): (Vec<_>, Vec<_>) = members.into_iter().partition(|(client, ..)| connected(client));
            let able = if up.is_empty() { down } else { up };
            self.turn = self.turn.wrapping_add(1);
            let all = self.breaks("MQTT 4.8.2");
            let first = self.turn % able.len().max(1);
            for (_, (client, qos, id)) in able.into_iter().enumerate().filter(|(at, _)| all || *at == first) {
                let found = Match { qos: Some(qos), retain_as_published: false, ids: id.into_iter().collect() };
                reached.push((client.to_owned(), found));
            }
        }
        let count = reached.len();
        for (client, found) in reached {
            self.queue(&client, message, found);
        }
        count
    }

    fn queue(&mut self, client: &str, message: &Rc<Message>, found: Match) {
        let granted = found.qos.unwrap_or(QoS::AtMostOnce);
        let qos = if self.breaks("MQTT-3.8.4-8") { QoS::ExactlyOnce } else { message.qos.min(granted) };
        let retain = match found.retain_as_published {
            true => message.retain && !self.breaks("MQTT-3.3.1-13"),
            false => message.retain && self.breaks("MQTT-3.3.1-12"),
        };
        let mut ids = if self.breaks("MQTT-3.3.4-3") { Vec::new() } else { found.ids };
        if self.breaks("MQTT-3.3.4-4") {
            ids.truncate(1);
        }
        let Some(session) = self.sessions.get_mut(client) else { return };
        if session.link.is_none() && qos == QoS::AtMostOnce {
            return;
        }
        session.queue.push_back(Queued { message: message.clone(), qos, retain, ids });
        let link = session.link;
        self.note(|| Entry::Queued(client.to_owned(), message.clone(), qos));
        if let Some(number) = link {
            self.pump(number);
        }
    }

    /// Stores or removes a retained message (section 3.3.1.3).
    fn retain(&mut self, message: &Rc<Message>) {
        let stores = message.retain && !self.breaks("MQTT-3.3.1-5") || self.breaks("MQTT-3.3.1-8");
        if !stores || !self.limits.retain_available {
            return;
        }
        if message.payload().is_empty() && !self.breaks("MQTT-3.3.1-7") {
            if !self.breaks("MQTT-3.3.1-6") {
                self.retained.remove(&message.topic);
            }
        } else {
            self.retained.insert(message.topic.clone(), message.clone());
        }
    }

    /// Sends the retained messages that match a filter, as a subscription that was just made asks for.
    pub(super) fn send_retained(&mut self, number: usize, filter: &str, qos: QoS, id: Option<u32>) {
        let Ok(filter) = Filter::new(filter) else { return };
        let matching = |message: &Rc<Message>| Topic::new(&message.topic).is_ok_and(|topic| filter.matches(topic));
        let now = self.now;
        self.retained.retain(|_, message| !message.is_expired(now));
        let found: Vec<_> = self.retained.values().filter(|message| matching(message)).cloned().collect();
        let retain = !self.breaks("MQTT 3.3.1.3");
        let Some(link) = self.links.get(number).and_then(Option::as_ref) else { return };
        let Some(session) = self.sessions.get_mut(&link.client) else { return };
        for message in found {
            let qos = message.qos.min(qos);
            if let Some(journal) = &mut self.journal {
                journal.push(Entry::Queued(link.client.clone(), message.clone(), qos));
            }
            session.queue.push_back(Queued { message, qos, retain, ids: id.into_iter().collect() });
        }
    }

    /// Publishes a will.
    pub(super) fn publish_will(&mut self, client: &str, will: Will) {
        if self.breaks("MQTT-3.1.2-8") {
            return;
        }
        let mut message = will.message.expiring(will.expiry.map(|seconds| self.now + u64::from(seconds) * 1000));
        if self.breaks("MQTT-3.1.2-14") || self.breaks("MQTT-3.1.2-15") {
            message = message.retained(!message.retain);
        }
        self.route(&message);
        if self.breaks("MQTT-3.1.2-10")
            && let Some(session) = self.sessions.get_mut(client)
        {
            session.will = Some(Will { due: Some(self.now + 1), ..will });
        }
    }

    /// Sends what waits for a link, as far as the client takes it.
    pub(super) fn pump(&mut self, number: usize) {
        let now = self.now;
        let lapse = self.lapse;
        let breaks = |statement: &str| lapse == Some(statement);
        let mut sender = Outgoing { now, lapse, delay: self.faults.delay, journal: self.journal.as_mut() };
        let Some(Some(link)) = self.links.get_mut(number) else { return };
        let Some(session) = self.sessions.get_mut(&link.client) else { return };
        if session.link != Some(number) {
            return;
        }
        if !sender.again(link, session) {
            return;
        }
        while let Some(front) = session.queue.front() {
            if front.message.is_expired(now) && !breaks("MQTT-3.3.2-5") {
                sender.dropped(&link.client, &front.message);
                session.queue.pop_front();
                continue;
            }
            let counted = front.qos != QoS::AtMostOnce;
            let full = session.unacknowledged() >= usize::from(link.receive_maximum) && !breaks("MQTT-3.3.4-9");
            if counted && full {
                return;
            }
            let id = if counted { session.take_id() } else { None };
            let Some(item) = session.queue.pop_front() else { return };
            if !sender.publish(link, &item, id, breaks("MQTT-3.3.1-3") && counted) {
                if breaks("MQTT-3.1.2-25") {
                    session.queue.clear();
                    link.maximum_packet_size = Some(0);
                }
                continue;
            }
            if let Some(id) = id {
                session.sending.push(Sending { id, item, released: false, sent: true, begun: true, counted: true });
            }
        }
    }

    /// A lapse on what is forwarded unchanged.
    fn altered(&self, message: &Rc<Message>) -> Rc<Message> {
        let keep = |property: &Property<'_>| match self.lapse {
            Some("MQTT-3.3.2-4") => !matches!(property, Property::PayloadFormatIndicator(_)),
            Some("MQTT-3.3.2-15") => !matches!(property, Property::ResponseTopic(_)),
            Some("MQTT-3.3.2-16") => !matches!(property, Property::CorrelationData(_)),
            Some("MQTT-3.3.2-17") => !matches!(property, Property::UserProperty(..)),
            Some("MQTT-3.3.2-20") => !matches!(property, Property::ContentType(_)),
            _ => true,
        };
        match self.lapse {
            None => message.clone(),
            Some("MQTT-3.3.2-18") => message.without(keep, true),
            Some(statement) if statement.starts_with("MQTT-3.3.2-") => message.without(keep, false),
            Some(_) => message.clone(),
        }
    }

    /// A lapse on what a filter matches.
    fn matches_wrongly(&self, filter: &str, topic: Topic<'_>) -> bool {
        match self.lapse {
            Some("MQTT-4.7.2-1") => filter.starts_with(['#', '+']) && topic.as_str().starts_with('$'),
            Some("MQTT-4.7.3-4") => filter.eq_ignore_ascii_case(topic.as_str()),
            _ => false,
        }
    }
}

/// Sends PUBLISH and PUBREL on a link.
struct Outgoing<'j> {
    now: u64,
    lapse: Option<&'static str>,
    delay: u64,
    journal: Option<&'j mut Vec<Entry>>,
}

impl Outgoing<'_> {
    /// Sends again what was under way when the last link ended. False when the client's Receive Maximum holds it up.
    fn again(&mut self, link: &mut Link, session: &mut Session) -> bool {
        let receive_maximum = usize::from(link.receive_maximum);
        let mut at = 0;
        while let Some(sending) = session.sending.get(at) {
            if sending.sent {
                at += 1;
                continue;
            }
            let Some(id) = PacketId::new(sending.id) else { return true };
            let times = if link.doubled && sending.item.qos == QoS::ExactlyOnce { 2 } else { 1 };
            if sending.released {
                let pubrel = Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
                let before = link.output.0.len();
                for _ in 0..times {
                    let _ = Packet::PubRel(pubrel).encode(mqtt5_codec::Sender::Server, &mut link.output);
                }
                self.note(link, before);
            } else {
                if session.unacknowledged() >= receive_maximum {
                    return false;
                }
                if self.lapse == Some("MQTT-4.4.0-1") {
                    session.sending.remove(at);
                    continue;
                }
                let dup = sending.begun && self.lapse != Some("MQTT-3.3.1-1");
                let item = sending.item.clone();
                let sent = (0..times).all(|_| self.publish(link, &item, Some(id.get()), dup));
                if !sent {
                    // Too large for this link: given up as if it had been sent [MQTT-3.1.2-25].
                    session.sending.remove(at);
                    continue;
                }
            }
            if let Some(sending) = session.sending.get_mut(at) {
                sending.counted = !sending.released;
                sending.sent = true;
                sending.begun = true;
            }
            at += 1;
        }
        true
    }

    /// Sends a PUBLISH; false when it is too large for the client.
    fn publish(&mut self, link: &mut Link, item: &Queued, id: Option<u16>, dup: bool) -> bool {
        let breaks = |statement: &str| self.lapse == Some(statement);
        let id = id.and_then(PacketId::new);
        let delivery = delivery(item.qos, id, dup);
        let fresh = breaks("MQTT-3.3.2-6");
        let now = if fresh { self.now.saturating_sub(60_000) } else { self.now };
        let mut envelope = Envelope { delivery, retain: item.retain, ids: &item.ids, alias: None };
        let most = link.maximum_packet_size.map_or(usize::MAX, |most| most as usize);
        let before = link.output.0.len();
        // The full name is longer than the alias, so what fits with it fits in any case.
        let fits = matches!(item.message.encode(envelope, now, &mut link.output), Ok(len) if len <= most);
        if !fits && !breaks("MQTT-3.1.2-24") {
            link.output.0.truncate(before);
            self.dropped(&link.client, &item.message);
            return false;
        }
        let alias = match link.alias(&item.message.topic) {
            _ if breaks("MQTT-3.1.2-26") || breaks("MQTT-3.1.2-27") => Some((link.alias_maximum + 1, false)),
            alias => alias,
        };
        if let Some(alias) = alias.and_then(|(alias, known)| Some((TopicAlias::new(alias)?, known))) {
            link.output.0.truncate(before);
            envelope.alias = Some(alias);
            let with_alias = item.message.encode(envelope, now, &mut link.output);
            if !matches!(with_alias, Ok(len) if len <= most) {
                // A name and a new alias do not fit together; the alias is not set then.
                link.output.0.truncate(before);
                link.aliases_out.pop();
                envelope.alias = None;
                let _ = item.message.encode(envelope, now, &mut link.output);
            }
        }
        self.note(link, before);
        true
    }

    fn dropped(&mut self, client: &str, message: &Rc<Message>) {
        if let Some(journal) = &mut self.journal {
            journal.push(Entry::Dropped(client.to_owned(), message.clone()));
        }
    }

    fn note(&self, link: &mut Link, before: usize) {
        if self.delay > 0 || !link.delayed.is_empty() {
            link.delay(self.now + self.delay, link.output.0.len() - before);
        }
    }
}
