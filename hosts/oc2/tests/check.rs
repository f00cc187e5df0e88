//! `oc2 check` and `oc2 convert`, as a shell sees them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets these has failed")]

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Runs `oc2` with this on its standard input: status, standard output, standard error.
fn oc2(arguments: &[&str], input: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_oc2"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without having read.
    let _unread = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
}

fn check(arguments: &[&str], input: &str) -> (Option<i32>, String) {
    let (status, out, _) = oc2(&[&["check"], arguments, &["-"]].concat(), input.as_bytes());
    (status, String::from_utf8(out).unwrap())
}

#[test]
fn a_file_is_valid_or_says_where_it_is_not() {
    let deny = r#"{"action":"deny","target":{"ipv4_net":"10.0.0.0/8"}}"#;
    assert_eq!(check(&[], deny), (Some(0), "-: valid\n".into()));
    let bad = deny.replace("10.", "300.");
    let told =
        "-: invalid: target.ipv4_net: not an IPv4 address with or without a prefix length of 0 to 32 [LS1 3.4.1.9]\n";
    assert_eq!(check(&[], &bad), (Some(1), told.into()));
    assert_eq!(check(&["--kind", "response"], deny).0, Some(1));
    let null = r#"{"status":200,"results":null}"#;
    assert_eq!(check(&[], null).0, Some(1));
    assert_eq!(check(&["--lenient"], null), (Some(0), "-: valid (forgiven: null for an absent field)\n".into()));
    let draft = r#"{"action":"deny","target":{"uri":"a:b"},"profile":"slpf"}"#;
    assert_eq!(check(&[], draft).0, Some(1));
    assert_eq!(check(&["--language", "2.0"], draft).0, Some(0));
}

#[test]
fn all_files_are_checked_even_if_one_is_not_there() {
    let (status, out, _) = oc2(&["check", "/no/such/file", "-"], br#"{"status":200}"#);
    let out = String::from_utf8(out).unwrap();
    assert_eq!(status, Some(1));
    assert!(out.starts_with("/no/such/file: invalid: ") && out.ends_with("-: valid\n"), "{out}");
}

#[test]
fn a_command_goes_through_every_form_and_back() {
    let json = r#"{"action":"deny","target":{"ipv4_net":"10.0.0.0/8"}}"#;
    let (status, concise, _) = oc2(&["convert", "--to", "cbor-concise", "-"], json.as_bytes());
    assert_eq!((status, concise.as_slice()), (Some(0), &b"\x82\x06\xA1\x0D\x82\x44\x0A\x00\x00\x00\x08"[..]));
    let (_, cbor, _) = oc2(&["convert", "--to", "cbor", "-"], &concise);
    let (_, back, _) = oc2(&["convert", "--to", "json", "-"], &cbor);
    assert_eq!(back, [json.as_bytes(), b"\n"].concat());
    let (_, pretty, _) = oc2(&["convert", "--to", "json", "--pretty", "-"], &cbor);
    assert!(pretty.starts_with(b"{\n  \"action\": \"deny\","));
    let (status, out, error) = oc2(&["convert", "--to", "cbor", "-"], br#"{"action":"dance","target":{}}"#);
    assert_eq!((status, out.len()), (Some(1), 0));
    assert!(error.starts_with("oc2: -: action: not an action of the language [LS1 3.3.1.1]"), "{error}");
}

#[test]
fn what_editors_add_to_a_file_is_named() {
    let bom = "\u{FEFF}{\"status\":200}";
    let told = "-: invalid: message: a byte order mark stands before it [RFC 8259 8.1]\n";
    assert_eq!(check(&[], bom), (Some(1), told.into()));
    assert_eq!(check(&["--encoding", "json"], bom), (Some(1), told.into()));
    let (status, out, _) = oc2(&["check", "-"], b"\xFF\xFE{\0}\0");
    assert_eq!(status, Some(1));
    assert_eq!(out, b"-: invalid: message: it is UTF-16, not UTF-8 [RFC 8259 8.1]\n");
    assert_eq!(check(&[], "{\"status\":200}\r\n").0, Some(0));
    assert_eq!(check(&[], "{\"status\":200}\0").0, Some(1));
}

#[test]
fn a_file_is_one_line_whatever_its_name() {
    let (_, out, _) = oc2(&["check", "/no/such\nfile"], b"");
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("/no/such\\nfile: invalid: ") && out.lines().count() == 1, "{out}");
}

#[cfg(unix)]
#[test]
fn a_file_without_an_end_is_read_as_far_as_a_message_may_go() {
    let (status, out, _) = oc2(&["check", "--encoding", "cbor", "/dev/zero"], b"");
    assert_eq!(status, Some(1));
    assert!(String::from_utf8(out).unwrap().contains("larger than this reader allows"));
}

#[test]
fn converting_says_what_was_forgiven_and_what_does_not_go_together() {
    let null = br#"{"status":200,"results":null}"#;
    let (status, out, told) = oc2(&["convert", "--to", "json", "--lenient", "-"], null);
    assert_eq!((status, out.as_slice()), (Some(0), &b"{\"status\":200}\n"[..]));
    assert_eq!(told, "oc2: -: forgiven: null for an absent field\n");
    let (status, out, told) = oc2(&["convert", "--to", "cbor", "--pretty", "-"], b"");
    assert_eq!((status, out.len()), (Some(2), 0));
    assert_eq!(told, "oc2: '--pretty' goes with '--to json' alone\n");
}

#[test]
fn an_absent_from_is_taken_as_an_empty_one_is() {
    let invalid = "-: invalid: headers.from: from names the sender [CS01 3.2]\n";
    for (headers, lenient) in [
        (r#"{"request_id":"7"}"#, "-: valid (forgiven: no from)\n"),
        (r#"{"request_id":"7","from":""}"#, "-: valid (forgiven: an empty from, no from)\n"),
    ] {
        let message = format!(r#"{{"headers":{headers},"body":{{"openc2":{{"response":{{"status":200}}}}}}}}"#);
        assert_eq!(check(&[], &message), (Some(1), invalid.into()), "{headers}");
        assert_eq!(check(&["--lenient"], &message), (Some(0), lenient.into()), "{headers}");
    }
}

#[test]
fn a_message_is_checked_and_converted_in_either_structure() {
    let record = r#"{"content":{"response":{"status":200}},"request_id":"7","from":"c"}"#;
    let wrapper = r#"{"headers":{"request_id":"7","from":"c"},"body":{"openc2":{"response":{"status":200}}}}"#;
    assert_eq!(check(&[], record), (Some(0), "-: valid (the flat record of CSD03 2.4.2)\n".into()));
    assert_eq!(check(&[], wrapper), (Some(0), "-: valid\n".into()));
    assert_eq!(
        check(&[], r#"{"content":{"response":{"status":200}}}"#),
        (Some(1), "-: invalid: from: from names the sender [CS01 3.2]\n".into())
    );
    for (from, name, to) in [(record, "wrapped", wrapper), (wrapper, "flat", record), (record, "flat", record)] {
        for form in ["cbor", "cbor-concise"] {
            let (_, bytes, _) = oc2(&["convert", "--to", form, "--message", name, "-"], from.as_bytes());
            let (status, json, _) = oc2(&["convert", "--to", "json", "-"], &bytes);
            assert_eq!((status, String::from_utf8(json).unwrap()), (Some(0), format!("{to}\n")));
        }
    }
    let (status, _, error) = oc2(&["convert", "--to", "json", "--message", "flat", "-"], br#"{"status":200}"#);
    assert_eq!((status, error.contains("--message")), (Some(1), true), "{error}");
}

#[test]
fn a_program_reads_what_was_checked_line_by_line() {
    let folder = std::env::temp_dir().join(format!("oc2-check-json-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (good, bad) = (folder.join("good.json"), folder.join("bad.json"));
    std::fs::write(&good, r#"{"action":"query","target":{"features":[]}}"#).unwrap();
    std::fs::write(&bad, r#"{"action":"dance","target":{"features":[]}}"#).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_oc2"))
        .args(["check", "--json", good.to_str().unwrap(), bad.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&lines[0]["valid"], &lines[0]["notes"], &lines[0]["error"]),
        (&true.into(), &serde_json::json!([]), &serde_json::Value::Null)
    );
    assert_eq!(lines[1]["valid"], false);
    assert!(lines[1]["error"].as_str().unwrap().starts_with("action: "), "{}", lines[1]);
    assert_eq!(lines[2], serde_json::json!({"type": "summary", "files": 2, "invalid": 1}));
    std::fs::remove_dir_all(&folder).unwrap();
}
