//! A second caller of the codec: reads, looks at and writes the packets of all workloads in its own way.

use core::hint::black_box;

use mqtt5_codec::{
    Ack, AckKind, Connect, Decoded, Decoder, Filter, Packet, Properties, Property, Publish, Sender, Subscribe,
    Subscription, Text, Topic, TopicRef,
};

use crate::Workload;

/// Whether each workload's packets are written as they were read.
#[must_use]
pub fn round_trips() -> bool {
    Workload::ALL.into_iter().all(|workload| {
        let bytes = black_box(workload.bytes());
        let from = match workload {
            Workload::Connect | Workload::Subscribe => Sender::Client,
            _ => Sender::Server,
        };
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let Ok(Decoded::Packet { used, packet }) = Decoder::new(black_box(from)).decode(rest) else { return false };
            let mut out = vec![0; used];
            if !again(&packet, from, &mut out) || rest.get(..used) != Some(&out[..]) || look(&packet) == usize::MAX {
                return false;
            }
            rest = rest.get(used..).unwrap_or_default();
        }
        true
    })
}

/// Builds the packet anew of what was read, and writes it.
fn again(packet: &Packet<'_>, from: Sender, out: &mut [u8]) -> bool {
    match *packet {
        Packet::Publish(publish) => {
            let list: Vec<Property<'_>> = publish.properties.iter().filter_map(copied).collect();
            let Some(Ok(name)) = publish.topic.name().map(|name| Topic::new(name.as_str())) else { return false };
            let publish = Publish { topic: TopicRef::Name(name), properties: Properties::from(&list[..]), ..publish };
            let head = publish.encode_head(from, &mut [0; 128]);
            head.is_ok() && publish.encode(from, out).is_ok()
        }
        Packet::Connect(connect) => {
            let Ok(client_id) = Text::new(connect.client_id.as_str()) else { return false };
            Connect { client_id, ..connect }.encode(out).is_ok()
        }
        Packet::Subscribe(subscribe) => {
            let filters: Vec<_> = subscribe
                .filters
                .into_iter()
                .filter_map(|one| Some(Subscription { filter: Filter::new(one.filter.as_str()).ok()?, ..one }))
                .collect();
            Subscribe { filters: filters.as_slice().into(), ..subscribe }.encode(out).is_ok()
        }
        Packet::PubAck(ack) => Ack { id: black_box(ack.id), ..ack }.encode(AckKind::PubAck, out).is_ok(),
        _ => packet.encode(from, out).is_ok(),
    }
}

fn copied(property: Property<'_>) -> Option<Property<'_>> {
    Some(match property {
        Property::ContentType(text) => Property::ContentType(Text::new(text.as_str()).ok()?),
        Property::UserProperty(name, value) => {
            Property::UserProperty(Text::new(name.as_str()).ok()?, Text::new(value.as_str()).ok()?)
        }
        other => other,
    })
}

/// How many bytes of text there are.
fn look(packet: &Packet<'_>) -> usize {
    let properties = match packet {
        Packet::Publish(publish) => publish.properties,
        Packet::Connect(connect) => connect.properties,
        Packet::Subscribe(subscribe) => subscribe.properties,
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => ack.properties,
        _ => Properties::EMPTY,
    };
    let pairs: usize = properties.user_properties().map(|(name, value)| name.len() + value.len()).sum();
    let filters: usize = match packet {
        Packet::Subscribe(subscribe) => subscribe.filters.into_iter().map(|one| one.filter.as_bytes().len()).sum(),
        _ => 0,
    };
    pairs + filters + properties.content_type().map_or(0, Text::len)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_second_caller_works() {
        assert!(super::round_trips());
    }
}
