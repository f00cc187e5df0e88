//! What an application publishes.

use std::borrow::Cow;

use mqtt5_codec::{PayloadFormat, Properties, Property, QoS, Rule, Text, Topic};
use mqtt5_session::Publication;

/// What can be said about a message beside its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct About {
    /// Whether the payload is UTF-8 text.
    pub payload_format: Option<PayloadFormat>,
    /// After how many seconds the message is of no use any more.
    pub expiry: Option<u32>,
    /// What the payload is, such as a MIME type.
    pub content_type: Option<String>,
    /// Where to publish a response to it.
    pub response_topic: Option<String>,
    /// What a response is to be told by.
    pub correlation_data: Option<Vec<u8>>,
    /// Names and values of the application's own.
    pub user: Vec<(String, String)>,
}

impl About {
    /// The same as a list of properties. Costs an allocation where there are any.
    pub(crate) fn list(&self) -> Result<Vec<Property<'_>>, Rule> {
        let mut list = Vec::new();
        if *self == Self::default() {
            return Ok(list);
        }
        list.extend(self.payload_format.map(Property::PayloadFormatIndicator));
        list.extend(self.expiry.map(Property::MessageExpiryInterval));
        if let Some(kind) = &self.content_type {
            list.push(Property::ContentType(Text::new(kind)?));
        }
        if let Some(topic) = &self.response_topic {
            list.push(Property::ResponseTopic(Topic::new(topic)?));
        }
        list.extend(self.correlation_data.as_deref().map(Property::CorrelationData));
        for (name, value) in &self.user {
            list.push(Property::UserProperty(Text::new(name)?, Text::new(value)?));
        }
        Ok(list)
    }
}

/// A message to publish: a topic, a payload that is borrowed or owned as the caller likes, and what is said about it.
///
/// ```
/// use mqtt5_host::Outbound;
/// let message = Outbound::new("plant/1/level", "0.7").at_least_once().content_type("text/plain");
/// let raw = Outbound::new(String::from("plant/1/image"), vec![0u8; 1 << 10]).retained();
/// ```
#[derive(Clone, Debug)]
pub struct Outbound<'a, P> {
    pub(crate) topic: Cow<'a, str>,
    pub(crate) payload: P,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    pub(crate) about: About,
    pub(crate) properties: Properties<'a>,
}

impl<'a> From<Publication<'a>> for Outbound<'a, &'a [u8]> {
    /// As the session has it. Whether it may wait is the options' to say.
    fn from(publication: Publication<'a>) -> Self {
        let Publication { topic, payload, qos, retain, properties, .. } = publication;
        Self::new(topic.as_str(), payload).with(properties).qos(qos).retain(retain)
    }
}

impl<'a, P: AsRef<[u8]>> Outbound<'a, P> {
    /// A message at QoS 0, about which nothing is said.
    pub fn new(topic: impl Into<Cow<'a, str>>, payload: P) -> Self {
        Self {
            topic: topic.into(),
            payload,
            qos: QoS::AtMostOnce,
            retain: false,
            about: About::default(),
            properties: Properties::EMPTY,
        }
    }

    /// At this quality of service.
    #[must_use]
    pub fn qos(self, qos: QoS) -> Self {
        Self { qos, ..self }
    }

    /// At QoS 1: it arrives, perhaps more than once.
    #[must_use]
    pub fn at_least_once(self) -> Self {
        self.qos(QoS::AtLeastOnce)
    }

    /// At QoS 2: it arrives once.
    #[must_use]
    pub fn exactly_once(self) -> Self {
        self.qos(QoS::ExactlyOnce)
    }

    /// To be kept by the server for those who subscribe later.
    #[must_use]
    pub fn retained(self) -> Self {
        Self { retain: true, ..self }
    }

    fn retain(self, retain: bool) -> Self {
        Self { retain, ..self }
    }

    /// With these properties behind all that the other methods say about it.
    #[must_use]
    pub fn with(self, properties: Properties<'a>) -> Self {
        Self { properties, ..self }
    }

    /// With all this said about it.
    #[must_use]
    pub fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    /// As UTF-8 text.
    #[must_use]
    pub fn text(mut self) -> Self {
        self.about.payload_format = Some(PayloadFormat::Utf8);
        self
    }

    /// Of no use after so many seconds.
    #[must_use]
    pub fn expiry(mut self, seconds: u32) -> Self {
        self.about.expiry = Some(seconds);
        self
    }

    /// Of this content type.
    #[must_use]
    pub fn content_type(mut self, kind: impl Into<String>) -> Self {
        self.about.content_type = Some(kind.into());
        self
    }

    /// To be answered there.
    #[must_use]
    pub fn response_topic(mut self, topic: impl Into<String>) -> Self {
        self.about.response_topic = Some(topic.into());
        self
    }

    /// To be told by this when it is answered, or the answer to what was told by this.
    #[must_use]
    pub fn correlation_data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.about.correlation_data = Some(data.into());
        self
    }

    /// With one more name and value of the application's own.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.about.user.push((name.into(), value.into()));
        self
    }

    /// Hands the message over as the session takes it.
    ///
    /// # Errors
    /// The rule that the topic or what is said about the message breaks.
    pub fn lend<R>(&self, take: impl FnOnce(Publication<'_>) -> R) -> Result<R, Rule> {
        let mut list = self.about.list()?;
        let mut publication = Publication::new(Topic::new(&self.topic)?, self.payload.as_ref());
        publication.qos = self.qos;
        publication.retain = self.retain;
        publication.properties = if list.is_empty() {
            self.properties
        } else {
            list.extend(self.properties.iter());
            Properties::from(list.as_slice())
        };
        Ok(take(publication))
    }
}

/// What the server publishes for us when it loses the connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LastWill {
    /// The message.
    pub message: Outbound<'static, Vec<u8>>,
    /// How many seconds the server waits for us to come back before it publishes.
    pub delay: u32,
}

impl LastWill {
    /// This message, at once.
    pub fn new(message: Outbound<'static, Vec<u8>>) -> Self {
        Self { message, delay: 0 }
    }

    /// The same, once we have been away for so many seconds.
    #[must_use]
    pub fn delay(self, seconds: u32) -> Self {
        Self { delay: seconds, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_about_a_message_becomes_its_properties() {
        let message = Outbound::new("a", [1u8, 2])
            .exactly_once()
            .retained()
            .text()
            .expiry(7)
            .content_type("c")
            .response_topic("r")
            .correlation_data([9])
            .user("k", "v");
        let seen = message.lend(|message| {
            assert_eq!((message.qos, message.retain, message.payload), (QoS::ExactlyOnce, true, &[1u8, 2][..]));
            message.properties.iter().map(|property| property.id()).collect::<Vec<_>>()
        });
        assert_eq!(seen, Ok(vec![0x01, 0x02, 0x03, 0x08, 0x09, 0x26]));
    }

    #[test]
    fn properties_of_the_caller_follow_in_their_order() {
        let list = [Property::UserProperty(Text::new("k").unwrap(), Text::new("v").unwrap())];
        let mut publication = Publication::new(Topic::new("a").unwrap(), b"b");
        publication.qos = QoS::AtLeastOnce;
        publication.properties = Properties::from(&list);
        let message = Outbound::from(publication);
        let same = |it: Publication<'_>| {
            (it.topic, it.payload, it.qos, it.properties)
                == (publication.topic, &b"b"[..], QoS::AtLeastOnce, publication.properties)
        };
        assert_eq!(message.lend(same), Ok(true));
        let ids = |message: Publication<'_>| message.properties.iter().map(|one| one.id()).collect::<Vec<_>>();
        assert_eq!(message.text().lend(ids), Ok(vec![0x01, 0x26]));
    }

    #[test]
    fn nothing_said_is_nothing_sent() {
        assert_eq!(Outbound::new("a", "b").lend(|message| message.properties.is_empty()), Ok(true));
    }

    #[test]
    fn what_may_not_be_sent_is_refused() {
        let refused = |message: &Outbound<'_, &str>| message.lend(|_| ()).unwrap_err().id();
        assert_eq!(refused(&Outbound::new("a/+", "")), "MQTT-4.7.0-1");
        assert_eq!(refused(&Outbound::new("a", "").response_topic("#")), "MQTT-4.7.0-1");
        assert_eq!(refused(&Outbound::new("a", "").content_type("\0")), "MQTT-1.5.4-2");
    }
}
