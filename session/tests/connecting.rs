//! CONNECT, CONNACK, and which session goes on.

use crate::common::*;
use core::num::{NonZeroU16, NonZeroU32};
use mqtt5_codec::{Properties, Property, QoS, ReasonCode, Rule, Will};
use mqtt5_session::{Boxed, ConnectOptions, Ending, Event, Inline, Input, Prior, Refused};

const ACCEPTED: &str = "20 03 00 00 00";
const RESUMED: &str = "20 03 01 00 00";

#[test]
fn clean_start_0_needs_a_word_on_the_past_at_the_first_run_not_at_the_second() {
    let mut host = Host::new();
    let mut careless = ConnectOptions::new(text("c"));
    careless.packet.clean_start = false;
    assert_eq!(host.connect(&careless), Err(Refused::Prior));
    assert!(Refused::Prior.to_string().contains("ConnectOptions::resume(client_id, Prior::Empty)"));
    assert!(host.client.is_closed());
    careless.prior = Some(Prior::Empty);
    assert_eq!(host.open(&careless, "20 03 01 00 00"), ["connected resumed=true lost=0"]);
}

#[test]
fn mqtt_3_2_2_4_the_fault_says_how_it_came_to_a_session_that_is_not_known() {
    let mut host = Host::new();
    assert_eq!(host.open(&ConnectOptions::resume(text("c"), Prior::None), "20 03 01 00 00"), ["fault 82 MQTT-3.2.2-4"]);
    let said = host.client.fault().unwrap().to_string();
    assert!(
        said.contains("[MQTT-3.2.2-4]") && said.contains("Prior::Empty") && said.contains("Clean Start 1"),
        "{said}"
    );
}

#[test]
fn bytes_that_arrive_after_connect_belong_to_the_new_connection() {
    let mut host = Host::connected();
    host.inbox.spare()[0] = 0x30;
    host.inbox.filled(1);
    host.client.handle_close(host.now());
    host.connect(&lasting()).unwrap();
    assert!(host.inbox.is_empty(), "what the old one left is dropped");
    host.sent();
    // Read before the first call of `handle_input`.
    host.inbox.spare()[..5].copy_from_slice(&[0x20, 3, 1, 0, 0]);
    host.inbox.filled(5);
    assert_eq!(host.feed_one(""), "connected resumed=true lost=0");
}

#[test]
fn a_refused_connect_leaves_the_inbox_alone() {
    let mut host = Host::connected();
    host.inbox.spare()[..2].copy_from_slice(&[0x30, 4]);
    host.inbox.filled(2);
    assert_eq!(host.connect(&lasting()), Err(Refused::Connected));
    assert_eq!(host.feed_one("00 01 74 00"), "message t q0 ");
}

#[test]
fn a_fault_is_told_until_the_next_connect() {
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.sent();
    assert_eq!(host.feed_one("d0 00"), "fault 82 MQTT-3.2.0-1");
    let fault = host.client.fault();
    host.client.handle_close(host.now());
    assert!(fault.is_some());
    assert_eq!(host.client.fault(), fault);
    host.connect(&lasting()).unwrap();
    assert_eq!(host.client.fault(), None);
}

#[test]
fn mqtt_3_1_0_1_connect_is_the_first_packet_and_has_every_field() {
    let mut host = Host::new();
    let properties = [
        Property::SessionExpiryInterval(16),
        Property::ReceiveMaximum(NonZeroU16::new(8).unwrap()),
        Property::MaximumPacketSize(NonZeroU32::new(256).unwrap()),
        Property::TopicAliasMaximum(4),
        Property::RequestResponseInformation(true),
        Property::RequestProblemInformation(false),
        Property::UserProperty(text("a"), text("b")),
    ];
    let will_properties = [Property::WillDelayInterval(5)];
    let mut connect = ConnectOptions::new(text("dev"));
    connect.packet.clean_start = false;
    connect.prior = Some(Prior::None);
    connect.packet.keep_alive = 300;
    connect.packet.properties = Properties::from(&properties);
    connect.packet.will = Some(Will {
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: Properties::from(&will_properties),
        topic: topic("w"),
        payload: b"bye",
    });
    connect.packet.user_name = Some(text("u"));
    connect.packet.password = Some(b"p");
    assert_eq!(host.client.publish(&message("t", "", 0)), Err(Refused::NotConnected));
    assert_eq!(host.sent(), "");
    host.connect(&connect).unwrap();
    assert_eq!(
        host.sent(),
        "10 3f 00 04 4d 51 54 54 05 ec 01 2c 1b 11 00 00 00 10 21 00 08 27 00 00 01 00 22 00 04 19 01 17 00 26 00 01 61 00 \
         01 62 00 03 64 65 76 05 18 00 00 00 05 00 01 77 00 03 62 79 65 00 01 75 00 01 70"
    );
    assert_eq!(host.sent(), "", "and nothing until the server accepts");
}

#[test]
fn user_name_and_password_are_independent() {
    for (user_name, password, flags) in [(true, false, "82"), (false, true, "42"), (true, true, "c2")] {
        let mut host = Host::new();
        let mut connect = ConnectOptions::new(text("c"));
        connect.packet.user_name = user_name.then_some(text("u"));
        connect.packet.password = password.then_some(b"p");
        host.connect(&connect).unwrap();
        assert_eq!(&host.sent()[27..29], flags);
    }
}

#[test]
fn mqtt_3_1_0_2_a_second_connect_is_refused_until_the_connection_is_closed() {
    let mut host = Host::connected();
    assert_eq!(host.connect(&lasting()), Err(Refused::Connected));
    host.client.handle_close(host.now());
    assert_eq!(host.connect(&lasting()), Ok(()));
    assert_eq!(host.connect(&lasting()), Err(Refused::Connected));
}

#[test]
fn a_connect_that_may_not_be_is_refused_and_changes_nothing() {
    let mut host = Host::connected();
    host.publish(&message("t", "", 1)).unwrap();
    host.sent();
    host.client.handle_close(host.now());
    let before = host.client.figures(host.now());
    let properties = [Property::ServerKeepAlive(1)];
    let mut connect = lasting();
    connect.packet.clean_start = true;
    connect.packet.properties = Properties::from(&properties);
    assert_eq!(host.connect(&connect), Err(Refused::Rule(Rule::PROPERTY_ID)));
    let long = "x".repeat(5_000);
    connect.packet.properties = Properties::EMPTY;
    connect.packet.user_name = Some(text(&long));
    assert_eq!(host.connect(&connect), Err(Refused::Bytes { need: 5_019 }));
    assert_eq!(host.client.figures(host.now()), before);
    assert!(host.client.is_closed());
}

#[test]
fn a_server_that_does_not_answer_connect_is_left_in_silence() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.timeout = 5_000;
    host.connect(&connect).unwrap();
    host.sent();
    assert_eq!(host.client.poll_timeout().unwrap().as_millis(), host.now + 5_000);
    assert!(host.pass(4_999).is_empty());
    assert_eq!(host.pass(1), ["fault 88 MQTT 3.2"]);
    assert!(host.client.is_closed());
    assert_eq!(host.sent(), "");
    assert_eq!(host.client.poll_timeout(), None);
}

#[test]
fn mqtt_4_13_2_1_a_refused_connection_is_closed_and_says_why() {
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.sent();
    let connack = bytes("20 08 00 87 05 1f 00 02 6e 6f");
    host.inbox.spare()[..10].copy_from_slice(&connack);
    host.inbox.filled(10);
    let now = host.now();
    match host.client.handle_input(&mut host.inbox, now) {
        Ok(Input::Event(Event::Rejected(packet))) => {
            assert_eq!(packet.reason, ReasonCode::NOT_AUTHORIZED);
            assert_eq!(packet.properties.reason_string(), Some(text("no")));
        }
        other => panic!("{other:?}"),
    }
    assert!(host.client.is_closed());
    assert_eq!(host.sent(), "", "nothing is sent");
    assert_eq!(host.client.fault(), None);
}

#[test]
fn a_rejected_client_may_try_another_identifier() {
    let mut host = Host::new();
    assert_eq!(host.open(&lasting(), "20 03 00 85 00"), ["rejected 85"]);
    host.client.handle_close(host.now());
    let mut other = lasting();
    other.packet.client_id = text("d");
    assert_eq!(host.open(&other, ACCEPTED), ["connected resumed=false lost=0"]);
}

#[test]
fn mqtt_3_2_0_1_the_first_packet_of_the_server_is_connack() {
    for packet in ["d0 00", "40 02 00 01", "30 03 00 01 74", "30 04 00 01 74 00", "90 04 00 01 00 00"] {
        let mut host = Host::new();
        let events = host.open(&lasting(), packet);
        assert_eq!(events.len(), 1);
        assert!(events[0].starts_with("fault 8"), "{events:?}");
        assert!(host.sent().starts_with("e0 01 8"));
        assert!(host.client.is_closed());
    }
    let mut host = Host::new();
    assert_eq!(host.open(&lasting(), "d0 00"), ["fault 82 MQTT-3.2.0-1"]);
}

#[test]
fn mqtt_3_2_0_2_a_second_connack_is_a_fault() {
    let mut host = Host::connected();
    assert_eq!(host.feed_one(ACCEPTED), "fault 82 MQTT-3.2.0-2");
    assert_eq!(host.sent(), "e0 01 82");
}

#[test]
fn mqtt_3_1_0_1_nothing_is_sent_to_a_server_that_speaks_before_connect() {
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    assert_eq!(host.feed_one("d0 00"), "fault 82 MQTT-3.2.0-1");
    assert!(host.client.is_closed());
    assert_eq!(host.sent(), "");
}

#[test]
fn a_fault_while_connect_is_being_written_lets_it_end_first() {
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.write(3);
    assert_eq!(host.feed_one("d0 00"), "fault 82 MQTT-3.2.0-1");
    assert!(!host.client.is_closed());
    let sent = host.sent();
    assert!(sent.starts_with("10 13") && sent.ends_with("63 e0 01 82"), "{sent}");
    assert!(host.client.is_closed());
}

#[test]
fn mqtt_3_14_0_1_a_disconnect_before_connack_is_a_fault() {
    let mut host = Host::new();
    assert_eq!(host.open(&lasting(), "e0 01 89"), ["fault 82 MQTT-3.14.0-1"]);
    assert_eq!(host.sent(), "");
    assert!(host.client.is_closed());
}

#[test]
fn mqtt_3_2_2_16_an_empty_identifier_is_assigned_by_the_server() {
    let mut connect = lasting();
    connect.packet.client_id = text("");
    let mut host = Host::new();
    assert_eq!(host.open(&connect, ACCEPTED), ["fault 82 MQTT-3.2.2-16"]);
    let mut host = Host::new();
    assert_eq!(host.open(&connect, "20 07 00 00 04 12 00 01 78"), ["connected resumed=false lost=0"]);
    // The session is that of the assigned identifier [MQTT-3.1.3-7].
    host.client.handle_close(host.now());
    assert_eq!(host.connect(&connect), Err(Refused::Rule(Rule::CLIENT_ID_OF_SESSION)));
    connect.packet.client_id = text("x");
    assert_eq!(host.open(&connect, RESUMED), ["connected resumed=true lost=0"]);
}

#[test]
fn mqtt_3_1_3_2_another_client_identifier_while_we_hold_a_session_is_refused() {
    let mut host = Host::connected();
    host.client.handle_close(host.now());
    let mut other = lasting();
    other.packet.client_id = text("d");
    assert_eq!(host.connect(&other), Err(Refused::Rule(Rule::CLIENT_ID_OF_SESSION)));
    other.packet.clean_start = true;
    assert_eq!(host.open(&other, ACCEPTED), ["connected resumed=false lost=0"], "a clean start gives the old one up");
}

#[test]
fn an_identifier_assigned_to_a_client_that_named_itself_does_not_bar_its_way_back() {
    let mut host = Host::connected();
    // Assigned "y", in a CONNACK that is a fault for its authentication method, then in one that is not.
    assert_eq!(host.again("20 0b 01 00 08 12 00 01 79 15 00 01 61"), ["fault 82 MQTT-4.12.0-6"]);
    assert_eq!(host.again("20 07 01 00 04 12 00 01 79"), ["connected resumed=true lost=0"]);
    assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
}

#[test]
fn mqtt_3_2_2_4_a_session_that_we_do_not_know_closes_the_connection() {
    let mut host = Host::new();
    assert_eq!(host.open(&lasting(), RESUMED), ["fault 82 MQTT-3.2.2-4"]);
    assert_eq!(host.sent(), "e0 01 82");
    assert!(host.client.is_closed());
}

#[test]
fn mqtt_3_2_2_4_a_device_without_memory_says_so_and_goes_on() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.prior = Some(Prior::Empty);
    assert_eq!(host.open(&connect, RESUMED), ["connected resumed=true lost=0"]);
}

#[test]
fn a_session_that_began_with_a_lost_connack_is_ours() {
    // The server accepted, but the connection broke before CONNACK came: it will say Session Present, rightly.
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.sent();
    assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
    // But if CONNECT was never written, there is none.
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.write(5);
    assert_eq!(host.again(RESUMED), ["fault 82 MQTT-3.2.2-4"]);
}

#[test]
fn a_refusal_says_nothing_of_the_session_that_began_before_it() {
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.sent();
    assert_eq!(host.again("20 03 00 89 00"), ["rejected 89"]);
    assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
}

#[test]
fn a_session_that_began_with_a_hasty_disconnect_is_ours() {
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.write(5);
    host.client.disconnect(Ending::AtOnce).unwrap();
    assert!(host.sent().ends_with(" e0 00"));
    assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
}

#[test]
fn mqtt_3_2_2_4_a_session_that_outlived_ours_is_not_taken_for_a_new_one() {
    // It ended for us: by its interval, by a DISCONNECT that may be lost, by a Clean Start that may be lost.
    for (way, prior) in (0..3).flat_map(|way| [(way, Prior::None), (way, Prior::Empty)]) {
        let mut host = Host::connected();
        host.publish(&message("t", "1", 2)).unwrap();
        host.sent();
        let now = host.now();
        let mut connect = lasting();
        connect.prior = Some(prior);
        match way {
            0 => {
                host.client.handle_close(now);
                assert_eq!(host.pass(100_000), ["session expired lost=1"]);
            }
            1 => {
                let end = [Property::SessionExpiryInterval(0)];
                let normal = ReasonCode::NORMAL_DISCONNECTION;
                host.client.disconnect_with(normal, Properties::from(&end), Ending::AtOnce).unwrap();
                host.sent();
                host.client.handle_close(now);
            }
            _ => {
                connect.packet.clean_start = true;
                host.client.handle_close(now);
            }
        }
        host.connect(&connect).unwrap();
        host.sent();
        assert_eq!(host.lost(), [1]);
        // CONNACK does not come. Did the server get this CONNECT, and does it still have what there was before?
        host.client.handle_close(now);
        connect.packet.clean_start = false;
        assert_eq!(host.open(&connect, RESUMED), ["fault 82 MQTT-3.2.2-4"], "{way} {prior:?}");
        // Then a session begins, and it is ours.
        assert_eq!(host.again(ACCEPTED), ["connected resumed=false lost=0"]);
        assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
    }
}

#[test]
fn mqtt_3_2_2_2_no_session_after_a_clean_start() {
    let mut host = Host::connected();
    host.client.handle_close(host.now());
    let mut connect = lasting();
    connect.packet.clean_start = true;
    assert_eq!(host.open(&connect, RESUMED), ["fault 82 MQTT-3.2.2-2"]);
}

#[test]
fn mqtt_3_1_2_4_a_clean_start_discards_the_session() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.publish(&message("t", "2", 2)).unwrap();
    host.sent();
    host.feed("34 06 00 01 73 00 07 00");
    host.sent();
    host.client.handle_close(host.now());
    let mut connect = lasting();
    connect.packet.clean_start = true;
    assert_eq!(host.open(&connect, ACCEPTED), ["connected resumed=false lost=2"]);
    assert_eq!(host.sent(), "");
    assert_eq!(host.lost(), [1, 2]);
    assert_eq!(host.feed_one("34 06 00 01 73 00 07 00"), "message s q2 id=7 ", "its identifier is new again");
}

#[test]
fn every_limit_of_connack_applies_and_every_property_is_shown() {
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.sent();
    let connack = bytes(
        "20 2b 00 00 28 11 0000000a 21 0003 24 01 25 00 27 00000100 22 0005 26 0001 61 0001 62 28 00 29 00 2a 00 13 000a 1c \
         0001 78",
    );
    host.inbox.spare()[..connack.len()].copy_from_slice(&connack);
    host.inbox.filled(connack.len());
    let now = host.now();
    match host.client.handle_input(&mut host.inbox, now) {
        Ok(Input::Event(Event::Connected(connected))) => {
            assert_eq!(connected.packet.properties.iter().count(), 12);
            assert_eq!(connected.packet.properties.session_expiry_interval(), Some(10));
            assert_eq!(connected.packet.properties.server_reference(), Some(text("x")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(host.client.figures(now).quota, 3);
    host.client.handle_close(now);
    assert_eq!(host.client.poll_timeout().unwrap().as_millis(), host.now + 10_000, "the server's session expiry");
}

#[test]
fn mqtt_3_1_2_28_response_information_that_was_not_asked_for_is_a_fault() {
    let mut host = Host::new();
    assert_eq!(host.open(&lasting(), "20 07 00 00 04 1a 00 01 78"), ["fault 82 MQTT-3.1.2-28"]);
    let mut host = Host::new();
    let properties = [Property::RequestResponseInformation(true)];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    assert_eq!(host.open(&connect, "20 07 00 00 04 1a 00 01 78"), ["connected resumed=false lost=0"]);
}

#[test]
fn mqtt_3_1_2_29_problem_information_that_was_refused_is_a_fault() {
    let quiet = || {
        let properties = [Property::RequestProblemInformation(false)];
        let mut connect = lasting();
        connect.packet.properties = Properties::from(&properties);
        let mut host = Host::new();
        host.open(&connect, "20 07 00 00 04 1f 00 01 78");
        assert!(host.client.is_connected(), "CONNACK may have it");
        host
    };
    let mut host = quiet();
    host.publish(&message("t", "", 1)).unwrap();
    host.sent();
    assert_eq!(host.feed_one("40 08 00 01 00 04 1f 00 01 78"), "fault 82 MQTT-3.1.2-29");
    let mut host = quiet();
    host.subscribe("a").unwrap();
    host.sent();
    assert_eq!(host.feed_one("90 08 00 01 04 1f 00 01 78 00"), "fault 82 MQTT-3.1.2-29");
    let mut host = quiet();
    assert_eq!(host.feed_one("62 08 00 01 00 04 1f 00 01 78"), "fault 82 MQTT-3.1.2-29");
    let mut host = quiet();
    assert_eq!(host.feed_one("e0 06 00 04 1f 00 01 78"), "disconnected 00", "DISCONNECT may have it");
}

#[test]
fn an_old_connections_bytes_are_never_read_on_a_new_one() {
    let mut host = Host::connected();
    // Half a message, then the connection breaks.
    host.feed("30 0a 00 01 74");
    assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
    assert_eq!(host.feed_one("30 05 00 01 74 00 78"), "message t q0 x");
}

#[test]
fn the_memory_of_a_firmware_is_enough_for_all_of_it() {
    let mut host = Host::with(Inline::<8, 512>::new());
    assert_eq!(host.open(&lasting(), ACCEPTED), ["connected resumed=false lost=0"]);
    host.publish(&message("t", "x", 2)).unwrap();
    host.sent();
    assert_eq!(host.feed("50 02 00 01 70 02 00 01").len(), 2);
}

#[test]
fn a_disconnect_before_anything_was_written_closes_at_once() {
    let mut host = Host::with(Boxed::new(1, 128));
    host.connect(&ConnectOptions::new(text("c"))).unwrap();
    host.client.disconnect(Ending::AfterQueued).unwrap();
    assert!(host.client.is_closed());
    assert_eq!(host.sent(), "");
    host.client.handle_close(host.now());
    assert_eq!(host.client.figures(host.now()).bytes_held, 0);
}
