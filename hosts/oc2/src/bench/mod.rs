//! `oc2 bench`: how many messages a second go through a broker, and how long each takes.

mod load;
mod plot;
mod tally;

use core::cell::RefCell;
use core::time::Duration;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::rc::Rc;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::cli::Bench;
use crate::produce::print;
use crate::produce::report::{say, tell};
use crate::remote::{self, End, Session};
use crate::table::{self, Column};
use crate::terminal;
use load::Plan;
use tally::{LATENCIES, Latency, Tally};

/// What is still under way when the last message is acknowledged may take so long without any coming in.
const QUIET: Duration = Duration::from_secs(2);
/// How often is looked at what there is to tell.
const TICK: Duration = Duration::from_millis(100);

pub(crate) fn run(bench: &Bench) -> ExitCode {
    let prepared = remote::options(&bench.broker, 0).and_then(|options| Ok((options, Plan::new(bench)?)));
    let (mut options, plan) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => {
            anstream::eprintln!("oc2: {why}");
            return crate::MISUSED.into();
        }
    };
    // Nothing stays at the broker.
    options.clean_start = true;
    options.in_flight = options.in_flight.max(bench.window);
    let tally = Rc::new(RefCell::new(Tally::new()));
    let end = remote::run(&bench.broker, options.clone(), |session| {
        let tally = Rc::clone(&tally);
        async move { measure(session, bench, &options, plan, &tally).await }
    });
    let Some(file) = &bench.svg else { return end };
    let drawn = plot::draw(&tally.borrow(), &title(bench))
        .and_then(|svg| fs::write(file, svg).map_err(|error| error.to_string()));
    match drawn {
        Ok(()) => end,
        Err(why) => {
            anstream::eprintln!("oc2: {}: {why}", file.display());
            ExitCode::FAILURE
        }
    }
}

/// What is measured, in a line.
fn title(bench: &Bench) -> String {
    let many = |count: u16, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let pace = bench.rate.map_or(format!("{} at a time", bench.window), |rate| format!("{rate} a second each"));
    format!(
        "{} bytes at QoS {}, {} to {}, {pace}",
        bench.size,
        bench.qos,
        many(bench.publishers, "publisher"),
        many(bench.subscribers, "subscriber"),
    )
}

async fn measure(
    session: Session,
    bench: &Bench,
    options: &mqtt5_tokio::Options,
    plan: Plan,
    tally: &Rc<RefCell<Tally>>,
) -> Result<End, String> {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async move {
            let mut sessions = Vec::new();
            let opened = remote::more(&bench.broker, options, bench.publishers + bench.subscribers - 1).await?;
            sessions.push(session);
            sessions.extend(opened);
            let (publishers, subscribers) = sessions.split_at(bench.publishers.into());
            for subscriber in subscribers {
                load::receive(subscriber, &plan, tally).await?;
            }
            tally.borrow_mut().start();
            let publishing: Vec<_> =
                publishers.iter().map(|publisher| load::publish(publisher, &plan, tally)).collect();
            watch(bench, publishing, tally).await?;
            let report = tally.borrow();
            report.told(bench)
        })
        .await
}

/// Waits until all is published and received, and tells of it meanwhile.
async fn watch(
    bench: &Bench,
    publishing: Vec<tokio::task::JoinHandle<Result<(), String>>>,
    tally: &Rc<RefCell<Tally>>,
) -> Result<(), String> {
    let bar = bar(bench);
    let mut publishing = publishing;
    let (mut quiet, mut seen, mut ticks) = (Duration::ZERO, 0, 0_u32);
    loop {
        tokio::time::sleep(TICK).await;
        ticks += 1;
        let (mut left, mut failed) = (Vec::new(), None);
        for task in publishing {
            if !task.is_finished() {
                left.push(task);
            } else if let Err(why) = task.await.map_err(|error| error.to_string()).and_then(|end| end) {
                failed = Some(why);
            }
        }
        publishing = left;
        let mut tally = tally.borrow_mut();
        tally.tick();
        if let Some(bar) = &bar {
            bar.set_message(tally.now());
            bar.tick();
        }
        if bench.json && ticks.is_multiple_of(10) {
            print(&tally.interval())?;
        }
        if let Some(why) = failed {
            return Err(why);
        }
        if publishing.is_empty() {
            quiet = if tally.received == seen { quiet + TICK } else { Duration::ZERO };
            seen = tally.received;
            if tally.lost(bench.subscribers) == 0 || quiet >= QUIET {
                break;
            }
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(())
}

/// A line that tells how it goes, on a terminal.
fn bar(bench: &Bench) -> Option<ProgressBar> {
    if bench.json || !io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new_spinner();
    // The template is a constant that was tried.
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {wide_msg} {elapsed}") {
        bar.set_style(style);
    }
    Some(bar)
}

const COLUMNS: [Column; 6] = [
    Column::left("latency"),
    Column::right("50 %"),
    Column::right("90 %"),
    Column::right("99 %"),
    Column::right("99.9 %"),
    Column::right("most"),
];

impl Tally {
    /// The figures, and how it ended.
    fn told(&self, bench: &Bench) -> Result<End, String> {
        let lost = self.lost(bench.subscribers);
        let end = if lost == 0 { End::Good } else { End::Bad };
        let seconds = self.seconds();
        if bench.json {
            print(&json!({
                "type": "summary", "published": self.published, "received": self.received, "lost": lost,
                "seconds": seconds, "published_per_second": self.published_per_second(),
                "received_per_second": self.received_per_second(), "payload_bytes": bench.size,
                "acknowledged_ms": self.acknowledged.json(), "delivered_ms": self.delivered.json(),
            }))?;
            return Ok(end);
        }
        tell(&title(bench))?;
        say("")?;
        let rate = |count: u64, rate: f64| {
            let bytes = rate * f64::from(bench.size) / 1e6;
            format!("{count:>9} in {seconds:.1} s, {rate:.0} a second, {bytes:.1} MB/s of payload")
        };
        tell(&format!("published {}", rate(self.published, self.published_per_second())))?;
        if bench.subscribers > 0 {
            tell(&format!("received  {}", rate(self.received, self.received_per_second())))?;
        }
        say("")?;
        let row = |name: &str, latency: &Latency| {
            let mut cells = [const { String::new() }; LATENCIES.len() + 1];
            for (cell, text) in cells.iter_mut().zip([name.to_owned()].into_iter().chain(latency.texts())) {
                *cell = text;
            }
            cells
        };
        let mut rows = vec![row(if bench.qos == 0 { "written" } else { "acknowledged" }, &self.acknowledged)];
        if bench.subscribers > 0 {
            rows.push(row("delivered", &self.delivered));
        }
        for (at, line) in table::lines(&COLUMNS, &rows, terminal::columns()) {
            let style = if at.is_none() { anstyle::Style::new().bold() } else { anstyle::Style::new() };
            say(&format!("{style}{line}{style:#}"))?;
        }
        if lost > 0 {
            say("")?;
            tell(&format!("{lost} of {} were not received", self.published * u64::from(bench.subscribers)))?;
        }
        Ok(end)
    }
}
