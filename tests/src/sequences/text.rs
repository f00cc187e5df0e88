//! Sequences as text: a head of keys, then a line for each step.
//!
//! ```text
//! == kind/name
//! why: what it is about
//! of: MQTT-4.3.3-10 MQTT-4.3.3-8
//! from: simulator              (`standard` if it is left out)
//! should                       (if it only should be so)
//! joined keep                  the client connects, with a session that is kept
//! publish 2 t one              the application publishes
//! > PUBLISH qos=2 topic=t id=a the client sends it; `a` stands for its identifier from here on
//! < 50 02 {a}                  the server answers
//! ? PUBREL id=a | PUBACK id=b  the client sends both, in either order
//! = published reason=0         the application is told
//! ~ 300                        nothing comes for 300 ms; `sleep 300` lets them pass
//! cut                          the server drops the connection
//! end 0x82                     the client ends it, with this reason if it says one
//! do {"ping":{}}               any command of `conformance client`
//! ```

use serde_json::{Map, Value, json};

use super::{Binding, SCHEMA, Sequence, Step};

/// Reads sequences.
pub(super) fn read(text: &str) -> Result<Vec<Sequence>, String> {
    let mut all = Vec::new();
    for part in text.split("\n== ").skip(1) {
        let (name, body) = part.split_once('\n').unwrap_or((part, ""));
        all.push(one(name.trim(), body).map_err(|why| format!("{name}: {why}"))?);
    }
    Ok(all)
}

fn one(name: &str, body: &str) -> Result<Sequence, String> {
    let mut sequence = Sequence {
        schema: SCHEMA.to_owned(),
        name: name.to_owned(),
        statements: Vec::new(),
        source: "standard".to_owned(),
        class: Binding::Must,
        why: String::new(),
        steps: Vec::new(),
    };
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(why) = line.strip_prefix("why: ") {
            why.clone_into(&mut sequence.why);
        } else if let Some(of) = line.strip_prefix("of: ") {
            sequence.statements = of.split(" MQTT").map(statement).collect();
        } else if let Some(source) = line.strip_prefix("from: ") {
            source.clone_into(&mut sequence.source);
        } else if line == "should" {
            sequence.class = Binding::Should;
        } else {
            step(line, &mut sequence.steps).map_err(|why| format!("{line}: {why}"))?;
        }
    }
    Ok(sequence)
}

/// `MQTT-3.1.2-20`, or `MQTT 4.12`, whose beginning may have been cut off.
fn statement(text: &str) -> String {
    format!("MQTT{}", text.trim_start_matches("MQTT"))
}

fn step(line: &str, steps: &mut Vec<Step>) -> Result<(), String> {
    // What is too long, or too much, to be written out.
    if line == "MANY" {
        for n in 0..30 {
            steps.push(publish(&format!("1 t {n}"))?);
            steps.push(Step::Expect(packet(&format!("PUBLISH qos=1 payload={n}"))?));
        }
        return Ok(());
    }
    let line = &line.replace("LARGE", &"61".repeat(20_000)).replace("FILL128", &"78".repeat(128));
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        ">" => steps.push(Step::Expect(packet(rest)?)),
        "?" => steps.push(Step::ExpectAnyOrder(rest.split(" | ").map(packet).collect::<Result<_, _>>()?)),
        "<" => steps.push(Step::Send(rest.to_owned())),
        "=" => steps.push(Step::Told(described("event", rest)?)),
        "~" => steps.push(Step::QuietMs(number(rest)?)),
        "sleep" => steps.push(Step::SleepMs(number(rest)?)),
        "cut" => steps.push(Step::Cut {}),
        "end" if rest.is_empty() => steps.push(Step::End { reason: None }),
        "end" => {
            let reason = u8::try_from(number(rest)?).map_err(|error| error.to_string())?;
            steps.push(Step::End { reason: Some(reason) });
        }
        "do" => steps.push(Step::Do(serde_json::from_str(rest).map_err(|error| error.to_string())?)),
        "connect" => steps.push(connect(rest)?),
        "joined" => joined(rest, "20 03 00 00 00", false, steps)?,
        "resumed" => joined(rest, "20 03 01 00 00", true, steps)?,
        "publish" => steps.push(publish(rest)?),
        "subscribe" => {
            let (qos, filter) = rest.split_once(' ').ok_or("a QoS and a filter are wanted")?;
            steps.push(Step::Do(json!({ "subscribe": { "filters": [{ "filter": filter, "qos": number(qos)? }] } })));
        }
        _ => return Err("no such step".to_owned()),
    }
    Ok(())
}

/// `connect keep k=v …`: with Clean Start 0 and a session that is kept for 100 s, and further keys.
fn connect(rest: &str) -> Result<Step, String> {
    let mut connect = json!({ "client_id": "s", "keep_alive": 0 });
    let Some(object) = connect.as_object_mut() else { return Err("no object".to_owned()) };
    let (keep, rest) = match rest.split_once(' ').unwrap_or((rest, "")) {
        ("keep", rest) => (true, rest),
        _ => (false, rest),
    };
    if keep {
        object.insert("clean_start".to_owned(), false.into());
        object.insert("properties".to_owned(), json!({ "session_expiry_interval": 100 }));
    }
    for (key, value) in pairs(rest)? {
        match object.get_mut(&key) {
            Some(Value::Object(properties)) if value.is_object() => {
                properties.extend(value.as_object().cloned().unwrap_or_default());
            }
            _ => drop(object.insert(key, value)),
        }
    }
    Ok(Step::Do(json!({ "connect": connect })))
}

/// The client connects, and the server accepts it with a CONNACK that the caller gives, or with `PROPERTIES` as hexadecimal digits
/// behind a bar.
fn joined(rest: &str, connack: &str, present: bool, steps: &mut Vec<Step>) -> Result<(), String> {
    let (options, properties) = rest.split_once('|').unwrap_or((rest, ""));
    steps.push(connect(options.trim())?);
    steps.push(Step::Expect(json!({ "packet": "CONNECT" })));
    let digits = properties.split_whitespace().collect::<String>();
    if digits.is_empty() {
        steps.push(Step::Send(connack.to_owned()));
    } else {
        let length = digits.len() / 2;
        let flags = u8::from(present);
        steps.push(Step::Send(format!("20 {:02x} {flags:02x} 00 {length:02x} {digits}", 3 + length)));
    }
    steps.push(Step::Told(json!({ "event": "connected", "session_present": present })));
    Ok(())
}

/// `publish QOS TOPIC PAYLOAD k=v …`.
fn publish(rest: &str) -> Result<Step, String> {
    let mut words = rest.splitn(4, ' ');
    let (Some(qos), Some(topic)) = (words.next(), words.next()) else {
        return Err("a QoS and a topic are wanted".to_owned());
    };
    let mut publish = json!({ "topic": topic, "payload": words.next().unwrap_or_default(), "qos": number(qos)? });
    if let Some(object) = publish.as_object_mut() {
        object.extend(pairs(words.next().unwrap_or_default())?);
    }
    Ok(Step::Do(json!({ "publish": publish })))
}

fn packet(text: &str) -> Result<Value, String> {
    described("packet", text)
}

/// A name, and what is said of it.
fn described(key: &str, text: &str) -> Result<Value, String> {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut object = Map::from_iter([(key.to_owned(), Value::from(name))]);
    object.extend(pairs(rest)?);
    // Bytes are digits in JSON; here they may be a word.
    if let Some(payload) = object.remove("payload") {
        let payload = payload.as_str().map_or_else(|| payload.to_string(), ToOwned::to_owned);
        object.insert("payload_hex".to_owned(), crate::client::digits(payload.as_bytes()));
    }
    Ok(Value::Object(object))
}

/// `k=v` with blanks between; a value is JSON without blanks, or a word.
fn pairs(text: &str) -> Result<Map<String, Value>, String> {
    let mut object = Map::new();
    for word in text.split_whitespace() {
        let (key, value) = word.split_once('=').ok_or_else(|| format!("{word}: key=value is wanted"))?;
        let value = match value.strip_prefix("0x").map(|digits| u64::from_str_radix(digits, 16)) {
            Some(Ok(number)) => number.into(),
            _ if key.ends_with("_hex") && value != "null" => Value::from(value),
            _ => serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)),
        };
        object.insert(key.to_owned(), value);
    }
    Ok(object)
}

fn number(text: &str) -> Result<u64, String> {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .map_err(|error| error.to_string())
}
