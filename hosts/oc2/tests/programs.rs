//! What carries commands out: a program with whatever it does wrong, and how it is stopped.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use core::time::Duration;
use std::thread;

use support::running::{Broker, Running, oc2, program, responses};

#[cfg(unix)]
#[test]
fn a_program_carries_out_commands_and_what_it_does_wrong_is_an_answer() {
    let broker = Broker::start();
    let echo = program(
        "exec",
        r#"read -r line
case $line in
*good*) printf '{"status":200,"status_text":"%s %s %s"}' "$OC2_FROM" "$OC2_COMMAND_ID" "$OC2_DEVICE" ;;
*silent*) ;;
*fails*) exit 3 ;;
*rubbish*) echo 'this is no JSON' ;;
*wrong*) echo '{"status":999}' ;;
*floods*) yes ;;
*huge*) head -c 100000000 /dev/zero ;;
*hangs*) sleep 60 & echo $! >"$0.pid"; wait ;;
esac"#,
    );
    let text = echo.to_str().unwrap();
    let words = [
        "--device",
        "d",
        "--profile",
        "edr",
        "--pair",
        "deny:file",
        "--exec-timeout",
        "2",
        "--exec-output",
        "1000",
        "--exec",
        text,
    ];
    let _consumer = broker.consume(&words);
    let said = |name: &str| {
        let name = format!("name={name}");
        let words = ["produce", "deny", "file", &name, "--to-device", "d", "--from", "p", "--command-id", "c7"];
        let (status, lines) = broker.json(&words);
        let (_, code, says) = responses(&lines)[0];
        (status, code, says.to_owned())
    };
    assert_eq!(said("good"), (Some(0), 200, "p c7 d".into()));
    assert_eq!(said("silent"), (Some(0), 200, String::new()));
    for (name, part) in [
        ("fails", "The program ended with exit status: 3"),
        ("rubbish", "The program's answer is not JSON"),
        ("wrong", "The answer is no OpenC2 response: status"),
        ("floods", "The program printed more than 1000 bytes"),
        ("huge", "The program printed more than 1000 bytes"),
        ("hangs", "The program gave no answer within 2 s"),
    ] {
        let (status, code, says) = said(name);
        assert_eq!((status, code), (Some(1), 500), "{name}: {says}");
        assert!(says.contains(part), "{name}: {says}");
    }
    // The child of the program that hung is gone with it.
    let pid = std::fs::read_to_string(format!("{text}.pid")).unwrap();
    let alive = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while alive() {
        assert!(std::time::Instant::now() < deadline, "process {pid} is still there");
        thread::sleep(Duration::from_millis(20));
    }
    std::fs::remove_file(&echo).unwrap();
    std::fs::remove_file(format!("{text}.pid")).unwrap();
}

#[cfg(unix)]
#[test]
fn a_program_gets_no_password_of_ours() {
    let broker = Broker::start();
    let words = ["--device", "d", "--profile", "edr", "--pair", "deny:file", "--json", "--exec", "sh", "-c"];
    let script = r#"printf '{"status":200,"status_text":"%s"}' "$(env | grep -c secret)""#;
    let mut command = oc2(&[&["consume"], &words[..], &[script]].concat());
    command.env("OC2_BROKER", format!("mqtt://u:secret@127.0.0.1:{}", broker.port)).env("OC2_PASSWORD", "secret");
    let consumer = Running::of(&mut command);
    consumer.line("\"ready\"");
    let (status, lines) = broker.json(&["produce", "deny", "file", "name=a", "--to-device", "d"]);
    assert_eq!((status, responses(&lines)), (Some(0), vec![("d", 200, "0")]));
}

#[test]
fn a_program_that_is_not_there_is_an_answer_too() {
    let broker = Broker::start();
    let _consumer =
        broker.consume(&["--device", "d", "--profile", "edr", "--pair", "deny:file", "--exec", "/no/such/program"]);
    let (status, lines) = broker.json(&["produce", "deny", "file", "name=a", "--to-device", "d"]);
    let (_, code, says) = responses(&lines)[0];
    assert_eq!((status, code), (Some(1), 500));
    assert!(says.starts_with("The program cannot be started: "), "{says}");
}

#[cfg(unix)]
#[test]
fn a_command_that_takes_long_can_be_cancelled() {
    let broker = Broker::start();
    let consumer =
        broker.consume(&["--device", "d", "--profile", "edr", "--pair", "deny:file", "--exec", "sleep", "60"]);
    let slow = Running::start(&broker.at(&[
        "produce",
        "deny",
        "file",
        "name=a",
        "--to-device",
        "d",
        "--command-id",
        "c1",
        "-W",
        "20",
        "--json",
    ]));
    consumer.line("\"command\"");
    let (status, lines) = broker.json(&["produce", "cancel", "command", "c1", "--to-device", "d"]);
    assert_eq!((status, responses(&lines)), (Some(0), vec![("d", 200, "")]));
    assert!(slow.line("\"response\"").contains("Cancelled"));
    let (status, _) = broker.json(&["produce", "cancel", "command", "c1", "--to-device", "d"]);
    assert_eq!(status, Some(1));
}
