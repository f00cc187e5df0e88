//! How messages are read and written: language version, strictness, limits, form.

use core::fmt;

use crate::encoding::error::{EncodeError, Error, Fail, LanguageRule, Path};
use crate::encoding::out::Out;
use crate::encoding::raw::DEPTH;
use crate::encoding::source::{MAX_MEMBERS, Places, Reader, locate};
use crate::language::command::Command;
use crate::language::document::{Document, Kind};
use crate::language::message::{Headers, Message, Structure};
use crate::language::response::Response;
use crate::language::value::Value;
use crate::transfer::Encoding;

/// A version of the language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// The approved language, oc2ls-v1.0-cs02.
    #[default]
    V1_0,
    /// The working draft of March 2024.
    V2_0,
}

/// How a message is laid out in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// JSON, without insignificant white space.
    #[default]
    Json,
    /// CBOR with names for keys: what other implementations send.
    Cbor,
    /// CBOR as JADN s4.4 lays it down: identifiers for names, arrays for records, bytes for formats of text.
    Concise,
}

impl From<Encoding> for Form {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Json => Self::Json,
            Encoding::Cbor => Self::Cbor,
        }
    }
}

/// A form and a language version to write in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// The layout.
    pub form: Form,
    /// The language version.
    pub language: Language,
}

impl From<Form> for Style {
    fn from(form: Form) -> Self {
        Self { form, language: Language::V1_0 }
    }
}

impl From<Encoding> for Style {
    fn from(encoding: Encoding) -> Self {
        Form::from(encoding).into()
    }
}

macro_rules! quirks {
    ($($(#[$doc:meta])* $name:ident = $bit:literal $text:literal,)*) => {
        /// A habit of some peer that lenient reading forgives.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Quirk { $($(#[$doc])* $name = $bit,)* }

        impl Quirk {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// What the peer did, as a phrase.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

quirks! {
    /// A field holds null instead of being left out (the OIF device writes `"results":null`).
    NullField = 0 "null for an absent field",
    /// `to` is a string instead of a list of strings.
    ToAsText = 1 "to as a string",
    /// `from` is empty.
    EmptyFrom = 2 "an empty from",
    /// `created` counts seconds, as the examples of CSD03 and CS01 do. It is kept as it stands.
    CreatedInSeconds = 3 "created in seconds",
    /// `profile` is an object (yuuki), which no version has.
    ProfileAsObject = 4 "profile as an object",
    /// `profile` stands in a command of v1.0.
    ProfileInV1 = 5 "profile in a v1.0 command",
    /// Pairs are nested under their profile.
    NestedPairs = 6 "pairs nested under a profile",
    /// A feature is asked for twice.
    DuplicateFeature = 7 "a feature asked for twice",
    /// A namespace identifier is longer than 16 characters (`iot-front-door-lock`).
    LongNamespace = 8 "a namespace longer than 16 characters",
    /// `msgType` is spelled `request` or `response` (the OIF orchestrator) or `command`.
    MessageTypeName = 9 "msgType spelled out",
    /// A property that CS01 s3.2 requires is missing, so it was told from the payload.
    MissingProperty = 10 "a property missing",
    /// The message came at QoS 0.
    QosZero = 11 "QoS 0",
    /// The message was retained.
    Retained = 12 "a retained message",
    /// The payload format indicator doesn't fit the encoding (yuuki wants 1 for CBOR too).
    PayloadFormat = 13 "a payload format indicator of the other kind",
    /// The payload is JSON where `encoding` says CBOR, or the other way round.
    PayloadEncoding = 14 "a payload in the other encoding",
    /// The results of a response are no map; they are passed over.
    ResultsNotAMap = 15 "results that are no map",
    /// `from` is missing.
    NoFrom = 16 "no from",
}

/// The habits that were met in a message.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Quirks(u32);

impl Quirks {
    /// None.
    pub const NONE: Self = Self(0);

    pub(crate) const fn insert(&mut self, quirk: Quirk) {
        self.0 |= 1 << quirk as u32;
    }

    /// The same with another one.
    pub const fn with(mut self, quirk: Quirk) -> Self {
        self.insert(quirk);
        self
    }

    /// Whether this one was met.
    pub const fn contains(self, quirk: Quirk) -> bool {
        self.0 & (1 << quirk as u32) != 0
    }

    /// Whether none was met.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of both.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that were met.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL.iter().copied().filter(move |quirk| self.contains(*quirk))
    }
}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// How messages are read. The default is v1.0, strict, values nested at most 16 deep, 64 KiB, [`MAX_MEMBERS`].
///
/// No message costs more than in proportion to its length, whatever its sender thought of.
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
    /// How many fields, of maps that lie in each other, and how many items of a list are told apart in whatever order they
    /// stand, at most [`MAX_MEMBERS`]; more of them have to ascend. (Fields that the language defines don't count.)
    pub members: usize,
}

impl Default for Reading {
    fn default() -> Self {
        Self { language: Language::V1_0, lenient: false, depth: DEPTH, size: 65_536, members: MAX_MEMBERS }
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
    /// The same about something made of the value.
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

    /// Reads a message, a command or a response, whichever it is.
    pub fn document<'a>(&self, encoding: Encoding, bytes: &'a [u8]) -> Result<Read<Document<'a>>, Error> {
        match Kind::of(encoding, bytes) {
            Kind::Message => self.read::<Message<'a>>(encoding, bytes).map(|read| read.map(Document::Message)),
            Kind::Command => self.read::<Command<'a>>(encoding, bytes).map(|read| read.map(Document::Command)),
            Kind::Response => self.read::<Response<'a>>(encoding, bytes).map(|read| read.map(Document::Response)),
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
                let mut out = Out::new(buffer, style.into());
                self.write(&mut out);
                out.finish()
            }
        }
    )*};
}

encode! { Message Command Response }
