//! A process ends and another goes on: what is exported is taken up, what isn't is forgotten, and both are as documented.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::*;
use mqtt5_codec::{QoS, Topic};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy};
use openc2_mqtt::producer::{
    Answer, Expect, Heard, NotCounted, Producer, ProducerMemory, ProducerPolicy, Request, Stage,
};
use openc2_mqtt::transfer::{Channel, Received, publish_properties};
use openc2_mqtt::{
    Action, Command, Encoding, ExportError, ImportError, Instant, Ipv4Net, MessageType, Response, Status, Target,
};

/// A new process: its clock starts anew.
const LATER: Instant = Instant::from_millis(5);

type Memory = ProducerMemory<3, 6>;

fn producer() -> Producer<'static, Memory> {
    Producer::new("p", ProducerPolicy::default(), Memory::new())
}

fn command() -> Command<'static> {
    Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()))
}

fn heard(producer: &mut Producer<'_, Memory>, from: &str, id: &str, status: u16, now: Instant) -> String {
    let json = format!(
        r#"{{"headers":{{"request_id":"{id}","from":"{from}"}},"body":{{"openc2":{{"response":{{"status":{status}}}}}}}}}"#
    );
    let properties = publish_properties(MessageType::Response, Encoding::Json, None);
    let received = Received {
        topic: Topic::new("oc2/rsp").unwrap(),
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: properties.as_properties(),
        payload: json.as_bytes(),
    };
    match producer.handle(&received, now) {
        Heard::Response { stage: Stage::Interim, .. } => "interim".into(),
        Heard::Response { complete: true, .. } => "complete".into(),
        Heard::Response { .. } => "final".into(),
        Heard::Nothing { why: NotCounted::Duplicate(_), .. } => "duplicate".into(),
        Heard::Nothing { why: NotCounted::Late(_), .. } => "late".into(),
        Heard::Nothing { why, .. } => format!("{why:?}").to_lowercase(),
        other => panic!("{other:?}"),
    }
}

/// Three requests in three states, and what was exported of them.
fn exported(buffer: &mut [u8]) -> usize {
    let mut first = producer();
    let each = Request { expect: Expect::Each(&["a", "b", "c"]), ..Request::new(Channel::All, command(), 10_000) };
    let some = Request { expect: Expect::Count(2), ..each };
    let mut out = [0; 512];
    first.request_as(&each, "each", NOW, Some(UTC), &mut out).unwrap();
    first.request_as(&some, "some", NOW, Some(UTC), &mut out).unwrap();
    let (over, _) =
        first.request_as(&Request { expect: Expect::Unknown, ..each }, "over", NOW, Some(UTC), &mut out).unwrap();
    assert_eq!(heard(&mut first, "a", "each", 200, NOW), "final");
    assert_eq!(heard(&mut first, "b", "each", 102, NOW), "interim");
    assert_eq!(heard(&mut first, "x", "some", 500, NOW), "final");
    assert_eq!(heard(&mut first, "y", "over", 200, NOW), "final");
    assert!(first.cancel(over));
    first.export(NOW.after(4_000), Some(UTC + 4_000), buffer).unwrap()
}

#[test]
fn a_producer_goes_on_where_the_last_process_ended() {
    let mut bytes = [0; Memory::EXPORT];
    let length = exported(&mut bytes);
    let mut second = producer();
    // A second passed between the two processes.
    second.import(&bytes[..length], LATER, Some(UTC + 5_000)).unwrap();
    let mut told = Vec::new();
    second.requests(|_, id, pending| told.push((id.to_string(), pending)));
    told.sort();
    assert_eq!(told, [("each".into(), true), ("over".into(), false), ("some".into(), true)]);
    let each = second.find("each").unwrap();
    let mut parts = Vec::new();
    second.responders(each, |name, answer| parts.push((name.to_string(), answer)));
    assert_eq!(
        parts,
        [
            ("a".into(), Answer::Good(Status::Ok)),
            ("b".into(), Answer::Good(Status::Processing)),
            ("c".into(), Answer::Awaited)
        ]
    );
    // Each responder has exactly one outcome, whichever process heard it.
    assert_eq!(heard(&mut second, "a", "each", 200, LATER), "duplicate");
    assert_eq!(heard(&mut second, "b", "each", 102, LATER), "duplicate");
    assert_eq!(heard(&mut second, "b", "each", 200, LATER), "final");
    assert_eq!(heard(&mut second, "x", "some", 500, LATER), "duplicate");
    assert_eq!(heard(&mut second, "y", "over", 200, LATER), "duplicate");
    assert_eq!(heard(&mut second, "z", "over", 200, LATER), "late");
    assert_eq!(heard(&mut second, "q", "some", 200, LATER), "complete");
    // Five of ten seconds are left.
    assert_eq!(second.poll_timeout(), Some(LATER.after(5_000)));
    assert_eq!(heard(&mut second, "c", "each", 200, LATER.after(4_999)), "complete");
    assert_eq!(second.poll_timeout(), None);
}

#[test]
fn where_no_utc_is_known_time_stands_still_between_processes() {
    let mut bytes = [0; Memory::EXPORT];
    let length = exported(&mut bytes);
    let mut second = producer();
    second.import(&bytes[..length], LATER, None).unwrap();
    assert_eq!(second.poll_timeout(), Some(LATER.after(6_000)));
    // And a deadline that passed meanwhile is told at once.
    let mut third = producer();
    third.import(&bytes[..length], LATER, Some(UTC + 60_000)).unwrap();
    let over: Vec<_> = core::iter::from_fn(|| third.handle_timeout(LATER)).collect();
    assert_eq!(over.iter().map(|over| (over.answered, over.awaited)).collect::<Vec<_>>(), [(1, 2), (1, 1)]);
    assert_eq!(heard(&mut third, "c", "each", 200, LATER), "late");
}

#[test]
fn a_producer_takes_up_what_is_whole_and_fits_and_nothing_else() {
    let mut bytes = [0; Memory::EXPORT];
    let length = exported(&mut bytes);
    let mut second = producer();
    assert_eq!(second.import(&bytes[..length - 1], LATER, None), Err(ImportError::Damaged));
    let mut changed = bytes;
    changed[30] ^= 4;
    assert_eq!(second.import(&changed[..length], LATER, None), Err(ImportError::Damaged));
    assert_eq!(second.import(&[0xFF; 64], LATER, None), Err(ImportError::NotAnExport), "an empty page of flash");
    let mut newer = bytes;
    newer[4] = 4;
    assert_eq!(second.import(&newer[..length], LATER, None), Err(ImportError::Version(4)));
    let mut small = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<2, 6>::new());
    assert_eq!(small.import(&bytes[..length], LATER, None), Err(ImportError::Full));
    let mut small = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<3, 4>::new());
    assert_eq!(small.import(&bytes[..length], LATER, None), Err(ImportError::Full));
    let mut none = 0;
    small.requests(|_, _, _| none += 1);
    assert_eq!(none, 0, "a refused call has changed nothing");
    second.import(&bytes[..length], LATER, None).unwrap();
    assert_eq!(second.import(&bytes[..length], LATER, None), Err(ImportError::InUse));
    for room in [0, 3, 9, length - 1] {
        let refused = second.export(LATER, Some(UTC), &mut bytes[..room]);
        assert_eq!(refused, Err(ExportError { need: length }));
    }
}

#[test]
fn without_an_export_a_response_is_foreign() {
    assert_eq!(heard(&mut producer(), "a", "each", 200, NOW), "foreign");
}

type Slots = ConsumerMemory<3, 768>;

/// One sender may have all of it.
fn policy() -> ConsumerPolicy<'static> {
    ConsumerPolicy { share: Some(3), ..ConsumerPolicy::default() }
}

/// A process with a Consumer that begins with what the last one exported.
fn process<T>(
    policy: ConsumerPolicy<'_>,
    last: Option<(&[u8], Option<u64>)>,
    run: impl FnOnce(&mut Consumer<'_, Slots>) -> T,
) -> T {
    with_declaration(Some(3), |declaration| {
        let mut consumer = Consumer::new(declaration, policy, Slots::new());
        if let Some((bytes, utc)) = last {
            consumer.import(bytes, LATER, utc).unwrap();
        }
        run(&mut consumer)
    })
}

/// One command answered, one acknowledged and being carried out, one without a word.
fn begun(bytes: &mut [u8]) -> usize {
    process(policy(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny("done"), NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to done");
        let ack = deny_with("acknowledged", r#"{"response_requested":"ack"}"#);
        assert_eq!(tell(consumer, AP, &ack, NOW), "execute oc2/rsp 102 to acknowledged");
        let named = deny("running").replace(r#""action""#, r#""command_id":"k","action""#);
        assert_eq!(tell(consumer, AP, &named, NOW), "execute");
        consumer.export(NOW.after(10_000), Some(UTC + 10_000), bytes).unwrap()
    })
}

#[test]
fn a_consumer_that_goes_on_executes_nothing_twice() {
    let mut bytes = [0; Slots::EXPORT];
    let length = begun(&mut bytes);
    process(policy(), Some((&bytes[..length], Some(UTC + 20_000))), |consumer| {
        assert_eq!(tell(consumer, AP, &deny("done"), LATER), "again oc2/rsp 200 to done");
        let ack = deny_with("acknowledged", r#"{"response_requested":"ack"}"#);
        assert_eq!(tell(consumer, AP, &ack, LATER), "again oc2/rsp 102 to acknowledged");
        let running = deny("running").replace(r#""action""#, r#""command_id":"k","action""#);
        assert_eq!(tell(consumer, AP, &running, LATER), "Running");
        let mut unfinished = Vec::new();
        consumer.unfinished(|ticket, from, id| unfinished.push((ticket, from.to_string(), id.to_string())));
        let names: Vec<_> = unfinished.iter().map(|(_, from, id)| (from.as_str(), id.as_str())).collect();
        assert_eq!(names, [("p", "acknowledged"), ("p", "k")]);
        // The host can't tell how far it came.
        TICKET.with(|ticket| ticket.set(Some(unfinished[1].0)));
        let interrupted = Response::with_text(Status::InternalError, "Interrupted");
        assert_eq!(respond(consumer, &interrupted), "oc2/rsp 500 Interrupted to running");
        assert_eq!(tell(consumer, AP, &running, LATER), "again oc2/rsp 500 Interrupted to running");
        // 3,580 of 3,600 seconds of the window are left, and then it is over.
        assert_eq!(tell(consumer, AP, &deny("done"), LATER.after(3_579_999)), "again oc2/rsp 200 to done");
        assert_eq!(tell(consumer, AP, &deny("done"), LATER.after(3_580_000)), "execute");
    });
}

#[test]
fn the_rate_limit_goes_on_too() {
    let mut bytes = [0; Slots::EXPORT];
    let length = begun(&mut bytes);
    // Three commands a minute, of which the last two seconds have given back none: each slot is free, and none may come.
    let free = |consumer: &mut Consumer<'_, Slots>| {
        let mut tickets = Vec::new();
        consumer.unfinished(|ticket, _, _| tickets.push(ticket));
        tickets.into_iter().for_each(|ticket| consumer.abandon(ticket).unwrap());
    };
    process(policy(), Some((&bytes[..length], Some(UTC + 10_000))), |consumer| {
        free(consumer);
        assert_eq!(tell(consumer, AP, &deny("4"), LATER), "oc2/rsp 503 Rate limit exceeded to 4");
        assert_eq!(tell(consumer, AP, &deny("4"), LATER.after(10_000)), "execute", "20 s after the first");
    });
    process(policy(), Some((&bytes[..length], Some(UTC + 20_000))), |consumer| {
        free(consumer);
        assert_eq!(tell(consumer, AP, &deny("4"), LATER), "execute", "the same, 10 s of it between the processes");
    });
    // Under a limit of one, what the last process used of its three is at most that one.
    with_declaration(Some(1), |declaration| {
        let mut consumer = Consumer::new(declaration, policy(), Slots::new());
        consumer.import(&bytes[..length], LATER, Some(UTC + 10_000)).unwrap();
        free(&mut consumer);
        assert_eq!(tell(&mut consumer, AP, &deny("4"), LATER.after(59_999)), "oc2/rsp 503 Rate limit exceeded to 4");
        assert_eq!(tell(&mut consumer, AP, &deny("4"), LATER.after(60_000)), "execute");
    });
}

#[test]
fn a_consumer_that_forgot_executes_again_unless_it_minds_what_was_created_before() {
    process(policy(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny("done"), LATER), "execute");
    });
    let careful = ConsumerPolicy { since: Some(UTC), ..policy() };
    let created = |when: u64| deny("done").replace(r#""from""#, &format!(r#""created":{when},"from""#));
    process(careful, None, |consumer| {
        let refused = "oc2/rsp 503 Created before a restart to done";
        assert_eq!(tell(consumer, AP, &deny("done"), LATER), refused, "it doesn't say when");
        assert_eq!(tell(consumer, AP, &created(UTC - 1), LATER), refused);
        assert_eq!(tell(consumer, AP, &created(UTC), LATER), "execute");
        let features = request("2", r#""action":"query","target":{"features":[]}"#);
        assert_eq!(tell(consumer, AP, &features, LATER), "oc2/rsp 200 to 2", "which does nothing");
    });
}

#[test]
fn a_consumer_takes_up_what_is_whole_and_fits_and_nothing_else() {
    let mut bytes = [0; Slots::EXPORT];
    let length = begun(&mut bytes);
    process(policy(), None, |consumer| {
        assert_eq!(consumer.import(&bytes[..length - 1], LATER, None), Err(ImportError::Damaged));
        let mut changed = bytes;
        changed[length / 2] ^= 1;
        assert_eq!(consumer.import(&changed[..length], LATER, None), Err(ImportError::Damaged));
        let mut other = [0; Memory::EXPORT];
        let others = exported(&mut other);
        assert_eq!(consumer.import(&other[..others], LATER, None), Err(ImportError::NotAnExport));
        assert_eq!(consumer.running(), 0, "a refused call has changed nothing");
        consumer.import(&bytes[..length], LATER, None).unwrap();
        assert_eq!(consumer.import(&bytes[..length], LATER, None), Err(ImportError::InUse));
        let mut short = vec![0; length - 1];
        assert_eq!(consumer.export(LATER, Some(UTC), &mut short), Err(ExportError { need: length }));
    });
    with_declaration(None, |declaration| {
        let mut few = Consumer::new(declaration, policy(), ConsumerMemory::<2, 768>::new());
        assert_eq!(few.import(&bytes[..length], LATER, None), Err(ImportError::Full));
        let mut narrow = Consumer::new(declaration, policy(), ConsumerMemory::<3, 30>::new());
        assert_eq!(narrow.import(&bytes[..length], LATER, None), Err(ImportError::Full));
        // Room for the names, but not for the responses: what was answered is still known.
        let mut tight = Consumer::new(declaration, policy(), ConsumerMemory::<3, 90>::new());
        tight.import(&bytes[..length], LATER, None).unwrap();
        let again = "again oc2/rsp 200 Answered before; the results were too large to keep to done";
        assert_eq!(tell(&mut tight, AP, &deny("done"), LATER), again);
    });
}

#[test]
fn what_is_exported_is_never_longer_than_told() {
    let mut bytes = [0; Slots::EXPORT];
    process(policy(), None, |consumer| {
        for id in 0..3 {
            let long = format!("{id}{}", "x".repeat(180));
            assert_eq!(tell(consumer, AP, &deny(&long), NOW), "execute");
            respond(consumer, &Response::new(Status::Ok));
        }
        assert!(consumer.export(NOW, Some(UTC), &mut bytes).unwrap() <= Slots::EXPORT);
    });
    let mut bytes = [0; Memory::EXPORT];
    let mut full = producer();
    let names: Vec<String> = (0..6).map(|number| format!("{number}{}", "n".repeat(63))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let request = Request { expect: Expect::Each(&names), ..Request::new(Channel::All, command(), 10_000) };
    full.request(&request, [1; 16], NOW, None, &mut [0; 512]).unwrap();
    for random in 2..4 {
        full.request(&Request { expect: Expect::Count(1), ..request }, [random; 16], NOW, None, &mut [0; 512]).unwrap();
    }
    assert_eq!(full.export(NOW, Some(UTC), &mut bytes), Ok(Memory::EXPORT), "no byte is told in vain");
}
