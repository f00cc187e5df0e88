//! A report for people, in a terminal.

use core::fmt::Write;

use super::{Bytes, Finding, Report, Verdict, says};

/// So many bytes stand in a line.
const WIDTH: usize = 24;
/// No more bytes than these are shown of one packet.
const MOST: usize = 240;

impl Report {
    /// The report by chapter: a line a statement, and below it what was expected and seen where that differs.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (chapter, verdicts) in self.chapters() {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{chapter}");
            for (statement, verdict) in verdicts {
                self.line(&mut text, statement, verdict);
            }
            text.push('\n');
        }
        for statement in &self.known {
            if self.passes(statement) {
                let _ = writeln!(text, "{statement} is known to fail, and passes now");
            }
        }
        let _ = writeln!(text, "{}", self.sentence());
        text
    }

    fn line(&self, text: &mut String, statement: &str, verdict: &Verdict) {
        let known = if self.known.contains(statement) { " (known)" } else { "" };
        let word = match verdict {
            Verdict::Pass(_) => "pass",
            Verdict::Fail(_) => "FAIL",
            Verdict::Should(_) => "should",
            Verdict::NotSeen(_) => "not seen",
        };
        let line = format!("  {word:<9} {statement:<15} {}{known}", says(statement));
        let _ = writeln!(text, "{}", line.trim_end());
        match verdict {
            Verdict::Pass(_) => {}
            Verdict::NotSeen(why) => row(text, "because", why),
            Verdict::Fail(finding) | Verdict::Should(finding) => found(text, finding),
        }
        if let Some(note) = self.notes.get(statement) {
            row(text, "note", note);
        }
    }
}

fn row(text: &mut String, name: &str, what: &str) {
    if !what.is_empty() {
        let _ = writeln!(text, "{:12}{name:<9} {what}", "");
    }
}

fn found(text: &mut String, finding: &Finding) {
    row(text, "trial", &finding.trial);
    row(text, "expected", &finding.expected);
    row(text, "seen", &finding.seen);
    if let Some(bytes) = &finding.bytes {
        for (number, (line, caret)) in dump(bytes).into_iter().enumerate() {
            row(text, if number == 0 { bytes.from } else { "" }, &line);
            if let Some(caret) = caret {
                row(text, "", &caret);
            }
        }
    }
    for (number, packet) in finding.packets.iter().enumerate() {
        row(text, if number == 0 { "packets" } else { "" }, packet);
    }
}

/// The bytes in lines, and below the one with the byte to blame a caret.
fn dump(bytes: &Bytes) -> Vec<(String, Option<String>)> {
    let shown = bytes.bytes.get(..MOST).unwrap_or(&bytes.bytes);
    let mut lines = Vec::new();
    for (number, part) in shown.chunks(WIDTH).enumerate() {
        let line: Vec<_> = part.iter().map(|byte| format!("{byte:02x}")).collect();
        let caret = bytes.at.and_then(|at| at.checked_sub(number * WIDTH)).filter(|at| {
            // A byte that is missing stands behind the last one.
            *at < part.len() || (*at == part.len() && number * WIDTH + at == bytes.bytes.len())
        });
        lines.push((line.join(" "), caret.map(|at| format!("{}^^", " ".repeat(at * 3)))));
    }
    if shown.len() < bytes.bytes.len() {
        lines.push((format!("… {} bytes in all", bytes.bytes.len()), None));
    }
    lines
}

/// Bytes in one line, as many as one cares to read.
#[must_use]
pub(crate) fn brief(bytes: &[u8]) -> String {
    let shown: Vec<_> = bytes.iter().take(WIDTH).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > WIDTH { format!(" … {} bytes", bytes.len()) } else { String::new() };
    shown.join(" ") + &more
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;

    #[test]
    fn a_report_says_what_was_expected_and_seen_and_points_at_the_byte() {
        let text = report().text();
        let wanted = "3.3 PUBLISH
  should    MQTT-3.3.1-2    QoS 0 PUBLISH has DUP=0
            trial     a trial
            expected  nothing
            seen      DUP
            server    30 04 00 01 23 00
                                  ^^
            packets   1 → c0 00
  FAIL      MQTT-3.3.1-4    QoS bits 11 are invalid (known)
";
        assert!(text.starts_with(wanted), "{text}");
        assert!(text.contains("\n            because   pass --auth-method\n"), "{text}");
        assert!(text.ends_with("\n1 pass, 2 fail (1 known), 1 should, 1 not seen\n"), "{text}");
    }

    #[test]
    fn long_bytes_stand_in_lines_and_a_missing_byte_behind_the_last() {
        let lines = dump(&Bytes { from: "client", bytes: vec![7; 26], at: Some(25) });
        assert_eq!(lines[1], ("07 07".to_owned(), Some("   ^^".to_owned())));
        let lines = dump(&Bytes { from: "client", bytes: vec![7; 2], at: Some(2) });
        assert_eq!(lines, [("07 07".to_owned(), Some("      ^^".to_owned()))]);
        let lines = dump(&Bytes { from: "client", bytes: vec![7; 24], at: Some(24) });
        assert!(lines[0].1.is_some());
        assert_eq!(dump(&Bytes { from: "client", bytes: vec![7; 1000], at: None }).len(), 11);
        assert_eq!(brief(&[1; 25]).len(), 24 * 3 - 1 + " … 25 bytes".len());
    }
}
