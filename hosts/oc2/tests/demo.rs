//! The main job, end to end: what `oc2` prints when it runs against the broker embedded in it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets these has failed")]

mod support;

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{Oc2, run};

fn demo(arguments: &[&str]) -> (Oc2, Vec<Value>) {
    let arguments = [&["demo", "--json", "--timeout", "20"], arguments].concat();
    let oc2 = run(&arguments, Duration::from_secs(60));
    assert_eq!(oc2.status, Some(0), "{}\n{}", oc2.stderr, oc2.stdout);
    assert_eq!(oc2.stderr, "");
    let lines = oc2.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (oc2, lines)
}

fn packets<'a>(lines: &'a [Value], name: &'a str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line["packet"] == name)
}

#[test]
fn four_sessions_connect_as_the_transfer_specification_says() {
    let (_, lines) = demo(&[]);
    let connects: Vec<_> = packets(&lines, "CONNECT").collect();
    assert_eq!(connects.len(), 4);
    for connect in &connects {
        assert_eq!((&connect["clean_start"], &connect["will"]), (&json!(false), &json!(false)));
        assert_eq!(connect["keep_alive"], 300);
        assert!(connect["session_expiry"].as_u64().unwrap() > 0);
        let id = connect["client_id"].as_str().unwrap();
        assert!((1..=23).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert_eq!(connects.iter().filter(|other| other["client_id"] == id).count(), 1, "identifiers are random");
    }
    assert_eq!(packets(&lines, "CONNACK").filter(|ack| ack["reason"] == "Success (0x00)").count(), 4);
    assert_eq!(packets(&lines, "DISCONNECT").count(), 4);
}

#[test]
fn each_subscribes_to_its_topics_with_the_recommended_options() {
    let (_, lines) = demo(&[]);
    let mut filters: Vec<_> = packets(&lines, "SUBSCRIBE").map(|one| one["filters"].as_array().unwrap()).collect();
    filters.sort_by_key(|filters| filters.len());
    let options = " (maxQoS=2, NL=1, RAP=1, RH=0)";
    let topics = |filters: &[Value]| -> Vec<String> {
        filters.iter().map(|one| one.as_str().unwrap().strip_suffix(options).unwrap().to_owned()).collect()
    };
    let topics: Vec<_> = filters.iter().map(|filters| topics(filters)).collect();
    assert_eq!(topics.len(), 4);
    assert_eq!(topics[0][0], "oc2/rsp");
    assert!(topics[0][1].starts_with("oc2/rsp/"));
    assert_eq!(topics[1][..2], ["oc2/cmd/all", "oc2/cmd/ap/slpf"]);
    assert!(topics[1][2].starts_with("oc2/cmd/device/"));
    assert!(topics.iter().any(|topics| topics[1..].starts_with(&["oc2/cmd/ap/slpf".into(), "oc2/cmd/ap/ids".into()])));
    assert!(topics.iter().any(|topics| topics[1..].starts_with(&["oc2/cmd/ap/edr".into(), "oc2/cmd/ap/sbom".into()])));
}

#[test]
fn every_message_carries_the_properties_of_openc2() {
    for (encoding, format) in [("json", 1), ("cbor", 0)] {
        let (_, lines) = demo(&["--encoding", encoding]);
        let sent: Vec<_> = packets(&lines, "PUBLISH").filter(|publish| publish["to"] == "broker").collect();
        assert_eq!(sent.len(), 4 + 9, "four commands and nine responses");
        for publish in sent {
            let kind = if publish["from"] == "producer" { "req" } else { "rsp" };
            assert_eq!(publish["user_properties"], json!([["msgType", kind], ["encoding", encoding]]));
            assert_eq!(publish["content_type"], "application/openc2");
            assert_eq!(publish["payload_format"], format);
            assert_eq!(
                (&publish["qos"], &publish["retain"], &publish["dup"]),
                (&json!(1), &json!(false), &json!(false))
            );
            assert_eq!(publish.get("response_topic"), None);
            assert_eq!(publish["topic"].as_str().unwrap().starts_with("oc2/cmd/"), kind == "req");
        }
    }
}

#[test]
fn every_command_is_answered_by_whom_it_concerns() {
    for qos in ["1", "2"] {
        let (_, lines) = demo(&["--qos", qos]);
        let mut answers: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for line in lines.iter().filter(|line| line["type"] == "response") {
            assert!(line["after_ms"].as_f64().unwrap() >= 0.0);
            answers.entry(line["topic"].as_str().unwrap()).or_default().push(line["status"].as_u64().unwrap());
        }
        assert_eq!(answers["oc2/cmd/ap/slpf"], [200, 200]);
        let all = &answers["oc2/cmd/all"];
        assert_eq!(all.iter().filter(|status| **status == 200).count(), 3);
        assert_eq!(all.iter().filter(|status| **status == 501).count(), 3);
        assert_eq!(answers.values().map(Vec::len).sum::<usize>(), 9);
        let last = lines.last().unwrap();
        assert_eq!((&last["expected"], &last["answered"]), (&json!(9), &json!(9)));
        assert_eq!(last["invalid_packets"], 0);
    }
}

#[test]
fn every_line_for_programs_says_what_it_is() {
    let (_, lines) = demo(&[]);
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &lines {
        *count.entry(line["type"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!((count["response"], count["summary"]), (9, 1));
    assert_eq!(count["packet"], lines.last().unwrap()["packets"].as_u64().unwrap() as usize);
    assert_eq!(count.len(), 3, "{count:?}");
}

#[test]
fn bytes_are_shown_when_asked_for() {
    let (_, lines) = demo(&["-v"]);
    let connect = packets(&lines, "CONNECT").next().unwrap();
    let bytes = connect["bytes"].as_str().unwrap();
    // MQTT, version 5, no flags, keep alive 300.
    assert!(bytes.starts_with("10") && bytes.contains("00044d51545405" /* MQTT 5 */), "{bytes}");
    assert!(bytes.contains("0500012c"), "{bytes}");
}

#[test]
fn a_person_gets_a_trace_a_table_and_one_closing_line_without_colour() {
    let oc2 = run(&["--timeout", "20"], Duration::from_secs(60));
    assert_eq!(oc2.status, Some(0), "{}", oc2.stderr);
    assert!(!oc2.stdout.contains('\u{1b}'), "colour, though this is no terminal");
    let lines: Vec<&str> = oc2.stdout.lines().collect();
    assert!(lines.iter().any(|line| line.contains("producer") && line.contains("PUBLISH")));
    assert_eq!(lines.iter().filter(|line| line.contains("Consumer") && line.contains("200 OK")).count(), 6);
    assert!(lines.last().unwrap().starts_with("9 of 9 expected responses"), "{:?}", lines.last());
}

#[test]
fn every_layout_is_spoken_on_its_own_topics() {
    for (layout, topics, answers) in [
        ("cs01", &["oc2/cmd/all", "oc2/cmd/ap/slpf", "oc2/cmd/device/consumer3"][..], 9),
        ("csd03", &["oc2/cmd/all", "oc2/cmd/ap/slpf", "oc2/cmd/device/consumer3"], 9),
        (
            "wd01",
            &[
                "oc2/cmd/action/query",
                "oc2/cmd/action_target/deny_ipv4_net",
                "oc2/cmd/ap/slpf",
                "oc2/cmd/device_id/consumer3",
                "oc2/cmd/device_type/firewall",
            ],
            10,
        ),
    ] {
        let (_, lines) = demo(&["--layout", layout]);
        let mut commanded: Vec<_> = lines
            .iter()
            .filter(|line| line["type"] == "response")
            .map(|line| line["topic"].as_str().unwrap())
            .collect();
        commanded.sort_unstable();
        commanded.dedup();
        assert_eq!(commanded, topics);
        assert_eq!((&lines.last().unwrap()["answered"], layout), (&json!(answers), layout));
    }
}

#[test]
fn the_exchange_is_drawn_with_its_packets_in_order() {
    let file = std::env::temp_dir().join(format!("oc2-demo-{}.svg", std::process::id()));
    let (_, lines) = demo(&["--svg", file.to_str().unwrap()]);
    let drawing = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let document = roxmltree::Document::parse(&drawing).unwrap();
    let texts: Vec<&str> =
        document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).collect();
    // Each packet has its name over its arrow, with what it is about.
    let drawn: Vec<&str> = texts
        .iter()
        .filter(|text| text.contains("  ") || ["CONNACK", "SUBACK", "DISCONNECT"].contains(text))
        .filter_map(|text| text.split("  ").next())
        .take(lines.iter().filter(|line| line["type"] == "packet").count())
        .collect();
    let packets: Vec<&str> =
        lines.iter().filter(|line| line["type"] == "packet").map(|line| line["packet"].as_str().unwrap()).collect();
    assert_eq!(drawn, packets);
    for part in ["MQTT-Packet", "topicName", "\"msgType:req\"", "1 (UTF-8 string)", "maxQoS=2, NL=1, RAP=1, RH=0"] {
        assert!(texts.contains(&part), "{part}");
    }
    let size = |name: &str| document.root_element().attribute(name).unwrap().parse::<f64>().unwrap();
    for line in document.descendants().filter(|node| node.has_tag_name("line")) {
        assert!(line.attribute("x2").unwrap().parse::<f64>().unwrap() <= size("width"));
        assert!(line.attribute("y2").unwrap().parse::<f64>().unwrap() <= size("height"));
    }
}

#[test]
fn a_drawing_that_cannot_be_written_is_a_failure() {
    let oc2 = run(&["--json", "--svg", "/no/such/folder/a.svg"], Duration::from_secs(60));
    assert_eq!(oc2.status, Some(1));
    assert!(oc2.only_line().contains("/no/such/folder/a.svg: "), "{}", oc2.stderr);
}

#[test]
fn a_flat_message_is_answered_by_a_flat_one() {
    let (_, lines) = demo(&["--message", "flat"]);
    for publish in packets(&lines, "PUBLISH") {
        let payload: Value = serde_json::from_str(publish["payload"].as_str().unwrap()).unwrap();
        assert!(payload.get("content").is_some() && payload.get("body").is_none(), "{payload}");
    }
}
