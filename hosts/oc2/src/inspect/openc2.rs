//! The OpenC2 message in a PUBLISH: what it says, and what breaks the language or the transfer specification.

use mqtt5_codec::{Publish, Topic};
use openc2_mqtt::transfer::{Channel, Clause, Received, Scheme, check};
use openc2_mqtt::{Document, Encoding, Error, Form, Quirk, Reading, Structure, Style};
use serde_json::Value;

/// An opened message.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) encoding: Encoding,
    /// The message in a line, if it can be read.
    pub(crate) says: String,
    /// The message, if it can be read.
    pub(crate) message: Option<Value>,
    /// The same in headers and body, whatever it came in.
    pub(crate) wrapped: Option<Value>,
    /// Why it can't.
    pub(crate) error: Option<Error>,
    /// What breaks the transfer specification, with the section.
    pub(crate) violations: Vec<(&'static str, &'static str)>,
    /// The habits that lenient reading forgave.
    pub(crate) forgiven: Vec<&'static str>,
}

impl Opened {
    pub(crate) fn is_good(&self) -> bool {
        self.error.is_none() && self.violations.is_empty()
    }
}

/// Opens a message, if the PUBLISH says that it is OpenC2: by its content type or by its topic.
pub(crate) fn open(publish: &Publish<'_>, topic: Topic<'_>, reading: &Reading, scheme: &Scheme<'_>) -> Option<Opened> {
    let received = Received {
        topic,
        qos: publish.delivery.qos(),
        retain: publish.retain,
        properties: publish.properties,
        payload: publish.payload,
    };
    let verdict = check(&received, scheme, reading.lenient);
    if !verdict.is_openc2() && Channel::read(scheme, topic.as_str()).is_none() {
        return None;
    }
    let encoding = verdict.encoding.unwrap_or_else(|| Encoding::sniff(publish.payload));
    let mut forgiven: Vec<_> = verdict.quirks.iter().map(Quirk::name).collect();
    let mut opened = Opened {
        encoding,
        says: String::new(),
        message: None,
        wrapped: None,
        error: None,
        violations: verdict.violations.iter().map(|clause| (clause.meaning(), clause.section())).collect(),
        forgiven: Vec::new(),
    };
    match reading.message(encoding, publish.payload) {
        Ok(read) => {
            let mut violated = |clause: Clause| opened.violations.push((clause.meaning(), clause.section()));
            if read.value.headers.from.is_none() {
                violated(Clause::NoFrom);
            }
            if verdict.message_type.is_some_and(|kind| kind != read.value.content.message_type()) {
                violated(Clause::PayloadKind);
            }
            forgiven.extend(read.quirks.iter().map(Quirk::name));
            let flat = read.value.structure == Structure::Record;
            opened.message = json(&Document::Message(read.value));
            opened.wrapped = json(&Document::Message(read.value.structured(Structure::Wrapper)));
            opened.says = opened.wrapped.as_ref().map(summary).unwrap_or_default();
            if flat {
                opened.says += "  (the flat record of CSD03 2.4.2)";
            }
        }
        Err(error) => opened.error = Some(error),
    }
    opened.forgiven = forgiven;
    Some(opened)
}

/// A document as JSON, whatever it was read from.
fn json(document: &Document<'_>) -> Option<Value> {
    let mut buffer = vec![0; 4 << 10];
    loop {
        match document.encode(Style::from(Form::Json), &mut buffer) {
            Ok(length) => return serde_json::from_slice(buffer.get(..length)?).ok(),
            Err(openc2_mqtt::EncodeError::Full { need }) if need > buffer.len() => buffer.resize(need, 0),
            Err(_) => return None,
        }
    }
}

/// A message in a line: what is asked or answered, by whom.
fn summary(message: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut parts = Vec::new();
    let content = message.pointer("/body/openc2");
    if let Some(request) = content.and_then(|content| content.get("request")) {
        let action = request.get("action").map(text).unwrap_or_default();
        let target = request.get("target").and_then(Value::as_object).and_then(|target| target.keys().next());
        parts.push(format!("request: {action} {}", target.map_or("", String::as_str)));
    } else if let Some(response) = content.and_then(|content| content.get("response")) {
        let status = response.get("status").map(text).unwrap_or_default();
        let words = response.get("status_text").map(|words| format!(" {}", text(words))).unwrap_or_default();
        parts.push(format!("response: {status}{words}"));
    } else {
        parts.push("notification".to_owned());
    }
    for (name, told) in [("from", "from"), ("to", "to"), ("request_id", "request")] {
        if let Some(value) = message.pointer(&format!("/headers/{name}")) {
            let value = match value.as_array() {
                Some(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
                None => text(value),
            };
            parts.push(format!("{told} {value}"));
        }
    }
    parts.join("  ")
}
