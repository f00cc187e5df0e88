//! Notifications (LS2 s3.3.3): what a Producer or a Consumer says without being asked, and how any message is put together.

use crate::encoding::error::EncodeError;
use crate::encoding::raw::Raw;
use crate::encoding::text::Str;
use crate::language::list::Texts;
use crate::language::message::{Content, Headers, Message, Structure};
use crate::transfer::{Channel, Encoding, Outgoing, Quality, Scheme, TopicError, publish_properties};
use crate::{Language, Style};

/// A message that a Producer or a Consumer sends without being asked. No specification gives notifications a topic, so the host
/// chooses one: whoever is to hear it must be subscribed to it.
///
/// ```
/// use openc2_mqtt::producer::{Producer, ProducerMemory, ProducerPolicy};
/// use openc2_mqtt::transfer::Channel;
/// use openc2_mqtt::{Notification, Raw};
///
/// let producer = Producer::new("p1@example.com", ProducerPolicy::default(), ProducerMemory::<1, 1>::new());
/// let content = Raw::from_json(r#"{"x-door":{"open":true}}"#).unwrap();
/// let mut buffer = [0; 512];
/// let outgoing = producer.notify(&Notification::new(Channel::All, content), None, &mut buffer).unwrap();
/// assert_eq!(outgoing.topic, "oc2/cmd/all");
/// assert_eq!(
///     outgoing.payload,
///     br#"{"headers":{"from":"p1@example.com"},"body":{"openc2":{"notification":{"x-door":{"open":true}}}}}"#
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Notification<'a> {
    /// Where it goes: to a topic for commands or for responses.
    pub channel: Channel<'a>,
    /// What it says: a map with at least one field, which a profile defines.
    pub content: Raw<'a>,
    /// How it is encoded.
    pub encoding: Encoding,
    /// Which structure the message has.
    pub structure: Structure,
    /// Whom it is for among those who receive it; empty for all.
    pub to: Texts<'a>,
    /// How long the server may hold the message back, in seconds (CS01 s2.10).
    pub expiry: Option<u32>,
}

impl<'a> Notification<'a> {
    /// For all who receive it, in JSON and in the wrapper of CS01.
    pub const fn new(channel: Channel<'a>, content: Raw<'a>) -> Self {
        Self {
            channel,
            content,
            encoding: Encoding::Json,
            structure: Structure::Wrapper,
            to: Texts::EMPTY,
            expiry: None,
        }
    }

    /// Writes it, topic and payload.
    pub(crate) fn write<'b, E: From<EncodeError> + From<TopicError>>(
        &self,
        from: &str,
        sending: Sending<'_>,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Result<Outgoing<'b>, E> {
        let headers = Headers {
            request_id: None,
            created: utc,
            from: Some(Str::new(from)),
            to: (!self.to.is_empty()).then_some(self.to),
        };
        let message = Message::new(headers, Content::Notification(self.content)).structured(self.structure);
        let (topic, rest) = self.channel.write(sending.scheme, buffer)?;
        let style = Style::new(self.encoding.into(), sending.language);
        let length = message.encode(style, rest).map_err(|error| error.behind(topic.as_bytes().len()))?;
        let properties = publish_properties(message.content.message_type(), self.encoding, self.expiry);
        let payload = rest.get(..length).unwrap_or_default();
        Ok(Outgoing { topic, quality: sending.quality, properties, payload })
    }
}

/// How a Producer or a Consumer sends.
#[derive(Clone, Copy)]
pub(crate) struct Sending<'p> {
    pub(crate) scheme: &'p Scheme<'p>,
    pub(crate) quality: Quality,
    pub(crate) language: Language,
}

impl EncodeError {
    /// The same of what stands behind so many bytes of the same buffer.
    pub(crate) const fn behind(self, bytes: usize) -> Self {
        match self {
            Self::Full { need } => Self::Full { need: need.saturating_add(bytes) },
            refused => refused,
        }
    }
}
