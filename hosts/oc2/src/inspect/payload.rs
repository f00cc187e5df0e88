//! What a PUBLISH carries, for people: OpenC2 opened, JSON indented, anything else as it can be read.

use std::io::{self, Write};

use anstyle::Style;
use mqtt5_codec::Packet;
use serde_json::Value;

use super::openc2::Opened;
use super::show::{BAD, DIM, GAP, GOOD, OFFSET, Shape};
use crate::packet::readable;
use crate::printer::plain;
use crate::terminal::{flow, width, wrap};

/// So many lines of a payload are shown, unless all are asked for.
const LINES: usize = 24;

/// What a PUBLISH carries.
pub(crate) fn show(out: &mut dyn Write, shape: Shape, packet: &Packet<'_>, opened: Option<&Opened>) -> io::Result<()> {
    let Packet::Publish(publish) = packet else { return Ok(()) };
    let indent = OFFSET + GAP;
    let room = shape.room(indent);
    let mut style = DIM;
    if let Some(opened) = opened {
        let good = opened.is_good();
        let (mark, colour) = if good { ("OpenC2", GOOD) } else { ("OpenC2, not valid", BAD) };
        let parts: Vec<String> = [mark.to_owned()].into_iter().chain(opened.says.iter().cloned()).collect();
        for line in flow(&parts, room) {
            writeln!(out, "{:indent$}{colour}{}{colour:#}", "", plain(&line))?;
        }
        for (meaning, section) in &opened.violations {
            bad(out, shape, &format!("{meaning} [{section}]"))?;
        }
        for habit in &opened.forgiven {
            for line in wrap(&format!("forgiven: {habit}"), room) {
                writeln!(out, "{:indent$}{line}", "")?;
            }
        }
        if let Some(error) = &opened.error {
            return language(out, shape, publish.payload, error);
        }
        style = Style::new();
    }
    let message = opened.and_then(|opened| opened.message.clone());
    let lines = text_of(publish.payload, message, room);
    let most = if shape.all { usize::MAX } else { LINES };
    for line in lines.iter().take(most) {
        writeln!(out, "{:indent$}{style}{}{style:#}", "", plain(line))?;
    }
    if lines.len() > most {
        writeln!(out, "{:indent$}{DIM}… {} more lines, which -v shows{DIM:#}", "", lines.len() - most)?;
    }
    Ok(())
}

/// A payload in lines: JSON indented, text as it stands, CBOR in diagnostic notation, anything else in hex.
fn text_of(payload: &[u8], message: Option<Value>, room: Option<usize>) -> Vec<String> {
    let parsed = message.or_else(|| {
        serde_json::from_slice::<Value>(payload).ok().filter(|value| value.is_object() || value.is_array())
    });
    let text = parsed.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| readable(payload));
    let mut lines = Vec::new();
    for line in text.lines() {
        let inner = line.len() - line.trim_start().len();
        // Continued lines keep the indentation of what they continue.
        let parts = wrap(line.trim_start(), room.map(|room| room.saturating_sub(inner).max(10)));
        lines.extend(parts.iter().map(|part| format!("{:inner$}{part}", "")));
    }
    lines
}

fn bad(out: &mut dyn Write, shape: Shape, says: &str) -> io::Result<()> {
    let indent = OFFSET + GAP;
    for line in wrap(says, shape.room(indent)) {
        writeln!(out, "{:indent$}{BAD}{}{BAD:#}", "", plain(&line))?;
    }
    Ok(())
}

/// Where a payload breaks the language: what stands around the place, and a caret under it.
fn language(out: &mut dyn Write, shape: Shape, payload: &[u8], error: &openc2_mqtt::Error) -> io::Result<()> {
    let indent = OFFSET + GAP;
    let room = shape.room(indent + 4).unwrap_or(100).min(100);
    bad(out, shape, &error.to_string())?;
    let (line, caret) = match core::str::from_utf8(payload) {
        Ok(text) => around(text, error.at, room),
        Err(_) => around_bytes(payload, error.at, room / 3),
    };
    writeln!(out, "{:indent$}{line}", "")?;
    writeln!(out, "{:indent$}{:caret$}{BAD}^ byte {}{BAD:#}", "", "", error.at)
}

/// The text around a byte, on one line, and the column of that byte in it.
fn around(text: &str, at: usize, room: usize) -> (String, usize) {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (before, behind) = text.split_at_checked(at).unwrap_or((text, ""));
    let flat = |text: &str| plain(&text.replace(['\n', '\r', '\t'], " ")).into_owned();
    // Twice as much before the place as behind it.
    let head: String = before.chars().rev().take(room * 2 / 3).collect::<Vec<_>>().into_iter().rev().collect();
    let tail: String = behind.chars().take(room / 3).collect();
    let (cut_head, cut_tail) = (head.len() < before.len(), tail.len() < behind.len());
    let head = format!("{}{}", if cut_head { "…" } else { "" }, flat(&head));
    let caret = width(&head);
    (format!("{head}{}{}", flat(&tail), if cut_tail { "…" } else { "" }), caret)
}

fn around_bytes(bytes: &[u8], at: usize, room: usize) -> (String, usize) {
    let from = at.saturating_sub(room * 2 / 3);
    let shown = bytes.iter().skip(from).take(room).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let cut = if from > 0 { "…" } else { "" };
    (format!("{cut}{shown}"), width(cut) + (at - from) * 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_around_a_place_has_that_place_under_the_caret() {
        let text = "{\"a\":1,\"target\":{\"ipv4_net\":\"300.0.0.0/8\"},\"b\":[1,2,3,4,5,6,7,8,9]}";
        let at = text.find("\"300").unwrap();
        for room in [10, 20, 40, 200] {
            let (line, caret) = around(text, at, room);
            assert!(line.chars().skip(caret).collect::<String>().starts_with("\"30"), "{line} {caret}");
            assert!(width(&line) <= room + 2);
        }
        assert_eq!(around("ab", 2, 30), ("ab".into(), 2));
        assert_eq!(around_bytes(&[1, 2, 3, 4, 5, 6], 5, 3), ("…04 05 06".into(), 7));
    }
}
