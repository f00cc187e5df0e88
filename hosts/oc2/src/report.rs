//! Who answered what, after how long: the table at the end, and the one line that closes the job.

use core::fmt;
use core::time::Duration;

use openc2_mqtt::Status;
use serde_json::{Value, json};

use crate::table::{self, Column};

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
            "type": "response", "command": command, "topic": topic, "answered_by": from, "after_ms": after, "status": status,
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
            "type": "summary", "commands": commands, "expected": expected, "answered": answered, "packets": packets,
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

const COLUMNS: [Column; 6] = [
    Column::left("command"),
    Column::left("topic"),
    Column::left("answered by"),
    Column::right("after"),
    Column::left("status"),
    Column::left("response"),
];

/// The table's lines, in so many columns: a head, and what each row takes, with that row.
pub(crate) fn table(rows: &[Row], columns: Option<usize>) -> Vec<(Option<&Row>, String)> {
    let cells: Vec<_> = rows.iter().map(Row::cells).collect();
    let lines = table::lines(&COLUMNS, &cells, columns);
    lines.into_iter().map(|(at, line)| (at.and_then(|at| rows.get(at)), line)).collect()
}

pub(crate) fn in_ms(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 10.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
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
        let lines: Vec<String> = table(&rows, None).into_iter().map(|(_, line)| line).collect();
        assert_eq!(
            lines,
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
