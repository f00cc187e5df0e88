//! What is shown while responses come in, on a terminal.

use core::cell::RefCell;
use core::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::ask::Collected;
use crate::printer::plain;
use crate::report::in_ms;

/// So many Consumers have a line each; of more only the count is shown.
const LINES: usize = 12;

/// A line for the command, and below it one for each Consumer that has answered. It is gone when the table comes.
pub(super) struct Live {
    all: MultiProgress,
    head: ProgressBar,
    lines: RefCell<Vec<ProgressBar>>,
    says: String,
    awaited: usize,
    shown: bool,
}

impl Live {
    pub(super) fn new(says: &str, awaited: usize, within: Duration, shown: bool) -> Self {
        let all = MultiProgress::new();
        let head = ProgressBar::new_spinner();
        let live = Self { all, head, lines: RefCell::default(), says: says.to_owned(), awaited, shown };
        if shown {
            live.all.add(live.head.clone());
            // The template is a constant that was tried.
            if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {wide_msg} {elapsed} of {prefix}") {
                live.head.set_style(style);
            }
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
        let mut lines = self.lines.borrow_mut();
        while lines.len() < collected.rows.len().min(LINES) {
            let line = self.all.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {wide_msg}") {
                line.set_style(style);
            }
            lines.push(line);
        }
        for (line, row) in lines.iter().zip(&collected.rows) {
            let mark = match row.status {
                _ if !row.last => "…",
                Some(_) if row.is_good() => "✓",
                _ => "✗",
            };
            let status = row.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
            let says = format!("{mark} {}  {}  {status}  {}", row.from, in_ms(row.after), row.says);
            line.set_message(plain(&says).into_owned());
        }
    }

    pub(super) fn end(&self) {
        for line in self.lines.borrow().iter().chain([&self.head]) {
            line.finish_and_clear();
        }
    }
}
