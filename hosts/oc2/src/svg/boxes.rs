//! Packets as boxes of fields, with the names and the manner of CSD03 Appendix A.

use mqtt5_codec::{Connect, Delivery, Packet, Publish, Subscribe, TopicRef};
use serde_json::Value;

use super::Record;
use super::draw::{COMMAND, Canvas, FAINT, INK, LINE, PAPER, RESPONSE, SERVICE, SHADE, Text};
use crate::packet::{readable, tell};
use crate::terminal::wrap;

/// One field: how deep it stands, its name and its value; a payload has no name and takes the whole width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    depth: u8,
    name: String,
    value: String,
}

impl Row {
    fn new(depth: u8, name: &str, value: impl Into<String>) -> Self {
        Self { depth, name: name.to_owned(), value: value.into() }
    }

    pub(super) fn is_packet_id(&self) -> bool {
        self.name == "packetId"
    }
}

/// What a packet is about, in a few words.
pub(super) fn about(packet: &Packet<'_>) -> String {
    match packet {
        Packet::Publish(publish) => match publish.topic {
            TopicRef::Name(topic) | TopicRef::NameAndAlias(topic, _) => topic.as_str().to_owned(),
            TopicRef::Alias(alias) => format!("topic alias {}", alias.get()),
        },
        Packet::Subscribe(subscribe) => {
            subscribe.filters.iter().map(|one| one.filter.as_str().to_owned()).collect::<Vec<_>>().join(", ")
        }
        Packet::Connect(connect) => connect.client_id.as_str().to_owned(),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            ack.id.get().to_string()
        }
        _ => String::new(),
    }
}

/// A packet's fields as Appendix A lists them: no computed lengths, flags written out.
pub(crate) fn rows(packet: &Packet<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    match packet {
        Packet::Connect(connect) => connect_rows(&mut rows, connect),
        Packet::Publish(publish) => publish_rows(&mut rows, publish),
        Packet::Subscribe(subscribe) => subscribe_rows(&mut rows, subscribe),
        Packet::SubAck(ack) | Packet::UnsubAck(ack) => {
            rows.push(Row::new(0, "packetId", ack.id.get().to_string()));
            for (reason, number) in ack.reasons.iter().zip(1..) {
                rows.push(Row::new(0, &format!("reasonCode {number}"), reason.value().to_string()));
            }
        }
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            rows.push(Row::new(0, "packetId", ack.id.get().to_string()));
            if ack.reason.value() != 0 {
                rows.push(Row::new(0, "reasonCode", ack.reason.to_string()));
            }
        }
        Packet::ConnAck(ack) => {
            rows.push(Row::new(0, "sessionPresent", u8::from(ack.session_present).to_string()));
            rows.push(Row::new(0, "reasonCode", ack.reason.to_string()));
        }
        Packet::Disconnect(disconnect) => {
            rows.push(Row::new(0, "reasonCode", disconnect.reason.value().to_string()));
        }
        Packet::Auth(auth) => rows.push(Row::new(0, "reasonCode", auth.reason.to_string())),
        Packet::Unsubscribe(unsubscribe) => {
            rows.push(Row::new(0, "packetId", unsubscribe.id.get().to_string()));
            rows.extend(unsubscribe.filters.iter().map(|one| Row::new(0, "topicFilter", quoted(one.as_str()))));
        }
        Packet::PingReq | Packet::PingResp => {}
    }
    if !matches!(packet, Packet::Publish(_)) {
        properties(&mut rows, packet);
    }
    rows
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn connect_rows(rows: &mut Vec<Row>, connect: &Connect<'_>) {
    let flag = |name, yes: bool| Row::new(1, name, u8::from(yes).to_string());
    rows.push(Row::new(0, "clientId", quoted(connect.client_id.as_str())));
    rows.push(Row::new(0, "flags", ""));
    let will = connect.will.as_ref();
    rows.push(flag("userName", connect.user_name.is_some()));
    rows.push(flag("password", connect.password.is_some()));
    rows.push(flag("willRetain", will.is_some_and(|will| will.retain)));
    rows.push(Row::new(1, "willQoS", will.map_or(0, |will| will.qos as u8).to_string()));
    rows.push(flag("willFlag", will.is_some()));
    rows.push(flag("cleanStart", connect.clean_start));
    rows.push(flag("reserved", false));
    rows.extend(connect.user_name.map(|name| Row::new(0, "userName (optional)", quoted(name.as_str()))));
    rows.extend(connect.password.map(|_| Row::new(0, "password (optional)", "(not shown)")));
    rows.push(Row::new(0, "keepAlive", connect.keep_alive.to_string()));
}

fn publish_rows(rows: &mut Vec<Row>, publish: &Publish<'_>) {
    let (id, dup) = match publish.delivery {
        Delivery::AtMostOnce => (0, false),
        Delivery::AtLeastOnce { id, dup } | Delivery::ExactlyOnce { id, dup } => (id.get(), dup),
    };
    rows.push(Row::new(0, "packetId", id.to_string()));
    let (qos, dup, retain) = (publish.delivery.qos() as u8, u8::from(dup), u8::from(publish.retain));
    rows.push(Row::new(0, "flags", format!("qos={qos}, dup={dup}, retain={retain}")));
    rows.push(Row::new(0, "topicName", quoted(&about(&Packet::Publish(*publish)))));
    properties(rows, &Packet::Publish(*publish));
    rows.push(Row::new(0, "payload", ""));
    rows.push(Row::new(0, "", readable(publish.payload)));
}

fn subscribe_rows(rows: &mut Vec<Row>, subscribe: &Subscribe<'_>) {
    rows.push(Row::new(0, "packetId", subscribe.id.get().to_string()));
    for one in subscribe.filters.iter() {
        let options = one.options;
        rows.push(Row::new(0, "topicFilter", quoted(one.filter.as_str())));
        let (qos, handling) = (options.maximum_qos as u8, options.retain_handling as u8);
        let (local, retain) = (u8::from(options.no_local), u8::from(options.retain_as_published));
        rows.push(Row::new(0, "subOptions", format!("maxQoS={qos}, NL={local}, RAP={retain}, RH={handling}")));
    }
}

/// What the packet says beside its fixed fields. It is the list that the trace prints, with the names joined.
fn properties(rows: &mut Vec<Row>, packet: &Packet<'_>) {
    const FIELDS: [&str; 17] = [
        "client id",
        "clean start",
        "keep alive",
        "will",
        "user name",
        "reason",
        "session present",
        "topic",
        "topic alias",
        "QoS",
        "id",
        "dup",
        "retain",
        "filters",
        "reasons",
        "alias",
        "user property",
    ];
    let told = tell(packet);
    let mut found = Vec::new();
    for (name, value) in told.facts.iter().filter(|(name, _)| !FIELDS.contains(name)) {
        match (*name, value) {
            ("user properties", Value::Array(pairs)) => {
                let part =
                    |pair: &Value, at: usize| pair.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
                found.extend(
                    pairs.iter().map(|pair| {
                        Row::new(1, "userProperty", quoted(&format!("{}:{}", part(pair, 0), part(pair, 1))))
                    }),
                );
            }
            ("payload format", value) => {
                let says = if *value == 1 { "1 (UTF-8 string)" } else { "0 (bytes)" };
                found.push(Row::new(1, "payloadFormat", says));
            }
            (name, Value::String(text)) => found.push(Row::new(1, &joined(name), quoted(text))),
            (name, Value::Bool(yes)) => found.push(Row::new(1, &joined(name), u8::from(*yes).to_string())),
            (name, value) => found.push(Row::new(1, &joined(name), value.to_string())),
        }
    }
    if !found.is_empty() {
        rows.push(Row::new(0, "properties", ""));
        rows.append(&mut found);
    }
}

/// `content type` as `contentType`.
fn joined(name: &str) -> String {
    let mut words = name.split([' ', ',']).filter(|word| !word.is_empty());
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

const GAP: f64 = 20.0;
/// Values begin here, to the right of the longest name that is usual.
const NAMES: f64 = 176.0;
const LINE_HEIGHT: f64 = 17.0;
const HEAD: f64 = 46.0;
/// A box is so wide at the least.
const LEAST: f64 = 380.0;

/// Draws the boxes in columns, each below the shortest, and gives where the last of them ends.
pub(super) fn draw(canvas: &mut Canvas, top: f64, width: f64, packets: &[(usize, &Record)]) -> f64 {
    let mut columns = 1usize;
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let column_width = |columns: usize| (width - 40.0 - GAP * (columns as f64 - 1.0)) / columns as f64;
    while column_width(columns + 1) >= LEAST {
        columns += 1;
    }
    let wide = column_width(columns);
    let mut ends = vec![top; columns];
    for (number, record) in packets {
        let Some((at, end)) = ends.iter_mut().enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b)) else { break };
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let x = 20.0 + at as f64 * (wide + GAP);
        *end = one(canvas, (x, *end), wide, *number, record) + GAP;
    }
    ends.into_iter().fold(top, f64::max)
}

fn one(canvas: &mut Canvas, (x, y): (f64, f64), width: f64, number: usize, record: &Record) -> f64 {
    let label = Text::new(12.0, INK);
    let value = Text::new(11.5, INK).mono();
    let names = NAMES;
    // What each row takes is known before anything is drawn, so that the frame lies behind it.
    let rows: Vec<(&Row, Vec<String>)> = record
        .rows
        .iter()
        .map(|row| {
            let room = if row.name.is_empty() { width - 24.0 } else { width - names - 16.0 };
            (row, wrap(&row.value, Some(value.fit(room))).into_iter().map(String::from).collect())
        })
        .collect();
    let lines: usize = rows.iter().map(|(_, lines)| lines.len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "as many as a packet has")]
    let height = HEAD + 24.0 + lines as f64 * LINE_HEIGHT + rows.len() as f64 * 4.0 + 4.0;
    canvas.rectangle((x, y), (width, height), PAPER, LINE, 5.0);
    canvas.rectangle((x, y), (width, HEAD), SHADE, LINE, 5.0);
    let colour = match (record.kind, record.response) {
        (mqtt5_codec::PacketType::Publish, true) => RESPONSE,
        (mqtt5_codec::PacketType::Publish, false) => COMMAND,
        _ => SERVICE,
    };
    canvas.text(x + 12.0, y + 18.0, Text::new(10.5, FAINT), "MQTT-Packet");
    canvas.text(x + 12.0, y + 36.0, Text::new(14.0, colour).bold(), record.kind.name());
    let (from, to) = match record.from {
        mqtt5_codec::Sender::Client => (&*record.who, "broker"),
        mqtt5_codec::Sender::Server => ("broker", &*record.who),
    };
    canvas.text(x + width - 12.0, y + 18.0, Text::new(10.5, FAINT).end(), &format!("packet {number} above"));
    canvas.text(x + width - 12.0, y + 36.0, Text::new(12.0, INK).end(), &format!("{from} → {to}"));
    let mut at = y + HEAD + 17.0;
    canvas.text(x + 12.0, at, Text::new(11.0, FAINT), "contains:");
    canvas.text(x + names, at, Text::new(11.0, FAINT), "Example");
    at += 7.0;
    for (row, lines) in &rows {
        canvas.line((x, at), (x + width, at), SHADE, 1.0, "");
        let indent = 12.0 + f64::from(row.depth) * 14.0;
        canvas.text(x + indent, at + 15.0, label, &row.name);
        for (line, part) in lines.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "as many as a value has")]
            let y = at + 15.0 + line as f64 * LINE_HEIGHT;
            canvas.text(if row.name.is_empty() { x + 12.0 } else { x + names }, y, value, part);
        }
        #[expect(clippy::cast_precision_loss, reason = "as many as a value has")]
        let taken = lines.len() as f64 * LINE_HEIGHT + 4.0;
        at += taken;
    }
    y + height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_as_appendix_a_has_them() {
        assert_eq!(joined("content type"), "contentType");
        assert_eq!(joined("authentication data, bytes"), "authenticationDataBytes");
        assert_eq!(joined("topic alias maximum"), "topicAliasMaximum");
    }

    #[test]
    fn a_publish_has_the_rows_of_appendix_a() {
        let bytes = b"\x32\x49\x00\x0boc2/cmd/all\x09\xa4\x37\x01\x01\x26\x00\x07msgType\x00\x03req\x26\x00\x08encoding\x00\x04json\x03\x00\x12application/openc2{}";
        let decoder = mqtt5_codec::Decoder::new(mqtt5_codec::Sender::Client);
        let Ok(mqtt5_codec::Decoded::Packet { packet, .. }) = decoder.decode(bytes) else { panic!("{bytes:02x?}") };
        let rows: Vec<_> = rows(&packet).into_iter().map(|row| (row.depth, row.name, row.value)).collect();
        let rows: Vec<_> = rows.iter().map(|(depth, name, value)| (*depth, name.as_str(), value.as_str())).collect();
        assert_eq!(
            rows,
            [
                (0, "packetId", "2468"),
                (0, "flags", "qos=1, dup=0, retain=0"),
                (0, "topicName", "\"oc2/cmd/all\""),
                (0, "properties", ""),
                (1, "payloadFormat", "1 (UTF-8 string)"),
                (1, "userProperty", "\"msgType:req\""),
                (1, "userProperty", "\"encoding:json\""),
                (1, "contentType", "\"application/openc2\""),
                (0, "payload", ""),
                (0, "", "{}"),
            ]
        );
    }
}
