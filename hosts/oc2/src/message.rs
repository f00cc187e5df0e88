//! Between session and OpenC2: an incoming message as the one tells it and the other takes it, an outgoing one back.

use std::time::{SystemTime, UNIX_EPOCH};

use mqtt5_session::{Boxed, Client, Incoming, Instant, Message, Refused};
use openc2_mqtt::transfer::{Outgoing, Received};

pub(crate) fn received<'i>(incoming: &Incoming<'i>) -> Received<'i> {
    Received {
        topic: incoming.topic,
        qos: incoming.delivery.qos(),
        retain: incoming.retain,
        properties: incoming.properties,
        payload: incoming.payload,
    }
}

pub(crate) fn publish(client: &mut Client<Boxed>, outgoing: &Outgoing<'_>, now: Instant) -> Result<(), Refused> {
    let mut message = Message::new(outgoing.topic, outgoing.payload);
    message.qos = outgoing.qos();
    message.properties = outgoing.properties.as_properties();
    // A server that takes no more for now is waited for.
    message.hold = true;
    client.publish(&message, now).map(|_| ())
}

/// Milliseconds since 1970, if the clock is later than that.
pub(crate) fn utc() -> Option<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}
