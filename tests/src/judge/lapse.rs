//! Lapses of a server, made on the bytes that go by: with them the judge of servers is judged itself.

use std::collections::{BTreeMap, BTreeSet};

use mqtt5_codec::{
    Ack, Decoded, Decoder, Delivery, Packet, PacketId, Properties, Property, Publish, QoS, Sender, Text, Topic,
    TopicAlias, TopicRef,
};

use super::cases::malformed;
use crate::broker::Buffer;

/// What breaks a statement, between a server that keeps it and its clients.
#[derive(Debug, Default)]
pub struct Lapse {
    /// The statement; none breaks nothing.
    pub statement: Option<&'static str>,
    /// By link: the last PUBLISH that went to it and was not acknowledged.
    published: BTreeMap<usize, Vec<u8>>,
    /// Messages whose PUBREL went to a client and is not answered, by identifier.
    released: BTreeMap<u16, Vec<u8>>,
    /// Identifiers that a client has used.
    used: BTreeSet<u16>,
    /// Topics of the client's aliases.
    aliases: BTreeMap<TopicAlias, String>,
    /// Bytes of our own for a link.
    invented: BTreeMap<usize, Vec<u8>>,
    unsubscribed: bool,
    /// The message whose payload says that it expires before it is released.
    late: Option<PacketId>,
    /// Identifiers of messages that the server refused, and of those that came again.
    refused: BTreeSet<u16>,
    again: BTreeSet<u16>,
    /// A SUBSCRIBE came that is to be refused.
    above: bool,
    /// Links whose CONNECT has come.
    greeted: BTreeSet<usize>,
    /// The server refused a client identifier.
    unnamed: bool,
}

/// The packets in a piece of a stream that has whole ones.
fn packets(from: Sender, mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut packets = Vec::new();
    while let Ok(Decoded::Packet { used, .. }) = Decoder::new(from).decode(bytes) {
        let Some((packet, rest)) = bytes.split_at_checked(used) else { break };
        packets.push(packet);
        bytes = rest;
    }
    if !bytes.is_empty() {
        packets.push(bytes);
    }
    packets
}

fn encoded(from: Sender, packet: &Packet<'_>) -> Vec<u8> {
    let mut out = Buffer::default();
    let _ = packet.encode(from, &mut out);
    out.0
}

/// Which packets a statement on reason strings and user properties is about, and whether it is about the latter.
fn talkative(statement: &str) -> Option<(u8, bool)> {
    Some(match statement {
        "MQTT-3.2.2-19" => (2, false),
        "MQTT-3.2.2-20" => (2, true),
        "MQTT-3.4.2-2" => (4, false),
        "MQTT-3.4.2-3" => (4, true),
        "MQTT-3.5.2-2" => (5, false),
        "MQTT-3.5.2-3" => (5, true),
        "MQTT-3.6.2-2" => (6, false),
        "MQTT-3.6.2-3" => (6, true),
        "MQTT-3.7.2-2" => (7, false),
        "MQTT-3.7.2-3" => (7, true),
        "MQTT-3.9.2-1" => (9, false),
        "MQTT-3.9.2-2" => (9, true),
        "MQTT-3.11.2-1" => (11, false),
        "MQTT-3.11.2-2" => (11, true),
        "MQTT-3.14.2-3" => (14, false),
        "MQTT-3.14.2-4" => (14, true),
        "MQTT-3.15.2-2" => (15, false),
        "MQTT-3.15.2-3" => (15, true),
        _ => return None,
    })
}

/// A packet with a long reason string or user property instead of its properties.
fn verbose<'p>(packet: Packet<'p>, properties: Properties<'p>) -> Packet<'p> {
    match packet {
        Packet::ConnAck(packet) => Packet::ConnAck(mqtt5_codec::ConnAck { properties, ..packet }),
        Packet::PubAck(packet) => Packet::PubAck(Ack { properties, ..packet }),
        Packet::PubRec(packet) => Packet::PubRec(Ack { properties, ..packet }),
        Packet::PubRel(packet) => Packet::PubRel(Ack { properties, ..packet }),
        Packet::PubComp(packet) => Packet::PubComp(Ack { properties, ..packet }),
        Packet::SubAck(packet) => Packet::SubAck(mqtt5_codec::SubAck { properties, ..packet }),
        Packet::UnsubAck(packet) => Packet::UnsubAck(mqtt5_codec::SubAck { properties, ..packet }),
        Packet::Disconnect(packet) => Packet::Disconnect(mqtt5_codec::Disconnect { properties, ..packet }),
        Packet::Auth(packet) => Packet::Auth(mqtt5_codec::Auth { properties, ..packet }),
        other => other,
    }
}

impl Lapse {
    fn is(&self, statement: &str) -> bool {
        self.statement == Some(statement)
    }

    /// Whether the server's end of the connection is kept from the client.
    #[must_use]
    pub fn hides_the_end(&self) -> bool {
        self.is("MQTT-3.14.4-2") || self.is("MQTT-4.13.2-1") || (self.is("MQTT-3.1.3-8") && self.unnamed)
    }

    /// What was invented for a link.
    pub fn invented(&mut self, link: usize) -> Vec<u8> {
        self.invented.remove(&link).unwrap_or_default()
    }

    /// A client closes its connection; `others` are the links that are open.
    pub fn closes(&mut self, link: usize, others: &[usize]) {
        let bytes = self.published.remove(&link);
        self.invented.remove(&link);
        self.greeted.remove(&link);
        if self.is("MQTT-4.8.2-5") {
            self.give_to_others(link, others, bytes);
        }
    }

    fn give_to_others(&mut self, link: usize, others: &[usize], bytes: Option<Vec<u8>>) {
        let Some(bytes) = bytes else { return };
        for other in others.iter().filter(|other| **other != link) {
            self.invented.entry(*other).or_default().extend_from_slice(&bytes);
        }
    }

    /// What the server gets of what a client sends.
    pub fn incoming(&mut self, link: usize, others: &[usize], bytes: &[u8]) -> Vec<u8> {
        if self.statement.is_none() {
            return bytes.to_vec();
        }
        // A packet that may not be is put up with where it never arrives.
        let wrong = self.statement.and_then(malformed::packet);
        let mut out = Vec::new();
        for bytes in packets(Sender::Client, bytes) {
            let known = self.greeted.contains(&link) && self.is("MQTT-3.1.0-1");
            if (wrong == Some(bytes) && !known) || self.swallows(link, bytes) {
                continue;
            }
            match Decoder::new(Sender::Client).decode(bytes) {
                Ok(Decoded::Packet { packet: Packet::Publish(publish), .. }) => {
                    out.extend(self.publish_comes(link, &publish, bytes));
                }
                Ok(Decoded::Packet { packet: Packet::PubAck(ack), .. }) => {
                    let bytes_of_it = self.published.remove(&link);
                    if ack.reason.is_error() && self.is("MQTT-4.8.2-6") {
                        self.give_to_others(link, others, bytes_of_it);
                    }
                    if !(ack.reason.is_error() && self.is("MQTT-4.4.0-2")) {
                        out.extend_from_slice(bytes);
                    }
                }
                Ok(Decoded::Packet { packet: Packet::PubComp(ack), .. }) => {
                    self.released.remove(&ack.id.get());
                    self.published.remove(&link);
                    out.extend_from_slice(bytes);
                }
                _ => out.extend_from_slice(bytes),
            }
        }
        out
    }

    /// Whether a packet of a client's is kept from the server.
    fn swallows(&mut self, link: usize, bytes: &[u8]) -> bool {
        let decoded = Decoder::new(Sender::Client).decode(bytes);
        let Ok(Decoded::Packet { packet, .. }) = decoded else { return self.is("MQTT-4.2-1") && bytes.len() == 1 };
        let of = |publish: &Publish<'_>, name: &str| {
            publish.topic.name().is_some_and(|topic| topic.as_str().ends_with(name))
        };
        match (self.statement.unwrap_or_default(), packet) {
            (_, Packet::Connect(_)) => {
                self.greeted.insert(link);
                false
            }
            ("MQTT 3.2.2.3.6", _) => bytes.len() > 300,
            ("MQTT 3.3.4", Packet::Publish(publish)) => {
                of(&publish, "/many") && publish.delivery.id().is_some_and(|id| id.get() > 3)
            }
            ("MQTT-4.12.1-2", Packet::Auth(auth)) => auth.reason == mqtt5_codec::ReasonCode::RE_AUTHENTICATE,
            ("MQTT-3.2.2-10", Packet::Subscribe(subscribe)) => {
                self.above = subscribe.filters.iter().any(|asked| asked.filter.as_str().ends_with("/above"));
                false
            }
            ("MQTT-4.3.3-9", Packet::Publish(publish)) => {
                let Some(id) = publish.delivery.id().filter(|id| self.refused.contains(&id.get())) else {
                    return false;
                };
                self.again.insert(id.get());
                self.invent(link, 0x50, id);
                true
            }
            ("MQTT-4.3.3-9", Packet::PubRel(ack)) if self.again.contains(&ack.id.get()) => {
                self.invent(link, 0x70, ack.id);
                true
            }
            _ => false,
        }
    }

    /// An acknowledgement of our own.
    fn invent(&mut self, link: usize, first: u8, id: PacketId) {
        let [high, low] = id.get().to_be_bytes();
        self.invented.entry(link).or_default().extend_from_slice(&[first, 2, high, low]);
    }

    fn publish_comes(&mut self, link: usize, publish: &Publish<'_>, bytes: &[u8]) -> Vec<u8> {
        if let (true, Some(alias)) = (self.is("MQTT-3.3.2-7"), publish.topic.alias()) {
            match publish.topic {
                TopicRef::NameAndAlias(topic, _) => drop(self.aliases.insert(alias, topic.as_str().to_owned())),
                _ => {
                    // The alias of a connection that is gone is resolved on this one.
                    let name = self.aliases.get(&alias).cloned().unwrap_or_default();
                    if let Ok(topic) = Topic::new(&name) {
                        let publish = Publish { topic: TopicRef::NameAndAlias(topic, alias), ..*publish };
                        return encoded(Sender::Client, &Packet::Publish(publish));
                    }
                }
            }
        }
        if publish.payload == b"late" {
            self.late = publish.delivery.id();
        }
        if let Some(id) = publish.delivery.id() {
            let again = !self.used.insert(id.get());
            let (statement, answer) = match publish.delivery.qos() {
                QoS::AtLeastOnce => ("MQTT-4.3.2-5", 0x40),
                _ => ("MQTT-4.3.3-12", 0x50),
            };
            if again && self.is(statement) {
                self.invent(link, answer, id);
                return Vec::new();
            }
        }
        bytes.to_vec()
    }

    /// What a client gets of what the server sends.
    pub fn outgoing(&mut self, link: usize, bytes: &[u8]) -> Vec<u8> {
        if self.statement.is_none() {
            return bytes.to_vec();
        }
        let mut out = Vec::new();
        for bytes in packets(Sender::Server, bytes) {
            match Decoder::new(Sender::Server).decode(bytes) {
                Ok(Decoded::Packet { packet, .. }) => out.extend(self.goes(link, packet, bytes)),
                _ => out.extend_from_slice(bytes),
            }
        }
        out
    }

    fn goes(&mut self, link: usize, packet: Packet<'_>, bytes: &[u8]) -> Vec<u8> {
        let statement = self.statement.unwrap_or_default();
        let same = || bytes.to_vec();
        if let Some((kind, user)) = talkative(statement) {
            let long = "long ".repeat(12);
            let long = Text::new(&long).unwrap_or(Text::EMPTY);
            let property = if user { Property::UserProperty(long, Text::EMPTY) } else { Property::ReasonString(long) };
            // AUTH says its method, too.
            let method = match &packet {
                Packet::Auth(auth) => auth.properties.authentication_method(),
                _ => None,
            };
            let mut properties: Vec<_> = method.into_iter().map(Property::AuthenticationMethod).collect();
            properties.push(property);
            let is_it = bytes.first().is_some_and(|first| first >> 4 == kind);
            return if is_it {
                encoded(Sender::Server, &verbose(packet, Properties::from(&properties[..])))
            } else {
                same()
            };
        }
        match (statement, packet) {
            ("MQTT-3.2.2-1", Packet::ConnAck(_)) => patched(bytes, 2, |flags| flags | 2),
            ("MQTT-3.2.2-8", Packet::ConnAck(_)) => patched(bytes, 3, |_| 0x7F),
            ("MQTT-3.1.3-8", Packet::ConnAck(ack)) => {
                self.unnamed |= ack.reason == mqtt5_codec::ReasonCode::CLIENT_IDENTIFIER_NOT_VALID;
                same()
            }
            ("MQTT-4.3.3-9", Packet::PubRec(ack)) => {
                self.refused.extend(Some(ack.id.get()).filter(|_| ack.reason.is_error()));
                same()
            }
            ("MQTT-3.2.2-10", Packet::SubAck(_)) if self.above => patched(bytes, bytes.len() - 1, |_| 0x80),
            ("MQTT-3.15.2-1", Packet::Auth(_)) => patched(bytes, 2, |_| 0x01),
            ("MQTT-4.12.0-2", Packet::Auth(_)) => patched(bytes, 2, |_| 0x00),
            ("MQTT-3.14.0-1", Packet::ConnAck(_)) => vec![0xE0, 1, 0x89],
            ("MQTT-3.4.2-1", Packet::PubAck(ack)) => wrong_reason(0x40, ack.id),
            ("MQTT-3.5.2-1", Packet::PubRec(ack)) => wrong_reason(0x50, ack.id),
            ("MQTT-3.6.2-1", Packet::PubRel(ack)) => wrong_reason(0x62, ack.id),
            ("MQTT-3.7.2-1", Packet::PubComp(ack)) => wrong_reason(0x70, ack.id),
            ("MQTT-3.9.3-2", Packet::SubAck(_)) | ("MQTT-3.11.3-2", Packet::UnsubAck(_)) => {
                patched(bytes, bytes.len() - 1, |_| 0x7F)
            }
            ("MQTT-3.14.2-1", Packet::Disconnect(_)) => vec![0xE0, 1, 0x04],
            ("MQTT-3.14.2-2", Packet::Disconnect(_)) => vec![0xE0, 7, 0x8E, 5, 0x11, 0, 0, 0, 1],
            ("MQTT-3.14.4-1", Packet::Disconnect(_)) => [bytes, &[0xD0, 0]].concat(),
            ("MQTT-3.3.4-10" | "MQTT-4.9.0-3", Packet::PingResp) => Vec::new(),
            ("MQTT-4.3.3-13", Packet::PubComp(ack)) if self.late == Some(ack.id) => Vec::new(),
            ("MQTT-3.10.4-3", Packet::UnsubAck(_)) => {
                self.unsubscribed = true;
                same()
            }
            ("MQTT-3.10.4-3", Packet::PubRel(_)) if self.unsubscribed => Vec::new(),
            (_, Packet::PubRel(ack)) => self.released(link, ack.id, bytes),
            (_, Packet::Publish(publish)) => self.publish_goes(link, publish, bytes),
            _ => same(),
        }
    }

    fn released(&mut self, link: usize, id: PacketId, bytes: &[u8]) -> Vec<u8> {
        let Some(publish) = self.released.get(&id.get()).cloned() else {
            self.released.insert(id.get(), self.published.get(&link).cloned().unwrap_or_default());
            return bytes.to_vec();
        };
        match self.statement {
            Some("MQTT-4.3.3-5") => Vec::new(),
            Some("MQTT-4.3.3-6") => publish,
            _ => bytes.to_vec(),
        }
    }

    fn publish_goes(&mut self, link: usize, publish: Publish<'_>, bytes: &[u8]) -> Vec<u8> {
        if publish.delivery.qos() != QoS::AtMostOnce {
            self.published.insert(link, bytes.to_vec());
        }
        let on = |name: &str| publish.topic.name().is_some_and(|topic| topic.as_str().ends_with(name));
        let delivery = match (self.statement.unwrap_or_default(), publish.delivery) {
            ("MQTT-4.5.0-1" | "MQTT-4.1.0-1", _) => return Vec::new(),
            ("MQTT-4.3.3-7", delivery) if delivery.dup() => return Vec::new(),
            ("MQTT-2.2.1-4" | "MQTT-4.3.2-1", Delivery::AtLeastOnce { dup, .. }) => {
                Delivery::AtLeastOnce { id: PacketId::from(core::num::NonZeroU16::MIN), dup }
            }
            ("MQTT-4.3.3-1", Delivery::ExactlyOnce { dup, .. }) => {
                Delivery::ExactlyOnce { id: PacketId::from(core::num::NonZeroU16::MIN), dup }
            }
            ("MQTT-4.3.1-1", Delivery::AtMostOnce) if on("/qos") => return patched(bytes, 0, |first| first | 8),
            // An identifier of 1, which reads as no properties and a byte of payload.
            ("MQTT-2.2.1-2", Delivery::AtMostOnce) if on("/qos") => {
                let at = 4 + publish.topic.name().map_or(0, |topic| topic.as_str().len());
                let (head, rest) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
                return patched(&[head, &[0, 1], rest].concat(), 1, |length| length + 2);
            }
            ("MQTT-3.3.2-1", _) if on("/forwarded") => return patched(bytes, 4, |_| 0xFF),
            ("MQTT-1.5.4-3", _) => {
                let name = publish.topic.name().map(|topic| topic.as_str().replace('\u{FEFF}', "")).unwrap_or_default();
                let Ok(topic) = Topic::new(&name) else { return bytes.to_vec() };
                let topic = TopicRef::Name(topic);
                return encoded(Sender::Server, &Packet::Publish(Publish { topic, ..publish }));
            }
            // A copy more, which has none of the identifiers.
            ("MQTT-3.3.4-5", _) if publish.properties.subscription_identifiers().count() == 2 => {
                let copy = Publish { delivery: Delivery::AtMostOnce, properties: Properties::EMPTY, ..publish };
                return [bytes, &encoded(Sender::Server, &Packet::Publish(copy))].concat();
            }
            ("MQTT-3.3.2-3", _) => {
                let Ok(topic) = Topic::new("elsewhere") else { return bytes.to_vec() };
                let topic = TopicRef::Name(topic);
                return encoded(Sender::Server, &Packet::Publish(Publish { topic, ..publish }));
            }
            _ => return bytes.to_vec(),
        };
        encoded(Sender::Server, &Packet::Publish(Publish { delivery, ..publish }))
    }
}

fn patched(bytes: &[u8], at: usize, patch: impl Fn(u8) -> u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(at) {
        *byte = patch(*byte);
    }
    bytes
}

fn wrong_reason(first: u8, id: PacketId) -> Vec<u8> {
    let [high, low] = id.get().to_be_bytes();
    vec![first, 3, high, low, 0x7F]
}
