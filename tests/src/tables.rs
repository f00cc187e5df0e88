//! The standard's tables, written down apart from the codec's own: which property stands where, and which packet carries
//! which reason code. What is generated or judged here follows these, so that the two can disagree.

use mqtt5_codec::{PacketType, Sender};

/// Where properties stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the packets' names")]
pub enum Place {
    Will,
    Connect,
    ConnAck,
    PublishByClient,
    PublishByServer,
    PubAck,
    PubRec,
    PubRel,
    PubComp,
    Subscribe,
    SubAck,
    Unsubscribe,
    UnsubAck,
    DisconnectByClient,
    DisconnectByServer,
    Auth,
}

impl Place {
    /// All of them.
    pub const ALL: [Self; 16] = {
        use Place::*;
        [
            Will,
            Connect,
            ConnAck,
            PublishByClient,
            PublishByServer,
            PubAck,
            PubRec,
            PubRel,
            PubComp,
            Subscribe,
            SubAck,
            Unsubscribe,
            UnsubAck,
            DisconnectByClient,
            DisconnectByServer,
            Auth,
        ]
    };

    /// The sides that send such properties.
    #[must_use]
    pub const fn senders(self) -> &'static [Sender] {
        use Place::*;
        match self {
            Will | Connect | PublishByClient | Subscribe | Unsubscribe | DisconnectByClient => &[Sender::Client],
            ConnAck | PublishByServer | SubAck | UnsubAck | DisconnectByServer => &[Sender::Server],
            PubAck | PubRec | PubRel | PubComp | Auth => &[Sender::Client, Sender::Server],
        }
    }
}

/// What a property's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One byte, 0 or 1.
    Flag,
    /// A two byte integer, at least this.
    TwoBytes(u16),
    /// A four byte integer, at least this.
    FourBytes(u32),
    /// A variable byte integer that is not zero.
    VariableByte,
    /// A string.
    Text,
    /// A string that is a topic name.
    Topic,
    /// Binary data.
    Binary,
    /// A pair of strings.
    Pair,
}

/// One row of the table of properties.
#[derive(Clone, Copy, Debug)]
pub struct PropertyRow {
    /// The identifier.
    pub id: u8,
    /// The name.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Where it may stand, with the section that describes it there.
    pub places: &'static [(Place, &'static str)],
}

impl PropertyRow {
    /// The section that describes the property in a place, if it may stand there.
    #[must_use]
    pub fn section(&self, place: Place) -> Option<&'static str> {
        self.places.iter().find(|(allowed, _)| *allowed == place).map(|(_, section)| *section)
    }

    /// Whether it may stand in a place more than once.
    #[must_use]
    pub fn repeats(&self, place: Place) -> bool {
        self.id == 0x26 || (self.id == 0x0B && place == Place::PublishByServer)
    }
}

macro_rules! properties {
    ($($id:literal $name:literal $kind:expr, { $($place:ident $section:literal)+ })+) => {
        /// The 27 properties of section 2.2.2.2.
        pub const PROPERTIES: &[PropertyRow] =
            &[$(PropertyRow { id: $id, name: $name, kind: $kind, places: &[$((Place::$place, $section)),+] }),+];
    };
}

properties! {
    0x01 "Payload Format Indicator" Kind::Flag,
        { PublishByClient "3.3.2.3.2" PublishByServer "3.3.2.3.2" Will "3.1.3.2.3" }
    0x02 "Message Expiry Interval" Kind::FourBytes(0),
        { PublishByClient "3.3.2.3.3" PublishByServer "3.3.2.3.3" Will "3.1.3.2.4" }
    0x03 "Content Type" Kind::Text, { PublishByClient "3.3.2.3.9" PublishByServer "3.3.2.3.9" Will "3.1.3.2.5" }
    0x08 "Response Topic" Kind::Topic, { PublishByClient "3.3.2.3.5" PublishByServer "3.3.2.3.5" Will "3.1.3.2.6" }
    0x09 "Correlation Data" Kind::Binary, { PublishByClient "3.3.2.3.6" PublishByServer "3.3.2.3.6" Will "3.1.3.2.7" }
    0x0B "Subscription Identifier" Kind::VariableByte, { PublishByServer "3.3.2.3.8" Subscribe "3.8.2.1.2" }
    0x11 "Session Expiry Interval" Kind::FourBytes(0),
        { Connect "3.1.2.11.2" ConnAck "3.2.2.3.2" DisconnectByClient "3.14.2.2.2" }
    0x12 "Assigned Client Identifier" Kind::Text, { ConnAck "3.2.2.3.7" }
    0x13 "Server Keep Alive" Kind::TwoBytes(0), { ConnAck "3.2.2.3.14" }
    0x15 "Authentication Method" Kind::Text, { Connect "3.1.2.11.9" ConnAck "3.2.2.3.17" Auth "3.15.2.2.2" }
    0x16 "Authentication Data" Kind::Binary, { Connect "3.1.2.11.10" ConnAck "3.2.2.3.18" Auth "3.15.2.2.3" }
    0x17 "Request Problem Information" Kind::Flag, { Connect "3.1.2.11.7" }
    0x18 "Will Delay Interval" Kind::FourBytes(0), { Will "3.1.3.2.2" }
    0x19 "Request Response Information" Kind::Flag, { Connect "3.1.2.11.6" }
    0x1A "Response Information" Kind::Text, { ConnAck "3.2.2.3.15" }
    0x1C "Server Reference" Kind::Text,
        { ConnAck "3.2.2.3.16" DisconnectByClient "3.14.2.2.5" DisconnectByServer "3.14.2.2.5" }
    0x1F "Reason String" Kind::Text,
        { ConnAck "3.2.2.3.9" PubAck "3.4.2.2.2" PubRec "3.5.2.2.2" PubRel "3.6.2.2.2" PubComp "3.7.2.2.2" SubAck "3.9.2.1.2"
          UnsubAck "3.11.2.1.2" DisconnectByClient "3.14.2.2.3" DisconnectByServer "3.14.2.2.3" Auth "3.15.2.2.4" }
    0x21 "Receive Maximum" Kind::TwoBytes(1), { Connect "3.1.2.11.3" ConnAck "3.2.2.3.3" }
    0x22 "Topic Alias Maximum" Kind::TwoBytes(0), { Connect "3.1.2.11.5" ConnAck "3.2.2.3.8" }
    0x23 "Topic Alias" Kind::TwoBytes(1), { PublishByClient "3.3.2.3.4" PublishByServer "3.3.2.3.4" }
    0x24 "Maximum QoS" Kind::Flag, { ConnAck "3.2.2.3.4" }
    0x25 "Retain Available" Kind::Flag, { ConnAck "3.2.2.3.5" }
    0x26 "User Property" Kind::Pair,
        { Will "3.1.3.2.8" Connect "3.1.2.11.8" ConnAck "3.2.2.3.10" PublishByClient "3.3.2.3.7" PublishByServer "3.3.2.3.7"
          PubAck "3.4.2.2.3" PubRec "3.5.2.2.3" PubRel "3.6.2.2.3" PubComp "3.7.2.2.3" Subscribe "3.8.2.1.3" SubAck "3.9.2.1.3"
          Unsubscribe "3.10.2.1.2" UnsubAck "3.11.2.1.3" DisconnectByClient "3.14.2.2.4" DisconnectByServer "3.14.2.2.4"
          Auth "3.15.2.2.5" }
    0x27 "Maximum Packet Size" Kind::FourBytes(1), { Connect "3.1.2.11.4" ConnAck "3.2.2.3.6" }
    0x28 "Wildcard Subscription Available" Kind::Flag, { ConnAck "3.2.2.3.11" }
    0x29 "Subscription Identifiers Available" Kind::Flag, { ConnAck "3.2.2.3.12" }
    0x2A "Shared Subscription Available" Kind::Flag, { ConnAck "3.2.2.3.13" }
}

/// The reason codes that a packet carries when this side sends it, and the statement that says so.
#[must_use]
pub const fn reasons(packet: PacketType, from: Sender) -> (&'static [u8], &'static str) {
    match (packet, from) {
        (PacketType::ConnAck, Sender::Server) => (
            &[
                0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99,
                0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
            ],
            "MQTT-3.2.2-8",
        ),
        (PacketType::PubAck, _) => (&[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99], "MQTT-3.4.2-1"),
        (PacketType::PubRec, _) => (&[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99], "MQTT-3.5.2-1"),
        (PacketType::PubRel, _) => (&[0x00, 0x92], "MQTT-3.6.2-1"),
        (PacketType::PubComp, _) => (&[0x00, 0x92], "MQTT-3.7.2-1"),
        (PacketType::SubAck, Sender::Server) => {
            (&[0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2], "MQTT-3.9.3-2")
        }
        (PacketType::UnsubAck, Sender::Server) => (&[0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91], "MQTT-3.11.3-2"),
        (PacketType::Disconnect, Sender::Client) => {
            (&[0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99], "MQTT-3.14.2-1")
        }
        // 0x8C stands in the table of section 2.4, not in that of section 3.14.2.1.
        (PacketType::Disconnect, Sender::Server) => (
            &[
                0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96,
                0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
            ],
            "MQTT-3.14.2-1",
        ),
        (PacketType::Auth, Sender::Client) => (&[0x18, 0x19], "MQTT-3.15.2-1"),
        (PacketType::Auth, Sender::Server) => (&[0x00, 0x18], "MQTT-3.15.2-1"),
        _ => (&[], "MQTT 2.1.2"),
    }
}
