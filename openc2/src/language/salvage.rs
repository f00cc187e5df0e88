//! What can still be told of a message that can't be read as a whole: its headers, what it is, which response its sender wants,
//! and how a command went. Who wants no response gets none (SLPF s3.2.1.7.1), whatever is wrong with the message.

use crate::encoding::error::LanguageRule;
use crate::encoding::source::{Key, Kind, Reader, Shape};
use crate::encoding::sum::crc32;
use crate::encoding::value::Value as _;
use crate::language::message::{Headers, Structure};
use crate::language::response::Status;
use crate::language::vocabulary::{ContentKey, HeaderKey, MessageKey, RecordKey, ResponseType};
use crate::{Encoding, MessageType};

/// A field on the way to another: its name, its identifier in the concise form, and what it stands in.
type Step = (&'static str, u64, Shape);

/// The way to the content, in either structure.
const fn way(structure: Structure) -> &'static [Step] {
    match structure {
        Structure::Wrapper => &[("body", 2, Shape::Record), ("openc2", 1, Shape::Map)],
        Structure::Record => &[("content", 1, Shape::Record)],
    }
}
const REQUEST: Step = ("request", 1, Shape::Map);
const RESPONSE: Step = ("response", 2, Shape::Map);

impl<'a> Headers<'a> {
    /// What of the headers can be read though something is wrong, and the structure that they stand in. A header of a wrong type
    /// costs no other one. Of two under one name the first counts, and where headers stand beside the wrapper's, or a wrapper's
    /// in a record, they are taken for what is missing.
    pub(crate) fn salvage(r: &mut Reader<'a, '_>) -> (Self, Structure) {
        let structure = Structure::ahead(r);
        let (mut inner, mut outer) = (Self::empty(), Self::empty());
        let mut walk = r.open_map(Shape::Record);
        while let Some(key) = r.key(&mut walk) {
            let header = match key.of::<RecordKey>() {
                _ if r.concise() && structure == Structure::Wrapper => None,
                Some(RecordKey::RequestId) => Some(HeaderKey::RequestId),
                Some(RecordKey::Created) => Some(HeaderKey::Created),
                Some(RecordKey::From) => Some(HeaderKey::From),
                Some(RecordKey::To) => Some(HeaderKey::To),
                Some(RecordKey::Content) | None => None,
            };
            let wrapped =
                key.of::<MessageKey>() == Some(MessageKey::Headers) && !(r.concise() && structure == Structure::Record);
            match header {
                Some(header) => outer.salvage_one(header, r),
                None if wrapped && r.kind() == Kind::Map => inner.salvage_each(r),
                None => r.skip(),
            }
        }
        let headers = match structure {
            Structure::Wrapper => inner.or(outer),
            Structure::Record => outer.or(inner),
        };
        (headers, structure)
    }

    /// Those of a wrapper.
    fn salvage_each(&mut self, r: &mut Reader<'a, '_>) {
        let mut walk = r.open_map(Shape::Map);
        while let Some(key) = r.key(&mut walk) {
            match key.of::<HeaderKey>() {
                Some(header) => self.salvage_one(header, r),
                None => r.pass_over(),
            }
        }
    }

    /// One of them, unless it is wrong, or came before.
    fn salvage_one(&mut self, key: HeaderKey, r: &mut Reader<'a, '_>) {
        let (mut one, mut probe) = (Self::empty(), r.clone());
        one.fill_known(key, &mut probe);
        // In JSON a number may only seem to end.
        let whole = !r.is_json() || matches!(probe.peek(), Some(b',' | b'}') | None);
        if probe.sound() && whole {
            *self = self.or(one);
            r.at = probe.at;
        } else {
            r.pass_over();
        }
    }

    /// These, and from others what is missing.
    fn or(self, others: Self) -> Self {
        Self {
            request_id: self.request_id.or(others.request_id),
            created: self.created.or(others.created),
            from: self.from.or(others.from),
            to: self.to.or(others.to),
        }
    }
}

/// An encoded message, of which single values can be read though others are wrong.
#[derive(Clone, Copy)]
pub(crate) struct RawMessage<'a> {
    pub(crate) encoding: Encoding,
    pub(crate) payload: &'a [u8],
    pub(crate) depth: u8,
}

impl<'a> RawMessage<'a> {
    /// A reader at the value to which these steps lead from the content; `None` if what is wrong lies before it, or it isn't
    /// there.
    fn at(&self, steps: &[Step]) -> Option<Reader<'a, 'static>> {
        let mut reader = Reader::of_sound(self.encoding, self.payload, self.depth);
        for (name, id, shape) in way(Structure::ahead(&reader)).iter().chain(steps) {
            let mut walk = reader.open_map(*shape);
            loop {
                let here = match reader.key(&mut walk)? {
                    Key::Name(key) => key == *name,
                    Key::Id(key) => key == *id,
                };
                if here {
                    break;
                }
                reader.skip();
            }
        }
        reader.sound().then_some(reader)
    }

    /// Which response the sender of a request wants.
    pub(crate) fn response_requested(&self) -> Option<ResponseType> {
        let mut reader = self.at(&[REQUEST, ("args", 3, Shape::Record), ("response_requested", 4, Shape::Map)])?;
        let requested = reader.one_of(LanguageRule::ResponseType)?;
        reader.sound().then_some(requested)
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> Option<Status> {
        let mut reader = self.at(&[RESPONSE, ("status", 1, Shape::Record)])?;
        let code = reader.integer();
        reader.sound().then(|| Status::from_code(code))?
    }

    /// The sum over a request's command as it stands in a message; 0 where there is none.
    pub(crate) fn digest(&self) -> u32 {
        let Some(mut reader) = self.at(&[REQUEST]) else { return 0 };
        let start = reader.begin();
        reader.pass();
        self.payload.get(start..reader.at).map_or(0, crc32)
    }

    /// What its content calls itself.
    pub(crate) fn kind(&self) -> Option<MessageType> {
        let mut reader = self.at(&[])?;
        let mut walk = reader.open_map(Shape::Map);
        while let Some(key) = reader.key(&mut walk) {
            match key.of() {
                Some(ContentKey::Request) => return Some(MessageType::Request),
                Some(ContentKey::Response) => return Some(MessageType::Response),
                Some(ContentKey::Notification) => return Some(MessageType::Notification),
                None => reader.skip(),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use super::*;
    use crate::{Reading, Str};

    fn json(payload: &str) -> RawMessage<'_> {
        RawMessage { encoding: Encoding::Json, payload: payload.as_bytes(), depth: 16 }
    }

    #[test]
    fn a_status_is_told_wherever_else_something_is_wrong() {
        for (response, status) in [
            (r#"{"status":200,"results":"done"}"#, Some(Status::Ok)),
            (r#"{"results":[1],"status":500}"#, Some(Status::InternalError)),
            (r#"{"extra":{"a":1},"status":102"#, Some(Status::Processing)),
            (r#"{"status":299}"#, None),
            (r#"{"status":"200"}"#, None),
            (r#"{"results":tru,"status":200}"#, None),
            (r#"{}"#, None),
            (r#"7"#, None),
        ] {
            let payload = [r#"{"headers":{},"body":{"openc2":{"response":"#, response].concat();
            assert_eq!(json(&payload).status(), status, "{response}");
        }
        let cbor = b"\xA1\x64body\xA1\x66openc2\xA1\x68response\xA2\x66status\x18\xC8\x67results\x64done";
        let raw = RawMessage { encoding: Encoding::Cbor, payload: cbor, depth: 16 };
        assert_eq!(raw.status(), Some(Status::Ok));
        // Concise, as version 1.0 has it and as the draft has it.
        for response in [&b"\xA2\x01\x18\xC8\x03\x01"[..], b"\x83\x18\xC8\xF6\x01"] {
            let payload = [&b"\x82\xF6\xA1\x01\xA1\x02"[..], response].concat();
            let raw = RawMessage { encoding: Encoding::Cbor, payload: &payload, depth: 16 };
            assert_eq!(raw.status(), Some(Status::Ok), "{payload:02X?}");
        }
    }

    #[test]
    fn a_flat_record_tells_the_same() {
        let payload = r#"{"from":"a","content":{"response":{"results":1,"status":500}}"#;
        assert_eq!(
            (json(payload).kind(), json(payload).status()),
            (Some(MessageType::Response), Some(Status::InternalError))
        );
        let payload = r#"{"content":{"request":{"args":{"response_requested":"none"},"action":7}}}"#;
        assert_eq!(json(payload).response_requested(), Some(ResponseType::None));
    }

    #[test]
    fn what_a_content_calls_itself_is_told() {
        let kind = |content: &str| json(&[r#"{"body":{"openc2":{"#, content].concat()).kind();
        assert_eq!(kind(r#""request":{"action":7}"#), Some(MessageType::Request));
        assert_eq!(kind(r#""response":"#), Some(MessageType::Response));
        assert_eq!(kind(r#""notification":{}}}}"#), Some(MessageType::Notification));
        assert_eq!(kind(r#""command":{}"#), None);
        assert_eq!(json("[]").kind(), None);
        assert_eq!(json("").kind(), None);
    }

    type Value = (&'static str, &'static [u8]);

    /// A message whose headers are these, in JSON and in CBOR with names.
    fn written(structure: Structure, members: &[(&str, Value)]) -> (String, Vec<u8>) {
        let json: Vec<_> = members.iter().map(|(name, (json, _))| format!(r#""{name}":{json}"#)).collect();
        let text = |text: &str| [&[0x78, text.len() as u8][..], text.as_bytes()].concat();
        let cbor: Vec<u8> = members.iter().flat_map(|(name, (_, cbor))| [text(name), cbor.to_vec()].concat()).collect();
        let (json, count) = (json.join(","), members.len() as u8);
        match structure {
            Structure::Wrapper => {
                let cbor =
                    [std::vec![0xA2], text("headers"), std::vec![0xA0 + count], cbor, text("body"), std::vec![0xA0]]
                        .concat();
                (format!(r#"{{"headers":{{{json}}},"body":{{}}}}"#), cbor)
            }
            Structure::Record => {
                let cbor = [std::vec![0xA1 + count], cbor, text("content"), std::vec![0xA0]].concat();
                (format!(r#"{{{json},"content":{{}}}}"#), cbor)
            }
        }
    }

    #[test]
    fn a_bad_header_costs_no_other_one_wherever_it_stands() {
        const ID: (&str, Value) = ("request_id", (r#""ID""#, b"\x62ID"));
        const CREATED: (&str, Value) = ("created", ("5", b"\x05"));
        const FROM: (&str, Value) = ("from", (r#""d""#, b"\x61d"));
        const TO: (&str, Value) = ("to", (r#"["c"]"#, b"\x81\x61c"));
        let bad: [(&str, &[Value]); 4] = [
            (
                "request_id",
                &[("7", b"\x07"), ("true", b"\xF5"), (r#"{"a":[1]}"#, b"\xA1\x61a\x81\x01"), ("null", b"\xF6")],
            ),
            (
                "created",
                &[
                    (r#""2026-01-01T00:00:00Z""#, b"\x742026-01-01T00:00:00Z"),
                    ("-1", b"\x20"),
                    ("1.5e12", b"\xFB\x40\x09\x21\xFB\x54\x44\x2D\x18"),
                    ("9007199254740993", b"\x1B\x00\x20\x00\x00\x00\x00\x00\x01"),
                    ("[]", b"\x80"),
                    // A tag, undefined, and chunks, which the language has not.
                    ("{}", b"\xC1\x1A\x65\x00\x00\x00"),
                    ("true", b"\xF7"),
                    ("false", b"\x7F\x61a\x61b\xFF"),
                    // What is not even a number in JSON.
                    ("1.5e12.5", b"\x61x"),
                    ("2026-01-01", b"\x61x"),
                    ("nul", b"\xF6"),
                ],
            ),
            ("from", &[("7", b"\x07"), (r#""""#, b"\x60"), ("[1]", b"\x81\x01"), ("false", b"\xF4")]),
            ("to", &[("7", b"\x07"), ("[7]", b"\x81\x07"), (r#"{"c":1}"#, b"\xA1\x61c\x01")]),
        ];
        let all = [ID, CREATED, FROM, TO];
        let mut checked = 0;
        for structure in [Structure::Wrapper, Structure::Record] {
            for ((name, values), at) in bad.iter().flat_map(|bad| (0..4).map(move |at| (bad, at))) {
                let mut good: Vec<_> = all.into_iter().filter(|(good, _)| good != name).collect();
                for (value, turn) in values.iter().flat_map(|value| (0..3).map(move |turn| (value, turn))) {
                    good.rotate_left(usize::from(turn > 0));
                    let mut members = good.clone();
                    members.insert(at, (name, *value));
                    let (json, cbor) = written(structure, &members);
                    for (encoding, bytes) in [(Encoding::Json, json.as_bytes()), (Encoding::Cbor, &cbor[..])] {
                        let (headers, told) = Reading::default().salvage(encoding, bytes);
                        let has = |header: &str| *name != header;
                        assert_eq!(told, structure, "{json}");
                        assert_eq!(
                            headers.request_id,
                            has("request_id").then_some(Str::new("ID")),
                            "{json} {cbor:02x?}"
                        );
                        assert_eq!(headers.from, has("from").then_some(Str::new("d")), "{json} {cbor:02x?}");
                        assert_eq!(headers.created, has("created").then_some(5), "{json} {cbor:02x?}");
                        assert_eq!(
                            headers.to.map(|to| to.contains("c")),
                            has("to").then_some(true),
                            "{json} {cbor:02x?}"
                        );
                        checked += 1;
                    }
                }
            }
        }
        assert_eq!(checked, 2 * 4 * (4 + 11 + 4 + 3) * 3 * 2);
    }

    #[test]
    fn headers_are_found_beside_the_wrapper_too() {
        for json in [
            r#"{"request_id":"ID","from":"d","body":{"openc2":{}}}"#,
            r#"{"body":{"openc2":{}},"from":"d","request_id":"ID"}"#,
            r#"{"headers":{"from":"d"},"body":{},"request_id":"ID"}"#,
            r#"{"headers":{"from":"d","from":"e"},"body":{},"from":"f","request_id":"ID"}"#,
            r#"{"from":"d","headers":{"request_id":"ID","from":"e"},"content":{}}"#,
            r#"{"headers":7,"request_id":"ID","from":"d"}"#,
        ] {
            let (headers, _) = Reading::default().salvage(Encoding::Json, json.as_bytes());
            assert_eq!((headers.request_id, headers.from), (Some(Str::new("ID")), Some(Str::new("d"))), "{json}");
        }
        // In the concise form a number means one thing in a wrapper and another in a record.
        let wrapper = b"\x82\xA2\x01\x62ID\x03\x61d\xA0";
        let record = b"\x84\xA1\x01\xA0\x62ID\x61x\x61d";
        for (cbor, structure) in [(&wrapper[..], Structure::Wrapper), (&record[..], Structure::Record)] {
            let (headers, told) = Reading::default().salvage(Encoding::Cbor, cbor);
            assert_eq!(told, structure);
            assert_eq!((headers.request_id, headers.from), (Some(Str::new("ID")), Some(Str::new("d"))), "{cbor:02x?}");
        }
    }
}
