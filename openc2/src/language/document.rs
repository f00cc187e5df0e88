//! A message, a command or a response, when it isn't known beforehand which: what a checker or a converter reads.

use crate::Style;
use crate::encoding::error::EncodeError;
use crate::encoding::mode::Encoding;
use crate::encoding::raw::DEPTH;
use crate::encoding::source::{Key, Kind, Reader, Shape, named};
use crate::language::command::Command;
use crate::language::message::Message;
use crate::language::response::Response;
use crate::language::vocabulary::{CommandKey, MessageKey, RecordKey, ResponseKey};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// A message, with headers and body.
    Message,
    /// A command alone.
    Command,
    /// A response alone.
    Response,
}

/// A document of any kind.
#[derive(Clone, Copy, Debug)]
pub enum Document<'a> {
    /// A message, with headers and body.
    Message(Message<'a>),
    /// A command alone.
    Command(Command<'a>),
    /// A response alone.
    Response(Response<'a>),
}

impl Document<'_> {
    /// Which it is.
    pub const fn kind(&self) -> DocumentKind {
        match self {
            Self::Message(_) => DocumentKind::Message,
            Self::Command(_) => DocumentKind::Command,
            Self::Response(_) => DocumentKind::Response,
        }
    }

    /// Writes it, in another form if wanted; how many bytes it took.
    pub fn encode(&self, style: impl Into<Style>, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        match self {
            Self::Message(message) => message.encode(style, buffer),
            Self::Command(command) => command.encode(style, buffer),
            Self::Response(response) => response.encode(style, buffer),
        }
    }
}

impl DocumentKind {
    /// What a document seems to be, by its first field that tells; a message if none does.
    pub fn of(encoding: Encoding, bytes: &[u8]) -> Self {
        let reader = Reader::of_sound(encoding, bytes, DEPTH);
        let found = if reader.concise() { by_place(reader) } else { by_field(reader) };
        found.unwrap_or(Self::Message)
    }
}

fn by_field(mut r: Reader<'_, '_>) -> Option<DocumentKind> {
    let mut walk = r.open_map(Shape::Map);
    while let Some(Key::Name(name)) = r.key(&mut walk) {
        if named::<MessageKey>(name).is_some() || named::<RecordKey>(name).is_some() {
            return Some(DocumentKind::Message);
        }
        if named::<CommandKey>(name).is_some() || name == "profile" {
            return Some(DocumentKind::Command);
        }
        if named::<ResponseKey>(name).is_some() {
            return Some(DocumentKind::Response);
        }
        r.pass();
    }
    None
}

/// In the concise form a response is a map; a command begins with the identifier of an action, a response of the v2.0
/// draft with a status, a message with its headers.
fn by_place(mut r: Reader<'_, '_>) -> Option<DocumentKind> {
    if r.kind() == Kind::Map {
        return Some(DocumentKind::Response);
    }
    let mut walk = r.open_list();
    r.more(&mut walk).then_some(())?;
    match r.kind() {
        Kind::Number if r.integer() < 100 => r.sound().then_some(DocumentKind::Command),
        Kind::Number => Some(DocumentKind::Response),
        _ => Some(DocumentKind::Message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Form, Language, Reading};

    #[test]
    fn a_document_tells_what_it_is() {
        for (json, kind) in [
            (r#"{"body":{"openc2":{"response":{"status":200}}}}"#, DocumentKind::Message),
            (r#"{"signature":"s","body":{"openc2":{"response":{"status":200}}}}"#, DocumentKind::Message),
            (r#"{"target":{"command":"a"},"action":"deny"}"#, DocumentKind::Command),
            (r#"{"status":200}"#, DocumentKind::Response),
        ] {
            for language in [Language::V1_0, Language::V2_0] {
                let reading = Reading::strict(language);
                let read = reading.document(Encoding::Json, json.as_bytes()).unwrap();
                assert_eq!(read.value.kind(), kind);
                for form in [Form::Cbor, Form::Concise] {
                    let mut buffer = [0; 100];
                    let length = read.value.encode(Style::new(form, language), &mut buffer).unwrap();
                    assert_eq!(Encoding::sniff(&buffer[..length]), Encoding::Cbor);
                    let again = reading.document(Encoding::Cbor, &buffer[..length]).unwrap();
                    assert_eq!(again.value.kind(), kind);
                }
            }
        }
        assert_eq!(DocumentKind::of(Encoding::Json, b"[]"), DocumentKind::Message);
        assert_eq!(DocumentKind::of(Encoding::Cbor, b""), DocumentKind::Message);
        assert_eq!(Encoding::sniff(b" {}"), Encoding::Json);
    }
}
