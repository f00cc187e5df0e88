//! CONNACK (section 3.2).

use crate::packet::{Nowhere, PacketType, packet_len, write_packet};
use crate::property::{data_without_method, place};
use crate::reason::carrier;
use crate::{EncodeError, Properties, ReasonCode, Rule, Sink, error::Fault, wire::Reader};

/// The server's answer to CONNECT.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConnAck<'a> {
    /// Whether the server goes on with a session that it held. Only where it accepts the connection [MQTT-3.2.2-6].
    pub session_present: bool,
    /// Whether it accepts the connection, or why not.
    pub reason: ReasonCode,
    /// The server's limits and more (section 3.2.2.3).
    pub properties: Properties<'a>,
}

impl<'a> ConnAck<'a> {
    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let start = *r;
        let flags = r.u8()?;
        if flags > 1 {
            return Err(start.malformed(Rule::CONNACK_FLAGS));
        }
        let session_present = flags != 0;
        let at = *r;
        let byte = r.u8()?;
        let reason =
            ReasonCode::carried(byte, carrier::CONNACK).ok_or_else(|| at.protocol_error(Rule::CONNACK_REASON))?;
        if session_present && reason != ReasonCode::SUCCESS {
            return Err(start.protocol_error(Rule::CONNACK_SESSION_PRESENT));
        }
        let at = *r;
        let (properties, found) = Properties::read(r, place::CONNACK)?;
        if found.data_without_method() {
            return Err(at.protocol_error(data_without_method(place::CONNACK)));
        }
        Ok(Self { session_present, reason, properties })
    }

    /// Writes the packet, and returns its length in bytes.
    ///
    /// # Errors
    /// When the packet may not be sent so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<usize, EncodeError> {
        if !self.reason.fits(carrier::CONNACK) {
            return Err(EncodeError::Refused(Rule::CONNACK_REASON));
        }
        if self.session_present && self.reason != ReasonCode::SUCCESS {
            return Err(EncodeError::Refused(Rule::CONNACK_SESSION_PRESENT));
        }
        let properties = self.properties.measure(place::CONNACK)?;
        write_packet(sink, PacketType::ConnAck, 0, |w| {
            w.u8(u8::from(self.session_present));
            w.u8(self.reason.value());
            self.properties.put(w, properties);
        })
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When the packet may not be sent so.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        packet_len(self.encode(&mut Nowhere))
    }
}
