//! A Consumer of packet filtering, and what came of a message in a line.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    dead_code,
    unreachable_pub,
    reason = "a test may panic, and not each uses all"
)]

use mqtt5_codec::{Properties, QoS, Topic};
use openc2_mqtt::consumer::{Consumer, ConsumerMemory, ConsumerPolicy, ConsumerStore, Declaration, Reaction, Ticket};
use openc2_mqtt::slpf;
use openc2_mqtt::transfer::{Outgoing, Received, publish_properties};
use openc2_mqtt::{Action, Encoding, Instant, MessageType, Pair, Reading, Response, Texts};

pub const NOW: Instant = Instant::from_millis(10_000);
pub const UTC: u64 = 1_700_000_000_000;

pub type Small<'d> = Consumer<'d, ConsumerMemory<3, 768>>;

pub fn with_consumer<T>(policy: ConsumerPolicy<'_>, limit: Option<u32>, run: impl FnOnce(&mut Small<'_>) -> T) -> T {
    with_declaration(limit, |declaration| run(&mut Consumer::new(declaration, policy, ConsumerMemory::new())))
}

pub fn with_declaration<T>(limit: Option<u32>, run: impl FnOnce(Declaration<'_>) -> T) -> T {
    let pairs = [
        Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net", "slpf:rule_number"]) },
        Pair { action: Action::Delete, targets: Texts::from(&["slpf:rule_number"]) },
    ];
    let mut declaration = Declaration::new("c", "d", &slpf::PROFILES, &pairs);
    declaration.rate_limit = limit;
    run(declaration)
}

pub fn request(id: &str, rest: &str) -> String {
    format!(r#"{{"headers":{{"request_id":"{id}","from":"p"}},"body":{{"openc2":{{"request":{{{rest}}}}}}}}}"#)
}

pub fn deny(id: &str) -> String {
    request(id, r#""action":"deny","target":{"ipv4_net":"192.0.2.1"}"#)
}

pub fn deny_with(id: &str, args: &str) -> String {
    request(id, &format!(r#""action":"deny","target":{{"ipv4_net":"192.0.2.1"}},"args":{args}"#))
}

/// What came of a message, in a line.
pub fn tell<M: ConsumerStore>(consumer: &mut Consumer<'_, M>, topic: &str, json: &str, now: Instant) -> String {
    let properties = publish_properties(MessageType::Request, Encoding::Json, None);
    tell_with(consumer, topic, json.as_bytes(), properties.as_properties(), now)
}

pub fn tell_with<M: ConsumerStore>(
    consumer: &mut Consumer<'_, M>,
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
        Reaction::Notification { content, .. } => format!("notified {}", content.as_json().unwrap()),
        Reaction::Ignored { why, .. } => format!("{why:?}"),
        other => panic!("{other:?}"),
    }
}

std::thread_local! {
    pub static TICKET: core::cell::Cell<Option<Ticket>> = const { core::cell::Cell::new(None) };
}

pub fn line(outgoing: &Outgoing<'_>) -> String {
    let message = Reading::default().message(Encoding::sniff(outgoing.payload), outgoing.payload).unwrap().value;
    let openc2_mqtt::Content::Response(response) = message.content else { panic!("no response") };
    let text = response.status_text.map(|text| format!(" {text}")).unwrap_or_default();
    let id = message.headers.request_id.map(|id| format!(" to {id}")).unwrap_or_default();
    format!("{} {}{text}{id}", outgoing.topic, response.status.code())
}

pub fn respond<M: ConsumerStore>(consumer: &mut Consumer<'_, M>, response: &Response<'_>) -> String {
    respond_at(consumer, response, NOW)
}

pub fn respond_at<M: ConsumerStore>(consumer: &mut Consumer<'_, M>, response: &Response<'_>, now: Instant) -> String {
    let ticket = TICKET.with(core::cell::Cell::take).unwrap();
    TICKET.with(|kept| kept.set(Some(ticket)));
    let mut buffer = [0; 1024];
    match consumer.respond(ticket, response, now, Some(UTC), &mut buffer) {
        Ok(Some(outgoing)) => line(&outgoing),
        Ok(None) => "nothing".into(),
        Err(refused) => refused.to_string(),
    }
}

pub const AP: &str = "oc2/cmd/ap/slpf";
