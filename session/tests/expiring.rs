//! How long a session lives, and how its end is told.

use crate::common::*;
use mqtt5_codec::{Properties, Property};
use mqtt5_session::{Boxed, Refused};

const ACCEPTED: &str = "20 03 00 00 00";
const RESUMED: &str = "20 03 01 00 00";

#[test]
fn mqtt_3_2_2_5_a_session_that_the_server_lost_is_given_up_and_told() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.publish(&message("t", "2", 2)).unwrap();
    host.publish(&message("t", "3", 2)).unwrap();
    host.sent();
    host.feed("50 02 00 02");
    host.sent();
    host.feed("34 06 00 01 73 00 07 00");
    host.sent();
    host.client.handle_close(host.now());
    let mut held = message("t", "4", 1);
    held.hold = true;
    assert_eq!(host.publish(&held), Ok(Some(4)));
    assert_eq!(host.open(&lasting(), ACCEPTED), ["connected resumed=false lost=3"]);
    assert_eq!(host.sent(), "32 07 00 01 74 00 04 00 34", "what was never sent is new work");
    assert_eq!(host.lost(), [1, 3, 2], "in the order in which they would have been sent");
    assert_eq!(host.feed_one("34 06 00 01 73 00 07 00"), "message s q2 id=7 ", "received ones are forgotten, too");
}

#[test]
fn no_livelock_after_a_lost_session() {
    // The server forgets us again and again: each time work is told lost, and new work goes through.
    let mut host = Host::with(Boxed::new(2, 512));
    host.open(&lasting(), ACCEPTED);
    for _ in 0..50 {
        assert!(host.publish(&message("t", "", 1)).is_ok());
        assert!(host.publish(&message("t", "", 2)).is_ok());
        host.sent();
        assert_eq!(host.again(ACCEPTED), ["connected resumed=false lost=2"]);
        assert_eq!(host.sent(), "");
        assert_eq!(host.publish(&message("t", "", 1)), Err(Refused::Exchanges { of: 2 }), "held back until told");
        assert_eq!(host.lost().len(), 2);
    }
    let figures = host.client.figures(host.now());
    assert_eq!((figures.in_flight, figures.lost, figures.bytes_held), (0, 0, 0));
}

#[test]
fn mqtt_3_1_2_23_the_session_lives_as_long_as_its_expiry_interval() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.sent();
    host.client.handle_close(host.now());
    assert!(host.pass(99_999).is_empty());
    assert_eq!(host.client.figures(host.now()).next_deadline, Some(1));
    assert_eq!(host.pass(1), ["session expired lost=1"]);
    assert_eq!(host.lost(), [1]);
    assert_eq!(host.client.poll_timeout(), None);
    assert_eq!(host.open(&lasting(), RESUMED), ["fault 82 MQTT-3.2.2-4"], "we hold none any more");
}

#[test]
fn mqtt_3_1_2_23_without_an_expiry_interval_the_session_ends_with_the_connection() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.properties = Properties::EMPTY;
    host.open(&connect, ACCEPTED);
    host.publish(&message("t", "1", 1)).unwrap();
    host.sent();
    host.client.handle_close(host.now());
    assert_eq!(host.lost(), [1]);
    let mut other = connect;
    other.packet.client_id = text("d");
    assert_eq!(host.open(&other, ACCEPTED), ["connected resumed=false lost=0"]);
}

#[test]
fn an_expiry_interval_of_all_ones_never_ends() {
    let properties = [Property::SessionExpiryInterval(u32::MAX)];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    let mut host = Host::new();
    host.open(&connect, ACCEPTED);
    host.client.handle_close(host.now());
    assert_eq!(host.client.poll_timeout(), None);
}

#[test]
fn a_connection_that_fails_does_not_lengthen_the_session() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.sent();
    host.client.handle_close(host.now());
    for _ in 0..10 {
        host.pass(9_000);
        host.connect(&lasting()).unwrap();
        host.write(5);
        host.client.handle_close(host.now());
    }
    assert_eq!(host.pass(10_000), ["session expired lost=1"]);
}

#[test]
fn mqtt_3_1_2_23_an_unanswered_connect_may_have_lengthened_the_session() {
    let mut host = Host::accepted("20 08 00 00 05 11 00 00 00 05");
    host.publish(&message("t", "1", 2)).unwrap();
    host.sent();
    host.client.handle_close(host.now());
    host.pass(4_000);
    host.connect(&lasting()).unwrap();
    host.sent();
    host.client.handle_close(host.now());
    assert!(host.pass(99_999).is_empty(), "the server may hold it for 100 seconds, not for 5");
    assert_eq!(host.pass(1), ["session expired lost=1"]);
}

#[test]
fn mqtt_4_1_0_1_the_session_does_not_end_while_connected() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.sent();
    assert!(host.pass(200_000).is_empty());
    assert_eq!(host.feed_one("40 02 00 01"), "published 1 00");
}
