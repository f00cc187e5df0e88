//! What a server is asked, case by case, a file for each chapter. A case names the statements that it looks at; those that it
//! does not come to are not seen.

use mqtt5_codec::{ConnAck, Packet, Property, QoS, SubscriptionOptions};

use super::malformed;
use super::talk::{Got, Stop, Talk, Try, read};

mod connecting;
mod delivery;
mod messages;
mod subscribing;
mod wills;

/// What a case is called, the statements that it looks at, and what it does.
pub type Case = (&'static str, &'static [&'static str], fn(&mut Talk<'_>) -> Try<()>);

/// All cases.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    const MALFORMED: &[Case] = &[("what may not be", malformed::STATEMENTS, malformed::run)];
    let chapters = [connecting::CASES, wills::CASES, messages::CASES, delivery::CASES, subscribing::CASES, MALFORMED];
    chapters.into_iter().flatten()
}

/// Asks a server everything.
pub fn ask(talk: &mut Talk<'_>, mut progress: impl FnMut(&str)) {
    for (name, statements, run) in cases() {
        progress(name);
        let done = run(talk);
        talk.close_all();
        for statement in *statements {
            let why = match &done {
                Err(Stop(why)) => format!("{name}: {why}"),
                Ok(()) => format!("{name}: did not come to it"),
            };
            talk.report.not_seen(statement, &why);
        }
    }
}

const LASTING: &[Property<'_>] = &[Property::SessionExpiryInterval(60)];

fn options(maximum_qos: QoS) -> SubscriptionOptions {
    SubscriptionOptions { maximum_qos, ..SubscriptionOptions::default() }
}

fn present(connack: &[u8]) -> bool {
    matches!(read(connack), Some(Packet::ConnAck(ConnAck { session_present: true, .. })))
}

fn payload(got: &Option<Got>) -> &str {
    got.as_ref().map_or("nothing", |got| &got.payload)
}
