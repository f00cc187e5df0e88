//! A client and a small server that does what it is told, in one thread and without a network.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(unreachable_pub, dead_code, reason = "each test takes what it needs")]

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use std::sync::Arc;

use std::task::Wake;

use bytes::BytesMut;
use mqtt5_codec::{
    Ack, AckKind, Auth, ConnAck, Decoded, Decoder, Delivery, Disconnect, List, Packet, PacketId, Properties, Property,
    Publish, QoS, ReasonCode, Sender, SubAck, SubscriptionId, Topic, TopicRef,
};
use mqtt5_host::{Authenticator, Driver, Events, Handle, HostEvent, Itinerary, Options, Reconnect, Task, Turn, client};

/// What the server was sent, in a form that is easy to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Connect { clean_start: bool, client_id: String, user: Option<String> },
    Publish { topic: String, payload: String, id: u16, dup: bool },
    Subscribe { id: u16, filters: Vec<String>, identifier: u32 },
    Unsubscribe { id: u16, filters: Vec<String> },
    PubAck(u16, ReasonCode),
    PubRec(u16),
    PubRel(u16),
    PubComp(u16),
    Ping,
    Auth(ReasonCode, Vec<u8>),
    Disconnect { expiry: Option<u32> },
}

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Habits {
    pub acknowledges: bool,
    pub grants: bool,
    pub session_present: bool,
    pub identifiers: bool,
    pub refuses: Option<ReasonCode>,
    pub receive_maximum: Option<u16>,
    pub answers_connect: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            acknowledges: true,
            grants: true,
            session_present: false,
            identifiers: true,
            refuses: None,
            receive_maximum: None,
            answers_connect: true,
        }
    }
}

#[derive(Default)]
pub struct Counter(AtomicUsize);

impl Counter {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub struct World {
    pub handle: Option<Handle>,
    pub events: Option<Events>,
    pub driver: Driver,
    pub habits: Habits,
    pub seen: Vec<Seen>,
    pub woken: Arc<Counter>,
    from_client: Vec<u8>,
    to_client: BytesMut,
}

impl World {
    pub fn new(options: Options) -> Self {
        Self::authenticated(options, None)
    }

    pub fn authenticated(options: Options, authenticator: Option<Box<dyn Authenticator>>) -> Self {
        let way = Itinerary::new("mqtt://ann:pw@server".parse().unwrap(), options.reconnect.clone());
        let (handle, events, driver) = client(way, options, authenticator);
        Self {
            handle: Some(handle),
            events: Some(events),
            driver,
            habits: Habits::default(),
            seen: Vec::new(),
            woken: Arc::default(),
            from_client: Vec::new(),
            to_client: BytesMut::new(),
        }
    }

    /// A client that is connected.
    pub fn connected(options: Options) -> Self {
        let mut world = Self::new(options);
        world.open();
        world.pump();
        world.seen.clear();
        world
    }

    pub fn client(&self) -> Handle {
        self.handle.clone().unwrap()
    }

    pub fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.woken))
    }

    /// Waits for the next attempt, and opens it.
    pub fn open(&mut self) {
        loop {
            match self.driver.poll(&self.waker()) {
                Task::Open(_) => return self.driver.opened(None),
                Task::Wait(Some(until)) => {
                    std::thread::sleep(until.saturating_duration_since(std::time::Instant::now()));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Lets both sides speak until neither has anything to say. The last turn.
    pub fn pump(&mut self) -> Turn {
        loop {
            let turn = self.driver.turn(&self.waker());
            let bytes = self.driver.outgoing().to_vec();
            self.driver.wrote(bytes.len());
            self.from_client.extend(&bytes);
            self.serve();
            let room = self.driver.room();
            let n = room.len().min(self.to_client.len());
            room[..n].copy_from_slice(&self.to_client.split_to(n));
            self.driver.read(n);
            if matches!(turn, Turn::Last | Turn::Stuck(_)) {
                return turn;
            }
            if bytes.is_empty() && n == 0 {
                // Answers may wait for each other, not for long.
                let Turn::Go(Some(until)) = turn else { return turn };
                let wait = until.saturating_duration_since(std::time::Instant::now());
                if wait > core::time::Duration::from_millis(2) {
                    return turn;
                }
                std::thread::sleep(wait);
            }
        }
    }

    /// Closes the connection under the client.
    pub fn cut(&mut self) {
        self.from_client.clear();
        self.to_client.clear();
        self.driver.closed(Some(mqtt5_host::Cause::Closed));
    }

    /// Cuts the connection, and makes it again.
    pub fn again(&mut self, session_present: bool) {
        self.cut();
        self.habits.session_present = session_present;
        self.open();
        self.pump();
    }

    fn serve(&mut self) {
        let bytes = core::mem::take(&mut self.from_client);
        let mut rest = &bytes[..];
        while let Decoded::Packet { used, packet } = Decoder::new(Sender::Client).decode(rest).unwrap() {
            rest = &rest[used..];
            self.answer(&packet);
        }
        self.from_client = rest.to_vec();
    }

    fn answer(&mut self, packet: &Packet<'_>) {
        let success = |id| Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
        let (habits, out) = (self.habits.clone(), &mut self.to_client);
        let seen = match packet {
            Packet::Connect(connect) => {
                if habits.answers_connect && connect.properties.authentication_method().is_none() {
                    self.accept();
                }
                Seen::Connect {
                    clean_start: connect.clean_start,
                    client_id: connect.client_id.as_str().to_owned(),
                    user: connect.user_name.map(|user| user.as_str().to_owned()),
                }
            }
            Packet::Publish(publish) => {
                if habits.acknowledges {
                    match publish.delivery {
                        Delivery::AtLeastOnce { id, .. } => drop(success(id).encode(AckKind::PubAck, out).unwrap()),
                        Delivery::ExactlyOnce { id, .. } => drop(success(id).encode(AckKind::PubRec, out).unwrap()),
                        Delivery::AtMostOnce => {}
                    }
                }
                Seen::Publish {
                    topic: publish.topic.name().unwrap().as_str().to_owned(),
                    payload: String::from_utf8_lossy(publish.payload).into_owned(),
                    id: publish.delivery.id().map_or(0, |id| id.get()),
                    dup: publish.delivery.dup(),
                }
            }
            Packet::PubRel(ack) => {
                success(ack.id).encode(AckKind::PubComp, out).unwrap();
                Seen::PubRel(ack.id.get())
            }
            Packet::Subscribe(subscribe) => {
                let filters: Vec<_> = subscribe.filters.iter().map(|one| one.filter.as_str().to_owned()).collect();
                if habits.grants {
                    self.suback(subscribe.id.get(), &vec![ReasonCode::GRANTED_QOS_2; filters.len()]);
                }
                let identifier = subscribe.properties.subscription_identifiers().next().map_or(0, |id| id.get());
                Seen::Subscribe { id: subscribe.id.get(), filters, identifier }
            }
            Packet::Unsubscribe(unsubscribe) => {
                let filters: Vec<_> = unsubscribe.filters.iter().map(|one| one.as_str().to_owned()).collect();
                let reasons = vec![ReasonCode::SUCCESS; filters.len()];
                let reasons = List::from(reasons.as_slice());
                let ack = SubAck { id: unsubscribe.id, properties: Properties::EMPTY, reasons };
                ack.encode_unsuback(out).unwrap();
                Seen::Unsubscribe { id: unsubscribe.id.get(), filters }
            }
            Packet::PubAck(ack) => Seen::PubAck(ack.id.get(), ack.reason),
            Packet::PubRec(ack) => Seen::PubRec(ack.id.get()),
            Packet::PubComp(ack) => Seen::PubComp(ack.id.get()),
            Packet::PingReq => {
                out.extend_from_slice(&[0xD0, 0]);
                Seen::Ping
            }
            Packet::Auth(auth) => {
                Seen::Auth(auth.reason, auth.properties.authentication_data().unwrap_or_default().to_vec())
            }
            Packet::Disconnect(packet) => Seen::Disconnect { expiry: packet.properties.session_expiry_interval() },
            other => panic!("{other:?}"),
        };
        self.seen.push(seen);
    }

    pub fn accept(&mut self) {
        let habits = self.habits.clone();
        let mut list = Vec::new();
        if !habits.identifiers {
            list.push(Property::SubscriptionIdentifiersAvailable(false));
        }
        list.extend(habits.receive_maximum.map(|most| Property::ReceiveMaximum(most.try_into().unwrap())));
        let reason = habits.refuses.unwrap_or(ReasonCode::SUCCESS);
        self.connack(habits.session_present && habits.refuses.is_none(), reason, &list);
    }

    pub fn connack(&mut self, session_present: bool, reason: ReasonCode, list: &[Property<'_>]) {
        ConnAck { session_present, reason, properties: Properties::from(list) }.encode(&mut self.to_client).unwrap();
    }

    pub fn auth(&mut self, reason: ReasonCode, list: &[Property<'_>]) {
        Auth { reason, properties: Properties::from(list) }.encode(Sender::Server, &mut self.to_client).unwrap();
    }

    pub fn suback(&mut self, id: u16, reasons: &[ReasonCode]) {
        let (id, reasons) = (PacketId::new(id).unwrap(), List::from(reasons));
        SubAck { id, properties: Properties::EMPTY, reasons }.encode(&mut self.to_client).unwrap();
    }

    pub fn puback(&mut self, id: u16, reason: ReasonCode) {
        let ack = Ack { id: PacketId::new(id).unwrap(), reason, properties: Properties::EMPTY };
        ack.encode(AckKind::PubAck, &mut self.to_client).unwrap();
    }

    pub fn pubrel(&mut self, id: u16) {
        let ack = Ack { id: PacketId::new(id).unwrap(), reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
        ack.encode(AckKind::PubRel, &mut self.to_client).unwrap();
    }

    pub fn disconnect(&mut self, reason: ReasonCode) {
        Disconnect { reason, properties: Properties::EMPTY }.encode(Sender::Server, &mut self.to_client).unwrap();
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.to_client.extend_from_slice(bytes);
    }

    /// Sends the client a message.
    pub fn send(&mut self, topic: &str, payload: &str, qos: QoS, id: u16, identifiers: &[u32]) {
        self.send_again(topic, payload, qos, id, identifiers, false);
    }

    pub fn send_again(&mut self, topic: &str, payload: &str, qos: QoS, id: u16, identifiers: &[u32], dup: bool) {
        let list: Vec<_> =
            identifiers.iter().map(|id| Property::SubscriptionIdentifier(SubscriptionId::new(*id).unwrap())).collect();
        let delivery = match (qos, PacketId::new(id)) {
            (QoS::AtLeastOnce, Some(id)) => Delivery::AtLeastOnce { id, dup },
            (QoS::ExactlyOnce, Some(id)) => Delivery::ExactlyOnce { id, dup },
            _ => Delivery::AtMostOnce,
        };
        let publish = Publish {
            topic: TopicRef::Name(Topic::new(topic).unwrap()),
            delivery,
            retain: false,
            properties: Properties::from(list.as_slice()),
            payload: payload.as_bytes(),
        };
        publish.encode(Sender::Server, &mut self.to_client).unwrap();
    }

    /// Polls a future once.
    pub fn poll<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(&self.waker()))
    }

    /// Polls a future that is to be ready.
    pub fn now<F: Future>(&self, future: F) -> F::Output {
        let mut future = Box::pin(future);
        match self.poll(&mut future) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }

    /// Whether a future would wait. It is dropped.
    pub fn waits<F: Future>(&self, future: F) -> bool {
        self.poll(&mut Box::pin(future)).is_pending()
    }

    /// All events that there are.
    pub fn events(&mut self) -> Vec<HostEvent> {
        let waker = self.waker();
        let events = self.events.as_mut().unwrap();
        let mut all = Vec::new();
        while let Poll::Ready(Some(event)) = events.poll_take(&mut Context::from_waker(&waker)) {
            all.push(event);
        }
        all
    }

    pub fn published(&self) -> Vec<String> {
        let payload = |seen: &Seen| match seen {
            Seen::Publish { payload, .. } => Some(payload.clone()),
            _ => None,
        };
        self.seen.iter().filter_map(payload).collect()
    }
}

/// Options of a test: no pauses, and no pings.
pub fn options() -> Options {
    let mut options = Options::new("me");
    options.reconnect =
        Reconnect::after(mqtt5_host::Backoff::jittered(core::time::Duration::ZERO, core::time::Duration::ZERO));
    options.keep_alive = 0;
    options
}
