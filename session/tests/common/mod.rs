//! A host for tests: it feeds bytes in pieces, writes in pieces, keeps all that is written, and says events in a line each.
#![allow(dead_code, reason = "each test program uses its part")]

use mqtt5_codec::{Filter, Properties, Property, QoS, ReasonCode, Subscription, SubscriptionOptions, Text, Topic};
use mqtt5_session::{
    Boxed, Client, ConnectOptions, Event, Fault, Inbox, Input, Instant, Memory, Prior, Publication, Refused, Transmit,
};

/// Bytes of hexadecimal digits; spaces don't count.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Hexadecimal digits of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

pub(crate) fn text(text: &str) -> Text<'_> {
    Text::new(text).unwrap()
}

pub(crate) fn topic(name: &str) -> Topic<'_> {
    Topic::new(name).unwrap()
}

pub(crate) fn subscription(filter: &str) -> Subscription<'_> {
    Subscription { filter: Filter::new(filter).unwrap(), options: SubscriptionOptions::default() }
}

pub(crate) fn message<'a>(name: &'a str, payload: &'a str, qos: u8) -> Publication<'a> {
    let mut message = Publication::new(topic(name), payload.as_bytes());
    message.qos = QoS::from_u8(qos).unwrap();
    message
}

/// CONNECT of client `c` with Clean Start 0, a session expiry of 100 seconds and no keep-alive.
pub(crate) const LASTING: &[Property<'static>] = &[Property::SessionExpiryInterval(100)];

pub(crate) fn lasting() -> ConnectOptions<'static> {
    let mut connect = ConnectOptions::resume(text("c"), Prior::None);
    connect.packet.keep_alive = 0;
    connect.packet.properties = Properties::from(LASTING);
    connect
}

pub(crate) fn say(event: &Event<'_>) -> String {
    match event {
        Event::Connected(c) => format!("connected resumed={} lost={}", c.resumed, c.lost),
        Event::Rejected(c) => format!("rejected {:02x}", c.reason.value()),
        Event::Message(m) => {
            let id = m.delivery.id().map_or(String::new(), |id| format!(" id={}", id.get()));
            let payload = String::from_utf8_lossy(m.payload);
            format!("message {} q{}{id} {payload}", m.topic.as_str(), m.delivery.qos() as u8)
        }
        Event::Published(ack) => format!("published {} {:02x}", ack.id.get(), ack.reason.value()),
        Event::PublishReceived(ack) => format!("publish received {} {:02x}", ack.id.get(), ack.reason.value()),
        Event::Unconfirmed(ack) => format!("unconfirmed {} {:02x}", ack.id.get(), ack.reason.value()),
        Event::Subscribed(ack) => format!("subscribed {} {:02x?}", ack.id.get(), values(ack.reasons.iter())),
        Event::Unsubscribed(ack) => format!("unsubscribed {} {:02x?}", ack.id.get(), values(ack.reasons.iter())),
        Event::Auth(auth) => format!("auth {:02x}", auth.reason.value()),
        Event::Pong => "pong".into(),
        Event::Disconnected(packet) => format!("disconnected {:02x}", packet.reason.value()),
        Event::SessionExpired { lost } => format!("session expired lost={lost}"),
        other => format!("{other:?}"),
    }
}

fn values(reasons: impl Iterator<Item = ReasonCode>) -> Vec<u8> {
    reasons.map(ReasonCode::value).collect()
}

pub(crate) fn say_fault(fault: Fault) -> String {
    format!("fault {:02x} {}", fault.reason.value(), fault.rule.id())
}

pub(crate) struct Host<M = Boxed> {
    pub(crate) client: Client<M>,
    pub(crate) inbox: Inbox<'static>,
    pub(crate) now: u64,
    /// How many bytes are read and written at a time.
    pub(crate) piece: usize,
    /// How many bytes are copied out at a time; with 0 packets are lent.
    pub(crate) room: usize,
    copied: Vec<u8>,
    out: Vec<u8>,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::with(Boxed::new(8, 4096))
    }

    /// Connected without a session expiry and without a keep-alive, by a plain CONNACK.
    pub(crate) fn connected() -> Self {
        Self::accepted("20 03 00 00 00")
    }

    /// Connected with this CONNACK; CONNECT asks for a lasting session.
    pub(crate) fn accepted(connack: &str) -> Self {
        let mut host = Self::new();
        host.open(&lasting(), connack);
        host
    }
}

impl<M: Memory> Host<M> {
    pub(crate) fn with(memory: M) -> Self {
        Self {
            client: Client::new(memory),
            inbox: Inbox::growing(64, 1 << 20),
            now: 1_000,
            piece: usize::MAX,
            room: 0,
            copied: Vec::new(),
            out: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    pub(crate) fn connect(&mut self, connect: &ConnectOptions<'_>) -> Result<(), Refused> {
        let now = self.now();
        self.client.connect(connect, &mut self.inbox, now)
    }

    /// Connects, and hands in the CONNACK; returns what comes of it.
    pub(crate) fn open(&mut self, connect: &ConnectOptions<'_>, connack: &str) -> Vec<String> {
        self.connect(connect).unwrap();
        self.sent();
        self.feed(connack)
    }

    /// Reconnects as [`lasting`], and hands in the CONNACK.
    pub(crate) fn again(&mut self, connack: &str) -> Vec<String> {
        self.client.handle_close(self.now());
        self.copied.clear();
        self.open(&lasting(), connack)
    }

    /// Writes `n` bytes at most, of one piece that is lent.
    pub(crate) fn write(&mut self, n: usize) -> usize {
        let now = self.now();
        if self.room != 0 {
            if self.copied.is_empty() {
                self.copy(self.room);
            }
            let n = n.min(self.copied.len()).min(self.piece);
            self.out.extend(self.copied.drain(..n));
            self.client.transmitted(n, now);
            return n;
        }
        let Some(Transmit::Bytes(lent)) = self.client.poll_transmit() else { return 0 };
        assert!(!lent.is_empty());
        let n = n.min(lent.len()).min(self.piece);
        self.out.extend_from_slice(&lent[..n]);
        self.client.transmitted(n, now);
        n
    }

    /// Copies out what fits into so many bytes, and says what that is. It is written when `room` is not 0.
    pub(crate) fn copy(&mut self, room: usize) -> String {
        let mut out = vec![0; room];
        let n = self.client.transmit_into(&mut out);
        self.copied.extend_from_slice(&out[..n]);
        hex(&out[..n])
    }

    /// Writes all there is, and returns what has been written since this was last asked.
    pub(crate) fn sent(&mut self) -> String {
        while self.write(usize::MAX) > 0 {}
        hex(&core::mem::take(&mut self.out))
    }

    /// Reads these bytes in pieces, and says what comes of them. Blocked, it writes.
    pub(crate) fn feed(&mut self, input: &str) -> Vec<String> {
        let input = bytes(input);
        let mut events = Vec::new();
        self.drain(&mut events);
        let mut rest = &input[..];
        while !rest.is_empty() {
            let spare = self.inbox.spare();
            let n = spare.len().min(rest.len()).min(self.piece);
            assert!(n > 0, "a full inbox");
            spare[..n].copy_from_slice(&rest[..n]);
            self.inbox.filled(n);
            rest = &rest[n..];
            if !self.drain(&mut events) {
                break;
            }
        }
        events
    }

    /// As [`feed`](Self::feed), for what gives one event or none.
    pub(crate) fn feed_one(&mut self, input: &str) -> String {
        let events = self.feed(input);
        assert!(events.len() <= 1, "{events:?}");
        events.concat()
    }

    fn drain(&mut self, events: &mut Vec<String>) -> bool {
        loop {
            let now = self.now();
            match self.client.handle_input(&mut self.inbox, now) {
                Ok(Input::Event(event)) => events.push(say(&event)),
                Ok(Input::Partial { .. }) => return true,
                Ok(Input::Blocked) => assert!(self.write(usize::MAX) > 0, "blocked with nothing to write"),
                Ok(other) => panic!("{other:?}"),
                Err(fault) => {
                    events.push(say_fault(fault));
                    return false;
                }
            }
        }
    }

    pub(crate) fn publish(&mut self, message: &Publication<'_>) -> Result<Option<u16>, Refused> {
        self.client.publish(message).map(|id| id.map(|id| id.get()))
    }

    pub(crate) fn subscribe(&mut self, filter: &str) -> Result<u16, Refused> {
        self.client.subscribe(&[subscription(filter)], Properties::EMPTY).map(|id| id.get())
    }

    pub(crate) fn lost(&mut self) -> Vec<u16> {
        core::iter::from_fn(|| self.client.poll_lost()).map(|id| id.get()).collect()
    }

    /// Lets time pass until `millis`, and does what is due on the way; says what comes of it.
    pub(crate) fn pass(&mut self, millis: u64) -> Vec<String> {
        let end = self.now + millis;
        let mut events = Vec::new();
        while let Some(at) = self.client.poll_timeout().map(Instant::as_millis).filter(|&at| at <= end) {
            self.now = self.now.max(at);
            match self.client.handle_timeout(self.now()) {
                Ok(event) => events.extend(event.iter().map(say)),
                Err(fault) => events.push(say_fault(fault)),
            }
            while self.write(usize::MAX) > 0 {}
        }
        self.now = end;
        events
    }
}
