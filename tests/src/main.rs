//! `conformance`: the command line of the judges. What each does lives in the library, a file each.

use std::fs::{self, File};
use std::io::BufWriter;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use conformance::interop::{self, Outcome};
use conformance::statements::{self, Sources, show};
use conformance::{client, codec, explore, judge, sequences, sim, vectors};

/// Judges MQTT v5 packets and whoever sends them: single packets, servers, clients, and this project's own stack.
#[derive(Parser)]
#[command(version, about = "Judges MQTT v5 packets and whoever sends them", max_term_width = 100, after_help = STATUS)]
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
    ///
    /// With --exec, another codec is judged by the test vectors, and a report of it given.
    Codec(codec::exec::CommandOptions),
    /// Plays clients against a model broker under schedules that seeds give: cuts, delays, restarts, refusals.
    Simulate(sim::command::Options),
    /// Explores every state of a client and a model broker with a few messages and cuts, and tells how many there are.
    Explore(explore::command::Options),
    /// Judges a server by statement, from outside: pass, fail (with what it did), or not seen (and why).
    ///
    /// It takes some twenty seconds. Ends with 0 if nothing is broken that is not known to be, otherwise with 1. What should be and is
    /// not is told, and fails nothing.
    Broker(judge::command::Options),
    /// Judges a client by statement: a server that watches it, and tries it.
    ///
    /// With --exec the client is a command that is started anew for each trial. Without it, the client has to connect again and
    /// again, as often as it can: each connection is another trial, and standard error tells which. Ends with 0 if nothing is
    /// broken that is not known to be, otherwise with 1.
    Peer(judge::peer::Options),
    /// Prints the standard's normative statements: whom each binds, how it is kept here, and how many are kept in which way.
    Statements(Table),
    /// Prints the test vectors: packets with the verdict that the standard demands, as JSON lines.
    #[command(after_help = VECTORS)]
    Vectors {
        /// Write them to this file instead.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Prints session sequences as JSON lines: what a server sends, when, and what a client has to answer.
    ///
    /// tests/sequence.schema.json is their schema; `peer --exec COMMAND --sequences` plays them with any client.
    Sequences(sequences::Options),
    /// Writes the vectors' bytes into a directory, a file each, for a fuzzer to begin with.
    Seeds {
        /// The directory, which is made.
        directory: PathBuf,
    },
    /// Runs an MQTT client that JSON lines on standard input drive, and prints what happens as JSON lines.
    #[command(after_help = client::HELP)]
    Client(client::Options),
    /// Tries what holds between the client and a broker, and tells it.
    ///
    /// Ends with 0 if all held, with 2 if only the broker is to blame for what did not, otherwise with 1.
    Interop(interop::Options),
}

const STATUS: &str =
    "Ends with 0 if all is well, with 1 if something is broken or can't be had, and with 2 for a wrong command line; \
    `interop` also ends with 2 if the broker alone is to blame.

Try: printf 'c2s C000\\ns2c 36\\n' | conformance codec
     conformance broker mqtt://127.0.0.1:1883 --html report.html";

const VECTORS: &str = r#"Each line is an object:
  from       "client" or "server": who sends it
  hex        the packet, or its beginning
  verdict    "valid"; "incomplete": a proper beginning of a packet that can still be valid; or "reject"
  canonical  of a valid one: the same packet in its shortest form
  reason     of one to reject: the reason code of the DISCONNECT or CONNACK that answers it, as a number
  statement  of one to reject: the statement that it breaks, or the section where it has no number
  why        what it is about, in a few words

The order is the same each time, and a packet stands once for each side."#;

#[derive(clap::Args)]
struct Table {
    /// Print the table as one JSON object.
    #[arg(long)]
    json: bool,
    /// Write the table as a page for a browser; without --json, print the counts alone.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// List every test that bears a statement's number in tests/statements.csv; run in the project's folder.
    #[arg(long, conflicts_with_all = ["json", "html"])]
    fill: bool,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().judge {
        Judge::Codec(options) => well(codec::exec::run(&options, io::stdin().lock(), io::stdout().lock())),
        Judge::Statements(options) => statements(&options, io::stdout().lock()),
        Judge::Vectors { output: None } => vectors::write(BufWriter::new(io::stdout().lock())),
        Judge::Vectors { output: Some(file) } => File::create(&file)
            .and_then(|output| vectors::write(BufWriter::new(output)))
            .map_err(|error| about(&file, &error)),
        Judge::Sequences(options) => well(sequences::run(&options, io::stdout().lock())),
        Judge::Seeds { directory } => seeds(&directory),
        Judge::Broker(options) => well(judge::command::run(&options, io::stdout().lock())),
        Judge::Peer(options) => well(judge::peer::run(&options, io::stdout().lock())),
        Judge::Client(options) => client::run(&options, io::stdin(), io::stdout()),
        Judge::Interop(options) => match interop::run(&options, io::stdout().lock()) {
            Ok(Outcome::Failed) => return ExitCode::FAILURE,
            Ok(Outcome::BrokerWrong) => return ExitCode::from(2),
            done => done.map(drop),
        },
        Judge::Explore(options) => well(explore::command::run(&options, io::stdout().lock())),
        Judge::Simulate(options) => well(sim::command::run(&options, io::stdout().lock())),
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

/// A judge that found something wrong has said what; the run fails.
fn well(judged: io::Result<bool>) -> io::Result<()> {
    if judged? { Ok(()) } else { Err(io::Error::other("not all is as it should be")) }
}

fn statements(options: &Table, mut output: impl Write) -> io::Result<()> {
    const TABLE: &str = "tests/statements.csv";
    let mut table = statements::parse(include_str!("../statements.csv"));
    if options.fill {
        let csv = fs::read_to_string(TABLE).map_err(|error| about(Path::new(TABLE), &error))?;
        table = statements::parse(&csv);
        statements::fill(&mut table, &Sources::read(Path::new("."))?);
        fs::write(TABLE, statements::to_csv(&table))?;
    }
    if let Some(file) = &options.html {
        fs::write(file, show::html(&table)).map_err(|error| about(file, &error))?;
    }
    if options.json {
        writeln!(output, "{}", show::json(&table))
    } else if options.fill || options.html.is_some() {
        write!(output, "{}", show::counts(&table))
    } else {
        write!(output, "{}", show::text(&table))
    }
}

/// An error that says which file it is about.
fn about(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

/// A seed is a byte whose lowest bit says that the server sends, and the vector's bytes.
fn seeds(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (number, vector) in vectors::all().into_iter().enumerate() {
        let from = u8::from(vector.from == mqtt5_codec::Sender::Server);
        fs::write(directory.join(format!("{number:04}")), [&[from], &vector.bytes[..]].concat())?;
    }
    Ok(())
}
