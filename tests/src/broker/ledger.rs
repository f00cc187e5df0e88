//! What was seen of each statement: how often it could have been broken, and where it was.

use core::fmt;
use std::collections::BTreeMap;

/// A statement broken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Violation {
    /// The statement, as the standard prints it: `MQTT-3.3.1-2`, or `MQTT 3.8.3.1` for one without a number.
    pub statement: &'static str,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.statement, self.what)
    }
}

/// What was seen of each statement.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Counts what was kept too; what is only watched for violations does without.
    pub counting: bool,
    kept: BTreeMap<&'static str, u64>,
    violations: Vec<Violation>,
}

impl Ledger {
    /// Takes down whether a statement was kept, and returns that.
    pub fn check(&mut self, statement: &'static str, kept: bool, what: impl FnOnce() -> String) -> bool {
        if !kept {
            self.violations.push(Violation { statement, what: what() });
        } else if self.counting {
            *self.kept.entry(statement).or_default() += 1;
        }
        kept
    }

    /// Takes down a violation.
    pub fn broken(&mut self, statement: &'static str, what: impl Into<String>) {
        self.violations.push(Violation { statement, what: what.into() });
    }

    /// The violations, oldest first.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Takes the violations out.
    pub fn take(&mut self) -> Vec<Violation> {
        core::mem::take(&mut self.violations)
    }

    /// Forgets what was kept.
    pub fn forget(&mut self) {
        self.kept.clear();
    }

    /// How often each statement was kept, of those that were seen.
    #[must_use]
    pub const fn kept(&self) -> &BTreeMap<&'static str, u64> {
        &self.kept
    }
}
