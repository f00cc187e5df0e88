//! Actuator profiles: what each adds to the language, and which actuators of it are at a device.
//!
//! A [`Profile`] knows its document: the types of its targets, arguments, specifiers and results, and which commands make sense.
//! Whoever reads or writes messages is handed [`Profiles`], a table of them: [`Reading::profiles`](crate::Reading::profiles),
//! [`Style::with_profiles`](crate::Style::with_profiles), and for a Consumer
//! [`Declaration::profiles`](crate::consumer::Declaration::profiles). A [`Hook`] knows the device: which actuators are there, and
//! what they can't do. [Packet filtering](slpf) is a profile like any other, made of what stands here.

pub mod slpf;

use core::fmt;

use crate::language::command::Command;
use crate::language::target::Actuator;

pub use crate::encoding::error::ProfileRule;
pub use crate::encoding::name::{Name, Vocabulary};
pub use crate::encoding::out::{Frame, Writer};
pub use crate::encoding::source::{Kind, Members, Part, Reader, Shape, Walk};
pub use crate::encoding::value::{Value, Write, text_of, write_text};
pub use crate::language::formats::{hostname as is_hostname, ipv6 as parse_ipv6};
pub use crate::language::profile::{Profile, Profiles, Refusal, read_as};

/// A device's part in the decision whether a command is carried out. Both questions are asked before the host sees the
/// command.
///
/// ```
/// use openc2_mqtt::profile::{Hook, Refusal};
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
/// impl Hook for Doors {
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
pub trait Hook {
    /// The namespace identifier of the profile.
    fn namespace(&self) -> &str;

    /// Whether a command with these specifiers is for an actuator that is here (LS1 s3.3.1.3). It is asked for an actuator of
    /// this profile only. A command that is for others is passed over; one that came on the device's own topic is answered
    /// 404.
    fn is_meant(&self, actuator: &Actuator<'_>) -> bool {
        let _ = actuator;
        true
    }

    /// Why this device can't carry out a command of this profile, beyond what the declared pairs and [`Profile::check`] say; by
    /// default nothing.
    fn check(&self, command: &Command<'_>) -> Result<(), Refusal> {
        let _ = command;
        Ok(())
    }
}

/// What a device has to say about commands of its profiles.
#[derive(Clone, Copy, Default)]
pub struct Hooks<'d>(&'d [&'d dyn Hook]);

impl<'d> Hooks<'d> {
    /// None.
    pub const NONE: Self = Self(&[]);

    /// These, at most one of each namespace; of two the first is asked.
    pub const fn new(hooks: &'d [&'d dyn Hook]) -> Self {
        Self(hooks)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'d dyn Hook> {
        self.0.iter().copied()
    }
}

impl fmt::Debug for Hooks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|hook| hook.namespace())).finish()
    }
}

impl<'d> From<&'d [&'d dyn Hook]> for Hooks<'d> {
    fn from(hooks: &'d [&'d dyn Hook]) -> Self {
        Self(hooks)
    }
}
