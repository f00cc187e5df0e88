//! The binary itself, as a harness in any language drives it.
#![expect(clippy::unwrap_used, reason = "a test and its helpers")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;

fn conformance(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Gives the binary all its input, and returns all its output.
fn run(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = conformance(arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success());
    output.stdout
}

#[test]
fn options_hold_for_the_whole_run() {
    // A PUBLISH of eight bytes, whose topic is a control character.
    let lines = b"c2s 3006000101006869\ns2c 3006000101006869\n";
    assert_eq!(run(&["codec"], lines), b"valid 3006000101006869\nvalid 3006000101006869\n");
    assert_eq!(run(&["codec", "--strict"], lines), b"reject 0x81 MQTT1.5.4\nreject 0x81 MQTT1.5.4\n");
    assert_eq!(
        run(&["codec", "--max-packet-size", "7", "--strict"], lines),
        b"reject 0x95 MQTT-3.2.2-15\nreject 0x95 MQTT-3.1.2-24\n"
    );
}

#[test]
fn a_run_goes_on_after_any_line() {
    let mut lines = b"c2s C000\n\xFF\xFE\0\nc2s \xC3\xA9\n".to_vec();
    // A PUBLISH of one megabyte, then one digit too few of it.
    let large = [b"c2s 30838040000161".to_vec(), b"00".repeat(1 << 20)].concat();
    lines.extend_from_slice(&large);
    lines.extend_from_slice(b"\r\n");
    lines.extend_from_slice(large.strip_suffix(b"0").unwrap());
    lines.extend_from_slice(b"\nc2s C000");
    let answers = run(&["codec"], &lines);
    let answers: Vec<_> = answers.split(|&byte| byte == b'\n').collect();
    assert_eq!(answers.len(), 7);
    assert_eq!(answers[0], b"valid c000");
    assert!(answers[1].starts_with(b"error ") && answers[2].starts_with(b"error "));
    assert!(answers[3].strip_prefix(b"valid ") == large.strip_prefix(b"c2s "), "{} digits", answers[3].len());
    assert_eq!(answers[4], b"error an odd number of hexadecimal digits");
    assert_eq!(answers[5], b"valid c000");
}

#[test]
fn an_answer_comes_before_the_next_line_is_given() {
    let mut child = conformance(&["codec"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for line in ["c2s C000", "s2c D000", "c2s"] {
        // What follows the line is half of the next.
        write!(stdin, "{line}\n\t").unwrap();
        stdin.flush().unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "{line}: {answer}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_table_of_statements_is_printed_for_people_programs_and_browsers() {
    let text = String::from_utf8(run(&["statements"], b"")).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("MQTT-")).count(), 251);
    let page = std::env::temp_dir().join(format!("statements-{}.html", std::process::id()));
    let json = run(&["statements", "--json", "--html", page.to_str().unwrap()], b"");
    let html = std::fs::read_to_string(&page);
    std::fs::remove_file(&page).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["statements"].as_array().unwrap().len(), 251);
    assert_eq!(json["counts"]["all"]["all"], 251);
    assert_eq!(html.unwrap().matches("<tr id=\"MQTT-").count(), 251);
}
