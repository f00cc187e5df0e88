//! How messages are read and written: language version, strictness, limits, form.

use crate::encoding::error::{EncodeError, Error, Fail, LanguageRule, Path};
use crate::encoding::mode::{Encoding, Language, Quirks};
use crate::encoding::out::{Style, Writer};
use crate::encoding::raw::DEPTH;
use crate::encoding::source::{MAX_MEMBERS, Places, Reader, locate};
use crate::encoding::value::{Value, Write as _};
use crate::language::command::Command;
use crate::language::document::{Document, DocumentKind};
use crate::language::message::{Headers, Message, Structure};
use crate::language::profile::Profiles;
use crate::language::response::Response;

/// How messages are read. The default is v1.0, strict, values nested at most 16 deep, 64 KiB, [`MAX_MEMBERS`].
///
/// Reading costs time in proportion to a message's length, whoever wrote it.
///
/// ```
/// use openc2_mqtt::{Encoding, Reading};
/// let payload = br#"{"headers":{"from":"p"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"300.1.1.1"}}}}}"#;
/// let error = Reading::default().message(Encoding::Json, payload).unwrap_err();
/// assert_eq!(error.path.as_str(), "body.openc2.request.target.ipv4_net");
/// assert_eq!(error.rule.section(), "LS1 3.4.1.9");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The language version.
    pub language: Language,
    /// Whether peers' habits are forgiven and reported, or refused.
    pub lenient: bool,
    /// How deep values may be nested.
    pub depth: u8,
    /// The most bytes a message may have.
    pub size: usize,
    /// How many fields, of nested maps together, and how many items of a list may stand in any order, at most [`MAX_MEMBERS`].
    /// Beyond that they have to ascend. (Fields that the language defines don't count.)
    pub members: usize,
    /// The profiles whose values are read by their types, and so checked. None, unless they are given: a
    /// [`Consumer`](crate::consumer::Consumer) has those of its declaration.
    pub profiles: &'static Profiles,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            language: Language::V1_0,
            lenient: false,
            depth: DEPTH,
            size: 65_536,
            members: MAX_MEMBERS,
            profiles: &Profiles::NONE,
        }
    }
}

/// A value that was read, and what had to be forgiven.
#[derive(Clone, Copy, Debug)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// The habits that were met; none in strict reading.
    pub quirks: Quirks,
}

impl<T> Read<T> {
    /// The same habits, with something made of the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Read<U> {
        Read { value: make(self.value), quirks: self.quirks }
    }
}

impl Reading {
    /// Strict reading of a language version.
    pub fn strict(language: Language) -> Self {
        Self { language, ..Self::default() }
    }

    /// Reading that forgives and reports the habits of peers.
    pub fn lenient(language: Language) -> Self {
        Self { language, lenient: true, ..Self::default() }
    }

    /// The same with these profiles.
    pub const fn with_profiles(self, profiles: &'static Profiles) -> Self {
        Self { profiles, ..self }
    }

    /// Reads a message, a command or a response, whichever it is.
    pub fn document<'a>(&self, encoding: Encoding, bytes: &'a [u8]) -> Result<Read<Document<'a>>, Error> {
        match DocumentKind::of(encoding, bytes) {
            DocumentKind::Message => self.read::<Message<'a>>(encoding, bytes).map(|read| read.map(Document::Message)),
            DocumentKind::Command => self.read::<Command<'a>>(encoding, bytes).map(|read| read.map(Document::Command)),
            DocumentKind::Response => {
                self.read::<Response<'a>>(encoding, bytes).map(|read| read.map(Document::Response))
            }
        }
    }

    /// Reads a message, all of it checked, in one pass and without a copy.
    pub fn message<'a>(&self, encoding: Encoding, bytes: &'a [u8]) -> Result<Read<Message<'a>>, Error> {
        self.read(encoding, bytes)
    }

    /// Reads a command that stands alone.
    pub fn command<'a>(&self, encoding: Encoding, bytes: &'a [u8]) -> Result<Read<Command<'a>>, Error> {
        self.read(encoding, bytes)
    }

    /// Reads a response that stands alone.
    pub fn response<'a>(&self, encoding: Encoding, bytes: &'a [u8]) -> Result<Read<Response<'a>>, Error> {
        self.read(encoding, bytes)
    }

    /// The headers of a message that can't be read as a whole, as far as they can, and the structure they stand in: to whom an
    /// error is to be told, and how.
    pub(crate) fn salvage<'a>(&self, encoding: Encoding, bytes: &'a [u8]) -> (Headers<'a>, Structure) {
        Headers::salvage(&mut Reader::of_sound(encoding, bytes, self.depth).in_mode(self.language, true))
    }

    #[inline(always)]
    fn reader<'a>(&self, encoding: Encoding, bytes: &'a [u8]) -> Result<Reader<'a, '_>, Error> {
        if bytes.len() > self.size {
            return Err(Error { rule: LanguageRule::TooLarge, at: self.size, path: Path::EMPTY });
        }
        let mut reader = match encoding {
            Encoding::Json => match core::str::from_utf8(bytes) {
                Ok(text) => Reader::json(text, self.depth),
                Err(error) => {
                    return Err(Error { rule: LanguageRule::Utf8, at: error.valid_up_to(), path: Path::EMPTY });
                }
            },
            Encoding::Cbor => Reader::detect(bytes, self.depth),
        };
        reader.look_through();
        reader.language = self.language;
        reader.lenient = self.lenient;
        reader.types = Some(self.profiles);
        Ok(reader)
    }

    fn read<'a, T: Value<'a>>(&self, encoding: Encoding, bytes: &'a [u8]) -> Result<Read<T>, Error> {
        // Where it is read is where the caller gets it: it is too large to be copied about.
        let mut result = Ok(Read { value: T::empty(), quirks: Quirks::NONE });
        self.read_into(encoding, bytes, &mut result);
        result
    }

    #[inline(always)]
    fn read_into<'a, T: Value<'a>>(&self, encoding: Encoding, bytes: &'a [u8], result: &mut Result<Read<T>, Error>) {
        let Ok(read) = result else { return };
        let mut places = Places::new(self.members);
        let mut reader = match self.reader(encoding, bytes) {
            Ok(reader) => reader,
            Err(error) => {
                *result = Err(error);
                return;
            }
        };
        reader.use_places(&mut places);
        read.value.fill(&mut reader);
        reader.end();
        read.quirks = reader.quirks;
        if let Some(fail) = reader.failed() {
            *result = Err(self.explain(encoding, bytes, fail));
        }
    }

    /// Finds the path to a failure: only now, so that reading what is right costs nothing for it.
    #[cold]
    #[inline(never)]
    fn explain(&self, encoding: Encoding, bytes: &[u8], fail: Fail) -> Error {
        let path = locate(Reader::of_sound(encoding, bytes, self.depth), fail.at());
        Error { rule: fail.rule, at: fail.at(), path }
    }
}

macro_rules! encode {
    ($($name:ident)*) => {$(
        impl $name<'_> {
            /// Writes it; how many bytes it took. Each rule is checked on the way, and a buffer that is too small is told
            /// how much is needed, for which an empty one will do.
            pub fn encode(&self, style: impl Into<Style>, buffer: &mut [u8]) -> Result<usize, EncodeError> {
                let mut out = Writer::new(buffer, style.into());
                self.write(&mut out);
                out.finish()
            }
        }
    )*};
}

encode! { Message Command Response }
