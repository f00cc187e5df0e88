//! `conformance`: the command line of the judges. What each does lives in the library, a file each.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use conformance::{codec, sim};

/// Judges MQTT v5 packets and whoever sends them.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    judge: Judge,
}

#[derive(Subcommand)]
enum Judge {
    /// Reads packets from standard input, one a line, and says of each whether it may be.
    ///
    /// A line is `c2s HEX` (sent by a client) or `s2c HEX` (sent by a server). Each gets one line of answer: `valid HEX` with
    /// the canonical form, `incomplete`, `reject 0xNN RULE` with the reason code that a receiver answers, or `error …` when
    /// the line is not such a packet or goes on behind it.
    Codec(codec::Options),
    /// Plays clients against a model broker under schedules that seeds give: cuts, delays, restarts, refusals.
    Simulate(sim::command::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().judge {
        Judge::Codec(options) => codec::run(&options, io::stdin().lock(), io::stdout().lock()).map(|()| true),
        Judge::Simulate(options) => sim::command::run(&options, io::stdout().lock()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever reads our answers has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "conformance: {error}");
            ExitCode::FAILURE
        }
    }
}
