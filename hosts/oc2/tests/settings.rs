//! What is around a command: the environment, files of settings, secrets, man pages, completions, and how it is left.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::thread;

use support::running::{Broker, Running, oc2};
use support::{Peer, Script};

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_with_130() {
    let broker = Broker::start();
    for arguments in
        [&["consume", "--device", "d", "--slpf"][..], &["watch"], &["produce", "query", "features", "-W", "60"]]
    {
        let mut running = Running::start(&broker.at(arguments));
        thread::sleep(Duration::from_millis(1500));
        let pid = running.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert_eq!(running.child.wait().unwrap().code(), Some(130), "{arguments:?}");
    }
}

#[test]
fn options_come_from_the_environment_and_a_file_too() {
    let broker = Broker::start();
    let _consumer = broker.consume(&["--device", "fw1", "--slpf"]);
    let file = std::env::temp_dir().join(format!("oc2-config-{}.toml", std::process::id()));
    std::fs::write(&file, format!("host = '127.0.0.1'\nport = {}\n[discover]\ncount = 1\n", broker.port)).unwrap();
    let of_file = oc2(&["discover", "--config", file.to_str().unwrap(), "--json"]).output().unwrap();
    assert_eq!(of_file.status.code(), Some(0), "{}", String::from_utf8_lossy(&of_file.stderr));
    let of_environment = oc2(&["discover", "--json", "-C", "1"])
        .env("OC2_BROKER", format!("mqtt://127.0.0.1:{}", broker.port))
        .output()
        .unwrap();
    assert_eq!(of_environment.status.code(), Some(0), "{}", String::from_utf8_lossy(&of_environment.stderr));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn man_pages_and_completions_can_be_installed_as_they_are() {
    let folder = std::env::temp_dir().join(format!("oc2-man-{}", std::process::id()));
    let pages = folder.join("man1");
    assert!(oc2(&["man", pages.to_str().unwrap()]).status().unwrap().success());
    for (page, part) in [
        ("oc2-produce.1", "to\\-profile"),
        ("oc2-bench.1", "subscribers"),
        ("oc2-inspect.1", "hex"),
        ("oc2.1", "oc2\\-watch"),
    ] {
        let page = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(page.starts_with(".ie") && page.contains(part), "{page}");
    }
    // Where there is a man, it finds and shows them.
    let man = Command::new("man").arg("oc2-produce").env("MANPATH", &folder).env("MANWIDTH", "80").output();
    if let Ok(man) = man {
        let text = String::from_utf8_lossy(&man.stdout);
        assert!(!man.status.success() || text.contains("Send a command, and collect the responses"), "{text}");
    }
    for (shell, part) in [("bash", "complete -F _oc2"), ("zsh", "#compdef oc2"), ("fish", "complete -c oc2")] {
        let script = oc2(&["completions", shell]).output().unwrap().stdout;
        assert!(String::from_utf8(script.clone()).unwrap().contains(part), "{shell}");
        std::fs::write(folder.join(shell), script).unwrap();
    }
    // bash completes commands, options and their values by it.
    let script = r#"source "$1"
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _oc2 oc2 "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[@]}"; }
try oc2 prod; try oc2 produce --to-d; try oc2 consume --layout ''"#;
    let bash = Command::new("bash").args(["-c", script, "-", folder.join("bash").to_str().unwrap()]).output();
    if let Ok(bash) = bash {
        assert_eq!(String::from_utf8_lossy(&bash.stdout), "produce\n--to-device\ncs01 csd03 wd01\n");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let broker = Broker::start();
    let _consumer = broker.consume(&["--device", "fw1", "--slpf"]);
    let record = std::env::temp_dir().join(format!("oc2-gone-{}.jsonl", std::process::id()));
    let line = r#"{"type":"record","us":1,"topic":"oc2/rsp","qos":1,"user_properties":[],"payload":"x"}"#;
    std::fs::write(&record, format!("{line}\n").repeat(10_000)).unwrap();
    let record = record.to_str().unwrap();
    let hex = "c000".repeat(2_000);
    for arguments in [
        broker.at(&["discover", "-W", "1"]),
        broker.at(&["discover", "-W", "1", "--json"]),
        broker.at(&["produce", "query", "features", "-C", "1"]),
        vec!["replay", record],
        vec!["replay", record, "--json"],
        vec!["inspect", "--hex", &hex],
        vec!["completions", "bash"],
        vec!["convert", "--to", "json", "-"],
    ] {
        let mut child =
            oc2(&arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        child.stdin.take().unwrap().write_all(br#"{"action":"query","target":{"features":[]}}"#).ok();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
    std::fs::remove_file(record).unwrap();
}

#[test]
fn what_the_connection_does_is_told_on_standard_error_as_far_as_is_asked() {
    let broker = Broker::start();
    let run = |level: &str, variable: Option<(&str, &str)>| {
        let words = broker.at(&["discover", "-W", "0.2"]);
        let output = oc2(&words).args((!level.is_empty()).then_some(level)).envs(variable).output().unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().ends_with("0 Consumers\n"));
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(run("", None), "");
    let told = run("-v", None);
    assert!(told.contains("INFO   oc2::remote: connected, with a new session") && !told.contains("DEBUG"), "{told}");
    assert!(run("-vv", None).contains("DEBUG  oc2::remote: to oc2/cmd/all, "));
    assert!(run("-vvv", None).contains("TRACE  oc2::remote: {\"headers\":"));
    assert!(run("", Some(("RUST_LOG", "mqtt5_session=info"))).contains("INFO   mqtt5_session"));
    assert!(run("", Some(("OC2_VERBOSE", "2"))).contains("DEBUG  oc2::remote"));
    // What the environment says of logs comes before -v.
    assert_eq!(run("-vvv", Some(("RUST_LOG", "off"))), "");
}

#[test]
fn a_password_goes_to_the_broker_and_nowhere_else() {
    let file = std::env::temp_dir().join(format!("oc2-password-{}", std::process::id()));
    std::fs::write(&file, "=Pacific=\nmore\n").unwrap();
    let path = file.to_str().unwrap();
    for (arguments, variable) in [
        (&["-P", "=Pacific="][..], None),
        (&["--password-file", path], None),
        (&[], Some(("OC2_PASSWORD", "=Pacific="))),
        (&[], Some(("OC2_PASSWORD_FILE", path))),
    ] {
        // CONNACK, Bad User Name or Password.
        let peer = Peer::start(|_| Script::new().read_packet().write(b"\x20\x03\x00\x86\x00"));
        let port = peer.port.to_string();
        let output = oc2(&[&["discover", "-v", "-h", "127.0.0.1", "-p", &port, "-u", "zulu01"], arguments].concat())
            .envs(variable)
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("Bad User Name or Password") && !said.contains("Pacific"), "{said}");
        let connect = peer.wait_for(Duration::from_secs(5), |packets| !packets.is_empty()).remove(0);
        assert!(connect.ends_with(b"\x00\x06zulu01\x00\x09=Pacific="), "{connect:02x?}");
    }
    std::fs::remove_file(&file).unwrap();
}
