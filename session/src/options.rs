//! What a host asks for: how to connect, what to publish, how to end.

use mqtt5_codec as codec;
use mqtt5_codec::{Properties, QoS, Text, Topic};

use crate::aliases::CALLS;
use crate::state::AliasCalls;

/// How to connect: the CONNECT packet, and how this client behaves on the connection.
///
/// ```
/// use mqtt5_codec::{Properties, Property, Text};
/// use mqtt5_session::{ConnectOptions, Prior};
/// let properties = [Property::SessionExpiryInterval(3_600)];
/// // The server may know this device from before its last restart.
/// let mut options = ConnectOptions::resume(Text::new("device-7")?, Prior::Empty);
/// options.packet.keep_alive = 300;
/// options.packet.properties = Properties::from(&properties);
/// # Ok::<(), mqtt5_codec::Rule>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ConnectOptions<'a> {
    /// The packet, field by field, sent as it stands: no property is added, and their order is kept. Its properties also
    /// say what is enforced of the server: Receive Maximum, Maximum Packet Size, Topic Alias Maximum, Request Problem
    /// Information, Request Response Information, Authentication Method.
    ///
    /// With less memory than 65,535 exchanges, say so in Receive Maximum: a message beyond the memory's capacity is
    /// answered with 0x97, Quota exceeded, and not delivered.
    pub packet: codec::Connect<'a>,
    /// Who acknowledges received messages.
    pub acknowledge: Acknowledge,
    /// How long the server may take to accept, in milliseconds from the call of `connect`, authentication included.
    pub timeout: u32,
    /// How long the server may take to answer a PINGREQ, in milliseconds without a byte received, or without a byte written
    /// while PINGREQ waits behind others. Also how long it may take no byte of our last words.
    pub ping_timeout: u32,
    /// After which share of the keep-alive interval without a packet sent a PINGREQ is due, in percent, at most 100. With 0
    /// none is ever due, as with a keep-alive of 0: the server may close a connection on which nothing is sent.
    pub keep_alive_share: u8,
    /// Whether a PINGREQ is also due when nothing has been *received* for that share. Without it, a client that keeps publishing
    /// at QoS 0 is never told that its server has vanished. It costs two bytes each way, and only while the server is silent.
    pub ping_when_silent: bool,
    /// What is known of an earlier session that this [`Client`](crate::Client) has not seen itself. A Clean Start of 0 is refused
    /// while nothing is said; [`resume`](Self::resume) says it.
    pub prior: Option<Prior>,
    /// How many messages beyond our Receive Maximum are taken before that is a fault: 0 is the standard's, and there have to be
    /// exchanges in memory for all. For servers that count wrongly: mosquitto 2.0 sends up to twice as many, once messages
    /// wait on its side.
    pub receive_leeway: u16,
    pub(crate) topic_aliases: u16,
    /// What is done about them.
    pub(crate) alias_calls: Option<&'static AliasCalls>,
}

impl<'a> ConnectOptions<'a> {
    /// A clean start with this client identifier, which may be empty, and a keep-alive of 60 seconds, of which 95 % are
    /// waited; 30 seconds for the server to accept and 10 for it to answer a ping.
    #[must_use]
    pub const fn new(client_id: Text<'a>) -> Self {
        Self {
            packet: codec::Connect {
                clean_start: true,
                keep_alive: 60,
                properties: Properties::EMPTY,
                client_id,
                will: None,
                user_name: None,
                password: None,
            },
            acknowledge: Acknowledge::Automatic,
            timeout: 30_000,
            ping_timeout: 10_000,
            keep_alive_share: 95,
            ping_when_silent: true,
            prior: None,
            receive_leeway: 0,
            topic_aliases: 0,
            alias_calls: None,
        }
    }

    /// The same with Clean Start 0: the session goes on if the server still has it. `prior` says what is known of one that this
    /// [`Client`](crate::Client) has not seen itself; of its own it knows all that is needed, and what is said here does not
    /// matter. For a session that outlives the connection, CONNECT also needs a Session Expiry Interval.
    #[must_use]
    pub const fn resume(client_id: Text<'a>, prior: Prior) -> Self {
        let mut options = Self::new(client_id);
        options.packet.clean_start = false;
        options.prior = Some(prior);
        options
    }

    /// The same with topic aliases for QoS 0 messages, `most` at most; the server may allow fewer. Their topics are kept in the
    /// packet memory, and the one not used for longest gives way. 0 for none, as without this call.
    ///
    /// A method, so that a program that doesn't call it holds no code for it.
    #[must_use]
    pub const fn with_topic_aliases(self, most: u16) -> Self {
        Self { topic_aliases: most, alias_calls: Some(&CALLS), ..self }
    }
}

/// What a host knows of the past that the [`Client`](crate::Client) it made does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Prior {
    /// This client identifier was never used before: a server that says otherwise is not talked to [MQTT-3.2.2-4]. That may
    /// also happen when our own session has ended, by its interval or a DISCONNECT, before the server noticed; then begin a new
    /// one with Clean Start 1.
    #[default]
    None,
    /// The server may hold a session of this client identifier, of which we have nothing in flight: that of an earlier run of
    /// this program, or of a device that lost its memory. If that run may have had a QoS 2 publish in flight, only a Clean Start
    /// of 1 is safe: the server would take a new message with its identifier for a duplicate, and drop it [MQTT-4.3.3-10].
    ///
    /// It says nothing of a session that has ended in this [`Client`](crate::Client): one that the server still holds of that
    /// is a fault, as with `None`.
    Empty,
}

/// Who acknowledges received messages of QoS 1 and QoS 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Acknowledge {
    /// The session, with Success, as soon as the event was handled: at the next `handle_input`, or by `handled`.
    #[default]
    Automatic,
    /// The host, by `acknowledge`, in any order and with any reason code that fits.
    Manual,
}

/// A message, as it is to be published.
///
/// ```
/// use mqtt5_codec::{QoS, Topic};
/// use mqtt5_session::Publication;
/// let mut publication = Publication::new(Topic::new("plant/1/level")?, b"0.7");
/// publication.qos = QoS::AtLeastOnce;
/// # Ok::<(), mqtt5_codec::Rule>(())
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Publication<'a> {
    /// The topic name.
    pub topic: Topic<'a>,
    /// The payload; copied once, into the packet.
    pub payload: &'a [u8],
    /// The quality of service.
    pub qos: QoS,
    /// Whether the server retains the message.
    pub retain: bool,
    /// The properties, in their order. A Topic Alias is allowed at QoS 0, if no automatic ones were asked for.
    pub properties: Properties<'a>,
    /// Whether the message may wait: for a connection, or for the server's Receive Maximum. Messages that wait keep their
    /// order and outlive a lost connection. Otherwise such a message is refused.
    ///
    /// A server that comes up later may not take what waits (Maximum QoS, Retain Available, Maximum Packet Size). From QoS 1 on
    /// `poll_lost` names such a message; one of QoS 0 has no name, and is dropped without a word.
    pub hold: bool,
}

impl<'a> Publication<'a> {
    /// A QoS 0 message without properties, which is not retained and does not wait.
    #[must_use]
    pub const fn new(topic: Topic<'a>, payload: &'a [u8]) -> Self {
        Self { topic, payload, qos: QoS::AtMostOnce, retain: false, properties: Properties::EMPTY, hold: false }
    }
}

impl core::fmt::Debug for Publication<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Publication")
            .field("topic", &self.topic)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .field("qos", &self.qos)
            .field("retain", &self.retain)
            .field("properties", &self.properties)
            .field("hold", &self.hold)
            .finish()
    }
}

/// When a DISCONNECT is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Ending {
    /// After all that is queued. What waits for the server's Receive Maximum is waited for, answers are not.
    #[default]
    AfterQueued,
    /// At once: only a packet that is being written is finished first.
    AtOnce,
}
