//! The join with the session: what it received comes in, what goes out it publishes. Nothing else here knows of it.

use mqtt5_session::{Incoming, Publication};

use crate::transfer::{Outgoing, Received};

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
