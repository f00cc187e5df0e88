//! What `oc2` does when the broker is not there, or does not behave: one line that says what failed, at which step and why,
//! within the deadline, and a status other than 0. Each peer here is a script of literal bytes on a plain TCP listener.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets these has failed")]

mod support;

use core::time::Duration;

use support::{Oc2, Peer, Script, free_port, run};

/// CONNACK, Success, no properties.
const ACCEPTED: &[u8] = b"\x20\x03\x00\x00\x00";

/// DISCONNECT, Normal disconnection, Session Expiry Interval 0: the demo leaves nothing behind.
const GOODBYE: &[u8] = b"\xe0\x07\x00\x05\x11\x00\x00\x00\x00";

/// Runs the demo against the port with a deadline of one second for each step; it has to end well before ten.
fn against(port: u16) -> Oc2 {
    run(&["--timeout", "1", "--broker", &format!("mqtt://127.0.0.1:{port}")], Duration::from_secs(10))
}

#[track_caller]
fn fails_with(oc2: &Oc2, port: u16, words: &[&str]) {
    let line = oc2.only_line();
    assert_eq!(oc2.status, Some(1), "{line}");
    assert!(line.starts_with("oc2: "), "{line}");
    assert!(line.contains(&format!("127.0.0.1:{port}")), "{line}");
    for word in words {
        assert!(line.contains(word), "{word:?} is not in {line:?}");
    }
}

#[test]
fn a_broker_that_is_not_there_refuses_the_connection() {
    let port = free_port();
    fails_with(&against(port), port, &["connecting", "refused"]);
}

#[test]
fn a_host_without_an_address_is_named() {
    let oc2 = run(&["--timeout", "5", "--broker", "mqtt://nowhere.invalid"], Duration::from_secs(20));
    let line = oc2.only_line();
    assert_eq!(oc2.status, Some(1));
    assert!(line.contains("nowhere.invalid") && line.contains("no address"), "{line}");
}

#[test]
fn a_peer_that_closes_at_once() {
    let peer = Peer::start(|_| Script::new());
    fails_with(&against(peer.port), peer.port, &["CONNACK", "closed the connection"]);
}

#[test]
fn a_peer_that_accepts_and_says_nothing() {
    let peer = Peer::start(|_| Script::new().hold());
    fails_with(&against(peer.port), peer.port, &["CONNACK", "no answer within 1 s"]);
}

#[test]
fn a_peer_that_stops_in_the_middle_of_its_answer() {
    let peer = Peer::start(|_| Script::new().read_packet().write(b"\x20\x06\x00\x00\x03").hold());
    fails_with(&against(peer.port), peer.port, &["CONNACK", "no answer within 1 s"]);
}

#[test]
fn a_port_where_something_else_listens() {
    let peer = Peer::start(|_| Script::new().read_packet().write(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    fails_with(&against(peer.port), peer.port, &["CONNACK", "broke the standard", "0x8", "[MQTT"]);
}

#[test]
fn a_peer_that_answers_with_noise() {
    let peer = Peer::start(|_| Script::new().read_packet().write(&[0xFF; 64]));
    fails_with(&against(peer.port), peer.port, &["CONNACK", "Malformed Packet (0x81)", "[MQTT"]);
}

#[test]
fn a_broker_that_speaks_mqtt_3_1_1_only() {
    // CONNACK of version 3.1.1 with return code 1, unacceptable protocol version: no properties.
    let peer = Peer::start(|_| Script::new().read_packet().write(b"\x20\x02\x00\x01"));
    fails_with(&against(peer.port), peer.port, &["CONNACK", "Protocol Error (0x82)", "[MQTT-3.2.2-8]"]);
}

#[test]
fn a_refused_connection_names_the_reason() {
    let peer = Peer::start(|_| Script::new().read_packet().write(b"\x20\x03\x00\x87\x00"));
    fails_with(&against(peer.port), peer.port, &["CONNACK", "refused", "Not authorized (0x87)"]);
}

#[test]
fn a_refused_connection_tells_the_servers_words() {
    // Server busy, with the Reason String "later".
    let peer = Peer::start(|_| Script::new().read_packet().write(b"\x20\x0b\x00\x89\x08\x1f\x00\x05later"));
    fails_with(&against(peer.port), peer.port, &["CONNACK", "Server busy (0x89)", "later"]);
}

#[test]
fn a_session_that_we_never_had_is_not_taken_over() {
    // Session Present 1.
    let peer = Peer::start(|_| Script::new().read_packet().write(b"\x20\x03\x01\x00\x00").hold());
    fails_with(&against(peer.port), peer.port, &["CONNACK", "[MQTT-3.2.2-4]"]);
}

#[test]
fn a_refused_subscription_names_the_filter_and_the_reason() {
    // Three filters, the second is refused.
    let peer = Peer::start(|_| {
        Script::new().read_packet().write(ACCEPTED).read_packet().answer_subscribe(&[2, 0x87, 2]).hold()
    });
    fails_with(&against(peer.port), peer.port, &["SUBACK", "oc2/cmd/ap/", "Not authorized (0x87)"]);
}

#[test]
fn a_broker_that_never_answers_a_subscription() {
    let peer = Peer::start(|_| Script::new().read_packet().write(ACCEPTED).hold());
    fails_with(&against(peer.port), peer.port, &["SUBACK", "no answer within 1 s"]);
}

#[test]
fn a_broker_that_shuts_down_says_so() {
    // DISCONNECT, Server shutting down.
    let peer = Peer::start(|_| Script::new().read_packet().write(ACCEPTED).read_packet().write(b"\xe0\x02\x8b\x00"));
    fails_with(&against(peer.port), peer.port, &["SUBACK", "Server shutting down (0x8B)"]);
}

#[test]
fn responses_that_never_come_are_missed() {
    let peer = Peer::start(|_| Script::new().serve());
    let oc2 = against(peer.port);
    fails_with(&oc2, peer.port, &["9 of 9 expected responses are missing"]);
    assert!(oc2.stdout.contains("no response"), "{}", oc2.stdout);
}

#[test]
fn a_bad_url_is_told_in_one_line() {
    for (url, word) in [("http://broker", "mqtt://"), ("mqtt://", "host"), ("mqtt://broker:99999", "port")] {
        let oc2 = run(&["--broker", url], Duration::from_secs(5));
        let line = oc2.only_line();
        assert_eq!(oc2.status, Some(2), "{line}");
        assert!(line.contains("--broker") && line.contains(word), "{line}");
    }
}

#[test]
fn a_url_of_what_the_demo_lacks_says_what_has_it() {
    let oc2 = run(&["--broker", "ws://broker/mqtt"], Duration::from_secs(5));
    let line = oc2.only_line();
    assert_eq!(oc2.status, Some(2), "{line}");
    assert!(line.contains("--broker") && line.contains("WebSockets") && line.contains("oc2 produce"), "{line}");
}

#[cfg(feature = "tls")]
#[test]
fn tls_that_cannot_be_is_told_as_such() {
    // An alert, handshake failure; and no TLS at all.
    for (bytes, words) in
        [(&b"\x15\x03\x03\x00\x02\x02\x28"[..], "HandshakeFailure"), (b"HTTP/1.1 400\r\n\r\n", "corrupt")]
    {
        let peer = Peer::start(move |_| Script::new().write(bytes).hold());
        let url = format!("mqtts://127.0.0.1:{}", peer.port);
        let oc2 = run(&["--timeout", "2", "--broker", &url, "--insecure"], Duration::from_secs(10));
        fails_with(&oc2, peer.port, &["TLS handshake", words]);
    }
    let silent = Peer::start(|_| Script::new().hold());
    let url = format!("mqtts://127.0.0.1:{}", silent.port);
    let oc2 = run(&["--timeout", "1", "--broker", &url, "--insecure"], Duration::from_secs(10));
    fails_with(&oc2, silent.port, &["TLS handshake", "no answer"]);
    let plain = run(&["--broker", "mqtt://127.0.0.1", "--cafile", "ca.pem"], Duration::from_secs(5));
    assert!(plain.only_line().contains("mqtts://"), "{}", plain.stderr);
}

#[test]
fn a_wrong_value_shows_the_possible_ones() {
    for (arguments, words) in [
        (&["--encoding", "xml"][..], "'xml' for '--encoding <ENCODING>' (possible: json, cbor)"),
        (&["--qos", "0"], "'0' for '--qos <1|2>': 0 is not in 1..=2"),
        (&["check", "--kind", "event", "-"], "(possible: auto, command, response, message)"),
        (&["check", "--language", "1.1", "-"], "(possible: 1.0, 2.0)"),
        (&["convert", "--to", "yaml", "-"], "(possible: json, cbor, cbor-concise)"),
        (&["convert", "--to"], "(possible: json, cbor, cbor-concise)"),
        (&["--timeout", "soon"], "seconds"),
        (&["broker", "--listen", "nowhere"], "--listen"),
    ] {
        let oc2 = run(arguments, Duration::from_secs(5));
        let line = oc2.only_line();
        assert_eq!(oc2.status, Some(2), "{line}");
        assert!(line.starts_with("oc2: ") && line.contains(words), "{words:?} is not in {line:?}");
    }
}

#[test]
fn the_embedded_broker_does_not_take_a_port_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let oc2 = run(&["broker", "--listen", &taken.local_addr().unwrap().to_string()], Duration::from_secs(5));
    assert_eq!(oc2.status, Some(1));
    assert!(oc2.only_line().starts_with("oc2: the embedded broker: "), "{}", oc2.stderr);
}

#[cfg(not(feature = "embedded-broker"))]
#[test]
fn a_program_without_the_embedded_broker_says_how_to_go_on() {
    let oc2 = run(&["--timeout", "1"], Duration::from_secs(5));
    assert_eq!(oc2.status, Some(1));
    assert!(oc2.only_line().contains("--broker mqtt://HOST"), "{}", oc2.stderr);
}

#[test]
fn a_password_is_never_printed() {
    let peer = Peer::start(|_| Script::new().read_packet().write(b"\x20\x03\x00\x86\x00"));
    let url = format!("mqtt://zulu01:=Pacific=@127.0.0.1:{}", peer.port);
    let oc2 = run(&["--json", "-v", "--timeout", "1", "--broker", &url], Duration::from_secs(10));
    fails_with(&oc2, peer.port, &["Bad User Name or Password (0x86)"]);
    assert!(oc2.stdout.contains("zulu01"), "{}", oc2.stdout);
    // Nor its bytes: "=Pacific=" ends the packet, as nine pairs of stars.
    assert!(oc2.stdout.contains("0009******************\"") && !oc2.stdout.contains("50616369"), "{}", oc2.stdout);
    assert!(!oc2.stdout.contains("Pacific") && !oc2.stderr.contains("Pacific"), "{}", oc2.stdout);
}

#[cfg(unix)]
#[test]
fn ctrl_c_says_goodbye_on_every_session() {
    let peer = Peer::start(|_| Script::new().serve());
    let mut child = support::spawn(&["--timeout", "60", "--broker", &format!("mqtt://127.0.0.1:{}", peer.port)]);
    // All four sessions are subscribed, and the Producer waits for responses that never come.
    peer.wait_for(Duration::from_secs(10), |packets| packets.iter().filter(|packet| packet[0] >> 4 == 3).count() >= 1);
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let oc2 = support::finish(&mut child, Duration::from_secs(10));
    assert_eq!(oc2.status, Some(130), "{}", oc2.stderr);
    assert!(oc2.only_line().contains("interrupted"), "{}", oc2.stderr);
    let goodbyes =
        peer.wait_for(Duration::from_secs(5), |packets| packets.iter().filter(|p| p[0] == 0xE0).count() >= 4);
    assert_eq!(goodbyes.iter().filter(|packet| packet.as_slice() == GOODBYE).count(), 4);
}
