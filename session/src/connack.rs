//! The server's answer to CONNECT: its limits, and what became of the session.

use mqtt5_codec::{ConnAck, Property, Rule};

use crate::arena::{NIL, SENT};
use crate::connect::digest;
use crate::engine::Engine;
use crate::flow::{SendInput, SendReply};
use crate::incoming::Told;
use crate::slots::slot;
use crate::state::{AuthTurn, Phase, flag};
use crate::time::Instant;

impl Engine<'_> {
    #[inline(never)]
    pub(crate) fn connack(&mut self, packet: &ConnAck<'_>) -> Result<Told, Rule> {
        let present = packet.session_present;
        if packet.reason.is_error() {
            self.link.flags &= !flag::UNANSWERED;
            self.link.phase = Phase::Closed;
            crate::trace::ended(packet.reason.value());
            return Ok(Told::Step);
        }
        self.check_session(present)?;
        let assigned = self.grant(packet)?;
        if self.link.send_max() < 5 {
            // An acknowledgement with a reason is 5 bytes long: nothing can be done for this server.
            return Err(Rule::SERVER_PACKET_SIZE_TOO_SMALL);
        }
        // A client that named itself keeps its name, and with it the way back to its session.
        if let Some(client) = assigned.filter(|_| self.link.is(flag::EMPTY_CLIENT_ID)) {
            self.session.client = client;
        }

        if !present {
            self.end_session();
        }
        self.session.alive = true;
        self.session.maybe = false;
        self.session.outlived = false;
        self.link.flags &= !flag::UNANSWERED;
        self.link.flags |= flag::ACCEPTED;
        self.session.ends = Instant::ZERO;
        self.session.expiry = self.link.expiry;
        // Authentication is over: an AUTH of ours that was not even lent would answer nothing.
        self.link.auth = AuthTurn::Idle;
        self.link.flags &= !flag::APART_DUE;
        self.arena.give(core::mem::replace(&mut self.link.urgent, NIL));
        self.link.phase = Phase::Up;
        self.link.timers.answer = Instant::ZERO;
        // The keep-alive counts from what was written last, not from the answer.
        let written = core::mem::replace(&mut self.link.timers.ping, Instant::ZERO);
        if self.link.interval != 0 {
            self.link.timers.ping = written.after(self.link.interval.into()).at_least_one();
        }
        self.resume();
        crate::trace::connected(present, self.session.losses);
        Ok(Told::Packet)
    }

    /// Whether the server may say this about our session.
    fn check_session(&self, present: bool) -> Result<(), Rule> {
        if !present {
            return Ok(());
        }
        if self.link.is(flag::CLEAN_START) {
            return Err(Rule::SESSION_AFTER_CLEAN_START);
        }
        let session = &*self.session;
        // What outlived ours may hold an identifier that we use anew: no word of an earlier run changes that.
        if !session.alive && (session.outlived || !self.link.is(flag::PRIOR_EMPTY)) {
            return Err(Rule::SESSION_UNKNOWN);
        }
        Ok(())
    }

    /// Takes over what the server states of this connection. Gives the client identifier that it assigns, as a digest.
    fn grant(&mut self, packet: &ConnAck<'_>) -> Result<Option<u32>, Rule> {
        let mut assigned = None;
        let mut method = 0;
        let mut alias_max = 0;
        let link = &mut *self.link;
        let mut flags = 0;
        let mut lacks = |granted, flag| flags |= if granted { 0 } else { flag };
        for property in packet.properties.iter() {
            match property {
                Property::SessionExpiryInterval(seconds) => link.expiry = seconds,
                Property::ReceiveMaximum(most) => link.server_receive_max = most.get(),
                Property::MaximumQoS(qos) => link.max_qos = (qos as u8).min(1),
                Property::RetainAvailable(yes) => lacks(yes, flag::NO_RETAIN),
                Property::MaximumPacketSize(most) => link.send_max = most.get(),
                Property::AssignedClientIdentifier(id) => assigned = Some(digest(id.as_bytes())),
                Property::TopicAliasMaximum(most) => alias_max = most,
                Property::WildcardSubscriptionAvailable(yes) => lacks(yes, flag::NO_WILDCARDS),
                Property::SubscriptionIdentifiersAvailable(yes) => lacks(yes, flag::NO_SUBSCRIPTION_IDS),
                Property::SharedSubscriptionAvailable(yes) => lacks(yes, flag::NO_SHARED),
                Property::ServerKeepAlive(seconds) => link.keep_alive(seconds),
                Property::ResponseInformation(_) if !link.is(flag::RESPONSE_INFORMATION) => {
                    return Err(Rule::RESPONSE_INFORMATION);
                }
                Property::AuthenticationMethod(name) => method = digest(name.as_bytes()),
                _ => {}
            }
        }
        link.flags |= flags;
        if method != self.link.method {
            return Err(if self.link.method == 0 { Rule::AUTH_UNASKED } else { Rule::AUTH_SAME_METHOD });
        }
        if self.link.is(flag::EMPTY_CLIENT_ID) && assigned.is_none() {
            return Err(Rule::CLIENT_ID_ASSIGNED);
        }
        self.link.server_alias_max = alias_max;
        self.link.alias_max = self.link.alias_max.min(alias_max);
        self.link.quota = self.link.server_receive_max;
        Ok(assigned)
    }

    /// Begins anew with what is unanswered, in the order first sent, and gives up what this server does not take.
    ///
    /// A PUBREL is first sent when its PUBREC comes, and stands in the list where that put it: behind all that had been sent
    /// by then. So PUBLISH packets are in their order [MQTT-4.6.0-1], and PUBREL packets are in theirs [MQTT-4.6.0-4].
    #[inline(never)]
    fn resume(&mut self) {
        let mut number = self.session.publishes.first;
        self.link.unsent = 0;
        while let Some(found) = slot(self.flights, number) {
            found.sent = false;
            let (next, packet) = (found.next, found.packet());
            let sent = packet == NIL || self.arena.has(packet, SENT);
            let input = match (packet == NIL || self.is_allowed(packet), sent) {
                (true, _) => SendInput::Resume,
                (false, true) => SendInput::ForbidSent,
                (false, false) => SendInput::ForbidUnsent,
            };
            let Some(Ok(reply)) = slot(self.flights, number).map(|slot| slot.step(input)) else { break };
            if reply == SendReply::Lost {
                self.end_publish(number, packet);
                self.lose(number);
                number = next;
                continue;
            }
            let unsent = self.link.unsent;
            if !sent && unsent == 0 {
                self.link.unsent = number;
            } else if sent && unsent != 0 {
                // The PUBLISH before it had its turn, but not a byte of it was written: it is new.
                self.session.publishes.remove(self.flights, number);
                self.session.publishes.insert(self.flights, number, unsent);
            }
            if reply == SendReply::GiveUp {
                self.release_chunk(packet);
            }
            if matches!(reply, SendReply::GiveUp | SendReply::ReleaseAgain) {
                self.delay_release(number);
            }
            number = next;
        }
        self.link.cursor = self.session.publishes.first;
        self.sift_queue();
    }
}
