//! rumqttc, its v5 codec: `Packet::read` from a `BytesMut`, `Packet::write` to one.

use core::hint::black_box;

use benches::{Subject, Workload};
use bytes::BytesMut;
use rumqttc::v5::mqttbytes::v5::Packet;

pub struct Rumqttc;

impl Subject for Rumqttc {
    const NAME: &'static str = "rumqttc";
    type Input = BytesMut;
    type Packet = Packet;
    type Output = BytesMut;

    fn input(_: Workload, bytes: &'static [u8]) -> Option<BytesMut> {
        Some(BytesMut::from(bytes))
    }

    #[inline]
    fn decode(input: &mut BytesMut) {
        match Packet::read(input, None) {
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
        Packet::read(&mut BytesMut::from(bytes), None).ok()
    }

    fn output() -> BytesMut {
        BytesMut::with_capacity(70_000)
    }

    #[inline]
    fn encode(packet: &Packet, output: &mut BytesMut) -> usize {
        output.clear();
        packet
            .write(output, None)
            .unwrap_or_else(|_| super::refused(Self::NAME))
    }
}
