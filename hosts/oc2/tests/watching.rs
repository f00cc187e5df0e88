//! Those who look on: `oc2 watch`, `oc2 replay`, and what they draw.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use serde_json::Value;
use support::running::{Broker, Running, oc2};

#[test]
fn whoever_watches_sees_commands_with_their_responses_and_can_replay_them() {
    let broker = Broker::start();
    let file = std::env::temp_dir().join(format!("oc2-watch-{}.jsonl", std::process::id()));
    let path = file.to_str().unwrap();
    let _consumer = broker.consume(&["--device", "fw1", "--slpf"]);
    let watching = Running::start(&broker.at(&["watch", "--json", "--record", path, "-C", "2", "-W", "20"]));
    watching.line("\"ready\"");
    let deny = ["produce", "deny", "ipv4_net", "10.0.0.1", "--to-device", "fw1"];
    assert_eq!(broker.json(&deny).0, Some(0));
    let command: Value = serde_json::from_str(&watching.line("\"message\"")).unwrap();
    assert_eq!(
        (&command["topic"], &command["openc2"]["valid"]),
        (&"oc2/cmd/device/fw1".into(), &true.into()),
        "{command}"
    );
    let response: Value = serde_json::from_str(&watching.line("\"response\"")).unwrap();
    assert_eq!(
        (&response["topic"], &response["openc2"]["message"]["headers"]["from"]),
        (&"oc2/rsp".into(), &"fw1".into())
    );
    assert!(response["after_ms"].as_f64().unwrap() >= 0.0, "{response}");

    let shown = oc2(&["replay", path, "--json"]).output().unwrap();
    assert_eq!(shown.status.code(), Some(0));
    assert_eq!(String::from_utf8(shown.stdout).unwrap().lines().count(), 2);
    // Published again, it is answered again as what it is: a request that was answered before.
    let (status, lines) = broker.json(&["replay", path, "--publish", "--speed", "1000"]);
    assert_eq!((status, lines.len()), (Some(0), 2));
    // What was recorded can be drawn: who sent what, and its fields.
    let drawing = file.with_extension("svg");
    let drawn = oc2(&["replay", path, "--svg", drawing.to_str().unwrap()]).output().unwrap();
    assert_eq!(drawn.status.code(), Some(0));
    let svg = std::fs::read_to_string(&drawing).unwrap();
    let root = roxmltree::Document::parse(&svg).unwrap();
    let texts: Vec<_> = root.descendants().filter_map(|node| node.text()).map(str::trim).collect();
    for text in [
        "deny ipv4_net 10.0.0.1",
        "PUBLISH  oc2/cmd/device/fw1",
        "PUBLISH  oc2/rsp  200",
        "oc2-producer → broker",
        "fw1 → broker",
        "topicName",
        "\"msgType:req\"",
    ] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    // Its identifier was between its sender and the broker, so nobody who looks on knows it.
    assert!(!texts.contains(&"packetId"), "{texts:?}");
    std::fs::remove_file(&drawing).unwrap();
    std::fs::remove_file(&file).unwrap();
    let gone = oc2(&["replay", path]).output().unwrap();
    assert_eq!(gone.status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn what_was_watched_is_drawn_also_when_ctrl_c_ends_it() {
    let broker = Broker::start();
    let file = std::env::temp_dir().join(format!("oc2-watch-{}-c.svg", std::process::id()));
    let _consumer = broker.consume(&["--device", "fw1", "--slpf"]);
    let mut watching = Running::start(&broker.at(&["watch", "--svg", file.to_str().unwrap()]));
    watching.line("watching oc2/#");
    assert_eq!(broker.json(&["produce", "deny", "ipv4_net", "10.0.0.1", "--to-device", "fw1"]).0, Some(0));
    watching.line("oc2/rsp");
    let pid = watching.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(watching.child.wait().unwrap().code(), Some(130));
    let svg = std::fs::read_to_string(&file).unwrap();
    assert!(svg.contains(">fw1<") && svg.contains(">oc2-producer<"), "{svg}");
    std::fs::remove_file(&file).unwrap();
    // A place that can't be written to.
    let end = broker.run(&["watch", "-W", "0.1", "--svg", "/nonexistent/x.svg"]);
    assert_eq!(end.status, Some(1));
    assert!(end.stderr.lines().last().unwrap().starts_with("oc2: /nonexistent/x.svg: "), "{}", end.stderr);
}
