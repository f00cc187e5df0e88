//! A message as it is recorded: one JSON object a line, with everything that its PUBLISH said.

use core::time::Duration;

use mqtt5_codec::{PayloadFormat, Properties, Property, Publish, QoS, Text, Topic};
use mqtt5_tokio::{About, Inbound, Outbound};
use serde_json::{Value, json};

use crate::inspect::time_stamp;
use crate::packet::hex;

/// One message, and when it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    /// Since 1970.
    pub(super) time: Duration,
    pub(super) topic: String,
    pub(super) qos: u8,
    pub(super) retain: bool,
    payload_format: Option<u8>,
    content_type: Option<String>,
    response_topic: Option<String>,
    user: Vec<(String, String)>,
    pub(super) payload: Vec<u8>,
}

impl Record {
    pub(super) fn of(inbound: &Inbound, time: Duration) -> Self {
        let properties = inbound.properties();
        let text = |text: Option<Text<'_>>| text.map(|text| text.as_str().to_owned());
        Self {
            time,
            topic: inbound.topic().to_owned(),
            qos: inbound.qos() as u8,
            retain: inbound.retain(),
            payload_format: properties.payload_format_indicator().map(|format| format as u8),
            content_type: text(properties.content_type()),
            response_topic: properties.response_topic().map(|topic| topic.as_str().to_owned()),
            user: properties
                .user_properties()
                .map(|(name, value)| (name.as_str().to_owned(), value.as_str().to_owned()))
                .collect(),
            payload: inbound.payload().to_vec(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let Self { time, topic, qos, retain, payload_format, content_type, response_topic, user, payload } = self;
        // Text stands as it is, so that people can search it.
        let (name, payload) = match core::str::from_utf8(payload) {
            Ok(text) => ("payload", json!(text)),
            Err(_) => ("payload_hex", json!(hex(payload))),
        };
        json!({
            "type": "record", "time": time_stamp(*time), "us": u64::try_from(time.as_micros()).unwrap_or(u64::MAX), "topic": topic,
            "qos": qos, "retain": retain, "payload_format": payload_format, "content_type": content_type,
            "response_topic": response_topic, "user_properties": user, name: payload,
        })
    }

    pub(super) fn from_json(line: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(line).map_err(|error| format!("not JSON: {error}"))?;
        let missing = |name: &str| format!("it is no record: \"{name}\" is missing or not what it should be");
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let user = value.get("user_properties").and_then(Value::as_array).ok_or_else(|| missing("user_properties"))?;
        let pair = |pair: &Value| {
            let part = |at: usize| pair.get(at).and_then(Value::as_str).map(str::to_owned);
            Some((part(0)?, part(1)?))
        };
        let payload = match (text("payload"), text("payload_hex")) {
            (Some(text), _) => text.into_bytes(),
            (None, Some(digits)) => bytes(&digits).ok_or_else(|| missing("payload_hex"))?,
            (None, None) => return Err(missing("payload")),
        };
        let qos = value.get("qos").and_then(Value::as_u64).filter(|qos| *qos <= 2).ok_or_else(|| missing("qos"))?;
        let topic = text("topic").filter(|topic| Topic::new(topic).is_ok()).ok_or_else(|| missing("topic"))?;
        Ok(Self {
            time: Duration::from_micros(value.get("us").and_then(Value::as_u64).ok_or_else(|| missing("us"))?),
            topic,
            qos: u8::try_from(qos).unwrap_or(0),
            retain: value.get("retain").and_then(Value::as_bool).unwrap_or(false),
            payload_format: value
                .get("payload_format")
                .and_then(Value::as_u64)
                .and_then(|format| u8::try_from(format).ok()),
            content_type: text("content_type"),
            response_topic: text("response_topic"),
            user: user.iter().map(pair).collect::<Option<_>>().ok_or_else(|| missing("user_properties"))?,
            payload,
        })
    }

    fn level(&self) -> QoS {
        match self.qos {
            0 => QoS::AtMostOnce,
            1 => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        }
    }

    fn format(&self) -> Option<PayloadFormat> {
        match self.payload_format? {
            0 => Some(PayloadFormat::Unspecified),
            _ => Some(PayloadFormat::Utf8),
        }
    }

    /// Lends the message as the PUBLISH that it was.
    pub(super) fn with<R>(&self, take: impl FnOnce(&Publish<'_>, Topic<'_>) -> R) -> Option<R> {
        let mut list = Vec::new();
        list.extend(self.format().map(Property::PayloadFormatIndicator));
        if let Some(kind) = &self.content_type {
            list.push(Property::ContentType(Text::new(kind).ok()?));
        }
        if let Some(topic) = &self.response_topic {
            list.push(Property::ResponseTopic(Topic::new(topic).ok()?));
        }
        for (name, value) in &self.user {
            list.push(Property::UserProperty(Text::new(name).ok()?, Text::new(value).ok()?));
        }
        let topic = Topic::new(&self.topic).ok()?;
        let publish =
            super::publish(self.level(), self.retain, topic, Properties::from(list.as_slice()), &self.payload)?;
        Some(take(&publish, topic))
    }

    /// The same to be sent again; never retained.
    pub(super) fn outbound(&self) -> Outbound<'_, &[u8]> {
        let mut about = About::default();
        about.payload_format = self.format();
        about.content_type.clone_from(&self.content_type);
        about.response_topic.clone_from(&self.response_topic);
        about.user.clone_from(&self.user);
        Outbound::new(self.topic.as_str(), self.payload.as_slice()).qos(self.level()).about(about)
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for payload in [&b"{\"a\":\"\n\"}"[..], b"\xff\x00", b""] {
            let record = Record {
                time: Duration::from_micros(1_795_856_400_123_456),
                topic: "oc2/cmd/all".into(),
                qos: 1,
                retain: false,
                payload_format: Some(1),
                content_type: Some("application/openc2".into()),
                response_topic: None,
                user: vec![("msgType".into(), "req".into())],
                payload: payload.to_vec(),
            };
            let line = record.to_json().to_string();
            assert!(!line.contains('\n'));
            assert_eq!(Record::from_json(&line), Ok(record));
        }
    }

    #[test]
    fn what_is_no_record_says_what_is_missing() {
        for (line, part) in [
            ("x", "not JSON"),
            ("{}", "user_properties"),
            (r#"{"user_properties":[["a"]],"payload":"","qos":1,"topic":"t","us":1}"#, "user_properties"),
            (r#"{"user_properties":[],"payload_hex":"abc","qos":1,"topic":"t","us":1}"#, "payload_hex"),
            (r#"{"user_properties":[],"payload":"","qos":3,"topic":"t","us":1}"#, "qos"),
            (r#"{"user_properties":[],"payload":"","qos":1,"topic":"t/#","us":1}"#, "topic"),
        ] {
            let why = Record::from_json(line).unwrap_err();
            assert!(why.contains(part), "{part}: {why}");
        }
    }
}
