//! Publishing: QoS 0, 1 and 2, the server's limits, waiting messages.

use crate::common::*;
use mqtt5_codec::{Properties, Property, Rule, SubscriptionId, TopicAlias};
use mqtt5_session::{Boxed, ConnectOptions, Refused};

#[test]
fn mqtt_4_3_1_1_a_qos_0_message_has_neither_identifier_nor_dup() {
    let mut host = Host::connected();
    assert_eq!(host.publish(&message("t", "hi", 0)), Ok(None));
    assert_eq!(host.sent(), "30 06 00 01 74 00 68 69");
    assert_eq!(host.client.figures(host.now()).bytes_held, 0);
}

#[test]
fn mqtt_4_3_2_2_a_qos_1_message_is_sent_without_dup_and_done_with_puback() {
    let mut host = Host::connected();
    assert_eq!(host.publish(&message("t", "hi", 1)), Ok(Some(1)));
    assert_eq!(host.sent(), "32 08 00 01 74 00 01 00 68 69");
    assert_eq!(host.client.figures(host.now()).in_flight, 1);
    assert_eq!(host.feed_one("40 02 00 01"), "published 1 00");
    assert_eq!(host.client.figures(host.now()).in_flight, 0);
    assert_eq!(host.client.figures(host.now()).bytes_held, 0);
}

#[test]
fn mqtt_4_3_3_4_a_qos_2_message_takes_four_packets() {
    let mut host = Host::connected();
    assert_eq!(host.publish(&message("t", "hi", 2)), Ok(Some(1)));
    assert_eq!(host.sent(), "34 08 00 01 74 00 01 00 68 69");
    assert_eq!(host.feed_one("50 02 00 01"), "publish received 1 00");
    assert_eq!(host.sent(), "62 02 00 01");
    assert_eq!(host.client.figures(host.now()).bytes_held, 0, "PUBREC frees the packet");
    assert_eq!(host.feed_one("70 02 00 01"), "published 1 00");
    assert_eq!(host.sent(), "");
    assert_eq!(host.client.figures(host.now()).in_flight, 0);
}

#[test]
fn mqtt_2_2_1_5_a_result_has_reason_reason_string_and_user_properties() {
    let mut host = Host::connected();
    host.publish(&message("t", "", 1)).unwrap();
    host.sent();
    let spare = host.inbox.spare();
    let puback = bytes("40 10 0001 87 0c 1f 0002 6e6f 26 0001 61 0001 62");
    spare[..puback.len()].copy_from_slice(&puback);
    host.inbox.filled(puback.len());
    let now = host.now();
    match host.client.handle_input(&mut host.inbox, now) {
        Ok(mqtt5_session::Input::Event(mqtt5_session::Event::Published(ack))) => {
            assert_eq!(ack.reason.value(), 0x87);
            assert_eq!(ack.properties.reason_string(), Some(text("no")));
            assert!(ack.properties.user_properties().eq([(text("a"), text("b"))]));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn mqtt_4_4_0_2_a_pubrec_with_an_error_ends_the_exchange() {
    let mut host = Host::connected();
    host.publish(&message("t", "", 2)).unwrap();
    host.sent();
    assert_eq!(host.feed_one("50 03 00 01 97"), "published 1 97");
    assert_eq!(host.sent(), "", "no PUBREL");
    assert_eq!(host.again("20 03 01 00 00"), ["connected resumed=true lost=0"]);
    assert_eq!(host.sent(), "", "nothing to resend");
}

#[test]
fn mqtt_2_2_1_3_identifiers_are_unique_over_publish_subscribe_and_unsubscribe() {
    let mut host = Host::connected();
    assert_eq!(host.publish(&message("t", "", 1)), Ok(Some(1)));
    assert_eq!(host.subscribe("a"), Ok(2));
    let filters = [mqtt5_codec::Filter::new("a").unwrap()];
    assert_eq!(host.client.unsubscribe(&filters, Properties::EMPTY).map(|id| id.get()), Ok(3));
    assert_eq!(host.publish(&message("t", "", 2)), Ok(Some(4)));
}

#[test]
fn mqtt_2_2_1_3_an_identifier_is_not_reused_while_unacknowledged_and_rests_as_long_as_possible() {
    let mut host = Host::with(Boxed::new(3, 1024));
    host.open(&lasting(), "20 03 00 00 00");
    for id in 1..=3 {
        assert_eq!(host.publish(&message("t", "", 1)), Ok(Some(id)));
    }
    assert_eq!(host.publish(&message("t", "", 1)), Err(Refused::Exchanges { of: 3 }));
    assert_eq!(host.subscribe("a"), Err(Refused::Exchanges { of: 3 }));
    host.sent();
    assert_eq!(host.feed("40 02 00 02 40 02 00 01"), ["published 2 00", "published 1 00"]);
    assert_eq!(host.publish(&message("t", "", 1)), Ok(Some(2)), "the one that rests for the longest");
    host.sent();
    assert_eq!(host.feed_one("40 02 00 01"), "", "a stray late PUBACK hits no new exchange");
    assert_eq!(host.publish(&message("t", "", 1)), Ok(Some(1)));
    assert_eq!(host.publish(&message("t", "", 1)), Err(Refused::Exchanges { of: 3 }));
}

#[test]
fn mqtt_3_3_4_7_no_publish_beyond_the_servers_receive_maximum() {
    let mut host = Host::accepted("20 06 00 00 03 21 00 02");
    assert_eq!(host.publish(&message("t", "1", 1)), Ok(Some(1)));
    assert_eq!(host.publish(&message("t", "2", 2)), Ok(Some(2)));
    let before = host.client.figures(host.now());
    assert_eq!(host.publish(&message("t", "3", 1)), Err(Refused::ReceiveMaximum));
    assert_eq!(host.client.figures(host.now()), before, "a refused call has changed nothing");
    assert_eq!(host.publish(&message("t", "0", 0)), Ok(None), "QoS 0 does not count");
    host.sent();
    assert_eq!(host.client.figures(host.now()).quota, 0);
    host.feed("50 02 00 02");
    assert_eq!(host.publish(&message("t", "3", 1)), Err(Refused::ReceiveMaximum), "PUBREC does not end it");
    host.feed("70 02 00 02");
    assert_eq!(host.publish(&message("t", "3", 1)), Ok(Some(3)));
    assert_eq!(host.sent(), "62 02 00 02 32 07 00 01 74 00 03 00 33");
}

#[test]
fn mqtt_4_9_0_2_messages_that_may_wait_are_sent_as_the_quota_allows() {
    let mut host = Host::accepted("20 06 00 00 03 21 00 01");
    for payload in ["1", "2", "3"] {
        let mut message = message("t", payload, 1);
        message.hold = true;
        host.publish(&message).unwrap();
    }
    assert_eq!(host.sent(), "32 07 00 01 74 00 01 00 31");
    assert_eq!(host.feed_one("40 02 00 01"), "published 1 00");
    assert_eq!(host.sent(), "32 07 00 01 74 00 02 00 32");
    assert_eq!(host.feed_one("40 03 00 02 97"), "published 2 97");
    assert_eq!(host.sent(), "32 07 00 01 74 00 03 00 33");
}

#[test]
fn mqtt_3_3_4_8_a_full_quota_holds_back_nothing_but_publish() {
    let mut host = Host::accepted("20 06 00 00 03 21 00 01");
    host.publish(&message("t", "1", 1)).unwrap();
    let mut waiting = message("t", "2", 2);
    waiting.hold = true;
    host.publish(&waiting).unwrap();
    assert_eq!(host.sent(), "32 07 00 01 74 00 01 00 31");
    // SUBSCRIBE, PINGREQ, a QoS 0 message, and the answers to messages of the server.
    assert_eq!(host.subscribe("a"), Ok(3));
    host.client.ping(host.now()).unwrap();
    host.publish(&message("t", "0", 0)).unwrap();
    assert_eq!(host.sent(), "c0 00 82 07 00 03 00 00 01 61 02 30 05 00 01 74 00 30");
    assert_eq!(host.feed("32 06 00 01 73 00 09 00 34 06 00 01 73 00 0a 00").len(), 2);
    host.client.handled();
    assert_eq!(host.sent(), "40 02 00 09 50 02 00 0a");
}

#[test]
fn mqtt_4_9_0_1_without_a_receive_maximum_it_is_65535() {
    let host = Host::connected();
    assert_eq!(host.client.figures(host.now()).quota, 65_535);
}

#[test]
fn mqtt_3_2_2_11_no_publish_above_maximum_qos() {
    let mut host = Host::accepted("20 05 00 00 02 24 01");
    assert_eq!(host.publish(&message("t", "", 2)), Err(Refused::Rule(Rule::SERVER_MAXIMUM_QOS)));
    assert!(host.publish(&message("t", "", 1)).is_ok());
    let mut host = Host::accepted("20 05 00 00 02 24 00");
    assert_eq!(host.publish(&message("t", "", 1)), Err(Refused::Rule(Rule::SERVER_MAXIMUM_QOS)));
    assert!(host.publish(&message("t", "", 0)).is_ok());
    assert!(host.subscribe("a").is_ok(), "subscribing at QoS 2 stays allowed [MQTT-3.2.2-10]");
}

#[test]
fn mqtt_3_2_2_14_no_retained_message_to_a_server_without() {
    let mut host = Host::accepted("20 05 00 00 02 25 00");
    let mut retained = message("t", "", 0);
    retained.retain = true;
    assert_eq!(host.publish(&retained), Err(Refused::Rule(Rule::RETAIN_UNAVAILABLE)));
    retained.retain = false;
    assert!(host.publish(&retained).is_ok());
}

#[test]
fn mqtt_3_2_2_15_no_packet_beyond_the_servers_maximum_packet_size() {
    let mut host = Host::accepted("20 08 00 00 05 27 00 00 00 14");
    let too_large = Err(Refused::Rule(Rule::SERVER_MAXIMUM_PACKET_SIZE));
    assert!(host.publish(&message("t", "0123456789abcd", 0)).is_ok(), "20 bytes");
    assert_eq!(host.publish(&message("t", "0123456789abcde", 0)), too_large.map(|()| None));
    assert_eq!(host.publish(&message("t", "0123456789abcde", 1)), too_large.map(|()| None));
    assert_eq!(host.subscribe("0123456789abcdef"), too_large.map(|()| 0));
    let properties = [Property::ReasonString(text("0123456789abcdef"))];
    let disconnect = host.client.disconnect_with(
        mqtt5_codec::ReasonCode::NORMAL_DISCONNECTION,
        Properties::from(&properties),
        mqtt5_session::Ending::AtOnce,
    );
    assert_eq!(disconnect, too_large, "[MQTT-3.14.2-3]");
    assert_eq!(host.client.figures(host.now()).in_flight, 0);
    assert_eq!(host.sent().len(), 20 * 3 - 1);
}

#[test]
fn mqtt_3_2_2_15_a_server_that_takes_not_even_an_acknowledgement_is_not_talked_to() {
    let mut host = Host::new();
    assert_eq!(host.open(&lasting(), "20 08 00 00 05 27 00 00 00 04"), ["fault 83 MQTT 3.2.2.3.6"]);
    assert_eq!(host.sent(), "e0 01 83", "valid, but nothing that we can work with");
    assert!(host.client.is_closed());
}

#[test]
fn mqtt_3_2_2_17_no_topic_alias_beyond_the_servers_maximum() {
    let mut host = Host::accepted("20 06 00 00 03 22 00 02");
    for alias in [1, 2, 3] {
        let properties = [Property::TopicAlias(TopicAlias::new(alias).unwrap())];
        let mut message = message("t", "", 0);
        message.properties = Properties::from(&properties);
        let expected = if alias == 3 { Err(Refused::Rule(Rule::SERVER_TOPIC_ALIAS_MAXIMUM)) } else { Ok(None) };
        assert_eq!(host.publish(&message), expected, "[MQTT-3.3.2-9]");
    }
    assert_eq!(host.sent(), "30 07 00 01 74 03 23 00 01 30 07 00 01 74 03 23 00 02");
}

#[test]
fn mqtt_3_2_2_18_no_topic_alias_where_the_server_takes_none() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect = connect.with_topic_aliases(10);
    host.open(&connect, "20 03 00 00 00");
    host.publish(&message("t", "", 0)).unwrap();
    host.publish(&message("t", "", 0)).unwrap();
    assert_eq!(host.sent(), "30 04 00 01 74 00 30 04 00 01 74 00");
    let mut host = Host::connected();
    let properties = [Property::TopicAlias(TopicAlias::new(1).unwrap())];
    let mut message = message("t", "", 0);
    message.properties = Properties::from(&properties);
    assert_eq!(host.publish(&message), Err(Refused::Rule(Rule::SERVER_TOPIC_ALIAS_MAXIMUM)));
}

#[test]
fn mqtt_3_3_2_8_topic_alias_0_cannot_be_built() {
    assert_eq!(TopicAlias::new(0), None);
}

#[test]
fn mqtt_3_3_2_7_a_message_that_may_be_sent_again_has_no_alias() {
    let mut host = Host::accepted("20 06 00 00 03 22 00 09");
    let properties = [Property::TopicAlias(TopicAlias::new(1).unwrap())];
    for (qos, hold) in [(1, false), (2, false), (0, true)] {
        let mut message = message("t", "", qos);
        message.hold = hold;
        message.properties = Properties::from(&properties);
        assert_eq!(host.publish(&message), Err(Refused::Rule(Rule::TOPIC_ALIAS_OF_LINK)));
    }
}

fn aliasing() -> Host {
    let mut host = Host::new();
    let mut connect = lasting();
    connect = connect.with_topic_aliases(2);
    host.open(&connect, "20 06 00 00 03 22 00 09");
    host
}

#[test]
fn aliases_are_given_by_themselves_and_the_one_not_used_for_longest_gives_way() {
    let mut host = aliasing();
    let mut sent = |name: &str, qos| {
        host.publish(&message(name, "", qos)).unwrap();
        host.sent()
    };
    assert_eq!(sent("a", 0), "30 07 00 01 61 03 23 00 01");
    assert_eq!(sent("b", 0), "30 07 00 01 62 03 23 00 02");
    assert_eq!(sent("a", 0), "30 06 00 00 03 23 00 01");
    assert_eq!(sent("c", 0), "30 07 00 01 63 03 23 00 02", "b gives way");
    assert_eq!(sent("a", 0), "30 06 00 00 03 23 00 01");
    assert_eq!(sent("b", 0), "30 07 00 01 62 03 23 00 02", "c gives way");
    assert_eq!(sent("a", 1), "32 06 00 01 61 00 01 00", "a stored packet has none");
}

#[test]
fn mqtt_3_3_2_7_aliases_are_not_carried_over_a_reconnect() {
    let mut host = aliasing();
    host.publish(&message("a", "", 0)).unwrap();
    host.sent();
    host.client.handle_close(host.now());
    let mut connect = lasting();
    connect = connect.with_topic_aliases(2);
    host.open(&connect, "20 06 01 00 03 22 00 09");
    host.publish(&message("a", "", 0)).unwrap();
    assert_eq!(host.sent(), "30 07 00 01 61 03 23 00 01");
    host.client.handle_close(host.now());
    assert_eq!(host.client.figures(host.now()).bytes_held, 0, "their topics are freed");
}

#[test]
fn an_alias_without_room_for_its_topic_is_only_not_used() {
    let mut host = Host::with(Boxed::new(1, 176));
    let mut connect = lasting();
    connect = connect.with_topic_aliases(3);
    host.open(&connect, "20 06 00 00 03 22 00 09");
    let name = "t".repeat(30);
    for alias in [1, 2, 3] {
        host.publish(&message(&name, "", 0)).unwrap();
        assert!(host.sent().ends_with(&format!("23 00 {alias:02x}")));
    }
    host.publish(&message(&name, "", 0)).unwrap();
    assert!(host.sent().ends_with("74 00"), "all are spent: the name alone");
}

#[test]
fn mqtt_3_2_2_15_a_message_that_an_alias_makes_too_long_goes_without() {
    let mut host = Host::new();
    let mut connect = lasting();
    connect = connect.with_topic_aliases(2);
    // The server takes packets of 8 bytes: with a new alias the message has 11.
    host.open(&connect, "20 0b 00 00 08 22 00 09 27 00 00 00 08");
    assert_eq!(host.publish(&message("a", "xy", 0)), Ok(None));
    assert_eq!(host.sent(), "30 06 00 01 61 00 78 79");
    assert_eq!(
        host.publish(&message("a", "xyz", 0)),
        Err(Refused::Rule(Rule::SERVER_MAXIMUM_PACKET_SIZE)),
        "it is too long either way"
    );
}

#[test]
fn mqtt_3_3_4_6_no_subscription_identifier_in_a_publish() {
    let mut host = Host::connected();
    let properties = [Property::SubscriptionIdentifier(SubscriptionId::new(1).unwrap())];
    let mut message = message("t", "", 0);
    message.properties = Properties::from(&properties);
    assert_eq!(host.publish(&message), Err(Refused::Rule(Rule::SUBSCRIPTION_ID_FROM_CLIENT)));
}

#[test]
fn mqtt_4_6_0_4_pubrels_go_out_in_the_order_of_pubrecs() {
    let mut host = Host::connected();
    for _ in 0..3 {
        host.publish(&message("t", "", 2)).unwrap();
    }
    host.sent();
    host.feed("50 02 00 03 50 02 00 01 50 02 00 02");
    assert_eq!(host.sent(), "62 02 00 03 62 02 00 01 62 02 00 02");
}

#[test]
fn messages_held_while_disconnected_keep_their_order() {
    let mut host = Host::new();
    for (payload, qos) in [("1", 0), ("2", 1), ("3", 0), ("4", 2), ("5", 0)] {
        let mut message = message("t", payload, qos);
        assert_eq!(host.publish(&message), Err(Refused::NotConnected));
        message.hold = true;
        host.publish(&message).unwrap();
    }
    assert_eq!(host.sent(), "");
    assert_eq!(host.open(&lasting(), "20 03 00 00 00"), ["connected resumed=false lost=0"]);
    assert_eq!(
        host.sent(),
        "30 05 00 01 74 00 31 32 07 00 01 74 00 01 00 32 30 05 00 01 74 00 33 34 07 00 01 74 00 02 00 34 30 05 00 01 74 00 35"
    );
}

#[test]
fn messages_are_held_up_to_capacity_and_refused_apart_for_exchanges_and_bytes() {
    let mut host = Host::with(Boxed::new(2, 256));
    let mut held = message("t", "x", 1);
    held.hold = true;
    assert!(host.publish(&held).is_ok());
    assert!(host.publish(&held).is_ok());
    assert_eq!(host.publish(&held), Err(Refused::Exchanges { of: 2 }));
    let long = "x".repeat(200);
    let mut held = message("t", &long, 0);
    held.hold = true;
    assert_eq!(host.publish(&held), Err(Refused::Bytes { need: 207 }));
}

#[test]
fn a_client_of_one_exchange_works() {
    let mut host = Host::with(Boxed::new(1, 128));
    host.open(&ConnectOptions::new(text("c")), "20 03 00 00 00");
    for _ in 0..10 {
        assert_eq!(host.publish(&message("t", "x", 2)), Ok(Some(1)));
        assert_eq!(host.publish(&message("t", "x", 2)), Err(Refused::Exchanges { of: 1 }));
        host.sent();
        host.feed("50 02 00 01 70 02 00 01");
        host.sent();
    }
}

#[test]
fn publishing_from_the_polling_task_never_waits() {
    // A host that holds an event may publish: neither call waits for the other, and a full quota is refused.
    let mut host = Host::accepted("20 06 00 00 03 21 00 01");
    let input = bytes("32 06 00 01 73 00 09 00");
    host.inbox.spare()[..input.len()].copy_from_slice(&input);
    host.inbox.filled(input.len());
    let now = host.now();
    let event = host.client.handle_input(&mut host.inbox, now).unwrap();
    assert!(host.client.publish(&message("t", "1", 1)).is_ok());
    assert_eq!(host.client.publish(&message("t", "2", 1)), Err(Refused::ReceiveMaximum));
    assert!(matches!(event, mqtt5_session::Input::Event(mqtt5_session::Event::Message(m)) if m.topic.as_str() == "s"));
    host.client.handled();
    assert_eq!(host.sent(), "40 02 00 09 32 07 00 01 74 00 01 00 31");
}
