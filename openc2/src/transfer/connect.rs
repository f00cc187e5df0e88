//! How an OpenC2 client connects (CS01 s2.6 to s2.10, s3.1).

use core::num::{NonZeroU16, NonZeroU32};
use core::ops::Deref;

use mqtt5_codec::{Connect, PayloadFormat, Properties, Property, Rule, Text};

/// A keep-alive interval of 1 to 300 seconds (CS01 s2.7, s3.1): 0 would turn it off, which is not what a maximum means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeepAlive(NonZeroU16);

impl KeepAlive {
    /// Five minutes, the longest and the default.
    pub const MAX: Self = Self(match NonZeroU16::new(300) {
        Some(seconds) => seconds,
        None => NonZeroU16::MIN,
    });

    /// An interval in seconds; `None` for 0 and for more than 300.
    pub const fn from_seconds(seconds: u16) -> Option<Self> {
        match NonZeroU16::new(seconds) {
            Some(seconds) if seconds.get() <= 300 => Some(Self(seconds)),
            _ => None,
        }
    }

    /// The interval in seconds.
    pub const fn seconds(self) -> u16 {
        self.0.get()
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::MAX
    }
}

/// A client identifier to be made at random before the first connection, stored, and used again for each (CSD03 s2.6, CS01
/// s2.6): 1 to 23 letters and digits, which every server accepts [MQTT-3.1.3-5].
///
/// ```
/// use openc2_mqtt::transfer::ClientId;
///
/// # let (stored, random): (Option<&str>, [u8; 16]) = (None, [7; 16]);
/// // What an earlier process stored, or else a new one, to be stored now: `id.as_str()`.
/// let id = stored.and_then(ClientId::parse).unwrap_or_else(|| ClientId::from_random(random));
/// assert_eq!(ClientId::parse(id.as_str()), Some(id));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientId {
    bytes: [u8; Self::MAX],
    length: u8,
}

impl ClientId {
    /// The longest that every server accepts, in bytes.
    pub const MAX: usize = 23;
    /// How long one made at random is, in bytes.
    const RANDOM: usize = 22;

    /// Makes one of 16 random bytes; different bytes make different identifiers, of 22 letters and digits.
    pub fn from_random(random: [u8; 16]) -> Self {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut bytes = [0; Self::MAX];
        let mut rest = u128::from_le_bytes(random);
        for c in bytes.iter_mut().take(Self::RANDOM) {
            // 62^22 is more than 2^128, so nothing of the 128 bits is lost.
            *c = ALPHABET.get((rest % 62) as usize).copied().unwrap_or(b'0');
            rest /= 62;
        }
        Self { bytes, length: Self::RANDOM as u8 }
    }

    /// One that was stored; `None` unless it has 1 to 23 letters and digits.
    pub fn parse(stored: &str) -> Option<Self> {
        let mut bytes = [0; Self::MAX];
        let room = bytes.get_mut(..stored.len())?;
        if stored.is_empty() || !stored.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        crate::encoding::text::copy(room, stored.as_bytes());
        Some(Self { bytes, length: stored.len() as u8 })
    }

    /// The identifier, as it is stored and stands in CONNECT.
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.length)).and_then(|id| core::str::from_utf8(id).ok()).unwrap_or("")
    }
}

/// What the host decides of a CONNECT; the rest is decided by CS01 s3.1: clean start false, no will.
#[derive(Clone, Copy, Debug)]
pub struct Connecting<'a> {
    /// The client identifier: the client's own choice, not empty.
    pub client_id: Text<'a>,
    /// The keep-alive interval.
    pub keep_alive: KeepAlive,
    /// How long the server keeps the session, in seconds. CS01 s2.10 recommends no value. With 0 the session ends with the
    /// connection, and clean start false has no effect.
    pub session_expiry: u32,
    /// How many messages of QoS 1 and 2 the server may have on the way to us.
    pub receive_maximum: Option<NonZeroU16>,
    /// The largest packet that we take.
    pub maximum_packet_size: Option<NonZeroU32>,
    /// A user name.
    pub user_name: Option<Text<'a>>,
    /// A password.
    pub password: Option<&'a [u8]>,
}

impl<'a> Connecting<'a> {
    /// With a keep-alive of 300 seconds and nothing optional; `session_expiry` is in seconds.
    ///
    /// # Errors
    /// The client identifier is no text of MQTT, or it is empty, which would let the server choose one (CS01 s3.1).
    pub fn new(client_id: &'a str, session_expiry: u32) -> Result<Self, Rule> {
        if client_id.is_empty() {
            return Err(Rule::CLIENT_ID_PRESENT);
        }
        Ok(Self {
            client_id: Text::new(client_id)?,
            keep_alive: KeepAlive::MAX,
            session_expiry,
            receive_maximum: None,
            maximum_packet_size: None,
            user_name: None,
            password: None,
        })
    }

    /// The properties, to be lent to [`packet`](Self::packet).
    pub fn properties(&self) -> PropertyList<'a> {
        PropertyList::of([
            (self.session_expiry > 0).then_some(Property::SessionExpiryInterval(self.session_expiry)),
            self.receive_maximum.map(Property::ReceiveMaximum),
            self.maximum_packet_size.map(Property::MaximumPacketSize),
            None,
            None,
        ])
    }

    /// The packet.
    pub const fn packet(&self, properties: Properties<'a>) -> Connect<'a> {
        Connect {
            clean_start: false,
            keep_alive: self.keep_alive.seconds(),
            properties,
            client_id: self.client_id,
            will: None,
            user_name: self.user_name,
            password: self.password,
        }
    }
}

/// A few properties, held in place.
#[derive(Clone, Copy, Debug)]
pub struct PropertyList<'a> {
    items: [Property<'a>; 5],
    count: u8,
}

impl<'a> PropertyList<'a> {
    /// The properties of this list that are present. There is room for all of them.
    pub(crate) fn of(list: [Option<Property<'a>>; 5]) -> Self {
        let mut items = [Property::PayloadFormatIndicator(PayloadFormat::Unspecified); 5];
        let mut count = 0u8;
        for (room, property) in items.iter_mut().zip(list.into_iter().flatten()) {
            *room = property;
            count = count.saturating_add(1);
        }
        Self { items, count }
    }

    /// As the codec takes them.
    pub fn as_properties(&self) -> Properties<'_> {
        Properties::from(&**self)
    }
}

impl<'a> Deref for PropertyList<'a> {
    type Target = [Property<'a>];

    fn deref(&self) -> &[Property<'a>] {
        self.items.get(..usize::from(self.count)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connect_of_csd03_a_1() {
        let mut connecting = Connecting::new("hzboblxic", 0).unwrap();
        connecting.user_name = Some(Text::new("orch01").unwrap());
        connecting.password = Some(b"_Atlantic_");
        let properties = connecting.properties();
        let packet = connecting.packet(properties.as_properties());
        let mut buffer = [0; 64];
        let length = packet.encode(&mut buffer).unwrap();
        assert_eq!(
            &buffer[..length],
            b"\x10\x2A\x00\x04MQTT\x05\xC0\x01\x2C\x00\x00\x09hzboblxic\x00\x06orch01\x00\x0A_Atlantic_"
        );
    }

    #[test]
    fn the_session_outlives_the_connection_when_the_host_says_so() {
        let mut connecting = Connecting::new("a", 3600).unwrap();
        connecting.receive_maximum = NonZeroU16::new(8);
        connecting.maximum_packet_size = NonZeroU32::new(2048);
        let properties = connecting.properties();
        let packet = connecting.packet(properties.as_properties());
        assert_eq!(packet.properties.session_expiry_interval(), Some(3600));
        assert_eq!((packet.clean_start, packet.keep_alive, packet.will.is_none()), (false, 300, true));
    }

    #[test]
    fn the_server_never_chooses_the_client_identifier() {
        assert_eq!(Connecting::new("", 1).unwrap_err(), Rule::CLIENT_ID_PRESENT);
        let id = ClientId::from_random([7; 16]);
        let connecting = Connecting::new(id.as_str(), 1).unwrap();
        let properties = connecting.properties();
        assert_eq!(connecting.packet(properties.as_properties()).client_id.as_str(), id.as_str());
    }

    #[test]
    fn a_keep_alive_is_1_to_300_seconds() {
        assert_eq!(KeepAlive::from_seconds(0), None);
        assert_eq!(KeepAlive::from_seconds(301), None);
        assert_eq!(KeepAlive::from_seconds(300), Some(KeepAlive::default()));
        assert_eq!(KeepAlive::MAX.seconds(), 300);
    }

    #[test]
    fn a_client_identifier_is_stored_and_used_again() {
        for random in [[0; 16], [0xFF; 16], *b"0123456789abcdef"] {
            let id = ClientId::from_random(random);
            assert_eq!(ClientId::parse(id.as_str()), Some(id));
        }
        for stored in ["a", "hzboblxic", "12345678901234567890123"] {
            assert_eq!(ClientId::parse(stored).unwrap().as_str(), stored);
        }
        for none in ["", "123456789012345678901234", "a-b", "a b", "na\u{ef}ve", "a\n"] {
            assert_eq!(ClientId::parse(none), None, "{none:?}");
        }
    }

    #[test]
    fn client_identifiers_are_letters_and_digits() {
        for random in [[0; 16], [0xFF; 16], *b"0123456789abcdef"] {
            let id = ClientId::from_random(random);
            assert!((1..=23).contains(&id.as_str().len()));
            assert!(id.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_ne!(ClientId::from_random([0xFF; 16]), ClientId::from_random([0xFE; 16]));
    }
}
