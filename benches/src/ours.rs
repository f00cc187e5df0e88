//! Our codec under the workload.

use core::hint::black_box;
use core::num::NonZeroU16;

use mqtt5_codec::{
    Ack, AckKind, CodecError, Connect, Decoded, Decoder, Delivery, Filter, Packet, PacketId, PayloadFormat, Properties,
    Property, Publish, QoS, ReasonCode, Sender, Subscribe, Subscription, SubscriptionOptions, Text, Topic, TopicRef,
};

use crate::workload::Workload;
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

/// What an application has in hand for each packet: strings, bytes and numbers.
#[derive(Debug)]
pub enum Given {
    /// 1: a PUBLISH with properties.
    Publish {
        /// Where it goes.
        topic: &'static str,
        /// What it is.
        content_type: &'static str,
        /// Names and values.
        user_properties: [(&'static str, &'static str); 2],
        /// The identifier.
        id: u16,
        /// The message.
        payload: Vec<u8>,
    },
    /// 2 and 6: a PUBLISH without properties; with an identifier, only its head is written.
    Bare {
        /// Where it goes.
        topic: &'static str,
        /// The identifier.
        id: Option<u16>,
        /// The message.
        payload: Vec<u8>,
    },
    /// 3: an acknowledgement.
    PubAck(u16),
    /// 4: a CONNECT.
    Connect {
        /// The client identifier.
        client_id: &'static str,
        /// The user name.
        user_name: &'static str,
        /// The password.
        password: &'static [u8],
        /// Seconds.
        keep_alive: u16,
        /// Seconds.
        session_expiry: u32,
        /// Messages.
        receive_maximum: u16,
    },
    /// 7: a SUBSCRIBE.
    Subscribe {
        /// The identifier.
        id: u16,
        /// What is asked for.
        filters: [&'static str; 8],
    },
}

impl Subject for Ours {
    const NAME: &'static str = "ours";
    type Input = Stream;
    type Packet = Given;
    type Output = Vec<u8>;

    fn input(workload: Workload, bytes: &'static [u8]) -> Option<Stream> {
        let from = match workload {
            Workload::Connect | Workload::Subscribe => Sender::Client,
            _ => Sender::Server,
        };
        Some(Stream { decoder: Decoder::new(black_box(from)), rest: bytes })
    }

    #[inline]
    fn decode(input: &mut Stream) {
        input.next(read::<false>);
    }

    #[inline]
    fn decode_text(input: &mut Stream) {
        input.next(read::<true>);
    }

    fn packet(workload: Workload, _: &'static [u8]) -> Option<Given> {
        use crate::workload as given;
        let id = given::PACKET_ID;
        Some(match workload {
            Workload::Publish => Given::Publish {
                topic: given::COMMAND_TOPIC,
                content_type: given::CONTENT_TYPE,
                user_properties: given::USER_PROPERTIES,
                id,
                payload: given::command(),
            },
            Workload::Bare => Given::Bare { topic: given::BARE_TOPIC, id: None, payload: given::BARE_PAYLOAD.to_vec() },
            Workload::PubAck => Given::PubAck(id),
            Workload::Connect => Given::Connect {
                client_id: given::CLIENT_ID,
                user_name: given::USER_NAME,
                password: given::PASSWORD,
                keep_alive: given::KEEP_ALIVE,
                session_expiry: given::SESSION_EXPIRY,
                receive_maximum: given::RECEIVE_MAXIMUM,
            },
            Workload::Stream => return None,
            Workload::Large => Given::Bare { topic: given::LARGE_TOPIC, id: Some(id), payload: given::large_payload() },
            Workload::Subscribe => Given::Subscribe { id, filters: given::FILTERS },
        })
    }

    fn output() -> Vec<u8> {
        vec![0; 70_000]
    }

    /// Of a large PUBLISH only the head, since its payload need not be copied to be sent.
    fn encode(given: &Given, output: &mut Vec<u8>, times: usize) -> usize {
        let out = output.as_mut_slice();
        let length = |written: Result<usize, CodecError>| written.unwrap_or_else(|_| refused());
        match given {
            Given::Publish { .. } => repeat(times, given, |given| length(publish(given, out))),
            Given::Bare { id: None, .. } => repeat(times, given, |given| length(bare(given, out))),
            Given::Bare { id: Some(_), .. } => repeat(times, given, |given| length(head(given, out))),
            Given::PubAck(_) => repeat(times, given, |given| length(puback(given, out))),
            Given::Connect { .. } => repeat(times, given, |given| length(connect(given, out))),
            Given::Subscribe { .. } => repeat(times, given, |given| length(subscribe(given, out))),
        }
    }
}

impl Stream {
    #[inline(always)]
    fn next(&mut self, read: impl Fn(&Packet<'_>)) {
        match &self.decoder.decode(black_box(self.rest)) {
            Ok(Decoded::Packet { used, packet }) => {
                let Some(rest) = self.rest.get(*used..) else { refused() };
                self.rest = rest;
                read(packet);
            }
            _ => refused(),
        }
    }
}

/// Hands the packet, then every text, property, filter and reason code of it, to a reader that the compiler can't see into: texts as
/// bytes or as `&str`.
#[inline(always)]
fn read<const TEXT: bool>(packet: &Packet<'_>) {
    black_box(packet);
    match packet {
        Packet::Connect(packet) => {
            text::<TEXT>(packet.client_id);
            packet.user_name.into_iter().for_each(text::<TEXT>);
            read_all::<TEXT>(packet.properties);
        }
        Packet::Publish(packet) => {
            packet.topic.name().into_iter().for_each(|name| text::<TEXT>(name.text()));
            read_all::<TEXT>(packet.properties);
        }
        Packet::PubAck(packet) | Packet::PubRec(packet) | Packet::PubRel(packet) | Packet::PubComp(packet) => {
            read_all::<TEXT>(packet.properties);
        }
        Packet::Subscribe(packet) => {
            read_all::<TEXT>(packet.properties);
            for subscription in packet.filters {
                text::<TEXT>(subscription.filter.text());
                consume(subscription.options);
            }
        }
        Packet::PingResp => {}
        _ => refused(),
    }
}

#[inline(always)]
fn text<const TEXT: bool>(text: Text<'_>) {
    if TEXT { consume(text.as_str()) } else { consume(text.as_bytes()) }
}

#[inline(always)]
fn read_all<const TEXT: bool>(properties: Properties<'_>) {
    if !properties.is_empty() {
        read_list::<TEXT>(properties);
    }
}

#[inline(always)]
fn consume<T>(value: T) {
    black_box(value);
}

/// As an application does: it looks which property it is, and takes the value.
#[inline(never)]
fn read_list<const TEXT: bool>(properties: Properties<'_>) {
    for property in properties {
        match property {
            Property::PayloadFormatIndicator(format) => consume(format),
            Property::ContentType(content) => text::<TEXT>(content),
            Property::UserProperty(name, value) => {
                text::<TEXT>(name);
                text::<TEXT>(value);
            }
            Property::SessionExpiryInterval(seconds) => consume(seconds),
            Property::ReceiveMaximum(maximum) => consume(maximum),
            _ => refused(),
        }
    }
}

fn publish(given: &Given, out: &mut [u8]) -> Result<usize, CodecError> {
    let Given::Publish { topic, content_type, user_properties: [one, two], id, payload } = given else { refused() };
    let properties = [
        Property::PayloadFormatIndicator(PayloadFormat::Utf8),
        Property::ContentType(Text::new(content_type)?),
        Property::UserProperty(Text::new(one.0)?, Text::new(one.1)?),
        Property::UserProperty(Text::new(two.0)?, Text::new(two.1)?),
    ];
    let publish = Publish {
        topic: TopicRef::Name(Topic::new(topic)?),
        delivery: Delivery::AtLeastOnce { id: PacketId::try_from(*id)?, dup: false },
        retain: false,
        properties: Properties::from(&properties),
        payload,
    };
    Ok(publish.encode(Sender::Client, out)?)
}

fn bare(given: &Given, out: &mut [u8]) -> Result<usize, CodecError> {
    let Given::Bare { topic, payload, .. } = given else { refused() };
    let publish = Publish {
        topic: TopicRef::Name(Topic::new(topic)?),
        delivery: Delivery::AtMostOnce,
        retain: false,
        properties: Properties::EMPTY,
        payload,
    };
    Ok(publish.encode(Sender::Client, out)?)
}

fn head(given: &Given, out: &mut [u8]) -> Result<usize, CodecError> {
    let Given::Bare { topic, id: Some(id), payload } = given else { refused() };
    let publish = Publish {
        topic: TopicRef::Name(Topic::new(topic)?),
        delivery: Delivery::AtLeastOnce { id: PacketId::try_from(*id)?, dup: false },
        retain: false,
        properties: Properties::EMPTY,
        payload,
    };
    Ok(publish.encode_head(Sender::Client, out)?)
}

fn puback(given: &Given, out: &mut [u8]) -> Result<usize, CodecError> {
    let Given::PubAck(id) = given else { refused() };
    let ack = Ack { id: PacketId::try_from(*id)?, reason: ReasonCode::SUCCESS, properties: Properties::EMPTY };
    Ok(ack.encode(AckKind::PubAck, out)?)
}

fn connect(given: &Given, out: &mut [u8]) -> Result<usize, CodecError> {
    let &Given::Connect { client_id, user_name, password, keep_alive, session_expiry, receive_maximum } = given else {
        refused()
    };
    let Some(receive_maximum) = NonZeroU16::new(receive_maximum) else { refused() };
    let properties = [Property::SessionExpiryInterval(session_expiry), Property::ReceiveMaximum(receive_maximum)];
    let connect = Connect {
        clean_start: true,
        keep_alive,
        properties: Properties::from(&properties),
        client_id: Text::new(client_id)?,
        will: None,
        user_name: Some(Text::new(user_name)?),
        password: Some(password),
    };
    Ok(connect.encode(out)?)
}

fn subscribe(given: &Given, out: &mut [u8]) -> Result<usize, CodecError> {
    let Given::Subscribe { id, filters: [a, b, c, d, e, f, g, h] } = given else { refused() };
    let options = SubscriptionOptions { maximum_qos: QoS::AtLeastOnce, ..SubscriptionOptions::default() };
    let one = |filter| Filter::new(filter).map(|filter| Subscription { filter, options });
    let filters = [one(a)?, one(b)?, one(c)?, one(d)?, one(e)?, one(f)?, one(g)?, one(h)?];
    let subscribe =
        Subscribe { id: PacketId::try_from(*id)?, properties: Properties::EMPTY, filters: (&filters).into() };
    Ok(subscribe.encode(out)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workloads_decode_and_encode_to_the_same_bytes() {
        for workload in Workload::ALL {
            let bytes: &'static [u8] = workload.bytes().leak();
            for decode in [Ours::decode, Ours::decode_text] {
                let mut input = Ours::input(workload, bytes).unwrap();
                (0..workload.packets()).for_each(|_| decode(&mut input));
                assert!(input.rest.is_empty());
            }
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
