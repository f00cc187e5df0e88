//! Arbitrary calls and arbitrary bytes of the server, in any order: nothing panics, every invariant holds, and what is written
//! is what a client may write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use core::num::{NonZeroU16, NonZeroU32};

use common::*;
use mqtt5_codec::{
    Decoded, Decoder, Delivery, Filter, Packet, PacketId, Properties, Property, QoS, ReasonCode, Sender, TopicAlias,
};
use mqtt5_session::{Acknowledge, Boxed, Client, Connect, Ending, Inbox, Input, Instant, Message, Prior, Transmit};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Connect { clean: bool, empty: bool, manual: bool, lasting: bool, aliases: u16, method: bool, other: bool },
    Publish { qos: u8, hold: bool, retain: bool, name: u8, len: usize, alias: u16 },
    Subscribe(u8),
    Unsubscribe,
    Acknowledge(u16, u8),
    Ping,
    Auth(bool),
    Disconnect(bool, bool),
    Close,
    Write(usize),
    WriteAll,
    Packet(Vec<u8>),
    Read,
    Handled,
    Pass(u64),
    Lost,
}

fn op() -> impl Strategy<Value = Op> {
    let flag = any::<bool>;
    prop_oneof![
        3 => (flag(), flag(), flag(), flag(), 0..3u16, prop::bool::weighted(0.2), prop::bool::weighted(0.1)).prop_map(
            |(clean, empty, manual, lasting, aliases, method, other)| Op::Connect { clean, empty, manual, lasting, aliases, method, other }
        ),
        10 => (0..3u8, flag(), prop::bool::weighted(0.2), 0..3u8, 0..60usize, prop_oneof![9 => Just(0u16), 1 => 1..3u16])
            .prop_map(|(qos, hold, retain, name, len, alias)| Op::Publish { qos, hold, retain, name, len, alias }),
        2 => (0..4u8).prop_map(Op::Subscribe),
        1 => Just(Op::Unsubscribe),
        6 => (1..5u16, prop_oneof![Just(0u8), Just(0x10), Just(0x80), Just(0x92)]).prop_map(|(id, r)| Op::Acknowledge(id, r)),
        1 => Just(Op::Ping),
        1 => flag().prop_map(Op::Auth),
        1 => (flag(), flag()).prop_map(|(once, properties)| Op::Disconnect(once, properties)),
        1 => Just(Op::Close),
        6 => (1..20usize).prop_map(Op::Write),
        6 => Just(Op::WriteAll),
        25 => packet().prop_map(Op::Packet),
        20 => Just(Op::Read),
        3 => Just(Op::Handled),
        2 => prop_oneof![0..500u64, 0..40_000u64].prop_map(Op::Pass),
        3 => Just(Op::Lost),
    ]
}

/// What a server may send, and now and then what it may not.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let id = 1..6u8;
    let reason = prop_oneof![Just(0u8), Just(0x10), Just(0x80), Just(0x92)];
    prop_oneof![
        6 => (any::<bool>(), prop_oneof![8 => Just(0u8), 1 => Just(0x87)], prop::collection::vec(0..8u8, 0..3))
            .prop_map(|(present, reason, limits)| connack(present, reason, limits)),
        10 => (id.clone(), prop_oneof![Just(0x40u8), Just(0x50), Just(0x62), Just(0x70)]).prop_map(|(id, k)| vec![k, 2, 0, id]),
        4 => (id.clone(), prop_oneof![Just(0x40u8), Just(0x50), Just(0x62), Just(0x70)], reason)
            .prop_map(|(id, k, r)| vec![k, 3, 0, id, r]),
        8 => (id.clone(), 1..3u8, any::<bool>()).prop_map(|(id, q, dup)| vec![0x30 | q << 1 | u8::from(dup) << 3, 6, 0, 1, b't', 0, id, 0]),
        1 => Just(vec![0x30, 4, 0, 1, b't', 0]),
        1 => (1..4u8).prop_map(|a| vec![0x30, 7, 0, 1, b'a', 3, 0x23, 0, a]),
        1 => (1..4u8).prop_map(|a| vec![0x30, 6, 0, 0, 3, 0x23, 0, a]),
        3 => (id.clone(), prop_oneof![Just(0x90u8), Just(0xB0)]).prop_map(|(id, k)| vec![k, 4, 0, id, 0, 0]),
        1 => (id, 1..3u8).prop_map(|(id, n)| [vec![0x90, 3 + n, 0, id, 0], vec![0; n.into()]].concat()),
        2 => Just(vec![0xD0, 0]),
        1 => Just(vec![0xE0, 0]),
        1 => prop_oneof![Just(0u8), Just(0x18)].prop_map(|r| vec![0xF0, 6, r, 4, 0x15, 0, 1, b'm']),
        1 => prop::collection::vec(any::<u8>(), 1..12),
    ]
}

fn connack(present: bool, reason: u8, limits: Vec<u8>) -> Vec<u8> {
    let mut properties = Vec::new();
    let mut seen = Vec::new();
    for limit in limits {
        if !seen.contains(&limit) {
            seen.push(limit);
            properties.extend(match limit {
                0 => vec![0x21, 0, 1],
                1 => vec![0x21 + 1, 0, 1],
                2 => vec![0x24, 1],
                3 => vec![0x25, 0],
                4 => vec![0x27, 0, 0, 0, 30],
                5 => vec![0x13, 0, 9],
                6 => vec![0x15, 0, 1, b'm'],
                _ => vec![0x11, 0, 0, 0, 20],
            });
        }
    }
    let mut packet =
        vec![0x20, 3 + properties.len() as u8, u8::from(present && reason == 0), reason, properties.len() as u8];
    packet.extend(properties);
    packet
}

/// A client, and what its peer sees of it.
struct World {
    client: Client<Boxed>,
    inbox: Inbox<'static>,
    now: u64,
    /// What has been written on this connection.
    written: Vec<u8>,
    delivered: Vec<u16>,
}

impl World {
    fn new(flights: usize, bytes: usize) -> Self {
        Self {
            client: Client::new(Boxed::new(flights, bytes)),
            inbox: Inbox::growing(16, 256).with_aliases(vec![0; 8].leak(), 2),
            now: 1,
            written: Vec::new(),
            delivered: Vec::new(),
        }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    fn write(&mut self, most: usize) -> bool {
        let now = self.now();
        let Some(Transmit::Bytes(lent)) = self.client.poll_transmit(now) else { return false };
        assert!(!lent.is_empty(), "nothing is not lent");
        let n = lent.len().min(most);
        self.written.extend_from_slice(&lent[..n]);
        self.client.transmitted(n, now);
        true
    }

    /// A refused call has changed nothing.
    fn refuses<T, E>(&mut self, call: impl FnOnce(&mut Client<Boxed>, Instant) -> Result<T, E>) {
        let now = self.now();
        let before = self.client.figures(now);
        if call(&mut self.client, now).is_err() {
            assert_eq!(self.client.figures(now), before);
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Connect { clean, empty, manual, lasting, aliases, method, other } => {
                let mut properties = vec![
                    Property::TopicAliasMaximum(2),
                    Property::ReceiveMaximum(NonZeroU16::new(3).unwrap()),
                    Property::MaximumPacketSize(NonZeroU32::new(200).unwrap()),
                ];
                properties.extend(lasting.then_some(Property::SessionExpiryInterval(30)));
                properties.extend(method.then_some(Property::AuthenticationMethod(text("m"))));
                let mut connect = Connect::new(text(if *other { "d" } else { "c" }));
                connect.packet.clean_start = *clean;
                connect.packet.keep_alive = 10;
                connect.packet.properties = Properties::from(&properties[..]);
                connect.prior = if *empty { Prior::Empty } else { Prior::None };
                connect.acknowledge = if *manual { Acknowledge::Manual } else { Acknowledge::Automatic };
                connect = connect.with_topic_aliases(*aliases);
                self.refuses(|client, now| client.connect(&connect, now));
            }
            Op::Publish { qos, hold, retain, name, len, alias } => {
                let payload = vec![b'x'; *len];
                let properties = TopicAlias::new(*alias).map(Property::TopicAlias);
                let mut message = Message::new(topic(["t", "u/v", "w"][usize::from(*name)]), &payload);
                message.qos = QoS::from_u8(*qos).unwrap();
                message.hold = *hold;
                message.retain = *retain;
                message.properties = Properties::from(properties.as_slice());
                self.refuses(|client, now| client.publish(&message, now));
            }
            Op::Subscribe(n) => {
                let filters = [subscription("a"), subscription("b/#")];
                let filters = &filters[..usize::from(*n).min(2)];
                self.refuses(|client, now| client.subscribe(filters, Properties::EMPTY, now));
            }
            Op::Unsubscribe => {
                let filters = [Filter::new("a").unwrap()];
                self.refuses(|client, now| client.unsubscribe(&filters, Properties::EMPTY, now));
            }
            Op::Acknowledge(id, reason) => {
                let (id, reason) = (PacketId::new(*id).unwrap(), ReasonCode::from_u8(*reason).unwrap());
                self.refuses(|client, _| client.acknowledge(id, reason));
            }
            Op::Ping => self.refuses(|client, now| client.ping(now)),
            Op::Auth(again) => {
                let reason = if *again { ReasonCode::RE_AUTHENTICATE } else { ReasonCode::CONTINUE_AUTHENTICATION };
                let properties = [Property::AuthenticationMethod(text("m"))];
                self.refuses(|client, now| client.auth(reason, Properties::from(&properties), now));
            }
            Op::Disconnect(once, properties) => {
                let list = [Property::SessionExpiryInterval(5)];
                let properties = if *properties { Properties::from(&list) } else { Properties::EMPTY };
                let ending = if *once { Ending::AtOnce } else { Ending::AfterQueued };
                self.refuses(|client, now| client.disconnect(ReasonCode::SUCCESS, properties, ending, now));
            }
            Op::Close => self.close(),
            Op::Write(n) => drop(self.write(*n)),
            Op::WriteAll => while self.write(usize::MAX) {},
            Op::Packet(packet) => {
                let spare = self.inbox.spare();
                let n = spare.len().min(packet.len());
                if n == packet.len() {
                    spare[..n].copy_from_slice(packet);
                    self.inbox.filled(n);
                }
            }
            Op::Read => self.read(),
            Op::Handled => self.client.handled(),
            Op::Pass(millis) => {
                self.now += millis;
                let now = self.now();
                if self.client.handle_timeout(now).is_err() {
                    assert!(self.client.is_closed());
                }
            }
            Op::Lost => {
                let before = self.client.figures(self.now()).lost;
                assert_eq!(self.client.poll_lost().is_some(), before > 0);
            }
        }
    }

    fn read(&mut self) {
        let now = self.now();
        match self.client.handle_input(&mut self.inbox, now) {
            Ok(Input::Blocked) => assert!(self.client.poll_transmit(now).is_some(), "blocked with nothing to transmit"),
            Ok(Input::Event(mqtt5_session::Event::Message(message))) => {
                if let Delivery::ExactlyOnce { id, .. } = message.delivery {
                    self.delivered.push(id.get());
                }
            }
            Ok(_) => {}
            Err(fault) => {
                assert_eq!(self.client.fault(), Some(fault));
                while self.write(usize::MAX) {}
                assert!(self.client.is_closed(), "what is left can be written");
            }
        }
    }

    fn close(&mut self) {
        self.client.handle_close(self.now());
        assert!(self.client.is_closed());
        self.inbox.clear();
        self.judge();
        self.written.clear();
    }

    /// What was written is what a client may write: whole packets, CONNECT first and once, nothing after DISCONNECT.
    fn judge(&self) {
        let decoder = Decoder::new(Sender::Client);
        let mut rest = &self.written[..];
        let mut last = false;
        let mut first = true;
        while let Ok(Decoded::Packet { used, packet }) = decoder.decode(rest) {
            assert_eq!(matches!(packet, Packet::Connect(_)), first, "CONNECT is the first packet, once");
            assert!(!last, "nothing after DISCONNECT");
            last = matches!(packet, Packet::Disconnect(_));
            first = false;
            rest = &rest[used..];
        }
        assert!(matches!(decoder.decode(rest), Ok(Decoded::Partial { .. })), "{}", hex(rest));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_calls_and_any_bytes_break_no_invariant(
        flights in 1..5usize,
        bytes in 128..700usize,
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut world = World::new(flights, bytes);
        for op in &ops {
            world.apply(op);
            prop_assert_eq!(world.client.check(), Ok(()), "after {:?}: {:?}", op, world.client);
        }
        world.judge();
        // Whatever happened, the connection can be ended, and with a clean start all memory comes back.
        world.close();
        let now = world.now();
        let mut connect = Connect::new(text("z"));
        connect.packet.keep_alive = 0;
        if world.client.connect(&connect, now).is_ok() {
            while world.write(usize::MAX) {}
            world.close();
            prop_assert_eq!(world.client.check(), Ok(()));
        }
        while world.client.poll_lost().is_some() {}
    }
}
