//! Which packet filter is here, and whether a command's specifiers mean it (SLPF s2.1.4).

use super::{NSID, Specifiers};
use crate::Str;
use crate::profile::Hook;

/// The names of a packet filter. A command is for it if each specifier of the command names it; a command without specifiers is
/// for every one.
///
/// ```
/// use openc2_mqtt::profile::{Hook, Hooks};
/// use openc2_mqtt::slpf::Identity;
///
/// let filter = Identity { hostnames: &["fw7.example.com"], named_groups: &["border"], ..Identity::NOBODY };
/// let profiles: [&dyn Hook; 1] = [&filter];
/// let hooks = Hooks::new(&profiles); // for `Declaration::hooks`
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Its host names and addresses, compared without regard to ASCII case.
    pub hostnames: &'a [&'a str],
    /// The groups it is in.
    pub named_groups: &'a [&'a str],
    /// Its identifiers.
    pub asset_ids: &'a [&'a str],
    /// Its identifier in parts; empty if it has none.
    pub asset_tuple: &'a [&'a str],
}

impl Identity<'_> {
    /// One that no specifier names.
    pub const NOBODY: Self = Self { hostnames: &[], named_groups: &[], asset_ids: &[], asset_tuple: &[] };

    /// Whether these specifiers mean this packet filter.
    pub fn is(&self, specifiers: &Specifiers<'_>) -> bool {
        let among =
            |names: &[&str], name: Option<Str<'_>>| name.is_none_or(|name| names.iter().any(|own| name == *own));
        let host = |name: Str<'_>| self.hostnames.iter().any(|own| same_host(name, own));
        specifiers.hostname.is_none_or(host)
            && among(self.named_groups, specifiers.named_group)
            && among(self.asset_ids, specifiers.asset_id)
            && specifiers.asset_tuple.is_none_or(|tuple| {
                !self.asset_tuple.is_empty() && tuple.iter().eq(self.asset_tuple.iter().copied().map(Str::new))
            })
    }
}

/// Host names are the same in any case (RFC 1123, RFC 4343).
fn same_host(name: Str<'_>, own: &str) -> bool {
    name.chars().map(|c| c.to_ascii_lowercase()).eq(own.chars().map(|c| c.to_ascii_lowercase()))
}

impl Hook for Identity<'_> {
    fn namespace(&self) -> &str {
        NSID
    }

    fn is_meant(&self, actuator: &crate::Actuator<'_>) -> bool {
        // What was read as this profile's is one of these; anything else names nobody that is known here.
        match actuator.specifiers {
            None => true,
            Some(_) => matches!(Specifiers::of_actuator(actuator), Ok(Some(specifiers)) if self.is(&specifiers)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::slpf::PROFILES;
    use crate::{Encoding, Reading};

    const FILTER: Identity<'static> = Identity {
        hostnames: &["fw7.example.com", "192.0.2.7"],
        named_groups: &["border", "inner"],
        asset_ids: &["30"],
        asset_tuple: &["site", "7"],
    };

    fn is_meant(filter: &Identity<'_>, specifiers: &str) -> bool {
        let json = [r#"{"action":"deny","target":{"uri":"a:b"},"actuator":{"slpf":"#, specifiers, "}}"].concat();
        let command =
            Reading::default().with_profiles(&PROFILES).command(Encoding::Json, json.as_bytes()).unwrap().value;
        filter.is_meant(&command.actuator.unwrap())
    }

    #[test]
    fn a_packet_filter_is_meant_by_its_names_and_by_no_others() {
        for meant in [
            "{}",
            r#"{"hostname":"fw7.example.com"}"#,
            r#"{"hostname":"FW7.Example.com"}"#,
            r#"{"hostname":"192.0.2.7"}"#,
            r#"{"named_group":"inner"}"#,
            r#"{"asset_id":"\u0033\u0030"}"#,
            r#"{"asset_tuple":["site","7"]}"#,
            r#"{"hostname":"fw7.example.com","asset_id":"30"}"#,
        ] {
            assert!(is_meant(&FILTER, meant), "{meant}");
        }
        for other in [
            r#"{"hostname":"fw8.example.com"}"#,
            r#"{"named_group":"Inner"}"#,
            r#"{"asset_id":"3"}"#,
            r#"{"asset_tuple":["site"]}"#,
            r#"{"asset_tuple":["site","7","x"]}"#,
            r#"{"hostname":"fw7.example.com","asset_id":"31"}"#,
        ] {
            assert!(!is_meant(&FILTER, other), "{other}");
        }
        assert!(is_meant(&Identity::NOBODY, "{}"));
        assert!(!is_meant(&Identity::NOBODY, r#"{"asset_tuple":["a"]}"#));
    }
}
