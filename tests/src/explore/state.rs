//! One state of client, broker and wire, and the steps from it.

use core::hash::Hash;

use mqtt5_codec::{Decoded, Decoder, PacketId, Properties, Property, QoS, ReasonCode, Sender, Text, Topic};
use mqtt5_session::{
    Acknowledge, Client, ConnectOptions, Event, Inbox, Inline, Input, Instant, Prior, Publication, Transmit,
};

use super::mark::Mark;
use crate::broker::Broker;

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
    /// The client writes a packet, or the rest of one, and the broker gets it, unless it is lost.
    Write,
    /// The client writes a packet, or the rest of one, and neither that nor anything after it arrives: the link is to be cut.
    Lose,
    /// The client reads the next packet.
    Read,
    /// The application acknowledges the message with this place among those that wait.
    Acknowledge(u8),
    /// The link is cut.
    Cut,
    /// The device restarts without its memory.
    Restart,
}

pub(super) type Memory = Inline<4, 320>;

pub(super) const NOW: Instant = Instant::from_millis(1);

/// A state.
#[derive(Clone)]
pub struct State {
    pub(super) bounds: Bounds,
    pub(super) client: Client<Memory>,
    pub(super) broker: Broker,
    pub(super) link: Option<usize>,
    /// How much is to be written yet of a packet of which one byte was, in bytes.
    pub(super) begun: usize,
    /// Nothing arrives on this link any more.
    pub(super) doomed: bool,
    pub(super) forgot: bool,
    /// Cuts, those to come included.
    pub(super) cuts: u8,
    pub(super) restarts: u8,
    /// How many messages were published, and which of them wait for their result.
    pub(super) published: u8,
    pub(super) pending: Vec<(u16, u8)>,
    /// What waits for the application's acknowledgement.
    pub(super) unacknowledged: Vec<u16>,
    /// What the broker passed on, and what the application received, in order.
    pub(super) routed: Vec<u8>,
    pub(super) received: Vec<u8>,
    pub(super) problem: Option<String>,
}

impl State {
    /// A number that tells states apart. How often the link was cut is no part of it.
    #[must_use]
    pub fn mark(&self) -> u128 {
        let mut mark = Mark::new();
        (&self.client, &self.broker, self.link, self.begun, self.doomed, self.forgot).hash(&mut mark);
        (self.restarts, self.published, &self.pending, &self.unacknowledged).hash(&mut mark);
        (&self.routed, &self.received, self.problem.is_some()).hash(&mut mark);
        mark.number()
    }

    /// Whether something does not hold.
    #[must_use]
    pub fn has_problem(&self) -> bool {
        self.problem.is_some()
    }

    /// The steps that can be taken.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        if self.problem.is_some() {
            return Vec::new();
        }
        let mut steps = self.flow_steps();
        if self.published < self.bounds.out {
            steps.push(Step::Publish);
        }
        // On a link where nothing arrives any more, a restart is a cut and a restart.
        if self.restarts < self.bounds.restarts && !self.doomed {
            steps.push(Step::Restart);
        }
        if self.link.is_none() {
            steps.push(Step::Connect);
            return steps;
        }
        let may_cut = self.cuts < self.bounds.cuts;
        if steps.contains(&Step::Write) {
            if self.begun == 0 {
                steps.push(Step::WriteByte);
            }
            if may_cut && !self.doomed {
                steps.push(Step::Lose);
            }
        }
        if may_cut || self.doomed {
            steps.push(Step::Cut);
        }
        steps
    }

    /// The steps that need neither a call nor a cut.
    pub(super) fn flow_steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for at in 0..self.unacknowledged.len().min(2) as u8 {
            steps.push(Step::Acknowledge(at));
        }
        if let Some(link) = self.link {
            if self.client.clone().poll_transmit().is_some() {
                steps.push(Step::Write);
            }
            if !self.broker.readable(link).is_empty() {
                steps.push(Step::Read);
            }
        }
        steps
    }

    /// Whether this step does nothing before something is written, which can be.
    #[must_use]
    pub fn waits_for_write(&self, step: Step) -> bool {
        step == Step::Read && self.flow_steps().contains(&Step::Write)
    }

    /// Takes a step.
    pub fn take(&mut self, step: Step) {
        match step {
            Step::Connect => self.connect(),
            Step::Publish => self.publish(),
            Step::WriteByte => self.write(true),
            Step::Write => self.write(false),
            Step::Lose => {
                self.cuts += 1;
                self.doomed = true;
                self.write(false);
            }
            Step::Read => self.read(),
            Step::Acknowledge(at) => {
                let id = self.unacknowledged.remove(at.into());
                if let Some(id) = PacketId::new(id) {
                    let _ = self.client.acknowledge(id, ReasonCode::SUCCESS);
                }
            }
            Step::Cut => {
                self.cuts += u8::from(!self.doomed);
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
        self.client.scrub();
    }

    fn connect(&mut self) {
        let properties = [
            Property::SessionExpiryInterval(u32::MAX),
            Property::ReceiveMaximum(self.bounds.receive_maximum.try_into().unwrap_or(core::num::NonZeroU16::MAX)),
        ];
        let Ok(name) = Text::new("c") else { return };
        let mut options = ConnectOptions::resume(name, if self.forgot { Prior::Empty } else { Prior::None });
        options.packet.keep_alive = 0;
        options.packet.properties = Properties::from(&properties);
        options.acknowledge = if self.bounds.manual { Acknowledge::Manual } else { Acknowledge::Automatic };
        // Each packet is read into an inbox of its own.
        match self.client.connect(&options, &mut Inbox::new(&mut []), NOW) {
            Ok(()) => self.link = Some(self.broker.open(1)),
            Err(refused) => self.problem = Some(format!("may not connect: {refused}")),
        }
    }

    fn publish(&mut self) {
        let number = self.published;
        let Ok(topic) = Topic::new("c") else { return };
        let payload = [number];
        let mut message = Publication::new(topic, &payload);
        message.qos = self.bounds.qos;
        message.hold = true;
        match self.client.publish(&message) {
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

    /// The client writes a packet, or the rest of one; or its first byte only.
    fn write(&mut self, only_a_byte: bool) {
        let Some(Transmit::Bytes(bytes)) = self.client.poll_transmit() else { return };
        let whole = match Decoder::new(Sender::Client).decode(bytes) {
            _ if self.begun > 0 => self.begun,
            Ok(Decoded::Packet { used, .. }) => used,
            _ => {
                self.problem = Some(format!("the client is about to write {bytes:02x?}"));
                return;
            }
        };
        let len = if only_a_byte { 1 } else { whole };
        if let (Some(link), false, Some(bytes)) = (self.link, self.doomed, bytes.get(..len)) {
            self.broker.receive(link, bytes, 1);
        }
        self.client.transmitted(len, NOW);
        self.begun = whole - len;
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

    pub(super) fn cut(&mut self) {
        self.begun = 0;
        self.doomed = false;
        if let Some(link) = self.link.take() {
            self.broker.close(link, 1);
            self.client.handle_close(NOW);
            if self.bounds.qos == QoS::AtLeastOnce {
                self.unacknowledged.clear();
            }
        }
    }
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
