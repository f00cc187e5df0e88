//! What profiles add to targets, arguments, actuators and results (LS1 s3.1.4, s3.3.4): a namespace and its value.

use core::fmt;

use crate::Quirk;
use crate::encoding::error::LanguageRule;
use crate::encoding::name::Vocabulary;
use crate::encoding::out::{Frame, Writer};
use crate::encoding::raw::Raw;
use crate::encoding::source::{Key, Kind, Part, Reader, named};
use crate::encoding::text::{self, Str};
use crate::encoding::value::{Value, Write};
use crate::language::list::Steps;
use crate::language::vocabulary::{ArgKey, RegisteredProfile, RegisteredTarget, ResultKey};

/// The value of one profile, under its namespace identifier.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a> {
    /// The namespace identifier, such as `slpf` or `x-acme`.
    pub profile: Str<'a>,
    /// Its value.
    pub value: ExtensionValue<'a>,
}

/// The value of a profile: as it stands in the input, or as the caller gives it to be written.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum ExtensionValue<'a> {
    /// As it stands. Every value that is read is one of these; [`read_as`](Self::read_as) reads it as a type.
    Raw(Raw<'a>),
    /// An integer, to be written.
    Integer(u64),
    /// A value of a profile's type, to be written.
    Typed(&'a dyn Write),
}

impl<'a> ExtensionValue<'a> {
    /// The value as it stands, if it was read.
    pub const fn as_raw(&self) -> Option<Raw<'a>> {
        match self {
            Self::Raw(raw) => Some(*raw),
            _ => None,
        }
    }

    /// Reads the value as a type of its profile; an error if it isn't of that type. There is none if the message was read with
    /// the profile among its [`Profiles`](crate::profile::Profiles). A value that is yet to be written can't be read
    /// ([`Unread`](LanguageRule::Unread)).
    pub fn read_as<T: Value<'a>>(&self) -> Result<T, LanguageRule> {
        let mut reader = self.as_raw().ok_or(LanguageRule::Unread)?.reader();
        let value = T::read(&mut reader);
        reader.end();
        reader.failed().map_or(Ok(value), |fail| Err(fail.rule))
    }
}

/// What is yet to be written has no other form to be shown in.
impl fmt::Debug for ExtensionValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw(raw) => raw.fmt(f),
            Self::Integer(integer) => integer.fmt(f),
            Self::Typed(_) => f.write_str("Typed"),
        }
    }
}

impl<'a> From<Raw<'a>> for ExtensionValue<'a> {
    fn from(raw: Raw<'a>) -> Self {
        Self::Raw(raw)
    }
}

/// What profiles add to the arguments or the results: the caller's, or checked and still encoded in the input.
#[derive(Clone, Copy, Default)]
pub struct Extensions<'a>(Repr<'a>);

#[derive(Clone, Copy, Default)]
enum Repr<'a> {
    #[default]
    None,
    Slice(&'a [Extension<'a>]),
    One(Str<'a>, Raw<'a>),
    /// The whole map, fields of the language among them.
    Raw {
        map: Raw<'a>,
        fields: FieldSet,
    },
}

impl<'a> Extensions<'a> {
    /// No extension.
    pub const NONE: Self = Self(Repr::None);

    /// Of a map that was checked: its only extension alone, or the map to be walked again.
    pub(crate) fn from_checked(
        only: Option<(Str<'a>, Raw<'a>)>,
        map: impl FnOnce() -> Raw<'a>,
        fields: FieldSet,
    ) -> Self {
        match only {
            Some((profile, value)) => Self(Repr::One(profile, value)),
            None => Self(Repr::Raw { map: map(), fields }),
        }
    }

    /// The extensions, in their order.
    pub fn iter(&self) -> ExtensionsIter<'a> {
        ExtensionsIter(match self.0 {
            Repr::None => IterRepr::Slice([].iter()),
            Repr::Slice(slice) => IterRepr::Slice(slice.iter()),
            Repr::One(profile, value) => IterRepr::One(Some(Extension { profile, value: value.into() })),
            Repr::Raw { map, fields } => IterRepr::Raw { steps: Steps::fields(map), fields },
        })
    }

    /// The value of this profile.
    pub fn get(&self, profile: &str) -> Option<ExtensionValue<'a>> {
        self.iter().find(|extension| extension.profile == profile).map(|extension| extension.value)
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        match self.0 {
            Repr::None => true,
            Repr::Slice(slice) => slice.is_empty(),
            Repr::One(..) | Repr::Raw { .. } => false,
        }
    }
}

impl<'a> From<&'a [Extension<'a>]> for Extensions<'a> {
    fn from(slice: &'a [Extension<'a>]) -> Self {
        Self(Repr::Slice(slice))
    }
}

impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The items of [`Extensions`].
#[derive(Clone)]
pub struct ExtensionsIter<'a>(IterRepr<'a>);

#[derive(Clone)]
enum IterRepr<'a> {
    Slice(core::slice::Iter<'a, Extension<'a>>),
    One(Option<Extension<'a>>),
    Raw { steps: Steps<'a>, fields: FieldSet },
}

impl fmt::Debug for ExtensionsIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<'a> Iterator for ExtensionsIter<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        match &mut self.0 {
            IterRepr::Slice(slice) => slice.next().copied(),
            IterRepr::One(one) => one.take(),
            IterRepr::Raw { steps, fields } => loop {
                let (key, value) = steps.field()?;
                if fields.defines(key) {
                    continue;
                }
                let profile = match key {
                    Key::Name(name) => name,
                    Key::Id(id) => Str::new(RegisteredProfile::from_id(id)?.name()),
                };
                return Some(Extension { profile, value: value.into() });
            },
        }
    }
}

/// Where extensions stand among fields of the language.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldSet {
    Args,
    Results,
}

impl FieldSet {
    /// Whether the language itself defines this field.
    fn defines(self, key: Key<'_>) -> bool {
        key.find(match self {
            Self::Args => ArgKey::NAMES,
            Self::Results => ResultKey::NAMES,
        })
        .is_some()
    }
}

/// The namespace that a key names, checked.
pub(crate) fn namespace<'a>(key: Key<'a>, at: usize, r: &mut Reader<'a, '_>) -> Str<'a> {
    match key {
        Key::Name(name) => {
            check_namespace(name, at, r);
            name
        }
        Key::Id(id) => match RegisteredProfile::from_id(id) {
            Some(profile) => Str::new(profile.name()),
            None => {
                r.fail_at(at, LanguageRule::ConciseExtension);
                Str::EMPTY
            }
        },
    }
}

/// A namespace is registered or, in v1.0, begins with `x-` (LS1 s3.1.4); the v2.0 draft dropped that.
pub(crate) fn check_namespace(name: Str<'_>, at: usize, r: &mut Reader<'_, '_>) {
    if !r.v2() && !is_registered_or_private(name) {
        return r.fail_at(at, LanguageRule::UnregisteredNsid);
    }
    match namespace_length(name) {
        1..=16 => {}
        0 => r.fail_at(at, LanguageRule::Nsid),
        _ => r.forgive(Quirk::LongNamespace, at, LanguageRule::Nsid),
    }
}

/// How many characters a namespace has; 17 stands for more.
pub(crate) fn namespace_length(name: Str<'_>) -> usize {
    match name.as_plain() {
        // No more characters than bytes.
        Some(plain) if plain.len() <= 16 => plain.len(),
        _ => name.chars().take(17).count(),
    }
}

fn is_registered_or_private(name: Str<'_>) -> bool {
    match name.as_plain() {
        Some(plain) if plain.starts_with("x-") => true,
        Some(_) => named::<RegisteredProfile>(name).is_some(),
        None => named::<RegisteredProfile>(name).is_some() || name.chars().take(2).eq("x-".chars()),
    }
}

/// Whether a message of ours may name this namespace.
pub(crate) fn namespace_fits(name: Str<'_>, v2: bool) -> bool {
    (v2 || is_registered_or_private(name)) && matches!(namespace_length(name), 1..=16)
}

impl Extensions<'_> {
    /// Writes them as fields of a map that has begun.
    pub(crate) fn write(&self, out: &mut Writer<'_>, frame: &mut Frame, part: Part<'_>) {
        if self.is_empty() {
            return;
        }
        for extension in self.iter() {
            out.require(namespace_fits(extension.profile, out.v2()), LanguageRule::UnregisteredNsid);
            out.profile(frame, extension.profile);
            // The draft v2.0 gives profiles' fields other identifiers, and was never approved.
            out.require(!(out.concise() && out.v2()), LanguageRule::ConciseExtension);
            extension.value.write(extension.profile, part, out);
        }
    }
}

/// Reads the value of a profile: by its type, if the reader was handed it.
pub(crate) fn read<'a>(profile: Str<'_>, part: Part<'_>, r: &mut Reader<'a, '_>) -> Raw<'a> {
    if let Some(types) = r.types {
        let mut known = false;
        let typed = r.span(|r| known = types.check(profile, part, r));
        if known {
            return typed;
        }
    }
    r.raw()
}

impl ExtensionValue<'_> {
    /// Writes the value alone.
    pub(crate) fn write(&self, profile: Str<'_>, part: Part<'_>, out: &mut Writer<'_>) {
        if let (Some(types), Part::Target(name)) = (out.types(), part)
            && !types.may_have(profile, name)
        {
            return out.refuse(LanguageRule::ProfileTarget);
        }
        match self {
            Self::Integer(integer) => out.integer(*integer),
            Self::Typed(value) => value.write(out),
            Self::Raw(raw) => {
                let mut reader = raw.reader();
                match out.types() {
                    // A typed profile's value changes its form by way of its type.
                    Some(types) if types.rewrite(profile, part, &mut reader, out) => {
                        if let Some(fail) = reader.failed() {
                            out.refuse(fail.rule);
                        }
                    }
                    _ => out.raw(*raw),
                }
            }
        }
    }
}

/// The extensions met in one map.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extended<'a> {
    only: Option<(Str<'a>, Raw<'a>)>,
    count: u32,
}

impl<'a> Extended<'a> {
    /// Reads a profile's value among fields of the language: a namespace and a map.
    pub(crate) fn read(&mut self, key: Key<'a>, at: usize, part: Part<'_>, r: &mut Reader<'a, '_>) {
        // What is no namespace at all is most likely a misspelt field.
        let misspelt = if part == Part::Results { LanguageRule::Result } else { LanguageRule::Arg };
        let profile = namespace(key, at, r);
        r.rename(LanguageRule::UnregisteredNsid, misspelt);
        match r.kind() {
            Kind::Map => {}
            _ if r.v2() => return r.fail_at(at, misspelt),
            _ => return r.fail(LanguageRule::WantMap),
        }
        let value = read(profile, part, r);
        self.count = self.count.saturating_add(1);
        self.only = (self.count == 1).then_some((profile, value));
    }

    /// As a field of what was read, between `start` and where the reader stands.
    pub(crate) fn extensions(self, start: usize, r: &Reader<'a, '_>, fields: FieldSet) -> Extensions<'a> {
        if self.count == 0 {
            return Extensions::NONE;
        }
        Extensions::from_checked(self.only, || r.since(start), fields)
    }
}

/// Whether a list of pairs calls this target so: `slpf:rule_number` or, as the v2.0 draft writes it, `slpf/rule_number`.
pub(crate) fn is_pair(pair: &str, profile: Str<'_>, name: Str<'_>) -> bool {
    pair.split_once([':', '/']).is_some_and(|(before, after)| profile == before && name == after)
}

impl Writer<'_> {
    /// Begins a field named for a profile.
    pub(crate) fn profile(&mut self, frame: &mut Frame, profile: Str<'_>) {
        match named::<RegisteredProfile>(profile) {
            Some(registered) => self.field(frame, registered),
            None => self.named(frame, profile),
        }
    }

    /// Begins a field named for a target of a profile, as v1.0 writes it.
    pub(crate) fn named_pair(&mut self, frame: &mut Frame, profile: Str<'_>, name: Str<'_>) {
        if self.concise() {
            let registered = RegisteredTarget::ALL.iter().find(|target| is_pair(target.name(), profile, name));
            match registered {
                Some(target) => return self.identified(frame, u64::from(target.id())),
                None => self.refuse(LanguageRule::ConciseExtension),
            }
        }
        self.comma(frame);
        let plain = |text: Str<'_>| text.chars().all(|c| !c.is_control() && !matches!(c, '"' | '\\'));
        self.require(plain(profile) && plain(name) && !name.is_empty(), LanguageRule::TargetExtension);
        self.quote(profile.len().saturating_add(name.len()).saturating_add(1));
        for c in profile.chars().chain([':']).chain(name.chars()) {
            let (bytes, length) = text::utf8(c);
            self.put(bytes.get(..length).unwrap_or_default());
        }
        self.unquote();
        self.colon();
    }
}
