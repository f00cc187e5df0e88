//! What holds between the client and a broker, tried: every check opens its own connections, and leaves nothing behind.
//!
//! A check either holds, or tells what did not, with the last packets of the connection: as the broker's, where the bytes
//! show that it broke the standard, otherwise as failed.
#![expect(clippy::indexing_slicing, reason = "a JSON value that has no such key is null")]

use core::cell::Cell;
use std::io::{self, Write};

use serde_json::{Value, json};

mod delivery;
mod driver;
mod ends;
mod limits;
mod resume;

use driver::{Driver, Held, Wrong};

/// Which broker, and what to try.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The broker, as mqtt://HOST:PORT.
    #[arg(long, value_name = "URL", value_parser = place)]
    pub broker: String,
    /// Only the checks whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub only: String,
}

/// Host and port of a URL.
fn place(url: &str) -> Result<String, String> {
    let rest = url.strip_prefix("mqtt://").ok_or("mqtt://HOST:PORT is wanted")?;
    let rest = rest.trim_end_matches('/');
    Ok(if rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        rest.to_owned()
    } else {
        format!("{rest}:1883")
    })
}

/// A check: what holds, and how it is tried.
type Check = (&'static str, fn(&World) -> Held);

/// Tries all checks, and tells of each whether it held. The answer is whether all did.
///
/// # Errors
/// When telling fails.
pub fn run(options: &Options, mut output: impl Write) -> io::Result<bool> {
    let world = World { place: options.broker.clone(), names: Cell::new(0) };
    let checks = [delivery::CHECKS, limits::CHECKS, resume::CHECKS, ends::CHECKS].concat();
    let (mut held, mut wrong) = (0, 0);
    for (name, check) in checks.into_iter().filter(|(name, _)| name.contains(&options.only)) {
        match check(&world) {
            Ok(()) => {
                held += 1;
                writeln!(output, "held    {name}")?;
            }
            Err(Wrong::Broker(what)) => {
                wrong += 1;
                writeln!(output, "BROKER  {name}: the broker is wrong: {what}")?;
            }
            Err(Wrong::Failed(what)) => {
                wrong += 1;
                writeln!(output, "FAILED  {name}: {what}")?;
            }
        }
        output.flush()?;
    }
    writeln!(output, "{held} held, {wrong} did not")?;
    output.flush()?;
    Ok(wrong == 0 && held > 0)
}

/// Where the checks take place.
struct World {
    place: String,
    names: Cell<u32>,
}

impl World {
    /// A name that nobody else uses, for a client or a topic.
    fn name(&self) -> String {
        self.names.set(self.names.get() + 1);
        format!("interop-{}-{}", std::process::id(), self.names.get())
    }

    /// Opens a connection, and waits until the broker has accepted.
    fn connect(&self, client: &mut Driver, connect: &Value) -> Result<Value, Wrong> {
        client.say(&json!({ "open": self.place }));
        client.say(&json!({ "connect": connect }));
        client.expect("connected")
    }

    /// A client with a clean start and these properties.
    fn client(&self, name: &'static str, properties: &Value) -> Result<Driver, Wrong> {
        let mut client = Driver::new(name);
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
