//! `x-lamp`, a profile that no specification knows: lamps, told by their names how bright to shine.
//!
//! | part | in JSON | meaning |
//! |---|---|---|
//! | target | `{"x-lamp:light":{"name":"desk"}}` | the light of this lamp |
//! | arguments | `{"x-lamp":{"level":40}}` | how bright, 0 to 255; as bright as it can without them |
//! | specifiers | `{"x-lamp":{"name":"desk"}}` | for the device whose lamp has this name |
//! | results | `{"x-lamp":{"level":0}}` | how bright it was before |

use openc2_mqtt::profile::{Part, Profile, ProfileRule, Reader, Refusal, Shape, Value, Write, Writer, read_as};
use openc2_mqtt::{
    Action, Actuator, Command, Extension, ExtensionValue, LanguageRule, Pair, Response, Str, Target, Texts, vocabulary,
};

/// The namespace. One that is not registered begins with `x-` (LS1 s3.1.4).
pub const NSID: &str = "x-lamp";
/// The target.
const LIGHT: &str = "light";
/// A level beyond 255.
pub const LEVEL: LanguageRule =
    LanguageRule::OfProfile(&ProfileRule { section: "x-lamp", meaning: "a level is 0 to 255" });

vocabulary! {
    enum LightKey { Level = 1 "level", }
    enum WhichKey { Name = 1 "name", }
}

/// The profile.
pub struct Lamps;

impl Profile for Lamps {
    fn namespace(&self) -> &'static str {
        NSID
    }

    fn targets(&self) -> &'static [&'static str] {
        &[LIGHT]
    }

    fn read(&self, part: Part<'_>, r: &mut Reader<'_, '_>, out: Option<&mut Writer<'_>>) {
        match part {
            Part::Target(_) | Part::Specifiers => read_as::<Which<'_>>(r, out),
            Part::Args | Part::Results => read_as::<Light>(r, out),
            _ => r.undefined(part),
        }
    }

    fn check(&self, command: &Command<'_>) -> Result<(), Refusal> {
        // The device may have other profiles, and the command a target of theirs.
        if Which::of(&command.target).is_none() {
            return Err(Refusal::TARGET);
        }
        // A lamp has no clock.
        let args = &command.args;
        let timed = args.start_time.is_some() || args.stop_time.is_some() || args.duration.is_some();
        if timed { Err(Refusal::OPTION) } else { Ok(()) }
    }

    fn can_mean(&self, actuator: &Actuator<'_>, names: &[&str]) -> bool {
        let Some(specifiers) = actuator.specifiers else { return true };
        specifiers.read_as::<Which<'_>>().is_ok_and(|which| names.iter().any(|name| which.name == *name))
    }
}

/// What a lamp can do.
pub fn pairs() -> [Pair<'static>; 1] {
    [Pair { action: Action::Set, targets: Texts::from(&["x-lamp:light"]) }]
}

/// How bright a lamp is, or is to be: the profile's arguments and results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Light {
    /// From 0, dark.
    pub level: u8,
}

impl Light {
    /// As bright as can be.
    pub const BRIGHT: Self = Self { level: u8::MAX };

    /// What a command tells the lamp to do.
    pub fn wanted(command: &Command<'_>) -> Result<Self, LanguageRule> {
        command.args.extensions.get(NSID).map_or(Ok(Self::BRIGHT), |value| value.read_as())
    }

    /// What a response says.
    pub fn told(response: &Response<'_>) -> Result<Option<Self>, LanguageRule> {
        response.results.extensions.get(NSID).map(|value| value.read_as()).transpose()
    }

    /// As arguments or results.
    pub fn extension(&self) -> Extension<'_> {
        Extension { profile: Str::new(NSID), value: ExtensionValue::Typed(self) }
    }
}

impl<'a> Value<'a> for Light {
    fn empty() -> Self {
        Self::BRIGHT
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut fields = r.open(Shape::Map);
        while let Some(LightKey::Level) = fields.only(r, LanguageRule::ProfileArg) {
            let at = r.begin();
            match u8::try_from(r.integer()) {
                Ok(level) => self.level = level,
                Err(_) => r.fail_at(at, LEVEL),
            }
        }
        fields.filled(r, LanguageRule::ProfileArg);
    }
}

impl Write for Light {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        out.field(&mut frame, LightKey::Level);
        out.integer(u64::from(self.level));
        out.close(frame);
    }
}

/// Which lamp: the target's value and the specifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Which<'a> {
    /// Its name.
    pub name: Str<'a>,
}

impl<'a> Which<'a> {
    /// The lamp that a command is about, if its target is one.
    pub fn of(target: &Target<'a>) -> Option<Self> {
        target.extension(NSID, LIGHT)?.read_as().ok()
    }

    /// As a command's target.
    pub fn target(&'a self) -> Target<'a> {
        Target::Extension { profile: Str::new(NSID), name: Str::new(LIGHT), value: ExtensionValue::Typed(self) }
    }

    /// As a command's actuator.
    pub fn actuator(&'a self) -> Actuator<'a> {
        Actuator { profile: Str::new(NSID), specifiers: Some(ExtensionValue::Typed(self)) }
    }
}

impl<'a> Value<'a> for Which<'a> {
    fn empty() -> Self {
        Self { name: Str::EMPTY }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut fields = r.open(Shape::Map);
        while let Some(WhichKey::Name) = fields.only(r, LanguageRule::ProfileSpecifier) {
            self.name = r.text();
        }
        fields.filled(r, LanguageRule::ProfileSpecifier);
    }
}

impl Write for Which<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        out.field(&mut frame, WhichKey::Name);
        out.text(self.name);
        out.close(frame);
    }
}
