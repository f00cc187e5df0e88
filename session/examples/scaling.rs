//! What an exchange costs with many others in flight: instructions a message, to be counted by callgrind.
//!
//! ```text
//! cargo build --release -p mqtt5-session --features alloc --example scaling
//! for n in 1 100 10000 65535; do valgrind --tool=callgrind --callgrind-out-file=/dev/null \
//!     --toggle-collect='*counted*' target/release/examples/scaling out 1 $n random 2>&1 | grep Collected; done
//! ```
//!
//! Arguments: `out` or `in` (who publishes), the QoS, how many are in flight, `ordered` or `random` (how they are answered).
//! It exchanges 20,000 messages of 32 bytes while that many are in flight; divide what is collected by them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a measurement")]

use mqtt5_codec::{PacketId, Properties, Property, QoS, ReasonCode, Text, Topic};
use mqtt5_session::{Acknowledge, Boxed, Client, ConnectOptions, Event, Inbox, Input, Instant, Publication, Transmit};

const MESSAGES: u32 = 20_000;

struct Bench {
    client: Client<Boxed>,
    inbox: Inbox<'static>,
    qos: u8,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, side, qos, flights, order] = &arguments[..] else { panic!("out|in QOS IN_FLIGHT ordered|random") };
    let (qos, flights): (u8, u16) = (qos.parse().unwrap(), flights.parse().unwrap());
    let mut bench = Bench::connected(qos, flights, side == "in");
    let mut seed = 7u32;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % below
    };
    let mut ids = std::collections::VecDeque::new();
    for id in 1..=flights {
        ids.push_back(if side == "in" { bench.arrive(id) } else { bench.publish() });
    }
    if side == "in" && qos == 1 && order == "random" {
        // Answers go out in the order of arrival, so one is no use before those before it: all are given, in any order.
        let rounds = (MESSAGES / u32::from(flights)).max(1);
        (0..rounds).for_each(|_| bench.answer_all(&mut ids, &mut next));
        assert_eq!(bench.client.check(), Ok(()));
        println!("{} messages, {} in flight", rounds * u32::from(flights), ids.len());
        return;
    }
    for _ in 0..MESSAGES {
        let at = if order == "random" { next(ids.len()) } else { 0 };
        let id = ids.swap_remove_front(at).unwrap();
        ids.push_back(if side == "in" { bench.counted_in(id) } else { bench.counted_out(id) });
    }
    assert_eq!(bench.client.check(), Ok(()));
    println!("{MESSAGES} messages, {} in flight", ids.len());
}

impl Bench {
    fn connected(qos: u8, flights: u16, inbound: bool) -> Self {
        let mut bench = Self {
            client: Client::new(Boxed::new(flights.into(), usize::from(flights) * 128 + 1_024)),
            inbox: Inbox::growing(4_096, 4_096),
            qos,
        };
        let properties = [Property::SessionExpiryInterval(10)];
        let mut connect = ConnectOptions::new(Text::new("c").unwrap());
        connect.packet.properties = Properties::from(&properties);
        connect.acknowledge = if inbound && qos == 1 { Acknowledge::Manual } else { Acknowledge::Automatic };
        bench.client.connect(&connect, &mut bench.inbox, now()).unwrap();
        bench.write();
        bench.read(&[0x20, 3, 0, 0, 0]);
        bench
    }

    #[inline(never)]
    fn counted_out(&mut self, id: u16) -> u16 {
        let [high, low] = id.to_be_bytes();
        if self.qos == 1 {
            self.read(&[0x40, 2, high, low]);
        } else {
            self.read(&[0x50, 2, high, low]);
            self.write();
            self.read(&[0x70, 2, high, low]);
        }
        self.publish()
    }

    /// The answer to a message of the server, and the message that it sends then, with the same identifier.
    #[inline(never)]
    fn counted_in(&mut self, id: u16) -> u16 {
        let [high, low] = id.to_be_bytes();
        if self.qos == 1 {
            self.client.acknowledge(PacketId::new(id).unwrap(), ReasonCode::SUCCESS).unwrap();
            self.write();
            // Answers go out in the order of arrival: what is new now is whichever was answered by it.
            if self.client.figures(now()).unacknowledged == u16::MAX {
                return id;
            }
        } else {
            self.read(&[0x62, 2, high, low]);
            self.write();
        }
        self.arrive(id)
    }

    /// Answers all messages in an order of `next`'s. Each that is answered on the wire gives way to a new one.
    fn answer_all(&mut self, ids: &mut std::collections::VecDeque<u16>, next: &mut impl FnMut(usize) -> usize) {
        let mut order: Vec<u16> = ids.iter().copied().collect();
        (1..order.len()).rev().for_each(|last| order.swap(last, next(last + 1)));
        let mut answered = vec![false; 1 << 16];
        for id in order {
            self.counted_answer(id);
            answered[usize::from(id)] = true;
            while let Some(&first) = ids.front().filter(|first| answered[usize::from(**first)]) {
                answered[usize::from(first)] = false;
                ids.pop_front();
                ids.push_back(self.counted_arrival(first));
            }
        }
    }

    #[inline(never)]
    fn counted_answer(&mut self, id: u16) {
        self.client.acknowledge(PacketId::new(id).unwrap(), ReasonCode::SUCCESS).unwrap();
        self.write();
    }

    #[inline(never)]
    fn counted_arrival(&mut self, id: u16) -> u16 {
        self.arrive(id)
    }

    fn arrive(&mut self, id: u16) -> u16 {
        let [high, low] = id.to_be_bytes();
        let mut packet = [b'x'; 46];
        packet[..10].copy_from_slice(&[0x30 | self.qos << 1, 44, 0, 1, b't', high, low, 0, b'x', b'x']);
        self.read(&packet);
        self.client.handled();
        self.write();
        id
    }

    fn publish(&mut self) -> u16 {
        let mut message = Publication::new(Topic::new("t").unwrap(), &[b'x'; 32]);
        message.qos = QoS::from_u8(self.qos).unwrap();
        let id = self.client.publish(&message).unwrap().unwrap().get();
        self.write();
        id
    }

    fn write(&mut self) {
        while let Some(Transmit::Bytes(bytes)) = self.client.poll_transmit() {
            let n = bytes.len();
            self.client.transmitted(n, now());
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        self.inbox.spare()[..bytes.len()].copy_from_slice(bytes);
        self.inbox.filled(bytes.len());
        loop {
            match self.client.handle_input(&mut self.inbox, now()) {
                Ok(Input::Event(Event::Rejected(_) | Event::Disconnected(_))) | Err(_) => panic!("the session ended"),
                Ok(Input::Partial { .. }) => return,
                Ok(Input::Blocked) => self.write(),
                Ok(_) => {}
            }
        }
    }
}

fn now() -> Instant {
    Instant::from_millis(1)
}
