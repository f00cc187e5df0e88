//! A client that JSON lines drive, for test harnesses in any language: commands in, events out, a session in between.
//!
//! The session decides everything that MQTT says. This module translates: `command` and `property` read JSON, `event`
//! writes it, `transport` reads and writes TCP, `run` is the loop that a host of the session is, with `carry` for what each
//! command does and `tell` for what happened. [`HELP`] says what commands and events look like.

use std::io::{self, Read, Write};

mod carry;
mod command;
mod event;
mod help;
mod json;
mod log;
mod property;
mod run;
mod tell;
mod trace;
mod transport;

pub use help::HELP;

/// How the client runs.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Options {
    /// Also print every packet, as {"sent":"HEX"} when its last byte has been written, and as {"received":"HEX"} before
    /// what comes of it.
    #[arg(long)]
    pub trace: bool,
}

/// Carries out the commands of `input` until `quit` or its end, and writes events to `output`, each at once.
///
/// # Errors
/// When writing events fails; nothing else ends the run.
pub fn run(options: &Options, input: impl Read + Send + 'static, output: impl Write) -> io::Result<()> {
    run::run(options.trace, input, output)
}
