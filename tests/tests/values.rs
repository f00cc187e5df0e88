//! The codec's values through serde, as people log and configure them.
#![expect(clippy::unwrap_used, reason = "a test and its helpers")]

use core::fmt::Debug;

use mqtt5_codec::{
    Filter, PacketId, PacketType, PayloadFormat, QoS, ReasonCode, RetainHandling, Rule, Sender, SubscriptionId,
    SubscriptionOptions, Text, Topic, TopicAlias,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes a value as JSON and reads it again.
fn round_trips<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, json: &str) {
    assert_eq!(serde_json::to_string(&value).unwrap(), json);
    assert_eq!(serde_json::from_str::<T>(json).unwrap(), value);
}

#[test]
fn values_are_written_as_the_numbers_and_names_that_people_know() {
    round_trips(QoS::ExactlyOnce, "2");
    round_trips(RetainHandling::SendIfNew, "1");
    round_trips(PayloadFormat::Utf8, "1");
    round_trips(PacketId::new(65_535).unwrap(), "65535");
    round_trips(TopicAlias::new(1).unwrap(), "1");
    round_trips(SubscriptionId::MAX, "268435455");
    round_trips(Sender::Client, "\"client\"");
    round_trips(PacketType::UnsubAck, "\"UNSUBACK\"");
    let options = SubscriptionOptions { no_local: true, ..SubscriptionOptions::default() };
    let json = r#"{"maximum_qos":2,"no_local":true,"retain_as_published":false,"retain_handling":0}"#;
    round_trips(options, json);
    for reason in (0..=u8::MAX).filter_map(ReasonCode::from_u8) {
        round_trips(reason, &reason.value().to_string());
    }
}

#[test]
fn what_the_standard_forbids_is_not_read() {
    assert!(serde_json::from_str::<QoS>("3").is_err());
    assert!(serde_json::from_str::<RetainHandling>("3").is_err());
    assert!(serde_json::from_str::<PayloadFormat>("2").is_err());
    assert!(serde_json::from_str::<PacketId>("0").is_err());
    assert!(serde_json::from_str::<PacketId>("65536").is_err());
    assert!(serde_json::from_str::<TopicAlias>("0").is_err());
    assert!(serde_json::from_str::<SubscriptionId>("0").is_err());
    assert!(serde_json::from_str::<SubscriptionId>("268435456").is_err());
    assert!(serde_json::from_str::<ReasonCode>("3").is_err());
    assert!(serde_json::from_str::<PacketType>("\"CONNECTED\"").is_err());
}

#[test]
fn texts_and_rules_are_written_as_strings() {
    assert_eq!(serde_json::to_string(&Text::new("naïve \"x\"").unwrap()).unwrap(), r#""naïve \"x\"""#);
    assert_eq!(serde_json::to_string(&Topic::new("oc2/cmd/all").unwrap()).unwrap(), r#""oc2/cmd/all""#);
    assert_eq!(serde_json::to_string(&Filter::new("$share/g/a/#").unwrap()).unwrap(), r#""$share/g/a/#""#);
    assert_eq!(serde_json::to_string(&Rule::PUBLISH_QOS).unwrap(), r#""MQTT-3.3.1-4""#);
}
