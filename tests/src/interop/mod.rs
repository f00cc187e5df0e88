//! What holds between the client and a broker, tried: every check opens its own connections, and leaves nothing behind.
//!
//! A check either holds, or tells what did not, with the last packets of the connection: as the broker's, where the bytes
//! show that it broke the standard, otherwise as failed. A lapse of the broker that nothing else depends on is told too.
#![expect(clippy::indexing_slicing, reason = "a JSON value that has no such key is null")]

use core::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::report::form::Form;
use crate::report::{Class, Finding, Report};
use crate::stream;
use crate::url::Url;

mod delivery;
mod driver;
mod ends;
mod limits;
mod resume;

use driver::{Driver, Held, Wrong};

/// Which broker, and what to try.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The broker: mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS; USER:PASSWORD@ may stand before the host.
    #[arg(long, value_name = "URL")]
    pub broker: Url,
    /// Trust the certificates in this PEM file, for mqtts://.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// A check: what holds, and how it is tried.
type Check = (&'static str, fn(&World) -> Held);

/// What became of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All held.
    Held,
    /// Some did not, by the broker's doing as the bytes show.
    BrokerWrong,
    /// Some did not, or there was none.
    Failed,
}

/// Tries all checks, and tells of each whether it held.
///
/// # Errors
/// When telling fails.
pub fn run(options: &Options, mut output: impl Write) -> io::Result<Outcome> {
    let Options { broker, ca, .. } = options.clone();
    if broker.tls && ca.is_none() {
        return Err(io::Error::other("mqtts:// needs --ca FILE, the certificates to trust"));
    }
    ca.as_deref().map(stream::trust).transpose()?;
    let world = World { broker, ca, names: Cell::new(0), notes: RefCell::default() };
    let form = &options.form;
    let checks = [delivery::CHECKS, limits::CHECKS, resume::CHECKS, ends::CHECKS].concat();
    if form.list {
        return form.tell(checks.iter().map(|(name, _)| *name), output).map(|()| Outcome::Held);
    }
    let mut report = Report { judge: "interop", target: options.broker.to_string(), ..Report::default() };
    let mut blamed = BTreeSet::new();
    for (name, check) in checks.into_iter().filter(|(name, _)| form.wants(name)) {
        let (word, what) = match check(&world) {
            Ok(()) => {
                report.keeps(name);
                ("held    ", String::new())
            }
            Err(Wrong::Broker(what)) => {
                blamed.insert(name);
                broken(&mut report, name, Class::Must, "the broker's doing", &what);
                ("BROKER  ", format!(": the broker is wrong: {what}"))
            }
            Err(Wrong::Lacks(what)) => {
                report.not_seen(name, &format!("the broker says that it has no {what}"));
                ("absent  ", format!(": the broker says that it has no {what}"))
            }
            Err(Wrong::Failed(what)) => {
                broken(&mut report, name, Class::Must, "the client's doing, or nobody knows whose", &what);
                ("FAILED  ", format!(": {what}"))
            }
        };
        let notes = world.notes.take();
        if !form.json {
            writeln!(output, "{word}{name}{what}")?;
            for note in &notes {
                writeln!(output, "BROKER  {name}: the broker is wrong, and gets by: {note}")?;
            }
            output.flush()?;
        }
        if !notes.is_empty() {
            report.notes.insert(name.to_owned(), format!("the broker is wrong, and gets by: {}", notes.join("; ")));
        }
    }
    let report = form.file(report)?;
    let counts = report.counts();
    let ours = report.verdicts.keys().filter(|name| report.fails(name) && !report.known.contains(*name));
    let ours = ours.filter(|name| !blamed.contains(&***name)).count();
    if form.json {
        writeln!(output, "{}", report.json())?;
    } else {
        let (held, lacking, broker) = (counts.pass, counts.not_seen, blamed.len());
        let failed = counts.fail - broker;
        writeln!(output, "{held} held, {broker} did not by the broker's doing, {lacking} absent, {failed} failed")?;
    }
    output.flush()?;
    Ok(match (report.well(), ours) {
        (true, _) if counts.pass + counts.known > 0 => Outcome::Held,
        (false, 0) => Outcome::BrokerWrong,
        _ => Outcome::Failed,
    })
}

/// Takes down a check that did not hold.
fn broken(report: &mut Report, name: &str, class: Class, whose: &str, what: &str) {
    let finding = || Finding {
        trial: whose.to_owned(),
        expected: "that it holds".to_owned(),
        seen: what.to_owned(),
        ..Finding::default()
    };
    report.record(name, class, false, finding);
}

/// Where the checks take place.
struct World {
    broker: Url,
    ca: Option<PathBuf>,
    names: Cell<u32>,
    /// What the broker does wrong, and gets by with.
    notes: RefCell<Vec<String>>,
}

impl World {
    /// A name that nobody else uses, for a client or a topic.
    fn name(&self) -> String {
        self.names.set(self.names.get() + 1);
        format!("interop-{}-{}", std::process::id(), self.names.get())
    }

    /// Tells what the broker does wrong in a check that holds nevertheless.
    fn note(&self, what: String) {
        self.notes.borrow_mut().push(what);
    }

    /// Opens a connection, and waits until the broker has accepted.
    fn connect(&self, client: &mut Driver, connect: &Value) -> Result<Value, Wrong> {
        client.say(&json!({ "open": self.broker.to_string() }));
        let mut connect = connect.clone();
        if let (Some((user, password)), Value::Object(connect)) = (&self.broker.user, &mut connect) {
            connect.insert("user_name".to_owned(), json!(user));
            connect.insert("password".to_owned(), json!(password));
        }
        client.say(&json!({ "connect": connect }));
        client.expect("connected")
    }

    /// A client that has not connected.
    fn driver(&self, name: &'static str) -> Driver {
        Driver::new(name, self.ca.clone())
    }

    /// A client with a clean start and these properties.
    fn client(&self, name: &'static str, properties: &Value) -> Result<Driver, Wrong> {
        let mut client = self.driver(name);
        self.connect(&mut client, &json!({ "client_id": self.name(), "properties": properties }))?;
        Ok(client)
    }

    /// A client that has subscribed to a filter.
    fn subscriber(&self, filter: &str, qos: u8) -> Result<Driver, Wrong> {
        let mut client = self.client("the subscriber", &json!({}))?;
        subscribe(&mut client, filter, qos)?;
        Ok(client)
    }
}

/// Subscribes, and sees that it is granted.
fn subscribe(client: &mut Driver, filter: &str, qos: u8) -> Held {
    client.say(&json!({ "subscribe": { "filters": [{ "filter": filter, "qos": qos }] } }));
    let subscribed = client.expect("subscribed")?;
    driver::broker(subscribed["reasons"] == json!([qos]), || format!("{subscribed} for QoS {qos}{}", client.told()))
}

/// Publishes as soon as the broker's Receive Maximum allows.
fn publish(client: &Driver, topic: &str, payload: &str, qos: u8) {
    client.say(&json!({ "publish": { "topic": topic, "payload": payload, "qos": qos, "hold": true } }));
}

/// Ends a connection in order.
fn disconnect(client: &mut Driver) -> Held {
    client.say(&json!({ "disconnect": {} }));
    client.expect("closed").map(drop)
}

/// The text of a message.
fn payload(message: &Value) -> String {
    let mut bytes = Vec::new();
    let digits = message["payload_hex"].as_str().unwrap_or_default();
    match crate::hex::read(digits.as_bytes(), &mut bytes) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_broker_is_a_failure() {
        let form = Form { only: vec!["ping".to_owned()], ..Form::default() };
        let options = Options { broker: "127.0.0.1:1".parse().unwrap(), ca: None, form };
        let mut told = Vec::new();
        assert_eq!(run(&options, &mut told).unwrap(), Outcome::Failed);
        let told = String::from_utf8(told).unwrap();
        assert!(told.starts_with("FAILED  connect, ping, disconnect: {\"event\":\"error\""), "{told}");
    }
}
