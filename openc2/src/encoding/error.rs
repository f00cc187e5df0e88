//! What can be wrong with a message, where, and which section says so.

use core::fmt;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $section:literal, $meaning:literal;)*) => {
        /// One rule that a message can break.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum LanguageRule {
            $(#[doc = concat!($meaning, " (", $section, ").")] $(#[$doc])* $name,)*
            /// A rule that a profile has for its own values.
            OfProfile(&'static ProfileRule),
        }

        impl LanguageRule {
            /// Every rule of the language, of the encodings and of the transfer; those of profiles are theirs.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The section that states it: `LS1` is language v1.0, `LS2` its v2.0 draft, `CS01` the MQTT transfer.
            pub const fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)* Self::OfProfile(rule) => rule.section }
            }

            /// What is wrong when it is broken, as a phrase.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* Self::OfProfile(rule) => rule.meaning }
            }
        }
    };
}

rules! {
    // The two encodings.
    End = "RFC 8259 2", "the text ends inside a value";
    Junk = "RFC 8259 2", "not a JSON value";
    Trailing = "RFC 8259 2", "something follows the value";
    Utf8 = "RFC 7493 2.1", "not UTF-8";
    Escape = "RFC 8259 7", "not an escape";
    ControlCharacter = "RFC 8259 7", "a control character stands in a string";
    Surrogate = "RFC 7493 2.1", "half a surrogate pair";
    Noncharacter = "RFC 7493 2.1", "a code point that is no character";
    NumberForm = "RFC 8259 6", "not a number";
    NumberRange = "RFC 7493 2.2", "a number beyond what is exact everywhere";
    DuplicateKey = "RFC 7493 2.3", "this key stands twice";
    CborEnd = "RFC 8949 3", "the data ends inside an item";
    CborJunk = "RFC 8949 3", "not a well-formed item";
    CborTrailing = "RFC 8949 5.3.1", "something follows the item";
    CborTag = "JADN 4.4", "a tag has no place here";
    CborSimple = "JADN 4.4", "undefined, or a simple value that is none of the language";
    CborKey = "JADN 4.4", "a key is a text or an identifier, the same throughout";
    CborChunks = "RFC 8949 3.2.3", "a string in chunks is not read";
    RecordOrder = "JADN 4.4", "a record's fields stand in the order of their identifiers";
    TooMany = "RFC 8259 9", "more fields or items than this reader tells apart, not in ascending order";
    TooDeep = "RFC 8259 9", "nested deeper than this reader allows";
    TooLarge = "RFC 8259 9", "larger than this reader allows";
    // Types.
    WantMap = "LS1 3.1.5", "a map is wanted";
    WantList = "LS1 3.1.5", "a list is wanted";
    WantText = "LS1 3.1.5", "a string is wanted";
    WantInteger = "LS1 3.1.5", "an integer of 0 or more is wanted";
    WantNumber = "LS1 3.1.5", "a number is wanted";
    WantBoolean = "LS1 3.1.5", "true or false is wanted";
    WantBinary = "LS1 3.1.5", "bytes are wanted";
    Null = "LS1 3.1.5", "null stands for nothing here";
    UnknownKey = "LS1 3.1.1", "this field is not defined here";
    ConciseExtension = "JADN 4.4", "this extension has no identifier in the concise form";
    // The message.
    NoBody = "CS01 2.4.2", "the message has no body";
    OneContent = "CS01 2.4.2", "the body holds exactly one of request, response and notification";
    NoContent = "CSD03 2.4.2", "the message has no content";
    EmptyHeaders = "CS01 2.4.2", "headers, if present, hold at least one field";
    EmptyNotification = "LS2 3.3.3", "a notification holds at least one field";
    EmptyFrom = "CS01 3.2", "from names the sender";
    // The command.
    NoAction = "LS1 3.3.1", "the command has no action";
    Action = "LS1 3.3.1.1", "not an action of the language";
    NoTarget = "LS1 3.3.1", "the command has no target";
    OneTarget = "LS1 3.3.1.2", "a command has exactly one target";
    Target = "LS1 3.3.1.2", "not a target of this language version";
    TargetExtension = "LS1 3.1.4", "an extended target is written profile:name";
    EmptyArgs = "LS1 3.3.1.4", "args, if present, hold at least one argument";
    Arg = "LS1 3.3.1.4", "not an argument of this language version";
    ThreeTimes = "LS1 3.3.1.4", "at most two of start_time, stop_time and duration";
    TimeOverflow = "LS1 3.3.1.4", "the time lies beyond what a date-time can hold";
    ResponseType = "LS1 3.4.2.15", "response_requested is none, ack, status or complete";
    Actuator = "LS1 3.3.1.3", "an actuator names exactly one profile";
    Profile = "LS2 3.3.1.3", "a profile is a name";
    CommandId = "LS1 3.4.2.16", "a command identifier has at most 36 characters, no white space";
    Nsid = "LS1 3.4.2.12", "a namespace identifier has 1 to 16 characters";
    UnregisteredNsid = "LS1 3.1.4", "a namespace that is not registered begins with x-";
    // Targets and types.
    EmptyTarget = "LS1 3.4.1", "at least one field is needed here";
    Feature = "LS1 3.4.2.4", "not a feature";
    DuplicateFeature = "LS1 3.4.1.5", "a feature is asked for once";
    Hostname = "LS1 3.4.2.6", "not a host name (RFC 1123 2.1)";
    IdnHostname = "LS1 3.4.2.7", "not an internationalized host name (RFC 5890)";
    Email = "LS1 3.4.1.4", "not an e-mail address (RFC 5322 3.4.1)";
    IdnEmail = "LS1 3.4.1.8", "not an internationalized e-mail address (RFC 6531)";
    Ipv4Net = "LS1 3.4.1.9", "not an IPv4 address with or without a prefix length of 0 to 32";
    Ipv6Net = "LS1 3.4.1.11", "not an IPv6 address with or without a prefix length of 0 to 128";
    Protocol = "LS1 3.4.2.10", "not a protocol of the list";
    Port = "LS1 3.4.2.14", "a port is 0 to 65535";
    MacAddr = "LS1 3.4.1.14", "not a MAC address of 6 or 8 octets";
    Uri = "LS1 3.4.1.17", "not a URI (RFC 3986)";
    Iri = "LS1 3.4.1.13", "not an IRI (RFC 3987)";
    Hash = "LS1 3.4.2.5", "not a hash of this kind's length, in hexadecimal";
    Base64 = "LS1 3.1.5", "not base64url (RFC 4648 5)";
    Payload = "LS1 3.4.2.13", "a payload is either bin or url";
    EmptyProperties = "LS1 3.4.1.16", "properties name at least one";
    NotUnique = "LS1 3.1.1", "the items are not all different";
    // The response.
    NoStatus = "LS1 3.3.2", "the response has no status";
    Status = "LS1 3.3.2.1", "not a status code";
    EmptyResults = "LS1 3.3.2.2", "results, if present, hold at least one field";
    Result = "LS1 3.3.2.2", "not a result of this language version";
    Version = "LS2 3.4.2.17", "not major.minor, both integers";
    EmptyPair = "LS1 3.4.2.1", "an action is paired with at least one target";
    EmptyPairs = "LS1 3.4.2.1", "pairs, if present, hold at least one action";
    RateLimit = "LS1 3.3.2.2", "a rate limit is 0 or more commands a minute";
    // What profiles add.
    ProfileTarget = "LS1 3.1.4", "not a target of this profile";
    ProfileArg = "LS1 3.1.4", "not an argument of this profile";
    ProfileSpecifier = "LS1 3.1.4", "not a specifier of this profile";
    ProfileResult = "LS1 3.1.4", "not a result of this profile";
    Unread = "LS1 3.1.4", "a value that is yet to be written can't be read";
}

/// A rule that a profile has for its own values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProfileRule {
    /// The section that states it, such as `SLPF 2.1.4`.
    pub section: &'static str,
    /// What is wrong when it is broken, as a phrase.
    pub meaning: &'static str,
}

impl fmt::Display for LanguageRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.meaning(), self.section())
    }
}

impl core::error::Error for LanguageRule {}

/// A broken rule and the byte at which it was seen: what readers hand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fail {
    at: u32,
    pub(crate) rule: LanguageRule,
}

impl Fail {
    /// A place beyond 4 GiB, which no reader takes, would be told as the last one.
    pub(crate) const fn new(at: usize, rule: LanguageRule) -> Self {
        Self { at: if at > u32::MAX as usize { u32::MAX } else { at as u32 }, rule }
    }

    pub(crate) const fn at(self) -> usize {
        self.at as usize
    }
}

/// Why a message was refused: the rule, the byte, and the path to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// The rule that was broken.
    pub rule: LanguageRule,
    /// The offset, in bytes, of what breaks it.
    pub at: usize,
    /// The way there, such as `body.openc2.request.target.ipv4_net`.
    pub path: Path,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.as_str().is_empty() { "message" } else { self.path.as_str() };
        write!(f, "{path}: {}", self.rule)
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.rule)
    }
}

/// Why a message could not be written. Nothing of what the buffer holds then is a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too small; `need` is what the whole takes.
    Full {
        /// The length of the whole, in bytes.
        need: usize,
    },
    /// The message breaks this rule, so it may not be sent.
    Refused(LanguageRule),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { need } => write!(f, "the buffer is too small: {need} bytes are needed"),
            Self::Refused(rule) => rule.fmt(f),
        }
    }
}

impl core::error::Error for EncodeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Full { .. } => None,
            Self::Refused(rule) => Some(rule),
        }
    }
}

/// The most bytes of a path that are kept; a longer one loses its end.
const PATH: usize = 87;

/// A path into a message, held in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Path {
    length: u8,
    bytes: [u8; PATH],
}

impl Path {
    pub(crate) const EMPTY: Self = Self { length: 0, bytes: [0; PATH] };

    /// The path as text; empty for the message itself.
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.length)).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    fn push(&mut self, c: char) {
        if let Some(end) = crate::encoding::text::put(&mut self.bytes, usize::from(self.length), c) {
            self.length = u8::try_from(end).unwrap_or(self.length);
        }
    }

    /// Appends a field's name.
    pub(crate) fn name(&mut self, name: impl Iterator<Item = char>) {
        for c in name.take(PATH) {
            self.push(if c.is_control() { '?' } else { c });
        }
    }

    /// An item of a list, and the way on from there.
    pub(crate) fn item(mut self, index: u32, rest: &Self) -> Self {
        self.push('[');
        self.number(u64::from(index));
        self.push(']');
        self.followed_by(rest)
    }

    /// The same, and the way on from there.
    pub(crate) fn followed_by(mut self, rest: &Self) -> Self {
        let rest = rest.as_str();
        if !rest.is_empty() && !rest.starts_with('[') {
            self.push('.');
        }
        rest.chars().for_each(|c| self.push(c));
        self
    }

    /// Appends a field's identifier or a place in a list.
    pub(crate) fn number(&mut self, number: u64) {
        let mut digits = [0u8; 20];
        let mut rest = number;
        let mut count = 0usize;
        for digit in &mut digits {
            *digit = b'0' | u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            count = count.saturating_add(1);
            if rest == 0 {
                break;
            }
        }
        digits.iter().take(count).rev().for_each(|digit| self.push(char::from(*digit)));
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_people_write_it() {
        let name = |name: &str| {
            let mut path = Path::EMPTY;
            path.name(name.chars());
            path
        };
        let item = Path::EMPTY.item(1204, &name("a\n"));
        let mut path = name("headers").followed_by(&name("to").followed_by(&item));
        assert_eq!(path.as_str(), "headers.to[1204].a?");
        assert_eq!(Path::EMPTY.item(1, &Path::EMPTY.item(2, &Path::EMPTY)).as_str(), "[1][2]");
        for _ in 0..100 {
            path = path.followed_by(&name("é"));
        }
        assert!(path.as_str().len() <= PATH);
    }
}
