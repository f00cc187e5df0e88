//! What a receiver may refuse, and a strict one does: control characters in strings, and payloads that are not what they are said to be.

use core::str;

use crate::wire::varint_len;
use crate::{Error, Packet, PayloadFormat, Properties, ReasonCode, Rule, Text};

/// What a strict receiver refuses besides.
pub(super) fn check(packet: &Packet<'_>, body: &[u8]) -> Result<(), Error> {
    let text = |text: Text<'_>| match text.discouraged() {
        None => Ok(()),
        Some(at) => Err(Error {
            reason: ReasonCode::MALFORMED_PACKET,
            rule: Rule::STRING_CHARACTERS,
            at: offset(body, text.as_bytes()).saturating_add(at),
        }),
    };
    let texts = |properties: &Properties<'_>| properties.texts().try_for_each(text);
    match packet {
        Packet::Connect(connect) => {
            texts(&connect.properties)?;
            text(connect.client_id)?;
            if let Some(will) = &connect.will {
                texts(&will.properties)?;
                text(will.topic.text())?;
                payload(&will.properties, will.payload, Rule::WILL_PAYLOAD_FORMAT, body)?;
            }
            connect.user_name.map_or(Ok(()), text)
        }
        Packet::Publish(publish) => {
            publish.topic.name().map_or(Ok(()), |name| text(name.text()))?;
            texts(&publish.properties)?;
            payload(&publish.properties, publish.payload, Rule::PAYLOAD_FORMAT, body)
        }
        Packet::Subscribe(subscribe) => {
            texts(&subscribe.properties)?;
            subscribe.filters.iter().try_for_each(|subscription| text(subscription.filter.text()))
        }
        Packet::Unsubscribe(unsubscribe) => {
            texts(&unsubscribe.properties)?;
            unsubscribe.filters.iter().try_for_each(|filter| text(filter.text()))
        }
        Packet::ConnAck(connack) => texts(&connack.properties),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            texts(&ack.properties)
        }
        Packet::SubAck(suback) | Packet::UnsubAck(suback) => texts(&suback.properties),
        Packet::Disconnect(disconnect) => texts(&disconnect.properties),
        Packet::Auth(auth) => texts(&auth.properties),
        Packet::PingReq | Packet::PingResp => Ok(()),
    }
}

/// Checks a payload that is said to be UTF-8.
fn payload(properties: &Properties<'_>, payload: &[u8], rule: Rule, body: &[u8]) -> Result<(), Error> {
    if properties.payload_format_indicator() != Some(PayloadFormat::Utf8) {
        return Ok(());
    }
    str::from_utf8(payload).map(|_| ()).map_err(|error| Error {
        reason: ReasonCode::PAYLOAD_FORMAT_INVALID,
        rule,
        at: offset(body, payload).saturating_add(error.valid_up_to()),
    })
}

/// Where a part of a body begins, counted from the packet's first byte.
fn offset(body: &[u8], part: &[u8]) -> usize {
    let header = varint_len(body.len()).saturating_add(1);
    (part.as_ptr() as usize).saturating_sub(body.as_ptr() as usize).saturating_add(header)
}
