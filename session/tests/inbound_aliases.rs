//! Topic aliases that the server gives.

use crate::common::*;
use mqtt5_codec::{Properties, Property};
use mqtt5_session::Inbox;

const ACCEPTED: &str = "20 03 00 00 00";
const RESUMED: &str = "20 03 01 00 00";

/// Connected with this Topic Alias Maximum, and a table of so many bytes for topics that are no longer than this.
fn with(maximum: u16, table: usize, longest: u16) -> Host {
    let properties = [LASTING[0], Property::TopicAliasMaximum(maximum)];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    let mut host = Host::new();
    host.inbox = Inbox::growing(64, 1_000).with_aliases(vec![0; table].leak(), longest);
    host.open(&connect, ACCEPTED);
    host
}

#[test]
fn mqtt_3_3_2_10_aliases_of_the_server_resolve() {
    let mut host = with(3, 30, 8);
    assert_eq!(host.feed_one("30 09 00 03 61 2f 62 03 23 00 01"), "message a/b q0 ");
    assert_eq!(host.feed_one("30 08 00 02 63 64 03 23 00 03"), "message cd q0 ");
    assert_eq!(host.feed_one("30 07 00 00 03 23 00 01 78"), "message a/b q0 x");
    assert_eq!(host.feed_one("30 07 00 00 03 23 00 03 79"), "message cd q0 y");
    assert_eq!(host.feed_one("30 07 00 01 65 03 23 00 01"), "message e q0 ", "set again");
    assert_eq!(host.feed_one("32 08 00 00 00 05 03 23 00 01"), "message e q1 id=5 ");
    assert_eq!(host.feed_one("30 06 00 00 03 23 00 02"), "fault 82 MQTT 3.3.2.3.4", "never set");
}

#[test]
fn mqtt_3_3_2_11_an_alias_beyond_our_maximum_is_a_fault() {
    let mut host = with(1, 100, 8);
    assert_eq!(host.feed_one("30 07 00 01 65 03 23 00 02"), "fault 94 MQTT-3.3.2-11");
    let mut host = Host::connected();
    assert_eq!(host.feed_one("30 07 00 01 65 03 23 00 01"), "fault 94 MQTT-3.3.2-11", "[MQTT-3.1.2-27]");
}

#[test]
fn an_alias_whose_topic_has_no_room_is_a_fault() {
    let mut host = with(1, 10, 2);
    assert_eq!(host.feed_one("30 09 00 03 61 2f 62 03 23 00 01"), "fault 97 MQTT-3.3.2-10");
}

#[test]
fn mqtt_3_3_2_7_aliases_of_the_server_end_with_the_connection() {
    let table: &'static mut [u8] = vec![0; 30].leak();
    let properties = [LASTING[0], Property::TopicAliasMaximum(3)];
    let mut connect = lasting();
    connect.packet.properties = Properties::from(&properties);
    let mut host = Host::new();
    host.inbox = Inbox::growing(64, 1_000).with_aliases(table, 8);
    host.open(&connect, ACCEPTED);
    host.feed("30 07 00 01 65 03 23 00 01");
    host.client.handle_close(host.now());
    host.open(&connect, RESUMED);
    assert_eq!(host.feed_one("30 06 00 00 03 23 00 01"), "fault 82 MQTT 3.3.2.3.4");
}

#[test]
fn an_alias_that_comes_with_a_duplicate_is_set_all_the_same() {
    let mut host = with(3, 30, 8);
    host.feed("34 06 00 01 74 00 01 00");
    assert_eq!(host.feed_one("3c 09 00 01 74 00 01 03 23 00 02"), "");
    assert_eq!(host.feed_one("30 06 00 00 03 23 00 02"), "message t q0 ");
}
