//! What a Consumer does where the specifications leave a choice, and when something is missing, late or full.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::*;
use mqtt5_codec::{PayloadFormat, Properties, Property, QoS, Text as MqttText, Topic};
use openc2_mqtt::consumer::{
    Access, Answering, Breaches, Broadcast, Consumer, ConsumerMemory, ConsumerPolicy, ConsumerRefused, Declaration,
    OnBreach, Reaction,
};
use openc2_mqtt::profile::Profiles;
use openc2_mqtt::transfer::{Channel, Received, publish_properties};
use openc2_mqtt::{Action, Command, Encoding, Language, MessageType, Quirk, Reading, Response, Results, Status, Texts};

#[test]
fn only_those_named_in_to_act() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let to = |to: &str| deny("1").replace(r#""from":"p""#, &format!(r#""from":"p","to":{to}"#));
        assert_eq!(tell(consumer, AP, &to(r#"["other"]"#), NOW), "ForOthers");
        assert_eq!(tell(consumer, AP, &to(r#"["other","c"]"#), NOW), "execute");
        let to_nobody = deny("2").replace(r#""from":"p""#, r#""from":"p","to":[]"#);
        assert_eq!(tell(consumer, AP, &to_nobody, NOW), "execute");
        // Nor is an error told to one it wasn't for.
        let broken = to(r#"["other"]"#).replace("192.0.2.1", "300.0.2.1");
        assert_eq!(tell(consumer, AP, &broken, NOW), "ForOthers");
    });
}

#[test]
fn the_kind_of_response_asked_for_is_the_one_that_is_sent() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        assert_eq!(
            tell(consumer, AP, &deny_with("1", r#"{"response_requested":"ack"}"#), NOW),
            "execute oc2/rsp 102 to 1"
        );
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "nothing");
        assert_eq!(
            tell(consumer, AP, &deny_with("1", r#"{"response_requested":"ack"}"#), NOW),
            "again oc2/rsp 102 to 1"
        );
        assert_eq!(tell(consumer, AP, &deny_with("2", r#"{"response_requested":"none"}"#), NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::InternalError)), "nothing", "SLPF s3.2.1.7.1: never");
        assert_eq!(tell(consumer, AP, &deny_with("2", r#"{"response_requested":"none"}"#), NOW), "Unwanted");
    });
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny_with("3", r#"{"response_requested":"status"}"#), NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Processing)), "oc2/rsp 102 to 3");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 3");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "this command is not being carried out");
        let detonate = r#""action":"detonate","target":{"uri":"a:b"},"args":{"response_requested":"none"}"#;
        assert_eq!(tell(consumer, AP, &request("4", detonate), NOW), "Unwanted");
    });
    let v2 = ConsumerPolicy { reading: Reading::strict(Language::V2_0), ..ConsumerPolicy::default() };
    with_consumer(v2, None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny_with("5", r#"{"response_requested":"none"}"#), NOW), "execute");
        assert_eq!(
            respond(consumer, &Response::new(Status::InternalError)),
            "oc2/rsp 500 to 5",
            "LS2: errors all the same"
        );
    });
}

#[test]
fn query_features_takes_no_other_argument() {
    with_consumer(ConsumerPolicy::default(), Some(30), |consumer| {
        let query = |args: &str| {
            request("1", &format!(r#""action":"query","target":{{"features":["rate_limit","pairs"]}}{args}"#))
        };
        assert_eq!(tell(consumer, "oc2/cmd/all", &query(""), NOW), "oc2/rsp 200 to 1");
        assert_eq!(
            tell(consumer, "oc2/cmd/all", &query(r#","args":{"response_requested":"complete"}"#), NOW),
            "oc2/rsp 200 to 1"
        );
        for args in [r#"{"start_time":1}"#, r#"{"response_requested":"ack"}"#, r#"{"slpf":{"persistent":true}}"#] {
            let told = tell(consumer, "oc2/cmd/all", &query(&format!(r#","args":{args}"#)), NOW);
            assert!(told.starts_with("oc2/rsp 400"), "{told}");
        }
    });
}

#[test]
fn a_response_too_large_to_keep_is_repeated_by_its_status() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute");
        let long = "x".repeat(300);
        let names = [long.as_str()];
        let results = Results { versions: Some(Texts::from(&names)), ..Results::NONE };
        assert_eq!(respond(consumer, &Response { results, ..Response::new(Status::Ok) }), "oc2/rsp 200 to 1");
        let again = "again oc2/rsp 200 Answered before; the results were too large to keep to 1";
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), again);
    });
}

#[test]
fn what_does_not_fit_the_buffer_changes_nothing() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let properties = publish_properties(MessageType::Request, Encoding::Json, None);
        let json = deny_with("1", r#"{"response_requested":"ack"}"#);
        let received = Received {
            topic: Topic::new(AP).unwrap(),
            qos: QoS::AtLeastOnce,
            retain: false,
            properties: properties.as_properties(),
            payload: json.as_bytes(),
        };
        let mut buffer = [0; 200];
        let need = match consumer.handle(&received, NOW, Some(UTC), &mut buffer[..20]) {
            Err(ConsumerRefused::Encode(openc2_mqtt::EncodeError::Full { need })) => need,
            other => panic!("{other:?}"),
        };
        assert_eq!(consumer.running(), 0);
        assert!(consumer.handle(&received, NOW, Some(UTC), &mut buffer[..need - 1]).is_err());
        assert!(matches!(
            consumer.handle(&received, NOW, Some(UTC), &mut buffer[..need]),
            Ok(Reaction::Execute { .. })
        ));
    });
}

#[test]
fn no_more_commands_a_minute_than_declared() {
    with_consumer(ConsumerPolicy::default(), Some(1), |consumer| {
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute");
        assert_eq!(tell(consumer, AP, &deny("2"), NOW.after(59_000)), "oc2/rsp 503 Rate limit exceeded to 2");
        assert_eq!(tell(consumer, AP, &deny("2"), NOW.after(60_000)), "execute");
    });
}

#[test]
fn a_command_whose_time_has_passed_is_not_executed() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let until = |stop: u64| deny_with("1", &format!(r#"{{"stop_time":{stop}}}"#));
        assert_eq!(tell(consumer, AP, &until(UTC), NOW), "oc2/rsp 400 The stop time has passed to 1");
        let lasting = deny_with("1", &format!(r#"{{"start_time":{},"duration":1}}"#, UTC - 2));
        assert_eq!(tell(consumer, AP, &lasting, NOW), "oc2/rsp 400 The stop time has passed to 1");
        assert_eq!(tell(consumer, AP, &until(UTC + 1), NOW), "execute");
    });
    let args = openc2_mqtt::Args { start_time: Some(u64::MAX), duration: Some(1), ..openc2_mqtt::Args::NONE };
    assert_eq!(args.interval(0), Err(openc2_mqtt::LanguageRule::TimeOverflow));
    let args = openc2_mqtt::Args { stop_time: Some(50), duration: Some(20), ..openc2_mqtt::Args::NONE };
    assert_eq!(args.interval(7), Ok(openc2_mqtt::Interval { start: 30, stop: Some(50) }));
    assert_eq!(openc2_mqtt::Args::NONE.interval(7), Ok(openc2_mqtt::Interval { start: 7, stop: None }));
}

#[test]
fn what_it_can_not_do_is_refused_or_passed_over_as_the_host_wants() {
    let foreign = request("1", r#""action":"deny","target":{"ipv4_net":"192.0.2.1"},"actuator":{"er":{}}"#);
    let detonate = request("2", r#""action":"detonate","target":{"uri":"a:b"}"#);
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        assert_eq!(tell(consumer, "oc2/cmd/all", &foreign, NOW), "oc2/rsp 501 Actuator profile not supported to 1");
        assert_eq!(tell(consumer, "oc2/cmd/all", &detonate, NOW), "oc2/rsp 501 Command not supported to 2");
        let uri = request("3", r#""action":"deny","target":{"uri":"a:b"}"#);
        assert_eq!(tell(consumer, AP, &uri, NOW), "oc2/rsp 501 Target type not supported to 3");
        let unknown = request("4", r#""action":"dance","target":{"uri":"a:b"}"#);
        assert_eq!(tell(consumer, AP, &unknown, NOW), "oc2/rsp 501 Command not supported to 4");
        let option = request("5", r#""action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slow":true}"#);
        assert_eq!(tell(consumer, AP, &option, NOW), "oc2/rsp 501 Option not supported to 5");
        let option = deny_with("5", r#"{"slpf":{"logged":true}}"#);
        assert_eq!(tell(consumer, AP, &option, NOW), "oc2/rsp 501 Option not supported to 5");
        let target = request("5", r#""action":"delete","target":{"slpf:rule":7}"#);
        assert_eq!(tell(consumer, AP, &target, NOW), "oc2/rsp 501 Target type not supported to 5");
        let insert = deny_with("6", r#"{"slpf":{"insert_rule":7}}"#);
        assert_eq!(
            tell(consumer, AP, &insert, NOW),
            "oc2/rsp 400 insert_rule goes with response_requested: complete to 6"
        );
        let broken = request("7", r#""action":"deny","target":{"ipv4_net":"192.0.2.300"}"#);
        let told = tell(consumer, AP, &broken, NOW);
        assert!(told.starts_with("oc2/rsp 400 body.openc2.request.target.ipv4_net: not an IPv4 address"), "{told}");
        assert!(told.ends_with("[LS1 3.4.1.9] to 7"), "{told}");
    });
    let quiet = ConsumerPolicy {
        foreign_profile: Broadcast::Ignore,
        broadcast: Broadcast::Ignore,
        ..ConsumerPolicy::default()
    };
    with_consumer(quiet, None, |consumer| {
        assert_eq!(tell(consumer, "oc2/cmd/all", &foreign, NOW), "NotForUs");
        assert_eq!(tell(consumer, "oc2/cmd/all", &detonate, NOW), "NotForUs");
        assert_eq!(tell(consumer, "oc2/cmd/device/d", &detonate, NOW), "oc2/rsp 501 Command not supported to 2");
    });
}

#[test]
fn a_host_decides_who_may_do_what() {
    fn authorize(headers: &openc2_mqtt::Headers<'_>, command: &Command<'_>) -> Access {
        match headers.from {
            Some(from) if from == "p" && command.action == Action::Deny => Access::Granted,
            Some(_) => Access::Forbidden,
            None => Access::Unauthorized,
        }
    }
    let breaches = Breaches { no_from: OnBreach::Execute, ..Breaches::default() };
    let policy = ConsumerPolicy { authorize: Some(authorize), breaches, ..ConsumerPolicy::default() };
    with_consumer(policy, None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute");
        let features = request("2", r#""action":"query","target":{"features":[]}"#);
        assert_eq!(tell(consumer, AP, &features, NOW), "oc2/rsp 403 Forbidden to 2");
        let anonymous = deny("3").replace(r#","from":"p""#, "");
        assert_eq!(tell(consumer, AP, &anonymous, NOW), "oc2/rsp 401 Unauthorized to 3");
    });
}

#[test]
fn nothing_but_a_request_is_answered() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let response = r#"{"headers":{"request_id":"1","from":"x"},"body":{"openc2":{"response":{"status":400}}}}"#;
        let kind = |kind| publish_properties(kind, Encoding::Json, None);
        let rsp = kind(MessageType::Response);
        assert_eq!(tell_with(consumer, "oc2/rsp", response.as_bytes(), rsp.as_properties(), NOW), "NotARequest");
        assert_eq!(tell_with(consumer, AP, response.as_bytes(), rsp.as_properties(), NOW), "NotARequest");
        assert_eq!(tell(consumer, AP, response, NOW), "NotARequest", "whatever msgType says");
        assert_eq!(tell(consumer, "oc2/rsp", &deny("1"), NOW), "Topic");
        assert_eq!(tell(consumer, "other/topic", &deny("1"), NOW), "Topic");
        let ntf = kind(MessageType::Notification);
        assert_eq!(tell_with(consumer, AP, b"{}", ntf.as_properties(), NOW), "NotARequest");
        let other = [Property::ContentType(MqttText::new("text/plain").unwrap())];
        assert_eq!(tell_with(consumer, AP, b"{}", Properties::from(&other), NOW), "NotOpenC2");
    });
}

#[test]
fn an_encoding_that_is_not_known_is_told() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let user = |name, value| Property::UserProperty(MqttText::new(name).unwrap(), MqttText::new(value).unwrap());
        let xml = [
            Property::PayloadFormatIndicator(PayloadFormat::Utf8),
            user("msgType", "req"),
            user("encoding", "xml"),
            Property::ContentType(MqttText::new("application/openc2").unwrap()),
        ];
        let told = tell_with(consumer, AP, b"<openc2/>", Properties::from(&xml), NOW);
        assert_eq!(told, "oc2/rsp 400 Encoding not supported");
        // And a payload that isn't what its encoding says.
        assert!(tell(consumer, AP, "\u{a2}", NOW).starts_with("oc2/rsp 400"));
    });
}

#[test]
fn a_request_needs_an_identifier_if_it_wants_a_response() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let nameless = deny("1").replace(r#""request_id":"1","#, "");
        assert!(tell(consumer, AP, &nameless, NOW).starts_with("oc2/rsp 400 A response is wanted"));
        let silent = deny_with("1", r#"{"response_requested":"none"}"#).replace(r#""request_id":"1","#, "");
        assert_eq!(tell(consumer, AP, &silent, NOW), "execute");
    });
}

#[test]
fn responses_go_where_the_policy_says() {
    let policy = ConsumerPolicy { answering: Answering::Producer, ..ConsumerPolicy::default() };
    with_consumer(policy, None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp/p 200 to 1");
        let slash = deny("2").replace(r#""from":"p""#, r#""from":"a/b""#);
        assert_eq!(tell(consumer, AP, &slash, NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 2");
    });
}

#[test]
fn a_lenient_consumer_tells_what_it_forgave() {
    let policy = ConsumerPolicy { reading: Reading::lenient(Language::V1_0), ..ConsumerPolicy::default() };
    with_consumer(policy, None, |consumer| {
        let json = deny("1").replace(r#""from":"p""#, r#""to":"c""#);
        let received = Received {
            topic: Topic::new(AP).unwrap(),
            qos: QoS::AtMostOnce,
            retain: false,
            properties: Properties::EMPTY,
            payload: json.as_bytes(),
        };
        let mut buffer = [0; 512];
        let Ok(Reaction::Execute { verdict, .. }) = consumer.handle(&received, NOW, Some(UTC), &mut buffer) else {
            panic!("not executed")
        };
        assert!(verdict.violations.is_empty());
        let met = [Quirk::ToAsText, Quirk::MissingProperty, Quirk::QosZero, Quirk::PayloadFormat, Quirk::NoFrom];
        assert!(verdict.quirks.iter().eq(met), "{:?}", verdict.quirks);
    });
}

#[test]
fn a_consumer_subscribes_to_what_it_declares() {
    let declaration = Declaration::new("c", "zulu", &Profiles::NONE, &[]).with_others(&["alpha", "iota"]);
    let consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<1, 64>::new());
    let all = [Channel::All, Channel::Profile("alpha"), Channel::Profile("iota"), Channel::Device("zulu")];
    assert!(consumer.channels().eq(all));
}

#[test]
fn a_command_is_found_by_its_identifier() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny("r1"), NOW), "execute");
        let by_request = TICKET.with(core::cell::Cell::take);
        let named = deny("r2").replace(r#""action""#, r#""command_id":"k2","action""#);
        assert_eq!(tell(consumer, AP, &named, NOW), "execute");
        let by_command = TICKET.with(core::cell::Cell::take);
        assert_eq!(consumer.find("p", "r1"), by_request, "without a command_id it is the request_id");
        assert_eq!(consumer.find("p", "k2"), by_command);
        assert_eq!(consumer.find("p", "r2"), None);
        assert_eq!(consumer.find("q", "k2"), None);
    });
}

#[test]
fn a_feature_asked_for_twice_is_answered_once() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let query = |features: &str| request("1", &format!(r#""action":"query","target":{{"features":{features}}}"#));
        assert_eq!(tell(consumer, AP, &query(r#"["versions","versions"]"#), NOW), "oc2/rsp 200 to 1", "LS1 s3.4.1.5");
        let told = tell(consumer, AP, &query(r#"["versions","versions","all"]"#), NOW);
        assert_eq!(
            told,
            "oc2/rsp 400 body.openc2.request.target.features[1]: a feature is asked for once [LS1 3.4.1.5] to 1"
        );
        // Nothing else is forgiven with it.
        let null = query(r#"["versions","versions"]"#).replace(r#""from":"p""#, r#""from":"p","to":null"#);
        assert!(tell(consumer, AP, &null, NOW).starts_with("oc2/rsp 400"));
    });
}

#[test]
fn a_request_refused_for_room_uses_nothing_of_the_rate() {
    with_consumer(ConsumerPolicy::default(), Some(1), |consumer| {
        let properties = publish_properties(MessageType::Request, Encoding::Json, None);
        let json = deny_with("1", r#"{"response_requested":"ack"}"#);
        let received = Received {
            topic: Topic::new(AP).unwrap(),
            qos: QoS::AtLeastOnce,
            retain: false,
            properties: properties.as_properties(),
            payload: json.as_bytes(),
        };
        assert!(consumer.handle(&received, NOW, Some(UTC), &mut [0; 20]).is_err());
        assert_eq!(tell(consumer, AP, &json, NOW), "execute oc2/rsp 102 to 1");
        assert_eq!(tell(consumer, AP, &deny("2"), NOW), "oc2/rsp 503 Rate limit exceeded to 2");
    });
}

#[test]
fn an_acknowledgement_is_repeated_while_the_command_runs() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let ack = deny_with("1", r#"{"response_requested":"ack"}"#);
        assert_eq!(tell(consumer, AP, &ack, NOW), "execute oc2/rsp 102 to 1");
        assert_eq!(tell(consumer, AP, &ack, NOW), "again oc2/rsp 102 to 1");
        assert_eq!(consumer.running(), 1);
    });
}

#[test]
fn a_repeated_answer_is_marked_as_it_was_encoded() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let json = deny("1");
        assert_eq!(tell(consumer, AP, &json, NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 1");
        let read = Reading::default().message(Encoding::Json, json.as_bytes()).unwrap().value;
        let mut cbor = [0; 256];
        let length = read.encode(Encoding::Cbor, &mut cbor).unwrap();
        let properties = publish_properties(MessageType::Request, Encoding::Cbor, None);
        let received = Received {
            topic: Topic::new(AP).unwrap(),
            qos: QoS::AtLeastOnce,
            retain: false,
            properties: properties.as_properties(),
            payload: &cbor[..length],
        };
        let mut buffer = [0; 512];
        let Ok(Reaction::Reply { reply, repeated: true, .. }) = consumer.handle(&received, NOW, Some(UTC), &mut buffer)
        else {
            panic!("not repeated")
        };
        assert_eq!(reply.payload.first(), Some(&b'{'));
        let encoding = reply.properties.as_properties().user_properties().find(|(name, _)| *name == "encoding");
        assert!(encoding.is_some_and(|(_, value)| value == "json"));
    });
}

#[test]
fn what_a_wildcard_brings_for_others_is_not_executed() {
    let detonate = request("1", r#""action":"detonate","target":{"uri":"a:b"}"#);
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        assert_eq!(tell(consumer, "oc2/cmd/device/other", &deny("1"), NOW), "ForOthers");
        let foreign = "oc2/rsp 501 Actuator profile not supported to 1";
        assert_eq!(tell(consumer, "oc2/cmd/ap/er", &deny("1"), NOW), foreign);
        assert_eq!(tell(consumer, "oc2/cmd/ap/er", &detonate, NOW), foreign);
    });
    let quiet = ConsumerPolicy { foreign_profile: Broadcast::Ignore, ..ConsumerPolicy::default() };
    with_consumer(quiet, None, |consumer| {
        assert_eq!(tell(consumer, "oc2/cmd/ap/er", &deny("1"), NOW), "NotForUs");
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute");
    });
}

#[test]
fn an_argument_of_a_profile_that_it_lacks_is_an_option_not_supported() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let foreign = deny_with("1", r#"{"er":{"scan_depth":"deep"}}"#);
        assert_eq!(tell(consumer, "oc2/cmd/all", &foreign, NOW), "oc2/rsp 501 Option not supported to 1");
        let own = deny_with("2", r#"{"slpf":{"direction":"ingress"}}"#);
        assert_eq!(tell(consumer, "oc2/cmd/all", &own, NOW), "execute");
    });
}

#[test]
fn what_can_not_be_read_is_not_answered_to_who_wants_no_response() {
    let none = |rest: &str| request("1", &format!(r#"{rest},"args":{{"response_requested":"none"}}"#));
    let dance = none(r#""action":"dance","target":{"uri":"a:b"}"#);
    let net = none(r#""action":"deny","target":{"ipv4_net":"1.2.3.400"}"#);
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &dance, NOW), "Unwanted", "SLPF s3.2.1.7.1");
        assert_eq!(tell(consumer, AP, &net, NOW), "Unwanted");
        // Where it can't be told what is wanted, the Producer is told what is wrong.
        let broken = none(r#""action":"deny","target":{"uri":}"#);
        assert!(tell(consumer, AP, &broken, NOW).starts_with("oc2/rsp 400"));
        let complete = dance.replace("none", "complete");
        assert_eq!(tell(consumer, AP, &complete, NOW), "oc2/rsp 501 Command not supported to 1");
    });
    let v2 = ConsumerPolicy { reading: Reading::strict(Language::V2_0), ..ConsumerPolicy::default() };
    with_consumer(v2, None, |consumer| {
        assert_eq!(tell(consumer, AP, &dance, NOW), "oc2/rsp 501 Command not supported to 1");
    });
}

#[test]
fn what_could_not_be_known_again_is_not_remembered() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let nameless = deny_with("1", r#"{"response_requested":"none"}"#).replace(r#""request_id":"1","#, "");
        for _ in 0..5 {
            assert_eq!(tell(consumer, AP, &nameless, NOW), "execute");
            assert_eq!(respond(consumer, &Response::new(Status::Ok)), "nothing");
        }
        let named = nameless.replace(r#""action""#, r#""command_id":"k","action""#);
        assert_eq!(tell(consumer, AP, &named, NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "nothing");
        assert_eq!(tell(consumer, AP, &named, NOW), "Unwanted", "a command_id is enough to know it again");
    });
    // No request_id, so none in the response that the v2.0 draft wants all the same.
    let v2 = ConsumerPolicy { reading: Reading::strict(Language::V2_0), ..ConsumerPolicy::default() };
    with_consumer(v2, None, |consumer| {
        let nameless = deny_with("1", r#"{"response_requested":"none"}"#).replace(r#""request_id":"1","#, "");
        let named = nameless.replace(r#""action""#, r#""command_id":"k","action""#);
        assert_eq!(tell(consumer, AP, &named, NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::InternalError)), "oc2/rsp 500");
    });
}

#[test]
fn the_host_answers_with_any_status_of_the_language() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        for (index, status) in Status::ALL.into_iter().filter(|status| !status.is_interim()).enumerate() {
            let now = NOW.after(4_000_000 * index as u64);
            assert_eq!(tell(consumer, AP, &deny(&index.to_string()), now), "execute");
            let response = Response::with_text(status, status.name());
            let ticket = TICKET.with(core::cell::Cell::take).unwrap();
            let mut buffer = [0; 512];
            let reply = consumer.respond(ticket, &response, now, Some(UTC), &mut buffer).unwrap().unwrap();
            assert_eq!(line(&reply), format!("oc2/rsp {status} to {index}"));
            let again = format!("again oc2/rsp {status} to {index}");
            assert_eq!(tell(consumer, AP, &deny(&index.to_string()), now), again);
        }
    });
}

#[test]
fn query_features_is_answered_from_the_declaration() {
    let answer = |limit, features: &str| {
        with_consumer(ConsumerPolicy::default(), limit, |consumer| {
            let json = request("1", &format!(r#""action":"query","target":{{"features":{features}}}"#));
            let properties = publish_properties(MessageType::Request, Encoding::Json, None);
            let received = Received {
                topic: Topic::new("oc2/cmd/all").unwrap(),
                qos: QoS::AtLeastOnce,
                retain: false,
                properties: properties.as_properties(),
                payload: json.as_bytes(),
            };
            let mut buffer = [0; 512];
            let Ok(Reaction::Reply { reply, .. }) = consumer.handle(&received, NOW, None, &mut buffer) else {
                panic!("no answer")
            };
            let text = core::str::from_utf8(reply.payload).unwrap();
            text.split_once(r#""response":"#).unwrap().1.strip_suffix("}}}").unwrap().to_string()
        })
    };
    assert_eq!(answer(None, "[]"), r#"{"status":200}"#, "a heartbeat");
    assert_eq!(
        answer(Some(30), r#"["versions","profiles","rate_limit"]"#),
        r#"{"status":200,"results":{"versions":["1.0"],"profiles":["slpf"],"rate_limit":30}}"#
    );
    assert_eq!(answer(None, r#"["rate_limit"]"#), r#"{"status":200}"#, "LS1 s4.1: it may be left out");
    assert_eq!(
        answer(None, r#"["pairs"]"#),
        r#"{"status":200,"results":{"pairs":{"deny":["ipv4_net","slpf:rule_number"],"delete":["slpf:rule_number"],"query":["features"]}}}"#
    );
}

#[test]
fn a_response_is_complete_unless_another_is_asked_for() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute", "SLPF s3.2.1.7.2");
        assert_eq!(respond(consumer, &Response::new(Status::Processing)), "oc2/rsp 102 to 1");
        assert_eq!(respond(consumer, &Response::new(Status::Processing)), "oc2/rsp 102 to 1", "as often as it takes");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 1");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "this command is not being carried out");
    });
}

#[test]
fn the_same_command_from_two_topics_is_executed_once() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        assert_eq!(tell(consumer, "oc2/cmd/all", &deny("1"), NOW), "execute");
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "Running");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 1");
        assert_eq!(tell(consumer, "oc2/cmd/device/d", &deny("1"), NOW), "again oc2/rsp 200 to 1");
        let other = deny("1").replace(r#""from":"p""#, r#""from":"q""#);
        assert_eq!(tell(consumer, AP, &other, NOW), "execute", "another sender's identifier is another's");
    });
}

#[test]
fn a_bad_header_hides_neither_for_whom_a_request_is_nor_what_it_is_called() {
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        for bad in [r#""created":"2026-01-01T00:00:00Z""#, r#""created":1.5e12.5"#, r#""created":{"at":[1]}"#] {
            for headers in [
                format!(r#"{bad},"request_id":"1","from":"p","to":["c"]"#),
                format!(r#""from":"p",{bad},"to":["c"],"request_id":"1""#),
                format!(r#""to":["c"],"from":"p","request_id":"1",{bad}"#),
            ] {
                let content = r#"{"request":{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}}"#;
                let wrapper = format!(r#"{{"headers":{{{headers}}},"body":{{"openc2":{content}}}}}"#);
                let record = format!(r#"{{{headers},"content":{content}}}"#);
                for json in [wrapper, record] {
                    let told = tell(consumer, AP, &json, NOW);
                    assert!(told.starts_with("oc2/rsp 400") && told.ends_with(" to 1"), "{told}: {json}");
                    let others = json.replace(r#""to":["c"]"#, r#""to":["x"]"#);
                    assert_eq!(tell(consumer, AP, &others, NOW), "ForOthers", "{others}");
                }
            }
        }
    });
}

#[test]
fn another_command_under_a_used_identifier_is_not_answered_as_if_it_were_carried_out() {
    let other = |json: &str| json.replace("192.0.2.1", "198.51.100.0/24");
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        let reused = "oc2/rsp 400 request_id was used for another command to 1";
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute");
        assert_eq!(tell(consumer, AP, &other(&deny("1")), NOW), reused, "the first is being carried out");
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "Running");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 1");
        assert_eq!(tell(consumer, AP, &other(&deny("1")), NOW), reused);
        // The same command again, with other headers about it, is the same.
        let dated = deny("1").replace(r#""from""#, r#""created":1700000000000,"from""#);
        assert_eq!(tell(consumer, AP, &dated, NOW), "again oc2/rsp 200 to 1");
        let record = r#"{"request_id":"1","from":"p","content":{"request":{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}}}"#;
        assert_eq!(tell(consumer, AP, record, NOW), "again oc2/rsp 200 to 1");
        let silent = other(&deny_with("1", r#"{"response_requested":"none"}"#));
        assert_eq!(tell(consumer, AP, &silent, NOW), "Unwanted");
        let query = request("1", r#""action":"query","target":{"features":[]}"#);
        assert_eq!(tell(consumer, AP, &query, NOW), reused);
        let named = |net: &str| {
            let json = deny_with("2", r#"{"response_requested":"none"}"#).replace(r#""request_id":"2","#, "");
            json.replace(r#""action""#, r#""command_id":"k","action""#).replace("192.0.2.1", net)
        };
        assert_eq!(tell(consumer, AP, &named("192.0.2.2"), NOW), "execute");
        assert_eq!(tell(consumer, AP, &named("192.0.2.3"), NOW), "Unwanted");
    });
}

#[test]
fn another_command_under_a_used_identifier_is_known_after_a_restart() {
    let mut bytes = [0; ConsumerMemory::<3, 768>::EXPORT];
    let mut length = 0;
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 1");
        length = consumer.export(NOW, Some(UTC), &mut bytes).unwrap();
    });
    with_consumer(ConsumerPolicy::default(), None, |consumer| {
        consumer.import(&bytes[..length], NOW, Some(UTC)).unwrap();
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "again oc2/rsp 200 to 1");
        let other = deny("1").replace("192.0.2.1", "192.0.2.9");
        assert_eq!(tell(consumer, AP, &other, NOW), "oc2/rsp 400 request_id was used for another command to 1");
    });
}
