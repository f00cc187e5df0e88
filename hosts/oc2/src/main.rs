//! The command line: `oc2 demo` is the whole stack at work, an OpenC2 command over a real broker and back.

mod agent;
mod broker;
mod check;
mod cli;
mod consumer;
mod convert;
mod demo;
mod failure;
mod inspect;
mod message;
mod packet;
mod printer;
mod producer;
mod report;
mod scenario;
mod svg;
mod table;
mod terminal;
mod trace;

use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use cli::{Cli, Command};

/// The status of a process that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    let demo = match cli.job() {
        Command::Demo(demo) => demo,
        Command::Broker(broker) => return broker::run(&broker),
        Command::Inspect(inspect) => return inspect::run(&inspect),
        Command::Check(check) => return check::run(&check),
        Command::Convert(convert) => return convert::run(&convert),
    };
    match demo::run(&demo) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            anstream::eprintln!("oc2: {failure}");
            if failure.is_interruption() { INTERRUPTED.into() } else { ExitCode::FAILURE }
        }
    }
}

/// The status of a command line that can't be meant.
const MISUSED: u8 = 2;

/// Help and the version as they are; a bad value in one line, with those that would be good where they can be counted.
fn misused(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            anstream::eprintln!("oc2: {line}{}", possible(error));
            MISUSED.into()
        }
        _ => error.exit(),
    }
}

/// The values that the option takes, if there are only some.
fn possible(error: &clap::Error) -> String {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => format!(" (possible: {})", values.join(", ")),
        _ => String::new(),
    }
}
