//! The proof that the stack can't panic: this program reaches every public function with inputs that the compiler can't see,
//! and its panic handler calls a symbol that doesn't exist. It links only if no panic is left. It isn't run.
//!
//! `Debug` is left out: the pretty printer of `core` that derived ones use keeps a panic of its own in reach.
//!
//! To add a function, add a line to `calls!`. With the feature `control` there is one panic more, and it must not link.
#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::hint::black_box;

use firmware::machine::{entry, exit, unlinkable};
use mqtt5_codec::*;
use mqtt5_session::{Acknowledge, Client, Ending, Event, Inbox, Inline, Input, Instant, Prior, Publication};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unlinkable()
}

/// Each expression is evaluated, and its value handed to something that the compiler can't see.
macro_rules! calls {
    ($($call:expr;)+) => {{$(
        let _ = black_box($call);
    )+}};
}

/// Whatever a list holds.
macro_rules! list {
    ($list:expr) => {{
        let list = $list;
        calls! { list.len(); list.is_empty(); list == black_box(list); }
        for item in list {
            calls! { item; }
        }
    }};
}

#[entry]
fn main() -> ! {
    values();
    texts();
    decoding();
    // Decoded packets and built ones.
    if let Ok(Decoded::Packet { packet, .. }) = decoder().decode(bytes()) {
        packets(&packet);
    }
    if let Some(packet) = built() {
        packets(&packet);
    }
    session();
    #[cfg(feature = "control")]
    calls! { bytes()[black_box(7)]; }
    exit(0)
}

fn bytes() -> &'static [u8] {
    black_box(&[])
}

fn plain() -> &'static str {
    black_box("")
}

fn sender() -> Sender {
    if black_box(true) { Sender::Client } else { Sender::Server }
}

fn decoder() -> Decoder {
    Decoder::new(sender()).max_packet_size(black_box(0)).strict(black_box(false))
}

/// Takes what is printed.
struct Paper;

impl fmt::Write for Paper {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        black_box(text);
        Ok(())
    }
}

/// As much room as can't be seen.
fn room() -> &'static mut [u8] {
    black_box(&mut [])
}

fn values() {
    calls! {
        QoS::from_u8(black_box(0));
        QoS::try_from(black_box(0));
        RetainHandling::from_u8(black_box(0));
        PayloadFormat::from_u8(black_box(0));
        PacketId::new(black_box(0)).map(PacketId::get);
        TopicAlias::new(black_box(0)).map(TopicAlias::get);
        PacketId::try_from(black_box(0u16));
        TopicAlias::try_from(black_box(0u16));
        SubscriptionId::try_from(black_box(0u32));
        ReasonCode::try_from(black_box(0u8));
        SubscriptionId::new(black_box(0)).map(SubscriptionId::get);
        SubscriptionOptions::from_u8(black_box(0)).map(SubscriptionOptions::to_u8);
        PacketType::from_first_byte(black_box(0)).map(PacketType::name);
    }
    if let Some(reason) = ReasonCode::from_u8(black_box(0)) {
        calls! { reason.value(); reason.is_error(); reason.name(); write!(Paper, "{reason}"); }
    }
    for rule in Rule::all() {
        calls! { rule.id(); rule.meaning(); write!(Paper, "{rule}"); }
    }
}

fn texts() {
    calls! { Text::try_from(plain()); Topic::try_from(plain()); Filter::try_from(plain()); }
    if let Ok(text) = Text::new(plain()) {
        calls! { <&str>::from(text); AsRef::<str>::as_ref(&text); Text::try_from(plain()); text.as_str(); text.as_bytes(); text.len(); text.is_empty(); text.discouraged(); text == *plain(); write!(Paper, "{text}"); }
    }
    if let Ok(topic) = Topic::new(plain()) {
        calls! { <&str>::from(topic); Text::from(topic); topic.as_str(); topic.as_bytes(); topic.text(); topic == *plain(); write!(Paper, "{topic}"); }
        if let Ok(filter) = Filter::new(plain()) {
            calls! {
                Filter::try_from(plain()); Topic::try_from(plain()); Text::from(filter); Subscription::new(filter);
                filter.as_str(); filter.as_bytes(); filter.text(); filter.is_shared(); filter.share_name(); filter.has_wildcard();
                filter.matches(topic); filter == *plain(); write!(Paper, "{filter}");
            }
        }
    }
}

fn decoding() {
    calls! {
        decoder().frame(bytes());
        Frame::find(bytes());
        decoder().packet(black_box(0), bytes());
        decoder().decode(bytes());
    }
    if let Err(error) = decoder().decode(bytes()) {
        calls! { error.reason; error.rule.id(); error.rule.meaning(); error.at; write!(Paper, "{error}"); }
        calls! { write!(Paper, "{}", CodecError::from(error)); core::error::Error::source(&CodecError::from(error.rule)); }
    }
    if let Err(error) = Packet::PingReq.encode(sender(), room()) {
        calls! { write!(Paper, "{error} {}", CodecError::from(error)); }
    }
    if let Err(full) = <[u8] as Sink>::room(room(), black_box(1)) {
        calls! { write!(Paper, "{full}"); }
    }
    calls! { Packet::PingReq.encode(sender(), black_box(&mut [0; 4])); }
}

fn packets(packet: &Packet<'_>) {
    calls! {
        packet.packet_type();
        packet.encode(sender(), &mut room());
        packet.encoded_len(sender());
        packet.encode(sender(), &mut [0; 64]);
        packet.encode(sender(), room());
        packet == black_box(packet);
        write!(Paper, "{packet}");
    }
    match packet {
        Packet::Connect(connect) => {
            calls! { connect.encode(&mut room()); connect.encoded_len(); }
            properties(&connect.properties);
        }
        Packet::ConnAck(connack) => calls! { connack.encode(&mut room()); connack.encoded_len(); },
        Packet::Publish(publish) => {
            calls! {
                publish.encode(sender(), &mut room()); publish.encode_head(sender(), &mut room()); publish.encoded_len(sender());
                publish.topic.name(); publish.topic.alias();
                publish.delivery.qos(); publish.delivery.id(); publish.delivery.dup();
            }
        }
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            calls! { ack.encode(black_box(AckKind::PubRel), &mut room()); ack.encoded_len(black_box(AckKind::PubRel)); }
        }
        Packet::Subscribe(subscribe) => {
            calls! { subscribe.encode(&mut room()); subscribe.encoded_len(); }
            list!(&subscribe.filters);
        }
        Packet::Unsubscribe(unsubscribe) => {
            calls! { unsubscribe.encode(&mut room()); unsubscribe.encoded_len(); }
            list!(&unsubscribe.filters);
        }
        Packet::SubAck(suback) | Packet::UnsubAck(suback) => {
            calls! { suback.encode(&mut room()); suback.encode_unsuback(&mut room()); suback.encoded_len(); suback.encoded_unsuback_len(); }
            list!(&suback.reasons);
        }
        Packet::Disconnect(disconnect) => {
            calls! { disconnect.encode(sender(), &mut room()); disconnect.encoded_len(sender()); }
        }
        Packet::Auth(auth) => calls! { auth.encode(sender(), &mut room()); auth.encoded_len(sender()); },
        Packet::PingReq | Packet::PingResp => {}
    }
}

fn properties(properties: &Properties<'_>) {
    calls! {
        properties.is_empty();
        properties == black_box(properties);
        properties.payload_format_indicator();
        properties.message_expiry_interval();
        properties.content_type();
        properties.response_topic();
        properties.correlation_data();
        properties.subscription_identifier();
        properties.session_expiry_interval();
        properties.assigned_client_identifier();
        properties.server_keep_alive();
        properties.authentication_method();
        properties.authentication_data();
        properties.request_problem_information();
        properties.will_delay_interval();
        properties.request_response_information();
        properties.response_information();
        properties.server_reference();
        properties.reason_string();
        properties.receive_maximum();
        properties.topic_alias_maximum();
        properties.topic_alias();
        properties.maximum_qos();
        properties.retain_available();
        properties.maximum_packet_size();
        properties.wildcard_subscription_available();
        properties.subscription_identifiers_available();
        properties.shared_subscription_available();
    }
    for (name, value) in properties.user_properties() {
        calls! { (name, value); }
    }
    for id in properties.subscription_identifiers() {
        calls! { id; }
    }
    for property in *properties {
        calls! { property.id(); property; }
    }
}

/// A packet from the caller's own slices.
fn built() -> Option<Packet<'static>> {
    static LIST: [Property<'static>; 1] = [Property::PayloadFormatIndicator(PayloadFormat::Utf8)];
    let list: &'static [Property<'static>] = black_box(&LIST);
    Some(Packet::Publish(Publish {
        topic: TopicRef::NameAndAlias(Topic::new(plain()).ok()?, TopicAlias::new(black_box(1))?),
        delivery: Delivery::ExactlyOnce { id: PacketId::new(black_box(1))?, dup: black_box(false) },
        retain: black_box(false),
        properties: Properties::from(list),
        payload: bytes(),
    }))
}

/// A moment that can't be seen.
fn now() -> Instant {
    Instant::from_millis(black_box(0)).after(black_box(0))
}

fn session() {
    let mut client: Client<Inline<8, 512>> = Client::new(Inline::new());
    let mut buffer = [0; 64];
    let mut aliases = [0; 64];
    let mut inbox = Inbox::new(black_box(&mut buffer[..])).with_aliases(black_box(&mut aliases[..]), black_box(8));
    if let Ok(id) = Text::new(plain()) {
        let mut connect = mqtt5_session::ConnectOptions::new(id);
        if let Ok(Decoded::Packet { packet: Packet::Connect(packet), .. }) = decoder().decode(bytes()) {
            connect.packet = packet;
        }
        connect.prior = black_box(Some(Prior::Empty));
        connect.acknowledge = black_box(Acknowledge::Manual);
        connect.timeout = black_box(0);
        connect.ping_timeout = black_box(0);
        connect.keep_alive_share = black_box(0);
        connect = connect.with_topic_aliases(black_box(0));
        connect.ping_when_silent = black_box(false);
        calls! { client.connect(&connect, &mut inbox, now()); }
    }
    if let Some(Packet::Publish(publish)) = built()
        && let Some(topic) = publish.topic.name()
    {
        let mut message = Publication::new(topic, publish.payload);
        message.qos = black_box(QoS::ExactlyOnce);
        message.retain = black_box(false);
        message.hold = black_box(false);
        message.properties = publish.properties;
        calls! {
            client.publish(&message);
            client.auth(ReasonCode::SUCCESS, publish.properties);
            client.disconnect(black_box(Ending::AtOnce));
            client.disconnect_with(ReasonCode::SUCCESS, publish.properties, black_box(Ending::AtOnce));
        }
    }
    if let Ok(Decoded::Packet { packet, .. }) = decoder().decode(bytes()) {
        if let Packet::Subscribe(packet) = packet
            && let Some(one) = packet.filters.iter().next()
        {
            calls! { client.subscribe(black_box(&[one][..]), packet.properties); }
        }
        if let Packet::Unsubscribe(packet) = packet
            && let Some(one) = packet.filters.iter().next()
        {
            calls! { client.unsubscribe(black_box(&[one][..]), packet.properties); }
        }
    }
    let n = inbox.spare().len();
    inbox.filled(black_box(n));
    calls! { inbox.len(); inbox.is_empty(); }
    if black_box(false) {
        inbox.clear();
    }
    if let Ok(Input::Event(event)) = client.handle_input(&mut inbox, now()) {
        match event {
            Event::Connected(connected) => calls! { connected.packet; },
            Event::Message(message) => properties(&message.properties),
            other => calls! { other; },
        }
    }
    if let Some(transmit) = client.poll_transmit() {
        calls! { transmit; }
    }
    calls! { client.transmit_into(room()); }
    client.transmitted(black_box(0), now());
    client.handled();
    calls! {
        client.ping(now());
        client.handle_timeout(now());
        client.poll_timeout();
        client.poll_lost();
        client.figures(now());
        client.is_closed();
        client.is_connected();
    }
    if let Some(id) = PacketId::new(black_box(1)) {
        calls! { client.acknowledge(id, ReasonCode::SUCCESS); }
    }
    if let Some(fault) = client.fault() {
        calls! { fault.rule; write!(Paper, "{fault}"); }
    }
    if let Err(refused) = client.ping(now()) {
        calls! { write!(Paper, "{refused}"); }
    }
    client.handle_close(now());
    calls! { now().as_millis(); now().until(now()); Instant::NEVER.after(black_box(1)) < now(); }
}
