//! A client that JSON lines drive, for test harnesses in any language: commands in, events out, a session in between.
//!
//! The session decides everything that MQTT says. This module translates: `command` and `property` read JSON, `event`
//! writes it, `transport` reads and writes TCP, `run` is the loop that a host of the session is, with `carry` for what each
//! command does and `tell` for what happened. [`HELP`] says what commands and events look like.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::stream;

mod carry;
mod command;
mod event;
mod help;
mod json;
mod log;
pub mod own;
mod printer;
mod property;
mod run;
mod tell;
mod trace;
mod transport;

pub use help::HELP;
pub(crate) use property::{digits, shown};

/// How the client runs.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// Also print every packet, as {"sent":"HEX"} when its last byte has been written, and as {"received":"HEX"} before
    /// what comes of it.
    #[arg(long)]
    pub trace: bool,
    /// Trust the certificates in this PEM file, where a server is opened as mqtts://HOST:PORT.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// Carries out the commands of `input` until `quit` or its end, and writes events to `output`, each at once. While `output`
/// takes nothing, packets are handled all the same, until 256 MiB of events wait.
///
/// # Errors
/// When the certificates can't be read, or writing events fails; nothing else ends the run.
pub fn run(
    options: &Options,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) -> io::Result<()> {
    let trust = options.ca.as_deref().map(stream::trust).transpose()?;
    run::run(options.trace, trust, input, output)
}
