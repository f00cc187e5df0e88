//! The exchanges of sections 3.14, 3.15, 4.3, 4.6 and 4.9, a statement at a time, where no other test shows it by itself.

use crate::common::*;
use mqtt5_codec::{PacketId, Properties, Property, ReasonCode, Rule};
use mqtt5_session::{Acknowledge, Boxed, ConnectOptions, Ending, Refused};

const ACCEPTED: &str = "20 03 00 00 00";
const RESUMED: &str = "20 03 01 00 00";

/// Connected, acknowledging by hand.
fn manual() -> Host {
    let mut host = Host::new();
    let mut connect = lasting();
    connect.acknowledge = Acknowledge::Manual;
    host.open(&connect, ACCEPTED);
    host
}

fn acknowledge(host: &mut Host, id: u16, reason: ReasonCode) -> Result<(), Refused> {
    host.client.acknowledge(PacketId::new(id).unwrap(), reason)
}

fn leave(host: &mut Host, properties: &[Property<'_>]) -> Result<(), Refused> {
    host.client.disconnect_with(ReasonCode::NORMAL_DISCONNECTION, Properties::from(properties), Ending::AtOnce)
}

/// A server that takes packets of 16 bytes at most.
const SMALL: &str = "20 08 00 00 05 27 00 00 00 10";

#[test]
fn mqtt_3_2_2_21_the_servers_keep_alive_is_used_instead_of_ours() {
    let mut host = Host::new();
    let mut connect = ConnectOptions::new(text("c"));
    connect.packet.keep_alive = 60;
    host.open(&connect, "20 06 00 00 03 13 00 0a");
    assert_eq!(host.pass(10_000), [""; 0]);
    assert_eq!(host.sent(), "c0 00", "within 10 seconds, not 60");
}

#[test]
fn mqtt_3_3_2_9_no_alias_above_the_servers_topic_alias_maximum() {
    let mut host = Host::accepted("20 06 00 00 03 22 00 02");
    let aliased = |alias| [Property::TopicAlias(mqtt5_codec::TopicAlias::new(alias).unwrap())];
    let (within, beyond) = (aliased(2), aliased(3));
    let mut sent = message("t", "", 0);
    sent.properties = Properties::from(&beyond);
    assert_eq!(host.publish(&sent), Err(Refused::Rule(Rule::SERVER_TOPIC_ALIAS_MAXIMUM)));
    assert_eq!(host.sent(), "");
    sent.properties = Properties::from(&within);
    assert_eq!(host.publish(&sent), Ok(None));
    assert_eq!(host.sent(), "30 07 00 01 74 03 23 00 02");
}

#[test]
fn mqtt_3_14_2_3_a_reason_string_beyond_the_servers_maximum_packet_size_is_not_sent() {
    let mut host = Host::accepted(SMALL);
    let refused = leave(&mut host, &[Property::ReasonString(text("longer than that"))]);
    assert_eq!(refused, Err(Refused::Rule(Rule::SERVER_MAXIMUM_PACKET_SIZE)));
    assert_eq!(host.sent(), "", "nothing has changed");
    assert_eq!(leave(&mut host, &[Property::ReasonString(text("short"))]), Ok(()));
    assert_eq!(host.sent(), "e0 0a 00 08 1f 00 05 73 68 6f 72 74");
}

#[test]
fn mqtt_3_14_2_4_a_user_property_beyond_the_servers_maximum_packet_size_is_not_sent() {
    let mut host = Host::accepted(SMALL);
    let refused = leave(&mut host, &[Property::UserProperty(text("a name"), text("a value"))]);
    assert_eq!(refused, Err(Refused::Rule(Rule::SERVER_MAXIMUM_PACKET_SIZE)));
    assert_eq!(leave(&mut host, &[Property::UserProperty(text("n"), text("v"))]), Ok(()));
    assert_eq!(host.sent(), "e0 09 00 07 26 00 01 6e 00 01 76");
}

#[test]
fn mqtt_3_14_4_2_after_disconnect_the_host_is_told_to_close() {
    let mut host = Host::connected();
    leave(&mut host, &[]).unwrap();
    assert!(!host.client.is_closed(), "DISCONNECT is still to be written");
    assert_eq!(host.sent(), "e0 00");
    assert!(host.client.is_closed());
    let mut faulty = Host::connected();
    assert_eq!(faulty.feed(ACCEPTED), ["fault 82 MQTT-3.2.0-2"]);
    assert_eq!(faulty.sent(), "e0 01 82");
    assert!(faulty.client.is_closed());
}

#[test]
fn mqtt_3_15_2_3_an_auth_with_a_user_property_beyond_the_servers_maximum_is_not_sent() {
    let method = [Property::AuthenticationMethod(text("m"))];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&method);
    let mut host = Host::new();
    host.open(&connect, "20 0c 00 00 09 15 00 01 6d 27 00 00 00 10");
    let long = [method[0], Property::UserProperty(text("a"), text("value"))];
    let refused = host.client.auth(ReasonCode::RE_AUTHENTICATE, Properties::from(&long));
    assert_eq!(refused, Err(Refused::Rule(Rule::SERVER_MAXIMUM_PACKET_SIZE)));
    assert_eq!(host.sent(), "");
}

/// Fills both places, frees one, and takes it again: no identifier is given twice.
fn takes_only_unused(qos: u8, done: &str) {
    let mut host = Host::with(Boxed::new(2, 1024));
    host.open(&lasting(), ACCEPTED);
    assert_eq!(host.publish(&message("t", "", qos)), Ok(Some(1)));
    assert_eq!(host.publish(&message("t", "", qos)), Ok(Some(2)));
    assert_eq!(host.publish(&message("t", "", qos)), Err(Refused::Exchanges { of: 2 }));
    host.sent();
    host.feed(done);
    host.sent();
    assert_eq!(host.publish(&message("t", "", qos)), Ok(Some(2)), "1 is still in use");
}

#[test]
fn mqtt_4_3_2_1_a_qos_1_message_takes_an_unused_identifier() {
    takes_only_unused(1, "40 02 00 02");
}

#[test]
fn mqtt_4_3_3_1_a_qos_2_message_takes_an_unused_identifier() {
    takes_only_unused(2, "50 02 00 02 70 02 00 02");
}

#[test]
fn mqtt_4_3_2_3_a_qos_1_message_is_unacknowledged_until_its_puback() {
    let mut host = Host::connected();
    host.publish(&message("t", "", 1)).unwrap();
    host.sent();
    host.again(RESUMED);
    assert_eq!(host.sent(), "3a 06 00 01 74 00 01 00", "not yet");
    host.feed("40 02 00 01");
    host.again(RESUMED);
    assert_eq!(host.sent(), "", "now");
}

#[test]
fn mqtt_4_3_2_4_a_qos_1_message_is_answered_by_a_puback_with_its_identifier() {
    let mut host = Host::connected();
    host.feed("32 06 00 01 74 12 34 00");
    assert_eq!(host.sent(), "40 02 12 34");
}

#[test]
fn mqtt_4_3_3_2_a_qos_2_message_is_sent_with_its_identifier_and_without_dup() {
    let mut host = Host::connected();
    assert_eq!(host.publish(&message("t", "hi", 2)), Ok(Some(1)));
    assert_eq!(host.sent(), "34 08 00 01 74 00 01 00 68 69");
}

#[test]
fn mqtt_4_3_3_3_a_qos_2_message_is_unacknowledged_until_its_pubrec() {
    let mut host = Host::connected();
    host.publish(&message("t", "", 2)).unwrap();
    host.sent();
    host.again(RESUMED);
    assert_eq!(host.sent(), "3c 06 00 01 74 00 01 00", "the message again");
    host.feed("50 02 00 01");
    host.sent();
    host.again(RESUMED);
    assert_eq!(host.sent(), "62 02 00 01", "no longer the message");
}

#[test]
fn mqtt_4_3_3_5_a_pubrel_is_unacknowledged_until_its_pubcomp() {
    let mut host = Host::connected();
    host.publish(&message("t", "", 2)).unwrap();
    host.sent();
    host.feed("50 02 00 01");
    host.sent();
    for _ in 0..3 {
        host.again(RESUMED);
        assert_eq!(host.sent(), "62 02 00 01");
    }
    assert_eq!(host.feed_one("70 02 00 01"), "published 1 00");
    host.again(RESUMED);
    assert_eq!(host.sent(), "");
}

#[test]
fn mqtt_4_3_3_7_a_message_that_was_sent_does_not_expire_here() {
    let expiry = [Property::MessageExpiryInterval(1)];
    let mut host = Host::connected();
    let mut sent = message("t", "", 2);
    sent.properties = Properties::from(&expiry);
    host.publish(&sent).unwrap();
    host.sent();
    host.pass(50_000);
    host.again(RESUMED);
    assert_eq!(host.sent(), "3c 0b 00 01 74 00 01 05 02 00 00 00 01", "long after its second");
}

#[test]
fn mqtt_4_3_3_9_after_a_pubrec_that_rejects_the_identifier_is_a_new_message() {
    let mut host = manual();
    assert_eq!(host.feed_one("34 06 00 01 74 00 0a 00"), "message t q2 id=10 ");
    acknowledge(&mut host, 10, ReasonCode::QUOTA_EXCEEDED).unwrap();
    assert_eq!(host.sent(), "50 03 00 0a 97");
    assert_eq!(host.feed_one("34 06 00 01 74 00 0a 00"), "message t q2 id=10 ", "delivered, not a duplicate");
}

#[test]
fn mqtt_4_3_3_11_a_pubrel_is_answered_by_a_pubcomp_with_its_identifier() {
    let mut host = Host::connected();
    host.feed("34 06 00 01 74 12 34 00");
    assert_eq!(host.sent(), "50 02 12 34");
    host.feed("62 02 12 34");
    assert_eq!(host.sent(), "70 02 12 34");
}

#[test]
fn mqtt_4_3_3_12_after_pubcomp_the_identifier_is_a_new_message() {
    let mut host = Host::connected();
    assert_eq!(host.feed_one("34 06 00 01 74 00 0a 00"), "message t q2 id=10 ");
    host.feed("62 02 00 0a");
    assert_eq!(host.feed_one("3c 06 00 01 74 00 0a 00"), "message t q2 id=10 ", "DUP or not");
}

#[test]
fn mqtt_4_6_0_1_messages_are_sent_again_in_the_order_of_the_first_time() {
    let mut host = Host::connected();
    for qos in [2, 1, 1, 2] {
        host.publish(&message("t", "", qos)).unwrap();
    }
    host.sent();
    host.feed("40 02 00 02");
    host.again(RESUMED);
    assert_eq!(host.sent(), "3c 06 00 01 74 00 01 00 3a 06 00 01 74 00 03 00 3c 06 00 01 74 00 04 00");
}

#[test]
fn mqtt_4_6_0_3_pubrecs_go_out_in_the_order_of_the_messages() {
    let mut host = manual();
    host.feed("34 06 00 01 74 00 05 00 34 06 00 01 74 00 03 00");
    acknowledge(&mut host, 3, ReasonCode::SUCCESS).unwrap();
    assert_eq!(host.sent(), "", "the first message has no answer yet");
    acknowledge(&mut host, 5, ReasonCode::SUCCESS).unwrap();
    assert_eq!(host.sent(), "50 02 00 05 50 02 00 03");
}

#[test]
fn mqtt_4_9_0_3_other_packets_go_on_when_the_quota_is_used_up() {
    let mut host = Host::accepted("20 06 00 00 03 21 00 01");
    host.publish(&message("t", "", 1)).unwrap();
    host.sent();
    assert_eq!(host.publish(&message("t", "", 1)), Err(Refused::ReceiveMaximum));
    host.publish(&message("t", "", 0)).unwrap();
    host.subscribe("f").unwrap();
    let now = host.now();
    host.client.ping(now).unwrap();
    assert_eq!(host.sent(), "c0 00 30 04 00 01 74 00 82 07 00 02 00 00 01 66 02");
}
