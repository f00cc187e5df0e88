//! What the judges' commands share: which statements, in what form the report comes, and what is known to fail.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Report, order, says};

/// Which statements are looked at, and how the report is given.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Form {
    /// Print the report as JSON; tests/report.schema.json says what stands in it.
    #[arg(long, help_heading = "Report")]
    pub json: bool,
    /// Write the report as JUnit XML, too.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub junit: Option<PathBuf>,
    /// Write the report as a page for a browser, too.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub html: Option<PathBuf>,
    /// What is known to fail: an earlier report (JSON), or a statement a line; the run fails only at what is new.
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub baseline: Option<PathBuf>,
    /// Tell what would be looked at, and end.
    #[arg(long, help_heading = "Which statements")]
    pub list: bool,
    /// Only these: statements (MQTT-3.3.1-4 or 3.3.1-4), chapters (3.3) or names of checks, with commas between.
    #[arg(long, value_name = "WHICH", value_delimiter = ',', help_heading = "Which statements")]
    pub only: Vec<String>,
    /// All but these.
    #[arg(long, value_name = "WHICH", value_delimiter = ',', help_heading = "Which statements")]
    pub skip: Vec<String>,
}

/// Whether a statement, or the name of a check, is meant by a word of `--only` or `--skip`.
fn meant(word: &str, id: &str) -> bool {
    let bare = |text: &str| text.trim_start_matches("MQTT").trim_start_matches(['-', ' ']).to_owned();
    let (word, id) = (bare(word.trim()), bare(id));
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return id.strip_prefix(&*word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']));
    }
    !word.is_empty() && id.contains(&*word)
}

impl Form {
    /// Whether a statement is to be looked at.
    #[must_use]
    pub fn wants(&self, id: &str) -> bool {
        let among = |words: &[String]| words.iter().any(|word| meant(word, id));
        (self.only.is_empty() || among(&self.only)) && !among(&self.skip)
    }

    /// Tells what would be looked at, a line each.
    ///
    /// # Errors
    /// When nothing would, or writing fails.
    pub fn tell<'i>(&self, ids: impl Iterator<Item = &'i str>, mut output: impl Write) -> io::Result<()> {
        let mut ids: Vec<_> = ids.filter(|id| self.wants(id)).collect();
        ids.sort_by(|one, other| order(one, other));
        ids.dedup();
        if ids.is_empty() {
            return Err(io::Error::other("no statement is left to look at"));
        }
        for id in ids {
            writeln!(output, "{}", format!("{id:<15} {}", says(id)).trim_end())?;
        }
        Ok(())
    }

    /// Gives the report. Returns whether nothing was broken that is not known to be.
    ///
    /// # Errors
    /// When nothing was looked at, the baseline can't be read, or writing fails.
    pub fn give(&self, report: Report, mut output: impl Write) -> io::Result<bool> {
        let report = self.file(report)?;
        if self.json {
            writeln!(output, "{}", report.json())?;
        } else {
            write!(output, "{}", report.text())?;
        }
        output.flush()?;
        Ok(report.well())
    }

    /// Writes the report into the files that are asked for, and returns it with what is known and wanted.
    ///
    /// # Errors
    /// As [`give`](Self::give).
    pub fn file(&self, mut report: Report) -> io::Result<Report> {
        report.verdicts.retain(|id, _| self.wants(id));
        report.notes.retain(|id, _| self.wants(id));
        if report.verdicts.is_empty() {
            return Err(io::Error::other("no statement is left to look at"));
        }
        if let Some(file) = &self.baseline {
            report.known = baseline(&fs::read_to_string(file).map_err(|error| about(file, &error))?)
                .map_err(|error| about(file, &error))?;
        }
        for (file, text) in [(&self.junit, Report::junit as fn(&Report) -> String), (&self.html, Report::html)] {
            if let Some(file) = file {
                fs::write(file, text(&report)).map_err(|error| about(file, &error))?;
            }
        }
        Ok(report)
    }
}

/// What a baseline knows to fail: the failures of a report, or the first word of each line, with `#` before remarks.
fn baseline(text: &str) -> io::Result<BTreeSet<String>> {
    if !text.trim_start().starts_with('{') {
        let id = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
        return Ok(text.lines().map(id).filter(|id| !id.is_empty()).collect());
    }
    let report: Value = serde_json::from_str(text).map_err(io::Error::other)?;
    let verdicts = report.get("verdicts").and_then(Value::as_array);
    let verdicts = verdicts.ok_or_else(|| io::Error::other("a report has verdicts, and this has none"))?;
    let failed = verdicts.iter().filter(|verdict| verdict.get("verdict").is_some_and(|word| word == "fail"));
    Ok(failed.filter_map(|verdict| Some(verdict.get("id")?.as_str()?.to_owned())).collect())
}

/// An error that says which file it is about.
pub(crate) fn about(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;

    fn form(only: &[&str], skip: &[&str]) -> Form {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Form { only: words(only), skip: words(skip), ..Form::default() }
    }

    #[test]
    fn statements_and_chapters_are_chosen_by_number() {
        assert!(form(&[], &[]).wants("MQTT-3.3.1-4"));
        for word in ["MQTT-3.3.1-4", "3.3.1-4", "3.3.1", "3.3", "3"] {
            assert!(form(&[word], &[]).wants("MQTT-3.3.1-4"), "{word}");
            assert!(!form(&[], &[word]).wants("MQTT-3.3.1-4"), "{word}");
        }
        for word in ["3.3.1-40", "3.3.1-", "3.3.10", "4", ""] {
            assert!(!form(&[word], &[]).wants("MQTT-3.3.1-4"), "{word}");
        }
        assert!(!form(&["3.1"], &[]).wants("MQTT-3.10.4-1"));
        assert!(form(&["3.14.2"], &[]).wants("MQTT 3.14.2.2.2"));
        assert!(form(&["ping"], &[]).wants("connect, ping, disconnect"));
        assert!(!form(&["3.3"], &["3.3.1"]).wants("MQTT-3.3.1-4"));
    }

    #[test]
    fn a_baseline_is_a_report_or_a_list() {
        let list = baseline("# a broker\nMQTT-3.3.1-4 # it says so\n\nMQTT 4.8.2\n").unwrap();
        assert_eq!(list, ["MQTT 4.8.2", "MQTT-3.3.1-4"].map(str::to_owned).into());
        let known = baseline(&report().json()).unwrap();
        assert_eq!(known, ["MQTT-3.3.1-4", "MQTT-3.3.2-2"].map(str::to_owned).into());
        assert!(baseline("{").is_err());
        assert!(baseline("{}").unwrap_err().to_string().contains("no"), "a JSON object that is no report");
    }

    #[test]
    fn a_run_is_well_when_nothing_new_is_broken() {
        let file = std::env::temp_dir().join(format!("baseline-{}", std::process::id()));
        fs::write(&file, report().json()).unwrap();
        let mut form = form(&[], &[]);
        assert!(!form.give(report(), io::sink()).unwrap());
        form.baseline = Some(file.clone());
        assert!(form.give(report(), io::sink()).unwrap());
        fs::write(&file, "MQTT-3.3.1-4").unwrap();
        assert!(!form.give(report(), io::sink()).unwrap());
        form.skip = vec!["3.3.2".to_owned()];
        assert!(form.give(report(), io::sink()).unwrap());
        form.only = vec!["9".to_owned()];
        assert!(form.give(report(), io::sink()).is_err(), "an empty run is not well");
        fs::remove_file(&file).unwrap();
        form.only.clear();
        assert!(form.give(report(), io::sink()).is_err(), "a baseline that is not there");
    }
}
