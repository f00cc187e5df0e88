//! Arbitrary valid packets, of every type and from either side, for property tests.
//!
//! A packet of the codec borrows, so a strategy makes a [`Sent`], which owns its parts and lends the packet.

use core::num::{NonZeroU16, NonZeroU32};

use mqtt5_codec::{
    Ack, Auth, ConnAck, Connect, Delivery, Disconnect, Filter, List, Packet, PacketId, PacketType, PayloadFormat,
    Properties, Property, Publish, QoS, ReasonCode, Rule, Sender, SubAck, Subscribe, Subscription, SubscriptionId,
    SubscriptionOptions, Text, Topic, TopicAlias, TopicRef, Unsubscribe, Will,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::tables::{Kind, PROPERTIES, Place, PropertyRow, reasons};

/// A packet, and who sends it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Who sends it.
    pub from: Sender,
    parts: Parts,
}

/// The parts of a packet of any type. Fields that a type does not have are not used.
#[derive(Clone, Debug)]
struct Parts {
    packet: PacketType,
    id: u16,
    reason: u8,
    properties: Vec<(u8, Value)>,
    /// Client identifier, or topic name.
    text: String,
    /// An alias beside the topic name, or in its place; it may also stand among the properties.
    alias: Option<u16>,
    qos: u8,
    /// Clean start, session present or DUP; RETAIN; whether an alias stands without the topic name.
    flags: [bool; 3],
    keep_alive: u16,
    payload: Vec<u8>,
    will: Option<ArbitraryWill>,
    user_name: Option<String>,
    password: Option<Vec<u8>>,
    filters: Vec<(String, u8)>,
    reasons: Vec<u8>,
}

#[derive(Clone, Debug)]
struct ArbitraryWill {
    qos: u8,
    retain: bool,
    properties: Vec<(u8, Value)>,
    topic: String,
    payload: Vec<u8>,
}

/// A property's value.
#[derive(Clone, Debug)]
enum Value {
    Number(u32),
    Text(String),
    Bytes(Vec<u8>),
    Pair(String, String),
}

/// Any packet from either side.
pub fn any_packet() -> impl Strategy<Value = Sent> {
    prop_oneof![packet_from(Sender::Client), packet_from(Sender::Server)]
}

/// Any packet that this side may send.
pub fn packet_from(from: Sender) -> impl Strategy<Value = Sent> {
    use PacketType as P;
    let types = match from {
        Sender::Client => vec![
            P::Connect,
            P::Publish,
            P::PubAck,
            P::PubRec,
            P::PubRel,
            P::PubComp,
            P::Subscribe,
            P::Unsubscribe,
            P::PingReq,
            P::Disconnect,
            P::Auth,
        ],
        Sender::Server => vec![
            P::ConnAck,
            P::Publish,
            P::PubAck,
            P::PubRec,
            P::PubRel,
            P::PubComp,
            P::SubAck,
            P::UnsubAck,
            P::PingResp,
            P::Disconnect,
            P::Auth,
        ],
    };
    select(types).prop_flat_map(move |packet| parts(packet, from)).prop_map(move |parts| Sent { from, parts })
}

/// Where the properties of a packet stand.
fn place(packet: PacketType, from: Sender) -> Option<Place> {
    Some(match (packet, from) {
        (PacketType::Connect, _) => Place::Connect,
        (PacketType::ConnAck, _) => Place::ConnAck,
        (PacketType::Publish, Sender::Client) => Place::PublishByClient,
        (PacketType::Publish, Sender::Server) => Place::PublishByServer,
        (PacketType::PubAck, _) => Place::PubAck,
        (PacketType::PubRec, _) => Place::PubRec,
        (PacketType::PubRel, _) => Place::PubRel,
        (PacketType::PubComp, _) => Place::PubComp,
        (PacketType::Subscribe, _) => Place::Subscribe,
        (PacketType::SubAck, _) => Place::SubAck,
        (PacketType::Unsubscribe, _) => Place::Unsubscribe,
        (PacketType::UnsubAck, _) => Place::UnsubAck,
        (PacketType::Disconnect, Sender::Client) => Place::DisconnectByClient,
        (PacketType::Disconnect, Sender::Server) => Place::DisconnectByServer,
        (PacketType::Auth, _) => Place::Auth,
        (PacketType::PingReq | PacketType::PingResp, _) => return None,
    })
}

fn parts(packet: PacketType, from: Sender) -> impl Strategy<Value = Parts> {
    let codes = match reasons(packet, from).0 {
        [] => vec![0],
        codes => codes.to_vec(),
    };
    let properties = match place(packet, from) {
        Some(place) => properties(place).boxed(),
        None => Just(Vec::new()).boxed(),
    };
    let text = if packet == PacketType::Publish { topic().boxed() } else { text().boxed() };
    let numbers = (1..=u16::MAX, select(codes.clone()), any::<u16>(), 0..3_u8, any::<[bool; 3]>());
    let connect = (option::of(will()), option::of(self::text()), option::of(bytes()));
    let lists = (vec((filter(), options()), 1..6), vec(select(codes), 1..6));
    (numbers, properties, text, option::weighted(0.3, 1..=u16::MAX), payload(), connect, lists).prop_map(
        move |((id, reason, keep_alive, qos, flags), properties, text, alias, payload, connect, (filters, reasons))| {
            let (will, user_name, password) = connect;
            Parts {
                packet,
                id,
                reason,
                properties,
                text,
                alias,
                qos,
                flags,
                keep_alive,
                payload,
                will,
                user_name,
                password,
                filters,
                reasons,
            }
        },
    )
}

fn will() -> impl Strategy<Value = ArbitraryWill> {
    (0..3_u8, any::<bool>(), properties(Place::Will), topic(), payload())
        .prop_map(|(qos, retain, properties, topic, payload)| ArbitraryWill { qos, retain, properties, topic, payload })
}

/// Properties that may stand in a place together, in any order.
fn properties(place: Place) -> impl Strategy<Value = Vec<(u8, Value)>> {
    let rows: Vec<&PropertyRow> = PROPERTIES.iter().filter(|row| row.section(place).is_some()).collect();
    let most = rows.len();
    let some = subsequence(rows, 0..=most).prop_flat_map(move |rows| {
        let copies = |row: &PropertyRow| if row.repeats(place) { 1..4_usize } else { 1..2 };
        rows.into_iter().map(|row| vec((Just(row.id), value(row.kind)), copies(row))).collect::<Vec<_>>()
    });
    let none = Just(Vec::new());
    prop_oneof![1 => none, 3 => some.prop_map(|lists| lists.concat())]
        .prop_map(move |mut list: Vec<(u8, Value)>| {
            // Data comes with a method; AUTH always has one.
            let has = |list: &[(u8, Value)], id| list.iter().any(|(listed, _)| *listed == id);
            if (place == Place::Auth || has(&list, 0x16)) && !has(&list, 0x15) {
                list.push((0x15, Value::Text("SCRAM-SHA-1".into())));
            }
            list
        })
        .prop_shuffle()
}

fn value(kind: Kind) -> BoxedStrategy<Value> {
    let number = |least: u32, most: u32| prop_oneof![Just(least), Just(most), least..=most].prop_map(Value::Number);
    match kind {
        Kind::Flag => number(0, 1).boxed(),
        Kind::TwoBytes(least) => number(u32::from(least), u32::from(u16::MAX)).boxed(),
        Kind::FourBytes(least) => number(least, u32::MAX).boxed(),
        Kind::VariableByte => prop_oneof![
            number(1, 0x7F),
            number(0x80, 0x3FFF),
            number(0x4000, 0x1F_FFFF),
            number(0x20_0000, 268_435_455)
        ]
        .boxed(),
        Kind::Text => text().prop_map(Value::Text).boxed(),
        Kind::Topic => topic().prop_map(Value::Text).boxed(),
        Kind::Binary => bytes().prop_map(Value::Bytes).boxed(),
        Kind::Pair => (text(), text()).prop_map(|(name, value)| Value::Pair(name, value)).boxed(),
    }
}

/// A string that MQTT can carry, mostly a short one.
pub fn text() -> impl Strategy<Value = String> {
    let char = || prop_oneof![6 => proptest::char::range(' ', '~'), 2 => any::<char>(), 1 => select(vec!['\u{1}', '\u{FEFF}', '\u{FFFF}', '\u{D7FF}'])];
    let length = prop_oneof![8 => 0..20_usize, 1 => 120..140_usize];
    length
        .prop_flat_map(move |length| vec(char().prop_map(|c| if c == '\0' { '0' } else { c }), length))
        .prop_map(String::from_iter)
}

/// A topic name.
pub fn topic() -> impl Strategy<Value = String> {
    text().prop_map(|text| {
        let name: String = text.chars().filter(|c| !matches!(c, '+' | '#')).collect();
        if name.is_empty() { "/".into() } else { name }
    })
}

/// A topic filter, sometimes a shared one.
pub fn filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![3 => topic(), 1 => Just("+".to_owned()), 1 => Just(String::new())];
    let share = option::weighted(0.2, topic().prop_map(|name| name.replace('/', "-")));
    (share, vec(level, 1..5), any::<bool>()).prop_filter_map("no filter", |(share, mut levels, rest)| {
        if rest {
            levels.push("#".into());
        }
        let filter = levels.join("/");
        let filter = share.map_or(filter.clone(), |name| format!("$share/{name}/{filter}"));
        Filter::new(&filter).is_ok().then_some(filter)
    })
}

/// The byte of a subscription's options.
fn options() -> impl Strategy<Value = u8> {
    (0..3_u8, 0..4_u8, 0..3_u8).prop_map(|(qos, flags, handling)| qos | flags << 2 | handling << 4)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..20)
}

/// A payload: mostly short, sometimes so long that the remaining length takes two or three bytes.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![8 => bytes(), 1 => vec(any::<u8>(), 100..200), 1 => (16_300..16_500_usize).prop_map(|length| vec![b'p'; length])]
}

/// A packet that a seed chooses; none where it chooses nothing that may be sent.
#[must_use]
pub fn from_seed(seed: &[u8; 32]) -> Option<Sent> {
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, seed);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), random);
    any_packet().new_tree(&mut runner).ok().map(|tree| tree.current())
}

impl Sent {
    /// Lends the packet.
    ///
    /// # Errors
    /// Never: a strategy makes parts that may be sent.
    pub fn with<R>(&self, look: impl FnOnce(&Packet<'_>) -> R) -> Result<R, Rule> {
        let parts = &self.parts;
        let list = parts.properties.iter().map(property).collect::<Result<Vec<_>, _>>()?;
        let properties = Properties::from(&list[..]);
        let will_list =
            parts.will.iter().flat_map(|will| &will.properties).map(property).collect::<Result<Vec<_>, _>>()?;
        let filters = parts.subscriptions()?;
        let only: Vec<_> = filters.iter().map(|subscription| subscription.filter).collect();
        let reasons: Vec<_> = parts.reasons.iter().filter_map(|&code| ReasonCode::from_u8(code)).collect();
        let id = PacketId::new(parts.id).ok_or(Rule::PACKET_ID_ACK)?;
        let reason = ReasonCode::from_u8(parts.reason).unwrap_or(ReasonCode::SUCCESS);
        let ack = Ack { id, reason, properties };
        let suback = SubAck { id, properties, reasons: List::from(&reasons[..]) };
        Ok(look(&match parts.packet {
            PacketType::Connect => Packet::Connect(parts.connect(properties, Properties::from(&will_list[..]))?),
            PacketType::ConnAck => {
                let session_present = parts.flags[0] && reason == ReasonCode::SUCCESS;
                Packet::ConnAck(ConnAck { session_present, reason, properties })
            }
            PacketType::Publish => Packet::Publish(parts.publish(id, properties)?),
            PacketType::PubAck => Packet::PubAck(ack),
            PacketType::PubRec => Packet::PubRec(ack),
            PacketType::PubRel => Packet::PubRel(ack),
            PacketType::PubComp => Packet::PubComp(ack),
            PacketType::Subscribe => Packet::Subscribe(Subscribe { id, properties, filters: List::from(&filters[..]) }),
            PacketType::SubAck => Packet::SubAck(suback),
            PacketType::Unsubscribe => {
                Packet::Unsubscribe(Unsubscribe { id, properties, filters: List::from(&only[..]) })
            }
            PacketType::UnsubAck => Packet::UnsubAck(suback),
            PacketType::PingReq => Packet::PingReq,
            PacketType::PingResp => Packet::PingResp,
            PacketType::Disconnect => Packet::Disconnect(Disconnect { reason, properties }),
            PacketType::Auth => Packet::Auth(Auth { reason, properties }),
        }))
    }
}

impl Parts {
    fn connect<'a>(&'a self, properties: Properties<'a>, will_properties: Properties<'a>) -> Result<Connect<'a>, Rule> {
        let will = match &self.will {
            Some(will) => Some(Will {
                qos: QoS::from_u8(will.qos).unwrap_or_default(),
                retain: will.retain,
                properties: will_properties,
                topic: Topic::new(&will.topic)?,
                payload: &will.payload,
            }),
            None => None,
        };
        Ok(Connect {
            clean_start: self.flags[0],
            keep_alive: self.keep_alive,
            properties,
            client_id: Text::new(&self.text)?,
            will,
            user_name: self.user_name.as_deref().map(Text::new).transpose()?,
            password: self.password.as_deref(),
        })
    }

    fn publish<'a>(&'a self, id: PacketId, properties: Properties<'a>) -> Result<Publish<'a>, Rule> {
        let [dup, retain, nameless] = self.flags;
        let name = Topic::new(&self.text)?;
        // One that the properties list is the topic's.
        let alias = properties.topic_alias().or(self.alias.and_then(TopicAlias::new));
        let topic = match alias {
            None => TopicRef::Name(name),
            Some(alias) if nameless => TopicRef::Alias(alias),
            Some(alias) => TopicRef::NameAndAlias(name, alias),
        };
        let delivery = match self.qos {
            0 => Delivery::AtMostOnce,
            1 => Delivery::AtLeastOnce { id, dup },
            _ => Delivery::ExactlyOnce { id, dup },
        };
        Ok(Publish { topic, delivery, retain, properties, payload: &self.payload })
    }

    fn subscriptions(&self) -> Result<Vec<Subscription<'_>>, Rule> {
        self.filters
            .iter()
            .map(|(filter, options)| {
                let filter = Filter::new(filter)?;
                let mut options = SubscriptionOptions::from_u8(*options)?;
                options.no_local &= !filter.is_shared();
                Ok(Subscription { filter, options })
            })
            .collect()
    }
}

fn property((id, value): &(u8, Value)) -> Result<Property<'_>, Rule> {
    let out_of_range = Rule::PROPERTY_ID;
    Ok(match value {
        Value::Number(number) => numeric(*id, *number).ok_or(out_of_range)?,
        Value::Bytes(bytes) if *id == 0x09 => Property::CorrelationData(bytes),
        Value::Bytes(bytes) => Property::AuthenticationData(bytes),
        Value::Pair(name, value) => Property::UserProperty(Text::new(name)?, Text::new(value)?),
        Value::Text(text) => match id {
            0x03 => Property::ContentType(Text::new(text)?),
            0x08 => Property::ResponseTopic(Topic::new(text)?),
            0x12 => Property::AssignedClientIdentifier(Text::new(text)?),
            0x15 => Property::AuthenticationMethod(Text::new(text)?),
            0x1A => Property::ResponseInformation(Text::new(text)?),
            0x1C => Property::ServerReference(Text::new(text)?),
            0x1F => Property::ReasonString(Text::new(text)?),
            _ => return Err(out_of_range),
        },
    })
}

fn numeric<'a>(id: u8, number: u32) -> Option<Property<'a>> {
    let short = || u16::try_from(number).ok();
    Some(match id {
        0x01 => Property::PayloadFormatIndicator(PayloadFormat::from_u8(u8::try_from(number).ok()?)?),
        0x02 => Property::MessageExpiryInterval(number),
        0x0B => Property::SubscriptionIdentifier(SubscriptionId::new(number)?),
        0x11 => Property::SessionExpiryInterval(number),
        0x13 => Property::ServerKeepAlive(short()?),
        0x17 => Property::RequestProblemInformation(number != 0),
        0x18 => Property::WillDelayInterval(number),
        0x19 => Property::RequestResponseInformation(number != 0),
        0x21 => Property::ReceiveMaximum(NonZeroU16::new(short()?)?),
        0x22 => Property::TopicAliasMaximum(short()?),
        0x23 => Property::TopicAlias(TopicAlias::new(short()?)?),
        0x24 => Property::MaximumQoS(QoS::from_u8(u8::try_from(number).ok()?)?),
        0x25 => Property::RetainAvailable(number != 0),
        0x27 => Property::MaximumPacketSize(NonZeroU32::new(number)?),
        0x28 => Property::WildcardSubscriptionAvailable(number != 0),
        0x29 => Property::SubscriptionIdentifiersAvailable(number != 0),
        0x2A => Property::SharedSubscriptionAvailable(number != 0),
        _ => return None,
    })
}
