//! Enhanced authentication: with CONNECT, and again on a live connection.

use crate::common::*;
use mqtt5_codec::{Properties, Property, ReasonCode, Rule};
use mqtt5_session::{Boxed, Ending, Event, Input, Refused};

const METHOD: Property<'static> = Property::AuthenticationData(b"");

fn method(name: &str) -> Property<'_> {
    Property::AuthenticationMethod(text(name))
}

fn auth(host: &mut Host, reason: ReasonCode, properties: &[Property<'_>]) -> Result<(), Refused> {
    host.client.auth(reason, Properties::from(properties))
}

/// CONNECT with method `m` has been sent.
fn begun() -> Host {
    let mut host = Host::new();
    let properties = [LASTING[0], method("m"), Property::AuthenticationData(b"1")];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    host.connect(&connect).unwrap();
    host.sent();
    host
}

const CONTINUE: &str = "f0 06 18 04 15 00 01 6d";
const CONNACK: &str = "20 07 00 00 04 15 00 01 6d";

#[test]
fn mqtt_4_12_0_3_as_many_steps_as_are_needed() {
    let mut host = begun();
    for _ in 0..3 {
        assert_eq!(host.feed_one("f0 0a 18 08 15 00 01 6d 16 00 01 78"), "auth 18");
        let answer = [method("m"), Property::AuthenticationData(b"2")];
        assert_eq!(auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &answer), Ok(()));
        assert_eq!(
            auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &answer),
            Err(Refused::Rule(Rule::AUTH_ANSWERS))
        );
        assert_eq!(host.sent(), "f0 0a 18 08 15 00 01 6d 16 00 01 32");
    }
    assert_eq!(host.feed_one(CONNACK), "connected resumed=false lost=0");
}

#[test]
fn mqtt_4_12_0_3_a_full_memory_has_room_for_the_answer() {
    // Else it could never be emptied.
    let properties = [LASTING[0], method("m"), Property::AuthenticationData(b"1")];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    let mut host = Host::with(Boxed::new(20, 512));
    host.open(&connect, CONNACK);
    for len in [100, 30, 10, 0] {
        while host.publish(&message("t", &"x".repeat(len), 1)).is_ok() {}
    }
    host.sent();
    for _ in 0..2 {
        host.client.handle_close(host.now());
        host.connect(&connect).unwrap();
        host.sent();
        for _ in 0..2 {
            assert_eq!(host.feed_one(CONTINUE), "auth 18");
            let answer = [method("m"), Property::AuthenticationData(b"2")];
            assert_eq!(auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &answer), Ok(()));
            assert_eq!(host.sent(), "f0 0a 18 08 15 00 01 6d 16 00 01 32");
        }
        assert_eq!(host.feed_one("20 07 01 00 04 15 00 01 6d"), "connected resumed=true lost=0");
        assert!(host.sent().starts_with("3a "));
    }
    // An answer longer than CONNECT needs room of its own.
    host.client.handle_close(host.now());
    host.connect(&connect).unwrap();
    host.sent();
    host.feed(CONTINUE);
    let answer = [method("m"), Property::AuthenticationData(&[7; 200])];
    let refused = auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &answer);
    assert!(matches!(refused, Err(Refused::Bytes { .. })));
    assert_eq!(auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &answer[..1]), Ok(()));
    assert_eq!(host.sent(), CONTINUE);
}

#[test]
fn an_answer_does_not_disturb_a_connect_that_is_being_written() {
    let properties = [LASTING[0], method("m")];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    let mut host = Host::new();
    host.connect(&connect).unwrap();
    host.write(3);
    // A hasty server.
    host.inbox.spare()[..8].copy_from_slice(&bytes(CONTINUE));
    host.inbox.filled(8);
    let now = host.now();
    assert!(matches!(host.client.handle_input(&mut host.inbox, now), Ok(Input::Event(Event::Auth(_)))));
    assert_eq!(auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &[method("m")]), Ok(()));
    let sent = host.sent();
    assert!(
        sent.starts_with("10 17 00 04 4d 51 54 54 05 00 00 00 09 11 00 00 00 64 15 00 01 6d 00 01 63 f0"),
        "{sent}"
    );
}

#[test]
fn mqtt_3_1_2_30_nothing_but_auth_and_disconnect_before_connack() {
    let mut host = begun();
    let mut held = message("t", "", 1);
    held.hold = true;
    host.publish(&held).unwrap();
    host.feed(CONTINUE);
    assert_eq!(host.subscribe("a"), Err(Refused::NotConnected));
    assert_eq!(host.client.ping(host.now()), Err(Refused::NotConnected));
    assert_eq!(host.sent(), "");
    auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &[method("m")]).unwrap();
    assert_eq!(host.sent(), "f0 06 18 04 15 00 01 6d");
    host.feed(CONNACK);
    assert_eq!(host.sent(), "32 06 00 01 74 00 01 00");
}

#[test]
fn mqtt_4_12_0_5_another_method_is_refused_on_both_sides() {
    let mut host = begun();
    host.feed(CONTINUE);
    let refused = Err(Refused::Rule(Rule::AUTH_SAME_METHOD));
    assert_eq!(auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &[method("n")]), refused);
    assert_eq!(auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &[METHOD]), refused);
    for packet in ["f0 06 18 04 15 00 01 6e", "20 07 00 00 04 15 00 01 6e", "20 03 00 00 00"] {
        let mut host = begun();
        assert_eq!(host.feed_one(packet), "fault 82 MQTT-4.12.0-5");
        assert_eq!(host.sent(), "e0 01 82");
    }
}

#[test]
fn mqtt_4_12_0_2_a_success_before_connack_is_a_fault() {
    let mut host = begun();
    assert_eq!(host.feed_one("f0 06 00 04 15 00 01 6d"), "fault 82 MQTT-4.12.0-2");
}

#[test]
fn mqtt_4_12_0_6_no_authentication_that_was_not_asked_for() {
    let mut host = Host::new();
    assert_eq!(host.open(&lasting(), CONTINUE), ["fault 82 MQTT-4.12.0-6"]);
    let mut host = Host::new();
    assert_eq!(host.open(&lasting(), CONNACK), ["fault 82 MQTT-4.12.0-6"]);
}

/// Section 3.15.2.1 allows it, and some servers end a re-authentication so.
#[test]
fn an_auth_of_remaining_length_0_ends_a_re_authentication() {
    let mut host = begun();
    host.feed(CONNACK);
    auth(&mut host, ReasonCode::RE_AUTHENTICATE, &[method("m")]).unwrap();
    host.sent();
    assert_eq!(host.feed_one("f0 00"), "auth 00");
    assert_eq!(host.feed_one("f0 00"), "fault 82 MQTT 4.12.1", "and none that was not begun");
    assert_eq!(begun().feed_one("f0 00"), "fault 82 MQTT-4.12.0-2", "nor the first one, which CONNACK ends");
    assert_eq!(Host::connected().feed_one("f0 00"), "fault 82 MQTT-4.12.0-6");
}

#[test]
fn only_a_client_begins_an_authentication_anew() {
    let mut host = begun();
    host.feed(CONNACK);
    assert_eq!(host.feed_one(CONTINUE), "fault 82 MQTT 4.12.1");
}

#[test]
fn a_server_does_not_ask_twice_before_it_is_answered() {
    let mut host = begun();
    assert_eq!(host.feed(&format!("{CONTINUE} {CONTINUE}")), ["auth 18", "fault 82 MQTT 4.12"]);
}

#[test]
fn mqtt_4_12_0_7_no_auth_without_a_method() {
    let mut host = Host::connected();
    for reason in [ReasonCode::CONTINUE_AUTHENTICATION, ReasonCode::RE_AUTHENTICATE] {
        assert_eq!(auth(&mut host, reason, &[method("m")]), Err(Refused::Rule(Rule::AUTH_WITHOUT_METHOD)));
    }
    assert_eq!(host.sent(), "");
}

#[test]
fn mqtt_4_12_1_1_authentication_anew_on_a_live_connection() {
    let mut host = begun();
    let again = ReasonCode::RE_AUTHENTICATE;
    assert_eq!(auth(&mut host, again, &[method("m")]), Err(Refused::Rule(Rule::REAUTHENTICATION)), "not yet");
    host.feed(CONNACK);
    assert_eq!(auth(&mut host, again, &[method("n")]), Err(Refused::Rule(Rule::AUTH_SAME_METHOD)));
    assert_eq!(auth(&mut host, again, &[method("m")]), Ok(()));
    assert_eq!(host.sent(), "f0 06 19 04 15 00 01 6d");
    assert_eq!(auth(&mut host, again, &[method("m")]), Err(Refused::Rule(Rule::REAUTHENTICATION)), "one at a time");
    host.publish(&message("t", "", 0)).unwrap();
    assert_eq!(host.sent(), "30 04 00 01 74 00", "other packets go on");
    assert_eq!(host.feed_one(CONTINUE), "auth 18");
    assert_eq!(auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &[method("m")]), Ok(()));
    host.sent();
    assert_eq!(host.feed_one("f0 06 00 04 15 00 01 6d"), "auth 00");
    assert_eq!(auth(&mut host, again, &[method("m")]), Ok(()), "and again");
}

/// Found by the fuzz target `operations`: the second AUTH of ours took the place of the first, whose memory was lost.
#[test]
fn an_auth_that_was_not_sent_has_no_answer() {
    let mut host = begun();
    host.feed(CONNACK);
    auth(&mut host, ReasonCode::RE_AUTHENTICATE, &[method("m")]).unwrap();
    assert_eq!(host.feed_one(CONTINUE), format!("fault 82 {}", Rule::REAUTHENTICATION_BY_SERVER.id()));
    assert_eq!(host.sent(), "e0 01 82");

    let mut host = begun();
    assert_eq!(host.feed_one(CONTINUE), "auth 18");
    auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &[method("m")]).unwrap();
    assert_eq!(host.feed_one(CONTINUE), format!("fault 82 {}", Rule::AUTH_TURN.id()));
    host.client.handle_close(host.now());
    assert_eq!(host.client.figures(host.now()).bytes_held, 0);
}

#[test]
fn an_auth_that_was_not_sent_when_connack_came_is_not_sent_at_all() {
    let mut host = begun();
    assert_eq!(host.feed_one(CONTINUE), "auth 18");
    auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &[method("m")]).unwrap();
    host.feed(CONNACK);
    assert_eq!(host.sent(), "");
    let held = host.client.figures(host.now()).bytes_held;
    auth(&mut host, ReasonCode::RE_AUTHENTICATE, &[method("m")]).unwrap();
    assert_eq!(host.sent(), "f0 06 19 04 15 00 01 6d");
    assert_eq!(host.client.figures(host.now()).bytes_held, held, "nothing of the first one is left");
}

#[test]
fn mqtt_4_12_1_2_a_failed_authentication_closes() {
    let mut host = begun();
    host.feed(CONNACK);
    auth(&mut host, ReasonCode::RE_AUTHENTICATE, &[method("m")]).unwrap();
    host.sent();
    assert_eq!(host.feed_one("e0 01 87"), "disconnected 87");
    assert!(host.client.is_closed());
    let mut host = begun();
    assert_eq!(host.feed_one("20 03 00 8c 00"), "rejected 8c");
    assert!(host.client.is_closed());
}

#[test]
fn mqtt_3_15_2_2_an_auth_beyond_the_servers_maximum_packet_size_is_refused() {
    let mut host = begun();
    host.feed("20 0c 00 00 09 15 00 01 6d 27 00 00 00 10");
    let properties =
        [method("m"), Property::ReasonString(text("much too long")), Property::UserProperty(text("a"), text("b"))];
    let refused = auth(&mut host, ReasonCode::RE_AUTHENTICATE, &properties);
    assert_eq!(refused, Err(Refused::Rule(Rule::SERVER_MAXIMUM_PACKET_SIZE)), "[MQTT-3.15.2-3]");
    assert_eq!(auth(&mut host, ReasonCode::RE_AUTHENTICATE, &[method("m")]), Ok(()), "nothing had changed");
}

#[test]
fn an_auth_finds_room_in_a_full_memory() {
    for steps in 1..4 {
        let mut host = Host::with(Boxed::new(4, 192));
        let properties = [LASTING[0], method("m"), Property::AuthenticationData(b"0123456789")];
        let mut connect = lasting();
        connect.packet.properties = Properties::from(&properties);
        host.connect(&connect).unwrap();
        host.sent();
        host.feed(CONNACK);
        // Unacknowledged messages take all there is.
        while host.publish(&message("t", "0123456789", 1)).is_ok() {}
        assert!(matches!(host.publish(&message("t", "", 0)), Err(Refused::Bytes { .. })));
        host.sent();
        let data = [method("m"), Property::AuthenticationData(b"2")];
        auth(&mut host, ReasonCode::RE_AUTHENTICATE, &data).unwrap();
        assert_eq!(host.sent(), "f0 0a 19 08 15 00 01 6d 16 00 01 32");
        for _ in 0..steps {
            assert_eq!(host.feed_one(CONTINUE), "auth 18");
            auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &data).unwrap();
            assert_eq!(host.sent(), "f0 0a 18 08 15 00 01 6d 16 00 01 32");
        }
        assert_eq!(host.feed_one("f0 06 00 04 15 00 01 6d"), "auth 00");
        // What is larger than CONNECT was finds none, and changes nothing.
        let long = [method("m"), Property::AuthenticationData(&[0; 64])];
        let refused = auth(&mut host, ReasonCode::RE_AUTHENTICATE, &long);
        assert!(matches!(refused, Err(Refused::Bytes { .. })));
        assert_eq!(host.sent(), "");
        // The way back stays free.
        host.client.handle_close(host.now());
        assert_eq!(host.connect(&connect), Ok(()));
        host.client.check().unwrap();
    }
}

#[test]
fn an_auth_that_waits_is_dropped_when_the_connection_is_ended() {
    let mut host = Host::with(Boxed::new(4, 192));
    let properties = [LASTING[0], method("m"), Property::AuthenticationData(b"0123456789")];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    host.connect(&connect).unwrap();
    host.sent();
    host.feed(CONNACK);
    while host.publish(&message("t", "0123456789", 1)).is_ok() {}
    host.sent();
    auth(&mut host, ReasonCode::RE_AUTHENTICATE, &[method("m")]).unwrap();
    host.client.disconnect(Ending::AfterQueued).unwrap();
    assert_eq!(host.sent(), "e0 00");
    assert!(host.client.is_closed());
}

#[test]
fn an_authentication_goes_on_while_a_disconnect_waits_for_what_is_queued() {
    // Simulator seed 129066.
    let mut host = begun();
    host.feed("20 0a 00 00 07 21 00 01 15 00 01 6d");
    let mut held = message("t", "", 1);
    held.hold = true;
    host.publish(&held).unwrap();
    host.publish(&held).unwrap();
    assert_eq!(auth(&mut host, ReasonCode::RE_AUTHENTICATE, &[method("m")]), Ok(()));
    assert_eq!(host.sent(), "f0 06 19 04 15 00 01 6d 32 06 00 01 74 00 01 00");
    host.client.disconnect(Ending::AfterQueued).unwrap();
    assert_eq!(host.feed("f0 06 00 04 15 00 01 6d 40 02 00 01"), ["auth 00", "published 1 00"]);
    assert_eq!(host.sent(), "32 06 00 01 74 00 02 00 e0 00");
}
