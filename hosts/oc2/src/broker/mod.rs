//! A broker in the process: for the demo, and for whoever wants one to try things with.
//!
//! It is two hundred crates, so it stands behind the feature `embedded-broker`; a program without it says so.

#[cfg(not(feature = "embedded-broker"))]
mod absent;
#[cfg(feature = "embedded-broker")]
mod embedded;

use std::process::ExitCode;

#[cfg(not(feature = "embedded-broker"))]
use absent as embedded;

pub(crate) use embedded::{Error, start};

/// `oc2 broker`: runs until the process is ended.
pub(crate) fn run(broker: &crate::cli::EmbeddedBroker) -> ExitCode {
    let error = embedded::serve(broker.listen, broker.json);
    anstream::eprintln!("oc2: the embedded broker: {error}");
    ExitCode::FAILURE
}
