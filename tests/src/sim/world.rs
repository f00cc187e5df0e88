//! One schedule: what happens, step by step.

use super::Played;
use super::book::Book;
use super::device::Device;
use super::draw::{self, QOS, habits, limits};
use super::random::Random;
use crate::broker::{Broker, Session};

/// Devices, broker, clock, and the dice.
pub(super) struct World<'t> {
    pub(super) random: Random,
    pub(super) broker: Broker,
    pub(super) devices: Vec<Device<'t>>,
    pub(super) book: Book,
    pub(super) now: u64,
    /// Hosts are prompt: packets arrive as soon as they are queued, and keep-alive is watched.
    prompt: bool,
    /// The broker may send twice what it sends again.
    doubles: bool,
    played: Played,
    trace: Option<Vec<String>>,
}

impl<'t> World<'t> {
    pub(super) fn new(
        seed: u64,
        lapse: Option<&'static str>,
        trace: bool,
        first: &'t mut [u8],
        second: &'t mut [u8],
    ) -> Self {
        let mut random = Random::new(seed);
        let prompt = random.chance(15);
        let mut broker = Broker::new();
        broker.watch_keep_alive = prompt;
        broker.lapse = lapse;
        broker.journal = Some(Vec::new());
        broker.limits = limits(&mut random);
        // What is sent twice and refused the first time is a new message the second time [MQTT-4.3.3-9], of which such a broker
        // knows nothing. So a schedule has the one or the other.
        let doubles = random.chance(30);
        let mut devices = vec![Device::new(0, habits(&mut random, !doubles), first, trace)];
        if random.chance(40) {
            devices.push(Device::new(1, habits(&mut random, !doubles), second, trace));
        }
        let book = Book::new(devices.len());
        let trace = trace.then(Vec::new);
        let mut world =
            Self { random, broker, devices, book, now: 1, prompt, doubles, played: Played::default(), trace };
        world.tell(|world| format!("prompt {}, broker {:?}", world.prompt, world.broker.limits));
        for device in 0..world.devices.len() {
            world.tell(|world| format!("d{device} is {:?}", world.devices.get(device).map(|device| device.habits)));
        }
        world
    }

    pub(super) fn tell(&mut self, what: impl FnOnce(&Self) -> String) {
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
            0..17 => {
                let qos = random.pick(&QOS).unwrap_or_default();
                let (len, retain, hold) = (random.below(40) as usize, random.chance(8), random.chance(60));
                device.publish(qos, len, retain, hold, book);
            }
            17..29 => _ = device.write(1 + random.below(60) as usize, now),
            29..41 => _ = device.arrive(1 + random.below(60) as usize, broker, now),
            41..56 => _ = device.read(1 + random.below(60) as usize, broker, book, random, now),
            56..59 => device.close(broker, book, random, now),
            59 => {
                // A device that does not tell when it goes can't be blamed for its silence.
                if self.prompt {
                    device.close(broker, book, random, now);
                } else {
                    device.vanish(book, random, now);
                }
            }
            60..72 => {
                if device.link.is_none() {
                    self.played.connections += 1;
                    device.connect(broker, book, now);
                } else if device.wants_subscription() {
                    device.subscribe(true, random.chance(20), book);
                }
            }
            72..76 => _ = self.pump(number, 4),
            76..80 => self.pass(1000),
            80 => self.pass(20_000),
            81..87 => {
                draw::fault(random, &mut broker.faults, self.doubles);
                self.tell(|world| format!("broker does {:?}", world.broker.faults));
            }
            87 => self.restart(number),
            88..90 => device.disconnect(random, book),
            90 => device.subscribe(false, true, book),
            91 => device.unsubscribe(random.chance(20), book),
            92..95 => device.acknowledge(book, random),
            95 => device.ping(now),
            96 => {
                broker.limits = limits(random);
                self.tell(|world| format!("broker grants {:?}", world.broker.limits));
            }
            97 => device.client.handled(),
            98 => device.authenticate(book),
            _ => {
                if let Some(link) = device.link {
                    broker.release(link, 1 + random.below(3) as usize);
                }
            }
        }
    }

    /// A device restarts, with its state or without.
    fn restart(&mut self, number: usize) {
        let Self { random, broker, book, now, .. } = self;
        let Some(device) = self.devices.get_mut(number) else { return };
        if random.chance(60) {
            device.restart(broker, book, random, *now);
        } else if random.chance(60) {
            device.close(broker, book, random, *now);
            device.forget(broker, book);
            device.clean = random.chance(30);
        }
    }

    /// What follows from a step: ended connections are closed, and the book is kept.
    pub(super) fn after(&mut self, number: usize) {
        if self.prompt {
            self.pump(number, 100);
        }
        let Self { random, broker, book, now, .. } = self;
        for device in &mut self.devices {
            device.bury(false, broker, *now);
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
        self.unreleased(number);
        if let Some(Err(broken)) = self.devices.get_mut(number).map(|device| device.client.check()) {
            self.book.problem(format!("d{number}: it does not hold that {broken}"));
        }
    }

    pub(super) fn keep_book(&mut self) {
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
            book.problem(format!("the broker saw {violation}"));
        }
        for at in 0..self.devices.len() {
            let lines = self.devices.get_mut(at).and_then(|device| device.told.as_mut()).map(core::mem::take);
            for line in lines.into_iter().flatten() {
                self.tell(|_| line);
            }
        }
    }

    /// A device that is connected, and has nothing to write, has sent every PUBREL, however little quota it has [MQTT-4.9.0-3].
    fn unreleased(&mut self, number: usize) {
        let Self { broker, book, .. } = self;
        let Some(device) = self.devices.get_mut(number) else { return };
        if device.link.is_some_and(|link| !broker.is_closed(link))
            && device.client.is_connected()
            && device.wire.is_empty()
            && device.copied.is_empty()
            && device.client.poll_transmit().is_none()
            && let Some(id) = broker.session(&device.name).and_then(Session::unreleased)
        {
            book.problem(format!("{} waits before it sends PUBREL {id}", device.name));
        }
    }

    /// Time passes, with every timer on the way.
    fn pass(&mut self, most: u64) {
        let end = self.now + 1 + self.random.below(most);
        self.pass_until(end);
    }

    /// Time passes until `end`.
    pub(super) fn pass_until(&mut self, end: u64) {
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
}
