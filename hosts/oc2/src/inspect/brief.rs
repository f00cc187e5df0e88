//! What takes a line, where there is room for one: a packet in brief, a note, what was seen in all.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use mqtt5_codec::{PacketType, Sender};

use super::openc2::Opened;
use super::show::{BAD, DOWN, Fault, GAP, GOOD, OFFSET, Shape, UP};
use super::stream::{Seeing, Verdict};
use super::{Label, Tally, time_of_day};
use crate::packet::tell;
use crate::printer::{fact, plain};
use crate::terminal::{flow, width, wrap};

/// A packet on one line, or what it takes of a narrow terminal.
pub(crate) fn packet(
    out: &mut dyn Write,
    shape: Shape,
    label: &Label,
    number: usize,
    seeing: &Seeing<'_>,
    opened: Option<&Opened>,
    fault: Option<&Fault>,
) -> io::Result<()> {
    let up = seeing.from == Sender::Client;
    let (style, arrow) = if up { (UP, "──▶") } else { (DOWN, "◀──") };
    let name = PacketType::from_first_byte(seeing.bytes.first().copied().unwrap_or_default());
    let mut parts = vec![format!("{number:>4}")];
    parts.extend(seeing.time.map(time_of_day));
    // Of one connection the arrow says enough.
    parts.push(if label.client == "client" { arrow.to_owned() } else { format!("{} {arrow}", label.client) });
    parts.push(name.map_or("reserved type", |name| name.name()).to_owned());
    let head = parts.join("  ");
    let mut facts = Vec::new();
    if let Verdict::Valid(packet) = &seeing.verdict {
        let told = tell(packet);
        facts.extend(told.facts.iter().filter_map(|one| fact(told.name, one)));
        facts.extend(told.payload.map(|payload| format!("{} bytes", payload.len())));
    }
    facts.extend(seeing.alias_of.map(str::to_owned));
    let indent = width(&head) + GAP;
    let (first, indent) =
        if shape.columns.is_some_and(|columns| indent + 30 > columns) { (None, 6) } else { (Some(()), indent) };
    let mut lines = flow(&facts, shape.room(indent)).into_iter();
    let beside = first.and_then(|()| lines.next()).unwrap_or_default();
    writeln!(out, "{style}{head}{style:#}  {}", plain(&beside))?;
    for line in lines.filter(|line| !line.is_empty()) {
        writeln!(out, "{:indent$}{}", "", plain(&line))?;
    }
    if let Some(opened) = opened {
        let colour = if opened.is_good() { GOOD } else { BAD };
        let violations = opened.violations.iter().map(|(meaning, section)| format!("{meaning} [{section}]"));
        let errors = opened.error.iter().map(ToString::to_string);
        let parts =
            ["OpenC2".to_owned()].into_iter().chain(opened.says.iter().cloned()).chain(errors).chain(violations);
        for line in flow(&parts.collect::<Vec<_>>(), shape.room(indent)) {
            writeln!(out, "{:indent$}{colour}{}{colour:#}", "", plain(&line))?;
        }
    }
    if let Some(fault) = fault {
        for line in wrap(&format!("byte {}: {}", fault.at, fault.says), shape.room(indent)) {
            writeln!(out, "{:indent$}{BAD}{line}{BAD:#}", "")?;
        }
    }
    Ok(())
}

/// What is good to know of a packet, below its fields.
pub(crate) fn aside(out: &mut dyn Write, shape: Shape, what: &str) -> io::Result<()> {
    let indent = OFFSET + GAP;
    for line in wrap(what, shape.room(indent)) {
        writeln!(out, "{:indent$}{}", "", plain(&line))?;
    }
    Ok(())
}

/// What is no packet.
pub(crate) fn note(out: &mut dyn Write, shape: Shape, what: &str) -> io::Result<()> {
    const NOTE: Style = AnsiColor::Yellow.on_default();
    for line in wrap(&format!("── {what}"), shape.columns) {
        writeln!(out, "{NOTE}{}{NOTE:#}", plain(&line))?;
    }
    Ok(())
}

/// What was seen, in a line.
pub(crate) fn summary(out: &mut dyn Write, shape: Shape, tally: &Tally) -> io::Result<()> {
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let bad = |count: usize| if count == 0 { "all valid".to_owned() } else { format!("{count} not valid") };
    let mut says = match tally.packets {
        0 => "no packets".to_owned(),
        packets => format!("{}, {}", count(packets, "packet"), bad(tally.bad)),
    };
    if tally.openc2 > 0 {
        says += &format!("; {}, {}", count(tally.openc2, "OpenC2 message"), bad(tally.bad_openc2));
    }
    if tally.skipped > 0 {
        says += &format!("; {} bytes passed over", tally.skipped);
    }
    let style = if tally.bad + tally.bad_openc2 > 0 { BAD } else { Style::new().bold() };
    for line in wrap(&says, shape.columns) {
        writeln!(out, "{style}{line}{style:#}")?;
    }
    Ok(())
}
