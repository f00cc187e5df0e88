//! A packet cut into its fields, in the order of the wire, as far as its bytes allow: also one that may not be.

use core::num::NonZeroU8;

use mqtt5_codec::{PacketType, ReasonCode};
use serde_json::{Value, json};

use super::field::{Cursor, Field, Short, quoted, text_value};
use super::property::properties;

type Read = Result<(), Short>;

/// The version of MQTT that has properties.
const FIVE: u8 = 5;

/// The fields of a packet of MQTT v5, which begins with the first of these bytes and ends with the last.
pub(crate) fn dissect(packet: &[u8]) -> Vec<Field> {
    let mut cursor = Cursor::new(packet);
    // A field that is cut short says so; what stands behind it is told below.
    let short = whole(&mut cursor).is_err();
    // Where a CONNECT or an AUTH can't be read to its end, what is not read may be a password.
    let kind = packet.first().and_then(|first| PacketType::from_first_byte(*first));
    let secret = match kind {
        Some(PacketType::Connect) => cursor.fields.iter().any(|field| field.name == "keep alive"),
        kind => kind == Some(PacketType::Auth),
    };
    if secret && short {
        cursor.withhold();
    }
    if cursor.left_over() && secret {
        cursor.withhold();
    }
    cursor.fields
}

fn whole(c: &mut Cursor<'_>) -> Read {
    let first = c.u8("packet type")?;
    let kind = PacketType::from_first_byte(first);
    let name = kind.map_or("reserved", PacketType::name);
    c.note(0, "packet type", json!(name), format!("{name} ({})", first >> 4));
    match kind {
        Some(PacketType::Publish) => {
            let qos = first >> 1 & 3;
            c.bits(vec![
                (0b1000, if first & 8 == 0 { "not sent before" } else { "DUP: sent before" }.into()),
                (0b0110, format!("QoS {qos}: {}", quality(qos))),
                (0b0001, if first & 1 == 0 { "not retained" } else { "retain" }.into()),
            ]);
        }
        _ => c.bits(vec![(0b1111, format!("flags {:04b}, reserved", first & 15))]),
    }
    let from = c.at();
    let remaining = c.varint("remaining length")?;
    let there = c.left();
    let says = if there as u64 == u64::from(remaining) {
        bytes_of(remaining as usize)
    } else {
        format!("{}, of which {there} are here", bytes_of(remaining as usize))
    };
    c.note(from, "remaining length", json!(remaining), says);
    let Some(kind) = kind else {
        return Ok(());
    };
    match kind {
        PacketType::Connect => connect(c),
        PacketType::ConnAck => connack(c),
        PacketType::Publish => publish(c, first >> 1 & 3),
        PacketType::PubAck | PacketType::PubRec | PacketType::PubRel | PacketType::PubComp => {
            identifier(c)?;
            reason_and_properties(c, "Success")
        }
        PacketType::Subscribe => {
            identifier(c)?;
            properties(c, "properties")?;
            subscriptions(c)
        }
        PacketType::SubAck | PacketType::UnsubAck => {
            identifier(c)?;
            properties(c, "properties")?;
            while c.left() > 0 {
                reason(c, if kind == PacketType::SubAck { "Granted QoS 0" } else { "Success" })?;
            }
            Ok(())
        }
        PacketType::Unsubscribe => {
            identifier(c)?;
            properties(c, "properties")?;
            while c.left() > 0 {
                c.text("topic filter")?;
            }
            Ok(())
        }
        PacketType::PingReq | PacketType::PingResp => Ok(()),
        PacketType::Disconnect => reason_and_properties(c, "Normal disconnection"),
        PacketType::Auth => reason_and_properties(c, "Success"),
    }
}

const fn quality(qos: u8) -> &'static str {
    match qos {
        0 => "at most once",
        1 => "at least once",
        2 => "exactly once",
        _ => "there is none",
    }
}

fn bytes_of(count: usize) -> String {
    if count == 1 { "1 byte".into() } else { format!("{count} bytes") }
}

fn connect(c: &mut Cursor<'_>) -> Read {
    c.text("protocol name")?;
    let from = c.at();
    let version = c.u8("protocol version")?;
    let says = match version {
        3 => "3, which is MQTT 3.1".into(),
        4 => "4, which is MQTT 3.1.1".into(),
        other => other.to_string(),
    };
    c.note(from, "protocol version", json!(version), says);
    let from = c.at();
    let flags = c.u8("connect flags")?;
    let [will, user_name, password] = [4, 0x80, 0x40].map(|bit| flags & bit != 0);
    let yes = |yes: bool, what: &str, no: &str| if yes { what.to_owned() } else { no.to_owned() };
    c.note(from, "connect flags", json!(flags), String::new());
    c.bits(vec![
        (0x80, yes(user_name, "a user name follows", "no user name")),
        (0x40, yes(password, "a password follows", "no password")),
        (0x20, yes(flags & 0x20 != 0, "the will is retained", "no retained will")),
        (0x18, format!("will QoS {}", flags >> 3 & 3)),
        (0x04, yes(will, "a will follows", "no will")),
        (0x02, yes(flags & 2 != 0, "clean start", "no clean start: the session goes on")),
        (0x01, "reserved".into()),
    ]);
    let from = c.at();
    let keep_alive = c.u16("keep alive")?;
    let says = if keep_alive == 0 { "0, which turns it off".into() } else { format!("{keep_alive} s") };
    c.note(from, "keep alive", json!(keep_alive), says);
    // Earlier versions have no properties.
    if version >= FIVE {
        properties(c, "properties")?;
    }
    c.text("client identifier")?;
    if will {
        if version >= FIVE {
            properties(c, "will properties")?;
        }
        c.text("will topic")?;
        let from = c.at();
        let payload = c.bytes("will payload")?;
        c.note(from, "will payload", text_value(payload), quoted(payload));
    }
    if user_name {
        c.text("user name")?;
    }
    if password {
        let from = c.at();
        let bytes = c.bytes("password")?.len();
        c.note(from, "password", Value::Null, format!("{}, not shown", bytes_of(bytes)));
        c.hide();
    }
    Ok(())
}

fn connack(c: &mut Cursor<'_>) -> Read {
    let from = c.at();
    let flags = c.u8("connect acknowledge flags")?;
    c.note(from, "connect acknowledge flags", json!(flags), String::new());
    c.bits(vec![
        (0xFE, "reserved".into()),
        (0x01, if flags & 1 == 0 { "no session present" } else { "session present" }.into()),
    ]);
    reason(c, "Success")?;
    // MQTT 3.1.1 ends here.
    if c.left() > 0 { properties(c, "properties") } else { Ok(()) }
}

fn publish(c: &mut Cursor<'_>, qos: u8) -> Read {
    c.text("topic name")?;
    if qos > 0 {
        identifier(c)?;
    }
    properties(c, "properties")?;
    let payload = c.rest();
    let from = c.at();
    c.take(payload.len(), "payload")?;
    c.note(from, "payload", json!(payload.len()), bytes_of(payload.len()));
    Ok(())
}

fn identifier(c: &mut Cursor<'_>) -> Read {
    let from = c.at();
    let id = c.u16("packet identifier")?;
    c.note(from, "packet identifier", json!(id), id.to_string());
    Ok(())
}

fn reason(c: &mut Cursor<'_>, zero: &str) -> Read {
    let from = c.at();
    let code = c.u8("reason code")?;
    let name = match NonZeroU8::new(code) {
        None => zero,
        Some(code) => ReasonCode::from_u8(code.get()).map_or("the standard has no such code", ReasonCode::name),
    };
    c.note(from, "reason code", json!(code), format!("{name} (0x{code:02X})"));
    Ok(())
}

/// The end of acknowledgements, DISCONNECT and AUTH, whose parts may be left out from the back.
fn reason_and_properties(c: &mut Cursor<'_>, zero: &str) -> Read {
    if c.left() > 0 {
        reason(c, zero)?;
    }
    if c.left() > 0 { properties(c, "properties") } else { Ok(()) }
}

fn subscriptions(c: &mut Cursor<'_>) -> Read {
    while c.left() > 0 {
        c.text("topic filter")?;
        let from = c.at();
        let options = c.u8("subscription options")?;
        let retained = match options >> 4 & 3 {
            0 => "retained messages are sent now",
            1 => "retained messages are sent if the subscription is new",
            2 => "no retained messages are sent now",
            _ => "there is no such retain handling",
        };
        let or = |bit: u8, yes: &str, no: &str| if options & bit == 0 { no.to_owned() } else { yes.to_owned() };
        c.note(from, "subscription options", json!(options), String::new());
        c.bits(vec![
            (0xC0, "reserved".into()),
            (0x30, format!("retain handling {}: {retained}", options >> 4 & 3)),
            (0x08, or(8, "retain as published", "retain flag of forwarded messages is 0")),
            (0x04, or(4, "no local: none of our own messages", "our own messages come back too")),
            (0x03, format!("maximum QoS {}", options & 3)),
        ]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets that use every field: CONNECT with a will, and so on down to AUTH.
    const WHOLE: &[&[u8]] = &[
        b"\x10\x2b\x00\x04MQTT\x05\xee\x00\x3c\x05\x11\x00\x00\x0e\x10\x00\x03abc\x05\x18\x00\x00\x00\x01\x00\x01w\x00\x02by\x00\x01u\x00\x04shhi",
        b"\x20\x09\x01\x00\x06\x22\x00\x0a\x21\x00\x14",
        b"\x3d\x1c\x00\x03a/b\x09\xa4\x12\x01\x01\x26\x00\x01k\x00\x01v\x0b\x81\x01\x09\x00\x03\x01\x02\x03{}",
        b"\x40\x02\x00\x07",
        b"\x50\x03\x00\x07\x10",
        b"\x62\x06\x00\x07\x92\x02\x1f\x00",
        b"\x70\x04\x00\x07\x00\x00",
        b"\x82\x0d\x00\x01\x02\x0b\x01\x00\x01a\x0e\x00\x01#\x01",
        b"\x90\x06\x00\x01\x00\x00\x02\x87",
        b"\xa2\x09\x00\x01\x00\x00\x01a\x00\x01b",
        b"\xb0\x04\x00\x01\x00\x11",
        b"\xc0\x00",
        b"\xd0\x00",
        b"\xe0\x07\x04\x05\x11\xff\xff\xff\xff",
        b"\xf0\x0a\x18\x08\x15\x00\x01m\x16\x00\x01d",
    ];

    /// The fields of depth 0 and those inside of them, without what a property length stands before.
    fn covered(packet: &[u8]) -> Vec<usize> {
        let mut count = vec![0; packet.len()];
        for field in dissect(packet) {
            count[field.at..field.at + field.len].iter_mut().for_each(|count| *count += 1);
        }
        count
    }

    #[test]
    fn every_byte_belongs_to_one_field() {
        for packet in WHOLE {
            assert_eq!(packet.len(), usize::from(packet[1]) + 2, "{packet:02x?}");
            assert!(covered(packet).iter().all(|count| *count == 1), "{packet:02x?}: {:?}", covered(packet));
        }
    }

    #[test]
    fn a_cut_packet_is_told_up_to_its_end() {
        for packet in WHOLE {
            for end in 0..packet.len() {
                let cut = &packet[..end];
                let fields = dissect(cut);
                assert!(covered(cut).iter().all(|count| *count == 1), "{cut:02x?}: {fields:?}");
                assert!(fields.iter().all(|field| field.at + field.len <= end));
            }
        }
    }

    #[test]
    fn whatever_the_bytes_they_are_told_once_and_nothing_panics() {
        // xorshift: the same bytes each time.
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        };
        for _ in 0..20_000 {
            let length = usize::from(byte() % 48);
            let mut packet: Vec<u8> = (0..length).map(|_| byte()).collect();
            // Half of them begin as a packet does.
            if byte() & 1 == 0
                && let [_, second, ..] = packet.as_mut_slice()
            {
                *second = u8::try_from(length - 2).unwrap();
            }
            assert!(covered(&packet).iter().all(|count| *count == 1), "{packet:02x?}: {:?}", dissect(&packet));
        }
    }

    #[test]
    fn what_of_a_broken_connect_may_be_a_password_is_not_told() {
        // Client identifier x, user name u, password "secret"; flags that say so, that name no password, and no user name.
        let whole = |flags: u8| {
            let body = [b"\x00\x04MQTT\x05", &[flags][..], b"\x00\x3c\x00\x00\x01x\x00\x01u\x00\x06secret"].concat();
            [&[0x10, u8::try_from(body.len()).unwrap()], &body[..]].concat()
        };
        let cut = whole(0xC2);
        for packet in [&cut[..cut.len() - 2], &whole(0x82), &whole(0x42), &whole(0x02)] {
            let at = packet.windows(4).position(|part| part == b"secr").unwrap();
            let field =
                dissect(packet).into_iter().find(|field| (field.at..field.at + field.len).contains(&at)).unwrap();
            assert!(field.secret && field.says.ends_with(", not shown"), "{field:?}");
        }
    }

    #[test]
    fn secrets_are_not_told() {
        for packet in [WHOLE[0], WHOLE[14]] {
            let secret = dissect(packet).into_iter().find(|field| field.secret).unwrap();
            assert_eq!((secret.value, secret.says.ends_with("not shown")), (Value::Null, true));
        }
    }
}
