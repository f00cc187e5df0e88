//! What a server is asked, case by case, a file for each chapter. A case names the statements that it looks at; those that it
//! does not come to are not seen.

use mqtt5_codec::{ConnAck, Packet, Property, QoS, SubscriptionOptions};

use super::talk::{Got, Talk, Try, read};

mod authenticating;
mod connecting;
mod delivery;
pub(super) mod malformed;
mod messages;
mod offered;
mod sending_again;
mod sharing;
mod subscribing;
mod websocket;
mod wills;

/// A case.
#[derive(Debug)]
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// The statements that it looks at.
    pub statements: &'static [&'static str],
    /// What it does.
    pub run: fn(&mut Talk<'_>) -> Try<()>,
    /// It takes seconds, and measures with margins.
    pub long: bool,
    /// It sees what other cases do, so none runs meanwhile.
    pub alone: bool,
}

const fn case(name: &'static str, statements: &'static [&'static str], run: fn(&mut Talk<'_>) -> Try<()>) -> Case {
    Case { name, statements, run, long: false, alone: false }
}

const fn long(name: &'static str, statements: &'static [&'static str], run: fn(&mut Talk<'_>) -> Try<()>) -> Case {
    Case { name, statements, run, long: true, alone: false }
}

const fn alone(name: &'static str, statements: &'static [&'static str], run: fn(&mut Talk<'_>) -> Try<()>) -> Case {
    Case { name, statements, run, long: false, alone: true }
}

/// All cases.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    let chapters = [
        connecting::CASES,
        authenticating::CASES,
        offered::CASES,
        wills::CASES,
        messages::CASES,
        delivery::CASES,
        sending_again::CASES,
        subscribing::CASES,
        sharing::CASES,
        malformed::CASES,
        websocket::CASES,
    ];
    chapters.into_iter().flatten()
}

const LASTING: &[Property<'_>] = &[Property::SessionExpiryInterval(60)];

fn options(maximum_qos: QoS) -> SubscriptionOptions {
    SubscriptionOptions { maximum_qos, ..SubscriptionOptions::default() }
}

fn present(connack: &[u8]) -> bool {
    matches!(read(connack), Some(Packet::ConnAck(ConnAck { session_present: true, .. })))
}

/// A message, for people.
fn shown(got: &Option<Got>) -> String {
    match got {
        None => "nothing came".to_owned(),
        Some(got) => format!("{} came", super::talk::tell(&got.bytes)),
    }
}

fn payload(got: &Option<Got>) -> &str {
    got.as_ref().map_or("", |got| &got.payload)
}
