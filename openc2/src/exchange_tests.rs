//! A Producer and Consumers against each other, without a broker: what one sends the others receive.

use std::format;
use std::string::String;

use mqtt5_codec::QoS;

use crate::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, ConsumerRefused, Declaration, Ignored, Reaction};
use crate::producer::{Expect, Heard, NotCounted, Producer, ProducerMemory, ProducerPolicy, Request, Stage};
use crate::profile::{Profiles, slpf};
use crate::transfer::{Channel, Outgoing, Received};
use crate::*;

const NOW: Instant = Instant::from_millis(1_000);
const UTC: Option<u64> = Some(1_610_483_630_000);

fn pairs() -> [Pair<'static>; 1] {
    [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "ipv6_net"]) }]
}

fn received<'o>(outgoing: &'o Outgoing<'_>) -> Received<'o> {
    Received {
        topic: outgoing.topic,
        qos: outgoing.qos(),
        retain: false,
        properties: outgoing.properties.as_properties(),
        payload: outgoing.payload,
    }
}

fn deny(response: Option<ResponseType>) -> Command<'static> {
    let mut command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("198.51.100.0/24").unwrap()));
    command.args.response_requested = response;
    command
}

fn text(outgoing: &Outgoing<'_>) -> String {
    String::from_utf8(outgoing.payload.to_vec()).unwrap()
}

#[test]
fn a_command_is_executed_once_and_answered_each_time() {
    for encoding in [Encoding::Json, Encoding::Cbor] {
        let policy = ProducerPolicy { encoding, ..ProducerPolicy::default() };
        let mut producer = Producer::new("p", policy, ProducerMemory::<2, 8>::new());
        let pairs = pairs();
        let declaration = Declaration::new("c", "d", &slpf::PROFILES, &pairs);
        let mut consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<2, 1024>::new());
        let mut request = Request::new(Channel::Profile("slpf"), deny(None), 5_000);
        request.expect = Expect::Count(1);
        let mut out = [0; 512];
        let (id, outgoing) = producer.request(&request, [9; 16], NOW, UTC, &mut out).unwrap();
        assert_eq!(outgoing.topic, "oc2/cmd/ap/slpf");
        assert_eq!(outgoing.qos(), QoS::AtLeastOnce);
        assert_eq!(producer.poll_timeout(), Some(NOW.after(5_000)));
        let mut back = [0; 512];
        let Ok(Reaction::Execute { ticket, command, reply: None, .. }) =
            consumer.handle(&received(&outgoing), NOW, UTC, &mut back)
        else {
            panic!("not executed")
        };
        assert_eq!(command.action, Action::Deny);
        // While it runs, the request comes again by another topic.
        let again = consumer.handle(&received(&outgoing), NOW, UTC, &mut back).unwrap();
        assert!(matches!(again, Reaction::Ignored { why: Ignored::Running, .. }));
        let mut interim = [0; 512];
        let progress = consumer.respond(ticket, &Response::new(Status::Processing), NOW, UTC, &mut interim);
        let progress = progress.unwrap().unwrap();
        let Heard::Response { stage: Stage::Interim, complete: false, request, .. } =
            producer.handle(&received(&progress), NOW)
        else {
            panic!("no progress")
        };
        assert_eq!(request, id);
        let twice = producer.handle(&received(&progress), NOW);
        assert!(matches!(twice, Heard::Nothing { why: NotCounted::Duplicate(_), .. }));
        let done = consumer.respond(ticket, &Response::new(Status::Ok), NOW, UTC, &mut back).unwrap().unwrap();
        assert_eq!(done.topic, "oc2/rsp");
        let mut repeat = [0; 512];
        let Ok(Reaction::Reply { reply, repeated: true, status: Status::Ok, .. }) =
            consumer.handle(&received(&outgoing), NOW, UTC, &mut repeat)
        else {
            panic!("not repeated")
        };
        assert_eq!(reply.payload, done.payload);
        assert!(matches!(
            producer.handle(&received(&done), NOW),
            Heard::Response { stage: Stage::Final, complete: true, .. }
        ));
        assert!(matches!(
            producer.handle(&received(&reply), NOW),
            Heard::Nothing { why: NotCounted::Duplicate(_), .. }
        ));
        assert_eq!(producer.poll_timeout(), None);
        let stale = consumer.respond(ticket, &Response::new(Status::Ok), NOW, UTC, &mut back);
        assert_eq!(stale.err(), Some(ConsumerRefused::NoSuchTicket));
    }
}

#[test]
fn what_nobody_can_carry_out_is_refused_with_the_reason() {
    let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 8>::new());
    let pairs = pairs();
    let declaration = Declaration::new("c", "d", &slpf::PROFILES, &pairs);
    let mut consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<2, 1024>::new());
    for (command, reason) in [
        (Command::new(Action::Detonate, Target::Uri(Str::new("a:b"))), "Command not supported"),
        (Command::new(Action::Deny, Target::Uri(Str::new("a:b"))), "Target type not supported"),
    ] {
        let (mut out, mut back) = ([0; 512], [0; 512]);
        let request = Request::new(Channel::Device("d"), command, 5_000);
        let (_, outgoing) = producer.request(&request, [9; 16], NOW, UTC, &mut out).unwrap();
        let Ok(Reaction::Reply { reply, status: Status::NotImplemented, .. }) =
            consumer.handle(&received(&outgoing), NOW, UTC, &mut back)
        else {
            panic!("not refused")
        };
        assert!(text(&reply).contains(reason), "{}", text(&reply));
    }
}

#[test]
fn discovery_asks_everyone_and_ends_at_the_deadline() {
    let mut producer = Producer::new("Producer1@example.com", ProducerPolicy::default(), ProducerMemory::<2, 8>::new());
    let request = Request::discover(Features::new(&[Feature::Profiles]), 2_000);
    let mut out = [0; 512];
    let (id, outgoing) = producer.request_as(&request, "abc123", NOW, Some(1610483630), &mut out).unwrap();
    assert_eq!(outgoing.topic, "oc2/cmd/all");
    assert_eq!(
        text(&outgoing),
        r#"{"headers":{"request_id":"abc123","created":1610483630,"from":"Producer1@example.com"},"body":{"openc2":{"request":{"action":"query","target":{"features":["profiles"]}}}}}"#
    );
    for (name, profiles, expected) in [
        ("Consumer1@example.com", &["slpf"][..], r#"["slpf"]"#),
        ("Consumer2@example.com", &["slpf", "ids"], r#"["slpf","ids"]"#),
        ("Consumer3@example.com", &["edr", "sbom"], r#"["edr","sbom"]"#),
    ] {
        let declaration = Declaration::new(name, "d", &Profiles::NONE, &[]).with_others(profiles);
        let mut consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<1, 512>::new());
        let mut back = [0; 512];
        let Ok(Reaction::Reply { reply, .. }) = consumer.handle(&received(&outgoing), NOW, Some(1610483633), &mut back)
        else {
            panic!("no answer")
        };
        let expected = format!(
            r#"{{"headers":{{"request_id":"abc123","created":1610483633,"from":"{name}"}},"body":{{"openc2":{{"response":{{"status":200,"results":{{"profiles":{expected}}}}}}}}}}}"#
        );
        assert_eq!(text(&reply), expected);
        assert!(matches!(producer.handle(&received(&reply), NOW), Heard::Response { complete: false, .. }));
    }
    let mut count = 0;
    producer.responders(id, |_, answer| count += usize::from(answer == producer::Answer::Good(Status::Ok)));
    assert_eq!(count, 3);
    assert_eq!(producer.handle_timeout(NOW.after(1_999)), None);
    let over = producer.handle_timeout(NOW.after(2_000)).unwrap();
    assert_eq!((over.request, over.answered, over.awaited), (id, 3, 0));
    assert_eq!(producer.handle_timeout(NOW.after(2_000)), None);
}

#[test]
fn a_request_identifier_is_a_version_4_uuid() {
    assert_eq!(&producer::uuid([0; 16]), b"00000000-0000-4000-8000-000000000000");
    assert_eq!(&producer::uuid([0xFF; 16]), b"ffffffff-ffff-4fff-bfff-ffffffffffff");
}
