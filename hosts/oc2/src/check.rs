//! `oc2 check`: whether files hold valid OpenC2, and if not, where and against which section.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use openc2_mqtt::{Document, Encoding, Error, Language, Read, Reading};

use crate::cli::{self, Check, FileEncoding, Kind, Version};

/// Files hold what a message may: no more than MQTT can carry.
const LARGEST: usize = 268_435_455;

pub(crate) fn run(check: &Check) -> ExitCode {
    let reading = reading(check.reading);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut all = true;
    for file in &check.files {
        let verdict = match load(file) {
            Ok(bytes) => verdict(&reading, check, &bytes),
            Err(error) => Err(error.to_string()),
        };
        all &= verdict.is_ok();
        let name = file.display();
        let told = match verdict {
            Ok(habits) => writeln!(out, "{name}: valid{habits}"),
            Err(why) => writeln!(out, "{name}: invalid: {why}"),
        };
        if told.is_err() {
            // Whoever read the lines has gone.
            return ExitCode::FAILURE;
        }
    }
    if out.flush().is_ok() && all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is said behind `valid`: the habits that were forgiven.
fn verdict(reading: &Reading, check: &Check, bytes: &[u8]) -> Result<String, String> {
    let encoding = encoding(check.reading, bytes);
    let read = document(reading, check.kind, encoding, bytes).map_err(|error| error.to_string())?;
    let habits: Vec<_> = read.quirks.iter().map(openc2_mqtt::Quirk::name).collect();
    Ok(if habits.is_empty() { String::new() } else { format!(" (forgiven: {})", habits.join(", ")) })
}

fn document<'a>(
    reading: &Reading,
    kind: Kind,
    encoding: Encoding,
    bytes: &'a [u8],
) -> Result<Read<Document<'a>>, Error> {
    match kind {
        Kind::Auto => reading.document(encoding, bytes),
        Kind::Command => reading.command(encoding, bytes).map(|read| read.map(Document::Command)),
        Kind::Response => reading.response(encoding, bytes).map(|read| read.map(Document::Response)),
        Kind::Message => reading.message(encoding, bytes).map(|read| read.map(Document::Message)),
    }
}

/// How the files are read, as the command line says.
pub(crate) fn reading(options: cli::Reading) -> Reading {
    let language = match options.language {
        Version::V1 => Language::V1_0,
        Version::V2 => Language::V2_0,
    };
    Reading { language, lenient: options.lenient, size: LARGEST, ..Reading::default() }
}

/// How a file is encoded: as the command line says, or as it looks.
pub(crate) fn encoding(options: cli::Reading, bytes: &[u8]) -> Encoding {
    match options.encoding {
        FileEncoding::Auto => Encoding::sniff(bytes),
        FileEncoding::Json => Encoding::Json,
        FileEncoding::Cbor => Encoding::Cbor,
    }
}

/// A file's bytes, or those of standard input.
pub(crate) fn load(file: &Path) -> io::Result<Vec<u8>> {
    if file.as_os_str() != "-" {
        return fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}
