//! One state of client, broker and wire, and the steps from it.

use core::hash::{Hash, Hasher};
use std::hash::DefaultHasher;

use mqtt5_codec::{
    Decoded, Decoder, Filter, PacketId, Properties, Property, QoS, ReasonCode, Sender, Subscription,
    SubscriptionOptions, Text, Topic,
};
use mqtt5_session::{Acknowledge, Client, Connect, Event, Inbox, Inline, Input, Instant, Message, Prior, Transmit};

use crate::broker::{self, Broker, Buffer};

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages that the client publishes.
    pub out: u8,
    /// Messages for the client.
    pub inward: u8,
    /// The QoS of all of them.
    pub qos: QoS,
    /// How often the link is cut.
    pub cuts: u8,
    /// How often the device restarts without its memory.
    pub restarts: u8,
    /// The Receive Maximum of both sides.
    pub receive_maximum: u16,
    /// Whether the application acknowledges by hand, whenever it likes.
    pub manual: bool,
    /// A statement that the broker breaks.
    pub lapse: Option<&'static str>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            out: 2,
            inward: 2,
            qos: QoS::ExactlyOnce,
            cuts: 2,
            restarts: 0,
            receive_maximum: 2,
            manual: false,
            lapse: None,
        }
    }
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The client connects.
    Connect,
    /// The application publishes the next message.
    Publish,
    /// The client writes one byte of a packet that it had not begun.
    WriteByte,
    /// The client writes what it has ready, to the end.
    Write,
    /// The broker gets everything that was written.
    Arrive,
    /// The client reads the next packet.
    Read,
    /// The application acknowledges the message with this place among those that wait.
    Acknowledge(u8),
    /// The link is cut.
    Cut,
    /// The device restarts without its memory.
    Restart,
}

type Memory = Inline<4, 320>;

const NOW: Instant = Instant::from_millis(1);

/// A state.
#[derive(Clone)]
pub struct State {
    bounds: Bounds,
    client: Client<Memory>,
    broker: Broker,
    link: Option<usize>,
    wire: Vec<u8>,
    /// A packet of which one byte was written.
    begun: bool,
    forgot: bool,
    cuts: u8,
    restarts: u8,
    /// Messages that were published, and those that have their result.
    published: u8,
    pending: Vec<(u16, u8)>,
    /// What waits for the application's acknowledgement.
    unacknowledged: Vec<u16>,
    /// What the broker passed on, and what the application received, in order.
    routed: Vec<u8>,
    received: Vec<u8>,
    problem: Option<String>,
}

impl State {
    /// The first state: the client has a session and a subscription, and is not connected; its messages wait for it.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let mut broker = Broker::new();
        broker.journal = Some(Vec::new());
        broker.limits.receive_maximum = bounds.receive_maximum;
        broker.lapse = bounds.lapse;
        let mut state = Self {
            bounds,
            client: Client::new(Memory::new()),
            broker,
            link: None,
            wire: Vec::new(),
            begun: false,
            forgot: false,
            cuts: 0,
            restarts: 0,
            published: 0,
            pending: Vec::new(),
            unacknowledged: Vec::new(),
            routed: Vec::new(),
            received: Vec::new(),
            problem: None,
        };
        state.prepare();
        state
    }

    fn prepare(&mut self) {
        self.take(Step::Connect);
        self.flow();
        let Ok(filter) = Filter::new("s") else { return };
        let subscription = Subscription { filter, options: SubscriptionOptions::default() };
        let _ = self.client.subscribe(&[subscription], Properties::EMPTY, NOW);
        self.flow();
        self.cut();
        let other = self.broker.open(1);
        let mut packets = Buffer::default();
        packets.0.extend_from_slice(&[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 1, b'p']);
        for number in 0..self.bounds.inward {
            let id = number + 1;
            let first = 0x30 | (self.bounds.qos as u8) << 1;
            packets.0.extend_from_slice(&[first, 7, 0, 1, b's', 0, id, 0, number]);
            packets.0.extend_from_slice(&[0x62, 2, 0, id]);
        }
        let packets = if self.bounds.qos == QoS::ExactlyOnce {
            packets.0
        } else {
            let mut some = packets.0;
            let mut at = 0;
            some.retain(|_| {
                at += 1;
                at <= 16 || (at - 17) % 13 < 9
            });
            some
        };
        self.send_as_another(other, &packets);
        self.routed.clear();
    }

    /// Another client says this, reading each answer, and leaves.
    fn send_as_another(&mut self, link: usize, packets: &[u8]) {
        let mut rest = packets;
        while let Ok(Decoded::Packet { used, .. }) = Decoder::new(Sender::Client).decode(rest) {
            let (packet, after) = rest.split_at_checked(used).unwrap_or((rest, &[]));
            self.broker.receive(link, packet, 1);
            let answer = self.broker.readable(link).len();
            self.broker.read(link, answer);
            rest = after;
        }
        self.broker.close(link, 1);
        self.broker.journal = Some(Vec::new());
    }

    /// A number that tells states apart.
    #[must_use]
    pub fn mark(&self) -> u128 {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &self.client, &self.broker, self.link, &self.wire, self.begun, self.forgot).hash(&mut hasher);
            (self.cuts, self.restarts, self.published, &self.pending, &self.unacknowledged).hash(&mut hasher);
            (&self.routed, &self.received, self.problem.is_some()).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        half(0) << 64 | half(1)
    }

    /// What does not hold in this state.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.problem.clone()
    }

    /// The steps that can be taken.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        if self.problem.is_some() {
            return Vec::new();
        }
        let mut steps = Vec::new();
        if self.published < self.bounds.out {
            steps.push(Step::Publish);
        }
        if self.restarts < self.bounds.restarts {
            steps.push(Step::Restart);
        }
        for at in 0..self.unacknowledged.len().min(2) as u8 {
            steps.push(Step::Acknowledge(at));
        }
        let Some(link) = self.link else {
            steps.push(Step::Connect);
            return steps;
        };
        if self.client.clone().poll_transmit(NOW).is_some() {
            steps.push(Step::Write);
            if !self.begun {
                steps.push(Step::WriteByte);
            }
        }
        if !self.wire.is_empty() {
            steps.push(Step::Arrive);
        }
        if !self.broker.readable(link).is_empty() {
            steps.push(Step::Read);
        }
        if self.cuts < self.bounds.cuts {
            steps.push(Step::Cut);
        }
        steps
    }

    /// Takes a step.
    pub fn take(&mut self, step: Step) {
        match step {
            Step::Connect => self.connect(),
            Step::Publish => self.publish(),
            Step::WriteByte => {
                self.write(1);
                self.begun = true;
            }
            Step::Write => {
                self.write(usize::MAX);
                self.begun = false;
            }
            Step::Arrive => {
                let bytes = core::mem::take(&mut self.wire);
                if let Some(link) = self.link {
                    self.broker.receive(link, &bytes, 1);
                }
            }
            Step::Read => self.read(),
            Step::Acknowledge(at) => {
                let id = self.unacknowledged.remove(at.into());
                if let Some(id) = PacketId::new(id) {
                    let _ = self.client.acknowledge(id, ReasonCode::SUCCESS);
                }
            }
            Step::Cut => {
                self.cuts += 1;
                self.cut();
            }
            Step::Restart => {
                self.restarts += 1;
                self.cut();
                self.client = Client::new(Memory::new());
                self.forgot = true;
                self.broker.forgotten("c");
                self.pending.clear();
                self.unacknowledged.clear();
            }
        }
        self.check();
    }

    fn connect(&mut self) {
        let properties = [
            Property::SessionExpiryInterval(u32::MAX),
            Property::ReceiveMaximum(self.bounds.receive_maximum.try_into().unwrap_or(core::num::NonZeroU16::MAX)),
        ];
        let Ok(name) = Text::new("c") else { return };
        let mut options = Connect::new(name);
        options.packet.clean_start = false;
        options.packet.keep_alive = 0;
        options.packet.properties = Properties::from(&properties);
        options.prior = if self.forgot { Prior::Empty } else { Prior::None };
        options.acknowledge = if self.bounds.manual { Acknowledge::Manual } else { Acknowledge::Automatic };
        match self.client.connect(&options, NOW) {
            Ok(()) => self.link = Some(self.broker.open(1)),
            Err(refused) => self.problem = Some(format!("may not connect: {refused}")),
        }
    }

    fn publish(&mut self) {
        let number = self.published;
        let Ok(topic) = Topic::new("c") else { return };
        let payload = [number];
        let mut message = Message::new(topic, &payload);
        message.qos = self.bounds.qos;
        message.hold = true;
        match self.client.publish(&message, NOW) {
            Ok(Some(id)) => {
                if self.pending.iter().any(|(used, _)| *used == id.get()) {
                    self.problem = Some(format!("identifier {id} is given twice"));
                }
                self.pending.push((id.get(), number));
            }
            other => self.problem = Some(format!("message {number} is not taken: {other:?}")),
        }
        self.published += 1;
    }

    fn write(&mut self, most: usize) {
        if let Some(Transmit::Bytes(bytes)) = self.client.poll_transmit(NOW) {
            let len = bytes.len().min(most);
            self.wire.extend_from_slice(bytes.get(..len).unwrap_or_default());
            self.client.transmitted(len, NOW);
        }
    }

    /// The client reads one packet, and handles it.
    fn read(&mut self) {
        let Some(link) = self.link else { return };
        let Ok(Decoded::Packet { used, .. }) = Decoder::new(Sender::Server).decode(self.broker.readable(link)) else {
            return;
        };
        let mut buffer = [0; 128];
        let mut inbox = Inbox::new(&mut buffer);
        let packet = self.broker.readable(link).iter().take(used);
        inbox.spare().iter_mut().zip(packet).for_each(|(to, from)| *to = *from);
        inbox.filled(used);
        loop {
            let input = self.client.handle_input(&mut inbox, NOW);
            match input {
                Ok(Input::Event(event)) => {
                    let found = on(&event, &mut self.pending, &mut self.received, &mut self.forgot);
                    self.problem = self.problem.take().or(found);
                    if let Event::Message(message) = event
                        && self.bounds.manual
                    {
                        self.unacknowledged.extend(message.delivery.id().map(PacketId::get));
                    }
                }
                // Something waits to be written first; what was not handled is read again later.
                Ok(_) => break,
                Err(fault) => {
                    self.problem = Some(format!("the client finds {fault}"));
                    break;
                }
            }
        }
        if inbox.is_empty() {
            self.broker.read(link, used);
        }
    }

    fn cut(&mut self) {
        self.wire.clear();
        self.begun = false;
        if let Some(link) = self.link.take() {
            self.broker.close(link, 1);
            self.client.handle_close(NOW);
            if self.bounds.qos == QoS::AtLeastOnce {
                self.unacknowledged.clear();
            }
        }
    }

    /// What holds in every state.
    fn check(&mut self) {
        for entry in self.broker.journal.iter_mut().flat_map(|journal| journal.drain(..)) {
            if let broker::Entry::Routed(message) = entry
                && message.from == "c"
            {
                self.routed.extend(message.payload().first());
            }
        }
        while let Some(id) = self.client.poll_lost() {
            // The SUBSCRIBE of the beginning may be; nothing else is.
            if let Some((id, message)) = self.pending.iter().find(|(pending, _)| *pending == id.get()) {
                self.problem = Some(format!("message {message}, identifier {id}, is said to be lost"));
            }
        }
        if let Some(violation) = self.broker.ledger.violations().first() {
            self.problem = Some(format!("the broker saw {violation}"));
        }
        // A device that lost its memory can neither know what it received nor what it sent.
        if self.restarts == 0 {
            for (what, list) in [("passed on", &self.routed), ("received", &self.received)] {
                let firsts = firsts(list);
                if self.bounds.qos == QoS::ExactlyOnce && firsts.len() < list.len() {
                    self.problem = Some(format!("a message was {what} twice: {list:?}"));
                }
                if !firsts.is_sorted() {
                    self.problem = Some(format!("messages were {what} out of order: {list:?}"));
                }
            }
        }
    }

    /// Everything that is under way arrives, until nothing is.
    fn flow(&mut self) {
        for _ in 0..200 {
            let step = self
                .steps()
                .into_iter()
                .find(|step| matches!(step, Step::Write | Step::Arrive | Step::Read | Step::Acknowledge(_)));
            match step {
                Some(step) => self.take(step),
                None => return,
            }
        }
        self.problem = Some("the network does not fall quiet".to_owned());
    }

    /// The network is quiet from here on, and the application publishes no more: what is not done in the end?
    #[must_use]
    pub fn calm(mut self) -> Option<String> {
        if self.link.is_none() {
            self.connect();
        }
        self.flow();
        if self.problem.is_some() {
            return self.problem;
        }
        if let Some(link) = self.link {
            self.broker.settle(link);
        }
        self.check();
        let figures = self.client.figures(NOW);
        if figures.in_flight != 0 || figures.unacknowledged != 0 || !self.pending.is_empty() {
            return Some(format!("the client is not done: {figures:?}, {:?} wait", self.pending));
        }
        if self.restarts == 0 {
            let all = |list: &[u8], count: u8| firsts(list).into_iter().eq(0..count);
            if !all(&self.routed, self.published) || !all(&self.received, self.bounds.inward) {
                let Self { routed, received, .. } = &self;
                return Some(format!("in the end {routed:?} were passed on, {received:?} received"));
            }
            if !self.broker.session("c").is_some_and(broker::Session::is_quiet) {
                return Some(format!("the broker is not done: {:?}", self.broker.session("c")));
            }
        }
        self.problem
    }
}

/// A list without what came again.
fn firsts(list: &[u8]) -> Vec<u8> {
    let mut firsts: Vec<u8> = Vec::new();
    for number in list {
        if !firsts.contains(number) {
            firsts.push(*number);
        }
    }
    firsts
}

/// An event of the client; what is wrong with it.
fn on(event: &Event<'_>, pending: &mut Vec<(u16, u8)>, received: &mut Vec<u8>, forgot: &mut bool) -> Option<String> {
    match event {
        Event::Connected(_) => *forgot = false,
        Event::Message(message) => received.extend(message.payload.first()),
        Event::Published(ack) => {
            let before = pending.len();
            pending.retain(|(id, _)| *id != ack.id.get());
            if pending.len() == before {
                return Some(format!("a result for {}, which waits for none", ack.id));
            }
        }
        Event::Rejected(_) | Event::Disconnected(_) => return Some(format!("the broker ends it: {event:?}")),
        _ => {}
    }
    None
}
