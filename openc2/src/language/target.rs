//! What a command acts on (LS1 s3.3.1.2, s3.4.1).

use crate::Quirk;
use crate::encoding::error::LanguageRule;
use crate::encoding::out::Writer;
use crate::encoding::source::Part;
use crate::encoding::source::{Key, Kind, Member, Reader, Shape};
use crate::encoding::text::Str;
use crate::encoding::value::{Value, Write, text_of, write_text};
use crate::language::extension;
use crate::language::extension::ExtensionValue;
use crate::language::formats;
use crate::language::idn;
use crate::language::list::{Texts, read_texts};
use crate::language::net::{Ipv4Connection, Ipv4Net, Ipv6Connection, Ipv6Net, MacAddr};
use crate::language::object::{Artifact, Device, File, Process};
use crate::language::vocabulary::{Feature, RegisteredProfile, RegisteredTarget, TargetKind};

/// What a command acts on: one target of the language, or one that a profile defines.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Target<'a> {
    /// Bytes that represent a file or part of one (LS1 s3.4.1.1).
    Artifact(Artifact<'a>),
    /// An earlier command, by its identifier (LS1 s3.4.2.16).
    Command(Str<'a>),
    /// A device (LS1 s3.4.1.2).
    Device(Device<'a>),
    /// A domain name (LS1 s3.4.1.3).
    DomainName(Str<'a>),
    /// An e-mail address (LS1 s3.4.1.4).
    EmailAddr(Str<'a>),
    /// What a Consumer can do (LS1 s3.4.1.5).
    Features(Features),
    /// A file (LS1 s3.4.1.6).
    File(File<'a>),
    /// An internationalized domain name (LS1 s3.4.1.7).
    IdnDomainName(Str<'a>),
    /// An internationalized e-mail address (LS1 s3.4.1.8).
    IdnEmailAddr(Str<'a>),
    /// A range of IPv4 addresses (LS1 s3.4.1.9).
    Ipv4Net(Ipv4Net),
    /// A range of IPv6 addresses (LS1 s3.4.1.11).
    Ipv6Net(Ipv6Net),
    /// A five-tuple of IPv4 (LS1 s3.4.1.10).
    Ipv4Connection(Ipv4Connection),
    /// A five-tuple of IPv6 (LS1 s3.4.1.12).
    Ipv6Connection(Ipv6Connection),
    /// A MAC address (LS1 s3.4.1.14).
    MacAddr(MacAddr),
    /// A running program (LS1 s3.4.1.15).
    Process(Process<'a>),
    /// A resource (LS1 s3.4.1.17).
    Uri(Str<'a>),
    /// A resource, internationalized (LS1 s3.4.1.13).
    Iri(Str<'a>),
    /// Names of an actuator's attributes (LS1 s3.4.1.16; gone from the v2.0 draft).
    Properties(Texts<'a>),
    /// A target of a profile (LS1 s3.1.4): `profile:name` in v1.0, a name within the profile in the v2.0 draft.
    Extension {
        /// The namespace identifier of the profile.
        profile: Str<'a>,
        /// The name of the target in it.
        name: Str<'a>,
        /// Its value.
        value: ExtensionValue<'a>,
    },
}

impl<'a> Target<'a> {
    /// Which target of the language it is; `None` for a profile's.
    pub const fn kind(&self) -> Option<TargetKind> {
        Some(match self {
            Self::Artifact(_) => TargetKind::Artifact,
            Self::Command(_) => TargetKind::Command,
            Self::Device(_) => TargetKind::Device,
            Self::DomainName(_) => TargetKind::DomainName,
            Self::EmailAddr(_) => TargetKind::EmailAddr,
            Self::Features(_) => TargetKind::Features,
            Self::File(_) => TargetKind::File,
            Self::IdnDomainName(_) => TargetKind::IdnDomainName,
            Self::IdnEmailAddr(_) => TargetKind::IdnEmailAddr,
            Self::Ipv4Net(_) => TargetKind::Ipv4Net,
            Self::Ipv6Net(_) => TargetKind::Ipv6Net,
            Self::Ipv4Connection(_) => TargetKind::Ipv4Connection,
            Self::Ipv6Connection(_) => TargetKind::Ipv6Connection,
            Self::MacAddr(_) => TargetKind::MacAddr,
            Self::Process(_) => TargetKind::Process,
            Self::Uri(_) => TargetKind::Uri,
            Self::Iri(_) => TargetKind::Iri,
            Self::Properties(_) => TargetKind::Properties,
            Self::Extension { .. } => return None,
        })
    }

    /// Whether this is the target that a list of pairs calls by this name: `file`, `slpf:rule_number` or, as the
    /// v2.0 draft writes it, `slpf/rule_number`.
    pub fn is_named(&self, pair: &str) -> bool {
        match self {
            Self::Extension { profile, name, .. } => extension::is_pair(pair, *profile, *name),
            other => other.kind().is_some_and(|kind| kind.name() == pair),
        }
    }

    /// The value, if it is the target of this name of this profile.
    pub fn extension(&self, namespace: &str, target: &str) -> Option<ExtensionValue<'a>> {
        match self {
            Self::Extension { profile, name, value } if *profile == namespace && *name == target => Some(*value),
            _ => None,
        }
    }

    /// The value of a target of the language.
    fn fill_kind(&mut self, kind: TargetKind, r: &mut Reader<'a, '_>) {
        *self = match kind {
            TargetKind::Artifact => Self::Artifact(Artifact::read(r)),
            TargetKind::Command => Self::Command(text_of(r, formats::command_id, LanguageRule::CommandId)),
            TargetKind::Device => Self::Device(Device::read(r)),
            TargetKind::DomainName => Self::DomainName(text_of(r, formats::hostname, LanguageRule::Hostname)),
            TargetKind::EmailAddr => Self::EmailAddr(text_of(r, formats::email, LanguageRule::Email)),
            TargetKind::Features => Self::Features(Features::read(r)),
            TargetKind::File => Self::File(File::read(r)),
            TargetKind::IdnDomainName => Self::IdnDomainName(text_of(r, idn::hostname, LanguageRule::IdnHostname)),
            TargetKind::IdnEmailAddr => Self::IdnEmailAddr(text_of(r, idn::email, LanguageRule::IdnEmail)),
            TargetKind::Ipv4Net => Self::Ipv4Net(Ipv4Net::read(r)),
            TargetKind::Ipv6Net => Self::Ipv6Net(Ipv6Net::read(r)),
            TargetKind::Ipv4Connection => Self::Ipv4Connection(Ipv4Connection::read(r)),
            TargetKind::Ipv6Connection => Self::Ipv6Connection(Ipv6Connection::read(r)),
            TargetKind::MacAddr => Self::MacAddr(MacAddr::read(r)),
            TargetKind::Process => Self::Process(Process::read(r)),
            TargetKind::Uri => Self::Uri(text_of(r, formats::uri, LanguageRule::Uri)),
            TargetKind::Iri => Self::Iri(text_of(r, formats::iri, LanguageRule::Iri)),
            TargetKind::Properties => Self::Properties(read_texts(r, LanguageRule::EmptyProperties)),
        }
    }

    /// A target that a profile defines.
    fn fill_extension(&mut self, key: Key<'a>, at: usize, r: &mut Reader<'a, '_>) {
        let whole = match key {
            Key::Name(whole) => whole,
            Key::Id(id) => match RegisteredTarget::from_id(id) {
                Some(target) => Str::new(target.name()),
                None => return r.fail_at(at, LanguageRule::ConciseExtension),
            },
        };
        if let Some((profile, name)) = whole.split_at_colon() {
            r.require(!name.is_empty(), at, LanguageRule::TargetExtension);
            extension::check_namespace(profile, at, r);
            return self.fill_named(profile, name, r);
        }
        // The v2.0 draft nests the target in its profile.
        r.require(r.v2(), at, LanguageRule::Target);
        extension::check_namespace(whole, at, r);
        let nested = r.kind() == Kind::Map;
        r.require(nested, at, LanguageRule::Target);
        let mut walk = r.open_map(Shape::Map);
        match r.key(&mut walk) {
            Some(Key::Name(name)) => self.fill_named(whole, name, r),
            _ => return r.fail(LanguageRule::OneTarget),
        }
        let more = r.key(&mut walk).is_some();
        r.require(!more, walk.key_at, LanguageRule::OneTarget);
    }

    /// The value of a profile's target.
    fn fill_named(&mut self, profile: Str<'a>, name: Str<'a>, r: &mut Reader<'a, '_>) {
        let value = extension::read(profile, Part::Target(name), r).into();
        *self = Self::Extension { profile, name, value };
    }

    fn write_value(&self, out: &mut Writer<'_>) {
        match self {
            Self::Artifact(artifact) => artifact.write(out),
            Self::Command(id) => write_text(out, *id, formats::command_id, LanguageRule::CommandId),
            Self::Device(device) => device.write(out),
            Self::DomainName(name) => write_text(out, *name, formats::hostname, LanguageRule::Hostname),
            Self::EmailAddr(address) => write_text(out, *address, formats::email, LanguageRule::Email),
            Self::Features(features) => features.write(out),
            Self::File(file) => file.write(out),
            Self::IdnDomainName(name) => write_text(out, *name, idn::hostname, LanguageRule::IdnHostname),
            Self::IdnEmailAddr(address) => write_text(out, *address, idn::email, LanguageRule::IdnEmail),
            Self::Ipv4Net(net) => net.write(out),
            Self::Ipv6Net(net) => net.write(out),
            Self::Ipv4Connection(connection) => connection.write(out),
            Self::Ipv6Connection(connection) => connection.write(out),
            Self::MacAddr(address) => address.write(out),
            Self::Process(process) => process.write(out),
            Self::Uri(uri) => write_text(out, *uri, formats::uri, LanguageRule::Uri),
            Self::Iri(iri) => write_text(out, *iri, formats::iri, LanguageRule::Iri),
            Self::Properties(names) => {
                out.require(!out.v2(), LanguageRule::Target);
                out.require_all(names.distinct());
                out.require(!names.is_empty(), LanguageRule::EmptyProperties);
                out.texts(*names);
            }
            Self::Extension { profile, name, value } => value.write(*profile, Part::Target(*name), out),
        }
    }
}

impl<'a> Value<'a> for Target<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self::Features(Features::NONE)
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        match members.next(r) {
            None => return r.fail_at(members.at(), LanguageRule::OneTarget),
            Some(Member::Known(TargetKind::Properties)) if r.v2() => r.fail_at(members.key_at(), LanguageRule::Target),
            Some(Member::Known(kind)) => self.fill_kind(kind, r),
            Some(Member::Other(key)) => self.fill_extension(key, members.key_at(), r),
        }
        members.end(r, LanguageRule::OneTarget);
    }
}

impl Write for Target<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        let Self::Extension { profile, name, value } = self else {
            if let Some(kind) = self.kind() {
                out.field(&mut frame, kind);
            }
            self.write_value(out);
            return out.close(frame);
        };
        out.require(extension::namespace_fits(*profile, out.v2()), LanguageRule::UnregisteredNsid);
        if out.v2() {
            out.named(&mut frame, *profile);
            let mut inner = out.open(Shape::Map);
            out.named(&mut inner, *name);
            value.write(*profile, Part::Target(*name), out);
            out.close(inner);
        } else {
            out.named_pair(&mut frame, *profile, *name);
            value.write(*profile, Part::Target(*name), out);
        }
        out.close(frame);
    }
}

/// The features that `query features` asks for, in their order; none of them is a heartbeat (LS1 s4.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Features {
    items: [Feature; 4],
    count: u8,
}

impl Features {
    /// No feature: does the Consumer answer at all?
    pub const NONE: Self = Self { items: [Feature::Versions; 4], count: 0 };

    /// These features, each of them once.
    pub fn new(features: &[Feature]) -> Self {
        let mut set = Self::NONE;
        for feature in features {
            set.insert(*feature);
        }
        set
    }

    /// Adds one; `false` if it was there.
    fn insert(&mut self, feature: Feature) -> bool {
        if self.contains(feature) {
            return false;
        }
        if let Some(room) = self.items.get_mut(usize::from(self.count)) {
            *room = feature;
            self.count = self.count.saturating_add(1);
        }
        true
    }

    /// The features, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Feature> + '_ {
        self.items.iter().take(usize::from(self.count)).copied()
    }

    /// Whether this one is asked for.
    pub fn contains(&self, feature: Feature) -> bool {
        self.iter().any(|item| item == feature)
    }
}

impl core::fmt::Debug for Features {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> Value<'a> for Features {
    #[inline(always)]
    fn empty() -> Self {
        Self::NONE
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut walk = r.open_list();
        while r.more(&mut walk) {
            let at = r.at;
            if let Some(feature) = r.one_of(LanguageRule::Feature)
                && !self.insert(feature)
            {
                // A Producer must not, but a Consumer should only ignore it (LS1 s4.1).
                r.forgive(Quirk::DuplicateFeature, at, LanguageRule::DuplicateFeature);
            }
        }
    }
}

impl Write for Features {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open_list();
        for feature in self.iter() {
            out.item(&mut frame);
            out.one_of(feature);
        }
        out.close(frame);
    }
}

/// Which actuator is to act (LS1 s3.3.1.3): a profile and, in v1.0, what tells its actuators apart.
#[derive(Clone, Copy, Debug)]
pub struct Actuator<'a> {
    /// The namespace identifier of the profile.
    pub profile: Str<'a>,
    /// The specifiers, as the profile defines them; `None` writes an empty map in v1.0. The v2.0 draft has none.
    pub specifiers: Option<ExtensionValue<'a>>,
}

impl<'a> Value<'a> for Actuator<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self { profile: Str::EMPTY, specifiers: None }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let at = r.at;
        let mut walk = r.open_map(Shape::Map);
        let Some(key) = r.key(&mut walk) else { return r.fail_at(at, LanguageRule::Actuator) };
        self.profile = extension::namespace(key, walk.key_at, r);
        if r.kind() != Kind::Map {
            return r.fail(LanguageRule::WantMap);
        }
        self.specifiers = Some(extension::read(self.profile, Part::Specifiers, r).into());
        let more = r.key(&mut walk).is_some();
        r.require(!more, walk.key_at, LanguageRule::Actuator);
    }
}

impl Write for Actuator<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        out.require(extension::namespace_fits(self.profile, out.v2()), LanguageRule::UnregisteredNsid);
        if out.v2() {
            // The draft's profile is a name, and in the concise form its identifier.
            return match (out.concise(), crate::encoding::source::named::<RegisteredProfile>(self.profile)) {
                (false, _) => out.text(self.profile),
                (true, Some(profile)) => out.one_of(profile),
                (true, None) => out.refuse(LanguageRule::ConciseExtension),
            };
        }
        let mut frame = out.open(Shape::Map);
        out.profile(&mut frame, self.profile);
        match self.specifiers {
            Some(value) => value.write(self.profile, Part::Specifiers, out),
            None => {
                let empty = out.open(Shape::Map);
                out.close(empty);
            }
        }
        out.close(frame);
    }
}
