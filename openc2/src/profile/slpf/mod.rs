//! Stateless packet filtering (oc2slpf-v1.0-cs01), typed in full: arguments, specifiers, target and result, and which
//! commands may have which.

use crate::profile::{
    Hook as _, Part, Profile, ProfileRule, Profiles, Reader, Refusal, Shape, Value, Write, Writer, is_hostname,
    parse_ipv6, read_as, text_of, write_text,
};
use crate::{
    Action, Command, Extension, ExtensionValue, LanguageRule, Response, ResponseType, Status, Str, Target, TargetKind,
    Texts, vocabulary,
};

mod identity;

pub use identity::Identity;

/// The namespace identifier.
pub const NSID: &str = "slpf";
/// The name of the profile's own target.
const RULE_NUMBER: &str = "rule_number";

/// The table of this profile alone.
pub static PROFILES: Profiles = Profiles::new(&[&Slpf]);

/// `drop_process` is not one of its values.
pub const DROP_PROCESS: LanguageRule = LanguageRule::OfProfile(&ProfileRule {
    section: "SLPF 2.1.3.2",
    meaning: "drop_process is none, reject or false_ack",
});
/// `direction` is not one of its values.
pub const DIRECTION: LanguageRule =
    LanguageRule::OfProfile(&ProfileRule { section: "SLPF 2.1.3.2", meaning: "direction is both, ingress or egress" });
/// `hostname` is neither a name nor an address.
pub const HOSTNAME: LanguageRule = LanguageRule::OfProfile(&ProfileRule {
    section: "SLPF 2.1.4",
    meaning: "not a host name or an address (RFC 1123 2.1)",
});
/// `asset_tuple` is too long.
pub const ASSET_TUPLE: LanguageRule =
    LanguageRule::OfProfile(&ProfileRule { section: "SLPF 2.1.4", meaning: "an asset tuple has at most 10 texts" });

/// The profile, to be handed to whoever reads or writes messages, and to a Consumer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slpf;

impl Profile for Slpf {
    fn namespace(&self) -> &'static str {
        NSID
    }

    fn targets(&self) -> &'static [&'static str] {
        &[RULE_NUMBER]
    }

    fn read(&self, part: Part<'_>, r: &mut Reader<'_, '_>, out: Option<&mut Writer<'_>>) {
        match part {
            Part::Target(_) => read_as::<u64>(r, out),
            Part::Args => read_as::<Args>(r, out),
            Part::Specifiers => read_as::<Specifiers<'_>>(r, out),
            Part::Results => read_as::<Results>(r, out),
        }
    }

    fn check(&self, command: &Command<'_>) -> Result<(), Refusal> {
        check(command)
    }

    fn can_mean(&self, actuator: &crate::Actuator<'_>, names: &[&str]) -> bool {
        Identity { hostnames: names, asset_ids: names, ..Identity::NOBODY }.is_meant(actuator)
    }
}

vocabulary! {
    /// What happens to denied traffic (SLPF s2.1.3.2).
    pub enum DropProcess {
        /// It is dropped, and nobody is told.
        None = 1 "none",
        /// It is dropped, and its sender is told.
        Reject = 2 "reject",
        /// It is dropped, and its sender is told that it arrived.
        FalseAck = 3 "false_ack",
    }

    /// Which traffic a rule is for (SLPF s2.1.3.2).
    pub enum Direction {
        /// Both.
        Both = 1 "both",
        /// What comes in.
        Ingress = 2 "ingress",
        /// What goes out.
        Egress = 3 "egress",
    }

    pub(crate) enum ArgKey { DropProcess = 1024 "drop_process", Persistent = 1025 "persistent", Direction = 1026 "direction", InsertRule = 1027 "insert_rule", }
    pub(crate) enum SpecifierKey { Hostname = 1 "hostname", NamedGroup = 2 "named_group", AssetId = 3 "asset_id", AssetTuple = 4 "asset_tuple", }
    pub(crate) enum ResultKey { RuleNumber = 1024 "rule_number", }
}

/// The arguments of the profile (SLPF s2.1.3.2): a map that may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Args {
    /// What happens to denied traffic; only with `deny`.
    pub drop_process: Option<DropProcess>,
    /// Whether the rule outlives a restart; absent, it does.
    pub persistent: Option<bool>,
    /// Which traffic the rule is for; absent, both.
    pub direction: Option<Direction>,
    /// The number that the rule is to have; only where a complete response is asked for.
    pub insert_rule: Option<u64>,
}

/// The specifiers of the profile (SLPF s2.1.4): which of its actuators is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Specifiers<'a> {
    /// A host name or an address.
    pub hostname: Option<Str<'a>>,
    /// A group of actuators.
    pub named_group: Option<Str<'a>>,
    /// An identifier.
    pub asset_id: Option<Str<'a>>,
    /// An identifier in at most 10 parts.
    pub asset_tuple: Option<Texts<'a>>,
}

/// The results of the profile (SLPF s2.2.2): a map that may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Results {
    /// The number that the rule was given.
    pub rule_number: Option<u64>,
}

impl<'a> Value<'a> for Args {
    #[inline(always)]
    fn empty() -> Self {
        Self { drop_process: None, persistent: None, direction: None, insert_rule: None }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        while let Some(key) = members.only(r, LanguageRule::ProfileArg) {
            match key {
                ArgKey::DropProcess => self.drop_process = r.one_of(DROP_PROCESS),
                ArgKey::Persistent => self.persistent = Some(r.boolean()),
                ArgKey::Direction => self.direction = r.one_of(DIRECTION),
                ArgKey::InsertRule => self.insert_rule = Some(r.integer()),
            }
        }
    }
}

impl Write for Args {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        if let Some(drop_process) = self.drop_process {
            out.field(&mut frame, ArgKey::DropProcess);
            out.one_of(drop_process);
        }
        if let Some(persistent) = self.persistent {
            out.field(&mut frame, ArgKey::Persistent);
            out.boolean(persistent);
        }
        if let Some(direction) = self.direction {
            out.field(&mut frame, ArgKey::Direction);
            out.one_of(direction);
        }
        if let Some(rule) = self.insert_rule {
            out.field(&mut frame, ArgKey::InsertRule);
            out.integer(rule);
        }
        out.close(frame);
    }
}

impl<'a> Value<'a> for Specifiers<'a> {
    #[inline(always)]
    fn empty() -> Self {
        Self { hostname: None, named_group: None, asset_id: None, asset_tuple: None }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        while let Some(key) = members.only(r, LanguageRule::ProfileSpecifier) {
            match key {
                SpecifierKey::Hostname => self.hostname = Some(text_of(r, host, HOSTNAME)),
                SpecifierKey::NamedGroup => self.named_group = Some(r.text()),
                SpecifierKey::AssetId => self.asset_id = Some(r.text()),
                SpecifierKey::AssetTuple => {
                    let at = r.begin();
                    let tuple = Texts::read(r);
                    r.require(tuple.len() <= 10, at, ASSET_TUPLE);
                    self.asset_tuple = Some(tuple);
                }
            }
        }
    }
}

impl Write for Specifiers<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        if let Some(hostname) = self.hostname {
            out.field(&mut frame, SpecifierKey::Hostname);
            write_text(out, hostname, host, HOSTNAME);
        }
        for (key, text) in [(SpecifierKey::NamedGroup, self.named_group), (SpecifierKey::AssetId, self.asset_id)] {
            if let Some(text) = text {
                out.field(&mut frame, key);
                out.text(text);
            }
        }
        if let Some(tuple) = self.asset_tuple {
            out.require(tuple.len() <= 10, ASSET_TUPLE);
            out.field(&mut frame, SpecifierKey::AssetTuple);
            out.texts(tuple);
        }
        out.close(frame);
    }
}

impl<'a> Value<'a> for Results {
    #[inline(always)]
    fn empty() -> Self {
        Self { rule_number: None }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut members = r.open(Shape::Map);
        while let Some(ResultKey::RuleNumber) = members.only(r, LanguageRule::ProfileResult) {
            self.rule_number = Some(r.integer());
        }
    }
}

impl Write for Results {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        if let Some(number) = self.rule_number {
            out.field(&mut frame, ResultKey::RuleNumber);
            out.integer(number);
        }
        out.close(frame);
    }
}

/// A host name or an address (SLPF s2.1.4): one of IPv4 looks like a name.
fn host(text: Str<'_>) -> bool {
    is_hostname(text) || text.read(&mut [0; 64]).is_some_and(|text| parse_ipv6(text.as_bytes()).is_some())
}

impl Args {
    /// The profile's arguments of a command that was read, if it has some. An error if they aren't of this type, which never
    /// happens where the command was read with this profile.
    pub fn of(command: &Command<'_>) -> Result<Option<Self>, LanguageRule> {
        command.args.extensions.get(NSID).map(|value| value.read_as()).transpose()
    }

    /// As part of a command's arguments.
    pub fn extension(&self) -> Extension<'_> {
        Extension { profile: Str::new(NSID), value: ExtensionValue::Typed(self) }
    }
}

impl<'a> Specifiers<'a> {
    /// The profile's specifiers of a command that was read, if it has some. An error if they aren't of this type, which never
    /// happens where the command was read with this profile.
    pub fn of(command: &Command<'a>) -> Result<Option<Self>, LanguageRule> {
        command.actuator.as_ref().map_or(Ok(None), Self::of_actuator)
    }

    /// The same of a command's actuator.
    pub fn of_actuator(actuator: &crate::Actuator<'a>) -> Result<Option<Self>, LanguageRule> {
        actuator.specifiers.filter(|_| actuator.profile == NSID).map(|value| value.read_as()).transpose()
    }

    /// As a command's actuator.
    pub fn actuator(&'a self) -> crate::Actuator<'a> {
        crate::Actuator { profile: Str::new(NSID), specifiers: Some(ExtensionValue::Typed(self)) }
    }
}

impl Results {
    /// The profile's results of a response that was read, if it has some. An error if they aren't of this type, which never
    /// happens where the response was read with this profile.
    pub fn of(response: &Response<'_>) -> Result<Option<Self>, LanguageRule> {
        response.results.extensions.get(NSID).map(|value| value.read_as()).transpose()
    }

    /// As part of a response's results.
    pub fn extension(&self) -> Extension<'_> {
        Extension { profile: Str::new(NSID), value: ExtensionValue::Typed(self) }
    }
}

/// The target of a rule by its number (SLPF s2.1.2.2).
pub const fn rule_number<'a>(number: u64) -> Target<'a> {
    Target::Extension { profile: Str::new(NSID), name: Str::new(RULE_NUMBER), value: ExtensionValue::Integer(number) }
}

/// The rule that a command is about, if its target is one.
pub fn rule_number_of(target: &Target<'_>) -> Option<u64> {
    match target.extension(NSID, RULE_NUMBER)? {
        ExtensionValue::Integer(number) => Some(number),
        value => value.read_as().ok(),
    }
}

/// 501: a host says so when it can't carry out an `allow` (SLPF s2.3.1) or, its complement, a `deny`.
pub const NOT_UPDATED: Refusal = Refusal { status: Status::NotImplemented, text: "Rule not updated" };
/// 501: a host says so when `insert_rule` names a number that is taken (SLPF s2.3.1, s2.3.2).
pub const RULE_IN_USE: Refusal = Refusal { status: Status::NotImplemented, text: "Rule number currently in use" };
/// 500: a host says so when a rule could not be deleted (SLPF s2.3.4.1).
pub const NOT_REMOVED: Refusal =
    Refusal { status: Status::InternalError, text: "firewall rule not removed or updated" };
/// 500: a host says so when the file of an update is not there (SLPF s2.3.5.1).
pub const NO_FILE: Refusal = Refusal { status: Status::InternalError, text: "cannot access file" };
/// 400: `insert_rule` without a complete response (SLPF s2.3.1, s2.3.2).
pub const INSERT_RULE: Refusal =
    Refusal { status: Status::BadRequest, text: "insert_rule goes with response_requested: complete" };
/// 400: an update without the file's name (SLPF s2.3.5.1).
pub const NO_NAME: Refusal = Refusal { status: Status::BadRequest, text: "the file to update from has no name" };

/// Whether a command is one of this profile's, with the targets and arguments it may have (SLPF s2.3).
pub fn check(command: &Command<'_>) -> Result<(), Refusal> {
    let args = &command.args;
    // Read without this profile, they may be anything.
    let own = match Args::of(command) {
        Ok(own) => own,
        Err(rule) => return Err(Refusal { status: Status::BadRequest, text: rule.meaning() }),
    };
    let other = args.extensions.iter().any(|extension| extension.profile != NSID);
    let period = args.stop_time.is_some() || args.duration.is_some();
    match (command.action, command.target.kind()) {
        (
            Action::Allow | Action::Deny,
            Some(TargetKind::Ipv4Net | TargetKind::Ipv6Net | TargetKind::Ipv4Connection | TargetKind::Ipv6Connection),
        ) => {
            let own = own.unwrap_or_default();
            if other || (own.drop_process.is_some() && command.action != Action::Deny) {
                return Err(Refusal::OPTION);
            }
            if own.insert_rule.is_some() && args.response_requested != Some(ResponseType::Complete) {
                return Err(INSERT_RULE);
            }
            Ok(())
        }
        (Action::Query, Some(TargetKind::Features)) => Ok(()),
        (Action::Delete, None) if rule_number_of(&command.target).is_some() => match own.is_some() || other || period {
            true => Err(Refusal::OPTION),
            false => Ok(()),
        },
        (Action::Update, Some(TargetKind::File)) => {
            // A status on the way is none of the responses to an update (SLPF s2.3.5.1).
            let status = args.response_requested == Some(ResponseType::Status);
            if own.is_some() || other || period || status {
                return Err(Refusal::OPTION);
            }
            match command.target {
                Target::File(file) if file.name.is_none() => Err(NO_NAME),
                _ => Ok(()),
            }
        }
        (Action::Allow | Action::Deny | Action::Query | Action::Delete | Action::Update, _) => Err(Refusal::TARGET),
        _ => Err(Refusal::COMMAND),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args as AllArgs, Encoding, Form, Ipv4Net, Reading, Style};

    /// LS1 A.2: a connection denied, with arguments and specifiers of the profile.
    const A2: &str = r#"{"action":"deny","target":{"ipv4_connection":{"src_addr":"1.2.3.4","src_port":10996,"dst_addr":"198.2.3.4","dst_port":80,"protocol":"tcp"}},"args":{"start_time":1534775460000,"duration":500,"response_requested":"ack","slpf":{"drop_process":"none"}},"actuator":{"slpf":{"asset_id":"30"}}}"#;

    fn reading() -> Reading {
        Reading::default().with_profiles(&PROFILES)
    }

    fn style(form: Form) -> Style {
        Style::from(form).with_profiles(&PROFILES)
    }

    fn read_command(json: &str) -> Result<Command<'_>, crate::Error> {
        reading().command(Encoding::Json, json.as_bytes()).map(|read| read.value)
    }

    #[test]
    fn a_denied_connection_in_the_concise_form() {
        let concise = b"\x84\x06\xa1\x0f\x85\x81\x44\x01\x02\x03\x04\x19\x2a\xf4\x81\x44\xc6\x02\x03\x04\x18\x50\x06\xa4\x01\x1b\x00\x00\x01\x65\x57\xbf\x00\xa0\x03\x19\x01\xf4\x04\x01\x19\x04\x00\xa1\x19\x04\x00\x01\xa1\x19\x04\x00\xa1\x03\x62\x33\x30";
        let mut buffer = [0; 400];
        let command = read_command(A2).unwrap();
        assert_eq!(command.encode(style(Form::Concise), &mut buffer), Ok(57));
        assert_eq!(&buffer[..57], concise);
        assert_eq!(command.encode(Form::Cbor, &mut buffer), Ok(223));
        let again = reading().command(Encoding::Cbor, concise).unwrap().value;
        let length = again.encode(style(Form::Json), &mut buffer).unwrap();
        assert_eq!(core::str::from_utf8(&buffer[..length]), Ok(A2));
        assert_eq!(Args::of(&again).unwrap().unwrap().drop_process, Some(DropProcess::None));
        assert_eq!(Specifiers::of(&again).unwrap().unwrap().asset_id, Some(Str::new("30")));
    }

    #[test]
    fn what_is_built_reads_back() {
        let args = Args {
            drop_process: Some(DropProcess::FalseAck),
            persistent: Some(false),
            direction: Some(Direction::Egress),
            insert_rule: Some(7),
        };
        let own = [args.extension()];
        let mut command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.0/24").unwrap()));
        command.args = AllArgs { extensions: own[..].into(), ..AllArgs::NONE };
        let tuple = Texts::from(&["a", "b"]);
        let hostname = Some(Str::new("fw.example"));
        let named_group = Some(Str::new("edge"));
        let specifiers = Specifiers { hostname, named_group, asset_id: None, asset_tuple: Some(tuple) };
        command.actuator = Some(specifiers.actuator());
        for (form, encoding) in
            [(Form::Json, Encoding::Json), (Form::Cbor, Encoding::Cbor), (Form::Concise, Encoding::Cbor)]
        {
            let mut buffer = [0; 400];
            let length = command.encode(style(form), &mut buffer).unwrap();
            let again = reading().command(encoding, &buffer[..length]).unwrap().value;
            assert_eq!(Args::of(&again), Ok(Some(args)), "{form:?}");
            assert_eq!(Specifiers::of(&again), Ok(Some(specifiers)), "{form:?}");
            assert_eq!(Args::of(&command), Err(LanguageRule::Unread));
        }
        for form in [Form::Json, Form::Cbor, Form::Concise] {
            let encoding = if form == Form::Json { Encoding::Json } else { Encoding::Cbor };
            let mut buffer = [0; 100];
            let command = Command::new(Action::Delete, rule_number(1234));
            let length = command.encode(style(form), &mut buffer).unwrap();
            let again = reading().command(encoding, &buffer[..length]).unwrap().value;
            assert_eq!(rule_number_of(&again.target), Some(1234));
            let results = Results { rule_number: Some(9) };
            let extensions = [results.extension()];
            let mut response = Response::new(Status::Ok);
            response.results.extensions = extensions[..].into();
            let length = response.encode(style(form), &mut buffer).unwrap();
            let again = reading().response(encoding, &buffer[..length]).unwrap().value;
            assert_eq!(Results::of(&again), Ok(Some(results)));
        }
    }

    #[test]
    fn neither_arguments_nor_results_need_to_hold_anything() {
        let command = r#"{"action":"deny","target":{"ipv4_net":"1.1.1.1"},"args":{"slpf":{}}}"#;
        assert_eq!(Args::of(&read_command(command).unwrap()), Ok(Some(Args::default())));
        let response = r#"{"status":200,"results":{"slpf":{}}}"#;
        let read = reading().response(Encoding::Json, response.as_bytes()).unwrap().value;
        assert_eq!(Results::of(&read), Ok(Some(Results::default())));
        for form in [Form::Json, Form::Cbor, Form::Concise] {
            let encoding = if form == Form::Json { Encoding::Json } else { Encoding::Cbor };
            let mut buffer = [0; 100];
            let length = read_command(command).unwrap().encode(style(form), &mut buffer).unwrap();
            assert!(reading().command(encoding, &buffer[..length]).is_ok(), "{form:?}");
            let length = read.encode(style(form), &mut buffer).unwrap();
            assert!(reading().response(encoding, &buffer[..length]).is_ok(), "{form:?}");
        }
    }

    #[test]
    fn what_the_profile_does_not_define_is_refused() {
        for (args, rule, path) in [
            (r#"{"drop":"none"}"#, LanguageRule::ProfileArg, "args.slpf.drop"),
            (r#"{"drop_process":"no"}"#, DROP_PROCESS, "args.slpf.drop_process"),
            (r#"{"direction":"up"}"#, DIRECTION, "args.slpf.direction"),
            (r#"{"persistent":1}"#, LanguageRule::WantBoolean, "args.slpf.persistent"),
            (r#"{"insert_rule":"1"}"#, LanguageRule::WantInteger, "args.slpf.insert_rule"),
        ] {
            let json =
                std::format!(r#"{{"action":"deny","target":{{"ipv4_net":"1.1.1.1"}},"args":{{"slpf":{args}}}}}"#);
            let error = read_command(&json).unwrap_err();
            assert_eq!((error.rule, error.path.as_str()), (rule, path));
        }
        for (actuator, rule) in [
            (r#"{"hostname":"a b"}"#, HOSTNAME),
            (r#"{"asset_tuple":["1","2","3","4","5","6","7","8","9","10","11"]}"#, ASSET_TUPLE),
            (r#"{"asset":"1"}"#, LanguageRule::ProfileSpecifier),
        ] {
            let json = std::format!(
                r#"{{"action":"deny","target":{{"ipv4_net":"1.1.1.1"}},"actuator":{{"slpf":{actuator}}}}}"#
            );
            assert_eq!(read_command(&json).unwrap_err().rule, rule);
        }
        let error = read_command(r#"{"action":"delete","target":{"slpf:rule_number":"7"}}"#).unwrap_err();
        assert_eq!((error.rule, error.path.as_str()), (LanguageRule::WantInteger, "target.slpf:rule_number"));
        let error = read_command(r#"{"action":"delete","target":{"slpf:rule":7}}"#).unwrap_err();
        assert_eq!(error.rule, LanguageRule::ProfileTarget);
    }

    #[test]
    fn each_command_has_its_targets_and_arguments() {
        let verdict = |json: &str| check(&read_command(json).unwrap());
        for good in [
            A2,
            r#"{"action":"allow","target":{"ipv6_net":"::1"},"args":{"slpf":{"direction":"both"}}}"#,
            r#"{"action":"deny","target":{"ipv4_net":"1.1.1.1"},"args":{"response_requested":"complete","slpf":{"insert_rule":1}}}"#,
            r#"{"action":"query","target":{"features":[]}}"#,
            r#"{"action":"delete","target":{"slpf:rule_number":1},"args":{"start_time":1}}"#,
            r#"{"action":"update","target":{"file":{"name":"rules"}}}"#,
            r#"{"action":"update","target":{"file":{"name":"rules"}},"args":{"response_requested":"ack","start_time":1}}"#,
            r#"{"action":"allow","target":{"ipv6_net":"::1"},"actuator":{"slpf":{"hostname":"2001:db8::1"}}}"#,
            r#"{"action":"allow","target":{"ipv6_net":"::1"},"actuator":{"slpf":{"hostname":"192.0.2.1"}}}"#,
        ] {
            assert_eq!(verdict(good), Ok(()), "{good}");
        }
        for (bad, refusal) in [
            (r#"{"action":"scan","target":{"ipv4_net":"1.1.1.1"}}"#, Refusal::COMMAND),
            (r#"{"action":"deny","target":{"uri":"a:b"}}"#, Refusal::TARGET),
            (r#"{"action":"deny","target":{"slpf:rule_number":1}}"#, Refusal::TARGET),
            (r#"{"action":"delete","target":{"file":{"name":"a"}}}"#, Refusal::TARGET),
            (
                r#"{"action":"allow","target":{"ipv4_net":"1.1.1.1"},"args":{"slpf":{"drop_process":"none"}}}"#,
                Refusal::OPTION,
            ),
            (r#"{"action":"deny","target":{"ipv4_net":"1.1.1.1"},"args":{"x-a":{"b":1}}}"#, Refusal::OPTION),
            (r#"{"action":"deny","target":{"ipv4_net":"1.1.1.1"},"args":{"slpf":{"insert_rule":1}}}"#, INSERT_RULE),
            (r#"{"action":"delete","target":{"slpf:rule_number":1},"args":{"duration":1}}"#, Refusal::OPTION),
            (
                r#"{"action":"update","target":{"file":{"name":"a"}},"args":{"slpf":{"direction":"both"}}}"#,
                Refusal::OPTION,
            ),
            (
                r#"{"action":"update","target":{"file":{"name":"a"}},"args":{"response_requested":"status"}}"#,
                Refusal::OPTION,
            ),
            (r#"{"action":"update","target":{"file":{"path":"/a"}}}"#, NO_NAME),
        ] {
            assert_eq!(verdict(bad), Err(refusal), "{bad}");
        }
    }
}
