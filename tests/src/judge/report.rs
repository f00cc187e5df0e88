//! What a judge found, statement by statement: as text, JSON or HTML.

use core::fmt::Write;
use std::collections::BTreeMap;

use serde_json::json;

use crate::html::escape;

/// What was found of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was kept each time it was looked at.
    Pass(u32),
    /// It was broken; how.
    Fail(String),
    /// It could not be looked at; why.
    NotSeen(String),
}

/// What was found of all statements.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By statement.
    pub verdicts: BTreeMap<String, Verdict>,
}

impl Report {
    /// A statement was looked at.
    pub fn see(&mut self, statement: &str, kept: bool, what: impl FnOnce() -> String) {
        let verdict = self.verdicts.entry(statement.to_owned()).or_insert(Verdict::Pass(0));
        match (kept, &mut *verdict) {
            (_, Verdict::Fail(_)) => {}
            (true, Verdict::Pass(times)) => *times += 1,
            (true, Verdict::NotSeen(_)) => *verdict = Verdict::Pass(1),
            (false, _) => *verdict = Verdict::Fail(what()),
        }
    }

    /// A statement could not be looked at.
    pub fn not_seen(&mut self, statement: &str, why: &str) {
        self.verdicts.entry(statement.to_owned()).or_insert_with(|| Verdict::NotSeen(why.to_owned()));
    }

    /// Whether a statement was broken.
    #[must_use]
    pub fn fails(&self, statement: &str) -> bool {
        matches!(self.verdicts.get(statement), Some(Verdict::Fail(_)))
    }

    /// How many were kept, broken and not seen.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        let count = |kind: fn(&Verdict) -> bool| self.verdicts.values().filter(|verdict| kind(verdict)).count();
        [
            count(|verdict| matches!(verdict, Verdict::Pass(_))),
            count(|verdict| matches!(verdict, Verdict::Fail(_))),
            count(|verdict| matches!(verdict, Verdict::NotSeen(_))),
        ]
    }

    /// The report for people, a line a statement.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (statement, verdict) in &self.verdicts {
            let (word, why) = words(verdict);
            let _ = writeln!(text, "{word:<8} {statement:<15} {why}");
        }
        let [pass, fail, not_seen] = self.counts();
        let _ = writeln!(text, "{pass} pass, {fail} fail, {not_seen} not seen");
        text
    }

    /// The report for programs.
    #[must_use]
    pub fn json(&self) -> String {
        let [pass, fail, not_seen] = self.counts();
        let statements: Vec<_> = self
            .verdicts
            .iter()
            .map(|(statement, verdict)| {
                let (word, why) = words(verdict);
                json!({"statement": statement, "verdict": word, "why": why})
            })
            .collect();
        json!({"pass": pass, "fail": fail, "not_seen": not_seen, "statements": statements}).to_string()
    }

    /// The report for a browser.
    #[must_use]
    pub fn html(&self, title: &str) -> String {
        let [pass, fail, not_seen] = self.counts();
        let mut body = format!("<p>{pass} pass, {fail} fail, {not_seen} not seen</p>\n<table>\n");
        body.push_str("<thead><tr><th>verdict</th><th>statement</th><th>what was seen</th></tr></thead>\n");
        for (statement, verdict) in &self.verdicts {
            let (word, why) = words(verdict);
            let class = match verdict {
                Verdict::Pass(_) => "pass",
                Verdict::Fail(_) => "fail",
                Verdict::NotSeen(_) => "dim",
            };
            let (statement, why) = (escape(statement), escape(&why));
            // Writing to a string can't fail.
            let _ = writeln!(
                body,
                "<tr><td class=\"{class}\">{word}</td><td class=\"id\">{statement}</td><td>{why}</td></tr>"
            );
        }
        crate::html::page(title, &(body + "</table>\n"))
    }
}

fn words(verdict: &Verdict) -> (&'static str, String) {
    match verdict {
        Verdict::Pass(times) => ("pass", format!("{times} times")),
        Verdict::Fail(why) => ("fail", why.clone()),
        Verdict::NotSeen(why) => ("not seen", why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_once_broken_stays_so_and_one_seen_is_no_longer_unseen() {
        let mut report = Report::default();
        report.not_seen("MQTT-1", "no time");
        report.see("MQTT-1", true, String::new);
        report.see("MQTT-2", false, || "a < b".to_owned());
        report.see("MQTT-2", true, String::new);
        report.not_seen("MQTT-3", "no server");
        assert_eq!(report.counts(), [1, 1, 1]);
        assert_eq!(
            report.text(),
            "pass     MQTT-1          1 times\nfail     MQTT-2          a < b\nnot seen MQTT-3          no server\n\
             1 pass, 1 fail, 1 not seen\n"
        );
        assert!(report.json().starts_with("{\"pass\":1,\"fail\":1,\"not_seen\":1,"));
        assert!(report.html("x").contains("<td class=\"fail\">fail</td><td class=\"id\">MQTT-2</td><td>a &lt; b</td>"));
    }
}
