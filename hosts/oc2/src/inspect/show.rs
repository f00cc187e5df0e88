//! An inspected packet for people: its fields beside their bytes, a caret under what is wrong.

use std::borrow::Cow;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use mqtt5_codec::{Error, PacketType, Sender};

use super::field::Field;
use super::stream::{Seeing, Verdict};
use super::{Label, time_of_day};
use crate::printer::plain;
use crate::terminal::{flow, width, wrap};

pub(crate) const UP: Style = AnsiColor::Cyan.on_default().bold();
pub(crate) const DOWN: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const DIM: Style = Style::new().dimmed();

/// Offsets have so many columns, and two behind them.
pub(crate) const OFFSET: usize = 5;
pub(crate) const GAP: usize = 2;
/// Names have at most so many.
const NAME: usize = 28;
/// The bits of a byte take so many.
const PATTERN: usize = 9;

/// How much room there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) columns: Option<usize>,
    /// All bytes, and the whole payload.
    pub(crate) all: bool,
}

impl Shape {
    /// How many bytes stand beside their field.
    fn beside(self) -> usize {
        match self.columns {
            Some(..64) => 0,
            Some(64..100) => 4,
            _ => 8,
        }
    }

    fn hex_columns(self) -> usize {
        match self.beside() {
            0 => 0,
            beside => beside * 3 + GAP,
        }
    }

    pub(crate) fn room(self, indent: usize) -> Option<usize> {
        self.columns.map(|columns| columns.saturating_sub(indent).max(8))
    }
}

/// The line above a packet: who sent it when, and what it is.
pub(crate) fn head(
    out: &mut dyn Write,
    shape: Shape,
    label: &Label,
    number: usize,
    seeing: &Seeing<'_>,
) -> io::Result<()> {
    let up = seeing.from == Sender::Client;
    let (style, arrow) = if up { (UP, "──▶") } else { (DOWN, "◀──") };
    let name = seeing.bytes.first().and_then(|first| PacketType::from_first_byte(*first));
    let name = name.map_or("reserved type", |name| name.name());
    let count = seeing.bytes.len();
    let mut parts = vec![format!("#{number}")];
    parts.extend(seeing.time.map(time_of_day));
    parts.push(format!("{} {arrow} {}", label.client, label.server));
    parts.push(format!("{name}, {count} byte{}", if count == 1 { "" } else { "s" }));
    if seeing.offset > 0 {
        parts.push(format!("at {}", seeing.offset));
    }
    for line in flow(&parts, shape.columns) {
        writeln!(out, "{style}{}{style:#}", plain(&line))?;
    }
    Ok(())
}

/// What is wrong with a packet, and at which byte.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) says: String,
}

impl Fault {
    pub(crate) fn of(seeing: &Seeing<'_>) -> Option<Self> {
        match &seeing.verdict {
            Verdict::Valid(_) => None,
            Verdict::Bad(error) => Some(Self { at: error.at, says: told(error) }),
            Verdict::Cut { need } => {
                let at = seeing.bytes.len();
                Some(Self { at, says: format!("the bytes end here; the packet has at least {need}") })
            }
        }
    }
}

fn told(error: &Error) -> String {
    let Error { rule, reason, .. } = error;
    format!("{} [{}]; the answer is {} (0x{:02X})", rule.meaning(), rule.id(), reason.name(), reason.value())
}

/// Every field on a line, or more, beside its bytes.
pub(crate) fn fields(
    out: &mut dyn Write,
    shape: Shape,
    packet: &[u8],
    fields: &[Field],
    fault: Option<&Fault>,
) -> io::Result<()> {
    let names = fields.iter().map(|field| field.name.len() + field.depth * 2).max().unwrap_or(0);
    // Where the terminal is narrow, what is said has a third of it at least.
    let most =
        shape.columns.map_or(NAME, |columns| (columns * 2 / 3).saturating_sub(OFFSET + 2 * GAP + shape.hex_columns()));
    let names = names.min(most.min(NAME));
    // A field of no bytes is where something is missing; the fault is in the last that holds its place.
    let holds = |field: &Field, at: usize| (field.at..field.at + field.len.max(1)).contains(&at);
    let faulty = fault.and_then(|fault| {
        let inside = fields.iter().rposition(|field| holds(field, fault.at));
        inside.or_else(|| fields.len().checked_sub(1))
    });
    for (at, field) in fields.iter().enumerate() {
        let fault = fault.filter(|_| faulty == Some(at));
        one(out, shape, packet, field, names, fault)?;
    }
    Ok(())
}

fn one(
    out: &mut dyn Write,
    shape: Shape,
    packet: &[u8],
    field: &Field,
    names: usize,
    fault: Option<&Fault>,
) -> io::Result<()> {
    let rows = Rows::new(shape, packet, field);
    let lines = lines(shape, packet, field, names, fault.is_some());
    let style = if fault.is_some() { BAD } else { Style::new() };
    let blank = " ".repeat(OFFSET + GAP + shape.hex_columns());
    for at in 0..rows.count.max(lines.len()) {
        let row = if at < rows.count { rows.row(at, shape.beside()) } else { blank.clone() };
        let line = lines.get(at).map_or("", String::as_str);
        writeln!(out, "{DIM}{row}{DIM:#}{style}{}{style:#}", plain(line))?;
        if let Some(fault) = fault.filter(|fault| shape.beside() > 0 && rows.of(fault.at, shape.beside()) == at) {
            caret(out, shape, &rows, fault, shape.beside())?;
        }
    }
    let Some(fault) = fault else { return Ok(()) };
    let beside = if shape.beside() == 0 { 8 } else { shape.beside() };
    let row = rows.of(fault.at, beside);
    if shape.beside() == 0 || row >= rows.count.max(lines.len()) {
        writeln!(out, "{DIM}{}{DIM:#}", rows.row(row, beside).trim_end())?;
        caret(out, shape, &rows, fault, beside)?;
    }
    Ok(())
}

/// A field's name and what it says, on as many lines as that takes.
fn lines(shape: Shape, packet: &[u8], field: &Field, names: usize, fault: bool) -> Vec<String> {
    let name = format!("{:1$}{2}", "", field.depth * 2, field.name);
    let room = shape.room(OFFSET + GAP + shape.hex_columns() + names + GAP);
    // Where little room is left beside the names, what is said stands below them.
    let fits = |room: usize| room >= 24 || width(&field.says).max(longest_bits(field)) <= room;
    let beside = room.is_none_or(fits) && (shape.columns.is_none() || name.len() <= names);
    let (indent, room) =
        if beside { (names + GAP, room) } else { (4, shape.room(OFFSET + GAP + shape.hex_columns() + 4)) };
    let mut texts: Vec<String> = Vec::new();
    if !field.says.is_empty() {
        texts.extend(wrap(&field.says, room).into_iter().map(Cow::into_owned));
    }
    let value = packet.get(field.at).copied().unwrap_or_default();
    for (mask, says) in &field.bits {
        // What is reserved is worth a line where it is wrong.
        if fault || !says.ends_with("reserved") {
            let mut pattern = pattern(value, *mask);
            for line in wrap(says, room.map(|room| room.saturating_sub(PATTERN + GAP).max(1))) {
                texts.push(format!("{pattern:PATTERN$}  {line}"));
                pattern.clear();
            }
        }
    }
    let first = if beside && !texts.is_empty() { texts.remove(0) } else { String::new() };
    let mut lines = vec![format!("{name:<names$}  {first}")];
    lines.extend(texts.iter().map(|line| format!("{:indent$}{line}", "")));
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

fn longest_bits(field: &Field) -> usize {
    field.bits.iter().map(|(_, says)| PATTERN + GAP + width(says)).max().unwrap_or(0)
}

/// The bytes of a field, in rows.
struct Rows<'p> {
    bytes: &'p [u8],
    secret: bool,
    offset: usize,
    /// How many of them are shown.
    count: usize,
}

impl<'p> Rows<'p> {
    fn new(shape: Shape, packet: &'p [u8], field: &Field) -> Self {
        let bytes = packet.get(field.at..field.at + field.len).unwrap_or_default();
        // A payload is shown below, so a row of it is enough here.
        let all = shape.all && field.name != "payload" && shape.beside() > 0;
        let count = if all { bytes.len().div_ceil(shape.beside()).max(1) } else { 1 };
        Self { bytes, secret: field.secret, offset: field.at, count }
    }

    /// A row's offset and bytes.
    fn row(&self, row: usize, beside: usize) -> String {
        let from = row * beside;
        let bytes = self.bytes.iter().skip(from).take(beside);
        let bytes = bytes.map(|byte| if self.secret { "**".into() } else { format!("{byte:02x}") });
        let more = if beside > 0 && row + 1 >= self.count && self.bytes.len() > from + beside { "…" } else { "" };
        let hex = bytes.collect::<Vec<_>>().join(" ") + more;
        let columns = if beside == 0 { 0 } else { beside * 3 + GAP };
        format!("{:>OFFSET$}{:GAP$}{hex:<columns$}", self.offset + from, "")
    }

    /// The row that a byte of the packet stands in; what stands behind the last byte is in the last row.
    fn of(&self, at: usize, beside: usize) -> usize {
        self.inside(at).min(self.bytes.len().saturating_sub(1)) / beside.max(1)
    }

    fn inside(&self, at: usize) -> usize {
        at.saturating_sub(self.offset).min(self.bytes.len())
    }
}

/// A caret under the byte that is at fault, and why it is.
fn caret(out: &mut dyn Write, shape: Shape, rows: &Rows<'_>, fault: &Fault, beside: usize) -> io::Result<()> {
    let column = rows.inside(fault.at) - rows.of(fault.at, beside) * beside;
    let indent = OFFSET + GAP + column * 3;
    // Beside the caret, or from the left where it stands far to the right.
    let far = shape.columns.is_some_and(|columns| indent + 30 > columns);
    let (text, room) = if far { (OFFSET + GAP, OFFSET + GAP) } else { (indent + 4, indent + 4) };
    let says = wrap(&fault.says, shape.room(room));
    let mut says = says.iter();
    let beside = if far { "" } else { says.next().map_or("", |line| line.as_ref()) };
    writeln!(out, "{:indent$}{BAD}^^  {beside}{BAD:#}", "")?;
    for line in says {
        writeln!(out, "{:text$}{BAD}{line}{BAD:#}", "")?;
    }
    Ok(())
}

/// The bits of a byte that a mask selects: `.... ..1.`.
fn pattern(value: u8, mask: u8) -> String {
    let bit = |at: u8| match (mask >> at & 1, value >> at & 1) {
        (0, _) => '.',
        (_, 0) => '0',
        _ => '1',
    };
    let half = |from: u8| (from..from + 4).rev().map(bit).collect::<String>();
    format!("{} {}", half(4), half(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_its_bits() {
        assert_eq!(pattern(0x02, 0x02), ".... ..1.");
        assert_eq!(pattern(0x02, 0x18), "...0 0...");
        assert_eq!(pattern(0x36, 0x06), ".... .11.");
    }
}
