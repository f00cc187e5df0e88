//! What a host can ask of a connection, and when.

use crate::common::*;
use mqtt5_codec::{Properties, ReasonCode, Rule};
use mqtt5_session::{Ending, Refused};

const ACCEPTED: &str = "20 03 00 00 00";

#[test]
fn a_client_is_connected_from_connack_until_the_end_begins() {
    let mut host = Host::new();
    assert!(!host.client.is_connected() && host.client.is_closed());
    host.connect(&lasting()).unwrap();
    assert!(!host.client.is_connected() && !host.client.is_closed());
    host.sent();
    assert!(!host.client.is_connected());
    host.feed(ACCEPTED);
    assert!(host.client.is_connected() && !host.client.is_closed());
    host.client.disconnect_with(ReasonCode::SUCCESS, Properties::EMPTY, Ending::AfterQueued).unwrap();
    assert!(!host.client.is_connected() && !host.client.is_closed());
    host.sent();
    assert!(!host.client.is_connected() && host.client.is_closed());
    host.client.handle_close(host.now());
    assert!(!host.client.is_connected() && host.client.is_closed());
}

#[test]
fn a_connection_that_is_over_has_no_deadline() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.packet.keep_alive = 10;
    assert_eq!(host.client.poll_timeout(), None);
    host.open(&connect, ACCEPTED);
    assert!(host.client.poll_timeout().is_some(), "the keep-alive");
    host.feed("e0 00");
    assert_eq!(host.client.poll_timeout(), None, "closed, and not yet told so");
    host.client.handle_close(host.now());
    assert!(host.client.poll_timeout().is_some(), "the session's expiry");
}

#[test]
fn a_server_has_to_take_an_acknowledgement_with_a_reason() {
    let limit = |bytes: u8| Host::new().open(&lasting(), &format!("20 08 00 00 05 27 00 00 00 {bytes:02x}"));
    assert_eq!(limit(5), ["connected resumed=false lost=0"]);
    assert_eq!(limit(4), [format!("fault 83 {}", Rule::SERVER_PACKET_SIZE_TOO_SMALL.id())]);
}

#[test]
fn writing_what_was_not_lent_counts_for_nothing() {
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.client.transmitted(1_000, host.now());
    assert!(host.sent().starts_with("10 "), "CONNECT is still to come");
    host.feed(ACCEPTED);
    host.publish(&message("t", "", 1)).unwrap();
    host.client.transmitted(1_000, host.now());
    assert_eq!(host.sent(), "32 06 00 01 74 00 01 00");
}

#[test]
fn a_ping_is_refused_when_it_could_not_be_sent() {
    let mut host = Host::connected();
    let mut pings = 0;
    let refused = loop {
        match host.client.ping(host.now()) {
            Ok(()) => pings += 1,
            Err(refused) => break refused,
        }
        assert!(pings < 100);
    };
    assert_eq!(refused, Refused::Bytes { need: 2 });
    assert_eq!(host.sent(), vec!["c0 00"; pings].join(" "), "none is lost");
    assert_eq!(host.client.ping(host.now()), Ok(()));
}
