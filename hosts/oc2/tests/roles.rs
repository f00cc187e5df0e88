//! Producer, Consumer and those who look on, as a shell sees them, over the broker that is built in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]

mod support;

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};
use support::{Oc2, Peer, Script, free_port};

/// A process that is ended with the test.
struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child =
            oc2(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        for pipe in [
            Box::new(child.stdout.take().unwrap()) as Box<dyn std::io::Read + Send>,
            Box::new(child.stderr.take().unwrap()),
        ] {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Self { child, lines }
    }

    /// The next line that has this in it.
    #[track_caller]
    fn line(&self, part: &str) -> String {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        let mut before = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => before.push(line),
                Err(_) => panic!("{part:?} never came: {before:#?}"),
            }
        }
    }
}

fn oc2(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oc2"));
    // Settings of whoever runs the tests are none of ours.
    command.args(arguments).env("XDG_CONFIG_HOME", "/nonexistent").env_remove("COLUMNS");
    command
}

/// A broker of the test's own.
struct Broker {
    port: String,
    _process: Running,
}

impl Broker {
    fn start() -> Self {
        let port = free_port().to_string();
        let process = Running::start(&["broker", "--listen", &format!("127.0.0.1:{port}")]);
        process.line("rumqttd");
        Self { port, _process: process }
    }

    /// Arguments with the place of this broker.
    fn at<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let (command, rest) = arguments.split_first().unwrap();
        [&[*command, "-h", "127.0.0.1", "-p", &self.port], rest].concat()
    }

    fn consume(&self, arguments: &[&str]) -> Running {
        let consumer = Running::start(&self.at(&[&["consume", "--json"], arguments].concat()));
        consumer.line("\"ready\"");
        consumer
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Oc2 {
        let output = oc2(&self.at(arguments)).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Oc2 { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs with `--json`: the status and the lines.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
        let ran = self.run(&[arguments, &["--json"]].concat());
        let lines = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (ran.status, lines)
    }
}

fn responses(lines: &[Value]) -> Vec<(&str, u64, &str)> {
    let mut all: Vec<_> = lines
        .iter()
        .filter(|line| line["type"] == "response")
        .map(|line| (line["from"].as_str().unwrap(), line["status"].as_u64().unwrap(), line["says"].as_str().unwrap()))
        .collect();
    all.sort_unstable();
    all
}

/// A program in a file of its own, for a shell.
fn program(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("oc2-{}-{name}", std::process::id()));
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    path
}

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

#[test]
fn whoever_watches_sees_commands_with_their_responses_and_can_replay_them() {
    let broker = Broker::start();
    let file = std::env::temp_dir().join(format!("oc2-watch-{}.jsonl", std::process::id()));
    let path = file.to_str().unwrap();
    let _consumer = broker.consume(&["--device", "fw1", "--slpf"]);
    let watching = Running::start(&broker.at(&["watch", "--json", "--record", path, "-C", "2", "-W", "20"]));
    // There is no line that says that it has subscribed; commands are sent until one is seen.
    for _ in 0..20 {
        let _ = broker.json(&["produce", "deny", "ipv4_net", "10.0.0.1", "--to-device", "fw1"]);
        if let Ok(line) = watching.lines.recv_timeout(Duration::from_millis(200)) {
            let line: Value = serde_json::from_str(&line).unwrap();
            assert_eq!((&line["type"], &line["openc2"]["valid"]), (&"message".into(), &true.into()), "{line}");
            break;
        }
    }
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
    std::fs::remove_file(&file).unwrap();
    let gone = oc2(&["replay", path]).output().unwrap();
    assert_eq!(gone.status.code(), Some(1));
}

#[test]
fn what_cannot_be_meant_is_one_line_and_status_2() {
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
        (
            &["consume", "-h", "127.0.0.1", "-p", port, "--device", "a/b"],
            "an identifier is no level of a topic [CS01 2.2]",
        ),
        (
            &["consume", "-h", "127.0.0.1", "-p", port, "--device", "+"],
            "an identifier is no level of a topic [CS01 2.2]",
        ),
        (
            &["produce", "query", "features", "--to-device", "a/b", "-h", "127.0.0.1", "-p", port],
            "an identifier is no level of a topic",
        ),
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
    let _ = std::io::stdout().flush();
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
