//! The properties of MQTT v5 (section 2.2.2.2), as they are shown.

use serde_json::{Value, json};

use super::field::{Cursor, Short, quoted, text_value};
use crate::packet::hex;

/// How a property's value stands on the wire, and how it is told.
#[derive(Clone, Copy)]
enum Kind {
    Flag,
    /// 0 bytes, 1 text.
    Format,
    Byte,
    U16,
    Seconds,
    /// Seconds, of which the most are for ever.
    Expiry,
    Size,
    Varint,
    Text,
    Bytes,
    Secret,
    Pair,
}

const fn known(id: u32) -> Option<(&'static str, Kind)> {
    Some(match id {
        0x01 => ("payload format indicator", Kind::Format),
        0x02 => ("message expiry interval", Kind::Seconds),
        0x03 => ("content type", Kind::Text),
        0x08 => ("response topic", Kind::Text),
        0x09 => ("correlation data", Kind::Bytes),
        0x0B => ("subscription identifier", Kind::Varint),
        0x11 => ("session expiry interval", Kind::Expiry),
        0x12 => ("assigned client identifier", Kind::Text),
        0x13 => ("server keep alive", Kind::U16),
        0x15 => ("authentication method", Kind::Text),
        0x16 => ("authentication data", Kind::Secret),
        0x17 => ("request problem information", Kind::Flag),
        0x18 => ("will delay interval", Kind::Seconds),
        0x19 => ("request response information", Kind::Flag),
        0x1A => ("response information", Kind::Text),
        0x1C => ("server reference", Kind::Text),
        0x1F => ("reason string", Kind::Text),
        0x21 => ("receive maximum", Kind::U16),
        0x22 => ("topic alias maximum", Kind::U16),
        0x23 => ("topic alias", Kind::U16),
        0x24 => ("maximum QoS", Kind::Byte),
        0x25 => ("retain available", Kind::Flag),
        0x26 => ("user property", Kind::Pair),
        0x27 => ("maximum packet size", Kind::Size),
        0x28 => ("wildcard subscriptions", Kind::Flag),
        0x29 => ("subscription identifiers", Kind::Flag),
        0x2A => ("shared subscriptions", Kind::Flag),
        _ => return None,
    })
}

/// The property length, and inside of it the properties.
pub(crate) fn properties(c: &mut Cursor<'_>, name: &'static str) -> Result<(), Short> {
    let from = c.at();
    let length = c.varint(name)? as usize;
    let there = c.left();
    let says = match length {
        0 => "none".to_owned(),
        1 => "1 byte".to_owned(),
        _ if length > there => format!("{length} bytes, but only {there} follow"),
        _ => format!("{length} bytes"),
    };
    c.note(from, name, json!(length), says);
    c.within(length, |c| {
        while c.left() > 0 {
            property(c)?;
        }
        Ok(())
    })
}

fn property(c: &mut Cursor<'_>) -> Result<(), Short> {
    let from = c.at();
    let id = c.varint("property identifier")?;
    let Some((name, kind)) = known(id) else {
        c.note(from, "property identifier", json!(id), format!("0x{id:02X}, which the standard doesn't have"));
        // How long its value is nobody knows.
        c.left_over();
        return Err(Short);
    };
    let Ok((value, says)) = value(c, name, kind) else {
        c.stretch(from);
        return Err(Short);
    };
    c.note(from, name, value, says);
    if matches!(kind, Kind::Secret) {
        c.hide();
    }
    Ok(())
}

/// A property's value, for programs and for people.
fn value(c: &mut Cursor<'_>, name: &'static str, kind: Kind) -> Result<(Value, String), Short> {
    Ok(match kind {
        Kind::Flag => {
            let byte = c.u8(name)?;
            (json!(byte), flag(byte))
        }
        Kind::Format => {
            let byte = c.u8(name)?;
            let says = match byte {
                0 => "0, bytes of any kind".into(),
                1 => "1, UTF-8 text".into(),
                other => other.to_string(),
            };
            (json!(byte), says)
        }
        Kind::Byte => plain(c.u8(name)?.into()),
        Kind::U16 => plain(c.u16(name)?.into()),
        Kind::Varint => plain(c.varint(name)?),
        Kind::Seconds => with_unit(c.u32(name)?, "s"),
        Kind::Size => with_unit(c.u32(name)?, "bytes"),
        Kind::Expiry => match c.u32(name)? {
            u32::MAX => (json!(u32::MAX), "never".into()),
            0 => (json!(0), "0: the session ends with the connection".into()),
            seconds => with_unit(seconds, "s"),
        },
        Kind::Text => {
            let text = c.bytes(name)?;
            (text_value(text), quoted(text))
        }
        Kind::Bytes => {
            let bytes = c.bytes(name)?;
            let readable = !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
            let hex = hex(bytes);
            (json!(hex), if readable { quoted(bytes) } else { hex })
        }
        Kind::Secret => {
            let length = c.bytes(name)?.len();
            (Value::Null, format!("{length} bytes, not shown"))
        }
        Kind::Pair => {
            let (key, value) = (c.bytes(name)?, c.bytes(name)?);
            (json!([text_value(key), text_value(value)]), format!("{} = {}", quoted(key), quoted(value)))
        }
    })
}

fn plain(value: u32) -> (Value, String) {
    (json!(value), value.to_string())
}

fn with_unit(value: u32, unit: &str) -> (Value, String) {
    (json!(value), format!("{value} {unit}"))
}

fn flag(byte: u8) -> String {
    match byte {
        0 => "0, no".into(),
        1 => "1, yes".into(),
        other => other.to_string(),
    }
}
