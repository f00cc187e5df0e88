//! Each rule of the language with something that breaks it, and each habit of peers that lenient reading forgives.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use openc2_mqtt::slpf;
use openc2_mqtt::{Action, Encoding, Error, Form, Language, LanguageRule, MAX_MEMBERS, Quirk, Reading, Style};

/// A document that breaks a rule, and where.
struct Bad {
    rule: LanguageRule,
    path: &'static str,
    language: Language,
    json: String,
}

fn bad(rule: LanguageRule, path: &'static str, json: &str) -> Bad {
    Bad { rule, path, language: Language::V1_0, json: json.into() }
}

fn bad_v2(rule: LanguageRule, path: &'static str, json: &str) -> Bad {
    Bad { language: Language::V2_0, ..bad(rule, path, json) }
}

fn target(rule: LanguageRule, path: &'static str, target: &str) -> Bad {
    bad(rule, path, &format!(r#"{{"action":"query","target":{target}}}"#))
}

fn args(rule: LanguageRule, path: &'static str, args: &str) -> Bad {
    bad(rule, path, &format!(r#"{{"action":"query","target":{{"features":[]}},"args":{args}}}"#))
}

fn results(rule: LanguageRule, path: &'static str, results: &str) -> Bad {
    bad(rule, path, &format!(r#"{{"status":200,"results":{results}}}"#))
}

fn message(rule: LanguageRule, path: &'static str, json: &str) -> Bad {
    bad(rule, path, json)
}

const OK: &str = r#""body":{"openc2":{"response":{"status":200}}}"#;

/// Fields with such numbers in their names.
fn keys(numbers: impl Iterator<Item = usize>) -> String {
    numbers.map(|number| format!(r#""x{number:04}":{{}}"#)).collect::<Vec<_>>().join(",")
}

fn json_and_types() -> Vec<Bad> {
    let deep = format!("{}1{}", "[".repeat(16), "]".repeat(16));
    vec![
        target(LanguageRule::End, "target.uri", "{\"uri\":\"a"),
        target(LanguageRule::Junk, "target", "yes"),
        bad(LanguageRule::Trailing, "", r#"{"status":200} {}"#),
        results(LanguageRule::NumberForm, "results.rate_limit", r#"{"rate_limit":-}"#),
        target(LanguageRule::Escape, "target.uri", r#"{"uri":"\x"}"#),
        target(LanguageRule::ControlCharacter, "target.uri", "{\"uri\":\"a\n\"}"),
        target(LanguageRule::Surrogate, "target.properties[1]", r#"{"properties":["a","\ud800"]}"#),
        target(LanguageRule::Noncharacter, "target.properties[0]", r#"{"properties":["\uffff"]}"#),
        args(LanguageRule::NumberRange, "args.start_time", r#"{"start_time":9007199254740992}"#),
        bad(LanguageRule::DuplicateKey, "status", r#"{"status":200,"status":200}"#),
        args(LanguageRule::DuplicateKey, "args.x-a.b", r#"{"x-a":{"b":1,"c":2,"b":3}}"#),
        message(
            LanguageRule::TooMany,
            "headers.x0000",
            &format!(r#"{{"headers":{{{}}},{OK}}}"#, keys((0..=MAX_MEMBERS).rev())),
        ),
        message(LanguageRule::DuplicateKey, "headers.x", &format!(r#"{{"headers":{{"x":1,"from":"a","x":2}},{OK}}}"#)),
        args(
            LanguageRule::TooDeep,
            "args.x-a.b[0][0][0][0][0][0][0][0][0][0][0][0][0]",
            &format!(r#"{{"x-a":{{"b":{deep}}}}}"#),
        ),
        target(LanguageRule::WantMap, "target", "[]"),
        args(LanguageRule::WantMap, "args.slpf", r#"{"slpf":1}"#),
        bad(
            LanguageRule::WantMap,
            "actuator.x-a",
            r#"{"action":"deny","target":{"uri":"a:b"},"actuator":{"x-a":"b"}}"#,
        ),
        target(LanguageRule::WantList, "target.features", r#"{"features":"versions"}"#),
        bad(LanguageRule::WantText, "action", r#"{"action":6,"target":{"uri":"a:b"}}"#),
        args(LanguageRule::WantInteger, "args.start_time", r#"{"start_time":1.5}"#),
        args(LanguageRule::WantInteger, "args.duration", r#"{"duration":-1}"#),
        args(LanguageRule::WantInteger, "args.stop_time", r#"{"stop_time":"1"}"#),
        results(LanguageRule::WantNumber, "results.rate_limit", r#"{"rate_limit":"1"}"#),
        args(LanguageRule::WantBoolean, "args.slpf.persistent", r#"{"slpf":{"persistent":"yes"}}"#),
        bad(LanguageRule::Null, "results", r#"{"status":200,"results":null}"#),
        bad(LanguageRule::UnknownKey, "reason", r#"{"status":200,"reason":"a"}"#),
        bad(LanguageRule::UnknownKey, "targets", r#"{"action":"deny","target":{"uri":"a:b"},"targets":{}}"#),
    ]
}

fn messages() -> Vec<Bad> {
    vec![
        message(LanguageRule::NoBody, "", r#"{"headers":{"from":"a"}}"#),
        message(LanguageRule::NoBody, "body", r#"{"body":{}}"#),
        message(LanguageRule::NoBody, "body.openc3", r#"{"body":{"openc3":{}}}"#),
        message(LanguageRule::OneContent, "body.openc2", r#"{"body":{"openc2":{}}}"#),
        message(
            LanguageRule::OneContent,
            "body.openc2.response",
            r#"{"body":{"openc2":{"request":{"action":"query","target":{"features":[]}},"response":{"status":200}}}}"#,
        ),
        message(LanguageRule::NoContent, "", r#"{"request_id":"a"}"#),
        message(LanguageRule::EmptyHeaders, "headers", &format!(r#"{{"headers":{{}},{OK}}}"#)),
        message(LanguageRule::EmptyFrom, "headers.from", &format!(r#"{{"headers":{{"from":""}},{OK}}}"#)),
        message(LanguageRule::WantList, "headers.to", &format!(r#"{{"headers":{{"to":"a"}},{OK}}}"#)),
        message(LanguageRule::WantText, "headers.to[1]", &format!(r#"{{"headers":{{"to":["a",1]}},{OK}}}"#)),
        message(
            LanguageRule::EmptyNotification,
            "body.openc2.notification",
            r#"{"body":{"openc2":{"notification":{}}}}"#,
        ),
    ]
}

fn commands() -> Vec<Bad> {
    let uri = r#""target":{"uri":"a:b"}"#;
    vec![
        bad(LanguageRule::NoAction, "", r#"{"target":{"uri":"a:b"}}"#),
        bad(LanguageRule::NoTarget, "", r#"{"action":"deny"}"#),
        bad(LanguageRule::Action, "action", &format!(r#"{{"action":"destroy",{uri}}}"#)),
        target(LanguageRule::OneTarget, "target", "{}"),
        target(LanguageRule::OneTarget, "target.uri", r#"{"features":[],"uri":"a:b"}"#),
        target(LanguageRule::Target, "target.ip_net", r#"{"ip_net":"1.1.1.1"}"#),
        target(LanguageRule::TargetExtension, "target.slpf:", r#"{"slpf:":1}"#),
        target(LanguageRule::UnregisteredNsid, "target.acme:door", r#"{"acme:door":1}"#),
        args(LanguageRule::EmptyArgs, "args", "{}"),
        args(LanguageRule::Arg, "args.start", r#"{"start":1}"#),
        args(LanguageRule::Arg, "args.comment", r#"{"comment":"in v2.0"}"#),
        args(LanguageRule::ThreeTimes, "args", r#"{"start_time":1,"stop_time":3,"duration":2}"#),
        args(LanguageRule::ResponseType, "args.response_requested", r#"{"response_requested":"all"}"#),
        bad(LanguageRule::Actuator, "actuator", &format!(r#"{{"action":"deny",{uri},"actuator":{{}}}}"#)),
        bad(
            LanguageRule::Actuator,
            "actuator.x-b",
            &format!(r#"{{"action":"deny",{uri},"actuator":{{"x-a":{{}},"x-b":{{}}}}}}"#),
        ),
        bad(
            LanguageRule::UnregisteredNsid,
            "actuator.acme",
            &format!(r#"{{"action":"deny",{uri},"actuator":{{"acme":{{}}}}}}"#),
        ),
        bad(
            LanguageRule::Nsid,
            "actuator.x-sfractal-blinky",
            &format!(r#"{{"action":"deny",{uri},"actuator":{{"x-sfractal-blinky":{{}}}}}}"#),
        ),
        bad_v2(LanguageRule::Profile, "profile", &format!(r#"{{"action":"deny",{uri},"profile":{{"slpf":{{}}}}}}"#)),
        bad_v2(
            LanguageRule::UnknownKey,
            "actuator",
            &format!(r#"{{"action":"deny",{uri},"actuator":{{"slpf":{{}}}}}}"#),
        ),
        bad(LanguageRule::UnknownKey, "profile", &format!(r#"{{"action":"deny",{uri},"profile":"slpf"}}"#)),
        bad(LanguageRule::CommandId, "command_id", &format!(r#"{{"action":"deny",{uri},"command_id":"a b"}}"#)),
        bad_v2(LanguageRule::Target, "target.properties", r#"{"action":"query","target":{"properties":["a"]}}"#),
        bad_v2(LanguageRule::OneTarget, "target.acme.c", r#"{"action":"query","target":{"acme":{"b":1,"c":2}}}"#),
        bad_v2(LanguageRule::Arg, "args.acme", r#"{"action":"query","target":{"features":[]},"args":{"acme":1}}"#),
        bad_v2(
            LanguageRule::UnknownKey,
            "target.artifact.mime_type",
            r#"{"action":"scan","target":{"artifact":{"mime_type":"a/b"}}}"#,
        ),
    ]
}

fn targets() -> Vec<Bad> {
    vec![
        target(LanguageRule::EmptyTarget, "target.file", r#"{"file":{}}"#),
        target(LanguageRule::EmptyTarget, "target.artifact", r#"{"artifact":{}}"#),
        target(LanguageRule::EmptyTarget, "target.device", r#"{"device":{}}"#),
        target(LanguageRule::EmptyTarget, "target.process.parent", r#"{"process":{"parent":{}}}"#),
        target(LanguageRule::EmptyTarget, "target.ipv4_connection", r#"{"ipv4_connection":{}}"#),
        target(LanguageRule::EmptyTarget, "target.file.hashes", r#"{"file":{"hashes":{}}}"#),
        target(LanguageRule::Feature, "target.features[0]", r#"{"features":["all"]}"#),
        target(LanguageRule::DuplicateFeature, "target.features[1]", r#"{"features":["pairs","pairs"]}"#),
        target(LanguageRule::Hostname, "target.domain_name", r#"{"domain_name":"a_b.example"}"#),
        target(LanguageRule::Hostname, "target.device.hostname", r#"{"device":{"hostname":"-a"}}"#),
        target(LanguageRule::IdnHostname, "target.idn_domain_name", r#"{"idn_domain_name":"ü b"}"#),
        target(LanguageRule::Email, "target.email_addr", r#"{"email_addr":"a.example"}"#),
        target(LanguageRule::IdnEmail, "target.idn_email_addr", r#"{"idn_email_addr":"ü@"}"#),
        target(LanguageRule::Ipv4Net, "target.ipv4_net", r#"{"ipv4_net":"10.0.0.0/33"}"#),
        target(LanguageRule::Ipv4Net, "target.ipv4_connection.dst_addr", r#"{"ipv4_connection":{"dst_addr":"::1"}}"#),
        target(LanguageRule::Ipv6Net, "target.ipv6_net", r#"{"ipv6_net":"::1/129"}"#),
        target(LanguageRule::Protocol, "target.ipv4_connection.protocol", r#"{"ipv4_connection":{"protocol":"TCP"}}"#),
        target(
            LanguageRule::Protocol,
            "target.ipv6_connection.protocol",
            r#"{"ipv6_connection":{"protocol":"ipv6_icmp"}}"#,
        ),
        target(LanguageRule::Port, "target.ipv4_connection.src_port", r#"{"ipv4_connection":{"src_port":65536}}"#),
        target(LanguageRule::MacAddr, "target.mac_addr", r#"{"mac_addr":"00:11:22:33:44"}"#),
        target(LanguageRule::Uri, "target.uri", r#"{"uri":"example.com"}"#),
        target(LanguageRule::Uri, "target.artifact.payload.url", r#"{"artifact":{"payload":{"url":"a b"}}}"#),
        target(LanguageRule::Iri, "target.iri", r#"{"iri":"é"}"#),
        target(LanguageRule::Hash, "target.file.hashes.md5", r#"{"file":{"hashes":{"md5":"00"}}}"#),
        target(LanguageRule::Base64, "target.artifact.payload.bin", r#"{"artifact":{"payload":{"bin":"a+/="}}}"#),
        target(LanguageRule::Payload, "target.artifact.payload", r#"{"artifact":{"payload":{}}}"#),
        target(
            LanguageRule::Payload,
            "target.artifact.payload.url",
            r#"{"artifact":{"payload":{"bin":"","url":"a:b"}}}"#,
        ),
        target(LanguageRule::EmptyProperties, "target.properties", r#"{"properties":[]}"#),
        target(LanguageRule::NotUnique, "target.properties[2]", r#"{"properties":["a","b","a"]}"#),
        target(LanguageRule::ProfileTarget, "target.slpf:rule", r#"{"slpf:rule":1}"#),
        args(LanguageRule::ProfileArg, "args.slpf.log", r#"{"slpf":{"log":true}}"#),
        args(slpf::DROP_PROCESS, "args.slpf.drop_process", r#"{"slpf":{"drop_process":"maybe"}}"#),
        args(slpf::DIRECTION, "args.slpf.direction", r#"{"slpf":{"direction":"in"}}"#),
    ]
}

fn responses() -> Vec<Bad> {
    let command =
        |actuator: &str| format!(r#"{{"action":"deny","target":{{"uri":"a:b"}},"actuator":{{"slpf":{actuator}}}}}"#);
    vec![
        bad(LanguageRule::NoStatus, "", r#"{"status_text":"a"}"#),
        bad(LanguageRule::Status, "status", r#"{"status":"200"}"#),
        bad(LanguageRule::Status, "status", r#"{"status":200.0}"#),
        bad(LanguageRule::Status, "status", r#"{"status":201}"#),
        results(LanguageRule::EmptyResults, "results", "{}"),
        results(LanguageRule::Result, "results.version", r#"{"version":["1.0"]}"#),
        bad_v2(LanguageRule::Version, "results.versions", r#"{"status":200,"results":{"versions":["1"]}}"#),
        results(LanguageRule::NotUnique, "results.versions[1]", r#"{"versions":["1.0","1.0"]}"#),
        results(LanguageRule::Nsid, "results.profiles", r#"{"profiles":[""]}"#),
        results(LanguageRule::EmptyPair, "results.pairs.deny", r#"{"pairs":{"deny":[]}}"#),
        results(LanguageRule::EmptyPairs, "results.pairs", r#"{"pairs":{}}"#),
        results(LanguageRule::NotUnique, "results.pairs.deny[1]", r#"{"pairs":{"deny":["uri","uri"]}}"#),
        results(LanguageRule::Action, "results.pairs.dance", r#"{"pairs":{"dance":["uri"]}}"#),
        results(
            LanguageRule::DuplicateKey,
            "results.pairs.remediate",
            r#"{"pairs":{"remediate":["uri"],"remediate":["uri"]}}"#,
        ),
        results(LanguageRule::RateLimit, "results.rate_limit", r#"{"rate_limit":-1}"#),
        results(LanguageRule::ProfileResult, "results.slpf.rule", r#"{"slpf":{"rule":1}}"#),
        bad(LanguageRule::ProfileSpecifier, "actuator.slpf.name", &command(r#"{"name":"a"}"#)),
        bad(slpf::HOSTNAME, "actuator.slpf.hostname", &command(r#"{"hostname":"2001:db8::g"}"#)),
        bad(
            slpf::ASSET_TUPLE,
            "actuator.slpf.asset_tuple",
            &command(r#"{"asset_tuple":["","","","","","","","","","",""]}"#),
        ),
    ]
}

fn read(bad: &Bad) -> Error {
    match Reading::strict(bad.language).with_profiles(&slpf::PROFILES).document(Encoding::Json, bad.json.as_bytes()) {
        Ok(_) => panic!("{} was read", bad.json),
        Err(error) => error,
    }
}

/// What JSON can't break: CBOR's own rules, what only writing or a Consumer checks, and three told below.
const ELSEWHERE: [LanguageRule; 14] = [
    LanguageRule::Utf8,
    LanguageRule::TooLarge,
    LanguageRule::CborEnd,
    LanguageRule::CborJunk,
    LanguageRule::CborTrailing,
    LanguageRule::CborTag,
    LanguageRule::CborKey,
    LanguageRule::CborSimple,
    LanguageRule::CborChunks,
    LanguageRule::WantBinary,
    LanguageRule::ConciseExtension,
    LanguageRule::TimeOverflow,
    LanguageRule::Unread,
    LanguageRule::RecordOrder,
];

/// A document that a rule is about and that keeps it: for each rule that JSON can break.
fn good(rule: LanguageRule) -> &'static str {
    match rule {
        LanguageRule::End | LanguageRule::Junk | LanguageRule::Trailing => " {\"status\" : 200}\r\n",
        LanguageRule::Escape => r#"{"action":"query","target":{"uri":"a:\u0062\/"}}"#,
        LanguageRule::ControlCharacter => r#"{"status":200,"status_text":"a\nb\u0000"}"#,
        LanguageRule::Surrogate => r#"{"action":"query","target":{"properties":["a","\ud83d\ude00"]}}"#,
        LanguageRule::Noncharacter => r#"{"action":"query","target":{"properties":["\ufffd"]}}"#,
        LanguageRule::NumberForm | LanguageRule::WantNumber | LanguageRule::RateLimit => {
            r#"{"status":200,"results":{"rate_limit":1.5e1}}"#
        }
        LanguageRule::NumberRange | LanguageRule::WantInteger => {
            r#"{"action":"deny","target":{"uri":"a:b"},"args":{"start_time":9007199254740991}}"#
        }
        LanguageRule::DuplicateKey | LanguageRule::TooMany => {
            r#"{"action":"deny","target":{"uri":"a:b"},"args":{"x-a":{"b":1,"c":{"b":3}}}}"#
        }
        LanguageRule::TooDeep => {
            r#"{"action":"deny","target":{"uri":"a:b"},"args":{"x-a":{"b":[[[[[[[[[[[[1]]]]]]]]]]]]}}}"#
        }
        LanguageRule::WantMap | LanguageRule::Actuator => {
            r#"{"action":"deny","target":{"uri":"a:b"},"actuator":{"x-a":{"b":1}}}"#
        }
        LanguageRule::WantList | LanguageRule::Feature | LanguageRule::DuplicateFeature => {
            r#"{"action":"query","target":{"features":["versions","profiles","pairs","rate_limit"]}}"#
        }
        LanguageRule::WantText
        | LanguageRule::NoAction
        | LanguageRule::Action
        | LanguageRule::NoTarget
        | LanguageRule::OneTarget
        | LanguageRule::Uri => r#"{"action":"remediate","target":{"uri":"urn:a?b#c"}}"#,
        LanguageRule::WantBoolean | LanguageRule::ProfileArg | slpf::DROP_PROCESS | slpf::DIRECTION => {
            r#"{"action":"deny","target":{"ipv4_net":"10.0.0.0"},"args":{"slpf":{"persistent":false,"drop_process":"false_ack","direction":"egress","insert_rule":7}}}"#
        }
        LanguageRule::Null | LanguageRule::NoStatus | LanguageRule::Status | LanguageRule::EmptyResults => {
            r#"{"status":503,"status_text":"a","results":{"versions":["1.0"]}}"#
        }
        LanguageRule::UnknownKey => r#"{"headers":{"unknown":1},"body":{"openc2":{"response":{"status":200}}}}"#,
        LanguageRule::NoContent
        | LanguageRule::NoBody
        | LanguageRule::OneContent
        | LanguageRule::EmptyHeaders
        | LanguageRule::EmptyFrom => {
            r#"{"headers":{"from":"a","to":["b"]},"body":{"openc2":{"response":{"status":200}}},"signature":"s"}"#
        }
        LanguageRule::EmptyNotification => r#"{"body":{"openc2":{"notification":{"x-a":1}}}}"#,
        LanguageRule::Target => r#"{"action":"cancel","target":{"command":"k"}}"#,
        LanguageRule::TargetExtension | LanguageRule::UnregisteredNsid => {
            r#"{"action":"set","target":{"x-acme:door":"open"}}"#
        }
        LanguageRule::EmptyArgs | LanguageRule::Arg | LanguageRule::ThreeTimes | LanguageRule::ResponseType => {
            r#"{"action":"deny","target":{"uri":"a:b"},"args":{"start_time":1,"duration":2,"response_requested":"ack"}}"#
        }
        LanguageRule::CommandId => {
            r#"{"action":"deny","target":{"uri":"a:b"},"command_id":"d1ac0489-ed51-4345-9175-f3078f30afe5"}"#
        }
        LanguageRule::Nsid => r#"{"status":200,"results":{"profiles":["x-16-characters-"]}}"#,
        LanguageRule::EmptyTarget => {
            r#"{"action":"stop","target":{"process":{"pid":1,"name":"a","cwd":"/","executable":{"path":"/a"},"parent":{"pid":0},"command_line":"a b"}}}"#
        }
        LanguageRule::Hostname => r#"{"action":"locate","target":{"domain_name":"a-1.example."}}"#,
        LanguageRule::IdnHostname => r#"{"action":"locate","target":{"idn_domain_name":"b\u00fccher.example"}}"#,
        LanguageRule::Email => r#"{"action":"locate","target":{"email_addr":"a.b+c@example.com"}}"#,
        LanguageRule::IdnEmail => r#"{"action":"locate","target":{"idn_email_addr":"\u00fc@b\u00fccher.example"}}"#,
        LanguageRule::Ipv4Net | LanguageRule::Port | LanguageRule::Protocol => {
            r#"{"action":"allow","target":{"ipv4_connection":{"src_addr":"0.0.0.0/0","src_port":0,"dst_addr":"255.255.255.255/32","dst_port":65535,"protocol":"sctp"}}}"#
        }
        LanguageRule::Ipv6Net => r#"{"action":"allow","target":{"ipv6_net":"2001:db8::/128"}}"#,
        LanguageRule::MacAddr => r#"{"action":"locate","target":{"mac_addr":"00:1B:44:11:3A:B7:FF:FF"}}"#,
        LanguageRule::Iri => r#"{"action":"scan","target":{"iri":"http://b\u00fccher.example/\u00e9"}}"#,
        LanguageRule::Hash => {
            r#"{"action":"scan","target":{"file":{"hashes":{"md5":"D41D8CD98F00B204E9800998ECF8427E","sha1":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}}}}"#
        }
        LanguageRule::Base64 => r#"{"action":"detonate","target":{"artifact":{"payload":{"bin":"-_8"}}}}"#,
        LanguageRule::Payload => {
            r#"{"action":"detonate","target":{"artifact":{"mime_type":"a/b","payload":{"url":"http://a/"}}}}"#
        }
        LanguageRule::EmptyProperties => r#"{"action":"query","target":{"properties":["battery"]}}"#,
        LanguageRule::NotUnique | LanguageRule::EmptyPair | LanguageRule::EmptyPairs => {
            r#"{"status":200,"results":{"pairs":{"deny":["uri","ipv4_net"],"delete":["slpf:rule_number"]}}}"#
        }
        LanguageRule::Result | LanguageRule::ProfileResult => {
            r#"{"status":200,"results":{"slpf":{"rule_number":1234}}}"#
        }
        LanguageRule::ProfileTarget => r#"{"action":"delete","target":{"slpf:rule_number":1234}}"#,
        LanguageRule::ProfileSpecifier | slpf::HOSTNAME | slpf::ASSET_TUPLE => {
            r#"{"action":"deny","target":{"ipv4_net":"10.0.0.0"},"actuator":{"slpf":{"hostname":"::1","named_group":"g","asset_id":"30","asset_tuple":["1","2","3","4","5","6","7","8","9","10"]}}}"#
        }
        // Of the draft.
        LanguageRule::Profile => r#"{"action":"deny","target":{"uri":"a:b"},"profile":"slpf"}"#,
        LanguageRule::Version => r#"{"status":200,"results":{"versions":["2.0"]}}"#,
        other => panic!("{other:?} has no good case"),
    }
}

#[test]
fn each_rule_is_kept_by_something() {
    let own = [slpf::DROP_PROCESS, slpf::DIRECTION, slpf::HOSTNAME, slpf::ASSET_TUPLE];
    for rule in LanguageRule::ALL.iter().chain(&own).filter(|rule| !ELSEWHERE.contains(rule)) {
        let language = match rule {
            LanguageRule::Profile | LanguageRule::Version => Language::V2_0,
            _ => Language::V1_0,
        };
        let json = good(*rule);
        let read = Reading::strict(language).with_profiles(&slpf::PROFILES).document(Encoding::Json, json.as_bytes());
        assert!(read.is_ok(), "{rule:?}: {json}: {}", read.unwrap_err());
    }
}

#[test]
fn each_rule_is_found_where_it_is_broken() {
    let all: Vec<Bad> =
        [json_and_types(), messages(), commands(), targets(), responses()].into_iter().flatten().collect();
    let mut wrong = Vec::new();
    for bad in &all {
        let error = read(bad);
        if (error.rule, error.path.as_str()) != (bad.rule, bad.path) {
            wrong.push(format!("{}: {error}, not {} {:?}", bad.json, bad.path, bad.rule));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for rule in LanguageRule::ALL {
        let found = all.iter().any(|bad| bad.rule == *rule) || ELSEWHERE.contains(rule);
        assert!(found, "nothing breaks {rule:?}");
        assert!(!rule.section().is_empty() && !rule.meaning().is_empty());
    }
}

#[test]
fn bytes_and_sizes_are_bounded() {
    let reading = Reading { size: 20, ..Reading::default() };
    let error = reading.document(Encoding::Json, b"{\"status\":200}\xFF").unwrap_err();
    assert_eq!((error.rule, error.at), (LanguageRule::Utf8, 14));
    assert_eq!(reading.document(Encoding::Json, b"{\"status\"    :    200}").unwrap_err().rule, LanguageRule::TooLarge);
    let flat = Reading { depth: 1, ..Reading::default() };
    assert!(flat.document(Encoding::Json, b"{\"status\":200}").is_ok());
    assert_eq!(
        flat.document(Encoding::Json, b"{\"status\":200,\"results\":{}}").unwrap_err().rule,
        LanguageRule::TooDeep
    );
}

#[test]
fn keys_in_any_order_are_as_many_as_the_caller_allows_and_ascending_ones_any_number() {
    let keys = |numbers: &mut dyn Iterator<Item = usize>| match keys(numbers) {
        none if none.is_empty() => none,
        some => format!(",{some}"),
    };
    let read = |members: usize, keys: String| {
        let json = format!(r#"{{"headers":{{"from":"p"{keys}}},{OK}}}"#);
        let reading = Reading { members, ..Reading::default() };
        reading.message(Encoding::Json, json.as_bytes()).map(drop).map_err(|error| error.rule)
    };
    for members in [0, 1, 7, MAX_MEMBERS, usize::MAX] {
        let most = members.min(MAX_MEMBERS);
        assert_eq!(read(members, keys(&mut (0..most).rev())), Ok(()), "{members}");
        assert_eq!(read(members, keys(&mut (0..most + 2).rev())), Err(LanguageRule::TooMany), "{members}");
        assert_eq!(read(members, keys(&mut (0..5000))), Ok(()), "{members}");
        let twice = keys(&mut (0..5000).chain([4999]));
        assert_eq!(read(members, twice), Err(LanguageRule::DuplicateKey), "{members}");
    }
    // What the language defines is told apart without a table.
    let json = format!(r#"{{"headers":{{"to":["a"],"from":"p","created":1,"request_id":"r"}},{OK}}}"#);
    assert!(Reading { members: 0, ..Reading::default() }.message(Encoding::Json, json.as_bytes()).is_ok());
}

#[test]
fn ascending_is_by_length_first_in_cbor() {
    let read = |keys: &[&str]| {
        let mut bytes = vec![0xA1, 0x66];
        bytes.extend(b"status\x18\xC8");
        let mut raw = vec![0xA0 | keys.len() as u8];
        for key in keys {
            raw.push(0x60 | key.len() as u8);
            raw.extend(key.as_bytes());
            raw.push(1);
        }
        bytes[0] = 0xA2;
        bytes.extend(b"\x67results\xA1\x63x-a");
        bytes.extend(raw);
        let reading = Reading { members: 1, ..Reading::default() };
        reading.response(Encoding::Cbor, &bytes).map(drop).map_err(|error| error.rule)
    };
    assert_eq!(read(&["b", "c", "aa", "ab"]), Ok(()));
    assert_eq!(read(&["aa", "ab", "b", "c"]), Err(LanguageRule::TooMany));
}

#[test]
fn cbor_breaks_its_own_rules() {
    for (bytes, rule, path) in [
        (&b"\xA1\x66status"[..], LanguageRule::CborEnd, "status"),
        (b"\xA1\x66status\x1C", LanguageRule::CborJunk, "status"),
        (b"\xA1\x66status\xF7", LanguageRule::CborSimple, "status"),
        (b"\xA2\x66status\x18\xC8\x67results\xA1\x63x-a\xA1\x61a\xF7", LanguageRule::CborSimple, "results.x-a.a"),
        (b"\xA1\x66status\x18\xC8\x00", LanguageRule::CborTrailing, ""),
        (b"\xA1\x66status\xC1\x18\xC8", LanguageRule::CborTag, "status"),
        (b"\xA2\x66status\x18\xC8\x02\x61a", LanguageRule::CborKey, ""),
        (b"\xA1\x66status\x7F\x61a\xFF", LanguageRule::CborChunks, "status"),
        (b"\xA2\x66status\x18\xC8\x6Bstatus_text\x7F\x61a\xFF", LanguageRule::CborChunks, "status_text"),
        (b"\xA2\x66status\x18\xC8\x6Bstatus_text\x61\xFF", LanguageRule::Utf8, "status_text"),
        (b"\xA2\x66status\x18\xC8\x66status\x18\xC8", LanguageRule::DuplicateKey, "status"),
    ] {
        let error = Reading::default().response(Encoding::Cbor, bytes).unwrap_err();
        assert_eq!((error.rule, error.path.as_str()), (rule, path), "{bytes:02x?}");
    }
    // Lengths that aren't said beforehand are read, as RFC 8949 s3.2 has them.
    let read = Reading::default().response(Encoding::Cbor, b"\xBF\x66status\x18\xC8\xFF").unwrap();
    assert_eq!(read.value.status.code(), 200);
    // An IPv4 range as CBOR has it: bytes and prefix length, each in its own field (LS1 s3.4.1.9).
    let net = b"\x82\x06\xA1\x0D\x82\x43\x0A\x00\x00\x18\x18";
    assert_eq!(Reading::default().command(Encoding::Cbor, net).unwrap_err().rule, LanguageRule::Ipv4Net);
    let mac = b"\x82\x06\xA1\x11\x61a";
    assert_eq!(Reading::default().command(Encoding::Cbor, mac).unwrap_err().rule, LanguageRule::MacAddr);
}

#[test]
fn the_type_that_is_wanted_is_that_of_the_encoding() {
    let rule = |encoding, bytes: &[u8]| Reading::default().command(encoding, bytes).unwrap_err().rule;
    for (json, wanted) in [
        (r#"{"action":"deny","target":{"ipv4_net":["10.0.0.0",8]}}"#, LanguageRule::WantText),
        (r#"{"action":"deny","target":{"mac_addr":7}}"#, LanguageRule::WantText),
        (r#"{"action":"deny","target":{"file":{"hashes":{"md5":7}}}}"#, LanguageRule::WantText),
        (r#"{"action":"deny","target":{"ipv4_connection":[]}}"#, LanguageRule::WantMap),
        (r#"{"action":7,"target":{}}"#, LanguageRule::WantText),
    ] {
        assert_eq!(rule(Encoding::Json, json.as_bytes()), wanted, "{json}");
    }
    for (concise, wanted) in [
        (&b"\x82\x06\xA1\x0D\x07"[..], LanguageRule::WantList),
        (b"\x82\x06\xA1\x11\x07", LanguageRule::WantBinary),
        (b"\x82\x06\xA1\x0A\xA1\x03\xA1\x01\x07", LanguageRule::WantBinary),
        (b"\x82\x06\xA1\x01\x83\xF6\xA1\x01\x07", LanguageRule::WantBinary),
        (b"\x82\x06\xA1\x0F\x07", LanguageRule::WantList),
        (b"\x82\x61a\xA0", LanguageRule::WantInteger),
    ] {
        assert_eq!(rule(Encoding::Cbor, concise), wanted, "{concise:02x?}");
    }
    // Where text is read all the same, it is told what is wrong with it.
    assert_eq!(rule(Encoding::Cbor, b"\x82\x06\xA1\x0D\x61a"), LanguageRule::Ipv4Net);
}

/// A connection without a single property would match all there is, so nothing may stand for one.
#[test]
fn nothing_but_nulls_is_empty() {
    for bytes in [
        &b"\x82\x06\xA1\x0F\x85\xF6\xF6\xF6\xF6\xF6"[..],
        b"\x82\x06\xA1\x10\x81\xF6",
        b"\x82\x06\xA1\x0F\x9F\xF6\xF6\xFF",
        b"\x82\x06\xA1\x01\x83\xF6\xF6\xF6",
    ] {
        let error = Reading::default().command(Encoding::Cbor, bytes).unwrap_err();
        assert_eq!(error.rule, LanguageRule::EmptyTarget, "{bytes:02x?}");
    }
    assert!(Reading::default().command(Encoding::Cbor, b"\x82\x06\xA1\x0F\x85\xF6\xF6\xF6\xF6\x06").is_ok());
    let lenient = Reading::lenient(Language::V1_0);
    for (json, rule) in [
        (r#"{"action":"deny","target":{"ipv4_connection":{"src_addr":null}}}"#, LanguageRule::EmptyTarget),
        (
            r#"{"action":"deny","target":{"ipv6_connection":{"src_addr":null,"protocol":null}}}"#,
            LanguageRule::EmptyTarget,
        ),
        (r#"{"action":"deny","target":{"file":{"hashes":{"md5":null}}}}"#, LanguageRule::EmptyTarget),
        (r#"{"action":"deny","target":{"device":{"hostname":null}}}"#, LanguageRule::EmptyTarget),
        (r#"{"action":"deny","target":{"process":{"pid":null}}}"#, LanguageRule::EmptyTarget),
        (r#"{"status":200,"results":{"pairs":{"deny":null}}}"#, LanguageRule::EmptyPairs),
    ] {
        assert_eq!(lenient.document(Encoding::Json, json.as_bytes()).unwrap_err().rule, rule, "{json}");
    }
    // What may be absent as a whole is.
    for json in [
        r#"{"action":"deny","target":{"file":{"name":"a","path":null}},"args":{"duration":null}}"#,
        r#"{"status":200,"results":{"versions":null}}"#,
        r#"{"headers":{"from":null},"body":{"openc2":{"response":{"status":200}}}}"#,
    ] {
        assert!(lenient.document(Encoding::Json, json.as_bytes()).is_ok(), "{json}");
    }
}

#[test]
fn what_has_no_identifier_is_not_written_in_the_concise_form() {
    for json in [
        r#"{"action":"set","target":{"x-a:b":1}}"#,
        r#"{"action":"query","target":{"features":[]},"args":{"x-a":{"b":1}}}"#,
        r#"{"action":"query","target":{"features":[]},"actuator":{"er":{"hostname":"a"}}}"#,
        r#"{"status":200,"results":{"pairs":{"delete":["pf:rule_number"]}}}"#,
    ] {
        let document = Reading::default().document(Encoding::Json, json.as_bytes()).unwrap().value;
        let refused = document.encode(Form::Concise, &mut [0; 200]);
        assert_eq!(refused, Err(openc2_mqtt::EncodeError::Refused(LanguageRule::ConciseExtension)), "{json}");
        assert!(document.encode(Form::Cbor, &mut [0; 200]).is_ok());
    }
}

#[test]
fn pairs_name_the_rule_number_of_packet_filtering_in_every_form() {
    let json = r#"{"status":200,"results":{"pairs":{"deny":["ipv4_net"],"delete":["slpf:rule_number"]}}}"#;
    let concise = b"\xA2\x01\x18\xC8\x03\xA1\x03\xA2\x06\x81\x0D\x14\x81\x19\x04\x00";
    let document = Reading::default().document(Encoding::Json, json.as_bytes()).unwrap().value;
    let mut buffer = [0; 200];
    let length = document.encode(Form::Concise, &mut buffer).unwrap();
    assert_eq!(&buffer[..length], concise);
    let again = Reading::default().document(Encoding::Cbor, concise).unwrap().value;
    let length = again.encode(Form::Json, &mut buffer).unwrap();
    assert_eq!(core::str::from_utf8(&buffer[..length]), Ok(json));
    let twice = b"\xA2\x01\x18\xC8\x03\xA1\x03\xA1\x14\x82\x19\x04\x00\x19\x04\x00";
    let error = Reading::default().document(Encoding::Cbor, twice).unwrap_err();
    assert_eq!((error.rule, error.path.as_str()), (LanguageRule::NotUnique, "3.3.20[1]"));
}

#[test]
fn pairs_grouped_by_profile_are_of_the_draft_and_a_habit_in_1_0() {
    let json = r#"{"status":200,"results":{"pairs":{"query":["features"],"slpf":{"deny":["ipv4_net","file"],"query":["features"]},"pf":{"deny":["file","uri"]}}}}"#;
    let draft = Reading::strict(Language::V2_0).response(Encoding::Json, json.as_bytes()).unwrap();
    assert!(draft.quirks.is_empty());
    let strict = Reading::default().response(Encoding::Json, json.as_bytes()).unwrap_err();
    assert_eq!((strict.rule, strict.path.as_str()), (LanguageRule::Action, "results.pairs.slpf"));
    let lenient = Reading::lenient(Language::V1_0).response(Encoding::Json, json.as_bytes()).unwrap();
    assert!(lenient.quirks.contains(Quirk::NestedPairs));
    let pairs = draft.value.results.pairs.unwrap();
    assert!(pairs.contains(Action::Deny, "uri") && pairs.contains(Action::Deny, "ipv4_net"));
    assert!(pairs.contains(Action::Query, "features") && !pairs.contains(Action::Query, "uri"));
    assert_eq!(pairs.iter().count(), 4);
    // Written as a draft they stand as they stood; in 1.0 all of an action's targets stand together.
    let united = r#"{"status":200,"results":{"pairs":{"query":["features"],"deny":["ipv4_net","file","uri"]}}}"#;
    for (language, told) in [(Language::V2_0, json), (Language::V1_0, united)] {
        let mut buffer = [0; 400];
        for form in [Form::Json, Form::Cbor, Form::Concise] {
            let length = draft.value.encode(Style::new(form, language), &mut buffer).unwrap();
            let encoding = if form == Form::Json { Encoding::Json } else { Encoding::Cbor };
            let bytes = buffer[..length].to_vec();
            let again = Reading::strict(language).response(encoding, &bytes).unwrap().value;
            let length = again.encode(Style::new(Form::Json, language), &mut buffer).unwrap();
            assert_eq!(core::str::from_utf8(&buffer[..length]), Ok(told), "{form:?}");
        }
    }
    for (bad, path) in [
        (r#"{"slpf":{}}"#, "results.pairs.slpf"),
        (r#"{"slpf":{"deny":[]}}"#, "results.pairs.slpf.deny"),
        (r#"{"slpf":{"dance":["uri"]}}"#, "results.pairs.slpf.dance"),
        (r#"{"slpf":{"deny":["uri"]},"slpf":{"deny":["uri"]}}"#, "results.pairs.slpf"),
    ] {
        let json = format!(r#"{{"status":200,"results":{{"pairs":{bad}}}}}"#);
        let error = Reading::strict(Language::V2_0).response(Encoding::Json, json.as_bytes()).unwrap_err();
        assert_eq!(error.path.as_str(), path, "{error}");
    }
}

#[test]
fn peers_habits_are_refused_or_forgiven_and_told() {
    let v1 = Language::V1_0;
    for (quirk, language, json) in [
        (Quirk::NullField, v1, r#"{"status":200,"status_text":null,"results":null}"#),
        (Quirk::ToAsText, v1, r#"{"headers":{"to":"a"},"body":{"openc2":{"response":{"status":200}}}}"#),
        (Quirk::ToAsText, v1, r#"{"headers":{"to":""},"body":{"openc2":{"response":{"status":200}}}}"#),
        (Quirk::EmptyFrom, v1, r#"{"headers":{"from":""},"body":{"openc2":{"response":{"status":200}}}}"#),
        (Quirk::ProfileAsObject, Language::V2_0, r#"{"action":"deny","target":{"uri":"a:b"},"profile":{"slpf":{}}}"#),
        (Quirk::ProfileInV1, v1, r#"{"action":"deny","target":{"uri":"a:b"},"profile":"slpf"}"#),
        (
            Quirk::NestedPairs,
            v1,
            r#"{"status":200,"results":{"pairs":{"slpf":{"deny":["uri"]},"query":["features"]}}}"#,
        ),
        (Quirk::DuplicateFeature, v1, r#"{"action":"query","target":{"features":["pairs","pairs"]}}"#),
        (Quirk::LongNamespace, v1, r#"{"action":"deny","target":{"uri":"a:b"},"actuator":{"x-sfractal-blinky":{}}}"#),
        (Quirk::LongNamespace, v1, r#"{"status":200,"results":{"profiles":["iot-front-door-lock"]}}"#),
        (Quirk::ResultsNotAMap, v1, r#"{"status":200,"results":"done"}"#),
        (Quirk::ResultsNotAMap, v1, r#"{"results":[{"a":1}],"status":200}"#),
    ] {
        assert!(Reading::strict(language).document(Encoding::Json, json.as_bytes()).is_err(), "{json}");
        let read = Reading::lenient(language).document(Encoding::Json, json.as_bytes()).unwrap();
        assert!(read.quirks.iter().eq([quirk]), "{json}: {:?}", read.quirks);
    }
    let seconds = r#"{"headers":{"created":1610483630},"body":{"openc2":{"response":{"status":200}}}}"#;
    let read = Reading::lenient(v1).message(Encoding::Json, seconds.as_bytes()).unwrap();
    assert!(read.quirks.iter().eq([Quirk::CreatedInSeconds]));
    assert_eq!(read.value.headers.created, Some(1_610_483_630), "it is told, not scaled");
    assert!(Reading::strict(v1).message(Encoding::Json, seconds.as_bytes()).unwrap().quirks.is_empty());
    // Those of MQTT are the transfer's to find.
    let transfer = [
        Quirk::MessageTypeName,
        Quirk::MissingProperty,
        Quirk::QosZero,
        Quirk::Retained,
        Quirk::PayloadFormat,
        Quirk::PayloadEncoding,
        Quirk::NoFrom,
    ];
    assert_eq!(Quirk::ALL.len(), 10 + transfer.len());
}

#[test]
fn the_draft_of_v2_has_its_own_words() {
    for json in [
        r#"{"action":"deny","target":{"slpf":{"rule_number":1}},"profile":"slpf"}"#,
        r#"{"action":"set","target":{"acmesw":{"led":"on"}},"args":{"comment":"c","acmesw":{"a":1}},"profile":"acmesw"}"#,
        r#"{"action":"scan","target":{"artifact":{"media_type":"text/plain"}}}"#,
        r#"{"action":"allow","target":{"ipv6_connection":{"protocol":"ipv6_icmp"}}}"#,
        r#"{"action":"stop","target":{"process":{"pid":7,"parent":1}}}"#,
        r#"{"status":200,"results":{"versions":["2.0"],"acmesw":{"pairs":{"set":["acmesw/led"]}}}}"#,
    ] {
        let reading = Reading::strict(Language::V2_0);
        let document = reading.document(Encoding::Json, json.as_bytes()).unwrap().value;
        let mut buffer = [0; 300];
        let style = Style::new(Form::Json, Language::V2_0);
        let length = document.encode(style, &mut buffer).unwrap();
        assert_eq!(core::str::from_utf8(&buffer[..length]), Ok(json));
        let style = Style::new(Form::Cbor, Language::V2_0);
        let length = document.encode(style, &mut buffer).unwrap();
        assert!(reading.document(Encoding::Cbor, &buffer[..length]).is_ok());
    }
}
