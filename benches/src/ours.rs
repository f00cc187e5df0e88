//! Our codec under the workload.

use core::hint::black_box;
use core::num::NonZeroU16;

use mqtt5_codec::{
    AckKind, Connect, Decoded, Decoder, Delivery, EncodeError, Filter, List, Packet, PacketId, PayloadFormat,
    Properties, Property, Publish, QoS, ReasonCode, RetainHandling, Rule, Sender, Subscribe, Subscription,
    SubscriptionOptions, Text, Topic, TopicRef,
};

use crate::workload::{self, Workload};
use crate::{Subject, measure::refused, repeat};

/// Our codec.
#[derive(Debug)]
pub struct Ours;

/// What remains of a stream, and who sent it.
#[derive(Debug)]
pub struct Stream {
    decoder: Decoder,
    rest: &'static [u8],
}

impl Subject for Ours {
    const NAME: &'static str = "ours";
    type Input = Stream;
    type Packet = (Workload, Packet<'static>);
    type Output = Vec<u8>;

    fn input(workload: Workload, bytes: &'static [u8]) -> Option<Stream> {
        let from = match workload {
            Workload::Connect | Workload::Subscribe => Sender::Client,
            _ => Sender::Server,
        };
        Some(Stream { decoder: Decoder::new(from), rest: bytes })
    }

    #[inline]
    fn decode(input: &mut Stream) {
        match &input.decoder.decode(input.rest) {
            Ok(Decoded::Packet { used, packet }) => {
                let Some(rest) = input.rest.get(*used..) else { refused() };
                input.rest = rest;
                read(packet);
            }
            _ => refused(),
        }
    }

    fn packet(workload: Workload, _: &'static [u8]) -> Option<Self::Packet> {
        Some((workload, packet(workload)?.ok()?))
    }

    fn output() -> Vec<u8> {
        vec![0; 70_000]
    }

    /// Of a large PUBLISH only the head, since its payload need not be copied to be sent.
    fn encode((workload, packet): &Self::Packet, output: &mut Vec<u8>, times: usize) -> usize {
        let output = output.as_mut_slice();
        let length = |written: Result<usize, EncodeError>| written.unwrap_or_else(|_| refused());
        match packet {
            Packet::Publish(publish) if *workload == Workload::Large => {
                repeat(times, publish, |publish| length(publish.encode_head(Sender::Client, output)))
            }
            Packet::Publish(publish) => {
                repeat(times, publish, |publish| length(publish.encode(Sender::Client, output)))
            }
            Packet::PubAck(ack) => repeat(times, ack, |ack| length(ack.encode(AckKind::PubAck, output))),
            Packet::Connect(connect) => repeat(times, connect, |connect| length(connect.encode(output))),
            Packet::Subscribe(subscribe) => repeat(times, subscribe, |subscribe| length(subscribe.encode(output))),
            _ => refused(),
        }
    }
}

/// Hands the packet, then every property, filter and reason code of it, to a reader that the compiler can't see into.
#[inline]
fn read(packet: &Packet<'_>) {
    black_box(packet);
    match packet {
        Packet::Connect(packet) => read_all(packet.properties),
        Packet::Publish(packet) => read_all(packet.properties),
        Packet::PubAck(packet) | Packet::PubRec(packet) | Packet::PubRel(packet) | Packet::PubComp(packet) => {
            read_all(packet.properties);
        }
        Packet::Subscribe(packet) => {
            read_all(packet.properties);
            for subscription in packet.filters {
                consume((subscription.filter.as_bytes(), subscription.options));
            }
        }
        Packet::PingResp => {}
        _ => refused(),
    }
}

#[inline]
fn read_all(properties: Properties<'_>) {
    if !properties.is_empty() {
        read_list(properties);
    }
}

#[inline(always)]
fn consume<T>(value: T) {
    black_box(value);
}

/// As an application does: it looks which property it is, and takes the value.
#[inline(never)]
fn read_list(properties: Properties<'_>) {
    for property in properties {
        match property {
            Property::PayloadFormatIndicator(format) => consume(format),
            Property::ContentType(text) => consume(text.as_bytes()),
            Property::UserProperty(name, value) => consume((name.as_bytes(), value.as_bytes())),
            Property::SessionExpiryInterval(seconds) => consume(seconds),
            Property::ReceiveMaximum(maximum) => consume(maximum),
            _ => refused(),
        }
    }
}

fn packet(workload: Workload) -> Option<Result<Packet<'static>, Rule>> {
    let id = PacketId::new(workload::PACKET_ID)?;
    Some(match workload {
        Workload::Publish => publish(id),
        Workload::Bare => bare(),
        Workload::PubAck => {
            Ok(Packet::PubAck(mqtt5_codec::Ack { id, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY }))
        }
        Workload::Connect => connect(),
        Workload::Stream => return None,
        Workload::Large => large(id),
        Workload::Subscribe => subscribe(id),
    })
}

fn properties(properties: Vec<Property<'static>>) -> Properties<'static> {
    Properties::from(&*properties.leak())
}

fn publish(id: PacketId) -> Result<Packet<'static>, Rule> {
    let mut list = vec![
        Property::PayloadFormatIndicator(PayloadFormat::Utf8),
        Property::ContentType(Text::new(workload::CONTENT_TYPE)?),
    ];
    for (name, value) in workload::USER_PROPERTIES {
        list.push(Property::UserProperty(Text::new(name)?, Text::new(value)?));
    }
    Ok(Packet::Publish(Publish {
        topic: TopicRef::Name(Topic::new(workload::COMMAND_TOPIC)?),
        delivery: Delivery::AtLeastOnce { id, dup: false },
        retain: false,
        properties: properties(list),
        payload: workload::command().leak(),
    }))
}

fn bare() -> Result<Packet<'static>, Rule> {
    Ok(Packet::Publish(Publish {
        topic: TopicRef::Name(Topic::new(workload::BARE_TOPIC)?),
        delivery: Delivery::AtMostOnce,
        retain: false,
        properties: Properties::EMPTY,
        payload: workload::BARE_PAYLOAD,
    }))
}

fn large(id: PacketId) -> Result<Packet<'static>, Rule> {
    Ok(Packet::Publish(Publish {
        topic: TopicRef::Name(Topic::new(workload::LARGE_TOPIC)?),
        delivery: Delivery::AtLeastOnce { id, dup: false },
        retain: false,
        properties: Properties::EMPTY,
        payload: workload::large_payload().leak(),
    }))
}

fn connect() -> Result<Packet<'static>, Rule> {
    let mut list = vec![Property::SessionExpiryInterval(workload::SESSION_EXPIRY)];
    list.extend(NonZeroU16::new(workload::RECEIVE_MAXIMUM).map(Property::ReceiveMaximum));
    Ok(Packet::Connect(Connect {
        clean_start: true,
        keep_alive: workload::KEEP_ALIVE,
        properties: properties(list),
        client_id: Text::new(workload::CLIENT_ID)?,
        will: None,
        user_name: Some(Text::new(workload::USER_NAME)?),
        password: Some(workload::PASSWORD),
    }))
}

fn subscribe(id: PacketId) -> Result<Packet<'static>, Rule> {
    let options = SubscriptionOptions {
        maximum_qos: QoS::AtLeastOnce,
        no_local: false,
        retain_as_published: false,
        retain_handling: RetainHandling::SendAtSubscribe,
    };
    let mut filters = Vec::new();
    for filter in workload::FILTERS {
        filters.push(Subscription { filter: Filter::new(filter)?, options });
    }
    Ok(Packet::Subscribe(Subscribe { id, properties: Properties::EMPTY, filters: List::from(&*filters.leak()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workloads_decode_and_encode_to_the_same_bytes() {
        for workload in Workload::ALL {
            let bytes: &'static [u8] = workload.bytes().leak();
            let mut input = Ours::input(workload, bytes).unwrap();
            (0..workload.packets()).for_each(|_| Ours::decode(&mut input));
            assert!(input.rest.is_empty());
            if workload != Workload::Stream {
                let packet = Ours::packet(workload, bytes).unwrap();
                let mut output = Ours::output();
                let length = Ours::encode(&packet, &mut output, 1);
                let head = if workload == Workload::Large { bytes.len() - 65_536 } else { bytes.len() };
                assert_eq!(output[..length], bytes[..head], "{workload:?}");
            }
        }
    }
}
