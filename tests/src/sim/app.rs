//! The application of a device: what it asks for, and what it makes of events.

use std::collections::BTreeMap;

use mqtt5_codec::{
    Delivery, Filter, PacketId, Properties, Property, QoS, ReasonCode, SubAck, Subscription, SubscriptionId,
    SubscriptionOptions, Text, Topic,
};
use mqtt5_session::{Connected, Ending, Event, Incoming, Publication, Refused};

use super::book::Book;
use super::device::Device;
use super::draw::METHOD;
use super::random::Random;
use super::record::{Allowed, number, topic};

/// A SUBSCRIBE or UNSUBSCRIBE without an answer.
#[derive(Clone, Debug)]
struct Asked {
    filters: Vec<&'static str>,
    subscribes: bool,
}

/// What the application knows.
#[derive(Clone, Debug, Default)]
pub(super) struct App {
    /// Messages that it has to acknowledge.
    pub unacknowledged: Vec<(PacketId, QoS, u32)>,
    asked: BTreeMap<u16, Asked>,
    /// Filters that it is subscribed to, or not; of others it does not know.
    pub subscribed: BTreeMap<&'static str, bool>,
    /// The server waits for AUTH.
    pub auth_due: bool,
    /// An authentication anew is going on.
    pub authenticating: bool,
    /// The server's Receive Maximum.
    receive_maximum: u16,
    /// The server did not like the will.
    pub no_will: bool,
}

const NOISE: &str = "noise/+";

impl Device<'_> {
    /// The filter of its subscription to what all devices publish.
    const fn filter(&self) -> &'static str {
        if self.habits.shared { "$share/g/t/#" } else { "t/#" }
    }

    /// Whether the application wants its subscription, and has not asked for it.
    pub(super) fn wants_subscription(&self) -> bool {
        let filter = self.filter();
        !self.app.subscribed.get(filter).copied().unwrap_or(false)
            && !self.app.asked.values().any(|asked| asked.subscribes && asked.filters.contains(&filter))
    }

    /// The application publishes.
    pub(super) fn publish(&mut self, qos: QoS, len: usize, retain: bool, hold: bool, book: &mut Book) {
        let number = book.next();
        let name = topic(self.number, qos);
        let Ok(topic) = Topic::new(&name) else { return };
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(4 + len, b'.');
        let mut message = Publication::new(topic, &payload);
        message.qos = qos;
        message.hold = hold;
        message.retain = retain;
        let up = self.client.is_connected();
        let done = self.client.publish(&message);
        self.tell(|| format!("publishes {number} at {qos:?}, {len} bytes, hold {hold}: {done:?}"));
        let (in_use, messages) = book.pending(self.number);
        let well = match done {
            Ok(id) => {
                // Fixed header, topic, identifier, no properties, payload.
                let size = 2 + 2 + name.len() + if id.is_some() { 2 } else { 0 } + 1 + payload.len();
                book.publish(self.number, qos, retain, size, id.map(PacketId::get));
                true
            }
            Err(Refused::NotConnected) => !up && !hold,
            Err(Refused::Exchanges { .. }) => qos != QoS::AtMostOnce && in_use == self.habits.flights,
            Err(Refused::ReceiveMaximum) => messages >= usize::from(self.app.receive_maximum) && !hold,
            Err(Refused::Rule(_)) => up,
            Err(Refused::Closing | Refused::Bytes { .. }) => true,
            Err(_) => false,
        };
        if !well {
            book.problem(format!("{} may not publish without a cause: {done:?}", self.name));
        }
    }

    /// The application subscribes: to what all devices publish, to something else, or to both in one packet.
    pub(super) fn subscribe(&mut self, main: bool, noise: bool, book: &mut Book) {
        let names: Vec<_> = [main.then(|| self.filter()), noise.then_some(NOISE)].into_iter().flatten().collect();
        let options = SubscriptionOptions { maximum_qos: self.habits.granted, ..SubscriptionOptions::default() };
        let filters: Vec<_> = names
            .iter()
            .filter_map(|name| Filter::new(name).ok())
            .map(|filter| Subscription { filter, options })
            .collect();
        let id = self.habits.identifier.and_then(SubscriptionId::new).map(Property::SubscriptionIdentifier);
        let properties: Vec<_> = id.into_iter().collect();
        let mut done = self.client.subscribe(&filters, Properties::from(&properties[..]));
        if matches!(done, Err(Refused::Rule(_))) && !properties.is_empty() {
            // The server may have no subscription identifiers.
            done = self.client.subscribe(&filters, Properties::EMPTY);
        }
        self.tell(|| format!("subscribes to {names:?}: {done:?}"));
        self.asked(done, names, true, book);
    }

    /// The application unsubscribes from what it may be subscribed to.
    pub(super) fn unsubscribe(&mut self, main: bool, book: &mut Book) {
        let names = vec![if main { self.filter() } else { NOISE }];
        let filters: Vec<_> = names.iter().filter_map(|name| Filter::new(name).ok()).collect();
        let done = self.client.unsubscribe(&filters, Properties::EMPTY);
        self.tell(|| format!("unsubscribes from {names:?}: {done:?}"));
        self.asked(done, names, false, book);
    }

    fn asked(
        &mut self,
        done: Result<PacketId, Refused>,
        filters: Vec<&'static str>,
        subscribes: bool,
        book: &mut Book,
    ) {
        if let Ok(id) = done {
            self.app.asked.insert(id.get(), Asked { filters, subscribes });
            book.begin(self.number, id.get(), None);
        }
    }

    /// The application acknowledges a message, any of those that wait.
    pub(super) fn acknowledge(&mut self, book: &mut Book, random: &mut Random) {
        if self.app.unacknowledged.is_empty() {
            return;
        }
        let at = random.below(self.app.unacknowledged.len() as u64) as usize;
        let (id, qos, message) = self.app.unacknowledged.swap_remove(at);
        let reason = if self.habits.refuses && random.chance(5) {
            ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR
        } else {
            ReasonCode::SUCCESS
        };
        let done = self.client.acknowledge(id, reason);
        self.tell(|| format!("acknowledges {id} at {qos:?} with {reason}: {done:?}"));
        if reason.is_error() && done.is_ok() {
            book.refused(self.number, message);
        }
    }

    /// The application pings.
    pub(super) fn ping(&mut self, now: u64) {
        let done = self.client.ping(self.at(now));
        self.tell(|| format!("pings: {done:?}"));
    }

    /// The application answers the server's AUTH, if there is one, or authenticates anew.
    pub(super) fn authenticate(&mut self, book: &mut Book) {
        if !self.habits.method || self.link.is_none() {
            return;
        }
        let answers = self.app.auth_due;
        let reason = if answers { ReasonCode::CONTINUE_AUTHENTICATION } else { ReasonCode::RE_AUTHENTICATE };
        let properties = [
            Property::AuthenticationMethod(Text::new(METHOD).unwrap_or(Text::EMPTY)),
            Property::AuthenticationData(b"data"),
        ];
        let may = self.client.is_connected() && !self.app.authenticating;
        let done = self.client.auth(reason, Properties::from(&properties));
        self.tell(|| format!("authenticates, {reason}: {done:?}"));
        match done {
            Ok(()) => {
                self.app.auth_due = false;
                self.app.authenticating |= !answers;
            }
            Err(Refused::Closing | Refused::NotConnected | Refused::Bytes { .. }) => {}
            Err(Refused::Rule(_)) if !answers && !may => {}
            Err(_) => book.problem(format!("{} may not authenticate: {done:?}", self.name)),
        }
    }

    /// The application ends the connection, perhaps with another session expiry, and perhaps with its will.
    pub(super) fn disconnect(&mut self, random: &mut Random, book: &mut Book) {
        let ending = if random.chance(50) { Ending::AtOnce } else { Ending::AfterQueued };
        let with_will = ReasonCode::from_u8(4).filter(|_| random.chance(30));
        let reason = with_will.unwrap_or(ReasonCode::NORMAL_DISCONNECTION);
        let expiry = random.pick(&[None, None, None, Some(0), Some(5), Some(1000)]).flatten();
        let properties: Vec<_> = expiry.map(Property::SessionExpiryInterval).into_iter().collect();
        let done = self.client.disconnect_with(reason, Properties::from(&properties[..]), ending);
        self.tell(|| format!("disconnects, {ending:?}, {reason}, expiry {expiry:?}: {done:?}"));
        let raises = self.habits.expiry == 0 && expiry.is_some_and(|seconds| seconds != 0);
        match (done, expiry) {
            (Ok(()), _) if raises => book.problem(format!("{} may raise its session expiry", self.name)),
            (Ok(()), Some(seconds)) => self.expiries(seconds),
            (Err(Refused::Rule(_)), _) if !raises => {
                book.problem(format!("{} may not disconnect: {done:?}", self.name));
            }
            _ => {}
        }
    }

    /// The connection is over, and with it what belongs to it.
    pub(super) fn parted(&mut self, random: &mut Random) {
        self.app.auth_due = false;
        self.app.authenticating = false;
        // What was received at QoS 1 comes again; an application may answer the first one nevertheless.
        if random.chance(80) {
            self.app.unacknowledged.retain(|(_, qos, _)| *qos == QoS::ExactlyOnce);
        }
    }

    /// An exchange ended without an answer.
    pub(super) fn lost(&mut self, id: PacketId, book: &mut Book) {
        self.tell(|| format!("lost {id}"));
        if let Some(asked) = self.app.asked.remove(&id.get()) {
            if self.link.is_some() {
                book.problem(format!("{} lost {asked:?} while connected", self.name));
            }
            for filter in asked.filters {
                self.app.subscribed.remove(filter);
            }
        }
        book.end(self.number, id.get(), false, None);
    }
}

/// An event, as the application of a device takes it.
pub(super) struct Listener<'d> {
    pub number: usize,
    pub manual: bool,
    pub identifier: Option<u32>,
    pub expiry: u32,
    pub app: &'d mut App,
    pub forgot: &'d mut bool,
    pub clean: &'d mut bool,
    pub least_expiry: &'d mut u32,
}

impl Listener<'_> {
    pub(super) fn on(&mut self, event: &Event<'_>, book: &mut Book) {
        match event {
            Event::Connected(connected) => self.connected(connected, book),
            Event::Rejected(packet) => {
                let no_will = [ReasonCode::QOS_NOT_SUPPORTED, ReasonCode::RETAIN_NOT_SUPPORTED];
                self.app.no_will = no_will.contains(&packet.reason);
            }
            Event::Message(message) => self.message(message, book),
            Event::Published(ack) => book.end(self.number, ack.id.get(), true, Some(ack.reason)),
            Event::Unconfirmed(ack) => book.end(self.number, ack.id.get(), false, None),
            Event::Subscribed(ack) => self.answered(ack, true, book),
            Event::Unsubscribed(ack) => self.answered(ack, false, book),
            Event::Auth(auth) if auth.reason == ReasonCode::SUCCESS => {
                let asked = core::mem::take(&mut self.app.authenticating);
                if !asked {
                    book.problem(format!("device {} is authenticated, and did not ask for it", self.number));
                }
            }
            Event::Auth(_) => self.app.auth_due = true,
            Event::SessionExpired { .. } => self.app.subscribed.clear(),
            _ => {}
        }
    }

    fn connected(&mut self, connected: &Connected<'_>, book: &mut Book) {
        if !connected.resumed {
            book.told(self.number);
            self.app.subscribed.clear();
            self.app.unacknowledged.clear();
            *self.least_expiry = self.expiry;
        }
        let properties = &connected.packet.properties;
        self.app.no_will = false;
        self.app.receive_maximum = properties.receive_maximum().map_or(u16::MAX, core::num::NonZeroU16::get);
        if let Some(seconds) = properties.session_expiry_interval() {
            *self.least_expiry = seconds.min(*self.least_expiry);
        }
        let allowed = Allowed {
            qos: properties.maximum_qos().unwrap_or(QoS::ExactlyOnce),
            retain: properties.retain_available() != Some(false),
            size: properties.maximum_packet_size().map_or(usize::MAX, |most| most.get() as usize),
        };
        book.limited(self.number, allowed);
        *self.forgot = false;
        *self.clean = false;
    }

    fn message(&mut self, message: &Incoming<'_>, book: &mut Book) {
        if let Delivery::AtLeastOnce { id, .. } | Delivery::ExactlyOnce { id, .. } = message.delivery
            && self.manual
        {
            let number = number(message.payload).unwrap_or(u32::MAX);
            // What was owed under this identifier has been answered, or given up, meanwhile.
            self.app.unacknowledged.retain(|(owed, ..)| *owed != id);
            self.app.unacknowledged.push((id, message.delivery.qos(), number));
        }
        let mut ids = message.properties.subscription_identifiers().map(SubscriptionId::get);
        if ids.next().is_some_and(|id| self.identifier != Some(id)) || ids.next().is_some() {
            book.problem(format!("device {} received a message of another subscription", self.number));
        }
        book.received(self.number, message.payload, message.delivery.qos(), message.topic.as_str());
    }

    /// SUBACK or UNSUBACK: one result for each filter, in their order.
    fn answered(&mut self, ack: &SubAck<'_>, subscribes: bool, book: &mut Book) {
        let id = ack.id.get();
        match self.app.asked.remove(&id) {
            Some(asked) if asked.subscribes == subscribes && asked.filters.len() == ack.reasons.len() => {
                for (filter, reason) in asked.filters.into_iter().zip(ack.reasons.iter()) {
                    if !reason.is_error() {
                        self.app.subscribed.insert(filter, subscribes);
                    }
                }
            }
            other => book.problem(format!("device {}: {ack:?} answers {other:?}", self.number)),
        }
        book.end(self.number, id, false, Some(ReasonCode::SUCCESS));
    }
}
