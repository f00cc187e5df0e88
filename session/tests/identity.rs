//! Whose session it is: what is expected of a server that says it has one, and which client identifiers are told apart.

use crate::common::*;
use mqtt5_codec::Rule;
use mqtt5_session::{ConnectOptions, Refused};

const ACCEPTED: &str = "20 03 00 00 00";
const RESUMED: &str = "20 03 01 00 00";

fn unknown_session() -> String {
    format!("fault 82 {}", Rule::SESSION_UNKNOWN.id())
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
