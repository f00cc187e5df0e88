//! What a client publishes, and what it acknowledges (sections 3.3 to 3.7, 4.3, 4.4 and 4.6).

use std::rc::Rc;

use mqtt5_codec::{
    Ack, AckKind, Delivery, Packet, PacketId, Properties, Property, Publish, QoS, ReasonCode, Text, Topic, TopicRef,
};

use super::limits::Limits;
use super::message::Message;
use super::session::{Claim, Kind, Step};
use super::{Broker, Entry};

/// An acknowledgement as a packet.
const fn packet(kind: AckKind, ack: Ack<'_>) -> Packet<'_> {
    match kind {
        AckKind::PubAck => Packet::PubAck(ack),
        AckKind::PubRec => Packet::PubRec(ack),
        AckKind::PubRel => Packet::PubRel(ack),
        AckKind::PubComp => Packet::PubComp(ack),
    }
}

/// Whether the limits of a link keep the client from sending this again.
fn is_forbidden(claim: &Claim, limits: &Limits) -> bool {
    let Some(message) = &claim.message else { return false };
    message.qos > limits.maximum_qos
        || message.retain && !limits.retain_available
        || limits.maximum_packet_size.is_some_and(|most| claim.size > most as usize)
}

/// Whether the client has to send this PUBLISH again and has not yet.
fn is_owed(claim: &Claim) -> bool {
    matches!(claim.kind, Kind::AtLeastOnce | Kind::ExactlyOnce) && !claim.here && !claim.received && !claim.given_up
}

impl Broker {
    /// PUBLISH of a client.
    pub(super) fn publish(&mut self, number: usize, publish: &Publish<'_>, size: usize) {
        let now = self.now;
        let Some(link) = self.link(number) else { return };
        let (limits, client) = (link.limits.clone(), link.client.clone());
        let qos = publish.delivery.qos();
        if !self.ledger.check("MQTT-3.2.2-11", qos <= limits.maximum_qos, || format!("PUBLISH at {qos:?}")) {
            return self.disconnect(number, ReasonCode::QOS_NOT_SUPPORTED);
        }
        let retainable = limits.retain_available || !publish.retain;
        if !self.ledger.check("MQTT-3.2.2-14", retainable, || "PUBLISH with RETAIN".to_owned()) {
            return self.disconnect(number, ReasonCode::RETAIN_NOT_SUPPORTED);
        }
        let Some(topic) = self.topic(number, publish.topic) else { return };
        let Ok(topic) = Topic::new(&topic) else { return };
        let message = Message::new(publish, topic, &client, now);
        let Some(id) = publish.delivery.id() else {
            self.route(&message);
            return;
        };
        if self.claim(number, id.get(), publish.delivery.dup(), &message, size) {
            self.take(number, id, &message);
        }
    }

    /// The topic name that a PUBLISH means; none when that can't be told, which ends the connection.
    fn topic(&mut self, number: usize, topic: TopicRef<'_>) -> Option<String> {
        let link = self.link(number)?;
        let maximum = link.limits.topic_alias_maximum;
        let Some(alias) = topic.alias().map(u16::from) else {
            return topic.name().map(|name| name.as_str().to_owned());
        };
        let statement = if maximum == 0 { "MQTT-3.2.2-18" } else { "MQTT-3.2.2-17" };
        if !self.ledger.check(statement, alias <= maximum, || format!("topic alias {alias}, at most {maximum}")) {
            self.disconnect(number, ReasonCode::TOPIC_ALIAS_INVALID);
            return None;
        }
        let link = self.link(number)?;
        if let Some(name) = topic.name() {
            link.aliases_in.insert(alias, name.as_str().to_owned());
        }
        let known = link.aliases_in.get(&alias).cloned();
        if !self
            .ledger
            .check("MQTT-3.3.2-7", known.is_some(), || format!("topic alias {alias} is not set on this link"))
        {
            self.disconnect(number, ReasonCode::PROTOCOL_ERROR);
        }
        if self.breaks("MQTT-3.3.2-12") {
            return Some("elsewhere".to_owned());
        }
        known
    }

    /// Checks the identifier of a QoS 1 or 2 PUBLISH, and takes it down. False when the connection ended.
    fn claim(&mut self, number: usize, id: u16, dup: bool, message: &Rc<Message>, size: usize) -> bool {
        let kind = if message.qos == QoS::AtLeastOnce { Kind::AtLeastOnce } else { Kind::ExactlyOnce };
        let Some(link) = self.links.get(number).and_then(Option::as_ref) else { return false };
        let (limits, resumed) = (link.limits.clone(), link.resumed);
        let Some(session) = self.sessions.get_mut(&link.client) else { return false };
        // What the limits forbade to send again is over for the client; at QoS 2 the identifier still is not free.
        session
            .claims
            .retain(|old| old.id != id || dup || old.kind != Kind::AtLeastOnce || !is_forbidden(old, &limits));
        let again = |claim: &Claim| dup && claim.message.as_ref().is_some_and(|old| same(old, message));
        session.claims.retain(|claim| !claim.is_free(id) || again(claim));
        let owed = session.claims.iter().find(|claim| is_owed(claim)).map(|claim| claim.id);
        let given_up = session.claim(id).is_some_and(|claim| claim.given_up);
        // One that is no longer known was acknowledged in bytes that the client has not read: its place is not known either.
        let unknown = session.claim(id).is_none();
        let in_order = !dup || given_up || unknown || owed.is_none_or(|first| first == id);
        let broken = match session.claim(id) {
            None if dup && !resumed => Some(("MQTT-3.3.1-3", "DUP on a message that was never sent before")),
            None => None,
            Some(old) if !dup && old.message.as_ref() == Some(message) => {
                Some(("MQTT-3.3.1-1", "sent again without DUP"))
            }
            Some(_) if !dup => Some(("MQTT-2.2.1-3", "an identifier in use is given to another message")),
            Some(old) if old.kind != kind => Some(("MQTT-2.2.1-3", "sent again at another QoS, or as another packet")),
            Some(old) if old.here => Some(("MQTT-4.4.0-1", "sent again on the same connection")),
            Some(old) if old.received && !old.doubtful => {
                Some(("MQTT-4.3.3-6", "PUBLISH sent again after PUBREC was received"))
            }
            Some(old) if !old.message.as_ref().is_some_and(|kept| same(kept, message)) => {
                Some(("MQTT-4.4.0-1", "what is sent again is another message"))
            }
            Some(_) => None,
        };
        match session.claim(id) {
            Some(old) => {
                old.here = true;
                old.received &= !core::mem::take(&mut old.doubtful);
            }
            None => session.claims.push(Claim {
                id,
                kind,
                message: Some(message.clone()),
                size,
                received: false,
                doubtful: false,
                released: false,
                here: true,
                given_up: false,
            }),
        }
        let taken = session
            .claims
            .iter()
            .filter(|claim| claim.here && matches!(claim.kind, Kind::AtLeastOnce | Kind::ExactlyOnce))
            .count();
        if let Some((statement, what)) = broken {
            self.fail(number, ReasonCode::PROTOCOL_ERROR, statement, format!("packet identifier {id}: {what}"));
            return false;
        }
        if dup {
            self.ledger.check("MQTT-4.6.0-1", in_order, || format!("{id} is sent again before {owed:?}"));
            self.ledger.check("MQTT-3.3.1-1", true, String::new);
        } else {
            self.ledger.check("MQTT-2.2.1-3", true, String::new);
        }
        let fits = taken <= usize::from(limits.receive_maximum);
        if !self.ledger.check("MQTT-3.3.4-7", fits, || format!("{taken} messages unacknowledged")) {
            self.disconnect(number, ReasonCode::RECEIVE_MAXIMUM_EXCEEDED);
        }
        fits
    }

    /// Takes a QoS 1 or 2 message, and acknowledges it.
    fn take(&mut self, number: usize, id: PacketId, message: &Rc<Message>) {
        let twice = self.breaks("MQTT-4.3.3-10");
        let Some(session) = self.session_of(number) else { return };
        let again = message.qos == QoS::ExactlyOnce && session.incoming.contains(&id.get()) && !twice;
        let refused = if again { None } else { self.faults.next_publish.take() };
        let mut reason = refused.unwrap_or(ReasonCode::SUCCESS);
        if reason.is_error() {
            self.note(|| Entry::Refused(message.clone()));
        }
        if !again && !reason.is_error() && self.route(message) == 0 && refused.is_none() {
            reason = ReasonCode::NO_MATCHING_SUBSCRIBERS;
        }
        if message.qos == QoS::ExactlyOnce
            && !reason.is_error()
            && let Some(session) = self.session_of(number)
        {
            session.incoming.insert(id.get());
        }
        let step = if message.qos == QoS::ExactlyOnce && !reason.is_error() { Step::Received } else { Step::Ends };
        match message.qos {
            QoS::ExactlyOnce if !self.breaks("MQTT-4.3.3-8") => {
                self.acknowledge(number, AckKind::PubRec, id, reason, step)
            }
            QoS::AtLeastOnce if !self.breaks("MQTT-4.3.2-4") => {
                self.acknowledge(number, AckKind::PubAck, id, reason, step)
            }
            _ => {}
        }
    }

    /// Sends an acknowledgement, or holds it.
    fn acknowledge(&mut self, number: usize, kind: AckKind, id: PacketId, reason: ReasonCode, step: Step) {
        let Some(link) = self.link(number) else { return };
        let verbose = link.limits.reason_strings && !link.terse || self.breaks("MQTT-3.1.2-29");
        let id = if self.breaks("MQTT-2.2.1-5") { PacketId::new(id.get() ^ 0x4000).unwrap_or(id) } else { id };
        let why = [Property::ReasonString(Text::new("as the model likes it").unwrap_or(Text::EMPTY))];
        let before = self.link(number).map_or(0, |link| link.output.0.len());
        let plain = packet(kind, Ack { id, reason, properties: Properties::EMPTY });
        if !verbose || self.send(number, &packet(kind, Ack { id, reason, properties: Properties::from(&why) })) == 0 {
            self.send(number, &plain);
        }
        let hold = self.faults.hold_acknowledgements;
        let Some(link) = self.link(number) else { return };
        if hold {
            let bytes = link.output.0.split_off(before);
            link.delayed.pop_back();
            link.held.push_back((bytes, id.get(), step));
        } else {
            link.steps.push_back((link.output.0.len(), id.get(), step));
        }
    }

    /// PUBREL of a client.
    pub(super) fn pubrel(&mut self, number: usize, ack: &Ack<'_>) {
        let id = ack.id.get();
        let Some(session) = self.session_of(number) else { return };
        let first = |claim: &&Claim| claim.received && !claim.doubtful && !claim.released && !claim.given_up;
        let next = session.claims.iter().find(first).map(|claim| claim.id);
        let in_order = next.is_none_or(|next| next == id) || session.claim(id).is_some_and(|claim| claim.given_up);
        let held = session.incoming.remove(&id);
        let known = session.claim(id).map(|claim| {
            let was = claim.released;
            claim.released = true;
            // What the client may not send again it ends by PUBREL.
            claim.received |= claim.given_up;
            (claim.received, was)
        });
        match known {
            None => {
                // A resumed client that may not send a PUBLISH again ends it by PUBREL, whether or not it ever arrived.
                let excused = self.session_of(number).is_some_and(|session| session.limited);
                if !excused && !self.link(number).is_some_and(|link| link.doubled) && ack.reason == ReasonCode::SUCCESS
                {
                    self.ledger.broken("MQTT-2.2.1-5", format!("PUBREL for {id}, which is no message's"));
                }
                let reason = ReasonCode::PACKET_IDENTIFIER_NOT_FOUND;
                self.send(number, &Packet::PubComp(Ack { id: ack.id, reason, properties: Properties::EMPTY }));
                return;
            }
            Some((false, _)) => self.ledger.broken("MQTT-4.3.3-4", format!("PUBREL for {id} before its PUBREC")),
            Some((true, true)) => {
                self.ledger.broken("MQTT-4.4.0-1", format!("PUBREL for {id} twice on one connection"))
            }
            Some((true, false)) => {
                self.ledger.check("MQTT-4.6.0-4", in_order, || format!("PUBREL for {id} before {next:?}"));
                self.ledger.check("MQTT-4.3.3-4", true, String::new);
            }
        }
        if !self.breaks("MQTT-4.3.3-11") {
            let reason = if held { ReasonCode::SUCCESS } else { ReasonCode::PACKET_IDENTIFIER_NOT_FOUND };
            self.acknowledge(number, AckKind::PubComp, ack.id, reason, Step::Ends);
        }
    }

    /// PUBACK of a client.
    pub(super) fn puback(&mut self, number: usize, ack: &Ack<'_>) {
        self.answered(number, ack, QoS::AtLeastOnce);
        self.pump(number);
    }

    /// PUBREC of a client.
    pub(super) fn pubrec(&mut self, number: usize, ack: &Ack<'_>) {
        self.answered(number, ack, QoS::ExactlyOnce);
        self.pump(number);
    }

    /// PUBACK or PUBREC: the first answer to a PUBLISH of ours.
    fn answered(&mut self, number: usize, ack: &Ack<'_>, qos: QoS) {
        let id = ack.id.get();
        let release = !self.breaks("MQTT-4.3.3-4");
        let doubled = self.link(number).is_some_and(|link| link.doubled);
        let Some(session) = self.session_of(number) else { return };
        let next =
            session.sending.iter().find(|sending| sending.item.qos == qos && sending.counted && !sending.released);
        let next = next.map(|sending| sending.id);
        let Some(at) = session.sending.iter().position(|sending| sending.id == id && sending.sent) else {
            if !doubled {
                self.ledger
                    .broken("MQTT-2.2.1-5", format!("{id} is acknowledged, which was not sent on this connection"));
            }
            return;
        };
        let Some(sending) = session.sending.get_mut(at) else { return };
        if sending.item.qos != qos {
            let what = format!("{id} is acknowledged as if it had {qos:?}");
            return self.fail(number, ReasonCode::PROTOCOL_ERROR, "MQTT-3.3.4-1", what);
        }
        if sending.released {
            if !doubled {
                self.ledger.broken("MQTT-4.3.3-8", format!("a second PUBREC for {id}"));
            }
            return;
        }
        if qos == QoS::ExactlyOnce && !ack.reason.is_error() {
            sending.released = true;
        } else {
            session.sending.remove(at);
        }
        let (order, answer) = match qos {
            QoS::ExactlyOnce => ("MQTT-4.6.0-3", "MQTT-4.3.3-8"),
            _ => ("MQTT-4.6.0-2", "MQTT-4.3.2-4"),
        };
        self.ledger.check(order, next == Some(id), || format!("{id} is acknowledged before {next:?}"));
        self.ledger.check(answer, true, String::new);
        if qos == QoS::ExactlyOnce && !ack.reason.is_error() && release {
            let pubrel = Ack { id: ack.id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
            self.send(number, &Packet::PubRel(pubrel));
        }
    }

    /// PUBCOMP of a client.
    pub(super) fn pubcomp(&mut self, number: usize, ack: &Ack<'_>) {
        let id = ack.id.get();
        let doubled = self.link(number).is_some_and(|link| link.doubled);
        let Some(session) = self.session_of(number) else { return };
        let known = session.sending.iter().position(|sending| sending.id == id && sending.released && sending.sent);
        if let Some(at) = known {
            session.sending.remove(at);
        }
        let kept = known.is_some() || doubled;
        self.ledger.check("MQTT-4.3.3-11", kept, || format!("PUBCOMP for {id}, whose PUBREL was not sent"));
        self.pump(number);
    }

    /// The client has had all the time that it needs: takes down what it still owes.
    pub fn settle(&mut self, number: usize) {
        let Some(link) = self.links.get(number).and_then(Option::as_ref) else { return };
        let Some(session) = self.sessions.get(&link.client) else { return };
        let mut owed = Vec::new();
        for sending in session.sending.iter().filter(|sending| sending.sent) {
            owed.push(match (sending.item.qos, sending.released) {
                (QoS::ExactlyOnce, true) => ("MQTT-4.3.3-11", format!("no PUBCOMP for {}", sending.id)),
                (QoS::ExactlyOnce, false) => ("MQTT-4.3.3-8", format!("no PUBREC for {}", sending.id)),
                _ => ("MQTT-4.3.2-4", format!("no PUBACK for {}", sending.id)),
            });
        }
        for claim in &session.claims {
            if claim.received && !claim.released {
                let statement = if claim.here { "MQTT-4.3.3-4" } else { "MQTT-4.4.0-1" };
                owed.push((statement, format!("no PUBREL for {}", claim.id)));
            } else if is_owed(claim) {
                owed.push(("MQTT-4.4.0-1", format!("{} is not sent again", claim.id)));
            }
        }
        for (statement, what) in owed {
            self.ledger.broken(statement, what);
        }
    }

    /// On a resumed session: what of ours goes again is sent by [`pump`](Self::pump). What the limits of this link forbid the
    /// client to send again it gives up; at QoS 2 the identifier still is not free, for we hold it [MQTT-4.3.3-10].
    pub(super) fn owe(&mut self, number: usize) {
        let doubled = self.faults.double_resends;
        let Some(Some(link)) = self.links.get_mut(number) else { return };
        link.doubled = doubled;
        let Some(session) = self.sessions.get_mut(&link.client) else { return };
        session.limited |= link.limits.maximum_packet_size.is_some()
            || !link.limits.retain_available
            || link.limits.maximum_qos < QoS::ExactlyOnce;
        for claim in &mut session.claims {
            claim.given_up |= !claim.received && is_forbidden(claim, &link.limits);
        }
    }
}

/// Whether a message sent again is the same but for its expiry, which may have moved on.
fn same(old: &Rc<Message>, new: &Rc<Message>) -> bool {
    old.topic == new.topic && old.retain == new.retain && old.payload() == new.payload()
}

/// How a PUBLISH of ours is marked.
pub(super) fn delivery(qos: QoS, id: Option<PacketId>, dup: bool) -> Delivery {
    match (qos, id) {
        (QoS::AtLeastOnce, Some(id)) => Delivery::AtLeastOnce { id, dup },
        (QoS::ExactlyOnce, Some(id)) => Delivery::ExactlyOnce { id, dup },
        _ => Delivery::AtMostOnce,
    }
}
