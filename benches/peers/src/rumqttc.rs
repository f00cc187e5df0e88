//! rumqttc, its v5 codec: `Packet::read` from a `BytesMut`, `Packet::write` to one.

use core::hint::black_box;

use benches::{Subject, Workload, repeat};
use bytes::BytesMut;
use rumqttc::v5::mqttbytes::{Error, v5::Packet};

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
            }
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

    fn encode(packet: &Packet, output: &mut BytesMut, times: usize) -> usize {
        // As `Packet::write` chooses, but outside of the measured loop.
        match packet {
            Packet::Connect(connect, will, login) => repeat(times, connect, |connect| {
                output.clear();
                written(connect.write(will, login, output))
            }),
            Packet::Publish(publish) => repeat(times, publish, |publish| {
                output.clear();
                written(publish.write(output))
            }),
            Packet::PubAck(ack) => repeat(times, ack, |ack| {
                output.clear();
                written(ack.write(output))
            }),
            Packet::Subscribe(subscribe) => repeat(times, subscribe, |subscribe| {
                output.clear();
                written(subscribe.write(output))
            }),
            _ => super::refused(Self::NAME),
        }
    }
}

fn written(result: Result<usize, Error>) -> usize {
    result.unwrap_or_else(|_| super::refused(Rumqttc::NAME))
}
