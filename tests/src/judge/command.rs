//! `conformance broker` and `conformance peer`.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use indicatif::ProgressBar;

use super::cases;
use super::report::Report;
use super::server::Tcp;
use super::talk::Talk;

/// How a report is given.
#[derive(Clone, Debug, clap::Args)]
pub struct Form {
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
    /// Write the report as a page for a browser, too.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

impl Form {
    /// Gives the report. Returns whether nothing was broken.
    ///
    /// # Errors
    /// When writing fails.
    pub fn give(&self, report: &Report, title: &str, mut output: impl Write) -> io::Result<bool> {
        if let Some(file) = &self.html {
            fs::write(file, report.html(title))?;
        }
        if self.json {
            writeln!(output, "{}", report.json())?;
        } else {
            write!(output, "{}", report.text())?;
        }
        Ok(report.counts()[1] == 0)
    }
}

/// Which server is judged.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The server: `host:port`, or `mqtt://host:port`.
    pub url: String,
    #[command(flatten)]
    form: Form,
}

/// Judges a server behind TCP. Returns whether nothing was broken.
///
/// # Errors
/// When there is no server, or writing fails.
pub fn run(options: &Options, output: impl Write) -> io::Result<bool> {
    let mut server = Tcp::new(&options.url);
    let run = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() % 100_000_000);
    super::server::Server::open(&mut server).map(|link| super::server::Server::close(&mut server, link))?;
    let mut talk = Talk::new(&mut server, &format!("j{run}"));
    let bar = ProgressBar::new(cases::CASES.len() as u64);
    cases::ask(&mut talk, |_| bar.inc(1));
    bar.finish_and_clear();
    options.form.give(&talk.report, &format!("{} by statement", options.url), output)
}
