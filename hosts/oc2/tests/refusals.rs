//! What cannot be meant and what goes wrong: one clear line, and a status that scripts can use.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use std::process::Stdio;

use support::free_port;
use support::running::{Broker, Running, oc2};

#[test]
fn what_cannot_be_meant_is_one_line_and_status_2() {
    let file = std::env::temp_dir().join(format!("oc2-no-json-{}", std::process::id()));
    std::fs::write(&file, "deny everything").unwrap();
    let no_json = file.to_str().unwrap();
    for (arguments, part) in [
        (
            &["produce", "dance", "uri", "a:b"][..],
            "action: not an action of the language [LS1 3.3.1.1] (possible: scan, locate,",
        ),
        (
            &["produce", "deny", "ip", "10.0.0.1"],
            "target: ip is none of the language, and no profile:name (possible: artifact,",
        ),
        (&["produce", "deny", "ipv4_net", "300.0.0.1"], "target.ipv4_net: not an IPv4 address"),
        (&["produce", "deny", "file"], "expected name=, path=, hashes.md5="),
        (&["produce", "deny", "file", "a.exe"], "is not NAME=VALUE"),
        (&["produce", "query", "features", "everything"], "target.features"),
        (&["produce", "-f", "/no/such/file"], "/no/such/file: "),
        (
            &["produce", "query", "features", "--arg", "response_requested=maybe"],
            "response_requested is none, ack, status or complete",
        ),
        (&["produce", "query", "features", "--to-type", "fw"], "--to-type goes with --layout wd01 alone"),
        (
            &["produce", "query", "features", "--layout", "wd01", "--to-all"],
            "the layout wd01 has no topic for everyone",
        ),
        (&["consume", "--device", "d", "--pair", "dance:file"], "dance is no action (possible: scan,"),
        (&["consume", "--device", "d", "--pair", "deny"], "expected ACTION:TARGET"),
        (&["consume", "--device", "a/b"], "no topic of this name: an identifier is no level of a topic [CS01 2.2]"),
        (&["consume", "--device", "+"], "no topic of this name: an identifier is no level of a topic [CS01 2.2]"),
        (&["consume", "--device", ""], "no topic of this name: "),
        (&["consume", "--device", "d", "--profile", "a/#"], "no topic of this name: "),
        (&["produce", "query", "features", "--to-device", "a/b"], "an identifier is no level of a topic"),
        (&["produce", "query", "features", "--to-profile", "+"], "an identifier is no level of a topic"),
        (&["produce", "-f", no_json], "not a JSON value"),
        (&["produce", "query", "features", "--prefix", "a/#"], "no topic of this name: "),
        (&["produce", "query", "features", "--strict", "--lenient"], "--lenient"),
        (&["produce", "query", "features", "-C", "1", "--expect", "fw1"], "--expect"),
        (&["produce", "query", "features", "--to-all", "--to-device", "fw1"], "--to-device"),
        (&["consume", "--device", "d", "--slpf", "--exec", "true"], "--exec"),
        (&["produce", "query"], "TARGET"),
        (&["frobnicate"], "frobnicate"),
        (&["produce", "query", "features", "--cert", "a.pem"], "--key"),
        (&["replay", "f.jsonl", "--speed", "2"], "--publish"),
        (&["produce", "query", "features", "-k", "301"], "--keepalive"),
        (&["produce", "query", "features", "-W", "never"], "seconds"),
        (&["--config", "/no/such/file", "discover"], "/no/such/file: "),
    ] {
        let output = oc2(arguments).stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("oc2: ") && stderr.contains(part), "{part:?} is not in {stderr:?}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn what_goes_wrong_with_a_broker_is_one_line_and_status_1() {
    let nobody = free_port().to_string();
    let broker = Broker::start();
    let port = broker.port.as_str();
    for (arguments, part) in [
        (&["discover", "-h", "127.0.0.1", "-p", &nobody][..], "127.0.0.1"),
        (&["discover", "-h", "nowhere.invalid"], "nowhere.invalid"),
        (&["discover", "-L", "http://127.0.0.1"], "--broker: "),
        (&["discover", "-L", "mqtt://u:secret@:1883"], "--broker: "),
        (&["watch", "-h", "127.0.0.1", "-p", port, "-t", "a/#/b"], "[MQTT-4.7.1-1]"),
        #[cfg(feature = "tls")]
        (&["discover", "-h", "127.0.0.1", "-p", port, "--insecure", "--connect-timeout", "2"], "TLS"),
        #[cfg(feature = "tls")]
        (&["discover", "-h", "127.0.0.1", "-p", port, "--cafile", "/no/such/file"], "--cafile: "),
        (&["discover", "-h", "127.0.0.1", "-p", port, "--password-file", "/no/such/file"], "/no/such/file: "),
    ] {
        let output = oc2(arguments).stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("oc2: ") && stderr.contains(part), "{part:?} is not in {stderr:?}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(!stderr.contains("secret"), "{stderr}");
    }
}

#[test]
fn a_profile_that_nobody_has_is_a_line_and_the_status_of_a_deadline() {
    let broker = Broker::start();
    let _consumer = broker.consume(&["--device", "fw1", "--slpf"]);
    let end = broker.run(&["produce", "query", "features", "--to-profile", "x-nobody", "-W", "0.5"]);
    assert_eq!(end.status, Some(27), "{}", end.stderr);
    assert!(end.stdout.starts_with("nobody answered in 50") && end.stdout.lines().count() == 1, "{}", end.stdout);
}

#[test]
fn two_producers_with_one_client_identifier_are_told_so() {
    let broker = Broker::start();
    let words = broker.at(&["produce", "query", "features", "-i", "soc", "-W", "30"]);
    let first = Running::start(&words);
    std::thread::sleep(core::time::Duration::from_millis(500));
    let mut second = Running::start(&words);
    let line = first.line("client identifier soc");
    assert!(line.starts_with("oc2: "), "{line}");
    // With the first one gone, the second has the identifier for itself.
    std::thread::sleep(core::time::Duration::from_millis(500));
    second.child.kill().unwrap();
    for (mut running, status) in [(first, Some(1)), (second, None)] {
        assert_eq!(running.child.wait().unwrap().code(), status);
    }
}

#[test]
fn two_producers_with_one_identity_hear_only_what_is_for_them() {
    let broker = Broker::start();
    let consumer = broker.consume(&["--device", "fw1", "--slpf"]);
    let words = broker.at(&["produce", "query", "features", "--from", "soc", "--json", "-C", "1", "-W", "10"]);
    let asking = [Running::start(&words), Running::start(&words)];
    for mut asking in asking {
        asking.line("\"response\"");
        let summary = asking.line("\"summary\"");
        assert!(summary.contains("\"answered\":1") && summary.contains("\"doubled\":0"), "{summary}");
        assert_eq!(asking.child.wait().unwrap().code(), Some(0));
    }
    consumer.line("\"reply\"");
}
