//! Where the packets come from: hex, plain bytes, captures; a file, standard input, the command line.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use mqtt5_codec::Sender;

use super::capture;
use super::hex::{self, Piece};
use super::stream::{Connection, Judging, Side};
use super::tcp::{Flow, Passed, Streams};
use super::{Inspector, Label};
use crate::check::name;
use crate::cli::{Inspect, InspectFormat, InspectFrom};

/// A file of hex is read as a whole; none that a person made has more.
const LARGEST_TEXT: u64 = 256 << 20;
/// Plain bytes are read so many at a time.
const CHUNK: usize = 64 << 10;

/// Reads everything that the command line names.
pub(crate) fn read(inspect: &Inspect, inspector: &mut Inspector) -> Result<(), String> {
    if !inspect.hex.is_empty() {
        return text(&inspect.hex.join("\n"), inspect, inspector).map_err(|error| format!("--hex: {error}"));
    }
    let standard = [Path::new("-").to_owned()];
    let files = if inspect.files.is_empty() { standard.as_slice() } else { inspect.files.as_slice() };
    for path in files {
        let told = if files.len() > 1 { inspector.note(&name(path)) } else { Ok(()) };
        if told.is_err() {
            return Ok(());
        }
        file(path, inspect, inspector).map_err(|why| format!("{}: {why}", name(path)))?;
    }
    Ok(())
}

fn file(path: &Path, inspect: &Inspect, inspector: &mut Inspector) -> Result<(), String> {
    let mut file: Box<dyn Read + Send> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(|error| error.to_string())?),
    };
    // What it is its beginning tells.
    let mut head = vec![0; CHUNK];
    let mut filled = 0;
    while filled < 32 {
        match file.read(head.get_mut(filled..).unwrap_or_default()).map_err(|error| error.to_string())? {
            0 => break,
            count => filled += count,
        }
    }
    head.truncate(filled);
    let format = match inspect.format {
        InspectFormat::Auto if is_capture(&head) => InspectFormat::Capture,
        InspectFormat::Auto if hex::looks_like(cut_to_lines(&head)) => InspectFormat::Hex,
        InspectFormat::Auto => InspectFormat::Binary,
        known => known,
    };
    let mut whole = io::Cursor::new(head).chain(file);
    match format {
        InspectFormat::Capture => captured(whole, inspect, inspector),
        InspectFormat::Hex => {
            let mut all = String::new();
            whole.take(LARGEST_TEXT).read_to_string(&mut all).map_err(|error| error.to_string())?;
            text(&all, inspect, inspector)
        }
        InspectFormat::Binary | InspectFormat::Auto => binary(&mut whole, inspect, inspector),
    }
}

/// The first bytes of pcap, in both byte orders and both resolutions, and of pcapng.
fn is_capture(head: &[u8]) -> bool {
    let magic = [0xA1B2_C3D4_u32, 0xA1B2_3C4D, 0xA1B2_CD34]
        .into_iter()
        .flat_map(|magic| [magic.to_be_bytes(), magic.to_le_bytes()]);
    magic.chain([[0x0A, 0x0D, 0x0D, 0x0A]]).any(|magic| head.starts_with(&magic))
}

/// A beginning that does not end in the middle of a line, where it has lines.
fn cut_to_lines(head: &[u8]) -> &[u8] {
    if head.len() < CHUNK {
        return head;
    }
    let end = head.iter().rposition(|byte| *byte == b'\n').unwrap_or(head.len() & !1);
    head.get(..end).unwrap_or(head)
}

const fn judging(inspect: &Inspect) -> Judging {
    Judging { strict: inspect.strict, max_packet_size: inspect.max_packet_size }
}

const fn side(inspect: &Inspect) -> Side {
    match inspect.from {
        InspectFrom::Auto => Side::Unknown,
        InspectFrom::Client => Side::Known(Sender::Client),
        InspectFrom::Server => Side::Known(Sender::Server),
    }
}

/// Hex: lines that say who sent them are two streams, others are one.
fn text(text: &str, inspect: &Inspect, inspector: &mut Inspector) -> Result<(), String> {
    let pieces = hex::read(text).map_err(|error| error.to_string())?;
    let label = Label::unnamed();
    let mut single = Connection::single(side(inspect), judging(inspect));
    let mut both = Connection::new(judging(inspect));
    for Piece { from, bytes } in &pieces {
        let see = &mut |seen: super::Seen<'_>| inspector.see(&label, &seen);
        match from {
            Some(from) => both.push(*from, bytes, None, see),
            None => single.push(Sender::Client, bytes, None, see),
        }
    }
    for connection in [&mut both, &mut single] {
        connection.end(&mut |seen| inspector.see(&label, &seen));
    }
    Ok(())
}

fn binary(file: &mut dyn Read, inspect: &Inspect, inspector: &mut Inspector) -> Result<(), String> {
    let label = Label::unnamed();
    let mut connection = Connection::single(side(inspect), judging(inspect));
    let mut chunk = vec![0; CHUNK];
    while inspector.is_read() {
        let count = match file.read(&mut chunk) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.to_string()),
        };
        let bytes = chunk.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        connection.push(Sender::Client, bytes, None, &mut |seen| inspector.see(&label, &seen));
    }
    connection.end(&mut |seen| inspector.see(&label, &seen));
    Ok(())
}

/// A capture: each TCP connection that is MQTT, and at the end what was passed over.
fn captured(file: impl Read + Send, inspect: &Inspect, inspector: &mut Inspector) -> Result<(), String> {
    let mut streams = Streams::new(inspect.ports.clone());
    let mut open: HashMap<usize, (Label, Connection)> = HashMap::new();
    let mut passed: BTreeMap<Passed, usize> = BTreeMap::new();
    let mut flow = |number: usize, flow: Flow<'_>, inspector: &mut Inspector| match flow {
        Flow::Open { client, server } => {
            let label = Label { client: client.to_string(), server: server.to_string() };
            open.insert(number, (label, Connection::new(judging(inspect))));
        }
        Flow::Bytes { from, bytes, time } => {
            if let Some((label, connection)) = open.get_mut(&number) {
                connection.push(from, bytes, Some(time), &mut |seen| inspector.see(label, &seen));
            }
        }
        Flow::Gap { from, missing } => {
            if let Some((label, connection)) = open.get_mut(&number) {
                connection.gap(from, missing, &mut |seen| inspector.see(label, &seen));
            }
        }
        Flow::End => {
            if let Some((label, mut connection)) = open.remove(&number) {
                connection.end(&mut |seen| inspector.see(&label, &seen));
            }
        }
        Flow::Passed(why) => *passed.entry(why).or_default() += 1,
    };
    let end = capture::read(file, |segment| streams.take(&segment, &mut |number, seen| flow(number, seen, inspector)));
    streams.end(&mut |number, seen| flow(number, seen, inspector));
    for (why, count) in passed {
        let connections =
            if count == 1 { "1 TCP connection is".into() } else { format!("{count} TCP connections are") };
        let told = inspector.note(&match why {
            Passed::Encrypted => format!("{connections} passed over: TLS, whose packets only its two ends can read"),
            Passed::Http => format!("{connections} passed over: HTTP, where MQTT may be inside of WebSockets"),
            Passed::Other => {
                format!("{connections} passed over, which do not begin as MQTT; --port takes one for MQTT all the same")
            }
        });
        if told.is_err() {
            break;
        }
    }
    end.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_known_by_their_first_bytes() {
        for magic in [b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\x0a\x0d\x0d\x0a"] {
            assert!(is_capture(magic));
        }
        assert!(!is_capture(b"\x10\x0e\x00\x04MQTT"));
        assert!(!is_capture(b""));
    }
}
