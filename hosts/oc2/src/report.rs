//! Who answered what, after how long: the table at the end, and the one line that closes the job.

use core::fmt;
use core::time::Duration;

use openc2_mqtt::Status;
use serde_json::{Value, json};

/// One expected response, and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The command in short: action and target.
    pub(crate) command: String,
    /// The topic it was published to.
    pub(crate) topic: String,
    /// Who was expected to answer.
    pub(crate) from: String,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The response came, with the status that was expected.
    Answered { after: Duration, status: Status, says: String },
    /// A response came, but not the one that was expected.
    Unexpected { after: Duration, status: Status, says: String },
    /// Nothing came before the deadline.
    Missing,
}

impl Row {
    pub(crate) fn ok(&self) -> bool {
        matches!(self.outcome, Outcome::Answered { .. })
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.outcome == Outcome::Missing
    }

    /// The row for programs.
    pub(crate) fn json(&self) -> Value {
        let (after, status, says) = match &self.outcome {
            Outcome::Answered { after, status, says } | Outcome::Unexpected { after, status, says } => {
                (json!(milliseconds(*after)), json!(status.code()), json!(says))
            }
            Outcome::Missing => (Value::Null, Value::Null, Value::Null),
        };
        let Self { command, topic, from, .. } = self;
        json!({
            "command": command, "topic": topic, "answered_by": from, "after_ms": after, "status": status,
            "response": says, "as_expected": self.ok(),
        })
    }

    fn cells(&self) -> [String; 6] {
        let [after, status, says] = match &self.outcome {
            Outcome::Answered { after, status, says } => [in_ms(*after), status.to_string(), says.clone()],
            Outcome::Unexpected { after, status, says } => {
                [in_ms(*after), format!("{status} (unexpected)"), says.clone()]
            }
            Outcome::Missing => ["–".into(), "no response".into(), String::new()],
        };
        [self.command.clone(), self.topic.clone(), self.from.clone(), after, status, says]
    }
}

/// The whole job in figures.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) commands: usize,
    pub(crate) expected: usize,
    pub(crate) answered: usize,
    pub(crate) packets: usize,
    pub(crate) invalid: usize,
    pub(crate) took: Duration,
}

impl Summary {
    pub(crate) fn json(&self) -> Value {
        let Self { commands, expected, answered, packets, invalid, took } = self;
        json!({
            "commands": commands, "expected": expected, "answered": answered, "packets": packets,
            "invalid_packets": invalid, "ms": milliseconds(*took),
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commands, expected, answered, packets, invalid, took } = self;
        write!(f, "{answered} of {expected} expected responses to {commands} commands came in {}; ", in_ms(*took))?;
        match invalid {
            0 => write!(f, "{packets} packets, all valid"),
            _ => write!(f, "{invalid} of {packets} packets were not valid"),
        }
    }
}

const HEAD: [&str; 6] = ["command", "topic", "answered by", "after", "status", "response"];

/// The table's lines: a head, and a line for each row, aligned.
pub(crate) fn table(rows: &[Row]) -> Vec<String> {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: [usize; 6] = core::array::from_fn(width);
    lines
        .iter()
        .map(|cells| {
            let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
                3 => format!("{cell:>width$}"),
                _ => format!("{cell:<width$}"),
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

pub(crate) fn in_ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Milliseconds, to the microsecond.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_says_what_did_not_come() {
        let row = |from: &str, outcome| Row {
            command: "query features".into(),
            topic: "oc2/cmd/all".into(),
            from: from.into(),
            outcome,
        };
        let answered = |micros, status| Outcome::Answered {
            after: Duration::from_micros(micros),
            status,
            says: "profiles".into(),
        };
        let rows = [
            row("c1", answered(12_340, Status::Ok)),
            row("consumer", answered(900, Status::Ok)),
            row("c3", Outcome::Missing),
        ];
        assert_eq!(
            table(&rows),
            [
                "command         topic        answered by    after  status       response",
                "query features  oc2/cmd/all  c1           12.3 ms  200 OK       profiles",
                "query features  oc2/cmd/all  consumer      0.9 ms  200 OK       profiles",
                "query features  oc2/cmd/all  c3                 –  no response",
            ]
        );
        assert_eq!(rows.iter().filter(|row| row.ok()).count(), 2);
    }
}
