//! Producers and Consumers, as a shell sees them, over the broker that is built in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use serde_json::json;
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
    let person = broker.run(&["discover", "-W", "1"]);
    let rows: Vec<&str> = person.stdout.lines().collect();
    assert!(rows[0].starts_with("who ") && rows[0].contains("a minute"), "{}", person.stdout);
    assert_eq!(rows.last(), Some(&"2 Consumers"));
    let nobody = Broker::start();
    assert_eq!(nobody.run(&["discover", "-W", "0.5"]).status, Some(27));
}
