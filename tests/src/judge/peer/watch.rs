//! The judge of clients without its sockets: a model broker that is tried on one connection after the other, and takes down each
//! statement that it sees kept or broken.

use std::collections::VecDeque;

use mqtt5_codec::{Decoded, Decoder, Packet, Sender};

use super::trial::{KEEP_ALIVE, Trial, WRONG, limits, trial};
use crate::broker::Broker;
use crate::judge::talk::kind;
use crate::report::{Bytes, Class, Finding, Report};

/// How much later than its keep-alive a client's packet may come, in milliseconds: clocks and schedulers are not exact.
const SLACK: u64 = 250;

/// A broker that watches a client.
#[derive(Debug)]
pub struct Watch {
    pub(super) broker: Broker,
    report: Report,
    pub(super) trial: Trial,
    pub(super) trials: usize,
    /// The one trial of all connections, where there is one.
    only: Option<Trial>,
    link: usize,
    /// What the trial does to the client has been done.
    pub(super) done: bool,
    /// The client has said goodbye.
    left: bool,
    /// The client sent DISCONNECT, with whatever reason.
    parted: bool,
    /// The client broke a statement: what it does after that may be a consequence.
    broke: bool,
    /// When bytes of the client came last.
    heard: u64,
    /// The keep-alive that the client asked for, in seconds, once CONNECT has come.
    asked: Option<u16>,
    /// The last packets, a line each.
    packets: VecDeque<String>,
    /// The broker's own client, which publishes.
    other: usize,
    next: u16,
}

impl Default for Watch {
    fn default() -> Self {
        let mut broker = Broker::new();
        broker.ledger.counting = true;
        // The judge measures for itself, with slack.
        broker.watch_keep_alive = false;
        let other = broker.open(0);
        broker.receive(
            other,
            &[0x10, 19, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 6, b'j', b'u', b'd', b'g', b'e', b'!'],
            0,
        );
        let answer = broker.readable(other).len();
        broker.read(other, answer);
        broker.ledger.forget();
        Self {
            broker,
            report: Report::default(),
            trial: Trial::Open,
            trials: 0,
            only: None,
            link: 0,
            done: false,
            left: false,
            parted: false,
            broke: false,
            heard: 0,
            asked: None,
            packets: VecDeque::new(),
            other,
            next: 0,
        }
    }
}

impl Watch {
    /// A watch of one trial, however often the client connects.
    #[must_use]
    pub fn of(trial: Trial) -> Self {
        Self { only: Some(trial), ..Self::default() }
    }

    /// A client connects.
    pub fn open(&mut self, now: u64) {
        self.trial = self.only.unwrap_or_else(|| trial(self.trials));
        let first = self.trials == 0;
        self.trials += 1;
        self.broker.limits = limits(self.trial);
        self.broker.faults.hold_acknowledgements = self.trial == Trial::Cut && first;
        self.broker.faults.invent_session = self.trial == Trial::Invented;
        self.done = false;
        self.left = false;
        self.parted = false;
        self.asked = None;
        self.heard = now;
        self.link = self.broker.open(now);
    }

    /// The client has sent this.
    pub fn receive(&mut self, bytes: &[u8], now: u64) {
        if self.asked.is_none() {
            self.asked = match Decoder::new(Sender::Client).decode(bytes) {
                Ok(Decoded::Packet { packet: Packet::Connect(connect), .. }) => Some(connect.keep_alive),
                _ => None,
            };
        } else {
            self.measure(now);
        }
        self.heard = now;
        self.left |=
            bytes.first().is_some_and(|first| *first == 0xE0) && bytes.get(2).is_none_or(|reason| *reason < 0x80);
        self.parted |= bytes.first() == Some(&0xE0);
        self.keep("→", bytes);
        if self.done && matches!(self.trial, Trial::Wrong(..) | Trial::Invented) {
            return; // What was under way already.
        }
        self.broker.receive(self.link, bytes, now);
        self.harvest(bytes);
    }

    /// Whether a packet came in time, where the server wants one now and then [MQTT-3.1.2-20].
    fn measure(&mut self, now: u64) {
        if self.trial != Trial::KeepAlive || self.done {
            return;
        }
        let whole = u64::from(KEEP_ALIVE) * 1000;
        let silence = now.saturating_sub(self.heard);
        // Later than this a server ends the connection [MQTT-3.1.2-22].
        let class = if silence > whole * 3 / 2 { Class::Must } else { Class::Should };
        self.on_time(class, silence <= whole + SLACK, silence);
    }

    fn on_time(&mut self, class: Class, kept: bool, silence: u64) {
        // A client whose own keep-alive is shorter does not show whose it goes by.
        let own = self.asked.is_some_and(|asked| asked > 0 && asked < KEEP_ALIVE);
        let overridden = ["MQTT-3.1.2-21", "MQTT-3.2.2-21"];
        let statements = ["MQTT-3.1.2-20"].into_iter().chain(overridden.into_iter().filter(|_| !own));
        let expected = format!("a packet every {KEEP_ALIVE} s, the Server Keep Alive");
        for statement in statements {
            self.found(statement, class, kept, &expected, || format!("{silence} ms of silence"), &[], None);
        }
    }

    fn keep(&mut self, arrow: &str, bytes: &[u8]) {
        const MOST: usize = 6;
        if bytes.is_empty() {
            return;
        }
        if self.packets.len() == MOST {
            self.packets.pop_front();
        }
        self.packets.push_back(format!("{} {arrow} {} {}", self.trials, kind(bytes), crate::report::brief(bytes)));
    }

    #[expect(clippy::too_many_arguments, reason = "what a finding is made of")]
    fn found(
        &mut self,
        statement: &str,
        class: Class,
        kept: bool,
        expected: &str,
        seen: impl FnOnce() -> String,
        bytes: &[u8],
        from_server: Option<&[u8]>,
    ) {
        let (trial, packets) = (self.trial, &self.packets);
        self.report.record(statement, class, kept, || Finding {
            trial: trial.to_string(),
            expected: expected.to_owned(),
            seen: seen(),
            bytes: match from_server {
                Some(bytes) => {
                    let at = Decoder::new(Sender::Server).decode(bytes).err().map(|error| error.at);
                    Some(Bytes { from: "server", bytes: bytes.to_vec(), at })
                }
                None if bytes.is_empty() => None,
                None => {
                    let at = Decoder::new(Sender::Client).decode(bytes).err().map(|error| error.at);
                    Some(Bytes { from: "client", bytes: bytes.to_vec(), at })
                }
            },
            packets: packets.iter().cloned().collect(),
        });
    }

    /// Takes down what the broker found broken; `bytes` are what the client sent last.
    fn harvest(&mut self, bytes: &[u8]) {
        for violation in self.broker.ledger.take() {
            self.broke = true;
            let seen = || violation.what.clone();
            let expected = crate::report::says(violation.statement);
            self.found(violation.statement, Class::Must, false, &expected, seen, bytes, None);
        }
    }

    /// What is to be sent to the client; it counts as read.
    pub fn output(&mut self, now: u64) -> Vec<u8> {
        self.broker.tick(now);
        self.harvest(&[]);
        let bytes = self.broker.readable(self.link).to_vec();
        self.broker.read(self.link, bytes.len());
        self.keep("←", &bytes);
        bytes
    }

    /// Does what the trial is for, once the client is connected and quiet. Returns whether the connection is to be cut.
    pub fn quiet(&mut self, now: u64) -> bool {
        let Some(client) = self.broker.client(self.link).map(str::to_owned) else { return false };
        if self.done {
            // Messages came and went: what the client has under way now is cut off, once.
            return self.trial == Trial::Cut && self.trials == 1 && self.broker.held(self.link) > 0;
        }
        self.done = true;
        match self.trial {
            Trial::Wrong(_, bytes) => {
                self.broker.send_raw(self.link, bytes);
                return false;
            }
            Trial::Invented => return false,
            Trial::KeepAlive => {
                // Whatever else goes over the connection is a packet, too: this one stays silent.
                self.done = false;
                return false;
            }
            _ => {}
        }
        let filters: Vec<_> = self
            .broker
            .session(&client)
            .into_iter()
            .flat_map(|session| session.subscriptions.keys().cloned())
            .collect();
        // Without a subscription there is nothing to send yet.
        self.done = !filters.is_empty();
        for filter in filters {
            let plain =
                filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/')).map_or(&*filter, |(_, rest)| rest);
            let topic = plain.replace(['#', '+'], "x");
            for qos in 0..=2 {
                self.publish(&topic, qos, now);
            }
        }
        false
    }

    /// The broker's own client publishes.
    fn publish(&mut self, topic: &str, qos: u8, now: u64) {
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend_from_slice(topic.as_bytes());
        self.next = self.next % 1000 + 1;
        let id = self.next.to_be_bytes();
        if qos > 0 {
            body.extend_from_slice(&id);
        }
        body.extend_from_slice(&[0, b'{', b'}']);
        if body.len() > 127 {
            return;
        }
        let mut packets = vec![0x30 | qos << 1, body.len() as u8];
        packets.append(&mut body);
        let [high, low] = id;
        let pubrel = [0x62, 2, high, low];
        for packet in [&packets[..], if qos == 2 { &pubrel } else { &[] }] {
            self.broker.receive(self.other, packet, now);
            let answer = self.broker.readable(self.other).len();
            self.broker.read(self.other, answer);
        }
        // What the judge's own client does is nobody's doing.
        self.broker.ledger.take();
    }

    /// Whether the server has closed the connection.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.broker.is_closed(self.link)
    }

    /// The connection is over: the client closed it, or time was up.
    pub fn close(&mut self, by_client: bool, now: u64) {
        match self.trial {
            // A client that was done says goodbye: whether it minded does not show.
            Trial::Wrong(statement, _) if by_client && self.left => {
                self.report.not_seen(statement, "the client said goodbye, and may have been done");
            }
            Trial::Invented if by_client && self.left => {
                self.report.not_seen("MQTT-3.2.2-4", "the client said goodbye, and may have been done");
            }
            Trial::Wrong(statement, bytes) if self.done => {
                let seen = || "the client puts up with it".to_owned();
                self.found(statement, Class::Should, by_client, "the end of the connection", seen, &[], Some(bytes));
            }
            Trial::Invented if self.asked.is_some() => {
                // The next connection would show something else: the client knows of the session now.
                self.done = true;
                let expected = "the end of the connection, since the client has no session";
                let seen = || "the client goes on after Session Present 1".to_owned();
                self.found("MQTT-3.2.2-4", Class::Must, by_client || self.parted, expected, seen, &[], None);
            }
            // The broker's own end of it, as a server does when nothing comes [MQTT-3.1.2-22].
            Trial::KeepAlive if !by_client && !self.left && self.is_closed() => {
                let silence = now.saturating_sub(self.heard);
                self.on_time(Class::Must, false, silence);
            }
            _ if !by_client && self.done => self.broker.settle(self.link),
            _ => {}
        }
        if by_client || (self.trial == Trial::Cut && self.trials == 1) {
            self.broker.doubt(self.link);
        }
        self.harvest(&[]);
        self.broker.close(self.link, now);
        self.harvest(&[]);
    }

    /// Whether the client can show nothing more in this trial.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.broke || (self.done && matches!(self.trial, Trial::Wrong(..) | Trial::Invented))
    }

    /// What was found so far; what was not seen is for whoever puts the trials together.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = self.report.clone();
        for (statement, times) in self.broker.ledger.kept() {
            for _ in 0..(*times).min(1000) {
                report.keeps(statement);
            }
        }
        report
    }
}

/// Statements that the broker sees a client keep or break, besides those of single packets.
const STATEMENTS: &[&str] = &[
    "MQTT-2.2.1-3",
    "MQTT-2.2.1-5",
    "MQTT-3.1.0-1",
    "MQTT-3.1.0-2",
    "MQTT-3.1.2-20",
    "MQTT-3.1.2-21",
    "MQTT-3.1.2-30",
    "MQTT-3.2.2-4",
    "MQTT-3.2.2-11",
    "MQTT-3.2.2-14",
    "MQTT-3.2.2-15",
    "MQTT-3.2.2-17",
    "MQTT-3.2.2-18",
    "MQTT-3.2.2-21",
    "MQTT-3.3.1-1",
    "MQTT-3.3.1-3",
    "MQTT-3.3.2-7",
    "MQTT-3.3.4-1",
    "MQTT-3.3.4-7",
    "MQTT-3.14.4-1",
    "MQTT-4.3.2-4",
    "MQTT-4.3.3-4",
    "MQTT-4.3.3-6",
    "MQTT-4.3.3-8",
    "MQTT-4.3.3-11",
    "MQTT-4.4.0-1",
    "MQTT-4.6.0-1",
    "MQTT-4.6.0-2",
    "MQTT-4.6.0-3",
    "MQTT-4.6.0-4",
    "MQTT-4.12.0-3",
    "MQTT-4.12.0-5",
    "MQTT-4.12.0-7",
    "MQTT-4.12.1-1",
    "MQTT 3.2.2.3.11",
    "MQTT 3.2.2.3.12",
    "MQTT 3.2.2.3.13",
    "MQTT 3.14.2.2.2",
];

/// All statements that the judge looks at.
pub fn statements() -> impl Iterator<Item = &'static str> {
    WRONG.iter().map(|(statement, _)| *statement).chain(STATEMENTS.iter().copied())
}

/// What a client has to do so that a statement shows, by the beginning of the statement.
const SHOWN_BY: &[(&str, &str)] = &[
    ("MQTT-2.2.1-3", "have it publish at QoS 1 and 2, and subscribe, with several under way"),
    ("MQTT-2.2.1-5", "have it publish at QoS 2, and subscribe at QoS 2"),
    ("MQTT-3.1.2-2", "give it a keep-alive beyond 2 s, and a longer --trial"),
    ("MQTT-3.1.2-30", "have it name an authentication method"),
    ("MQTT-3.2.2-4", "have it connect with Clean Start 0 and a session expiry"),
    ("MQTT-3.2.2-11", "have it publish at QoS 2"),
    ("MQTT-3.2.2-14", "have it publish a retained message"),
    ("MQTT-3.2.2-15", "have it publish more than 200 bytes"),
    ("MQTT-3.2.2-17", "have it use topic aliases"),
    ("MQTT-3.2.2-18", "have it use topic aliases"),
    ("MQTT-3.2.2-21", "give it a keep-alive beyond 2 s, and a longer --trial"),
    ("MQTT-3.3.1-1", "have it publish at QoS 1 and 2, and connect again when it is cut off"),
    ("MQTT-3.3.2-7", "have it use topic aliases, and connect again"),
    ("MQTT-3.3.4-7", "have it publish several messages at QoS 1 and 2 at a time"),
    ("MQTT-3.3", "have it subscribe at QoS 2, and publish at each QoS"),
    ("MQTT-3.14", "have it say goodbye"),
    ("MQTT 3.14", "have it say goodbye with a session expiry"),
    ("MQTT 3.2.2.3.11", "have it subscribe with a wildcard"),
    ("MQTT 3.2.2.3.12", "have it subscribe with a subscription identifier"),
    ("MQTT 3.2.2.3.13", "have it take a shared subscription"),
    ("MQTT-4.3", "have it subscribe at QoS 2, and publish at QoS 2"),
    ("MQTT-4.4", "have it publish at QoS 1 and 2, and connect again with Clean Start 0 when it is cut off"),
    ("MQTT-4.6.0-1", "have it publish several messages at a time, and connect again when it is cut off"),
    ("MQTT-4.6", "have it subscribe at QoS 2, and publish several messages at QoS 2 at a time"),
    ("MQTT-4.12", "have it name an authentication method"),
];

/// Says of what was not seen why, and what to do so that it is.
pub(super) fn complete(report: &mut Report, often: &str) {
    for (statement, _) in WRONG {
        report.not_seen(statement, often);
    }
    for statement in STATEMENTS {
        let how = SHOWN_BY.iter().find(|(begins, _)| statement.starts_with(begins)).map(|(_, how)| *how);
        let how = how.unwrap_or("have it connect more often, with a longer --trial");
        report.not_seen(statement, &format!("the client did nothing that shows it: {how}; or play --sequences"));
    }
}
