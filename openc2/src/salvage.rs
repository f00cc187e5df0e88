//! What can still be told of a message that can't be read as a whole: what it is, which response its sender wants (who wants
//! none gets none, SLPF s3.2.1.7.1: that comes before all else), and how a command went.

use crate::error::LanguageRule;
use crate::message::Structure;
use crate::response::Status;
use crate::source::{Key, Reader, Shape};
use crate::transfer::{Encoding, MessageType};
use crate::vocabulary::{ContentKey, ResponseType};

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

/// A message as it came.
#[derive(Clone, Copy)]
pub(crate) struct Wreck<'a> {
    pub(crate) encoding: Encoding,
    pub(crate) payload: &'a [u8],
    pub(crate) depth: u8,
}

impl<'a> Wreck<'a> {
    /// At the value of the content to which these steps lead; `None` if what is wrong lies before it, or it isn't there.
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
        let wish = reader.one_of(LanguageRule::ResponseType)?;
        reader.sound().then_some(wish)
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> Option<Status> {
        let mut reader = self.at(&[RESPONSE, ("status", 1, Shape::Record)])?;
        let code = reader.integer();
        reader.sound().then(|| Status::from_code(code))?
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
    use super::*;

    fn json(payload: &str) -> Wreck<'_> {
        Wreck { encoding: Encoding::Json, payload: payload.as_bytes(), depth: 16 }
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
        let wreck = Wreck { encoding: Encoding::Cbor, payload: cbor, depth: 16 };
        assert_eq!(wreck.status(), Some(Status::Ok));
        // Concise, as version 1.0 has it and as the draft has it.
        for response in [&b"\xA2\x01\x18\xC8\x03\x01"[..], b"\x83\x18\xC8\xF6\x01"] {
            let payload = [&b"\x82\xF6\xA1\x01\xA1\x02"[..], response].concat();
            let wreck = Wreck { encoding: Encoding::Cbor, payload: &payload, depth: 16 };
            assert_eq!(wreck.status(), Some(Status::Ok), "{payload:02X?}");
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
}
