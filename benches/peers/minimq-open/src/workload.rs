//! What of minimq's codec is measured: `ReceivedPacket::from_buffer` with every property read, and `MqttSerializer`.

use core::hint::black_box;

use crate::de::ReceivedPacket;
use crate::packets::{Connect, PubAck, PublishHeader, Subscribe};
use crate::properties::{Properties, Property};
use crate::ser::MqttSerializer;
use crate::types::{Auth, SubscriptionOptions, TopicFilter};
use crate::wire::Utf8String;
use crate::{QoS, ReasonCode, Retain};

/// Decodes one whole packet; minimq finds frames elsewhere, so it is given them ready cut.
#[inline]
pub fn decode(packet: &[u8]) {
    match black_box(ReceivedPacket::from_buffer(packet)) {
        Ok(ReceivedPacket::Publish(publish)) => {
            for property in publish.properties.iter() {
                let _ = black_box(property);
            }
        }
        Ok(_) => {}
        Err(_) => panic!("minimq refuses a packet of the workload"),
    }
}

/// Whether minimq takes a whole packet, and each property where it reads them.
pub fn accepts(packet: &[u8]) -> bool {
    match ReceivedPacket::from_buffer(packet) {
        Ok(ReceivedPacket::Publish(publish)) => publish.properties.iter().all(|property| property.is_ok()),
        Ok(_) => true,
        Err(_) => false,
    }
}

/// A packet that minimq can encode.
pub enum Packet {
    Publish(Publish),
    PubAck(AnyPubAck),
    Connect(AnyConnect),
    Subscribe(AnySubscribe),
}

/// A PUBLISH's header and payload.
pub struct Publish(PublishHeader<'static>, &'static [u8]);

impl Publish {
    /// Encodes into `buffer`; gives the length, and where in the buffer the packet begins.
    #[inline]
    pub fn encode(&self, buffer: &mut [u8]) -> Option<(usize, usize)> {
        let (start, bytes) = MqttSerializer::encode_publish_with_offset(buffer, &self.0, self.1).ok()?;
        Some((bytes.len(), start))
    }
}

macro_rules! whole {
    ($($name:ident($packet:ident))+) => {$(
        /// Any other packet.
        pub struct $name($packet<'static>);

        impl $name {
            /// As [`Publish::encode`].
            #[inline]
            pub fn encode(&self, buffer: &mut [u8]) -> Option<(usize, usize)> {
                let (start, bytes) = MqttSerializer::encode_with_offset(buffer, &self.0).ok()?;
                Some((bytes.len(), start))
            }
        }
    )+};
}

whole! { AnyPubAck(PubAck) AnyConnect(Connect) AnySubscribe(Subscribe) }

/// A PUBLISH; at QoS 1 when it has an identifier.
pub fn publish(
    topic: &'static str,
    id: Option<u16>,
    properties: Vec<Property<'static>>,
    payload: &'static [u8],
) -> Packet {
    let header = PublishHeader {
        topic: Utf8String(topic),
        packet_id: id,
        properties: Properties::from_slice(properties.leak()),
        retain: Retain::NotRetained,
        qos: if id.is_some() { QoS::AtLeastOnce } else { QoS::AtMostOnce },
        dup: false,
    };
    Packet::Publish(Publish(header, payload))
}

/// A PUBACK; minimq always writes the reason code.
pub fn puback(packet_id: u16) -> Packet {
    Packet::PubAck(AnyPubAck(PubAck { packet_id, reason: ReasonCode::Success.into() }))
}

/// A CONNECT.
pub fn connect(
    client_id: &'static str,
    user_name: &'static str,
    password: &'static [u8],
    keepalive: u16,
    properties: Vec<Property<'static>>,
) -> Packet {
    Packet::Connect(AnyConnect(Connect {
        keepalive,
        properties: Properties::from_slice(properties.leak()),
        client_id: Utf8String(client_id),
        auth: Some(Auth::new(user_name, password)),
        will: None,
        clean_start: true,
    }))
}

/// A SUBSCRIBE with each filter at most at QoS 1.
pub fn subscribe(packet_id: u16, filters: &[&'static str]) -> Packet {
    let topics: Vec<_> = filters
        .iter()
        .map(|filter| TopicFilter::new(filter).options(SubscriptionOptions::default().maximum_qos(QoS::AtLeastOnce)))
        .collect();
    Packet::Subscribe(AnySubscribe(Subscribe { packet_id, properties: Properties::empty(), topics: topics.leak() }))
}
