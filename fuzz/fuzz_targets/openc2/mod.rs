//! The laws of OpenC2 that the three targets share.
#![allow(dead_code, reason = "not each target uses all")]

use mqtt5_codec::{PayloadFormat, Properties, Property, QoS, Text, Topic};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration, Reaction};
use openc2_mqtt::producer::{Expect, Producer, ProducerMemory, ProducerPolicy, Request};
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::{Channel, Layout, Received, Scheme};
use openc2_mqtt::{
    Action, Command, Document, EncodeError, Encoding, Form, Instant, Language, Pair, Reading, Response, Status, Style,
    Target, Texts,
};

const LANGUAGES: [Language; 2] = [Language::V1_0, Language::V2_0];
const FORMS: [Form; 3] = [Form::Json, Form::Cbor, Form::Concise];

fn written(document: &Document<'_>, style: Style) -> Option<Vec<u8>> {
    let need = match document.encode(style, &mut []) {
        Err(EncodeError::Full { need }) => need,
        Err(_) => return None,
        Ok(length) => panic!("{length} bytes in no room"),
    };
    let mut buffer = vec![0; need];
    assert_eq!(document.encode(style, &mut buffer), Ok(need), "as long as it said");
    Some(buffer)
}

/// A document in every mode: strict reading takes no more than lenient does, and means the same; what is written in a form is
/// read again, and comes out the same.
pub fn document(encoding: Encoding, input: &[u8]) {
    for language in LANGUAGES {
        let strict = Reading::strict(language).with_profiles(&slpf::PROFILES);
        let lenient = Reading { lenient: true, ..strict };
        let forgiving = lenient.document(encoding, input);
        if let Err(error) = &forgiving {
            assert!(error.at <= input.len());
            let _ = error.to_string();
        }
        match (strict.document(encoding, input), &forgiving) {
            (Ok(read), Ok(other)) => {
                assert!(read.quirks.is_empty());
                assert_eq!(format!("{:?}", read.value), format!("{:?}", other.value));
            }
            (Ok(_), Err(error)) => panic!("only strict reading takes it: {error}"),
            (Err(_), _) => {}
        }
        let Ok(read) = forgiving else { continue };
        for form in FORMS {
            let Some(bytes) = written(&read.value, Style::new(form, language).with_profiles(&slpf::PROFILES)) else {
                continue;
            };
            let encoding = if form == Form::Json { Encoding::Json } else { Encoding::Cbor };
            let reading = Reading { size: usize::MAX, depth: 64, ..lenient };
            let again = match reading.document(encoding, &bytes) {
                Ok(again) => again.value,
                Err(error) => panic!("{form:?} {language:?}: {error}: {:?}", String::from_utf8_lossy(&bytes)),
            };
            assert_eq!(
                written(&again, Style::new(form, language).with_profiles(&slpf::PROFILES)).as_deref(),
                Some(bytes.as_slice()),
                "{form:?} {language:?}"
            );
        }
    }
}

/// What the first bytes choose of the words that a PUBLISH has.
struct Choice<'a>(&'a [u8]);

impl<'a> Choice<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }
}

/// A PUBLISH, its words chosen by the first bytes, its payload the rest.
pub fn transfer(input: &[u8]) {
    let mut choice = Choice(input);
    let layout = choice.of(&[Layout::Cs01, Layout::Csd03, Layout::Wd01]);
    let topic = choice.of(&[
        "oc2/cmd/all",
        "oc2/cmd/ap/slpf",
        "oc2/cmd/device/d",
        "oc2/rsp",
        "oc2/rsp/p",
        "a/b",
        "oc2/cmd/ap/x/y",
    ]);
    let qos = choice.of(&[QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce]);
    let (retain, lenient) = (choice.byte() & 1 == 1, choice.byte() & 1 == 1);
    let mut list = Vec::new();
    for _ in 0..choice.byte() % 6 {
        let user = |name, value| Property::UserProperty(Text::new(name).unwrap(), Text::new(value).unwrap());
        let property = choice.of(&[
            Property::PayloadFormatIndicator(PayloadFormat::Unspecified),
            Property::PayloadFormatIndicator(PayloadFormat::Utf8),
            Property::ContentType(Text::new("application/openc2").unwrap()),
            user("msgType", "req"),
            user("msgType", "rsp"),
            user("msgType", "ntf"),
            user("encoding", "json"),
            user("encoding", "cbor"),
            user("a", "b"),
        ]);
        list.push(property);
    }
    exchange(layout, topic, qos, retain, lenient, Properties::from(list.as_slice()), choice.0);
}

fn exchange(
    layout: Layout,
    topic: &str,
    qos: QoS,
    retain: bool,
    lenient: bool,
    properties: Properties<'_>,
    payload: &[u8],
) {
    let received = Received { topic: Topic::new(topic).unwrap(), qos, retain, properties, payload };
    let scheme = Scheme { layout, ..Scheme::default() };
    let reading = if lenient { Reading::lenient(Language::V1_0) } else { Reading::default() };
    let (now, utc) = (Instant::from_millis(5), Some(1_700_000_000_000));
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "file"]) }];
    let policy = ConsumerPolicy { scheme, reading, ..ConsumerPolicy::default() };
    let mut consumer =
        Consumer::new(Declaration::new("c", "d", &slpf::PROFILES, &pairs), policy, ConsumerMemory::<2, 512>::new());
    let mut out = [0; 4096];
    let readable = |payload: &[u8]| {
        let read = Reading::default().message(Encoding::sniff(payload), payload);
        assert!(read.is_ok(), "our own answer can't be read: {:?}", read.err());
    };
    let ticket = match consumer.handle(&received, now, utc, &mut out) {
        Ok(Reaction::Reply { reply, .. }) => {
            readable(reply.payload);
            None
        }
        Ok(Reaction::Execute { ticket, .. }) => Some(ticket),
        _ => None,
    };
    if let Some(ticket) = ticket {
        let answer = consumer.respond(ticket, &Response::new(Status::Ok), now, utc, &mut out).unwrap();
        let first = answer.map(|answer| answer.payload.to_vec());
        first.iter().for_each(|payload| readable(payload));
        // Known again, unless it had nothing to be known by.
        if let Ok(Reaction::Reply { reply, repeated: true, .. }) = consumer.handle(&received, now, utc, &mut [0; 4096])
        {
            readable(reply.payload);
        }
    }
    let policy = ProducerPolicy { scheme, reading, ..ProducerPolicy::default() };
    let mut producer = Producer::new("p", policy, ProducerMemory::<2, 4>::new());
    let command = Command::new(Action::Query, Target::Features(openc2_mqtt::Features::NONE));
    let request = Request { expect: Expect::Count(2), ..Request::new(Channel::All, command, 1_000) };
    let _ = producer.request_as(&request, "1", now, utc, &mut out);
    let first = format!("{:?}", producer.handle(&received, now));
    assert!(!first.is_empty());
}
