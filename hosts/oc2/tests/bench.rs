//! `oc2 bench` against the broker that is built in: what it counts, tells and draws.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use support::free_port;
use support::running::{Broker, oc2};

#[test]
fn everything_that_is_published_is_counted_timed_and_drawn() {
    let broker = Broker::start();
    let file = std::env::temp_dir().join(format!("oc2-bench-{}.svg", std::process::id()));
    let words = ["bench", "-C", "300", "--publishers", "2", "--subscribers", "3", "--svg", file.to_str().unwrap()];
    let (status, lines) = broker.json(&words);
    let summary = lines.last().unwrap();
    assert_eq!(status, Some(0), "{summary}");
    assert_eq!((&summary["type"], &summary["published"]), (&"summary".into(), &600.into()), "{summary}");
    assert_eq!((&summary["received"], &summary["lost"]), (&1800.into(), &0.into()), "{summary}");
    for timed in ["acknowledged_ms", "delivered_ms"] {
        let at = |quantile: &str| summary[timed][quantile].as_f64().unwrap();
        assert!(0.0 < at("p50") && at("p50") <= at("p90") && at("p99_9") <= at("max"), "{summary}");
    }
    let drawn = std::fs::read_to_string(&file).unwrap();
    let root = roxmltree::Document::parse(&drawn).unwrap();
    let texts: Vec<_> = root.descendants().filter_map(|node| node.text()).map(str::trim).collect();
    for text in
        ["256 bytes at QoS 1, 2 publishers to 3 subscribers, 64 at a time", "messages a second", "delivered", "99.9 %"]
    {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    std::fs::remove_file(&file).unwrap();

    // At a pace, for people; and nobody has to receive it.
    let person = broker.run(&["bench", "--rate", "200", "-W", "0.5", "--subscribers", "0", "-q", "2"]);
    assert_eq!(person.status, Some(0), "{}", person.stderr);
    let figures: Vec<&str> = person.stdout.lines().nth(2).unwrap().split_whitespace().collect();
    let published: u32 = figures[1].parse().unwrap();
    assert!((90..=110).contains(&published), "{}", person.stdout);
    assert!(person.stdout.contains("acknowledged ") && !person.stdout.contains("delivered"), "{}", person.stdout);
}

#[test]
fn what_cannot_be_measured_is_one_line() {
    let port = free_port().to_string();
    for (arguments, status, part) in [
        (&["bench", "-p", &port][..], 1, "refused"),
        (&["bench", "--size", "15"], 2, "--size"),
        (&["bench", "-q", "3"], 2, "--qos"),
        (&["bench", "--topic", "a/#"], 2, "--topic a/#"),
        (&["bench", "--publishers", "0"], 2, "--publishers"),
    ] {
        let output = oc2(&[arguments, &["-h", "127.0.0.1"]].concat()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{stderr}");
        assert!(
            stderr.starts_with("oc2: ") && stderr.contains(part) && stderr.lines().count() == 1,
            "{part}: {stderr}"
        );
    }
}
