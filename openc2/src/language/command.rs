//! Commands (LS1 s3.3.1): an action, a target, and how it is to be done.

use crate::Quirk;
use crate::encoding::error::LanguageRule;
use crate::encoding::out::Writer;
use crate::encoding::source::{Key, Kind, Member, Members, Part, Reader, Shape};
use crate::encoding::text::Str;
use crate::encoding::value::{Value, Write, text_of, write_text};
use crate::language::extension::{self, Extended, Extensions, FieldSet};
use crate::language::formats;
use crate::language::target::{Actuator, Target};
use crate::language::vocabulary::{Action, ArgKey, CommandKey, CommandKeyV2, RegisteredProfile, ResponseType};

/// A command (LS1 s3.3.1).
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// What is to be done.
    pub action: Action,
    /// What it is done to.
    pub target: Target<'a>,
    /// How it is to be done.
    pub args: Args<'a>,
    /// Which actuator is to do it: `actuator` in v1.0, `profile` in the v2.0 draft.
    pub actuator: Option<Actuator<'a>>,
    /// The command's own identifier. Without it the message's `request_id` identifies the command.
    pub command_id: Option<Str<'a>>,
}

impl<'a> Command<'a> {
    /// A command without arguments, for whatever actuator can do it.
    pub const fn new(action: Action, target: Target<'a>) -> Self {
        Self { action, target, args: Args::NONE, actuator: None, command_id: None }
    }
}

/// A field of either version's command.
enum Field {
    Known(CommandKey),
    /// `profile`, of the v2.0 draft.
    Profile,
}

impl<'a> Command<'a> {
    fn field(members: &mut Members<'a>, r: &mut Reader<'a, '_>) -> Option<Field> {
        if r.v2() {
            return Some(match members.only(r, LanguageRule::UnknownKey)? {
                CommandKeyV2::Profile => Field::Profile,
                CommandKeyV2::Action => Field::Known(CommandKey::Action),
                CommandKeyV2::Target => Field::Known(CommandKey::Target),
                CommandKeyV2::Args => Field::Known(CommandKey::Args),
                CommandKeyV2::CommandId => Field::Known(CommandKey::CommandId),
            });
        }
        Some(match members.next(r)? {
            Member::Known(key) => Field::Known(key),
            Member::Other(Key::Name(name)) if name == "profile" => {
                r.forgive(Quirk::ProfileInV1, members.key_at(), LanguageRule::UnknownKey);
                Field::Profile
            }
            Member::Other(_) => {
                r.fail_at(members.key_at(), LanguageRule::UnknownKey);
                return None;
            }
        })
    }

    /// The profile that the v2.0 draft names, or a peer that mixes the versions.
    fn profile(r: &mut Reader<'a, '_>) -> Actuator<'a> {
        let at = r.at;
        let profile = match r.kind() {
            Kind::Map => {
                r.forgive(Quirk::ProfileAsObject, at, LanguageRule::Profile);
                return Actuator::read(r);
            }
            Kind::Number => r
                .one_of::<RegisteredProfile>(LanguageRule::Profile)
                .map_or(Str::EMPTY, |profile| Str::new(profile.name())),
            _ => r.text_unless_concise(LanguageRule::WantInteger),
        };
        extension::check_namespace(profile, at, r);
        Actuator { profile, specifiers: None }
    }
}

impl<'a> Value<'a> for Command<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self::new(Action::Query, Target::empty())
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let (mut action, mut target) = (None, false);
        let mut members = r.open(Shape::Record);
        while let Some(field) = Self::field(&mut members, r) {
            match field {
                Field::Known(CommandKey::Action) => action = r.one_of(LanguageRule::Action),
                Field::Known(CommandKey::Target) => {
                    self.target.fill(r);
                    target = true;
                }
                Field::Known(CommandKey::Args) => self.args.fill(r),
                Field::Known(CommandKey::Actuator) => self.actuator.insert(Actuator::empty()).fill(r),
                Field::Known(CommandKey::CommandId) => {
                    self.command_id = Some(text_of(r, formats::command_id, LanguageRule::CommandId));
                }
                Field::Profile => self.actuator = Some(Self::profile(r)),
            }
        }
        match action {
            Some(action) => self.action = action,
            None => r.fail_at(members.at(), LanguageRule::NoAction),
        }
        r.require(target, members.at(), LanguageRule::NoTarget);
    }
}

impl Write for Command<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Record);
        out.field(&mut frame, CommandKey::Action);
        out.one_of(self.action);
        out.field(&mut frame, CommandKey::Target);
        self.target.write(out);
        if !self.args.is_empty() {
            out.field(&mut frame, CommandKey::Args);
            self.args.write(out);
        }
        if let Some(actuator) = &self.actuator {
            if out.v2() {
                out.field(&mut frame, CommandKeyV2::Profile)
            } else {
                out.field(&mut frame, CommandKey::Actuator)
            }
            actuator.write(out);
        }
        if let Some(id) = self.command_id {
            out.field(&mut frame, CommandKey::CommandId);
            write_text(out, id, formats::command_id, LanguageRule::CommandId);
        }
        out.close(frame);
    }
}

/// How a command is to be done (LS1 s3.3.1.4).
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    /// When to begin, in milliseconds since 1970-01-01T00:00Z.
    pub start_time: Option<u64>,
    /// When to end, in milliseconds since 1970-01-01T00:00Z.
    pub stop_time: Option<u64>,
    /// How long to last, in milliseconds.
    pub duration: Option<u64>,
    /// Which response is wanted; absent, it is `complete`.
    pub response_requested: Option<ResponseType>,
    /// A remark (v2.0 draft only).
    pub comment: Option<Str<'a>>,
    /// What profiles add.
    pub extensions: Extensions<'a>,
}

impl Default for Args<'_> {
    fn default() -> Self {
        Self::NONE
    }
}

/// When a command is in force, in milliseconds since 1970-01-01T00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// From when on.
    pub start: u64,
    /// Until when; `None` is for ever.
    pub stop: Option<u64>,
}

impl<'a> Args<'a> {
    /// No argument.
    pub const NONE: Self = Self {
        start_time: None,
        stop_time: None,
        duration: None,
        response_requested: None,
        comment: None,
        extensions: Extensions::NONE,
    };

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        !self.is_core() && self.extensions.is_empty()
    }

    /// Whether one of the language's own is there.
    fn is_core(&self) -> bool {
        self.start_time.is_some()
            || self.stop_time.is_some()
            || self.duration.is_some()
            || self.response_requested.is_some()
            || self.comment.is_some()
    }

    /// Which response is wanted: `complete` unless something else is said (LS1 s3.3.1.4).
    pub fn response(&self) -> ResponseType {
        self.response_requested.unwrap_or(ResponseType::Complete)
    }

    /// When the command is in force, if it came at `now` (LS1 s3.3.1.4): of start, stop and duration the third follows
    /// from the two; without a start it is now. Refused if all three are given or if the sum overflows.
    pub fn interval(&self, now: u64) -> Result<Interval, LanguageRule> {
        if let (Some(_), Some(_), Some(_)) = (self.start_time, self.stop_time, self.duration) {
            return Err(LanguageRule::ThreeTimes);
        }
        let start = match (self.start_time, self.stop_time, self.duration) {
            (Some(start), ..) => start,
            (None, Some(stop), Some(duration)) => stop.checked_sub(duration).ok_or(LanguageRule::TimeOverflow)?,
            _ => now,
        };
        let stop = match (self.stop_time, self.duration) {
            (Some(stop), _) => Some(stop),
            (None, Some(duration)) => Some(start.checked_add(duration).ok_or(LanguageRule::TimeOverflow)?),
            (None, None) => None,
        };
        Ok(Interval { start, stop })
    }

    fn three_times(&self) -> bool {
        self.start_time.is_some() && self.stop_time.is_some() && self.duration.is_some()
    }
}

impl<'a> Value<'a> for Args<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self::NONE
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut extended = Extended::default();
        let start = r.begin();
        let mut members = r.open(Shape::Map);
        while let Some(member) = members.next(r) {
            match member {
                Member::Known(ArgKey::StartTime) => self.start_time = Some(r.integer()),
                Member::Known(ArgKey::StopTime) => self.stop_time = Some(r.integer()),
                Member::Known(ArgKey::Duration) => self.duration = Some(r.integer()),
                Member::Known(ArgKey::ResponseRequested) => {
                    self.response_requested = r.one_of(LanguageRule::ResponseType)
                }
                Member::Known(ArgKey::Comment) if r.v2() => self.comment = Some(r.text()),
                Member::Known(ArgKey::Comment) => r.fail_at(members.key_at(), LanguageRule::Arg),
                Member::Other(key) => extended.read(key, members.key_at(), Part::Args, r),
            }
        }
        members.leave(r);
        members.begun(r, LanguageRule::EmptyArgs);
        r.require(!self.three_times(), members.at(), LanguageRule::ThreeTimes);
        self.extensions = extended.extensions(start, r, FieldSet::Args);
    }
}

impl Write for Args<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        out.require(!self.three_times(), LanguageRule::ThreeTimes);
        for (key, time) in [
            (ArgKey::StartTime, self.start_time),
            (ArgKey::StopTime, self.stop_time),
            (ArgKey::Duration, self.duration),
        ] {
            if let Some(time) = time {
                out.field(&mut frame, key);
                out.integer(time);
            }
        }
        if let Some(response) = self.response_requested {
            out.field(&mut frame, ArgKey::ResponseRequested);
            out.one_of(response);
        }
        if let Some(comment) = self.comment {
            out.require(out.v2(), LanguageRule::Arg);
            out.field(&mut frame, ArgKey::Comment);
            out.text(comment);
        }
        self.extensions.write(out, &mut frame, Part::Args);
        out.close(frame);
    }
}
