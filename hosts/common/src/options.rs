//! How a client connects, and what it may hold.

use core::num::{NonZeroU16, NonZeroU32};
use core::time::Duration;

use mqtt5_codec::{self as codec, Properties, Property, Rule, Text, Topic};
use mqtt5_session::{Acknowledge, ConnectOptions, Prior};

use crate::message::LastWill;
use crate::reconnect::Reconnect;
use crate::secret::Credentials;
use crate::stock::exchanges;

/// What becomes of what is published while there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Offline {
    /// It waits, up to so many bytes of packets in all; then publishing waits.
    Queue {
        /// Bytes of packets, with 12 more for each, rounded up to 16.
        bytes: usize,
    },
    /// It is refused.
    Refuse,
}

/// How a client connects, and what it may hold. Every amount of memory is bounded by these.
///
/// ```
/// use mqtt5_host::Options;
/// let mut options = Options::new("device-7");
/// options.keep_alive = 30;
/// options.clean_start = false; // resume the session of an earlier process
/// options.session_expiry = 24 * 3_600;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The client identifier; an empty one has the server assign one.
    pub client_id: String,
    /// Seconds after which an idle connection is tested by a ping; 0 for never: then a dead one is not noticed.
    pub keep_alive: u16,
    /// Whether the first connection of this client discards a session that the server may have. Later ones resume.
    pub clean_start: bool,
    /// How long the server keeps the session without a connection, in seconds; `u32::MAX` for always.
    ///
    /// A client with a clean start ends its session when it is closed; one without leaves it to the server.
    pub session_expiry: u32,
    /// What the server publishes when it loses the connection.
    pub will: Option<LastWill>,
    /// How many messages of QoS 1 and QoS 2 the server may send before one of them is acknowledged.
    ///
    /// Servers that count wrongly are borne with (mosquitto 2.0 sends all that waits on its side): see `receive_bytes`.
    pub receive_maximum: NonZeroU16,
    /// The largest packet that is received, in bytes.
    pub maximum_packet_size: NonZeroU32,
    /// How many bytes of received messages of QoS 1 and QoS 2 may wait to be taken. When there are more, by one packet at
    /// most, nothing is read until some were taken; if none is for three times `ping_timeout`, the
    /// connection is made anew.
    pub receive_bytes: usize,
    /// How many bytes of received messages of QoS 0 may wait to be taken; those beyond are dropped, and counted. One always
    /// may.
    pub at_most_once_bytes: usize,
    /// How many bytes of packets to send may be held: sent and not acknowledged, or not sent yet.
    pub send_bytes: usize,
    /// How many messages may be sent and not acknowledged, or received and not acknowledged, whatever the server allows.
    pub in_flight: u16,
    /// How many topics may be sent as an alias, if the server takes any.
    pub topic_aliases: u16,
    /// What becomes of what is published while there is no connection.
    pub offline: Offline,
    /// Who acknowledges received messages: the host, when one is taken; or the application.
    pub acknowledge: Acknowledge,
    /// How long each attempt to connect may take, from looking up the name to CONNACK.
    pub connect_timeout: Duration,
    /// How long the server may take to answer a ping, or to take a byte.
    pub ping_timeout: Duration,
    /// Names and values that CONNECT carries.
    pub user_properties: Vec<(String, String)>,
    /// Whether the server is asked for a topic under which this client may receive responses.
    pub request_response_information: bool,
    /// How a lost connection is made again.
    pub reconnect: Reconnect,
}

impl Default for Options {
    fn default() -> Self {
        Self::new("")
    }
}

impl Options {
    /// What suits most: a clean start, then a session that outlives a lost connection for an hour; a ping a minute; 64
    /// received messages of up to 256 KiB each and 4 MiB in all; a mebibyte to send; 15 seconds to connect.
    pub fn new(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            keep_alive: 60,
            clean_start: true,
            session_expiry: 3_600,
            will: None,
            receive_maximum: const { NonZeroU16::new(64).unwrap() },
            maximum_packet_size: const { NonZeroU32::new(256 << 10).unwrap() },
            receive_bytes: 4 << 20,
            at_most_once_bytes: 1 << 20,
            send_bytes: 1 << 20,
            in_flight: 1_024,
            topic_aliases: 0,
            offline: Offline::Queue { bytes: 1 << 20 },
            acknowledge: Acknowledge::Automatic,
            connect_timeout: Duration::from_secs(15),
            ping_timeout: Duration::from_secs(10),
            user_properties: Vec::new(),
            request_response_information: false,
            reconnect: Reconnect::default(),
        }
    }

    /// Bytes of memory for CONNECT and book-keeping, beside what is sent.
    pub(crate) fn connect_room(&self) -> usize {
        let strings = self.user_properties.iter().map(|(name, value)| name.len() + value.len() + 5).sum::<usize>();
        let will = self.will.as_ref().map_or(0, |will| will.message.payload.len() + will.message.topic.len() + 1_024);
        // A token may grow from one attempt to the next, and the old place is not always large enough.
        (strings + will + 8_192) * 2
    }

    /// Hands over what a connection begins with. Inbound messages are acknowledged by the host, which does it for the
    /// application where that is asked for.
    ///
    /// # Errors
    /// The rule that an option breaks.
    pub fn connecting<R>(&self, dial: &Dial<'_>, take: impl FnOnce(&ConnectOptions<'_>) -> R) -> Result<R, Rule> {
        let mut list =
            vec![Property::ReceiveMaximum(self.receive_maximum), Property::MaximumPacketSize(self.maximum_packet_size)];
        if self.session_expiry != 0 {
            list.push(Property::SessionExpiryInterval(self.session_expiry));
        }
        if self.request_response_information {
            list.push(Property::RequestResponseInformation(true));
        }
        if let Some((method, data)) = dial.authentication {
            list.push(Property::AuthenticationMethod(Text::new(method)?));
            list.extend(data.map(Property::AuthenticationData));
        }
        for (name, value) in &self.user_properties {
            list.push(Property::UserProperty(Text::new(name)?, Text::new(value)?));
        }
        let mut about = Vec::new();
        if let Some(will) = &self.will {
            about = will.message.about.list()?;
            if will.delay != 0 {
                about.push(Property::WillDelayInterval(will.delay));
            }
        }
        let will = match &self.will {
            Some(LastWill { message, .. }) => Some(codec::Will {
                qos: message.qos,
                retain: message.retain,
                properties: Properties::from(about.as_slice()),
                topic: Topic::new(&message.topic)?,
                payload: &message.payload,
            }),
            None => None,
        };
        let user = dial.credentials.user.as_deref();
        let mut options = ConnectOptions::new(Text::new(dial.client_id)?).with_topic_aliases(self.topic_aliases);
        options.packet.clean_start = dial.clean_start;
        options.packet.keep_alive = self.keep_alive;
        options.packet.properties = Properties::from(list.as_slice());
        options.packet.will = will;
        options.packet.user_name = user.map(Text::new).transpose()?;
        options.packet.password = dial.credentials.password.as_ref().map(|password| password.expose());
        options.prior = Some(if dial.clean_start { Prior::None } else { Prior::Empty });
        options.acknowledge = Acknowledge::Manual;
        // A server that goes beyond the memory for exchanges loses the connection, and sends again. Refusing would lose messages.
        let most = u16::try_from(exchanges(self)).unwrap_or(u16::MAX);
        options.receive_leeway = most.saturating_sub(self.receive_maximum.get());
        options.timeout = millis(dial.timeout).max(1);
        // The host itself knows better when it is the one that does not read.
        options.ping_timeout = u32::MAX;
        Ok(take(&options))
    }
}

/// What is particular to one attempt to connect.
#[derive(Clone, Copy, Debug)]
pub struct Dial<'a> {
    /// The client identifier: ours, or the one that the server assigned.
    pub client_id: &'a str,
    /// Whether the server is to discard a session that it may have.
    pub clean_start: bool,
    /// Who asks.
    pub credentials: &'a Credentials,
    /// The authentication method and the first data, of enhanced authentication.
    pub authentication: Option<(&'a str, Option<&'a [u8]>)>,
    /// How long the server may take to accept.
    pub timeout: Duration,
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Outbound;

    #[test]
    fn options_become_a_connect_packet() {
        let mut options = Options::new("me");
        options.will = Some(LastWill::new(Outbound::new("gone", b"x".to_vec()).at_least_once()).delay(3));
        options.user_properties.push(("k".to_owned(), "v".to_owned()));
        let credentials = Credentials::new("ann", "pw");
        let dial = Dial {
            client_id: "me",
            clean_start: false,
            credentials: &credentials,
            authentication: Some(("M", Some(b"1"))),
            timeout: Duration::from_secs(2),
        };
        let seen = options.connecting(&dial, |connect| {
            let packet = &connect.packet;
            assert!(!packet.clean_start);
            assert_eq!(packet.user_name.unwrap(), "ann");
            assert_eq!(packet.password, Some(&b"pw"[..]));
            assert_eq!(packet.will.unwrap().properties.will_delay_interval(), Some(3));
            assert_eq!((connect.prior, connect.acknowledge), (Some(Prior::Empty), Acknowledge::Manual));
            packet.properties.iter().map(|property| property.id()).collect::<Vec<_>>()
        });
        assert_eq!(seen, Ok(vec![0x21, 0x27, 0x11, 0x15, 0x16, 0x26]));
    }

    #[test]
    fn an_option_that_may_not_be_sent_is_refused_and_debug_shows_no_password() {
        let options = Options::new("a\0");
        let credentials = Credentials::new("ann", "hunter2");
        let dial = Dial {
            client_id: "a\0",
            clean_start: true,
            credentials: &credentials,
            authentication: None,
            timeout: Duration::MAX,
        };
        assert_eq!(options.connecting(&dial, |_| ()).unwrap_err().id(), "MQTT-1.5.4-2");
    }
}
