//! A stateless packet filter: rules with numbers, of which the first that fits decides (oc2slpf-v1.0-cs01).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::nft;

/// What can be allowed and denied.
pub(super) const TARGETS: [&str; 4] = ["ipv4_net", "ipv6_net", "ipv4_connection", "ipv6_connection"];
pub(super) const RULE_NUMBER: &str = "slpf:rule_number";
/// Numbers are given from here on, and some are left out for those that insert a rule.
const FIRST: u64 = 1000;
const STEP: u64 = 10;

/// So many rules are kept: all of them are loaded anew with each command.
const RULES: usize = 10_000;

/// Which way packets go that a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// What packets it fits, for each way, in the words of nftables.
    pub(super) fits: Vec<(Way, String)>,
    pub(super) verdict: &'static str,
}

/// The rules, by their numbers, and whether they are more than words.
#[derive(Debug)]
pub(super) struct Filter {
    rules: BTreeMap<u64, Rule>,
    real: bool,
}

impl Filter {
    /// One without rules; with nftables its table is made, or emptied.
    pub(super) fn new(real: bool) -> Result<Self, String> {
        let filter = Self { rules: BTreeMap::new(), real };
        filter.apply(&filter.rules)?;
        Ok(filter)
    }

    /// Carries out a command, and gives the response in JSON.
    pub(super) fn carry_out(&mut self, command: &Value) -> Value {
        match self.changed(command) {
            Ok((rules, results)) => match self.apply(&rules) {
                Ok(()) => {
                    self.rules = rules;
                    match results {
                        Some(number) => json!({"status": 200, "results": {"slpf": {"rule_number": number}}}),
                        None => json!({"status": 200}),
                    }
                }
                Err(why) => json!({"status": 500, "status_text": why}),
            },
            Err((status, why)) => json!({"status": status, "status_text": why}),
        }
    }

    /// The rules as they are to be, and the number of a new one. Nothing is changed yet.
    #[expect(clippy::type_complexity, reason = "it is taken apart where it is called")]
    fn changed(&self, command: &Value) -> Result<(BTreeMap<u64, Rule>, Option<u64>), (u16, String)> {
        let mut rules = self.rules.clone();
        let action = command.get("action").and_then(Value::as_str).unwrap_or_default();
        let target = command.get("target").and_then(Value::as_object).and_then(|target| target.iter().next());
        let Some((target, value)) = target else { return Err((400, "The command has no target".into())) };
        if action == "delete" {
            let number = value.as_u64().unwrap_or_default();
            return match rules.remove(&number) {
                Some(_) => Ok((rules, None)),
                // SLPF 2.3.3.2
                None => Err((500, "firewall rule not removed or updated".into())),
            };
        }
        let argument = |name: &str| command.pointer(&format!("/args/slpf/{name}"));
        let text = |name: &str| argument(name).and_then(Value::as_str);
        let verdict = match (action, text("drop_process")) {
            ("allow", _) => "accept",
            (_, None | Some("none")) => "drop",
            (_, Some("reject")) => "reject",
            _ => return Err((501, "Option not supported".into())),
        };
        // Absent, a rule is to outlive a restart, which none does here. Asked for in so many words, that is refused.
        if argument("persistent").and_then(Value::as_bool) == Some(true) {
            return Err((501, "Option not supported".into()));
        }
        let ways = match text("direction") {
            Some("ingress") => &[Way::In][..],
            Some("egress") => &[Way::Out],
            _ => &[Way::In, Way::Out],
        };
        // A rule without the ports would fit more than was asked for.
        let has = |name: &str| value.get(name).is_some();
        if value.get("protocol").and_then(Value::as_str) == Some("icmp") && (has("src_port") || has("dst_port")) {
            return Err((400, "ICMP has no ports".into()));
        }
        if rules.len() >= RULES {
            return Err((500, format!("There are {RULES} rules, and no room for another")));
        }
        let number = match argument("insert_rule").and_then(Value::as_u64) {
            Some(number) if rules.contains_key(&number) => {
                return Err((501, "Rule number currently in use".into()));
            }
            Some(number) => number,
            None => rules.last_key_value().map_or(FIRST, |(last, _)| (last + STEP).max(FIRST)),
        };
        let fits = ways.iter().map(|way| (*way, nft::matches(target, value, *way))).collect();
        rules.insert(number, Rule { fits, verdict });
        Ok((rules, Some(number)))
    }

    /// Makes the table of nftables hold these rules, all at once; or says what would be done.
    fn apply(&self, rules: &BTreeMap<u64, Rule>) -> Result<(), String> {
        if self.real {
            return nft::load(&nft::table(rules));
        }
        for (number, rule) in rules.iter().filter(|(number, rule)| self.rules.get(number) != Some(rule)) {
            for line in nft::lines(*number, rule) {
                crate::terminal::complain!("would add: {line}");
            }
        }
        for (number, _) in self.rules.iter().filter(|(number, _)| !rules.contains_key(number)) {
            crate::terminal::complain!("would delete: rule {number}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter() -> Filter {
        Filter::new(false).unwrap()
    }

    fn deny(filter: &mut Filter, args: &Value) -> Value {
        filter.carry_out(&json!({"action": "deny", "target": {"ipv4_net": "198.51.100.0/24"}, "args": {"slpf": args}}))
    }

    #[test]
    fn rules_get_numbers_and_are_deleted_by_them() {
        let mut filter = filter();
        let number = |response: &Value| response.pointer("/results/slpf/rule_number").and_then(Value::as_u64);
        assert_eq!(number(&deny(&mut filter, &json!({}))), Some(1000));
        assert_eq!(number(&deny(&mut filter, &json!({"insert_rule": 500}))), Some(500));
        assert_eq!(number(&deny(&mut filter, &json!({}))), Some(1010));
        let used = deny(&mut filter, &json!({"insert_rule": 500}));
        assert_eq!(used, json!({"status": 501, "status_text": "Rule number currently in use"}));
        let delete = |filter: &mut Filter, number: u64| {
            filter.carry_out(&json!({"action": "delete", "target": {"slpf:rule_number": number}}))["status"].clone()
        };
        assert_eq!(delete(&mut filter, 500), 200);
        assert_eq!(delete(&mut filter, 500), 500);
        assert_eq!(filter.rules.len(), 2);
    }

    #[test]
    fn what_nftables_cannot_do_is_refused_and_changes_nothing() {
        let mut filter = filter();
        for args in [json!({"drop_process": "false_ack"}), json!({"persistent": true})] {
            assert_eq!(deny(&mut filter, &args), json!({"status": 501, "status_text": "Option not supported"}));
        }
        assert!(filter.rules.is_empty());
    }

    #[test]
    fn a_rule_never_fits_more_than_was_asked_for() {
        let mut filter = filter();
        let target = json!({"ipv4_connection": {"protocol": "icmp", "dst_port": 8}});
        let response = filter.carry_out(&json!({"action": "deny", "target": target}));
        assert_eq!(response, json!({"status": 400, "status_text": "ICMP has no ports"}));
        assert!(filter.rules.is_empty());
    }

    #[test]
    fn rules_are_as_many_as_there_is_room_for() {
        let mut filter = filter();
        let rule = Rule { fits: Vec::new(), verdict: "drop" };
        filter.rules = (0..RULES as u64).map(|number| (number, rule.clone())).collect();
        assert_eq!(deny(&mut filter, &json!({}))["status"], 500);
        assert_eq!(filter.rules.len(), RULES);
    }

    #[test]
    fn the_table_holds_every_rule_in_the_order_of_their_numbers() {
        let mut filter = filter();
        let _ = deny(&mut filter, &json!({"direction": "ingress", "drop_process": "reject"}));
        let _ = filter.carry_out(&json!({
            "action": "allow", "args": {"slpf": {"insert_rule": 7}},
            "target": {"ipv6_connection": {"protocol": "tcp", "dst_port": 443, "dst_addr": "2001:db8::/32"}},
        }));
        let expected = "\
table inet oc2 {
}
delete table inet oc2
table inet oc2 {
  chain input {
    type filter hook input priority 0; policy accept;
    ip6 daddr 2001:db8::/32 tcp dport 443 accept comment \"oc2 7\"
    ip saddr 198.51.100.0/24 reject comment \"oc2 1000\"
  }
  chain output {
    type filter hook output priority 0; policy accept;
    ip6 daddr 2001:db8::/32 tcp dport 443 accept comment \"oc2 7\"
  }
}
";
        assert_eq!(nft::table(&filter.rules), expected);
    }
}
