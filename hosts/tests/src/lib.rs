//! One table of tests that every host passes, against real brokers: the same rows for each, so that hosts can be compared.
//!
//! A host implements [`Host`] and [`Session`], in calls that block, and has a test that calls [`run`]. That starts a
//! mosquitto of its own, where it is installed, with a plain port, TLS, WebSocket and a Unix socket; or takes the broker that
//! `MQTT_BROKER` names, for the rows that any broker can have. It knows nothing of MQTT packets, nor of the host's crate.
//!
//! [`run_bad_input`] is a second table, of what goes wrong: it has servers of its own, which say a few bytes each.
//!
//! `MQTT_ROW` runs only rows whose name contains it. `hosts/tests/run.sh` runs the tables of all hosts against all brokers.

mod bad_input;
mod bad_servers;
mod broker;
mod faults;
mod floods;
mod proxy;
mod roads;
mod table;

use core::time::Duration;

pub use bad_input::run_bad_input;
pub use broker::Broker;
pub use table::run;

/// How a test goes wrong, in a sentence.
pub type Outcome = Result<(), String>;

/// A host under test.
pub trait Host {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Whether it speaks this scheme: `mqtt`, `mqtts`, `ws`, `wss`, `unix`.
    fn speaks(&self, scheme: &str) -> bool;

    /// Connects. A session that loses its connection connects again by itself, within a second where the broker is there.
    ///
    /// # Errors
    /// Why there is no connection.
    fn open(&self, plan: &Plan) -> Result<Box<dyn Session>, String>;
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where.
    pub url: String,
    /// The client identifier.
    pub client_id: String,
    /// Whether an older session is discarded.
    pub clean_start: bool,
    /// How long the session outlives a connection, in seconds.
    pub session_expiry: u32,
    /// The keep-alive interval, in seconds.
    pub keep_alive: u16,
    /// How long the broker may take to answer a ping.
    pub patience: Duration,
    /// How long an attempt to connect may take.
    pub connect_timeout: Duration,
    /// The roots to believe, in PEM.
    pub roots: Option<String>,
}

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// A session of a host.
pub trait Session {
    /// Publishes; returns when the message was accepted, which may take until there is room for it.
    ///
    /// # Errors
    /// Why it was not.
    fn publish(&mut self, topic: &str, payload: &[u8], qos: u8) -> Outcome;

    /// Returns when everything that was published so far has been acknowledged, with success.
    ///
    /// # Errors
    /// What was not.
    fn settle(&mut self, within: Duration) -> Outcome;

    /// Subscribes to one filter; returns when the broker has granted it.
    ///
    /// # Errors
    /// Why it did not.
    fn subscribe(&mut self, filter: &str, qos: u8) -> Outcome;

    /// The next message, of this session's one subscription or of an older one; `None` when none comes.
    ///
    /// # Errors
    /// If none can come any more.
    fn receive(&mut self, within: Duration) -> Result<Option<Message>, String>;

    /// Returns when the host has noticed that a connection was lost, since this was called last.
    ///
    /// # Errors
    /// If it does not.
    fn lost(&mut self, within: Duration) -> Outcome;

    /// Returns when there is a connection again, after [`lost`](Self::lost), and whether the session was resumed.
    ///
    /// # Errors
    /// If there is none.
    fn back(&mut self, within: Duration) -> Result<bool, String>;

    /// Says goodbye, once everything is acknowledged.
    ///
    /// # Errors
    /// If it does not work out.
    fn close(self: Box<Self>, within: Duration) -> Outcome;
}
