//! `oc2 inspect`, as a shell sees it: hex, bytes, captures and a live connection.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets these has failed")]

mod support;

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::capture::{Capture, Pcap, Pcapng};
use support::{Peer, Script};

const CONNECT: &[u8] = b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01x";
const CONNACK: &[u8] = b"\x20\x03\x00\x00\x00";
/// PUBLISH, QoS 0, topic "a", no properties, payload "hi".
const PUBLISH: &[u8] = b"\x30\x06\x00\x01a\x00hi";
/// A PUBLISH with both QoS bits set.
const BAD: &[u8] = b"\x36\x02\x00\x00";

/// Runs `oc2 inspect` with this on its standard input: status, standard output, standard error.
fn inspect(arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_oc2"))
        .arg("inspect")
        .args(arguments)
        .env_remove("COLUMNS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without having read.
    let _unread = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json(arguments: &[&str], input: &[u8]) -> (Option<i32>, Vec<Value>) {
    let (status, out, _) = inspect(&[&["--json"], arguments].concat(), input);
    (status, out.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The packets' names, each with who sent it.
fn told(lines: &[Value]) -> Vec<String> {
    let packets = lines.iter().filter(|line| line["type"] == "packet");
    packets
        .map(|line| {
            let bad = if line["valid"] == true { "" } else { " bad" };
            format!("{} {}{bad}", line["from"].as_str().unwrap(), line["packet"].as_str().unwrap_or("?"))
        })
        .collect()
}

#[test]
fn a_packet_is_explained_field_by_field() {
    let (status, out, err) = inspect(&["--hex", "c2s 30 06 00 01 61 00 68 69"], b"");
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let expected = "\
#1  client ──▶ server  PUBLISH, 8 bytes
    0  30                        packet type       PUBLISH (3)
                                                   .... 0...  not sent before
                                                   .... .00.  QoS 0: at most once
                                                   .... ...0  not retained
    1  06                        remaining length  6 bytes
    2  00 01 61                  topic name        \"a\"
    5  00                        properties        none
    6  68 69                     payload           2 bytes
       hi

1 packet, all valid
";
    assert_eq!(out, expected);
}

#[test]
fn a_bad_packet_has_a_caret_under_the_byte_and_the_statement_beside_it() {
    let (status, out, _) = inspect(&["--hex", "c2s 30 07 00 01 61 02 23 00 01"], b"");
    let lines: Vec<&str> = out.lines().collect();
    let at = lines.iter().position(|line| line.contains("^^")).unwrap();
    let caret = lines[at].find("^^").unwrap();
    let says =
        "^^  the property length covers the properties exactly [MQTT 2.2.2.1]; the answer is Malformed Packet (0x81)";
    assert_eq!(lines[at].trim_start(), says);
    // The property length says 2, and there are 3 bytes.
    assert!(lines[at - 1].get(caret..caret + 2).is_some_and(|hex| u8::from_str_radix(hex, 16).is_ok()), "{out}");
    assert_eq!(status, Some(1));
    assert_eq!(lines.last(), Some(&"1 packet, 1 not valid"));
}

#[test]
fn the_lines_for_programs_say_where_every_field_stands() {
    let (status, lines) = json(&["-v"], &[CONNECT, PUBLISH, BAD].concat());
    assert_eq!(status, Some(1));
    assert_eq!(told(&lines), ["client CONNECT", "client PUBLISH", "client PUBLISH bad"]);
    let [connect, publish, bad, summary] = lines.as_slice() else { panic!("{lines:?}") };
    let fields = connect["fields"].as_array().unwrap();
    let names: Vec<_> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
    let expected =
        ["packet type", "remaining length", "protocol name", "protocol version", "connect flags", "keep alive"];
    assert_eq!(names[..6], expected);
    assert_eq!((&fields[5]["at"], &fields[5]["length"], &fields[5]["value"]), (&10.into(), &2.into(), &60.into()));
    assert_eq!((&publish["offset"], &publish["length"]), (&16.into(), &8.into()));
    assert_eq!((&publish["payload"], &publish["bytes"]), (&"hi".into(), &"3006000161006869".into()));
    assert_eq!((&bad["error"]["rule"], &bad["error"]["at"]), (&"MQTT-3.3.1-4".into(), &0.into()));
    assert_eq!(bad["error"]["reason_code"], 0x81);
    assert_eq!((&summary["type"], &summary["packets"]), (&"summary".into(), &3.into()));
    assert_eq!(summary["invalid_packets"], 1);
}

/// A PUBLISH of OpenC2 in JSON, on a topic of less than 100 bytes; the payload has less than 128.
fn openc2(topic: &str, kind: &str, payload: &str) -> Vec<u8> {
    let pair = |key: &str, value: &str| {
        [&[0x26, 0, key.len() as u8], key.as_bytes(), &[0, value.len() as u8], value.as_bytes()].concat()
    };
    let properties =
        [&b"\x01\x01"[..], &pair("msgType", kind), &pair("encoding", "json"), b"\x03\x00\x12application/openc2"]
            .concat();
    let body = [
        &[0, topic.len() as u8],
        topic.as_bytes(),
        b"\x00\x07",
        &[properties.len() as u8],
        &properties,
        payload.as_bytes(),
    ];
    let body = body.concat();
    let length = [body.len() as u8 | 0x80, (body.len() >> 7) as u8];
    [&[0x32], &length[..], &body].concat()
}

const DENY: &str =
    r#"{"headers":{"from":"p"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"10.0.0.0/8"}}}}}"#;

#[test]
fn openc2_is_opened_and_what_breaks_it_is_pointed_at() {
    let (status, lines) = json(&[], &openc2("oc2/cmd/all", "req", DENY));
    assert_eq!(status, Some(0), "{lines:?}");
    assert_eq!(lines[0]["openc2"]["valid"], true);
    assert_eq!(lines[0]["openc2"]["message"]["headers"]["from"], "p");

    let bad = openc2("oc2/cmd/all", "req", &DENY.replace("10.", "999."));
    let (status, lines) = json(&[], &bad);
    assert_eq!((status, &lines[0]["valid"], &lines[0]["openc2"]["valid"]), (Some(1), &true.into(), &false.into()));
    let error = &lines[0]["openc2"]["error"];
    assert_eq!(
        (&error["path"], &error["section"]),
        (&"body.openc2.request.target.ipv4_net".into(), &"LS1 3.4.1.9".into())
    );
    assert_eq!(error["at"], DENY.find("\"10.").unwrap());
    let (_, out, _) = inspect(&[], &bad);
    let lines: Vec<&str> = out.lines().collect();
    let at = lines.iter().position(|line| line.contains("^ byte")).unwrap();
    let column = lines[at].chars().position(|c| c == '^').unwrap();
    assert!(lines[at - 1].chars().skip(column).collect::<String>().starts_with("\"999."), "{out}");
}

#[test]
fn a_message_that_breaks_the_transfer_specification_says_which_clause() {
    for (topic, kind, payload, clause) in [
        ("oc2/rsp", "req", DENY, "a request came on a topic for responses, or a response on one for commands"),
        ("oc2/cmd/all", "rsp", DENY, "the payload is not the kind of message that msgType says"),
        ("oc2/cmd/nowhere", "req", DENY, "the topic is none of OpenC2's"),
        (
            "oc2/cmd/all",
            "req",
            &DENY.replace("\"from\":\"p\"", "\"request_id\":\"1\""),
            "the message does not say who sends it",
        ),
    ] {
        let (status, lines) = json(&[], &openc2(topic, kind, payload));
        let violations = lines[0]["openc2"]["violations"].as_array().unwrap();
        assert!(violations.iter().any(|one| one["meaning"] == clause), "{clause}: {violations:?}");
        assert_eq!(status, Some(1));
    }
}

#[test]
fn topics_are_those_of_the_layout_and_under_the_prefix_that_are_named() {
    for (topic, arguments, good) in [
        ("oc2/cmd/all", &[][..], true),
        ("site/oc2/cmd/all", &[], false),
        ("site/oc2/cmd/all", &["--prefix", "site"], true),
        ("oc2/cmd/all", &["--prefix", "site"], false),
        // WD01 has no topic for everyone.
        ("oc2/cmd/all", &["--layout", "wd01"], false),
    ] {
        let (_, lines) = json(arguments, &openc2(topic, "req", DENY));
        let violations = lines[0]["openc2"]["violations"].as_array().unwrap();
        let strange = violations.iter().any(|one| one["meaning"] == "the topic is none of OpenC2's");
        assert_eq!(!strange, good, "{topic} {arguments:?}: {violations:?}");
    }
}

#[test]
fn only_what_was_asked_for_is_shown_and_all_is_counted() {
    let input = [CONNECT, PUBLISH, BAD, PUBLISH].concat();
    assert_eq!(told(&json(&["--only", "bad"], &input).1), ["client PUBLISH bad"]);
    assert_eq!(told(&json(&["--only", "connect,bad"], &input).1), ["client CONNECT", "client PUBLISH bad"]);
    let (status, lines) = json(&["--only", "suback"], &input);
    assert_eq!((status, lines.len(), &lines[0]["packets"]), (Some(1), 1, &4.into()));
}

#[test]
fn a_line_for_each_packet_is_enough_where_asked_for() {
    let (_, out, _) = inspect(&["--brief"], &[CONNECT, PUBLISH].concat());
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "   1  ──▶  CONNECT  client id x  clean start 1  keep alive 60  will 0");
    assert_eq!(lines[1], "   2  ──▶  PUBLISH  a  QoS 0  2 bytes");
    assert_eq!(lines.len(), 3);
}

#[test]
fn what_is_shown_fits_the_width() {
    let input = [CONNECT, &openc2("oc2/cmd/all", "req", DENY), BAD].concat();
    for columns in [120, 80, 60, 40] {
        for flags in [&["--brief"][..], &["-v"], &[]] {
            let output = Command::new(env!("CARGO_BIN_EXE_oc2"))
                .args([&["inspect", "--hex", &hex(&input)], flags].concat())
                .env("COLUMNS", columns.to_string())
                .output()
                .unwrap();
            for line in String::from_utf8(output.stdout).unwrap().lines() {
                assert!(line.chars().count() <= columns, "{columns}: {line}");
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_capture_is_put_together_whatever_the_order_of_its_segments() {
    let up = [CONNECT, PUBLISH, PUBLISH].concat();
    for mut capture in [Box::new(Pcap::new()) as Box<dyn Capture>, Box::new(Pcapng::new())] {
        capture.syn(true, 99);
        capture.segment(true, 100, &up[..10]);
        capture.segment(true, 120, &up[20..]);
        // Sent again, and longer than the first time.
        capture.segment(true, 100, &up[..16]);
        capture.segment(true, 115, &up[15..24]);
        capture.segment(false, 7, CONNACK);
        let (status, lines) = json(&[], &capture.bytes());
        assert_eq!(told(&lines), ["client CONNECT", "client PUBLISH", "client PUBLISH", "server CONNACK"]);
        assert_eq!(status, Some(0));
        assert_eq!((&lines[0]["client"], &lines[0]["server"]), (&"10.0.0.1:50000".into(), &"10.0.0.2:1883".into()));
        assert!(lines[0]["time"].as_str().unwrap().starts_with("2026-11-28T"), "{}", lines[0]["time"]);
    }
}

#[test]
fn a_capture_with_a_hole_says_so_and_goes_on_behind_it() {
    let mut capture = Pcap::new();
    capture.segment(true, 100, CONNECT);
    capture.segment(true, 200, PUBLISH);
    let (status, lines) = json(&[], &capture.bytes());
    assert_eq!(told(&lines), ["client CONNECT", "client PUBLISH"]);
    assert!(
        lines.iter().any(|line| line["note"].as_str().is_some_and(|note| note.starts_with("84 bytes "))),
        "{lines:?}"
    );
    assert_eq!(status, Some(0));
}

#[test]
fn what_no_packet_can_be_read_from_is_named() {
    let mut capture = Pcap::new();
    capture.segment(true, 100, b"\x16\x03\x01\x02\x00\x01");
    let (_, lines) = json(&[], &capture.bytes());
    assert!(lines[0]["note"].as_str().unwrap().contains("TLS"), "{lines:?}");

    let mut whole = Pcap::new();
    whole.segment(true, 100, CONNECT);
    let mut cut = whole.bytes();
    cut.truncate(cut.len() - 3);
    let (status, _, err) = inspect(&[], &cut);
    assert_eq!((status, err.as_str()), (Some(1), "oc2: -: it ends in the middle of a record\n"));

    for (arguments, words) in [
        (&["/no/such/file"][..], "/no/such/file: "),
        (&["--hex", "c0 z0"], "--hex: line 1: 'z' is no hexadecimal digit"),
        (&["--format", "capture", "-"], "-: it is no capture that can be read"),
        (&["--format", "hex", "-"], "-: line 1: 'm' is no hexadecimal digit"),
    ] {
        let (status, _, err) = inspect(arguments, b"mqtt is none of these");
        assert!(err.starts_with("oc2: ") && err.contains(words) && err.lines().count() == 1, "{words}: {err}");
        assert_eq!(status, Some(1));
    }
}

#[test]
fn nothing_is_nothing_and_is_valid() {
    assert_eq!(inspect(&[], b""), (Some(0), "no packets\n".into(), String::new()));
    let (status, lines) = json(&[], b"");
    assert_eq!((status, lines.len()), (Some(0), 1));
}

#[test]
fn whoever_stops_reading_ends_it_without_a_word() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_oc2"))
        .args(["inspect", "--format", "binary", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    // The pipe breaks when nobody reads any more.
    let _broken = (0..100_000).try_for_each(|_| input.write_all(PUBLISH));
    drop(input);
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    child.wait().unwrap();
    assert_eq!(err, "");
}

#[test]
fn a_live_connection_is_shown_as_it_passes() {
    let peer = Peer::start(|_| Script::new().read_packet().write(CONNACK).read_packet().write(BAD));
    let to = format!("mqtt://127.0.0.1:{}", peer.port);
    let mut child = Command::new(env!("CARGO_BIN_EXE_oc2"))
        .args(["inspect", "--json", "--listen", "127.0.0.1:0", "--to", &to])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut first).unwrap();
    let port = first.split("127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap().parse::<u16>().unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.write_all(CONNECT).unwrap();
    let mut answer = [0; 5];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, CONNACK);
    client.write_all(PUBLISH).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, BAD);
    drop(client);
    let lines: Vec<Value> = BufReader::new(child.stdout.as_mut().unwrap())
        .lines()
        .take(5)
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    assert_eq!(told(&lines), ["client CONNECT", "server CONNACK", "client PUBLISH", "server PUBLISH bad"]);
    assert!(lines[4]["note"].as_str().unwrap().ends_with("has gone"));
    #[cfg(unix)]
    {
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let oc2 = support::finish(&mut child, Duration::from_secs(10));
        assert!(oc2.stdout.lines().last().unwrap().contains("\"summary\""), "{}", oc2.stdout);
        assert_eq!(oc2.status, Some(1));
    }
    #[cfg(not(unix))]
    child.kill().unwrap();
}
