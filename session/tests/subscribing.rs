//! SUBSCRIBE, UNSUBSCRIBE and their answers.

use crate::common::*;
use mqtt5_codec::{Filter, Properties, Property, QoS, RetainHandling, Rule, SubscriptionId, SubscriptionOptions};
use mqtt5_session::Refused;

#[test]
fn many_filters_with_options_in_one_packet_and_a_result_for_each() {
    let mut host = Host::connected();
    let mut first = subscription("a/+");
    first.options = SubscriptionOptions {
        maximum_qos: QoS::AtLeastOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::DoNotSend,
    };
    let mut second = subscription("$share/g/b");
    second.options.maximum_qos = QoS::AtMostOnce;
    let properties = [
        Property::SubscriptionIdentifier(SubscriptionId::new(200).unwrap()),
        Property::UserProperty(text("k"), text("v")),
    ];
    let id = host.client.subscribe(&[first, second], Properties::from(&properties)).unwrap();
    assert_eq!(id.get(), 1);
    assert_eq!(
        host.sent(),
        "82 20 00 01 0a 0b c8 01 26 00 01 6b 00 01 76 00 03 61 2f 2b 2d 00 0a 24 73 68 61 72 65 2f 67 2f 62 00"
    );
    assert_eq!(host.feed_one("90 05 00 01 00 01 87"), "subscribed 1 [01, 87]");
    assert_eq!(host.client.figures(host.now()).in_flight, 0);
}

#[test]
fn unsubscribing_gives_a_result_for_each_filter() {
    let mut host = Host::connected();
    let filters = [Filter::new("a").unwrap(), Filter::new("b/#").unwrap()];
    host.client.unsubscribe(&filters, Properties::EMPTY).unwrap();
    assert_eq!(host.sent(), "a2 0b 00 01 00 00 01 61 00 03 62 2f 23");
    assert_eq!(host.feed_one("b0 05 00 01 00 00 11"), "unsubscribed 1 [00, 11]");
}

#[test]
fn mqtt_3_8_4_6_a_count_of_results_that_differs_is_a_fault() {
    let mut host = Host::connected();
    host.subscribe("a").unwrap();
    host.sent();
    assert_eq!(host.feed_one("90 05 00 01 00 00 00"), "fault 82 MQTT-3.8.4-6");
    let mut host = Host::connected();
    host.client.unsubscribe(&[Filter::new("a").unwrap()], Properties::EMPTY).unwrap();
    host.sent();
    assert_eq!(host.feed_one("b0 05 00 01 00 00 00"), "fault 82 MQTT-3.11.3-1");
}

#[test]
fn mqtt_3_8_3_4_no_local_on_a_shared_subscription_is_refused() {
    let mut host = Host::connected();
    let mut shared = subscription("$share/g/a");
    shared.options.no_local = true;
    let refused = host.client.subscribe(&[shared], Properties::EMPTY);
    assert_eq!(refused, Err(Refused::Rule(Rule::NO_LOCAL_SHARED)));
    assert_eq!(host.client.figures(host.now()).in_flight, 0);
}

#[test]
fn mqtt_3_8_3_2_a_subscribe_without_filters_is_refused() {
    let mut host = Host::connected();
    let refused = host.client.subscribe(&[], Properties::EMPTY);
    assert_eq!(refused, Err(Refused::Rule(Rule::SUBSCRIBE_EMPTY)));
    let refused = host.client.unsubscribe(&[], Properties::EMPTY);
    assert_eq!(refused, Err(Refused::Rule(Rule::UNSUBSCRIBE_EMPTY)));
}

#[test]
fn mqtt_4_8_2_1_a_share_name_has_a_character_and_4_8_2_2_no_wildcard() {
    assert_eq!(Filter::new("$share//a"), Err(Rule::SHARE_NAME));
    assert_eq!(Filter::new("$share/a+/b"), Err(Rule::SHARE_FILTER));
    assert_eq!(Filter::new("$share/g/"), Err(Rule::SHARE_FILTER));
}

#[test]
fn what_the_server_said_it_lacks_is_refused_here() {
    let mut host = Host::accepted("20 09 00 00 06 28 00 29 00 2a 00");
    assert_eq!(host.subscribe("a/#"), Err(Refused::Rule(Rule::WILDCARDS_UNAVAILABLE)));
    assert_eq!(host.subscribe("$share/g/a"), Err(Refused::Rule(Rule::SHARED_UNAVAILABLE)));
    let properties = [Property::SubscriptionIdentifier(SubscriptionId::new(1).unwrap())];
    let refused = host.client.subscribe(&[subscription("a")], Properties::from(&properties));
    assert_eq!(refused, Err(Refused::Rule(Rule::SUBSCRIPTION_IDS_UNAVAILABLE)));
    assert_eq!(host.subscribe("a"), Ok(1));
    // On a connection that has them they are allowed again.
    host.again("20 03 01 00 00");
    assert!(host.subscribe("a/#").is_ok());
}

#[test]
fn subscribing_needs_a_connection() {
    let mut host = Host::new();
    assert_eq!(host.subscribe("a"), Err(Refused::NotConnected));
    host.connect(&lasting()).unwrap();
    assert_eq!(host.subscribe("a"), Err(Refused::NotConnected));
}

#[test]
fn a_subscription_goes_out_before_a_message_that_was_published_after_it() {
    let mut host = Host::connected();
    host.publish(&message("t", "1", 1)).unwrap();
    host.subscribe("a").unwrap();
    host.publish(&message("t", "2", 1)).unwrap();
    host.publish(&message("t", "3", 0)).unwrap();
    assert_eq!(
        host.sent(),
        "32 07 00 01 74 00 01 00 31 82 07 00 02 00 00 01 61 02 32 07 00 01 74 00 03 00 32 30 05 00 01 74 00 33"
    );
}
