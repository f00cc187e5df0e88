//! The session of the README, typed as it stands there: the same words come out. Figures, times and identifiers are another run's,
//! and so are the order of those who answer and where lines are broken, so words are compared, with every digit as `0`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets these has failed")]
#![cfg(unix)]

mod support;

use core::time::Duration;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use support::running::Broker;

const README: &str = include_str!("../../../README.md");

/// A line that was typed, and what was printed below it.
struct Typed {
    words: String,
    printed: Vec<&'static str>,
}

fn session() -> Vec<Typed> {
    let (_, part) = README.split_once("## On the command line").unwrap();
    let (_, block) = part.split_once("```console\n").unwrap();
    let (block, _) = block.split_once("\n```").unwrap();
    let mut typed: Vec<Typed> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(words) => {
                let words = words.split("  # ").next().unwrap().trim_end().to_owned();
                typed.push(Typed { words, printed: Vec::new() });
            }
            None => typed.last_mut().unwrap().printed.push(line),
        }
    }
    typed
}

/// The words of a text, in an order of their own.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text
        .split_whitespace()
        .map(|word| {
            let mut masked = String::new();
            for c in word.chars() {
                match c {
                    '0'..='9' if masked.ends_with('0') => {}
                    '0'..='9' => masked.push('0'),
                    c => masked.push(c),
                }
            }
            masked
        })
        .collect();
    words.sort_unstable();
    words
}

/// Where the session is typed.
struct Shell<'s> {
    folder: &'s Path,
    port: &'s str,
    running: Vec<Child>,
    status: Option<i32>,
}

impl Drop for Shell<'_> {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Shell<'_> {
    fn command(&self, words: &str) -> Command {
        let here = words.replace("-h broker.example", &format!("-h 127.0.0.1 -p {}", self.port));
        let mut command = Command::new("sh");
        let binaries = Path::new(env!("CARGO_BIN_EXE_oc2")).parent().unwrap();
        let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
        command.args(["-c", &here]).current_dir(self.folder).env("PATH", path).env("HOME", self.folder);
        command.env("XDG_CONFIG_HOME", "/nonexistent").env_remove("COLUMNS").stdin(Stdio::null());
        command
    }

    /// Types a line; what it prints.
    fn type_in(&mut self, words: &str) -> String {
        if let Some(service) = words.strip_suffix(" &") {
            let log = self.folder.join(service.split('>').nth(1).unwrap().split(' ').next().unwrap());
            self.running.push(self.command(&format!("exec {service}")).spawn().unwrap());
            let deadline = Instant::now() + Duration::from_secs(20);
            while !std::fs::read_to_string(&log).is_ok_and(|text| text.contains("Ctrl-C ends")) {
                assert!(Instant::now() < deadline, "{words}");
                thread::sleep(Duration::from_millis(20));
            }
            return String::new();
        }
        if words == "echo $?" {
            return self.status.unwrap().to_string();
        }
        let output = self.command(words).output().unwrap();
        self.status = output.status.code();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }
}

#[test]
fn the_session_of_the_readme_prints_what_stands_there() {
    let broker = Broker::start();
    let folder = std::env::temp_dir().join(format!("oc2-readme-{}", std::process::id()));
    std::fs::create_dir_all(folder.join(".local/share/bash-completion/completions")).unwrap();
    let mut shell = Shell { folder: &folder, port: &broker.port, running: Vec::new(), status: None };
    for Typed { words: typed, printed } in session() {
        let text = printed.join("\n");
        // What a person has written before.
        if let Some(file) = typed.strip_prefix("cat answer.").map(|kind| folder.join(format!("answer.{kind}"))) {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
            continue;
        }
        let mut told = shell.type_in(&typed);
        // What is written beside may take a moment.
        let deadline = Instant::now() + Duration::from_secs(5);
        while typed.starts_with("cat ") && words(&told) != words(&text) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
            told = shell.type_in(&typed);
        }
        if typed.starts_with("oc2 replay") {
            // Eight messages, of which the README shows some. Each of its lines is among them as far as it goes.
            assert_eq!(told.lines().filter(|line| !line.starts_with(' ')).count(), 8, "{told}");
            for line in printed.iter().filter(|line| line.len() > 4) {
                let shown = words(line.rsplit_once("  ").unwrap().0);
                let among = told.lines().any(|other| shown.iter().all(|word| words(other).contains(word)));
                assert!(among, "{line}\nis not in\n{told}");
            }
            continue;
        }
        if typed.starts_with("oc2 bench") {
            // How many a second is the machine's affair.
            assert!(told.contains("500 a second each") && told.contains("delivered "), "{told}");
            continue;
        }
        assert_eq!(words(&told), words(&text), "$ {typed}\n{told}\n");
    }
    for file in [
        "night.svg",
        "exchange.svg",
        ".local/share/man/man1/oc2-produce.1",
        ".local/share/bash-completion/completions/oc2",
    ] {
        assert!(std::fs::metadata(folder.join(file)).is_ok_and(|file| file.len() > 1_000), "{file}");
    }
    drop(shell);
    std::fs::remove_dir_all(&folder).unwrap();
}
