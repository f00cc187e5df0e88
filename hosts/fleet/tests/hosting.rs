//! A fleet on streams in memory, each to the model broker, which is strict: what it takes down is a fault of ours.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![allow(missing_docs, clippy::std_instead_of_core, reason = "a test")]

use core::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use conformance::broker::Broker;
use mqtt5_fleet::{Closed, Fleet, Happening, Id};
use mqtt5_session::codec::{Filter, Properties, Property, QoS, Subscription, Text, Topic};
use mqtt5_session::{Client, ConnectOptions, Ending, Event, Inline, Instant, Prior, Publication};

const EXPIRY: [Property<'static>; 1] = [Property::SessionExpiryInterval(3_600)];

#[derive(Clone)]
struct World {
    broker: Rc<RefCell<Broker>>,
    now: Rc<Cell<u64>>,
    /// How many bytes are moved at a time.
    piece: usize,
    /// How many bytes a stream takes before it is full, until it is asked again.
    gulp: usize,
}

struct Link {
    world: World,
    number: usize,
    taken: usize,
}

impl World {
    fn new(piece: usize, gulp: usize) -> Self {
        Self { broker: Rc::new(RefCell::new(Broker::new())), now: Rc::default(), piece, gulp }
    }

    fn open(&self) -> Link {
        let number = self.broker.borrow_mut().open(self.now.get());
        Link { world: self.clone(), number, taken: 0 }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now.get())
    }

    fn assert_kept(&self) {
        let broker = self.broker.borrow();
        assert!(broker.ledger.violations().is_empty(), "{:?}", broker.ledger.violations());
    }
}

impl Read for Link {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.taken = 0;
        let mut broker = self.world.broker.borrow_mut();
        broker.tick(self.world.now.get());
        let bytes = broker.readable(self.number);
        let n = bytes.len().min(to.len()).min(self.world.piece);
        if n == 0 {
            return if broker.is_closed(self.number) { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        to[..n].copy_from_slice(&bytes[..n]);
        broker.read(self.number, n);
        Ok(n)
    }
}

impl Write for Link {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let n = from.len().min(self.world.piece).min(self.world.gulp - self.taken);
        if n == 0 {
            self.taken = 0;
            return Err(ErrorKind::WouldBlock.into());
        }
        self.taken += n;
        self.world.broker.borrow_mut().receive(self.number, &from[..n], self.world.now.get());
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.world.broker.borrow_mut().close(self.number, self.world.now.get());
    }
}

type Sessions = Fleet<Link, 8, 1024>;

fn options(name: &str) -> ConnectOptions<'_> {
    let mut options = ConnectOptions::new(Text::new(name).unwrap());
    options.packet.properties = Properties::from(&EXPIRY);
    options
}

/// Looks after each session until nothing moves any more.
fn settle(fleet: &mut Sessions, world: &World, mut on: impl FnMut(Id, Happening<'_>, &mut Client<Inline<8, 1024>>)) {
    let ids: Vec<_> = ids(fleet);
    for _ in 0..600 {
        for id in &ids {
            fleet.writable(*id, world.now(), &mut on);
            fleet.readable(*id, world.now(), &mut on);
        }
    }
}

fn ids(fleet: &Sessions) -> Vec<Id> {
    // Ids are handed out in order; a second fleet hands out the same.
    let mut twin = Sessions::new(16);
    (0..fleet.len()).map(|_| twin.add()).collect()
}

#[test]
fn every_session_publishes_and_receives_whatever_the_pieces() {
    for (piece, gulp) in [(usize::MAX, usize::MAX), (1, 3), (7, 7)] {
        let world = World::new(piece, gulp);
        let mut fleet = Sessions::new(1_024);
        for number in 0..20 {
            let id = fleet.add();
            fleet.connect(id, world.open(), &options(&format!("s{number}")), world.now()).unwrap();
        }
        let mut got = vec![Vec::new(); 20];
        settle(&mut fleet, &world, |id, happening, client| match happening {
            Happening::Event(Event::Connected(_)) => {
                let mut all = Subscription::new(Filter::new("all").unwrap());
                all.options.maximum_qos = QoS::ExactlyOnce;
                client.subscribe(&[all], Properties::EMPTY).unwrap();
            }
            Happening::Event(Event::Message(message)) => got[id.index()].push(message.payload[0]),
            Happening::Event(_) => {}
            other => panic!("{id:?}: {other:?}"),
        });
        for (number, qos) in [(0, QoS::AtMostOnce), (7, QoS::AtLeastOnce), (19, QoS::ExactlyOnce)] {
            let payload = [number];
            let mut publication = Publication::new(Topic::new("all").unwrap(), &payload);
            publication.qos = qos;
            let id = ids(&fleet)[usize::from(number)];
            fleet.with(id, world.now(), |client| client.publish(&publication).unwrap(), |_, _, _| {}).unwrap();
        }
        settle(&mut fleet, &world, |id, happening, _| match happening {
            Happening::Event(Event::Message(message)) => got[id.index()].push(message.payload[0]),
            Happening::Event(_) => {}
            other => panic!("{id:?}: {other:?}"),
        });
        for got in &mut got {
            got.sort_unstable();
            assert_eq!(*got, [0, 7, 19], "in pieces of {piece}");
        }
        world.assert_kept();
    }
}

#[test]
fn an_idle_session_is_its_client_and_nothing_else() {
    let world = World::new(usize::MAX, usize::MAX);
    let mut fleet = Sessions::new(1_024);
    fleet.reserve(100);
    for number in 0..100 {
        let id = fleet.add();
        fleet.connect(id, world.open(), &options(&format!("s{number}")), world.now()).unwrap();
    }
    settle(&mut fleet, &world, |_, _, _| {});
    let least = size_of::<Client<Inline<8, 1024>>>();
    let each = fleet.bytes() / 100;
    assert!(each < least + 160, "{each} bytes a session, of which its client takes {least}");
    // A packet that has begun takes memory until it is whole.
    world.broker.borrow_mut().send_raw(0, b"\x30\x09\x00\x03a");
    settle(&mut fleet, &world, |_, _, _| {});
    let begun = fleet.bytes();
    world.broker.borrow_mut().send_raw(0, b"ll\x00hey");
    let mut payload = Vec::new();
    settle(&mut fleet, &world, |_, happening, _| {
        if let Happening::Event(Event::Message(message)) = happening {
            payload = message.payload.to_vec();
        }
    });
    assert_eq!(payload, b"hey");
    assert!(fleet.bytes() < begun);
}

#[test]
fn a_silent_server_is_noticed_by_the_sessions_it_concerns() {
    let world = World::new(usize::MAX, usize::MAX);
    let mut fleet = Sessions::new(1_024);
    let mut closed = Vec::new();
    for number in 0..10 {
        let id = fleet.add();
        fleet.connect(id, world.open(), &options(&format!("s{number}")), world.now()).unwrap();
    }
    settle(&mut fleet, &world, |_, _, _| {});
    let all = ids(&fleet);
    for _ in 0..200 {
        world.now.set(world.now.get() + 1_000);
        fleet.tick(world.now(), |id, happening, _| {
            if let Happening::Closed(Closed::Fault(_)) = happening {
                closed.push(id);
            }
        });
        // The server answers all but the last one.
        for id in &all[..9] {
            fleet.readable(*id, world.now(), |_, _, _| {});
        }
    }
    assert_eq!(closed, [all[9]]);
    assert_eq!(fleet.next_tick().map(|due| due > world.now()), Some(true));
    world.assert_kept();
}

#[test]
fn a_goodbye_is_written_and_a_session_is_resumed() {
    let world = World::new(3, 5);
    let mut fleet = Sessions::new(1_024);
    let id = fleet.add();
    let mut connect = options("back");
    for turn in 0..3 {
        fleet.connect(id, world.open(), &connect, world.now()).unwrap();
        (connect.packet.clean_start, connect.prior) = (false, Some(Prior::None));
        let (mut resumed, mut ended) = (None, false);
        settle(&mut fleet, &world, |_, happening, client| match happening {
            Happening::Event(Event::Connected(connected)) => {
                resumed = Some(connected.resumed);
                client.disconnect(Ending::AfterQueued).unwrap();
            }
            Happening::Closed(Closed::Ended) => ended = true,
            other => panic!("{other:?}"),
        });
        assert_eq!((resumed, ended), (Some(turn > 0), true));
        assert!(fleet.link(id).is_none());
    }
    world.assert_kept();
}

/// A stream that takes nothing while it is full, and counts how often it was asked.
struct Full {
    received: Vec<u8>,
    full: Rc<Cell<bool>>,
    asked: Rc<Cell<usize>>,
    sent: Rc<RefCell<Vec<u8>>>,
}

impl Read for Full {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.received.len().min(to.len());
        if n == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        to[..n].copy_from_slice(&self.received[..n]);
        self.received.drain(..n);
        Ok(n)
    }
}

impl Write for Full {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.asked.set(self.asked.get() + 1);
        assert!(self.asked.get() < 1_000, "a busy loop");
        if self.full.get() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.sent.borrow_mut().extend(from);
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stream_that_takes_nothing_holds_up_its_own_session_only_and_loses_nothing() {
    let (full, asked, sent) =
        (Rc::new(Cell::new(false)), Rc::<Cell<usize>>::default(), Rc::<RefCell<Vec<u8>>>::default());
    let mut fleet = Fleet::<Full, 8, 1024>::new(64);
    let id = fleet.add();
    let link = Full { received: Vec::new(), full: Rc::clone(&full), asked, sent: Rc::clone(&sent) };
    fleet.connect(id, link, &options("s"), Instant::default()).unwrap();
    let now = Instant::from_millis(1);
    let mut got = 0;
    fleet.writable(id, now, |_, _, _| {});
    fleet.link(id).unwrap().received.extend(b"\x20\x03\x00\x00\x00");
    fleet.readable(id, now, |_, _, _| {});
    full.set(true);
    let publication = Publication::new(Topic::new("a").unwrap(), b"waits");
    fleet.with(id, now, |client| client.publish(&publication).unwrap(), |_, _, _| {}).unwrap();
    // Thirty messages, far more than the buffer holds, and no answer goes out.
    for number in 1..=30 {
        fleet.link(id).unwrap().received.extend([0x32, 6, 0, 1, b'a', 0, number, 0]);
    }
    let mut on = |_: Id, happening: Happening<'_>, _: &mut Client<Inline<8, 1024>>| match happening {
        Happening::Event(Event::Message(_)) => got += 1,
        Happening::Event(_) => {}
        other => panic!("{other:?}"),
    };
    fleet.readable(id, now, &mut on);
    full.set(false);
    for _ in 0..40 {
        fleet.writable(id, now, &mut on);
    }
    assert_eq!(got, 30);
    let acknowledged = sent.borrow().windows(4).filter(|bytes| bytes[..3] == [0x40, 2, 0]).count();
    assert_eq!(acknowledged, 30);
}

#[test]
fn a_session_that_reconnects_again_and_again_takes_no_more_memory() {
    let world = World::new(usize::MAX, usize::MAX);
    let mut fleet = Sessions::new(1_024);
    let id = fleet.add();
    let mut bytes = Vec::new();
    for turn in 0..300 {
        world.now.set(turn * 1_000);
        fleet.connect(id, world.open(), &options("s"), world.now()).unwrap();
        fleet.writable(id, world.now(), |_, _, _| {});
        fleet.readable(id, world.now(), |_, _, _| {});
        fleet.with(id, world.now(), |client| client.disconnect(Ending::AtOnce).unwrap(), |_, _, _| {}).unwrap();
        fleet.tick(world.now(), |_, _, _| {});
        bytes.push(fleet.bytes());
    }
    assert!(bytes[299] <= bytes[100], "{} then {}", bytes[100], bytes[299]);
}
