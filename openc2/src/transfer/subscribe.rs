//! Subscriptions (CS01 s2.2, s2.3, s3.3): every topic of a role, each with the recommended options.

use mqtt5_codec::{Filter, RetainHandling, Subscription, SubscriptionOptions};

use super::{Channel, Quality, Scheme, TopicError};

/// The options that CS01 s3.3 recommends: no local 1, retain as published 1, retain handling 0; the byte is 0x0E with
/// QoS 2, which leaves the level to the publisher.
pub fn options(maximum: Quality) -> SubscriptionOptions {
    SubscriptionOptions {
        maximum_qos: maximum.into(),
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::SendAtSubscribe,
    }
}

/// The subscriptions to these channels, their filters written one behind the other into `buffer`.
///
/// A channel is one topic, never a wildcard or a shared subscription: No Local on a shared one is a protocol error
/// [MQTT-3.8.3-4]. Fails, with nothing made, if there are more than `N` channels.
pub fn subscriptions<'b, 'c, const N: usize>(
    channels: impl IntoIterator<Item = Channel<'c>>,
    scheme: &Scheme<'_>,
    maximum: Quality,
    buffer: &'b mut [u8],
) -> Result<heapless::Vec<Subscription<'b>, N>, TopicError> {
    let mut list = heapless::Vec::new();
    let mut rest = buffer;
    for channel in channels {
        let (topic, after) = channel.write(scheme, rest)?;
        rest = after;
        let filter = Filter::new(topic.as_str()).map_err(|_| TopicError::Level)?;
        let subscription = Subscription { filter, options: options(maximum) };
        list.push(subscription).map_err(|_| TopicError::Full { need: N.saturating_add(1) })?;
    }
    Ok(list)
}

/// Divides subscriptions into as many SUBSCRIBE packets, without properties, as the server's Maximum Packet Size asks for.
pub const fn chunks<'s, 'a>(list: &'s [Subscription<'a>], maximum_packet_size: u32) -> Chunks<'s, 'a> {
    Chunks { rest: list, maximum: maximum_packet_size as usize }
}

/// See [`chunks`].
#[derive(Clone, Copy, Debug)]
pub struct Chunks<'s, 'a> {
    rest: &'s [Subscription<'a>],
    maximum: usize,
}

impl<'s, 'a> Iterator for Chunks<'s, 'a> {
    type Item = &'s [Subscription<'a>];

    /// The next packet's filters; one that is too long for any packet comes alone, and the session refuses it.
    fn next(&mut self) -> Option<&'s [Subscription<'a>]> {
        // The longest fixed header, the packet identifier, no properties.
        let mut room = self.maximum.saturating_sub(5 + 2 + 1);
        let mut count = 0usize;
        for subscription in self.rest {
            let length = subscription.filter.as_bytes().len().saturating_add(3);
            if length > room {
                break;
            }
            room = room.saturating_sub(length);
            count = count.saturating_add(1);
        }
        if self.rest.is_empty() {
            return None;
        }
        let (chunk, rest) = self.rest.split_at_checked(count.max(1))?;
        self.rest = rest;
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use mqtt5_codec::{List, PacketId, Properties, Subscribe};

    use super::*;

    const CHANNELS: [Channel<'static>; 4] =
        [Channel::All, Channel::Profile("alpha"), Channel::Profile("iota"), Channel::Device("zulu1")];

    #[test]
    fn the_subscribe_of_csd03_a_1() {
        let mut buffer = [0; 128];
        let list = subscriptions::<4>(CHANNELS, &Scheme::default(), Quality::ExactlyOnce, &mut buffer).unwrap();
        let packet = Subscribe {
            id: PacketId::new(47826).unwrap(),
            properties: Properties::EMPTY,
            filters: List::from(&list[..]),
        };
        let mut bytes = [0; 128];
        let length = packet.encode(&mut bytes).unwrap();
        let mut expected = [0; 128];
        let mut at = 0;
        for part in [
            &b"\x82\x4E\xBA\xD2\x00"[..],
            b"\x00\x0Boc2/cmd/all\x0E",
            b"\x00\x10oc2/cmd/ap/alpha\x0E",
            b"\x00\x0Foc2/cmd/ap/iota\x0E",
            b"\x00\x14oc2/cmd/device/zulu1\x0E",
        ] {
            expected[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        expected[1] = (at - 2) as u8;
        assert_eq!(&bytes[..length], &expected[..at]);
    }

    #[test]
    fn subscriptions_fit_the_largest_packet() {
        let mut buffer = [0; 128];
        let list = subscriptions::<8>(CHANNELS, &Scheme::default(), Quality::AtLeastOnce, &mut buffer).unwrap();
        assert_eq!(options(Quality::AtLeastOnce).to_u8(), 0x0D);
        assert_eq!(chunks(&list, 268_435_460).count(), 1);
        for maximum in [1, 40, 45, 60] {
            let mut total = 0;
            for chunk in chunks(&list, maximum) {
                let packet = Subscribe {
                    id: PacketId::new(1).unwrap(),
                    properties: Properties::EMPTY,
                    filters: List::from(chunk),
                };
                assert!(chunk.len() == 1 || packet.encoded_len().unwrap() <= maximum as usize);
                total += chunk.len();
            }
            assert_eq!(total, 4);
        }
        let few = subscriptions::<3>(CHANNELS, &Scheme::default(), Quality::AtLeastOnce, &mut [0; 128]).map(|_| ());
        assert_eq!(few, Err(TopicError::Full { need: 4 }));
    }
}
