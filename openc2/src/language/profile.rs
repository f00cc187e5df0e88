//! Actuator profiles as the language sees them: what each of them adds, in a table that reading, writing and the Consumer are
//! handed. None of them is known here by name.

use core::fmt;

use crate::encoding::out::{Rewrite, Style, Writer};
use crate::encoding::source::{Part, Reader, Types};
use crate::encoding::text::Str;
use crate::encoding::value::Value;
use crate::language::command::Command;
use crate::language::response::Status;
use crate::language::target::{Actuator, Target};

/// An actuator profile: its namespace, the types of what it adds to the language, and which of its commands make sense.
///
/// Whoever reads or writes messages is handed a table of them, [`Profiles`]. Values of a profile that is not in the table are read
/// as they stand ([`ExtensionValue::Raw`](crate::ExtensionValue)), and nothing is checked but that they are well-formed.
/// `examples/profiles/lamp.rs` is a profile of a device's own, `examples/profiles/pf.rs` the successor of packet filtering.
///
/// ```
/// use openc2_mqtt::profile::{Part, Profile, Profiles, Reader, Value as _, Write, Writer, read_as};
/// use openc2_mqtt::{Encoding, Reading};
///
/// /// Doors: `x-door:floor` is a target, a number; nothing else is added.
/// struct Doors;
///
/// impl Profile for Doors {
///     fn namespace(&self) -> &'static str {
///         "x-door"
///     }
///
///     fn targets(&self) -> &'static [&'static str] {
///         &["floor"]
///     }
///
///     fn read(&self, part: Part<'_>, r: &mut Reader<'_, '_>, out: Option<&mut Writer<'_>>) {
///         match part {
///             Part::Target(_) => read_as::<u64>(r, out),
///             _ => r.undefined(part),
///         }
///     }
/// }
///
/// static PROFILES: Profiles = Profiles::new(&[&Doors]);
/// let reading = Reading { profiles: &PROFILES, ..Reading::default() };
/// let open = |floor: &str| format!(r#"{{"action":"start","target":{{"x-door:floor":{floor}}}}}"#);
/// let (good, bad) = (open("3"), open(r#""third""#));
/// let command = reading.command(Encoding::Json, good.as_bytes())?.value;
/// assert_eq!(command.target.extension("x-door", "floor").map(|value| value.read_as::<u64>()), Some(Ok(3)));
/// let error = reading.command(Encoding::Json, bad.as_bytes()).unwrap_err();
/// assert_eq!(error.path.as_str(), "target.x-door:floor");
/// # Ok::<(), openc2_mqtt::OpenC2Error>(())
/// ```
pub trait Profile: Sync {
    /// The namespace identifier: registered, or in v1.0 beginning with `x-` (LS1 s3.1.4).
    fn namespace(&self) -> &'static str;

    /// The names of its targets, without the namespace.
    fn targets(&self) -> &'static [&'static str] {
        &[]
    }

    /// Reads a value of this profile as the type that belongs to `part`, and so checks it: [`read_as`] does both. With a writer
    /// it also writes the value, which so takes another form. [`Reader::undefined`] refuses a part that the profile does not
    /// define. Of targets, only those that [`targets`](Self::targets) names come here.
    fn read(&self, part: Part<'_>, r: &mut Reader<'_, '_>, out: Option<&mut Writer<'_>>);

    /// Why a command of this profile makes no sense to it, beyond what the declared pairs say; by default nothing. A
    /// [`Consumer`](crate::consumer::Consumer) asks before the host sees the command.
    ///
    /// The pairs are those of all profiles of a device. So a command whose actuator is of this profile may come with a target of
    /// another one, and only this function can refuse it.
    fn check(&self, command: &Command<'_>) -> Result<(), Refusal> {
        let _ = command;
        Ok(())
    }

    /// Whether these specifiers can mean an actuator with these names, of which one is its device's. A Consumer asks where the
    /// host has no [`Hook`](crate::profile::Hook) of this profile. By default they can.
    fn can_mean(&self, actuator: &Actuator<'_>, names: &[&str]) -> bool {
        let _ = (actuator, names);
        true
    }
}

/// Reads a value as a type, and writes it if there is a writer: what [`Profile::read`] is made of.
pub fn read_as<'a, T: Value<'a>>(r: &mut Reader<'a, '_>, out: Option<&mut Writer<'_>>) {
    let value = T::read(r);
    if let Some(out) = out {
        value.write(out);
    }
}

/// The profiles that reading, writing and a Consumer are handed. Of two of one namespace the first counts.
#[derive(Clone, Copy, Default)]
pub struct Profiles(&'static [&'static dyn Profile]);

impl Profiles {
    /// No profile: what profiles add is read and written as it stands.
    pub const NONE: Self = Self(&[]);

    /// A table of these profiles.
    pub const fn new(profiles: &'static [&'static dyn Profile]) -> Self {
        Self(profiles)
    }

    /// The profiles, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn Profile> + use<> {
        self.0.iter().copied()
    }

    /// The profile of a namespace.
    pub fn get(&self, namespace: Str<'_>) -> Option<&'static dyn Profile> {
        self.iter().find(|profile| namespace == profile.namespace())
    }
}

/// Two tables are the same if they name the same namespaces in the same order.
impl PartialEq for Profiles {
    fn eq(&self, other: &Self) -> bool {
        self.iter().map(Profile::namespace).eq(other.iter().map(Profile::namespace))
    }
}

impl Eq for Profiles {}

impl fmt::Debug for Profiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Profile::namespace)).finish()
    }
}

fn has_target(profile: &dyn Profile, name: Str<'_>) -> bool {
    profile.targets().iter().any(|own| name == *own)
}

impl Types for Profiles {
    fn check(&self, namespace: Str<'_>, part: Part<'_>, r: &mut Reader<'_, '_>) -> bool {
        let Some(profile) = self.get(namespace) else { return false };
        match part {
            Part::Target(name) if !has_target(profile, name) => r.undefined(part),
            _ => profile.read(part, r, None),
        }
        true
    }
}

impl Rewrite for Profiles {
    fn may_have(&self, namespace: Str<'_>, target: Str<'_>) -> bool {
        self.get(namespace).is_none_or(|profile| has_target(profile, target))
    }

    fn rewrite(&self, namespace: Str<'_>, part: Part<'_>, r: &mut Reader<'_, '_>, out: &mut Writer<'_>) -> bool {
        let profile = self.get(namespace);
        if let Some(profile) = profile {
            profile.read(part, r, Some(out));
        }
        profile.is_some()
    }
}

impl Style {
    /// The same with the types of these profiles' values: by them a value that was read is checked, and written in another form
    /// than it stands in. A target that its profile does not define is refused, whoever made its value.
    pub const fn with_profiles(self, profiles: &'static Profiles) -> Self {
        self.with_types(profiles)
    }
}

/// Why a command makes no sense to a profile or its device: the answer. The three that all profiles share have the words of
/// SLPF s2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the response, mostly 400 or 501.
    pub status: Status,
    /// The text of the response.
    pub text: &'static str,
}

impl Refusal {
    /// 501: no such command in the profile.
    pub const COMMAND: Self = Self { status: Status::NotImplemented, text: "Command not supported" };
    /// 501: no such target for that action.
    pub const TARGET: Self = Self { status: Status::NotImplemented, text: "Target type not supported" };
    /// 501: no such argument for that command.
    pub const OPTION: Self = Self { status: Status::NotImplemented, text: "Option not supported" };
}

impl Command<'_> {
    /// Whether it says that it is for this profile: by its actuator, its target or its arguments.
    pub fn is_for(&self, namespace: &str) -> bool {
        self.actuator.is_some_and(|actuator| actuator.profile == namespace)
            || matches!(self.target, Target::Extension { profile, .. } if profile == namespace)
            || self.args.extensions.get(namespace).is_some()
    }
}
