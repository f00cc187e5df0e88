//! What CS01 asks of a PUBLISH that comes in, clause by clause, whatever the order of its properties.

use core::fmt;

use mqtt5_codec::{PayloadFormat, Property, QoS};

use super::publish::{CONTENT_TYPE, ENCODING, MESSAGE_TYPE};
use super::{Channel, Encoding, Layout, MessageType, Received, Scheme};
use crate::{Quirk, Quirks};

macro_rules! clauses {
    ($($name:ident = $bit:literal, $section:literal, $meaning:literal;)*) => {
        /// One thing that CS01 asks of a message's PUBLISH.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Clause { $(#[doc = concat!($meaning, " (", $section, ").")] $name = $bit,)* }

        impl Clause {
            /// Every clause.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The section that states it.
            pub const fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)* }
            }

            /// What is wrong when it is violated, as a phrase.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

clauses! {
    NoContentType = 0, "CS01 3.2", "the content type is missing";
    ContentType = 1, "CS01 3.2", "the content type is not application/openc2";
    NoMessageType = 2, "CS01 3.2", "the user property msgType is missing";
    MessageType = 3, "CS01 3.2", "msgType is none of req, rsp and ntf";
    TwoMessageTypes = 4, "CS01 3.2", "the user property msgType stands twice";
    NoEncoding = 5, "CS01 3.2", "the user property encoding is missing";
    Encoding = 6, "CS01 3.2", "encoding is neither json nor cbor";
    TwoEncodings = 7, "CS01 3.2", "the user property encoding stands twice";
    PayloadFormat = 8, "CS01 3.2", "the payload format indicator is not 1 for JSON, 0 for CBOR";
    Qos = 9, "CS01 3.2", "the quality of service is 0";
    Retain = 10, "CS01 3.2", "the message is retained";
    ResponseTopic = 11, "CS01 3.2", "a request has a response topic";
    Topic = 12, "CS01 2.2", "the topic is none of OpenC2's";
    TopicKind = 13, "CS01 2.2", "a request came on a topic for responses, or a response on one for commands";
    PayloadEncoding = 14, "CS01 3.2", "the payload is not encoded as encoding says";
    PayloadKind = 15, "CS01 3.2", "the payload is not the kind of message that msgType says";
    NoFrom = 16, "CS01 3.2", "the message does not say who sends it";
    TopicCommand = 17, "WD01 2.2", "the topic names another action or target than the command";
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.meaning(), self.section())
    }
}

/// A list of clauses, each of them once.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Clauses(u32);

impl Clauses {
    /// None.
    pub const NONE: Self = Self(0);

    pub(crate) const fn insert(&mut self, clause: Clause) {
        self.0 |= 1 << clause as u32;
    }

    /// Whether this one is in the list.
    pub const fn contains(self, clause: Clause) -> bool {
        self.0 & (1 << clause as u32) != 0
    }

    /// Whether the list is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in the list.
    pub fn iter(self) -> impl Iterator<Item = Clause> {
        Clause::ALL.iter().copied().filter(move |clause| self.contains(*clause))
    }
}

impl fmt::Debug for Clauses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// What a PUBLISH says about the message in it, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict<'i> {
    /// What its topic means.
    pub channel: Option<Channel<'i>>,
    /// What `msgType` says; told from the topic where lenient reading has to.
    pub message_type: Option<MessageType>,
    /// How the payload is encoded: what `encoding` says; what the payload's first byte shows where that is missing and
    /// lenient reading has to tell, or where it contradicts `encoding` ([`Clause::PayloadEncoding`]).
    pub encoding: Option<Encoding>,
    /// The clauses that are broken. In lenient mode, without what was forgiven.
    pub violations: Clauses,
    /// What was forgiven.
    pub quirks: Quirks,
}

impl Verdict<'_> {
    /// Whether this is an OpenC2 message at all: its content type says so or, leniently, nothing says otherwise.
    pub const fn is_openc2(&self) -> bool {
        !self.violations.contains(Clause::ContentType) && !self.violations.contains(Clause::NoContentType)
    }

    const fn note(&mut self, violated: bool, clause: Clause) {
        if violated {
            self.violations.insert(clause);
        }
    }

    /// Forgives a violation and notes it as a habit, or keeps it.
    pub(crate) const fn judge(&mut self, clause: Clause, quirk: Quirk, lenient: bool) {
        if lenient { self.quirks.insert(quirk) } else { self.violations.insert(clause) }
    }

    /// The same of a property that is absent, which it may be in WD01.
    const fn absent(&mut self, clause: Clause, mode: Mode) {
        if !mode.wd01 {
            self.judge(clause, Quirk::MissingProperty, mode.lenient);
        }
    }
}

/// How much is asked for.
#[derive(Clone, Copy)]
struct Mode {
    lenient: bool,
    /// WD01 is of the time of MQTT 3.1.1, which has no properties: what is absent is told from topic and payload.
    wd01: bool,
}

impl Mode {
    const fn tells(self) -> bool {
        self.lenient || self.wd01
    }
}

/// What stands in the properties. Of two `msgType`s or `encoding`s the first counts: MQTT lets a name stand twice and keeps the
/// order (3.3.2.3.7, [MQTT-3.3.2-18]), CS01 s3.2 asks for one of each, and no text lets a later one change what the first says.
#[derive(Default)]
struct StatedProperties<'i> {
    content_type: Option<&'i str>,
    message_type: Option<&'i str>,
    encoding: Option<&'i str>,
    format: Option<PayloadFormat>,
    response_topic: bool,
}

/// Checks all of a PUBLISH but the content of its payload, against the version of the transfer specification that `scheme`
/// names. The order of its properties doesn't matter, but of two `msgType`s or two `encoding`s the first counts. Properties
/// that CS01 doesn't mention are passed over.
pub fn check<'i>(received: &Received<'i>, scheme: &Scheme<'_>, lenient: bool) -> Verdict<'i> {
    let mut verdict = Verdict {
        channel: Channel::read(scheme, received.topic.as_str()),
        message_type: None,
        encoding: None,
        violations: Clauses::NONE,
        quirks: Quirks::NONE,
    };
    let mode = Mode { lenient, wd01: scheme.layout == Layout::Wd01 };
    let found = stated(received, &mut verdict);
    match found.content_type {
        Some(CONTENT_TYPE) => {}
        Some(_) => verdict.violations.insert(Clause::ContentType),
        None => verdict.absent(Clause::NoContentType, mode),
    }
    check_message_type(&found, &mut verdict, mode);
    check_encoding(&found, received.payload, &mut verdict, mode);
    // WD01 s2.4 only proposes QoS 1.
    if received.qos == QoS::AtMostOnce && !mode.wd01 {
        verdict.judge(Clause::Qos, Quirk::QosZero, lenient);
    }
    if received.retain {
        verdict.judge(Clause::Retain, Quirk::Retained, lenient);
    }
    // Only CS01 s3.2 forbids it.
    let forbidden = scheme.layout == Layout::Cs01;
    if found.response_topic && forbidden && verdict.message_type == Some(MessageType::Request) {
        verdict.violations.insert(Clause::ResponseTopic);
    }
    match (verdict.channel, verdict.message_type) {
        (None, _) => verdict.violations.insert(Clause::Topic),
        (Some(channel), Some(MessageType::Request)) if !channel.is_command() => {
            verdict.violations.insert(Clause::TopicKind);
        }
        (Some(channel), Some(MessageType::Response)) if channel.is_command() => {
            verdict.violations.insert(Clause::TopicKind);
        }
        _ => {}
    }
    verdict
}

fn stated<'i>(received: &Received<'i>, verdict: &mut Verdict<'i>) -> StatedProperties<'i> {
    let mut found = StatedProperties::default();
    for property in received.properties.iter() {
        match property {
            Property::ContentType(value) => found.content_type = Some(value.as_str()),
            Property::PayloadFormatIndicator(format) => found.format = Some(format),
            Property::ResponseTopic(_) => found.response_topic = true,
            Property::UserProperty(name, value) if name == MESSAGE_TYPE => {
                verdict.note(found.message_type.is_some(), Clause::TwoMessageTypes);
                found.message_type.get_or_insert(value.as_str());
            }
            Property::UserProperty(name, value) if name == ENCODING => {
                verdict.note(found.encoding.is_some(), Clause::TwoEncodings);
                found.encoding.get_or_insert(value.as_str());
            }
            _ => {}
        }
    }
    found
}

fn check_message_type(found: &StatedProperties<'_>, verdict: &mut Verdict<'_>, mode: Mode) {
    let spelled_out = match found.message_type {
        Some("request" | "command") => Some(MessageType::Request),
        Some("response") => Some(MessageType::Response),
        Some("notification") => Some(MessageType::Notification),
        _ => None,
    };
    verdict.message_type = found.message_type.and_then(MessageType::from_name);
    if verdict.message_type.is_some() {
        return;
    }
    match (found.message_type, spelled_out) {
        (Some(_), Some(kind)) => {
            verdict.judge(Clause::MessageType, Quirk::MessageTypeName, mode.lenient);
            verdict.message_type = mode.lenient.then_some(kind);
        }
        (Some(_), None) => verdict.violations.insert(Clause::MessageType),
        (None, _) => {
            verdict.absent(Clause::NoMessageType, mode);
            let told = |channel: Channel<'_>| {
                if channel.is_command() { MessageType::Request } else { MessageType::Response }
            };
            verdict.message_type = verdict.channel.filter(|_| mode.tells()).map(told);
        }
    }
}

fn check_encoding(found: &StatedProperties<'_>, payload: &[u8], verdict: &mut Verdict<'_>, mode: Mode) {
    verdict.encoding = found.encoding.and_then(Encoding::from_name);
    match (found.encoding, verdict.encoding) {
        (Some(_), None) => verdict.violations.insert(Clause::Encoding),
        (None, _) => {
            verdict.absent(Clause::NoEncoding, mode);
            verdict.encoding = mode.tells().then(|| Encoding::sniff(payload));
        }
        _ => {}
    }
    // Absent, the indicator is 0 (MQTT 3.3.2.3.2).
    let fits = match verdict.encoding {
        Some(_) if mode.wd01 && found.format.is_none() => true,
        Some(Encoding::Json) => found.format == Some(PayloadFormat::Utf8),
        Some(Encoding::Cbor) => found.format != Some(PayloadFormat::Utf8),
        None => true,
    };
    if !fits {
        verdict.judge(Clause::PayloadFormat, Quirk::PayloadFormat, mode.lenient);
    }
    // A payload that can only be of the other encoding is read as what it is, so that its sender can be told.
    let evident = Encoding::evident(payload);
    if verdict.encoding.is_some() && evident.is_some() && evident != verdict.encoding {
        verdict.judge(Clause::PayloadEncoding, Quirk::PayloadEncoding, mode.lenient);
        verdict.encoding = evident;
    }
}

#[cfg(test)]
mod tests {
    use mqtt5_codec::{Properties, Text, Topic};

    use super::super::publish_properties;
    use super::*;

    fn user(name: &'static str, value: &'static str) -> Property<'static> {
        Property::UserProperty(Text::new(name).unwrap(), Text::new(value).unwrap())
    }

    fn content(value: &'static str) -> Property<'static> {
        Property::ContentType(Text::new(value).unwrap())
    }

    const UTF8: Property<'static> = Property::PayloadFormatIndicator(PayloadFormat::Utf8);

    fn judge(
        topic: &'static str,
        properties: &[Property<'static>],
        lenient: bool,
    ) -> (Clauses, Quirks, Option<MessageType>, Option<Encoding>) {
        let received = Received {
            topic: Topic::new(topic).unwrap(),
            qos: QoS::AtLeastOnce,
            retain: false,
            properties: Properties::from(properties),
            payload: b"{}",
        };
        let verdict = check(&received, &Scheme::default(), lenient);
        (verdict.violations, verdict.quirks, verdict.message_type, verdict.encoding)
    }

    fn violations(topic: &'static str, properties: &[Property<'static>]) -> impl Iterator<Item = Clause> {
        judge(topic, properties, false).0.iter()
    }

    #[test]
    fn the_order_of_properties_does_not_matter() {
        let list = publish_properties(MessageType::Request, Encoding::Json, Some(9));
        let mut turned = *list.first_chunk::<5>().unwrap();
        for _ in 0..5 {
            turned.rotate_left(1);
            assert_eq!(violations("oc2/cmd/all", &turned).next(), None);
        }
        turned.reverse();
        assert_eq!(violations("oc2/cmd/all", &turned).next(), None);
    }

    #[test]
    fn each_clause_is_found() {
        let (req, json, openc2) = (user("msgType", "req"), user("encoding", "json"), content("application/openc2"));
        let all = "oc2/cmd/all";
        assert!(violations(all, &[]).eq([Clause::NoContentType, Clause::NoMessageType, Clause::NoEncoding]));
        assert!(violations(all, &[UTF8, req, json, content("application/opennc2")]).eq([Clause::ContentType]));
        assert!(violations(all, &[UTF8, user("msgType", "request"), json, openc2]).eq([Clause::MessageType]));
        assert!(violations(all, &[UTF8, req, req, json, openc2]).eq([Clause::TwoMessageTypes]));
        assert!(violations(all, &[UTF8, req, user("encoding", "xml"), openc2]).eq([Clause::Encoding]));
        assert!(violations(all, &[UTF8, req, json, json, openc2]).eq([Clause::TwoEncodings]));
        assert!(violations(all, &[req, json, openc2]).eq([Clause::PayloadFormat]));
        let cbor = user("encoding", "cbor");
        assert!(violations(all, &[req, cbor, openc2]).eq([Clause::PayloadEncoding]), "the payload is {{}}");
        assert!(violations(all, &[UTF8, req, cbor, openc2]).eq([Clause::PayloadFormat, Clause::PayloadEncoding]));
        let answer = Property::ResponseTopic(Topic::new("a").unwrap());
        assert!(violations(all, &[UTF8, req, json, openc2, answer]).eq([Clause::ResponseTopic]));
        assert!(violations("a/b", &[UTF8, req, json, openc2]).eq([Clause::Topic]));
        assert!(violations("oc2/rsp", &[UTF8, req, json, openc2]).eq([Clause::TopicKind]));
        assert!(violations(all, &[UTF8, user("msgType", "rsp"), json, openc2]).eq([Clause::TopicKind]));
    }

    #[test]
    fn quality_of_service_zero_and_retained_messages_are_found() {
        let list = publish_properties(MessageType::Request, Encoding::Json, None);
        let received = Received {
            topic: Topic::new("oc2/cmd/all").unwrap(),
            qos: QoS::AtMostOnce,
            retain: true,
            properties: list.as_properties(),
            payload: b"{}",
        };
        let strict = check(&received, &Scheme::default(), false);
        assert!(strict.violations.iter().eq([Clause::Qos, Clause::Retain]));
        let lenient = check(&received, &Scheme::default(), true);
        assert!(lenient.violations.is_empty());
        assert!(lenient.quirks.iter().eq([Quirk::QosZero, Quirk::Retained]));
    }

    fn judge_payload(encoding: &'static str, format: PayloadFormat, payload: &[u8], lenient: bool) -> Verdict<'static> {
        let properties = [
            Property::PayloadFormatIndicator(format),
            user("msgType", "req"),
            user("encoding", encoding),
            content("application/openc2"),
        ];
        let topic = Topic::new("oc2/cmd/all").unwrap();
        let properties = Properties::from(&properties[..]);
        let received = Received { topic, qos: QoS::AtLeastOnce, retain: false, properties, payload };
        let verdict = check(&received, &Scheme::default(), lenient);
        Verdict { channel: None, ..verdict }
    }

    #[test]
    fn a_payload_in_the_other_encoding_is_found_and_read_as_what_it_is() {
        use PayloadFormat::{Unspecified, Utf8};
        for (said, format, payload, is) in [
            ("cbor", Unspecified, &b"{\"headers\":{}}"[..], Encoding::Json),
            ("cbor", Unspecified, b" \r\n\t{}", Encoding::Json),
            ("json", Utf8, b"\xA1\x64body\xA0", Encoding::Cbor),
            ("json", Utf8, b"\xBF\xFF", Encoding::Cbor),
            ("json", Utf8, b"\x82\xA0\xA0", Encoding::Cbor),
            ("json", Utf8, b"\xD9\xD9\xF7\xA0", Encoding::Cbor),
        ] {
            let verdict = judge_payload(said, format, payload, false);
            assert!(verdict.violations.iter().eq([Clause::PayloadEncoding]), "{payload:?}");
            assert_eq!(verdict.encoding, Some(is));
            let lenient = judge_payload(said, format, payload, true);
            assert!(lenient.violations.is_empty() && lenient.quirks.iter().eq([Quirk::PayloadEncoding]));
        }
        // What is neither is left to whoever reads it.
        for (said, format, payload) in [
            ("json", Utf8, &b"openc2"[..]),
            ("cbor", Unspecified, b"\x01"),
            ("cbor", Unspecified, b""),
            ("json", Utf8, b""),
        ] {
            assert!(judge_payload(said, format, payload, false).violations.is_empty(), "{payload:?}");
        }
    }

    #[test]
    fn of_two_properties_the_first_counts() {
        let (req, json, openc2) = (user("msgType", "req"), user("encoding", "json"), content("application/openc2"));
        let (rsp, cbor) = (user("msgType", "rsp"), user("encoding", "cbor"));
        let both = |list: &[Property<'static>]| judge("oc2/cmd/all", list, false);
        let (violations, _, kind, encoding) = both(&[UTF8, req, rsp, json, cbor, openc2]);
        assert!(violations.iter().eq([Clause::TwoMessageTypes, Clause::TwoEncodings]));
        assert_eq!((kind, encoding), (Some(MessageType::Request), Some(Encoding::Json)));
        let (violations, _, kind, _) = both(&[UTF8, rsp, req, json, openc2]);
        assert!(violations.iter().eq([Clause::TwoMessageTypes, Clause::TopicKind]));
        assert_eq!(kind, Some(MessageType::Response));
        let (violations, _, kind, encoding) = both(&[UTF8, req, user("encoding", "xml"), json, openc2]);
        assert!(violations.iter().eq([Clause::Encoding, Clause::TwoEncodings]));
        assert_eq!((kind, encoding), (Some(MessageType::Request), None));
    }

    #[test]
    fn each_layout_asks_for_what_its_specification_says() {
        let answer = Property::ResponseTopic(Topic::new("a").unwrap());
        let full = [UTF8, user("msgType", "req"), user("encoding", "json"), content("application/openc2"), answer];
        let told = |layout, qos, properties: &[Property<'static>]| {
            let topic = Topic::new("oc2/cmd/ap/slpf").unwrap();
            let properties = Properties::from(properties);
            let received = Received { topic, qos, retain: false, properties, payload: b"{}" };
            check(&received, &Scheme { layout, prefix: None }, false).violations
        };
        let (zero, one) = (QoS::AtMostOnce, QoS::AtLeastOnce);
        assert!(told(Layout::Cs01, one, &full).iter().eq([Clause::ResponseTopic]));
        assert!(told(Layout::Csd03, one, &full).is_empty());
        assert!(told(Layout::Wd01, one, &full).is_empty());
        let absent = [Clause::NoContentType, Clause::NoMessageType, Clause::NoEncoding];
        for layout in [Layout::Cs01, Layout::Csd03] {
            assert!(told(layout, one, &[]).iter().eq(absent));
            assert!(told(layout, zero, &full[..4]).iter().eq([Clause::Qos]));
        }
        assert!(told(Layout::Wd01, zero, &[]).is_empty());
    }

    #[test]
    fn lenient_reading_tells_what_is_missing_from_the_rest() {
        let (violations, quirks, kind, encoding) = judge("oc2/cmd/all", &[], true);
        assert!(violations.is_empty());
        assert!(quirks.iter().eq([Quirk::MissingProperty, Quirk::PayloadFormat]));
        assert_eq!((kind, encoding), (Some(MessageType::Request), Some(Encoding::Json)));
        let (violations, quirks, kind, _) = judge(
            "oc2/rsp",
            &[UTF8, user("msgType", "response"), user("encoding", "json"), content("application/openc2")],
            true,
        );
        assert!(violations.is_empty());
        assert!(quirks.iter().eq([Quirk::MessageTypeName]));
        assert_eq!(kind, Some(MessageType::Response));
    }
}
