//! Responses (LS1 s3.3.2): a status, a text, and results.

use core::fmt;

use crate::Quirk;
use crate::encoding::error::LanguageRule;
use crate::encoding::name::Vocabulary as _;
use crate::encoding::number::Number;
use crate::encoding::out::{Frame, Writer};
use crate::encoding::raw::Raw;
use crate::encoding::source::{Group, Item, Kind, MAX_MEMBERS, Member, NotOnce, Part, Places, Reader, Shape, named};
use crate::encoding::text::Str;
use crate::encoding::value::{Value, Write};
use crate::language::extension::{self, Extended, Extensions, FieldSet};
use crate::language::list::{Pairs, Texts, read_different, read_each, read_texts, target_name};
use crate::language::vocabulary::{Action, RegisteredTarget, ResponseKey, ResultKey, TargetKind};

/// A status code (LS1 s3.3.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Status {
    /// The command is being carried out; another response follows.
    Processing = 102,
    /// The command was carried out.
    Ok = 200,
    /// The command could not be understood.
    BadRequest = 400,
    /// The sender has not authenticated itself.
    Unauthorized = 401,
    /// The sender may not do this.
    Forbidden = 403,
    /// Nothing here has what the command names.
    NotFound = 404,
    /// Something unexpected kept the command from being carried out.
    InternalError = 500,
    /// The Consumer can't carry out such commands.
    NotImplemented = 501,
    /// The Consumer can't carry out the command for now.
    ServiceUnavailable = 503,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Processing,
        Self::Ok,
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::InternalError,
        Self::NotImplemented,
        Self::ServiceUnavailable,
    ];

    /// The number, as it is written.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The status of this number.
    pub fn from_code(code: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|status| u64::from(status.code()) == code)
    }

    /// What the language calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Processing => "Processing",
            Self::Ok => "OK",
            Self::BadRequest => "Bad Request",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "Not Found",
            Self::InternalError => "Internal Error",
            Self::NotImplemented => "Not Implemented",
            Self::ServiceUnavailable => "Service Unavailable",
        }
    }

    /// Whether another response is to follow it.
    pub const fn is_interim(self) -> bool {
        matches!(self, Self::Processing)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.name())
    }
}

/// A response (LS1 s3.3.2).
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// How the command went.
    pub status: Status,
    /// The same in words.
    pub status_text: Option<Str<'a>>,
    /// What was asked for.
    pub results: Results<'a>,
}

impl<'a> Response<'a> {
    /// A status alone.
    pub const fn new(status: Status) -> Self {
        Self { status, status_text: None, results: Results::NONE }
    }

    /// A status and why.
    pub const fn with_text(status: Status, text: &'a str) -> Self {
        Self { status, status_text: Some(Str::new(text)), results: Results::NONE }
    }
}

impl<'a> Value<'a> for Response<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self::new(Status::Ok)
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut status = None;
        // A map in v1.0, a record in the v2.0 draft; the concise form differs, and both are read.
        let mut members = r.open(Shape::Record);
        while let Some(key) = members.only(r, LanguageRule::UnknownKey) {
            match key {
                ResponseKey::Status => {
                    let at = r.at;
                    status = Status::from_code(r.integer());
                    r.rename(LanguageRule::WantInteger, LanguageRule::Status);
                    r.rename(LanguageRule::NumberRange, LanguageRule::Status);
                    r.require(status.is_some(), at, LanguageRule::Status);
                }
                ResponseKey::StatusText => self.status_text = Some(r.text()),
                ResponseKey::Results => self.results.fill(r),
            }
        }
        match status {
            Some(status) => self.status = status,
            None => r.fail_at(members.at(), LanguageRule::NoStatus),
        }
    }
}

impl Write for Response<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(if out.v2() { Shape::Record } else { Shape::Map });
        out.field(&mut frame, ResponseKey::Status);
        out.integer(u64::from(self.status.code()));
        if let Some(text) = self.status_text {
            out.field(&mut frame, ResponseKey::StatusText);
            out.text(text);
        }
        if !self.results.is_empty() {
            out.field(&mut frame, ResponseKey::Results);
            self.results.write(out);
        }
        out.close(frame);
    }
}

/// What a response brings (LS1 s3.3.2.2).
#[derive(Clone, Copy, Debug)]
pub struct Results<'a> {
    /// The language versions that the Consumer understands.
    pub versions: Option<Texts<'a>>,
    /// The actuator profiles that it supports.
    pub profiles: Option<Texts<'a>>,
    /// The actions it can do, with their targets.
    pub pairs: Option<Pairs<'a>>,
    /// The most commands a minute that it accepts.
    pub rate_limit: Option<Number>,
    /// What profiles add.
    pub extensions: Extensions<'a>,
}

impl Default for Results<'_> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<'a> Results<'a> {
    /// No result.
    pub const NONE: Self =
        Self { versions: None, profiles: None, pairs: None, rate_limit: None, extensions: Extensions::NONE };

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.versions.is_none()
            && self.profiles.is_none()
            && self.pairs.is_none()
            && self.rate_limit.is_none()
            && self.extensions.is_empty()
    }

    fn fill_known(&mut self, key: ResultKey, r: &mut Reader<'a, '_>) {
        let at = r.at;
        match key {
            ResultKey::Versions => {
                self.versions = Some(read_different(r, |r, version| {
                    r.require(!r.v2() || is_major_minor(version), at, LanguageRule::Version);
                }));
            }
            ResultKey::Profiles => {
                self.profiles = Some(read_each(r, |r, profile| match extension::namespace_length(profile) {
                    1..=16 => {}
                    0 => r.fail_at(at, LanguageRule::Nsid),
                    _ => r.forgive(Quirk::LongNamespace, at, LanguageRule::Nsid),
                }));
            }
            ResultKey::Pairs => self.pairs = Some(read_pairs(r)),
            ResultKey::RateLimit => {
                // No number below 0 can be held.
                self.rate_limit = Some(r.number());
                r.rename(LanguageRule::NumberRange, LanguageRule::RateLimit);
                r.rename(LanguageRule::WantInteger, LanguageRule::RateLimit);
            }
        }
    }
}

/// `major.minor`, both integers (LS2).
fn is_major_minor(version: Str<'_>) -> bool {
    let mut dots = 0u8;
    let mut digits = 0u8;
    for c in version.chars() {
        match c {
            '.' if digits > 0 => {
                dots = dots.saturating_add(1);
                digits = 0;
            }
            '0'..='9' => digits = digits.saturating_add(1),
            _ => return false,
        }
    }
    dots == 1 && digits > 0
}

/// Action-target pairs: each action once, with at least one target, no target twice (LS1 s3.4.2.1).
fn read_pairs<'a>(r: &mut Reader<'a, '_>) -> Pairs<'a> {
    Pairs::from_checked(r.span(|r| {
        let mut members = r.open(Shape::Map);
        while let Some(member) = members.next::<Action>(r) {
            let Member::Other(key) = member else {
                read_targets(r);
                continue;
            };
            // The draft of v2.0 groups the pairs of a profile under its name; what is in there is checked alike.
            let at = members.key_at();
            let nested = r.kind() == Kind::Map;
            r.require(nested, at, LanguageRule::Action);
            extension::namespace(key, at, r);
            if !r.v2() {
                r.forgive(Quirk::NestedPairs, at, LanguageRule::Action);
            }
            let mut inner = r.open(Shape::Map);
            while inner.only::<Action>(r, LanguageRule::Action).is_some() {
                read_targets(r);
            }
            inner.filled(r, LanguageRule::EmptyPairs);
        }
        members.leave(r);
        members.filled(r, LanguageRule::EmptyPairs);
    }))
}

/// Writes pairs: those of a profile under its name in v2.0; v1.0 has no place for that, so there they stand among the others.
fn write_pairs(pairs: Pairs<'_>, out: &mut Writer<'_>) {
    let mut frame = out.open(Shape::Map);
    if let Some(raw) = pairs.grouped_in()
        && !out.v2()
    {
        let bit = |action: Action| 1u32 << (action.index() & 31);
        let present = pairs.iter().fold(0, |present, pair| present | bit(pair.action));
        // One walk for each action that is there, of which the language has 20.
        for action in Action::ALL.iter().filter(|action| present & bit(**action) != 0) {
            write_united(raw, *action, &mut frame, out);
        }
        return out.close(frame);
    }
    let mut group: Option<(Str<'_>, Frame)> = None;
    for (profile, pair) in pairs.grouped() {
        if group.as_ref().map(|(name, _)| *name) != profile {
            if let Some((_, inner)) = group.take() {
                out.close(inner);
            }
            if let Some(profile) = profile {
                out.require(extension::namespace_fits(profile, out.v2()), LanguageRule::UnregisteredNsid);
                out.profile(&mut frame, profile);
                group = Some((profile, out.open(Shape::Map)));
            }
        }
        out.require(!pair.targets.is_empty(), LanguageRule::EmptyPair);
        out.require_all(pair.targets.distinct());
        out.field(group.as_mut().map_or(&mut frame, |(_, inner)| inner), pair.action);
        let mut list = out.open_list();
        for target in pair.targets {
            write_target(target, &mut list, out);
        }
        out.close(list);
    }
    if let Some((_, inner)) = group {
        out.close(inner);
    }
    out.close(frame);
}

/// The targets of an action, whichever profile they were under, each of them once.
fn write_united(pairs: Raw<'_>, action: Action, frame: &mut Frame, out: &mut Writer<'_>) {
    let mut places = Places::new(MAX_MEMBERS);
    let mut r = pairs.reader().with_places(&mut places);
    let (mut list, mut met) = (None, Group::NEW);
    let mut walk = r.open_map(Shape::Map);
    while let Some(key) = r.key(&mut walk) {
        match key.of::<Action>() {
            Some(own) if own == action => {
                let list = list.get_or_insert_with(|| {
                    out.field(frame, action);
                    out.open_list()
                });
                unite(&mut r, &mut met, list, out);
            }
            Some(_) => r.pass(),
            None => {
                let mut inner = r.open_map(Shape::Map);
                while let Some(key) = r.key(&mut inner) {
                    if key.of() != Some(action) {
                        r.pass();
                        continue;
                    }
                    let list = list.get_or_insert_with(|| {
                        out.field(frame, action);
                        out.open_list()
                    });
                    unite(&mut r, &mut met, list, out);
                }
            }
        }
    }
    if let Some(list) = list {
        out.close(list);
    }
}

/// Those of a list that were not met before.
fn unite<'a>(r: &mut Reader<'a, '_>, met: &mut Group, list: &mut Frame, out: &mut Writer<'_>) {
    let mut walk = r.open_list();
    while r.more(&mut walk) {
        let at = r.begin();
        let id = (r.concise() && r.kind() == Kind::Number).then(|| r.integer());
        let (item, name) = match id {
            Some(id) => (Item::Id(id), target_name(id).map_or(Str::EMPTY, Str::new)),
            None => {
                let name = r.text();
                (name.into(), name)
            }
        };
        match r.meet(met, item, at) {
            Ok(()) => write_target(name, list, out),
            Err(NotOnce::Twice) => {}
            Err(NotOnce::TooMany) => out.refuse(LanguageRule::TooMany),
        }
    }
}

fn write_target(target: Str<'_>, list: &mut Frame, out: &mut Writer<'_>) {
    out.item(list);
    match named::<TargetKind>(target) {
        Some(kind) => out.one_of(kind),
        None if !out.concise() => out.text(target),
        None => match named::<RegisteredTarget>(target) {
            Some(registered) => out.one_of(registered),
            None => out.refuse(LanguageRule::ConciseExtension),
        },
    }
}

/// The targets of one action.
fn read_targets(r: &mut Reader<'_, '_>) {
    if !r.concise() {
        read_texts(r, LanguageRule::EmptyPair);
        return;
    }
    let at = r.at;
    let (mut walk, mut group) = (r.open_list(), Group::NEW);
    while r.more(&mut walk) {
        let at = r.at;
        let id = r.integer();
        r.require(target_name(id).is_some(), at, LanguageRule::Target);
        r.once(&mut group, Item::Id(id), at, LanguageRule::NotUnique);
    }
    r.leave(&group);
    r.require(walk.done != 0, at, LanguageRule::EmptyPair);
}

impl<'a> Value<'a> for Results<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self::NONE
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        if r.lenient && !matches!(r.kind(), Kind::Map | Kind::Null) {
            r.quirks.insert(Quirk::ResultsNotAMap);
            return r.skip();
        }
        let mut extended = Extended::default();
        let start = r.begin();
        let mut members = r.open(Shape::Map);
        while let Some(member) = members.next(r) {
            match member {
                Member::Known(key) => self.fill_known(key, r),
                Member::Other(key) => extended.read(key, members.key_at(), Part::Results, r),
            }
        }
        members.leave(r);
        members.begun(r, LanguageRule::EmptyResults);
        self.extensions = extended.extensions(start, r, FieldSet::Results);
    }
}

impl Write for Results<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        if let Some(versions) = self.versions {
            out.require_all(versions.distinct());
            out.require(!out.v2() || versions.iter().all(is_major_minor), LanguageRule::Version);
            out.field(&mut frame, ResultKey::Versions);
            out.texts(versions);
        }
        if let Some(profiles) = self.profiles {
            out.require(
                profiles.iter().all(|profile| matches!(extension::namespace_length(profile), 1..=16)),
                LanguageRule::Nsid,
            );
            out.field(&mut frame, ResultKey::Profiles);
            out.texts(profiles);
        }
        if let Some(pairs) = self.pairs {
            out.require(pairs.iter().next().is_some(), LanguageRule::EmptyPairs);
            out.field(&mut frame, ResultKey::Pairs);
            write_pairs(pairs, out);
        }
        if let Some(limit) = self.rate_limit {
            out.field(&mut frame, ResultKey::RateLimit);
            out.number(limit);
        }
        self.extensions.write(out, &mut frame, Part::Results);
        out.close(frame);
    }
}
