//! The server's answer to CONNECT: its limits, and what became of the session.

use mqtt5_codec::{ConnAck, Property, QoS, ReasonCode, Rule};

use crate::arena::SENT;
use crate::connect::digest;
use crate::engine::{AuthTurn, Engine, Phase, flag};
use crate::event::Fault;
use crate::flow::Sending;
use crate::incoming::Told;
use crate::slots::{Slot, slot};
use crate::time::Instant;

impl Engine<'_> {
    pub(crate) fn connack(&mut self, packet: &ConnAck<'_>) -> Result<Told, Fault> {
        let present = packet.session_present;
        if packet.reason.is_error() {
            self.link.flags &= !flag::UNANSWERED;
            self.link.phase = Phase::Closed;
            crate::trace::ended(packet.reason.value());
            return Ok(Told::Step);
        }
        if let Err(rule) = self.check_session(present).and_then(|()| self.grant(packet)) {
            return Err(self.fault(ReasonCode::PROTOCOL_ERROR, rule));
        }
        if self.link.send_max() < 5 {
            // An acknowledgement with a reason is 5 bytes long: nothing can be done for this server.
            return Err(self.fault(ReasonCode::PACKET_TOO_LARGE, Rule::SERVER_MAXIMUM_PACKET_SIZE));
        }

        if !present {
            self.end_session();
        }
        self.session.alive = true;
        self.session.maybe = false;
        self.session.outlived = false;
        self.link.flags &= !flag::UNANSWERED;
        self.session.ends = Instant::default();
        self.session.expiry = self.link.expiry;
        self.link.auth = AuthTurn::Idle;
        self.link.phase = Phase::Up;
        self.link.timers.answer = Instant::default();
        // The keep-alive counts from what was written last, not from the answer.
        let written = core::mem::take(&mut self.link.timers.ping);
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
        if !self.session.alive && !self.link.is(flag::PRIOR_EMPTY) {
            return Err(Rule::SESSION_UNKNOWN);
        }
        Ok(())
    }

    /// Takes over what the server states.
    fn grant(&mut self, packet: &ConnAck<'_>) -> Result<(), Rule> {
        let mut assigned = false;
        let mut method = 0;
        let mut alias_max = 0;
        let set = |granted, flag| if granted { 0 } else { flag };
        for property in packet.properties.iter() {
            match property {
                Property::SessionExpiryInterval(seconds) => self.link.expiry = seconds,
                Property::ReceiveMaximum(most) => self.link.server_receive_max = most.get(),
                Property::MaximumQoS(QoS::AtMostOnce) => self.link.max_qos = 0,
                Property::MaximumQoS(_) => self.link.max_qos = 1,
                Property::RetainAvailable(yes) => self.link.flags |= set(yes, flag::NO_RETAIN),
                Property::MaximumPacketSize(most) => self.link.send_max = most.get(),
                Property::AssignedClientIdentifier(id) => {
                    assigned = true;
                    self.session.client = digest(id.as_bytes());
                }
                Property::TopicAliasMaximum(most) => alias_max = most,
                Property::WildcardSubscriptionAvailable(yes) => self.link.flags |= set(yes, flag::NO_WILDCARDS),
                Property::SubscriptionIdentifiersAvailable(yes) => {
                    self.link.flags |= set(yes, flag::NO_SUBSCRIPTION_IDS);
                }
                Property::SharedSubscriptionAvailable(yes) => self.link.flags |= set(yes, flag::NO_SHARED),
                Property::ServerKeepAlive(seconds) => self.link.keep_alive(seconds),
                Property::ResponseInformation(_) if !self.link.is(flag::RESPONSE_INFORMATION) => {
                    return Err(Rule::RESPONSE_INFORMATION);
                }
                Property::AuthenticationMethod(name) => method = digest(name.as_bytes()),
                _ => {}
            }
        }
        if method != self.link.method {
            return Err(if self.link.method == 0 { Rule::AUTH_UNASKED } else { Rule::AUTH_SAME_METHOD });
        }
        if self.link.is(flag::EMPTY_CLIENT_ID) && !assigned {
            return Err(Rule::CLIENT_ID_ASSIGNED);
        }
        self.link.server_alias_max = alias_max;
        self.link.alias_max = self.link.alias_max.min(alias_max);
        self.link.quota = self.link.server_receive_max;
        Ok(())
    }

    /// Begins anew with what is unanswered, in the order first sent, and gives up what this server does not take.
    ///
    /// A PUBREL is first sent when its PUBREC comes, and stands in the list where that put it: behind all that had been sent
    /// by then. So PUBLISH packets are in their order [MQTT-4.6.0-1], and PUBREL packets are in theirs [MQTT-4.6.0-4].
    fn resume(&mut self) {
        let mut number = self.session.publishes.first;
        self.link.unsent = 0;
        while let Some(found) = slot(self.slots, number) {
            found.sent = false;
            let Slot { next, chunk, state, .. } = *found;
            let mut released = state == Sending::PubComp;
            let sent = released || self.arena.has(chunk, SENT);
            if !released && !self.is_allowed(chunk) {
                if state == Sending::PubRec && sent {
                    // The server may have it, and would take a new message with this identifier for a duplicate
                    // [MQTT-4.3.3-10]. It says so when it is asked to release it. A Maximum QoS forbids no PUBREL.
                    self.release(number);
                    released = true;
                } else {
                    self.end_publish(number);
                    self.lose_id(number);
                    number = next;
                    continue;
                }
            }
            let unsent = self.link.unsent;
            if !sent && unsent == 0 {
                self.link.unsent = number;
            } else if sent && unsent != 0 {
                // The PUBLISH before it had its turn, but not a byte of it was written: it is new.
                self.session.publishes.remove(self.slots, number);
                self.session.publishes.insert(self.slots, number, unsent);
            }
            if released {
                self.delay_release(number);
            }
            number = next;
        }
        self.link.cursor = self.session.publishes.first;
        self.sift_queue();
    }
}
