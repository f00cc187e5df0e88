//! `oc2 inspect`: MQTT packets from hex, files, captures or a live connection, explained field by field.
//!
//! Whether a packet may be is the codec's judgement alone; what is cut into fields here is only how it is shown.

mod brief;
mod capture;
mod dissect;
mod field;
mod hex;
pub(crate) mod json;
pub(crate) mod openc2;
mod payload;
mod property;
mod proxy;
mod show;
mod source;
mod stream;
mod tcp;

use core::time::Duration;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use mqtt5_codec::{Packet, Sender, TopicRef};
use openc2_mqtt::Reading;
use openc2_mqtt::transfer::{Layout, Scheme};

use crate::check::reading;
use crate::cli::{Inspect, Only};
use crate::terminal;
use dissect::dissect;
use openc2::Opened;
use show::{Fault, Shape};
use stream::{Seeing, Seen, Verdict};

/// Inspects what the command line names; the status is 0 only if every packet is valid.
pub(crate) fn run(inspect: &Inspect) -> ExitCode {
    let mut inspector = Inspector::new(inspect, Box::new(anstream::stdout()));
    let end = match (&inspect.listen, &inspect.to) {
        (Some(listen), Some(to)) => return proxy::run(*listen, to, inspector, inspect),
        _ => source::read(inspect, &mut inspector),
    };
    let told = inspector.summary();
    match end {
        Err(why) => {
            anstream::eprintln!("oc2: {why}");
            ExitCode::FAILURE
        }
        Ok(()) if inspector.all_good() && told.as_ref().err().is_none_or(terminal::is_gone) => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

/// The two ends of a connection, as they are named.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) client: String,
    pub(crate) server: String,
}

impl Label {
    pub(crate) fn unnamed() -> Self {
        Self { client: "client".into(), server: "server".into() }
    }
}

/// What was seen, in figures.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) packets: usize,
    pub(crate) bad: usize,
    pub(crate) openc2: usize,
    pub(crate) bad_openc2: usize,
    pub(crate) skipped: u64,
}

/// Shows packets as they come.
pub(crate) struct Inspector {
    out: Box<dyn Write + Send>,
    reading: Reading,
    layout: Layout,
    prefix: Option<String>,
    json: bool,
    brief: bool,
    all: bool,
    only: Vec<Only>,
    columns: fn() -> Option<usize>,
    tally: Tally,
    /// Whoever read has gone.
    gone: bool,
}

impl Inspector {
    pub(crate) fn new(inspect: &Inspect, out: Box<dyn Write + Send>) -> Self {
        Self {
            out,
            reading: reading(inspect.reading()),
            layout: inspect.layout.into(),
            prefix: inspect.prefix.clone(),
            json: inspect.json,
            brief: inspect.brief,
            all: inspect.verbose > 0,
            only: inspect.only.clone(),
            columns: terminal::columns,
            tally: Tally::default(),
            gone: false,
        }
    }

    /// Whether there is still somebody who reads.
    pub(crate) const fn is_read(&self) -> bool {
        !self.gone
    }

    pub(crate) const fn all_good(&self) -> bool {
        self.tally.bad == 0 && self.tally.bad_openc2 == 0
    }

    /// Takes what was seen on a connection.
    pub(crate) fn see(&mut self, label: &Label, seen: &Seen<'_>) {
        let told = match seen {
            Seen::Packet(seeing) => self.packet(label, seeing),
            Seen::Skipped { from, bytes, why } => {
                self.tally.skipped += bytes;
                let side = if *from == Sender::Client { &label.client } else { &label.server };
                self.note(&format!("{bytes} bytes of {side} are passed over: {why}"))
            }
            Seen::Note(note) => self.note(note),
        };
        self.gone |= told.is_err();
    }

    fn packet(&mut self, label: &Label, seeing: &Seeing<'_>) -> io::Result<()> {
        let opened = self.open(seeing);
        let fault = Fault::of(seeing);
        self.tally.packets += 1;
        self.tally.bad += usize::from(fault.is_some());
        if let Some(opened) = &opened {
            self.tally.openc2 += 1;
            self.tally.bad_openc2 += usize::from(!opened.is_good());
        }
        let bad = fault.is_some() || opened.as_ref().is_some_and(|opened| !opened.is_good());
        if !self.only.is_empty() && !self.only.iter().any(|only| only.takes(seeing.bytes, bad, opened.is_some())) {
            return Ok(());
        }
        let number = self.tally.packets;
        if self.json {
            let line = json::packet(label, number, seeing, opened.as_ref(), self.all);
            return writeln!(self.out, "{line}");
        }
        let shape = Shape { columns: (self.columns)(), all: self.all };
        let out = &mut *self.out;
        if self.brief {
            return brief::packet(out, shape, label, number, seeing, opened.as_ref(), fault.as_ref());
        }
        show::head(out, shape, label, number, seeing)?;
        show::fields(out, shape, seeing.bytes, &dissect(seeing.bytes), fault.as_ref())?;
        if let Some(topic) = seeing.alias_of {
            brief::aside(out, shape, &format!("the alias stands for \"{topic}\""))?;
        }
        if let Verdict::Valid(packet) = &seeing.verdict {
            payload::show(out, shape, packet, opened.as_ref())?;
        }
        writeln!(out)
    }

    /// The OpenC2 message that a packet carries.
    fn open(&self, seeing: &Seeing<'_>) -> Option<Opened> {
        let Verdict::Valid(Packet::Publish(publish)) = &seeing.verdict else { return None };
        let topic = match publish.topic {
            TopicRef::Name(topic) | TopicRef::NameAndAlias(topic, _) => topic,
            TopicRef::Alias(_) => mqtt5_codec::Topic::new(seeing.alias_of?).ok()?,
        };
        let scheme = Scheme { layout: self.layout, prefix: self.prefix.as_deref() };
        openc2::open(publish, topic, &self.reading, &scheme)
    }

    /// Says what is no packet.
    pub(crate) fn note(&mut self, what: &str) -> io::Result<()> {
        if self.json {
            return writeln!(self.out, "{}", json::note(what));
        }
        let shape = Shape { columns: (self.columns)(), all: self.all };
        brief::note(&mut *self.out, shape, what)?;
        if self.brief { Ok(()) } else { writeln!(self.out) }
    }

    /// What was seen, in a line.
    pub(crate) fn summary(&mut self) -> io::Result<()> {
        let told = if self.json {
            writeln!(self.out, "{}", json::summary(&self.tally))
        } else {
            let shape = Shape { columns: (self.columns)(), all: self.all };
            brief::summary(&mut *self.out, shape, &self.tally)
        };
        told.and_then(|()| self.out.flush())
    }
}

/// A moment's time of day, UTC, to the microsecond.
pub(crate) fn time_of_day(since_1970: Duration) -> String {
    let stamp = time_stamp(since_1970);
    stamp.split_once('T').map_or(stamp.clone(), |(_, time)| time.trim_end_matches('Z').to_owned())
}

/// A moment as RFC 3339 writes it.
pub(crate) fn time_stamp(since_1970: Duration) -> String {
    let moment = UNIX_EPOCH.checked_add(since_1970).unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_micros(moment).to_string()
}
