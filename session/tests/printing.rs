//! What is printed of a session: what went wrong with its statement, and neither payloads nor passwords.

use crate::common::*;
use mqtt5_codec::{ReasonCode, Rule};
use mqtt5_session::{Event, Fault, Inbox, Input, Refused, Transmit};

#[test]
fn a_fault_is_printed_with_its_reason_and_its_statement() {
    let mut host = Host::connected();
    host.feed("20 03 00 00 00");
    let fault: Fault = host.client.fault().unwrap();
    assert_eq!((fault.reason, fault.rule), (ReasonCode::PROTOCOL_ERROR, Rule::CONNACK_ONCE));
    let printed = fault.to_string();
    assert!(printed.starts_with("Protocol Error (0x82): ") && printed.ends_with(" [MQTT-3.2.0-2]"), "{printed}");
    assert!(printed.contains(Rule::CONNACK_ONCE.meaning()));
}

#[test]
fn what_is_refused_is_printed_with_what_would_be_needed() {
    assert!(Refused::Bytes { need: 77 }.to_string().contains("77 bytes"));
    assert!(Refused::Rule(Rule::PUBLISH_QOS).to_string().ends_with("[MQTT-3.3.1-4]"));
    assert!(Refused::ReceiveMaximum.to_string().contains("[MQTT-3.3.4-7]"));
    let all = [
        Refused::NotConnected,
        Refused::Connected,
        Refused::Closing,
        Refused::Exchanges { of: 8 },
        Refused::Prior,
        Refused::ReceiveMaximum,
        Refused::Unknown,
    ];
    let printed: std::collections::BTreeSet<String> = all.iter().map(Refused::to_string).collect();
    assert_eq!(printed.len(), all.len(), "each in words of its own");
    assert!(printed.iter().all(|words| !words.is_empty()));
}

#[test]
fn messages_are_printed_without_their_payload() {
    let mut sent = message("a/b", "secret", 1);
    sent.hold = true;
    let printed = format!("{sent:?}");
    assert!(!printed.contains("secret") && !printed.contains("115"), "{printed}");
    for field in ["\"a/b\"", "6 bytes", "AtLeastOnce", "retain: false", "hold: true"] {
        assert!(printed.contains(field), "{field} in {printed}");
    }
    let mut host = Host::connected();
    let packet = b"\x33\x0F\x00\x03a/b\x00\x07\x00secret!";
    host.inbox.spare()[..packet.len()].copy_from_slice(packet);
    host.inbox.filled(packet.len());
    let now = host.now();
    let Ok(Input::Event(Event::Message(incoming))) = host.client.handle_input(&mut host.inbox, now) else { panic!() };
    assert_eq!(incoming.payload, b"secret!");
    let printed = format!("{incoming:?}");
    assert!(!printed.contains("secret") && !printed.contains("115"), "{printed}");
    for field in ["\"a/b\"", "7 bytes", "AtLeastOnce", "PacketId(7)", "retain: true"] {
        assert!(printed.contains(field), "{field} in {printed}");
    }
}

#[test]
fn a_client_is_printed_in_figures_without_what_it_holds() {
    let mut host = Host::connected();
    host.publish(&message("topic", "secret", 1)).unwrap();
    let printed = format!("{:?}", host.client);
    assert!(!printed.contains("secret") && !printed.contains("topic") && !printed.contains("115"), "{printed}");
    for field in ["phase: Up", "in_flight: 1", "lost: 0", "unacknowledged: 0", "quota: 65535", "fault: None"] {
        assert!(printed.contains(field), "{field} in {printed}");
    }
    assert!(printed.contains(&format!("bytes_held: {}", host.client.figures(host.now()).bytes_held)));
}

#[test]
fn an_inbox_is_printed_by_its_size() {
    let mut buffer = [0; 32];
    let mut inbox = Inbox::new(&mut buffer);
    inbox.filled(5);
    assert_eq!(format!("{inbox:?}"), "Inbox { len: 5, capacity: 32 }");
    assert!(!inbox.is_empty());
}

#[test]
fn the_password_is_gone_when_connect_was_written() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.user_name = Some(text("user"));
    connect.packet.password = Some(b"passw0rd");
    let now = host.now();
    host.connect(&connect).unwrap();
    let Some(Transmit::Bytes(lent)) = host.client.poll_transmit() else { panic!() };
    assert!(lent.ends_with(b"passw0rd"));
    let n = lent.len();
    assert!(!format!("{:?}", host.client).contains("passw0rd"));
    host.client.transmitted(n, now);
    assert_eq!(host.client.poll_transmit(), None);
}
