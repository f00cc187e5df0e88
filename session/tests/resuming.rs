//! What survives a connection, what is sent again, and what is lost.

use crate::common::*;
use mqtt5_codec::Rule;
use mqtt5_session::{Boxed, Ending, Event, Input, Refused};

const ACCEPTED: &str = "20 03 00 00 00";
const RESUMED: &str = "20 03 01 00 00";
const GOES_ON: &str = "connected resumed=true lost=0";

#[test]
fn mqtt_4_4_0_1_a_resumed_publish_keeps_its_identifier_and_its_order_and_has_dup() {
    let mut host = Host::connected();
    for (payload, qos) in [("1", 1), ("2", 2), ("3", 1), ("4", 2)] {
        host.publish(&message("t", payload, qos)).unwrap();
    }
    host.sent();
    host.feed("40 02 00 03");
    assert_eq!(host.again(RESUMED), [GOES_ON]);
    assert_eq!(
        host.sent(),
        "3a 07 00 01 74 00 01 00 31 3c 07 00 01 74 00 02 00 32 3c 07 00 01 74 00 04 00 34",
        "[MQTT-3.3.1-1] [MQTT-4.6.0-1] [MQTT-4.3.2-3] [MQTT-4.3.3-3]"
    );
    assert_eq!(host.sent(), "");
}

#[test]
fn mqtt_4_3_3_6_after_pubrec_only_pubrel_is_sent_again() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 2)).unwrap();
    host.publish(&message("t", "2", 1)).unwrap();
    host.sent();
    host.feed("50 02 00 01");
    host.sent();
    assert_eq!(host.again(RESUMED), [GOES_ON]);
    assert_eq!(host.sent(), "3a 07 00 01 74 00 02 00 32 62 02 00 01", "[MQTT-4.3.3-5]");
    assert_eq!(host.feed("70 02 00 01 40 02 00 02"), ["published 1 00", "published 2 00"]);
}

#[test]
fn mqtt_4_4_0_1_a_pubrel_that_was_not_written_is_sent_on_the_new_connection() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 2)).unwrap();
    host.sent();
    host.feed("50 02 00 01");
    assert_eq!(host.again(RESUMED), [GOES_ON]);
    assert_eq!(host.sent(), "62 02 00 01");
}

#[test]
fn nothing_is_sent_again_on_a_timer() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.publish(&message("t", "2", 2)).unwrap();
    host.sent();
    assert_eq!(host.client.poll_timeout(), None);
    host.now += 1_000_000;
    assert_eq!(host.client.handle_timeout(host.now()), Ok(None));
    assert_eq!(host.sent(), "", "[MQTT-4.3.3-7]");
}

#[test]
fn mqtt_3_3_1_3_a_message_that_was_never_written_has_no_dup_on_the_next_connection() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.publish(&message("t", "2", 1)).unwrap();
    host.write(1);
    host.write(3);
    // One was partly written, the other not at all.
    assert_eq!(host.again(RESUMED), [GOES_ON]);
    let sent = host.sent();
    assert!(sent.ends_with("3a 07 00 01 74 00 01 00 31 32 07 00 01 74 00 02 00 32"), "{sent}");
}

#[test]
fn mqtt_4_4_0_1_what_is_unanswered_is_sent_again_in_the_order_first_sent_before_new_work() {
    let mut host = Host::connected();
    for (payload, qos) in [("1", 1), ("2", 2), ("3", 2)] {
        host.publish(&message("t", payload, qos)).unwrap();
    }
    host.sent();
    host.feed("50 02 00 02");
    host.publish(&message("t", "4", 1)).unwrap();
    host.sent();
    host.publish(&message("t", "5", 2)).unwrap();
    // PUBLISH 1, 3, PUBREL 2, PUBLISH 4 have been sent, in this order; 5 has not.
    let resent = "3a 07 00 01 74 00 01 00 31 3c 07 00 01 74 00 03 00 33 62 02 00 02 3a 07 00 01 74 00 04 00 34";
    let new = "34 07 00 01 74 00 05 00 35";
    assert_eq!(host.again(RESUMED), [GOES_ON]);
    assert_eq!(host.sent(), format!("{resent} {new}"));
    assert_eq!(host.again(RESUMED), [GOES_ON]);
    assert_eq!(host.sent(), format!("{resent} 3c {}", &new[3..]), "and again");
    let answers = "40 02 00 01 70 02 00 02 50 02 00 03 40 02 00 04 50 02 00 05 70 02 00 03 70 02 00 05";
    assert_eq!(host.feed(answers).len(), 7);
    assert_eq!(host.sent(), "62 02 00 03 62 02 00 05");
    assert_eq!(host.client.figures(host.now()).in_flight, 0);
}

#[test]
fn mqtt_4_6_0_4_resumed_pubrels_keep_their_order_and_wait_for_no_quota() {
    let mut host = Host::connected();
    for _ in 0..4 {
        host.publish(&message("t", "", 2)).unwrap();
    }
    host.sent();
    host.feed("50 02 00 03 50 02 00 01");
    assert_eq!(host.sent(), "62 02 00 03 62 02 00 01");
    host.again("20 06 01 00 03 21 00 01");
    // PUBLISH 4 waits for quota, the PUBRELs don't.
    assert_eq!(host.sent(), "3c 06 00 01 74 00 02 00 62 02 00 03 62 02 00 01", "[MQTT-3.3.4-8] [MQTT-4.9.0-3]");
    host.feed("50 02 00 02");
    assert_eq!(host.sent(), "62 02 00 02");
    host.feed("70 02 00 02");
    assert_eq!(host.sent(), "3c 06 00 01 74 00 04 00");
    // What was first sent last is PUBREL 2, after PUBLISH 4 and the other PUBRELs.
    host.again(RESUMED);
    assert_eq!(host.sent(), "3c 06 00 01 74 00 04 00 62 02 00 03 62 02 00 01");
}

#[test]
fn mqtt_4_6_0_4_a_new_pubrel_waits_for_resumed_ones() {
    let mut host = Host::connected();
    for _ in 0..4 {
        host.publish(&message("t", "", 2)).unwrap();
    }
    host.sent();
    host.feed("50 02 00 02 50 02 00 04");
    host.sent();
    // PUBLISH 1 has been sent again, PUBLISH 3 and the PUBRELs have not.
    host.again(RESUMED);
    host.write(8);
    assert_eq!(host.feed("50 02 00 01"), ["publish received 1 00"]);
    assert_eq!(host.feed("50 02 00 01"), [""; 0], "it comes again");
    // The answer to a PUBREL that is still to be written on this connection is a stray one.
    assert_eq!(host.feed("70 02 00 02"), [""; 0]);
    let rest = "3c 06 00 01 74 00 03 00 62 02 00 02 62 02 00 04 62 02 00 01";
    assert_eq!(host.sent(), format!("3c 06 00 01 74 00 01 00 {rest}"));
    host.again(RESUMED);
    assert_eq!(host.sent(), rest, "the order first sent stays");
    // Cut among the PUBRELs, and with one that came too early to be written.
    host.again(RESUMED);
    host.write(8);
    host.write(2);
    assert_eq!(host.feed("50 02 00 03"), ["publish received 3 00"]);
    host.again(RESUMED);
    assert_eq!(host.sent(), "62 02 00 02 62 02 00 04 62 02 00 01 62 02 00 03");
    assert_eq!(host.feed("70 02 00 02 70 02 00 04 70 02 00 01 70 02 00 03").len(), 4);
    let figures = host.client.figures(host.now());
    assert_eq!((figures.in_flight, figures.bytes_held), (0, 0));
}

#[test]
fn a_pubrel_goes_before_a_message_of_which_nothing_was_written() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 2)).unwrap();
    host.sent();
    host.publish(&message("t", "2", 2)).unwrap();
    // Lent, but not written; then comes the PUBREC.
    assert!(host.client.poll_transmit().is_some());
    host.inbox.spare()[..4].copy_from_slice(&bytes("50 02 00 01"));
    host.inbox.filled(4);
    let now = host.now();
    assert!(matches!(host.client.handle_input(&mut host.inbox, now), Ok(Input::Event(Event::PublishReceived(_)))));
    host.again(RESUMED);
    assert_eq!(host.sent(), "62 02 00 01 34 07 00 01 74 00 02 00 32");
}

#[test]
fn a_disconnect_waits_for_every_resumed_pubrel() {
    let mut host = Host::connected();
    for _ in 0..3 {
        host.publish(&message("t", "", 2)).unwrap();
    }
    host.sent();
    host.feed("50 02 00 03 50 02 00 01");
    host.sent();
    host.again("20 06 01 00 03 21 00 01");
    host.client.disconnect(Ending::AfterQueued).unwrap();
    assert_eq!(host.sent(), "3c 06 00 01 74 00 02 00 62 02 00 03 62 02 00 01 e0 00");
}

#[test]
fn a_full_memory_can_always_be_reconnected() {
    let mut host = Host::with(Boxed::new(100, 1_000));
    host.open(&lasting(), ACCEPTED);
    while host.publish(&message("t", "0123456789", 1)).is_ok() {}
    host.sent();
    assert_eq!(host.again(RESUMED), [GOES_ON]);
    assert!(host.sent().starts_with("3a 10 00 01 74 00 01 00"));
    // Also before the first connection, with what waits for it.
    let mut host = Host::with(Boxed::new(100, 1_000));
    let mut held = message("t", "0123456789", 1);
    held.hold = true;
    while host.publish(&held).is_ok() {}
    assert_eq!(host.open(&lasting(), ACCEPTED).len(), 1);
}

#[test]
fn new_work_comes_after_what_is_resumed() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.sent();
    host.client.handle_close(host.now());
    let mut held = message("t", "2", 0);
    held.hold = true;
    host.publish(&held).unwrap();
    host.open(&lasting(), RESUMED);
    host.subscribe("a").unwrap();
    assert_eq!(host.sent(), "3a 07 00 01 74 00 01 00 31 30 05 00 01 74 00 32 82 07 00 02 00 00 01 61 02");
}

#[test]
fn a_smaller_receive_maximum_staggers_what_is_resumed() {
    let mut host = Host::connected();
    for payload in ["1", "2", "3"] {
        host.publish(&message("t", payload, 1)).unwrap();
    }
    host.sent();
    host.again("20 06 01 00 03 21 00 01");
    assert_eq!(host.sent(), "3a 07 00 01 74 00 01 00 31");
    host.subscribe("a").unwrap();
    assert_eq!(host.sent(), "82 07 00 04 00 00 01 61 02");
    host.feed("40 02 00 01");
    assert_eq!(host.sent(), "3a 07 00 01 74 00 02 00 32", "quota counts resends, too [MQTT-4.9.0-2]");
}

#[test]
fn mqtt_3_3_4_7_a_resumed_pubrel_gives_back_no_quota_that_it_did_not_take() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 2)).unwrap();
    host.sent();
    host.feed("50 02 00 01");
    host.again("20 06 01 00 03 21 00 01");
    assert_eq!(host.sent(), "62 02 00 01");
    let mut held = message("t", "2", 1);
    held.hold = true;
    host.publish(&held).unwrap();
    host.publish(&held).unwrap();
    assert_eq!(host.sent(), "32 07 00 01 74 00 02 00 32");
    host.feed("70 02 00 01");
    assert_eq!(host.sent(), "", "one is unanswered, and one is the most");
    host.feed("40 02 00 02");
    assert_eq!(host.sent(), "32 07 00 01 74 00 03 00 32");
}

#[test]
fn limits_of_the_new_connection_may_forbid_what_is_resumed_and_it_is_told() {
    let mut host = Host::connected();
    let mut retained = message("t", "", 1);
    retained.retain = true;
    host.publish(&retained).unwrap();
    host.publish(&message("t", "", 2)).unwrap();
    host.publish(&message("t", "a long one, as these go", 1)).unwrap();
    host.publish(&message("t", "", 1)).unwrap();
    host.sent();
    let events = host.again("20 0c 01 00 09 25 00 24 01 27 00 00 00 10");
    assert_eq!(events, ["connected resumed=true lost=2"]);
    assert_eq!(host.sent(), "62 02 00 02 3a 06 00 01 74 00 04 00");
    let before = host.client.figures(host.now()).in_flight;
    assert_eq!(before, 4, "their identifiers are held back until told");
    assert_eq!(host.lost(), [1, 3]);
    assert_eq!(host.client.figures(host.now()).in_flight, 2);
}

#[test]
fn mqtt_4_3_3_10_a_forbidden_qos_2_message_frees_its_identifier_only_when_the_server_has() {
    // The server may have got it: a new message with its identifier would be taken for a duplicate.
    // Retain Available 0, Maximum QoS 1, Maximum Packet Size 8.
    for limit in ["20 05 01 00 02 25 00", "20 05 01 00 02 24 01", "20 08 01 00 05 27 00 00 00 08"] {
        let mut host = Host::connected();
        let mut retained = message("t", "123", 2);
        retained.retain = true;
        host.publish(&retained).unwrap();
        host.sent();
        assert_eq!(host.again(limit), ["connected resumed=true lost=0"]);
        assert_eq!(host.sent(), "62 02 00 01", "it is not sent, but released");
        assert_eq!(host.feed_one("70 03 00 01 92"), "unconfirmed 1 92", "and told: the server had not got it");
        // What was never written the server can't have.
        host.again(ACCEPTED);
        host.publish(&retained).unwrap();
        assert_eq!(host.again(limit), ["connected resumed=true lost=1"]);
        assert_eq!(host.sent(), "");
    }
}

/// Some servers answer any PUBREL with success.
#[test]
fn mqtt_4_3_3_5_a_success_that_is_not_known_is_not_reported() {
    let forbidding = "20 05 01 00 02 24 01";
    let mut host = Host::connected();
    host.publish(&message("t", "123", 2)).unwrap();
    host.sent();
    host.again(forbidding);
    assert_eq!(host.sent(), "62 02 00 01");
    // That is remembered over another connection, whatever that takes.
    assert_eq!(host.again(RESUMED), ["connected resumed=true lost=0"]);
    assert_eq!(
        host.client.figures(host.now()).in_flight,
        1,
        "its identifier is in use until the server has released it"
    );
    assert_eq!(host.sent(), "62 02 00 01");
    assert_eq!(host.feed_one("70 02 00 01"), "unconfirmed 1 00");
    assert_eq!(host.client.figures(host.now()).in_flight, 0);

    // And when the server has lost the session, it is lost.
    host.publish(&message("t", "123", 2)).unwrap();
    host.sent();
    host.again(forbidding);
    host.sent();
    assert_eq!(host.again(ACCEPTED), ["connected resumed=false lost=1"]);
    assert_eq!(host.lost(), [2]);
    assert_eq!(host.client.check(), Ok(()));
}

#[test]
fn mqtt_4_3_3_8_a_message_that_was_accepted_is_not_refused_afterwards() {
    let mut host = Host::connected();
    host.publish(&message("t", "", 2)).unwrap();
    host.sent();
    assert_eq!(host.feed_one("50 02 00 01"), "publish received 1 00");
    assert_eq!(host.feed_one("50 03 00 01 80"), "fault 82 MQTT-4.3.3-8");
}

#[test]
fn held_qos_0_messages_that_the_server_does_not_take_are_dropped() {
    let mut host = Host::new();
    let mut held = message("t", "x", 0);
    held.hold = true;
    host.publish(&held).unwrap();
    held.retain = true;
    host.publish(&held).unwrap();
    host.open(&lasting(), "20 05 00 00 02 25 00");
    assert_eq!(host.sent(), "30 05 00 01 74 00 78");
    assert_eq!(host.client.figures(host.now()).bytes_held, 0);
}

#[test]
fn subscriptions_without_an_answer_die_with_the_connection_and_are_told() {
    let mut host = Host::connected();
    assert_eq!(host.subscribe("a"), Ok(1));
    host.sent();
    assert_eq!(host.subscribe("b"), Ok(2));
    assert_eq!(host.again(RESUMED), ["connected resumed=true lost=2"]);
    assert_eq!(host.sent(), "", "neither is sent again");
    assert_eq!(host.subscribe("c"), Ok(3));
    assert_eq!(host.lost(), [1, 2]);
    host.sent();
    assert_eq!(host.feed_one("90 04 00 01 00 00"), "", "a late answer is ignored");
    assert_eq!(host.feed_one("90 04 00 03 00 00"), "subscribed 3 [00]");
    let figures = host.client.figures(host.now());
    assert_eq!((figures.in_flight, figures.bytes_held), (0, 0));
}

#[test]
fn a_packet_partly_written_begins_again_on_the_new_connection() {
    for written in 1..=8 {
        let mut host = Host::connected();
        host.publish(&message("t", "1", 1)).unwrap();
        assert_eq!(host.write(written), written);
        host.again(RESUMED);
        assert!(host.sent().ends_with("3a 07 00 01 74 00 01 00 31"));
    }
}

#[test]
fn a_held_qos_0_message_partly_written_begins_again_in_its_place() {
    let mut host = Host::connected();
    for payload in ["1", "2"] {
        let mut held = message("t", payload, 0);
        held.hold = true;
        host.publish(&held).unwrap();
    }
    host.write(3);
    host.again(RESUMED);
    assert!(host.sent().ends_with("30 05 00 01 74 00 31 30 05 00 01 74 00 32"));
}

#[test]
fn a_qos_0_message_that_may_not_wait_dies_with_the_connection() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 0)).unwrap();
    host.write(3);
    host.publish(&message("t", "2", 0)).unwrap();
    host.client.handle_close(host.now());
    assert_eq!(host.client.figures(host.now()).bytes_held, 0);
}

#[test]
fn an_answer_to_a_packet_that_is_being_written_does_not_free_it() {
    // A resumed PUBLISH may be answered before it has been written again.
    for (qos, answer, event) in [(1, "40 02 00 01", "published 1 00"), (2, "50 02 00 01", "publish received 1 00")] {
        let mut host = Host::connected();
        host.publish(&message("t", "12345678", qos)).unwrap();
        host.sent();
        host.again(RESUMED);
        host.write(4);
        assert_eq!(host.feed_one(answer), event);
        host.publish(&message("t", "87654321", 0)).unwrap();
        let sent = host.sent();
        let first = if qos == 1 { "3a" } else { "3c" };
        assert!(sent.starts_with(&format!("{first} 0e 00 01 74 00 01 00 31 32 33 34 35 36 37 38 ")), "{sent}");
        assert_eq!(sent.contains("62 02 00 01"), qos == 2);
        host.feed("70 02 00 01");
        let figures = host.client.figures(host.now());
        assert_eq!((figures.in_flight, figures.bytes_held, figures.quota), (0, 0, 65_535));
    }
}

#[test]
fn an_answer_to_what_was_never_written_is_a_stray_one() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.publish(&message("t", "2", 2)).unwrap();
    host.subscribe("a").unwrap();
    assert_eq!(host.feed("40 02 00 01 50 02 00 02 90 04 00 03 00 00"), [""; 0]);
    assert_eq!(host.client.figures(host.now()).in_flight, 3);
    assert!(host.sent().starts_with("62 03 00 02 92 "));
    assert_eq!(host.feed("40 02 00 01 50 02 00 02 90 04 00 03 00 00").len(), 3);
}

#[test]
fn quota_is_new_on_each_connection() {
    let mut host = Host::accepted("20 06 00 00 03 21 00 02");
    host.publish(&message("t", "1", 1)).unwrap();
    host.publish(&message("t", "2", 1)).unwrap();
    host.sent();
    assert_eq!(host.client.figures(host.now()).quota, 0);
    host.again("20 06 01 00 03 21 00 05");
    assert_eq!(host.client.figures(host.now()).quota, 5);
    host.sent();
    assert_eq!(host.client.figures(host.now()).quota, 3);
    host.feed("40 02 00 01 40 02 00 02");
    assert_eq!(host.client.figures(host.now()).quota, 5);
}

#[test]
fn server_limits_do_not_outlive_the_connection() {
    let mut host = Host::accepted("20 07 00 00 04 24 00 25 00");
    assert_eq!(host.publish(&message("t", "", 1)), Err(Refused::Rule(Rule::SERVER_MAXIMUM_QOS)));
    host.again(RESUMED);
    let mut retained = message("t", "", 2);
    retained.retain = true;
    assert!(host.publish(&retained).is_ok());
}

#[test]
fn a_held_message_outlives_a_server_that_was_not_accepted() {
    // Maximum Packet Size 2: nobody can work with that. No retained messages, but an authentication method that nobody asked for.
    for connack in ["20 08 00 00 05 27 00 00 00 02", "20 09 00 00 06 25 00 15 00 01 61"] {
        let mut host = Host::new();
        let mut held = message("t", "1", 0);
        held.hold = true;
        held.retain = true;
        assert_eq!(host.publish(&held), Ok(None));
        let told = host.open(&lasting(), connack);
        assert!(told[0].starts_with("fault"), "{told:?}");
        host.sent();
        assert_eq!(host.again("20 03 00 00 00"), ["connected resumed=false lost=0"]);
        assert_eq!(host.sent(), "31 05 00 01 74 00 31");
    }
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
