//! `conformance`: the command line of the judges. What each does lives in the library, a file each.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use conformance::{client, codec};

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
    /// Runs an MQTT client that JSON lines on standard input drive, and prints what happens as JSON lines.
    #[command(after_help = client::HELP)]
    Client(client::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().judge {
        Judge::Codec(options) => codec::run(&options, io::stdin().lock(), io::stdout().lock()),
        Judge::Client(options) => client::run(&options, io::stdin(), io::stdout().lock()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our answers has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "conformance: {error}");
            ExitCode::FAILURE
        }
    }
}
