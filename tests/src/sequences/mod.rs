//! Session sequences: what a server sends, and when, and what a client has to answer and to tell its application.
//!
//! They are written as text, by hand (`tests/sequences/*.seq`) and by generators (`made/`), published as JSON for any language, and
//! played by a [`Party`]: our own client with a clock of its own, or any client as a process.

pub(crate) mod exec;
pub mod made;
mod play;
mod show;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::own::Own;

pub use play::{Got, Party, Stop, play};

/// What a sequence is called, with its version: a key is never given another meaning under the same one.
pub const SCHEMA: &str = "mqtt5-session-sequence/1";

/// What a server does to a client, and what has to come of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// [`SCHEMA`].
    pub schema: String,
    /// A name: what it belongs to, a slash, and what happens.
    pub name: String,
    /// The statements that it shows kept or broken.
    pub statements: Vec<String>,
    /// Where it comes from: `standard`, `simulator`, or the address of a public report.
    pub source: String,
    /// Whether what is expected has to be, or should be.
    pub class: Binding,
    /// What it is about.
    pub why: String,
    /// What happens, one thing after the other.
    pub steps: Vec<Step>,
}

/// How much a sequence binds a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// The standard demands it.
    Must,
    /// The standard recommends it, or binds the server alone (section 4.13.1).
    Should,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// The application gives the client this command, as `conformance client` takes it.
    Do(Value),
    /// The client's next packet is this one, as far as it is described.
    Expect(Value),
    /// The client's next packets are these, in any order.
    ExpectAnyOrder(Vec<Value>),
    /// The server sends these bytes: hexadecimal digits, blanks, and `{name}` for a packet identifier that was met.
    Send(String),
    /// The application is told this next, as far as it is described.
    Told(Value),
    /// The client sends nothing for so many milliseconds.
    QuietMs(u64),
    /// So many milliseconds pass, whatever is sent.
    SleepMs(u64),
    /// The server drops the connection.
    Cut {},
    /// The client ends the connection; a DISCONNECT before that has this reason.
    End {
        /// The reason code of DISCONNECT.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<u8>,
    },
}

/// Texts by hand, each by what it is about.
const BY_HAND: &[&str] = &[
    include_str!("../../sequences/connecting.seq"),
    include_str!("../../sequences/sending.seq"),
    include_str!("../../sequences/receiving.seq"),
    include_str!("../../sequences/resuming.seq"),
    include_str!("../../sequences/limits.seq"),
    include_str!("../../sequences/timing.seq"),
    include_str!("../../sequences/authenticating.seq"),
    include_str!("../../sequences/simulated.seq"),
    include_str!("../../sequences/reported.seq"),
];

/// All sequences, always the same ones in the same order.
///
/// # Errors
/// When a text is wrong, which a test excludes.
pub fn all() -> Result<Vec<Sequence>, String> {
    let mut all = Vec::new();
    for text in BY_HAND {
        all.extend(text::read(text)?);
    }
    for text in made::texts() {
        all.extend(text::read(&text)?);
    }
    Ok(all)
}

/// The sequences of a file, JSON lines or the text that they are written in (`.seq`); all that there are without one.
///
/// # Errors
/// When the file can't be read, or holds something else.
pub fn load(file: Option<&Path>) -> io::Result<Vec<Sequence>> {
    let Some(file) = file else { return all().map_err(io::Error::other) };
    let about = |why: &dyn core::fmt::Display| io::Error::other(format!("{}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| about(&error))?;
    if file.extension().is_some_and(|kind| kind == "seq") {
        return text::read(&format!("\n{text}")).map_err(|why| about(&why));
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let sequence = |(at, line): (usize, &str)| -> io::Result<Sequence> {
        let sequence: Sequence =
            serde_json::from_str(line).map_err(|error| about(&format!("line {}: {error}", at + 1)))?;
        if sequence.schema == SCHEMA {
            Ok(sequence)
        } else {
            Err(about(&format!("line {}: {} is known here, not {}", at + 1, SCHEMA, sequence.schema)))
        }
    };
    lines.map(sequence).collect()
}

/// What `conformance sequences` is asked for.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Write them to this file instead.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Tell how many there are of each kind, instead.
    #[arg(long, conflicts_with = "output")]
    pub counts: bool,
    /// Have our own client play them, with a clock of its own, instead: all, or those of FILE.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["output", "counts"])]
    pub play: Option<Option<PathBuf>>,
}

/// Prints the sequences, counts them, or has our own client play them. Returns whether it played them all well.
///
/// # Errors
/// When a file can't be read or written.
pub fn run(options: &Options, mut output: impl Write) -> io::Result<bool> {
    if let Some(file) = &options.play {
        let all = load(file.as_deref())?;
        let mut wrong = 0;
        for sequence in &all {
            let mut aliases = [0; 128];
            if let Err(stop) = play(sequence, &mut Own::new(&mut aliases), true) {
                wrong += 1;
                writeln!(output, "{}: {stop:#?}", sequence.name)?;
            }
        }
        writeln!(output, "{} of {} sequences played well", all.len() - wrong, all.len())?;
        return Ok(wrong == 0);
    }
    if options.counts {
        for (kind, count) in divided(&all().map_err(io::Error::other)?) {
            writeln!(output, "{count:>4} {kind}")?;
        }
        return Ok(true);
    }
    match &options.output {
        Some(file) => write(io::BufWriter::new(fs::File::create(file)?))?,
        None => write(io::BufWriter::new(output))?,
    }
    Ok(true)
}

/// Writes all as JSON, a line each.
///
/// # Errors
/// When writing fails.
pub fn write(mut output: impl Write) -> io::Result<()> {
    for sequence in all().map_err(io::Error::other)? {
        serde_json::to_writer(&mut output, &sequence)?;
        output.write_all(b"\n")?;
    }
    output.flush()
}

/// What the sequence of this name is about; nothing where there is none.
#[must_use]
pub fn why(name: &str) -> Option<&'static str> {
    static TABLE: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let table = TABLE
        .get_or_init(|| all().unwrap_or_default().into_iter().map(|sequence| (sequence.name, sequence.why)).collect());
    table.get(name).map(String::as_str)
}

/// How many sequences there are of each kind and of each source.
#[must_use]
pub fn divided(all: &[Sequence]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for sequence in all {
        let kind = sequence.name.split('/').next().unwrap_or_default();
        let source = if sequence.source.starts_with("http") { "reports" } else { &sequence.source };
        for key in [format!("of {kind}"), format!("from {source}")] {
            *counts.entry(key).or_insert(0) += 1;
        }
    }
    counts
}
