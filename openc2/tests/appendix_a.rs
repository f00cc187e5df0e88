//! The examples of CSD03 appendix A, packets whole: from Producer, Consumer and session to bytes and back. The appendix prints
//! fields, not bytes, and packet identifiers that a session of ours would not choose; so the packets are put together here
//! from their fields, and the session's must be the same but for the two bytes of the identifier.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use mqtt5_codec::{Decoded, Decoder, Packet, Properties, ReasonCode, Sender, Text};
use mqtt5_session::{Client, ConnectOptions, Event, Inbox, Inline, Input, Instant, Prior, Transmit};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration, Reaction};
use openc2_mqtt::producer::{Expect, Heard, Producer, ProducerMemory, ProducerPolicy, Request};
use openc2_mqtt::profile::Profiles;
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::{Channel, Connecting, Outgoing, Quality, Received, Scheme, subscriptions};
use openc2_mqtt::{Action, Command, Feature, Features, Ipv4Net, Structure, Target};

const NOW: Instant = Instant::from_millis(1_000);

type Session = Client<Inline<8, 2048>>;

/// Everything that a session has to send.
fn sent(session: &mut Session) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(Transmit::Bytes(bytes)) = session.poll_transmit() {
        all.extend_from_slice(bytes);
        let n = bytes.len();
        session.transmitted(n, NOW);
    }
    all
}

/// A session opened with the CONNECT of an example, and that packet.
fn opened(client_id: &str, user_name: &str, password: &str) -> (Session, Vec<u8>) {
    let mut connecting = Connecting::new(client_id, 0).unwrap();
    connecting.user_name = Some(Text::new(user_name).unwrap());
    connecting.password = Some(password.as_bytes());
    let properties = connecting.properties();
    let mut connect = ConnectOptions::resume(connecting.client_id, Prior::None);
    connect.packet = connecting.packet(properties.as_properties());
    let mut session = Client::new(Inline::new());
    session.connect(&connect, &mut Inbox::new(&mut []), NOW).unwrap();
    let packet = sent(&mut session);
    received(&mut session, b"\x20\x03\x00\x00\x00", |event| assert!(matches!(event, Event::Connected(_))));
    (session, packet)
}

/// Bytes of the server arrive.
fn received<T>(session: &mut Session, bytes: &[u8], on: impl FnOnce(Event<'_>) -> T) -> T {
    let mut buffer = [0; 1024];
    let mut inbox = Inbox::new(&mut buffer);
    inbox.spare()[..bytes.len()].copy_from_slice(bytes);
    inbox.filled(bytes.len());
    match session.handle_input(&mut inbox, NOW) {
        Ok(Input::Event(event)) => on(event),
        other => panic!("{other:?}"),
    }
}

/// What a session sends for a message.
fn published(session: &mut Session, outgoing: &Outgoing<'_>) -> Vec<u8> {
    session.publish(&outgoing.message()).unwrap();
    sent(session)
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u16).to_be_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// A packet: its first byte, its length, and the rest.
fn packet(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let rest = parts.concat();
    let mut bytes = vec![first];
    match rest.len() {
        length @ 0..128 => bytes.push(length as u8),
        length => bytes.extend([(length & 0x7F) as u8 | 0x80, (length >> 7) as u8]),
    }
    bytes.extend(rest);
    bytes
}

/// A PUBLISH of the appendix by its fields: QoS 1, neither a duplicate nor retained.
fn publish(id: u16, topic: &str, kind: &str, payload: &str) -> Vec<u8> {
    let user = |name: &str, value: &str| [vec![0x26], text(name), text(value)].concat();
    let content_type = [vec![0x03], text("application/openc2")].concat();
    let properties = [vec![0x01, 0x01], user("msgType", kind), user("encoding", "json"), content_type].concat();
    let length = [properties.len() as u8];
    packet(0x32, &[&text(topic), &id.to_be_bytes(), &length, &properties, payload.as_bytes()])
}

/// The same packet with another identifier.
fn with_id(bytes: &[u8], id: u16) -> Vec<u8> {
    let mut again = bytes.to_vec();
    let head = if bytes[1] & 0x80 == 0 { 2 } else { 3 };
    let at = head + 2 + usize::from(u16::from_be_bytes([bytes[head], bytes[head + 1]]));
    again[at..at + 2].copy_from_slice(&id.to_be_bytes());
    again
}

#[test]
fn a_1_connect_and_subscribe() {
    let connect = |client_id: &str, user_name: &str, password: &str| {
        packet(0x10, &[b"\x00\x04MQTT\x05\xC0\x01\x2C\x00", &text(client_id), &text(user_name), &text(password)])
    };
    let (_, bytes) = opened("hzboblxic", "orch01", "_Atlantic_");
    assert_eq!(bytes, connect("hzboblxic", "orch01", "_Atlantic_"));
    let (mut session, bytes) = opened("smtwzzwvx", "zulu01", "=Pacific=");
    assert_eq!(bytes, connect("smtwzzwvx", "zulu01", "=Pacific="));

    let declaration = Declaration::new("zulu", "zulu1", &Profiles::NONE, &[]).with_others(&["alpha", "iota"]);
    let consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<1, 64>::new());
    let mut buffer = [0; 128];
    let list = subscriptions::<4>(consumer.channels(), &Scheme::default(), Quality::ExactlyOnce, &mut buffer).unwrap();
    let id = session.subscribe(&list, Properties::EMPTY).unwrap();
    let filters: Vec<u8> = ["oc2/cmd/all", "oc2/cmd/ap/alpha", "oc2/cmd/ap/iota", "oc2/cmd/device/zulu1"]
        .iter()
        .flat_map(|filter| [text(filter), vec![0x0E]].concat())
        .collect();
    assert_eq!(sent(&mut session), packet(0x82, &[&id.get().to_be_bytes(), b"\x00", &filters]));
    let suback = packet(0x90, &[&id.get().to_be_bytes(), b"\x00\x02\x02\x02\x02"]);
    received(&mut session, &suback, |event| {
        let Event::Subscribed(suback) = event else { panic!("{event:?}") };
        assert!(suback.reasons.iter().eq([ReasonCode::GRANTED_QOS_2; 4]));
    });
}

#[test]
fn a_2_a_command_and_its_acknowledgement() {
    let (mut session, _) = opened("hzboblxic", "orch01", "_Atlantic_");
    let mut producer = Producer::new("p", ProducerPolicy::default(), ProducerMemory::<1, 2>::new());
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let request = Request { expect: Expect::Count(2), ..Request::new(Channel::Profile("iota"), command, 1_000) };
    let mut out = [0; 512];
    let (_, outgoing) = producer.request(&request, [1; 16], NOW, None, &mut out).unwrap();
    let bytes = published(&mut session, &outgoing);
    // The appendix has a placeholder for the payload; everything else is as printed.
    let json = core::str::from_utf8(outgoing.payload).unwrap();
    assert_eq!(with_id(&bytes, 4314), publish(4314, "oc2/cmd/ap/iota", "req", json));
    let Ok(Decoded::Packet { packet: Packet::Publish(decoded), .. }) = Decoder::new(Sender::Client).decode(&bytes)
    else {
        panic!("no PUBLISH")
    };
    let id = decoded.delivery.id().unwrap();
    received(&mut session, &packet(0x40, &[&id.get().to_be_bytes()]), |event| {
        let Event::Published(ack) = event else { panic!("{event:?}") };
        assert_eq!((ack.id, ack.reason), (id, ReasonCode::SUCCESS));
    });
}

#[test]
fn a_3_the_profiles_of_three_consumers() {
    let query = r#"{"headers":{"request_id":"abc123","created":1610483630,"from":"Producer1@example.com"},"body":{"openc2":{"request":{"action":"query","target":{"features":["profiles"]}}}}}"#;
    let request_packet = publish(2468, "oc2/cmd/all", "req", query);
    assert_eq!(&request_packet[..5], b"\x32\xF2\x01\x00\x0B", "13 + 2 + 56 + 171 bytes follow");

    let (mut session, _) = opened("hzboblxic", "orch01", "_Atlantic_");
    let mut producer = Producer::new("Producer1@example.com", ProducerPolicy::default(), ProducerMemory::<1, 3>::new());
    let mut request = Request::discover(Features::new(&[Feature::Profiles]), 1_000);
    request.expect = Expect::Count(3);
    let mut out = [0; 512];
    let (_, outgoing) = producer.request_as(&request, "abc123", NOW, Some(1_610_483_630), &mut out).unwrap();
    assert_eq!(with_id(&published(&mut session, &outgoing), 2468), request_packet);

    for (name, created, profiles, id, expected) in [
        ("Consumer1@example.com", 1_610_483_633, &["slpf"][..], 3571, r#"["slpf"]"#),
        ("Consumer2@example.com", 1_610_483_632, &["slpf", "ids"], 9876, r#"["slpf","ids"]"#),
        ("Consumer3@example.com", 1_610_483_632, &["edr", "sbom"], 6294, r#"["edr","sbom"]"#),
    ] {
        let json = format!(
            r#"{{"headers":{{"request_id":"abc123","created":{created},"from":"{name}"}},"body":{{"openc2":{{"response":{{"status":200,"results":{{"profiles":{expected}}}}}}}}}}}"#
        );
        let response_packet = publish(id, "oc2/rsp", "rsp", &json);
        let (mut consumers_session, _) = opened("smtwzzwvx", "zulu01", "=Pacific=");
        let declaration = Declaration::new(name, "d", &Profiles::NONE, &[]).with_others(profiles);
        let mut consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<1, 64>::new());
        let mut back = [0; 512];
        let reply = received(&mut consumers_session, &request_packet, |event| {
            let Event::Message(incoming) = event else { panic!("{event:?}") };
            match consumer.handle(&Received::from(&incoming), NOW, Some(created), &mut back).unwrap() {
                Reaction::Reply { reply, verdict, .. } => {
                    assert!(verdict.violations.is_empty());
                    reply
                }
                other => panic!("{other:?}"),
            }
        });
        consumers_session.handled();
        assert_eq!(sent(&mut consumers_session), packet(0x40, &[&2468u16.to_be_bytes()]), "PUBACK");
        assert_eq!(with_id(&published(&mut consumers_session, &reply), id), response_packet);

        received(&mut session, &response_packet, |event| {
            let Event::Message(incoming) = event else { panic!("{event:?}") };
            let Heard::Response { from, complete, verdict, .. } = producer.handle(&Received::from(&incoming), NOW)
            else {
                panic!("not heard")
            };
            assert!(verdict.violations.is_empty());
            assert_eq!((from.to_string().as_str(), complete), (name, name.starts_with("Consumer3")));
        });
    }
}

/// What a Consumer with one profile answers to a PUBLISH.
fn answered(publish: &[u8]) -> String {
    let (mut session, _) = opened("smtwzzwvx", "zulu01", "=Pacific=");
    let declaration = Declaration::new("Consumer1@example.com", "d", &slpf::PROFILES, &[]);
    let mut consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<1, 64>::new());
    let mut back = [0; 512];
    received(&mut session, publish, |event| {
        let Event::Message(incoming) = event else { panic!("{event:?}") };
        match consumer.handle(&Received::from(&incoming), NOW, Some(1_610_483_633), &mut back).unwrap() {
            Reaction::Reply { reply, .. } => core::str::from_utf8(reply.payload).unwrap().into(),
            other => panic!("{other:?}"),
        }
    })
}

#[test]
fn a_3_in_the_flat_record_of_section_2_4_2() {
    let query = r#"{"content":{"request":{"action":"query","target":{"features":["profiles"]}}},"request_id":"abc123","created":1610483630,"from":"Producer1@example.com"}"#;
    let (mut session, _) = opened("hzboblxic", "orch01", "_Atlantic_");
    let policy = ProducerPolicy { structure: Structure::Record, ..ProducerPolicy::default() };
    let mut producer = Producer::new("Producer1@example.com", policy, ProducerMemory::<1, 3>::new());
    let request = Request::discover(Features::new(&[Feature::Profiles]), 1_000);
    let mut out = [0; 512];
    let (_, outgoing) = producer.request_as(&request, "abc123", NOW, Some(1_610_483_630), &mut out).unwrap();
    let request_packet = publish(2468, "oc2/cmd/all", "req", query);
    assert_eq!(with_id(&published(&mut session, &outgoing), 2468), request_packet);

    // It is answered in the form in which it was asked.
    let json = r#"{"content":{"response":{"status":200,"results":{"profiles":["slpf"]}}},"request_id":"abc123","created":1610483633,"from":"Consumer1@example.com"}"#;
    assert_eq!(answered(&request_packet), json);
    received(&mut session, &publish(3571, "oc2/rsp", "rsp", json), |event| {
        let Event::Message(incoming) = event else { panic!("{event:?}") };
        let Heard::Response { from, verdict, .. } = producer.handle(&Received::from(&incoming), NOW) else {
            panic!("not heard")
        };
        assert!(verdict.violations.is_empty());
        assert_eq!(from, "Consumer1@example.com");
    });
}

#[test]
fn what_can_not_be_read_is_answered_in_the_form_in_which_it_was_asked() {
    let flat = r#"{"request_id":"abc123","from":"p","content":{"request":{"action":"query"}}}"#;
    let told = r#"{"content":{"response":{"status":400,"status_text":"content.request: the command has no target [LS1 3.3.1]"}},"request_id":"abc123","created":1610483633,"from":"Consumer1@example.com"}"#;
    assert_eq!(answered(&publish(1, "oc2/cmd/all", "req", flat)), told);
    let wrapper = r#"{"headers":{"request_id":"abc123","from":"p"},"body":{"openc2":{"request":{"action":"query"}}}}"#;
    let told = r#"{"headers":{"request_id":"abc123","created":1610483633,"from":"Consumer1@example.com"},"body":{"openc2":{"response":{"status":400,"status_text":"body.openc2.request: the command has no target [LS1 3.3.1]"}}}}"#;
    assert_eq!(answered(&publish(1, "oc2/cmd/all", "req", wrapper)), told);
}
