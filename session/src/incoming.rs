//! What is read: packets of the server, one at a time, and what each does to the session.

use mqtt5_codec::{
    Ack, Auth, Decoded, Decoder, Packet, Properties, Property, Publish, ReasonCode, Rule, Sender, SubAck, TopicRef,
};

use crate::arena::{Arena, SENT};
use crate::digest::digest;
use crate::engine::PUBREL;
use crate::error::Fault;
use crate::event::{Becomes, Connected, Event, Incoming, Input};
use crate::flight::Slot;
use crate::flow::{SendInput, SendReply, Sending};
use crate::inbox::{Inbox, Open};
use crate::slots::slot;
use crate::state::{AuthTurn, Engine, Phase, Ping, Urgent, Writing, asked};
use crate::time::Instant;

/// What a broken statement is answered with.
fn reason_of(rule: Rule) -> ReasonCode {
    match rule {
        Rule::TOPIC_ALIAS_MAXIMUM => ReasonCode::TOPIC_ALIAS_INVALID,
        Rule::TOPIC_ALIAS_ACCEPTED => ReasonCode::QUOTA_EXCEEDED,
        Rule::RECEIVE_MAXIMUM => ReasonCode::RECEIVE_MAXIMUM_EXCEEDED,
        Rule::MAXIMUM_PACKET_SIZE => ReasonCode::PACKET_TOO_LARGE,
        Rule::SERVER_PACKET_SIZE_TOO_SMALL => ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR,
        _ => ReasonCode::PROTOCOL_ERROR,
    }
}

/// Whether the server can know of an exchange of ours: a byte of its PUBLISH was written, or its request on this connection.
fn is_written(slot: &Slot, arena: &Arena<'_>) -> bool {
    match slot.state() {
        Sending::PubAck | Sending::PubRec => arena.has(slot.packet(), SENT),
        Sending::SubAck | Sending::UnsubAck => slot.sent,
        Sending::Idle | Sending::PubComp | Sending::GivenUp => true,
    }
}

impl Engine<'_> {
    #[inline(never)]
    pub(crate) fn input<'i>(&mut self, inbox: &'i mut Inbox<'_>, now: Instant) -> Result<Input<'i>, Fault> {
        if inbox.claim(self.session.serial) {
            self.link.timers.heard = now;
            // PINGRESP may be behind what is still arriving.
            let link = &*self.link;
            if matches!(link.phase, Phase::Up | Phase::Draining)
                && link.timers.answer.is_set()
                && link.ping == Ping::Written
            {
                self.await_answer(now);
            }
        }
        self.handled();
        let Open { data, start, mut aliases, most, need } = inbox.open();
        loop {
            match self.link.phase {
                Phase::Connecting | Phase::Up | Phase::Draining if self.has_small_room() => {}
                Phase::Down | Phase::Closed => return Ok(Input::Partial { need: 0 }),
                _ => return Ok(Input::Blocked),
            }
            let decoder = Decoder::new(Sender::Server).max_packet_size(self.link.largest.ours);
            let decoded = decoder.decode(data.get(*start..).unwrap_or(&[]));
            let packet = match &decoded {
                Ok(Decoded::Packet { used, packet }) => {
                    *start = start.wrapping_add(*used);
                    packet
                }
                Ok(Decoded::Partial { need: whole }) if *whole <= most => {
                    *need = *whole;
                    // An answer is not to wait for what is read next.
                    let waits = self.link.output.small_len != 0;
                    return Ok(if waits { Input::Blocked } else { Input::Partial { need: *whole } });
                }
                Ok(Decoded::Partial { .. }) => return Err(self.broken(Rule::MAXIMUM_PACKET_SIZE)),
                Err(error) => return Err(self.fault(error.reason, error.rule)),
            };
            let becomes = match packet {
                _ if self.link.phase == Phase::Connecting => self.first_packet(packet),
                Packet::Publish(publish) => self.publish_arrived(publish, aliases.as_mut()),
                _ => self.packet(packet),
            };
            let becomes = match becomes {
                Ok(Becomes::Nothing) => continue,
                Ok(becomes) => becomes,
                Err(rule) => return Err(self.broken(rule)),
            };
            return Ok(Input::Event(match *packet {
                Packet::Publish(Publish { topic, payload, delivery, retain, properties }) => {
                    let alias = topic.alias();
                    let topic = match topic {
                        TopicRef::Name(name) | TopicRef::NameAndAlias(name, _) => name,
                        // It has been set, as `aliased` has seen.
                        TopicRef::Alias(alias) => match aliases.and_then(|aliases| aliases.get(alias.get())) {
                            Some(name) => name,
                            None => return Err(self.broken(Rule::TOPIC_ALIAS_UNKNOWN)),
                        },
                    };
                    Event::Message(Incoming { topic, alias, payload, delivery, retain, properties })
                }
                Packet::PubRec(ack) if becomes == Becomes::Other => Event::PublishReceived(ack),
                Packet::PubComp(ack) if becomes == Becomes::Other => Event::Unconfirmed(ack),
                Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubComp(ack) => Event::Published(ack),
                Packet::SubAck(ack) => Event::Subscribed(ack),
                Packet::UnsubAck(ack) => Event::Unsubscribed(ack),
                Packet::ConnAck(packet) if becomes == Becomes::Other => Event::Rejected(packet),
                Packet::ConnAck(packet) => {
                    let (resumed, lost) = (packet.session_present, self.session.losses);
                    Event::Connected(Connected { resumed, lost, packet })
                }
                Packet::Auth(packet) => Event::Auth(packet),
                Packet::Disconnect(packet) => Event::Disconnected(packet),
                _ => Event::Pong,
            }));
        }
    }

    /// The peer broke this statement.
    #[cold]
    fn broken(&mut self, rule: Rule) -> Fault {
        if rule == Rule::DISCONNECT_EARLY {
            return self.fault_in(Phase::Closed, ReasonCode::PROTOCOL_ERROR, rule);
        }
        self.fault(reason_of(rule), rule)
    }

    /// The message given last has been handled: its acknowledgement is queued.
    pub(crate) fn handled(&mut self) {
        // Nothing follows DISCONNECT [MQTT-3.14.4-1].
        if let Some(id) = self.link.inbound.handling.take()
            && matches!(self.link.phase, Phase::Up | Phase::Draining)
        {
            self.push_ack(self.link.handling_kind, id.get(), ReasonCode::SUCCESS);
        }
    }

    /// Any packet but PUBLISH.
    fn packet(&mut self, packet: &Packet<'_>) -> Result<Becomes, Rule> {
        match packet {
            Packet::PubAck(ack) => self.acknowledged(ack, SendInput::PubAck),
            Packet::PubRec(ack) if ack.reason.is_error() => self.acknowledged(ack, SendInput::PubRecError),
            Packet::PubRec(ack) => self.acknowledged(ack, SendInput::PubRec),
            Packet::PubComp(ack) => self.acknowledged(ack, SendInput::PubComp),
            Packet::PubRel(ack) => self.released(ack),
            Packet::SubAck(ack) => self.requested(ack, SendInput::SubAck, SendInput::SubAckMiscounted),
            Packet::UnsubAck(ack) => self.requested(ack, SendInput::UnsubAck, SendInput::UnsubAckMiscounted),
            Packet::PingResp => {
                self.link.timers.answer = Instant::ZERO;
                self.link.ping = Ping::Written;
                Ok(Becomes::Usual)
            }
            Packet::Auth(auth) => self.auth_arrived(auth),
            Packet::Disconnect(packet) => {
                self.link.phase = Phase::Closed;
                crate::trace::ended(packet.reason.value());
                Ok(Becomes::Usual)
            }
            Packet::ConnAck(_) => Err(Rule::CONNACK_ONCE),
            _ => Err(Rule::PACKET_TYPE),
        }
    }

    /// A packet before the server has accepted.
    #[inline(never)]
    fn first_packet(&mut self, packet: &Packet<'_>) -> Result<Becomes, Rule> {
        match packet {
            // CONNECT has not even been lent.
            _ if self.link.output.writing == Writing::Nothing && !self.link.output.begun => Err(Rule::CONNACK_FIRST),
            Packet::ConnAck(packet) => self.connack(packet),
            Packet::Auth(packet) => self.auth_arrived(packet),
            Packet::Disconnect(_) => Err(Rule::DISCONNECT_EARLY),
            _ => Err(Rule::CONNACK_FIRST),
        }
    }

    // --- answers to what we began ---

    fn acknowledged(&mut self, ack: &Ack<'_>, input: SendInput) -> Result<Becomes, Rule> {
        self.check_problem_information(&ack.properties)?;
        self.answered(ack.id.get(), input)
    }

    fn requested(&mut self, ack: &SubAck<'_>, whole: SendInput, miscounted: SendInput) -> Result<Becomes, Rule> {
        self.check_problem_information(&ack.properties)?;
        let number = ack.id.get();
        let fits = slot(self.flights, number).is_some_and(|slot| slot.has_filters(ack.reasons.len()));
        self.answered(number, if fits { whole } else { miscounted })
    }

    /// An answer to an exchange of ours.
    #[inline(never)]
    fn answered(&mut self, number: u16, input: SendInput) -> Result<Becomes, Rule> {
        // What was never written has no answer: this one is to an exchange that isn't there.
        let mut none = Slot::NEW;
        let slot = match slot(self.flights, number) {
            Some(slot) if is_written(slot, &self.arena) => slot,
            _ => &mut none,
        };
        if slot.waiting() != 0 && matches!(input, SendInput::PubRec | SendInput::PubComp) {
            // Its PUBREL is about to be written on this connection, and will be answered.
            return Ok(Becomes::Nothing);
        }
        let packet = slot.packet();
        let reply = slot.step(input)?;
        match reply {
            SendReply::Done | SendReply::DoneUnconfirmed => {
                if matches!(input, SendInput::SubAck | SendInput::UnsubAck) {
                    self.session.requests.remove(self.flights, number);
                } else {
                    self.end_publish(number, packet);
                }
                self.free_id(number);
                return Ok(if reply == SendReply::Done { Becomes::Usual } else { Becomes::Other });
            }
            SendReply::Release => {
                self.release_chunk(packet);
                // From now on its place is behind all that has been sent.
                let before = self.link.order.unsent;
                if crate::slots::slot(self.flights, number).is_some_and(|slot| slot.next != before) {
                    self.unlink_publish(number);
                    self.session.publishes.insert(self.flights, number, before);
                }
                if self.link.order.releases.first != 0 {
                    // PUBRELs that are sent again go first [MQTT-4.6.0-4].
                    self.delay_release(number);
                } else {
                    self.push_ack(PUBREL, number, ReasonCode::SUCCESS);
                }
                return Ok(Becomes::Other);
            }
            SendReply::ReleaseAgain => self.push_ack(PUBREL, number, ReasonCode::SUCCESS),
            SendReply::NotFound => self.push_ack(PUBREL, number, ReasonCode::PACKET_IDENTIFIER_NOT_FOUND),
            SendReply::Ignore | SendReply::Send | SendReply::GiveUp | SendReply::Lost => {}
        }
        Ok(Becomes::Nothing)
    }

    /// Properties of an acknowledgement explain a problem, which the server may do only where asked for.
    pub(crate) fn check_problem_information(&self, properties: &Properties<'_>) -> Result<(), Rule> {
        if !properties.is_empty() && self.link.connect.asked(asked::NO_PROBLEM_INFORMATION) {
            return Err(Rule::PROBLEM_INFORMATION);
        }
        Ok(())
    }

    // --- enhanced authentication ---

    #[cold]
    #[inline(never)]
    fn auth_arrived(&mut self, packet: &Auth<'_>) -> Result<Becomes, Rule> {
        let (mut method, mut explained) = (None, false);
        for property in packet.properties {
            match property {
                Property::AuthenticationMethod(name) => method = Some(digest(name.as_bytes())),
                Property::ReasonString(_) | Property::UserProperty(..) => explained = true,
                _ => {}
            }
        }
        let connecting = self.link.phase == Phase::Connecting;
        let done = packet.reason == ReasonCode::SUCCESS;
        // An AUTH of ours that was not even lent has no answer. What is urgent after `disconnect` is no AUTH.
        let theirs = self.link.auth == AuthTurn::Theirs
            && match self.link.output.urgent {
                Urgent::Nothing => true,
                Urgent::Apart => false,
                Urgent::Chunk(_) | Urgent::Farewell(_) => self.link.phase == Phase::Draining,
            };
        let rule = if self.link.connect.method.is_none() {
            Rule::AUTH_UNASKED
        } else if !theirs && (connecting || self.link.auth == AuthTurn::Ours) {
            Rule::AUTH_TURN
        } else if !theirs {
            Rule::REAUTHENTICATION_BY_SERVER
        } else if connecting && done {
            Rule::AUTH_CONTINUES
        } else if method != self.link.connect.method && !(done && packet.properties.is_empty()) {
            // With a Remaining Length of 0 it has no method: section 3.15.2.1 allows that, 3.15.2.2.2 does not.
            Rule::AUTH_SAME_METHOD
        } else if explained && self.link.connect.asked(asked::NO_PROBLEM_INFORMATION) {
            Rule::PROBLEM_INFORMATION
        } else {
            self.link.auth = if done { AuthTurn::Idle } else { AuthTurn::Ours };
            return Ok(Becomes::Usual);
        };
        Err(rule)
    }

    // --- time ---

    #[inline(never)]
    pub(crate) fn timeout(&mut self, now: Instant) -> Result<Option<Event<'static>>, Fault> {
        match self.link.phase {
            Phase::Down => {
                if self.session.expires.has_come(now) {
                    self.end_session();
                    return Ok(Some(Event::SessionExpired { lost: self.session.losses }));
                }
            }
            Phase::Closed => {}
            Phase::Connecting if self.link.timers.answer.has_come(now) => {
                return Err(self.fault_in(Phase::Closed, ReasonCode::SERVER_UNAVAILABLE, Rule::CONNACK_MISSED));
            }
            Phase::Connecting => {}
            Phase::Leaving if self.link.timers.answer == Instant::DUE => self.await_answer(now),
            Phase::Leaving if self.link.timers.answer.has_come(now) => self.link.phase = Phase::Closed,
            Phase::Leaving => {}
            Phase::Up | Phase::Draining => {
                if self.link.timers.answer.has_come(now) {
                    return Err(self.fault_in(Phase::Closed, ReasonCode::KEEP_ALIVE_TIMEOUT, Rule::PINGRESP_MISSED));
                }
                if self.link.timers.ping.has_come(now) || self.link.silence().has_come(now) {
                    self.link.timers.ping = Instant::ZERO;
                    self.push_ping(now);
                }
            }
        }
        Ok(None)
    }
}
