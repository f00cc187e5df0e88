//! The names and integer identifiers of the language, each in one table.
//!
//! JSON and string-keyed CBOR write the name, the concise form of JADN s4.4 the identifier.

/// One entry of a table.
pub(crate) struct Name {
    /// The name as a key of JSON, what stands before and behind it included: `,"name":`.
    pub(crate) key: &'static str,
    /// How it is written in the concise form.
    pub(crate) id: u16,
    /// The name's first letter, by which most others are told apart.
    letter: u8,
}

impl Name {
    /// Stands for no entry.
    const NONE: Self = Self { key: "", id: 0, letter: 0 };

    pub(crate) const fn new(text: &str, key: &'static str, id: u16) -> Self {
        let letter = match text.as_bytes() {
            [letter, ..] => *letter,
            [] => 0,
        };
        Self { key, id, letter }
    }

    /// What of the key stands in JSON without the comma, for the first field of a map.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn key(&self, first: bool) -> &'static [u8] {
        self.key.as_bytes().get(usize::from(first)..).unwrap_or_default()
    }

    /// The name alone.
    pub(crate) fn name(&self) -> &'static str {
        self.key.get(2..self.key.len().saturating_sub(2)).unwrap_or_default()
    }
}

/// Where this name stands in a table.
pub(crate) fn find(names: &[Name], name: &[u8]) -> Option<usize> {
    let length = name.len().saturating_add(4);
    let fits = |key: &[u8]| key.get(2..).is_some_and(|key| key.starts_with(name));
    names.iter().position(|entry| entry.key.len() == length && fits(entry.key.as_bytes()))
}

/// Which entry of a table `fits`, of those with this letter: looked for from `likely` on, then from the start.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn search(names: &[Name], likely: usize, letter: u8, fits: impl Fn(&Name) -> bool) -> Option<usize> {
    let mut index = likely;
    for _ in names {
        let name = match names.get(index) {
            Some(name) => name,
            None => {
                index = 0;
                names.first()?
            }
        };
        if name.letter == letter && fits(name) {
            return Some(index);
        }
        index += 1;
    }
    None
}

/// Where this identifier stands in a table.
pub(crate) fn find_id(names: &[Name], id: u64) -> Option<usize> {
    names.iter().position(|entry| u64::from(entry.id) == id)
}

/// A closed set of names with their identifiers.
pub(crate) trait Vocabulary: Copy + 'static {
    /// The table, in the order of identifiers.
    const NAMES: &'static [Name];
    /// The entries, in the same order.
    const ENTRIES: &'static [Self];
    /// The entry's place in both.
    fn index(self) -> usize;

    /// What the table says of it.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn entry(self) -> &'static Name {
        Self::NAMES.get(self.index()).unwrap_or(&Name::NONE)
    }

    /// The entry at this place.
    fn at(index: usize) -> Option<Self> {
        Self::ENTRIES.get(index).copied()
    }
}

macro_rules! vocabulary {
    ($($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$entry:meta])* $variant:ident = $id:literal $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        $vis enum $name { $($(#[$entry])* $variant,)* }

        #[allow(dead_code, reason = "each table has all of these, whether or not this one needs them")]
        impl $name {
            /// Every entry, in the order of identifiers.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name, as JSON has it.
            $vis fn name(self) -> &'static str {
                $crate::language::vocabulary::Vocabulary::entry(self).name()
            }

            /// The identifier, as the concise form has it.
            $vis const fn id(self) -> u16 {
                match self { $(Self::$variant => $id,)* }
            }

            /// The entry of this name.
            $vis fn from_name(name: &str) -> Option<Self> {
                use $crate::language::vocabulary::Vocabulary;
                $crate::language::vocabulary::find(Self::NAMES, name.as_bytes()).and_then(Self::at)
            }

            /// The entry of this identifier.
            $vis fn from_id(id: u64) -> Option<Self> {
                use $crate::language::vocabulary::Vocabulary;
                $crate::language::vocabulary::find_id(Self::NAMES, id).and_then(Self::at)
            }
        }

        impl $crate::language::vocabulary::Vocabulary for $name {
            const NAMES: &'static [$crate::language::vocabulary::Name] =
                &[$($crate::language::vocabulary::Name::new($text, concat!(",\"", $text, "\":"), $id)),*];
            const ENTRIES: &'static [Self] = Self::ALL;

            fn index(self) -> usize {
                self as usize
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result { f.pad(self.name()) }
        }
    )*};
}

pub(crate) use vocabulary;

vocabulary! {
    /// What is to be done (LS1 s3.3.1.1). The set is closed: profiles may not add to it.
    pub enum Action {
        /// Examine systematically to gain information.
        Scan = 1 "scan",
        /// Find an object.
        Locate = 2 "locate",
        /// Ask for information.
        Query = 3 "query",
        /// Keep an event or action from happening.
        Deny = 6 "deny",
        /// Isolate.
        Contain = 7 "contain",
        /// Permit access or execution.
        Allow = 8 "allow",
        /// Begin a process or activity.
        Start = 9 "start",
        /// Halt a process or activity.
        Stop = 10 "stop",
        /// Stop, then start.
        Restart = 11 "restart",
        /// Undo a command issued before.
        Cancel = 14 "cancel",
        /// Change a value or state.
        Set = 15 "set",
        /// Bring a component to a newer version.
        Update = 16 "update",
        /// Send traffic elsewhere.
        Redirect = 18 "redirect",
        /// Add an entity.
        Create = 19 "create",
        /// Remove an entity.
        Delete = 20 "delete",
        /// Execute and observe.
        Detonate = 22 "detonate",
        /// Return to a known state.
        Restore = 23 "restore",
        /// Duplicate an object.
        Copy = 28 "copy",
        /// Record and report on an entity.
        Investigate = 30 "investigate",
        /// Remove a vulnerability.
        Remediate = 32 "remediate",
    }

    /// The kinds of target of the language itself (LS1 s3.3.1.2).
    pub enum TargetKind {
        /// A sequence of bytes that represents a file or part of one.
        Artifact = 1 "artifact",
        /// An earlier command.
        Command = 2 "command",
        /// A device.
        Device = 3 "device",
        /// A domain name.
        DomainName = 7 "domain_name",
        /// An e-mail address.
        EmailAddr = 8 "email_addr",
        /// What a Consumer can do.
        Features = 9 "features",
        /// A file.
        File = 10 "file",
        /// An internationalized domain name.
        IdnDomainName = 11 "idn_domain_name",
        /// An internationalized e-mail address.
        IdnEmailAddr = 12 "idn_email_addr",
        /// A range of IPv4 addresses.
        Ipv4Net = 13 "ipv4_net",
        /// A range of IPv6 addresses.
        Ipv6Net = 14 "ipv6_net",
        /// A five-tuple of IPv4.
        Ipv4Connection = 15 "ipv4_connection",
        /// A five-tuple of IPv6.
        Ipv6Connection = 16 "ipv6_connection",
        /// A MAC address.
        MacAddr = 17 "mac_addr",
        /// A running program.
        Process = 18 "process",
        /// A uniform resource identifier.
        Uri = 19 "uri",
        /// An internationalized resource identifier.
        Iri = 20 "iri",
        /// Attributes of an actuator (v1.0 only).
        Properties = 25 "properties",
    }

    /// What `query features` can ask for (LS1 s3.4.2.4).
    pub enum Feature {
        /// The language versions understood.
        Versions = 1 "versions",
        /// The actuator profiles supported.
        Profiles = 2 "profiles",
        /// The action-target pairs supported.
        Pairs = 3 "pairs",
        /// The most commands accepted in a minute.
        RateLimit = 4 "rate_limit",
    }

    /// The response a Producer wants (LS1 s3.4.2.15).
    pub enum ResponseType {
        /// No response.
        None = 0 "none",
        /// An acknowledgement that the command arrived.
        Ack = 1 "ack",
        /// The state of the command's execution.
        Status = 2 "status",
        /// The outcome, when all is done.
        Complete = 3 "complete",
    }

    /// A protocol above IP (LS1 s3.4.2.10).
    pub enum Protocol {
        /// ICMP.
        Icmp = 1 "icmp",
        /// TCP.
        Tcp = 6 "tcp",
        /// UDP.
        Udp = 17 "udp",
        /// ICMP of IPv6 (v2.0 draft only).
        Ipv6Icmp = 28 "ipv6_icmp",
        /// SCTP.
        Sctp = 132 "sctp",
    }

    pub(crate) enum MessageKey { Headers = 1 "headers", Body = 2 "body", Signature = 3 "signature", }
    pub(crate) enum HeaderKey { RequestId = 1 "request_id", Created = 2 "created", From = 3 "from", To = 4 "to", }
    pub(crate) enum RecordKey { Content = 1 "content", RequestId = 2 "request_id", Created = 3 "created", From = 4 "from", To = 5 "to", }
    pub(crate) enum BodyKey { Openc2 = 1 "openc2", }
    pub(crate) enum ContentKey { Request = 1 "request", Response = 2 "response", Notification = 3 "notification", }
    pub(crate) enum CommandKey { Action = 1 "action", Target = 2 "target", Args = 3 "args", Actuator = 4 "actuator", CommandId = 5 "command_id", }
    pub(crate) enum CommandKeyV2 { Action = 1 "action", Target = 2 "target", Args = 3 "args", Profile = 4 "profile", CommandId = 5 "command_id", }
    pub(crate) enum ArgKey { StartTime = 1 "start_time", StopTime = 2 "stop_time", Duration = 3 "duration", ResponseRequested = 4 "response_requested", Comment = 5 "comment", }
    pub(crate) enum ResponseKey { Status = 1 "status", StatusText = 2 "status_text", Results = 3 "results", }
    pub(crate) enum ResultKey { Versions = 1 "versions", Profiles = 2 "profiles", Pairs = 3 "pairs", RateLimit = 4 "rate_limit", }
    pub(crate) enum ArtifactKey { MimeType = 1 "mime_type", Payload = 2 "payload", Hashes = 3 "hashes", }
    pub(crate) enum ArtifactKeyV2 { MediaType = 1 "media_type", Payload = 2 "payload", Hashes = 3 "hashes", }
    pub(crate) enum PayloadKey { Bin = 1 "bin", Url = 2 "url", }
    pub(crate) enum HashKey { Md5 = 1 "md5", Sha1 = 2 "sha1", Sha256 = 3 "sha256", }
    pub(crate) enum DeviceKey { Hostname = 1 "hostname", IdnHostname = 2 "idn_hostname", DeviceId = 3 "device_id", }
    pub(crate) enum FileKey { Name = 1 "name", Path = 2 "path", Hashes = 3 "hashes", }
    pub(crate) enum ConnectionKey { SrcAddr = 1 "src_addr", SrcPort = 2 "src_port", DstAddr = 3 "dst_addr", DstPort = 4 "dst_port", Protocol = 5 "protocol", }
    pub(crate) enum ProcessKey { Pid = 1 "pid", Name = 2 "name", Cwd = 3 "cwd", Executable = 4 "executable", Parent = 5 "parent", CommandLine = 6 "command_line", }

    /// The registered actuator profiles (namespace registry of the architecture): only these have an identifier in the concise form.
    pub enum RegisteredProfile {
        /// Stateless packet filtering.
        Slpf = 1024 "slpf",
        /// Stateful packet filtering.
        Sfpf = 1025 "sfpf",
        /// Software bill of materials.
        Sbom = 1026 "sbom",
        /// Endpoint response.
        Er = 1027 "er",
        /// Honeypot control.
        Hop = 1028 "hop",
        /// Anti-virus.
        Av = 1029 "av",
        /// Intrusion detection.
        Ids = 1030 "ids",
        /// Logging control.
        Log = 1031 "log",
        /// Software updating.
        Swup = 1032 "swup",
        /// Packet filtering.
        Pf = 1034 "pf",
        /// Posture attribute collection.
        Pac = 1035 "pac",
        /// Threat hunting.
        Hunt = 1036 "hunt",
        /// The blinky exercise.
        Blinky = 9001 "blinky",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_identifiers_lead_back_to_their_entry() {
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(*action));
            assert_eq!(Action::from_id(u64::from(action.id())), Some(*action));
        }
        assert_eq!(Action::ALL.len(), 20);
        assert_eq!(TargetKind::ALL.len(), 18);
        assert_eq!(Action::from_name("Deny"), None);
        assert_eq!(TargetKind::from_id(4), None);
        assert_eq!(Protocol::Sctp.id(), 132);
        // So that a name's head is one byte in CBOR.
        assert!(TargetKind::NAMES.iter().chain(ArgKey::NAMES).all(|entry| entry.name().len() < 24));
    }
}
