//! Messages (CS01 s2.4.2, LS1 s3.2): headers around a request, a response or a notification.

use crate::encoding::error::{EncodeError, LanguageRule};
use crate::encoding::name::{Name, Vocabulary as _};
use crate::encoding::out::{Frame, Writer};
use crate::encoding::raw::Raw;
use crate::encoding::source::{Key, Kind, Member, Reader, Shape, Walk};
use crate::encoding::text::Str;
use crate::encoding::value::{Value, Write};
use crate::language::command::Command;
use crate::language::list::{Texts, read_list};
use crate::language::response::Response;
use crate::language::vocabulary::{BodyKey, ContentKey, HeaderKey, MessageKey, RecordKey};
use crate::{Quirk, Style};

/// Which of the two structures of the transfer specification a message has. They are told apart by their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Structure {
    /// `headers` and `body` around the content (CS01 s2.4.2, LS2 s3.2, and all examples).
    #[default]
    Wrapper,
    /// One record of `content`, `request_id`, `created`, `from` and `to` (CSD03 s2.4.2). On topics of CS01 it has to name its sender
    /// like any message there (CS01 s3.2), though CSD03 asks for no `from`.
    Record,
}

impl Structure {
    /// What the message that begins here seems to be, by its first key; in the concise form, which has none, by what comes
    /// first: content holds a map or a record, headers begin with a text or a number.
    pub(crate) fn ahead(r: &Reader<'_, '_>) -> Self {
        let mut r = r.clone();
        let record = if r.concise() {
            let mut walk = r.open_list();
            let mut content =
                if r.more(&mut walk) && r.kind() == Kind::Map { r.open_map(Shape::Map) } else { Walk::OVER };
            r.key(&mut content).and_then(Key::of::<ContentKey>).is_some() && matches!(r.kind(), Kind::List | Kind::Map)
        } else {
            let mut walk = r.open_map(Shape::Map);
            r.key(&mut walk).and_then(Key::of::<RecordKey>).is_some()
        };
        if record { Self::Record } else { Self::Wrapper }
    }
}

/// One OpenC2 message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Who sends it, to whom, and which request it belongs to.
    pub headers: Headers<'a>,
    /// The command, response or notification.
    pub content: Content<'a>,
    /// A signature, as its sender wrote it. It is kept, not verified. The record of CSD03 has none.
    pub signature: Option<Str<'a>>,
    /// How it is laid out.
    pub structure: Structure,
}

impl<'a> Message<'a> {
    /// A message of a kind, without a signature, with headers and body.
    pub const fn new(headers: Headers<'a>, content: Content<'a>) -> Self {
        Self { headers, content, signature: None, structure: Structure::Wrapper }
    }

    /// The same in another structure.
    #[must_use]
    pub const fn structured(self, structure: Structure) -> Self {
        Self { structure, ..self }
    }

    /// The body: a choice that has one member so far.
    fn fill_body(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        match members.only(r, LanguageRule::NoBody) {
            Some(BodyKey::Openc2) => self.content.fill(r),
            None => return r.fail_at(members.key_at(), LanguageRule::NoBody),
        }
        members.end(r, LanguageRule::UnknownKey);
    }
}

/// What a message is about (CS01 s2.4.2).
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "nothing can be boxed, and both are read where they lie")]
pub enum Content<'a> {
    /// A command of a Producer.
    Request(Command<'a>),
    /// A Consumer's answer.
    Response(Response<'a>),
    /// A notification; only profiles define what it says (LS2 s3.3.3).
    Notification(Raw<'a>),
}

impl Content<'_> {
    /// The value of the `msgType` user property that goes with it (CS01 s3.2).
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::Request(_) => MessageType::Request,
            Self::Response(_) => MessageType::Response,
            Self::Notification(_) => MessageType::Notification,
        }
    }
}

/// The headers of a message (CS01 s2.4.2, LS1 table 3-1). Headers that are not defined are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    /// Given by the Producer, copied into each response.
    pub request_id: Option<Str<'a>>,
    /// When the content was made, in milliseconds since 1970-01-01T00:00Z.
    pub created: Option<u64>,
    /// Who sends it.
    pub from: Option<Str<'a>>,
    /// Whom it is for; empty or absent, it is for everyone who receives it.
    pub to: Option<Texts<'a>>,
}

impl<'a> Headers<'a> {
    const fn is_empty(&self) -> bool {
        self.request_id.is_none() && self.created.is_none() && self.from.is_none() && self.to.is_none()
    }

    /// A header among the fields of the flat record.
    fn fill_of_record(&mut self, key: RecordKey, r: &mut Reader<'a, '_>) {
        match key {
            RecordKey::Content => {}
            RecordKey::RequestId => self.fill_known(HeaderKey::RequestId, r),
            RecordKey::Created => self.fill_known(HeaderKey::Created, r),
            RecordKey::From => self.fill_known(HeaderKey::From, r),
            RecordKey::To => self.fill_known(HeaderKey::To, r),
        }
    }

    /// One header.
    pub(crate) fn fill_known(&mut self, key: HeaderKey, r: &mut Reader<'a, '_>) {
        let at = r.at;
        match key {
            HeaderKey::RequestId => self.request_id = r.sound_text(),
            HeaderKey::Created => {
                let created = r.integer();
                // A date of 1973 or before is a count of seconds, as the examples of CS01 have it.
                if r.lenient && created < SECONDS {
                    r.quirks.insert(Quirk::CreatedInSeconds);
                }
                self.created = r.sound().then_some(created);
            }
            HeaderKey::From => match r.sound_text() {
                Some(from) if !from.is_empty() => self.from = Some(from),
                _ => r.forgive(Quirk::EmptyFrom, at, LanguageRule::EmptyFrom),
            },
            HeaderKey::To => {
                let to = read_to(r);
                self.to = r.sound().then_some(to);
            }
        }
    }

    /// Whether the message is for this recipient (CS01 s2.4.2): for everyone, or for it among others.
    pub fn is_for(&self, recipient: &str) -> bool {
        self.to.is_none_or(|to| to.is_empty() || to.contains(recipient))
    }
}

impl<'a> Value<'a> for Headers<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self { request_id: None, created: None, from: None, to: None }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        while let Some(member) = members.next(r) {
            match member {
                Member::Known(key) => self.fill_known(key, r),
                // More headers may be defined (LS2 s3.2).
                Member::Other(_) => r.skip(),
            }
        }
        members.leave(r);
        members.begun(r, LanguageRule::EmptyHeaders);
    }
}

impl Write for Headers<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        self.write_each(out, &mut frame, |key| key.entry());
        out.close(frame);
    }
}

impl Headers<'_> {
    /// Writes each as a field that has this name.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn write_each(&self, out: &mut Writer<'_>, frame: &mut Frame, name: impl Fn(HeaderKey) -> &'static Name) {
        if let Some(id) = self.request_id {
            out.entry(frame, name(HeaderKey::RequestId));
            out.text(id);
        }
        if let Some(created) = self.created {
            out.entry(frame, name(HeaderKey::Created));
            out.integer(created);
        }
        if let Some(from) = self.from {
            out.require(!from.is_empty(), LanguageRule::EmptyFrom);
            out.entry(frame, name(HeaderKey::From));
            out.text(from);
        }
        if let Some(to) = self.to {
            out.entry(frame, name(HeaderKey::To));
            out.texts(to);
        }
    }
}

/// 100,000,000,000 ms are in 1973, 100,000,000,000 s in the year 5138.
const SECONDS: u64 = 100_000_000_000;

/// The recipients: a list or, from some peers, one alone.
fn read_to<'a>(r: &mut Reader<'a, '_>) -> Texts<'a> {
    if !r.lenient || r.kind() != Kind::Text {
        return read_list(r);
    }
    r.quirks.insert(Quirk::ToAsText);
    let mut empty = false;
    let raw = r.span(|r| empty = r.text().is_empty());
    if empty { Texts::EMPTY } else { Texts::from_checked(raw) }
}

impl<'a> Value<'a> for Content<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self::Notification(Raw::EMPTY)
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        match members.next(r) {
            Some(Member::Known(ContentKey::Request)) => {
                *self = Self::Request(Command::empty());
                if let Self::Request(command) = self {
                    command.fill(r);
                }
            }
            Some(Member::Known(ContentKey::Response)) => {
                *self = Self::Response(Response::empty());
                if let Self::Response(response) = self {
                    response.fill(r);
                }
            }
            Some(Member::Known(ContentKey::Notification)) => {
                let at = r.at;
                let event = r.raw();
                r.require(event.is_filled_map(), at, LanguageRule::EmptyNotification);
                *self = Self::Notification(event);
            }
            _ => return r.fail_at(members.key_at(), LanguageRule::OneContent),
        }
        members.end(r, LanguageRule::OneContent);
    }
}

impl Write for Content<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::Request(command) => write_content(ContentKey::Request, out, |out| command.write(out)),
            Self::Response(response) => write_content(ContentKey::Response, out, |out| response.write(out)),
            Self::Notification(event) => {
                out.require(event.is_filled_map(), LanguageRule::EmptyNotification);
                write_content(ContentKey::Notification, out, |out| out.raw(*event));
            }
        }
    }
}

/// The map of one content.
fn write_content(key: ContentKey, out: &mut Writer<'_>, content: impl FnOnce(&mut Writer<'_>)) {
    let mut frame = out.open(Shape::Map);
    out.field(&mut frame, key);
    content(out);
    out.close(frame);
}

impl<'a> Value<'a> for Message<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self::new(Headers::empty(), Content::empty())
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        if r.concise() && Structure::ahead(r) == Structure::Record {
            return self.fill_record(r);
        }
        let (start, mut body, mut first) = (r.begin(), false, true);
        let mut members = r.open(Shape::Record);
        while let Some(member) = members.next(r) {
            match member {
                Member::Known(MessageKey::Headers) => self.headers.fill(r),
                Member::Known(MessageKey::Body) => {
                    self.fill_body(r);
                    body = true;
                }
                Member::Known(MessageKey::Signature) => self.signature = Some(r.text()),
                Member::Other(key) if first && key.of::<RecordKey>().is_some() => {
                    members.leave(r);
                    r.back_to(start);
                    return self.fill_record(r);
                }
                Member::Other(_) => r.fail_at(members.key_at(), LanguageRule::UnknownKey),
            }
            first = false;
        }
        r.require(body, members.at(), LanguageRule::NoBody);
    }
}

impl Write for Message<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        Envelope { headers: &self.headers, signature: self.signature, structure: self.structure }
            .write(out, |out| self.content.write(out));
    }
}

/// A message without its content.
struct Envelope<'e, 'a> {
    headers: &'e Headers<'a>,
    signature: Option<Str<'a>>,
    structure: Structure,
}

impl Envelope<'_, '_> {
    fn write(&self, out: &mut Writer<'_>, content: impl FnOnce(&mut Writer<'_>)) {
        if self.structure == Structure::Record {
            return self.write_record(out, content);
        }
        let mut frame = out.open(Shape::Record);
        if !self.headers.is_empty() {
            out.field(&mut frame, MessageKey::Headers);
            self.headers.write(out);
        }
        out.field(&mut frame, MessageKey::Body);
        let mut body = out.open(Shape::Map);
        out.field(&mut body, BodyKey::Openc2);
        content(out);
        out.close(body);
        if let Some(signature) = self.signature {
            out.field(&mut frame, MessageKey::Signature);
            out.text(signature);
        }
        out.close(frame);
    }

    #[inline(never)]
    fn write_record(&self, out: &mut Writer<'_>, content: impl FnOnce(&mut Writer<'_>)) {
        let mut frame = out.open(Shape::Record);
        out.require(self.signature.is_none(), LanguageRule::UnknownKey);
        out.field(&mut frame, RecordKey::Content);
        content(out);
        self.headers.write_each(out, &mut frame, |key| match key {
            HeaderKey::RequestId => RecordKey::RequestId.entry(),
            HeaderKey::Created => RecordKey::Created.entry(),
            HeaderKey::From => RecordKey::From.entry(),
            HeaderKey::To => RecordKey::To.entry(),
        });
        out.close(frame);
    }
}

/// A message whose content is a response. A [`Message`] can be written too, whatever it holds, so who writes nothing else than
/// responses writes this, and its program has no code for commands and their targets.
pub(crate) struct Reply<'a> {
    pub(crate) headers: Headers<'a>,
    pub(crate) structure: Structure,
    pub(crate) response: &'a Response<'a>,
}

impl Reply<'_> {
    /// As [`Message::encode`].
    pub(crate) fn encode(&self, style: Style, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let mut out = Writer::new(buffer, style);
        let envelope = Envelope { headers: &self.headers, signature: None, structure: self.structure };
        envelope.write(&mut out, |out| write_content(ContentKey::Response, out, |out| self.response.write(out)));
        out.finish()
    }
}

impl<'a> Message<'a> {
    /// The flat record of CSD03 s2.4.2.
    #[inline(never)]
    fn fill_record(&mut self, r: &mut Reader<'a, '_>) {
        self.structure = Structure::Record;
        let mut content = false;
        let mut members = r.open(Shape::Record);
        while let Some(key) = members.only(r, LanguageRule::UnknownKey) {
            match key {
                RecordKey::Content => {
                    self.content.fill(r);
                    content = true;
                }
                key => self.headers.fill_of_record(key, r),
            }
        }
        r.require(content, members.at(), LanguageRule::NoContent);
    }
}

/// What an OpenC2 message is, as the `msgType` user property tells it (CS01 s3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// A command.
    Request,
    /// A response to one.
    Response,
    /// A notification.
    Notification,
}

impl MessageType {
    /// The value of the user property.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "req",
            Self::Response => "rsp",
            Self::Notification => "ntf",
        }
    }

    /// What the value of the user property stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Request, Self::Response, Self::Notification].into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoding, Form, Language, Reading, Style};

    /// Reads, writes in each form, reads again: the JSON is the same at the end of each way.
    fn round(json: &str, language: Language) {
        let reading = Reading::strict(language);
        let message =
            reading.message(Encoding::Json, json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}")).value;
        for form in [Form::Json, Form::Cbor, Form::Concise] {
            let mut buffer = [0; 1024];
            let length = message.encode(Style::new(form, language), &mut buffer).unwrap();
            let encoding = if form == Form::Json { Encoding::Json } else { Encoding::Cbor };
            let again = reading
                .message(encoding, &buffer[..length])
                .unwrap_or_else(|error| panic!("{error}: {:02x?}", &buffer[..length]))
                .value;
            let mut back = [0; 1024];
            let length = again.encode(Style::new(Form::Json, language), &mut back).unwrap();
            assert_eq!(core::str::from_utf8(&back[..length]), Ok(json), "{form:?}");
        }
    }

    #[test]
    fn the_messages_of_csd03_a_3_come_out_byte_for_byte() {
        for json in [
            r#"{"headers":{"request_id":"abc123","created":1610483630,"from":"Producer1@example.com"},"body":{"openc2":{"request":{"action":"query","target":{"features":["profiles"]}}}}}"#,
            r#"{"headers":{"request_id":"abc123","created":1610483633,"from":"Consumer1@example.com"},"body":{"openc2":{"response":{"status":200,"results":{"profiles":["slpf"]}}}}}"#,
            r#"{"headers":{"request_id":"abc123","created":1610483632,"from":"Consumer2@example.com"},"body":{"openc2":{"response":{"status":200,"results":{"profiles":["slpf","ids"]}}}}}"#,
            r#"{"headers":{"request_id":"abc123","created":1610483632,"from":"Consumer3@example.com"},"body":{"openc2":{"response":{"status":200,"results":{"profiles":["edr","sbom"]}}}}}"#,
        ] {
            round(json, Language::V1_0);
            round(json, Language::V2_0);
        }
    }

    #[test]
    fn the_flat_record_of_csd03_goes_through_every_form() {
        for json in [
            r#"{"content":{"request":{"action":"query","target":{"features":["profiles"]}}},"request_id":"abc123","created":1610483630,"from":"Producer1@example.com","to":["a","b"]}"#,
            r#"{"content":{"response":{"status":200,"results":{"profiles":["slpf"]}}},"request_id":"abc123","from":"Consumer1@example.com"}"#,
            r#"{"content":{"response":{"status":200}}}"#,
            r#"{"content":{"response":{"status":200}},"to":["a"]}"#,
        ] {
            round(json, Language::V1_0);
            round(json, Language::V2_0);
        }
    }

    #[test]
    fn the_two_structures_are_told_apart_by_their_keys_in_any_order() {
        let structure = |encoding, bytes: &[u8]| {
            Reading::default().message(encoding, bytes).map(|read| read.value.structure).map_err(|error| error.rule)
        };
        for json in [
            r#"{"from":"p","content":{"response":{"status":200}}}"#,
            r#"{ "to" : ["a"], "content":{"response":{"status":200}}}"#,
            r#"{"\u0063ontent":{"response":{"status":200}}}"#,
        ] {
            assert_eq!(structure(Encoding::Json, json.as_bytes()), Ok(Structure::Record), "{json}");
        }
        for json in [
            r#"{"signature":"s","body":{"openc2":{"response":{"status":200}}}}"#,
            r#"{ "body":{"openc2":{"response":{"status":200}}},"headers":{"content":{},"from":"a"}}"#,
        ] {
            assert_eq!(structure(Encoding::Json, json.as_bytes()), Ok(Structure::Wrapper), "{json}");
        }
        // CBOR: with names, then by the record's numbers: content, request_id, created, from, to.
        let named = b"\xA2\x64from\x61p\x67content\xA1\x68response\xA1\x66status\x18\xC8";
        assert_eq!(structure(Encoding::Cbor, named), Ok(Structure::Record));
        let concise = b"\x84\xA1\x02\xA1\x01\x18\xC8\xF6\xF6\x61p";
        assert_eq!(structure(Encoding::Cbor, concise), Ok(Structure::Record));
        let request = b"\x82\xA1\x01\x82\x03\xA1\x09\x80\x61r";
        assert_eq!(structure(Encoding::Cbor, request), Ok(Structure::Record));
        let wrapper = b"\x82\xA1\x01\x61r\xA1\x01\xA1\x02\xA1\x01\x18\xC8";
        assert_eq!(structure(Encoding::Cbor, wrapper), Ok(Structure::Wrapper));
    }

    #[test]
    fn a_record_and_a_wrapper_do_not_mix() {
        for (json, rule, path) in [
            (r#"{"request_id":"a","body":{}}"#, LanguageRule::UnknownKey, "body"),
            (r#"{"headers":{"from":"a"},"content":{}}"#, LanguageRule::UnknownKey, "content"),
            (r#"{"content":{"response":{"status":200}},"signature":"s"}"#, LanguageRule::UnknownKey, "signature"),
            (r#"{"content":{"response":{"status":200}},"from":""}"#, LanguageRule::EmptyFrom, "from"),
            (r#"{"content":{"response":{"status":200}},"from":"a","from":"a"}"#, LanguageRule::DuplicateKey, "from"),
            (r#"{"content":{}}"#, LanguageRule::OneContent, "content"),
            (r#"{"from":"a"}"#, LanguageRule::NoContent, ""),
            (r#"{"contents":{}}"#, LanguageRule::UnknownKey, "contents"),
        ] {
            let error = Reading::default().message(Encoding::Json, json.as_bytes()).unwrap_err();
            assert_eq!((error.rule, error.path.as_str()), (rule, path), "{json}");
        }
        let mut signed = Message::new(Headers::default(), Content::Response(Response::new(crate::Status::Ok)));
        signed.signature = Some(Str::new("s"));
        let refused = signed.structured(Structure::Record).encode(Form::Json, &mut [0; 99]);
        assert_eq!(refused, Err(EncodeError::Refused(LanguageRule::UnknownKey)));
    }

    #[test]
    fn every_target_of_the_language_goes_through_every_form() {
        for target in [
            r#""artifact":{"mime_type":"text/plain","payload":{"bin":"AP_-"},"hashes":{"md5":"00112233445566778899AABBCCDDEEFF"}}"#,
            r#""artifact":{"payload":{"url":"https://example.com/a"}}"#,
            r#""command":"d1ac0489-ed51-4345-9175-f3078f30afe5""#,
            r#""device":{"hostname":"h.example","idn_hostname":"ü.example","device_id":"d 1"}"#,
            r#""domain_name":"example.com""#,
            r#""email_addr":"a@example.com""#,
            r#""features":[]"#,
            r#""features":["rate_limit","versions","pairs","profiles"]"#,
            r#""file":{"name":"a","path":"/b/a","hashes":{"sha1":"00112233445566778899AABBCCDDEEFF00112233","sha256":"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"}}"#,
            r#""idn_domain_name":"ü.example""#,
            r#""idn_email_addr":"ü@ü.example""#,
            r#""ipv4_net":"198.51.100.0/24""#,
            r#""ipv4_net":"198.51.100.1""#,
            r#""ipv6_net":"2001:db8::/32""#,
            r#""ipv4_connection":{"src_addr":"10.0.0.0/8","src_port":0,"dst_addr":"192.0.2.1","dst_port":65535,"protocol":"tcp"}"#,
            r#""ipv4_connection":{"dst_port":443}"#,
            r#""ipv6_connection":{"src_addr":"::1","protocol":"sctp"}"#,
            r#""mac_addr":"C7:59:22:BF:0A:01""#,
            r#""mac_addr":"C7:59:22:BF:0A:01:02:03""#,
            r#""process":{"pid":1,"name":"a","cwd":"/","executable":{"name":"b"},"parent":{"pid":2,"parent":{"name":"c"}},"command_line":"a -b"}"#,
            r#""uri":"https://example.com/""#,
            r#""iri":"https://example.com/ü""#,
            r#""properties":["battery"]"#,
        ] {
            let mut json = [0; 512];
            let text = {
                let parts = [
                    r#"{"headers":{"from":"p"},"body":{"openc2":{"request":{"action":"deny","target":{"#,
                    target,
                    r#"},"args":{"start_time":1,"duration":9007199254740991,"response_requested":"none"},"command_id":"c"}}}}"#,
                ];
                let mut at = 0;
                for part in parts {
                    json[at..at + part.len()].copy_from_slice(part.as_bytes());
                    at += part.len();
                }
                core::str::from_utf8(&json[..at]).unwrap()
            };
            round(text, Language::V1_0);
        }
    }

    #[test]
    fn responses_go_through_every_form() {
        round(
            r#"{"body":{"openc2":{"response":{"status":200,"status_text":"a\"b","results":{"versions":["1.0"],"profiles":["slpf","x-acme"],"pairs":{"query":["features"],"deny":["ipv4_net","file"]},"rate_limit":30}}}},"signature":"s"}"#,
            Language::V1_0,
        );
        round(r#"{"headers":{"to":["a","b"]},"body":{"openc2":{"response":{"status":102}}}}"#, Language::V2_0);
    }

    #[test]
    fn a_query_of_features_in_the_concise_form() {
        let json = br#"{"headers":{"request_id":"d1ac0489-ed51-4345-9175-f3078f30afe5","created":1610483630000,"from":"Producer1@example.com"},"body":{"openc2":{"request":{"action":"query","target":{"features":["profiles"]}}}}}"#;
        let concise = b"\x82\xa3\x01\x78\x24d1ac0489-ed51-4345-9175-f3078f30afe5\x02\x1b\x00\x00\x01\x76\xf8\x4d\xff\xb0\x03\x75Producer1@example.com\xa1\x01\xa1\x01\x82\x03\xa1\x09\x81\x02";
        let message = Reading::default().message(Encoding::Json, json).unwrap().value;
        let mut buffer = [0; 200];
        let length = message.encode(Form::Concise, &mut buffer).unwrap();
        assert_eq!(&buffer[..length], concise);
        assert_eq!(length, 84);
        assert_eq!(message.encode(Form::Cbor, &mut buffer), Ok(166));
        let again = Reading::default().message(Encoding::Cbor, concise).unwrap().value;
        let length = again.encode(Form::Json, &mut buffer[..]).err();
        assert_eq!(length, Some(EncodeError::Full { need: 204 }));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_path() {
        let request = |inner: &str, path: &str, rule: LanguageRule| {
            let mut json = [0; 512];
            let mut at = 0;
            for part in [r#"{"headers":{"from":"p"},"body":{"openc2":{"request":"#, inner, "}}}"] {
                json[at..at + part.len()].copy_from_slice(part.as_bytes());
                at += part.len();
            }
            let error = Reading::default().message(Encoding::Json, &json[..at]).unwrap_err();
            assert_eq!((error.path.as_str(), error.rule), (path, rule), "{inner}");
        };
        request(
            r#"{"action":"deny","target":{"ipv4_net":"300.1.1.1"}}"#,
            "body.openc2.request.target.ipv4_net",
            LanguageRule::Ipv4Net,
        );
        request(
            r#"{"action":"dance","target":{"ipv4_net":"1.1.1.1"}}"#,
            "body.openc2.request.action",
            LanguageRule::Action,
        );
        request(
            r#"{"action":"deny","target":{"ipv4_nets":"1.1.1.1"}}"#,
            "body.openc2.request.target.ipv4_nets",
            LanguageRule::Target,
        );
        request(r#"{"action":"deny"}"#, "body.openc2.request", LanguageRule::NoTarget);
        request(r#"{"target":{"command":"a"}}"#, "body.openc2.request", LanguageRule::NoAction);
        request(r#"{"action":"deny","target":{}}"#, "body.openc2.request.target", LanguageRule::OneTarget);
        request(
            r#"{"action":"deny","target":{"uri":"a:b","command":"a"}}"#,
            "body.openc2.request.target.command",
            LanguageRule::OneTarget,
        );
        request(
            r#"{"action":"deny","target":{"command":"a"},"args":{}}"#,
            "body.openc2.request.args",
            LanguageRule::EmptyArgs,
        );
        request(
            r#"{"action":"deny","target":{"command":"a"},"args":{"start_time":1,"stop_time":2,"duration":1}}"#,
            "body.openc2.request.args",
            LanguageRule::ThreeTimes,
        );
        request(
            r#"{"action":"deny","target":{"features":["versions","versions"]}}"#,
            "body.openc2.request.target.features[1]",
            LanguageRule::DuplicateFeature,
        );
        request(
            r#"{"action":"deny","action":"deny","target":{"command":"a"}}"#,
            "body.openc2.request.action",
            LanguageRule::DuplicateKey,
        );
        request(
            r#"{"action":"deny","target":{"command":null}}"#,
            "body.openc2.request.target.command",
            LanguageRule::Null,
        );
        request(
            r#"{"action":"deny","target":{"process":{"parent":{"parent":{"pid":-1}}}}}"#,
            "body.openc2.request.target.process.parent.parent.pid",
            LanguageRule::WantInteger,
        );
    }
}
