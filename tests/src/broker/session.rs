//! What the broker keeps of a client beyond its connection, and how messages leave it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use mqtt5_codec::{QoS, SubscriptionOptions};

use super::message::Message;

/// A subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subscribed {
    /// Its options, with the granted QoS.
    pub options: SubscriptionOptions,
    /// Its identifier.
    pub id: Option<u32>,
}

/// A message for one client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Queued {
    /// The message.
    pub message: Rc<Message>,
    /// At which QoS it is delivered.
    pub qos: QoS,
    /// With which RETAIN flag.
    pub retain: bool,
    /// The identifiers of the subscriptions that it matches.
    pub ids: Vec<u32>,
}

/// A message on its way to the client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sending {
    /// Its packet identifier.
    pub id: u16,
    /// What is sent.
    pub item: Queued,
    /// PUBREC has come: what waits for an answer is PUBREL.
    pub released: bool,
    /// It was sent on this link.
    pub sent: bool,
    /// It was sent on some link.
    pub begun: bool,
    /// It takes one of the client's Receive Maximum.
    pub counted: bool,
}

/// What an identifier of the client's stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PUBLISH at QoS 1.
    AtLeastOnce,
    /// PUBLISH at QoS 2.
    ExactlyOnce,
    /// SUBSCRIBE.
    Subscribe,
    /// UNSUBSCRIBE.
    Unsubscribe,
}

/// An exchange that the client began, until it has been given the packet that ends it: what it must not do meanwhile, and
/// must do again on a resumed session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The packet identifier.
    pub id: u16,
    /// What it is for.
    pub kind: Kind,
    /// The message; compared when it comes again.
    pub message: Option<Rc<Message>>,
    /// How long the packet was, in bytes.
    pub size: usize,
    /// The client has been given a PUBREC that asks for PUBREL.
    pub received: bool,
    /// It may not have read it: the link ended, and nobody knows what of the last bytes the client saw.
    pub doubtful: bool,
    /// The client has sent PUBREL on this link.
    pub released: bool,
    /// It came on this link.
    pub here: bool,
    /// The limits of a link kept the client from sending it again: it never will.
    pub given_up: bool,
}

impl Claim {
    /// Whether the client may use this identifier anew, having given up the QoS 1 message that it stood for. It may also not
    /// know of the limits that made it, and send the message again.
    pub(super) fn is_free(&self, id: u16) -> bool {
        self.id == id && self.given_up && self.kind == Kind::AtLeastOnce
    }
}

/// Which acknowledgement the client is being given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The exchange is over.
    Ends,
    /// PUBREC: PUBREL is next.
    Received,
}

/// A will, until it is published or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Will {
    /// The message.
    pub message: Rc<Message>,
    /// How long it waits after the connection ended, in milliseconds.
    pub delay: u64,
    /// When it is due, once the connection has ended.
    pub due: Option<u64>,
    /// How long it lives from then on, in seconds.
    pub expiry: Option<u32>,
}

/// The broker's half of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Session {
    /// The link that serves it now.
    pub link: Option<usize>,
    /// How long it outlives its connection, in seconds.
    pub expiry: u32,
    /// When it ends, once the connection has ended.
    pub ends: Option<u64>,
    /// Subscriptions by filter, `$share/…` included.
    pub subscriptions: BTreeMap<String, Subscribed>,
    /// What waits for an identifier and for the client's Receive Maximum.
    pub queue: VecDeque<Queued>,
    /// What waits for an answer of the client, in the order first sent.
    pub sending: Vec<Sending>,
    /// QoS 2 identifiers of the client that wait for PUBREL: their messages have been taken.
    pub incoming: BTreeSet<u16>,
    /// What the client waits for, in the order begun.
    pub claims: Vec<Claim>,
    /// The client has not been told yet that it is a new session.
    pub untold: bool,
    /// Limits have kept the client from sending again what it might have had under way.
    pub limited: bool,
    /// The will.
    pub will: Option<Will>,
    /// The identifier given last.
    pub last_id: u16,
}

impl Session {
    /// The next identifier that is free.
    pub fn take_id(&mut self) -> Option<u16> {
        (0..u16::MAX).find_map(|_| {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            (!self.sending.iter().any(|sending| sending.id == id)).then_some(id)
        })
    }

    /// How many messages of ours on this link the client has not fully acknowledged.
    #[must_use]
    pub fn unacknowledged(&self) -> usize {
        self.sending.iter().filter(|sending| sending.counted).count()
    }

    /// The client's exchange with this identifier.
    pub fn claim(&mut self, id: u16) -> Option<&mut Claim> {
        self.claims.iter_mut().find(|claim| claim.id == id)
    }

    /// An identifier for which the client has been given a PUBREC, and has sent no PUBREL on this link.
    #[must_use]
    pub fn unreleased(&self) -> Option<u16> {
        self.claims.iter().find(|claim| claim.received && !claim.released).map(|claim| claim.id)
    }

    /// The client has been given an acknowledgement.
    pub fn acknowledged(&mut self, id: u16, step: Step) {
        match step {
            Step::Ends => self.claims.retain(|claim| claim.id != id),
            Step::Received => {
                // In the order of the PUBRECs from here on, which is that of the PUBRELs [MQTT-4.6.0-4].
                if let Some(at) = self.claims.iter().position(|claim| claim.id == id) {
                    let mut claim = self.claims.remove(at);
                    claim.received = true;
                    self.claims.push(claim);
                }
            }
        }
    }

    /// The link is gone: what belongs to it is forgotten.
    pub fn part(&mut self) {
        self.link = None;
        self.queue.retain(|queued| queued.qos != QoS::AtMostOnce);
        for sending in &mut self.sending {
            sending.sent = false;
            sending.counted = false;
        }
        self.claims.retain(|claim| matches!(claim.kind, Kind::AtLeastOnce | Kind::ExactlyOnce));
        for claim in &mut self.claims {
            claim.released = false;
            claim.here = false;
        }
    }

    /// Whether nothing is under way in either direction.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.queue.is_empty()
            && self.sending.is_empty()
            && self.incoming.is_empty()
            && self.claims.iter().all(|claim| claim.is_free(claim.id))
    }
}
