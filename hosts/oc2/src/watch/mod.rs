//! `oc2 watch`: every OpenC2 message on a broker; `oc2 replay`: those that were recorded.

mod drawing;
mod record;
mod viewer;

use core::time::Duration;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use mqtt5_codec::{Delivery, PacketId, Properties, Publish, QoS, RetainHandling, Topic, TopicRef};
use mqtt5_tokio::Filters;

use crate::cli::{Replay, Watch};
use crate::printer::json_line;
use crate::remote::{self, End, Session};
use crate::terminal::GONE;
use record::Record;
use viewer::Viewer;

/// The longest line of a record, in bytes: some times what OpenC2 messages have, and no more than memory has.
const LONGEST: u64 = 64 << 20;

pub(crate) fn watch(watch: &Watch) -> ExitCode {
    let options = match remote::options(&watch.broker, 0) {
        Ok(mut options) => {
            // Whoever only looks leaves nothing behind.
            options.clean_start = true;
            options
        }
        Err(why) => {
            crate::terminal::complain!("oc2: {why}");
            return crate::MISUSED.into();
        }
    };
    let mut viewer = Viewer::new(&watch.speaking, watch.full, watch.svg.is_some());
    let end = remote::run(&watch.broker, options, |session| {
        let viewer = &mut viewer;
        async move { look(&session, watch, viewer).await }
    });
    // Also where Ctrl-C ended it.
    drawn(&viewer, watch.svg.as_deref(), end)
}

/// Writes the drawing, if there is to be one.
fn drawn(viewer: &Viewer, file: Option<&Path>, end: ExitCode) -> ExitCode {
    let (Some(file), Some(drawing)) = (file, viewer.drawing()) else { return end };
    match fs::write(file, drawing) {
        Ok(()) => end,
        Err(error) => {
            crate::terminal::complain!("oc2: {}: {error}", file.display());
            ExitCode::FAILURE
        }
    }
}

async fn look(session: &Session, watch: &Watch, viewer: &mut Viewer) -> Result<End, String> {
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
    if watch.speaking.json {
        crate::produce::print(&serde_json::json!({"type": "ready", "topics": topics}))?;
    } else {
        crate::terminal::complain!("watching {}; Ctrl-C ends", topics.join(", "));
    }
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
            writeln!(file, "{}", json_line(&record.to_json())).map_err(|error| format!("the record: {error}"))?;
        }
        viewer.show(&record)?;
    }
    Ok(viewer.end())
}

pub(crate) fn replay(replay: &Replay) -> ExitCode {
    let named = |why: String| format!("{}: {why}", replay.file.display());
    let mut records = match records(replay) {
        Ok(records) => records.map(|record| record.map_err(named)),
        Err(why) => {
            crate::terminal::complain!("oc2: {}", named(why));
            return ExitCode::FAILURE;
        }
    };
    let mut viewer = Viewer::new(&replay.speaking, replay.full, replay.svg.is_some());
    if replay.publish {
        let options = match remote::options(&replay.broker, 0) {
            Ok(mut options) => {
                options.clean_start = true;
                options
            }
            Err(why) => {
                crate::terminal::complain!("oc2: {why}");
                return crate::MISUSED.into();
            }
        };
        let end = remote::run(&replay.broker, options, |session| {
            let viewer = &mut viewer;
            let records = &mut records;
            async move { again(&session, replay, records, viewer).await }
        });
        return drawn(&viewer, replay.svg.as_deref(), end);
    }
    let end = match records.try_for_each(|record| viewer.show(&record?)) {
        Ok(()) => viewer.end().into(),
        Err(why) if why == GONE => ExitCode::SUCCESS,
        Err(why) => {
            crate::terminal::complain!("oc2: {why}");
            ExitCode::FAILURE
        }
    };
    drawn(&viewer, replay.svg.as_deref(), end)
}

/// The records of a file, read one by one: it may be longer than memory.
fn records(replay: &Replay) -> Result<impl Iterator<Item = Result<Record, String>> + use<>, String> {
    let file: Box<dyn Read> = match replay.file.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(&replay.file).map_err(|error| error.to_string())?),
    };
    let (mut file, mut at) = (BufReader::new(file), 0_u64);
    Ok(core::iter::from_fn(move || {
        loop {
            at += 1;
            match line(&mut file) {
                Ok(None) => return None,
                Ok(Some(line)) if line.trim().is_empty() => {}
                Ok(Some(line)) => return Some(Record::from_json(&line).map_err(|why| format!("line {at}: {why}"))),
                Err(error) => return Some(Err(format!("line {at}: {error}"))),
            }
        }
    }))
}

/// The next line of a file, if there is another.
fn line(file: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    match file.take(LONGEST + 1).read_line(&mut line)? as u64 {
        0 => Ok(None),
        1..=LONGEST => Ok(Some(line)),
        _ => Err(io::Error::other(format!("longer than {LONGEST} bytes"))),
    }
}

/// Publishes the messages, with the pauses between them.
async fn again(
    session: &Session,
    replay: &Replay,
    records: &mut impl Iterator<Item = Result<Record, String>>,
    viewer: &mut Viewer,
) -> Result<End, String> {
    let mut last: Option<Duration> = None;
    for record in records {
        let record = record?;
        let pause = last.map_or(Duration::ZERO, |last| record.time.saturating_sub(last));
        let speed = if replay.speed > 0.0 { replay.speed } else { f64::INFINITY };
        tokio::time::sleep(pause.div_f64(speed.max(1e-3))).await;
        last = Some(record.time);
        let sent = session.handle.publish(record.outbound()).await.map_err(|error| format!("not sent: {error}"))?;
        if !sent.await.is_success() {
            return Err("the broker did not take a message".into());
        }
        viewer.show(&record)?;
    }
    Ok(viewer.end())
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
