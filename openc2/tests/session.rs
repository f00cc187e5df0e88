//! A Consumer and a Producer on a session: from CONNACK to the last SUBACK, and what is published.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

#[allow(unreachable_pub, missing_docs, clippy::expect_used, reason = "shared with the front page")]
mod server {
    include!("parts/server.rs");
}

use mqtt5_codec::{Decoded, Decoder, Packet, ReasonCode, Sender};
use mqtt5_session::{Client, Event, Inbox, Inline, Input, Instant, Refused};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration};
use openc2_mqtt::producer::{Heard, Producer, ProducerMemory, ProducerPolicy, Request};
use openc2_mqtt::profile::Profiles;
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::{Channel, Connecting};
use openc2_mqtt::{
    Action, Call, Called, Command, Ipv4Net, JoinError, Notification, Pair, Raw, Response, Serve, Served, Status,
    Target, Texts,
};
use server::{CONNACK, publish, request, response, suback};

const NOW: Instant = Instant::from_millis(1);
const UTC: Option<u64> = Some(1_700_000_000_000);

type Session = Client<Inline<4, 2048>>;

fn connected_to(session: &mut Session, inbox: &mut Inbox<'_>) {
    Connecting::new("a", 3_600).unwrap().connect(session, inbox, NOW).unwrap();
    assert_eq!(sent(session), ["Connect"]);
}

/// What a session sends, packet by packet: topics and filters, or what kind of packet it is.
fn sent(session: &mut Session) -> Vec<String> {
    let mut bytes = [0; 4096];
    let length = session.transmit_into(&mut bytes);
    session.transmitted(length, NOW);
    let (mut rest, mut packets) = (&bytes[..length], Vec::new());
    while let Ok(Decoded::Packet { used, packet }) = Decoder::new(Sender::Client).decode(rest) {
        packets.push(match packet {
            Packet::Subscribe(subscribe) => {
                let filters: Vec<_> = subscribe.filters.iter().map(|one| one.filter.as_str()).collect();
                format!("{} {}", subscribe.id.get(), filters.join(" "))
            }
            Packet::Publish(publish) => {
                let topic = match publish.topic {
                    mqtt5_codec::TopicRef::Name(topic) => topic.to_string(),
                    other => panic!("{other:?}"),
                };
                format!("{topic} {}", String::from_utf8_lossy(publish.payload).split("\"openc2\":").nth(1).unwrap())
            }
            other => format!("{other:?}").split('(').next().unwrap().into(),
        });
        rest = &rest[used..];
    }
    packets
}

/// Gives a session a packet of the server, and what comes of it to `on`.
fn receive<T>(
    session: &mut Session,
    inbox: &mut Inbox<'_>,
    packet: &[u8],
    on: impl FnOnce(&Event<'_>, &mut Session) -> T,
) -> T {
    inbox.spare()[..packet.len()].copy_from_slice(packet);
    inbox.filled(packet.len());
    match session.handle_input(inbox, NOW) {
        Ok(Input::Event(event)) => on(&event, session),
        other => panic!("{other:?}"),
    }
}

fn with_serve(
    profiles: &[&str],
    run: impl FnOnce(&mut Serve<'_, ConsumerMemory<4, 1024>>, &mut Session, &mut Inbox<'_>),
) {
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }];
    let declaration =
        Declaration::new("firewall7@example.com", "firewall7", &Profiles::NONE, &pairs).with_others(profiles);
    let consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::new());
    let (mut buffer, mut bytes) = ([0; 1024], [0; 4096]);
    let mut serve = Serve::new(consumer, &mut buffer);
    let (mut session, mut inbox) = (Client::new(Inline::new()), Inbox::new(&mut bytes));
    connected_to(&mut session, &mut inbox);
    run(&mut serve, &mut session, &mut inbox);
}

/// What came of a packet, in a word.
fn serve_it(
    serve: &mut Serve<'_, ConsumerMemory<4, 1024>>,
    session: &mut Session,
    inbox: &mut Inbox<'_>,
    packet: &[u8],
) -> String {
    receive(session, inbox, packet, |event, session| match serve.handle(event, session, NOW, UTC) {
        Ok(Served::Command { ticket, unsent, .. }) => {
            let told = match serve.respond(ticket, &Response::new(Status::Ok), session, NOW, UTC) {
                Ok(()) => "done".into(),
                Err(error) => error.to_string(),
            };
            format!("{told}{}", unsent.map_or(String::new(), |refused| format!(", unsent: {refused}")))
        }
        Ok(Served::Answered { status, .. }) => format!("answered {}", status.code()),
        Ok(Served::Ignored { why, .. }) => format!("{why:?}"),
        Ok(Served::Notification { content, .. }) => content.as_json().unwrap().into(),
        Ok(Served::Unanswered { why, .. }) => format!("unanswered: {why}"),
        Ok(Served::Ready) => "ready".into(),
        Ok(_) => "nothing".into(),
        Err(error) => error.to_string(),
    })
}

#[test]
fn a_consumer_subscribes_answers_and_executes() {
    with_serve(&["slpf"], |serve, session, inbox| {
        assert_eq!(serve_it(serve, session, inbox, CONNACK), "nothing");
        assert_eq!(sent(session), ["1 oc2/cmd/all oc2/cmd/ap/slpf oc2/cmd/device/firewall7"]);
        assert!(!serve.is_ready());
        assert_eq!(serve_it(serve, session, inbox, &suback(1, 3)), "ready");
        assert!(serve.is_ready());
        assert_eq!(serve_it(serve, session, inbox, &request("oc2/cmd/ap/slpf")), "done");
        assert_eq!(sent(session), [r#"oc2/rsp {"response":{"status":200}}}}"#]);
        assert_eq!(serve_it(serve, session, inbox, &request("oc2/cmd/all")), "answered 200", "it came before");
        assert_eq!(serve_it(serve, session, inbox, &request("oc2/rsp")), "Topic");
        assert_eq!(serve.consumer().figures(NOW).answered, 1);
        let door = r#"{"headers":{"from":"x"},"body":{"openc2":{"notification":{"x-door":{"open":true}}}}}"#;
        assert_eq!(
            serve_it(serve, session, inbox, &publish("oc2/cmd/all", "ntf", door)),
            r#"{"x-door":{"open":true}}"#
        );
        sent(session);
        let content = Raw::from_json(r#"{"x-door":{"open":false}}"#).unwrap();
        serve.notify(&Notification::new(Channel::Responses, content), session, UTC).unwrap();
        assert_eq!(sent(session).last().unwrap(), r#"oc2/rsp {"notification":{"x-door":{"open":false}}}}}"#);
    });
}

#[test]
fn many_topics_take_several_packets_one_after_the_other() {
    let names: Vec<String> = (0..20).map(|number| format!("x-{number}")).collect();
    let profiles: Vec<&str> = names.iter().map(String::as_str).collect();
    with_serve(&profiles, |serve, session, inbox| {
        assert_eq!(serve_it(serve, session, inbox, CONNACK), "nothing");
        let mut filters = Vec::new();
        for (id, count) in [(1, 8), (2, 8), (3, 6)] {
            let packets = sent(session);
            let [subscribe] = &packets[..] else { panic!("{packets:?}") };
            let (number, list) = subscribe.split_once(' ').unwrap();
            assert_eq!(number, id.to_string());
            filters.extend(list.split(' ').map(str::to_owned));
            let told = serve_it(serve, session, inbox, &suback(id, count));
            assert_eq!(told, if id == 3 { "ready" } else { "nothing" });
        }
        assert_eq!(filters.len(), 22);
        assert_eq!((filters[0].as_str(), filters[21].as_str()), ("oc2/cmd/all", "oc2/cmd/device/firewall7"));
        assert!(sent(session).is_empty());
    });
    // As few in a packet as the server's largest takes: 36 bytes here.
    with_serve(&["slpf"], |serve, session, inbox| {
        assert_eq!(serve_it(serve, session, inbox, b"\x20\x08\x00\x00\x05\x27\x00\x00\x00\x24"), "nothing");
        assert_eq!(sent(session), ["1 oc2/cmd/all"]);
        assert_eq!(serve_it(serve, session, inbox, &suback(1, 1)), "nothing");
        assert_eq!(sent(session), ["2 oc2/cmd/ap/slpf"]);
        assert_eq!(serve_it(serve, session, inbox, &suback(2, 1)), "nothing");
        assert_eq!(sent(session), ["3 oc2/cmd/device/firewall7"]);
        assert_eq!(serve_it(serve, session, inbox, &suback(3, 1)), "ready");
    });
}

#[test]
fn a_subscription_that_is_not_granted_at_least_at_qos_1_is_an_error() {
    for (code, says) in
        [(0x87, "answers subscription 1 with Not authorized (0x87)"), (0x00, "grants subscription 1 at QoS 0 only")]
    {
        with_serve(&["slpf"], |serve, session, inbox| {
            serve_it(serve, session, inbox, CONNACK);
            sent(session);
            let mut refused = suback(1, 3);
            refused[6] = code;
            let told = serve_it(serve, session, inbox, &refused);
            assert_eq!(told.to_lowercase(), format!("the server {says}").to_lowercase());
            assert!(!serve.is_ready());
        });
    }
}

#[test]
fn a_session_that_goes_on_needs_no_subscription_and_a_lost_one_does() {
    with_serve(&["slpf"], |serve, session, inbox| {
        // What an earlier process was granted isn't known to this one.
        assert_eq!(serve_it(serve, session, inbox, b"\x20\x03\x01\x00\x00"), "nothing");
        assert_eq!(sent(session).len(), 1);
        assert_eq!(serve_it(serve, session, inbox, &suback(1, 3)), "ready");
        session.handle_close(NOW);
        connected_to(session, inbox);
        assert_eq!(serve_it(serve, session, inbox, b"\x20\x03\x01\x00\x00"), "ready");
        assert!(sent(session).is_empty());
        session.handle_close(NOW);
        connected_to(session, inbox);
        assert_eq!(serve_it(serve, session, inbox, CONNACK), "nothing");
        assert!(!serve.is_ready());
        assert_eq!(sent(session).len(), 1);
    });
}

#[test]
fn what_the_session_has_no_room_for_is_told_and_kept() {
    with_serve(&["slpf"], |serve, session, inbox| {
        serve_it(serve, session, inbox, CONNACK);
        sent(session);
        serve_it(serve, session, inbox, &suback(1, 3));
        // Four exchanges are all there is, and the server acknowledges none.
        for number in 0..4 {
            let packet = request("oc2/cmd/all");
            let packet =
                replaced(&packet, b"\"request_id\":\"1\"", format!("\"request_id\":\"{}\"", number + 2).as_bytes());
            assert_eq!(serve_it(serve, session, inbox, &packet), "done");
            sent(session);
        }
        let query = |id: &str| {
            let json = format!(
                r#"{{"headers":{{"request_id":"{id}","from":"p"}},"body":{{"openc2":{{"request":{{"action":"query","target":{{"features":[]}}}}}}}}}}"#
            );
            publish("oc2/cmd/all", "req", &json)
        };
        assert_eq!(
            serve_it(serve, session, inbox, &query("q")),
            format!("unanswered: {}", Refused::Exchanges { of: 4 }),
            "an answer to a query is not remembered"
        );
        assert_eq!(serve_it(serve, session, inbox, &request("oc2/cmd/all")), "done", "executed, and held back");
        assert!(responses(session).is_empty());
        // What is held back gives way to nothing: no other place is left.
        let other = replaced(&request("oc2/cmd/all"), b"\"request_id\":\"1\"", b"\"request_id\":\"7\"");
        let other = replaced(&other, b"soc@example.com", b"soc@example.net");
        assert_eq!(serve_it(serve, session, inbox, &other), "done", "in place of one that was answered");
        // One more exchange, and it goes out.
        assert_eq!(acknowledge(serve, session, inbox), "nothing");
        assert_eq!(responses(session), [r#"oc2/rsp {"response":{"status":200}}}}"#]);
        assert_eq!(acknowledge(serve, session, inbox), "nothing");
        assert_eq!(responses(session), [r#"oc2/rsp {"response":{"status":200}}}}"#]);
        assert_eq!(acknowledge(serve, session, inbox), "nothing");
        assert!(responses(session).is_empty(), "each once");
        assert_eq!(serve_it(serve, session, inbox, &query("q")), "answered 200");
    });
}

/// The responses among what a session sends.
fn responses(session: &mut Session) -> Vec<String> {
    sent(session).into_iter().filter(|packet| packet.starts_with("oc2/rsp")).collect()
}

/// The server acknowledges one of what is in flight.
fn acknowledge(
    serve: &mut Serve<'_, ConsumerMemory<4, 1024>>,
    session: &mut Session,
    inbox: &mut Inbox<'_>,
) -> &'static str {
    for id in 1..9u8 {
        inbox.spare()[..4].copy_from_slice(&[0x40, 2, 0, id]);
        inbox.filled(4);
        if let Ok(Input::Event(event @ Event::Published(_))) = session.handle_input(inbox, NOW) {
            assert!(matches!(serve.handle(&event, session, NOW, UTC), Ok(Served::Nothing)));
            return "nothing";
        }
    }
    panic!("nothing is in flight")
}

#[test]
fn no_burst_ends_a_consumer_or_loses_what_it_carried_out() {
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }];
    let declaration = Declaration::new("firewall7@example.com", "firewall7", &slpf::PROFILES, &pairs);
    let policy = ConsumerPolicy { share: Some(64), ..ConsumerPolicy::default() };
    let consumer = Consumer::new(declaration, policy, ConsumerMemory::<64, 16_384>::new());
    let (mut buffer, mut bytes) = ([0; 1024], [0; 4096]);
    let mut serve = Serve::new(consumer, &mut buffer);
    let (mut session, mut inbox) = (Session::new(Inline::new()), Inbox::new(&mut bytes));
    connected_to(&mut session, &mut inbox);
    for packet in [CONNACK, &suback(1, 3)] {
        receive(&mut session, &mut inbox, packet, |event, session| {
            serve.handle(event, session, NOW, UTC).unwrap();
        });
        sent(&mut session);
    }
    let (mut executed, mut unanswered, mut published) = (0, 0, Vec::new());
    for number in 0..80 {
        let content = match number % 2 {
            0 => r#""action":"query","target":{"features":[]}"#,
            _ => r#""action":"deny","target":{"ipv4_net":"192.0.2.1"}"#,
        };
        let json = format!(
            r#"{{"headers":{{"request_id":"{number}","from":"p"}},"body":{{"openc2":{{"request":{{{content}}}}}}}}}"#
        );
        let packet = publish("oc2/cmd/all", "req", &json);
        receive(&mut session, &mut inbox, &packet, |event, session| {
            match serve.handle(event, session, NOW, UTC).unwrap() {
                Served::Command { ticket, .. } => {
                    executed += 1;
                    serve.respond(ticket, &Response::new(Status::Ok), session, NOW, UTC).unwrap();
                }
                Served::Unanswered { .. } => unanswered += 1,
                Served::Answered { status: Status::Ok, .. } => {}
                other => panic!("{other:?}"),
            }
        });
        published.extend(sent(&mut session));
    }
    assert_eq!((executed, unanswered), (40, 38), "four exchanges, of which two went to queries");
    for _ in 0..42 {
        for id in 1..5u8 {
            inbox.spare()[..4].copy_from_slice(&[0x40, 2, 0, id]);
            inbox.filled(4);
            while let Ok(Input::Event(event)) = session.handle_input(&mut inbox, NOW) {
                serve.handle(&event, &mut session, NOW, UTC).unwrap();
            }
        }
        published.extend(sent(&mut session));
    }
    published.retain(|packet| packet.starts_with("oc2/rsp"));
    assert_eq!(published.len(), 42, "two answers to queries, and each command's");
}

#[test]
fn what_is_held_back_outlives_the_process() {
    let mut bytes = [0; ConsumerMemory::<4, 1024>::EXPORT];
    let mut length = 0;
    with_serve(&["slpf"], |serve, session, inbox| {
        serve_it(serve, session, inbox, CONNACK);
        sent(session);
        serve_it(serve, session, inbox, &suback(1, 3));
        for number in 1..6 {
            let packet = request("oc2/cmd/all");
            let packet = replaced(&packet, b"\"request_id\":\"1\"", format!("\"request_id\":\"{number}\"").as_bytes());
            assert_eq!(serve_it(serve, session, inbox, &packet), "done");
        }
        length = serve.consumer().export(NOW, UTC, &mut bytes).unwrap();
    });
    with_serve(&["slpf"], |serve, session, inbox| {
        serve.consumer().import(&bytes[..length], NOW, UTC).unwrap();
        serve_it(serve, session, inbox, CONNACK);
        assert!(responses(session).is_empty(), "the subscriptions come first");
        assert_eq!(serve_it(serve, session, inbox, &suback(1, 3)), "ready");
        assert_eq!(responses(session).len(), 1);
    });
}

#[test]
fn subscriptions_wait_for_room_too() {
    let names: Vec<String> = (0..20).map(|number| format!("x-{number}")).collect();
    let mut profiles: Vec<&str> = names.iter().map(String::as_str).collect();
    profiles.push("slpf");
    with_serve(&profiles, |serve, session, inbox| {
        serve_it(serve, session, inbox, CONNACK);
        sent(session);
        // Commands come on the topics of the first SUBSCRIBE, and their answers take all exchanges.
        for number in 1..6 {
            let packet = request("oc2/cmd/all");
            let packet = replaced(&packet, b"\"request_id\":\"1\"", format!("\"request_id\":\"{number}\"").as_bytes());
            assert_eq!(serve_it(serve, session, inbox, &packet), "done");
        }
        assert_eq!(responses(session).len(), 3);
        // Its own exchange is free again, and taken by the next.
        assert_eq!(serve_it(serve, session, inbox, &suback(1, 8)), "nothing");
        let again = replaced(&request("oc2/cmd/all"), b"\"request_id\":\"1\"", b"\"request_id\":\"9\"");
        assert_eq!(serve_it(serve, session, inbox, &again), "done");
        assert!(responses(session).is_empty());
        assert!(!serve.is_ready());
    });
    with_serve(&["slpf"], |serve, session, inbox| {
        serve_it(serve, session, inbox, CONNACK);
        sent(session);
        serve_it(serve, session, inbox, &suback(1, 3));
        let command = |number: usize| {
            let packet = request("oc2/cmd/all");
            replaced(&packet, b"\"request_id\":\"1\"", format!("\"request_id\":\"{number}\"").as_bytes())
        };
        for number in 1..5 {
            assert_eq!(serve_it(serve, session, inbox, &command(number)), "done");
        }
        assert_eq!(responses(session).len(), 4);
        // A process that goes on with this session hasn't seen the subscriptions granted.
        let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }];
        let declaration = Declaration::new("firewall7@example.com", "firewall7", &slpf::PROFILES, &pairs);
        let consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<4, 1024>::new());
        let mut buffer = [0; 1024];
        let mut next = Serve::new(consumer, &mut buffer);
        session.handle_close(NOW);
        connected_to(session, inbox);
        assert_eq!(serve_it(&mut next, session, inbox, b"\x20\x03\x01\x00\x00"), "nothing");
        let subscribes = |packets: Vec<String>| packets.iter().filter(|packet| packet.contains("oc2/cmd/all")).count();
        assert_eq!(subscribes(sent(session)), 0);
        assert_eq!(acknowledge(&mut next, session, inbox), "nothing");
        assert_eq!(subscribes(sent(session)), 1);
    });
}

#[test]
fn an_identifier_too_long_to_be_answered_is_told_so_and_ends_nothing() {
    let with_id = |length: usize, from: &str, content: &str| {
        let id = "i".repeat(length);
        let json =
            format!(r#"{{"headers":{{"request_id":"{id}"{from}}},"body":{{"openc2":{{"request":{{{content}}}}}}}}}"#);
        publish("oc2/cmd/all", "req", &json)
    };
    let features = r#""action":"query","target":{"features":[]}"#;
    let ack = r#""action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"response_requested":"ack"}"#;
    let text = r#"oc2/rsp {"response":{"status":400,"status_text":"request_id is too long to be answered"}}}}"#;
    for (from, content) in [
        (r#","from":"p""#, features),
        (r#","from":"p""#, ack),
        (r#","from":"p""#, r#""action":"dance""#),
        ("", features),
        (r#","from":7"#, features),
    ] {
        with_serve(&["slpf"], |serve, session, inbox| {
            serve_it(serve, session, inbox, CONNACK);
            sent(session);
            serve_it(serve, session, inbox, &suback(1, 3));
            assert_eq!(serve_it(serve, session, inbox, &with_id(1_100, from, content)), "answered 400", "{content}");
            assert_eq!(responses(session), [text], "{content}");
            assert_eq!(serve_it(serve, session, inbox, &request("oc2/cmd/all")), "done");
        });
    }
}

#[test]
fn a_buffer_too_small_for_any_answer_is_told_and_ends_nothing() {
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }];
    let declaration = Declaration::new("firewall7@example.com", "firewall7", &slpf::PROFILES, &pairs);
    let consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<4, 1024>::new());
    let (mut buffer, mut bytes) = ([0; 64], [0; 4096]);
    let mut serve = Serve::new(consumer, &mut buffer);
    let (mut session, mut inbox) = (Client::new(Inline::new()), Inbox::new(&mut bytes));
    connected_to(&mut session, &mut inbox);
    for packet in [CONNACK, &suback(1, 3)] {
        serve_it(&mut serve, &mut session, &mut inbox, packet);
        sent(&mut session);
    }
    let query = r#"{"headers":{"request_id":"1","from":"p"},"body":{"openc2":{"request":{"action":"query","target":{"features":[]}}}}}"#;
    let told = serve_it(&mut serve, &mut session, &mut inbox, &publish("oc2/cmd/all", "req", query));
    assert!(told.starts_with("unanswered: the buffer is too small"), "{told}");
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

fn with_call(run: impl FnOnce(&mut Call<'_, ProducerMemory<2, 4>>, &mut Session, &mut Inbox<'_>)) {
    let producer = Producer::new("soc", ProducerPolicy::default(), ProducerMemory::new());
    let (mut buffer, mut bytes) = ([0; 1024], [0; 4096]);
    let mut call = Call::new(producer, &mut buffer);
    let (mut session, mut inbox) = (Client::new(Inline::new()), Inbox::new(&mut bytes));
    connected_to(&mut session, &mut inbox);
    run(&mut call, &mut session, &mut inbox);
}

fn deny() -> Request<'static> {
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    Request::to_device("firewall7", command, 5_000)
}

#[test]
fn a_producer_subscribes_asks_and_hears() {
    with_call(|call, session, inbox| {
        let early = call.request(&deny(), [7; 16], session, NOW, UTC);
        assert_eq!(early, Err(JoinError::NotReady));
        receive(session, inbox, CONNACK, |event, session| {
            assert!(matches!(call.handle(event, session, NOW), Ok(Called::Nothing)));
        });
        assert_eq!(sent(session), ["1 oc2/rsp oc2/rsp/soc"]);
        assert_eq!(call.request(&deny(), [7; 16], session, NOW, UTC), Err(JoinError::NotReady));
        receive(session, inbox, &suback(1, 2), |event, session| {
            assert!(matches!(call.handle(event, session, NOW), Ok(Called::Ready)));
        });
        let id = call.request(&deny(), [7; 16], session, NOW, UTC).unwrap();
        assert!(sent(session)[0].starts_with(r#"oc2/cmd/device/firewall7 {"request":{"action":"deny""#));
        assert_eq!(call.poll_timeout(), Some(NOW.after(5_000)));
        let packet = response("07070707-0707-4707-8707-070707070707");
        receive(session, inbox, &packet, |event, session| match call.handle(event, session, NOW) {
            Ok(Called::Heard(Heard::Response { request, complete: true, .. })) => assert_eq!(request, id),
            other => panic!("{other:?}"),
        });
        assert_eq!(call.handle_timeout(NOW.after(9_000)), None);
        let late = call.request(&deny(), [8; 16], session, NOW, UTC).unwrap();
        assert_eq!(call.handle_timeout(NOW.after(5_000)).unwrap().request, late);
    });
}

#[test]
fn a_request_that_the_session_refuses_is_not_pending() {
    with_call(|call, session, inbox| {
        receive(session, inbox, CONNACK, |event, session| call.handle(event, session, NOW).map(|_| ())).unwrap();
        sent(session);
        receive(session, inbox, &suback(1, 2), |event, session| call.handle(event, session, NOW).map(|_| ())).unwrap();
        let mut refused = 0;
        for random in 0..8 {
            match call.request(&deny(), [random; 16], session, NOW, UTC) {
                Ok(id) => assert!(call.producer().cancel(id)),
                Err(JoinError::Session(_)) => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(refused, 4);
        assert_eq!(call.poll_timeout(), None);
        let mut remembered = 0;
        call.producer().requests(|_, _, _| remembered += 1);
        assert_eq!(
            remembered, 1,
            "what was refused is forgotten at once, and had taken the place of one that was over"
        );
    });
}

#[test]
fn asking_goes_from_connack_to_the_answer() {
    use core::ops::ControlFlow::{Break, Continue};
    let bad = publish(
        "oc2/rsp",
        "rsp",
        r#"{"headers":{"request_id":"07070707-0707-4707-8707-070707070707","from":"f"},"body":{"openc2":{"response":{"status":200,"results":"done"}}}}"#,
    );
    let good = response("07070707-0707-4707-8707-070707070707");
    let foreign = response("08080808-0707-4707-8707-070707070707");
    for (answer, wanted) in [(good, Ok(Status::Ok)), (bad, Err("the answer breaks the language: body.openc2"))] {
        with_call(|call, session, inbox| {
            let mut heard = Vec::new();
            let mut end = Continue(());
            for packet in [CONNACK, &suback(1, 2), &foreign, &answer] {
                assert_eq!(end, Continue(()));
                end = receive(session, inbox, packet, |event, session| {
                    let each = |from: openc2_mqtt::Str<'_>, response: &Response<'_>| {
                        heard.push((from.to_string(), response.status))
                    };
                    call.ask(&deny(), [7; 16], event, session, NOW, UTC, each)
                });
                sent(session);
            }
            match wanted {
                Ok(status) => {
                    assert_eq!(end, Break(Ok(status)));
                    assert_eq!(heard, [("firewall7@example.com".into(), Status::Ok)]);
                }
                Err(says) => {
                    let Break(Err(error)) = end else { panic!("{end:?}") };
                    assert!(error.to_string().starts_with(says), "{error}");
                }
            }
        });
    }
    with_call(|call, session, inbox| {
        let each = |_: openc2_mqtt::Str<'_>, _: &Response<'_>| {};
        let mut ask = |session: &mut Session, inbox: &mut Inbox<'_>, packet: &[u8]| {
            receive(session, inbox, packet, |event, session| call.ask(&deny(), [7; 16], event, session, NOW, UTC, each))
        };
        assert_eq!(ask(session, inbox, CONNACK), Continue(()));
        sent(session);
        let mut refused = suback(1, 2);
        refused[5] = 0x87;
        let wanted = JoinError::Subscription { index: 0, reason: ReasonCode::from_u8(0x87).unwrap() };
        assert_eq!(ask(session, inbox, &refused), Break(Err(wanted)));
    });
}
