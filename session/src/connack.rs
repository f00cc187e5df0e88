//! The server's answer to CONNECT: its limits, and what became of the session.

use core::num::NonZeroU32;

use mqtt5_codec::{ConnAck, Property, Rule};

use crate::arena::{NIL, SENT};
use crate::digest::digest;
use crate::event::Becomes;
use crate::flow::{SendInput, SendReply};
use crate::slots::slot;
use crate::state::{AuthTurn, Engine, Greeting, Phase, asked, lacks};
use crate::time::Instant;

impl Engine<'_> {
    #[inline(never)]
    pub(crate) fn connack(&mut self, packet: &ConnAck<'_>) -> Result<Becomes, Rule> {
        let present = packet.session_present;
        if packet.reason.is_error() {
            self.link.connect.greeting = Greeting::Answered;
            self.link.phase = Phase::Closed;
            crate::trace::ended(packet.reason.value());
            return Ok(Becomes::Other);
        }
        self.check_session(present)?;
        let assigned = self.grant(packet)?;
        if self.link.largest.server() < 5 {
            // An acknowledgement with a reason is 5 bytes long: nothing can be done for this server.
            return Err(Rule::SERVER_PACKET_SIZE_TOO_SMALL);
        }
        // A client that named itself keeps its name, and with it the way back to its session.
        if let Some(client) = assigned.filter(|_| self.link.connect.asked(asked::EMPTY_CLIENT_ID)) {
            self.session.client = Some(client);
        }

        if !present {
            self.end_session();
        }
        self.session.alive = true;
        self.session.server_may_hold = false;
        self.session.outlived = false;
        self.link.connect.greeting = Greeting::Answered;
        self.session.expires = Instant::ZERO;
        self.session.expiry = self.link.connect.expiry;
        // Authentication is over: an AUTH of ours that was not even lent would answer nothing.
        self.link.auth = AuthTurn::Idle;
        self.drop_urgent();
        self.link.phase = Phase::Up;
        self.link.timers.answer = Instant::ZERO;
        // The keep-alive counts from what was written last, not from the answer.
        let written = core::mem::replace(&mut self.link.timers.ping, Instant::ZERO);
        if let Some(interval) = self.link.keep_alive.interval {
            self.link.timers.ping = written.after(interval.get().into()).at_least_one();
        }
        self.resume();
        crate::trace::connected(present, self.session.losses);
        Ok(Becomes::Usual)
    }

    /// Whether the server may say this about our session.
    fn check_session(&self, present: bool) -> Result<(), Rule> {
        if !present {
            return Ok(());
        }
        if self.link.connect.asked(asked::CLEAN_START) {
            return Err(Rule::SESSION_AFTER_CLEAN_START);
        }
        let session = &*self.session;
        // What outlived ours may hold an identifier that we use anew: no word of an earlier run changes that.
        if !session.alive && (session.outlived || !self.link.connect.asked(asked::PRIOR_EMPTY)) {
            return Err(Rule::SESSION_UNKNOWN);
        }
        Ok(())
    }

    /// Takes over what the server states of this connection. Gives the client identifier that it assigns, as a digest.
    fn grant(&mut self, packet: &ConnAck<'_>) -> Result<Option<NonZeroU32>, Rule> {
        let mut assigned = None;
        let mut method = None;
        let mut alias_max = 0;
        let link = &mut *self.link;
        let mut bits = 0;
        let mut grant = |granted, bit| bits |= if granted { 0 } else { bit };
        for property in packet.properties.iter() {
            match property {
                Property::SessionExpiryInterval(seconds) => link.connect.expiry = seconds,
                Property::ReceiveMaximum(most) => link.server.receive_max = most.get(),
                Property::MaximumQoS(qos) => link.server.max_qos = (qos as u8).min(1),
                Property::RetainAvailable(yes) => grant(yes, lacks::RETAIN),
                Property::MaximumPacketSize(most) => link.largest.server = Some(most),
                Property::AssignedClientIdentifier(id) => assigned = Some(digest(id.as_bytes())),
                Property::TopicAliasMaximum(most) => alias_max = most,
                Property::WildcardSubscriptionAvailable(yes) => grant(yes, lacks::WILDCARDS),
                Property::SubscriptionIdentifiersAvailable(yes) => grant(yes, lacks::SUBSCRIPTION_IDS),
                Property::SharedSubscriptionAvailable(yes) => grant(yes, lacks::SHARED),
                Property::ServerKeepAlive(seconds) => link.keep_alive(seconds),
                Property::ResponseInformation(_) if !link.connect.asked(asked::RESPONSE_INFORMATION) => {
                    return Err(Rule::RESPONSE_INFORMATION);
                }
                Property::AuthenticationMethod(name) => method = Some(digest(name.as_bytes())),
                _ => {}
            }
        }
        link.server.set_lacks(bits);
        if method != self.link.connect.method {
            return Err(if self.link.connect.method.is_none() { Rule::AUTH_UNASKED } else { Rule::AUTH_SAME_METHOD });
        }
        if self.link.connect.asked(asked::EMPTY_CLIENT_ID) && assigned.is_none() {
            return Err(Rule::CLIENT_ID_ASSIGNED);
        }
        self.link.aliases.server_max = alias_max;
        self.link.aliases.max = self.link.aliases.max.min(alias_max);
        self.link.server.quota = self.link.server.receive_max;
        Ok(assigned)
    }

    /// Begins anew with what is unanswered, in the order first sent, and gives up what this server does not take.
    ///
    /// A PUBREL is first sent when its PUBREC comes, and stands in the list where that put it: behind all that had been sent
    /// by then. So PUBLISH packets are in their order [MQTT-4.6.0-1], and PUBREL packets are in theirs [MQTT-4.6.0-4].
    #[inline(never)]
    fn resume(&mut self) {
        let mut number = self.session.publishes.first;
        self.link.order.unsent = 0;
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
            let unsent = self.link.order.unsent;
            if !sent && unsent == 0 {
                self.link.order.unsent = number;
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
        self.link.order.cursor = self.session.publishes.first;
        self.prune_queue();
    }
}
