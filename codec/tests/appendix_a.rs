//! Every control packet that Appendix A of the transfer specification (CSD03) prints, as literal bytes.
//!
//! The bytes are assembled by hand from the appendix and the packet tables of MQTT v5; the appendix prints no properties
//! in CONNECT, SUBSCRIBE and SUBACK, so there are none. What the codec makes of the printed fields equals them, and what
//! it reads from them is those fields.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use core::fmt::Debug;

use mqtt5_codec::{
    Ack, AckKind, Connect, Decoded, Decoder, Delivery, Filter, Packet, PacketId, PayloadFormat, Properties, Property,
    Publish, QoS, ReasonCode, RetainHandling, Sender, SubAck, Subscribe, Subscription, SubscriptionOptions, Text,
    Topic, TopicRef,
};

/// Encodes to the bytes, and decodes from them.
#[track_caller]
fn is(from: Sender, packet: Packet<'_>, bytes: &[u8]) {
    let mut out = vec![0; bytes.len()];
    assert_eq!(packet.encode(from, &mut out[..]), Ok(bytes.len()));
    assert_eq!(out, bytes);
    assert_eq!(Decoder::new(from).decode(bytes), Ok(Decoded::Packet { used: bytes.len(), packet }));
}

fn ok<T, E: Debug>(result: Result<T, E>) -> T {
    result.unwrap()
}

fn text(text: &str) -> Text<'_> {
    ok(Text::new(text))
}

fn id(value: u16) -> PacketId {
    PacketId::new(value).unwrap()
}

fn connect<'a>(client_id: &'a str, user_name: &'a str, password: &'a str) -> Packet<'a> {
    Packet::Connect(Connect {
        clean_start: false,
        keep_alive: 300,
        properties: Properties::EMPTY,
        client_id: text(client_id),
        will: None,
        user_name: Some(text(user_name)),
        password: Some(password.as_bytes()),
    })
}

#[test]
fn a_1_the_producer_connects() {
    let bytes = b"\x10\x2A\
        \x00\x04MQTT\x05\
        \xC0\
        \x01\x2C\
        \x00\
        \x00\x09hzboblxic\
        \x00\x06orch01\
        \x00\x0A_Atlantic_";
    is(Sender::Client, connect("hzboblxic", "orch01", "_Atlantic_"), bytes);
}

#[test]
fn a_1_the_consumer_connects() {
    let bytes = b"\x10\x29\
        \x00\x04MQTT\x05\
        \xC0\
        \x01\x2C\
        \x00\
        \x00\x09smtwzzwvx\
        \x00\x06zulu01\
        \x00\x09=Pacific=";
    is(Sender::Client, connect("smtwzzwvx", "zulu01", "=Pacific="), bytes);
}

#[test]
fn a_1_the_consumer_subscribes() {
    let options = SubscriptionOptions {
        maximum_qos: QoS::ExactlyOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::SendAtSubscribe,
    };
    let filters = ["oc2/cmd/all", "oc2/cmd/ap/alpha", "oc2/cmd/ap/iota", "oc2/cmd/device/zulu1"]
        .map(|filter| Subscription { filter: ok(Filter::new(filter)), options });
    let subscribe = Subscribe { id: id(47826), properties: Properties::EMPTY, filters: (&filters).into() };
    let bytes = b"\x82\x4D\
        \xBA\xD2\
        \x00\
        \x00\x0Boc2/cmd/all\x0E\
        \x00\x10oc2/cmd/ap/alpha\x0E\
        \x00\x0Foc2/cmd/ap/iota\x0E\
        \x00\x14oc2/cmd/device/zulu1\x0E";
    is(Sender::Client, Packet::Subscribe(subscribe), bytes);
}

#[test]
fn a_1_the_broker_acknowledges() {
    let reasons = [ReasonCode::GRANTED_QOS_2; 4];
    let suback = SubAck { id: id(47826), properties: Properties::EMPTY, reasons: (&reasons).into() };
    is(Sender::Server, Packet::SubAck(suback), b"\x90\x07\xBA\xD2\x00\x02\x02\x02\x02");
}

/// The properties of every PUBLISH in the appendix, in the order in which it shows them.
fn properties<'a>(message_type: &'a str) -> [Property<'a>; 4] {
    [
        Property::PayloadFormatIndicator(PayloadFormat::Utf8),
        Property::UserProperty(text("msgType"), text(message_type)),
        Property::UserProperty(text("encoding"), text("json")),
        Property::ContentType(text("application/openc2")),
    ]
}

#[track_caller]
fn publish(packet_id: u16, topic: &str, message_type: &str, payload: &str, bytes: &[u8]) {
    let properties = properties(message_type);
    let publish = Publish {
        topic: TopicRef::Name(ok(Topic::new(topic))),
        delivery: Delivery::AtLeastOnce { id: id(packet_id), dup: false },
        retain: false,
        properties: Properties::from(&properties),
        payload: payload.as_bytes(),
    };
    for from in [Sender::Client, Sender::Server] {
        is(from, Packet::Publish(publish), bytes);
    }
}

#[test]
fn a_2_the_request_is_published() {
    let bytes = b"\x32\x68\
        \x00\x0Foc2/cmd/ap/iota\
        \x10\xDA\
        \x37\
        \x01\x01\
        \x26\x00\x07msgType\x00\x03req\
        \x26\x00\x08encoding\x00\x04json\
        \x03\x00\x12application/openc2\
        (JSON-encoded openc2 request)";
    publish(4314, "oc2/cmd/ap/iota", "req", "(JSON-encoded openc2 request)", bytes);
}

#[test]
fn a_2_the_request_is_acknowledged() {
    let ack = Ack { id: id(4314), reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
    let bytes = b"\x40\x02\x10\xDA";
    let mut out = [0; 4];
    assert_eq!(ack.encode(AckKind::PubAck, &mut out), Ok(4));
    assert_eq!(&out, bytes);
    for from in [Sender::Client, Sender::Server] {
        is(from, Packet::PubAck(ack), bytes);
    }
}

#[test]
fn a_3_the_query_is_published() {
    let json = r#"{"headers":{"request_id":"abc123","created":1610483630,"from":"Producer1@example.com"},"body":{"openc2":{"request":{"action":"query","target":{"features":["profiles"]}}}}}"#;
    let bytes = b"\x32\xF2\x01\
        \x00\x0Boc2/cmd/all\
        \x09\xA4\
        \x37\
        \x01\x01\
        \x26\x00\x07msgType\x00\x03req\
        \x26\x00\x08encoding\x00\x04json\
        \x03\x00\x12application/openc2\
        {\"headers\":{\"request_id\":\"abc123\",\"created\":1610483630,\"from\":\"Producer1@example.com\"},\
        \"body\":{\"openc2\":{\"request\":{\"action\":\"query\",\"target\":{\"features\":[\"profiles\"]}}}}}";
    publish(2468, "oc2/cmd/all", "req", json, bytes);
}

#[test]
fn a_3_the_first_consumer_answers() {
    let json = r#"{"headers":{"request_id":"abc123","created":1610483633,"from":"Consumer1@example.com"},"body":{"openc2":{"response":{"status":200,"results":{"profiles":["slpf"]}}}}}"#;
    let bytes = b"\x32\xE8\x01\
        \x00\x07oc2/rsp\
        \x0D\xF3\
        \x37\
        \x01\x01\
        \x26\x00\x07msgType\x00\x03rsp\
        \x26\x00\x08encoding\x00\x04json\
        \x03\x00\x12application/openc2\
        {\"headers\":{\"request_id\":\"abc123\",\"created\":1610483633,\"from\":\"Consumer1@example.com\"},\
        \"body\":{\"openc2\":{\"response\":{\"status\":200,\"results\":{\"profiles\":[\"slpf\"]}}}}}";
    publish(3571, "oc2/rsp", "rsp", json, bytes);
}

#[test]
fn a_3_the_second_consumer_answers() {
    let json = r#"{"headers":{"request_id":"abc123","created":1610483632,"from":"Consumer2@example.com"},"body":{"openc2":{"response":{"status":200,"results":{"profiles":["slpf","ids"]}}}}}"#;
    let bytes = b"\x32\xEE\x01\
        \x00\x07oc2/rsp\
        \x26\x94\
        \x37\
        \x01\x01\
        \x26\x00\x07msgType\x00\x03rsp\
        \x26\x00\x08encoding\x00\x04json\
        \x03\x00\x12application/openc2\
        {\"headers\":{\"request_id\":\"abc123\",\"created\":1610483632,\"from\":\"Consumer2@example.com\"},\
        \"body\":{\"openc2\":{\"response\":{\"status\":200,\"results\":{\"profiles\":[\"slpf\",\"ids\"]}}}}}";
    publish(9876, "oc2/rsp", "rsp", json, bytes);
}

#[test]
fn a_3_the_third_consumer_answers() {
    let json = r#"{"headers":{"request_id":"abc123","created":1610483632,"from":"Consumer3@example.com"},"body":{"openc2":{"response":{"status":200,"results":{"profiles":["edr","sbom"]}}}}}"#;
    let bytes = b"\x32\xEE\x01\
        \x00\x07oc2/rsp\
        \x18\x96\
        \x37\
        \x01\x01\
        \x26\x00\x07msgType\x00\x03rsp\
        \x26\x00\x08encoding\x00\x04json\
        \x03\x00\x12application/openc2\
        {\"headers\":{\"request_id\":\"abc123\",\"created\":1610483632,\"from\":\"Consumer3@example.com\"},\
        \"body\":{\"openc2\":{\"response\":{\"status\":200,\"results\":{\"profiles\":[\"edr\",\"sbom\"]}}}}}";
    publish(6294, "oc2/rsp", "rsp", json, bytes);
}
