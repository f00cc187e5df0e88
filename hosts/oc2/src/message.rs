//! What the session needs of a host to carry OpenC2: a publish, and the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use mqtt5_session::{Boxed, Client, Refused};
use openc2_mqtt::transfer::Outgoing;

pub(crate) fn publish(client: &mut Client<Boxed>, outgoing: &Outgoing<'_>) -> Result<(), Refused> {
    client.publish(&outgoing.message()).map(|_| ())
}

/// Milliseconds since 1970, if the clock is later than that.
pub(crate) fn utc() -> Option<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}
