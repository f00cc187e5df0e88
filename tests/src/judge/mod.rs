//! Judges of others: of a server, from outside, and of a client, by a server that watches it. Each says of every statement that
//! it can see whether it was kept, broken, or not seen.

pub mod cases;
pub mod command;
pub mod lapse;
pub mod peer;
pub mod run;
pub mod server;
pub mod talk;
pub mod target;
#[cfg(test)]
mod tests;

/// The judges that look at a statement, by the command that runs them.
#[must_use]
pub fn judges(statement: &str) -> Vec<&'static str> {
    let of_server = cases::cases().any(|case| case.statements.contains(&statement));
    let of_client = peer::statements().any(|of_client| of_client == statement);
    [(of_server, "broker"), (of_client, "peer")].into_iter().filter(|(of, _)| *of).map(|(_, judge)| judge).collect()
}
