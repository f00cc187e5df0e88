//! Our own client plays every sequence, and clients that break something on purpose fail those that they should.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mqtt5_codec::{Decoder, Frame, Sender};

use super::*;

/// What our client refuses to do, so that a sequence can't be played: a message that may be sent again has no topic alias of the
/// application's own, since a stored packet never uses one.
const REFUSES: &[&str] =
    &["alias/what-is-sent-again-has-its-topic", "report/a-message-with-an-alias-was-sent-again-without-its-topic"];

#[test]
fn our_client_plays_every_sequence() {
    let all = all().unwrap();
    let mut wrong = String::new();
    for sequence in &all {
        let mut aliases = [0; 128];
        match play(sequence, &mut Own::new(&mut aliases), true) {
            Ok(()) if !REFUSES.contains(&&*sequence.name) => {}
            Err(Stop::Lacks(_)) if REFUSES.contains(&&*sequence.name) => {}
            other => wrong += &format!("{}: {other:#?}\n", sequence.name),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(all.len() >= 400, "{}", all.len());
}

#[test]
fn each_sequence_has_a_name_of_its_own_says_what_it_is_about_and_names_statements_that_exist() {
    let known: BTreeSet<String> =
        crate::statements::parse(include_str!("../../statements.csv")).into_iter().map(|one| one.id).collect();
    let (mut names, mut steps) = (BTreeSet::new(), BTreeMap::new());
    for sequence in all().unwrap() {
        assert!(names.insert(sequence.name.clone()), "{}", sequence.name);
        assert!(sequence.why.ends_with('.') && !sequence.statements.is_empty(), "{}", sequence.name);
        assert!(
            sequence.source == "standard" || sequence.source == "simulator" || sequence.source.starts_with("https://")
        );
        for statement in &sequence.statements {
            assert!(known.contains(statement) || statement.starts_with("MQTT "), "{}: {statement}", sequence.name);
        }
        // Reports may tell of the same thing twice; nothing else stands twice.
        if !sequence.source.starts_with("https://") {
            let before = steps.insert(serde_json::to_string(&sequence.steps).unwrap(), sequence.name.clone());
            assert_eq!(before, None, "{} is the same", sequence.name);
        }
    }
}

#[test]
fn the_json_is_as_its_schema_says_and_is_read_again() {
    let schema: Value = serde_json::from_str(include_str!("../../sequence.schema.json")).unwrap();
    let mut lines = Vec::new();
    write(&mut lines).unwrap();
    let lines = String::from_utf8(lines).unwrap();
    let all = all().unwrap();
    assert_eq!(lines.lines().count(), all.len());
    for (line, sequence) in lines.lines().zip(&all) {
        crate::report::fits(&serde_json::from_str(line).unwrap(), &schema, "sequence");
        assert_eq!(serde_json::from_str::<Sequence>(line).unwrap(), *sequence);
    }
}

#[test]
fn a_text_that_is_wrong_says_where() {
    let read = |body: &str| text::read(&format!("\n== a/b\n{body}")).unwrap_err();
    assert_eq!(read("jump"), "a/b: jump: no such step");
    assert_eq!(read("> PUBLISH qos"), "a/b: > PUBLISH qos: qos: key=value is wanted");
    assert!(read("do {").starts_with("a/b: do {: "));
    assert!(read("~ soon").starts_with("a/b: ~ soon: "));
}

/// How a client breaks something: by what it does with its own packets, with the server's, and with what it tells.
struct Lapse {
    what: &'static str,
    /// A packet of the client, by its first byte; it returns what goes out instead.
    sent: fn(&[u8], &mut Past) -> Option<Vec<u8>>,
    /// A packet of the server; it returns what the client gets instead.
    got: fn(&[u8], &mut Past) -> Option<Vec<u8>>,
    /// What the application is told.
    told: fn(&Value, &mut Past) -> Option<Vec<Value>>,
    /// Some that have to notice.
    caught: &'static [&'static str],
}

/// What a broken client remembers.
#[derive(Default)]
struct Past {
    connections: usize,
    /// Messages of QoS 2 that were told and not released, by their identifiers.
    open: BTreeMap<u64, Value>,
    published: Vec<u8>,
    again: VecDeque<Value>,
    goes_on: bool,
    answers: bool,
}

const LAPSE: Lapse = Lapse { what: "", sent: |_, _| None, got: |_, _| None, told: |_, _| None, caught: &[] };

/// Replaces the property `from`, which has to be there, by `to`, which is as long.
fn property(bytes: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    if bytes.first() != Some(&0x20) {
        return None;
    }
    let at = bytes.windows(from.len()).position(|window| window == from)?;
    let mut changed = bytes.to_vec();
    changed[at..at + to.len()].copy_from_slice(to);
    Some(changed)
}

fn swallow(bytes: &[u8], first: u8) -> Option<Vec<u8>> {
    (bytes.first() == Some(&first)).then(Vec::new)
}

const LAPSES: &[Lapse] = &[
    Lapse {
        what: "DUP is never set",
        sent: |bytes, _| {
            let dup = bytes[0] & 0xF8 == 0x38;
            dup.then(|| [&[bytes[0] & !8], &bytes[1..]].concat())
        },
        caught: &["resume/an-unanswered-qos-1-message-is-sent-again", "report/dup-was-missing"],
        ..LAPSE
    },
    Lapse { what: "no PUBACK", sent: |bytes, _| swallow(bytes, 0x40), caught: &["receive/qos-1"], ..LAPSE },
    Lapse { what: "no PUBREC", sent: |bytes, _| swallow(bytes, 0x50), caught: &["receive/qos-2"], ..LAPSE },
    Lapse { what: "no PUBREL", sent: |bytes, _| swallow(bytes, 0x62), caught: &["send/qos-2"], ..LAPSE },
    Lapse {
        what: "no PUBCOMP",
        sent: |bytes, _| swallow(bytes, 0x70),
        caught: &["receive/qos-2", "report/an-unknown-pubrel-got-no-answer"],
        ..LAPSE
    },
    Lapse {
        what: "no PINGREQ",
        sent: |bytes, _| swallow(bytes, 0xC0),
        caught: &["time/a-ping-after-the-keep-alive"],
        ..LAPSE
    },
    Lapse {
        what: "no DISCONNECT",
        sent: |bytes, _| swallow(bytes, 0xE0),
        caught: &["connect/goodbye-is-the-last-packet"],
        ..LAPSE
    },
    Lapse {
        what: "PUBACK has another identifier",
        sent: |bytes, _| (bytes[0] == 0x40).then(|| [&bytes[..3], &[bytes[3] ^ 1], &bytes[4..]].concat()),
        caught: &["receive/qos-1", "receive/acknowledgements-keep-the-order-at-qos-1"],
        ..LAPSE
    },
    Lapse {
        what: "what is sent is sent twice",
        sent: |bytes, _| (bytes[0] & 0xF6 == 0x32).then(|| [bytes, bytes].concat()),
        caught: &["send/qos-1", "send/nothing-is-sent-again-on-a-live-connection"],
        ..LAPSE
    },
    Lapse {
        what: "something follows DISCONNECT",
        sent: |bytes, _| (bytes[0] == 0xE0).then(|| [bytes, &[0x40, 2, 0, 9]].concat()),
        caught: &["connect/goodbye-is-the-last-packet", "malformed/qos-3"],
        ..LAPSE
    },
    Lapse {
        what: "Clean Start is always 1",
        sent: |bytes, _| {
            let keeps = bytes[0] == 0x10 && bytes[9] & 2 == 0;
            keeps.then(|| [&bytes[..9], &[bytes[9] | 2], &bytes[10..]].concat())
        },
        caught: &["report/the-session-was-cleared-at-each-connect"],
        ..LAPSE
    },
    Lapse {
        what: "PUBLISH is sent again instead of PUBREL",
        sent: |bytes, past| {
            if bytes[0] == 0x34 {
                past.published = [&[0x3C], &bytes[1..]].concat();
            }
            (bytes[0] == 0x62 && past.connections > 1 && !past.published.is_empty()).then(|| past.published.clone())
        },
        caught: &["resume/after-pubrec-only-pubrel-is-sent-again", "report/publish-after-pubrel"],
        ..LAPSE
    },
    Lapse {
        what: "PUBREL follows a PUBREC that refuses",
        got: |bytes, past| {
            past.answers |= bytes[0] == 0x50 && bytes.get(4).is_some_and(|reason| *reason >= 0x80);
            None
        },
        caught: &["send/a-refused-qos-2-message-has-no-pubrel", "reason/pubrec-87"],
        ..LAPSE
    },
    Lapse {
        what: "a duplicate at QoS 2 is told again",
        got: |bytes, past| {
            let id = |at: usize| u64::from(bytes[at]) << 8 | u64::from(bytes[at + 1]);
            if bytes[0] & 0xF6 == 0x34 && bytes.len() > 6 && bytes.get(2..4) == Some(&[0, 1]) {
                past.again.extend(past.open.get(&id(5)).cloned());
            } else if bytes[0] == 0x62 {
                past.open.remove(&id(2));
            }
            None
        },
        told: |event, past| {
            if event["event"] == "message" && event["qos"] == 2 {
                past.open.insert(event["id"].as_u64().unwrap(), event.clone());
            }
            None
        },
        caught: &["receive/a-duplicate-at-qos-2-is-not-told", "report/a-duplicate-before-pubrel-told-twice"],
        ..LAPSE
    },
    Lapse {
        what: "reasons of the server are lost",
        told: |event, _| {
            let lost = event["event"] == "published" && event["reason"] != 0;
            lost.then(|| {
                let mut event = event.clone();
                event["reason"] = 0.into();
                vec![event]
            })
        },
        caught: &["reason/puback-87", "report/a-refusal-at-qos-2-told-as-success"],
        ..LAPSE
    },
    Lapse {
        what: "results are told twice",
        told: |event, _| (event["event"] == "published").then(|| vec![event.clone(), event.clone()]),
        caught: &["send/qos-1", "send/qos-2"],
        ..LAPSE
    },
    Lapse {
        what: "messages are not told",
        told: |event, _| (event["event"] == "message").then(Vec::new),
        caught: &["receive/qos-0", "receive/qos-1"],
        ..LAPSE
    },
    Lapse {
        what: "the client goes on after what may not be",
        got: |bytes, past| {
            past.goes_on |= Decoder::new(Sender::Server).decode(bytes).is_err();
            None
        },
        caught: &["malformed/qos-3", "malformed/puback-flags"],
        ..LAPSE
    },
    Lapse {
        what: "DISCONNECT is answered",
        got: |bytes, past| {
            past.answers |= bytes[0] == 0xE0;
            None
        },
        caught: &["connect/the-servers-disconnect-is-not-answered"],
        ..LAPSE
    },
    Lapse {
        what: "the server's Receive Maximum is not kept",
        got: |bytes, _| property(bytes, &[0x21, 0, 1], &[0x21, 0xFF, 0xFF]),
        caught: &["limit/one-message-at-a-time", "report/a-smaller-receive-maximum-than-messages-in-flight"],
        ..LAPSE
    },
    Lapse {
        what: "the server's Maximum Packet Size is not kept",
        got: |bytes, _| property(bytes, &[0x27, 0, 0, 0, 0x14], &[0x27, 0xFF, 0xFF, 0xFF, 0xFF]),
        caught: &["limit/no-packet-beyond-the-maximum-size"],
        ..LAPSE
    },
    Lapse {
        what: "the server's Maximum QoS is not kept",
        got: |bytes, _| property(bytes, &[0x24, 1], &[0x25, 1]).or_else(|| property(bytes, &[0x24, 0], &[0x25, 1])),
        caught: &["limit/no-message-beyond-the-maximum-qos-1", "limit/no-message-beyond-the-maximum-qos-0"],
        ..LAPSE
    },
    Lapse {
        what: "retained messages are sent to a server without them",
        got: |bytes, _| property(bytes, &[0x25, 0], &[0x25, 1]),
        caught: &["limit/no-retained-message-where-there-are-none"],
        ..LAPSE
    },
    Lapse {
        what: "the server's keep-alive is not kept",
        got: |bytes, _| property(bytes, &[0x13, 0, 1], &[0x21, 0xFF, 0xFF]),
        caught: &["time/the-servers-keep-alive-counts"],
        ..LAPSE
    },
    Lapse {
        what: "the server's session expiry is not kept",
        got: |bytes, _| property(bytes, &[0x11, 0, 0, 0, 1], &[0x27, 0xFF, 0xFF, 0xFF, 0xFF]),
        caught: &["resume/the-servers-expiry-overrides-the-clients"],
        ..LAPSE
    },
    Lapse {
        what: "Session Present is not looked at",
        got: |bytes, past| {
            let lost = past.connections > 1 && bytes[0] == 0x20 && bytes.get(2..4) == Some(&[0, 0]);
            lost.then(|| [&bytes[..2], &[1], &bytes[3..]].concat())
        },
        caught: &["resume/the-server-has-lost-the-session", "resume/the-server-has-lost-what-we-received"],
        ..LAPSE
    },
    Lapse {
        what: "no session is taken up again",
        got: |bytes, _| {
            let present = bytes[0] == 0x20 && bytes.get(2..4) == Some(&[1, 0]);
            present.then(|| [&bytes[..2], &[0], &bytes[3..]].concat())
        },
        caught: &[
            "resume/an-unanswered-qos-1-message-is-sent-again",
            "resume/a-qos-2-message-that-was-told-is-not-told-again",
        ],
        ..LAPSE
    },
];

/// Our client, broken.
struct Broken<'t, 'l> {
    own: Own<'t>,
    lapse: &'l Lapse,
    past: Past,
    told: VecDeque<Value>,
    /// Whether it did anything else than our client would have done.
    broke: bool,
    sent: VecDeque<Vec<u8>>,
}

/// The packets of some bytes; what is no whole packet comes as it is.
fn packets(from: Sender, mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Ok(Frame::Whole { used, .. }) = Decoder::new(from).frame(bytes) {
        all.push(bytes[..used].to_vec());
        bytes = &bytes[used..];
    }
    all.extend((!bytes.is_empty()).then(|| bytes.to_vec()));
    all
}

impl Party for Broken<'_, '_> {
    fn command(&mut self, command: &Value) {
        self.past.connections += usize::from(command.get("connect").is_some());
        self.own.command(command);
    }

    fn receive(&mut self, wait: u64) -> Got {
        if let Some(bytes) = self.sent.pop_front() {
            return Got::Bytes(bytes);
        }
        match self.own.receive(wait) {
            Got::Bytes(bytes) => {
                let mut out = Vec::new();
                for packet in packets(Sender::Client, &bytes) {
                    let changed = (self.lapse.sent)(&packet, &mut self.past);
                    self.broke |= changed.is_some();
                    out.extend(changed.unwrap_or(packet));
                }
                if out.is_empty() { self.receive(wait) } else { Got::Bytes(out) }
            }
            Got::End if self.past.goes_on => {
                self.broke = true;
                Got::Nothing
            }
            got => got,
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        for packet in packets(Sender::Server, bytes) {
            let changed = (self.lapse.got)(&packet, &mut self.past);
            self.broke |= changed.is_some();
            self.own.send(changed.as_ref().unwrap_or(&packet));
            if core::mem::take(&mut self.past.answers) {
                self.broke = true;
                let answer = if packet[0] == 0x50 { vec![0x62, 2, packet[2], packet[3]] } else { vec![0xE0, 0] };
                self.sent.push_back(answer);
            }
        }
    }

    fn cut(&mut self) {
        self.own.cut();
    }

    fn told(&mut self, wait: u64) -> Option<Value> {
        if let Some(event) = self.past.again.pop_front() {
            self.broke = true;
            return Some(event);
        }
        while self.told.is_empty() {
            let event = self.own.told(wait)?;
            let changed = (self.lapse.told)(&event, &mut self.past);
            self.broke |= changed.is_some();
            self.told.extend(changed.unwrap_or_else(|| vec![event]));
        }
        self.told.pop_front()
    }

    fn sleep(&mut self, wait: u64) {
        self.own.sleep(wait);
    }

    fn now(&self) -> u64 {
        self.own.now()
    }
}

#[test]
fn a_client_that_breaks_something_fails_the_sequences_that_show_it_and_no_others() {
    let all = all().unwrap();
    for (number, lapse) in LAPSES.iter().enumerate() {
        let mut failed = BTreeSet::new();
        // Those that have to notice, and a third of the others, another one each time.
        let plays = |at: usize, one: &Sequence| at % 3 == number % 3 || lapse.caught.contains(&&*one.name);
        let some = all.iter().enumerate().filter(|(at, one)| plays(*at, one)).map(|(_, one)| one);
        for sequence in some.filter(|one| !REFUSES.contains(&&*one.name)) {
            let mut aliases = [0; 128];
            let own = Own::new(&mut aliases);
            let (told, sent) = (VecDeque::new(), VecDeque::new());
            let mut broken = Broken { own, lapse, past: Past::default(), told, broke: false, sent };
            if let Err(stop) = play(sequence, &mut broken, true) {
                assert!(broken.broke, "{}: {} fails, though nothing was broken: {stop:?}", lapse.what, sequence.name);
                failed.insert(&*sequence.name);
            }
        }
        for name in lapse.caught {
            assert!(failed.contains(name), "{}: {name} does not notice it; these do: {failed:?}", lapse.what);
        }
    }
}
