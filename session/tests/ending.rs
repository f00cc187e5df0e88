//! DISCONNECT of either side, keep-alive, faults.

use crate::common::*;
use mqtt5_codec::{Properties, Property, ReasonCode, Rule};
use mqtt5_session::{Boxed, ConnectOptions, Ending, Refused};

const RESUMED: &str = "20 03 01 00 00";

fn disconnect(host: &mut Host, reason: ReasonCode, properties: &[Property<'_>], ending: Ending) -> Result<(), Refused> {
    host.client.disconnect_with(reason, Properties::from(properties), ending)
}

// --- our DISCONNECT ---

#[test]
fn mqtt_3_14_4_1_nothing_is_sent_after_disconnect() {
    let mut host = Host::connected();
    disconnect(&mut host, ReasonCode::NORMAL_DISCONNECTION, &[], Ending::AfterQueued).unwrap();
    assert_eq!(host.publish(&message("t", "", 0)), Err(Refused::Closing));
    assert_eq!(host.subscribe("a"), Err(Refused::Closing));
    assert_eq!(host.client.ping(host.now()), Err(Refused::Closing));
    assert!(!host.client.is_closed());
    assert_eq!(host.sent(), "e0 00");
    assert!(host.client.is_closed(), "[MQTT-3.14.4-2]");
    assert_eq!(host.feed("34 06 00 01 73 00 07 00"), [""; 0]);
    assert_eq!(host.sent(), "");
    assert_eq!(
        disconnect(&mut host, ReasonCode::NORMAL_DISCONNECTION, &[], Ending::AtOnce),
        Err(Refused::NotConnected)
    );
}

#[test]
fn mqtt_3_14_4_1_no_acknowledgement_follows_disconnect_in_a_full_memory() {
    let mut host = Host::with(Boxed::new(1, 128));
    host.open(&ConnectOptions::new(text("c")), "20 03 00 00 00");
    host.publish(&message("t", "0123456789abcdef", 0)).unwrap();
    let input = bytes("32 06 00 01 74 00 01 00");
    host.inbox.spare()[..input.len()].copy_from_slice(&input);
    host.inbox.filled(input.len());
    let now = host.now();
    assert!(host.client.handle_input(&mut host.inbox, now).is_ok());
    disconnect(&mut host, ReasonCode::NORMAL_DISCONNECTION, &[], Ending::AtOnce).unwrap();
    host.client.handled();
    assert_eq!(host.sent(), "e0 00");
}

#[test]
fn a_disconnect_after_what_is_queued_waits_for_it() {
    let mut host = Host::accepted("20 06 00 00 03 21 00 01");
    host.publish(&message("t", "1", 1)).unwrap();
    let mut held = message("t", "2", 1);
    held.hold = true;
    host.publish(&held).unwrap();
    host.publish(&message("t", "0", 0)).unwrap();
    disconnect(&mut host, ReasonCode::DISCONNECT_WITH_WILL_MESSAGE, &[], Ending::AfterQueued).unwrap();
    assert_eq!(host.sent(), "32 07 00 01 74 00 01 00 31 30 05 00 01 74 00 30");
    assert!(!host.client.is_closed());
    assert_eq!(host.feed_one("40 02 00 01"), "published 1 00");
    assert_eq!(host.sent(), "32 07 00 01 74 00 02 00 32 e0 01 04", "the answer to the last is not waited for");
    assert!(host.client.is_closed());
}

#[test]
fn a_disconnect_at_once_finishes_only_what_is_being_written() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 0)).unwrap();
    host.publish(&message("t", "2", 1)).unwrap();
    host.write(3);
    disconnect(&mut host, ReasonCode::NORMAL_DISCONNECTION, &[], Ending::AfterQueued).unwrap();
    assert_eq!(disconnect(&mut host, ReasonCode::NORMAL_DISCONNECTION, &[], Ending::AtOnce), Ok(()), "to hasten it");
    assert_eq!(host.sent(), "30 05 00 01 74 00 31 e0 00");
    host.client.handle_close(host.now());
    host.open(&lasting(), RESUMED);
    assert_eq!(host.sent(), "32 07 00 01 74 00 01 00 32", "what was not sent is not lost");
}

#[test]
fn a_disconnect_has_properties_and_changes_the_session_expiry() {
    let mut host = Host::connected();
    let properties = [
        Property::SessionExpiryInterval(7),
        Property::ReasonString(text("x")),
        Property::UserProperty(text("a"), text("b")),
    ];
    disconnect(&mut host, ReasonCode::NORMAL_DISCONNECTION, &properties, Ending::AtOnce).unwrap();
    assert_eq!(host.sent(), "e0 12 00 10 11 00 00 00 07 1f 00 01 78 26 00 01 61 00 01 62");
    host.client.handle_close(host.now());
    assert_eq!(host.client.poll_timeout().unwrap().as_millis(), host.now + 7_000);
}

#[test]
fn a_disconnect_in_place_of_another_has_its_own_session_expiry() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    let normal = ReasonCode::NORMAL_DISCONNECTION;
    disconnect(&mut host, normal, &[Property::SessionExpiryInterval(0)], Ending::AfterQueued).unwrap();
    host.write(3);
    disconnect(&mut host, normal, &[], Ending::AtOnce).unwrap();
    assert_eq!(host.sent(), "32 07 00 01 74 00 01 00 31 e0 00");
    host.client.handle_close(host.now());
    assert_eq!(host.lost(), [], "the session lasts as CONNECT said");
}

#[test]
fn mqtt_3_14_2_2_no_session_expiry_where_connect_had_none() {
    let mut host = Host::new();
    host.open(&ConnectOptions::new(text("c")), "20 03 00 00 00");
    let reason = ReasonCode::NORMAL_DISCONNECTION;
    let raised = [Property::SessionExpiryInterval(7)];
    let refused = Err(Refused::Rule(Rule::SESSION_EXPIRY_RAISED));
    assert_eq!(disconnect(&mut host, reason, &raised, Ending::AtOnce), refused);
    assert_eq!(disconnect(&mut host, reason, &[Property::SessionExpiryInterval(0)], Ending::AtOnce), Ok(()));
}

#[test]
fn there_is_always_room_to_take_leave() {
    for (reason, ending, sent) in [
        (ReasonCode::NORMAL_DISCONNECTION, Ending::AtOnce, "e0 00"),
        (ReasonCode::DISCONNECT_WITH_WILL_MESSAGE, Ending::AtOnce, "e0 01 04"),
        (ReasonCode::NORMAL_DISCONNECTION, Ending::AfterQueued, "QUEUED e0 00"),
        (ReasonCode::DISCONNECT_WITH_WILL_MESSAGE, Ending::AfterQueued, "QUEUED e0 01 04"),
    ] {
        let mut host = Host::with(Boxed::new(1, 160));
        host.open(&ConnectOptions::new(text("c")), "20 03 00 00 00");
        host.publish(&message("t", "0123456789abcdef", 0)).unwrap();
        host.publish(&message("t", "12345678", 0)).unwrap();
        assert!(matches!(host.publish(&message("t", "", 0)), Err(Refused::Bytes { .. })));
        // The server's is not ours to send.
        assert!(matches!(disconnect(&mut host, ReasonCode::SERVER_BUSY, &[], ending), Err(Refused::Rule(_))));
        assert_eq!(disconnect(&mut host, reason, &[], ending), Ok(()));
        let queued = format!("30 14 00 01 74 00 {} 30 0c 00 01 74 00 {}", hex(b"0123456789abcdef"), hex(b"12345678"));
        assert_eq!(host.sent(), sent.replace("QUEUED", &queued));
        assert!(host.client.is_closed());
    }
}

#[test]
fn a_disconnect_before_the_server_accepted_sends_nothing_that_is_queued() {
    let mut host = Host::new();
    let mut held = message("t", "1", 1);
    held.hold = true;
    host.publish(&held).unwrap();
    host.connect(&lasting()).unwrap();
    host.sent();
    disconnect(&mut host, ReasonCode::NORMAL_DISCONNECTION, &[], Ending::AfterQueued).unwrap();
    assert_eq!(host.sent(), "e0 00");
    assert!(host.client.is_closed());
}

#[test]
fn a_clean_exit_leaves_nothing_behind() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    disconnect(&mut host, ReasonCode::NORMAL_DISCONNECTION, &[Property::SessionExpiryInterval(0)], Ending::AfterQueued)
        .unwrap();
    host.sent();
    host.client.handle_close(host.now());
    assert_eq!(host.lost(), [1]);
    let figures = host.client.figures(host.now());
    assert_eq!((figures.in_flight, figures.bytes_held, figures.next_deadline), (0, 0, None));
}

// --- the server's ---

#[test]
fn mqtt_3_1_4_3_a_disconnect_of_the_server_ends_the_connection_and_keeps_the_session() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.write(3);
    assert_eq!(host.feed_one("e0 01 8e"), "disconnected 8e");
    assert!(host.client.is_closed());
    assert_eq!(host.sent(), "32 07 00", "nothing more is sent, and nothing is answered");
    assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
    assert_eq!(host.sent(), "3a 07 00 01 74 00 01 00 31");
}

// --- keep-alive ---

fn kept_alive(seconds: u16) -> Host {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.keep_alive = seconds;
    connect.ping_timeout = 3_000;
    connect.ping_when_silent = false;
    host.open(&connect, "20 03 00 00 00");
    host
}

#[test]
fn mqtt_3_1_2_20_a_ping_is_due_at_its_share_of_the_keep_alive() {
    let mut host = kept_alive(20);
    assert!(host.pass(18_999).is_empty());
    assert_eq!(host.sent(), "");
    host.pass(1);
    assert_eq!(host.sent(), "c0 00", "at 95 %");
    assert_eq!(host.feed_one("d0 00"), "pong");
    host.pass(18_999);
    assert_eq!(host.sent(), "");
    host.pass(1);
    assert_eq!(host.sent(), "c0 00");
}

#[test]
fn mqtt_3_1_2_20_keep_alive_counts_from_the_last_byte_really_written() {
    let mut host = kept_alive(20);
    host.now += 10_000;
    host.publish(&message("t", "1", 0)).unwrap();
    host.write(3);
    assert_eq!(host.client.figures(host.now()).next_deadline, Some(9_000), "a part is no packet");
    host.now += 1_000;
    host.sent();
    assert_eq!(host.client.figures(host.now()).next_deadline, Some(19_000));
    // What is received does not count.
    host.now += 1_000;
    host.feed("30 04 00 01 74 00");
    assert_eq!(host.client.figures(host.now()).next_deadline, Some(18_000));
}

#[test]
fn mqtt_3_1_2_20_keep_alive_counts_from_connect_not_from_its_answer() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.keep_alive = 10;
    host.connect(&connect).unwrap();
    host.sent();
    assert_eq!(host.pass(4_000), [""; 0]);
    assert_eq!(host.client.poll_timeout().map(|at| host.now().until(at)), Some(26_000), "that of CONNACK");
    host.feed("20 03 00 00 00");
    host.pass(5_499);
    assert_eq!(host.sent(), "");
    host.pass(1);
    assert_eq!(host.sent(), "c0 00");
}

#[test]
fn an_unanswered_ping_ends_the_connection_at_its_deadline_in_silence() {
    let mut host = kept_alive(20);
    assert_eq!(host.pass(19_000 + 2_999), [""; 0]);
    assert_eq!(host.sent(), "c0 00");
    assert_eq!(host.pass(1), ["fault 8d MQTT 3.1.2.10"]);
    assert!(host.client.is_closed());
    assert_eq!(host.sent(), "");
}

/// A publish at QoS 0 every half second, to a server that has vanished.
fn deaf(ping_when_silent: bool, keep_alive: u16) -> Vec<String> {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.keep_alive = keep_alive;
    connect.ping_timeout = 3_000;
    connect.ping_when_silent = ping_when_silent;
    host.open(&connect, "20 03 00 00 00");
    let (mut told, mut sent) = (Vec::new(), String::new());
    for _ in 0..16 {
        let _ = host.publish(&message("t", "", 0));
        sent += &host.sent();
        told.extend(host.pass(500));
        sent += &host.sent();
    }
    let pings = sent.split("c0 00").count() - 1;
    told.push(format!("{pings} pings"));
    told
}

#[test]
fn a_client_that_only_publishes_finds_out_that_its_server_has_vanished() {
    assert_eq!(deaf(true, 2), ["fault 8d MQTT 3.1.2.10", "1 pings"]);
    assert_eq!(deaf(false, 2), ["0 pings"], "it can be switched off");
    assert_eq!(deaf(true, 0), ["0 pings"], "as the keep-alive can");
}

#[test]
fn a_server_that_says_anything_is_not_asked_whether_it_is_there() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.keep_alive = 10;
    host.open(&connect, "20 03 00 00 00");
    for byte in ["30", "04", "00", "01", "74"] {
        host.publish(&message("t", "", 0)).unwrap();
        host.sent();
        host.pass(9_000);
        host.feed(byte);
    }
    assert_eq!(host.sent(), "", "a part of a packet is a sign of life");
    host.publish(&message("t", "", 0)).unwrap();
    host.sent();
    host.pass(9_499);
    assert_eq!(host.sent(), "");
    host.publish(&message("t", "", 0)).unwrap();
    host.pass(1);
    assert_eq!(host.sent(), "c0 00 30 04 00 01 74 00");
    host.feed("00 d0 00");
    host.pass(9_499);
    assert_eq!(host.sent(), "");
}

#[test]
fn an_unanswered_ping_is_noticed_when_nothing_can_be_written() {
    let mut host = kept_alive(20);
    host.now += 19_000;
    assert_eq!(host.client.handle_timeout(host.now()), Ok(None));
    host.now += 3_000;
    assert!(host.client.handle_timeout(host.now()).is_err());
}

#[test]
fn a_ping_behind_a_long_write_is_not_missed_while_bytes_are_written() {
    for room in [0, 16_384] {
        let mut host = Host::with(Boxed::new(8, 1 << 14));
        let mut connect = lasting();
        connect.packet.keep_alive = 20;
        connect.ping_timeout = 3_000;
        host.open(&connect, "20 03 00 00 00");
        host.room = room;
        host.publish(&message("t", &"x".repeat(8_000), 0)).unwrap();
        for _ in 0..50 {
            host.piece = 80;
            host.write(80);
            host.now += 1_000;
            assert_eq!(host.client.handle_timeout(host.now()), Ok(None), "{room} {}", host.now);
        }
        // Not a byte more for so long: that is a stalled write.
        host.now += 1_999;
        assert_eq!(host.client.handle_timeout(host.now()), Ok(None));
        host.now += 1;
        assert_eq!(host.client.handle_timeout(host.now()).map_err(say_fault), Err("fault 8d MQTT 3.1.2.10".into()));
    }
}

#[test]
fn a_ping_that_was_copied_out_counts_from_when_it_is_written() {
    let mut host = kept_alive(20);
    host.now += 19_000;
    assert_eq!(host.client.handle_timeout(host.now()), Ok(None));
    host.room = 64;
    assert_eq!(host.copy(64), "c0 00");
    host.now += 2_000;
    host.write(1);
    host.now += 2_000;
    host.write(1);
    assert_eq!(host.client.figures(host.now()).next_deadline, Some(3_000));
    host.now += 3_000;
    assert!(host.client.handle_timeout(host.now()).is_err());
}

#[test]
fn an_answer_behind_a_packet_that_is_still_arriving_is_not_missed() {
    let mut host = kept_alive(20);
    host.pass(19_000);
    assert_eq!(host.sent(), "c0 00");
    assert_eq!(host.feed("30 0a 00 01 74 00"), [""; 0]);
    for _ in 0..6 {
        assert_eq!(host.pass(2_999), [""; 0]);
        host.feed("78");
    }
    assert_eq!(host.pass(2_999), [""; 0]);
    assert_eq!(host.feed("d0 00"), ["pong"]);
    assert_eq!(host.pass(15_000), [""; 0]);
}

#[test]
fn last_words_that_cannot_be_written_have_a_deadline() {
    for (ending, keep_alive) in [(Ending::AtOnce, 0), (Ending::AtOnce, 20), (Ending::AfterQueued, 20)] {
        let mut host = kept_alive(keep_alive);
        host.client.disconnect(ending).unwrap();
        if ending == Ending::AfterQueued {
            assert!(host.client.poll_transmit().is_some());
        }
        // The first call tells what time it is.
        assert!(host.client.poll_timeout().is_some_and(|due| due <= host.now()));
        assert_eq!(host.client.handle_timeout(host.now()), Ok(None));
        assert_eq!(host.client.figures(host.now()).next_deadline, Some(3_000));
        host.now += 1_000;
        host.write(1);
        assert_eq!(host.client.figures(host.now()).next_deadline, Some(3_000), "a byte was taken");
        host.now += 3_000;
        assert_eq!(host.client.handle_timeout(host.now()), Ok(None));
        assert!(host.client.is_closed());
        assert_eq!((host.client.fault(), host.client.poll_timeout()), (None, None));
    }
}

#[test]
fn the_first_fault_stays_the_cause() {
    let mut host = kept_alive(20);
    assert_eq!(host.feed("20 03 00 00 00"), ["fault 82 MQTT-3.2.0-2"]);
    while host.client.poll_timeout().is_some() {
        host.now += 1_000;
        let _ = host.client.handle_timeout(host.now());
    }
    assert!(host.client.is_closed());
    assert_eq!(host.client.fault().map(say_fault), Some("fault 82 MQTT-3.2.0-2".into()));
}

#[test]
fn keep_alive_fires_while_a_slow_answer_is_awaited() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.keep_alive = 2;
    connect.ping_timeout = 10_000;
    host.open(&connect, "20 03 00 00 00");
    assert_eq!(host.pass(10_000), [""; 0]);
    assert_eq!(host.sent(), "c0 00 c0 00 c0 00 c0 00 c0 00");
    assert_eq!(host.pass(1_900), ["fault 8d MQTT 3.1.2.10"], "counted from the first");
}

#[test]
fn mqtt_3_1_2_21_the_servers_keep_alive_overrides_ours() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.keep_alive = 20;
    connect.keep_alive_share = 50;
    host.open(&connect, "20 06 00 00 03 13 00 0a");
    assert_eq!(host.client.figures(host.now()).next_deadline, Some(5_000), "[MQTT-3.2.2-21]");
    let mut host = Host::new();
    host.open(&connect, "20 06 00 00 03 13 00 00");
    assert_eq!(host.client.poll_timeout(), None, "0 is off");
}

#[test]
fn a_keep_alive_of_0_is_off() {
    let mut host = kept_alive(0);
    assert_eq!(host.client.poll_timeout(), None);
    assert_eq!(host.pass(1_000_000), [""; 0]);
    assert_eq!(host.sent(), "");
}

#[test]
fn a_ping_by_hand_is_answered_by_an_event() {
    let mut host = kept_alive(0);
    host.client.ping(host.now()).unwrap();
    assert_eq!(host.sent(), "c0 00");
    assert_eq!(host.client.figures(host.now()).next_deadline, Some(3_000));
    assert_eq!(host.feed_one("d0 00"), "pong");
    assert_eq!(host.client.poll_timeout(), None);
}

// --- faults ---

#[test]
fn what_the_server_does_wrong_is_answered_with_its_reason() {
    for (packet, fault, reason) in [
        ("36 00", "fault 81 MQTT-3.3.1-4", "81"),
        ("30 04 00 01 23 00", "fault 90 MQTT-3.3.2-2", "90"),
        ("c0 00", "fault 82 MQTT 2.1.2", "82"),
        ("40 03 00 01 05", "fault 82 MQTT-3.4.2-1", "82"),
    ] {
        let mut host = Host::connected();
        assert_eq!(host.feed_one(packet), fault);
        assert!(!host.client.is_closed());
        assert_eq!(host.sent(), format!("e0 01 {reason}"));
        assert!(host.client.is_closed());
        assert_eq!(say_fault(host.client.fault().unwrap()), fault, "it is kept");
    }
}

#[test]
fn mqtt_2_2_1_5_an_answer_of_the_wrong_kind_is_a_fault() {
    for (qos, answer, fault) in [
        (1, "50 02 00 01", "fault 82 MQTT-3.3.4-1"),
        (1, "70 02 00 01", "fault 82 MQTT-3.3.4-1"),
        (2, "40 02 00 01", "fault 82 MQTT-3.3.4-1"),
        (2, "70 02 00 01", "fault 82 MQTT-3.3.4-1"),
        (1, "90 04 00 01 00 00", "fault 82 MQTT-2.2.1-6"),
        (2, "b0 04 00 01 00 00", "fault 82 MQTT-2.2.1-6"),
    ] {
        let mut host = Host::connected();
        host.publish(&message("t", "", qos)).unwrap();
        host.sent();
        assert_eq!(host.feed_one(answer), fault);
    }
    for (answer, fault) in [("40 02 00 01", "fault 82 MQTT-2.2.1-5"), ("b0 04 00 01 00 00", "fault 82 MQTT-2.2.1-6")] {
        let mut host = Host::connected();
        host.subscribe("a").unwrap();
        host.sent();
        assert_eq!(host.feed_one(answer), fault);
    }
}

#[test]
fn stray_answers_are_ignored_but_an_unknown_pubrec_is_released() {
    let mut host = Host::connected();
    assert_eq!(host.feed("40 02 00 05 70 02 00 05 90 04 00 05 00 00 b0 04 00 05 00 00 50 03 00 05 80"), [""; 0]);
    assert_eq!(host.sent(), "");
    assert_eq!(host.feed("50 02 00 05 50 03 ff ff 10"), [""; 0]);
    assert_eq!(host.sent(), "62 03 00 05 92 62 03 ff ff 92");
    assert!(host.client.is_connected());
}

#[test]
fn a_fault_in_the_middle_of_a_write_lets_the_packet_end_first() {
    let mut host = Host::connected();
    host.publish(&message("t", "12345", 1)).unwrap();
    host.publish(&message("t", "2", 1)).unwrap();
    host.write(4);
    assert_eq!(host.feed_one("36 00"), "fault 81 MQTT-3.3.1-4");
    assert_eq!(host.sent(), "32 0b 00 01 74 00 01 00 31 32 33 34 35 e0 01 81");
    assert!(host.client.is_closed());
}

#[test]
fn after_a_fault_nothing_is_read_any_more() {
    let mut host = Host::connected();
    assert_eq!(host.feed("36 00 30 04 00 01 74 00"), ["fault 81 MQTT-3.3.1-4"]);
    assert_eq!(host.feed("30 04 00 01 74 00"), [""; 0]);
    assert_eq!(host.sent(), "e0 01 81");
}

#[test]
fn a_fault_keeps_the_session() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.sent();
    host.feed("36 00");
    host.sent();
    assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
    assert_eq!(host.sent(), "3a 07 00 01 74 00 01 00 31");
    assert_eq!(host.client.fault(), None);
}

#[test]
fn debug_shows_no_payload_and_no_password() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.password = Some(b"secret");
    host.open(&connect, "20 03 00 00 00");
    let message = message("t", "secret", 1);
    host.publish(&message).unwrap();
    let shown = format!("{:?} {:?} {:?} {:?}", host.client, host.inbox, message, connect);
    let bytes = format!("{:?}", b"secret");
    assert!(!shown.contains("secret") && !shown.contains(&bytes[1..bytes.len() - 1]), "{shown}");
    assert!(shown.contains("in_flight: 1"));
}

#[test]
fn a_disconnect_has_room_behind_any_acknowledgements_and_pings() {
    for pings in 0..12 {
        for messages in 1..8u8 {
            // A keep-alive of a second; nothing is written until the end.
            let mut host = Host::accepted("20 06 00 00 03 13 00 01");
            let now = host.now();
            for _ in 0..pings {
                let _ = host.client.ping(now);
            }
            for id in 1..=messages {
                let publish = bytes(&format!("32 06 00 01 74 00 {id:02x} 00"));
                host.inbox.spare()[..publish.len()].copy_from_slice(&publish);
                host.inbox.filled(publish.len());
                host.client.handle_input(&mut host.inbox, now).unwrap();
            }
            let _ = host.client.ping(now);
            host.client.handled();
            assert_eq!(host.client.handle_timeout(now.after(950)), Ok(None));
            disconnect(&mut host, ReasonCode::DISCONNECT_WITH_WILL_MESSAGE, &[], Ending::AtOnce).unwrap();
            assert!(host.sent().ends_with("e0 01 04"), "{pings} pings, {messages} messages");
        }
    }
}
