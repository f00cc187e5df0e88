//! What a judge found, statement by statement. How that is shown is in the files below: as text, JSON, JUnit or a page.

use core::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

mod chapters;
pub mod form;
mod json;
mod junit;
mod page;
#[cfg(test)]
mod schema;
mod text;

pub use json::SCHEMA;
#[cfg(test)]
pub(crate) use schema::fits;
pub(crate) use text::brief;

/// Bytes that show something, and which of them is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// Who sent them: `client` or `server`.
    pub from: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The offset of the one to blame, in bytes from the first.
    pub at: Option<usize>,
}

/// How a statement was broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The trial in which it was.
    pub trial: String,
    /// What had to be.
    pub expected: String,
    /// What was.
    pub seen: String,
    /// The bytes that show it.
    pub bytes: Option<Bytes>,
    /// The last packets before, oldest first, a line each.
    pub packets: Vec<String>,
}

/// How much a statement binds whom it is said of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It has to be so.
    Must,
    /// It should be so, or only the sender is bound and a receiver does well to look: what breaks it fails no run.
    Should,
}

/// What was found of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was kept each time it was looked at.
    Pass(u32),
    /// It was broken; how.
    Fail(Finding),
    /// It says what should be, and that was not so.
    Should(Finding),
    /// It could not be looked at; why, and what to pass so that it can.
    NotSeen(String),
}

impl Verdict {
    /// What it is called in every form of a report.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pass(_) => "pass",
            Self::Fail(_) => "fail",
            Self::Should(_) => "should",
            Self::NotSeen(_) => "not_seen",
        }
    }
}

/// How many statements have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Kept.
    pub pass: usize,
    /// Broken.
    pub fail: usize,
    /// Not as it should be.
    pub should: usize,
    /// Not seen.
    pub not_seen: usize,
    /// Of the broken ones: known to be.
    pub known: usize,
}

/// What was found of all statements.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The command that judged: `broker`, `peer`, `codec` or `interop`.
    pub judge: &'static str,
    /// Who was judged.
    pub target: String,
    /// By statement.
    pub verdicts: BTreeMap<String, Verdict>,
    /// What else is to be told of a statement.
    pub notes: BTreeMap<String, String>,
    /// Statements that are known to be broken.
    pub known: BTreeSet<String>,
}

impl Report {
    /// A statement was looked at, and kept or not; what breaks it is found out only then.
    pub fn record(&mut self, statement: &str, class: Class, kept: bool, finding: impl FnOnce() -> Finding) {
        let verdict = self.verdicts.entry(statement.to_owned()).or_insert(Verdict::Pass(0));
        match (kept, class, &mut *verdict) {
            (_, _, Verdict::Fail(_)) | (true, _, Verdict::Should(_)) | (false, Class::Should, Verdict::Should(_)) => {}
            (true, _, Verdict::Pass(times)) => *times = times.saturating_add(1),
            (true, _, Verdict::NotSeen(_)) => *verdict = Verdict::Pass(1),
            (false, Class::Must, _) => *verdict = Verdict::Fail(finding()),
            (false, Class::Should, _) => *verdict = Verdict::Should(finding()),
        }
    }

    /// A statement was kept.
    pub fn keeps(&mut self, statement: &str) {
        self.record(statement, Class::Must, true, Finding::default);
    }

    /// A statement could not be looked at.
    pub fn not_seen(&mut self, statement: &str, why: &str) {
        self.verdicts.entry(statement.to_owned()).or_insert_with(|| Verdict::NotSeen(why.to_owned()));
    }

    /// Takes in what another judge of the same target found.
    pub fn merge(&mut self, other: Self) {
        for (statement, verdict) in other.verdicts {
            match verdict {
                Verdict::Pass(times) => {
                    self.keeps(&statement);
                    if let Some(Verdict::Pass(all)) = self.verdicts.get_mut(&statement) {
                        *all = all.saturating_add(times.saturating_sub(1));
                    }
                }
                Verdict::Fail(finding) => self.record(&statement, Class::Must, false, || finding),
                Verdict::Should(finding) => self.record(&statement, Class::Should, false, || finding),
                Verdict::NotSeen(why) => self.not_seen(&statement, &why),
            }
        }
        self.notes.extend(other.notes);
    }

    /// Whether a statement was broken.
    #[must_use]
    pub fn fails(&self, statement: &str) -> bool {
        matches!(self.verdicts.get(statement), Some(Verdict::Fail(_)))
    }

    /// Whether a statement was kept.
    #[must_use]
    pub fn passes(&self, statement: &str) -> bool {
        matches!(self.verdicts.get(statement), Some(Verdict::Pass(_)))
    }

    /// How many were kept, broken, not as they should be, and not seen.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (statement, verdict) in &self.verdicts {
            match verdict {
                Verdict::Pass(_) => counts.pass += 1,
                Verdict::Fail(_) => {
                    counts.fail += 1;
                    counts.known += usize::from(self.known.contains(statement));
                }
                Verdict::Should(_) => counts.should += 1,
                Verdict::NotSeen(_) => counts.not_seen += 1,
            }
        }
        counts
    }

    /// Whether nothing was broken but what is known to be.
    #[must_use]
    pub fn well(&self) -> bool {
        let counts = self.counts();
        counts.fail == counts.known
    }

    /// Everything, in the order of the standard.
    #[must_use]
    pub fn ordered(&self) -> Vec<(&str, &Verdict)> {
        let mut all: Vec<_> = self.verdicts.iter().map(|(statement, verdict)| (&**statement, verdict)).collect();
        all.sort_by(|(one, _), (other, _)| order(one, other));
        all
    }

    /// Everything by chapter, in the order of the standard.
    #[must_use]
    pub fn chapters(&self) -> Vec<(String, Vec<(&str, &Verdict)>)> {
        let mut chapters: Vec<(String, Vec<_>)> = Vec::new();
        for (statement, verdict) in self.ordered() {
            let chapter = chapters::title(statement);
            match chapters.last_mut() {
                Some((last, verdicts)) if *last == chapter => verdicts.push((statement, verdict)),
                _ => chapters.push((chapter, vec![(statement, verdict)])),
            }
        }
        chapters
    }

    /// The counts in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Counts { pass, fail, should, not_seen, known } = self.counts();
        let known = if known > 0 { format!(" ({known} known)") } else { String::new() };
        format!("{pass} pass, {fail} fail{known}, {should} should, {not_seen} not seen")
    }
}

/// What a statement says, in our words; empty where it has no number.
#[must_use]
pub fn says(statement: &str) -> String {
    chapters::says(statement)
}

/// The order of the standard: by the numbers in a statement's identifier; what has none comes last, by name.
#[must_use]
pub fn order(one: &str, other: &str) -> Ordering {
    let numbers = |statement: &str| -> Vec<u32> {
        let Some(rest) = statement.strip_prefix("MQTT") else { return vec![u32::MAX] };
        rest.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
    };
    (numbers(one), one).cmp(&(numbers(other), other))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn finding(seen: &str) -> Finding {
        Finding {
            trial: "a trial".to_owned(),
            expected: "nothing".to_owned(),
            seen: seen.to_owned(),
            bytes: Some(Bytes { from: "server", bytes: vec![0x30, 0x04, 0x00, 0x01, 0x23, 0x00], at: Some(4) }),
            packets: vec!["1 → c0 00".to_owned()],
        }
    }

    /// One of each verdict, and one that is known.
    pub(crate) fn report() -> Report {
        let mut report = Report { judge: "broker", target: "mqtt://a<b".to_owned(), ..Report::default() };
        report.keeps("MQTT-3.10.4-1");
        report.record("MQTT-3.3.2-2", Class::Must, false, || finding("a < b"));
        report.record("MQTT-3.3.1-2", Class::Should, false, || finding("DUP"));
        report.record("MQTT-3.3.1-4", Class::Must, false, || finding("QoS 3"));
        report.not_seen("MQTT-4.12.0-5", "pass --auth-method");
        report.known.insert("MQTT-3.3.1-4".to_owned());
        report
    }

    #[test]
    fn a_statement_once_broken_stays_so_and_one_seen_is_no_longer_unseen() {
        let mut report = Report::default();
        report.not_seen("MQTT-1.5.4-1", "no time");
        report.keeps("MQTT-1.5.4-1");
        report.record("MQTT-1.5.4-2", Class::Must, false, Finding::default);
        report.keeps("MQTT-1.5.4-2");
        report.record("MQTT-2.1.3-1", Class::Should, false, Finding::default);
        report.keeps("MQTT-2.1.3-1");
        report.not_seen("MQTT-2.2.1-2", "no server");
        assert_eq!(report.counts(), Counts { pass: 1, fail: 1, should: 1, not_seen: 1, known: 0 });
        assert!(!report.well());
        report.record("MQTT-2.1.3-1", Class::Must, false, Finding::default);
        assert!(report.fails("MQTT-2.1.3-1"), "what has to be is more than what should be");
    }

    #[test]
    fn what_is_known_to_fail_does_not_fail_a_run() {
        let mut report = report();
        assert!(!report.well());
        report.known.insert("MQTT-3.3.2-2".to_owned());
        assert!(report.well());
        assert_eq!(report.sentence(), "1 pass, 2 fail (2 known), 1 should, 1 not seen");
    }

    #[test]
    fn reports_of_parts_make_one_report() {
        let mut whole = Report::default();
        whole.keeps("MQTT-3.3.1-4");
        whole.merge(report());
        whole.merge(report());
        assert!(whole.fails("MQTT-3.3.1-4") && whole.passes("MQTT-3.10.4-1"));
        assert_eq!(whole.verdicts.get("MQTT-3.10.4-1"), Some(&Verdict::Pass(2)));
    }

    #[test]
    fn the_order_is_the_standards() {
        let report = report();
        let ordered: Vec<_> = report.ordered().into_iter().map(|(statement, _)| statement).collect();
        assert_eq!(ordered, ["MQTT-3.3.1-2", "MQTT-3.3.1-4", "MQTT-3.3.2-2", "MQTT-3.10.4-1", "MQTT-4.12.0-5"]);
        let chapters: Vec<_> = report.chapters().into_iter().map(|(chapter, _)| chapter).collect();
        assert_eq!(chapters, ["3.3 PUBLISH", "3.10 UNSUBSCRIBE", "4.12 Enhanced authentication"]);
    }
}
