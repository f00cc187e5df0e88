//! Receiving: QoS 0, 1 and 2, acknowledgements by themselves and by hand, our limits.

use crate::common::*;
use core::num::{NonZeroU16, NonZeroU32};
use mqtt5_codec::{PacketId, Properties, Property, ReasonCode, Rule};
use mqtt5_session::{Acknowledge, Boxed, Inbox, Refused};

const ACCEPTED: &str = "20 03 00 00 00";
const RESUMED: &str = "20 03 01 00 00";

/// PUBLISH of QoS 1 or 2 with topic `t`, without payload.
fn publish(qos: u8, id: u16, dup: bool) -> String {
    format!("{:02x} 06 00 01 74 {id:04x} 00", 0x30 | qos << 1 | u8::from(dup) << 3)
}

fn with(properties: &[Property<'_>], manual: bool) -> Host {
    let mut host = Host::new();
    let properties: Vec<_> = LASTING.iter().chain(properties).copied().collect();
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties[..]);
    if manual {
        connect.acknowledge = Acknowledge::Manual;
    }
    host.open(&connect, ACCEPTED);
    host
}

fn acknowledge(host: &mut Host, id: u16, reason: u8) -> Result<(), Refused> {
    host.client.acknowledge(PacketId::new(id).unwrap(), ReasonCode::from_u8(reason).unwrap())
}

#[test]
fn mqtt_3_3_4_1_the_qos_decides_the_answer() {
    let mut host = Host::connected();
    assert_eq!(host.feed_one("30 05 00 01 74 00 78"), "message t q0 x");
    host.client.handled();
    assert_eq!(host.sent(), "");
    assert_eq!(host.feed_one(&publish(1, 10, false)), "message t q1 id=10 ");
    assert_eq!(host.sent(), "40 02 00 0a", "[MQTT-4.3.2-4]");
    assert_eq!(host.feed_one(&publish(2, 11, false)), "message t q2 id=11 ");
    assert_eq!(host.sent(), "50 02 00 0b", "[MQTT-4.3.3-8]");
    assert_eq!(host.feed_one("62 02 00 0b"), "");
    assert_eq!(host.sent(), "70 02 00 0b", "[MQTT-4.3.3-11]");
}

#[test]
fn mqtt_4_5_0_2_a_message_is_acknowledged_when_it_has_been_handled_not_before() {
    let mut host = Host::connected();
    let packet = bytes(&publish(1, 10, false));
    host.inbox.spare()[..packet.len()].copy_from_slice(&packet);
    host.inbox.filled(packet.len());
    let now = host.now();
    assert!(host.client.handle_input(&mut host.inbox, now).is_ok());
    assert_eq!(host.sent(), "", "it is being handled");
    host.client.handled();
    host.client.handled();
    assert_eq!(host.sent(), "40 02 00 0a");
    assert!(host.client.handle_input(&mut host.inbox, now).is_ok());
    assert_eq!(host.sent(), "", "once");
}

#[test]
fn mqtt_4_3_2_5_after_puback_the_identifier_is_a_new_message() {
    let mut host = Host::connected();
    assert_eq!(host.feed_one(&publish(1, 10, false)), "message t q1 id=10 ");
    host.sent();
    assert_eq!(host.feed_one(&publish(1, 10, true)), "message t q1 id=10 ", "DUP or not");
}

#[test]
fn mqtt_4_3_3_10_a_qos_2_message_is_delivered_once_until_its_pubrel() {
    let mut host = Host::connected();
    assert_eq!(host.feed_one(&publish(2, 10, false)), "message t q2 id=10 ");
    host.sent();
    assert_eq!(host.feed_one(&publish(2, 10, true)), "");
    assert_eq!(host.sent(), "50 02 00 0a");
    host.feed("62 02 00 0a");
    assert_eq!(host.sent(), "70 02 00 0a");
    assert_eq!(host.feed_one(&publish(2, 10, true)), "message t q2 id=10 ", "[MQTT-4.3.3-12]");
}

#[test]
fn mqtt_4_3_3_10_a_qos_2_message_is_delivered_once_across_resumes() {
    // Cut at every step of the exchange.
    for cut in 0..4 {
        let mut host = Host::connected();
        let mut delivered = 0;
        delivered += host.feed(&publish(2, 10, false)).len();
        if cut > 0 {
            host.sent();
        }
        if cut > 1 {
            host.feed("62 02 00 0a");
        }
        if cut > 2 {
            host.sent();
        }
        assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
        assert_eq!(host.sent(), "");
        if cut < 2 {
            // The server has no PUBREC for sure: it sends the message again.
            delivered += host.feed(&publish(2, 10, true)).len();
            assert_eq!(host.sent(), "50 02 00 0a");
        }
        host.feed("62 02 00 0a");
        assert_eq!(host.sent(), if cut < 2 { "70 02 00 0a" } else { "70 03 00 0a 92" });
        assert_eq!(delivered, 1, "cut at {cut}");
    }
}

#[test]
fn an_unknown_pubrel_is_answered_and_does_not_stick() {
    let mut host = Host::connected();
    assert_eq!(host.feed_one("62 02 00 07"), "");
    assert_eq!(host.sent(), "70 03 00 07 92");
    assert_eq!(host.feed_one("62 02 00 07"), "");
    assert_eq!(host.sent(), "70 03 00 07 92");
    assert!(host.client.is_connected());
}

#[test]
fn mqtt_3_3_4_9_more_than_our_receive_maximum_is_a_fault() {
    let two = Property::ReceiveMaximum(NonZeroU16::new(2).unwrap());
    let mut host = with(&[two], false);
    assert_eq!(host.feed(&[publish(2, 1, false), publish(2, 2, false)].concat()).len(), 2);
    assert_eq!(host.feed_one(&publish(2, 3, false)), "fault 93 MQTT-3.3.4-9");
    assert!(host.sent().ends_with("e0 01 93"));
    // By hand, QoS 1 counts until it is acknowledged.
    let mut host = with(&[two], true);
    host.feed(&[publish(1, 1, false), publish(1, 2, false)].concat());
    assert_eq!(host.feed_one(&publish(1, 3, false)), "fault 93 MQTT-3.3.4-9");
    // What was answered makes room, once the answer has been written.
    let mut host = with(&[two], false);
    for id in 1..20 {
        assert_eq!(host.feed(&publish(1, id, false)).len(), 1);
        host.sent();
        assert_eq!(host.feed(&publish(2, 100, false)).len(), 1);
        host.sent();
        host.feed("62 02 00 64");
        host.sent();
    }
}

#[test]
fn a_leeway_bears_a_server_that_counts_wrongly_and_is_not_stated() {
    let properties = [Property::ReceiveMaximum(NonZeroU16::new(1).unwrap())];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    connect.acknowledge = Acknowledge::Manual;
    connect.receive_leeway = 1;
    let mut host = Host::new();
    host.open(&connect, ACCEPTED);
    assert_eq!(host.feed(&[publish(1, 1, false), publish(1, 2, false)].concat()).len(), 2);
    assert_eq!(host.feed_one(&publish(1, 3, false)), "fault 93 MQTT-3.3.4-9");
}

#[test]
fn mqtt_3_3_4_9_two_messages_in_one_read_are_more_than_one() {
    let one = Property::ReceiveMaximum(NonZeroU16::new(1).unwrap());
    let mut host = with(&[one], false);
    let events = host.feed(&[publish(1, 1, false), publish(1, 2, false)].concat());
    assert_eq!(events, ["message t q1 id=1 ", "fault 93 MQTT-3.3.4-9"]);
    assert_eq!(host.sent(), "40 02 00 01 e0 01 93");
}

#[test]
fn mqtt_3_1_2_24_a_packet_beyond_our_maximum_is_a_fault_before_its_body_comes() {
    let mut host = with(&[Property::MaximumPacketSize(NonZeroU32::new(20).unwrap())], false);
    assert_eq!(host.feed_one("30 12 00 01 74 00 30 31 32 33 34 35 36 37 38 39 30 31 32 33").len(), 27);
    assert_eq!(host.feed_one("30 13"), "fault 95 MQTT-3.1.2-24");
    assert_eq!(host.sent(), "e0 01 95");
}

#[test]
fn a_packet_that_no_inbox_can_hold_is_a_fault() {
    let mut host = Host::connected();
    host.inbox = Inbox::growing(16, 32);
    assert_eq!(host.feed_one("30 7e 00 01 74"), "fault 95 MQTT-3.1.2-24");
}

#[test]
fn mqtt_4_6_0_2_answers_by_hand_go_out_in_the_order_of_arrival() {
    let mut host = with(&[], true);
    let arrivals = [publish(1, 1, false), publish(2, 2, false), publish(1, 3, false), publish(2, 4, false)].concat();
    assert_eq!(host.feed(&arrivals).len(), 4);
    assert_eq!(host.sent(), "", "nothing by itself");
    acknowledge(&mut host, 3, 0x00).unwrap();
    acknowledge(&mut host, 4, 0x80).unwrap();
    assert_eq!(host.sent(), "", "1 and 2 come first");
    acknowledge(&mut host, 2, 0x10).unwrap();
    assert_eq!(host.sent(), "50 03 00 02 10 50 03 00 04 80", "[MQTT-4.6.0-3] of its own QoS only");
    acknowledge(&mut host, 1, 0x97).unwrap();
    assert_eq!(host.sent(), "40 03 00 01 97 40 02 00 03");
    // 2 was accepted and goes on, 4 was rejected and is over [MQTT-4.3.3-9].
    host.feed("62 02 00 02");
    assert_eq!(host.sent(), "70 02 00 02");
    assert_eq!(host.feed_one(&publish(2, 4, false)), "message t q2 id=4 ");
}

#[test]
fn mqtt_4_6_0_3_a_repeated_message_waits_for_the_answer_of_one_that_came_before_it() {
    // PUBREC 1 refuses, PUBREC 2 accepts; both are lost. Then both messages come again, and 1 is a new one.
    let mut host = Host::new();
    let mut connect = lasting();
    connect.acknowledge = Acknowledge::Manual;
    host.open(&connect, ACCEPTED);
    host.feed(&publish(2, 1, false));
    host.feed(&publish(2, 2, false));
    acknowledge(&mut host, 1, 0x83).unwrap();
    acknowledge(&mut host, 2, 0).unwrap();
    assert!(host.sent().ends_with("50 03 00 01 83 50 02 00 02"));
    host.client.handle_close(host.now());
    host.open(&connect, RESUMED);
    assert_eq!(host.feed(&publish(2, 1, true)).len(), 1);
    assert_eq!(host.feed(&publish(2, 2, true)), [""; 0]);
    assert_eq!(host.feed(&publish(2, 2, true)), [""; 0], "it comes twice");
    assert_eq!(host.sent(), "");
    assert_eq!(acknowledge(&mut host, 2, 0), Err(Refused::Unknown), "it has been given");
    acknowledge(&mut host, 1, 0).unwrap();
    assert_eq!(host.sent(), "50 02 00 01 50 02 00 02");
    assert_eq!(host.feed(&publish(2, 2, true)), [""; 0]);
    assert_eq!(host.sent(), "50 02 00 02", "what was answered on this connection is answered at once");
    host.feed("62 02 00 01 62 02 00 02");
    assert_eq!(host.sent(), "70 02 00 01 70 02 00 02");
    assert_eq!(host.client.figures(host.now()).unacknowledged, 0);
}

#[test]
fn mqtt_4_6_0_3_an_answer_that_is_owed_goes_before_that_of_the_next_message() {
    // By hand on the first connection, automatic on the second.
    let mut host = Host::new();
    let mut connect = lasting();
    connect.acknowledge = Acknowledge::Manual;
    host.open(&connect, ACCEPTED);
    host.feed(&publish(2, 1, false));
    host.again(RESUMED);
    host.feed(&format!("{} {}", publish(2, 1, true), publish(2, 2, false)));
    assert_eq!(host.sent(), "50 02 00 01 50 02 00 02");
}

#[test]
fn many_answers_by_hand_in_any_order_all_go_out() {
    let mut host = Host::with(Boxed::new(100, 1024));
    let mut connect = lasting();
    connect.acknowledge = Acknowledge::Manual;
    host.open(&connect, ACCEPTED);
    for id in 1..=100 {
        host.feed(&publish(1, id, false));
    }
    for id in (1..=100).rev() {
        acknowledge(&mut host, id, 0x80).unwrap();
    }
    let expected: Vec<String> = (1..=100u8).map(|id| format!("40 03 00 {id:02x} 80")).collect();
    assert_eq!(host.sent(), expected.join(" "));
    assert_eq!(host.client.figures(host.now()).unacknowledged, 0);
}

#[test]
fn an_answer_by_hand_needs_a_message_and_a_reason_that_fits() {
    let mut host = with(&[], true);
    assert_eq!(acknowledge(&mut host, 1, 0), Err(Refused::Unknown));
    host.feed(&publish(1, 1, false));
    assert_eq!(acknowledge(&mut host, 1, 0x92), Err(Refused::Rule(Rule::PUBACK_REASON)), "[MQTT-3.4.2-1]");
    assert_eq!(acknowledge(&mut host, 1, 0), Ok(()));
    assert_eq!(acknowledge(&mut host, 1, 0), Err(Refused::Unknown));
    host.sent();
    assert_eq!(acknowledge(&mut host, 1, 0), Err(Refused::Unknown));
    host.feed(&publish(2, 2, false));
    assert_eq!(acknowledge(&mut host, 2, 0x04), Err(Refused::Rule(Rule::PUBREC_REASON)), "[MQTT-3.5.2-1]");
    assert_eq!(acknowledge(&mut host, 2, 0), Ok(()));
    // Where acknowledgements go out by themselves, none is given by hand.
    let mut host = with(&[], false);
    host.feed(&publish(2, 2, false));
    assert_eq!(acknowledge(&mut host, 2, 0), Err(Refused::Unknown));
}

#[test]
fn an_answer_by_hand_survives_the_connection_for_qos_2_and_dies_with_it_for_qos_1() {
    let mut host = with(&[], true);
    host.feed(&[publish(1, 1, false), publish(2, 2, false), publish(2, 3, false)].concat());
    acknowledge(&mut host, 3, 0x00).unwrap();
    host.client.handle_close(host.now());
    assert_eq!(acknowledge(&mut host, 1, 0), Err(Refused::Unknown));
    let mut connect = lasting();
    connect.acknowledge = Acknowledge::Manual;
    host.open(&connect, RESUMED);
    assert_eq!(host.sent(), "", "the server has to ask again");
    assert_eq!(host.feed(&[publish(1, 1, true), publish(2, 3, true), publish(2, 2, true)].concat()).len(), 1);
    assert_eq!(host.sent(), "50 02 00 03", "3 had been answered, and comes first now");
    acknowledge(&mut host, 2, 0x83).unwrap();
    acknowledge(&mut host, 1, 0).unwrap();
    assert_eq!(host.sent(), "40 02 00 01 50 03 00 02 83");
}

#[test]
fn mqtt_4_3_3_8_an_answer_given_between_two_connections_counts() {
    for manual in [true, false] {
        let mut host = with(&[], true);
        host.feed(&publish(2, 3, false));
        host.client.handle_close(host.now());
        assert_eq!(acknowledge(&mut host, 3, 0), Ok(()));
        let mut connect = lasting();
        connect.acknowledge = if manual { Acknowledge::Manual } else { Acknowledge::Automatic };
        host.open(&connect, RESUMED);
        assert_eq!(host.feed_one(&publish(2, 3, true)), "");
        assert_eq!(host.sent(), "50 02 00 03");
    }
    // Where it was not given, and is not asked for any more, it is given by itself.
    let mut host = with(&[], true);
    host.feed(&publish(2, 3, false));
    host.again(RESUMED);
    host.feed(&publish(2, 3, true));
    assert_eq!(host.sent(), "50 02 00 03");
}

#[test]
fn an_answer_does_not_wait_for_what_is_read_next() {
    let mut host = Host::connected();
    let input = bytes("62 02 00 07");
    host.inbox.spare()[..4].copy_from_slice(&input);
    host.inbox.filled(4);
    let now = host.now();
    assert_eq!(host.client.handle_input(&mut host.inbox, now), Ok(mqtt5_session::Input::Blocked));
    assert_eq!(host.sent(), "70 03 00 07 92");
    let partial = host.client.handle_input(&mut host.inbox, now);
    assert_eq!(partial, Ok(mqtt5_session::Input::Partial { need: 2 }));
}

#[test]
fn mqtt_2_2_1_4_an_identifier_in_use_is_a_fault() {
    for (first, second) in [(2, 1), (1, 1), (1, 2)] {
        let mut host = with(&[], true);
        host.feed(&publish(first, 1, false));
        assert_eq!(host.feed_one(&publish(second, 1, false)), "fault 82 MQTT-2.2.1-4");
    }
    let mut host = with(&[], true);
    host.feed(&publish(2, 1, false));
    assert_eq!(host.feed_one("62 02 00 01"), "fault 82 MQTT 4.3.3", "a PUBREL before its PUBREC");
}

#[test]
fn beyond_the_memory_a_message_is_answered_with_quota_exceeded() {
    for manual in [false, true] {
        let mut host = Host::with(Boxed::new(2, 512));
        let mut connect = lasting();
        if manual {
            connect.acknowledge = Acknowledge::Manual;
        }
        host.open(&connect, ACCEPTED);
        host.feed(&[publish(2, 1, false), publish(2, 2, false)].concat());
        host.sent();
        assert_eq!(host.feed_one(&publish(2, 3, false)), "");
        assert_eq!(host.sent(), "50 03 00 03 97");
        assert_eq!(host.client.figures(host.now()).unacknowledged, 2);
        let events = host.feed(&publish(1, 4, false)).len();
        assert_eq!(
            (events, host.sent()),
            if manual { (0, "40 03 00 04 97".into()) } else { (1, "40 02 00 04".into()) }
        );
    }
}

#[test]
fn identifiers_of_an_old_connection_may_exceed_our_receive_maximum() {
    let mut host = Host::with(Boxed::new(2, 512));
    let properties = [LASTING[0], Property::ReceiveMaximum(NonZeroU16::new(2).unwrap())];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    host.open(&connect, ACCEPTED);
    host.feed(&[publish(2, 1, false), publish(2, 2, false)].concat());
    host.sent();
    host.client.handle_close(host.now());
    host.open(&connect, RESUMED);
    assert_eq!(host.feed_one(&publish(2, 3, false)), "", "the server's quota is new, our memory is not");
    assert_eq!(host.sent(), "50 03 00 03 97");
    host.feed("62 02 00 01 62 02 00 02");
    assert_eq!(host.sent(), "70 02 00 01 70 02 00 02");
    assert_eq!(host.feed_one(&publish(2, 3, false)), "message t q2 id=3 ");
}

#[test]
fn mqtt_4_3_3_13_an_expired_message_is_handled_as_any() {
    // Message Expiry Interval 0: the session looks at no clock for it.
    let mut host = Host::connected();
    assert_eq!(host.feed_one("34 0b 00 01 74 00 01 05 02 00 00 00 00"), "message t q2 id=1 ");
    host.now += 1_000_000;
    assert_eq!(host.sent(), "50 02 00 01");
    host.feed("62 02 00 01");
    assert_eq!(host.sent(), "70 02 00 01");
}

#[test]
fn a_host_that_never_writes_is_blocked_before_an_answer_is_lost() {
    let mut host = Host::connected();
    let input: Vec<u8> = (1..=10u16).flat_map(|id| bytes(&format!("62 02 {id:04x}"))).collect();
    host.inbox.spare()[..input.len()].copy_from_slice(&input);
    host.inbox.filled(input.len());
    let now = host.now();
    let mut sent = String::new();
    for _ in 0..10 {
        match host.client.handle_input(&mut host.inbox, now).unwrap() {
            mqtt5_session::Input::Blocked => {
                assert!(host.client.poll_transmit().is_some());
                sent += &host.sent();
                sent += " ";
            }
            mqtt5_session::Input::Partial { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    sent += &host.sent();
    let expected: Vec<String> = (1..=10).map(|id| format!("70 03 00 {id:02x} 92")).collect();
    assert_eq!(sent.trim(), expected.join(" "));
}

#[test]
fn an_inbox_that_may_not_grow_has_room_for_a_small_packet() {
    let mut host = Host::new();
    host.inbox = Inbox::growing(0, 0);
    assert_eq!(host.open(&lasting(), "20 03 00 00 00"), ["connected resumed=false lost=0"]);
}

/// A message that was received on an earlier connection counts when it comes again, and only once.
#[test]
fn mqtt_3_3_4_9_our_receive_maximum_counts_what_comes_again_on_a_new_connection() {
    let connect = |host: &mut Host, most: u16, connack: &str| {
        let properties =
            [Property::SessionExpiryInterval(100), Property::ReceiveMaximum(NonZeroU16::new(most).unwrap())];
        let mut connect = lasting();
        connect.packet.properties = Properties::from(&properties);
        host.client.handle_close(host.now());
        host.open(&connect, connack);
    };
    let mut host = Host::new();
    connect(&mut host, 2, ACCEPTED);
    host.feed("34 06 00 01 74 00 01 00 34 06 00 01 74 00 02 00");
    host.sent();
    assert_eq!(host.client.figures(host.now()).unacknowledged, 2);
    connect(&mut host, 1, RESUMED);
    assert_eq!(host.client.figures(host.now()).unacknowledged, 0);
    assert_eq!(host.feed_one("3c 06 00 01 74 00 01 00"), "", "delivered before");
    assert_eq!(host.client.figures(host.now()).unacknowledged, 1);
    assert_eq!(host.feed_one("3c 06 00 01 74 00 01 00"), "", "and once more: it is the same one");
    assert_eq!(host.client.figures(host.now()).unacknowledged, 1);
    assert_eq!(host.feed_one("3c 06 00 01 74 00 02 00"), format!("fault 93 {}", Rule::RECEIVE_MAXIMUM.id()));
}

/// A message whose topic is not known was not delivered: its identifier is not held for a duplicate's.
#[test]
fn mqtt_4_3_3_10_a_message_that_was_a_fault_is_delivered_when_it_comes_again() {
    let mut host = Host::new();
    host.inbox = Inbox::growing(64, 1_000).with_aliases(vec![0; 20].leak(), 8);
    let properties = [Property::SessionExpiryInterval(100), Property::TopicAliasMaximum(2)];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    host.open(&connect, ACCEPTED);
    let fault = host.feed_one("34 08 00 00 00 01 03 23 00 01");
    assert_eq!(fault, format!("fault 82 {}", Rule::TOPIC_ALIAS_UNKNOWN.id()));
    host.client.handle_close(host.now());
    host.open(&connect, RESUMED);
    assert_eq!(host.feed_one("3c 06 00 01 74 00 01 00"), "message t q2 id=1 ");
}

/// Its PUBREC was sent on this connection, so it waits for nobody else's.
#[test]
fn a_message_that_was_accepted_here_is_answered_at_once_when_it_comes_again() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.acknowledge = Acknowledge::Manual;
    host.open(&connect, ACCEPTED);
    host.feed("34 06 00 01 74 00 01 00 34 06 00 01 74 00 02 00");
    host.client.acknowledge(PacketId::new(1).unwrap(), ReasonCode::SUCCESS).unwrap();
    assert_eq!(host.sent(), "50 02 00 01");
    assert_eq!(host.feed_one("3c 06 00 01 74 00 01 00"), "");
    assert_eq!(host.sent(), "50 02 00 01");
    assert_eq!(host.feed_one("3c 06 00 01 74 00 02 00"), "");
    assert_eq!(host.sent(), "", "the application has not answered that one");
}
