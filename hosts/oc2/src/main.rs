//! The command line: `oc2 demo` is the whole stack at work, an OpenC2 command over a real broker and back.

mod agent;
mod broker;
mod check;
mod cli;
mod consumer;
mod convert;
mod demo;
mod failure;
mod message;
mod packet;
mod printer;
mod producer;
mod report;
mod scenario;
mod trace;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

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

/// Help and the version as they are; a bad value in one line.
fn misused(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            anstream::eprintln!("oc2: {}", line.trim_start_matches("error: "));
            ExitCode::from(2)
        }
        _ => error.exit(),
    }
}
