//! Processes of `oc2` that run beside the test, over the broker that is built in.

use core::time::Duration;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use serde_json::Value;

use super::{Oc2, free_port};

/// A process that is ended with the test.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) lines: mpsc::Receiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(&mut oc2(arguments))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
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
    pub(crate) fn line(&self, part: &str) -> String {
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

pub(crate) fn oc2(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oc2"));
    // Settings of whoever runs the tests are none of ours.
    command.args(arguments).env("XDG_CONFIG_HOME", "/nonexistent").env_remove("COLUMNS");
    command
}

/// A broker of the test's own.
pub(crate) struct Broker {
    pub(crate) port: String,
    _process: Running,
}

impl Broker {
    pub(crate) fn start() -> Self {
        let port = free_port().to_string();
        let process = Running::start(&["broker", "--listen", &format!("127.0.0.1:{port}")]);
        process.line("rumqttd");
        Self { port, _process: process }
    }

    /// Arguments with the place of this broker.
    pub(crate) fn at<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let (command, rest) = arguments.split_first().unwrap();
        [&[*command, "-h", "127.0.0.1", "-p", &self.port], rest].concat()
    }

    pub(crate) fn consume(&self, arguments: &[&str]) -> Running {
        let consumer = Running::start(&self.at(&[&["consume", "--json"], arguments].concat()));
        consumer.line("\"ready\"");
        consumer
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Oc2 {
        let output = oc2(&self.at(arguments)).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Oc2 { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs with `--json`: the status and the lines.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
        let ran = self.run(&[arguments, &["--json"]].concat());
        let lines = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (ran.status, lines)
    }
}

pub(crate) fn responses(lines: &[Value]) -> Vec<(&str, u64, &str)> {
    let mut all: Vec<_> = lines
        .iter()
        .filter(|line| line["type"] == "response")
        .map(|line| (line["from"].as_str().unwrap(), line["status"].as_u64().unwrap(), line["says"].as_str().unwrap()))
        .collect();
    all.sort_unstable();
    all
}

/// A program in a file of its own, for a shell.
pub(crate) fn program(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("oc2-{}-{name}", std::process::id()));
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    path
}
