//! The PUBLISH that carries a message (CS01 s2.4, s3.2): what we send, and what we have received.

use mqtt5_codec::{PayloadFormat, Properties, Property, QoS, Text, Topic};

use super::{Encoding, MessageType, PropertyList, Quality};

/// The content type of every OpenC2 message (CS01 s2.4.1); the `application/opennc2` of CSD03 s3.1.3 is a misprint.
pub(crate) const CONTENT_TYPE: &str = "application/openc2";
pub(crate) const MESSAGE_TYPE: &str = "msgType";
pub(crate) const ENCODING: &str = "encoding";

fn text(text: &'static str) -> Text<'static> {
    Text::new(text).unwrap_or(Text::EMPTY)
}

/// The properties of the PUBLISH for a message, in the order in which CSD03 A.2 prints them: payload format, `msgType`,
/// `encoding`, content type; then, if the host wants one, how many seconds the message is worth delivering (CS01 s2.10).
pub fn publish_properties(kind: MessageType, encoding: Encoding, expiry: Option<u32>) -> PropertyList<'static> {
    let format = match encoding {
        Encoding::Json => PayloadFormat::Utf8,
        Encoding::Cbor => PayloadFormat::Unspecified,
    };
    PropertyList::of([
        Some(Property::PayloadFormatIndicator(format)),
        Some(Property::UserProperty(text(MESSAGE_TYPE), text(kind.name()))),
        Some(Property::UserProperty(text(ENCODING), text(encoding.name()))),
        Some(Property::ContentType(text(CONTENT_TYPE))),
        expiry.map(Property::MessageExpiryInterval),
    ])
}

/// A message to publish. It is never retained (CS01 s3.2).
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'b> {
    /// The topic.
    pub topic: Topic<'b>,
    /// The quality of service, 1 or 2.
    pub quality: Quality,
    /// The properties, in their order.
    pub properties: PropertyList<'static>,
    /// The encoded message.
    pub payload: &'b [u8],
}

impl Outgoing<'_> {
    /// The quality of service as the codec has it.
    pub fn qos(&self) -> QoS {
        self.quality.into()
    }
}

/// A PUBLISH that was received, as the session tells it.
#[derive(Clone, Copy, Debug)]
pub struct Received<'i> {
    /// The topic, its alias resolved.
    pub topic: Topic<'i>,
    /// The quality of service it came with.
    pub qos: QoS,
    /// Whether it was retained.
    pub retain: bool,
    /// Its properties.
    pub properties: Properties<'i>,
    /// Its payload.
    pub payload: &'i [u8],
}

#[cfg(test)]
mod tests {
    use mqtt5_codec::{Delivery, PacketId, Publish, Sender, TopicRef};

    use super::*;

    #[test]
    fn the_publish_of_csd03_a_2() {
        let properties = publish_properties(MessageType::Request, Encoding::Json, None);
        let packet = Publish {
            topic: TopicRef::Name(Topic::new("oc2/cmd/ap/iota").unwrap()),
            delivery: Delivery::AtLeastOnce { id: PacketId::new(4314).unwrap(), dup: false },
            retain: false,
            properties: properties.as_properties(),
            payload: b"(JSON-encoded openc2 request)",
        };
        let mut bytes = [0; 160];
        let length = packet.encode(Sender::Client, &mut bytes).unwrap();
        let expected = b"\x32\x71\x00\x0Foc2/cmd/ap/iota\x10\xDA\x40\x01\x01\x26\x00\x07msgType\x00\x03req\x26\x00\x08encoding\x00\x04json\x03\x00\x12application/openc2(JSON-encoded openc2 request)";
        let (properties_length, remaining) = (2 + 15 + 17 + 21, expected.len() - 2);
        let mut expected = *expected;
        expected[1] = remaining as u8;
        expected[21] = properties_length as u8;
        assert_eq!(&bytes[..length], expected);
    }

    #[test]
    fn cbor_is_marked_as_bytes_and_an_expiry_comes_last() {
        let properties = publish_properties(MessageType::Notification, Encoding::Cbor, Some(60));
        assert_eq!(properties.len(), 5);
        assert_eq!(properties[0], Property::PayloadFormatIndicator(PayloadFormat::Unspecified));
        assert_eq!(properties[4], Property::MessageExpiryInterval(60));
        let user = |wanted| properties.as_properties().user_properties().any(|pair| pair == wanted);
        let text = |text| Text::new(text).unwrap();
        assert!(user((text("msgType"), text("ntf"))));
        assert!(user((text("encoding"), text("cbor"))));
    }
}
