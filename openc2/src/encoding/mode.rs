//! How messages are laid out and read: encoding, form and language version, and the habits of peers that are forgiven.

use core::fmt;

/// How an OpenC2 message is encoded, as the `encoding` user property tells it (CS01 s3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// JSON.
    #[default]
    Json,
    /// CBOR.
    Cbor,
}

impl Encoding {
    /// The value of the user property.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Cbor => "cbor",
        }
    }

    /// What a payload looks like: CBOR begins with a map, an array or a tag, JSON with a character of ASCII.
    pub fn sniff(payload: &[u8]) -> Self {
        if payload.first().is_some_and(|byte| *byte >= 0x80) { Self::Cbor } else { Self::Json }
    }

    /// The only encoding that a payload can have, by its first byte: a JSON object begins with a brace or white space, a CBOR
    /// message with an array, a map or a tag. `None` for what is neither.
    pub(crate) const fn evident(payload: &[u8]) -> Option<Self> {
        match payload.first() {
            Some(b'\t' | b'\n' | b'\r' | b' ' | b'{') => Some(Self::Json),
            Some(0x80..=0xDB) => Some(Self::Cbor),
            _ => None,
        }
    }

    /// What the value of the user property stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Json, Self::Cbor].into_iter().find(|encoding| encoding.name() == name)
    }
}

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
