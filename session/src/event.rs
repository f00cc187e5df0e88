//! What a session reports: events, and its state in figures.

use core::fmt;

use mqtt5_codec::{Ack, Auth, ConnAck, Delivery, Disconnect, Properties, SubAck, Topic, TopicAlias};

/// What became of the bytes in the inbox.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Input<'i> {
    /// There is no whole packet: read more. The one that has begun is `need` bytes long in all, as far as can be seen.
    Partial {
        /// Bytes from the first byte of the packet.
        need: usize,
    },
    /// Answers wait to be transmitted, and either there is no room for another one, or there is no whole packet: transmit,
    /// then ask again. `poll_transmit` has something, or what was copied out is not written yet.
    Blocked,
    /// Something happened.
    Event(Event<'i>),
}

/// What the host is to write to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transmit<'t> {
    /// These bytes, then ask again. Any number of them may be written at a time.
    Bytes(&'t [u8]),
}

/// Something that happened. At most one comes of each packet.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'i> {
    /// The server accepted the connection.
    Connected(Connected<'i>),
    /// The server refused the connection, which is closed.
    Rejected(ConnAck<'i>),
    /// A message was received.
    Message(Incoming<'i>),
    /// A publish of ours is over: PUBACK, PUBCOMP, or a PUBREC with a reason of 0x80 or above, each with all it says.
    Published(Ack<'i>),
    /// A QoS 2 publish of ours has reached the server: PUBREC, with all it says. `Published` follows.
    PublishReceived(Ack<'i>),
    /// A QoS 2 publish of ours is over, and whether it ever reached the server is not known: its PUBREC was not received, and
    /// what this connection's server takes forbids to send it again (Maximum QoS, Retain Available, Maximum Packet Size). This
    /// is the PUBCOMP by which the server has released its identifier, with all it says; with Packet Identifier not found
    /// (0x92) the server did not have it.
    Unconfirmed(Ack<'i>),
    /// The answer to a SUBSCRIBE: a result for each of its filters, in their order.
    Subscribed(SubAck<'i>),
    /// The answer to an UNSUBSCRIBE: a result for each of its filters, in their order.
    Unsubscribed(SubAck<'i>),
    /// A step of enhanced authentication. Continue Authentication (0x18) is answered by `auth`; Success (0x00) ends a
    /// re-authentication.
    Auth(Auth<'i>),
    /// The answer to a PINGREQ.
    Pong,
    /// The server ended the connection, which is closed.
    Disconnected(Disconnect<'i>),
    /// Our session ended while there was no connection: its expiry interval passed. `lost` exchanges died with it, which
    /// `poll_lost` names.
    SessionExpired {
        /// How many exchanges `poll_lost` has to name.
        lost: u16,
    },
}

/// Which event a packet becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Becomes {
    /// None.
    Nothing,
    /// The one that most such packets become.
    Usual,
    /// The other one: `PublishReceived` of a PUBREC, `Unconfirmed` of a PUBCOMP, `Rejected` of a CONNACK.
    Other,
}

/// The server accepted the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Connected<'i> {
    /// Whether the session goes on: subscriptions hold, and exchanges in flight are resumed.
    pub resumed: bool,
    /// How many exchanges ended without an answer, which `poll_lost` names: those of a session that the server lost, and
    /// those that this server's limits do not allow.
    pub lost: u16,
    /// CONNACK, with all its properties.
    pub packet: ConnAck<'i>,
}

/// A message that was received.
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Incoming<'i> {
    /// The topic name; a topic alias has been resolved.
    pub topic: Topic<'i>,
    /// The alias that the server gave to the topic name or used for it, on this connection.
    pub alias: Option<TopicAlias>,
    /// The payload.
    pub payload: &'i [u8],
    /// The quality of service; from QoS 1 on with the packet identifier that `acknowledge` takes.
    pub delivery: Delivery,
    /// Whether the server had retained the message.
    pub retain: bool,
    /// All properties, in their order.
    pub properties: Properties<'i>,
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("topic", &self.topic)
            .field("alias", &self.alias)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .field("delivery", &self.delivery)
            .field("retain", &self.retain)
            .field("properties", &self.properties)
            .finish()
    }
}

/// The state of a session in figures, for those who operate it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Figures {
    /// Exchanges of ours whose identifier is in use: unanswered, waiting, or not yet named by `poll_lost`.
    pub in_flight: u16,
    /// Messages of the server on this connection that are not fully acknowledged.
    pub unacknowledged: u16,
    /// How many more QoS 1 and QoS 2 messages the server takes now.
    pub quota: u16,
    /// Exchanges that `poll_lost` has to name.
    pub lost: u16,
    /// Bytes of the packet memory that are in use, the book-keeping and gaps between packets included.
    pub bytes_held: usize,
    /// Milliseconds until `handle_timeout` is due, if it is.
    pub next_deadline: Option<u64>,
}
