//! A Producer that asks: a request goes out, and what comes back is collected.

use core::time::Duration;
use std::time::Instant;

use mqtt5_tokio::{Clock, Messages};
use openc2_mqtt::producer::{Heard, NotCounted, Producer, ProducerMemory, ProducerPolicy, Request, RequestId, Stage};
use openc2_mqtt::transfer::{Encoding, Outgoing};
use openc2_mqtt::{Document, EncodeError, Form, Response, ResponseType, Status, Style, slpf};
use serde_json::{Value, json};

use super::{print, reading};
use crate::cli::{self, Speaking};
use crate::message::utc;
use crate::packet::in_words;
use crate::remote::{self, Session};

/// The largest request, its topic included.
const REQUEST: usize = 256 << 10;
/// How many Consumers are told apart.
const RESPONDERS: usize = 2048;

/// What a Consumer answered last.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) from: String,
    pub(crate) status: Option<Status>,
    pub(crate) says: String,
    pub(crate) after: Duration,
    /// Whether it is its last word.
    pub(crate) last: bool,
    /// Whether it is the last word, and 2xx; or what was asked for, where that was no more than an acknowledgement.
    pub(crate) good: bool,
    /// Its results.
    pub(crate) results: Option<Value>,
}

impl Row {
    pub(super) const fn is_good(&self) -> bool {
        self.good
    }
}

/// Everything that came of a request.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) rows: Vec<Row>,
    pub(crate) late: usize,
    pub(crate) doubled: usize,
    /// Whether all that were expected are in.
    pub(crate) complete: bool,
    /// What came in just now.
    pub(super) changed: Option<Row>,
}

/// A Producer with its session and its clock.
pub(crate) struct Asking<'p> {
    producer: Box<Producer<'p, ProducerMemory<4, RESPONDERS>>>,
    clock: Clock,
    messages: Messages,
    pub(crate) session: &'p Session,
    speaking: &'p Speaking,
}

impl<'p> Asking<'p> {
    /// Subscribes a Producer of this identity to its topics.
    pub(crate) async fn open(session: &'p Session, from: &'p str, speaking: &'p Speaking) -> Result<Self, String> {
        let encoding = match speaking.encoding {
            cli::Form::Json => Encoding::Json,
            cli::Form::Cbor | cli::Form::CborConcise => Encoding::Cbor,
        };
        let policy = ProducerPolicy {
            reading: reading(speaking),
            encoding,
            scheme: remote::scheme(speaking),
            quality: remote::quality(speaking),
            structure: speaking.structure.into(),
            ..ProducerPolicy::default()
        };
        let producer = Box::new(Producer::new(from, policy, ProducerMemory::new()));
        let messages = session.subscribe(producer.channels(), &policy.scheme).await?;
        Ok(Self { producer, clock: Clock::start(), messages, session, speaking })
    }

    /// Sends a request, and calls `on` for each thing that came of it, until all is in or the time is over.
    pub(crate) async fn ask(
        &mut self,
        request: &Request<'_>,
        within: Duration,
        mut on: impl FnMut(&Collected, Option<&str>) -> Result<(), String>,
    ) -> Result<Collected, String> {
        let sent = Instant::now();
        let acknowledged = request.command.args.response_requested == Some(ResponseType::Ack);
        let mut buffer = vec![0; REQUEST];
        let random = remote::random()?;
        let (id, outgoing) = self
            .producer
            .request(request, random, self.clock.now(), utc(), &mut buffer)
            .map_err(|error| format!("the command is not sent: {error}"))?;
        if self.speaking.json {
            print(
                &json!({"type": "request", "topic": outgoing.topic.as_str(), "request_id": self.producer.request_id(id)}),
            )?;
        }
        let concise;
        let outgoing = if self.speaking.encoding == cli::Form::CborConcise {
            concise = self.concise(outgoing.payload)?;
            Outgoing { payload: &concise, ..outgoing }
        } else {
            outgoing
        };
        self.session.publish(&outgoing).await?;
        let mut collected = Collected::default();
        let deadline = tokio::time::Instant::now() + within;
        while !collected.complete {
            let message = tokio::select! {
                message = self.messages.next() => message,
                () = tokio::time::sleep_until(deadline) => break,
            };
            let Some(inbound) = message else { return Err("the subscription has ended".into()) };
            let payload = inbound.payload();
            let Some(received) = remote::received(&inbound, &payload) else { continue };
            let heard = self.producer.handle(&received, self.clock.now());
            let note = hear(&mut collected, heard, id, sent, acknowledged);
            on(&collected, note.as_deref())?;
        }
        self.producer.cancel(id);
        Ok(collected)
    }

    /// A message in CBOR in the concise form, which the library reads by itself but writes for whoever asks alone.
    fn concise(&self, payload: &[u8]) -> Result<Vec<u8>, String> {
        let reading = reading(self.speaking);
        let read = reading.message(Encoding::Cbor, payload).map_err(|error| error.to_string())?;
        let mut buffer = vec![0; REQUEST];
        let style = Style::new(Form::Concise, reading.language).with_profiles(reading.profiles);
        let written = Document::Message(read.value).encode(style, &mut buffer);
        let length = written.map_err(|error| format!("the command has no concise form: {error}"))?;
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// Takes what was heard; what else there is to say of it.
fn hear(
    collected: &mut Collected,
    heard: Heard<'_>,
    awaited: RequestId,
    sent: Instant,
    acknowledged: bool,
) -> Option<String> {
    let after = sent.elapsed();
    collected.changed = None;
    match heard {
        Heard::Response { request, from, response, stage, complete, .. } if request == awaited => {
            let results = results(&response);
            put(
                collected,
                Row {
                    from: from.to_string(),
                    status: Some(response.status),
                    says: says(response.status_text.map(|words| words.to_string()), &results),
                    after,
                    last: stage == Stage::Final,
                    good: stage == Stage::Final && good(response.status, acknowledged),
                    results: Some(results),
                },
            );
            collected.complete |= complete;
            None
        }
        Heard::Malformed { request, from, status, stage, complete, error, .. } if request == awaited => {
            put(
                collected,
                Row {
                    from: from.to_string(),
                    status,
                    says: format!("not OpenC2: {error}"),
                    after,
                    last: stage == Stage::Final,
                    good: false,
                    results: None,
                },
            );
            collected.complete |= complete;
            None
        }
        Heard::Nothing { why: NotCounted::Duplicate(request), .. } if request == awaited => {
            collected.doubled += 1;
            Some("a response came twice".into())
        }
        Heard::Nothing { why: NotCounted::Late(_), .. } => {
            collected.late += 1;
            Some("a response to an earlier command came late".into())
        }
        Heard::Nothing { why: NotCounted::Full(_), .. } => Some(format!("more than {RESPONDERS} Consumers answer")),
        Heard::Nothing { why: NotCounted::Malformed(error), .. } => {
            Some(format!("a message that is not OpenC2: {error}"))
        }
        _ => None,
    }
}

/// Whether a last word is a good one.
fn good(status: Status, acknowledged: bool) -> bool {
    (200..300).contains(&status.code()) || (acknowledged && status == Status::Processing)
}

/// A response's results in JSON, those of profiles among them.
fn results(response: &Response<'_>) -> Value {
    let mut buffer = vec![0; 4 << 10];
    loop {
        match response.encode(Style::from(Form::Json).with_profiles(&slpf::PROFILES), &mut buffer) {
            Ok(length) => {
                let whole = serde_json::from_slice::<Value>(buffer.get(..length).unwrap_or_default());
                return whole.ok().and_then(|mut whole| Some(whole.get_mut("results")?.take())).unwrap_or(Value::Null);
            }
            Err(EncodeError::Full { need }) if need > buffer.len() => buffer.resize(need, 0),
            Err(_) => return Value::Null,
        }
    }
}

/// What a response says beside its status, in short.
fn says(words: Option<String>, results: &Value) -> String {
    let results = Some(in_words(results)).filter(|_| !results.is_null());
    words.into_iter().chain(results).collect::<Vec<_>>().join("; ")
}

fn put(collected: &mut Collected, row: Row) {
    collected.changed = Some(row.clone());
    match collected.rows.iter_mut().find(|other| other.from == row.from) {
        Some(other) => *other = row,
        None => collected.rows.push(row),
    }
}
