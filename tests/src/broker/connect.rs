//! CONNECT and CONNACK (sections 3.1 and 3.2).

use core::num::{NonZeroU16, NonZeroU32};

use mqtt5_codec::{
    ConnAck, Connect, Decoded, Decoder, Delivery, Packet, Properties, Property, Publish, QoS, ReasonCode, Sender, Text,
    TopicRef,
};

use super::link::Phase;
use super::message::Message;
use super::session::Will;
use super::{Broker, Entry};

impl Broker {
    /// A client asks for a connection.
    pub(super) fn connect(&mut self, number: usize, connect: &Connect<'_>, bytes: &[u8]) {
        let limits = self.limits.clone();
        let Some(link) = self.link(number) else { return };
        link.limits = limits.clone();
        link.client = connect.client_id.as_str().to_owned();
        link.receive_maximum = connect.properties.receive_maximum().map_or(u16::MAX, NonZeroU16::get);
        link.maximum_packet_size = connect.properties.maximum_packet_size().map(NonZeroU32::get);
        link.alias_maximum = connect.properties.topic_alias_maximum().unwrap_or(0);
        link.terse = connect.properties.request_problem_information() == Some(false);
        link.asked_expiry = connect.properties.session_expiry_interval().unwrap_or(0);
        link.keep_alive = limits.server_keep_alive.unwrap_or(connect.keep_alive);
        link.connect = bytes.to_vec();
        if let Some(reason) = self.faults.next_connect.take() {
            return self.refuse_and_part(number, reason);
        }
        if connect.client_id.len() > 22 && self.breaks("MQTT-3.1.3-5") {
            return self.refuse_and_part(number, ReasonCode::CLIENT_IDENTIFIER_NOT_VALID);
        }
        if let Some(will) = &connect.will {
            if will.qos > limits.maximum_qos && !self.breaks("MQTT-3.2.2-12") {
                return self.refuse_and_part(number, ReasonCode::QOS_NOT_SUPPORTED);
            }
            if will.retain && !limits.retain_available && !self.breaks("MQTT-3.2.2-13") {
                return self.refuse_and_part(number, ReasonCode::RETAIN_NOT_SUPPORTED);
            }
        }
        let Some(method) = connect.properties.authentication_method() else { return self.accept(number) };
        match limits.authentication {
            Some((known, challenges)) if method == *known => {
                if let Some(link) = self.link(number) {
                    link.method = Some((known.to_owned(), challenges));
                    link.phase = Phase::Authenticating;
                }
                if challenges == 0 {
                    self.accept(number);
                } else {
                    self.challenge(number, known, ReasonCode::CONTINUE_AUTHENTICATION);
                }
            }
            _ if self.breaks("MQTT-4.12.0-1") => self.accept(number),
            _ if self.breaks("MQTT-3.1.4-6") => {
                self.refuse(number, ReasonCode::BAD_AUTHENTICATION_METHOD);
                if let Some(link) = self.link(number) {
                    link.phase = Phase::Up;
                }
            }
            _ => self.refuse_and_part(number, ReasonCode::BAD_AUTHENTICATION_METHOD),
        }
    }

    fn refuse_and_part(&mut self, number: usize, reason: ReasonCode) {
        self.refuse(number, reason);
        if !self.breaks("MQTT-3.2.2-7") {
            self.part(number);
        }
    }

    /// CONNACK with a reason of 0x80 or above.
    pub(super) fn refuse(&mut self, number: usize, reason: ReasonCode) {
        let connack = ConnAck { session_present: false, reason, properties: Properties::EMPTY };
        // Not every reason of DISCONNECT is one of CONNACK.
        if self.send(number, &Packet::ConnAck(connack)) == 0 {
            self.send(number, &Packet::ConnAck(ConnAck { reason: ReasonCode::UNSPECIFIED_ERROR, ..connack }));
        }
        if self.breaks("MQTT-3.2.2-6") {
            let at = self.link(number).map_or(0, |link| link.output.0.len());
            if let Some(flags) = self.link(number).and_then(|link| link.output.0.get_mut(at - 3)) {
                *flags = 1;
            }
        }
    }

    /// The client is who it says: the session is found or made, and CONNACK sent.
    pub(super) fn accept(&mut self, number: usize) {
        let Some(link) = self.link(number) else { return };
        let bytes = core::mem::take(&mut link.connect);
        let Ok(Decoded::Packet { packet: Packet::Connect(connect), .. }) = Decoder::new(Sender::Client).decode(&bytes)
        else {
            return;
        };
        let assigned = connect.client_id.is_empty();
        if assigned {
            self.assigned += u32::from(!self.breaks("MQTT-3.2.2-16"));
            let name = format!("assigned-{}", self.assigned);
            if let Some(link) = self.link(number) {
                link.client = name;
            }
        }
        let client = self.link(number).map(|link| link.client.clone()).unwrap_or_default();
        self.take_over(&client);
        let present = self.find_session(&client, number, &connect);
        if let Some(link) = self.link(number) {
            link.phase = Phase::Up;
            link.resumed = present;
        }
        self.connack(number, &connect, present, assigned.then_some(client.as_str()));
        if present {
            self.owe(number);
        }
        self.pump(number);
    }

    /// Ends another connection of the same client identifier [MQTT-3.1.4-3].
    fn take_over(&mut self, client: &str) {
        let old = self.sessions.get(client).and_then(|session| session.link);
        if let Some(old) = old
            && !self.breaks("MQTT-3.1.4-3")
        {
            self.disconnect(old, ReasonCode::SESSION_TAKEN_OVER);
        }
    }

    /// Finds the session or makes it. Whether there was one.
    fn find_session(&mut self, client: &str, number: usize, connect: &Connect<'_>) -> bool {
        let lost = core::mem::take(&mut self.faults.lose_session)
            || connect.clean_start && !self.breaks("MQTT-3.1.2-4")
            || self.breaks("MQTT-3.1.2-5");
        if lost && let Some(mut old) = self.sessions.remove(client) {
            // A will that waits is published when its session ends.
            if let Some(will) = old.will.take().filter(|_| old.link.is_none()) {
                self.publish_will(client, will);
            }
        }
        let asked = connect.properties.session_expiry_interval().unwrap_or(0);
        let present = self.sessions.contains_key(client);
        if !present {
            self.note(|| Entry::Began(client.to_owned()));
        }
        let most = self.link(number).and_then(|link| link.limits.session_expiry).unwrap_or(u32::MAX);
        let late_will = self.breaks("MQTT-3.1.3-9");
        let session = self.sessions.entry(client.to_owned()).or_default();
        session.link = Some(number);
        // A client that was never told may end what it began in the session before.
        session.limited |= session.untold;
        session.untold |= !present;
        session.expiry = asked.min(most);
        session.ends = None;
        let old_will = session.will.take().filter(|_| late_will);
        session.will = connect.will.as_ref().map(|will| {
            let publish = Publish {
                topic: TopicRef::Name(will.topic),
                delivery: Delivery::AtMostOnce,
                retain: will.retain,
                properties: Properties::EMPTY,
                payload: will.payload,
            };
            let properties: Vec<_> = will
                .properties
                .iter()
                .filter(|property| {
                    !matches!(property, Property::WillDelayInterval(_) | Property::MessageExpiryInterval(_))
                })
                .collect();
            let publish = Publish { properties: Properties::from(&properties[..]), ..publish };
            let message = Message::of_will(&publish, will.topic, client, will.qos);
            let delay = u64::from(will.properties.will_delay_interval().unwrap_or(0)) * 1000;
            Will { message, delay, due: None, expiry: will.properties.message_expiry_interval() }
        });
        if let Some(will) = old_will {
            self.publish_will(client, will);
        }
        present
    }

    fn connack(&mut self, number: usize, connect: &Connect<'_>, present: bool, assigned: Option<&str>) {
        let invent = core::mem::take(&mut self.faults.invent_session);
        // As it was when CONNECT came, however long authentication took.
        let limits = self.link(number).map(|link| link.limits.clone()).unwrap_or_default();
        let mut list = Vec::new();
        if limits.receive_maximum != u16::MAX {
            list.extend(NonZeroU16::new(limits.receive_maximum).map(Property::ReceiveMaximum));
        }
        if limits.maximum_qos != QoS::ExactlyOnce && !self.breaks("MQTT-3.2.2-9") {
            list.push(Property::MaximumQoS(limits.maximum_qos));
        }
        if !limits.retain_available {
            list.push(Property::RetainAvailable(false));
        }
        list.extend(limits.maximum_packet_size.and_then(NonZeroU32::new).map(Property::MaximumPacketSize));
        if limits.topic_alias_maximum != 0 {
            list.push(Property::TopicAliasMaximum(limits.topic_alias_maximum));
        }
        if !limits.wildcards {
            list.push(Property::WildcardSubscriptionAvailable(false));
        }
        if !limits.subscription_identifiers {
            list.push(Property::SubscriptionIdentifiersAvailable(false));
        }
        if !limits.shared_subscriptions {
            list.push(Property::SharedSubscriptionAvailable(false));
        }
        list.extend(limits.server_keep_alive.map(Property::ServerKeepAlive));
        let asked = connect.properties.session_expiry_interval().unwrap_or(0);
        list.extend(limits.session_expiry.filter(|most| *most < asked).map(Property::SessionExpiryInterval));
        if let Some(name) = assigned
            && !self.breaks("MQTT-3.1.3-7")
            && !self.breaks("MQTT-3.1.3-6")
        {
            list.extend(Text::new(name).map(Property::AssignedClientIdentifier));
        }
        let method = self.link(number).and_then(|link| link.method.clone()).map(|(method, _)| method);
        let method = method.as_deref().or(self.breaks("MQTT-4.12.0-6").then_some("uninvited"));
        list.extend(method.and_then(|method| Text::new(method).ok()).map(Property::AuthenticationMethod));
        let asks = connect.properties.request_response_information() == Some(true) || self.breaks("MQTT-3.1.2-28");
        let information = limits.response_information.filter(|_| asks).and_then(|text| Text::new(text).ok());
        list.extend(information.map(Property::ResponseInformation));
        if limits.reason_strings {
            list.extend(Text::new("welcome").map(Property::ReasonString));
        }
        let session_present = match present {
            true => !self.breaks("MQTT-3.2.2-3"),
            false if connect.clean_start => invent || self.breaks("MQTT-3.2.2-2"),
            false => invent || self.breaks("MQTT-3.1.2-6"),
        };
        let properties = Properties::from(&list[..]);
        let connack = Packet::ConnAck(ConnAck { session_present, reason: ReasonCode::SUCCESS, properties });
        if self.breaks("MQTT-3.1.4-5") {
            return;
        }
        if self.breaks("MQTT-3.2.0-1") {
            self.send(number, &Packet::PingResp);
        }
        self.send(number, &connack);
        if self.breaks("MQTT-3.2.0-2") {
            self.send(number, &connack);
        }
    }
}
