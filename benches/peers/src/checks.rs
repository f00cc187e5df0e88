//! What each decoder accepts: one packet, and whether it is taken for one.

use benches::Ours;
use bytes::BytesMut;
use minimq_open::workload;
use mountain_mqtt::codec::{mqtt_reader::MqttBufReader, read::Read};
use mountain_mqtt::packets::packet_generic::PacketGeneric;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{PacketBuildResult, PacketBuilder, PacketData, RawPacket};
use mqtt_protocol_core::mqtt::packet::v5_0;
use mqtt5_codec::{Decoded, Decoder, Sender};
use rumqttc::v5::mqttbytes::v5::Packet;

use crate::{Minimq, Mountain, ProtocolCore, Rumqttc};

/// Who sends a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A client does, a server decodes.
    Client,
    /// A server does, a client decodes.
    Server,
}

/// A decoder that can be asked about packets.
pub trait Checks {
    /// Whether these bytes are one packet to it. `None` where it has no decoder for packets from there.
    fn accepts(from: Side, bytes: &[u8]) -> Option<bool>;
}

impl Checks for Ours {
    fn accepts(from: Side, bytes: &[u8]) -> Option<bool> {
        let sender = match from {
            Side::Client => Sender::Client,
            Side::Server => Sender::Server,
        };
        let decoded = Decoder::new(sender).decode(bytes);
        Some(matches!(decoded, Ok(Decoded::Packet { used, .. }) if used == bytes.len()))
    }
}

impl Checks for Rumqttc {
    fn accepts(_: Side, bytes: &[u8]) -> Option<bool> {
        let mut stream = BytesMut::from(bytes);
        Some(Packet::read(&mut stream, None).is_ok() && stream.is_empty())
    }
}

impl Checks for Mountain {
    fn accepts(_: Side, bytes: &[u8]) -> Option<bool> {
        let mut reader = MqttBufReader::new(bytes);
        // Room enough for what the vectors have.
        Some(PacketGeneric::<64, 64, 64>::read(&mut reader).is_ok())
    }
}

impl Checks for Minimq {
    fn accepts(from: Side, bytes: &[u8]) -> Option<bool> {
        (from == Side::Server).then(|| workload::accepts(bytes))
    }
}

impl Checks for ProtocolCore {
    fn accepts(_: Side, bytes: &[u8]) -> Option<bool> {
        let mut cursor = Cursor::new(bytes);
        let PacketBuildResult::Complete(raw) = PacketBuilder::new().feed(&mut cursor) else { return Some(false) };
        Some(cursor.position() == bytes.len() as u64 && parses(&raw))
    }
}

fn parses(raw: &RawPacket) -> bool {
    let data = raw.data.as_slice();
    match (raw.packet_type(), &raw.data) {
        (1, _) => v5_0::Connect::parse(data).is_ok(),
        (2, _) => v5_0::Connack::parse(data).is_ok(),
        (3, PacketData::Publish(data)) => v5_0::Publish::parse(raw.flags(), data.clone()).is_ok(),
        (4, _) => v5_0::Puback::parse(data).is_ok(),
        (5, _) => v5_0::Pubrec::parse(data).is_ok(),
        (6, _) => v5_0::Pubrel::parse(data).is_ok(),
        (7, _) => v5_0::Pubcomp::parse(data).is_ok(),
        (8, _) => v5_0::Subscribe::parse(data).is_ok(),
        (9, _) => v5_0::Suback::parse(data).is_ok(),
        (10, _) => v5_0::Unsubscribe::parse(data).is_ok(),
        (11, _) => v5_0::Unsuback::parse(data).is_ok(),
        (12, _) => v5_0::Pingreq::parse(data).is_ok(),
        (13, _) => v5_0::Pingresp::parse(data).is_ok(),
        (14, _) => v5_0::Disconnect::parse(data).is_ok(),
        (15, _) => v5_0::Auth::parse(data).is_ok(),
        _ => false,
    }
}
