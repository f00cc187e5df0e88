//! `oc2 watch`: every OpenC2 message on a broker; `oc2 replay`: those that were recorded.

mod record;

use core::time::Duration;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anstyle::{AnsiColor, Style};
use mqtt5_codec::{Delivery, PacketId, Properties, Publish, QoS, RetainHandling, Topic, TopicRef};
use mqtt5_tokio::Filters;
use openc2_mqtt::Reading;
use openc2_mqtt::transfer::Scheme;
use serde_json::{Value, json};

use crate::cli::{Replay, Speaking, Watch};
use crate::inspect::openc2::{Opened, open};
use crate::inspect::{time_of_day, time_stamp};
use crate::packet::readable;
use crate::printer::plain;
use crate::produce::{print, reading};
use crate::remote::{self, End, Session};
use crate::report::{in_ms, milliseconds};
use crate::terminal::{self, flow, wrap};
use record::Record;

const COMMAND: Style = AnsiColor::Cyan.on_default().bold();
const RESPONSE: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// So many requests are remembered, to match responses to them.
const REQUESTS: usize = 10_000;

pub(crate) fn watch(watch: &Watch) -> ExitCode {
    let options = match remote::options(&watch.broker, 0) {
        Ok(mut options) => {
            // Whoever only looks leaves nothing behind.
            options.clean_start = true;
            options
        }
        Err(why) => {
            anstream::eprintln!("oc2: {why}");
            return crate::MISUSED.into();
        }
    };
    remote::run(&watch.broker, options, |session| async move { look(&session, watch).await })
}

async fn look(session: &Session, watch: &Watch) -> Result<End, String> {
    let mut file = match &watch.record {
        None => None,
        Some(path) => Some(File::create(path).map_err(|error| format!("{}: {error}", path.display()))?),
    };
    let prefix = watch.speaking.prefix.as_ref().map_or_else(String::new, |prefix| format!("{prefix}/"));
    let topics = if watch.topics.is_empty() { vec![format!("{prefix}oc2/#")] } else { watch.topics.clone() };
    let filters: Filters = topics.iter().map(String::as_str).collect();
    let filters =
        filters.maximum_qos(QoS::ExactlyOnce).retain_as_published().retain_handling(RetainHandling::SendAtSubscribe);
    let mut messages = session.subscribed(filters, &topics).await?;
    let mut viewer = Viewer::new(&watch.speaking, watch.full);
    let deadline = watch.timeout.map(|within| tokio::time::Instant::now() + within);
    let mut count = 0;
    while watch.count.is_none_or(|most| count < most) {
        let over = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => core::future::pending().await,
            }
        };
        let message = tokio::select! {
            message = messages.next() => message,
            // A number of messages that did not come is a deadline; otherwise it was just the time to look.
            () = over => return Ok(if watch.count.is_some() { End::Deadline } else { viewer.end() }),
        };
        let Some(inbound) = message else { return Err("the subscription has ended".into()) };
        count += 1;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let record = Record::of(&inbound, time);
        if let Some(file) = &mut file {
            writeln!(file, "{}", record.to_json()).map_err(|error| format!("the record: {error}"))?;
        }
        viewer.show(&record)?;
    }
    Ok(viewer.end())
}

pub(crate) fn replay(replay: &Replay) -> ExitCode {
    let records = match records(replay) {
        Ok(records) => records,
        Err(why) => {
            anstream::eprintln!("oc2: {}: {why}", replay.file.display());
            return ExitCode::FAILURE;
        }
    };
    if replay.publish {
        let options = match remote::options(&replay.broker, 0) {
            Ok(mut options) => {
                options.clean_start = true;
                options
            }
            Err(why) => {
                anstream::eprintln!("oc2: {why}");
                return crate::MISUSED.into();
            }
        };
        return remote::run(&replay.broker, options, |session| async move { again(&session, replay, &records).await });
    }
    let mut viewer = Viewer::new(&replay.speaking, replay.full);
    match records.iter().try_for_each(|record| viewer.show(record)) {
        Ok(()) => viewer.end().into(),
        Err(_) => ExitCode::FAILURE,
    }
}

fn records(replay: &Replay) -> Result<Vec<Record>, String> {
    let file: Box<dyn Read> = match replay.file.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(File::open(&replay.file).map_err(|error| error.to_string())?),
    };
    let mut records = Vec::new();
    for (line, at) in BufReader::new(file).lines().zip(1..) {
        let line = line.map_err(|error| format!("line {at}: {error}"))?;
        if !line.trim().is_empty() {
            records.push(Record::from_json(&line).map_err(|why| format!("line {at}: {why}"))?);
        }
    }
    Ok(records)
}

/// Publishes the messages, with the pauses between them.
async fn again(session: &Session, replay: &Replay, records: &[Record]) -> Result<End, String> {
    let mut viewer = Viewer::new(&replay.speaking, replay.full);
    let mut last: Option<Duration> = None;
    for record in records {
        let pause = last.map_or(Duration::ZERO, |last| record.time.saturating_sub(last));
        let speed = if replay.speed > 0.0 { replay.speed } else { f64::INFINITY };
        tokio::time::sleep(pause.div_f64(speed.max(1e-3))).await;
        last = Some(record.time);
        let sent = session.handle.publish(record.outbound()).await.map_err(|error| format!("not sent: {error}"))?;
        if !sent.await.is_success() {
            return Err("the broker did not take a message".into());
        }
        viewer.show(record)?;
    }
    Ok(viewer.end())
}

/// Shows messages, and matches responses to commands.
struct Viewer {
    json: bool,
    full: bool,
    reading: Reading,
    scheme: (openc2_mqtt::transfer::Layout, Option<String>),
    /// When each request was seen, by its identifier.
    requests: HashMap<String, (Duration, String)>,
    bad: usize,
}

impl Viewer {
    fn new(speaking: &Speaking, full: bool) -> Self {
        Self {
            json: speaking.json,
            full,
            reading: reading(speaking),
            scheme: (speaking.layout.into(), speaking.prefix.clone()),
            requests: HashMap::new(),
            bad: 0,
        }
    }

    /// Whether everything was as the specifications have it.
    fn end(&self) -> End {
        if self.bad == 0 { End::Good } else { End::Bad }
    }

    fn show(&mut self, record: &Record) -> Result<(), String> {
        let opened = self.opened(record);
        let good = opened.as_ref().is_some_and(Opened::is_good);
        self.bad += usize::from(!good);
        let message = opened.as_ref().and_then(|opened| opened.wrapped.as_ref());
        let id = message.and_then(|message| message.pointer("/headers/request_id")).and_then(Value::as_str);
        let is_request = message.is_some_and(|message| message.pointer("/body/openc2/request").is_some());
        let asked = id.filter(|_| !is_request).and_then(|id| self.requests.get(id).cloned());
        if let (true, Some(id)) = (is_request, id) {
            if self.requests.len() >= REQUESTS {
                self.requests.clear();
            }
            let says = opened.as_ref().and_then(|opened| opened.says.first().cloned()).unwrap_or_default();
            self.requests.entry(id.to_owned()).or_insert((record.time, says));
        }
        let after = asked.as_ref().map(|(time, _)| record.time.saturating_sub(*time));
        if self.json {
            return print(&self.line(record, opened.as_ref(), after));
        }
        self.people(record, opened.as_ref(), is_request, asked, after)
    }

    fn opened(&self, record: &Record) -> Option<Opened> {
        let (layout, prefix) = &self.scheme;
        let scheme = Scheme { layout: *layout, prefix: prefix.as_deref() };
        record.with(|publish, topic| open(publish, topic, &self.reading, &scheme)).flatten()
    }

    fn line(&self, record: &Record, opened: Option<&Opened>, after: Option<Duration>) -> Value {
        let mut line = json!({
            "type": "message", "time": time_stamp(record.time), "topic": record.topic, "qos": record.qos, "retain": record.retain,
            "openc2": opened.map(crate::inspect::json::openc2),
        });
        if let (Some(object), Some(after)) = (line.as_object_mut(), after) {
            object.insert("after_ms".into(), json!(milliseconds(after)));
        }
        if let (Some(object), true) = (line.as_object_mut(), opened.is_none_or(|opened| opened.message.is_none())) {
            object.insert("payload".into(), json!(readable(&record.payload)));
        }
        line
    }

    fn people(
        &self,
        record: &Record,
        opened: Option<&Opened>,
        request: bool,
        asked: Option<(Duration, String)>,
        after: Option<Duration>,
    ) -> Result<(), String> {
        let columns = terminal::columns();
        let room = |indent: usize| columns.map(|columns| columns.saturating_sub(indent).max(10));
        let mut out = anstream::stdout().lock();
        let gone = |error: std::io::Error| format!("standard output: {error}");
        let style = if request { COMMAND } else { RESPONSE };
        let style = if opened.is_some_and(Opened::is_good) { style } else { BAD };
        let mut head = vec![time_of_day(record.time), record.topic.clone()];
        let mut says = opened.map(|opened| opened.says.clone()).unwrap_or_default();
        // Its identifier comes last.
        let id = says.pop();
        head.append(&mut says);
        head.extend(after.map(|after| format!("after {}", in_ms(after))));
        head.extend(id);
        for (at, line) in flow(&head, room(2)).iter().enumerate() {
            let indent = if at == 0 { "" } else { "  " };
            writeln!(out, "{indent}{style}{}{style:#}", plain(line)).map_err(gone)?;
        }
        if let (Some((_, says)), true) = (&asked, self.full) {
            writeln!(out, "  {DIM}answers {}{DIM:#}", plain(says)).map_err(gone)?;
        }
        let mut wrong: Vec<String> = Vec::new();
        match opened {
            None => wrong.push("not OpenC2".into()),
            Some(opened) => {
                wrong.extend(opened.violations.iter().map(|(meaning, section)| format!("{meaning} [{section}]")));
                wrong.extend(opened.error.iter().map(|error| format!("{error}, at byte {}", error.at)));
                for habit in &opened.forgiven {
                    writeln!(out, "  forgiven: {habit}").map_err(gone)?;
                }
            }
        }
        for line in &wrong {
            for part in wrap(line, room(2)) {
                writeln!(out, "  {BAD}{}{BAD:#}", plain(&part)).map_err(gone)?;
            }
        }
        let message = opened.and_then(|opened| opened.message.as_ref());
        if self.full || message.is_none() {
            let text = match message {
                Some(message) => serde_json::to_string_pretty(message).unwrap_or_default(),
                None => readable(&record.payload),
            };
            for line in text.lines() {
                for part in wrap(line, room(2)) {
                    writeln!(out, "  {DIM}{}{DIM:#}", plain(&part)).map_err(gone)?;
                }
            }
        }
        Ok(())
    }
}

/// Lends a message as the PUBLISH that it was.
fn publish<'p>(
    qos: QoS,
    retain: bool,
    topic: Topic<'p>,
    properties: Properties<'p>,
    payload: &'p [u8],
) -> Option<Publish<'p>> {
    // Its identifier was between others and the broker.
    let id = PacketId::new(1)?;
    let delivery = match qos {
        QoS::AtMostOnce => Delivery::AtMostOnce,
        QoS::AtLeastOnce => Delivery::AtLeastOnce { id, dup: false },
        QoS::ExactlyOnce => Delivery::ExactlyOnce { id, dup: false },
    };
    Some(Publish { topic: TopicRef::Name(topic), delivery, retain, properties, payload })
}
