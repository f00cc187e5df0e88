//! The state that a search begins with.

use mqtt5_codec::{Decoded, Decoder, Filter, Properties, QoS, Sender, Subscription, SubscriptionOptions};
use mqtt5_session::Client;

use super::state::{Bounds, Memory, State, Step};
use crate::broker::{Broker, Buffer};

impl State {
    /// The first state: the client has a session and a subscription, and is not connected; its messages wait for it.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let mut broker = Broker::new();
        broker.journal = Some(Vec::new());
        broker.limits.receive_maximum = bounds.receive_maximum;
        let mut state = Self {
            bounds,
            client: Client::new(Memory::new()),
            broker,
            link: None,
            begun: 0,
            doomed: false,
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
        state.broker.lapse = bounds.lapse;
        state
    }

    fn prepare(&mut self) {
        self.take(Step::Connect);
        self.flow();
        let Ok(filter) = Filter::new("s") else { return };
        let subscription = Subscription { filter, options: SubscriptionOptions::default() };
        let _ = self.client.subscribe(&[subscription], Properties::EMPTY);
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

    /// Everything that is under way arrives, until nothing is.
    fn flow(&mut self) {
        while let Some(step) = self.flow_steps().first() {
            self.take(*step);
        }
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
}
