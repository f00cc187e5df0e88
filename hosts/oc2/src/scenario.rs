//! Who takes part in the demo, and what is commanded: the Consumers of CSD03 Appendix A.3, and four commands.

use core::net::Ipv4Addr;

use openc2_mqtt::consumer::Declaration;
use openc2_mqtt::profile::Profiles;
use openc2_mqtt::transfer::{Channel, Layout};
use openc2_mqtt::{Action, Command, Feature, Features, File, Ipv4Net, Pair, Status, Str, Target, Texts, slpf};

/// The Producer's identity, its name in the trace, and the level of its own response topic.
pub(crate) const PRODUCER: (&str, &str, &str) = ("Producer1@example.com", "producer", "producer1");

const FIRST: &str = "Consumer1@example.com";
const SECOND: &str = "Consumer2@example.com";
const THIRD: &str = "Consumer3@example.com";

/// A Consumer's identity and what it can do.
pub(crate) struct Device {
    /// Its name in the trace, and the level of its own topic.
    pub(crate) who: &'static str,
    /// The `from` of its responses.
    pub(crate) from: &'static str,
    /// What it is, which only WD01 has topics for.
    device_type: &'static str,
    pub(crate) profiles: &'static [&'static str],
    can: &'static [(Action, &'static [&'static str])],
}

const FIREWALL: &str = "firewall";

const NETS: &[(Action, &[&str])] = &[(Action::Deny, &["ipv4_net"]), (Action::Allow, &["ipv4_net"])];
const FILES: &[(Action, &[&str])] = &[(Action::Deny, &["file"]), (Action::Allow, &["file"])];

pub(crate) const DEVICES: [Device; 3] = [
    Device { who: "consumer1", from: FIRST, device_type: FIREWALL, profiles: &["slpf"], can: NETS },
    Device { who: "consumer2", from: SECOND, device_type: FIREWALL, profiles: &["slpf", "ids"], can: NETS },
    Device { who: "consumer3", from: THIRD, device_type: "workstation", profiles: &["edr", "sbom"], can: FILES },
];

impl Device {
    /// The pairs of action and targets, to be lent to [`declaration`](Self::declaration).
    pub(crate) fn pairs(&self) -> Vec<Pair<'static>> {
        self.can.iter().map(|(action, targets)| Pair { action: *action, targets: Texts::from(*targets) }).collect()
    }

    pub(crate) fn declaration<'d>(&self, pairs: &'d [Pair<'d>]) -> Declaration<'d> {
        let device_type = Some(self.device_type);
        let typed = if self.profiles.contains(&slpf::NSID) { &slpf::PROFILES } else { &Profiles::NONE };
        Declaration { device_type, ..Declaration::new(self.from, self.who, typed, pairs).with_others(self.profiles) }
    }
}

/// A command, where it goes, and what is expected of whom.
pub(crate) struct Order {
    /// The command in short.
    pub(crate) says: &'static str,
    pub(crate) channel: Channel<'static>,
    pub(crate) command: Command<'static>,
    /// Who has to answer.
    pub(crate) from: &'static [&'static str],
    /// What each has to answer.
    pub(crate) status: Status,
}

/// The network to deny: one reserved for documentation.
const NET: Ipv4Net = match Ipv4Net::new(Ipv4Addr::new(198, 51, 100, 0), 24) {
    Some(net) => net,
    None => Ipv4Net::host(Ipv4Addr::UNSPECIFIED),
};

/// The commands of the demo. The layout of WD01 has no topic for everyone, and more of others; they are all used.
pub(crate) fn orders(layout: Layout) -> Vec<Order> {
    let wd01 = layout == Layout::Wd01;
    let or = |common, in_wd01| if wd01 { in_wd01 } else { common };
    let file = File { name: Some(Str::new("dropper.exe")), path: None, hashes: None };
    let detonate = Command::new(Action::Detonate, Target::Uri(Str::new("https://example.com/sample")));
    let mut orders = vec![
        Order {
            says: "query features [profiles]",
            channel: or(Channel::All, Channel::Action(Action::Query)),
            command: Command::new(Action::Query, Target::Features(Features::new(&[Feature::Profiles]))),
            from: &[FIRST, SECOND, THIRD],
            status: Status::Ok,
        },
        Order {
            says: "deny ipv4_net",
            channel: or(Channel::Profile("slpf"), Channel::Pair(Action::Deny, "ipv4_net")),
            command: Command::new(Action::Deny, Target::Ipv4Net(NET)),
            from: &[FIRST, SECOND],
            status: Status::Ok,
        },
        Order {
            says: "deny file",
            channel: Channel::Device("consumer3"),
            command: Command::new(Action::Deny, Target::File(file)),
            from: &[THIRD],
            status: Status::Ok,
        },
        Order {
            says: "detonate uri",
            channel: or(Channel::All, Channel::DeviceType(FIREWALL)),
            command: detonate,
            from: if wd01 { &[FIRST, SECOND] } else { &[FIRST, SECOND, THIRD] },
            status: Status::NotImplemented,
        },
    ];
    if wd01 {
        orders.push(Order {
            says: "allow ipv4_net",
            channel: Channel::Profile("slpf"),
            command: Command::new(Action::Allow, Target::Ipv4Net(NET)),
            from: &[FIRST, SECOND],
            status: Status::Ok,
        });
    }
    orders
}
