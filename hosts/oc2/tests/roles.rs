//! Producers and Consumers, as a shell sees them, over the broker that is built in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use std::sync::mpsc;
use std::thread;

use mqtt5_tokio::{Options, Outbound};
use serde_json::{Value, json};
use support::running::{Broker, responses};

#[test]
fn a_command_reaches_whom_it_is_for_and_all_answers_come_in() {
    let broker = Broker::start();
    let _first = broker.consume(&["--device", "fw1", "--slpf"]);
    let _second = broker.consume(&["--device", "fw2", "--slpf"]);
    let (status, lines) =
        broker.json(&["produce", "deny", "ipv4_net", "198.51.100.0/24", "--to-profile", "slpf", "-C", "2"]);
    assert_eq!(responses(&lines), [("fw1", 200, "slpf rule_number 1000"), ("fw2", 200, "slpf rule_number 1000")]);
    assert_eq!(status, Some(0));
    let summary = lines.last().unwrap();
    assert_eq!((&summary["type"], &summary["expected"], &summary["good"]), (&"summary".into(), &2.into(), &2.into()));

    // One device has one answer, so nothing has to be said of how many are awaited.
    let (status, lines) = broker.json(&["produce", "delete", "slpf:rule_number", "1000", "--to-device", "fw2"]);
    assert_eq!((status, responses(&lines)), (Some(0), vec![("fw2", 200, "")]));
    let (status, lines) = broker.json(&["produce", "delete", "slpf:rule_number", "1000", "--to-device", "fw2"]);
    assert_eq!((status, responses(&lines)), (Some(1), vec![("fw2", 404, "There is no rule 1000")]));

    // In the concise form, which the Consumer reads too.
    let words = ["produce", "deny", "ipv4_net", "10.0.0.1", "--to-device", "fw2", "--encoding", "cbor-concise"];
    let (status, lines) = broker.json(&words);
    assert_eq!((status, responses(&lines)), (Some(0), vec![("fw2", 200, "slpf rule_number 1000")]));
    let words =
        ["produce", "deny", "ipv4_net", "10.0.0.2", "--to-device", "fw2", "--message", "flat", "--encoding", "cbor"];
    let (status, lines) = broker.json(&words);
    assert_eq!((status, responses(&lines)), (Some(0), vec![("fw2", 200, "slpf rule_number 1010")]));

    // In CBOR, at QoS 2, to whoever is found first.
    let words =
        ["produce", "deny", "ipv6_net", "2001:db8::/32", "--discover", "-W", "2", "--encoding", "cbor", "-q", "2"];
    let (status, lines) = broker.json(&words);
    assert_eq!(responses(&lines).len(), 2, "{lines:?}");
    assert_eq!((status, &lines.last().unwrap()["expected"]), (Some(0), &2.into()));
}

#[test]
fn a_deadline_is_a_status_of_its_own_and_names_who_is_missing() {
    let broker = Broker::start();
    let _first = broker.consume(&["--device", "fw1", "--slpf"]);
    let words = ["produce", "deny", "ipv4_net", "10.0.0.1", "--expect", "fw1,fw9", "-W", "1"];
    let (status, lines) = broker.json(&words);
    assert_eq!((status, &lines.last().unwrap()["missing"]), (Some(27), &json!(["fw9"])));
    let person = broker.run(&words);
    assert!(person.stdout.contains("fw9") && person.stdout.contains("no response"), "{}", person.stdout);
    assert!(person.stdout.contains("1 of 2 responses"), "{}", person.stdout);
    // Nobody implements it.
    let nobody = broker.run(&["produce", "query", "features", "--to-profile", "x-nobody", "-W", "1"]);
    assert_eq!(nobody.status, Some(27), "{}", nobody.stdout);
}

#[test]
fn who_is_there_is_a_table() {
    let broker = Broker::start();
    let _first = broker.consume(&["--device", "fw1", "--slpf", "--rate-limit", "60"]);
    let _second = broker.consume(&["--device", "edr1", "--profile", "edr", "--pair", "deny:file"]);
    let (status, lines) = broker.json(&["discover", "-C", "2"]);
    assert_eq!(status, Some(0));
    let consumer = lines.iter().find(|line| line["from"] == "fw1").unwrap();
    assert_eq!(consumer["features"]["profiles"], json!(["slpf"]));
    assert_eq!(consumer["features"]["rate_limit"], 60);
    assert_eq!(consumer["features"]["pairs"]["delete"], json!(["slpf:rule_number"]));
    // It is no part of SLPF, and otupy can't read it.
    assert_eq!(consumer["features"]["pairs"]["cancel"], json!(null));
    let person = broker.run(&["discover", "-W", "1"]);
    let rows: Vec<&str> = person.stdout.lines().collect();
    assert!(rows[0].starts_with("who ") && rows[0].contains("a minute"), "{}", person.stdout);
    assert_eq!(rows.last(), Some(&"2 Consumers"));
    let nobody = Broker::start();
    assert_eq!(nobody.run(&["discover", "-W", "0.5"]).status, Some(27));
}

#[test]
fn the_further_topics_of_wd01_reach_whom_they_name() {
    let broker = Broker::start();
    let of = |device: &str, kind: &str, target: &str| {
        let pair = format!("deny:{target}");
        let words =
            ["--device", device, "--device-type", kind, "--profile", "edr", "--pair", &pair, "--layout", "wd01"];
        broker.consume(&[&words[..], &["--exec", "true"]].concat())
    };
    let _running = [of("d1", "laptop", "file"), of("d2", "laptop", "uri"), of("d3", "phone", "file")];
    for (words, expected) in [
        (&["file", "name=a", "--to-type", "laptop", "-C", "2"][..], &[("d1", 200), ("d2", 501)][..]),
        (&["file", "name=a", "--to-type", "phone", "-C", "1"], &[("d3", 200)]),
        (&["file", "name=a", "--to-pair", "-C", "2"], &[("d1", 200), ("d3", 200)]),
        (&["uri", "https://a.example", "--to-pair", "-C", "1"], &[("d2", 200)]),
        (&["uri", "https://a.example", "--to-action", "-C", "3"], &[("d1", 501), ("d2", 200), ("d3", 501)]),
        // Without a word it goes to all that can do the action, since WD01 has no topic for everyone.
        (&["file", "name=a", "-C", "3"], &[("d1", 200), ("d2", 501), ("d3", 200)]),
        (&["file", "name=a", "--to-device", "d3"], &[("d3", 200)]),
        (&["file", "name=a", "--to-profile", "edr", "-C", "3"], &[("d1", 200), ("d2", 501), ("d3", 200)]),
    ] {
        let (status, lines) = broker.json(&[&["produce", "deny", "--layout", "wd01"], words].concat());
        let told: Vec<_> = responses(&lines).into_iter().map(|(who, code, _)| (who, code)).collect();
        assert_eq!(told, expected, "{words:?}");
        let good = expected.iter().all(|(_, code)| *code == 200);
        assert_eq!(status, Some(if good { 0 } else { 1 }), "{words:?}");
    }
}

/// Answers every command to all as `a`, as `a` again, and as `b`; and before that, as `c`, the command that came before it.
fn stutter(port: &str, ready: &mpsc::Sender<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("mqtt://127.0.0.1:{port}");
        let (client, _) = mqtt5_tokio::connect(&url, Options::new("stutter")).await.unwrap();
        let mut commands = client.subscribe("oc2/cmd/all").await.unwrap();
        ready.send(()).unwrap();
        let mut last = None;
        while let Some(command) = commands.next().await {
            let command: Value = serde_json::from_slice(&command.payload()).unwrap();
            let id = command["headers"]["request_id"].clone();
            for (id, who) in
                [(last.replace(id.clone()), "c"), (Some(id.clone()), "a"), (Some(id.clone()), "a"), (Some(id), "b")]
            {
                let Some(id) = id else { continue };
                let headers = json!({"request_id": id, "created": 1_795_856_400_000_u64, "from": who});
                let message =
                    json!({"headers": headers, "body": {"openc2": {"response": {"status": 200}}}}).to_string();
                let message = Outbound::new("oc2/rsp", message.as_bytes()).at_least_once().text();
                let message =
                    message.content_type("application/openc2").user("msgType", "rsp").user("encoding", "json");
                client.publish(message).await.unwrap().await;
            }
        }
    });
}

#[test]
fn late_and_doubled_responses_are_told_apart() {
    let broker = Broker::start();
    let (sender, ready) = mpsc::channel();
    let port = broker.port.clone();
    thread::spawn(move || stutter(&port, &sender));
    ready.recv().unwrap();
    // Those who answer the discovery are awaited; who answers that only now is late.
    let (status, lines) = broker.json(&["produce", "deny", "file", "name=a", "--discover", "-W", "2"]);
    assert_eq!((status, responses(&lines)), (Some(0), vec![("a", 200, ""), ("b", 200, "")]));
    let summary = lines.last().unwrap();
    let figure = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!(["expected", "answered", "good", "doubled", "late"].map(figure), [2, 2, 2, 1, 1], "{summary}");
    let notes: Vec<_> =
        lines.iter().filter(|line| line["type"] == "note").map(|line| line["note"].as_str().unwrap()).collect();
    assert_eq!(notes, ["a response to an earlier command came late", "a response came twice"]);
    let person = broker.run(&["produce", "deny", "file", "name=a", "--discover", "-W", "2"]);
    assert!(person.stdout.trim_end().ends_with("2 good; 1 came twice; 1 late"), "{}", person.stdout);
}

#[test]
fn a_consumer_serves_for_as_long_or_as_many_as_it_is_told() {
    let broker = Broker::start();
    let words = ["consume", "--device", "fw1", "--slpf", "-W", "0.3"];
    assert_eq!(broker.run(&words).status, Some(0));
    assert_eq!(broker.run(&[&words[..], &["-C", "1"]].concat()).status, Some(27));
    let mut one = broker.consume(&["--device", "fw1", "--slpf", "-C", "1", "-W", "20"]);
    let (status, _) = broker.json(&["produce", "deny", "ipv4_net", "10.0.0.1", "--to-device", "fw1"]);
    assert_eq!((status, one.child.wait().unwrap().code()), (Some(0), Some(0)));
}

#[cfg(unix)]
#[test]
fn what_is_asked_for_is_what_makes_a_good_end() {
    let broker = Broker::start();
    let _consumer =
        broker.consume(&["--device", "d", "--profile", "edr", "--pair", "deny:file", "--exec", "sleep", "0.2"]);
    for (requested, expected) in [("none", vec![]), ("ack", vec![102]), ("status", vec![200]), ("complete", vec![200])]
    {
        let argument = format!("response_requested={requested}");
        let words = ["produce", "deny", "file", "name=a", "--to-device", "d", "--arg", &argument];
        let (status, lines) = broker.json(&words);
        let codes: Vec<_> = responses(&lines).into_iter().map(|(_, code, _)| code).collect();
        assert_eq!((status, codes), (Some(0), expected), "{requested}: {lines:?}");
    }
}
