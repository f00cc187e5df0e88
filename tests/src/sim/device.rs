//! A client under test with its application: the real session, and what it is told and tells.

use mqtt5_codec::{
    Decoded, Decoder, Delivery, Filter, PacketId, Properties, Property, QoS, ReasonCode, Rule, Sender, Subscription,
    SubscriptionOptions, Text, Topic,
};
use mqtt5_session::{
    Acknowledge, Boxed, Client, Connect, Ending, Event, Fault, Inbox, Input, Instant, Message, Prior, Transmit,
};

use super::book::{Book, number, topic};
use super::random::Random;
use crate::broker::Broker;

/// How a device is made and connects; drawn once a schedule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Exchanges that it has room for.
    pub flights: usize,
    /// Bytes that it has room for.
    pub bytes: usize,
    /// Whether the application acknowledges by hand.
    pub manual: bool,
    /// The QoS of its subscription.
    pub granted: QoS,
    /// Its Receive Maximum.
    pub receive_maximum: u16,
    /// Topic aliases that it takes and wants.
    pub aliases: u16,
    /// Session expiry in seconds.
    pub expiry: u32,
    /// Keep-alive in seconds.
    pub keep_alive: u16,
}

/// A client and its application.
pub(super) struct Device<'t> {
    /// Its number.
    pub number: usize,
    /// Its client identifier.
    pub name: String,
    /// The session under test.
    pub client: Client<Boxed>,
    /// Where bytes arrive.
    pub inbox: Inbox<'t>,
    /// The broker's number of its connection.
    pub link: Option<usize>,
    /// Bytes that it wrote and the broker has not got.
    pub wire: Vec<u8>,
    /// How it is.
    pub habits: Habits,
    /// Messages that the application has to acknowledge.
    pub unacknowledged: Vec<(PacketId, QoS, u32)>,
    /// It lost its memory.
    pub forgot: bool,
    /// The next connection begins a session.
    pub clean: bool,
    /// Its subscription has been granted in this session.
    pub subscribed: bool,
    /// What was decoded is to be told to the trace.
    pub told: Option<Vec<String>>,
    /// What the broker got and is no whole packet yet, for the trace.
    heard: Vec<u8>,
    /// Bytes that an idle client holds.
    pub idle_bytes: usize,
}

/// When the session's clock says that it is.
fn at(now: u64) -> Instant {
    Instant::from_millis(now)
}

impl<'t> Device<'t> {
    /// A device with new memory.
    #[must_use]
    pub(super) fn new(number: usize, habits: Habits, table: &'t mut [u8], tells: bool) -> Self {
        let client = Client::new(Boxed::new(habits.flights, habits.bytes));
        let idle_bytes = client.figures(at(0)).bytes_held;
        Self {
            number,
            name: format!("d{number}"),
            client,
            inbox: Inbox::growing(64, 4096).with_aliases(table, 14),
            link: None,
            wire: Vec::new(),
            habits,
            unacknowledged: Vec::new(),
            forgot: false,
            clean: false,
            subscribed: false,
            told: tells.then(Vec::new),
            heard: Vec::new(),
            idle_bytes,
        }
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(told) = &mut self.told {
            told.push(format!("{} {}", self.name, what()));
        }
    }

    /// Opens a connection, and queues CONNECT.
    pub(super) fn connect(&mut self, broker: &mut Broker, book: &mut Book, now: u64) {
        let Habits { receive_maximum, aliases, expiry, keep_alive, manual, .. } = self.habits;
        let mut properties = vec![Property::SessionExpiryInterval(expiry)];
        properties.extend(core::num::NonZeroU16::new(receive_maximum).map(Property::ReceiveMaximum));
        if aliases > 0 {
            properties.push(Property::TopicAliasMaximum(aliases));
        }
        let Ok(name) = Text::new(&self.name) else { return };
        let mut options = Connect::new(name);
        options.packet.clean_start = self.clean;
        options.packet.keep_alive = keep_alive;
        options.packet.properties = Properties::from(&properties[..]);
        options.prior = if self.forgot { Prior::Empty } else { Prior::None };
        options.acknowledge = if manual { Acknowledge::Manual } else { Acknowledge::Automatic };
        options = options.with_topic_aliases(aliases);
        let asked = self.client.connect(&options, at(now));
        let clean = self.clean;
        self.tell(|| format!("connects, clean start {clean}: {asked:?}"));
        if let Err(refused) = asked {
            // Memory may be full of messages that wait; then nothing but losing it helps.
            if !matches!(refused, mqtt5_session::Refused::Bytes { .. }) {
                book.problems.push(format!("{} may not connect: {refused}", self.name));
            }
            self.forget(broker, book);
            return;
        }
        self.link = Some(broker.open(now));
        // The inbox leaves the old connection behind.
        let _ = self.client.handle_input(&mut self.inbox, at(now));
        self.losses(book);
    }

    /// Writes up to `most` bytes.
    pub(super) fn write(&mut self, most: usize, now: u64) -> usize {
        let mut left = most;
        while left > 0
            && self.link.is_some()
            && let Some(Transmit::Bytes(bytes)) = self.client.poll_transmit(at(now))
        {
            let len = bytes.len().min(left);
            self.wire.extend_from_slice(bytes.get(..len).unwrap_or_default());
            self.client.transmitted(len, at(now));
            left -= len;
        }
        most - left
    }

    /// The broker gets up to `most` bytes of what was written.
    pub(super) fn arrive(&mut self, most: usize, broker: &mut Broker, now: u64) -> usize {
        let Some(link) = self.link else { return 0 };
        let len = most.min(self.wire.len());
        if let Some(told) = &mut self.told {
            self.heard.extend_from_slice(self.wire.get(..len).unwrap_or_default());
            while let Ok(Decoded::Packet { used, packet }) = Decoder::new(Sender::Client).decode(&self.heard) {
                told.push(format!("{} is heard to say {packet:?}", self.name));
                self.heard.drain(..used);
            }
        }
        broker.receive(link, self.wire.get(..len).unwrap_or_default(), now);
        self.wire.drain(..len);
        len
    }

    /// Reads up to `most` bytes, and handles them. Returns how many were read or handled.
    pub(super) fn read(
        &mut self,
        most: usize,
        broker: &mut Broker,
        book: &mut Book,
        random: &mut Random,
        now: u64,
    ) -> usize {
        let Some(link) = self.link else { return 0 };
        let before = self.inbox.len();
        let new = broker.readable(link).get(before..).unwrap_or_default();
        let spare = self.inbox.spare();
        let len = new.len().min(most).min(spare.len());
        for (to, from) in spare.iter_mut().zip(new.iter().take(len)) {
            *to = *from;
        }
        self.inbox.filled(len);
        len + self.handle(broker, book, random, now)
    }

    /// Handles what is in the inbox. Returns how many bytes that was.
    pub(super) fn handle(&mut self, broker: &mut Broker, book: &mut Book, random: &mut Random, now: u64) -> usize {
        let Some(link) = self.link else { return 0 };
        let mut handled = 0;
        loop {
            let before = self.inbox.len();
            let input = self.client.handle_input(&mut self.inbox, at(now));
            let mut fault = None;
            let goes_on = match input {
                Ok(Input::Event(event)) => {
                    let mut app = App {
                        number: self.number,
                        manual: self.habits.manual,
                        unacknowledged: &mut self.unacknowledged,
                        subscribed: &mut self.subscribed,
                        forgot: &mut self.forgot,
                        clean: &mut self.clean,
                    };
                    if let Some(told) = &mut self.told {
                        told.push(format!("{} gets {event:?}", self.name));
                    }
                    app.on(&event, book);
                    true
                }
                Ok(_) => false,
                Err(wrong) => {
                    fault = Some(wrong);
                    false
                }
            };
            let used = before.saturating_sub(self.inbox.len());
            handled += used;
            broker.read(link, used);
            if let Some(fault) = fault {
                self.faulted(fault, book);
            }
            self.losses(book);
            if self.habits.manual && random.chance(40) {
                self.acknowledge(book, random);
            }
            if !goes_on {
                return handled;
            }
        }
    }

    /// The client found something wrong, which the model broker does not do.
    fn faulted(&mut self, fault: Fault, book: &mut Book) {
        self.tell(|| format!("finds {fault}"));
        if fault.rule == Rule::SESSION_UNKNOWN {
            // Its session ended for it before it ended for the server: it begins a new one.
            self.clean = true;
        } else {
            book.problems.push(format!("{} finds {fault}", self.name));
        }
    }

    fn losses(&mut self, book: &mut Book) {
        while let Some(id) = self.client.poll_lost() {
            self.tell(|| format!("lost {id}"));
            book.end(self.number, id.get(), false, None);
        }
    }

    /// The application acknowledges a message, any of those that wait.
    pub(super) fn acknowledge(&mut self, book: &mut Book, random: &mut Random) {
        if self.unacknowledged.is_empty() {
            return;
        }
        let (id, qos, message) =
            self.unacknowledged.swap_remove(random.below(self.unacknowledged.len() as u64) as usize);
        let reason = if random.chance(5) { ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR } else { ReasonCode::SUCCESS };
        let done = self.client.acknowledge(id, reason);
        self.tell(|| format!("acknowledges {id} at {qos:?} with {reason}: {done:?}"));
        if reason.is_error() {
            book.refused(self.number, message);
        }
    }

    /// The connection is gone, for both sides.
    pub(super) fn close(&mut self, broker: &mut Broker, book: &mut Book, random: &mut Random, now: u64) {
        let Some(link) = self.link.take() else { return };
        self.wire.clear();
        self.heard.clear();
        broker.close(link, now);
        self.client.handle_close(at(now));
        self.tell(|| "is cut off".to_owned());
        self.losses(book);
        // What was received at QoS 1 comes again; an application may answer the first one nevertheless.
        if random.chance(80) {
            self.unacknowledged.retain(|(_, qos, _)| *qos == QoS::ExactlyOnce);
        }
    }

    /// The device restarts without its state.
    pub(super) fn forget(&mut self, broker: &mut Broker, book: &mut Book) {
        self.tell(|| "loses its memory".to_owned());
        self.client = Client::new(Boxed::new(self.habits.flights, self.habits.bytes));
        self.inbox.clear();
        self.unacknowledged.clear();
        self.forgot = true;
        let swallows = broker.forgotten(&self.name);
        book.memory_lost(self.number, swallows);
    }

    /// Its timers. False when that ended the connection.
    pub(super) fn timeout(&mut self, book: &mut Book, now: u64) -> bool {
        let done = self.client.handle_timeout(at(now));
        self.losses(book);
        match done {
            Ok(_) => true,
            Err(fault) => {
                self.tell(|| format!("finds {fault}"));
                if !matches!(fault.rule, Rule::CONNACK_MISSED | Rule::PINGRESP_MISSED) {
                    book.problems.push(format!("{} finds {fault} at a timeout", self.name));
                }
                false
            }
        }
    }

    /// When its timer is due.
    #[must_use]
    pub(super) fn due(&self) -> Option<u64> {
        self.client.poll_timeout().map(Instant::as_millis)
    }

    /// The application publishes.
    pub(super) fn publish(&mut self, qos: QoS, len: usize, retain: bool, hold: bool, book: &mut Book, now: u64) {
        let number = book.next();
        let name = topic(self.number, qos);
        let Ok(topic) = Topic::new(&name) else { return };
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(4 + len, b'.');
        let mut message = Message::new(topic, &payload);
        message.qos = qos;
        message.hold = hold;
        message.retain = retain;
        let done = self.client.publish(&message, at(now));
        self.tell(|| format!("publishes {number} at {qos:?}, {len} bytes, hold {hold}: {done:?}"));
        if let Ok(id) = done {
            book.publish(self.number, qos, id.map(PacketId::get));
        }
    }

    /// The application subscribes to what all devices publish, or to something else.
    pub(super) fn subscribe(&mut self, noise: bool, book: &mut Book, now: u64) {
        let filter = if noise { Filter::new("noise/+") } else { Filter::new("t/#") };
        let Ok(filter) = filter else { return };
        let options = SubscriptionOptions { maximum_qos: self.habits.granted, ..SubscriptionOptions::default() };
        let done = self.client.subscribe(&[Subscription { filter, options }], Properties::EMPTY, at(now));
        self.tell(|| format!("subscribes to {filter}: {done:?}"));
        if let Ok(id) = done {
            self.subscribed |= !noise;
            book.begin(self.number, id.get(), None);
        }
    }

    /// The application unsubscribes from something else.
    pub(super) fn unsubscribe(&mut self, book: &mut Book, now: u64) {
        let Ok(filter) = Filter::new("noise/+") else { return };
        let done = self.client.unsubscribe(&[filter], Properties::EMPTY, at(now));
        self.tell(|| format!("unsubscribes: {done:?}"));
        if let Ok(id) = done {
            book.begin(self.number, id.get(), None);
        }
    }

    /// The application pings.
    pub(super) fn ping(&mut self, now: u64) {
        let done = self.client.ping(at(now));
        self.tell(|| format!("pings: {done:?}"));
    }

    /// The application ends the connection.
    pub(super) fn disconnect(&mut self, at_once: bool, now: u64) {
        let ending = if at_once { Ending::AtOnce } else { Ending::AfterQueued };
        let done = self.client.disconnect(ReasonCode::NORMAL_DISCONNECTION, Properties::EMPTY, ending, at(now));
        self.tell(|| format!("disconnects, {ending:?}: {done:?}"));
    }
}

/// The application, as far as it handles events.
struct App<'d> {
    number: usize,
    manual: bool,
    unacknowledged: &'d mut Vec<(PacketId, QoS, u32)>,
    subscribed: &'d mut bool,
    forgot: &'d mut bool,
    clean: &'d mut bool,
}

impl App<'_> {
    fn on(&mut self, event: &Event<'_>, book: &mut Book) {
        match event {
            Event::Connected(connected) => {
                if !connected.resumed {
                    *self.subscribed = false;
                    self.unacknowledged.clear();
                    book.session_lost(self.number);
                }
                *self.forgot = false;
                *self.clean = false;
            }
            Event::Message(message) => {
                if let Delivery::AtLeastOnce { id, .. } | Delivery::ExactlyOnce { id, .. } = message.delivery
                    && self.manual
                {
                    let number = number(message.payload).unwrap_or(u32::MAX);
                    self.unacknowledged.push((id, message.delivery.qos(), number));
                }
                book.received(self.number, message.payload, message.delivery.qos(), message.topic.as_str());
            }
            Event::Published(ack) => book.end(self.number, ack.id.get(), true, Some(ack.reason)),
            Event::Subscribed(ack) | Event::Unsubscribed(ack) => {
                book.end(self.number, ack.id.get(), false, Some(ReasonCode::SUCCESS));
            }
            _ => {}
        }
    }
}
