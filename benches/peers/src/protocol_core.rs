//! mqtt-protocol-core: `PacketBuilder` cuts frames, each packet type has `parse` and `to_continuous_buffer`.

use core::hint::black_box;
use std::sync::Arc;

use benches::{Subject, Workload, repeat};
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{PacketBuildResult, PacketBuilder, PacketData};
use mqtt_protocol_core::mqtt::packet::v5_0;

pub struct ProtocolCore;

pub struct Reader(PacketBuilder, Cursor<&'static [u8]>);

pub enum Packet {
    Connect(v5_0::Connect),
    Publish(v5_0::Publish),
    Puback(v5_0::Puback),
    Pubrec(v5_0::Pubrec),
    Pubrel(v5_0::Pubrel),
    Pubcomp(v5_0::Pubcomp),
    Subscribe(v5_0::Subscribe),
    Pingresp(v5_0::Pingresp),
}

#[inline]
fn read(reader: &mut Reader) -> Option<Packet> {
    let PacketBuildResult::Complete(raw) = reader.0.feed(&mut reader.1) else {
        return None;
    };
    Some(match (raw.packet_type(), &raw.data) {
        (3, PacketData::Publish(data)) => Packet::Publish(v5_0::Publish::parse(raw.flags(), Arc::clone(data)).ok()?.0),
        (1, data) => Packet::Connect(v5_0::Connect::parse(data.as_slice()).ok()?.0),
        (4, data) => Packet::Puback(v5_0::Puback::parse(data.as_slice()).ok()?.0),
        (5, data) => Packet::Pubrec(v5_0::Pubrec::parse(data.as_slice()).ok()?.0),
        (6, data) => Packet::Pubrel(v5_0::Pubrel::parse(data.as_slice()).ok()?.0),
        (7, data) => Packet::Pubcomp(v5_0::Pubcomp::parse(data.as_slice()).ok()?.0),
        (8, data) => Packet::Subscribe(v5_0::Subscribe::parse(data.as_slice()).ok()?.0),
        (13, data) => Packet::Pingresp(v5_0::Pingresp::parse(data.as_slice()).ok()?.0),
        _ => return None,
    })
}

impl Subject for ProtocolCore {
    const NAME: &'static str = "mqtt-protocol-core";
    type Input = Reader;
    type Packet = Packet;
    type Output = Vec<u8>;

    fn input(_: Workload, bytes: &'static [u8]) -> Option<Reader> {
        Some(Reader(PacketBuilder::new(), Cursor::new(bytes)))
    }

    #[inline]
    fn decode(input: &mut Reader) {
        match read(input) {
            Some(packet) => {
                black_box(&packet);
            }
            None => super::refused(Self::NAME),
        }
    }

    fn packet(workload: Workload, bytes: &'static [u8]) -> Option<Packet> {
        if workload == Workload::Stream {
            return None;
        }
        read(&mut Self::input(workload, bytes)?)
    }

    fn output() -> Vec<u8> {
        Vec::new()
    }

    fn encode(packet: &Packet, output: &mut Vec<u8>, times: usize) -> usize {
        let mut put = |bytes: Vec<u8>| {
            *output = bytes;
            output.len()
        };
        match packet {
            Packet::Connect(packet) => repeat(times, packet, |packet| put(packet.to_continuous_buffer())),
            Packet::Publish(packet) => repeat(times, packet, |packet| put(packet.to_continuous_buffer())),
            Packet::Puback(packet) => repeat(times, packet, |packet| put(packet.to_continuous_buffer())),
            Packet::Subscribe(packet) => repeat(times, packet, |packet| put(packet.to_continuous_buffer())),
            _ => super::refused(Self::NAME),
        }
    }
}
