//! SUBSCRIBE and UNSUBSCRIBE (sections 3.8 to 3.11).

use mqtt5_codec::{
    Packet, PacketId, Properties, Property, QoS, ReasonCode, RetainHandling, SubAck, Subscribe, Subscription,
    SubscriptionId, Text, Unsubscribe,
};

use super::Broker;
use super::session::{Claim, Kind, Step, Subscribed};

/// An answer as a packet.
const fn packet(kind: Kind, answer: SubAck<'_>) -> Packet<'_> {
    match kind {
        Kind::Unsubscribe => Packet::UnsubAck(answer),
        _ => Packet::SubAck(answer),
    }
}

impl Broker {
    /// SUBSCRIBE of a client.
    pub(super) fn subscribe(&mut self, number: usize, subscribe: &Subscribe<'_>) {
        if !self.claim_request(number, subscribe.id.get(), Kind::Subscribe) {
            return;
        }
        let Some(link) = self.link(number) else { return };
        let limits = link.limits.clone();
        let id = subscribe.properties.subscription_identifiers().next();
        let identifiable = id.is_none() || limits.subscription_identifiers;
        if !self.ledger.check("MQTT 3.2.2.3.12", identifiable, || "a subscription identifier".to_owned()) {
            return self.disconnect(number, ReasonCode::SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED);
        }
        for Subscription { filter, .. } in subscribe.filters.iter() {
            let plain = limits.wildcards || !filter.has_wildcard();
            if !self.ledger.check("MQTT 3.2.2.3.11", plain, || format!("SUBSCRIBE to {filter}")) {
                return self.disconnect(number, ReasonCode::WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED);
            }
            let unshared = limits.shared_subscriptions || !filter.is_shared();
            if !self.ledger.check("MQTT 3.2.2.3.13", unshared, || format!("SUBSCRIBE to {filter}")) {
                return self.disconnect(number, ReasonCode::SHARED_SUBSCRIPTIONS_NOT_SUPPORTED);
            }
        }
        let refused = self.faults.next_subscribe.take();
        let mut reasons = Vec::new();
        for subscription in subscribe.filters.iter() {
            let reason = match refused {
                Some(reason) => reason,
                None => self.add(number, &subscription, id),
            };
            reasons.push(reason);
            if self.breaks("MQTT-3.8.4-5") {
                break;
            }
        }
        if self.breaks("MQTT-3.8.4-6") {
            reasons.push(ReasonCode::SUCCESS);
        }
        if self.breaks("MQTT-3.9.3-1") {
            reasons.reverse();
        }
        if !self.breaks("MQTT-3.8.4-1") {
            let wrong = self.breaks("MQTT-3.8.4-2") || self.breaks("MQTT-2.2.1-6");
            self.answer(number, Kind::Subscribe, subscribe.id, &reasons, wrong);
        }
        self.pump(number);
    }

    /// Adds a subscription, or replaces it, and queues the retained messages that it asks for.
    fn add(&mut self, number: usize, subscription: &Subscription<'_>, id: Option<SubscriptionId>) -> ReasonCode {
        let filter = subscription.filter.as_str();
        let options = subscription.options;
        let id = id.map(SubscriptionId::get);
        let keeps_old = self.breaks("MQTT-3.8.4-3");
        let Some(session) = self.session_of(number) else { return ReasonCode::UNSPECIFIED_ERROR };
        let old = session.subscriptions.get(filter).copied();
        let new = if let (true, Some(old)) = (keeps_old, old) { old } else { Subscribed { options, id } };
        session.subscriptions.insert(filter.to_owned(), new);
        let sends = match options.retain_handling {
            RetainHandling::SendAtSubscribe => match old {
                Some(_) => !self.breaks("MQTT-3.8.4-4"),
                None => !self.breaks("MQTT-3.3.1-9"),
            },
            RetainHandling::SendIfNew => old.is_none() || self.breaks("MQTT-3.3.1-10"),
            RetainHandling::DoNotSend => self.breaks("MQTT-3.3.1-11"),
        };
        if sends && !subscription.filter.is_shared() {
            self.send_retained(number, filter, options.maximum_qos, id);
        }
        if self.breaks("MQTT-3.8.4-7") {
            return ReasonCode::GRANTED_QOS_2;
        }
        match options.maximum_qos {
            QoS::AtMostOnce => ReasonCode::GRANTED_QOS_0,
            QoS::AtLeastOnce => ReasonCode::GRANTED_QOS_1,
            QoS::ExactlyOnce => ReasonCode::GRANTED_QOS_2,
        }
    }

    /// UNSUBSCRIBE of a client.
    pub(super) fn unsubscribe(&mut self, number: usize, unsubscribe: &Unsubscribe<'_>) {
        if !self.claim_request(number, unsubscribe.id.get(), Kind::Unsubscribe) {
            return;
        }
        let refused = self.faults.next_unsubscribe.take();
        let keeps = self.breaks("MQTT-3.10.4-1") || self.breaks("MQTT-3.10.4-2");
        let only_first = self.breaks("MQTT-3.10.4-6");
        let Some(session) = self.session_of(number) else { return };
        let mut reasons = Vec::new();
        for filter in unsubscribe.filters.iter() {
            reasons.push(match refused {
                Some(reason) => reason,
                None if session.subscriptions.contains_key(filter.as_str()) => {
                    if !keeps && (!only_first || reasons.is_empty()) {
                        session.subscriptions.remove(filter.as_str());
                    }
                    ReasonCode::SUCCESS
                }
                None => ReasonCode::NO_SUBSCRIPTION_EXISTED,
            });
        }
        if self.breaks("MQTT-3.10.4-3")
            && let Some(session) = self.session_of(number)
        {
            session.sending.clear();
        }
        if self.breaks("MQTT-3.11.3-1") {
            reasons.reverse();
        }
        if !self.breaks("MQTT-3.10.4-4") {
            let wrong = self.breaks("MQTT-3.10.4-5");
            self.answer(number, Kind::Unsubscribe, unsubscribe.id, &reasons, wrong);
        }
    }

    /// Takes down the identifier of a SUBSCRIBE or UNSUBSCRIBE. False when the connection ended.
    fn claim_request(&mut self, number: usize, id: u16, kind: Kind) -> bool {
        let Some(session) = self.session_of(number) else { return false };
        session.claims.retain(|claim| !claim.is_free(id));
        let free = session.claim(id).is_none();
        if !self.ledger.check("MQTT-2.2.1-3", free, || format!("packet identifier {id} is in use")) {
            self.disconnect(number, ReasonCode::PROTOCOL_ERROR);
            return false;
        }
        if let Some(session) = self.session_of(number) {
            let claim = Claim {
                id,
                kind,
                message: None,
                size: 0,
                received: false,
                doubtful: false,
                released: false,
                here: true,
                given_up: false,
            };
            session.claims.push(claim);
        }
        true
    }

    /// Sends SUBACK or UNSUBACK.
    fn answer(&mut self, number: usize, kind: Kind, id: PacketId, reasons: &[ReasonCode], wrong: bool) {
        let sent = if wrong { PacketId::new(id.get() ^ 0x4000).unwrap_or(id) } else { id };
        let why = [Property::ReasonString(Text::new("granted by the model").unwrap_or(Text::EMPTY))];
        let verbose = self.link(number).is_some_and(|link| link.limits.reason_strings && !link.terse);
        let plain = SubAck { id: sent, properties: Properties::EMPTY, reasons: reasons.into() };
        let told = SubAck { properties: Properties::from(&why), ..plain };
        if !verbose || self.send(number, &packet(kind, told)) == 0 {
            self.send(number, &packet(kind, plain));
        }
        if let Some(link) = self.link(number) {
            link.steps.push_back((link.output.0.len(), id.get(), Step::Ends));
        }
    }
}
