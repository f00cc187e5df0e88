//! `conformance simulate`: many schedules, and for one that fails the seed and what happened.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, Played, run as play};

/// Which schedules are played.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Play N schedules.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub seeds: u64,
    /// Begin with this seed.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub from: u64,
    /// Play only part I of N, 2/8 for instance, so that N machines play all of it.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<(u64, u64)>,
    /// Play for M minutes instead, 0.5 for instance, however many schedules that are.
    #[arg(long, value_name = "M", value_parser = minutes)]
    pub minutes: Option<f64>,
    /// Use N threads; all that there are when absent.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Tell all that happens in the first schedule, whether it fails or not.
    #[arg(long)]
    pub trace: bool,
    /// Go on after a failure, and tell of each kind of failure only once.
    #[arg(long)]
    pub keep_going: bool,
    /// Have the model broker break this statement, MQTT-4.3.3-10 for instance, to see what a failure looks like.
    #[arg(long, value_name = "STATEMENT")]
    pub lapse: Option<String>,
}

/// A number of minutes, up to a year.
fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().map_err(|_| "no number".to_owned())?;
    if (0.0..=525_600.0).contains(&minutes) { Ok(minutes) } else { Err("from 0 to 525600 are possible".to_owned()) }
}

/// A part of several, counted from 1.
fn shard(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/').and_then(|(part, all)| Some((part.parse().ok()?, all.parse().ok()?)));
    match parts {
        Some((part, all)) if (1..=all).contains(&part) => Ok((part, all)),
        _ => Err("I/N is wanted, with I from 1 to N".to_owned()),
    }
}

/// The first seed, and the one behind the last. Where time decides how many there are, each part begins far from the others.
fn seeds(options: &Options) -> (u64, u64) {
    const APART: u64 = 1 << 48;
    let Options { from, seeds, minutes, .. } = *options;
    let (part, all) = options.shard.unwrap_or((1, 1));
    if minutes.is_some() {
        return (from.saturating_add((part - 1).saturating_mul(APART)), u64::MAX);
    }
    // In 128 bits, in which it can't overflow.
    let border = |part: u64| from.saturating_add((u128::from(seeds) * u128::from(part) / u128::from(all)) as u64);
    (border(part - 1), border(part))
}

/// What all threads share.
struct Shared {
    next: AtomicU64,
    stop: AtomicBool,
    played: AtomicU64,
    steps: AtomicU64,
    messages: AtomicU64,
    connections: AtomicU64,
    failures: Mutex<Vec<Failure>>,
    bar: ProgressBar,
}

/// Plays schedules until all are played, time is up, or one fails. Returns whether all held.
///
/// # Errors
/// When writing fails.
pub fn run(options: &Options, mut output: impl Write) -> io::Result<bool> {
    // It lives as long as the program.
    let lapse = options.lapse.clone().map(|lapse| &*lapse.leak());
    if options.trace {
        return trace(options.from, lapse, output);
    }
    let start = Instant::now();
    let until = options.minutes.map(|minutes| start + Duration::from_secs_f64(minutes * 60.0));
    let (from, last) = seeds(options);
    let bar = progress(options, last - from);
    let shared = Shared {
        next: AtomicU64::new(from),
        stop: AtomicBool::new(false),
        played: AtomicU64::new(0),
        steps: AtomicU64::new(0),
        messages: AtomicU64::new(0),
        connections: AtomicU64::new(0),
        failures: Mutex::new(Vec::new()),
        bar,
    };
    let threads = options.threads.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| shared.work(last, until, lapse, options.keep_going));
        }
    });
    shared.bar.finish_and_clear();
    let failures = core::mem::take(&mut *shared.failures.lock().unwrap_or_else(PoisonError::into_inner));
    for failure in &failures {
        // Played again, with all that happens; unless there are many.
        let traced = if options.keep_going { None } else { play(failure.seed, lapse, true).err() };
        write!(output, "{}", traced.as_deref().unwrap_or(failure))?;
        let with = lapse.map_or(String::new(), |lapse| format!(" --lapse {lapse}"));
        writeln!(output, "again: conformance simulate --from {} --trace{with}", failure.seed)?;
    }
    let played = shared.played.load(Ordering::Relaxed);
    let seconds = start.elapsed().as_secs_f64();
    writeln!(
        output,
        "{played} schedules from seed {} in {seconds:.1} s, {:.0} a second: {} steps, {} messages, {} connections; {}",
        from,
        played as f64 / seconds.max(0.001),
        shared.steps.load(Ordering::Relaxed),
        shared.messages.load(Ordering::Relaxed),
        shared.connections.load(Ordering::Relaxed),
        if failures.is_empty() { "all hold".to_owned() } else { format!("{} FAIL", failures.len()) },
    )?;
    Ok(failures.is_empty())
}

/// A bar that tells how far it is, on a terminal.
fn progress(options: &Options, seeds: u64) -> ProgressBar {
    let (bar, template) = match options.minutes {
        None => {
            (ProgressBar::new(seeds), "{elapsed} {wide_bar} {human_pos} schedules, {per_sec}, {eta} left".to_owned())
        }
        Some(minutes) => (
            ProgressBar::new_spinner(),
            format!("{{spinner}} {{elapsed}} of {minutes}m, {{human_pos}} schedules, {{per_sec}}"),
        ),
    };
    bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Plays one schedule, and tells all that happens.
fn trace(seed: u64, lapse: Option<&'static str>, mut output: impl Write) -> io::Result<bool> {
    let (lines, problems) = super::trace(seed, lapse);
    for line in lines {
        writeln!(output, "{line}")?;
    }
    for problem in &problems {
        writeln!(output, "seed {seed}: {problem}")?;
    }
    Ok(problems.is_empty())
}

impl Shared {
    /// Plays schedules, a batch at a time.
    fn work(&self, last: u64, until: Option<Instant>, lapse: Option<&'static str>, keep_going: bool) {
        const BATCH: u64 = 256;
        loop {
            let over = until.is_some_and(|until| Instant::now() >= until);
            if over || self.stop.load(Ordering::Relaxed) {
                return;
            }
            let further = |next: u64| (next < last).then(|| next.saturating_add(BATCH));
            let Ok(first) = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, further) else { return };
            let mut sum = Played::default();
            let end = last.min(first.saturating_add(BATCH));
            for seed in first..end {
                match play(seed, lapse, false) {
                    Ok(played) => sum.add(played),
                    Err(failure) => self.failed(*failure, keep_going),
                }
            }
            self.steps.fetch_add(sum.steps, Ordering::Relaxed);
            self.messages.fetch_add(sum.messages, Ordering::Relaxed);
            self.connections.fetch_add(sum.connections, Ordering::Relaxed);
            self.played.fetch_add(end - first, Ordering::Relaxed);
            self.bar.inc(end - first);
        }
    }

    /// Keeps a failure; of several alike only the one with the smallest seed.
    fn failed(&self, failure: Failure, keep_going: bool) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = |failure: &Failure| -> String {
            failure.problems.first().map_or(String::new(), |problem| {
                problem.chars().filter(|letter| !letter.is_ascii_digit()).take(60).collect()
            })
        };
        match failures.iter_mut().find(|old| !keep_going || kind(old) == kind(&failure)) {
            Some(old) if old.seed > failure.seed => *old = failure,
            Some(_) => {}
            None => failures.push(failure),
        }
        if !keep_going {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}
