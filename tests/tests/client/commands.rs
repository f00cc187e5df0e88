//! Every command, every event, and every way to get a command wrong.

use crate::harness::{Server, Tool};

const CONNACK: &str = "20 03 00 00 00";

#[test]
fn connect_sends_every_field_and_property_in_the_order_given() {
    let server = Server::new();
    let mut tool = Tool::start(&["--trace"]);
    tool.say(&server.open());
    tool.say(concat!(
        r#"{"connect":{"client_id":"x","clean_start":false,"keep_alive":258,"user_name":"u","password_hex":"00ff","#,
        r#""will":{"topic":"w","payload_hex":"01","qos":2,"retain":true,"#,
        r#""properties":{"content_type":"c","will_delay_interval":5,"correlation_data_hex":"aa"}},"#,
        r#""properties":{"topic_alias_maximum":2,"user_property":[["k","v"],["k","w"]],"session_expiry_interval":16,"#,
        r#""receive_maximum":3,"maximum_packet_size":65536,"request_problem_information":true,"#,
        r#""request_response_information":1,"authentication_method":"m","authentication_data":"d"}}}"#
    ));
    let mut peer = server.accept();
    let connect = concat!(
        "10 53 0004 4d515454 05 f4 0102 ",
        "2a 220002 2600016b000176 2600016b000177 1100000010 210003 2700010000 1701 1901 1500016d 16000164 ",
        "0001 78  0d 03000163 1800000005 090001aa 0001 77 0001 01  0001 75  0002 00ff"
    );
    peer.gets(connect);
    tool.prints(&format!(r#"{{"sent":"{}"}}"#, connect.replace(' ', "")));
    peer.send("20 0c 00 00 09 1500016d 16000200ff");
    tool.prints(r#"{"received":"200c0000091500016d16000200ff"}"#);
    tool.prints(concat!(
        r#"{"event":"connected","session_present":false,"reason":0,"#,
        r#""properties":{"authentication_method":"m","authentication_data_hex":"00ff"},"resumed":false,"lost":[]}"#
    ));
    tool.say(r#"{"quit":{}}"#);
    peer.ends();
    assert!(tool.end().is_empty());
}

#[test]
fn nothing_is_added_to_a_bare_connect_and_every_property_of_connack_is_told() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    tool.say(&server.open());
    tool.say(r#"{"connect":{}}"#);
    let mut peer = server.accept();
    peer.gets("10 0d 0004 4d515454 05 02 003c 00 0000");
    peer.send(concat!(
        "20 3a 00 00 37 1100000007 210014 2401 2500 2700010000 12000169 22000a 1f000172 2600016100 0162 2800 2900 2a00 ",
        "13001e 1c000173 2600016300 0164"
    ));
    tool.prints(concat!(
        r#"{"event":"connected","session_present":false,"reason":0,"properties":{"session_expiry_interval":7,"#,
        r#""receive_maximum":20,"maximum_qos":1,"retain_available":0,"maximum_packet_size":65536,"#,
        r#""assigned_client_identifier":"i","topic_alias_maximum":10,"reason_string":"r","#,
        r#""user_property":[["a","b"],["c","d"]],"wildcard_subscription_available":0,"#,
        r#""subscription_identifiers_available":0,"shared_subscription_available":0,"server_keep_alive":30,"#,
        r#""server_reference":"s"},"resumed":false,"lost":[]}"#
    ));
    // What the server lacks is refused here, and nothing is sent.
    for (command, rule) in [
        (r#"{"publish":{"topic":"t","qos":2}}"#, "MQTT-3.2.2-11"),
        (r#"{"publish":{"topic":"t","retain":true}}"#, "MQTT-3.2.2-14"),
        (r#"{"publish":{"topic":"t","properties":{"topic_alias":11}}}"#, "MQTT-3.2.2-17"),
    ] {
        tool.say(command);
        let refused = tool.event("refused");
        assert_eq!(
            (&refused["by"], &refused["kind"], &refused["rule"]),
            (&"client".into(), &"rule".into(), &rule.into())
        );
    }
    for filter in ["a/+", "$share/g/a"] {
        tool.say(&format!(r#"{{"subscribe":{{"filters":[{{"filter":"{filter}"}}]}}}}"#));
        assert_eq!(tool.event("refused")["command"], "subscribe");
    }
    peer.silent();
}

#[test]
fn messages_go_both_ways_with_every_field() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, r#"{"client_id":"x"}"#, CONNACK);
    tool.say(concat!(
        r#"{"publish":{"topic":"t","payload":"text","retain":true,"properties":{"payload_format_indicator":1,"#,
        r#""message_expiry_interval":2,"content_type":"c","response_topic":"r","correlation_data_hex":"00","#,
        r#""user_property":[["a","b"]]}}}"#
    ));
    peer.gets("31 22 0001 74 1a 0101 0200000002 03000163 08000172 09000100 2600016100 0162 74657874");
    tool.say(r#"{"publish":{"topic":"t","payload_hex":"00ff","qos":1}}"#);
    peer.gets("32 08 0001 74 0001 00 00ff");
    peer.send("40 0b 0001 10 07 2600016b000176");
    tool.prints(r#"{"event":"published","id":1,"qos":1,"reason":16,"properties":{"user_property":[["k","v"]]}}"#);
    tool.say(r#"{"publish":{"topic":"t","qos":2}}"#);
    peer.gets("34 06 0001 74 0002 00");
    peer.send("50 08 0002 10 04 1f000177");
    peer.gets("62 02 0002");
    tool.silent();
    peer.send("70 02 0002");
    tool.prints(concat!(
        r#"{"event":"published","id":2,"qos":2,"reason":0,"properties":{},"#,
        r#""received":{"reason":16,"properties":{"reason_string":"w"}}}"#
    ));
    tool.say(r#"{"publish":{"topic":"t","qos":2}}"#);
    peer.gets("34 06 0001 74 0003 00");
    peer.send("50 03 0003 97");
    tool.prints(r#"{"event":"published","id":3,"qos":2,"reason":151,"properties":{}}"#);

    peer.send("31 0f 0001 61 09 0b01 0b8001 09000101 68 69");
    tool.prints(concat!(
        r#"{"event":"message","topic":"a","payload_hex":"6869","qos":0,"id":null,"dup":false,"retain":true,"#,
        r#""properties":{"subscription_identifier":[1,128],"correlation_data_hex":"01"}}"#
    ));
    peer.send("3a 06 0001 61 0009 00");
    tool.prints(
        r#"{"event":"message","topic":"a","payload_hex":"","qos":1,"id":9,"dup":true,"retain":false,"properties":{}}"#,
    );
    peer.gets("40 02 0009");
    peer.send("34 08 0001 61 000a 02 0b05");
    assert_eq!(tool.event("message")["properties"]["subscription_identifier"], 5);
    peer.gets("50 02 000a");
    // The same again is not told again.
    peer.send("3c 06 0001 61 000a 00  62 02 000a");
    peer.gets("50 02 000a  70 02 000a");
    tool.silent();
}

#[test]
fn subscriptions_are_made_and_taken_back() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, r#"{"client_id":"x"}"#, CONNACK);
    tool.say(concat!(
        r#"{"subscribe":{"filters":[{"filter":"a/#","qos":2,"no_local":true,"retain_as_published":true,"#,
        r#""retain_handling":2},{"filter":"b"}],"properties":{"user_property":[["k","v"]],"subscription_identifier":200}}}"#
    ));
    peer.gets("82 17 0001 0a 2600016b000176 0bc801 0003 612f23 2e 0001 62 00");
    peer.send("90 09 0001 04 1f000172 02 80");
    tool.prints(r#"{"event":"subscribed","id":1,"reasons":[2,128],"properties":{"reason_string":"r"}}"#);
    tool.say(r#"{"unsubscribe":{"filters":["a/#","b"],"properties":{"user_property":[["k","v"]]}}}"#);
    peer.gets("a2 12 0002 07 2600016b000176 0003 612f23 0001 62");
    peer.send("b0 05 0002 00 00 11");
    tool.prints(r#"{"event":"unsubscribed","id":2,"reasons":[0,17],"properties":{}}"#);
    tool.say(r#"{"ping":{}}"#);
    peer.gets("c0 00");
    peer.send("d0 00");
    tool.prints(r#"{"event":"pong"}"#);
}

#[test]
fn authentication_takes_as_many_steps_as_the_server_asks_for() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    tool.say(&server.open());
    tool.say(r#"{"connect":{"properties":{"authentication_method":"m"}}}"#);
    let mut peer = server.accept();
    peer.gets("10 11 0004 4d515454 05 02 003c 04 1500016d 0000");
    peer.send("f0 0a 18 08 1500016d 16000101");
    tool.prints(
        r#"{"event":"auth","reason":24,"properties":{"authentication_method":"m","authentication_data_hex":"01"}}"#,
    );
    tool.say(r#"{"auth":{"reason":24,"properties":{"authentication_method":"m","authentication_data_hex":"02"}}}"#);
    peer.gets("f0 0a 18 08 1500016d 16000102");
    peer.send("20 0b 00 00 08 1500016d 12000169");
    tool.event("connected");
    tool.say(r#"{"auth":{"reason":25,"properties":{"authentication_method":"other"}}}"#);
    assert_eq!(tool.event("refused")["rule"], "MQTT-4.12.0-5");
    tool.say(r#"{"auth":{"reason":25,"properties":{"authentication_method":"m"}}}"#);
    peer.gets("f0 06 19 04 1500016d");
    peer.send("f0 06 00 04 1500016d");
    tool.prints(r#"{"event":"auth","reason":0,"properties":{"authentication_method":"m"}}"#);
}

#[test]
fn acknowledgements_by_hand_go_out_in_the_order_of_arrival() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, r#"{"client_id":"x","acknowledge":"manual"}"#, CONNACK);
    peer.send("32 06 0001 61 0001 00  32 06 0001 61 0002 00  34 06 0001 61 0003 00  34 06 0001 61 0004 00");
    for id in 1..=4 {
        assert_eq!(tool.event("message")["id"], id);
    }
    peer.silent();
    tool.say(r#"{"ack":{"id":2}}"#);
    tool.say(r#"{"ack":{"id":4,"reason":151}}"#);
    peer.silent();
    tool.say(r#"{"ack":{"id":1,"reason":16}}"#);
    peer.gets("40 03 0001 10  40 02 0002");
    tool.say(r#"{"ack":{"id":3,"reason":0}}"#);
    peer.gets("50 02 0003  50 03 0004 97");
    tool.say(r#"{"ack":{"id":9}}"#);
    let refused = tool.event("refused");
    assert_eq!((&refused["kind"], &refused["rule"]), (&"unknown".into(), &serde_json::Value::Null));
}

#[test]
fn disconnect_sends_its_fields_and_closes() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let connect = r#"{"client_id":"x","properties":{"session_expiry_interval":9}}"#;
    let (mut peer, _) = server.connected(&mut tool, connect, CONNACK);
    tool.say(r#"{"disconnect":{"reason":4,"properties":{"session_expiry_interval":0,"reason_string":"r"}}}"#);
    peer.gets("e0 0b 04 09 1100000000 1f000172");
    tool.prints(r#"{"event":"closed","by":"client","lost":[]}"#);
    peer.ends();
    let (mut peer, _) = server.connected(&mut tool, r#"{"client_id":"x"}"#, CONNACK);
    tool.say(r#"{"disconnect":{}}"#);
    peer.gets("e0 00");
    tool.event("closed");
    peer.ends();
}

#[test]
fn what_is_no_command_is_an_error_and_the_next_goes_on() {
    let mut tool = Tool::start(&[]);
    for line in [
        "x",
        "[]",
        "{}",
        "\u{7f}",
        r#"{"ping":{},"quit":{}}"#,
        r#"{"fly":{}}"#,
        r#"{"open":1}"#,
        r#"{"open":"nowhere"}"#,
        r#"{"connect":[]}"#,
        r#"{"connect":{"clean":true}}"#,
        r#"{"connect":{"keep_alive":65536}}"#,
        r#"{"connect":{"keep_alive":-1}}"#,
        r#"{"connect":{"keep_alive":"1"}}"#,
        r#"{"connect":{"acknowledge":"never"}}"#,
        r#"{"connect":{"prior":1}}"#,
        r#"{"connect":{"password":"p","password_hex":"00"}}"#,
        r#"{"connect":{"password_hex":"0"}}"#,
        r#"{"connect":{"will":{"payload":"p"}}}"#,
        r#"{"connect":{"properties":{"receive_maximum":0}}}"#,
        r#"{"connect":{"properties":{"colour":0}}}"#,
        r#"{"connect":{"properties":{"user_property":[["a"]]}}}"#,
        r#"{"connect":{"properties":{"user_property":[["a","b","c"]]}}}"#,
        r#"{"connect":{"properties":{"request_problem_information":2}}}"#,
        r#"{"publish":{"payload":"p"}}"#,
        r#"{"publish":{"topic":"t","qos":3}}"#,
        r#"{"publish":{"topic":"t","payload":{}}}"#,
        r#"{"subscribe":{}}"#,
        r#"{"subscribe":{"filters":["a"]}}"#,
        r#"{"unsubscribe":{"filters":[{}]}}"#,
        r#"{"auth":{"reason":3}}"#,
        r#"{"ack":{"id":0}}"#,
        r#"{"disconnect":{"reason":256}}"#,
        r#"{"wait":{"event":"godot"}}"#,
        r#"{"wait":{}}"#,
        r#"{"sleep_ms":-1}"#,
    ] {
        tool.say(line);
        assert!(tool.event("error")["why"].as_str().is_some_and(|why| !why.is_empty()), "{line}");
    }
    for command in ["connect", "ping", "publish", "subscribe", "unsubscribe", "auth", "ack", "disconnect", "close"] {
        let what = match command {
            "publish" => r#"{"topic":"t"}"#,
            "subscribe" | "unsubscribe" => r#"{"filters":[]}"#,
            "ack" => r#"{"id":1}"#,
            _ => "{}",
        };
        tool.say(&format!(r#"{{"{command}":{what}}}"#));
        tool.prints(r#"{"event":"error","why":"no connection is open"}"#);
    }
    // What the standard forbids is refused, by the statement.
    tool.say(r#"{"publish":{"topic":"a/#"}}"#);
    assert_eq!(tool.event("refused")["command"], "publish");
    tool.say("\n  \n");
    assert!(tool.end().is_empty());
}

#[test]
fn bytes_that_are_no_text_are_an_error() {
    let mut tool = Tool::start(&[]);
    tool.say_bytes(b"\xFF\xFE\0\n{\"sleep_ms\":\xC3}\n");
    tool.event("error");
    tool.event("error");
    assert!(tool.end().is_empty());
}

#[test]
fn help_names_every_event_and_command() {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_conformance")).args(["client", "--help"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for word in "connected subscribed unsubscribed published message auth pong refused fault disconnected closed error \
        timeout expired open connect publish subscribe unsubscribe ping ack disconnect close wait sleep_ms quit \
        --trace session_present payload_hex reasons"
        .split_whitespace()
    {
        assert!(text.contains(word), "{word}");
    }
}
