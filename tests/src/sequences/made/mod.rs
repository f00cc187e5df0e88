//! Sequences made from tables: states of an exchange by what may come in them, packets by the phase of a connection in which they
//! come, and the standard's reason codes. Each is a transition of its own: what is the same in two states stands once.

mod malformed;
mod phases;
mod reasons;
mod receiver;
mod sender;

/// The texts.
#[must_use]
pub fn texts() -> Vec<String> {
    vec![sender::text(), receiver::text(), phases::text(), reasons::text(), malformed::text()]
}

/// A sequence as text.
pub(super) fn sequence(name: &str, should: bool, why: &str, of: &str, steps: &[&str]) -> String {
    let should = if should { "should\n" } else { "" };
    format!("\n== {name}\nwhy: {why}\nof: {of}\n{should}{}\n", steps.join("\n"))
}
