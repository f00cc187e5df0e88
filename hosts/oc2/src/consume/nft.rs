//! Rules in the words of nftables, and the command `nft` that loads them.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::filter::{Rule, Way};

/// What a target fits. Everything in it was checked by the language: addresses, ports and protocols, and no free text.
pub(super) fn matches(target: &str, value: &Value, way: Way) -> String {
    let family = if target.starts_with("ipv6") { "ip6" } else { "ip" };
    if let Some(net) = value.as_str() {
        // Of packets that come in the sender is meant, of those that go out the receiver.
        let side = if way == Way::In { "saddr" } else { "daddr" };
        return format!("{family} {side} {net}");
    }
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let port = |name: &str| value.get(name).and_then(Value::as_u64);
    let mut parts = Vec::new();
    parts.extend(text("src_addr").map(|address| format!("{family} saddr {address}")));
    parts.extend(text("dst_addr").map(|address| format!("{family} daddr {address}")));
    let (from, to) = (port("src_port"), port("dst_port"));
    match text("protocol") {
        Some("icmp") => {
            parts.push(if family == "ip6" { "meta l4proto ipv6-icmp".into() } else { "meta l4proto icmp".into() })
        }
        Some(protocol) if from.is_none() && to.is_none() => parts.push(format!("meta l4proto {protocol}")),
        protocol => {
            // Ports without a protocol are those of any that has some.
            let protocol = protocol.unwrap_or("th");
            parts.extend(from.map(|port| format!("{protocol} sport {port}")));
            parts.extend(to.map(|port| format!("{protocol} dport {port}")));
        }
    }
    if parts.is_empty() || !parts.iter().any(|part| part.starts_with("ip")) {
        parts.insert(0, format!("meta nfproto {}", if family == "ip6" { "ipv6" } else { "ipv4" }));
    }
    parts.join(" ")
}

/// A rule's lines, one for each way, with the chain that it belongs to.
pub(super) fn lines(number: u64, rule: &Rule) -> Vec<String> {
    let chain = |way: Way| if way == Way::In { "input" } else { "output" };
    rule.fits.iter().map(|(way, fits)| format!("{}: {fits} {} (rule {number})", chain(*way), rule.verdict)).collect()
}

/// The whole table as `nft -f` reads it. It is deleted and made again in one transaction, so that there is no moment without.
pub(super) fn table(rules: &BTreeMap<u64, Rule>) -> String {
    let mut text = String::from("table inet oc2 {\n}\ndelete table inet oc2\ntable inet oc2 {\n");
    for (chain, way) in [("input", Way::In), ("output", Way::Out)] {
        // Writing to memory can't fail.
        let _ = writeln!(text, "  chain {chain} {{\n    type filter hook {chain} priority 0; policy accept;");
        for (number, rule) in rules {
            for (_, fits) in rule.fits.iter().filter(|(of, _)| *of == way) {
                let _ = writeln!(text, "    {fits} {} comment \"oc2 {number}\"", rule.verdict);
            }
        }
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    text
}

/// Has `nft` load a table; what it says if it does not.
pub(super) fn load(table: &str) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("nft cannot be started: {error}");
    let mut child = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    if let Some(mut input) = child.stdin.take() {
        // What it did not read it complains about.
        let _ = input.write_all(table.as_bytes());
    }
    let output = child.wait_with_output().map_err(cannot)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().next().unwrap_or("it says nothing");
    Err(format!("nft: {}", line.escape_debug()))
}
