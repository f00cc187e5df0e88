//! What a Consumer and a Producer do where the specifications leave a choice, and when something is missing, late or full.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use mqtt5_codec::{PayloadFormat, Properties, Property, QoS, Text as MqttText, Topic};
use openc2_mqtt::consumer::{self, Access, Answering, Broadcast, Consumer, Declaration, Reaction};
use openc2_mqtt::producer::{self, Expect, Heard, Producer, Request, Unheard};
use openc2_mqtt::transfer::{Channel, Clause, Layout, Outgoing, Received, Scheme, publish_properties};
use openc2_mqtt::{
    Action, Command, Encoding, Feature, Features, Instant, Ipv4Net, Language, MessageType, Pair, Quirk, Reading,
    Response, Results, Status, Target, Text, Texts,
};

const NOW: Instant = Instant::from_millis(10_000);
const UTC: u64 = 1_700_000_000_000;

type Small<'d> = Consumer<'d, consumer::Inline<2, 512>>;

fn with_consumer<T>(policy: consumer::Policy<'_>, limit: Option<u32>, run: impl FnOnce(&mut Small<'_>) -> T) -> T {
    let pairs = [
        Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "slpf:rule_number"]) },
        Pair { action: Action::Delete, targets: Texts::from(&["slpf:rule_number"]) },
    ];
    let mut declaration = Declaration::new("c", "d", &["slpf"], &pairs);
    declaration.rate_limit = limit;
    run(&mut Consumer::new(declaration, policy, consumer::Inline::new()))
}

fn request(id: &str, rest: &str) -> String {
    format!(r#"{{"headers":{{"request_id":"{id}","from":"p"}},"body":{{"openc2":{{"request":{{{rest}}}}}}}}}"#)
}

fn deny(id: &str) -> String {
    request(id, r#""action":"deny","target":{"ipv4_net":"192.0.2.1"}"#)
}

fn deny_with(id: &str, args: &str) -> String {
    request(id, &format!(r#""action":"deny","target":{{"ipv4_net":"192.0.2.1"}},"args":{args}"#))
}

/// What came of a message, in a line.
fn tell(consumer: &mut Small<'_>, topic: &str, json: &str, now: Instant) -> String {
    let properties = publish_properties(MessageType::Request, Encoding::Json, None);
    tell_with(consumer, topic, json.as_bytes(), properties.as_properties(), now)
}

fn tell_with(
    consumer: &mut Small<'_>,
    topic: &str,
    payload: &[u8],
    properties: Properties<'_>,
    now: Instant,
) -> String {
    let received =
        Received { topic: Topic::new(topic).unwrap(), qos: QoS::AtLeastOnce, retain: false, properties, payload };
    let mut buffer = [0; 1024];
    match consumer.handle(&received, now, Some(UTC), &mut buffer).unwrap() {
        Reaction::Execute { ticket, reply, .. } => {
            let told = format!("execute {}", reply.as_ref().map(line).unwrap_or_default());
            TICKET.with(|kept| kept.set(Some(ticket)));
            told.trim_end().into()
        }
        Reaction::Reply { reply, repeated, .. } => format!("{}{}", if repeated { "again " } else { "" }, line(&reply)),
        Reaction::Ignored { why, .. } => format!("{why:?}"),
    }
}

std::thread_local! {
    static TICKET: core::cell::Cell<Option<consumer::Ticket>> = const { core::cell::Cell::new(None) };
}

fn line(outgoing: &Outgoing<'_>) -> String {
    let message = Reading::default().message(Encoding::sniff(outgoing.payload), outgoing.payload).unwrap().value;
    let openc2_mqtt::Content::Response(response) = message.content else { panic!("no response") };
    let text = response.status_text.map(|text| format!(" {text}")).unwrap_or_default();
    let id = message.headers.request_id.map(|id| format!(" to {id}")).unwrap_or_default();
    format!("{} {}{text}{id}", outgoing.topic, response.status.code())
}

fn respond(consumer: &mut Small<'_>, response: &Response<'_>) -> String {
    let ticket = TICKET.with(core::cell::Cell::take).unwrap();
    TICKET.with(|kept| kept.set(Some(ticket)));
    let mut buffer = [0; 1024];
    match consumer.respond(ticket, response, NOW, Some(UTC), &mut buffer) {
        Ok(Some(outgoing)) => line(&outgoing),
        Ok(None) => "nothing".into(),
        Err(refused) => refused.to_string(),
    }
}

const AP: &str = "oc2/cmd/ap/slpf";

#[test]
fn only_those_named_in_to_act() {
    with_consumer(consumer::Policy::default(), None, |consumer| {
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
    with_consumer(consumer::Policy::default(), None, |consumer| {
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
    with_consumer(consumer::Policy::default(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny_with("3", r#"{"response_requested":"status"}"#), NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Processing)), "oc2/rsp 102 to 3");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 3");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "this command is not being carried out");
        let detonate = r#""action":"detonate","target":{"uri":"a:b"},"args":{"response_requested":"none"}"#;
        assert_eq!(tell(consumer, AP, &request("4", detonate), NOW), "Unwanted");
    });
    let v2 = consumer::Policy { reading: Reading::strict(Language::V2_0), ..consumer::Policy::default() };
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
    with_consumer(consumer::Policy::default(), Some(30), |consumer| {
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
fn what_is_full_is_refused_and_nothing_is_forgotten() {
    with_consumer(consumer::Policy::default(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute");
        assert_eq!(respond(consumer, &Response::new(Status::Ok)), "oc2/rsp 200 to 1");
        assert_eq!(tell(consumer, AP, &deny("2"), NOW), "execute");
        assert_eq!(consumer.running(), 1);
        assert_eq!(tell(consumer, AP, &deny("3"), NOW), "oc2/rsp 503 Too many commands to 3");
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "again oc2/rsp 200 to 1");
        assert_eq!(tell(consumer, AP, &deny("2"), NOW), "Running");
        // An hour later the answered one gives way, the running one doesn't.
        assert_eq!(tell(consumer, AP, &deny("3"), NOW.after(3_600_000)), "execute");
        assert_eq!(tell(consumer, AP, &deny("4"), NOW.after(3_600_000)), "oc2/rsp 503 Too many commands to 4");
        let ticket = TICKET.with(core::cell::Cell::take).unwrap();
        consumer.abandon(ticket).unwrap();
        assert_eq!(consumer.abandon(ticket), Err(consumer::Refused::NoSuchTicket));
        assert_eq!(tell(consumer, AP, &deny("4"), NOW.after(3_600_000)), "execute");
    });
}

#[test]
fn a_response_too_large_to_keep_is_repeated_by_its_status() {
    with_consumer(consumer::Policy::default(), None, |consumer| {
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute");
        let long = "x".repeat(300);
        let names = [long.as_str()];
        let results = Results { versions: Some(Texts::from(&names)), ..Results::NONE };
        assert_eq!(respond(consumer, &Response { results, ..Response::new(Status::Ok) }), "oc2/rsp 200 to 1");
        let again = "again oc2/rsp 200 Answered before; the results were too large to keep to 1";
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), again);
        // Names that leave no room at all.
        assert_eq!(
            tell(consumer, AP, &deny(&"y".repeat(300)), NOW),
            format!("oc2/rsp 503 Too many commands to {}", "y".repeat(300))
        );
    });
}

#[test]
fn what_does_not_fit_the_buffer_changes_nothing() {
    with_consumer(consumer::Policy::default(), None, |consumer| {
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
            Err(consumer::Refused::Encode(openc2_mqtt::EncodeError::Full { need })) => need,
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
    with_consumer(consumer::Policy::default(), Some(1), |consumer| {
        assert_eq!(tell(consumer, AP, &deny("1"), NOW), "execute");
        assert_eq!(tell(consumer, AP, &deny("2"), NOW.after(59_000)), "oc2/rsp 503 Rate limit exceeded to 2");
        assert_eq!(tell(consumer, AP, &deny("2"), NOW.after(60_000)), "execute");
    });
}

#[test]
fn a_command_whose_time_has_passed_is_not_executed() {
    with_consumer(consumer::Policy::default(), None, |consumer| {
        let until = |stop: u64| deny_with("1", &format!(r#"{{"stop_time":{stop}}}"#));
        assert_eq!(tell(consumer, AP, &until(UTC), NOW), "oc2/rsp 400 The stop time has passed to 1");
        let lasting = deny_with("1", &format!(r#"{{"start_time":{},"duration":1}}"#, UTC - 2));
        assert_eq!(tell(consumer, AP, &lasting, NOW), "oc2/rsp 400 The stop time has passed to 1");
        assert_eq!(tell(consumer, AP, &until(UTC + 1), NOW), "execute");
    });
    let args = openc2_mqtt::Args { start_time: Some(u64::MAX), duration: Some(1), ..openc2_mqtt::Args::NONE };
    assert_eq!(args.interval(0), Err(openc2_mqtt::Rule::TimeOverflow));
    let args = openc2_mqtt::Args { stop_time: Some(50), duration: Some(20), ..openc2_mqtt::Args::NONE };
    assert_eq!(args.interval(7), Ok(openc2_mqtt::Interval { start: 30, stop: Some(50) }));
    assert_eq!(openc2_mqtt::Args::NONE.interval(7), Ok(openc2_mqtt::Interval { start: 7, stop: None }));
}

#[test]
fn what_it_can_not_do_is_refused_or_passed_over_as_the_host_wants() {
    let foreign = request("1", r#""action":"deny","target":{"ipv4_net":"192.0.2.1"},"actuator":{"er":{}}"#);
    let detonate = request("2", r#""action":"detonate","target":{"uri":"a:b"}"#);
    with_consumer(consumer::Policy::default(), None, |consumer| {
        assert_eq!(tell(consumer, "oc2/cmd/all", &foreign, NOW), "oc2/rsp 501 Actuator profile not supported to 1");
        assert_eq!(tell(consumer, "oc2/cmd/all", &detonate, NOW), "oc2/rsp 501 Command not supported to 2");
        let uri = request("3", r#""action":"deny","target":{"uri":"a:b"}"#);
        assert_eq!(tell(consumer, AP, &uri, NOW), "oc2/rsp 501 Target type not supported to 3");
        let unknown = request("4", r#""action":"dance","target":{"uri":"a:b"}"#);
        assert_eq!(tell(consumer, AP, &unknown, NOW), "oc2/rsp 501 Command not supported to 4");
        let option = request("5", r#""action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slow":true}"#);
        assert_eq!(tell(consumer, AP, &option, NOW), "oc2/rsp 501 Option not supported to 5");
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
    let quiet = consumer::Policy {
        foreign_profile: Broadcast::Ignore,
        broadcast: Broadcast::Ignore,
        ..consumer::Policy::default()
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
    let policy = consumer::Policy { authorize: Some(authorize), ..consumer::Policy::default() };
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
    with_consumer(consumer::Policy::default(), None, |consumer| {
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
    with_consumer(consumer::Policy::default(), None, |consumer| {
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
    with_consumer(consumer::Policy::default(), None, |consumer| {
        let nameless = deny("1").replace(r#""request_id":"1","#, "");
        assert!(tell(consumer, AP, &nameless, NOW).starts_with("oc2/rsp 400 A response is wanted"));
        let silent = deny_with("1", r#"{"response_requested":"none"}"#).replace(r#""request_id":"1","#, "");
        assert_eq!(tell(consumer, AP, &silent, NOW), "execute");
    });
}

#[test]
fn responses_go_where_the_policy_says() {
    let policy = consumer::Policy { answering: Answering::Producer, ..consumer::Policy::default() };
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
    let policy = consumer::Policy { reading: Reading::lenient(Language::V1_0), ..consumer::Policy::default() };
    with_consumer(policy, None, |consumer| {
        let json = deny("1").replace(r#""from":"p""#, r#""from":"p","to":"c""#);
        let received = Received {
            topic: Topic::new(AP).unwrap(),
            qos: QoS::AtMostOnce,
            retain: true,
            properties: Properties::EMPTY,
            payload: json.as_bytes(),
        };
        let mut buffer = [0; 512];
        let Ok(Reaction::Execute { verdict, .. }) = consumer.handle(&received, NOW, Some(UTC), &mut buffer) else {
            panic!("not executed")
        };
        assert!(verdict.violations.is_empty());
        let met = [Quirk::ToAsText, Quirk::MissingProperty, Quirk::QosZero, Quirk::Retained, Quirk::PayloadFormat];
        assert!(verdict.quirks.iter().eq(met), "{:?}", verdict.quirks);
    });
}

#[test]
fn wd01_has_six_topics_and_no_properties() {
    let scheme = Scheme { layout: Layout::Wd01, prefix: None };
    let policy = consumer::Policy { scheme, ..consumer::Policy::default() };
    let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "ipv6_net"]) }];
    let mut declaration = Declaration::new("c", "d7", &["slpf"], &pairs);
    declaration.device_type = Some("firewall");
    let mut consumer = Consumer::new(declaration, policy, consumer::Inline::<2, 512>::new());
    let topics: Vec<String> = consumer
        .channels()
        .map(|channel| channel.write(&scheme, &mut [0; 64]).map(|(topic, _)| topic.to_string()).unwrap())
        .collect();
    assert_eq!(
        topics,
        [
            "oc2/cmd/ap/slpf",
            "oc2/cmd/device_type/firewall",
            "oc2/cmd/device_id/d7",
            "oc2/cmd/action/deny",
            "oc2/cmd/action_target/deny_ipv4_net",
            "oc2/cmd/action_target/deny_ipv6_net",
        ]
    );
    let policy = producer::Policy { scheme, ..producer::Policy::default() };
    let mut producer = Producer::new("p", policy, producer::Inline::<1, 4>::new());
    let discover = Request::discover(Features::NONE, 1_000);
    let refused = producer.request(&discover, [0; 16], NOW, None, &mut [0; 512]).map(|_| ()).unwrap_err();
    assert_eq!(refused, producer::Refused::Topic(openc2_mqtt::transfer::TopicError::NotInLayout));
    let discover = Request::discover_on(Channel::DeviceType("firewall"), Features::new(&[Feature::Pairs]), 1_000);
    let mut out = [0; 512];
    let (_, outgoing) = producer.request(&discover, [0; 16], NOW, None, &mut out).unwrap();
    assert_eq!(outgoing.topic, "oc2/cmd/device_type/firewall");
    assert_eq!(outgoing.qos(), QoS::AtLeastOnce);
    // As MQTT 3.1.1 would bring it: without a property.
    let received = Received {
        topic: outgoing.topic,
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: Properties::EMPTY,
        payload: outgoing.payload,
    };
    let mut back = [0; 512];
    let Ok(Reaction::Reply { reply, status: Status::Ok, verdict, .. }) =
        consumer.handle(&received, NOW, None, &mut back)
    else {
        panic!("no answer")
    };
    assert!(verdict.violations.is_empty() && verdict.quirks.is_empty());
    assert_eq!(reply.topic, "oc2/rsp");
    let received = Received { topic: reply.topic, payload: reply.payload, ..received };
    assert!(matches!(producer.handle(&received, NOW), Heard::Response { .. }));
}

fn answer(producer: &mut Producer<'_, producer::Inline<2, 3>>, json: &str, now: Instant) -> String {
    let properties = publish_properties(MessageType::Response, Encoding::Json, None);
    let received = Received {
        topic: Topic::new("oc2/rsp").unwrap(),
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: properties.as_properties(),
        payload: json.as_bytes(),
    };
    match producer.handle(&received, now) {
        Heard::Response { from, part, complete, .. } => {
            format!("{from} {part:?}{}", if complete { " complete" } else { "" })
        }
        Heard::Nothing { why: Unheard::Malformed(error), .. } => error.to_string(),
        Heard::Nothing { why, .. } => format!("{why:?}").split('(').next().unwrap().into(),
    }
}

fn response(id: &str, from: &str, status: u16) -> String {
    format!(
        r#"{{"headers":{{"request_id":"{id}","from":"{from}"}},"body":{{"openc2":{{"response":{{"status":{status}}}}}}}}}"#
    )
}

#[test]
fn a_producer_tells_apart_whatever_may_come() {
    let mut producer = Producer::new("p", producer::Policy::default(), producer::Inline::<2, 3>::new());
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let mut out = [0; 512];
    let each = Request { expect: Expect::Each(&["a", "b"]), ..Request::new(Channel::Profile("slpf"), command, 1_000) };
    let (id, _) = producer.request_as(&each, "1", NOW, None, &mut out).unwrap();
    assert_eq!(producer.request_id(id), Some("1"));
    assert_eq!(answer(&mut producer, &response("9", "a", 200), NOW), "Foreign");
    assert_eq!(answer(&mut producer, &response("1", "a", 102), NOW), "a Interim");
    assert_eq!(answer(&mut producer, &response("1", "a", 102), NOW), "Duplicate");
    assert_eq!(answer(&mut producer, &response("1", "a", 200), NOW), "a Final");
    assert_eq!(answer(&mut producer, &response("1", "a", 102), NOW), "Duplicate", "the end came before");
    assert_eq!(
        answer(&mut producer, &response("1", "c", 200), NOW),
        "c Final",
        "one more than expected doesn't complete"
    );
    assert_eq!(answer(&mut producer, &response("1", "d", 200), NOW), "Full");
    assert_eq!(answer(&mut producer, &response("1", "b", 500), NOW), "b Final complete");
    assert_eq!(answer(&mut producer, &response("1", "b", 500), NOW), "Duplicate");
    assert_eq!(answer(&mut producer, &response("1", "e", 200), NOW), "Late");
    assert!(!producer.is_pending(id));
    assert_eq!(answer(&mut producer, &response("1", "", 200), NOW), "headers.from: from names the sender [CS01 3.2]");
    let anonymous = response("1", "a", 200).replace(r#","from":"a""#, "");
    assert_eq!(answer(&mut producer, &anonymous, NOW), "Anonymous");
    assert_eq!(answer(&mut producer, &deny("1"), NOW), "NotAResponse");
    assert!(answer(&mut producer, "{", NOW).starts_with("message: the text ends"));
    let to_other = response("1", "a", 200).replace(r#""from":"a""#, r#""from":"a","to":["q"]"#);
    assert_eq!(answer(&mut producer, &to_other, NOW), "ForOthers");
}

#[test]
fn a_producer_has_room_or_says_so() {
    let mut producer = Producer::new("p", producer::Policy::default(), producer::Inline::<2, 3>::new());
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let plain = Request::new(Channel::Profile("slpf"), command, 1_000);
    let mut out = [0; 512];
    let mut send = |producer: &mut Producer<'_, producer::Inline<2, 3>>, request: &Request<'_>, id: &str| {
        producer.request_as(request, id, NOW, None, &mut out).map(|(id, _)| id)
    };
    let many = Request { expect: Expect::Each(&["a", "b", "c", "d"]), ..plain };
    assert_eq!(send(&mut producer, &many, "1"), Err(producer::Refused::Responders));
    let long = "x".repeat(65);
    let names = [long.as_str()];
    let named = Request { expect: Expect::Each(&names), ..plain };
    assert_eq!(send(&mut producer, &named, "1"), Err(producer::Refused::Name));
    assert_eq!(send(&mut producer, &plain, &long), Err(producer::Refused::Name));
    let back = Request { channel: Channel::Responses, ..plain };
    assert_eq!(send(&mut producer, &back, "1"), Err(producer::Refused::Channel));
    let first = send(&mut producer, &plain, "1").unwrap();
    let second = send(&mut producer, &plain, "2").unwrap();
    assert_eq!(send(&mut producer, &plain, "3"), Err(producer::Refused::Requests));
    assert!(producer.cancel(first));
    assert!(!producer.cancel(first));
    assert_eq!(answer(&mut producer, &response("1", "a", 200), NOW), "Late");
    let third = send(&mut producer, &plain, "3").unwrap();
    assert_eq!(producer.request_id(first), None, "its place was needed");
    assert_eq!(answer(&mut producer, &response("1", "a", 200), NOW), "Foreign");
    assert_eq!(producer.poll_timeout(), Some(NOW.after(1_000)));
    let over: Vec<_> =
        core::iter::from_fn(|| producer.handle_timeout(NOW.after(1_000))).map(|over| over.request).collect();
    assert_eq!(over.len(), 2);
    assert!(over.contains(&second) && over.contains(&third));
    let mut silent = plain;
    silent.command.args.response_requested = Some(openc2_mqtt::ResponseType::None);
    let id = send(&mut producer, &silent, "4").unwrap();
    assert!(!producer.is_pending(id) && producer.poll_timeout().is_none());
}

#[test]
fn a_request_says_who_sends_it_and_asks_for_no_response_topic() {
    let mut producer = Producer::new("p", producer::Policy::default(), producer::Inline::<1, 1>::new());
    let command = Command::new(Action::Deny, Target::Ipv4Net(Ipv4Net::parse("192.0.2.1").unwrap()));
    let mut request = Request::new(Channel::Device("d"), command, 1_000);
    request.expiry = Some(30);
    let mut out = [0; 512];
    let (_, outgoing) = producer.request(&request, [7; 16], NOW, Some(UTC), &mut out).unwrap();
    let message = Reading::default().message(Encoding::Json, outgoing.payload).unwrap().value;
    assert_eq!(message.headers.from, Some(Text::new("p")));
    assert_eq!(message.headers.created, Some(UTC));
    assert_eq!(message.headers.request_id.map(|id| id.len()), Some(36));
    let properties = outgoing.properties.as_properties();
    assert!(properties.response_topic().is_none() && properties.correlation_data().is_none());
    assert_eq!(properties.message_expiry_interval(), Some(30));
    let sent = outgoing.message();
    assert_eq!((sent.qos, sent.retain), (QoS::AtLeastOnce, false));
    // A peer's request that has one is executed all the same, and never answered there.
    with_consumer(consumer::Policy::default(), None, |consumer| {
        let mut list = outgoing.properties.to_vec();
        list.push(Property::ResponseTopic(Topic::new("elsewhere").unwrap()));
        let received = Received {
            topic: outgoing.topic,
            qos: QoS::AtLeastOnce,
            retain: false,
            properties: Properties::from(&list[..]),
            payload: outgoing.payload,
        };
        let mut buffer = [0; 512];
        let Ok(Reaction::Execute { verdict, ticket, .. }) = consumer.handle(&received, NOW, None, &mut buffer) else {
            panic!("not executed")
        };
        assert!(verdict.violations.iter().eq([Clause::ResponseTopic]));
        let reply = consumer.respond(ticket, &Response::new(Status::Ok), NOW, None, &mut buffer).unwrap().unwrap();
        assert_eq!(reply.topic, "oc2/rsp");
    });
    assert!(producer.channels().eq([Channel::Responses]));
    let policy = producer::Policy { producer_id: Some("omega"), ..producer::Policy::default() };
    let producer = Producer::new("p", policy, producer::Inline::<1, 1>::new());
    assert!(producer.channels().eq([Channel::Responses, Channel::ResponsesTo("omega")]));
}

#[test]
fn a_consumer_subscribes_to_what_it_declares() {
    let declaration = Declaration::new("c", "zulu", &["alpha", "iota"], &[]);
    let consumer = Consumer::new(declaration, consumer::Policy::default(), consumer::Inline::<1, 64>::new());
    let all = [Channel::All, Channel::Profile("alpha"), Channel::Profile("iota"), Channel::Device("zulu")];
    assert!(consumer.channels().eq(all));
}

#[test]
fn a_command_is_found_by_its_identifier() {
    with_consumer(consumer::Policy::default(), None, |consumer| {
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
