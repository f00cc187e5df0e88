//! Decoding and encoding allocate nothing: counted by an allocator, over every vector and over arbitrary packets.
#![expect(clippy::unwrap_used, reason = "a test and its helpers")]

use allocation_counter::measure;
use conformance::arbitrary::any_packet;
use conformance::vectors;
use mqtt5_codec::{Decoded, Decoder, Packet, Properties, Sender};
use proptest::prelude::*;

/// Decodes, reads every item of every list, and encodes. Returns how much there was.
fn use_all(from: Sender, input: &[u8], out: &mut [u8]) -> usize {
    match Decoder::new(from).strict(true).decode(input) {
        // An AUTH without anything is taken from a server, and never written.
        Ok(Decoded::Packet { packet: packet @ Packet::Auth(auth), .. }) if auth.properties.is_empty() => read(&packet),
        Ok(Decoded::Packet { packet, .. }) => read(&packet) + packet.encode(from, out).unwrap(),
        Ok(Decoded::Partial { need }) => need,
        Err(error) => error.at + error.rule.meaning().len(),
    }
}

fn read(packet: &Packet<'_>) -> usize {
    let properties = |properties: &Properties<'_>| {
        properties.iter().count()
            + properties.user_properties().count()
            + properties.reason_string().map_or(0, |text| text.as_str().len())
    };
    match packet {
        Packet::Connect(packet) => {
            properties(&packet.properties) + packet.will.map_or(0, |will| properties(&will.properties))
        }
        Packet::Publish(packet) => {
            properties(&packet.properties) + packet.topic.name().map_or(0, |name| name.as_str().len())
        }
        Packet::Subscribe(packet) => packet.filters.iter().map(|subscription| subscription.filter.as_str().len()).sum(),
        Packet::Unsubscribe(packet) => packet.filters.len(),
        Packet::SubAck(packet) | Packet::UnsubAck(packet) => {
            packet.reasons.iter().map(|reason| reason.name().len()).sum()
        }
        other => other.packet_type().name().len(),
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(core::hint::black_box(vec![1]))).count_total, 1);
}

#[test]
fn no_vector_makes_the_codec_allocate() {
    let vectors = vectors::all();
    let mut out = vec![0; 1 << 17];
    for vector in &vectors {
        let allocated = measure(|| {
            core::hint::black_box(use_all(vector.from, &vector.bytes, &mut out));
        });
        assert_eq!(allocated.count_total, 0, "{}", vector.to_json());
    }
}

proptest! {
    #[test]
    fn no_packet_makes_the_codec_allocate(sent in any_packet()) {
        let mut out = vec![0; 1 << 17];
        sent.with(|packet| {
            let mut len = 0;
            let encoded = measure(|| len = packet.encode(sent.from, &mut out[..]).unwrap());
            let bytes = out.get(..len).unwrap().to_vec();
            let decoded = measure(|| {
                core::hint::black_box(use_all(sent.from, &bytes, &mut out));
            });
            assert_eq!((encoded.count_total, decoded.count_total), (0, 0));
        })
        .unwrap();
    }
}
