//! What a profile has to say to a Consumer: which actuators are here, and which commands make no sense to it.
//!
//! Packet filtering ([`slpf`](crate::profile::slpf)) says it in the same way as a profile of the host's own.

pub mod slpf;

use core::fmt;

use crate::language::command::Command;
use crate::language::response::Status;
use crate::language::target::{Actuator, Target};

/// A profile's part in the decision whether a command is carried out. Both questions are asked before the host sees the
/// command.
///
/// ```
/// use openc2_mqtt::profile::{Profile, Refusal};
/// use openc2_mqtt::{Action, Actuator, Command};
///
/// /// Doors: `actuator.x-door.floor` says which floor's are meant.
/// struct Doors {
///     floor: u8,
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Specifiers {
///     floor: u8,
/// }
///
/// impl Profile for Doors {
///     fn namespace(&self) -> &str {
///         "x-door"
///     }
///
///     fn is_meant(&self, actuator: &Actuator<'_>) -> bool {
///         let Some(raw) = actuator.specifiers.and_then(|specifiers| specifiers.as_raw()) else { return true };
///         raw.to_serde::<Specifiers>().into_iter().any(|specifiers| specifiers.floor == self.floor)
///     }
///
///     fn check(&self, command: &Command<'_>) -> Result<(), Refusal> {
///         if command.action == Action::Locate { Err(Refusal::COMMAND) } else { Ok(()) }
///     }
/// }
/// ```
pub trait Profile {
    /// The namespace identifier of the profile.
    fn namespace(&self) -> &str;

    /// Whether a command with these specifiers is for an actuator that is here (LS1 s3.3.1.3). It is asked for an actuator of
    /// this profile only. A command that is for others is passed over; one that came on the device's own topic is answered
    /// 404.
    fn is_meant(&self, actuator: &Actuator<'_>) -> bool {
        let _ = actuator;
        true
    }

    /// Why a command of this profile makes no sense to it, beyond what the declared pairs say; by default nothing.
    fn check(&self, command: &Command<'_>) -> Result<(), Refusal> {
        let _ = command;
        Ok(())
    }
}

/// Why a command is none of a profile's, as it is answered; the three that all profiles share have the words of SLPF s2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Mostly 400 or 501.
    pub status: Status,
    /// Why.
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

/// The profiles that have a say in what a Consumer carries out.
#[derive(Clone, Copy, Default)]
pub struct Hooks<'d>(&'d [&'d dyn Profile]);

impl<'d> Hooks<'d> {
    /// None.
    pub const NONE: Self = Self(&[]);

    /// These, at most one of each namespace; of two the first is asked.
    pub const fn new(profiles: &'d [&'d dyn Profile]) -> Self {
        Self(profiles)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'d dyn Profile> {
        self.0.iter().copied()
    }
}

impl fmt::Debug for Hooks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|profile| profile.namespace())).finish()
    }
}

impl<'d> From<&'d [&'d dyn Profile]> for Hooks<'d> {
    fn from(profiles: &'d [&'d dyn Profile]) -> Self {
        Self(profiles)
    }
}

/// Whether a command says that it is for this profile: by its actuator, its target or its arguments.
pub(crate) fn is_named(command: &Command<'_>, profile: &str) -> bool {
    command.actuator.is_some_and(|actuator| actuator.profile == profile)
        || matches!(command.target, Target::Extension { profile: of, .. } if of == profile)
        || command.args.extensions.get(profile).is_some()
}
