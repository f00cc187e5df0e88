//! Clients and the model broker in a world where everything happens that may: links cut at any byte, slow writes, clocks
//! that jump, restarts with and without saved state, a broker that refuses, forgets and changes its limits.
//!
//! A seed is a schedule. [`run`] plays one and says what did not hold:
//! - a QoS 1 message that was acknowledged was passed on at least once, a QoS 2 message exactly once, in their order, and
//!   what the broker had for a client reached its application likewise;
//! - the broker saw no statement broken: no identifier twice, no limit exceeded, no alias of an old link, everything that was
//!   unacknowledged sent again, in order, with DUP;
//! - every call ended in exactly one result;
//! - when the world calms down all falls quiet, and nothing is held any more on either side.

mod app;
mod book;
mod calm;
pub mod command;
mod device;
mod draw;
pub mod random;
mod record;
mod world;

use core::fmt;

use world::World;

/// What a schedule was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Played {
    /// What was done.
    pub steps: u64,
    /// Messages published.
    pub messages: u64,
    /// Connections begun.
    pub connections: u64,
}

impl Played {
    /// Adds up.
    pub const fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.messages += other.messages;
        self.connections += other.connections;
    }
}

/// What did not hold in a schedule.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The schedule.
    pub seed: u64,
    /// What did not hold, first things first.
    pub problems: Vec<String>,
    /// What happened, if it was asked for.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "  {line}")?;
        }
        for problem in &self.problems {
            writeln!(f, "seed {}: {problem}", self.seed)?;
        }
        Ok(())
    }
}

/// Plays the schedule of a seed; with a trace, tells all that happens. The broker breaks a statement where `lapse` says so.
///
/// # Errors
/// When something did not hold.
pub fn run(seed: u64, lapse: Option<&'static str>, trace: bool) -> Result<Played, Box<Failure>> {
    let (played, problems, trace) = play(seed, lapse, trace);
    if problems.is_empty() { Ok(played) } else { Err(Box::new(Failure { seed, problems, trace })) }
}

/// Plays the schedule of a seed, and tells all that happens, and what did not hold.
#[must_use]
pub fn trace(seed: u64, lapse: Option<&'static str>) -> (Vec<String>, Vec<String>) {
    let (_, problems, trace) = play(seed, lapse, true);
    (trace, problems)
}

fn play(seed: u64, lapse: Option<&'static str>, trace: bool) -> (Played, Vec<String>, Vec<String>) {
    let mut tables = [[0; 64]; 2];
    let [first, second] = &mut tables;
    let mut world = World::new(seed, lapse, trace, first, second);
    world.play();
    world.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_thousand_schedules_hold() {
        for seed in 0..5_000 {
            if let Err(failure) = run(seed, None, true) {
                panic!("{failure}");
            }
        }
    }

    #[test]
    fn an_application_that_acknowledged_by_itself_in_between_still_owes_its_answer() {
        // By hand, by itself and by hand again, without a connection in between.
        if let Err(failure) = run(6_391_402, None, true) {
            panic!("{failure}");
        }
    }

    #[test]
    fn a_seed_plays_the_same_schedule_every_time() {
        for seed in 0..20 {
            let play = || run(seed, None, true).map(|played| (played.steps, played.messages, played.connections));
            assert_eq!(play().ok(), play().ok());
        }
    }

    #[test]
    fn a_server_that_breaks_a_statement_is_found_out() {
        // What of the server's statements a client or its application sees in a few thousand schedules.
        for lapse in [
            "MQTT-3.1.3-9",
            "MQTT-3.2.2-3",
            "MQTT-3.3.2-12",
            "MQTT-3.3.4-9",
            "MQTT-3.8.4-5",
            "MQTT-3.10.4-1",
            "MQTT-3.14.4-3",
            "MQTT-4.3.2-4",
            "MQTT-4.3.3-8",
            "MQTT-4.3.3-10",
            "MQTT-4.3.3-11",
            "MQTT-4.4.0-1",
            "MQTT-4.6.0-5",
            "MQTT-4.12.0-5",
        ] {
            assert!((0..5_000).any(|seed| run(seed, Some(lapse), false).is_err()), "{lapse}");
        }
    }
}
