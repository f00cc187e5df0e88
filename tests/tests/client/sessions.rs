//! A session over several connections, and many exchanges in flight.

use serde_json::json;

use crate::harness::{Server, Tool};

const CONNACK: &str = "20 03 00 00 00";
const PRESENT: &str = "20 03 01 00 00";
const KEEP: &str = r#"{"client_id":"x","clean_start":false,"properties":{"session_expiry_interval":100}}"#;

#[test]
fn a_session_is_resumed_over_two_opens() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, KEEP, CONNACK);
    tool.say(r#"{"publish":{"topic":"t","payload":"1","qos":1}}"#);
    tool.say(r#"{"publish":{"topic":"t","payload":"2","qos":2}}"#);
    tool.say(r#"{"publish":{"topic":"t","payload":"3","qos":2}}"#);
    tool.say(r#"{"publish":{"topic":"t","payload":"4"}}"#);
    peer.gets("32 07 0001 74 0001 00 31  34 07 0001 74 0002 00 32  34 07 0001 74 0003 00 33  30 05 0001 74 00 34");
    peer.send("50 02 0003  34 06 0001 61 0007 00");
    peer.gets("62 02 0003");
    tool.event("message");
    peer.gets("50 02 0007");
    drop(peer);
    tool.prints(r#"{"event":"closed","by":"server","lost":[]}"#);
    tool.say(r#"{"publish":{"topic":"t","payload":"5","qos":1,"hold":true}}"#);

    let (mut peer, connected) = server.connected(&mut tool, KEEP, PRESENT);
    assert_eq!((&connected["session_present"], &connected["resumed"]), (&true.into(), &true.into()));
    // In the order first sent: PUBREL 3 came after the others. Then what is new.
    peer.gets("3a 07 0001 74 0001 00 31  3c 07 0001 74 0002 00 32  62 02 0003  32 07 0001 74 0004 00 35");
    // A message of QoS 2 that was told is not told again.
    peer.send("3c 06 0001 61 0007 00");
    peer.gets("50 02 0007");
    peer.send("62 02 0007");
    peer.gets("70 02 0007");
    peer.send("70 02 0003  40 02 0004  40 02 0001  50 02 0002");
    peer.gets("62 02 0002");
    peer.send("70 02 0002");
    for (id, qos) in [(3, 2), (4, 1), (1, 1), (2, 2)] {
        let published = tool.event("published");
        assert_eq!((&published["id"], &published["qos"]), (&json!(id), &json!(qos)));
        assert_eq!(published.get("received").is_some(), qos == 2);
    }
    tool.silent();
}

#[test]
fn what_the_server_lost_is_named() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, KEEP, CONNACK);
    for _ in 0..3 {
        tool.say(r#"{"publish":{"topic":"t","qos":1}}"#);
        peer.packet();
    }
    peer.send("40 02 0002");
    tool.event("published");
    drop(peer);
    tool.event("closed");
    let (mut peer, connected) = server.connected(&mut tool, KEEP, CONNACK);
    assert_eq!((&connected["resumed"], &connected["lost"]), (&false.into(), &json!([1, 3])));
    // Identifiers go on counting.
    tool.say(r#"{"publish":{"topic":"t","qos":1}}"#);
    peer.gets("32 06 0001 74 0004 00");
}

#[test]
fn a_session_that_nobody_claimed_closes_the_connection() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    tool.say(&server.open());
    tool.say(&format!(r#"{{"connect":{KEEP}}}"#));
    let mut peer = server.accept();
    peer.packet();
    peer.send(PRESENT);
    let fault = tool.event("fault");
    assert_eq!((&fault["reason"], &fault["rule"]), (&130.into(), &"MQTT-3.2.2-4".into()));
    tool.event("closed");
    drop(peer);
    drop(tool);
    let mut tool = Tool::start(&[]);
    let claimed = KEEP.replace("{\"client_id\"", "{\"prior\":\"empty\",\"client_id\"");
    let (_peer, connected) = server.connected(&mut tool, &claimed, PRESENT);
    assert_eq!(connected["resumed"], true);
}

#[test]
fn a_session_ends_with_its_expiry() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let connect = KEEP.replace("100", "1");
    let (mut peer, _) = server.connected(&mut tool, &connect, CONNACK);
    tool.say(r#"{"publish":{"topic":"t","qos":1}}"#);
    peer.packet();
    drop(peer);
    tool.prints(r#"{"event":"closed","by":"server","lost":[]}"#);
    tool.prints(r#"{"event":"expired","lost":[1]}"#);
    // With an expiry of 0 it ends with the connection.
    let (mut peer, _) = server.connected(&mut tool, r#"{"client_id":"x"}"#, CONNACK);
    tool.say(r#"{"publish":{"topic":"t","qos":2}}"#);
    peer.packet();
    drop(peer);
    tool.prints(r#"{"event":"closed","by":"server","lost":[2]}"#);
}

#[test]
fn another_client_identifier_needs_a_clean_start() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (peer, _) = server.connected(&mut tool, KEEP, CONNACK);
    tool.say(r#"{"connect":{}}"#);
    assert_eq!(tool.event("refused")["kind"], "connected");
    tool.say(&server.open());
    assert_eq!(tool.event("error")["why"], "a connection is open");
    drop(peer);
    tool.event("closed");
    tool.say(&server.open());
    tool.say(&format!(r#"{{"connect":{}}}"#, KEEP.replace('x', "y").replace("eypiry", "expiry")));
    assert_eq!(tool.event("refused")["rule"], "MQTT-3.1.3-2");
    // The connection is still open, and nothing was sent.
    tool.say(&format!(r#"{{"connect":{KEEP}}}"#));
    let mut peer = server.accept();
    assert_eq!(peer.packet().last(), Some(&b'x'));
}

#[test]
fn the_servers_receive_maximum_is_kept() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, KEEP, "20 06 00 00 03 210001");
    tool.say(r#"{"publish":{"topic":"t","qos":1}}"#);
    tool.say(r#"{"publish":{"topic":"t","qos":1}}"#);
    assert_eq!(tool.event("refused")["kind"], "receive_maximum");
    tool.say(r#"{"publish":{"topic":"t","qos":1,"hold":true}}"#);
    peer.gets("32 06 0001 74 0001 00");
    peer.silent();
    peer.send("40 02 0001");
    peer.gets("32 06 0001 74 0002 00");
}

#[test]
fn there_is_room_for_65_535_exchanges() {
    let server = Server::new();
    let mut tool = Tool::start(&[]);
    let (mut peer, _) = server.connected(&mut tool, KEEP, CONNACK);
    let reader = std::thread::spawn(move || {
        for id in 1..=u16::MAX {
            assert_eq!(peer.packet(), [&[0x32, 7, 0, 1, b't'][..], &id.to_be_bytes(), &[0, b'p']].concat());
        }
        peer
    });
    let command = r#"{"publish":{"topic":"t","payload":"p","qos":1}}"#;
    let many = format!("{command}\n").repeat(65_535 - 1);
    tool.say(&format!("{many}{command}"));
    let mut peer = reader.join().unwrap();
    tool.say(command);
    assert_eq!(tool.event("refused")["kind"], "receive_maximum");
    tool.say(&command.replace("1}}", r#"1,"hold":true}}"#));
    assert_eq!(tool.event("refused")["kind"], "exchanges");
    peer.send("40 02 1234  40 02 ffff");
    for id in [0x1234, 0xFFFF] {
        assert_eq!(tool.event("published")["id"], id);
    }
    // The identifier that rests for the longest comes next.
    tool.say(command);
    peer.gets("32 07 0001 74 1234 00 70");
    // All of that can be resumed.
    drop(peer);
    tool.prints(r#"{"event":"closed","by":"server","lost":[]}"#);
    let (mut peer, connected) = server.connected(&mut tool, KEEP, PRESENT);
    assert_eq!(connected["lost"], json!([]));
    for id in 1..0x1234u16 {
        assert_eq!(peer.packet(), [&[0x3A, 7, 0, 1, b't'][..], &id.to_be_bytes(), &[0, b'p']].concat());
    }
}
