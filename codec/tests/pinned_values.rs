//! What values and lists say of themselves, whether they were decoded or are to be sent.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use mqtt5_codec::{
    Decoded, Decoder, Filter, List, Packet, PacketId, PayloadFormat, Properties, Property, QoS, ReasonCode,
    RetainHandling, Rule, Sender, SubAck, SubscriptionId, Text, Topic, TopicAlias, Unsubscribe,
};

fn filter(filter: &str) -> Filter<'_> {
    Filter::new(filter).unwrap()
}

#[test]
fn a_reason_is_an_error_from_0x80_on() {
    for value in 0..=255 {
        if let Some(reason) = ReasonCode::from_u8(value) {
            assert_eq!(reason.is_error(), value >= 0x80, "{reason}");
            assert_eq!(u8::from(reason), value);
            assert_eq!(ReasonCode::try_from(value), Ok(reason));
        } else {
            assert!(ReasonCode::try_from(value).is_err());
        }
    }
    assert!(ReasonCode::UNSPECIFIED_ERROR.is_error() && !ReasonCode::RE_AUTHENTICATE.is_error());
}

#[test]
fn numbers_beyond_what_is_defined_stand_for_nothing() {
    for value in 0..=255u8 {
        assert_eq!(PayloadFormat::from_u8(value).map(u8::from), (value < 2).then_some(value));
        assert_eq!(QoS::from_u8(value).map(u8::from), (value < 3).then_some(value));
        assert_eq!(RetainHandling::from_u8(value).map(u8::from), (value < 3).then_some(value));
        assert_eq!(PayloadFormat::try_from(value).ok(), PayloadFormat::from_u8(value));
        assert_eq!(QoS::try_from(value).ok(), QoS::from_u8(value));
        assert_eq!(RetainHandling::try_from(value).ok(), RetainHandling::from_u8(value));
    }
}

#[test]
fn identifiers_hold_the_numbers_that_the_wire_can() {
    assert_eq!(PacketId::new(0), None);
    assert_eq!(TopicAlias::new(0), None);
    for id in [1, 0x0102, 65_535] {
        assert_eq!(PacketId::new(id).map(|id| (id.get(), u16::from(id))), Some((id, id)));
        assert_eq!(TopicAlias::new(id).map(|id| (id.get(), u16::from(id))), Some((id, id)));
    }
    for id in [1, 128, 0x0102_0304, 268_435_455] {
        let id = SubscriptionId::try_from(id).map(|made| (id, made.get(), u32::from(made)));
        assert!(id.is_ok_and(|(id, got, into)| got == id && into == id), "{id:?}");
    }
    assert!(SubscriptionId::try_from(0).is_err() && SubscriptionId::try_from(268_435_456).is_err());
}

#[test]
fn text_is_what_it_was_made_of() {
    for string in ["", "a", "naïve", "longer than a machine word"] {
        let text = Text::try_from(string).unwrap();
        assert_eq!((text.as_str(), text.as_bytes()), (string, string.as_bytes()));
        assert_eq!((text.len(), text.is_empty()), (string.len(), string.is_empty()));
        assert!(text == string && text == *string);
        assert!(text != "b" && text != *"b");
    }
    assert_eq!(Text::try_from("a\0"), Err(Rule::STRING_NUL));
    assert_eq!(Text::default(), Text::EMPTY);
}

#[test]
fn names_and_filters_are_what_they_were_made_of() {
    let (name, share) = (Topic::try_from("a/b").unwrap(), Filter::try_from("$share/g/a/+").unwrap());
    assert!(name == "a/b" && name == *"a/b" && name != "a" && name != *"a");
    assert!(share == "$share/g/a/+" && share != "a/+" && share != *"a/+");
    assert_eq!((name.as_str(), name.as_bytes(), name.text().as_str()), ("a/b", &b"a/b"[..], "a/b"));
    assert_eq!((share.as_str(), share.text().len()), ("$share/g/a/+", 12));
    assert_eq!(Topic::try_from("a/+"), Err(Rule::TOPIC_NAME_WILDCARD));
    assert_eq!(Filter::try_from("a+"), Err(Rule::SINGLE_LEVEL_WILDCARD));
    for (filter, wildcard, shared) in
        [("a/b", false, false), ("a/+", true, false), ("#", true, false), ("$share/g/a", false, true)]
    {
        let filter = Filter::new(filter).unwrap();
        assert_eq!((filter.has_wildcard(), filter.is_shared()), (wildcard, shared), "{filter}");
        assert_eq!(filter.share_name().is_some(), shared);
    }
}

#[test]
fn lists_are_equal_when_their_items_are() {
    let (one, two) = ([filter("a"), filter("b")], [filter("a"), filter("c")]);
    assert_eq!(List::from(&one), List::from(&one[..]));
    assert_ne!(List::from(&one), List::from(&two));
    assert_ne!(List::from(&one), List::from(&one[..1]), "a beginning is not the whole");
    assert_ne!(List::from(&one), List::EMPTY);
    assert_eq!(List::from(&one[..0]), List::default());
    assert_eq!((List::from(&one).len(), List::from(&one).is_empty()), (2, false));
    assert_eq!((List::from(&one[..0]).len(), List::from(&one[..0]).is_empty()), (0, true));
    assert_eq!(List::<Filter<'_>>::EMPTY.len(), 0);
}

#[test]
fn a_clone_of_a_list_has_its_items() {
    fn clone<T: Clone>(of: &T) -> T {
        of.clone()
    }
    let reasons = [ReasonCode::SUCCESS, ReasonCode::NOT_AUTHORIZED];
    let list = List::from(&reasons);
    assert_eq!(clone(&list), list);
    assert!(clone(&list).into_iter().eq(reasons));
    assert!((&list).into_iter().eq(reasons));
    let mut items = list.iter();
    items.next();
    assert!(clone(&items).eq([ReasonCode::NOT_AUTHORIZED]));
}

#[test]
fn properties_are_empty_when_there_are_none() {
    assert!(Properties::EMPTY.is_empty() && Properties::default().is_empty());
    let list = [Property::ReasonString(Text::new("why").unwrap())];
    assert!(!Properties::from(&list).is_empty());
    assert!(Properties::from(&list[..0]).is_empty());
}

#[test]
fn filters_are_written_as_they_are_read() {
    let filters = [filter("a/+"), filter("$share/g/b"), filter("#")];
    let unsubscribe = Unsubscribe {
        id: PacketId::new(0x0102).unwrap(),
        properties: Properties::EMPTY,
        filters: List::from(&filters),
    };
    let mut out = [0; 64];
    let len = unsubscribe.encode(&mut out).unwrap();
    assert_eq!(unsubscribe.encoded_len(), Ok(len));
    assert_eq!(out[..len], *b"\xA2\x17\x01\x02\x00\x00\x03a/+\x00\x0A$share/g/b\x00\x01#");
    let Ok(Decoded::Packet { used, packet: Packet::Unsubscribe(read) }) = Decoder::new(Sender::Client).decode(&out)
    else {
        panic!("{out:02x?}")
    };
    assert_eq!((used, read), (len, unsubscribe));
}

#[test]
fn the_length_of_an_unsuback_is_what_is_written() {
    let reasons = [ReasonCode::SUCCESS, ReasonCode::NO_SUBSCRIPTION_EXISTED];
    let ack = SubAck { id: PacketId::new(5).unwrap(), properties: Properties::EMPTY, reasons: List::from(&reasons) };
    let mut out = [0; 16];
    assert_eq!(ack.encode_unsuback(&mut out), Ok(7));
    assert_eq!(ack.encoded_unsuback_len(), Ok(7));
    assert_eq!(out[..7], [0xB0, 5, 0, 5, 0, 0, 0x11]);
}

#[cfg(feature = "bytes")]
#[test]
fn owned_messages_are_equal_when_the_borrowed_ones_are() {
    let owned = |bytes: &'static [u8]| {
        let frame = bytes::Bytes::from_static(bytes);
        mqtt5_codec::OwnedPublish::decode(&Decoder::new(Sender::Server), &frame).unwrap().unwrap()
    };
    let one = owned(b"\x32\x08\x00\x01a\x00\x01\x00hi");
    assert_eq!(one, owned(b"\x32\x08\x00\x01a\x00\x01\x00hi"));
    for other in [
        &b"\x32\x08\x00\x01b\x00\x01\x00hi"[..],
        b"\x32\x08\x00\x01a\x00\x02\x00hi",
        b"\x32\x08\x00\x01a\x00\x01\x00ho",
        b"\x33\x08\x00\x01a\x00\x01\x00hi",
        b"\x34\x08\x00\x01a\x00\x01\x00hi",
        b"\x32\x0A\x00\x01a\x00\x01\x02\x01\x01hi",
    ] {
        assert_ne!(one, owned(other), "{other:02x?}");
    }
}
