//! What a server says that it has: a judge asks for nothing else.

use mqtt5_codec::{ConnAck, QoS};

/// What CONNACK says of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offers {
    /// Whether it keeps retained messages.
    pub retain: bool,
    /// The highest QoS that it takes.
    pub maximum_qos: QoS,
    /// Whether filters may have wildcards.
    pub wildcards: bool,
    /// Whether subscriptions may have identifiers.
    pub identifiers: bool,
    /// Whether there are shared subscriptions.
    pub shared: bool,
    /// How many QoS 1 and 2 messages it takes at a time.
    pub receive_maximum: u16,
    /// Whether it says so.
    pub says_receive_maximum: bool,
    /// The largest packet that it takes, in bytes.
    pub maximum_packet_size: Option<u32>,
    /// The greatest topic alias that it takes.
    pub topic_alias_maximum: u16,
    /// The keep-alive that it wants instead of the client's, in seconds.
    pub keep_alive: Option<u16>,
    /// For how long it keeps the session instead of what the client asked for, in seconds.
    pub session_expiry: Option<u32>,
}

impl Default for Offers {
    fn default() -> Self {
        Self {
            retain: true,
            maximum_qos: QoS::ExactlyOnce,
            wildcards: true,
            identifiers: true,
            shared: true,
            receive_maximum: u16::MAX,
            says_receive_maximum: false,
            maximum_packet_size: None,
            topic_alias_maximum: 0,
            keep_alive: None,
            session_expiry: None,
        }
    }
}

impl Offers {
    /// What a CONNACK says.
    #[must_use]
    pub fn of(connack: &ConnAck<'_>) -> Self {
        let says = connack.properties;
        let most = says.receive_maximum();
        Self {
            retain: says.retain_available().unwrap_or(true),
            maximum_qos: says.maximum_qos().unwrap_or(QoS::ExactlyOnce),
            wildcards: says.wildcard_subscription_available().unwrap_or(true),
            identifiers: says.subscription_identifiers_available().unwrap_or(true),
            shared: says.shared_subscription_available().unwrap_or(true),
            receive_maximum: most.map_or(u16::MAX, core::num::NonZeroU16::get),
            says_receive_maximum: most.is_some(),
            maximum_packet_size: says.maximum_packet_size().map(core::num::NonZeroU32::get),
            topic_alias_maximum: says.topic_alias_maximum().unwrap_or(0),
            keep_alive: says.server_keep_alive(),
            session_expiry: says.session_expiry_interval(),
        }
    }
}
