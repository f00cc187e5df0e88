//! The rows, and how they are run.

use std::env;
use std::time::Instant;

use crate::broker::Broker;
use crate::{Host, Outcome, faults, floods, roads};

/// One test.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The scheme that it needs of the host and of the broker.
    pub(crate) scheme: &'static str,
    /// Whether it needs a broker that can be stopped.
    pub(crate) own_broker: bool,
    pub(crate) test: fn(&dyn Host, &mut Broker) -> Outcome,
}

/// Runs every row that this host and the broker can have, and prints what came of it. Fails with the number of rows that
/// failed.
///
/// # Errors
/// Which rows failed, and why; or why there is no broker. Without any broker nothing is run, which is said and is no failure.
pub fn run(host: &dyn Host) -> Result<(), String> {
    let Some(mut broker) = Broker::find()? else {
        println!("{}: mosquitto is not installed, and MQTT_BROKER names no broker: nothing is tested", host.name());
        return Ok(());
    };
    let only = env::var("MQTT_ROW").unwrap_or_default();
    let mut failed = Vec::new();
    for row in roads::ROWS.iter().chain(faults::ROWS).chain(floods::ROWS) {
        if !row.name.contains(&only) {
            continue;
        }
        if !host.speaks(row.scheme) || broker.url(row.scheme).is_none() || row.own_broker && !broker.is_ours() {
            println!("{:9} -       {}", host.name(), row.name);
            continue;
        }
        let begun = Instant::now();
        let outcome = (row.test)(host, &mut broker);
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("{:9} {verdict:6} {:5.1} s  {}", host.name(), begun.elapsed().as_secs_f32(), row.name);
        if let Err(why) = outcome {
            println!("          {why}");
            failed.push(format!("{}: {why}", row.name));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}
