//! What was seen, as a drawing: who sent which message, and its fields.

use core::time::Duration;

use mqtt5_codec::Publish;
use serde_json::Value;

use crate::inspect::openc2::Opened;
use crate::svg::{self, Record, Step};

/// So many messages are drawn; a longer drawing is no use to anyone.
const MESSAGES: usize = 1_000;

/// The messages so far.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    steps: Vec<Step>,
    first: Option<Duration>,
    messages: usize,
}

impl Drawing {
    /// Adds a message that came at this time. Each request begins a part of the drawing.
    pub(super) fn add(&mut self, time: Duration, publish: &Publish<'_>, opened: Option<&Opened>, request: bool) {
        self.messages += 1;
        if self.messages > MESSAGES {
            return;
        }
        let after = time.saturating_sub(*self.first.get_or_insert(time));
        let wrapped = opened.and_then(|opened| opened.wrapped.as_ref());
        let from = wrapped.and_then(|message| message.pointer("/headers/from")).and_then(Value::as_str);
        let says = opened.and_then(|opened| opened.says.first().cloned()).unwrap_or_else(|| "not OpenC2".to_owned());
        // The heading says what is asked for, and the arrow where.
        let says = if request {
            self.steps.push(Step::Heading(says.trim_start_matches("request: ").to_owned()));
            ""
        } else {
            says.trim_start_matches("response: ")
        };
        let record = Record::message(after, from.unwrap_or("unknown"), says, request, publish);
        self.steps.push(Step::Packet(record));
    }

    /// The whole drawing.
    pub(super) fn draw(&self) -> String {
        let left = self.messages.saturating_sub(MESSAGES);
        let more = if left > 0 {
            format!(" (the first {MESSAGES} messages; {left} more are not drawn)")
        } else {
            String::new()
        };
        svg::draw(&format!("OpenC2 messages at the broker{more}"), &self.steps)
    }
}
