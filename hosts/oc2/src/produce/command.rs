//! A command made of words: `deny ipv4_net 198.51.100.0/24 --arg response_requested=complete`.

use serde_json::{Map, Value, json};

use crate::cli::Produce;

/// The targets that are texts, so that whatever stands there is one.
const TEXTS: [&str; 10] = [
    "command",
    "domain_name",
    "email_addr",
    "idn_domain_name",
    "idn_email_addr",
    "ipv4_net",
    "ipv6_net",
    "mac_addr",
    "uri",
    "iri",
];
/// The targets that are lists of texts.
const LISTS: [&str; 2] = ["features", "properties"];

/// The command in JSON, as far as words make one; the language judges it.
pub(super) fn command(produce: &Produce) -> Result<Value, String> {
    let action = produce.action.as_deref().unwrap_or_default();
    let target = produce.target.as_deref().unwrap_or_default();
    let mut command = Map::new();
    command.insert("action".into(), json!(action));
    command.insert("target".into(), json!({ target: value(target, &produce.values)? }));
    let mut args = Map::new();
    for argument in &produce.arguments {
        let (name, value) = pair(argument, "--arg")?;
        put(&mut args, name, field(name, value)).map_err(|why| format!("--arg {argument}: {why}"))?;
    }
    if !args.is_empty() {
        command.insert("args".into(), Value::Object(args));
    }
    let mut actuator = Map::new();
    for one in &produce.actuator {
        match one.split_once('=') {
            None => {
                actuator.entry(one.as_str()).or_insert_with(|| json!({}));
            }
            Some((name, value)) => {
                put(&mut actuator, name, field(name, value)).map_err(|why| format!("--actuator {one}: {why}"))?
            }
        }
    }
    if !actuator.is_empty() {
        command.insert("actuator".into(), Value::Object(actuator));
    }
    if let Some(id) = &produce.command_id {
        command.insert("command_id".into(), json!(id));
    }
    Ok(Value::Object(command))
}

/// A target's value, of the words that stand for it.
fn value(target: &str, words: &[String]) -> Result<Value, String> {
    match words {
        [] if LISTS.contains(&target) => Ok(json!([])),
        [] => Err(format!("the target {target} has no value; expected {}", expected(target))),
        [one] if TEXTS.contains(&target) => Ok(json!(one)),
        list if LISTS.contains(&target) => Ok(list
            .iter()
            .flat_map(|word| word.split(','))
            .filter(|word| !word.is_empty())
            .map(|word| json!(word))
            .collect()),
        [one] if one.starts_with(['{', '[', '"']) => {
            serde_json::from_str(one).map_err(|error| format!("the target {target}: not JSON: {error}"))
        }
        // A profile's target may be anything: `slpf:rule_number 1234`.
        [one] if target.contains(':') && !one.contains('=') => Ok(scalar(one)),
        fields => {
            let mut object = Map::new();
            for word in fields {
                let (name, value) = pair(word, &format!("the target {target}"))
                    .map_err(|why| format!("{why}; expected {}", expected(target)))?;
                put(&mut object, name, field(name, value)).map_err(|why| format!("{word}: {why}"))?;
            }
            Ok(Value::Object(object))
        }
    }
}

/// What a target is made of, for who has forgotten.
fn expected(target: &str) -> &'static str {
    match target {
        "artifact" => "mime_type=, payload.url= or payload.bin=, hashes.sha256=",
        "device" => "hostname=, idn_hostname=, device_id=",
        "file" => "name=, path=, hashes.md5=, hashes.sha1=, hashes.sha256=",
        "ipv4_connection" | "ipv6_connection" => "protocol=, src_addr=, src_port=, dst_addr=, dst_port=",
        "process" => "pid=, name=, cwd=, command_line=",
        "ipv4_net" => "an address such as 192.0.2.1 or 198.51.100.0/24",
        "ipv6_net" => "an address such as 2001:db8::1 or 2001:db8::/32",
        "uri" | "iri" => "such as https://example.com/",
        "mac_addr" => "such as 00:00:5e:00:53:01",
        "features" => "versions, profiles, pairs, rate_limit or nothing",
        name if name.contains(':') => "a value, FIELD=VALUE, or JSON",
        _ => "a text, FIELD=VALUE, or JSON",
    }
}

fn pair<'w>(word: &'w str, what: &str) -> Result<(&'w str, &'w str), String> {
    match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(format!("{what}: \"{word}\" is not NAME=VALUE")),
    }
}

/// The fields of the language that are texts even where they look like numbers.
const DIGITS: [&str; 10] =
    ["name", "path", "cwd", "command_line", "hostname", "device_id", "md5", "sha1", "sha256", "asset_id"];

/// A field's value: numbers and truth values are such, unless the field is a text; so is JSON of more than one part.
fn field(name: &str, word: &str) -> Value {
    let last = name.rsplit('.').next().unwrap_or(name);
    if DIGITS.contains(&last) { json!(word) } else { scalar(word) }
}

fn scalar(word: &str) -> Value {
    match serde_json::from_str::<Value>(word) {
        Ok(value) if !value.is_null() => value,
        _ => json!(word),
    }
}

/// Puts a value at a path such as `hashes.md5`.
fn put(object: &mut Map<String, Value>, path: &str, value: Value) -> Result<(), String> {
    let Some((first, rest)) = path.split_once('.') else {
        return match object.insert(path.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err("it stands twice".into()),
        };
    };
    match object.entry(first).or_insert_with(|| json!({})) {
        Value::Object(inner) => put(inner, rest, value),
        _ => Err(format!("{first} is no object")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn made(words: &[&str]) -> Result<Value, String> {
        let cli = Cli::try_parse_from([&["oc2", "produce"], words].concat()).map_err(|error| error.to_string())?;
        let Command::Produce(produce) = cli.job() else { panic!("produce") };
        command(&produce)
    }

    #[test]
    fn words_become_commands() {
        for (words, expected) in [
            (&["query", "features"][..], json!({"action": "query", "target": {"features": []}})),
            (
                &["query", "features", "profiles,pairs", "versions"],
                json!({"action": "query", "target": {"features": ["profiles", "pairs", "versions"]}}),
            ),
            (
                &[
                    "deny",
                    "ipv4_net",
                    "198.51.100.0/24",
                    "--arg",
                    "response_requested=complete",
                    "--arg",
                    "duration=500",
                ],
                json!({
                    "action": "deny", "target": {"ipv4_net": "198.51.100.0/24"},
                    "args": {"response_requested": "complete", "duration": 500},
                }),
            ),
            (
                &["deny", "file", "name=a.exe", "hashes.md5=00", "hashes.sha1=11"],
                json!({"action": "deny", "target": {"file": {"name": "a.exe", "hashes": {"md5": "00", "sha1": "11"}}}}),
            ),
            (
                &["delete", "slpf:rule_number", "1234", "--actuator", "slpf.hostname=fw7", "--command-id", "x"],
                json!({
                    "action": "delete", "target": {"slpf:rule_number": 1234}, "actuator": {"slpf": {"hostname": "fw7"}},
                    "command_id": "x",
                }),
            ),
            (
                &[
                    "deny",
                    "ipv4_connection",
                    "protocol=tcp",
                    "dst_port=23",
                    "--actuator",
                    "slpf",
                    "--arg",
                    "slpf.drop_process=reject",
                ],
                json!({
                    "action": "deny", "target": {"ipv4_connection": {"protocol": "tcp", "dst_port": 23}},
                    "args": {"slpf": {"drop_process": "reject"}}, "actuator": {"slpf": {}},
                }),
            ),
            (
                &["detonate", "uri", "https://example.com/?a=b"],
                json!({"action": "detonate", "target": {"uri": "https://example.com/?a=b"}}),
            ),
            (
                &["set", "x-door:lock", r#"{"floor":[1,2]}"#],
                json!({"action": "set", "target": {"x-door:lock": {"floor": [1, 2]}}}),
            ),
        ] {
            assert_eq!(made(words), Ok(expected), "{words:?}");
        }
    }

    #[test]
    fn words_that_make_no_command_say_what_is_expected() {
        for (words, part) in [
            (&["deny", "file"][..], "name=, path=, hashes.md5="),
            (&["deny", "file", "a.exe"], "\"a.exe\" is not NAME=VALUE; expected name="),
            (&["deny", "ipv4_net"], "an address such as 192.0.2.1"),
            (&["deny", "file", "name=a", "name=b"], "it stands twice"),
            (&["deny", "file", "name=a", "name.b=c"], "name is no object"),
            (&["deny", "ipv4_net", "a", "--arg", "complete"], "--arg: \"complete\" is not NAME=VALUE"),
            (&["set", "x:y", "{"], "not JSON"),
        ] {
            let why = made(words).unwrap_err();
            assert!(why.contains(part), "{part} is not in {why}");
        }
    }
}
