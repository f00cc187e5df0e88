//! mountain-mqtt: `PacketGeneric::read` from a slice, `Write` to one, with room for 8 properties and 8 filters.

use core::hint::black_box;

use benches::{Subject, Workload};
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
            },
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

    #[inline]
    fn encode(packet: &Packet, output: &mut Vec<u8>) -> usize {
        let mut writer = MqttBufWriter::new(output);
        let written = match packet {
            PacketGeneric::Connect(packet) => packet.write(&mut writer),
            PacketGeneric::Publish(packet) => packet.write(&mut writer),
            PacketGeneric::Puback(packet) => packet.write(&mut writer),
            PacketGeneric::Subscribe(packet) => packet.write(&mut writer),
            _ => super::refused(Self::NAME),
        };
        if written.is_err() {
            super::refused(Self::NAME);
        }
        writer.position()
    }
}
