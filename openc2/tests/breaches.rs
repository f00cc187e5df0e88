//! What a Consumer does with a request that breaks the transfer specification: by default nothing is executed, and the policy
//! decides clause by clause.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::*;
use mqtt5_codec::{PayloadFormat, Properties, Property, QoS, Text, Topic};
use openc2_mqtt::consumer::{Breaches, Consumer, ConsumerMemory, ConsumerPolicy, OnBreach, Reaction};
use openc2_mqtt::transfer::{Clause, Layout, Received, Scheme, publish_properties};
use openc2_mqtt::{Encoding, Form, Instant, Language, MessageType, Quirk, Reading, Response, Status};

/// A PUBLISH as it was received, to be changed in one place.
#[derive(Clone)]
struct Sent {
    qos: QoS,
    retain: bool,
    properties: Vec<Property<'static>>,
    payload: Vec<u8>,
}

fn user(name: &'static str, value: &'static str) -> Property<'static> {
    Property::UserProperty(Text::new(name).unwrap(), Text::new(value).unwrap())
}

fn sent(json: &str, encoding: Encoding) -> Sent {
    let message = Reading::default().message(Encoding::Json, json.as_bytes()).unwrap().value;
    let mut payload = vec![0; 512];
    let length = message.encode(Form::from(encoding), &mut payload).unwrap();
    payload.truncate(length);
    let properties = publish_properties(MessageType::Request, encoding, None).to_vec();
    Sent { qos: QoS::AtLeastOnce, retain: false, properties, payload }
}

fn with(base: &Sent, change: impl FnOnce(&mut Sent)) -> Sent {
    let mut changed = base.clone();
    change(&mut changed);
    changed
}

/// Every breach about which a policy decides, each of the same request.
fn breaches() -> Vec<(Clause, Sent)> {
    let json = sent(&deny("1"), Encoding::Json);
    let cbor = sent(&deny("1"), Encoding::Cbor);
    let bytes = Property::PayloadFormatIndicator(PayloadFormat::Unspecified);
    let text = Property::PayloadFormatIndicator(PayloadFormat::Utf8);
    let anonymous = deny("1").replace(r#","from":"p""#, "");
    let nobody = deny("1").replace(r#""from":"p""#, r#""from":"""#);
    let mut nameless = json.clone();
    nameless.payload = nobody.into_bytes();
    vec![
        (Clause::Retain, with(&json, |sent| sent.retain = true)),
        (Clause::Qos, with(&json, |sent| sent.qos = QoS::AtMostOnce)),
        (Clause::NoFrom, sent_from(&json, &anonymous)),
        (Clause::NoFrom, nameless),
        (Clause::PayloadFormat, with(&json, |sent| sent.properties[0] = bytes)),
        (Clause::PayloadFormat, with(&json, |sent| sent.properties = sent.properties[1..].to_vec())),
        (Clause::PayloadFormat, with(&cbor, |sent| sent.properties[0] = text)),
        (
            Clause::ResponseTopic,
            with(&json, |sent| sent.properties.push(Property::ResponseTopic(Topic::new("elsewhere").unwrap()))),
        ),
        (Clause::TwoMessageTypes, with(&json, |sent| sent.properties.push(user("msgType", "req")))),
        (Clause::TwoMessageTypes, with(&json, |sent| sent.properties.push(user("msgType", "rsp")))),
        (Clause::TwoEncodings, with(&json, |sent| sent.properties.push(user("encoding", "json")))),
        (Clause::TwoEncodings, with(&json, |sent| sent.properties.push(user("encoding", "cbor")))),
        (Clause::PayloadEncoding, with(&json, |sent| sent.payload.clone_from(&cbor.payload))),
        (Clause::PayloadEncoding, with(&cbor, |sent| sent.payload.clone_from(&json.payload))),
    ]
}

fn sent_from(base: &Sent, json: &str) -> Sent {
    with(base, |sent| sent.payload = json.as_bytes().to_vec())
}

/// What came of it, in a line, and which clauses it broke.
fn told(consumer: &mut Small<'_>, sent: &Sent, now: Instant, utc: Option<u64>) -> (String, Vec<Clause>) {
    told_on(consumer, AP, sent, now, utc)
}

fn told_on(
    consumer: &mut Small<'_>,
    topic: &str,
    sent: &Sent,
    now: Instant,
    utc: Option<u64>,
) -> (String, Vec<Clause>) {
    let received = Received {
        topic: Topic::new(topic).unwrap(),
        qos: sent.qos,
        retain: sent.retain,
        properties: Properties::from(&sent.properties[..]),
        payload: &sent.payload,
    };
    let mut buffer = [0; 1024];
    let (told, verdict) = match consumer.handle(&received, now, utc, &mut buffer).unwrap() {
        Reaction::Execute { ticket, verdict, .. } => {
            TICKET.with(|kept| kept.set(Some(ticket)));
            ("execute".into(), verdict)
        }
        Reaction::Reply { reply, verdict, repeated, .. } => {
            (format!("{}{}", if repeated { "again " } else { "" }, line(&reply)), verdict)
        }
        Reaction::Ignored { why, verdict } => (format!("{why:?}"), verdict),
        other => panic!("{other:?}"),
    };
    (told, verdict.violations.iter().collect())
}

fn policy(breaches: Breaches) -> ConsumerPolicy<'static> {
    ConsumerPolicy { breaches, ..ConsumerPolicy::default() }
}

#[test]
fn by_default_nothing_that_breaks_a_clause_is_executed_and_its_sender_is_told_which() {
    for (clause, sent) in breaches() {
        with_consumer(ConsumerPolicy::default(), None, |consumer| {
            let (told, violations) = told(consumer, &sent, NOW, Some(UTC));
            assert_eq!(told, format!("oc2/rsp 400 {} [{}] to 1", clause.meaning(), clause.section()));
            assert_eq!(violations, [clause]);
            assert_eq!(consumer.running(), 0);
        });
    }
}

#[test]
fn a_policy_decides_clause_by_clause() {
    for (clause, sent) in breaches() {
        let only = |what| {
            let mut breaches = Breaches::default();
            let field = match clause {
                Clause::Retain => &mut breaches.retained,
                Clause::Qos => &mut breaches.qos_zero,
                Clause::NoFrom => &mut breaches.no_from,
                Clause::PayloadFormat => &mut breaches.payload_format,
                Clause::ResponseTopic => &mut breaches.response_topic,
                Clause::TwoMessageTypes => &mut breaches.two_message_types,
                Clause::TwoEncodings => &mut breaches.two_encodings,
                Clause::PayloadEncoding => &mut breaches.payload_encoding,
                other => panic!("{other:?}"),
            };
            *field = what;
            policy(breaches)
        };
        with_consumer(only(OnBreach::Ignore), None, |consumer| {
            let (told, violations) = told(consumer, &sent, NOW, Some(UTC));
            assert_eq!(told, format!("Breach({clause:?})"));
            assert_eq!(violations, [clause]);
        });
        if clause == Clause::Retain {
            continue; // below
        }
        with_consumer(only(OnBreach::Execute), None, |consumer| {
            let (told, violations) = told(consumer, &sent, NOW, Some(UTC));
            assert_eq!(told, "execute", "{clause:?}");
            assert_eq!(violations, [clause]);
        });
    }
}

#[test]
fn of_several_breaches_the_strictest_answer_holds() {
    let both = with(&sent(&deny("1"), Encoding::Json), |sent| {
        sent.qos = QoS::AtMostOnce;
        sent.properties.push(user("encoding", "json"));
    });
    let of = |qos_zero, two_encodings| policy(Breaches { qos_zero, two_encodings, ..Breaches::default() });
    use OnBreach::{Execute, Ignore, Refuse};
    for (first, second, wanted) in [
        (Execute, Execute, "execute"),
        (Execute, Refuse, "oc2/rsp 400 the user property encoding stands twice [CS01 3.2] to 1"),
        (Refuse, Execute, "oc2/rsp 400 the quality of service is 0 [CS01 3.2] to 1"),
        (Refuse, Ignore, "Breach(TwoEncodings)"),
        (Ignore, Execute, "Breach(Qos)"),
    ] {
        with_consumer(of(first, second), None, |consumer| {
            assert_eq!(told(consumer, &both, NOW, Some(UTC)).0, wanted);
        });
    }
}

#[test]
fn who_wants_no_response_is_told_no_clause_and_others_are_not_told_at_all() {
    let silent = sent(&deny_with("1", r#"{"response_requested":"none"}"#), Encoding::Json);
    let others = sent(&deny("1").replace(r#""from":"p""#, r#""from":"p","to":["x"]"#), Encoding::Json);
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        for (sent, wanted) in [(silent, "Unwanted"), (others, "ForOthers")] {
            let retained = with(&sent, |sent| sent.retain = true);
            assert_eq!(told(consumer, &retained, NOW, Some(UTC)).0, wanted);
        }
    });
}

#[test]
fn a_payload_in_the_wrong_encoding_is_told_as_that_even_if_it_breaks_the_language_too() {
    let broken = deny("7").replace("192.0.2.1", "300.0.2.1");
    let wrong = Sent { payload: broken.into_bytes(), ..sent(&deny("7"), Encoding::Cbor) };
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let (told, violations) = told(consumer, &wrong, NOW, Some(UTC));
        assert_eq!(told, "oc2/rsp 400 the payload is not encoded as encoding says [CS01 3.2] to 7");
        assert_eq!(violations, [Clause::PayloadEncoding]);
    });
}

#[test]
fn a_second_message_type_makes_no_request_of_a_response() {
    let json = sent(&deny("1"), Encoding::Json);
    let response = with(&json, |sent| sent.properties.insert(0, user("msgType", "rsp")));
    with_consumer(policy(Breaches::all(OnBreach::Execute)), None, |consumer| {
        assert_eq!(told(consumer, &response, NOW, Some(UTC)).0, "NotARequest", "the first counts");
    });
}

/// A retained command, created at this moment.
fn retained(id: &str, created: u64) -> Sent {
    let json = deny(id).replace(r#""from""#, &format!(r#""created":{created},"from""#));
    with(&sent(&json, Encoding::Json), |sent| sent.retain = true)
}

const TWICE: &str = "400 Retained, and it can't be told whether it was carried out before";

#[test]
fn a_retained_command_is_carried_out_only_if_it_can_not_have_been_before() {
    let allowed = Breaches { retained: OnBreach::Execute, ..Breaches::default() };
    let refused = |id: &str| format!("oc2/rsp {TWICE} to {id}");
    with_consumer(policy(allowed), None, |consumer| {
        let at = |consumer: &mut Small<'_>, sent: &Sent, millis: u64| {
            told(consumer, sent, NOW.after(millis), Some(UTC + millis)).0
        };
        // The first message tells the time; what was created until then may be known to an earlier process.
        assert_eq!(at(consumer, &retained("1", UTC), 0), refused("1"));
        assert_eq!(at(consumer, &retained("2", UTC - 1), 5), refused("2"));
        let undated = with(&sent(&deny("3"), Encoding::Json), |sent| sent.retain = true);
        assert_eq!(at(consumer, &undated, 5), refused("3"), "it doesn't say when");
        assert_eq!(at(consumer, &retained("4", UTC + 6), 5), refused("4"), "the future");
        assert_eq!(at(consumer, &retained("5", UTC + 5), 5), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 5");
        assert_eq!(at(consumer, &retained("5", UTC + 5), 6), "again oc2/rsp 200 to 5");
        // As long as it is remembered, and never after that.
        assert_eq!(at(consumer, &retained("5", UTC + 5), 3_599_999), "again oc2/rsp 200 to 5");
        assert_eq!(at(consumer, &retained("5", UTC + 5), 3_600_005), refused("5"));
        let unknown = told(consumer, &retained("6", UTC + 4_000_000), NOW.after(4_000_000), None).0;
        assert_eq!(unknown, refused("6"), "the time of day isn't known");
        // Query features executes nothing.
        let query = request("7", r#""action":"query","target":{"features":[]}"#);
        let query = with(&sent(&query, Encoding::Json), |sent| sent.retain = true);
        assert_eq!(at(consumer, &query, 4_000_000), "oc2/rsp 200 to 7");
    });
}

#[test]
fn a_command_of_the_future_is_not_carried_out_again_when_it_is_retained_and_forgotten() {
    let allowed = Breaches { retained: OnBreach::Execute, ..Breaches::default() };
    const WINDOW: u64 = 3_600_000;
    let live = with(&retained("1", UTC + 5_000), |sent| sent.retain = false);
    let query = sent(&request("0", r#""action":"query","target":{"features":[]}"#), Encoding::Json);
    // It came first while the time of day was known, and while it wasn't.
    for utc in [Some(UTC), None] {
        for over_a_restart in [false, true] {
            let mut bytes = [0; ConsumerMemory::<3, 768>::EXPORT];
            let mut length = 0;
            let later = |consumer: &mut Small<'_>, now: Instant| {
                let again = told(consumer, &retained("1", UTC + 5_000), now, Some(UTC + WINDOW + 2_000)).0;
                assert_eq!(again, format!("oc2/rsp {TWICE} to 1"), "{utc:?} {over_a_restart}");
                let new = told(consumer, &retained("2", UTC + 5_001), now, Some(UTC + WINDOW + 2_000)).0;
                assert_eq!(new, "execute");
            };
            with_consumer(policy(allowed), None, |consumer| {
                told(consumer, &query, NOW, utc);
                assert_eq!(told(consumer, &live, NOW, utc).0, "execute");
                assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 1");
                told(consumer, &query, NOW.after(1), Some(UTC + 1));
                if over_a_restart {
                    length = consumer.export(NOW.after(10), Some(UTC + 10), &mut bytes).unwrap();
                } else {
                    later(consumer, NOW.after(WINDOW + 2_000));
                }
            });
            if over_a_restart {
                with_consumer(policy(allowed), None, |consumer| {
                    consumer.import(&bytes[..length], NOW, Some(UTC + WINDOW + 2_000)).unwrap();
                    later(consumer, NOW);
                });
            }
        }
    }
}

#[test]
fn a_longer_window_after_a_restart_carries_nothing_out_again() {
    let allowed = Breaches { retained: OnBreach::Execute, ..Breaches::default() };
    const HOUR: u64 = 3_600_000;
    let longer = ConsumerPolicy { window: 24 * HOUR, ..policy(allowed) };
    let query = sent(&request("0", r#""action":"query","target":{"features":[]}"#), Encoding::Json);
    for exported in [Some(UTC + 2 * HOUR), None] {
        let mut bytes = [0; ConsumerMemory::<3, 768>::EXPORT];
        let mut length = 0;
        with_consumer(policy(allowed), None, |consumer| {
            told(consumer, &query, NOW, Some(UTC));
            assert_eq!(told(consumer, &retained("1", UTC + 1), NOW.after(1), Some(UTC + 1)).0, "execute");
            assert_eq!(respond_at(consumer, &Response::new(Status::Ok), NOW.after(1)), "oc2/rsp 200 to 1");
            let late = 2 * HOUR - 10;
            assert_eq!(told(consumer, &retained("2", UTC + late), NOW.after(late), Some(UTC + late)).0, "execute");
            assert_eq!(respond_at(consumer, &Response::new(Status::Ok), NOW.after(late)), "oc2/rsp 200 to 2");
            length = consumer.export(NOW.after(2 * HOUR), exported, &mut bytes).unwrap();
        });
        with_consumer(longer, None, |consumer| {
            let at = |consumer: &mut Small<'_>, sent: &Sent, hours: u64| {
                told(consumer, sent, NOW.after((hours - 3) * HOUR), Some(UTC + hours * HOUR)).0
            };
            consumer.import(&bytes[..length], NOW, Some(UTC + 3 * HOUR)).unwrap();
            // Forgotten by the last process; remembered by it, and now for the longer window.
            assert_eq!(at(consumer, &retained("1", UTC + 1), 3), format!("oc2/rsp {TWICE} to 1"), "{exported:?}");
            for hours in [3, 4, 12, 25] {
                assert_eq!(at(consumer, &retained("2", UTC + 2 * HOUR - 10), hours), "again oc2/rsp 200 to 2");
            }
            let forgotten = at(consumer, &retained("2", UTC + 2 * HOUR - 10), 28);
            assert_eq!(forgotten, format!("oc2/rsp {TWICE} to 2"));
            assert_eq!(at(consumer, &retained("3", UTC + 27 * HOUR), 28), "execute");
        });
    }
}

#[test]
fn what_was_pushed_out_makes_older_retained_commands_uncertain() {
    let allowed = Breaches { retained: OnBreach::Execute, ..Breaches::default() };
    with_consumer(ConsumerPolicy { share: Some(3), ..policy(allowed) }, None, |consumer| {
        let at = |consumer: &mut Small<'_>, sent: &Sent, millis: u64| {
            told(consumer, sent, NOW.after(millis), Some(UTC + millis)).0
        };
        assert_eq!(
            at(consumer, &sent(&request("0", r#""action":"query","target":{"features":[]}"#), Encoding::Json), 0),
            "oc2/rsp 200 to 0"
        );
        assert_eq!(at(consumer, &retained("1", UTC + 10), 10), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 1");
        for id in ["2", "3", "4"] {
            assert_eq!(at(consumer, &sent(&deny(id), Encoding::Json), 20), "execute");
            assert_eq!(respond(consumer, &Response::new(Status::Ok)), format!("oc2/rsp 200 to {id}"));
        }
        assert_eq!(consumer.figures(NOW).pushed_out, 1);
        assert_eq!(at(consumer, &retained("1", UTC + 10), 30), format!("oc2/rsp {TWICE} to 1"));
        assert_eq!(at(consumer, &retained("5", UTC + 20), 30), format!("oc2/rsp {TWICE} to 5"));
        assert_eq!(at(consumer, &retained("6", UTC + 21), 30), "execute");
    });
}

#[test]
fn no_retained_command_is_carried_out_twice_over_restarts() {
    let lenient = Reading::lenient(Language::V1_0);
    let allowed = Breaches { retained: OnBreach::Execute, ..Breaches::default() };
    for policy in [policy(allowed), ConsumerPolicy { reading: lenient, ..ConsumerPolicy::default() }] {
        let command = retained("1", UTC + 50);
        let mut bytes = [0; ConsumerMemory::<3, 768>::EXPORT];
        let mut length = 0;
        with_declaration(None, |declaration| {
            let mut first = Consumer::new(declaration, policy, ConsumerMemory::<3, 768>::new());
            told(&mut first, &retained("0", UTC), NOW, Some(UTC));
            assert_eq!(told(&mut first, &command, NOW.after(100), Some(UTC + 100)).0, "execute");
            length = first.export(NOW.after(100), Some(UTC + 100), &mut bytes).unwrap();
        });
        with_declaration(None, |declaration| {
            // Without what the first one knew, whatever was created before this process began is refused.
            let mut second = Consumer::new(declaration, policy, ConsumerMemory::<3, 768>::new());
            let again = told(&mut second, &command, NOW, Some(UTC + 200)).0;
            assert_eq!(again, format!("oc2/rsp {TWICE} to 1"));
            // With it, it is known, and what came into being while no process ran is carried out.
            let mut third = Consumer::new(declaration, policy, ConsumerMemory::<3, 768>::new());
            third.import(&bytes[..length], NOW, Some(UTC + 200)).unwrap();
            assert_eq!(told(&mut third, &command, NOW, Some(UTC + 200)).0, "Running");
            assert_eq!(told(&mut third, &retained("2", UTC + 150), NOW, Some(UTC + 200)).0, "execute");
        });
    }
}

#[test]
fn a_lenient_consumer_forgives_a_missing_from_however_it_is_missing() {
    let reading = Reading::lenient(Language::V1_0);
    for (sent, quirks) in [
        (sent(&deny("1").replace(r#","from":"p""#, ""), Encoding::Json), vec![Quirk::NoFrom]),
        (
            sent_from(&sent(&deny("1"), Encoding::Json), &deny("1").replace(r#""p""#, r#""""#)),
            vec![Quirk::EmptyFrom, Quirk::NoFrom],
        ),
    ] {
        with_consumer(ConsumerPolicy { reading, ..ConsumerPolicy::default() }, None, |consumer| {
            let received = Received {
                topic: Topic::new(AP).unwrap(),
                qos: sent.qos,
                retain: false,
                properties: Properties::from(&sent.properties[..]),
                payload: &sent.payload,
            };
            let mut buffer = [0; 512];
            let Ok(Reaction::Execute { verdict, .. }) = consumer.handle(&received, NOW, None, &mut buffer) else {
                panic!("not executed")
            };
            assert!(verdict.violations.is_empty() && verdict.quirks.iter().eq(quirks.iter().copied()));
        });
    }
}

#[test]
fn csd03_and_wd01_ask_for_less_and_are_not_measured_by_cs01() {
    for (layout, topic) in [(Layout::Csd03, AP), (Layout::Wd01, AP)] {
        let scheme = Scheme { layout, prefix: None };
        with_consumer(ConsumerPolicy { scheme, ..ConsumerPolicy::default() }, None, |consumer| {
            let mut free = sent(&deny("1").replace(r#","from":"p""#, ""), Encoding::Json);
            free.properties.push(Property::ResponseTopic(Topic::new("elsewhere").unwrap()));
            let told = told_on(consumer, topic, &free, NOW, Some(UTC));
            assert_eq!(told, ("execute".into(), vec![]), "{layout}");
        });
    }
}

#[test]
fn a_flat_record_names_its_sender_on_topics_of_cs01_alone() {
    let json = r#"{"request_id":"1","content":{"request":{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}}}"#;
    let record = sent(json, Encoding::Json);
    for (layout, wanted) in [
        (Layout::Cs01, "oc2/rsp 400 the message does not say who sends it [CS01 3.2] to 1"),
        (Layout::Csd03, "execute"),
    ] {
        let scheme = Scheme { layout, prefix: None };
        with_consumer(ConsumerPolicy { scheme, ..ConsumerPolicy::default() }, None, |consumer| {
            assert_eq!(told(consumer, &record, NOW, Some(UTC)).0, wanted);
        });
    }
}
