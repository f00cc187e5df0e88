//! A PUBLISH that owns its bytes, for whoever hands messages on to another task: slices of one `Bytes`, nothing copied.

use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use crate::{Decoded, Decoder, Delivery, Error, Packet, Properties, Publish, Topic, TopicAlias, TopicRef};

/// A PUBLISH and the bytes that it was decoded from. Cloning it, or taking a part of it, shares them and copies none.
///
/// It keeps where its parts begin and end, so borrowing the packet again costs no second look at them.
///
/// ```
/// use bytes::Bytes;
/// use mqtt5_codec::{Decoder, OwnedPublish, Sender};
/// let frame = Bytes::from_static(&[0x30, 6, 0, 1, b'a', 0, b'h', b'i']);
/// let publish = OwnedPublish::decode(&Decoder::new(Sender::Server), &frame)?.unwrap();
/// assert_eq!(publish.payload(), "hi");
/// assert_eq!(publish.payload().as_ptr(), frame[6..].as_ptr());
/// assert_eq!(publish.as_publish().topic.name().unwrap(), "a");
/// # Ok::<(), mqtt5_codec::Error>(())
/// ```
#[derive(Clone)]
pub struct OwnedPublish {
    frame: Bytes,
    topic: Range<usize>,
    properties: Range<usize>,
    payload: Range<usize>,
    alias: Option<TopicAlias>,
    delivery: Delivery,
    retain: bool,
}

impl OwnedPublish {
    /// Decodes the PUBLISH at the front of some bytes, and shares them. `None` when what stands there is another packet, or
    /// has not all arrived.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn decode(decoder: &Decoder, frame: &Bytes) -> Result<Option<Self>, Error> {
        Ok(match decoder.decode(frame)? {
            Decoded::Packet { packet: Packet::Publish(publish), .. } => publish.to_owned_in(frame),
            _ => None,
        })
    }

    /// The packet, borrowed. Costs nothing.
    #[must_use]
    pub fn as_publish(&self) -> Publish<'_> {
        let name = self.part(&self.topic);
        let topic = match self.alias {
            Some(alias) if name.is_empty() => TopicRef::Alias(alias),
            Some(alias) => TopicRef::NameAndAlias(Topic::checked(name), alias),
            None => TopicRef::Name(Topic::checked(name)),
        };
        Publish {
            topic,
            delivery: self.delivery,
            retain: self.retain,
            properties: Properties::checked(self.part(&self.properties)),
            payload: self.part(&self.payload),
        }
    }

    /// The topic name, in UTF-8; empty where an alias stands for it.
    #[must_use]
    pub fn topic(&self) -> Bytes {
        self.share(&self.topic)
    }

    /// How many bytes it keeps alive: those of the packet, at least.
    #[must_use]
    pub const fn frame_len(&self) -> usize {
        self.frame.len()
    }

    /// The message.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        self.share(&self.payload)
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.frame.get(range.clone()).unwrap_or_default()
    }

    /// As [`part`](Self::part). `Bytes::slice` would panic beyond the frame, where no range of ours lies.
    fn share(&self, range: &Range<usize>) -> Bytes {
        if self.frame.get(range.clone()).is_some() { self.frame.slice(range.clone()) } else { Bytes::new() }
    }
}

impl Publish<'_> {
    /// The same packet as an owner of its bytes, which are in `frame`. `None` when a part of it stands elsewhere, as in one
    /// that was built to be sent.
    #[must_use]
    pub fn to_owned_in(&self, frame: &Bytes) -> Option<OwnedPublish> {
        let name = self.topic.name();
        Some(OwnedPublish {
            topic: range(frame, name.map_or(&[], Topic::as_bytes))?,
            properties: range(frame, self.properties.wire()?)?,
            payload: range(frame, self.payload)?,
            alias: self.topic.alias(),
            delivery: self.delivery,
            retain: self.retain,
            frame: frame.clone(),
        })
    }
}

/// Where in a frame one of its parts lies.
fn range(frame: &[u8], part: &[u8]) -> Option<Range<usize>> {
    if part.is_empty() {
        return Some(0..0);
    }
    let start = (part.as_ptr() as usize).checked_sub(frame.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= frame.len()).then_some(start..end)
}

impl PartialEq for OwnedPublish {
    fn eq(&self, other: &Self) -> bool {
        self.as_publish() == other.as_publish()
    }
}

impl fmt::Debug for OwnedPublish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_publish().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{BOTH, CLIENT, SERVER, decoded};
    use crate::{EncodeError, Property, Sink};
    use bytes::BytesMut;
    use std::vec::Vec;

    const PUBLISH: &[u8] = b"\x3B\x10\x00\x03a/b\x00\x07\x06\x26\x00\x01n\x00\x00hi";

    #[test]
    fn an_owned_publish_is_the_borrowed_one() {
        for from in BOTH {
            for bytes in [
                b"\x30\x06\x00\x01a\x00hi".as_slice(),
                b"\x30\x04\x00\x01a\x00",
                b"\x30\x08\x00\x00\x03\x23\x00\x01hi",
                b"\x3D\x10\x00\x03a/b\x00\x07\x03\x23\x00\x09hello",
                b"\x32\x10\x00\x01a\x00\x01\x07\x03\x00\x01t\x23\x00\x02pay",
            ] {
                let frame = Bytes::copy_from_slice(bytes);
                let owned = OwnedPublish::decode(&Decoder::new(from), &frame).unwrap().unwrap();
                let Packet::Publish(publish) = decoded(from, bytes) else { panic!() };
                assert_eq!(owned.as_publish(), publish);
                assert_eq!(owned.frame_len(), bytes.len());
                assert_eq!(owned.topic(), publish.topic.name().map_or(&[][..], Topic::as_bytes));
                assert_eq!(owned.payload(), publish.payload);
                assert_eq!(owned.clone(), owned);
                assert_eq!(std::format!("{owned:?}"), std::format!("{publish:?}"));
                let list: Vec<_> = owned.as_publish().properties.iter().map(|property| property.id()).collect();
                assert_eq!(list, publish.properties.iter().map(|property| property.id()).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn nothing_is_copied_and_a_part_outlives_the_packet() {
        let frame = Bytes::copy_from_slice(b"\x30\x08\x00\x01a\x02\x01\x01hi\xC0\x00");
        let owned = OwnedPublish::decode(&Decoder::new(CLIENT), &frame).unwrap().unwrap();
        let (topic, payload) = (owned.topic(), owned.payload());
        assert_eq!(topic.as_ptr(), frame[4..].as_ptr());
        assert_eq!(payload.as_ptr(), frame[8..].as_ptr());
        drop((owned, frame));
        assert_eq!((topic, payload), (Bytes::from_static(b"a"), Bytes::from_static(b"hi")));
    }

    #[test]
    fn only_a_whole_publish_is_owned() {
        let decoder = Decoder::new(SERVER);
        let decode = |bytes: &'static [u8]| OwnedPublish::decode(&decoder, &Bytes::from_static(bytes));
        assert_eq!(decode(b"\xD0\x00"), Ok(None));
        assert_eq!(decode(b"\x30\x06\x00\x01a\x00h"), Ok(None));
        assert_eq!(decode(b""), Ok(None));
        assert_eq!(decode(b"\x36\x00").unwrap_err().rule.id(), "MQTT-3.3.1-4");
    }

    #[test]
    fn parts_that_stand_elsewhere_are_not_owned() {
        let frame = Bytes::copy_from_slice(&[PUBLISH, b"x"].concat());
        let Decoded::Packet { packet: Packet::Publish(publish), .. } =
            Decoder::new(CLIENT).decode(&frame[..18]).unwrap()
        else {
            panic!()
        };
        assert!(publish.to_owned_in(&frame).is_some());
        // Another frame with the same bytes, and one that ends within.
        assert!(publish.to_owned_in(&Bytes::copy_from_slice(&frame)).is_none());
        assert!(publish.to_owned_in(&frame.slice(..10)).is_none());
        assert!(publish.to_owned_in(&frame.slice(6..)).is_none());
        // Properties, or a payload, of the caller's.
        let list = [Property::MessageExpiryInterval(1)];
        let built = Publish { properties: Properties::from(&list), ..publish };
        assert!(built.to_owned_in(&frame).is_none());
        assert!(Publish { payload: b"elsewhere", ..publish }.to_owned_in(&frame).is_none());
        assert!(Publish { payload: &frame[18..], ..publish }.to_owned_in(&frame).is_some());
        let empty = Publish { properties: Properties::from(&[]), ..publish };
        assert_eq!(empty.to_owned_in(&frame).unwrap().as_publish().properties, Properties::EMPTY);
    }

    #[test]
    fn packets_are_encoded_behind_what_a_bytes_mut_holds() {
        let mut out = BytesMut::from(&b"before"[..]);
        let packet = decoded(CLIENT, PUBLISH);
        assert_eq!(packet.encode(CLIENT, &mut out), Ok(PUBLISH.len()));
        assert_eq!(packet.encode(CLIENT, &mut out), Ok(PUBLISH.len()));
        assert_eq!(out, [b"before", PUBLISH, PUBLISH].concat());
        // What is refused leaves it as it is.
        let list = [Property::ServerKeepAlive(1)];
        let Packet::Publish(publish) = packet else { panic!() };
        let refused = Publish { properties: Properties::from(&list), ..publish };
        assert_eq!(refused.encode(CLIENT, &mut out), Err(EncodeError::Refused(crate::Rule::PROPERTY_ID)));
        assert_eq!(out.len(), 6 + 2 * PUBLISH.len());
        assert!(out.room(usize::MAX).is_err());
    }
}
