//! The command line: `oc2 demo` is the whole stack at work, an OpenC2 command over a real broker and back.

mod agent;
#[cfg(feature = "bench")]
mod bench;
mod broker;
mod check;
mod cli;
mod consume;
mod consumer;
mod convert;
mod demo;
mod failure;
mod inspect;
mod line;
mod logging;
mod manual;
mod message;
mod packet;
mod printer;
mod produce;
mod producer;
mod remote;
mod report;
mod scenario;
mod settings;
mod svg;
mod table;
mod terminal;
mod trace;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, FromArgMatches as _};

use cli::{Cli, Command};
use settings::Misused;

/// The status of a process that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let matches = match settings::matches(Cli::command(), arguments) {
        Ok(matches) => matches,
        Err(Misused::Words(error)) => return misused(&error),
        Err(Misused::Settings(why)) => {
            anstream::eprintln!("oc2: {why}");
            return MISUSED.into();
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    let job = cli.job();
    logging::start(job.verbosity());
    let demo = match job {
        Command::Demo(demo) => demo,
        Command::Broker(broker) => return broker::run(&broker),
        Command::Produce(produce) => return produce::run(&produce),
        Command::Consume(consume) => return consume::run(&consume),
        Command::Discover(discover) => return produce::discover::run(&discover),
        Command::Watch(watch) => return watch::watch(&watch),
        Command::Replay(replay) => return watch::replay(&replay),
        #[cfg(feature = "bench")]
        Command::Bench(bench) => return bench::run(&bench),
        Command::Inspect(inspect) => return inspect::run(&inspect),
        Command::Man(man) => return manual::man(&man),
        Command::Completions { shell } => return manual::completions(shell),
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

/// Help and the version as they are; what can't be meant in one line, with the values that would be good where they can be
/// counted, or a word that is near.
fn misused(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    let text = error.to_string();
    let first: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let line = first.join(" ").trim_start_matches("error: ").to_owned();
    let tip = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tip: "))
        .map_or(String::new(), |tip| format!(" ({tip})"));
    let possible = possible(error);
    // What clap says of possible values fills lines of its own.
    let line =
        if possible.is_empty() { line } else { line.split(" [possible values").next().unwrap_or(&line).to_owned() };
    anstream::eprintln!("oc2: {line}{}", if possible.is_empty() { tip } else { possible });
    MISUSED.into()
}

/// The values that the option takes, if there are only some.
fn possible(error: &clap::Error) -> String {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => format!(" (possible: {})", values.join(", ")),
        _ => String::new(),
    }
}
