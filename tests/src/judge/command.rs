//! `conformance broker`.

use core::time::Duration;
use std::io::{self, Write};
use std::process::Command;
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use indicatif::ProgressBar;

use super::cases;
use super::run::Judge;
use super::server::{Server, Tcp};
use super::target;
use crate::report::Report;
use crate::report::form::Form;
use crate::stream;

/// Which server is judged, and how it is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    server: target::Options,
    #[command(flatten)]
    form: Form,
}

/// Judges a server behind TCP. Returns whether nothing was broken.
///
/// # Errors
/// When there is no server, or writing fails.
pub fn run(options: &Options, output: impl Write) -> io::Result<bool> {
    if options.form.list {
        let statements = cases::cases().flat_map(|case| case.statements).copied();
        return options.form.tell(statements, output).map(|()| true);
    }
    let target = options.server.target()?;
    let trust = target.ca.as_deref().map(stream::trust).transpose()?;
    let open = || -> Box<dyn Server> { Box::new(Tcp::new(target.url.clone(), trust.clone())) };
    open().open().map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", target.url)))?;
    let wants = |statement: &str| options.form.wants(statement);
    let restart = || {
        if let Some(command) = &target.restart {
            let _ = Command::new("sh").args(["-c", command]).status();
            let since = Instant::now();
            while open().open().is_err() && since.elapsed() < Duration::from_secs(10) {
                thread::sleep(Duration::from_millis(100));
            }
        }
    };
    let bar = ProgressBar::new(cases::cases().filter(|case| case.statements.iter().any(|id| wants(id))).count() as u64);
    let judge = Judge { open: &open, known: &target.known, wants: &wants, run: &run_name(), restart: &restart };
    let report = judge.all(&|| bar.inc(1));
    bar.finish_and_clear();
    let report = Report { judge: "broker", target: target.name.clone(), ..report };
    if let Err(error) = open().open() {
        let _ = writeln!(io::stderr(), "the server does not take connections any more: {error}");
    }
    options.form.give(report, output)
}

/// Seven letters and digits that tell one run from another.
fn run_name() -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut number = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let mut name = String::from("j");
    for _ in 0..6 {
        name.push(char::from(DIGITS.get((number % 36) as usize).copied().unwrap_or(b'0')));
        number /= 36;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_letters_and_digits_and_no_more_than_seven() {
        let name = run_name();
        assert!(name.len() == 7 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
    }
}
