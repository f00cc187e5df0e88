//! The OpenC2 message in a PUBLISH: what it says, and what breaks the language or the transfer specification.

use mqtt5_codec::{Publish, Topic};
use openc2_mqtt::transfer::{Channel, Clause, Received, Scheme, check};
use openc2_mqtt::{Document, Encoding, Error, Form, Quirk, Reading, Structure, Style, slpf};
use serde_json::Value;

use crate::packet::in_words;

/// An opened message.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) encoding: Encoding,
    /// The message in few words, if it can be read.
    pub(crate) says: Vec<String>,
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
        says: Vec::new(),
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
                opened.says.push("(the flat record of CSD03 2.4.2)".to_owned());
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
        match document.encode(Style::from(Form::Json).with_profiles(&slpf::PROFILES), &mut buffer) {
            Ok(length) => return serde_json::from_slice(buffer.get(..length)?).ok(),
            Err(openc2_mqtt::EncodeError::Full { need }) if need > buffer.len() => buffer.resize(need, 0),
            Err(_) => return None,
        }
    }
}

/// A message in few words: what is asked or answered, by whom.
fn summary(message: &Value) -> Vec<String> {
    let content = message.pointer("/body/openc2");
    let mut parts = Vec::new();
    if let Some(request) = content.and_then(|content| content.get("request")) {
        let action = request.get("action").map(in_words).unwrap_or_default();
        parts.push(format!("request: {action} {}", request.get("target").map(in_words).unwrap_or_default()));
        parts.extend(request.get("args").map(in_words));
    } else if let Some(response) = content.and_then(|content| content.get("response")) {
        let words = ["status", "status_text"].into_iter().filter_map(|name| response.get(name)).map(in_words);
        parts.push(format!("response: {}", words.collect::<Vec<_>>().join(" ")));
        parts.extend(response.get("results").map(in_words));
    } else {
        parts.push("notification".to_owned());
    }
    for (name, told) in [("from", "from"), ("to", "to"), ("request_id", "id")] {
        parts.extend(message.pointer(&format!("/headers/{name}")).map(|value| format!("{told} {}", in_words(value))));
    }
    parts
}
