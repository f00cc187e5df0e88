//! An inspected packet for programs: one JSON object a line, of the shapes that `JSON.md` describes.

use mqtt5_codec::{Packet, PacketType, Sender};
use serde_json::{Map, Value, json};

use super::dissect::dissect;
use super::field::Field;
use super::openc2::Opened;
use super::stream::{Seeing, Verdict};
use super::{Label, Tally, time_stamp};
use crate::packet::{hex, readable};

pub(crate) fn packet(label: &Label, number: usize, seeing: &Seeing<'_>, opened: Option<&Opened>, bytes: bool) -> Value {
    let from = if seeing.from == Sender::Client { "client" } else { "server" };
    let kind = seeing.bytes.first().and_then(|first| PacketType::from_first_byte(*first)).map(PacketType::name);
    let fields = dissect(seeing.bytes);
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("type", json!("packet"));
    put("number", json!(number));
    if let Some(time) = seeing.time {
        put("time", json!(time_stamp(time)));
    }
    put("client", json!(label.client));
    put("server", json!(label.server));
    put("from", json!(from));
    put("packet", json!(kind));
    put("offset", json!(seeing.offset));
    put("length", json!(seeing.bytes.len()));
    put("valid", json!(matches!(seeing.verdict, Verdict::Valid(_))));
    match &seeing.verdict {
        Verdict::Valid(_) => {}
        Verdict::Bad(error) => {
            let (rule, reason) = (error.rule, error.reason);
            let error = json!({
                "at": error.at, "rule": rule.id(), "meaning": rule.meaning(), "reason_code": reason.value(),
                "reason": reason.name(),
            });
            put("error", error);
        }
        Verdict::Cut { need } => {
            put("error", json!({"at": seeing.bytes.len(), "meaning": "the bytes end here", "need": need}));
        }
    }
    put("fields", fields.iter().map(field).collect());
    if let Some(topic) = seeing.alias_of {
        put("alias_of", json!(topic));
    }
    if let Verdict::Valid(Packet::Publish(publish)) = &seeing.verdict {
        put("payload", json!(readable(publish.payload)));
    }
    if let Some(opened) = opened {
        put("openc2", openc2(opened));
    }
    if bytes {
        put("bytes", json!(shown(seeing.bytes, &fields)));
    }
    Value::Object(object)
}

fn field(field: &Field) -> Value {
    let Field { at, len, depth, name, value, says, bits, .. } = field;
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("at", json!(at));
    put("length", json!(len));
    put("depth", json!(depth));
    put("name", json!(name));
    put("value", value.clone());
    if !says.is_empty() {
        put("says", json!(says));
    }
    if !bits.is_empty() {
        put("bits", bits.iter().map(|(mask, says)| json!({"mask": mask, "says": says})).collect());
    }
    Value::Object(object)
}

pub(crate) fn openc2(opened: &Opened) -> Value {
    let violation = |(meaning, section): &(&str, &str)| json!({"meaning": meaning, "section": section});
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("valid", json!(opened.is_good()));
    put("encoding", json!(opened.encoding.name()));
    put("violations", opened.violations.iter().map(violation).collect());
    put("forgiven", json!(opened.forgiven));
    if let Some(message) = &opened.message {
        put("message", message.clone());
    }
    if let Some(error) = &opened.error {
        let (at, path, rule) = (error.at, error.path.as_str(), error.rule);
        put("error", json!({"at": at, "path": path, "meaning": rule.meaning(), "section": rule.section()}));
    }
    Value::Object(object)
}

/// All bytes in hex; secret ones are stars.
fn shown(bytes: &[u8], fields: &[Field]) -> String {
    let mut text = hex(bytes);
    for field in fields.iter().filter(|field| field.secret) {
        let range = field.at * 2..(field.at + field.len) * 2;
        if let Some(part) = text.get(range.clone()) {
            let stars = "*".repeat(part.len());
            text.replace_range(range, &stars);
        }
    }
    text
}

pub(crate) fn note(what: &str) -> Value {
    json!({"type": "note", "note": what})
}

pub(crate) fn summary(tally: &Tally) -> Value {
    let Tally { packets, bad, openc2, bad_openc2, skipped } = tally;
    json!({
        "type": "summary", "packets": packets, "invalid_packets": bad, "openc2_messages": openc2,
        "invalid_openc2_messages": bad_openc2, "skipped_bytes": skipped,
    })
}
