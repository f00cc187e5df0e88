//! Packets as one line of a log: no payload, no password and no other secret, and no character of a text that would break the
//! line. `Debug` shows the fields as they are; this is for people.

use core::fmt::{self, Display, Formatter};

use crate::list::{Item, List};
use crate::text::Quoted;
use crate::{
    Ack, Auth, ConnAck, Connect, Delivery, Disconnect, Packet, Properties, Publish, ReasonCode, RetainHandling, SubAck,
    Subscribe, Subscription, TopicRef, Unsubscribe, Will,
};

/// One line: the packet's name, then what it says, separated by commas. Passwords, payloads and other binary data are told by
/// their lengths.
///
/// ```
/// use mqtt5_codec::{Decoded, Decoder, Sender};
/// let bytes = b"\x32\x14\x00\x07oc2/cmd\x00\x07\x06\x03\x00\x03a/b{}";
/// let Decoded::Packet { packet, .. } = Decoder::new(Sender::Server).decode(bytes)? else { return Ok(()) };
/// assert_eq!(packet.to_string(), r#"PUBLISH "oc2/cmd", QoS 1, id 7, 2 bytes, Content Type "a/b""#);
/// # Ok::<(), mqtt5_codec::Error>(())
/// ```
impl Display for Packet<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(packet) => packet.fmt(f),
            Self::ConnAck(packet) => packet.fmt(f),
            Self::Publish(packet) => packet.fmt(f),
            Self::PubAck(ack) | Self::PubRec(ack) | Self::PubRel(ack) | Self::PubComp(ack) => {
                acknowledgement(self.packet_type().name(), ack, f)
            }
            Self::Subscribe(packet) => packet.fmt(f),
            Self::SubAck(packet) | Self::UnsubAck(packet) => answer(self.packet_type().name(), packet, f),
            Self::Unsubscribe(packet) => packet.fmt(f),
            Self::PingReq | Self::PingResp => f.write_str(self.packet_type().name()),
            Self::Disconnect(packet) => packet.fmt(f),
            Self::Auth(packet) => packet.fmt(f),
        }
    }
}

/// What is told of each packet, behind its name.
macro_rules! line {
    ($f:ident, $($arg:tt)*) => { write!($f, $($arg)*)? };
}

impl Display for Connect<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        line!(f, "CONNECT {}, keep alive {} s", Quoted(self.client_id), self.keep_alive);
        if self.clean_start {
            line!(f, ", clean start");
        }
        if let Some(name) = self.user_name {
            line!(f, ", user {}", Quoted(name));
        }
        if self.password.is_some() {
            line!(f, ", password");
        }
        if let Some(will) = &self.will {
            line!(f, ", will ({will})");
        }
        self.properties.each(f)
    }
}

impl Display for Will<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        line!(f, "{}, QoS {}", Quoted(self.topic.text()), self.qos as u8);
        if self.retain {
            line!(f, ", retain");
        }
        line!(f, ", {} bytes", self.payload.len());
        self.properties.each(f)
    }
}

impl Display for ConnAck<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        line!(f, "CONNACK {}", self.reason);
        if self.session_present {
            line!(f, ", session present");
        }
        self.properties.each(f)
    }
}

impl Display for Publish<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.topic {
            TopicRef::Name(name) => line!(f, "PUBLISH {}", Quoted(name.text())),
            TopicRef::Alias(alias) => line!(f, "PUBLISH alias {alias}"),
            TopicRef::NameAndAlias(name, alias) => line!(f, "PUBLISH {} = alias {alias}", Quoted(name.text())),
        }
        line!(f, ", QoS {}", self.delivery.qos() as u8);
        if let Delivery::AtLeastOnce { id, dup } | Delivery::ExactlyOnce { id, dup } = self.delivery {
            line!(f, ", id {id}");
            if dup {
                line!(f, ", dup");
            }
        }
        if self.retain {
            line!(f, ", retain");
        }
        line!(f, ", {} bytes", self.payload.len());
        self.properties.each(f)
    }
}

fn acknowledgement(name: &str, ack: &Ack<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    line!(f, "{name} id {}", ack.id);
    if ack.reason != ReasonCode::SUCCESS {
        line!(f, ", {}", ack.reason);
    }
    ack.properties.each(f)
}

impl Display for Subscribe<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        line!(f, "SUBSCRIBE id {}", self.id);
        self.filters.each(f)?;
        self.properties.each(f)
    }
}

/// The filter, and the options that are not zero.
impl Display for Subscription<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let options = self.options;
        line!(f, "{} QoS {}", Quoted(self.filter.text()), options.maximum_qos as u8);
        if options.no_local {
            line!(f, " no local");
        }
        if options.retain_as_published {
            line!(f, " retain as published");
        }
        if options.retain_handling != RetainHandling::SendAtSubscribe {
            line!(f, " retain handling {}", options.retain_handling as u8);
        }
        Ok(())
    }
}

impl Display for Unsubscribe<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        line!(f, "UNSUBSCRIBE id {}", self.id);
        for filter in self.filters {
            line!(f, ", {}", Quoted(filter.text()));
        }
        self.properties.each(f)
    }
}

fn answer(name: &str, suback: &SubAck<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    line!(f, "{name} id {}", suback.id);
    suback.reasons.each(f)?;
    suback.properties.each(f)
}

impl Display for Disconnect<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // The same value is Success elsewhere.
        match self.reason {
            ReasonCode::NORMAL_DISCONNECTION => line!(f, "DISCONNECT Normal disconnection (0x00)"),
            reason => line!(f, "DISCONNECT {reason}"),
        }
        self.properties.each(f)
    }
}

impl Display for Auth<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        line!(f, "AUTH {}", self.reason);
        self.properties.each(f)
    }
}

impl<'a, T: Item<'a> + Display> List<'a, T> {
    /// Each item behind a comma.
    fn each(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for item in self {
            line!(f, ", {item}");
        }
        Ok(())
    }
}

impl Properties<'_> {
    fn each(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for property in self.iter() {
            line!(f, ", {property}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CLIENT, SERVER, decoded, framed};
    use crate::{Property, Text, Topic};
    use std::string::ToString;

    #[test]
    fn each_packet_is_one_line() {
        for (from, first, body, line) in [
            (
                CLIENT,
                0x10,
                &b"\x00\x04MQTT\x05\xEE\x00\x3C\x05\x11\x00\x00\x00\x0A\x00\x02me\x00\x00\x04gone\x00\x03bye\
                    \x00\x04user\x00\x06secret"[..],
                "CONNECT \"me\", keep alive 60 s, clean start, user \"user\", password, \
                    will (\"gone\", QoS 1, retain, 3 bytes), Session Expiry Interval 10",
            ),
            (
                SERVER,
                0x20,
                b"\x01\x00\x03\x22\x00\x05",
                "CONNACK Success (0x00), session present, Topic Alias Maximum 5",
            ),
            (SERVER, 0x20, b"\x00\x87\x00", "CONNACK Not authorized (0x87)"),
            (SERVER, 0x30, b"\x00\x01a\x00x", "PUBLISH \"a\", QoS 0, 1 bytes"),
            (
                SERVER,
                0x3D,
                b"\x00\x01a\x01\x00\x06\x23\x00\x03\x0B\x80\x01x",
                "PUBLISH \"a\" = alias 3, QoS 2, id 256, dup, retain, 1 bytes, Subscription Identifier 128",
            ),
            (CLIENT, 0x30, b"\x00\x00\x03\x23\x00\x01", "PUBLISH alias 1, QoS 0, 0 bytes"),
            (CLIENT, 0x40, b"\x00\x09", "PUBACK id 9"),
            (SERVER, 0x50, b"\x00\x09\x97", "PUBREC id 9, Quota exceeded (0x97)"),
            (
                CLIENT,
                0x62,
                b"\x00\x09\x92\x03\x1F\x00\x00",
                "PUBREL id 9, Packet Identifier not found (0x92), Reason String \"\"",
            ),
            (CLIENT, 0x70, b"\x00\x09", "PUBCOMP id 9"),
            (
                CLIENT,
                0x82,
                b"\x00\x01\x00\x00\x01a\x2D\x00\x01#\x02",
                "SUBSCRIBE id 1, \"a\" QoS 1 no local retain as published retain handling 2, \"#\" QoS 2",
            ),
            (SERVER, 0x90, b"\x00\x01\x00\x01\x80", "SUBACK id 1, Granted QoS 1 (0x01), Unspecified error (0x80)"),
            (CLIENT, 0xA2, b"\x00\x01\x00\x00\x01a\x00\x01#", "UNSUBSCRIBE id 1, \"a\", \"#\""),
            (SERVER, 0xB0, b"\x00\x01\x00\x11", "UNSUBACK id 1, No subscription existed (0x11)"),
            (CLIENT, 0xC0, b"", "PINGREQ"),
            (SERVER, 0xD0, b"", "PINGRESP"),
            (CLIENT, 0xE0, b"", "DISCONNECT Normal disconnection (0x00)"),
            (SERVER, 0xE0, b"\x8B", "DISCONNECT Server shutting down (0x8B)"),
            (
                SERVER,
                0xF0,
                b"\x18\x0A\x15\x00\x01m\x16\x00\x03key",
                "AUTH Continue authentication (0x18), Authentication Method \"m\", Authentication Data 3 bytes",
            ),
        ] {
            assert_eq!(decoded(from, &framed(first, &[body])).to_string(), line);
        }
    }

    #[test]
    fn no_text_breaks_the_line_or_leaves_its_quotation() {
        let quoted = |text| Quoted(Text::new(text).unwrap()).to_string();
        assert_eq!(quoted("a/ö b"), "\"a/ö b\"");
        assert_eq!(quoted("a\nb\r\u{7F}\u{1B}[31m"), r#""a\u{a}b\u{d}\u{7f}\u{1b}[31m""#);
        assert_eq!(quoted("\u{2028}\u{202E}\u{2066}"), r#""\u{2028}\u{202e}\u{2066}""#);
        assert_eq!(quoted(r#"", QoS 2 \"#), r#""\", QoS 2 \\""#);
    }

    #[test]
    fn every_property_is_told_by_its_name() {
        let text = Text::new("t").unwrap();
        let told = [
            Property::UserProperty(text, text),
            Property::ResponseTopic(Topic::new("r").unwrap()),
            Property::CorrelationData(b"secret"),
            Property::RetainAvailable(false),
            Property::MaximumQoS(crate::QoS::AtLeastOnce),
        ]
        .map(|property| property.to_string());
        assert_eq!(
            told,
            [
                "User Property \"t\"=\"t\"",
                "Response Topic \"r\"",
                "Correlation Data 6 bytes",
                "Retain Available 0",
                "Maximum QoS 1"
            ]
        );
    }
}
