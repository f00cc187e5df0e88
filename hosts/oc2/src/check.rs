//! `oc2 check`: whether files hold valid OpenC2, and if not, where and against which section.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use openc2_mqtt::{Document, Encoding, Language, LanguageRule, Quirk, Quirks, Read, Reading, Structure, slpf};
use serde_json::json;

use crate::cli::{self, Check, FileEncoding, Kind, Version};
use crate::printer::{json_line, plain};
use crate::terminal::is_gone;

/// Files hold what a message may: no more than MQTT can carry.
const LARGEST: usize = 268_435_455;

pub(crate) fn run(check: &Check) -> ExitCode {
    let reading = reading(check.reading);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut bad = 0_usize;
    for file in &check.files {
        let verdict = match load(file) {
            Ok(bytes) => verdict(&reading, check, &bytes),
            Err(error) => Err(error.to_string()),
        };
        bad += usize::from(verdict.is_err());
        let name = name(file);
        let told = match verdict {
            verdict if check.json => {
                let (notes, error) = match &verdict {
                    Ok(notes) => (notes.as_slice(), None),
                    Err(why) => (&[][..], Some(why)),
                };
                let line =
                    json!({"type": "file", "file": name, "valid": error.is_none(), "notes": notes, "error": error});
                writeln!(out, "{}", json_line(&line))
            }
            Ok(notes) if notes.is_empty() => writeln!(out, "{}: valid", plain(&name)),
            Ok(notes) => writeln!(out, "{}: valid ({})", plain(&name), notes.join("; ")),
            Err(why) => writeln!(out, "{}: invalid: {}", plain(&name), plain(&why)),
        };
        if let Err(error) = told {
            return unwritten(&error);
        }
    }
    let summary = json!({"type": "summary", "files": check.files.len(), "invalid": bad});
    let told = if check.json { writeln!(out, "{summary}") } else { Ok(()) };
    match told.and_then(|()| out.flush()) {
        Ok(()) if bad == 0 => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => unwritten(&error),
    }
}

/// The end where lines can't be written: it is no error that nobody reads them.
fn unwritten(error: &io::Error) -> ExitCode {
    if is_gone(error) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is said of a message that has not the structure of CS01.
const RECORD: &str = "the flat record of CSD03 2.4.2";

/// What is said behind `valid`: the rarer structure, and the habits that were forgiven.
fn verdict(reading: &Reading, check: &Check, bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut read = document(reading, check.kind, check.reading, bytes)?;
    // A message without `from` names its sender no more than one with an empty one does.
    if let Document::Message(message) = &read.value
        && message.headers.from.is_none()
    {
        match reading.lenient {
            true => read.quirks = read.quirks.with(Quirk::NoFrom),
            false => {
                let path = if message.structure == Structure::Record { "from" } else { "headers.from" };
                return Err(format!("{path}: {}", LanguageRule::EmptyFrom));
            }
        }
    }
    let record = matches!(&read.value, Document::Message(message) if message.structure == Structure::Record);
    Ok(record.then(|| RECORD.to_owned()).into_iter().chain(forgiven(read.quirks)).collect())
}

/// The habits that were forgiven, if any were.
pub(crate) fn forgiven(quirks: Quirks) -> Option<String> {
    let habits: Vec<_> = quirks.iter().map(Quirk::name).collect();
    (!habits.is_empty()).then(|| format!("forgiven: {}", habits.join(", ")))
}

/// What a file holds, or where and why it doesn't.
pub(crate) fn document<'a>(
    reading: &Reading,
    kind: Kind,
    options: cli::Reading,
    bytes: &'a [u8],
) -> Result<Read<Document<'a>>, String> {
    let encoding = encoding(options, bytes);
    if encoding == Encoding::Json
        && let Some(mark) = mark(bytes)
    {
        return Err(format!("message: {mark} [RFC 8259 8.1]"));
    }
    let read = match kind {
        Kind::Auto => reading.document(encoding, bytes),
        Kind::Command => reading.command(encoding, bytes).map(|read| read.map(Document::Command)),
        Kind::Response => reading.response(encoding, bytes).map(|read| read.map(Document::Response)),
        Kind::Message => reading.message(encoding, bytes).map(|read| read.map(Document::Message)),
    };
    read.map_err(|error| error.to_string())
}

/// What editors put before JSON, and JSON may not have.
fn mark(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => Some("a byte order mark stands before it"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("it is UTF-16, not UTF-8"),
        _ => None,
    }
}

/// A file's name in one line.
pub(crate) fn name(file: &Path) -> String {
    let mut name = String::new();
    for c in file.display().to_string().chars() {
        match c.is_control() {
            true => name.extend(c.escape_default()),
            false => name.push(c),
        }
    }
    name
}

/// How the files are read, as the command line says.
pub(crate) fn reading(options: cli::Reading) -> Reading {
    let language = match options.language {
        Version::V1 => Language::V1_0,
        Version::V2 => Language::V2_0,
    };
    Reading { language, lenient: options.lenient, size: LARGEST, profiles: &slpf::PROFILES, ..Reading::default() }
}

/// How a file is encoded: as the command line says, or as it looks.
fn encoding(options: cli::Reading, bytes: &[u8]) -> Encoding {
    match options.encoding {
        FileEncoding::Auto if mark(bytes).is_some() => Encoding::Json,
        FileEncoding::Auto => Encoding::sniff(bytes),
        FileEncoding::Json => Encoding::Json,
        FileEncoding::Cbor => Encoding::Cbor,
    }
}

/// A file's bytes, or those of standard input, but not many more than a message may have.
pub(crate) fn load(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = LARGEST as u64 + 1;
    if file.as_os_str() == "-" {
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        let file = File::open(file)?;
        // So that it is read at once; what has no length, such as a pipe, says 0.
        bytes.reserve_exact(usize::try_from(file.metadata()?.len().min(most)).unwrap_or(0));
        file.take(most).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
