//! minimq: its private codec, by way of `minimq-open`. It has no decoder for what only a client sends.

use benches::{Subject, Workload, repeat, workload as bytes};
use minimq_open::{Property, workload};

pub struct Minimq;

/// Frames, cut beforehand: minimq finds them while it copies from the transport.
pub struct Frames(std::vec::IntoIter<&'static [u8]>);

impl Subject for Minimq {
    const NAME: &'static str = "minimq";
    type Input = Frames;
    type Packet = workload::Packet;
    type Output = Vec<u8>;

    fn input(workload: Workload, bytes: &'static [u8]) -> Option<Frames> {
        if matches!(workload, Workload::Connect | Workload::Subscribe) {
            return None;
        }
        let (mut frames, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let (frame, after) = rest.split_at(frame_length(rest));
            frames.push(frame);
            rest = after;
        }
        Some(Frames(frames.into_iter()))
    }

    #[inline]
    fn decode(input: &mut Frames) {
        workload::decode(input.0.next().unwrap_or_else(|| super::refused(Self::NAME)));
    }

    fn packet(workload: Workload, _: &'static [u8]) -> Option<Self::Packet> {
        let id = bytes::PACKET_ID;
        Some(match workload {
            Workload::Publish => {
                let mut properties =
                    vec![Property::PayloadFormatIndicator(1), Property::ContentType(bytes::CONTENT_TYPE)];
                properties.extend(bytes::USER_PROPERTIES.map(|(name, value)| Property::UserProperty(name, value)));
                workload::publish(bytes::COMMAND_TOPIC, Some(id), properties, bytes::command().leak())
            }
            Workload::Bare => workload::publish(bytes::BARE_TOPIC, None, Vec::new(), bytes::BARE_PAYLOAD),
            Workload::PubAck => workload::puback(id),
            Workload::Connect => {
                let properties = vec![
                    Property::SessionExpiryInterval(bytes::SESSION_EXPIRY),
                    Property::ReceiveMaximum(bytes::RECEIVE_MAXIMUM),
                ];
                workload::connect(bytes::CLIENT_ID, bytes::USER_NAME, bytes::PASSWORD, bytes::KEEP_ALIVE, properties)
            }
            Workload::Stream => return None,
            Workload::Large => {
                workload::publish(bytes::LARGE_TOPIC, Some(id), Vec::new(), bytes::large_payload().leak())
            }
            Workload::Subscribe => workload::subscribe(id, &bytes::FILTERS),
        })
    }

    fn output() -> Vec<u8> {
        vec![0; 70_000]
    }

    fn encode(packet: &Self::Packet, output: &mut Vec<u8>, times: usize) -> usize {
        use workload::Packet;
        let (mut length, mut start) = (0, 0);
        let mut put = |part: Option<(usize, usize)>| {
            (length, start) = part.unwrap_or_else(|| super::refused(Self::NAME));
            length
        };
        let buffer = output.as_mut_slice();
        match packet {
            Packet::Publish(publish) => repeat(times, publish, |publish| put(publish.encode(buffer))),
            Packet::PubAck(ack) => repeat(times, ack, |ack| put(ack.encode(buffer))),
            Packet::Connect(connect) => repeat(times, connect, |connect| put(connect.encode(buffer))),
            Packet::Subscribe(subscribe) => repeat(times, subscribe, |subscribe| put(subscribe.encode(buffer))),
        };
        // minimq leaves room for the longest header; the packet begins behind what it didn't use. Only the tests look.
        if cfg!(test) {
            output.drain(..start);
        }
        length
    }
}

fn frame_length(bytes: &[u8]) -> usize {
    let (mut length, mut shift) = (0, 0);
    for (index, byte) in bytes.iter().enumerate().skip(1) {
        length |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return 1 + index + length;
        }
        shift += 7;
    }
    0
}
