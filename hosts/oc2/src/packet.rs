//! What a packet says, as a list of named facts: one list for people and for programs.

use mqtt5_codec::{Ack, Delivery, Packet, Properties, Property, Publish, ReasonCode, Subscription, TopicRef};
use serde_json::{Value, json};

/// A packet, told in facts, in the order of the wire.
pub(crate) struct Told<'a> {
    pub(crate) name: &'static str,
    pub(crate) facts: Vec<(&'static str, Value)>,
    pub(crate) payload: Option<&'a [u8]>,
    /// How many bytes at the packet's end are secret: a password, the last field of a CONNECT.
    pub(crate) secret: usize,
}

pub(crate) fn tell<'a>(packet: &Packet<'a>) -> Told<'a> {
    let mut facts = Vec::new();
    let (mut payload, mut secret) = (None, 0);
    match packet {
        Packet::Connect(connect) => {
            facts.push(("client id", json!(connect.client_id.as_str())));
            facts.push(("clean start", json!(connect.clean_start)));
            facts.push(("keep alive", json!(connect.keep_alive)));
            facts.push(("will", json!(connect.will.is_some())));
            if let Some(name) = connect.user_name {
                facts.push(("user name", json!(name.as_str())));
            }
            secret = connect.password.map_or(0, <[u8]>::len);
            properties(&mut facts, &connect.properties);
        }
        Packet::ConnAck(ack) => {
            facts.push(("reason", json!(ack.reason.to_string())));
            facts.push(("session present", json!(ack.session_present)));
            properties(&mut facts, &ack.properties);
        }
        Packet::Publish(publish) => {
            published(&mut facts, publish);
            payload = Some(publish.payload);
        }
        Packet::PubAck(ack) => acknowledged(&mut facts, ack),
        Packet::PubRec(ack) => acknowledged(&mut facts, ack),
        Packet::PubRel(ack) => acknowledged(&mut facts, ack),
        Packet::PubComp(ack) => acknowledged(&mut facts, ack),
        Packet::Subscribe(subscribe) => {
            facts.push(("id", json!(subscribe.id.get())));
            facts.push(("filters", subscribe.filters.iter().map(|one| json!(subscription(&one))).collect()));
            properties(&mut facts, &subscribe.properties);
        }
        Packet::SubAck(ack) | Packet::UnsubAck(ack) => {
            facts.push(("id", json!(ack.id.get())));
            facts.push(("reasons", ack.reasons.iter().map(|one| json!(one.to_string())).collect()));
            properties(&mut facts, &ack.properties);
        }
        Packet::Unsubscribe(unsubscribe) => {
            facts.push(("id", json!(unsubscribe.id.get())));
            facts.push(("filters", unsubscribe.filters.iter().map(|one| json!(one.as_str())).collect()));
            properties(&mut facts, &unsubscribe.properties);
        }
        Packet::PingReq | Packet::PingResp => {}
        Packet::Disconnect(disconnect) => {
            // 0x00 is named by the packet it stands in.
            let reason = match disconnect.reason {
                ReasonCode::NORMAL_DISCONNECTION => "Normal disconnection (0x00)".to_owned(),
                other => other.to_string(),
            };
            facts.push(("reason", json!(reason)));
            properties(&mut facts, &disconnect.properties);
        }
        Packet::Auth(auth) => {
            facts.push(("reason", json!(auth.reason.to_string())));
            properties(&mut facts, &auth.properties);
        }
    }
    Told { name: packet.packet_type().name(), facts, payload, secret }
}

fn published(facts: &mut Vec<(&'static str, Value)>, publish: &Publish<'_>) {
    facts.push(match publish.topic {
        TopicRef::Name(topic) | TopicRef::NameAndAlias(topic, _) => ("topic", json!(topic.as_str())),
        TopicRef::Alias(alias) => ("topic alias", json!(alias.get())),
    });
    if let TopicRef::NameAndAlias(_, alias) = publish.topic {
        facts.push(("alias", json!(alias.get())));
    }
    facts.push(("QoS", json!(publish.delivery.qos() as u8)));
    if let Delivery::AtLeastOnce { id, dup } | Delivery::ExactlyOnce { id, dup } = publish.delivery {
        facts.push(("id", json!(id.get())));
        facts.push(("dup", json!(dup)));
    }
    facts.push(("retain", json!(publish.retain)));
    properties(facts, &publish.properties);
}

fn acknowledged(facts: &mut Vec<(&'static str, Value)>, ack: &Ack<'_>) {
    facts.push(("id", json!(ack.id.get())));
    facts.push(("reason", json!(ack.reason.to_string())));
    properties(facts, &ack.properties);
}

/// As Appendix A writes it.
fn subscription(one: &Subscription<'_>) -> String {
    let options = one.options;
    format!(
        "{} (maxQoS={}, NL={}, RAP={}, RH={})",
        one.filter.as_str(),
        options.maximum_qos as u8,
        u8::from(options.no_local),
        u8::from(options.retain_as_published),
        options.retain_handling as u8
    )
}

/// User properties are one fact, where the first of them stands.
fn properties(facts: &mut Vec<(&'static str, Value)>, properties: &Properties<'_>) {
    let pairs: Value =
        properties.user_properties().map(|(name, value)| json!([name.as_str(), value.as_str()])).collect();
    let mut pairs = Some(pairs);
    for property in properties.iter() {
        match property {
            Property::UserProperty(..) => facts.extend(pairs.take().map(|pairs| ("user properties", pairs))),
            other => facts.push(told(&other)),
        }
    }
}

fn told(property: &Property<'_>) -> (&'static str, Value) {
    match property {
        Property::PayloadFormatIndicator(format) => ("payload format", json!(*format as u8)),
        Property::MessageExpiryInterval(seconds) => ("message expiry", json!(seconds)),
        Property::ContentType(text) => ("content type", json!(text.as_str())),
        Property::ResponseTopic(topic) => ("response topic", json!(topic.as_str())),
        Property::CorrelationData(data) => ("correlation data", json!(hex(data))),
        Property::SubscriptionIdentifier(id) => ("subscription id", json!(id.get())),
        Property::SessionExpiryInterval(seconds) => ("session expiry", json!(seconds)),
        Property::AssignedClientIdentifier(text) => ("assigned client id", json!(text.as_str())),
        Property::ServerKeepAlive(seconds) => ("server keep alive", json!(seconds)),
        Property::AuthenticationMethod(text) => ("authentication method", json!(text.as_str())),
        // May hold a secret: its length says enough.
        Property::AuthenticationData(data) => ("authentication data, bytes", json!(data.len())),
        Property::RequestProblemInformation(yes) => ("request problem information", json!(yes)),
        Property::WillDelayInterval(seconds) => ("will delay", json!(seconds)),
        Property::RequestResponseInformation(yes) => ("request response information", json!(yes)),
        Property::ResponseInformation(text) => ("response information", json!(text.as_str())),
        Property::ServerReference(text) => ("server reference", json!(text.as_str())),
        Property::ReasonString(text) => ("reason string", json!(text.as_str())),
        Property::ReceiveMaximum(count) => ("receive maximum", json!(count)),
        Property::TopicAliasMaximum(count) => ("topic alias maximum", json!(count)),
        Property::TopicAlias(alias) => ("alias", json!(alias.get())),
        Property::MaximumQoS(qos) => ("maximum QoS", json!(*qos as u8)),
        Property::RetainAvailable(yes) => ("retain available", json!(yes)),
        Property::UserProperty(name, value) => ("user property", json!([name.as_str(), value.as_str()])),
        Property::MaximumPacketSize(bytes) => ("maximum packet size", json!(bytes)),
        Property::WildcardSubscriptionAvailable(yes) => ("wildcard subscriptions", json!(yes)),
        Property::SubscriptionIdentifiersAvailable(yes) => ("subscription ids", json!(yes)),
        Property::SharedSubscriptionAvailable(yes) => ("shared subscriptions", json!(yes)),
    }
}

/// A payload as a person reads it: text as it stands, CBOR in diagnostic notation, anything else in hex.
pub(crate) fn readable(payload: &[u8]) -> String {
    if let Ok(text) = core::str::from_utf8(payload) {
        return text.to_owned();
    }
    let mut decoder = minicbor::Decoder::new(payload);
    if decoder.skip().is_ok() && decoder.position() == payload.len() {
        return minicbor::display(payload).to_string();
    }
    hex(payload)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use core::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// JSON as people say it: `profiles slpf, ids; rate_limit 60`.
pub(crate) fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name} {}", in_words(value)));
            members.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}
