//! What a client does in the script that is measured: CONNECT with properties, SUBSCRIBE, QoS 1 in and out with user properties
//! and content type, QoS 2 in and out, a ping, DISCONNECT. The server's part is canned. Each step says whether it went well.

use core::hint::black_box;
use core::num::NonZeroU16;

use mqtt5_codec::{
    Filter, Properties, Property, QoS, ReasonCode, RetainHandling, Subscription, SubscriptionOptions, Text, Topic,
};
use mqtt5_session::{Client, ConnectOptions, Ending, Event, Inbox, Inline, Input, Instant, Publication, Transmit};

use crate::sample::PUBLISH;

/// Eight exchanges each way, and room for one 322-byte packet, CONNECT and the book-keeping.
pub type Memory = Inline<8, 448>;

const NOW: Instant = Instant::from_millis(1_000);

/// What came of the server's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Blocked,
    Connected,
    Message,
    Published,
    PublishReceived,
    Subscribed,
    Pong,
    Other,
}

/// CONNECT with properties, and the server's CONNACK with some.
pub fn connect(client: &mut Client<Memory>, inbox: &mut Inbox<'_>) -> bool {
    request_connection(client, inbox)
        && drain(client) == 52
        && says(client, inbox, b"\x20\x09\x00\x00\x06\x21\x00\x10\x22\x00\x00", Said::Connected)
}

#[inline(never)]
fn request_connection(client: &mut Client<Memory>, inbox: &mut Inbox<'_>) -> bool {
    let properties = [
        Property::SessionExpiryInterval(3_600),
        Property::MaximumPacketSize(core::num::NonZeroU32::MIN.saturating_add(511)),
        Property::ReceiveMaximum(NonZeroU16::MIN.saturating_add(7)),
    ];
    let Some(id) = text("device-7") else { return false };
    let mut connect = ConnectOptions::new(id);
    connect.packet.properties = Properties::from(&properties);
    connect.packet.user_name = text("user");
    connect.packet.password = Some(black_box(b"password"));
    client.connect(&connect, inbox, NOW).is_ok()
}

/// SUBSCRIBE and SUBACK.
pub fn subscribe(client: &mut Client<Memory>, inbox: &mut Inbox<'_>) -> bool {
    request_subscription(client)
        && drain(client) == 17
        && says(client, inbox, b"\x90\x04\x00\x01\x00\x02", Said::Subscribed)
}

#[inline(never)]
fn request_subscription(client: &mut Client<Memory>) -> bool {
    let Ok(filter) = Filter::new(black_box("oc2/cmd/#")) else { return false };
    let options = SubscriptionOptions {
        maximum_qos: QoS::ExactlyOnce,
        no_local: false,
        retain_as_published: false,
        retain_handling: RetainHandling::SendAtSubscribe,
    };
    client.subscribe(&[Subscription { filter, options }], Properties::EMPTY).is_ok()
}

/// The server's bytes arrive.
pub fn feed(inbox: &mut Inbox<'_>, bytes: &[u8]) -> bool {
    let spare = inbox.spare();
    if spare.len() < bytes.len() {
        return false;
    }
    // As from a peripheral, byte by byte: not the copying routine that would be charged to the client.
    spare.iter_mut().zip(bytes).for_each(|(to, from)| *to = black_box(*from));
    inbox.filled(bytes.len());
    true
}

/// Whether these bytes of the server come to this.
#[inline(never)]
fn says(client: &mut Client<Memory>, inbox: &mut Inbox<'_>, bytes: &[u8], said: Said) -> bool {
    if !feed(inbox, bytes) {
        return false;
    }
    let came = match client.handle_input(inbox, NOW) {
        Ok(Input::Blocked) => Said::Blocked,
        Ok(Input::Event(Event::Connected(_))) => Said::Connected,
        Ok(Input::Event(Event::Message(_))) => Said::Message,
        Ok(Input::Event(Event::Published(_))) => Said::Published,
        Ok(Input::Event(Event::PublishReceived(_))) => Said::PublishReceived,
        Ok(Input::Event(Event::Subscribed(_))) => Said::Subscribed,
        Ok(Input::Event(Event::Pong)) => Said::Pong,
        _ => Said::Other,
    };
    came == said
}

/// A QoS 1 message, which is in the inbox: the event, each of its properties, and the acknowledgement.
#[inline(never)]
pub fn receive(client: &mut Client<Memory>, inbox: &mut Inbox<'_>) -> bool {
    match client.handle_input(inbox, NOW) {
        Ok(Input::Event(Event::Message(ref message))) => {
            for property in black_box(message).properties {
                black_box(&property);
            }
        }
        _ => return false,
    }
    client.handled();
    drain(client) == 4
}

/// The properties of the message that is sent.
pub fn properties() -> Option<[Property<'static>; 3]> {
    Some([
        Property::ContentType(text("application/json")?),
        Property::UserProperty(text("msgType")?, text("req")?),
        Property::UserProperty(text("v")?, text("2.0")?),
    ])
}

#[inline(never)]
fn text(text: &'static str) -> Option<Text<'static>> {
    Text::new(black_box(text)).ok()
}

/// A QoS 1 message is sent: all until its bytes are written.
#[inline(never)]
pub fn send(client: &mut Client<Memory>, list: &[Property<'_>], qos: QoS) -> bool {
    let Ok(topic) = Topic::new(black_box("oc2/cmd/ap/slpf")) else { return false };
    let mut message = Publication::new(topic, PUBLISH.get(66..).unwrap_or_default());
    message.qos = qos;
    message.properties = Properties::from(list);
    client.publish(&message).is_ok() && drain(client) == PUBLISH.len()
}

/// What is left of the script: the answer to the message that was sent, QoS 2 in and out, a ping, the end.
#[inline(never)]
pub fn rest(client: &mut Client<Memory>, inbox: &mut Inbox<'_>, list: &[Property<'_>]) -> bool {
    // The identifiers are 1 for SUBSCRIBE, which is over, then 2 and 3.
    says(client, inbox, b"\x40\x02\x00\x02", Said::Published)
        && says(client, inbox, b"\x34\x0A\x00\x01a\x00\x09\x00abcd", Said::Message)
        && says(client, inbox, b"", Said::Blocked)
        && drain(client) == 4
        && says(client, inbox, b"\x62\x02\x00\x09", Said::Blocked)
        && drain(client) == 4
        && send(client, list, QoS::ExactlyOnce)
        && says(client, inbox, b"\x50\x02\x00\x03", Said::PublishReceived)
        && drain(client) == 4
        && says(client, inbox, b"\x70\x02\x00\x03", Said::Published)
        && client.ping(NOW).is_ok()
        && drain(client) == 2
        && says(client, inbox, b"\xD0\x00", Said::Pong)
        && client.disconnect(Ending::AfterQueued).is_ok()
        && drain(client) == 2
        && client.is_closed()
}

/// Writes all that waits; gives the number of bytes.
#[inline(never)]
fn drain(client: &mut Client<Memory>) -> usize {
    let mut written = 0usize;
    while let Some(Transmit::Bytes(bytes)) = client.poll_transmit() {
        let n = black_box(bytes).len();
        client.transmitted(n, NOW);
        written = written.wrapping_add(n);
    }
    written
}
