//! The names and integer identifiers of the language, each in one table.
//!
//! JSON and string-keyed CBOR write the name, the concise form of JADN s4.4 the identifier.

use crate::vocabulary;

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

    /// The targets of registered profiles that have an identifier of their own among the targets of the language (SLPF s2.1.2.2).
    pub(crate) enum RegisteredTarget { SlpfRuleNumber = 1024 "slpf:rule_number", }

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
    use crate::encoding::name::Vocabulary as _;

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
