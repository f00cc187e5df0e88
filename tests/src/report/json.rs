//! A report for programs: `tests/report.schema.json` says what stands in it.

use serde_json::{Value, json};

use super::{Counts, Finding, Report, Verdict, chapters, says};

/// What the JSON of a report is called, with its version: a key is never given another meaning under the same one.
pub const SCHEMA: &str = "mqtt5-conformance-report/1";

impl Report {
    /// The report as one JSON object.
    #[must_use]
    pub fn json(&self) -> String {
        let Counts { pass, fail, should, not_seen, known } = self.counts();
        let verdicts: Vec<_> =
            self.ordered().into_iter().map(|(statement, verdict)| self.verdict(statement, verdict)).collect();
        json!({
            "schema": SCHEMA,
            "tool": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
            "judge": self.judge,
            "target": self.target,
            "well": self.well(),
            "counts": { "pass": pass, "fail": fail, "should": should, "not_seen": not_seen, "known": known },
            "verdicts": verdicts,
        })
        .to_string()
    }

    fn verdict(&self, statement: &str, verdict: &Verdict) -> Value {
        let mut object = json!({
            "id": statement,
            "chapter": chapters::title(statement),
            "says": says(statement),
            "verdict": verdict.word(),
        });
        let mut put = |key: &str, value: Value| {
            if let Some(object) = object.as_object_mut() {
                object.insert(key.to_owned(), value);
            }
        };
        match verdict {
            Verdict::Pass(times) => put("times", json!(times)),
            Verdict::NotSeen(why) => put("why", json!(why)),
            Verdict::Fail(finding) | Verdict::Should(finding) => put("found", found(finding)),
        }
        if self.known.contains(statement) {
            put("known", json!(true));
        }
        if let Some(note) = self.notes.get(statement) {
            put("note", json!(note));
        }
        object
    }
}

fn found(finding: &Finding) -> Value {
    let Finding { trial, expected, seen, bytes, packets } = finding;
    let bytes = bytes.as_ref().map(|bytes| {
        let mut digits = Vec::new();
        crate::hex::write(&bytes.bytes, &mut digits);
        json!({ "from": bytes.from, "hex": String::from_utf8_lossy(&digits), "at": bytes.at })
    });
    json!({ "trial": trial, "expected": expected, "seen": seen, "bytes": bytes, "packets": packets })
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;

    #[test]
    fn the_json_is_as_its_schema_says() {
        let schema: Value = serde_json::from_str(include_str!("../../report.schema.json")).unwrap();
        let mut report = report();
        report.notes.insert("MQTT-3.3.2-2".to_owned(), "a note".to_owned());
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        super::super::fits(&json, &schema, "report");
        assert_eq!(json["verdicts"][2]["found"]["bytes"], json!({ "from": "server", "hex": "300400012300", "at": 4 }));
        assert_eq!(json["counts"], json!({ "pass": 1, "fail": 2, "should": 1, "not_seen": 1, "known": 1 }));
    }
}
