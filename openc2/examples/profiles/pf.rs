//! `pf`, the successor of stateless packet filtering, as the draft `ap-pf-v1.0` of OASIS has it (s2.1 to s2.3): what it adds to
//! the language, typed. Specifiers and the words of `drop_process` and `direction` are those of `slpf`.

use openc2_mqtt::profile::{Part, Profile, ProfileRule, Reader, Refusal, Shape, Value, Write, Writer, read_as};
use openc2_mqtt::slpf::{self, Direction, DropProcess, Specifiers};
use openc2_mqtt::{
    Action, Actuator, Command, Extension, ExtensionValue, Ipv4Net, Ipv6Net, LanguageRule, Protocol, Response, Str,
    Target, TargetKind, vocabulary,
};

/// The namespace.
pub const NSID: &str = "pf";
const RULE_NUMBER: &str = "rule_number";
const ADV_CONNECTION: &str = "adv_connection";
/// An address is one of three.
pub const ADDRESS: LanguageRule = LanguageRule::OfProfile(&ProfileRule {
    section: "PF 2.1.2",
    meaning: "an address is one of v4addr, v6addr and net_tag",
});
/// A connection without its network.
pub const NETWORK: LanguageRule =
    LanguageRule::OfProfile(&ProfileRule { section: "PF 2.1.2", meaning: "a connection names its network" });

vocabulary! {
    enum ArgKey {
        DropProcess = 1 "drop_process",
        Persistent = 2 "persistent",
        Direction = 3 "direction",
        InsertRule = 4 "insert_rule",
        Logged = 5 "logged",
        Description = 6 "description",
        Stateful = 7 "stateful",
        Priority = 8 "priority",
    }
    enum ResultKey { RuleNumber = 1 "rule_number", }
    enum ConnectionKey {
        SrcAddr = 1 "src_addr",
        SrcPort = 2 "src_port",
        DstAddr = 3 "dst_addr",
        DstPort = 4 "dst_port",
        Protocol = 5 "protocol",
        Network = 6 "network",
        Application = 7 "application",
    }
    enum AddressKey { V4 = 1 "v4addr", V6 = 2 "v6addr", Tag = 3 "net_tag", }
}

/// The profile.
pub struct Pf;

impl Profile for Pf {
    fn namespace(&self) -> &'static str {
        NSID
    }

    fn targets(&self) -> &'static [&'static str] {
        &[RULE_NUMBER, ADV_CONNECTION]
    }

    fn read(&self, part: Part<'_>, r: &mut Reader<'_, '_>, out: Option<&mut Writer<'_>>) {
        match part {
            Part::Target(name) if name == RULE_NUMBER => read_as::<u64>(r, out),
            Part::Target(_) => read_as::<Connection<'_>>(r, out),
            Part::Args => read_as::<Args<'_>>(r, out),
            Part::Specifiers => read_as::<Specifiers<'_>>(r, out),
            Part::Results => read_as::<Results>(r, out),
            _ => r.undefined(part),
        }
    }

    fn check(&self, command: &Command<'_>) -> Result<(), Refusal> {
        let own = Args::of(command).map_err(|_| Refusal::OPTION)?.unwrap_or_default();
        match (command.action, command.target.kind()) {
            (Action::Deny, _) => Ok(()),
            (Action::Allow, _) if own.drop_process.is_some() => Err(Refusal::OPTION),
            (Action::Allow, _)
            | (Action::Query, Some(TargetKind::Features))
            | (Action::Update, Some(TargetKind::File)) => Ok(()),
            (Action::Query | Action::Delete, None) if command.target.extension(NSID, RULE_NUMBER).is_some() => Ok(()),
            (Action::Query | Action::Delete | Action::Update, _) => Err(Refusal::TARGET),
            _ => Err(Refusal::COMMAND),
        }
    }

    fn can_mean(&self, actuator: &Actuator<'_>, names: &[&str]) -> bool {
        let filter = slpf::Identity { hostnames: names, asset_ids: names, ..slpf::Identity::NOBODY };
        let specifiers = actuator.specifiers.map(|value| value.read_as::<Specifiers<'_>>());
        specifiers.is_none_or(|specifiers| specifiers.is_ok_and(|specifiers| filter.is(&specifiers)))
    }
}

/// The arguments (s2.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Args<'a> {
    /// What happens to denied traffic; only with `deny`.
    pub drop_process: Option<DropProcess>,
    /// Whether the rule outlives a restart; absent, it does.
    pub persistent: Option<bool>,
    /// Which traffic the rule is for; absent, what comes in.
    pub direction: Option<Direction>,
    /// The number that the rule is to have.
    pub insert_rule: Option<u64>,
    /// Whether traffic that it matches is logged.
    pub logged: Option<bool>,
    /// A note about it.
    pub description: Option<Str<'a>>,
    /// Whether connections are followed.
    pub stateful: Option<bool>,
    /// Which rule comes first.
    pub priority: Option<u64>,
}

impl<'a> Args<'a> {
    /// The profile's arguments of a command that was read.
    pub fn of(command: &Command<'a>) -> Result<Option<Self>, LanguageRule> {
        command.args.extensions.get(NSID).map(|value| value.read_as()).transpose()
    }

    /// As part of a command's arguments.
    pub fn extension(&self) -> Extension<'_> {
        Extension { profile: Str::new(NSID), value: ExtensionValue::Typed(self) }
    }
}

impl<'a> Value<'a> for Args<'a> {
    fn empty() -> Self {
        Self::default()
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut fields = r.open(Shape::Map);
        while let Some(key) = fields.only(r, LanguageRule::ProfileArg) {
            match key {
                ArgKey::DropProcess => self.drop_process = r.one_of(slpf::DROP_PROCESS),
                ArgKey::Persistent => self.persistent = Some(r.boolean()),
                ArgKey::Direction => self.direction = r.one_of(slpf::DIRECTION),
                ArgKey::InsertRule => self.insert_rule = Some(r.integer()),
                ArgKey::Logged => self.logged = Some(r.boolean()),
                ArgKey::Description => self.description = Some(r.text()),
                ArgKey::Stateful => self.stateful = Some(r.boolean()),
                ArgKey::Priority => self.priority = Some(r.integer()),
            }
        }
        fields.filled(r, LanguageRule::EmptyArgs);
    }
}

impl Write for Args<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        out.require(*self != Self::default(), LanguageRule::EmptyArgs);
        let mut frame = out.open(Shape::Map);
        if let Some(drop_process) = self.drop_process {
            out.field(&mut frame, ArgKey::DropProcess);
            out.one_of(drop_process);
        }
        if let Some(direction) = self.direction {
            out.field(&mut frame, ArgKey::Direction);
            out.one_of(direction);
        }
        if let Some(description) = self.description {
            out.field(&mut frame, ArgKey::Description);
            out.text(description);
        }
        for (key, value) in
            [(ArgKey::Persistent, self.persistent), (ArgKey::Logged, self.logged), (ArgKey::Stateful, self.stateful)]
        {
            if let Some(value) = value {
                out.field(&mut frame, key);
                out.boolean(value);
            }
        }
        for (key, value) in [(ArgKey::InsertRule, self.insert_rule), (ArgKey::Priority, self.priority)] {
            if let Some(value) = value {
                out.field(&mut frame, key);
                out.integer(value);
            }
        }
        out.close(frame);
    }
}

/// The results (s2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Results {
    /// The number that the rule was given.
    pub rule_number: u64,
}

impl Results {
    /// The profile's results of a response that was read.
    pub fn of(response: &Response<'_>) -> Result<Option<Self>, LanguageRule> {
        response.results.extensions.get(NSID).map(|value| value.read_as()).transpose()
    }

    /// As part of a response's results.
    pub fn extension(&self) -> Extension<'_> {
        Extension { profile: Str::new(NSID), value: ExtensionValue::Typed(self) }
    }
}

impl<'a> Value<'a> for Results {
    fn empty() -> Self {
        Self { rule_number: 0 }
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut fields = r.open(Shape::Map);
        while let Some(ResultKey::RuleNumber) = fields.only(r, LanguageRule::ProfileResult) {
            self.rule_number = r.integer();
        }
        fields.filled(r, LanguageRule::EmptyResults);
    }
}

impl Write for Results {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        out.field(&mut frame, ResultKey::RuleNumber);
        out.integer(self.rule_number);
        out.close(frame);
    }
}

/// An address of a connection (s2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// A range of IPv4.
    V4(Ipv4Net),
    /// A range of IPv6.
    V6(Ipv6Net),
    /// A network by its name.
    Tag(Str<'a>),
}

impl<'a> Value<'a> for Address<'a> {
    fn empty() -> Self {
        Self::Tag(Str::EMPTY)
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut fields = r.open(Shape::Map);
        match fields.only(r, ADDRESS) {
            Some(AddressKey::V4) => *self = Self::V4(Ipv4Net::read(r)),
            Some(AddressKey::V6) => *self = Self::V6(Ipv6Net::read(r)),
            Some(AddressKey::Tag) => *self = Self::Tag(r.text()),
            None => return r.fail_at(fields.at(), ADDRESS),
        }
        fields.end(r, ADDRESS);
    }
}

impl Write for Address<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Map);
        match self {
            Self::V4(net) => {
                out.field(&mut frame, AddressKey::V4);
                net.write(out);
            }
            Self::V6(net) => {
                out.field(&mut frame, AddressKey::V6);
                net.write(out);
            }
            Self::Tag(tag) => {
                out.field(&mut frame, AddressKey::Tag);
                out.text(*tag);
            }
        }
        out.close(frame);
    }
}

/// The seven of an advanced connection (s2.1.2); what is absent matches any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// Where it comes from.
    pub src_addr: Option<Address<'a>>,
    /// From which port.
    pub src_port: Option<u16>,
    /// Where it goes.
    pub dst_addr: Option<Address<'a>>,
    /// To which port.
    pub dst_port: Option<u16>,
    /// The protocol above IP.
    pub protocol: Option<Protocol>,
    /// The logical network to which the rule applies.
    pub network: Str<'a>,
    /// The application to which it applies.
    pub application: Option<Str<'a>>,
}

impl<'a> Connection<'a> {
    /// Any connection of a network.
    pub const fn within(network: Str<'a>) -> Self {
        let (src_addr, src_port, dst_addr, dst_port, protocol, application) = (None, None, None, None, None, None);
        Self { src_addr, src_port, dst_addr, dst_port, protocol, network, application }
    }

    /// The connection that a command is about, if its target is one.
    pub fn of(target: &Target<'a>) -> Option<Self> {
        target.extension(NSID, ADV_CONNECTION)?.read_as().ok()
    }

    /// As a command's target.
    pub fn target(&'a self) -> Target<'a> {
        Target::Extension {
            profile: Str::new(NSID),
            name: Str::new(ADV_CONNECTION),
            value: ExtensionValue::Typed(self),
        }
    }
}

fn port(r: &mut Reader<'_, '_>) -> Option<u16> {
    let at = r.begin();
    let port = u16::try_from(r.integer()).ok();
    r.require(port.is_some(), at, LanguageRule::Port);
    port
}

impl<'a> Value<'a> for Connection<'a> {
    fn empty() -> Self {
        Self::within(Str::EMPTY)
    }

    fn fill(&mut self, r: &mut Reader<'a, '_>) {
        let mut fields = r.open(Shape::Record);
        let mut network = None;
        while let Some(key) = fields.only(r, LanguageRule::UnknownKey) {
            match key {
                ConnectionKey::SrcAddr => self.src_addr = Some(Address::read(r)),
                ConnectionKey::SrcPort => self.src_port = port(r),
                ConnectionKey::DstAddr => self.dst_addr = Some(Address::read(r)),
                ConnectionKey::DstPort => self.dst_port = port(r),
                ConnectionKey::Protocol => self.protocol = r.one_of(LanguageRule::Protocol),
                ConnectionKey::Network => network = Some(r.text()),
                ConnectionKey::Application => self.application = Some(r.text()),
            }
        }
        match network {
            Some(network) => self.network = network,
            None => r.fail_at(fields.at(), NETWORK),
        }
    }
}

impl Write for Connection<'_> {
    fn write(&self, out: &mut Writer<'_>) {
        let mut frame = out.open(Shape::Record);
        let ends = [
            (ConnectionKey::SrcAddr, self.src_addr, ConnectionKey::SrcPort, self.src_port),
            (ConnectionKey::DstAddr, self.dst_addr, ConnectionKey::DstPort, self.dst_port),
        ];
        for (at, address, of, port) in ends {
            if let Some(address) = address {
                out.field(&mut frame, at);
                address.write(out);
            }
            if let Some(port) = port {
                out.field(&mut frame, of);
                out.integer(u64::from(port));
            }
        }
        if let Some(protocol) = self.protocol {
            out.field(&mut frame, ConnectionKey::Protocol);
            out.one_of(protocol);
        }
        out.field(&mut frame, ConnectionKey::Network);
        out.text(self.network);
        if let Some(application) = self.application {
            out.field(&mut frame, ConnectionKey::Application);
            out.text(application);
        }
        out.close(frame);
    }
}

/// The target of a rule by its number.
pub const fn rule_number<'a>(number: u64) -> Target<'a> {
    Target::Extension { profile: Str::new(NSID), name: Str::new(RULE_NUMBER), value: ExtensionValue::Integer(number) }
}
