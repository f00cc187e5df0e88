//! How things are printed: for a person, or one JSON object a line.

use core::fmt::Write as _;
use core::time::Duration;
use std::borrow::Cow;
use std::io::Write;

use anstyle::{AnsiColor, Style};
use mqtt5_codec::Sender;
use serde_json::{Map, Value, json};

use crate::packet::{Told, hex, readable};
use crate::report::{Row, Summary, milliseconds, table};
use crate::terminal::{self, cut, flow, width, wrap};

const UP: Style = AnsiColor::Cyan.on_default();
const DOWN: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Where a packet's facts begin, where there is room for them beside its name.
const FACTS: usize = 49;
/// Where they begin on lines of their own.
const INDENT: usize = 4;
/// From so many columns on they stand beside.
const WIDE: usize = 100;
/// How many bytes stand on a line of hex, at most.
const HEX_LINE: usize = 32;

pub(crate) struct Printer {
    out: Box<dyn Write + Send>,
    json: bool,
    bytes: bool,
    columns: fn() -> Option<usize>,
}

impl Printer {
    /// A printer to standard output, with colour where that is a terminal that wants it.
    pub(crate) fn stdout(json: bool, bytes: bool) -> Self {
        Self { out: Box::new(anstream::stdout()), json, bytes, columns: terminal::columns }
    }

    #[cfg(test)]
    pub(crate) fn to(
        out: impl Write + Send + 'static,
        json: bool,
        bytes: bool,
        columns: fn() -> Option<usize>,
    ) -> Self {
        Self { out: Box::new(out), json, bytes, columns }
    }

    pub(crate) fn packet(&mut self, after: Duration, who: &str, from: Sender, told: &Told<'_>, bytes: &[u8]) {
        if self.json {
            return self.packet_json(after, who, from, told, bytes);
        }
        let columns = (self.columns)();
        let wide = fits(columns, WIDE);
        let indent = if wide { FACTS } else { INDENT };
        let room = columns.map(|columns| columns.saturating_sub(indent));
        let facts: Vec<String> =
            told.facts.iter().filter_map(|one| fact(told.name, one)).map(|fact| plain(&fact).into_owned()).collect();
        let mut facts = flow(&facts, room).into_iter();
        let short = facts.len() == 1 && facts.as_slice().iter().all(|line| fits(columns, FACTS + width(line)));
        let first = if wide || short { facts.next().unwrap_or_default() } else { String::new() };
        let (name, ms) = (told.name, milliseconds(after));
        let (style, arrow) = if from == Sender::Client { (UP, "──▶") } else { (DOWN, "◀──") };
        self.line(format_args!(
            "{DIM}{ms:>9.3} ms{DIM:#}  {who:<10} {style}{arrow}{style:#} broker  {style}{name:<11}{style:#} {first}"
        ));
        for line in facts.filter(|line| !line.is_empty()) {
            self.line(format_args!("{:indent$}{line}", ""));
        }
        if let Some(payload) = told.payload {
            let payload = readable(payload);
            let payload = plain(&payload);
            if self.bytes {
                wrap(&payload, room).iter().for_each(|line| self.dim(indent, line));
            } else {
                self.dim(indent, &cut(&payload, room));
            }
        }
        if self.bytes {
            let line = room.map_or(HEX_LINE, |room| HEX_LINE.min(room / 2).max(1));
            let mut text = dump(bytes, told.secret);
            while !text.is_empty() {
                let rest = text.split_off(text.len().min(2 * line));
                self.dim(indent, &text);
                text = rest;
            }
        }
    }

    fn dim(&mut self, indent: usize, line: &str) {
        self.line(format_args!("{:indent$}{DIM}{line}{DIM:#}", ""));
    }

    fn packet_json(&mut self, after: Duration, who: &str, from: Sender, told: &Told<'_>, bytes: &[u8]) {
        let (from, to) = if from == Sender::Client { (who, "broker") } else { ("broker", who) };
        let mut object = Map::new();
        object.insert("type".into(), json!("packet"));
        object.insert("ms".into(), json!(milliseconds(after)));
        object.insert("from".into(), json!(from));
        object.insert("to".into(), json!(to));
        object.insert("packet".into(), json!(told.name));
        for (name, value) in &told.facts {
            object.insert(name.replace(", ", "_").replace(' ', "_").to_lowercase(), value.clone());
        }
        if let Some(payload) = told.payload {
            object.insert("payload".into(), json!(readable(payload)));
        }
        if self.bytes {
            object.insert("bytes".into(), json!(dump(bytes, told.secret)));
        }
        self.object(object);
    }

    /// Something that went wrong while the job went on.
    pub(crate) fn note(&mut self, what: &str) {
        if self.json {
            self.line(format_args!("{}", json_line(&json!({"type": "note", "note": what}))));
        } else {
            self.wrapped(BAD, what);
        }
    }

    /// A heading, where a person reads.
    pub(crate) fn heading(&mut self, what: &str) {
        if !self.json {
            self.line(format_args!(""));
            self.wrapped(BOLD, what);
        }
    }

    /// What came of the job: who answered what, and one closing line.
    pub(crate) fn report(&mut self, rows: &[Row], summary: &Summary) {
        if self.json {
            rows.iter().for_each(|row| self.line(format_args!("{}", json_line(&row.json()))));
            return self.line(format_args!("{}", json_line(&summary.json())));
        }
        self.line(format_args!(""));
        for (row, line) in table(rows, (self.columns)()) {
            let style = match row {
                None => BOLD,
                Some(row) if row.ok() => Style::new(),
                Some(_) => BAD,
            };
            self.line(format_args!("{style}{}{style:#}", plain(&line)));
        }
        self.line(format_args!(""));
        self.wrapped(Style::new(), &summary.to_string());
    }

    /// Text on as many lines as it needs.
    fn wrapped(&mut self, style: Style, text: &str) {
        for line in wrap(text, (self.columns)()) {
            self.line(format_args!("{style}{line}{style:#}"));
        }
    }

    // Whoever reads may stop early (a closed pipe); the job is done, and judged, all the same.
    fn line(&mut self, line: core::fmt::Arguments<'_>) {
        let _ = writeln!(self.out, "{line}");
    }

    fn object(&mut self, object: Map<String, Value>) {
        self.line(format_args!("{}", json_line(&Value::Object(object))));
    }
}

fn fits(columns: Option<usize>, width: usize) -> bool {
    columns.is_none_or(|columns| width <= columns)
}

/// Bytes in hex, without those at the end that are secret.
fn dump(bytes: &[u8], secret: usize) -> String {
    let shown = bytes.len().saturating_sub(secret);
    hex(bytes.get(..shown).unwrap_or_default()) + &"**".repeat(secret)
}

/// Text from the network, without what could command a terminal.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(commands) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if commands(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a character does something to what stands around it, or can't be seen: controls, line separators, those that turn
/// the direction of writing, joiners, fillers and tags. With them one topic can look like another.
pub(crate) fn commands(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// JSON on one line, where such characters are written by their numbers: a program reads the same, and a terminal obeys nobody.
pub(crate) fn json_line(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(commands) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if commands(c) {
            // All of them stand in strings: JSON writes none itself.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A fact for a person; what is usual is left out.
pub(crate) fn fact(packet: &str, (name, value): &(&'static str, Value)) -> Option<String> {
    match (*name, value) {
        ("reason", Value::String(reason)) if packet != "CONNACK" && reason == "Success (0x00)" => None,
        ("dup" | "retain", Value::Bool(false)) => None,
        ("topic", Value::String(topic)) => Some(topic.clone()),
        ("reason", Value::String(reason)) => Some(reason.clone()),
        ("filters", Value::Array(list)) => Some(filters(list)),
        ("reasons", Value::Array(list)) => Some(reasons(list)),
        ("user properties", Value::Array(pairs)) => Some(pairs.iter().map(pair).collect::<Vec<_>>().join("  ")),
        (_, Value::String(text)) => Some(format!("{name} {text}")),
        (_, Value::Bool(yes)) => Some(format!("{name} {}", u8::from(*yes))),
        _ => Some(format!("{name} {value}")),
    }
}

/// Filters, and the options that all have in common once.
fn filters(list: &[Value]) -> String {
    let list: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    let split: Option<Vec<_>> = list.iter().map(|one| one.split_once(" (")).collect();
    match split.as_deref() {
        Some([(_, options), rest @ ..]) if rest.iter().all(|(_, other)| other == options) => {
            let names: Vec<&str> = split.iter().flatten().map(|(name, _)| *name).collect();
            let each = if rest.is_empty() { "" } else { "each " };
            format!("{}  ({each}{options}", names.join(", "))
        }
        _ => list.join(", "),
    }
}

/// Reason codes, the same one for all once.
fn reasons(list: &[Value]) -> String {
    match list {
        [Value::String(first), rest @ ..] if !rest.is_empty() && rest.iter().all(|other| other == first) => {
            format!("{} × {first}", list.len())
        }
        _ => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn pair(pair: &Value) -> String {
    let part = |at| pair.get(at).and_then(Value::as_str).unwrap_or_default();
    format!("{}={}", part(0), part(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_network_commands_no_terminal() {
        assert_eq!(plain("oc2/cmd/all"), "oc2/cmd/all");
        assert_eq!(plain("a\u{1b}[2Jb\n\u{9b}c"), "a\\u{1b}[2Jb\\n\\u{9b}c");
        // A file that seems to end with .txt, and two names that look the same.
        assert_eq!(plain("a\u{202e}txt.exe"), "a\\u{202e}txt.exe");
        assert_eq!(plain("fw\u{200b}1\u{e0041}"), "fw\\u{200b}1\\u{e0041}");
        assert_eq!(plain("Zürich 漢字 –"), "Zürich 漢字 –");
    }

    #[test]
    fn json_says_the_same_without_commanding_a_terminal() {
        let value = json!({"a\u{9b}": "\u{1b}[2J\u{202e}\u{7f}\u{e0041}ü"});
        let line = json_line(&value);
        assert_eq!(line, r#"{"a\u009b":"\u001b[2J\u202e\u007f\udb40\udc41ü"}"#);
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}
