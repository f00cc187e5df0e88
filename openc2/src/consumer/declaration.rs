//! What a Consumer is, what it can do, and how it behaves where the specifications leave a choice.

use super::Breaches;
use crate::Reading;
use crate::encoding::text::Str;
use crate::language::command::Command;
use crate::language::list::{List, Pair};
use crate::language::message::Headers;
use crate::language::vocabulary::Action;
use crate::profile::{Hooks, Profile, Profiles};
use crate::transfer::{Channel, Layout, Quality, Scheme};

/// The target that every Consumer can be queried for.
const FEATURES: &str = "features";

/// A Consumer's identity and abilities; its subscriptions and its answers to `query features` follow from it.
#[derive(Clone, Copy, Debug)]
pub struct Declaration<'d> {
    /// Who it is: the `from` of its responses, and what `to` is compared with.
    pub id: &'d str,
    /// The level of its own topic, `oc2/cmd/device/[device_id]`.
    pub device: &'d str,
    /// The type of device, for the topics of WD01.
    pub device_type: Option<&'d str>,
    /// The actuator profiles that it implements. Commands are read and responses written by their types, and they check what a
    /// command asks for. There has to be at least one, here or among [`others`](Self::others) (oc2arch-v1.0 conformance).
    pub profiles: &'static Profiles,
    /// The namespaces of other profiles that it implements. The host gets their values as they stand.
    pub others: &'d [&'d str],
    /// The actions it can do and their targets, of all its profiles; `query features` is always there and needn't be named.
    pub pairs: &'d [Pair<'d>],
    /// The language versions it understands.
    pub versions: &'d [&'d str],
    /// The most commands a minute that it executes; more are answered 503.
    pub rate_limit: Option<u32>,
    /// Which actuators are here, and what they can't do. A profile without a hook has one actuator, with the names `device` and
    /// `id`. Packet filtering compares these with `hostname` and `asset_id`, for example.
    pub hooks: Hooks<'d>,
}

impl<'d> Declaration<'d> {
    /// A Consumer of language v1.0 with these profiles, without a rate limit.
    pub const fn new(id: &'d str, device: &'d str, profiles: &'static Profiles, pairs: &'d [Pair<'d>]) -> Self {
        Self {
            id,
            device,
            device_type: None,
            profiles,
            others: &[],
            pairs,
            versions: &["1.0"],
            rate_limit: None,
            hooks: Hooks::NONE,
        }
    }

    /// The topics to subscribe to (CS01 s3.3, CSD03 s3.1.8, WD01 s2.2). In WD01 they follow from the pairs, to which `query
    /// features` always belongs; each topic comes once.
    pub fn channels(&self, layout: Layout) -> impl Iterator<Item = Channel<'d>> + use<'d> {
        let (profiles, pairs) = (self.namespaces().map(Channel::Profile), self.pairs);
        let wd01 = layout == Layout::Wd01;
        let all = (!wd01).then_some(Channel::All);
        let kind = self.device_type.filter(|_| wd01).map(Channel::DeviceType);
        let abilities = pairs.iter().filter(move |_| wd01);
        let actions = abilities.clone().map(|pair| Channel::Action(pair.action));
        let queries = pairs.iter().any(|pair| pair.action == Action::Query);
        let query = (wd01 && !queries).then_some(Channel::Action(Action::Query));
        // A target whose name is not plain text has no topic.
        let targets = abilities.flat_map(|pair| {
            pair.targets.iter().filter_map(|target| Some(Channel::Pair(pair.action, target.as_plain()?)))
        });
        let named = pairs.iter().any(|pair| pair.action == Action::Query && pair.targets.contains(FEATURES));
        let features = (wd01 && !named).then_some(Channel::Pair(Action::Query, FEATURES));
        let general = all.into_iter().chain(profiles).chain(kind).chain([Channel::Device(self.device)]);
        general.chain(actions).chain(query).chain(targets).chain(features)
    }

    /// The same with other profiles, of which only the namespace is known.
    pub const fn with_others(self, others: &'d [&'d str]) -> Self {
        Self { others, ..self }
    }

    /// The namespaces of all its profiles, each once.
    pub fn namespaces(&self) -> impl Iterator<Item = &'d str> + use<'d> {
        let profiles = self.profiles;
        let others = self.others.iter().copied().filter(|other| profiles.get(Str::new(other)).is_none());
        profiles.iter().map(|profile| profile.namespace()).chain(others)
    }

    /// Whether it implements the profile of this namespace.
    pub(super) fn implements(&self, namespace: Str<'_>) -> bool {
        self.namespaces().any(|own| namespace == own)
    }

    /// Whether a message with these headers is for this Consumer: its `to` is absent or empty, or names the identity or the
    /// device (CS01 s2.4.2).
    pub(super) fn is_meant_by(&self, headers: &Headers<'_>) -> bool {
        headers.is_for(self.id) || headers.is_for(self.device)
    }

    /// Whether a command is for an actuator that is here.
    pub(super) fn has_actuator(&self, command: &Command<'_>) -> bool {
        let Some(actuator) = &command.actuator else { return true };
        match self.hooks.iter().find(|hook| actuator.profile == hook.namespace()) {
            Some(hook) => hook.is_meant(actuator),
            None => {
                let named = |profile: &dyn Profile| profile.can_mean(actuator, &[self.device, self.id]);
                self.profiles.get(actuator.profile).is_none_or(named)
            }
        }
    }

    /// Why a command can't be carried out, in the words of SLPF s2.3; `None` if it can.
    pub(super) fn unsupported(&self, command: &Command<'_>) -> Option<&'static str> {
        let mut pairs = self.pairs.iter().filter(|pair| pair.action == command.action).peekable();
        // Every Consumer can do one query.
        if pairs.peek().is_none() && command.action != Action::Query {
            return Some("Command not supported");
        }
        let named = |target: Str<'_>| target.as_plain().is_some_and(|name| command.target.is_named(name));
        if !pairs.any(|pair| pair.targets.iter().any(named)) {
            return Some("Target type not supported");
        }
        let foreign = command.args.extensions.iter().any(|extension| !self.implements(extension.profile));
        foreign.then_some("Option not supported")
    }
}

impl List for Declaration<'_> {
    fn at(&self, index: usize) -> Option<&str> {
        self.namespaces().nth(index)
    }
}

/// What is done with a command that this Consumer can't carry out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Broadcast {
    /// It is answered 501, so that the Producer knows.
    #[default]
    Refuse,
    /// It is passed over, which spares a broker one 501 from each Consumer (LS2 s2.1).
    Ignore,
}

/// Where responses go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answering {
    /// To `oc2/rsp`, to which every Producer subscribes (CS01 s3.3).
    #[default]
    Everyone,
    /// To `oc2/rsp/[producer_id]`. The request's `from` is taken for the `producer_id`, if it can be one. No specification says
    /// that the two are the same, and a Producer need not listen there.
    Producer,
}

/// A host's decision about a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may be carried out.
    Granted,
    /// Its sender has to authenticate first: 401.
    Unauthorized,
    /// Its sender may not do this: 403.
    Forbidden,
}

/// How a Consumer behaves where the specifications leave a choice.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerPolicy<'d> {
    /// How messages are read, and which language version is spoken. The profiles are those of the declaration.
    pub reading: Reading,
    /// How topics are named.
    pub scheme: Scheme<'d>,
    /// The quality of service of responses.
    pub quality: Quality,
    /// How long a response is worth delivering, in seconds (CS01 s2.10).
    pub expiry: Option<u32>,
    /// How long an answered request is remembered, in milliseconds, unless its place is needed: at least as long as the server
    /// may hold it back, so the session expiry or the message expiry. See [memory](crate::consumer#memory) and
    /// [restarts](crate::consumer#restarts).
    pub window: u64,
    /// The most requests of one sender that are remembered at a time, carried out or answered; at least one. `None` leaves a
    /// quarter of the slots to other senders.
    pub share: Option<u16>,
    /// What is done with a request whose PUBLISH breaks the transfer specification.
    pub breaches: Breaches,
    /// Commands created before this moment, in milliseconds since 1970-01-01T00:00Z, are answered 503 and not executed, and so
    /// are commands without `created`. It is for a host that restarted with empty memory. The Producer's clock is compared with
    /// this one's, so leave a margin. `None` executes them.
    pub since: Option<u64>,
    /// Where responses go.
    pub answering: Answering,
    /// What is done with commands for profiles that it lacks.
    pub foreign_profile: Broadcast,
    /// What is done with commands to `oc2/cmd/all` that it can't carry out.
    pub broadcast: Broadcast,
    /// Decides who may do what; without it everyone may do everything. MQTT does not tell a receiver who sent a message, so
    /// `from` is a claim and nothing here authenticates it.
    pub authorize: Option<fn(&Headers<'_>, &Command<'_>) -> Access>,
}

impl Default for ConsumerPolicy<'_> {
    /// Strict, v1.0, QoS 1, responses to all, one hour remembered, nothing executed that breaks a MUST.
    fn default() -> Self {
        Self {
            reading: Reading::default(),
            scheme: Scheme::default(),
            quality: Quality::default(),
            expiry: None,
            window: 3_600_000,
            share: None,
            breaches: Breaches::default(),
            since: None,
            answering: Answering::default(),
            foreign_profile: Broadcast::default(),
            broadcast: Broadcast::default(),
            authorize: None,
        }
    }
}
