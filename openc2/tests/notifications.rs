//! Notifications: said without being asked, heard by whoever listens, answered by nobody.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::*;
use mqtt5_codec::{QoS, Topic};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration};
use openc2_mqtt::producer::{Heard, NotCounted, Producer, ProducerMemory, ProducerPolicy, ProducerRefused};
use openc2_mqtt::profile::Profiles;
use openc2_mqtt::transfer::{Channel, Clause, Outgoing, Received, TopicError};
use openc2_mqtt::{EncodeError, Encoding, MessageType, Notification, Raw, Texts};

const OPEN: &str = r#"{"x-door":{"open":true}}"#;

fn producer() -> Producer<'static, ProducerMemory<1, 1>> {
    Producer::new("p", ProducerPolicy::default(), ProducerMemory::new())
}

fn received<'a>(outgoing: &'a Outgoing<'_>, topic: &'static str) -> Received<'a> {
    Received {
        topic: Topic::new(topic).unwrap(),
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: outgoing.properties.as_properties(),
        payload: outgoing.payload,
    }
}

#[test]
fn what_a_consumer_notifies_a_producer_hears_in_both_encodings() {
    let declaration = Declaration::new("c", "d", &Profiles::NONE, &[]).with_others(&["x-door"]);
    let consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<1, 64>::new());
    for encoding in [Encoding::Json, Encoding::Cbor] {
        let content = Raw::from_json(OPEN).unwrap();
        let notification =
            Notification { encoding, expiry: Some(60), ..Notification::new(Channel::Responses, content) };
        let mut buffer = [0; 256];
        let outgoing = consumer.notify(&notification, Some(UTC), &mut buffer).unwrap();
        assert_eq!(outgoing.topic, "oc2/rsp");
        assert_eq!(outgoing.properties.as_properties().message_expiry_interval(), Some(60));
        let user = outgoing.properties.as_properties().user_properties().next().unwrap();
        assert_eq!((user.0.as_str(), user.1.as_str()), ("msgType", "ntf"));
        let mut producer = producer();
        // On whatever topic: only the host knows where it listens.
        for topic in ["oc2/rsp", "oc2/cmd/all", "oc2/ntf/doors"] {
            match producer.handle(&received(&outgoing, topic), NOW) {
                Heard::Notification { content, headers, verdict } => {
                    assert_eq!(headers.from.unwrap(), "c");
                    assert_eq!((headers.created, headers.request_id), (Some(UTC), None));
                    let mut json = [0; 64];
                    let length = content_as_json(content, &mut json);
                    assert_eq!(&json[..length], OPEN.as_bytes());
                    assert_eq!(verdict.violations.contains(Clause::Topic), topic == "oc2/ntf/doors");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Written as a message's content is.
fn content_as_json(content: Raw<'_>, buffer: &mut [u8]) -> usize {
    let mut whole = [0; 256];
    let notification = Notification::new(Channel::All, content);
    let payload = producer().notify(&notification, None, &mut whole).unwrap().payload;
    let inner = &payload[payload.windows(4).position(|window| window == b"{\"x-").unwrap()..payload.len() - 3];
    buffer[..inner.len()].copy_from_slice(inner);
    inner.len()
}

#[test]
fn what_a_producer_notifies_a_consumer_tells_its_host_and_never_answers() {
    let content = Raw::from_json(OPEN).unwrap();
    let mut buffer = [0; 256];
    let producer = producer();
    let mut tell = |notification: &Notification<'_>| {
        let outgoing = producer.notify(notification, None, &mut buffer).unwrap();
        with_consumer(ConsumerPolicy::default(), None, |consumer| {
            tell_with(consumer, "oc2/cmd/all", outgoing.payload, outgoing.properties.as_properties(), NOW)
        })
    };
    let all = Notification::new(Channel::All, content);
    assert_eq!(tell(&all), format!("notified {OPEN}"));
    assert_eq!(tell(&Notification { to: Texts::from(&["d"]), ..all }), format!("notified {OPEN}"));
    assert_eq!(tell(&Notification { to: Texts::from(&["x"]), ..all }), "ForOthers");
}

#[test]
fn a_notification_that_is_none_is_passed_over_and_not_answered() {
    let properties = openc2_mqtt::transfer::publish_properties(MessageType::Notification, Encoding::Json, None);
    for bad in [
        r#"{"headers":{"from":"p"},"body":{"openc2":{"notification":{}}}}"#,
        r#"{"headers":{"from":"p"},"body":{"openc2":{"notification":7}}}"#,
        r#"{"headers":{"request_id":"1","from":"p"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"1.1.1.1"}}}}}"#,
        "{",
    ] {
        with_consumer(ConsumerPolicy::default(), None, |consumer| {
            let told = tell_with(consumer, AP, bad.as_bytes(), properties.as_properties(), NOW);
            assert_eq!(told, "NotARequest", "{bad}");
        });
        let received = Received {
            topic: Topic::new("oc2/rsp").unwrap(),
            qos: QoS::AtLeastOnce,
            retain: false,
            properties: properties.as_properties(),
            payload: bad.as_bytes(),
        };
        let heard = producer().handle(&received, NOW);
        let passed = matches!(heard, Heard::Nothing { why: NotCounted::Malformed(_) | NotCounted::NotAResponse, .. });
        assert!(passed, "{bad}: {heard:?}");
    }
}

#[test]
fn a_notification_finds_room_a_topic_and_content_or_is_refused() {
    let producer = producer();
    let content = Raw::from_json(OPEN).unwrap();
    let whole = Notification::new(Channel::Profile("x-door"), content);
    let mut buffer = [0; 256];
    let need = match producer.notify(&whole, None, &mut buffer[..30]) {
        Err(ProducerRefused::Encode(EncodeError::Full { need })) => need,
        other => panic!("{other:?}"),
    };
    assert!(producer.notify(&whole, None, &mut buffer[..need - 1]).is_err());
    assert!(producer.notify(&whole, None, &mut buffer[..need]).is_ok());
    let nowhere = Notification { channel: Channel::Profile("a/b"), ..whole };
    let refused = producer.notify(&nowhere, None, &mut buffer).map(|_| ());
    assert_eq!(refused, Err(ProducerRefused::Topic(TopicError::Level)));
    for empty in ["{}", "[1]", "7"] {
        let nothing = Notification { content: Raw::from_json(empty).unwrap(), ..whole };
        assert!(matches!(producer.notify(&nothing, None, &mut buffer), Err(ProducerRefused::Encode(_))), "{empty}");
    }
}
