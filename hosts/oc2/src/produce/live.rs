//! What is shown while responses come in, on a terminal.

use core::cell::RefCell;
use core::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::ask::{Collected, Row};
use crate::printer::plain;
use crate::report::in_ms;
use crate::terminal::width;

/// So many Consumers have a line each; of more, the latest have one.
const LINES: usize = 12;

/// A line for the command, and below it one for each Consumer that has answered or is awaited. It is gone when the table comes.
pub(super) struct Live {
    all: MultiProgress,
    head: ProgressBar,
    lines: RefCell<Vec<ProgressBar>>,
    says: String,
    awaited: usize,
    /// Who is to answer, as far as that is known.
    expected: Vec<String>,
    shown: bool,
}

/// What a line shows: how it stands, in which colour, and the rest.
struct Line {
    mark: &'static str,
    colour: &'static str,
    text: String,
}

impl Live {
    pub(super) fn new(says: &str, awaited: usize, expected: &[&str], within: Duration, shown: bool) -> Self {
        let all = MultiProgress::new();
        let head = ProgressBar::new_spinner();
        let expected = expected.iter().map(|name| (*name).to_owned()).collect();
        let live = Self { all, head, lines: RefCell::default(), says: says.to_owned(), awaited, expected, shown };
        if shown {
            live.all.add(live.head.clone());
            live.head.set_style(style("{spinner:.cyan} {wide_msg} {elapsed} of {prefix}"));
            live.head.set_prefix(format!("{}s", within.as_secs_f64()));
            live.head.enable_steady_tick(Duration::from_millis(100));
            live.show(&Collected::default());
        }
        live
    }

    pub(super) fn show(&self, collected: &Collected) {
        if !self.shown {
            return;
        }
        let answered = collected.rows.iter().filter(|row| row.last).count();
        let of = if self.awaited > 0 { format!("{answered} of {}", self.awaited) } else { answered.to_string() };
        self.head.set_message(format!("{}: {of} answered", self.says));
        let told = self.told(&collected.rows);
        let mut lines = self.lines.borrow_mut();
        while lines.len() < told.len() {
            lines.push(self.all.add(ProgressBar::new_spinner()));
        }
        for (line, Line { mark, colour, text }) in lines.iter().zip(told) {
            line.set_style(style(&format!("  {{prefix:.{colour}}} {{wide_msg}}")));
            line.set_prefix(mark);
            line.set_message(plain(&text).into_owned());
        }
    }

    /// A line for each, those that are awaited last.
    fn told(&self, rows: &[Row]) -> Vec<Line> {
        let missing: Vec<&String> =
            self.expected.iter().filter(|name| !rows.iter().any(|row| row.from == **name)).take(LINES).collect();
        let latest = rows.len().saturating_sub(LINES.saturating_sub(missing.len()).max(1));
        let rows = rows.get(latest..).unwrap_or_default();
        let names = rows.iter().map(|row| &row.from).chain(missing.iter().copied());
        let wide = names.map(|name| width(name)).max().unwrap_or(0);
        let padded = |name: &str| format!("{name}{}", " ".repeat(wide.saturating_sub(width(name))));
        let answered = rows.iter().map(|row| {
            let (mark, colour) = match row.status {
                _ if !row.last => ("…", "yellow"),
                Some(_) if row.is_good() => ("✓", "green"),
                _ => ("✗", "red"),
            };
            let status = row.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
            let text = format!("{}  {:>9}  {status}  {}", padded(&row.from), in_ms(row.after), row.says);
            Line { mark, colour, text }
        });
        let awaited = missing.iter().map(|name| Line { mark: "·", colour: "white", text: padded(name) });
        answered.chain(awaited).collect()
    }

    fn end(&self) {
        for line in self.lines.borrow().iter().chain([&self.head]) {
            line.finish_and_clear();
        }
    }
}

/// Also where Ctrl-C ends the command.
impl Drop for Live {
    fn drop(&mut self) {
        if self.shown {
            self.end();
        }
    }
}

/// The templates are constants that were tried.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use openc2_mqtt::Status;

    use super::*;

    fn row(from: &str, status: Status, last: bool) -> Row {
        Row {
            from: from.into(),
            status: Some(status),
            says: String::new(),
            after: Duration::from_micros(12_300),
            last,
            good: last && status == Status::Ok,
            results: None,
        }
    }

    #[test]
    fn whoever_has_answered_stands_before_those_who_are_awaited() {
        let live = Live::new("deny file", 3, &["a", "long-name", "c"], Duration::from_secs(1), false);
        let told = live.told(&[row("c", Status::Ok, true), row("a", Status::Processing, false)]);
        let told: Vec<_> = told.iter().map(|line| (line.mark, line.text.trim_end())).collect();
        assert_eq!(
            told,
            [("✓", "c            12.3 ms  200 OK"), ("…", "a            12.3 ms  102 Processing"), ("·", "long-name")]
        );
    }

    #[test]
    fn of_a_crowd_the_latest_are_shown() {
        let live = Live::new("deny file", 0, &[], Duration::from_secs(1), false);
        let rows: Vec<_> = (0..200).map(|number| row(&format!("c{number}"), Status::Ok, true)).collect();
        let told = live.told(&rows);
        assert_eq!(told.len(), LINES);
        assert!(told.last().unwrap().text.starts_with("c199 "));
    }
}
