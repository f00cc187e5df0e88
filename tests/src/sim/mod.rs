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

/// Plays the schedule of a seed; with a trace, tells all that happens.
///
/// # Errors
/// When something did not hold.
pub fn run(seed: u64, trace: bool) -> Result<Played, Box<Failure>> {
    let (played, problems, trace) = play(seed, trace);
    if problems.is_empty() { Ok(played) } else { Err(Box::new(Failure { seed, problems, trace })) }
}

/// Plays the schedule of a seed, and tells all that happens, and what did not hold.
#[must_use]
pub fn trace(seed: u64) -> (Vec<String>, Vec<String>) {
    let (_, problems, trace) = play(seed, true);
    (trace, problems)
}

fn play(seed: u64, trace: bool) -> (Played, Vec<String>, Vec<String>) {
    let mut tables = [[0; 64]; 2];
    let [first, second] = &mut tables;
    let mut world = World::new(seed, trace, first, second);
    world.play();
    world.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_thousand_schedules_hold() {
        for seed in 0..5_000 {
            if let Err(failure) = run(seed, true) {
                panic!("{failure}");
            }
        }
    }

    #[test]
    fn a_seed_plays_the_same_schedule_every_time() {
        for seed in 0..20 {
            let play = || run(seed, true).map(|played| (played.steps, played.messages, played.connections));
            assert_eq!(play().ok(), play().ok());
        }
    }
}
