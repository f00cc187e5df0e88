//! Messages between OpenC2 and the host: the same, in the types of each.

use mqtt5_codec::{PayloadFormat, Property, Topic};
use mqtt5_tokio::{About, Inbound, Outbound};
use openc2_mqtt::transfer::{Outgoing, Received};

use crate::packet::readable;

/// What is to be published, as the host takes it.
pub(crate) fn outbound<'o>(outgoing: &Outgoing<'o>) -> Outbound<'o, &'o [u8]> {
    let mut about = About::default();
    for property in outgoing.properties.as_properties().iter() {
        match property {
            Property::PayloadFormatIndicator(format) => about.payload_format = Some(format),
            Property::MessageExpiryInterval(seconds) => about.expiry = Some(seconds),
            Property::ContentType(text) => about.content_type = Some(text.as_str().to_owned()),
            Property::UserProperty(name, value) => {
                about.user.push((name.as_str().to_owned(), value.as_str().to_owned()))
            }
            _ => {}
        }
    }
    // OpenC2 says it also where it is the default.
    about.payload_format = about.payload_format.or(Some(PayloadFormat::Unspecified));
    Outbound::new(outgoing.topic.as_str(), outgoing.payload).qos(outgoing.qos()).about(about)
}

/// What came in, as OpenC2 reads it. The payload is shared with `inbound`, so it is lent apart.
pub(crate) fn received<'i>(inbound: &'i Inbound, payload: &'i [u8]) -> Option<Received<'i>> {
    log::debug!("from {}, {} bytes", inbound.topic(), payload.len());
    log::trace!("{}", readable(payload));
    Some(Received {
        topic: Topic::new(inbound.topic()).ok()?,
        qos: inbound.qos(),
        retain: inbound.retain(),
        properties: inbound.properties(),
        payload,
    })
}
