//! Profiles are guests with equal rights: packet filtering, its successor and a device's own are read, written and carried out by
//! the same means, in JSON and CBOR, in both roles.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

#[path = "../examples/profiles/lamp.rs"]
#[allow(dead_code, unreachable_pub, reason = "an example's")]
mod lamp;
#[path = "../examples/profiles/pf.rs"]
#[allow(dead_code, unreachable_pub, reason = "an example's")]
mod pf;

use common::*;
use mqtt5_codec::{QoS, Topic};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, Declaration, Reaction};
use openc2_mqtt::profile::Profiles;
use openc2_mqtt::slpf::{self, Slpf};
use openc2_mqtt::transfer::{Received, publish_properties};
use openc2_mqtt::{
    Action, Args, Command, EncodeError, Encoding, ExtensionValue, Form, Ipv4Net, LanguageRule, MessageType, Pair,
    Reading, Response, Status, Str, Style, Target, Texts,
};

static PROFILES: Profiles = Profiles::new(&[&Slpf, &pf::Pf, &lamp::Lamps]);

fn reading() -> Reading {
    Reading::default().with_profiles(&PROFILES)
}

fn write(command: &Command<'_>, form: Form) -> Result<Vec<u8>, EncodeError> {
    let mut buffer = [0; 512];
    let length = command.encode(Style::from(form).with_profiles(&PROFILES), &mut buffer)?;
    Ok(buffer[..length].to_vec())
}

const fn encoding(form: Form) -> Encoding {
    if matches!(form, Form::Json) { Encoding::Json } else { Encoding::Cbor }
}

const LAMP: &str = r#"{"action":"set","target":{"x-lamp:light":{"name":"desk"}},"args":{"x-lamp":{"level":40}},"actuator":{"x-lamp":{"name":"desk"}}}"#;
const CONNECTION: &str = r#"{"action":"deny","target":{"pf:adv_connection":{"src_addr":{"v4addr":"192.0.2.0/24"},"dst_addr":{"net_tag":"dmz"},"dst_port":443,"protocol":"tcp","network":"vpc-1","application":"web"}},"args":{"pf":{"drop_process":"reject","description":"a\"b","logged":true,"priority":7}},"actuator":{"pf":{"asset_id":"30"}}}"#;
const RULE: &str = r#"{"action":"delete","target":{"pf:rule_number":7}}"#;
const SLPF: &str = r#"{"action":"deny","target":{"ipv4_net":"192.0.2.0/24"},"args":{"slpf":{"drop_process":"none"}}}"#;

#[test]
fn commands_of_three_profiles_go_through_both_encodings() {
    for json in [LAMP, CONNECTION, RULE, SLPF] {
        let command = reading().command(Encoding::Json, json.as_bytes()).unwrap().value;
        let cbor = write(&command, Form::Cbor).unwrap();
        let again = reading().command(Encoding::Cbor, &cbor).unwrap().value;
        assert_eq!(String::from_utf8(write(&again, Form::Json).unwrap()).unwrap(), json);
    }
    // A lamp in CBOR, byte for byte.
    let command = reading().command(Encoding::Json, LAMP.as_bytes()).unwrap().value;
    let target = b"\xA1\x6Cx-lamp:light\xA1\x64name\x64desk";
    let cbor = write(&command, Form::Cbor).unwrap();
    assert!(cbor.windows(target.len()).any(|window| window == target), "{cbor:02x?}");
}

#[test]
fn typed_values_are_built_and_found_again() {
    let address = pf::Address::V4(Ipv4Net::parse("192.0.2.0/24").unwrap());
    let connection = pf::Connection {
        src_addr: Some(address),
        dst_port: Some(443),
        application: Some(Str::new("web")),
        ..pf::Connection::within(Str::new("vpc-1"))
    };
    let args = pf::Args { stateful: Some(true), insert_rule: Some(9), ..pf::Args::default() };
    let (light, which) = (lamp::Light { level: 7 }, lamp::Which { name: Str::new("desk") });
    let extensions = [args.extension(), light.extension()];
    let mut filtering = Command::new(Action::Deny, connection.target());
    filtering.args = Args { extensions: extensions[..].into(), ..Args::NONE };
    let mut shining = Command::new(Action::Set, which.target());
    shining.actuator = Some(which.actuator());
    for form in [Form::Json, Form::Cbor] {
        let bytes = write(&filtering, form).unwrap();
        let read = reading().command(encoding(form), &bytes).unwrap().value;
        assert_eq!(pf::Connection::of(&read.target), Some(connection), "{form:?}");
        assert_eq!(pf::Args::of(&read), Ok(Some(args)), "{form:?}");
        assert_eq!(lamp::Light::wanted(&read), Ok(light), "two profiles' arguments");
        assert_eq!(slpf::Args::of(&read), Ok(None));
        let bytes = write(&shining, form).unwrap();
        let read = reading().command(encoding(form), &bytes).unwrap().value;
        assert_eq!(lamp::Which::of(&read.target), Some(which), "{form:?}");
        assert_eq!(read.actuator.unwrap().specifiers.unwrap().read_as(), Ok(which), "{form:?}");
        assert_eq!(pf::Connection::of(&read.target), None);
    }
    let mut response = Response::new(Status::Ok);
    let results = pf::Results { rule_number: 9 };
    let extensions = [results.extension(), light.extension()];
    response.results.extensions = extensions[..].into();
    for form in [Form::Json, Form::Cbor] {
        let mut buffer = [0; 100];
        let length = response.encode(form, &mut buffer).unwrap();
        let read = reading().response(encoding(form), &buffer[..length]).unwrap().value;
        assert_eq!((pf::Results::of(&read), lamp::Light::told(&read)), (Ok(Some(results)), Ok(Some(light))));
    }
}

#[test]
fn what_a_profile_does_not_define_is_refused_where_it_stands() {
    let lamp = |target: &str, args: &str| format!(r#"{{"action":"set","target":{target},"args":{{"x-lamp":{args}}}}}"#);
    let desk = r#"{"x-lamp:light":{"name":"desk"}}"#;
    let pf = |connection: &str| format!(r#"{{"action":"deny","target":{{"pf:adv_connection":{connection}}}}}"#);
    for (json, rule, path) in [
        (lamp(desk, r#"{"level":256}"#), lamp::LEVEL, "args.x-lamp.level"),
        (lamp(desk, r#"{"hue":1}"#), LanguageRule::ProfileArg, "args.x-lamp.hue"),
        (lamp(desk, "{}"), LanguageRule::ProfileArg, "args.x-lamp"),
        (lamp(desk, r#"{"level":1,"level":2}"#), LanguageRule::DuplicateKey, "args.x-lamp.level"),
        (lamp(r#"{"x-lamp:bulb":1}"#, r#"{"level":1}"#), LanguageRule::ProfileTarget, "target.x-lamp:bulb"),
        (lamp(r#"{"x-lamp:light":{}}"#, r#"{"level":1}"#), LanguageRule::ProfileSpecifier, "target.x-lamp:light"),
        (pf("{}"), pf::NETWORK, "target.pf:adv_connection"),
        (pf(r#"{"network":"a","src_addr":{}}"#), pf::ADDRESS, "target.pf:adv_connection.src_addr"),
        (
            pf(r#"{"network":"a","src_addr":{"v4addr":"1.2.3.4","net_tag":"b"}}"#),
            pf::ADDRESS,
            "target.pf:adv_connection.src_addr.net_tag",
        ),
        (
            pf(r#"{"network":"a","dst_addr":{"v6addr":"1.2.3.4"}}"#),
            LanguageRule::Ipv6Net,
            "target.pf:adv_connection.dst_addr.v6addr",
        ),
        (pf(r#"{"network":"a","dst_port":65536}"#), LanguageRule::Port, "target.pf:adv_connection.dst_port"),
    ] {
        let error = reading().command(Encoding::Json, json.as_bytes()).unwrap_err();
        assert_eq!((error.rule, error.path.as_str()), (rule, path), "{json}: {error}");
        // Whoever isn't handed the profile reads it as it stands, unless it is no value at all.
        let unread = Reading::default().command(Encoding::Json, json.as_bytes());
        assert_eq!(unread.is_err(), rule == LanguageRule::DuplicateKey, "{json}");
    }
    // What could not be read is not written either.
    for value in [r#"{"level":256}"#, "7", "{}"] {
        let raw = openc2_mqtt::Raw::from_json(value).unwrap();
        let extensions = [openc2_mqtt::Extension { profile: Str::new(lamp::NSID), value: raw.into() }];
        let mut command = Command::new(Action::Set, Target::Uri(Str::new("a:b")));
        command.args.extensions = extensions[..].into();
        assert!(matches!(write(&command, Form::Json), Err(EncodeError::Refused(_))), "{value}");
        assert!(matches!(write(&command, Form::Cbor), Err(EncodeError::Refused(_))), "{value}");
        assert!(command.encode(Form::Json, &mut [0; 200]).is_ok(), "nobody is there to say no");
    }
}

#[test]
fn the_concise_form_has_identifiers_for_registered_profiles_alone() {
    let args = pf::Args { logged: Some(true), priority: Some(7), ..pf::Args::default() };
    let extensions = [args.extension()];
    let mut command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.0/24").unwrap()));
    command.args.extensions = extensions[..].into();
    let bytes = write(&command, Form::Concise).unwrap();
    assert_eq!(bytes, b"\x83\x06\xA1\x0D\x82\x44\xC0\x00\x02\x00\x18\x18\xA1\x19\x04\x0A\xA2\x05\xF5\x08\x07");
    let again = reading().command(Encoding::Cbor, &bytes).unwrap().value;
    assert_eq!(pf::Args::of(&again), Ok(Some(args)));
    assert_eq!(write(&again, Form::Json).unwrap(), write(&command, Form::Json).unwrap());
    let lamp = reading().command(Encoding::Json, LAMP.as_bytes()).unwrap().value;
    assert_eq!(write(&lamp, Form::Concise), Err(EncodeError::Refused(LanguageRule::ConciseExtension)));
}

#[test]
fn a_consumer_of_three_profiles_answers_for_each() {
    let pairs = [
        Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "pf:adv_connection"]) },
        Pair { action: Action::Delete, targets: Texts::from(&["slpf:rule_number", "pf:rule_number"]) },
        lamp::pairs()[0],
    ];
    let declaration = Declaration::new("c", "desk", &PROFILES, &pairs).with_others(&["x-door", "pf"]);
    let mut consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<8, 4096>::new());
    let consumer = &mut consumer;
    let topics: Vec<_> = consumer.channels().collect();
    assert_eq!(topics.len(), 2 + 4, "each profile once: {topics:?}");
    let all = "oc2/cmd/all";
    let query = |id: &str, what: &str| request(id, &format!(r#""action":"query","target":{{"features":[{what}]}}"#));
    let properties = publish_properties(MessageType::Request, Encoding::Json, None);
    let asked = query("1", r#""profiles","pairs""#);
    let received = Received {
        topic: Topic::new(all).unwrap(),
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: properties.as_properties(),
        payload: asked.as_bytes(),
    };
    let mut buffer = [0; 1024];
    let Ok(Reaction::Reply { reply, .. }) = consumer.handle(&received, NOW, Some(UTC), &mut buffer) else { panic!() };
    let told = String::from_utf8_lossy(reply.payload).into_owned();
    assert!(told.contains(r#""profiles":["slpf","pf","x-lamp","x-door"]"#), "{told}");
    assert!(told.contains(r#""set":["x-lamp:light"]"#) && told.contains(r#""pf:rule_number"]"#), "{told}");
    let body = |json: &str| json[1..json.len() - 1].to_owned();
    for (id, json, outcome) in [
        ("2", LAMP, "execute"),
        ("3", SLPF, "execute"),
        ("4", RULE, "execute"),
        ("5", &LAMP.replace("\"level\":40", "\"level\":4000"), "oc2/rsp 400"),
        ("6", &LAMP.replace("level", "hue"), "oc2/rsp 501 Option not supported"),
        ("7", &LAMP.replace("x-lamp:light", "x-lamp:bulb"), "oc2/rsp 501 Target type not supported"),
        ("8", &LAMP.replace(r#""args":{"#, r#""args":{"duration":1,"#), "oc2/rsp 501 Option not supported"),
        (
            "9",
            &LAMP.replace(r#""actuator":{"x-lamp":{"name":"desk"#, r#""actuator":{"x-lamp":{"name":"hall"#),
            "OtherActuator",
        ),
        ("10", &SLPF.replace("none", "maybe"), "oc2/rsp 400"),
        ("11", &CONNECTION.replace("30", "desk"), "execute"),
        ("12", CONNECTION, "OtherActuator"),
        ("13", &CONNECTION.replace("30", "desk").replace("deny", "allow"), "oc2/rsp 501 Command not supported"),
        // A lamp is told to filter packets, or its arguments come with such a command.
        (
            "14",
            r#"{"action":"deny","target":{"ipv4_net":"192.0.2.0/24"},"actuator":{"x-lamp":{"name":"desk"}}}"#,
            "oc2/rsp 501 Target type not supported",
        ),
        (
            "15",
            r#"{"action":"deny","target":{"ipv4_net":"192.0.2.0/24"},"args":{"x-lamp":{"level":1}}}"#,
            "oc2/rsp 501 Target type not supported",
        ),
    ] {
        let outcome_is = tell(consumer, all, &request(id, &body(json)), NOW);
        assert!(outcome_is.starts_with(outcome), "{id}: {outcome_is}, not {outcome}: {json}");
    }
}

#[test]
fn a_value_that_is_yet_to_be_written_is_not_read() {
    let light = lamp::Light { level: 1 };
    assert_eq!(ExtensionValue::Typed(&light).read_as::<lamp::Light>(), Err(LanguageRule::Unread));
    assert_eq!(ExtensionValue::Typed(&light).as_raw().map(|_| ()), None);
    assert_eq!(format!("{PROFILES:?}"), r#"["slpf", "pf", "x-lamp"]"#);
}

#[test]
fn a_target_that_its_profile_does_not_define_is_not_written_whoever_made_its_value() {
    let raw = openc2_mqtt::Raw::from_json(r#"{"name":"desk"}"#).unwrap();
    let which = lamp::Which { name: Str::new("desk") };
    for value in [raw.into(), ExtensionValue::Typed(&which), ExtensionValue::Integer(7)] {
        let of = |profile, name| {
            Command::new(Action::Set, Target::Extension { profile: Str::new(profile), name: Str::new(name), value })
        };
        for form in [Form::Json, Form::Cbor] {
            let refused = Err(EncodeError::Refused(LanguageRule::ProfileTarget));
            assert_eq!(write(&of("x-lamp", "bulb"), form), refused, "{value:?}");
            assert!(write(&of("x-door", "bulb"), form).is_ok(), "nothing is known of x-door");
        }
    }
    assert!(write(&Command::new(Action::Set, which.target()), Form::Json).is_ok());
}

openc2_mqtt::vocabulary! {
    enum Field { First = 1 "first", Third = 3 "third", }
}

/// A record whose fields are written in this order, or so many bytes of so many.
enum Made {
    Record([Field; 2]),
    Bytes(usize, u8),
}

impl openc2_mqtt::profile::Write for Made {
    fn write(&self, out: &mut openc2_mqtt::profile::Writer<'_>) {
        let mut frame = out.open(openc2_mqtt::profile::Shape::Record);
        match self {
            Self::Record(fields) => fields.iter().for_each(|field| {
                out.field(&mut frame, *field);
                out.integer(u64::from(field.id()));
            }),
            Self::Bytes(length, count) => {
                out.field(&mut frame, Field::First);
                out.bytes(*length, 0..*count);
            }
        }
        out.close(frame);
    }
}

#[test]
fn what_a_profile_writes_is_not_read_as_something_else() {
    let written = |made: &Made, form| {
        let extensions = [openc2_mqtt::Extension { profile: Str::new("av"), value: ExtensionValue::Typed(made) }];
        let mut command = Command::new(Action::Scan, Target::Uri(Str::new("a:b")));
        command.args.extensions = extensions[..].into();
        write(&command, form)
    };
    let refused = |rule| Err(EncodeError::Refused(rule));
    // Av is 1029; the second place, of which nothing is said, is null.
    let bytes = written(&Made::Record([Field::First, Field::Third]), Form::Concise).unwrap();
    assert!(bytes.ends_with(b"\xA1\x19\x04\x05\x83\x01\xF6\x03"), "{bytes:02x?}");
    for late in [[Field::Third, Field::First], [Field::First, Field::First]] {
        assert_eq!(written(&Made::Record(late), Form::Concise), refused(LanguageRule::RecordOrder), "{late:?}");
    }
    // By their names they are the same in any order.
    assert!(written(&Made::Record([Field::Third, Field::First]), Form::Json).is_ok());
    for (length, count) in [(2, 1), (1, 2)] {
        assert_eq!(written(&Made::Bytes(length, count), Form::Cbor), refused(LanguageRule::WantBinary));
    }
    assert!(written(&Made::Bytes(2, 2), Form::Cbor).unwrap().ends_with(b"\xA1\x65first\x42\x00\x01"));
    assert_eq!(written(&Made::Bytes(1, 1), Form::Json), refused(LanguageRule::WantText));
}
