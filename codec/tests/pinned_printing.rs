//! What is printed: faults name their statement, packets show their fields, and neither payloads nor passwords are shown.
#![allow(clippy::unwrap_used, reason = "tests")]

use mqtt5_codec::{
    Connect, Decoder, Delivery, EncodeError, Filter, Full, List, PacketId, PacketType, PayloadFormat, Properties,
    Property, Publish, QoS, ReasonCode, Rule, Sender, Text, Topic, TopicRef, Will,
};

fn text(text: &str) -> Text<'_> {
    Text::new(text).unwrap()
}

#[test]
fn a_fault_is_printed_with_its_reason_its_place_and_its_statement() {
    let error = Decoder::new(Sender::Server).decode(&[0x36, 0]).unwrap_err().to_string();
    assert!(error.starts_with("Malformed Packet (0x81) at byte 0: "), "{error}");
    assert!(error.ends_with(" [MQTT-3.3.1-4]"), "{error}");
    assert_eq!(format!("{:?}", Rule::PUBLISH_QOS), "MQTT-3.3.1-4");
    assert_eq!(Rule::PUBLISH_QOS.to_string(), format!("{} [MQTT-3.3.1-4]", Rule::PUBLISH_QOS.meaning()));
}

#[test]
fn what_was_not_encoded_is_printed_with_what_it_needs() {
    assert!(EncodeError::Full { need: 77 }.to_string().contains("77 bytes"));
    assert!(Full { need: 78 }.to_string().contains("78 bytes"));
    let refused = EncodeError::Refused(Rule::SUBSCRIBE_EMPTY).to_string();
    assert!(refused.contains(Rule::SUBSCRIBE_EMPTY.meaning()) && refused.contains(Rule::SUBSCRIBE_EMPTY.id()));
}

#[test]
fn values_are_printed_by_the_names_of_the_standard() {
    assert_eq!(ReasonCode::NOT_AUTHORIZED.to_string(), "Not authorized (0x87)");
    assert_eq!(format!("{:?}", ReasonCode::SUCCESS), "Success (0x00)");
    assert_eq!(PacketType::SubAck.to_string(), "SUBACK");
    assert_eq!(format!("{:>7}|", PacketType::Auth), "   AUTH|");
    assert!(ReasonCode::try_from(3).unwrap_err().to_string().contains("reason code"));
    assert!(QoS::try_from(3).unwrap_err().to_string().contains("range"));
}

#[test]
fn text_is_printed_as_text() {
    assert_eq!(text("a\"ö").to_string(), "a\"ö");
    assert_eq!(format!("{:?}", text("a\"ö")), r#""a\"ö""#);
    assert_eq!(format!("{:<3}|", text("a")), "a  |");
    assert_eq!(Topic::new("a/b").unwrap().to_string(), "a/b");
    assert_eq!(format!("{:?}", Filter::new("a/#").unwrap()), r#""a/#""#);
}

#[test]
fn lists_and_properties_are_printed_in_their_order() {
    let reasons = [ReasonCode::GRANTED_QOS_1, ReasonCode::NOT_AUTHORIZED];
    assert_eq!(format!("{:?}", List::from(&reasons)), "[Granted QoS 1 (0x01), Not authorized (0x87)]");
    assert_eq!(format!("{:?}", List::from(&reasons).iter()), "Iter");
    let list = [Property::PayloadFormatIndicator(PayloadFormat::Utf8), Property::ContentType(text("text/plain"))];
    let printed = format!("{:?}", Properties::from(&list));
    let (format, content) = (printed.find("PayloadFormatIndicator(Utf8)"), printed.find("ContentType(\"text/plain\")"));
    assert!(format.is_some() && format < content, "{printed}");
}

#[test]
fn payloads_and_passwords_are_not_printed() {
    let publish = Publish {
        topic: TopicRef::Name(Topic::new("a").unwrap()),
        delivery: Delivery::ExactlyOnce { id: PacketId::new(7).unwrap(), dup: true },
        retain: true,
        properties: Properties::EMPTY,
        payload: b"secret",
    };
    let printed = format!("{publish:?}");
    assert!(!printed.contains("secret") && !printed.contains("115"), "{printed}");
    for field in ["Name(\"a\")", "ExactlyOnce", "dup: true", "retain: true", "6 bytes"] {
        assert!(printed.contains(field), "{field} in {printed}");
    }
    let connect = Connect {
        clean_start: true,
        keep_alive: 9,
        properties: Properties::EMPTY,
        client_id: text("me"),
        will: Some(Will {
            qos: QoS::AtLeastOnce,
            retain: true,
            properties: Properties::EMPTY,
            topic: Topic::new("gone").unwrap(),
            payload: b"secret",
        }),
        user_name: Some(text("user")),
        password: Some(b"secret"),
    };
    let printed = format!("{connect:?}");
    assert!(!printed.contains("secret") && !printed.contains("115"), "{printed}");
    for field in ["keep_alive: 9", "\"me\"", "AtLeastOnce", "\"gone\"", "6 bytes", "\"user\"", "***"] {
        assert!(printed.contains(field), "{field} in {printed}");
    }
}
