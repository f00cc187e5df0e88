//! Arbitrary messages through every form and back: JSON, CBOR with names, the concise form.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use openc2_mqtt::slpf;
use openc2_mqtt::{Encoding, Form, Language, Reading, Style};
use proptest::prelude::*;

/// A string of JSON, with its quotation marks: any characters, some of them escaped although they needn't be.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec((any::<char>(), any::<bool>()), 0..12).prop_map(|chars| {
        let mut json = String::from("\"");
        for (c, escape) in chars {
            let code = u32::from(c);
            let odd = code & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&code);
            match if odd { 'x' } else { c } {
                '"' => json.push_str("\\\""),
                '\\' => json.push_str("\\\\"),
                '/' if escape => json.push_str("\\/"),
                c if c < ' ' || escape => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        json.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                c => json.push(c),
            }
        }
        json.push('"');
        json
    })
}

fn quoted(pattern: &'static str) -> impl Strategy<Value = String> {
    pattern.prop_map(|text| format!("\"{text}\""))
}

/// An object of these fields, each there or not, but at least one.
fn some_of(fields: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let count = fields.len();
    let values: Vec<_> =
        fields.into_iter().map(|(name, value)| value.prop_map(move |value| format!("\"{name}\":{value}"))).collect();
    (values, prop::collection::vec(any::<bool>(), count), 0..count)
        .prop_map(|(values, there, always)| {
            let kept = values.into_iter().enumerate().filter(|(index, _)| there[*index] || *index == always);
            format!("{{{}}}", kept.map(|(_, value)| value).collect::<Vec<_>>().join(","))
        })
        .boxed()
}

fn list(items: BoxedStrategy<String>, least: usize) -> BoxedStrategy<String> {
    prop::collection::btree_set(items, least..5)
        .prop_map(|items| format!("[{}]", items.into_iter().collect::<Vec<_>>().join(",")))
        .boxed()
}

fn integer() -> impl Strategy<Value = String> {
    prop_oneof![0u64..100, 0..(1u64 << 53)].prop_map(|value| value.to_string())
}

fn hex(bytes: usize) -> BoxedStrategy<String> {
    prop::collection::vec(any::<u8>(), bytes)
        .prop_map(|bytes| format!("\"{}\"", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>()))
        .boxed()
}

fn hashes() -> BoxedStrategy<String> {
    some_of(vec![("md5", hex(16)), ("sha1", hex(20)), ("sha256", hex(32))])
}

fn file() -> BoxedStrategy<String> {
    some_of(vec![("name", text().boxed()), ("path", text().boxed()), ("hashes", hashes())])
}

fn process() -> BoxedStrategy<String> {
    let fields = |parent: Option<BoxedStrategy<String>>| {
        let mut fields =
            vec![("pid", integer().boxed()), ("name", text().boxed()), ("cwd", text().boxed()), ("executable", file())];
        fields.extend(parent.map(|parent| ("parent", parent)));
        fields.push(("command_line", text().boxed()));
        some_of(fields)
    };
    fields(None).prop_recursive(3, 3, 1, move |parent| fields(Some(parent))).boxed()
}

fn ipv4_net() -> BoxedStrategy<String> {
    (any::<core::net::Ipv4Addr>(), prop::option::of(0..=32u8))
        .prop_map(|(address, prefix)| match prefix {
            Some(prefix) => format!("\"{address}/{prefix}\""),
            None => format!("\"{address}\""),
        })
        .boxed()
}

fn ipv6_net() -> BoxedStrategy<String> {
    let segment = prop_oneof![Just(0u16), any::<u16>()];
    (prop::array::uniform8(segment), prop::option::of(0..=128u8))
        .prop_map(|(segments, prefix)| {
            let address = core::net::Ipv6Addr::from(segments);
            match prefix {
                Some(prefix) => format!("\"{address}/{prefix}\""),
                None => format!("\"{address}\""),
            }
        })
        .boxed()
}

fn connection(net: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let port = || any::<u16>().prop_map(|port| port.to_string()).boxed();
    let protocol = prop::sample::select(vec!["\"icmp\"", "\"tcp\"", "\"udp\"", "\"sctp\""]).prop_map(String::from);
    some_of(vec![
        ("src_addr", net.clone()),
        ("src_port", port()),
        ("dst_addr", net),
        ("dst_port", port()),
        ("protocol", protocol.boxed()),
    ])
}

fn base64() -> BoxedStrategy<String> {
    // Whole groups of three bytes have no padding to choose.
    prop::collection::vec(prop::sample::select(b"ABCabc019-_".to_vec()), 0..8)
        .prop_map(|letters| {
            let groups = letters.iter().flat_map(|letter| core::iter::repeat_n(char::from(*letter), 4));
            format!("\"{}\"", groups.collect::<String>())
        })
        .boxed()
}

fn target() -> BoxedStrategy<String> {
    let one = |name: &'static str, value: BoxedStrategy<String>| {
        value.prop_map(move |value| format!("{{\"{name}\":{value}}}")).boxed()
    };
    let payload = prop_oneof![
        base64().prop_map(|bytes| format!("{{\"bin\":{bytes}}}")),
        quoted("https://[a-z]{1,9}\\.example/[a-z0-9]{0,9}").prop_map(|url| format!("{{\"url\":{url}}}")),
    ];
    let features =
        prop::sample::subsequence(vec!["\"versions\"", "\"profiles\"", "\"pairs\"", "\"rate_limit\""], 0..=4)
            .prop_shuffle()
            .prop_map(|features| format!("[{}]", features.join(",")));
    let mac =
        prop_oneof![prop::collection::vec(any::<u8>(), 6), prop::collection::vec(any::<u8>(), 8)].prop_map(|bytes| {
            format!("\"{}\"", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
        });
    let device = vec![
        ("hostname", quoted("[a-z]([a-z0-9-]{0,9}[a-z0-9])?(\\.[a-z]{1,5})?").boxed()),
        ("idn_hostname", quoted("[a-zéßλ]{1,9}\\.example").boxed()),
        ("device_id", text().boxed()),
    ];
    let artifact = vec![("mime_type", text().boxed()), ("payload", payload.boxed()), ("hashes", hashes())];
    prop_oneof![
        one("artifact", some_of(artifact)),
        one("command", quoted("[!#-Z^-~é]{0,36}").boxed()),
        one("device", some_of(device)),
        one("domain_name", quoted("[a-z]{1,9}\\.[a-z]{2,5}").boxed()),
        one("email_addr", quoted("[a-z+]{1,9}@[a-z]{1,9}\\.example").boxed()),
        one("features", features.boxed()),
        one("file", file()),
        one("idn_domain_name", quoted("[a-zäö]{1,9}\\.example").boxed()),
        one("idn_email_addr", quoted("[a-zü]{1,9}@[a-zü]{1,9}\\.example").boxed()),
        one("ipv4_net", ipv4_net()),
        one("ipv6_net", ipv6_net()),
        one("ipv4_connection", connection(ipv4_net())),
        one("ipv6_connection", connection(ipv6_net())),
        one("mac_addr", mac.boxed()),
        one("process", process()),
        one("uri", quoted("(https|urn|a\\+b):[a-z0-9/%]{0}[a-z0-9/]{0,9}(\\?[a-z=&]{0,5})?(#[a-z]{0,5})?").boxed()),
        one("iri", quoted("https://[a-zé]{1,9}\\.example/[a-zé]{0,9}").boxed()),
        one("properties", list(text().boxed(), 1)),
        one("slpf:rule_number", integer().boxed()),
    ]
    .boxed()
}

fn slpf_args() -> BoxedStrategy<String> {
    let of =
        |names: &[&'static str]| prop::sample::select(names.to_vec()).prop_map(|name| format!("\"{name}\"")).boxed();
    some_of(vec![
        ("drop_process", of(&["none", "reject", "false_ack"])),
        ("persistent", any::<bool>().prop_map(|yes| yes.to_string()).boxed()),
        ("direction", of(&["both", "ingress", "egress"])),
        ("insert_rule", integer().boxed()),
    ])
}

fn command() -> BoxedStrategy<String> {
    let action = prop::sample::select(openc2_mqtt::Action::ALL.to_vec()).prop_map(|action| action.name());
    let response =
        prop::sample::select(openc2_mqtt::ResponseType::ALL.to_vec()).prop_map(|kind| format!("\"{}\"", kind.name()));
    let args = some_of(vec![
        ("start_time", integer().boxed()),
        ("duration", integer().boxed()),
        ("response_requested", response.boxed()),
        ("slpf", slpf_args()),
    ]);
    let specifiers = some_of(vec![
        ("hostname", quoted("[a-z]{1,9}").boxed()),
        ("named_group", text().boxed()),
        ("asset_id", text().boxed()),
        ("asset_tuple", list(text().boxed(), 0)),
    ]);
    let id = quoted("[a-z0-9]{1,36}");
    (action, target(), prop::option::of(args), prop::option::of(specifiers), prop::option::of(id))
        .prop_map(|(action, target, args, specifiers, id)| {
            let mut json = format!("{{\"action\":\"{action}\",\"target\":{target}");
            if let Some(args) = args {
                json.push_str(&format!(",\"args\":{args}"));
            }
            if let Some(specifiers) = specifiers {
                json.push_str(&format!(",\"actuator\":{{\"slpf\":{specifiers}}}"));
            }
            if let Some(id) = id {
                json.push_str(&format!(",\"command_id\":{id}"));
            }
            json + "}"
        })
        .boxed()
}

fn response() -> BoxedStrategy<String> {
    let pairs = prop::collection::btree_map(
        prop::sample::select(openc2_mqtt::Action::ALL.to_vec()).prop_map(|action| action.name()),
        prop::sample::subsequence(openc2_mqtt::TargetKind::ALL.to_vec(), 1..5),
        1..5,
    )
    .prop_map(|pairs| {
        let pairs = pairs.into_iter().map(|(action, targets)| {
            let targets: Vec<_> = targets.iter().map(|target| format!("\"{}\"", target.name())).collect();
            format!("\"{action}\":[{}]", targets.join(","))
        });
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
    });
    let limit = prop_oneof![
        integer(),
        (1u32..100_000, 1u32..5).prop_map(|(digits, places)| {
            let digits = digits * 10 + 1;
            format!("{digits}e-{places}")
        }),
    ];
    let results = some_of(vec![
        ("versions", list(quoted("[0-9]\\.[0-9]").boxed(), 0)),
        ("profiles", list(quoted("[a-z-]{1,16}").boxed(), 0)),
        ("pairs", pairs.boxed()),
        ("rate_limit", limit.boxed()),
        ("slpf", integer().prop_map(|number| format!("{{\"rule_number\":{number}}}")).boxed()),
    ]);
    let status = prop::sample::select(vec![102, 200, 400, 401, 403, 404, 500, 501, 503]);
    (status, prop::option::of(text()), prop::option::of(results))
        .prop_map(|(status, text, results)| {
            let mut json = format!("{{\"status\":{status}");
            if let Some(text) = text {
                json.push_str(&format!(",\"status_text\":{text}"));
            }
            if let Some(results) = results {
                json.push_str(&format!(",\"results\":{results}"));
            }
            json + "}"
        })
        .boxed()
}

fn message() -> BoxedStrategy<String> {
    let headers = some_of(vec![
        ("request_id", text().boxed()),
        ("created", integer().boxed()),
        ("from", quoted("[a-z@.]{1,20}").boxed()),
        ("to", list(text().boxed(), 0)),
    ]);
    let content = prop_oneof![
        command().prop_map(|command| format!("{{\"request\":{command}}}")),
        response().prop_map(|response| format!("{{\"response\":{response}}}")),
    ];
    (prop::option::of(headers), content, prop::option::of(text()))
        .prop_map(|(headers, content, signature)| {
            let headers = headers.map(|headers| format!("\"headers\":{headers},")).unwrap_or_default();
            let signature = signature.map(|signature| format!(",\"signature\":{signature}")).unwrap_or_default();
            format!("{{{headers}\"body\":{{\"openc2\":{content}}}{signature}}}")
        })
        .boxed()
}

/// Any JSON value, for extensions.
fn value() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just(String::from("null")),
        any::<bool>().prop_map(|yes| yes.to_string()),
        (-(1i64 << 53) + 1..(1i64 << 53)).prop_map(|value| value.to_string()),
        any::<i32>().prop_map(|value| format!("{value}.5")),
        text(),
    ];
    leaf.prop_recursive(4, 30, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..30).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(inner, 0..30).prop_map(|values| {
                let fields = values.iter().enumerate().map(|(index, value)| format!("\"k{index}\":{value}"));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
            }),
        ]
    })
    .boxed()
}

/// With packet filtering among the profiles.
fn reading() -> Reading {
    Reading::default().with_profiles(&slpf::PROFILES)
}

fn normal(reading: &Reading, encoding: Encoding, bytes: &[u8]) -> String {
    let message = reading.message(encoding, bytes).unwrap_or_else(|error| panic!("{error}: {bytes:02x?}")).value;
    String::from_utf8(encode(&message, Form::Json, reading.language)).unwrap()
}

fn encode(message: &openc2_mqtt::Message<'_>, form: Form, language: Language) -> Vec<u8> {
    let style = Style::new(form, language).with_profiles(&slpf::PROFILES);
    let need = match message.encode(style, &mut []) {
        Err(openc2_mqtt::EncodeError::Full { need }) => need,
        other => panic!("{other:?}"),
    };
    let mut bytes = vec![0; need];
    assert_eq!(message.encode(style, &mut bytes), Ok(need), "what is counted is what is written");
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 500 } else { 20_000 }))]

    #[test]
    fn a_message_means_the_same_in_every_form(json in message()) {
        let reading = reading();
        let first = normal(&reading, Encoding::Json, json.as_bytes());
        prop_assert_eq!(normal(&reading, Encoding::Json, first.as_bytes()), first.clone());
        let message = reading.message(Encoding::Json, json.as_bytes()).unwrap().value;
        for form in [Form::Cbor, Form::Concise] {
            let bytes = encode(&message, form, Language::V1_0);
            prop_assert_eq!(normal(&reading, Encoding::Cbor, &bytes), first.clone());
            let again = reading.message(Encoding::Cbor, &bytes).unwrap().value;
            // From either form of CBOR into the other, and back into itself.
            for other in [Form::Cbor, Form::Concise] {
                let bytes = encode(&again, other, Language::V1_0);
                prop_assert_eq!(&bytes, &encode(&message, other, Language::V1_0));
            }
        }
    }

    #[test]
    fn an_extension_survives_the_way_through_cbor(value in value(), other in value()) {
        let reading = Reading { depth: 32, ..reading() };
        let json = format!(r#"{{"body":{{"openc2":{{"request":{{"action":"set","target":{{"x-a:b":{value}}},"args":{{"x-a":{{"v":{other}}},"x-b":{{"v":{value}}}}}}}}}}}}}"#);
        let first = normal(&reading, Encoding::Json, json.as_bytes());
        let message = reading.message(Encoding::Json, json.as_bytes()).unwrap().value;
        let bytes = encode(&message, Form::Cbor, Language::V1_0);
        let back = normal(&reading, Encoding::Cbor, &bytes);
        let again = reading.message(Encoding::Json, back.as_bytes()).unwrap().value;
        prop_assert_eq!(encode(&again, Form::Cbor, Language::V1_0), bytes);
        let same = reading.message(Encoding::Json, first.as_bytes()).unwrap().value;
        prop_assert_eq!(encode(&same, Form::Json, Language::V1_0), first.into_bytes());
    }

    #[test]
    fn junk_is_refused_or_read_and_never_more(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for reading in [reading(), Reading::lenient(Language::V2_0)] {
            for encoding in [Encoding::Json, Encoding::Cbor] {
                let _any = reading.document(encoding, &bytes);
            }
        }
    }

    #[test]
    fn a_damaged_message_is_refused_or_read(json in message(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let reading = reading();
        let message = reading.message(Encoding::Json, json.as_bytes()).unwrap().value;
        for (encoding, mut bytes) in [
            (Encoding::Json, json.clone().into_bytes()),
            (Encoding::Cbor, encode(&message, Form::Cbor, Language::V1_0)),
            (Encoding::Cbor, encode(&message, Form::Concise, Language::V1_0)),
        ] {
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
                prop_assert!(reading.message(encoding, &bytes).is_err());
            } else {
                bytes[at] = byte;
                if let Ok(read) = reading.message(encoding, &bytes) {
                    // What is read can be walked over and written.
                    let _written = read.value.encode(Form::Json, &mut [0; 8192]);
                    let _shown = format!("{:?}", read.value);
                }
            }
        }
    }
}
