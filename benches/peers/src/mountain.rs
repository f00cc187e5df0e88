//! mountain-mqtt: `PacketGeneric::read` from a slice, `Write` to one, with room for 8 properties and 8 filters.

use core::hint::black_box;

use benches::{Subject, Workload, repeat};
use mountain_mqtt::codec::mqtt_reader::MqttBufReader;
use mountain_mqtt::codec::mqtt_writer::MqttBufWriter;
use mountain_mqtt::codec::{read::Read, write::Write};
use mountain_mqtt::packets::packet_generic::PacketGeneric;

type Packet = PacketGeneric<'static, 8, 8, 7>;

pub struct Mountain;

impl Subject for Mountain {
    const NAME: &'static str = "mountain-mqtt";
    type Input = MqttBufReader<'static>;
    type Packet = Packet;
    type Output = Vec<u8>;

    fn input(_: Workload, bytes: &'static [u8]) -> Option<Self::Input> {
        Some(MqttBufReader::new(bytes))
    }

    #[inline]
    fn decode(input: &mut Self::Input) {
        match Packet::read(input) {
            Ok(packet) => {
                black_box(&packet);
            }
            Err(_) => super::refused(Self::NAME),
        }
    }

    fn packet(workload: Workload, bytes: &'static [u8]) -> Option<Packet> {
        if workload == Workload::Stream {
            return None;
        }
        Packet::read(&mut MqttBufReader::new(bytes)).ok()
    }

    fn output() -> Vec<u8> {
        vec![0; 70_000]
    }

    fn encode(packet: &Packet, output: &mut Vec<u8>, times: usize) -> usize {
        match packet {
            PacketGeneric::Connect(packet) => repeat(times, packet, |packet| written(packet, output)),
            PacketGeneric::Publish(packet) => repeat(times, packet, |packet| written(packet, output)),
            PacketGeneric::Puback(packet) => repeat(times, packet, |packet| written(packet, output)),
            PacketGeneric::Subscribe(packet) => repeat(times, packet, |packet| written(packet, output)),
            _ => super::refused(Self::NAME),
        }
    }
}

fn written(packet: &impl Write, output: &mut [u8]) -> usize {
    let mut writer = MqttBufWriter::new(output);
    match packet.write(&mut writer) {
        Ok(()) => writer.position(),
        Err(_) => super::refused(Mountain::NAME),
    }
}
