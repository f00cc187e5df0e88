//! Messages as people or programs see them, responses matched to the commands that they answer.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::io::Write;

use anstyle::{AnsiColor, Style};
use openc2_mqtt::Reading;
use openc2_mqtt::transfer::Scheme;
use serde_json::{Value, json};

use super::drawing::Drawing;
use super::record::Record;
use crate::cli::Speaking;
use crate::inspect::openc2::{Opened, open};
use crate::inspect::{time_of_day, time_stamp};
use crate::packet::readable;
use crate::printer::plain;
use crate::produce::{print, reading};
use crate::remote::End;
use crate::report::{in_ms, milliseconds};
use crate::terminal::{self, flow, wrap};

const COMMAND: Style = AnsiColor::Cyan.on_default().bold();
const RESPONSE: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// So many requests are remembered, to match responses to them.
const REQUESTS: usize = 10_000;

/// Shows messages, and matches responses to commands.
pub(super) struct Viewer {
    json: bool,
    full: bool,
    reading: Reading,
    scheme: (openc2_mqtt::transfer::Layout, Option<String>),
    /// When each request was seen, by its identifier.
    requests: HashMap<String, (Duration, String)>,
    /// The same identifiers, the oldest first.
    order: VecDeque<String>,
    drawing: Option<Drawing>,
    bad: usize,
}

impl Viewer {
    pub(super) fn new(speaking: &Speaking, full: bool, drawn: bool) -> Self {
        Self {
            json: speaking.json,
            full,
            reading: reading(speaking),
            scheme: (speaking.layout.into(), speaking.prefix.clone()),
            requests: HashMap::new(),
            order: VecDeque::new(),
            drawing: drawn.then(Drawing::default),
            bad: 0,
        }
    }

    /// Whether everything was as the specifications have it.
    pub(super) fn end(&self) -> End {
        if self.bad == 0 { End::Good } else { End::Bad }
    }

    pub(super) fn show(&mut self, record: &Record) -> Result<(), String> {
        let opened = self.opened(record);
        let good = opened.as_ref().is_some_and(Opened::is_good);
        self.bad += usize::from(!good);
        let message = opened.as_ref().and_then(|opened| opened.wrapped.as_ref());
        let id = message.and_then(|message| message.pointer("/headers/request_id")).and_then(Value::as_str);
        let is_request = message.is_some_and(|message| message.pointer("/body/openc2/request").is_some());
        let asked = id.filter(|_| !is_request).and_then(|id| self.requests.get(id).cloned());
        if let (true, Some(id)) = (is_request, id) {
            let id = id.to_owned();
            self.remember(&id, record.time, opened.as_ref());
        }
        if let Some(drawing) = &mut self.drawing {
            record.with(|publish, _| drawing.add(record.time, publish, opened.as_ref(), is_request));
        }
        let after = asked.as_ref().map(|(time, _)| record.time.saturating_sub(*time));
        if self.json {
            return print(&self.line(record, opened.as_ref(), after));
        }
        self.people(record, opened.as_ref(), is_request, asked, after)
    }

    /// Keeps a request, and lets the oldest go where there are too many.
    fn remember(&mut self, id: &str, time: Duration, opened: Option<&Opened>) {
        if self.requests.contains_key(id) {
            return;
        }
        if self.order.len() >= REQUESTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.requests.remove(&oldest);
        }
        let says = opened.and_then(|opened| opened.says.first().cloned()).unwrap_or_default();
        self.requests.insert(id.to_owned(), (time, says));
        self.order.push_back(id.to_owned());
    }

    /// What was seen as a drawing, if it is to be drawn.
    pub(super) fn drawing(&self) -> Option<String> {
        self.drawing.as_ref().map(Drawing::draw)
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
        let gone = |error| terminal::unwritten(&error);
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
