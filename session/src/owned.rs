//! Events that own their bytes, for whoever hands them on to another task.

use bytes::{Bytes, BytesMut};
use mqtt5_codec::{
    Ack, Auth, Decoded, Decoder, Disconnect, EncodeError, OwnedPublish, Packet, Properties, Publish, Sender, TopicRef,
};

use crate::event::{Connected, Event, Incoming};

/// An event that owns its bytes: one `Bytes`, of which its parts are slices. It can be sent through a channel, and cloning it,
/// or taking a part of it, copies none of them.
///
/// ```
/// # use mqtt5_session::{Client, ConnectOptions, Event, Inbox, Inline, Input, Instant, codec::{EncodeError, Text}};
/// # let (mut client, mut inbox) = (Client::new(Inline::<1, 256>::new()), Inbox::growing(64, 64));
/// # let now = Instant::default();
/// # client.connect(&ConnectOptions::new(Text::new("c").unwrap()), &mut inbox, now).unwrap();
/// # let mut out = [0; 64];
/// # let n = client.transmit_into(&mut out);
/// # client.transmitted(n, now);
/// # inbox.spare()[..5].copy_from_slice(&[0x20, 3, 0, 0, 0]);
/// # inbox.filled(5);
/// # assert!(matches!(client.handle_input(&mut inbox, now), Ok(Input::Event(_))));
/// # inbox.spare()[..8].copy_from_slice(b"\x30\x06\x00\x01a\x00hi");
/// # inbox.filled(8);
/// # let Ok(Input::Event(event)) = client.handle_input(&mut inbox, now) else { panic!() };
/// let (sender, receiver) = std::sync::mpsc::channel();
/// sender.send(event.into_owned()?).unwrap(); // copied here, once
/// let event = receiver.recv().unwrap();
/// let payload = event.message().unwrap().payload(); // a slice of it
/// assert_eq!(payload, "hi");
/// assert!(matches!(event.as_event(), Event::Message(message) if message.topic == *"a"));
/// # Ok::<(), EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OwnedEvent(What);

#[derive(Clone, Debug)]
enum What {
    Message(OwnedPublish),
    /// It borrows nothing.
    Plain(Event<'static>),
    Packet(Bytes, Kind),
}

/// What a packet stands for.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Connected { resumed: bool, lost: u16 },
    Rejected,
    Published,
    PublishReceived,
    Unconfirmed,
    Subscribed,
    Unsubscribed,
    Auth,
    Disconnected,
}

impl OwnedEvent {
    /// The event, borrowed. A message costs nothing; another event with properties, or with reasons, a look at its packet.
    #[must_use]
    pub fn as_event(&self) -> Event<'_> {
        let (frame, kind) = match &self.0 {
            What::Plain(event) => return *event,
            What::Message(message) => {
                let Publish { topic, payload, delivery, retain, properties } = message.as_publish();
                let alias = topic.alias();
                // It was built with a name.
                let Some(topic) = topic.name() else { return Event::Pong };
                return Event::Message(Incoming { topic, alias, payload, delivery, retain, properties });
            }
            What::Packet(frame, kind) => (frame, *kind),
        };
        match (kind, Decoder::new(Sender::Server).decode(frame)) {
            (kind, Ok(Decoded::Packet { packet, .. })) => kind.event(packet),
            // It was encoded by this codec.
            _ => Event::Pong,
        }
    }

    /// The message, if it is one.
    #[must_use]
    pub fn message(&self) -> Option<&OwnedPublish> {
        match &self.0 {
            What::Message(message) => Some(message),
            _ => None,
        }
    }
}

impl Kind {
    fn event(self, packet: Packet<'_>) -> Event<'_> {
        match (self, packet) {
            (Self::Connected { resumed, lost }, Packet::ConnAck(packet)) => {
                Event::Connected(Connected { resumed, lost, packet })
            }
            (_, Packet::ConnAck(packet)) => Event::Rejected(packet),
            (Self::PublishReceived, Packet::PubRec(ack)) => Event::PublishReceived(ack),
            (Self::Unconfirmed, Packet::PubComp(ack)) => Event::Unconfirmed(ack),
            (_, Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubComp(ack)) => Event::Published(ack),
            (_, Packet::SubAck(ack)) => Event::Subscribed(ack),
            (_, Packet::UnsubAck(ack)) => Event::Unsubscribed(ack),
            (_, Packet::Auth(packet)) => Event::Auth(packet),
            (_, Packet::Disconnect(packet)) => Event::Disconnected(packet),
            _ => Event::Pong,
        }
    }
}

impl Event<'_> {
    /// The same event as an owner of its bytes, which are copied once. Costs an encoding, a decoding and an allocation; an
    /// acknowledgement without properties none of them.
    ///
    /// # Errors
    /// None for an event of a session. One that was put together otherwise may hold what no packet can.
    pub fn into_owned(self) -> Result<OwnedEvent, EncodeError> {
        let (kind, packet) = match self {
            Event::Connected(Connected { resumed, lost, packet }) => {
                (Kind::Connected { resumed, lost }, Packet::ConnAck(packet))
            }
            Event::Rejected(packet) => (Kind::Rejected, Packet::ConnAck(packet)),
            Event::Message(message) => return message.into_owned().map(|owned| OwnedEvent(What::Message(owned))),
            Event::Published(ack) => return of_ack(ack, Kind::Published),
            Event::PublishReceived(ack) => return of_ack(ack, Kind::PublishReceived),
            Event::Unconfirmed(ack) => return of_ack(ack, Kind::Unconfirmed),
            Event::Subscribed(ack) => (Kind::Subscribed, Packet::SubAck(ack)),
            Event::Unsubscribed(ack) => (Kind::Unsubscribed, Packet::UnsubAck(ack)),
            Event::Auth(Auth { reason, properties }) if properties.is_empty() => {
                return plain(Event::Auth(Auth { reason, properties: Properties::EMPTY }));
            }
            Event::Auth(packet) => (Kind::Auth, Packet::Auth(packet)),
            Event::Disconnected(Disconnect { reason, properties }) if properties.is_empty() => {
                return plain(Event::Disconnected(Disconnect { reason, properties: Properties::EMPTY }));
            }
            Event::Disconnected(packet) => (Kind::Disconnected, Packet::Disconnect(packet)),
            Event::Pong => return plain(Event::Pong),
            Event::SessionExpired { lost } => return plain(Event::SessionExpired { lost }),
        };
        encoded(&packet).map(|frame| OwnedEvent(What::Packet(frame, kind)))
    }
}

impl Incoming<'_> {
    /// The same message as an owner of its bytes, which are copied once. Its parts are slices of one `Bytes`.
    ///
    /// # Errors
    /// As [`Event::into_owned`].
    pub fn into_owned(self) -> Result<OwnedPublish, EncodeError> {
        let Self { topic, alias, payload, delivery, retain, properties } = self;
        let topic = match alias {
            Some(alias) => TopicRef::NameAndAlias(topic, alias),
            None => TopicRef::Name(topic),
        };
        let frame = encoded(&Packet::Publish(Publish { topic, delivery, retain, properties, payload }))?;
        match OwnedPublish::decode(&Decoder::new(Sender::Server), &frame) {
            Ok(Some(owned)) => Ok(owned),
            Ok(None) => Err(EncodeError::Full { need: frame.len() }),
            Err(error) => Err(EncodeError::Refused(error.rule)),
        }
    }
}

fn plain(event: Event<'static>) -> Result<OwnedEvent, EncodeError> {
    Ok(OwnedEvent(What::Plain(event)))
}

fn of_ack(ack: Ack<'_>, kind: Kind) -> Result<OwnedEvent, EncodeError> {
    if ack.properties.is_empty() {
        let ack = Ack { properties: Properties::EMPTY, ..ack };
        return plain(match kind {
            Kind::PublishReceived => Event::PublishReceived(ack),
            Kind::Unconfirmed => Event::Unconfirmed(ack),
            _ => Event::Published(ack),
        });
    }
    // What it came as is not told of a publish that is over: as whichever may have its reason.
    let frame = match kind {
        Kind::PublishReceived => encoded(&Packet::PubRec(ack)),
        Kind::Unconfirmed => encoded(&Packet::PubComp(ack)),
        _ => encoded(&Packet::PubAck(ack)).or_else(|_| encoded(&Packet::PubComp(ack))),
    }?;
    Ok(OwnedEvent(What::Packet(frame, kind)))
}

fn encoded(packet: &Packet<'_>) -> Result<Bytes, EncodeError> {
    let mut frame = BytesMut::new();
    packet.encode(Sender::Server, &mut frame)?;
    Ok(frame.freeze())
}
