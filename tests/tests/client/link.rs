//! How a connection ends, what a server may do wrong, and what `wait` waits for.

use core::time::Duration;
use std::time::Instant;

use crate::harness::{Server, Tool};

const CONNACK: &str = "20 03 00 00 00";
const CONNECT: &str = r#"{"client_id":"x","properties":{"topic_alias_maximum":3,"maximum_packet_size":64}}"#;

#[test]
fn a_refused_connection_is_told_with_connack() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    tool.say(&server.open());
    tool.say(r#"{"connect":{"client_id":"x"}}"#);
    let mut peer = server.accept();
    peer.packet();
    peer.send("20 07 00 87 04 1f00016e");
    tool.prints(concat!(
        r#"{"event":"refused","by":"server","command":"connect","session_present":false,"reason":135,"#,
        r#""properties":{"reason_string":"n"},"why":"Not authorized"}"#
    ));
    tool.prints(r#"{"event":"closed","by":"client","lost":[]}"#);
    peer.ends();
}

#[test]
fn a_server_may_end_the_connection_in_order() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, CONNECT, CONNACK);
    peer.send("e0 0a 9d 08 1c000173 1f000172");
    tool.prints(r#"{"event":"disconnected","reason":157,"properties":{"server_reference":"s","reason_string":"r"}}"#);
    tool.prints(r#"{"event":"closed","by":"client","lost":[]}"#);
    peer.ends();
}

#[test]
fn a_server_may_just_close() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (peer, _) = server.connected(&mut tool, CONNECT, CONNACK);
    drop(peer);
    tool.prints(r#"{"event":"closed","by":"server","lost":[]}"#);
    // Before CONNECT too.
    tool.say(&server.open());
    drop(server.accept());
    assert_eq!(tool.event("closed")["by"], "server");
    // What was sent before is still handled, and answered if the server still listens.
    let (mut peer, _) = server.connected(&mut tool, CONNECT, CONNACK);
    peer.send("32 06 0001 61 0005 00  30 04 00");
    peer.half_close();
    assert_eq!(tool.event("message")["id"], 5);
    assert_eq!(tool.event("closed")["by"], "server");
    peer.gets("40 02 0005");
    peer.ends();
}

#[test]
fn close_drops_the_connection_without_a_word() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, CONNECT, CONNACK);
    tool.say(r#"{"subscribe":{"filters":[{"filter":"a"}]}}"#);
    tool.say(r#"{"close":{}}"#);
    peer.gets("82 07 0001 00 0001 61 00");
    tool.prints(r#"{"event":"closed","by":"client","lost":[1]}"#);
    peer.ends();
}

#[test]
fn what_a_server_does_wrong_is_a_fault_and_disconnect_says_so() {
    // What it sends, the reason, and the statement.
    for (sent, reason, rule) in [
        ("00 00", 129, "MQTT 2.1.2"),
        ("30 80808080", 149, "MQTT-3.1.2-24"), // which it is from the second byte on
        ("30 03 0000 00", 130, "MQTT 3.3.2.1"),
        ("36 06 0001 61 0001 00", 129, "MQTT-3.3.1-4"),
        ("30 3f", 149, "MQTT-3.1.2-24"),
        ("30 06 0000 03 230004", 148, "MQTT-3.3.2-11"),
        ("30 06 0000 03 230003", 130, "MQTT 3.3.2.3.4"),
        ("20 03 00 00 00", 130, "MQTT-3.2.0-2"),
        ("c0 00", 130, "MQTT 2.1.2"),
        ("90 04 0001 00 00", 0, ""), // an answer to nothing: ignored
    ] {
        let server = Server::new();
        let mut tool = Tool::start(&[]);
        let (mut peer, _) = server.connected(&mut tool, CONNECT, CONNACK);
        // What follows is not looked at.
        peer.send(&format!("{sent} d000 d000"));
        if reason == 0 {
            tool.event("pong");
            continue;
        }
        let fault = tool.event("fault");
        assert_eq!((&fault["reason"], &fault["rule"]), (&reason.into(), &rule.into()), "{sent}");
        assert!(fault["why"].is_string());
        tool.prints(r#"{"event":"closed","by":"client","lost":[]}"#);
        peer.gets(&format!("e0 01 {reason:02x}"));
        peer.ends();
        assert!(tool.end().is_empty());
    }
}

#[test]
fn aliases_are_resolved_and_die_with_the_connection() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, CONNECT, CONNACK);
    peer.send("30 0a 0004 612f6263 03 230001  30 06 0000 03 230001");
    for _ in 0..2 {
        let message = tool.event("message");
        assert_eq!((&message["topic"], &message["properties"]["topic_alias"]), (&"a/bc".into(), &1.into()));
    }
    drop(peer);
    tool.event("closed");
    let (mut peer, _) = server.connected(&mut tool, CONNECT, CONNACK);
    peer.send("30 06 0000 03 230001");
    tool.event("fault");
}

#[test]
fn a_stream_may_come_a_byte_at_a_time() {
    let stream = "20 03 00 00 00  32 08 0001 61 0001 00 6869  d0 00  30 04 0001 61 00  e0 01 8b";
    let mut runs = Vec::new();
    for slowly in [false, true] {
        let server = Server::new();
        let mut tool = Tool::start(&["--trace"]);
        tool.say(&server.open());
        tool.say(&format!(r#"{{"connect":{CONNECT}}}"#));
        let mut peer = server.accept();
        peer.packet();
        if slowly {
            peer.send_slowly(stream)
        } else {
            peer.send(stream)
        }
        tool.say(r#"{"wait":{"event":"closed"}}"#);
        let lines: Vec<_> = tool.end().into_iter().filter(|line| !line.starts_with(r#"{"sent""#)).collect();
        assert_eq!(lines.len(), 11, "{lines:?}");
        assert_eq!(lines[8], r#"{"received":"e0018b"}"#);
        assert_eq!(lines[9], r#"{"event":"disconnected","reason":139,"properties":{}}"#);
        runs.push(lines);
    }
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn deadlines_end_a_connection_in_silence() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    tool.say(&server.open());
    tool.say(r#"{"connect":{"client_id":"x","timeout_ms":100}}"#);
    let mut peer = server.accept();
    peer.packet();
    assert_eq!(tool.event("fault")["reason"], 136);
    assert_eq!(tool.event("closed")["by"], "client");
    peer.ends();
    let connect = r#"{"client_id":"x","keep_alive":1,"keep_alive_share":20,"ping_timeout_ms":100}"#;
    let (mut peer, _) = server.connected(&mut tool, connect, CONNACK);
    peer.gets("c0 00");
    assert_eq!(tool.event("fault")["reason"], 141);
    tool.event("closed");
    peer.ends();
}

#[test]
fn a_wait_consumes_past_events_too_and_runs_out() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, CONNECT, CONNACK);
    peer.send("d0 00  30 04 0001 61 00  d0 00");
    tool.event("pong");
    tool.event("message");
    tool.event("pong");
    for event in ["pong", "message", "pong"] {
        tool.say(&format!(r#"{{"wait":{{"event":"{event}","timeout_ms":10000}}}}"#));
    }
    let before = Instant::now();
    tool.say(r#"{"wait":{"event":"message","timeout_ms":300}}"#);
    tool.prints(r#"{"event":"timeout"}"#);
    let took = before.elapsed();
    assert!(took >= Duration::from_millis(290) && took < Duration::from_secs(8), "{took:?}");
    // Packets are handled while a command waits, and while it sleeps.
    tool.say(r#"{"wait":{"event":"pong","timeout_ms":10000}}"#);
    tool.say(r#"{"ping":{}}"#);
    peer.send("32 06 0001 61 0001 00");
    tool.event("message");
    peer.gets("40 02 0001");
    peer.silent();
    peer.send("d0 00");
    peer.gets("c0 00");
    tool.event("pong");
    tool.say(r#"{"sleep_ms":10000}"#);
    tool.say(r#"{"ping":{}}"#);
    peer.send("32 06 0001 61 0002 00");
    tool.event("message");
    peer.gets("40 02 0002");
    peer.silent();
}

#[test]
fn the_end_of_input_comes_after_the_commands_before_it() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    tool.say(&server.open());
    tool.say(r#"{"connect":{"client_id":"x"}}"#);
    tool.say(r#"{"wait":{"event":"connected"}}"#);
    tool.say(r#"{"publish":{"topic":"t","payload":"p","qos":1}}"#);
    tool.say(r#"{"wait":{"event":"published"}}"#);
    let answers = std::thread::spawn(move || {
        let mut peer = server.accept();
        peer.packet();
        std::thread::sleep(Duration::from_millis(100));
        peer.send(CONNACK);
        peer.gets("32 07 0001 74 0001 00 70");
        peer.send("40 02 0001");
        peer.ends();
    });
    let lines = tool.end();
    assert_eq!(lines.len(), 2, "{lines:?}");
    answers.join().unwrap();
}
