//! CONNECT (section 3.1) and its will.

use core::fmt;

use crate::packet::{Nowhere, PacketType, packet_len, write_packet};
use crate::property::{data_without_method, place};
use crate::wire::{Reader, Writer, fits_u16};
use crate::{EncodeError, Properties, QoS, ReasonCode, Rule, Sink, Text, Topic, error::Fault};

/// A client asks for a connection. Always the first packet on a connection [MQTT-3.1.0-1].
///
/// ```
/// use mqtt5_codec::{Connect, Properties, Property, Text};
/// let connect = Connect {
///     clean_start: false,
///     keep_alive: 300,
///     properties: Properties::from(&[Property::SessionExpiryInterval(3600)]),
///     client_id: Text::new("hzboblxic")?,
///     will: None,
///     user_name: None,
///     password: None,
/// };
/// assert_eq!(connect.encoded_len(), Ok(29));
/// # Ok::<(), mqtt5_codec::Rule>(())
/// ```
#[derive(Clone, Copy, PartialEq)]
pub struct Connect<'a> {
    /// Whether both sides discard the session that they may hold (section 3.1.2.4).
    pub clean_start: bool,
    /// The keep-alive interval in seconds; 0 turns it off (section 3.1.2.10).
    pub keep_alive: u16,
    /// Session expiry, limits, authentication (section 3.1.2.11).
    pub properties: Properties<'a>,
    /// The client identifier; an empty one asks the server to assign one (section 3.1.3.1).
    pub client_id: Text<'a>,
    /// What the server publishes when the connection is lost.
    pub will: Option<Will<'a>>,
    /// The user name.
    pub user_name: Option<Text<'a>>,
    /// The password, at most 65,535 bytes. It may come without a user name.
    pub password: Option<&'a [u8]>,
}

/// A message that the server publishes when the connection ends in any other way than a normal DISCONNECT.
#[derive(Clone, Copy, PartialEq)]
pub struct Will<'a> {
    /// The level at which it is published.
    pub qos: QoS,
    /// Whether it is retained.
    pub retain: bool,
    /// Will delay, expiry, format, content type, response topic, correlation data, user properties (section 3.1.3.2).
    pub properties: Properties<'a>,
    /// Where it is published.
    pub topic: Topic<'a>,
    /// The message, at most 65,535 bytes.
    pub payload: &'a [u8],
}

/// Protocol Name and Protocol Version (sections 3.1.2.1 and 3.1.2.2).
const PROTOCOL_NAME: &[u8] = b"MQTT";
const PROTOCOL_VERSION: u8 = 5;

/// The connect flags (section 3.1.2.3).
mod flag {
    pub(super) const RESERVED: u8 = 1 << 0;
    pub(super) const CLEAN_START: u8 = 1 << 1;
    pub(super) const WILL: u8 = 1 << 2;
    pub(super) const WILL_QOS: u8 = 3;
    pub(super) const WILL_RETAIN: u8 = 1 << 5;
    pub(super) const PASSWORD: u8 = 1 << 6;
    pub(super) const USER_NAME: u8 = 1 << 7;
}

impl<'a> Connect<'a> {
    /// Reads everything behind the fixed header.
    pub(crate) fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let at = *r;
        if r.bytes()? != PROTOCOL_NAME {
            return Err(at.fault(ReasonCode::UNSUPPORTED_PROTOCOL_VERSION, Rule::PROTOCOL_NAME));
        }
        let at = *r;
        if r.u8()? != PROTOCOL_VERSION {
            return Err(at.fault(ReasonCode::UNSUPPORTED_PROTOCOL_VERSION, Rule::PROTOCOL_VERSION));
        }
        let at = *r;
        let flags = r.u8()?;
        if let Err(rule) = check_flags(flags) {
            return Err(at.malformed(rule));
        }
        let has = |flag| flags & flag != 0;
        let keep_alive = r.u16()?;
        let at = *r;
        let (properties, found) = Properties::read(r, place::CONNECT)?;
        if found.data_without_method() {
            return Err(at.protocol_error(data_without_method(place::CONNECT)));
        }
        // What the flags promise and the packet does not hold has a statement of its own.
        let or = |rule| move |fault: Fault| fault.instead(Rule::REMAINING_LENGTH, rule);
        let client_id = r.text().map_err(or(Rule::CLIENT_ID_PRESENT))?;
        let will = if has(flag::WILL) {
            // Checked: the QoS is not 3.
            let qos = QoS::from_u8(flags >> flag::WILL_QOS & 3).unwrap_or_default();
            Some(Will::read(r, qos, has(flag::WILL_RETAIN)).map_err(or(Rule::WILL_FIELDS))?)
        } else {
            None
        };
        let user_name = if has(flag::USER_NAME) { Some(r.text().map_err(or(Rule::USER_NAME_PRESENT))?) } else { None };
        let password = if has(flag::PASSWORD) { Some(r.bytes().map_err(or(Rule::PASSWORD_PRESENT))?) } else { None };
        if !r.is_empty() {
            let rule = match (user_name, password) {
                (None, None) => Rule::USER_NAME_ABSENT,
                (Some(_), None) => Rule::PASSWORD_ABSENT,
                _ => Rule::REMAINING_LENGTH,
            };
            return Err(r.malformed(rule));
        }
        Ok(Self { clean_start: has(flag::CLEAN_START), keep_alive, properties, client_id, will, user_name, password })
    }

    /// Writes the packet, and returns its length in bytes.
    ///
    /// # Errors
    /// When the packet may not be sent so, or the sink has no room. Then nothing has been written.
    pub fn encode<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<usize, EncodeError> {
        let properties = self.properties.measure(place::CONNECT)?;
        self.password.map_or(Ok(()), fits_u16)?;
        let will = match &self.will {
            Some(will) => {
                fits_u16(will.payload)?;
                will.properties.measure(place::WILL)?
            }
            None => 0,
        };
        write_packet(sink, PacketType::Connect, 0, |w| self.put(w, properties, will))
    }

    /// How many bytes [`encode`](Self::encode) would write.
    ///
    /// # Errors
    /// When the packet may not be sent so.
    pub fn encoded_len(&self) -> Result<usize, EncodeError> {
        packet_len(self.encode(&mut Nowhere))
    }

    fn flags(&self) -> u8 {
        let flag = |set, flag| if set { flag } else { 0 };
        let mut flags = flag(self.clean_start, flag::CLEAN_START)
            | flag(self.user_name.is_some(), flag::USER_NAME)
            | flag(self.password.is_some(), flag::PASSWORD);
        if let Some(will) = &self.will {
            flags |= flag::WILL | (will.qos as u8) << flag::WILL_QOS | flag(will.retain, flag::WILL_RETAIN);
        }
        flags
    }

    /// Writes variable header and payload, in the order that [MQTT-3.1.3-1] asks for.
    fn put(&self, w: &mut Writer<'_>, properties: usize, will_properties: usize) {
        w.bytes(PROTOCOL_NAME);
        w.u8(PROTOCOL_VERSION);
        w.u8(self.flags());
        w.u16(self.keep_alive);
        self.properties.put(w, properties);
        w.bytes(self.client_id.as_bytes());
        if let Some(will) = &self.will {
            will.properties.put(w, will_properties);
            w.bytes(will.topic.as_bytes());
            w.bytes(will.payload);
        }
        if let Some(user_name) = self.user_name {
            w.bytes(user_name.as_bytes());
        }
        if let Some(password) = self.password {
            w.bytes(password);
        }
    }
}

fn check_flags(flags: u8) -> Result<(), Rule> {
    let will_qos = flags >> flag::WILL_QOS & 3;
    if flags & flag::RESERVED != 0 {
        return Err(Rule::CONNECT_RESERVED_FLAG);
    }
    if flags & flag::WILL != 0 {
        return if will_qos == 3 { Err(Rule::WILL_QOS) } else { Ok(()) };
    }
    if will_qos != 0 {
        return Err(Rule::WILL_QOS_WITHOUT_WILL);
    }
    if flags & flag::WILL_RETAIN != 0 { Err(Rule::WILL_RETAIN_WITHOUT_WILL) } else { Ok(()) }
}

impl<'a> Will<'a> {
    fn read(r: &mut Reader<'a>, qos: QoS, retain: bool) -> Result<Self, Fault> {
        let (properties, _) = Properties::read(r, place::WILL)
            .map_err(|fault| fault.instead(Rule::PROPERTY_LENGTH_MISSING, Rule::WILL_FIELDS))?;
        let topic = Topic::read(r, ReasonCode::TOPIC_NAME_INVALID, Rule::TOPIC_NAME_WILDCARD)?;
        let payload = r.bytes()?;
        Ok(Self { qos, retain, properties, topic, payload })
    }
}

impl fmt::Debug for Connect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("clean_start", &self.clean_start)
            .field("keep_alive", &self.keep_alive)
            .field("properties", &self.properties)
            .field("client_id", &self.client_id)
            .field("will", &self.will)
            .field("user_name", &self.user_name)
            .field("password", &self.password.map(|_| format_args!("***")))
            .finish()
    }
}

impl fmt::Debug for Will<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Will")
            .field("qos", &self.qos)
            .field("retain", &self.retain)
            .field("properties", &self.properties)
            .field("topic", &self.topic)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .finish()
    }
}
