//! The judge of clients: a server that watches what arrives, and tries how a client takes what comes.
//!
//! The client connects as often as it likes; each connection is another trial. The model broker behind it takes down each
//! statement that it sees kept or broken.

use core::fmt;
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use mqtt5_codec::QoS;

use super::command::Form;
use super::report::Report;
use crate::broker::{Broker, Limits};

/// How a client is judged.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Where clients connect; port 0 is any that is free, which is then told on standard error.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1883")]
    pub listen: String,
    /// Watch for N seconds in all, at most.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub seconds: u64,
    /// End after N connections; 16 are every trial once.
    #[arg(long, value_name = "N")]
    pub connections: Option<usize>,
    /// End a trial after N seconds, with a cut.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub trial: u64,
    #[command(flatten)]
    form: Form,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// The server grants everything, and sends messages at each QoS to whatever is subscribed.
    Open,
    /// The server grants little.
    Narrow,
    /// The server wants a packet every second.
    KeepAlive,
    /// The server sends what it may not: the statement and the bytes. The client has to end the connection.
    Wrong(&'static str, &'static [u8]),
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("all is granted, and messages come at each QoS"),
            Self::Narrow => f.write_str("little is granted"),
            Self::KeepAlive => f.write_str("a packet is wanted every second"),
            Self::Wrong(statement, bytes) => write!(f, "the server breaks {statement} by {bytes:02x?}"),
        }
    }
}

/// What a client has to end the connection for, each on one of its own.
pub const WRONG: &[(&str, &[u8])] = &[
    ("MQTT-3.2.0-2", &[0x20, 3, 0, 0, 0]),
    ("MQTT-3.3.1-4", &[0x36, 6, 0, 1, b'a', 0, 1, 0]),
    ("MQTT-3.3.1-2", &[0x38, 4, 0, 1, b'a', 0]),
    ("MQTT-3.3.2-2", &[0x30, 4, 0, 1, b'#', 0]),
    ("MQTT-3.3.2-8", &[0x30, 7, 0, 1, b'a', 3, 0x23, 0, 0]),
    ("MQTT-3.3.2-11", &[0x30, 7, 0, 1, b'a', 3, 0x23, 0xFF, 0xFF]),
    ("MQTT-2.2.1-4", &[0x32, 6, 0, 1, b'a', 0, 0, 0]),
    ("MQTT-2.1.3-1", &[0xD1, 0]),
    ("MQTT-3.6.1-1", &[0x60, 2, 0, 1]),
    ("MQTT-1.5.4-2", &[0x30, 5, 0, 2, b'a', 0, 0]),
    ("MQTT-3.14.2-2", &[0xE0, 7, 0, 5, 0x11, 0, 0, 0, 1]),
    ("MQTT-4.12.0-6", &[0xF0, 6, 0x18, 4, 0x15, 0, 1, b'm']),
];

/// The trial of the connection with this number.
#[must_use]
pub fn trial(number: usize) -> Trial {
    match number {
        0 | 1 => Trial::Open,
        2 => Trial::Narrow,
        3 => Trial::KeepAlive,
        other => match WRONG.get(other - 4) {
            Some((statement, bytes)) => Trial::Wrong(statement, bytes),
            None => Trial::Open,
        },
    }
}

/// What the server grants in a trial.
#[must_use]
pub fn limits(trial: Trial) -> Limits {
    match trial {
        Trial::Narrow => Limits {
            receive_maximum: 1,
            maximum_qos: QoS::AtLeastOnce,
            retain_available: false,
            maximum_packet_size: Some(200),
            topic_alias_maximum: 1,
            wildcards: false,
            subscription_identifiers: false,
            shared_subscriptions: false,
            ..Limits::default()
        },
        Trial::KeepAlive => Limits { server_keep_alive: Some(1), ..Limits::default() },
        _ => Limits { topic_alias_maximum: 10, aliases: true, reason_strings: true, ..Limits::default() },
    }
}

/// The judge without its sockets: a broker that is tried on one client after the other.
#[derive(Debug)]
pub struct Watch {
    broker: Broker,
    report: Report,
    trial: Trial,
    trials: usize,
    link: usize,
    /// What the trial does to the client has been done.
    done: bool,
    /// The broker's own client, which publishes.
    other: usize,
    next: u16,
}

impl Default for Watch {
    fn default() -> Self {
        let mut broker = Broker::new();
        broker.ledger.counting = true;
        let other = broker.open(0);
        broker.receive(
            other,
            &[0x10, 19, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 6, b'j', b'u', b'd', b'g', b'e', b'!'],
            0,
        );
        let answer = broker.readable(other).len();
        broker.read(other, answer);
        Self { broker, report: Report::default(), trial: Trial::Open, trials: 0, link: 0, done: false, other, next: 0 }
    }
}

impl Watch {
    /// A client connects.
    pub fn open(&mut self, now: u64) {
        self.trial = trial(self.trials);
        self.trials += 1;
        self.broker.limits = limits(self.trial);
        self.done = false;
        self.link = self.broker.open(now);
    }

    /// The client has sent this.
    pub fn receive(&mut self, bytes: &[u8], now: u64) {
        if self.done && matches!(self.trial, Trial::Wrong(..)) {
            return; // What was under way already.
        }
        self.broker.receive(self.link, bytes, now);
    }

    /// What is to be sent to the client; it counts as read.
    pub fn output(&mut self, now: u64) -> Vec<u8> {
        self.broker.tick(now);
        let bytes = self.broker.readable(self.link).to_vec();
        self.broker.read(self.link, bytes.len());
        bytes
    }

    /// Does what the trial is for, once the client is connected and quiet.
    pub fn quiet(&mut self, now: u64) {
        let Some(client) = self.broker.client(self.link).map(str::to_owned) else { return };
        if core::mem::replace(&mut self.done, true) {
            return;
        }
        if let Trial::Wrong(_, bytes) = self.trial {
            self.broker.send_raw(self.link, bytes);
            return;
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
    }

    /// Whether the server has closed the connection.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.broker.is_closed(self.link)
    }

    /// The connection is over: the client closed it, or time was up.
    pub fn close(&mut self, by_client: bool, now: u64) {
        if let (Trial::Wrong(statement, bytes), true) = (self.trial, self.done) {
            self.report.see(statement, by_client, || format!("the client puts up with {bytes:02x?}"));
        } else if !by_client && self.done {
            self.broker.settle(self.link);
        }
        if by_client {
            self.broker.doubt(self.link);
        }
        self.broker.close(self.link, now);
    }

    /// What was found so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = self.report.clone();
        for (statement, _) in WRONG {
            report.not_seen(statement, "the client did not connect often enough");
        }
        for statement in STATEMENTS {
            report.not_seen(statement, "the client did nothing that shows it");
        }
        for (statement, times) in self.broker.ledger.kept() {
            for _ in 0..(*times).min(1000) {
                report.see(statement, true, String::new);
            }
        }
        for violation in self.broker.ledger.violations() {
            report.see(violation.statement, false, || violation.what.clone());
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
    "MQTT-3.1.2-30",
    "MQTT-3.2.2-11",
    "MQTT-3.2.2-14",
    "MQTT-3.2.2-15",
    "MQTT-3.2.2-17",
    "MQTT-3.2.2-18",
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

/// Watches clients on a TCP port. Returns whether nothing was broken.
///
/// # Errors
/// When the port can't be had, or writing fails.
pub fn run(options: &Options, output: impl Write) -> io::Result<bool> {
    let listener = TcpListener::bind(&options.listen)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", options.listen)))?;
    let _ = writeln!(io::stderr(), "listening on {}", listener.local_addr()?);
    listener.set_nonblocking(true)?;
    let start = Instant::now();
    let until = start + Duration::from_secs(options.seconds);
    let mut watch = Watch::default();
    while Instant::now() < until && options.connections.is_none_or(|most| watch.trials < most) {
        match listener.accept() {
            Ok((stream, _)) => {
                let end = until.min(Instant::now() + Duration::from_secs(options.trial));
                serve(&mut watch, stream, start, end)?;
                let _ = writeln!(io::stderr(), "connection {}: {}", watch.trials, watch.trial);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(error),
        }
    }
    let well = options.form.give(&watch.report(), "A client by statement", output)?;
    if watch.trials == 0 {
        return Err(io::Error::other("no client came"));
    }
    Ok(well)
}

/// One connection, to its end.
fn serve(watch: &mut Watch, mut stream: TcpStream, start: Instant, end: Instant) -> io::Result<()> {
    let now = || start.elapsed().as_millis() as u64;
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    watch.open(now());
    let mut buffer = [0; 4096];
    let by_client = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break true,
            Ok(len) => watch.receive(buffer.get(..len).unwrap_or_default(), now()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => watch.quiet(now()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break true,
        }
        if stream.write_all(&watch.output(now())).is_err() {
            break true;
        }
        if watch.is_closed() || Instant::now() >= end {
            break false;
        }
    };
    watch.close(by_client, now());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::report::Verdict;

    const CONNECT: &[u8] = &[0x10, 19, 0, 4, b'M', b'Q', b'T', b'T', 5, 0, 0, 0, 5, 0x11, 0, 0, 0, 100, 0, 1, b'c'];
    const SUBSCRIBE: &[u8] = &[0x82, 7, 0, 9, 0, 0, 1, b't', 2];
    const QOS_1: &[u8] = &[0x32, 7, 0, 1, b't', 0, 1, 0, b'x'];
    const QOS_1_AGAIN: &[u8] = &[0x3A, 7, 0, 1, b't', 0, 1, 0, b'x'];
    const QOS_2: &[u8] = &[0x34, 7, 0, 1, b'u', 0, 1, 0, b'x'];
    const QOS_2_AGAIN: &[u8] = &[0x3C, 7, 0, 1, b'u', 0, 1, 0, b'x'];
    /// In a script: what was sent to the client is read; the link is cut, and another one begins; the client is quiet.
    const READ: &[u8] = b"read";
    const CUT: &[u8] = b"cut";
    const QUIET: &[u8] = b"quiet";
    const END: &[u8] = b"end";

    /// Plays a client's part, from the trial with this number on.
    fn play(first: usize, script: &[&[u8]]) -> Report {
        let mut watch = Watch { trials: first, ..Watch::default() };
        let mut now = 1;
        watch.open(now);
        for part in script {
            match *part {
                READ => drop(watch.output(now)),
                QUIET => watch.quiet(now),
                CUT => {
                    watch.close(true, now);
                    watch.trials = first;
                    watch.open(now);
                }
                END => watch.close(false, now),
                [b'+', seconds] => now += u64::from(*seconds) * 1000,
                bytes => watch.receive(bytes, now),
            }
        }
        watch.report()
    }

    #[test]
    fn a_client_that_breaks_a_statement_is_caught_at_that_statement() {
        let alias = &[0x30, 7, 0, 0, 3, 0x23, 0, 1, b'x'];
        let cases: &[(&str, usize, &[&[u8]])] = &[
            ("MQTT-3.1.0-1", 0, &[&[0xC0, 0]]),
            ("MQTT-3.1.0-2", 0, &[CONNECT, CONNECT]),
            ("MQTT-3.14.4-1", 0, &[CONNECT, &[0xE0, 0, 0xC0, 0]]),
            (
                "MQTT 3.14.2.2.2",
                0,
                &[
                    &[0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 0, 0, 0, 1, b'c'],
                    &[0xE0, 7, 0, 5, 0x11, 0, 0, 0, 1],
                ],
            ),
            ("MQTT-2.2.1-3", 0, &[CONNECT, QOS_1, &[0x32, 7, 0, 1, b't', 0, 1, 0, b'y']]),
            ("MQTT-2.2.1-5", 0, &[CONNECT, &[0x40, 2, 0, 7]]),
            ("MQTT-3.1.2-20", 3, &[CONNECT, b"+\x02", &[0xC0, 0]]),
            ("MQTT-3.2.2-11", 2, &[CONNECT, QOS_2]),
            ("MQTT-3.2.2-14", 2, &[CONNECT, &[0x31, 4, 0, 1, b't', 0]]),
            ("MQTT-3.2.2-15", 2, &[CONNECT, &[0x30, 0xC9, 1]]),
            ("MQTT-3.2.2-17", 2, &[CONNECT, &[0x30, 8, 0, 1, b't', 3, 0x23, 0, 2, b'x']]),
            ("MQTT-3.2.2-18", 3, &[CONNECT, &[0x30, 8, 0, 1, b't', 3, 0x23, 0, 1, b'x']]),
            ("MQTT 3.2.2.3.11", 2, &[CONNECT, &[0x82, 7, 0, 1, 0, 0, 1, b'#', 0]]),
            ("MQTT 3.2.2.3.12", 2, &[CONNECT, &[0x82, 9, 0, 1, 2, 0x0B, 1, 0, 1, b'a', 0]]),
            (
                "MQTT 3.2.2.3.13",
                2,
                &[CONNECT, &[0x82, 16, 0, 1, 0, 0, 10, b'$', b's', b'h', b'a', b'r', b'e', b'/', b'g', b'/', b'a', 0]],
            ),
            ("MQTT-3.3.1-1", 0, &[CONNECT, QOS_1, CUT, CONNECT, QOS_1]),
            ("MQTT-3.3.1-3", 0, &[CONNECT, QOS_1_AGAIN]),
            ("MQTT-3.3.2-7", 0, &[CONNECT, alias]),
            ("MQTT-3.3.4-7", 2, &[CONNECT, QOS_1, &[0x32, 6, 0, 1, b't', 0, 2, 0]]),
            ("MQTT-3.3.4-1", 0, &[CONNECT, SUBSCRIBE, QUIET, READ, &[0x50, 2, 0, 1]]),
            ("MQTT-4.3.2-4", 0, &[CONNECT, SUBSCRIBE, QUIET, READ, &[0x50, 2, 0, 2], END]),
            ("MQTT-4.3.3-8", 0, &[CONNECT, SUBSCRIBE, QUIET, READ, END]),
            ("MQTT-4.3.3-11", 0, &[CONNECT, SUBSCRIBE, QUIET, READ, &[0x50, 2, 0, 2], READ, END]),
            ("MQTT-4.3.3-4", 0, &[CONNECT, SUBSCRIBE, QOS_2, READ, QUIET, END]),
            // PUBREL shows that PUBREC was read.
            ("MQTT-4.3.3-6", 0, &[CONNECT, QOS_2, READ, &[0x62, 2, 0, 1], CUT, CONNECT, QOS_2_AGAIN]),
            ("MQTT-4.4.0-1", 0, &[CONNECT, SUBSCRIBE, QOS_1, CUT, CONNECT, QUIET, READ, END]),
            (
                "MQTT-4.6.0-1",
                0,
                &[
                    CONNECT,
                    QOS_1,
                    &[0x32, 7, 0, 1, b't', 0, 2, 0, b'y'],
                    CUT,
                    CONNECT,
                    &[0x3A, 7, 0, 1, b't', 0, 2, 0, b'y'],
                ],
            ),
            (
                "MQTT-4.6.0-2",
                0,
                &[
                    CONNECT,
                    SUBSCRIBE,
                    &[0x32, 6, 0, 1, b't', 0, 1, 0],
                    &[0x32, 6, 0, 1, b't', 0, 2, 0],
                    READ,
                    &[0x40, 2, 0, 2],
                ],
            ),
            (
                "MQTT-4.6.0-3",
                0,
                &[
                    CONNECT,
                    SUBSCRIBE,
                    &[0x34, 6, 0, 1, b't', 0, 1, 0],
                    &[0x34, 6, 0, 1, b't', 0, 2, 0],
                    READ,
                    &[0x50, 2, 0, 2],
                ],
            ),
            ("MQTT-4.6.0-4", 0, &[CONNECT, QOS_2, &[0x34, 6, 0, 1, b'u', 0, 2, 0], READ, &[0x62, 2, 0, 2]]),
            ("MQTT-4.12.0-7", 0, &[CONNECT, &[0xF0, 6, 0x19, 4, 0x15, 0, 1, b'm']]),
            ("MQTT-3.3.1-4", 0, &[CONNECT, &[0x36, 0]]),
            (
                "MQTT-3.8.3-4",
                0,
                &[CONNECT, &[0x82, 16, 0, 1, 0, 0, 10, b'$', b's', b'h', b'a', b'r', b'e', b'/', b'g', b'/', b'a', 4]],
            ),
            ("MQTT-3.3.4-6", 0, &[CONNECT, &[0x30, 6, 0, 1, b'a', 2, 0x0B, 1]]),
            ("MQTT-3.3.2-2", 0, &[CONNECT, &[0x30, 4, 0, 1, b'#', 0]]),
            ("MQTT-3.8.3-2", 0, &[CONNECT, &[0x82, 3, 0, 1, 0]]),
        ];
        let mut missed = Vec::new();
        for (statement, trial, script) in cases {
            let report = play(*trial, script);
            if !report.fails(statement) {
                missed.push((statement, report.text()));
            }
        }
        println!("caught {} client mutants of {}", cases.len() - missed.len(), cases.len());
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn a_client_that_was_cut_off_before_it_read_an_acknowledgement_may_send_its_message_again() {
        let report = play(0, &[CONNECT, QOS_2, READ, CUT, CONNECT, QOS_2_AGAIN, READ, &[0x62, 2, 0, 1], END]);
        assert_eq!(report.counts()[1], 0, "{}", report.text());
        // The same of PUBACK: the first of two is sent again before the second, though the judge was done with it.
        let second = &[0x34, 7, 0, 1, b'u', 0, 2, 0, b'x'];
        let second_again = &[0x3C, 7, 0, 1, b'u', 0, 2, 0, b'x'];
        let report = play(0, &[CONNECT, QOS_1, READ, second, CUT, CONNECT, QOS_1_AGAIN, second_again]);
        assert_eq!(report.counts()[1], 0, "{}", report.text());
    }

    #[test]
    fn a_client_that_puts_up_with_what_is_wrong_is_caught_and_one_that_does_not_is_not() {
        for (number, (statement, bytes)) in WRONG.iter().enumerate() {
            assert!(play(4 + number, &[CONNECT, READ, QUIET, READ, END]).fails(statement), "{bytes:02x?}");
            let report = play(4 + number, &[CONNECT, READ, QUIET, READ, CUT]);
            assert!(
                matches!(report.verdicts.get(*statement), Some(Verdict::Pass(_))),
                "{statement}: {}",
                report.text()
            );
        }
    }

    #[test]
    fn a_client_that_does_all_right_has_no_failure() {
        let report = play(
            0,
            &[
                CONNECT,
                SUBSCRIBE,
                READ,
                QUIET,
                READ,
                &[0x40, 2, 0, 1],
                &[0x50, 2, 0, 2],
                READ,
                &[0x70, 2, 0, 2],
                QOS_2,
                READ,
                &[0x62, 2, 0, 1],
                READ,
                QOS_1,
                CUT,
                CONNECT,
                QOS_1_AGAIN,
                READ,
                &[0x40, 2, 0, 3],
                END,
            ],
        );
        assert_eq!(report.counts()[1], 0, "{}", report.text());
    }
}
