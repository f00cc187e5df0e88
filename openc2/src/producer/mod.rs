//! A Producer: requests out, responses in, until each expected Consumer has answered or its time is over.
//!
//! It stands beside an MQTT session and doesn't see it: the host publishes what is [`Outgoing`] and hands it what was
//! [`Received`]. Time is passed in, all memory is lent.

mod memory;

pub use memory::{Inline, Memory, NAME, Pending, REQUEST_ID, Responder};

use core::fmt;

use memory::{Table, Taken};

use crate::command::Command;
use crate::error::{EncodeError, Error};
use crate::message::{Content, Headers, Message};
use crate::response::{Response, Status};
use crate::text::Text;
use crate::transfer::{
    Channel, Clause, Encoding, MessageType, Outgoing, Quality, Received, Scheme, TopicError, Verdict, check,
    publish_properties,
};
use crate::vocabulary::Action;
use crate::{Features, Reading, Style, Target, Texts};
use mqtt5_session::Instant;

/// A Producer, sans I/O.
///
/// ```
/// # use openc2_mqtt::producer::{Expect, Heard, Inline, Policy, Producer, Request};
/// # use openc2_mqtt::transfer::{Channel, Received};
/// # use openc2_mqtt::{Action, Command, Instant, Ipv4Net, Target};
/// # fn publish(_: &openc2_mqtt::transfer::Outgoing<'_>) {}
/// let mut producer = Producer::new("p1@example.com", Policy::default(), Inline::<4, 64>::new());
/// let (now, utc) = (Instant::from_millis(0), Some(1_610_483_630_000));
/// # let random = [7; 16];
///
/// let target = Target::Ipv4Net(Ipv4Net::parse("198.51.100.0/24").unwrap());
/// let command = Command::new(Action::Deny, target);
/// let mut request = Request::new(Channel::Profile("slpf"), command, 5_000);
/// request.expect = Expect::Count(2);
/// let mut buffer = [0; 1024];
/// let (id, outgoing) = producer.request(&request, random, now, utc, &mut buffer).unwrap();
/// publish(&outgoing);
///
/// // For each message that the session receives:
/// # fn on(producer: &mut Producer<'_, Inline<4, 64>>, received: &Received<'_>, now: Instant) {
/// match producer.handle(received, now) {
///     Heard::Response { from, response, complete, .. } => { /* `complete`: no other is awaited */ }
///     Heard::Nothing { .. } => {}
/// }
/// # }
/// // And when `poll_timeout` has come:
/// while let Some(over) = producer.handle_timeout(Instant::from_millis(5_000)) {
///     assert_eq!((over.request, over.answered, over.awaited), (id, 0, 2));
/// }
/// ```
#[derive(Debug)]
pub struct Producer<'d, M> {
    core: Core<'d>,
    memory: M,
}

#[derive(Debug)]
struct Core<'d> {
    /// Who it is: the `from` of its requests.
    id: &'d str,
    policy: Policy<'d>,
}

/// How a Producer behaves where the specifications leave a choice.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'d> {
    /// How messages are read, and which language version is spoken.
    pub reading: Reading,
    /// How requests are encoded.
    pub encoding: Encoding,
    /// How topics are named.
    pub scheme: Scheme<'d>,
    /// The quality of service of requests.
    pub quality: Quality,
    /// The level of its own topic for responses, `oc2/rsp/[producer_id]` (CS01 s3.3: SHOULD).
    pub producer_id: Option<&'d str>,
}

impl Default for Policy<'_> {
    /// Strict, v1.0, JSON, QoS 1, no topic of its own.
    fn default() -> Self {
        Self {
            reading: Reading::default(),
            encoding: Encoding::default(),
            scheme: Scheme::default(),
            quality: Quality::default(),
            producer_id: None,
        }
    }
}

/// Whose responses make a request complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Nobody knows who will answer: it is over at its deadline.
    #[default]
    Unknown,
    /// So many Consumers.
    Count(u16),
    /// These Consumers, by their `from`.
    Each(&'a [&'a str]),
}

/// A command to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where it goes.
    pub channel: Channel<'a>,
    /// The command.
    pub command: Command<'a>,
    /// Which of those who receive it are to act on it; empty for all.
    pub to: Texts<'a>,
    /// Whose responses are awaited.
    pub expect: Expect<'a>,
    /// How long they are awaited, in milliseconds.
    pub timeout: u64,
    /// How long the server may hold the message back, in seconds (CS01 s2.10).
    pub expiry: Option<u32>,
}

impl<'a> Request<'a> {
    /// A request to all who receive it, of which it isn't known who they are.
    pub const fn new(channel: Channel<'a>, command: Command<'a>, timeout: u64) -> Self {
        Self { channel, command, to: Texts::EMPTY, expect: Expect::Unknown, timeout, expiry: None }
    }

    /// `query features` to every Consumer: who is there, and what can they do (LS1 s4.1)?
    pub const fn discover(features: Features, timeout: u64) -> Self {
        Self::discover_on(Channel::All, features, timeout)
    }

    /// The same to some: in WD01, which has no topic for all, to the devices of a type.
    pub const fn discover_on(channel: Channel<'a>, features: Features, timeout: u64) -> Self {
        Self::new(channel, Command::new(Action::Query, Target::Features(features)), timeout)
    }
}

/// What stands for a request from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    slot: u16,
    serial: u16,
}

/// What a response is to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A progress report (102): another response of this Consumer is to follow. Where only an acknowledgement or the
    /// status was asked for, 102 is the outcome.
    Interim,
    /// This Consumer's outcome.
    Final,
}

/// What came of a message.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'i> {
    /// A response to a request of ours.
    Response {
        /// The request.
        request: RequestId,
        /// Who answers.
        from: Text<'i>,
        /// The response.
        response: Response<'i>,
        /// Whether another one of this Consumer is to follow.
        part: Part,
        /// Whether every expected Consumer has now answered.
        complete: bool,
        /// Its headers.
        headers: Headers<'i>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// Nothing that changes any request.
    Nothing {
        /// Why not.
        why: Unheard,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
}

/// Why a message changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unheard {
    /// Its content type is another.
    NotOpenC2,
    /// It is a request.
    NotAResponse,
    /// It is a notification, which says nothing about a request.
    Notification,
    /// It came on a topic that is none for responses.
    Topic,
    /// It can't be read.
    Malformed(Error),
    /// It has no `request_id` or no `from`, so it can't be told what it answers, or who does.
    Anonymous,
    /// Its `to` names others.
    ForOthers,
    /// It answers no request of ours, or one long forgotten.
    Foreign,
    /// It came before: the same response once more, or any after a Consumer's final one.
    Duplicate(RequestId),
    /// Its request is over.
    Late(RequestId),
    /// The table of responders is full, or the sender's name too long to keep: the response is not counted.
    Full(RequestId),
}

/// A request whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// The request.
    pub request: RequestId,
    /// How many Consumers answered with a final response.
    pub answered: u16,
    /// How many expected ones did not.
    pub awaited: u16,
}

/// Why a call was refused. It has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The request can't be written: the buffer is too small, or the command breaks a rule.
    Encode(EncodeError),
    /// There is no topic for it.
    Topic(TopicError),
    /// As many requests are pending as there is room for.
    Requests,
    /// There is no room for those who are expected.
    Responders,
    /// A name is longer than [`NAME`] bytes, or an identifier longer than [`REQUEST_ID`].
    Name,
    /// The channel is for responses.
    Channel,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Topic(error) => error.fmt(f),
            Self::Requests => f.write_str("too many requests are pending"),
            Self::Responders => f.write_str("there is no room for those who are expected"),
            Self::Name => f.write_str("a name is too long to keep"),
            Self::Channel => f.write_str("a request doesn't go to a topic for responses"),
        }
    }
}

impl core::error::Error for Refused {}

impl From<EncodeError> for Refused {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<TopicError> for Refused {
    fn from(error: TopicError) -> Self {
        Self::Topic(error)
    }
}

/// A version 4 UUID of these random bytes, as text (RFC 9562 s5.4; LS1 s3.2).
pub fn uuid(random: [u8; 16]) -> [u8; 36] {
    let bits = u128::from_be_bytes(random);
    let versioned = (bits & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let mut text = [b'-'; 36];
    let mut shift = 128u32;
    for (index, c) in text.iter_mut().enumerate() {
        if matches!(index, 8 | 13 | 18 | 23) {
            continue;
        }
        shift = shift.saturating_sub(4);
        let digit = u32::try_from((versioned >> shift) & 15).unwrap_or(0);
        *c = char::from_digit(digit, 16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(b'0');
    }
    text
}

impl<'d, M: Memory> Producer<'d, M> {
    /// A Producer of this identity, which keeps its requests in `memory`.
    pub const fn new(id: &'d str, policy: Policy<'d>, memory: M) -> Self {
        Self { core: Core { id, policy }, memory }
    }

    /// How it behaves.
    pub const fn policy(&self) -> &Policy<'d> {
        &self.core.policy
    }

    /// The topics to subscribe to: the one for all responses and, if there is one, its own (CS01 s3.3).
    pub fn channels(&self) -> impl Iterator<Item = Channel<'d>> + use<'d, M> {
        let own = self.core.policy.producer_id.map(Channel::ResponsesTo);
        [Channel::Responses].into_iter().chain(own)
    }

    /// Sends a command under a fresh `request_id`, made of 16 random bytes. What is to be published comes in `buffer`,
    /// topic and payload. `now` is the session's clock, `utc` milliseconds since 1970-01-01T00:00Z, if the host knows them.
    pub fn request<'b>(
        &mut self,
        request: &Request<'_>,
        random: [u8; 16],
        now: Instant,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Result<(RequestId, Outgoing<'b>), Refused> {
        let id = uuid(random);
        self.request_as(request, core::str::from_utf8(&id).unwrap_or_default(), now, utc, buffer)
    }

    /// The same with an identifier of the host's, which must never have been used before.
    pub fn request_as<'b>(
        &mut self,
        request: &Request<'_>,
        id: &str,
        now: Instant,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Result<(RequestId, Outgoing<'b>), Refused> {
        self.core.request(Table::new(&mut self.memory), request, id, now, utc, buffer)
    }

    /// Takes a message.
    pub fn handle<'i>(&mut self, received: &Received<'i>, now: Instant) -> Heard<'i> {
        self.core.handle(Table::new(&mut self.memory), received, now)
    }

    /// When the next request's time is over.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        Table::new(&mut self.memory).next_deadline()
    }

    /// One request whose time is over; call it again until there is none.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<TimedOut> {
        Table::new(&mut self.memory).expire(now)
    }

    /// Ends a request; what still comes for it is late. `false` if it is over already.
    pub fn cancel(&mut self, request: RequestId) -> bool {
        Table::new(&mut self.memory).end(request)
    }

    /// Whether its time is not yet over and someone is still awaited.
    pub fn is_pending(&mut self, request: RequestId) -> bool {
        Table::new(&mut self.memory).is_pending(request)
    }

    /// The `request_id` under which a request was sent, while it is remembered.
    pub fn request_id(&mut self, request: RequestId) -> Option<&str> {
        Table::new(&mut self.memory).id(request)
    }

    /// Calls `each` with every Consumer that answered or is awaited: its name, and the status it answered last.
    pub fn responders(&mut self, request: RequestId, each: impl FnMut(&str, Option<Status>)) {
        Table::new(&mut self.memory).responders(request, each);
    }
}

impl Core<'_> {
    #[inline(never)]
    fn request<'b>(
        &self,
        mut table: Table<'_>,
        request: &Request<'_>,
        id: &str,
        now: Instant,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Result<(RequestId, Outgoing<'b>), Refused> {
        if !request.channel.is_command() {
            return Err(Refused::Channel);
        }
        table.room_for(id, request.expect)?;
        let (topic, rest) = request.channel.write(&self.policy.scheme, buffer)?;
        let headers = Headers {
            request_id: Some(Text::new(id)),
            created: utc,
            from: Some(Text::new(self.id)),
            to: (!request.to.is_empty()).then_some(request.to),
        };
        let style = Style { form: self.policy.encoding.into(), language: self.policy.reading.language };
        let length =
            Message::new(headers, Content::Request(request.command)).encode(style, rest).map_err(
                |error| match error {
                    EncodeError::Full { need } => {
                        EncodeError::Full { need: need.saturating_add(topic.as_bytes().len()) }
                    }
                    refused => refused,
                },
            )?;
        let payload = rest.get(..length).unwrap_or_default();
        let wanted = request.command.args.response();
        let slot = table.insert(id, request.expect, now.after(request.timeout), wanted)?;
        let properties = publish_properties(MessageType::Request, self.policy.encoding, request.expiry);
        Ok((slot, Outgoing { topic, quality: self.policy.quality, properties, payload }))
    }

    #[inline(never)]
    fn handle<'i>(&self, mut table: Table<'_>, received: &Received<'i>, now: Instant) -> Heard<'i> {
        let mut verdict = check(received, &self.policy.scheme, self.policy.reading.lenient);
        let encoding = match (not_for_us(&verdict), verdict.encoding) {
            (Some(why), _) => return Heard::Nothing { why, verdict },
            (None, Some(encoding)) => encoding,
            (None, None) => return Heard::Nothing { why: Unheard::NotAResponse, verdict },
        };
        let message = match self.policy.reading.message(encoding, received.payload) {
            Ok(read) => {
                verdict.quirks = verdict.quirks.union(read.quirks);
                read.value
            }
            Err(error) => return Heard::Nothing { why: Unheard::Malformed(error), verdict },
        };
        let Content::Response(response) = message.content else {
            verdict.violations.insert(Clause::PayloadKind);
            return Heard::Nothing { why: Unheard::NotAResponse, verdict };
        };
        let headers = message.headers;
        if headers.from.is_none() {
            verdict.violations.insert(Clause::NoFrom);
        }
        let (Some(from), Some(id)) = (headers.from, headers.request_id) else {
            return Heard::Nothing { why: Unheard::Anonymous, verdict };
        };
        if !headers.is_for(self.id) {
            return Heard::Nothing { why: Unheard::ForOthers, verdict };
        }
        let (request, part, complete) = match table.take(id, from, response.status, headers.created, now) {
            Taken::Counted { request, part, complete } => (request, part, complete),
            Taken::Not(why) => return Heard::Nothing { why, verdict },
        };
        Heard::Response { request, from, response, part, complete, headers, verdict }
    }
}

fn not_for_us(verdict: &Verdict<'_>) -> Option<Unheard> {
    if !verdict.is_openc2() {
        return Some(Unheard::NotOpenC2);
    }
    match verdict.message_type {
        Some(MessageType::Response) => {}
        Some(MessageType::Notification) => return Some(Unheard::Notification),
        _ => return Some(Unheard::NotAResponse),
    }
    match verdict.channel {
        Some(channel) if !channel.is_command() => None,
        _ => Some(Unheard::Topic),
    }
}
