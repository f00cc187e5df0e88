//! Topics: where a message goes, and what a topic means (CS01 s2.2, WD01 s2.2).

use core::fmt;

use mqtt5_codec::Topic;

use crate::encoding::text::{copy, cut};
use crate::language::vocabulary::Action;

/// Which version of the transfer specification lays out the topics, and what it asks of a PUBLISH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// CS01 s2.2, the final one: all, profile, device; two for responses. `from` is required, a response topic forbidden.
    #[default]
    Cs01,
    /// CSD03 s2.2: the same topics. It requires no `from` and says nothing about response topics.
    Csd03,
    /// WD01 s2.2: profile, device type, device, action-target pair, action; one for responses; none for all. It is of the
    /// time of MQTT 3.1.1 and asks for no properties.
    Wd01,
}

impl Layout {
    /// Every one, the latest first.
    pub const ALL: [Self; 3] = [Self::Cs01, Self::Csd03, Self::Wd01];

    /// Its name: `cs01`, `csd03`, `wd01`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cs01 => "cs01",
            Self::Csd03 => "csd03",
            Self::Wd01 => "wd01",
        }
    }

    /// The layout of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }

    const fn is_wd01(self) -> bool {
        matches!(self, Self::Wd01)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How topics are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheme<'a> {
    /// The version of the transfer specification that lays out the topics.
    pub layout: Layout,
    /// What stands before `oc2`, without the slash between them. Not conformant: CS01 has none; some brokers want it.
    pub prefix: Option<&'a str>,
}

/// Where a message goes, or came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channel<'a> {
    /// Every Consumer: `oc2/cmd/all`. Not in WD01.
    All,
    /// Those that implement an actuator profile: `oc2/cmd/ap/[actuator_profile]`.
    Profile(&'a str),
    /// One device: `oc2/cmd/device/[device_id]`; in WD01 `oc2/cmd/device_id/[device_id]`.
    Device(&'a str),
    /// Devices of a type: `oc2/cmd/device_type/[device_type]`. WD01 only.
    DeviceType(&'a str),
    /// Those that can do an action: `oc2/cmd/action/[action]`. WD01 only.
    Action(Action),
    /// Those that can do an action on a target: `oc2/cmd/action_target/[action_target]`. WD01 only, which doesn't say how
    /// the two are joined; here an underscore does it, which no action's name contains.
    Pair(Action, &'a str),
    /// Every Producer: `oc2/rsp`.
    Responses,
    /// One Producer: `oc2/rsp/[producer_id]`. Not in WD01.
    ResponsesTo(&'a str),
}

/// Why a channel has no topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicError {
    /// The layout has no such topic.
    NotInLayout,
    /// An identifier is empty or holds `/`, `+`, `#` or U+0000, so it is no level of a topic (CS01 s2.2).
    Level,
    /// The prefix is empty, begins or ends with a slash, or holds `+`, `#` or U+0000.
    Prefix,
    /// The buffer is too small, or the topic longer than 65,535 bytes.
    Full {
        /// What the topic takes, in bytes.
        need: usize,
    },
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInLayout => f.write_str("there is no such topic in this layout"),
            Self::Level => f.write_str("an identifier is no level of a topic [CS01 2.2]"),
            Self::Prefix => f.write_str("the prefix is no beginning of a topic"),
            Self::Full { need } => write!(f, "the buffer is too small: {need} bytes are needed"),
        }
    }
}

impl core::error::Error for TopicError {}

fn is_level(level: &str) -> bool {
    !level.is_empty() && !level.bytes().any(|byte| matches!(byte, b'/' | b'+' | b'#' | 0))
}

fn is_prefix(prefix: &str) -> bool {
    prefix.as_bytes().split(|byte| *byte == b'/').all(|level| core::str::from_utf8(level).is_ok_and(is_level))
}

impl<'a> Channel<'a> {
    /// Whether commands go there, not responses.
    pub const fn is_command(&self) -> bool {
        !matches!(self, Self::Responses | Self::ResponsesTo(_))
    }

    /// What stands after `oc2/`: two parts, and what joins and follows them.
    fn parts(&self, layout: Layout) -> Result<[&'a str; 4], TopicError> {
        let wd01 = layout.is_wd01();
        let (before, identifier) = match *self {
            Self::All if !wd01 => return Ok(["cmd/all", "", "", ""]),
            Self::Responses => return Ok(["rsp", "", "", ""]),
            Self::ResponsesTo(producer) if !wd01 => ("rsp/", producer),
            Self::Profile(profile) => ("cmd/ap/", profile),
            Self::Device(device) if wd01 => ("cmd/device_id/", device),
            Self::Device(device) => ("cmd/device/", device),
            Self::DeviceType(kind) if wd01 => ("cmd/device_type/", kind),
            Self::Action(action) if wd01 => ("cmd/action/", action.name()),
            Self::Pair(action, target) if wd01 => {
                return match is_level(target) {
                    true => Ok(["cmd/action_target/", action.name(), "_", target]),
                    false => Err(TopicError::Level),
                };
            }
            _ => return Err(TopicError::NotInLayout),
        };
        if is_level(identifier) { Ok([before, identifier, "", ""]) } else { Err(TopicError::Level) }
    }

    /// Whether there is such a topic.
    pub(crate) fn exists(&self, scheme: &Scheme<'_>) -> bool {
        self.parts(scheme.layout).is_ok()
    }

    /// Writes the topic at the beginning of `buffer` and lends it, with what is left of the buffer.
    pub fn write<'b>(
        &self,
        scheme: &Scheme<'_>,
        buffer: &'b mut [u8],
    ) -> Result<(Topic<'b>, &'b mut [u8]), TopicError> {
        let parts = self.parts(scheme.layout)?;
        let (prefix, slash) = match scheme.prefix {
            None => ("", ""),
            Some(prefix) if is_prefix(prefix) => (prefix, "/"),
            Some(_) => return Err(TopicError::Prefix),
        };
        let whole = [prefix, slash, "oc2/"].into_iter().chain(parts);
        let need = whole.clone().fold(0usize, |sum, part| sum.saturating_add(part.len()));
        let full = TopicError::Full { need };
        let (topic, rest) = buffer.split_at_mut_checked(need).ok_or(full)?;
        let mut at = 0usize;
        for part in whole {
            let end = at.saturating_add(part.len());
            copy(topic.get_mut(at..end).ok_or(full)?, part.as_bytes());
            at = end;
        }
        let topic = core::str::from_utf8(topic).map_err(|_| TopicError::Level)?;
        Ok((Topic::new(topic).map_err(|_| full)?, rest))
    }

    /// What a topic means; `None` if it is none of this scheme's.
    pub fn read(scheme: &Scheme<'_>, topic: &'a str) -> Option<Self> {
        let rest = match scheme.prefix {
            None => topic,
            Some(prefix) => topic.strip_prefix(prefix)?.strip_prefix('/')?,
        };
        let rest = rest.strip_prefix("oc2/")?;
        let wd01 = scheme.layout.is_wd01();
        if rest == "rsp" {
            return Some(Self::Responses);
        }
        if let Some(producer) = rest.strip_prefix("rsp/") {
            return (is_level(producer) && !wd01).then_some(Self::ResponsesTo(producer));
        }
        let rest = rest.strip_prefix("cmd/")?;
        if rest == "all" {
            return (!wd01).then_some(Self::All);
        }
        let (kind, identifier) = cut(rest, b'/')?;
        if !is_level(identifier) {
            return None;
        }
        Some(match (kind, wd01) {
            ("ap", _) => Self::Profile(identifier),
            ("device", false) | ("device_id", true) => Self::Device(identifier),
            ("device_type", true) => Self::DeviceType(identifier),
            ("action", true) => Self::Action(Action::from_name(identifier)?),
            ("action_target", true) => {
                let (action, target) = cut(identifier, b'_')?;
                Self::Pair(Action::from_name(action)?, target)
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_its_topic_and_each_topic_its_channel() {
        let wd01 = Layout::Wd01;
        for (layout, channel, name) in [
            (Layout::Cs01, Channel::All, "oc2/cmd/all"),
            (Layout::Cs01, Channel::Profile("slpf"), "oc2/cmd/ap/slpf"),
            (Layout::Cs01, Channel::Device("zulu"), "oc2/cmd/device/zulu"),
            (Layout::Cs01, Channel::Responses, "oc2/rsp"),
            (Layout::Cs01, Channel::ResponsesTo("omega"), "oc2/rsp/omega"),
            (Layout::Csd03, Channel::All, "oc2/cmd/all"),
            (Layout::Csd03, Channel::Profile("iota"), "oc2/cmd/ap/iota"),
            (Layout::Csd03, Channel::Device("zulu"), "oc2/cmd/device/zulu"),
            (Layout::Csd03, Channel::Responses, "oc2/rsp"),
            (Layout::Csd03, Channel::ResponsesTo("omega"), "oc2/rsp/omega"),
            (wd01, Channel::Profile("slpf"), "oc2/cmd/ap/slpf"),
            (wd01, Channel::DeviceType("firewall"), "oc2/cmd/device_type/firewall"),
            (wd01, Channel::Device("zulu"), "oc2/cmd/device_id/zulu"),
            (wd01, Channel::Pair(Action::Deny, "ipv4_net"), "oc2/cmd/action_target/deny_ipv4_net"),
            (wd01, Channel::Action(Action::Deny), "oc2/cmd/action/deny"),
            (wd01, Channel::Responses, "oc2/rsp"),
        ] {
            let mut buffer = [0; 64];
            let scheme = Scheme { layout, prefix: None };
            let (topic, rest) = channel.write(&scheme, &mut buffer).unwrap();
            assert_eq!(topic, name);
            assert_eq!(rest.len(), 64 - name.len());
            assert_eq!(Channel::read(&scheme, name), Some(channel));
            let scheme = Scheme { layout, prefix: Some("a/b") };
            let mut buffer = [0; 64];
            let (topic, _) = channel.write(&scheme, &mut buffer).unwrap();
            assert_eq!(topic.as_str().strip_prefix("a/b/"), Some(name));
            assert_eq!(Channel::read(&scheme, topic.as_str()), Some(channel));
            assert_eq!(Channel::read(&scheme, name), None);
        }
    }

    #[test]
    fn a_layout_is_known_by_its_name() {
        for (layout, name) in [(Layout::Cs01, "cs01"), (Layout::Csd03, "csd03"), (Layout::Wd01, "wd01")] {
            assert_eq!(layout.name(), name);
            assert_eq!(Layout::from_name(name), Some(layout));
        }
        assert_eq!(Layout::from_name("CS01"), None);
        assert_eq!(Layout::default(), Layout::Cs01);
    }

    #[test]
    fn a_layout_has_no_topics_but_its_own() {
        let has = |layout, channel: Channel<'_>| channel.exists(&Scheme { layout, prefix: None });
        for layout in [Layout::Cs01, Layout::Csd03] {
            for absent in [Channel::DeviceType("t"), Channel::Action(Action::Deny), Channel::Pair(Action::Deny, "file")]
            {
                assert!(!has(layout, absent), "{absent:?}");
            }
            for topic in ["oc2/cmd/device_type/t", "oc2/cmd/device_id/d", "oc2/cmd/action/deny"] {
                assert_eq!(Channel::read(&Scheme { layout, prefix: None }, topic), None, "{topic}");
            }
        }
        for absent in [Channel::All, Channel::ResponsesTo("p")] {
            assert!(!has(Layout::Wd01, absent), "{absent:?}");
        }
        for topic in ["oc2/cmd/all", "oc2/rsp/p", "oc2/cmd/device/d"] {
            assert_eq!(Channel::read(&Scheme { layout: Layout::Wd01, prefix: None }, topic), None, "{topic}");
        }
    }

    #[test]
    fn an_identifier_is_one_level() {
        let scheme = Scheme::default();
        let write = |channel: Channel<'_>| channel.write(&scheme, &mut [0; 64]).map(|_| ()).unwrap_err();
        for bad in ["", "a/b", "+", "a#", "\0"] {
            assert_eq!(write(Channel::Profile(bad)), TopicError::Level, "{bad:?}");
            assert_eq!(write(Channel::ResponsesTo(bad)), TopicError::Level, "{bad:?}");
        }
        assert_eq!(write(Channel::Action(Action::Deny)), TopicError::NotInLayout);
        for bad in [
            "oc2",
            "oc2/cmd",
            "oc2/cmd/ap",
            "oc2/cmd/ap/",
            "oc2/cmd/ap/a/b",
            "oc2/rsp/",
            "oc2/cmd/action/deny",
            "oc3/rsp",
        ] {
            assert_eq!(Channel::read(&scheme, bad), None, "{bad}");
        }
        assert_eq!(Channel::All.write(&scheme, &mut [0; 4]).map(|_| ()), Err(TopicError::Full { need: 11 }));
        let wd01 = Scheme { layout: Layout::Wd01, prefix: None };
        assert_eq!(Channel::All.write(&wd01, &mut [0; 64]).map(|_| ()), Err(TopicError::NotInLayout));
        assert_eq!(Channel::read(&wd01, "oc2/cmd/all"), None);
        let slash = Scheme { prefix: Some("a/"), ..scheme };
        assert_eq!(Channel::All.write(&slash, &mut [0; 64]).map(|_| ()), Err(TopicError::Prefix));
    }
}
