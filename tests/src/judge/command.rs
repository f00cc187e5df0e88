//! `conformance broker` and `conformance peer`.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use indicatif::ProgressBar;

use super::cases;
use super::report::Report;
use super::server::{Server, Tcp};
use super::talk::Talk;
use crate::stream;
use crate::url::Url;

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
            fs::write(file, report.html(title))
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
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
    /// The server: mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS; USER:PASSWORD@ may stand before the host.
    pub url: Url,
    /// Trust the certificates in this PEM file, for mqtts://.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

/// Judges a server behind TCP. Returns whether nothing was broken.
///
/// # Errors
/// When there is no server, or writing fails.
pub fn run(options: &Options, output: impl Write) -> io::Result<bool> {
    let trust = options.ca.as_deref().map(stream::trust).transpose()?;
    let mut server = Tcp::new(options.url.clone(), trust);
    let run = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() % 100_000_000);
    let link = server.open().map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", options.url)))?;
    server.close(link);
    let mut talk = Talk::new(&mut server, &format!("j{run}"));
    talk.user.clone_from(&options.url.user);
    let bar = ProgressBar::new(cases::cases().count() as u64);
    cases::ask(&mut talk, |_| bar.inc(1));
    bar.finish_and_clear();
    options.form.give(&talk.report, &format!("{} by statement", options.url), output)
}
