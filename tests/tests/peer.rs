//! The judge of clients on our own client, both as processes.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const TRIALS: usize = 16;

/// What the client does on the connection with this number; the judge says what it is for.
fn script(number: usize, address: &str) -> Vec<Value> {
    let wait = |event: &str, timeout: u64| json!({ "wait": { "event": event, "timeout_ms": timeout } });
    let publish = |qos: u8| json!({ "publish": { "topic": "out", "payload": "x", "qos": qos, "hold": true } });
    let properties = json!({ "session_expiry_interval": 100 });
    let mut lines = vec![
        json!({ "open": address }),
        json!({ "connect": { "client_id": "judged", "clean_start": number == 0, "properties": properties } }),
        wait("connected", 5000),
    ];
    if number < 2 {
        lines.push(json!({ "subscribe": { "filters": [{ "filter": "in", "qos": 2 }] } }));
        lines.extend([wait("subscribed", 5000), wait("message", 5000), wait("message", 5000), wait("message", 5000)]);
        lines.extend([publish(0), publish(1), publish(2), wait("published", 5000), wait("published", 5000)]);
        lines.extend([publish(1), publish(2)]);
        // The first connection is cut with messages under way.
        lines.extend(if number == 0 {
            vec![json!({ "close": {} })]
        } else {
            vec![wait("published", 5000), wait("published", 5000), json!({ "disconnect": {} })]
        });
    } else if number == 2 {
        lines.extend([publish(1), publish(1), wait("published", 5000), publish(2), json!({ "disconnect": {} })]);
    } else if number == 3 {
        lines.extend([json!({ "sleep_ms": 4500 }), json!({ "disconnect": {} })]);
    } else {
        // The server breaks the standard, and the client ends the connection.
    }
    lines.push(wait("closed", 5000));
    lines
}

#[test]
fn our_own_client_breaks_no_statement_in_any_trial() {
    let tool = || Command::new(env!("CARGO_BIN_EXE_conformance"));
    let mut judge = tool()
        .args(["peer", "--json", "--seconds", "60", "--connections", &TRIALS.to_string(), "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(judge.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap();
    let mut client = tool().args(["client", "--trace"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let events = BufReader::new(client.stdout.take().unwrap());
    let mut stdin = client.stdin.take().unwrap();
    for number in 0..TRIALS {
        for line in script(number, address) {
            writeln!(stdin, "{line}").unwrap();
        }
    }
    drop(stdin);
    let events: Vec<String> = events.lines().map(Result::unwrap).collect();
    client.wait().unwrap();
    let mut report = String::new();
    judge.stdout.take().unwrap().read_to_string(&mut report).unwrap();
    let status = judge.wait().unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["counts"]["fail"], 0, "{report:#}\n{}", events.join("\n"));
    assert_eq!(report["counts"]["should"], 0, "{report:#}");
    assert!(report["counts"]["pass"].as_u64().unwrap() >= 30, "{report:#}\n{}", events.join("\n"));
    assert!(status.success());
}

#[test]
fn our_own_client_plays_sequences_as_a_process() {
    let client = format!("{} client", env!("CARGO_BIN_EXE_conformance"));
    let judge = Command::new(env!("CARGO_BIN_EXE_conformance"))
        .args(["peer", "--json", "--sequences", "--only", "resume/", "--exec", &client])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&judge.stdout).unwrap();
    assert_eq!((&report["counts"]["fail"], &report["counts"]["should"]), (&json!(0), &json!(0)), "{report:#}");
    assert!(report["counts"]["pass"].as_u64().unwrap() >= 30, "{report:#}");
    assert!(judge.status.success());
    // A client that does nothing is none.
    let judge = Command::new(env!("CARGO_BIN_EXE_conformance"))
        .args(["peer", "--sequences", "--only", "resume/qos-0", "--exec", "sleep 60"])
        .output()
        .unwrap();
    assert_eq!(judge.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&judge.stderr).contains("never connected"));
}
