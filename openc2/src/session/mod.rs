//! The join with the MQTT session: what it received comes in, what goes out it publishes. [`Serve`] is a Consumer and [`Call`]
//! a Producer that does so by itself, driven by the session's events. Nothing else here knows of the session.

mod call;
mod error;
mod joining;
mod serve;

pub use call::{Call, Called};
pub use error::JoinError;
pub use serve::{Serve, Served};

use mqtt5_session::{Client, ConnectOptions, Inbox, Incoming, Instant, Memory, Prior, Publication, Refused};

use crate::transfer::{Connecting, Outgoing, Received};

impl<'i> From<&Incoming<'i>> for Received<'i> {
    fn from(incoming: &Incoming<'i>) -> Self {
        Self {
            topic: incoming.topic,
            qos: incoming.delivery.qos(),
            retain: incoming.retain,
            properties: incoming.properties,
            payload: incoming.payload,
        }
    }
}

impl Outgoing<'_> {
    /// As the session publishes it; it may wait for a connection.
    pub fn message(&self) -> Publication<'_> {
        let mut message = Publication::new(self.topic, self.payload);
        message.qos = self.qos();
        message.properties = self.properties.as_properties();
        message.hold = true;
        message
    }
}

impl Connecting<'_> {
    /// Tells the session to connect as CS01 s3.1 says: Clean Start 0, no will. The server may hold a session of this client
    /// identifier that `client` doesn't know. It is resumed, as a session in which nothing is in flight.
    ///
    /// ```
    /// use mqtt5_session::{Client, Inbox, Inline, Instant};
    /// use openc2_mqtt::transfer::Connecting;
    ///
    /// let mut client = Client::new(Inline::<8, 4096>::new());
    /// let mut buffer = [0; 4096];
    /// let mut inbox = Inbox::new(&mut buffer);
    /// Connecting::new("device7", 3_600)?.connect(&mut client, &mut inbox, Instant::from_millis(0))?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn connect<S: Memory>(
        &self,
        client: &mut Client<S>,
        inbox: &mut Inbox<'_>,
        now: Instant,
    ) -> Result<(), Refused> {
        let properties = self.properties();
        let mut options = ConnectOptions::resume(self.client_id, Prior::Empty);
        options.packet = self.packet(properties.as_properties());
        client.connect(&options, inbox, now)
    }
}

/// Whether there may be room for a packet later: something is in flight that will end, or a connection is to come.
fn may_pass<S: Memory>(refused: Refused, client: &Client<S>, now: Instant) -> bool {
    match refused {
        Refused::Exchanges { .. } | Refused::Bytes { .. } | Refused::ReceiveMaximum => {
            client.figures(now).in_flight != 0
        }
        Refused::NotConnected | Refused::Closing => true,
        _ => false,
    }
}
