//! What is read: packets of the server, one at a time, and what each does to the session.

use mqtt5_codec::{
    Ack, Auth, Decoded, Decoder, Delivery, Packet, PacketId, Publish, ReasonCode, Rule, Sender, SubAck, Topic, TopicRef,
};

use crate::arena::NIL;
use crate::engine::{AuthTurn, Engine, PUBACK, PUBCOMP, PUBREC, PUBREL, Phase, Writing, flag};
use crate::event::{Connected, Event, Fault, Incoming, Input};
use crate::flow::{Answer, Arrival, ReceiveReply, Receiving, SendReply, Sending, receive_step, send_step};
use crate::inbox::{Aliases, Inbox, Open};
use crate::received::{self, ANSWERED, HERE, entry};
use crate::slots::{Slot, slot};
use crate::time::Instant;

/// What the application is told of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing.
    Nothing,
    /// What the packet stands for.
    Packet,
    /// The lesser thing that it may stand for: a PUBREC after which the exchange goes on, a CONNACK that refuses.
    Step,
}

impl Engine<'_> {
    pub(crate) fn input<'i>(&mut self, inbox: &'i mut Inbox<'_>) -> Result<Input<'i>, Fault> {
        inbox.claim(self.session.serial);
        self.handled();
        let decoder = Decoder::new(Sender::Server).max_packet_size(self.link.take_max);
        let Open { data, start, mut aliases, most, need } = inbox.open();
        loop {
            match self.link.phase {
                Phase::Connecting | Phase::Up | Phase::Draining if self.has_small_room() => {}
                Phase::Down | Phase::Closed => return Ok(Input::Partial { need: 0 }),
                _ => return Ok(Input::Blocked),
            }
            let rest = data.get(*start..).unwrap_or(&[]);
            let packet = match decoder.decode(rest) {
                Ok(Decoded::Packet { used, packet }) => {
                    *start = start.saturating_add(used);
                    packet
                }
                Ok(Decoded::Partial { need: whole }) if whole <= most => {
                    *need = whole;
                    // An answer is not to wait for what is read next.
                    let waits = self.link.small_len != 0;
                    return Ok(if waits { Input::Blocked } else { Input::Partial { need: whole } });
                }
                Ok(Decoded::Partial { .. }) => {
                    return Err(self.fault(ReasonCode::PACKET_TOO_LARGE, Rule::MAXIMUM_PACKET_SIZE));
                }
                Err(error) => return Err(self.fault(error.reason, error.rule)),
            };
            if let Packet::Publish(publish) = &packet
                && self.link.phase != Phase::Connecting
            {
                let name = match publish.topic {
                    TopicRef::Name(name) => Some(name),
                    topic => self.named(topic, &mut aliases)?,
                };
                if !self.publish_arrived(publish.delivery)? {
                    continue;
                }
                let topic = match name {
                    Some(name) => name,
                    // It has been set, as `named` has seen.
                    None => match publish.topic.alias().and_then(|alias| aliases.get(alias.get())) {
                        Some(name) => name,
                        None => return Err(self.protocol_error(Rule::TOPIC_ALIAS_UNKNOWN)),
                    },
                };
                let &Publish { delivery, retain, properties, payload, .. } = publish;
                return Ok(Input::Event(Event::Message(Incoming { topic, payload, delivery, retain, properties })));
            }
            let told = self.packet(&packet)?;
            let event = match packet {
                _ if told == Told::Nothing => continue,
                Packet::PubRec(ack) if told == Told::Step => Event::PublishReceived(ack),
                Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubComp(ack) => Event::Published(ack),
                Packet::SubAck(ack) => Event::Subscribed(ack),
                Packet::UnsubAck(ack) => Event::Unsubscribed(ack),
                Packet::PingResp => Event::Pong,
                Packet::ConnAck(packet) if told == Told::Step => Event::Rejected(packet),
                Packet::ConnAck(packet) => {
                    let (resumed, lost) = (packet.session_present, self.session.losses);
                    Event::Connected(Connected { resumed, lost, packet })
                }
                Packet::Auth(packet) => Event::Auth(packet),
                Packet::Disconnect(packet) => Event::Disconnected(packet),
                _ => continue,
            };
            return Ok(Input::Event(event));
        }
    }

    /// The message given last has been handled: its acknowledgement is queued.
    pub(crate) fn handled(&mut self) {
        let id = core::mem::take(&mut self.link.handling);
        // Nothing follows DISCONNECT [MQTT-3.14.4-1].
        if id != 0 && matches!(self.link.phase, Phase::Up | Phase::Draining) {
            self.push_ack(self.link.handling_kind, id, ReasonCode::SUCCESS);
        }
    }

    /// Any packet but PUBLISH.
    fn packet(&mut self, packet: &Packet<'_>) -> Result<Told, Fault> {
        if self.link.phase == Phase::Connecting {
            return self.first_packet(packet);
        }
        match packet {
            Packet::PubAck(ack) => self.answered(ack, Answer::PubAck),
            Packet::PubRec(ack) if ack.reason.is_error() => self.answered(ack, Answer::PubRecError),
            Packet::PubRec(ack) => self.answered(ack, Answer::PubRec),
            Packet::PubComp(ack) => self.answered(ack, Answer::PubComp),
            Packet::PubRel(ack) => self.released(ack),
            Packet::SubAck(ack) => self.requested(ack, Answer::SubAck),
            Packet::UnsubAck(ack) => self.requested(ack, Answer::UnsubAck),
            Packet::PingResp => {
                self.link.timers.answer = Instant::default();
                Ok(Told::Packet)
            }
            Packet::Auth(auth) => self.auth_arrived(auth),
            Packet::Disconnect(packet) => {
                self.link.phase = Phase::Closed;
                crate::trace::ended(packet.reason.value());
                Ok(Told::Packet)
            }
            Packet::ConnAck(_) => Err(self.protocol_error(Rule::CONNACK_ONCE)),
            _ => Err(self.protocol_error(Rule::PACKET_TYPE)),
        }
    }

    /// A packet before the server has accepted.
    #[inline(never)]
    fn first_packet(&mut self, packet: &Packet<'_>) -> Result<Told, Fault> {
        match packet {
            // CONNECT has not even been lent.
            _ if self.link.writing == Writing::Nothing && !self.link.is(flag::BEGUN) => {
                Err(self.protocol_error(Rule::CONNACK_FIRST))
            }
            Packet::ConnAck(packet) => self.connack(packet),
            Packet::Auth(packet) => self.auth_arrived(packet),
            Packet::Disconnect(_) => {
                Err(self.fault_in(Phase::Closed, ReasonCode::PROTOCOL_ERROR, Rule::DISCONNECT_EARLY))
            }
            _ => Err(self.protocol_error(Rule::CONNACK_FIRST)),
        }
    }

    #[cold]
    fn protocol_error(&mut self, rule: Rule) -> Fault {
        self.fault(ReasonCode::PROTOCOL_ERROR, rule)
    }

    // --- answers to what we began ---

    fn answered(&mut self, ack: &Ack<'_>, answer: Answer) -> Result<Told, Fault> {
        if !ack.properties.is_empty() {
            self.check_problem_information()?;
        }
        let number = ack.id.get();
        let Slot { state, chunk, .. } = slot(self.slots, number).map_or(Slot::NEW, |slot| *slot);
        // What was never written has no answer.
        let unsent = chunk != NIL
            && matches!(state, Sending::PubAck | Sending::PubRec)
            && !self.arena.has(chunk, crate::arena::SENT);
        let state = if unsent { Sending::Idle } else { state };
        if chunk != NIL && state == Sending::PubComp && matches!(answer, Answer::PubRec | Answer::PubComp) {
            // Its PUBREL is about to be written on this connection, and will be answered.
            return Ok(Told::Nothing);
        }
        match send_step(state, answer) {
            Ok((_, SendReply::Ignore)) => Ok(Told::Nothing),
            Ok((_, SendReply::NotFound)) => {
                self.push_ack(PUBREL, number, ReasonCode::PACKET_IDENTIFIER_NOT_FOUND);
                Ok(Told::Nothing)
            }
            Ok((_, SendReply::Done)) => {
                self.end_publish(number);
                self.free_id(number);
                Ok(Told::Packet)
            }
            Ok((_, SendReply::Release)) => {
                let first = state == Sending::PubRec;
                if first {
                    // From now on its place is behind all that has been sent.
                    let before = self.link.unsent;
                    if slot(self.slots, number).is_some_and(|slot| slot.next != before) {
                        self.unlink_publish(number);
                        self.session.publishes.insert(self.slots, number, before);
                    }
                    self.release(number);
                }
                if first && self.link.releases.first != 0 {
                    // PUBRELs that are sent again go first [MQTT-4.6.0-4].
                    self.delay_release(number);
                } else {
                    self.push_ack(PUBREL, number, ReasonCode::SUCCESS);
                }
                Ok(if first { Told::Step } else { Told::Nothing })
            }
            Err(rule) => Err(self.protocol_error(rule)),
        }
    }

    fn requested(&mut self, ack: &SubAck<'_>, answer: Answer) -> Result<Told, Fault> {
        if !ack.properties.is_empty() {
            self.check_problem_information()?;
        }
        let number = ack.id.get();
        let Slot { state, chunk: filters, sent, .. } = slot(self.slots, number).map_or(Slot::NEW, |slot| *slot);
        let unsent = matches!(state, Sending::SubAck | Sending::UnsubAck) && !sent;
        match send_step(if unsent { Sending::Idle } else { state }, answer) {
            Ok((next, SendReply::Done)) => {
                let subscribed = answer == Answer::SubAck;
                if ack.reasons.len() != usize::from(filters) {
                    return Err(self.protocol_error(if subscribed {
                        Rule::SUBACK_COUNT
                    } else {
                        Rule::UNSUBACK_COUNT
                    }));
                }
                if let Some(slot) = slot(self.slots, number) {
                    slot.state = next;
                    slot.chunk = NIL;
                }
                self.session.requests.remove(self.slots, number);
                self.free_id(number);
                Ok(Told::Packet)
            }
            Ok(_) => Ok(Told::Nothing),
            Err(rule) => Err(self.protocol_error(rule)),
        }
    }

    /// Properties of an acknowledgement explain a problem, which the server may do only where asked for.
    #[cold]
    fn check_problem_information(&mut self) -> Result<(), Fault> {
        if self.link.is(flag::NO_PROBLEM_INFORMATION) {
            return Err(self.protocol_error(Rule::PROBLEM_INFORMATION));
        }
        Ok(())
    }

    // --- what the server begins ---

    /// The topic name of a PUBLISH with an alias; `None` if it has only the alias, which has been set.
    #[cold]
    fn named<'i>(&mut self, topic: TopicRef<'i>, aliases: &mut Aliases<'_>) -> Result<Option<Topic<'i>>, Fault> {
        let alias = topic.alias().map_or(0, |alias| alias.get());
        if alias > self.link.our_alias_max {
            return Err(self.fault(ReasonCode::TOPIC_ALIAS_INVALID, Rule::TOPIC_ALIAS_MAXIMUM));
        }
        let name = topic.name();
        match name {
            Some(name) if aliases.set(alias, name).is_none() => {
                Err(self.fault(ReasonCode::QUOTA_EXCEEDED, Rule::TOPIC_ALIAS_ACCEPTED))
            }
            None if !aliases.has(alias) => Err(self.protocol_error(Rule::TOPIC_ALIAS_UNKNOWN)),
            _ => Ok(name),
        }
    }

    /// Whether the application gets the message.
    fn publish_arrived(&mut self, delivery: Delivery) -> Result<bool, Fault> {
        let (id, arrival) = match delivery {
            Delivery::AtMostOnce => return Ok(true),
            Delivery::AtLeastOnce { id, .. } => (id, Arrival::Publish1),
            Delivery::ExactlyOnce { id, .. } => (id, Arrival::Publish2),
        };
        let number = if self.session.received.used == 0 { 0 } else { received::find(self.entries, id.get()) };
        let known = entry(self.entries, number).map(|entry| *entry);
        let state = known.map_or(Receiving::Idle, |entry| entry.state);
        let reply = match receive_step(state, arrival) {
            Ok((_, reply)) => reply,
            Err(rule) => return Err(self.protocol_error(rule)),
        };
        if known.is_none_or(|entry| entry.flags & HERE == 0) {
            if self.link.unacknowledged >= self.link.receive_max {
                return Err(self.fault(ReasonCode::RECEIVE_MAXIMUM_EXCEEDED, Rule::RECEIVE_MAXIMUM));
            }
            self.link.unacknowledged = self.link.unacknowledged.wrapping_add(1);
        }
        if reply == ReceiveReply::Deliver {
            return Ok(self.deliver(id, arrival));
        }
        self.repeated(id, number, reply == ReceiveReply::PubRec);
        Ok(false)
    }

    /// A QoS 2 message that was delivered before, and perhaps accepted.
    fn repeated(&mut self, id: PacketId, number: u16, accepted: bool) {
        let [_, owed] = self.session.received.owed;
        let automatic = !self.link.is(flag::MANUAL);
        let Some(entry) = entry(self.entries, number) else { return };
        let here = entry.flags & HERE != 0;
        entry.flags |= HERE;
        if accepted {
            if here || owed.first == 0 {
                return self.push_ack(PUBREC, id.get(), ReasonCode::SUCCESS);
            }
            // Messages that came before it still have no PUBREC, so it waits for its turn again [MQTT-4.6.0-3].
            entry.state = Receiving::Owes2;
        }
        // Its answer is owed: now where nobody else gives it, or as soon as it is given.
        if accepted || automatic {
            entry.flags |= ANSWERED;
        }
        if !here {
            self.session.received.owe(self.entries, number, 1);
        }
        if automatic {
            // Before that of the message that comes next, which does not queue.
            self.push_answers();
        }
    }

    /// A new message of QoS 1 or QoS 2.
    fn deliver(&mut self, id: PacketId, arrival: Arrival) -> bool {
        let twice = arrival == Arrival::Publish2;
        let manual = self.link.is(flag::MANUAL);
        if twice || manual {
            let state = match (twice, manual) {
                (false, _) => Receiving::Owes1,
                (true, true) => Receiving::Owes2,
                (true, false) => Receiving::PubRel,
            };
            let number = self.session.received.enter(self.entries, id.get(), state);
            if number == 0 {
                self.push_ack(if twice { PUBREC } else { PUBACK }, id.get(), ReasonCode::QUOTA_EXCEEDED);
                return false;
            }
            if manual {
                self.session.received.owe(self.entries, number, usize::from(twice));
                return true;
            }
        }
        self.link.handling = id.get();
        self.link.handling_kind = if twice { PUBREC } else { PUBACK };
        true
    }

    fn released(&mut self, ack: &Ack<'_>) -> Result<Told, Fault> {
        if !ack.properties.is_empty() {
            self.check_problem_information()?;
        }
        let number = received::find(self.entries, ack.id.get());
        let state = entry(self.entries, number).map_or(Receiving::Idle, |entry| entry.state);
        match receive_step(state, Arrival::PubRel) {
            Ok((_, ReceiveReply::PubComp)) => {
                self.session.received.leave(self.entries, number);
                self.push_ack(PUBCOMP, ack.id.get(), ReasonCode::SUCCESS);
            }
            Ok(_) => self.push_ack(PUBCOMP, ack.id.get(), ReasonCode::PACKET_IDENTIFIER_NOT_FOUND),
            Err(rule) => return Err(self.protocol_error(rule)),
        }
        Ok(Told::Nothing)
    }

    // --- enhanced authentication ---

    #[cold]
    fn auth_arrived(&mut self, packet: &Auth<'_>) -> Result<Told, Fault> {
        let properties = &packet.properties;
        let method = properties.authentication_method().map_or(0, |method| crate::connect::digest(method.as_bytes()));
        let connecting = self.link.phase == Phase::Connecting;
        let done = packet.reason == ReasonCode::SUCCESS;
        let explained = properties.reason_string().is_some() || properties.user_properties().next().is_some();
        let rule = if self.link.method == 0 || self.link.auth != AuthTurn::Theirs {
            Rule::AUTH_UNASKED
        } else if method != self.link.method {
            Rule::AUTH_SAME_METHOD
        } else if connecting && done {
            Rule::AUTH_CONTINUES
        } else if explained && self.link.is(flag::NO_PROBLEM_INFORMATION) {
            Rule::PROBLEM_INFORMATION
        } else {
            self.link.auth = if done { AuthTurn::Idle } else { AuthTurn::Ours };
            return Ok(Told::Packet);
        };
        Err(self.protocol_error(rule))
    }

    // --- time ---

    pub(crate) fn timeout(&mut self, now: Instant) -> Result<Option<Event<'static>>, Fault> {
        match self.link.phase {
            Phase::Down => {
                if self.session.ends.has_come(now) {
                    self.end_session();
                    return Ok(Some(Event::SessionExpired { lost: self.session.losses }));
                }
            }
            Phase::Closed => {}
            Phase::Connecting if self.link.timers.answer.has_come(now) => {
                return Err(self.fault_in(Phase::Closed, ReasonCode::SERVER_UNAVAILABLE, Rule::CONNACK_MISSED));
            }
            Phase::Connecting => {}
            Phase::Up | Phase::Draining | Phase::Leaving => {
                if self.link.timers.answer.has_come(now) {
                    return Err(self.fault_in(Phase::Closed, ReasonCode::KEEP_ALIVE_TIMEOUT, Rule::PINGRESP_MISSED));
                }
                if self.link.timers.ping.has_come(now) {
                    self.link.timers.ping = Instant::default();
                    if self.link.phase != Phase::Leaving {
                        self.push_ping(now);
                    }
                }
            }
        }
        Ok(None)
    }
}
