//! DISCONNECT (section 3.14) and AUTH (section 3.15).

use crate::packet::{Nowhere, PacketType, packet_len, write_packet};
use crate::property::{in_disconnect, place};
use crate::reason::carrier;
use crate::wire::Reader;
use crate::{EncodeError, Properties, ReasonCode, Rule, Sender, Sink, error::Fault};

/// The last packet on a connection.
///
/// ```
/// use mqtt5_codec::{Disconnect, Properties, ReasonCode, Sender};
/// let disconnect = Disconnect { reason: ReasonCode::NORMAL_DISCONNECTION, properties: Properties::EMPTY };
/// let mut out = [0; 2];
/// disconnect.encode(Sender::Client, &mut &mut out[..]).unwrap();
/// assert_eq!(out, [0xE0, 0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disconnect<'a> {
    /// Why.
    pub reason: ReasonCode,
    /// Session expiry (a client's only), Reason String, User Properties, Server Reference.
    pub properties: Properties<'a>,
}

#[inline]
fn disconnect_carrier(from: Sender) -> u16 {
    match from {
        Sender::Client => carrier::DISCONNECT_BY_CLIENT,
        Sender::Server => carrier::DISCONNECT_BY_SERVER,
    }
}

#[inline]
fn auth_carrier(from: Sender) -> u16 {
    match from {
        Sender::Client => carrier::AUTH_BY_CLIENT,
        Sender::Server => carrier::AUTH_BY_SERVER,
    }
}

impl<'a> Disconnect<'a> {
    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>, from: Sender) -> Result<Self, Fault> {
        // Section 3.14.2.1: no remaining length means Normal disconnection; one of 1 means no properties.
        let mut disconnect = Disconnect { reason: ReasonCode::NORMAL_DISCONNECTION, properties: Properties::EMPTY };
        if r.is_empty() {
            return Ok(disconnect);
        }
        let at = *r;
        let byte = r.u8()?;
        disconnect.reason = ReasonCode::carried(byte, disconnect_carrier(from))
            .ok_or_else(|| at.protocol_error(Rule::DISCONNECT_REASON))?;
        if !r.is_empty() {
            disconnect.properties = Properties::read(r, in_disconnect(from))?.0;
        }
        Ok(disconnect)
    }

    /// Writes the packet in its shortest form, and returns its length in bytes.
    ///
    /// # Errors
    /// When `from` may not send the packet so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, from: Sender, sink: &mut S) -> Result<usize, EncodeError> {
        if !self.reason.fits(disconnect_carrier(from)) {
            return Err(EncodeError::Refused(Rule::DISCONNECT_REASON));
        }
        let properties = self.properties.measure(in_disconnect(from))?;
        write_packet(sink, PacketType::Disconnect, 0, |w| {
            if self.reason != ReasonCode::NORMAL_DISCONNECTION || properties != 0 {
                w.u8(self.reason.value());
            }
            if properties != 0 {
                self.properties.put(w, properties);
            }
        })
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When `from` may not send the packet so.
    pub fn encoded_len(&self, from: Sender) -> Result<usize, EncodeError> {
        packet_len(self.encode(from, &mut Nowhere))
    }
}

/// A step of enhanced authentication (section 4.12). It always has an authentication method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auth<'a> {
    /// Success, Continue authentication or Re-authenticate.
    pub reason: ReasonCode,
    /// Authentication Method, which is needed, Authentication Data, Reason String, User Properties.
    pub properties: Properties<'a>,
}

impl<'a> Auth<'a> {
    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>, from: Sender) -> Result<Self, Fault> {
        let at = *r;
        if r.is_empty() {
            // Section 3.15.2.1 reads it as Success without properties; 3.15.2.2.2 asks for a method.
            return Err(at.protocol_error(Rule::AUTH_METHOD));
        }
        let byte = r.u8()?;
        let reason =
            ReasonCode::carried(byte, auth_carrier(from)).ok_or_else(|| at.protocol_error(Rule::AUTH_REASON))?;
        let at = *r;
        if r.is_empty() {
            return Err(at.malformed(Rule::PROPERTY_LENGTH_MISSING));
        }
        let (properties, found) = Properties::read(r, place::AUTH)?;
        if !found.authentication_method() {
            return Err(at.protocol_error(Rule::AUTH_METHOD));
        }
        Ok(Self { reason, properties })
    }

    /// Writes the packet, and returns its length in bytes.
    ///
    /// # Errors
    /// When `from` may not send the packet so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, from: Sender, sink: &mut S) -> Result<usize, EncodeError> {
        if !self.reason.fits(auth_carrier(from)) {
            return Err(EncodeError::Refused(Rule::AUTH_REASON));
        }
        if self.properties.authentication_method().is_none() {
            return Err(EncodeError::Refused(Rule::AUTH_METHOD));
        }
        let properties = self.properties.measure(place::AUTH)?;
        write_packet(sink, PacketType::Auth, 0, |w| {
            w.u8(self.reason.value());
            self.properties.put(w, properties);
        })
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When `from` may not send the packet so.
    pub fn encoded_len(&self, from: Sender) -> Result<usize, EncodeError> {
        packet_len(self.encode(from, &mut Nowhere))
    }
}
