//! Commands: a JSON object a line, with one key that names the command.

use core::time::Duration;
use std::borrow::Cow;

use mqtt5_codec::{
    self as codec, Filter, PacketId, Properties, Property, QoS, ReasonCode, RetainHandling, Subscription,
    SubscriptionOptions, Text, Topic,
};
use mqtt5_session::{self as session, Acknowledge, Ending, Prior};
use serde_json::Value;

use super::json::{self, Fields, Trouble};
use super::property::Given;

/// How long `wait` waits when it is not told.
const WAIT: Duration = Duration::from_secs(5);

/// What a line asks for.
#[derive(Debug)]
pub(super) enum Command<'v> {
    Open(&'v str),
    Connect(Box<Connect<'v>>),
    Publish(Publish<'v>),
    Subscribe { filters: Vec<Subscription<'v>>, properties: Given<'v> },
    Unsubscribe { filters: Vec<Filter<'v>>, properties: Given<'v> },
    Auth { reason: ReasonCode, properties: Given<'v> },
    Ping,
    Ack { id: PacketId, reason: ReasonCode },
    Disconnect { reason: ReasonCode, properties: Given<'v>, ending: Ending },
    Close,
    Wait { event: &'v str, time: Duration },
    Sleep(Duration),
    Quit,
}

/// CONNECT, and how the session behaves on the connection.
#[derive(Debug)]
pub(super) struct Connect<'v> {
    client_id: Text<'v>,
    clean_start: bool,
    keep_alive: u16,
    user_name: Option<Text<'v>>,
    password: Option<Cow<'v, [u8]>>,
    will: Option<Will<'v>>,
    properties: Given<'v>,
    acknowledge: Acknowledge,
    prior: Prior,
    timeout: Option<u32>,
    ping_timeout: Option<u32>,
    keep_alive_share: Option<u8>,
    topic_aliases: u16,
}

#[derive(Debug)]
struct Will<'v> {
    topic: Topic<'v>,
    payload: Cow<'v, [u8]>,
    qos: QoS,
    retain: bool,
    properties: Given<'v>,
}

/// A message to publish.
#[derive(Debug)]
pub(super) struct Publish<'v> {
    topic: Topic<'v>,
    payload: Cow<'v, [u8]>,
    pub(super) qos: QoS,
    retain: bool,
    pub(super) hold: bool,
    properties: Given<'v>,
}

/// The name of the command on a line, if it is the only key.
pub(super) fn name(line: &Value) -> Result<(&str, &Value), Trouble> {
    let object = line.as_object().ok_or_else(|| Trouble::Error("a JSON object is wanted".to_owned()))?;
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((name, value)), None) => Ok((name, value)),
        _ => Err(Trouble::Error("an object with one key is wanted, the command".to_owned())),
    }
}

/// Reads what a command is given.
pub(super) fn read<'v>(name: &str, value: &'v Value) -> Result<Command<'v>, Trouble> {
    Ok(match name {
        "open" => Command::Open(json::string("open", value)?),
        "connect" => Command::Connect(Box::new(connect(value)?)),
        "publish" => Command::Publish(publish(value)?),
        "subscribe" => {
            let mut fields = Fields::new("subscribe", value)?;
            let filters = json::list("filters", fields.need("filters")?)?;
            let properties = Given::read(fields.get("properties"))?;
            fields.done()?;
            Command::Subscribe { filters: filters.iter().map(subscription).collect::<Result<_, _>>()?, properties }
        }
        "unsubscribe" => {
            let mut fields = Fields::new("unsubscribe", value)?;
            let filters = json::list("filters", fields.need("filters")?)?;
            let properties = Given::read(fields.get("properties"))?;
            fields.done()?;
            let filter = |value: &'v Value| Ok::<_, Trouble>(Filter::new(json::string("filters", value)?)?);
            Command::Unsubscribe { filters: filters.iter().map(filter).collect::<Result<_, _>>()?, properties }
        }
        "auth" => {
            let mut fields = Fields::new("auth", value)?;
            let reason = reason(fields.get("reason"), ReasonCode::CONTINUE_AUTHENTICATION)?;
            let properties = Given::read(fields.get("properties"))?;
            fields.done()?;
            Command::Auth { reason, properties }
        }
        "ack" => {
            let mut fields = Fields::new("ack", value)?;
            let id = json::within("id", fields.need("id")?, PacketId::new)?;
            let reason = reason(fields.get("reason"), ReasonCode::SUCCESS)?;
            fields.done()?;
            Command::Ack { id, reason }
        }
        "disconnect" => {
            let mut fields = Fields::new("disconnect", value)?;
            let reason = reason(fields.get("reason"), ReasonCode::NORMAL_DISCONNECTION)?;
            let properties = Given::read(fields.get("properties"))?;
            let at_once = fields.flag_or("at_once", false)?;
            fields.done()?;
            let ending = if at_once { Ending::AtOnce } else { Ending::AfterQueued };
            Command::Disconnect { reason, properties, ending }
        }
        "wait" => {
            let mut fields = Fields::new("wait", value)?;
            let event = json::string("event", fields.need("event")?)?;
            let time = fields.get("timeout_ms").map_or(Ok(WAIT), |value| millis("timeout_ms", value))?;
            fields.done()?;
            Command::Wait { event, time }
        }
        "sleep_ms" => Command::Sleep(millis("sleep_ms", value)?),
        "ping" => bare("ping", value, Command::Ping)?,
        "close" => bare("close", value, Command::Close)?,
        "quit" => bare("quit", value, Command::Quit)?,
        _ => return Err(Trouble::Error(format!("no command is called {name}"))),
    })
}

fn bare<'v>(name: &'static str, value: &'v Value, command: Command<'v>) -> Result<Command<'v>, Trouble> {
    Fields::new(name, value)?.done()?;
    Ok(command)
}

fn millis(name: &str, value: &Value) -> Result<Duration, Trouble> {
    json::within::<u32, _>(name, value, |millis| Some(Duration::from_millis(millis.into())))
}

fn reason(value: Option<&Value>, default: ReasonCode) -> Result<ReasonCode, Trouble> {
    value.map_or(Ok(default), |value| json::within("reason", value, ReasonCode::from_u8))
}

fn qos(value: Option<&Value>) -> Result<QoS, Trouble> {
    value.map_or(Ok(QoS::AtMostOnce), |value| json::within("qos", value, QoS::from_u8))
}

/// Bytes as text under one key, or as hexadecimal digits under another.
fn bytes<'v>(fields: &mut Fields<'v>, text: &'static str, hex: &'static str) -> Result<Option<Cow<'v, [u8]>>, Trouble> {
    match (fields.get(text), fields.get(hex)) {
        (Some(_), Some(_)) => Err(Trouble::Error(format!("either {text} or {hex} is wanted"))),
        (Some(value), None) => Ok(Some(Cow::Borrowed(json::string(text, value)?.as_bytes()))),
        (None, Some(value)) => Ok(Some(Cow::Owned(json::hex(hex, value)?))),
        (None, None) => Ok(None),
    }
}

fn connect(value: &Value) -> Result<Connect<'_>, Trouble> {
    let mut fields = Fields::new("connect", value)?;
    let client_id = fields.get("client_id").map_or(Ok(""), |value| json::string("client_id", value))?;
    let user_name = fields.get("user_name").map(|value| json::string("user_name", value)).transpose()?;
    let millis = |fields: &mut Fields<'_>, key| fields.get(key).map(|value| json::within(key, value, Some)).transpose();
    let connect = Connect {
        client_id: Text::new(client_id)?,
        clean_start: fields.flag_or("clean_start", true)?,
        keep_alive: fields.number_or("keep_alive", 60)?,
        user_name: user_name.map(Text::new).transpose()?,
        password: bytes(&mut fields, "password", "password_hex")?,
        will: fields.get("will").map(will).transpose()?,
        properties: Given::read(fields.get("properties"))?,
        acknowledge: match fields.get("acknowledge").map_or(Ok("auto"), |value| json::string("acknowledge", value))? {
            "auto" => Acknowledge::Automatic,
            "manual" => Acknowledge::Manual,
            _ => return Err(Trouble::Error("acknowledge: auto or manual is wanted".to_owned())),
        },
        prior: match fields.get("prior").map_or(Ok("none"), |value| json::string("prior", value))? {
            "none" => Prior::None,
            "empty" => Prior::Empty,
            _ => return Err(Trouble::Error("prior: none or empty is wanted".to_owned())),
        },
        timeout: millis(&mut fields, "timeout_ms")?,
        ping_timeout: millis(&mut fields, "ping_timeout_ms")?,
        keep_alive_share: fields.get("keep_alive_share").map(share).transpose()?,
        topic_aliases: fields.number_or("topic_aliases", 0)?,
    };
    fields.done()?;
    Ok(connect)
}

fn share(value: &Value) -> Result<u8, Trouble> {
    json::within("keep_alive_share", value, |share| if share <= 100 { Some(share) } else { None })
}

fn will(value: &Value) -> Result<Will<'_>, Trouble> {
    let mut fields = Fields::new("will", value)?;
    let will = Will {
        topic: Topic::new(json::string("topic", fields.need("topic")?)?)?,
        payload: bytes(&mut fields, "payload", "payload_hex")?.unwrap_or_default(),
        qos: qos(fields.get("qos"))?,
        retain: fields.flag_or("retain", false)?,
        properties: Given::read(fields.get("properties"))?,
    };
    fields.done()?;
    Ok(will)
}

fn publish(value: &Value) -> Result<Publish<'_>, Trouble> {
    let mut fields = Fields::new("publish", value)?;
    let publish = Publish {
        topic: Topic::new(json::string("topic", fields.need("topic")?)?)?,
        payload: bytes(&mut fields, "payload", "payload_hex")?.unwrap_or_default(),
        qos: qos(fields.get("qos"))?,
        retain: fields.flag_or("retain", false)?,
        hold: fields.flag_or("hold", false)?,
        properties: Given::read(fields.get("properties"))?,
    };
    fields.done()?;
    Ok(publish)
}

fn subscription(value: &Value) -> Result<Subscription<'_>, Trouble> {
    let mut fields = Fields::new("filters", value)?;
    let filter = Filter::new(json::string("filter", fields.need("filter")?)?)?;
    let options = SubscriptionOptions {
        maximum_qos: qos(fields.get("qos"))?,
        no_local: fields.flag_or("no_local", false)?,
        retain_as_published: fields.flag_or("retain_as_published", false)?,
        retain_handling: fields.get("retain_handling").map_or(Ok(RetainHandling::SendAtSubscribe), |value| {
            json::within("retain_handling", value, RetainHandling::from_u8)
        })?,
    };
    fields.done()?;
    Ok(Subscription { filter, options })
}

impl Connect<'_> {
    /// How many topic aliases the server may use.
    pub(super) fn topic_alias_maximum(&self) -> u16 {
        Properties::from(&*self.properties.lend()).topic_alias_maximum().unwrap_or(0)
    }

    /// Gives the session's options to `then`: they borrow from each other.
    pub(super) fn with<T>(&self, then: impl FnOnce(&session::ConnectOptions<'_>) -> T) -> T {
        let properties = self.properties.lend();
        let will_properties: Vec<Property<'_>> = self.will.as_ref().map_or(Vec::new(), |will| will.properties.lend());
        let mut options = session::ConnectOptions::new(self.client_id);
        options.packet = codec::Connect {
            clean_start: self.clean_start,
            keep_alive: self.keep_alive,
            properties: Properties::from(&*properties),
            client_id: self.client_id,
            will: self.will.as_ref().map(|will| codec::Will {
                qos: will.qos,
                retain: will.retain,
                properties: Properties::from(&*will_properties),
                topic: will.topic,
                payload: &will.payload,
            }),
            user_name: self.user_name,
            password: self.password.as_deref(),
        };
        options.acknowledge = self.acknowledge;
        options.prior = Some(self.prior);
        options.timeout = self.timeout.unwrap_or(options.timeout);
        options.ping_timeout = self.ping_timeout.unwrap_or(options.ping_timeout);
        options.keep_alive_share = self.keep_alive_share.unwrap_or(options.keep_alive_share);
        options = options.with_topic_aliases(self.topic_aliases);
        then(&options)
    }
}

impl Publish<'_> {
    /// Gives the session's message to `then`.
    pub(super) fn with<T>(&self, then: impl FnOnce(&session::Publication<'_>) -> T) -> T {
        let properties = self.properties.lend();
        let mut message = session::Publication::new(self.topic, &self.payload);
        message.qos = self.qos;
        message.retain = self.retain;
        message.hold = self.hold;
        message.properties = Properties::from(&*properties);
        then(&message)
    }
}
