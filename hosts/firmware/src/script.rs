//! What a client does in the script that is measured: CONNECT with properties, SUBSCRIBE, QoS 1 in and out with user properties
//! and content type, QoS 2 in and out, a ping by the application and one by the keep-alive, DISCONNECT. The server's part is
//! canned. Each step says whether it went well.

use core::hint::black_box;
use core::num::NonZeroU16;

use mqtt5_codec::{Filter, Properties, Property, QoS, Subscription, Text, Topic};
use mqtt5_session::{Client, ConnectOptions, Ending, Inbox, Inline, Publication};

use crate::host::{Buffer, Said, Wire, turn};
use crate::machine::instructions;
use crate::sample::PUBLISH;

/// Eight exchanges each way, and room for one 322-byte packet, CONNECT and the book-keeping.
pub type Memory = Inline<8, 448>;

/// A client, and what its host holds for it.
pub struct Device<'d> {
    pub client: &'d mut Client<Memory>,
    pub inbox: Inbox<'d>,
    pub wire: Wire<'static>,
}

/// The whole script, on a client that the compiler knows nothing of.
pub fn all(device: &mut Device<'_>) -> bool {
    let Some(list) = properties() else { return false };
    connect(device)
        && subscribe(device, QoS::ExactlyOnce)
        && receive(device)
        && send(device, &list)
        && exactly_once(device, &list)
        && ping(device)
        && disconnect(device)
}

/// What a client does that uses no QoS 2, and pings by its keep-alive alone.
pub fn at_most_qos_1(device: &mut Device<'_>) -> bool {
    let Some(list) = properties() else { return false };
    connect(device)
        && subscribe(device, QoS::AtLeastOnce)
        && says(device, b"\x30\x09\x00\x01a\x00hello", Said::Message, 0)
        && receive(device)
        && publish(device, &list, QoS::AtMostOnce)
        && says(device, b"", Said::Nothing, PUBLISH.len() - 2)
        && send(device, &list)
        && keep_alive(device)
        && disconnect(device)
}

/// Runs a script on a device of its own, in a frame of its own.
#[inline(never)]
pub fn on_a_device(script: impl FnOnce(&mut Device<'_>) -> bool) -> bool {
    let mut buffer = Buffer([0; 512]);
    let mut client = const { Client::new(Memory::new()) };
    script(black_box(&mut Device {
        client: black_box(&mut client),
        inbox: Inbox::new(black_box(&mut buffer.0)),
        wire: Wire::new(),
    }))
}

/// CONNECT with properties, and the server's CONNACK with some.
fn connect(device: &mut Device<'_>) -> bool {
    request_connection(device) && says(device, b"\x20\x09\x00\x00\x06\x21\x00\x10\x22\x00\x00", Said::Connected, 0)
}

#[inline(never)]
fn request_connection(device: &mut Device<'_>) -> bool {
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
    device.client.connect(&connect, &mut device.inbox, device.wire.now).is_ok() && says(device, b"", Said::Nothing, 52)
}

/// SUBSCRIBE and SUBACK.
fn subscribe(device: &mut Device<'_>, qos: QoS) -> bool {
    let suback = if qos == QoS::ExactlyOnce { b"\x90\x04\x00\x01\x00\x02" } else { b"\x90\x04\x00\x01\x00\x01" };
    request_subscription(device, qos)
        && says(device, b"", Said::Nothing, 17)
        && says(device, suback, Said::Subscribed, 0)
}

#[inline(never)]
fn request_subscription(device: &mut Device<'_>, maximum_qos: QoS) -> bool {
    let Ok(filter) = Filter::new(black_box("oc2/cmd/#")) else { return false };
    let mut subscription = Subscription::new(filter);
    subscription.options.maximum_qos = maximum_qos;
    device.client.subscribe(&[subscription], Properties::EMPTY).is_ok()
}

/// Whether a turn with these bytes of the server comes to this, and to so many bytes of ours.
#[inline(never)]
fn says(device: &mut Device<'_>, bytes: &'static [u8], said: Said, written: usize) -> bool {
    device.wire.arrive(bytes);
    turn(device.client, &mut device.inbox, &mut device.wire) == said && device.wire.written == written
}

/// The cycle of receiving: a QoS 1 message arrives, is read and handled with each of its properties, and acknowledged, and all is
/// quiet again.
pub fn receive(device: &mut Device<'_>) -> bool {
    says(device, PUBLISH, Said::Message, 4)
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

#[inline(never)]
fn publish(device: &mut Device<'_>, list: &[Property<'_>], qos: QoS) -> bool {
    let Ok(topic) = Topic::new(black_box("oc2/cmd/ap/slpf")) else { return false };
    let mut message = Publication::new(topic, PUBLISH.get(66..).unwrap_or_default());
    message.qos = qos;
    message.properties = Properties::from(list);
    device.client.publish(&message).is_ok()
}

/// The cycle of sending: a QoS 1 message is published and written, its PUBACK arrives and is handled, and all is quiet again. The
/// identifiers are 1 for SUBSCRIBE, which is over, then 2.
pub fn send(device: &mut Device<'_>, list: &[Property<'_>]) -> bool {
    publish(device, list, QoS::AtLeastOnce)
        && says(device, b"", Said::Nothing, PUBLISH.len())
        && says(device, b"\x40\x02\x00\x02", Said::Published, 0)
}

/// QoS 2 in and out.
#[inline(never)]
fn exactly_once(device: &mut Device<'_>, list: &[Property<'_>]) -> bool {
    says(device, b"\x34\x0A\x00\x01a\x00\x09\x00abcd", Said::Message, 4)
        && says(device, b"\x62\x02\x00\x09", Said::Nothing, 4)
        && publish(device, list, QoS::ExactlyOnce)
        && says(device, b"", Said::Nothing, PUBLISH.len())
        && says(device, b"\x50\x02\x00\x03", Said::PublishReceived, 4)
        && says(device, b"\x70\x02\x00\x03", Said::Published, 0)
}

/// A ping that the application asks for, then one that is due.
#[inline(never)]
fn ping(device: &mut Device<'_>) -> bool {
    device.client.ping(device.wire.now).is_ok()
        && says(device, b"", Said::Nothing, 2)
        && says(device, b"\xD0\x00", Said::Pong, 0)
        && keep_alive(device)
}

/// The alarm rings, and the server answers the ping.
#[inline(never)]
fn keep_alive(device: &mut Device<'_>) -> bool {
    let Some(alarm) = device.wire.alarm else { return false };
    device.wire.now = alarm;
    says(device, b"", Said::Nothing, 2) && says(device, b"\xD0\x00", Said::Pong, 0)
}

#[inline(never)]
fn disconnect(device: &mut Device<'_>) -> bool {
    device.client.disconnect(Ending::AfterQueued).is_ok() && says(device, b"", Said::Closed, 2)
}

/// What the two cycles take, after the script's beginning.
#[derive(Default)]
pub struct Cycles {
    pub receive: u32,
    /// The part of it that a host's read of 322 bytes takes, whatever client it is for.
    pub read: u32,
    pub send: u32,
}

impl Cycles {
    /// Counts them.
    pub fn count(&mut self, device: &mut Device<'_>) -> bool {
        let Some(list) = properties() else { return false };
        let mut well = connect(device) && subscribe(device, QoS::ExactlyOnce);
        self.receive = instructions(|| well &= receive(device));
        self.send = instructions(|| well &= send(device, &list));
        device.wire.arrive(PUBLISH);
        self.read = instructions(|| well &= device.wire.read(device.inbox.spare()) == PUBLISH.len());
        well
    }
}
