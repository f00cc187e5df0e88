//! What the model broker offers, and what it is told to do wrong.

use mqtt5_codec::{QoS, ReasonCode};

/// What the broker grants to the connections that follow. A change holds for the next CONNECT.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// QoS 1 and 2 messages that it takes at a time.
    pub receive_maximum: u16,
    /// The highest QoS that it takes.
    pub maximum_qos: QoS,
    /// Whether it keeps retained messages.
    pub retain_available: bool,
    /// The largest packet that it takes, in bytes.
    pub maximum_packet_size: Option<u32>,
    /// The greatest topic alias that it takes.
    pub topic_alias_maximum: u16,
    /// Whether filters may have wildcards.
    pub wildcards: bool,
    /// Whether subscriptions may have identifiers.
    pub subscription_identifiers: bool,
    /// Whether there are shared subscriptions.
    pub shared_subscriptions: bool,
    /// The keep-alive in seconds that it asks for instead of the client's.
    pub server_keep_alive: Option<u16>,
    /// The longest session expiry that it grants, in seconds.
    pub session_expiry: Option<u32>,
    /// The authentication method that it knows, and how many challenges it asks.
    pub authentication: Option<(&'static str, u8)>,
    /// What it tells a client that asks for Response Information.
    pub response_information: Option<&'static str>,
    /// Whether it uses topic aliases towards clients that take them.
    pub aliases: bool,
    /// Whether it adds a reason string to whatever may carry one.
    pub reason_strings: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            receive_maximum: u16::MAX,
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
            maximum_packet_size: None,
            topic_alias_maximum: 0,
            wildcards: true,
            subscription_identifiers: true,
            shared_subscriptions: true,
            server_keep_alive: None,
            session_expiry: None,
            authentication: None,
            response_information: None,
            aliases: false,
            reason_strings: false,
        }
    }
}

/// What the broker does to those who talk with it. `next_…` holds for one packet, the others until taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// Refuses the next CONNECT.
    pub next_connect: Option<ReasonCode>,
    /// Answers the next QoS 1 or 2 PUBLISH with this reason; one of 0x80 and above does not deliver it.
    pub next_publish: Option<ReasonCode>,
    /// Refuses every filter of the next SUBSCRIBE.
    pub next_subscribe: Option<ReasonCode>,
    /// Refuses every filter of the next UNSUBSCRIBE.
    pub next_unsubscribe: Option<ReasonCode>,
    /// Has forgotten the session when the next CONNECT asks for it.
    pub lose_session: bool,
    /// Says at the next CONNECT that there was a session when there was none.
    pub invent_session: bool,
    /// Does not answer PINGREQ.
    pub mute_pings: bool,
    /// Keeps what acknowledges until [`Broker::release`](super::Broker::release).
    pub hold_acknowledgements: bool,
    /// Sends what it sends again at QoS 2 on a resumed session twice, PUBREL as PUBLISH. At QoS 1 the second one would be a new
    /// message [MQTT-4.3.2-5].
    pub double_resends: bool,
    /// Closes the next connection without a word when it has received this many bytes.
    pub cut_received: Option<usize>,
    /// Closes the next connection without a word when it has sent this many bytes.
    pub cut_sent: Option<usize>,
    /// Lends what it sends only this many milliseconds later.
    pub delay: u64,
}
