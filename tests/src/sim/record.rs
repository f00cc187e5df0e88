//! What is noted of a call and of a message, and what each is excused from.

use std::collections::BTreeMap;

use mqtt5_codec::{QoS, ReasonCode};

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Pending,
    Published(ReasonCode),
    Lost,
    /// The device lost its memory, and with it the call.
    Void,
}

/// A message that an application published.
///
/// What it is excused from, and why, is said at each field; there is no other excuse.
#[derive(Clone, Debug)]
pub(super) struct Published {
    pub device: usize,
    pub qos: QoS,
    pub retain: bool,
    /// The length of the PUBLISH, in bytes.
    pub size: usize,
    /// It is the will of a connection.
    pub will: bool,
    pub outcome: Outcome,
    /// How often the broker passed it on.
    pub routed: u32,
    /// The broker answered it with an error once. If that answer is cut off, the client sends it again [MQTT-4.4.0-1], and if it
    /// is taken then, messages that were sent after it have been passed on before it.
    pub refused: bool,
    /// The server lost its session after it had passed this one on, and the client, which has not been told, sends it again
    /// [MQTT-4.4.0-1]: to the server it is a new message.
    pub may_repeat: bool,
    /// The device has lost its memory, so its identifier may be one that the server holds for an older message, of which this
    /// one seems to be a duplicate [MQTT-4.3.3-10].
    pub may_be_swallowed: bool,
    /// It is a will that is never to be published.
    pub revoked: bool,
    /// It may end without an answer: the session was lost, or the limits of a connection forbid to send it again.
    pub may_be_lost: bool,
}

/// What a device may send on a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// Maximum QoS.
    pub qos: QoS,
    /// Retain Available.
    pub retain: bool,
    /// Maximum Packet Size, in bytes.
    pub size: usize,
}

/// A message on its way to one device. There is no excuse but the last two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copies {
    pub qos: QoS,
    pub queued: u32,
    pub got: u32,
    /// Its place in the order in which the broker queued.
    pub index: u32,
    /// The session that it was for was lost, or it is too large for the device [MQTT-3.1.2-25].
    pub may_lack: bool,
    /// The device lost its memory after it had received it, or it refused it, and the server sends it again until it knows
    /// [MQTT-4.4.0-1].
    pub may_repeat: bool,
}

/// One device's calls and messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// Exchanges without a result, by identifier: the message, or none for SUBSCRIBE and UNSUBSCRIBE.
    pub pending: BTreeMap<u16, Option<u32>>,
    pub copies: BTreeMap<u32, Copies>,
    pub queued: u32,
    /// The place of the message that came last, by QoS.
    pub last: [u32; 3],
    /// The server may hold QoS 2 identifiers that the device does not know of.
    pub swallows: bool,
    /// The message of each QoS that the broker passed on last.
    pub routed: [u32; 3],
    /// The server began a session, and the device has not been told.
    pub untold: bool,
}

impl Published {
    /// Where it is published.
    pub(super) fn topic(&self) -> String {
        if self.will { will_topic(self.device) } else { topic(self.device, self.qos) }
    }
}

/// The topic on which a device publishes at a QoS.
#[must_use]
pub(super) fn topic(device: usize, qos: QoS) -> String {
    format!("t/{device}/{}", qos as u8)
}

/// The topic of a device's wills.
#[must_use]
pub(super) fn will_topic(device: usize) -> String {
    format!("t/{device}/w")
}

/// The number of the message with this payload.
pub(super) fn number(payload: &[u8]) -> Option<u32> {
    payload.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes))
}
