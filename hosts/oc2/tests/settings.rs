//! What is around a command: the environment, files of settings, secrets, man pages, completions, and how it is left.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use core::time::Duration;
use std::io::Read as _;
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
fn man_pages_and_completions_are_made() {
    let folder = std::env::temp_dir().join(format!("oc2-man-{}", std::process::id()));
    assert!(oc2(&["man", folder.to_str().unwrap()]).status().unwrap().success());
    let produce = std::fs::read_to_string(folder.join("oc2-produce.1")).unwrap();
    assert!(produce.starts_with(".ie") && produce.contains("cafile") && produce.contains("to\\-profile"), "{produce}");
    assert!(folder.join("oc2.1").exists() && folder.join("oc2-inspect.1").exists());
    std::fs::remove_dir_all(&folder).unwrap();
    for (shell, part) in [("bash", "complete -F _oc2"), ("zsh", "#compdef oc2"), ("fish", "complete -c oc2")] {
        let script = oc2(&["completions", shell]).output().unwrap().stdout;
        assert!(String::from_utf8(script).unwrap().contains(part), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let broker = Broker::start();
    let _consumer = broker.consume(&["--device", "fw1", "--slpf"]);
    let mut child =
        oc2(&broker.at(&["discover", "-W", "1"])).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let _ = child.wait().unwrap();
    assert!(!said.contains("panicked"), "{said}");
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
