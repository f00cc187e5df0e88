//! One schedule: what happens, step by step.

use mqtt5_codec::{QoS, ReasonCode};

use super::Played;
use super::book::Book;
use super::device::{Device, Habits};
use super::random::Random;
use crate::broker::{Broker, Faults, Limits};

/// Devices, broker, clock, and the dice.
pub(super) struct World<'t> {
    random: Random,
    broker: Broker,
    devices: Vec<Device<'t>>,
    book: Book,
    now: u64,
    /// Hosts are prompt: packets arrive as soon as they are queued, and keep-alive is watched.
    prompt: bool,
    played: Played,
    trace: Option<Vec<String>>,
}

const QOS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

fn habits(random: &mut Random) -> Habits {
    let flights = random.pick(&[1, 2, 3, 8]).unwrap_or(1);
    Habits {
        flights,
        bytes: random.pick(&[320, 512, 1024, 2048]).unwrap_or(512),
        manual: random.chance(30),
        granted: random
            .pick(&[QoS::ExactlyOnce, QoS::ExactlyOnce, QoS::AtLeastOnce, QoS::AtMostOnce])
            .unwrap_or_default(),
        receive_maximum: 1 + random.below(flights as u64) as u16,
        aliases: random.pick(&[0, 1, 3]).unwrap_or(0),
        expiry: random.pick(&[0, 10, 1000, u32::MAX, u32::MAX, u32::MAX]).unwrap_or(0),
        keep_alive: random.pick(&[0, 5, 60]).unwrap_or(0),
    }
}

fn limits(random: &mut Random) -> Limits {
    let common = random.chance(50);
    Limits {
        receive_maximum: random.pick(&[u16::MAX, 1, 2, 5]).unwrap_or(u16::MAX),
        maximum_qos: if random.chance(90) { QoS::ExactlyOnce } else { random.pick(&QOS).unwrap_or_default() },
        retain_available: random.chance(85),
        maximum_packet_size: random.pick(&[None, None, None, Some(40)]).filter(|_| !common).flatten(),
        topic_alias_maximum: random.pick(&[0, 1, 2, 100]).unwrap_or(0),
        server_keep_alive: random.pick(&[None, None, Some(0), Some(3)]).flatten(),
        session_expiry: random.pick(&[None, None, Some(5)]).filter(|_| !common).flatten(),
        aliases: random.chance(70),
        reason_strings: random.chance(20),
        ..Limits::default()
    }
}

impl<'t> World<'t> {
    pub(super) fn new(seed: u64, trace: bool, first: &'t mut [u8], second: &'t mut [u8]) -> Self {
        let mut random = Random::new(seed);
        let prompt = random.chance(15);
        let mut broker = Broker::new();
        broker.watch_keep_alive = prompt;
        broker.journal = Some(Vec::new());
        broker.limits = limits(&mut random);
        let mut devices = vec![Device::new(0, habits(&mut random), first, trace)];
        if random.chance(40) {
            devices.push(Device::new(1, habits(&mut random), second, trace));
        }
        let book = Book::new(devices.len());
        let trace = trace.then(Vec::new);
        let mut world = Self { random, broker, devices, book, now: 1, prompt, played: Played::default(), trace };
        world.tell(|world| format!("prompt {}, broker {:?}", world.prompt, world.broker.limits));
        for device in 0..world.devices.len() {
            world.tell(|world| format!("d{device} is {:?}", world.devices.get(device).map(|device| device.habits)));
        }
        world
    }

    fn tell(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let line = format!("{:>7} {}", self.now, what(self));
            if let Some(trace) = &mut self.trace {
                trace.push(line);
            }
        }
    }

    /// Plays the schedule, then lets the world calm down.
    pub(super) fn play(&mut self) {
        let steps = 20 + self.random.below(80);
        for _ in 0..steps {
            let device = self.random.below(self.devices.len() as u64) as usize;
            self.step(device);
            self.after(device);
            self.played.steps += 1;
            if !self.book.problems.is_empty() {
                return;
            }
        }
        self.calm();
    }

    pub(super) fn end(mut self) -> (Played, Vec<String>, Vec<String>) {
        self.played.messages = self.book.messages() as u64;
        (self.played, core::mem::take(&mut self.book.problems), self.trace.unwrap_or_default())
    }

    /// Something happens to a device.
    fn step(&mut self, number: usize) {
        let now = self.now;
        let dice = self.random.below(100);
        let Self { random, broker, book, .. } = self;
        let Some(device) = self.devices.get_mut(number) else { return };
        match dice {
            0..18 => {
                let qos = random.pick(&QOS).unwrap_or_default();
                let (len, retain, hold) = (random.below(40) as usize, random.chance(8), random.chance(60));
                device.publish(qos, len, retain, hold, book, now);
            }
            18..30 => _ = device.write(1 + random.below(60) as usize, now),
            30..42 => _ = device.arrive(1 + random.below(60) as usize, broker, now),
            42..58 => _ = device.read(1 + random.below(60) as usize, broker, book, random, now),
            58..62 => device.close(broker, book, random, now),
            62..74 => {
                if device.link.is_none() {
                    self.played.connections += 1;
                    device.connect(broker, book, now);
                } else if !device.subscribed {
                    device.subscribe(false, book, now);
                }
            }
            74..78 => _ = self.pump(number, 4),
            78..82 => self.pass(1000),
            82 => self.pass(20_000),
            83..89 => self.fault(),
            89 => {
                if random.chance(30) {
                    device.close(broker, book, random, now);
                    device.forget(broker, book);
                    device.clean = random.chance(30);
                }
            }
            90 => device.disconnect(random.chance(50), now),
            91 => device.subscribe(true, book, now),
            92 => device.unsubscribe(book, now),
            93..96 => device.acknowledge(book, random),
            96 => device.ping(now),
            97 => broker.limits = limits(random),
            98 => device.client.handled(),
            _ => {
                if let Some(link) = device.link {
                    broker.release(link, 1 + random.below(3) as usize);
                }
            }
        }
    }

    /// The broker is told to do something.
    fn fault(&mut self) {
        let Self { random, broker, .. } = self;
        let faults = &mut broker.faults;
        match random.below(8) {
            0 => faults.next_publish = Some(ReasonCode::QUOTA_EXCEEDED),
            1 => faults.next_connect = Some(ReasonCode::SERVER_BUSY),
            2 => faults.next_subscribe = Some(ReasonCode::NOT_AUTHORIZED),
            3 => faults.next_unsubscribe = Some(ReasonCode::NOT_AUTHORIZED),
            4 => faults.lose_session = random.chance(50),
            5 => faults.mute_pings = !faults.mute_pings,
            6 => faults.hold_acknowledgements = !faults.hold_acknowledgements,
            _ => faults.cut_sent = Some(random.below(80) as usize),
        }
        self.tell(|world| format!("broker does {:?}", world.broker.faults));
    }

    /// What follows from a step: ended connections are closed, and the book is kept.
    fn after(&mut self, number: usize) {
        if self.prompt {
            self.pump(number, 100);
        }
        let Self { random, broker, book, now, .. } = self;
        for device in &mut self.devices {
            let Some(link) = device.link else { continue };
            if device.client.is_closed() {
                // Its last words may or may not arrive.
                if random.chance(70) {
                    device.arrive(usize::MAX, broker, *now);
                }
                device.close(broker, book, random, *now);
            } else if broker.is_cut(link, device.inbox.len())
                || broker.is_closed(link) && broker.readable(link).len() <= device.inbox.len()
            {
                device.close(broker, book, random, *now);
            }
        }
        self.keep_book();
    }

    fn keep_book(&mut self) {
        let devices = self.devices.len();
        let Self { broker, book, .. } = self;
        let number = |name: &str| match name {
            "d0" => Some(0),
            "d1" if devices > 1 => Some(1),
            _ => None,
        };
        if let Some(journal) = &mut broker.journal {
            for entry in journal.drain(..) {
                book.entry(&entry, number);
            }
        }
        for violation in broker.ledger.take() {
            book.problems.push(format!("the broker saw {violation}"));
        }
        for at in 0..self.devices.len() {
            let lines = self.devices.get_mut(at).and_then(|device| device.told.as_mut()).map(core::mem::take);
            for line in lines.into_iter().flatten() {
                self.tell(|_| line);
            }
        }
    }

    /// Bytes go back and forth, up to so many times. Returns whether any did.
    fn pump(&mut self, number: usize, rounds: usize) -> bool {
        let mut any = false;
        for _ in 0..rounds {
            let now = self.now;
            let Self { broker, .. } = self;
            let Some(device) = self.devices.get_mut(number) else { return any };
            let mut moved = device.write(usize::MAX, now) + device.arrive(usize::MAX, broker, now);
            // What the broker does is booked before the client tells of it.
            self.keep_book();
            let Self { random, broker, book, .. } = self;
            let Some(device) = self.devices.get_mut(number) else { return any };
            moved += device.read(usize::MAX, broker, book, random, now);
            any |= moved > 0;
            if moved == 0 {
                break;
            }
        }
        any
    }

    /// Time passes, with every timer on the way.
    fn pass(&mut self, most: u64) {
        let end = self.now + 1 + self.random.below(most);
        loop {
            let due = self.devices.iter().filter_map(Device::due).chain(self.broker.next_timeout()).min();
            self.now = due.unwrap_or(u64::MAX).clamp(self.now, end);
            let now = self.now;
            self.broker.tick(now);
            for number in 0..self.devices.len() {
                let Self { random, broker, book, .. } = self;
                let Some(device) = self.devices.get_mut(number) else { continue };
                if device.due().is_some_and(|due| due <= now) && !device.timeout(book, now) {
                    device.close(broker, book, random, now);
                }
                if self.prompt {
                    self.after(number);
                }
            }
            if now == end {
                return;
            }
            // What is due and not done now is done a moment later.
            self.now += u64::from(due.is_some_and(|due| due <= now));
            self.now = self.now.min(end);
        }
    }

    /// No more faults: everything that is under way arrives, and nothing is left.
    fn calm(&mut self) {
        self.broker.faults = Faults::default();
        self.tell(|_| "the world calms down".to_owned());
        for _ in 0..400 {
            let mut moved = false;
            for number in 0..self.devices.len() {
                moved |= self.settle(number);
            }
            if !self.book.problems.is_empty() {
                return;
            }
            if !moved {
                return self.judge();
            }
            self.now += 1;
        }
        self.book.problems.push("the world does not fall quiet".to_owned());
    }

    /// A device connects, and everything goes back and forth.
    fn settle(&mut self, number: usize) -> bool {
        let now = self.now;
        let mut moved = false;
        let Self { random, broker, book, .. } = self;
        let Some(device) = self.devices.get_mut(number) else { return false };
        if device.link.is_none() {
            device.connect(broker, book, now);
            moved = true;
        }
        if let Some(link) = device.link {
            moved |= broker.held(link) > 0;
            broker.release(link, broker.held(link));
        }
        while !device.unacknowledged.is_empty() {
            device.acknowledge(book, random);
            moved = true;
        }
        moved |= self.pump(number, 1000);
        self.after(number);
        moved
    }

    /// All is quiet: is all done?
    fn judge(&mut self) {
        let now = self.now;
        for device in &mut self.devices {
            let figures = device.client.figures(mqtt5_session::Instant::from_millis(now));
            let Some(link) = device.link.filter(|_| device.client.is_connected()) else {
                self.book.problems.push(format!("{} does not get connected", device.name));
                continue;
            };
            self.broker.settle(link);
            if figures.in_flight != 0 || figures.unacknowledged != 0 || figures.lost != 0 {
                self.book.problems.push(format!("{} is not done: {figures:?}", device.name));
            }
            device.close(&mut self.broker, &mut self.book, &mut self.random, now);
            let held = device.client.figures(mqtt5_session::Instant::from_millis(now)).bytes_held;
            if held > device.idle_bytes {
                let idle = device.idle_bytes;
                self.book.problems.push(format!("{} holds {held} bytes, and {idle} when new", device.name));
            }
        }
        for (name, session) in self.broker.sessions() {
            let device = self.devices.iter().find(|device| device.name == name).map_or(0, |device| device.number);
            // Of a device that lost its memory, QoS 2 identifiers stay open for good.
            let excused = self.book.swallows(device) && session.sending.is_empty();
            if !session.is_quiet() && !excused {
                self.book.problems.push(format!("the broker is not done with {name}: {session:?}"));
            }
        }
        self.keep_book();
        self.book.finish();
    }
}
