//! What a connection leaves to the next one, and what a host can ask at any time.

use crate::common::*;
use core::num::NonZeroU16;
use mqtt5_codec::{PacketId, Properties, Property, ReasonCode, Rule};
use mqtt5_session::{Acknowledge, ConnectOptions, Ending, Inbox, Refused};

const ACCEPTED: &str = "20 03 00 00 00";
const RESUMED: &str = "20 03 01 00 00";

fn unknown_session() -> String {
    format!("fault 82 {}", Rule::SESSION_UNKNOWN.id())
}

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

/// The server has said that there is no session of ours: one that it says to have next time is not ours.
#[test]
fn after_a_refusal_no_session_is_expected() {
    let mut host = Host::new();
    assert_eq!(host.open(&lasting(), "20 03 00 87 00"), ["rejected 87"]);
    assert_eq!(host.again(RESUMED), [unknown_session()]);
}

/// The server may have taken a CONNECT that it did not answer: the session that it then has is ours, and empty.
#[test]
fn after_silence_a_session_is_possible() {
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.sent();
    assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
    // But not for another client identifier, and not if nothing was written.
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    host.sent();
    host.client.handle_close(host.now());
    let mut other = lasting();
    other.packet.client_id = text("d");
    assert_eq!(host.open(&other, RESUMED), [unknown_session()]);
    let mut host = Host::new();
    host.connect(&lasting()).unwrap();
    assert_eq!(host.again(RESUMED), [unknown_session()]);
}

#[test]
fn with_a_clean_start_what_was_sent_is_lost_at_once() {
    let mut host = Host::accepted(ACCEPTED);
    let sent = host.publish(&message("t", "", 1)).unwrap().unwrap();
    host.sent();
    host.client.handle_close(host.now());
    host.connect(&ConnectOptions::new(text("c"))).unwrap();
    assert_eq!(host.client.figures(host.now()).lost, 1);
    assert_eq!(host.lost(), [sent], "[MQTT-3.1.2-4]");
}

#[test]
fn mqtt_3_1_3_2_every_other_client_identifier_is_told_apart() {
    let ids: Vec<String> = ('a'..='z')
        .map(String::from)
        .chain(["ab", "ba", "aa", "aab", "aba", "baa", "client-1", "client-2", "1-client", ""].map(String::from))
        .collect();
    for held in &ids[..ids.len() - 1] {
        let mut host = Host::new();
        let mut connect = lasting();
        connect.packet.client_id = text(held);
        host.open(&connect, ACCEPTED);
        host.client.handle_close(host.now());
        for id in ids.iter().filter(|id| *id != held) {
            connect.packet.client_id = text(id);
            let refused = host.connect(&connect);
            assert_eq!(refused, Err(Refused::Rule(Rule::CLIENT_ID_OF_SESSION)), "{held} {id}");
        }
        connect.packet.client_id = text(held);
        assert_eq!(host.connect(&connect), Ok(()));
    }
}

#[test]
fn a_server_has_to_take_an_acknowledgement_with_a_reason() {
    let limit = |bytes: u8| Host::new().open(&lasting(), &format!("20 08 00 00 05 27 00 00 00 {bytes:02x}"));
    assert_eq!(limit(5), ["connected resumed=false lost=0"]);
    assert_eq!(limit(4), [format!("fault 83 {}", Rule::SERVER_PACKET_SIZE_TOO_SMALL.id())]);
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

#[test]
fn mqtt_3_3_1_1_a_packet_of_which_nothing_was_written_is_not_sent_again() {
    for (written, first) in [(0, 0x32), (1, 0x3A), (8, 0x3A)] {
        let mut host = Host::accepted(ACCEPTED);
        host.publish(&message("t", "", 1)).unwrap();
        let now = host.now();
        assert!(host.client.poll_transmit().is_some());
        host.client.transmitted(written, now);
        host.again(RESUMED);
        assert_eq!(host.sent(), format!("{first:02x} 06 00 01 74 00 01 00"), "{written} bytes written");
    }
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
