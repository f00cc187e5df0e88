//! Two Producers and fifty Consumers over a network that duplicates, reorders, delays and loses, in processes that end at any
//! moment and go on with what they last exported: every request ends in exactly one outcome for each responder, and no command
//! executes twice. A failing seed is printed and replays: `SEED=n cargo test --test simulation`; `SEEDS=n` runs more of them.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic"
)]

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use mqtt5_codec::{QoS, Topic};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration, Ignored, Reaction, Ticket};
use openc2_mqtt::producer::{
    Expect, Heard, NotCounted, Producer, ProducerMemory, ProducerPolicy, ProducerRefused, Request, Stage,
};
use openc2_mqtt::profile::Profiles;
use openc2_mqtt::transfer::{Channel, Outgoing, PropertyList, Received};
use openc2_mqtt::{
    Action, Command, Encoding, Feature, Features, Instant, Ipv4Net, Pair, Response, ResponseType, Status, Target, Texts,
};

const CONSUMERS: usize = 50;
const PRODUCERS: usize = 2;

/// A small generator: the simulation must not depend on anyone else's.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone)]
struct Packet {
    topic: String,
    qos: QoS,
    properties: PropertyList<'static>,
    payload: Vec<u8>,
}

impl Packet {
    fn of(outgoing: &Outgoing<'_>) -> Self {
        Self {
            topic: outgoing.topic.as_str().into(),
            qos: outgoing.qos(),
            properties: outgoing.properties,
            payload: outgoing.payload.into(),
        }
    }

    fn received(&self) -> Received<'_> {
        Received {
            topic: Topic::new(&self.topic).unwrap(),
            qos: self.qos,
            retain: false,
            properties: self.properties.as_properties(),
            payload: &self.payload,
        }
    }
}

/// What happens at a moment.
enum Event {
    Request(usize),
    ToConsumer(usize, Packet),
    ToProducer(usize, Packet),
    /// With the process that began it.
    Progress(usize, Ticket, u32),
    Done(usize, Ticket, u32),
    ConsumerEnds(usize),
    ProducerEnds(usize),
}

/// A machine in its process, and what that exported last.
struct Node<M> {
    machine: M,
    saved: Vec<u8>,
    /// When the process began: its clock starts at 0.
    began: u64,
    process: u32,
}

impl<M> Node<M> {
    fn new(machine: M) -> Self {
        Self { machine, saved: Vec::new(), began: 0, process: 0 }
    }

    fn clock(&self, now: u64) -> Instant {
        Instant::from_millis(now - self.began)
    }
}

/// What UTC was when the world began.
const UTC: u64 = 1_700_000_000_000;

/// With room for every request there is, so that none is forgotten within the window.
type Slots = ConsumerMemory<64, 32_768>;
type Requests = ProducerMemory<12, 400>;

#[derive(Default)]
struct Requested {
    expected: Option<BTreeSet<String>>,
    finals: BTreeMap<String, u32>,
    complete: u32,
    timed_out: u32,
}

struct World<'d> {
    declarations: Vec<Declaration<'d>>,
    random: Random,
    queue: BinaryHeap<Reverse<(u64, u64, usize)>>,
    events: Vec<Option<Event>>,
    now: u64,
    consumers: Vec<(Vec<String>, Node<Consumer<'d, Slots>>)>,
    producers: Vec<Node<Producer<'d, Requests>>>,
    /// Executions by Consumer and request.
    executed: BTreeMap<(usize, String), u32>,
    /// By Producer and `request_id`.
    requested: BTreeMap<(usize, String), Requested>,
    told: BTreeMap<&'static str, u32>,
}

impl<'d> World<'d> {
    fn at(&mut self, delay: u64, event: Event) {
        self.events.push(Some(event));
        let serial = self.events.len() as u64;
        self.queue.push(Reverse((self.now + delay, serial, self.events.len() - 1)));
    }

    fn note(&mut self, what: &'static str) {
        *self.told.entry(what).or_default() += 1;
    }

    /// Sends a packet to everyone who subscribed to its topic: late, twice, or not at all.
    fn publish(&mut self, packet: &Packet) {
        let to_producers = packet.topic.starts_with("oc2/rsp");
        let count = if to_producers { PRODUCERS } else { CONSUMERS };
        for index in 0..count {
            if !to_producers && !self.consumers[index].0.contains(&packet.topic) {
                continue;
            }
            if self.random.chance(8) {
                self.note("lost");
                continue;
            }
            let copies = if self.random.chance(25) { 2 + self.random.below(2) } else { 1 };
            for _ in 0..copies {
                let late = if self.random.chance(10) { 6_000 } else { 0 };
                let delay = self.random.below(900) + late;
                let packet = packet.clone();
                self.at(
                    delay,
                    if to_producers { Event::ToProducer(index, packet) } else { Event::ToConsumer(index, packet) },
                );
            }
        }
    }

    fn request(&mut self, index: usize) {
        let name = format!("consumer-{}", self.random.below(CONSUMERS as u64));
        let names: Vec<String> =
            (0..CONSUMERS).filter(|number| number % 2 == 0).map(|number| format!("consumer-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("198.51.100.0/24").unwrap()));
        if self.random.chance(20) {
            command.args.response_requested = Some(ResponseType::Ack);
        }
        let one = [name.as_str()];
        let mut request = match self.random.below(4) {
            0 => Request::discover(Features::new(&[Feature::Profiles, Feature::Pairs]), 3_000),
            1 => Request { expect: Expect::Each(&names), ..Request::new(Channel::Profile("even"), command, 4_000) },
            2 => Request { expect: Expect::Each(&one), ..Request::new(Channel::Device(&name), command, 4_000) },
            _ => Request {
                expect: Expect::Count(1),
                to: Texts::from(&one),
                ..Request::new(Channel::All, command, 4_000)
            },
        };
        if self.random.chance(10) {
            request.command.action = Action::Detonate;
        }
        let mut random = [0; 16];
        random[..8].copy_from_slice(&self.random.next().to_be_bytes());
        random[8..].copy_from_slice(&self.random.next().to_be_bytes());
        let mut buffer = [0; 1024];
        let node = &mut self.producers[index];
        let now = node.clock(self.now);
        let sent = node.machine.request(&request, random, now, Some(UTC + self.now), &mut buffer);
        let (id, outgoing) = match sent {
            Ok((id, outgoing)) => (node.machine.request_id(id).unwrap().to_string(), outgoing),
            Err(ProducerRefused::Requests | ProducerRefused::Responders) => return self.note("request refused"),
            Err(refused) => panic!("{refused}"),
        };
        let packet = Packet::of(&outgoing);
        if self.random.chance(2) {
            // Nothing was published yet, so nothing is missed.
            return self.producer_ends(index);
        }
        self.save_producer(index);
        let expected = match request.expect {
            Expect::Each(names) => Some(names.iter().map(|name| (*name).to_string()).collect()),
            _ => None,
        };
        self.requested.insert((index, id), Requested { expected, ..Requested::default() });
        self.publish(&packet);
        if self.random.chance(20) {
            // The same message published again, as a host does that lost track of its PUBACK.
            self.publish(&packet);
        }
    }

    fn at_consumer(&mut self, index: usize, packet: &Packet) {
        let mut buffer = [0; 2048];
        let node = &mut self.consumers[index].1;
        let (now, utc, process) = (node.clock(self.now), Some(UTC + self.now), node.process);
        let reaction = node.machine.handle(&packet.received(), now, utc, &mut buffer).unwrap();
        if self.random.chance(1) {
            // The process ends before it could export: the message is not acknowledged either, and comes again.
            self.at(500, Event::ToConsumer(index, packet.clone()));
            return self.consumer_ends(index);
        }
        let mut out = Vec::new();
        match reaction {
            Reaction::Execute { ticket, headers, reply, .. } => {
                let id = headers.request_id.unwrap().to_string();
                out.extend(reply.as_ref().map(Packet::of));
                self.save_consumer(index);
                *self.executed.entry((index, id)).or_default() += 1;
                let work = self.random.below(2_500);
                if self.random.chance(30) {
                    self.at(work / 2, Event::Progress(index, ticket, process));
                }
                self.at(work, Event::Done(index, ticket, process));
            }
            Reaction::Reply { reply, repeated, status, .. } => {
                out.push(Packet::of(&reply));
                self.note(if repeated {
                    "answered again"
                } else if status == Status::ServiceUnavailable {
                    "busy"
                } else {
                    "answered"
                });
            }
            Reaction::Ignored { why, .. } => self.note(match why {
                Ignored::Running => "came again while running",
                Ignored::ForOthers => "for others",
                why => panic!("{why:?}"),
            }),
            other => panic!("{other:?}"),
        }
        for packet in out {
            self.publish(&packet);
        }
    }

    /// A command's progress or end, if the process that began it still runs.
    fn respond(&mut self, index: usize, ticket: Ticket, process: u32, status: Status) {
        let mut buffer = [0; 2048];
        let node = &mut self.consumers[index].1;
        if node.process != process {
            return;
        }
        let (now, utc) = (node.clock(self.now), Some(UTC + self.now));
        let answer = node.machine.respond(ticket, &Response::new(status), now, utc, &mut buffer).unwrap();
        let packet = answer.as_ref().map(Packet::of);
        if self.random.chance(1) {
            return self.consumer_ends(index);
        }
        self.save_consumer(index);
        if let Some(packet) = packet {
            self.publish(&packet);
        }
    }

    fn save_consumer(&mut self, index: usize) {
        let mut bytes = [0; Slots::EXPORT];
        let node = &mut self.consumers[index].1;
        let length = node.machine.export(node.clock(self.now), Some(UTC + self.now), &mut bytes).unwrap();
        node.saved = bytes[..length].to_vec();
    }

    /// A process ends, and another goes on a while later. What comes meanwhile the broker keeps.
    fn consumer_ends(&mut self, index: usize) {
        self.note("a Consumer's process ended");
        let node = &mut self.consumers[index].1;
        node.began = self.now;
        node.process += 1;
        node.machine = Consumer::new(self.declarations[index], ConsumerPolicy::default(), Slots::new());
        if !node.saved.is_empty() {
            node.machine.import(&node.saved, Instant::from_millis(0), Some(UTC + self.now)).unwrap();
        }
        let process = node.process;
        let mut unfinished = Vec::new();
        node.machine.unfinished(|ticket, _, _| unfinished.push(ticket));
        for ticket in unfinished {
            // How far it came can't be told.
            self.note("interrupted");
            self.respond(index, ticket, process, Status::InternalError);
        }
    }

    fn save_producer(&mut self, index: usize) {
        let mut bytes = [0; Requests::EXPORT];
        let node = &mut self.producers[index];
        let length = node.machine.export(node.clock(self.now), Some(UTC + self.now), &mut bytes).unwrap();
        node.saved = bytes[..length].to_vec();
    }

    fn producer_ends(&mut self, index: usize) {
        self.note("a Producer's process ended");
        let node = &mut self.producers[index];
        node.began = self.now;
        node.machine = a_producer(index);
        if !node.saved.is_empty() {
            node.machine.import(&node.saved, Instant::from_millis(0), Some(UTC + self.now)).unwrap();
        }
    }

    fn at_producer(&mut self, index: usize, packet: &Packet) {
        let node = &mut self.producers[index];
        let now = node.clock(self.now);
        let heard = node.machine.handle(&packet.received(), now);
        if self.random.chance(1) {
            self.at(500, Event::ToProducer(index, packet.clone()));
            return self.producer_ends(index);
        }
        match heard {
            Heard::Response { request, from, stage, complete, .. } => {
                self.save_producer(index);
                let id = self.producers[index].machine.request_id(request).unwrap().to_string();
                let entry = self.requested.get_mut(&(index, id)).expect("a request of ours");
                assert_eq!((entry.complete, entry.timed_out), (0, 0), "nothing counts once a request is over");
                if stage == Stage::Final {
                    *entry.finals.entry(from.to_string()).or_default() += 1;
                }
                if complete {
                    entry.complete += 1;
                    if let Some(expected) = &entry.expected {
                        assert!(expected.iter().all(|name| entry.finals.contains_key(name)));
                    }
                }
                self.note("response counted");
            }
            Heard::Nothing { why, .. } => self.note(match why {
                NotCounted::Foreign => "foreign",
                NotCounted::Duplicate(_) => "duplicate",
                NotCounted::Late(_) => "late",
                NotCounted::Full(_) => "no room for a responder",
                why => panic!("{why:?}"),
            }),
            other => panic!("{other:?}"),
        }
    }

    fn timeouts(&mut self) {
        for index in 0..PRODUCERS {
            let node = &mut self.producers[index];
            let now = node.clock(self.now);
            let mut over = Vec::new();
            while let Some(one) = node.machine.handle_timeout(now) {
                over.push((node.machine.request_id(one.request).unwrap().to_string(), one));
            }
            if !over.is_empty() {
                self.save_producer(index);
            }
            for (id, over) in over {
                let entry = self.requested.get_mut(&(index, id)).expect("a request of ours");
                entry.timed_out += 1;
                if let Some(expected) = &entry.expected {
                    let missing = expected.iter().filter(|name| !entry.finals.contains_key(*name)).count();
                    assert_eq!(usize::from(over.awaited), missing);
                }
            }
        }
    }

    /// When the next deadline comes, by the world's clock.
    fn next_deadline(&mut self) -> Option<u64> {
        let deadlines = self.producers.iter_mut().filter_map(|node| {
            let deadline = node.machine.poll_timeout()?;
            Some(node.began + deadline.as_millis())
        });
        deadlines.min()
    }

    fn run(&mut self) {
        while let Some(Reverse((time, _, index))) = self.queue.pop() {
            // Deadlines come in their turn, between the messages.
            while let Some(deadline) = self.next_deadline().filter(|deadline| *deadline <= time) {
                self.now = deadline;
                self.timeouts();
            }
            self.now = time;
            match self.events[index].take().unwrap() {
                Event::Request(producer) => self.request(producer),
                Event::ToConsumer(consumer, packet) => self.at_consumer(consumer, &packet),
                Event::ToProducer(producer, packet) => self.at_producer(producer, &packet),
                Event::Progress(consumer, ticket, process) => {
                    self.respond(consumer, ticket, process, Status::Processing);
                }
                Event::Done(consumer, ticket, process) => {
                    let status = if self.random.chance(10) { Status::InternalError } else { Status::Ok };
                    self.respond(consumer, ticket, process, status);
                }
                Event::ConsumerEnds(consumer) => self.consumer_ends(consumer),
                Event::ProducerEnds(producer) => self.producer_ends(producer),
            }
        }
        self.now += 100_000;
        self.timeouts();
        for (id, count) in &self.executed {
            assert_eq!(*count, 1, "{id:?} was executed {count} times");
        }
        for ((producer, id), requested) in &self.requested {
            assert_eq!(requested.complete + requested.timed_out, 1, "request {id:?} of {producer} ends once");
            assert!(requested.finals.values().all(|count| *count == 1), "one outcome for each responder");
        }
    }
}

fn a_producer<'d>(index: usize) -> Producer<'d, Requests> {
    let (name, encoding) = [("producer-0", Encoding::Json), ("producer-1", Encoding::Cbor)][index];
    Producer::new(name, ProducerPolicy { encoding, ..ProducerPolicy::default() }, Requests::new())
}

fn simulate(seed: u64) -> BTreeMap<&'static str, u32> {
    let names: Vec<String> = (0..CONSUMERS).map(|number| format!("consumer-{number}")).collect();
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }];
    let (even, odd): (&[&str], &[&str]) = (&["even", "slpf"], &["odd"]);
    let profiles = |number: usize| if number.is_multiple_of(2) { even } else { odd };
    let declarations: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(number, name)| Declaration::new(name, name, &Profiles::NONE, &pairs).with_others(profiles(number)))
        .collect();
    let mut world = World {
        random: Random(seed),
        queue: BinaryHeap::new(),
        events: Vec::new(),
        now: 0,
        consumers: Vec::new(),
        producers: Vec::new(),
        executed: BTreeMap::new(),
        requested: BTreeMap::new(),
        told: BTreeMap::new(),
        declarations,
    };
    for declaration in world.declarations.clone() {
        let consumer = Consumer::new(declaration, ConsumerPolicy::default(), Slots::new());
        let topics = consumer.channels().map(|channel| {
            let mut buffer = [0; 64];
            let (topic, _) = channel.write(&consumer.policy().scheme, &mut buffer).unwrap();
            topic.as_str().to_string()
        });
        world.consumers.push((topics.collect(), Node::new(consumer)));
    }
    for number in 0..PRODUCERS {
        world.producers.push(Node::new(a_producer(number)));
        for _ in 0..20 {
            let delay = world.random.below(20_000);
            world.at(delay, Event::Request(number));
        }
        for _ in 0..3 {
            let delay = world.random.below(25_000);
            world.at(delay, Event::ProducerEnds(number));
        }
    }
    for _ in 0..CONSUMERS {
        let (delay, consumer) = (world.random.below(25_000), world.random.below(CONSUMERS as u64) as usize);
        world.at(delay, Event::ConsumerEnds(consumer));
    }
    world.run();
    world.told
}

#[test]
fn every_request_ends_once_for_each_responder_and_nothing_executes_twice() {
    let of = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seeds = match of("SEED") {
        Some(seed) => seed..=seed,
        None => 1..=of("SEEDS").unwrap_or(if cfg!(debug_assertions) { 8 } else { 200 }),
    };
    let mut told = BTreeMap::<_, u32>::new();
    for seed in seeds {
        let result = std::panic::catch_unwind(|| simulate(seed));
        match result {
            Ok(counts) => counts.into_iter().for_each(|(what, count)| *told.entry(what).or_default() += count),
            Err(panic) => {
                eprintln!("seed {seed} fails: SEED={seed} cargo test --test simulation");
                std::panic::resume_unwind(panic);
            }
        }
    }
    for what in [
        "lost",
        "duplicate",
        "late",
        "foreign",
        "answered again",
        "came again while running",
        "response counted",
        "interrupted",
        "a Consumer's process ended",
        "a Producer's process ended",
    ] {
        assert!(told.contains_key(what), "{what} happens too: {told:?}");
    }
    eprintln!("{told:?}");
}
