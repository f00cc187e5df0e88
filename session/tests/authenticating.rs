//! Enhanced authentication: with CONNECT, and again on a live connection.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::*;
use mqtt5_codec::{Properties, Property, ReasonCode, Rule};
use mqtt5_session::Refused;

const METHOD: Property<'static> = Property::AuthenticationData(b"");

fn method(name: &str) -> Property<'_> {
    Property::AuthenticationMethod(text(name))
}

fn auth(host: &mut Host, reason: ReasonCode, properties: &[Property<'_>]) -> Result<(), Refused> {
    let now = host.now();
    host.client.auth(reason, Properties::from(properties), now)
}

/// CONNECT with method `m` has been sent.
fn begun() -> Host {
    let mut host = Host::new();
    let properties = [LASTING[0], method("m"), Property::AuthenticationData(b"1")];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    host.client.connect(&connect, host.now()).unwrap();
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
    let mut host = begun();
    host.feed(CONNACK);
    assert_eq!(host.feed_one(CONTINUE), "fault 82 MQTT-4.12.0-6", "nor when none is going on");
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
    assert_eq!(host.feed_one(CONTINUE), format!("fault 82 {}", Rule::AUTH_UNASKED.id()));
    assert_eq!(host.sent(), "e0 01 82");

    let mut host = begun();
    assert_eq!(host.feed_one(CONTINUE), "auth 18");
    auth(&mut host, ReasonCode::CONTINUE_AUTHENTICATION, &[method("m")]).unwrap();
    assert_eq!(host.feed_one(CONTINUE), format!("fault 82 {}", Rule::AUTH_UNASKED.id()));
    host.client.handle_close(host.now());
    assert_eq!(host.client.figures(host.now()).bytes_held, 0);
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
