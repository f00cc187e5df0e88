//! A Producer: requests out, responses in, until each expected Consumer has answered or its time is over.
//!
//! It stands beside an MQTT session and doesn't see it: the host publishes what is [`Outgoing`] and hands it what was
//! [`Received`]. Time is passed in, all memory is lent.
//!
//! # Restarts
//! A new connection changes nothing here. A new process knows nothing, unless the host hands it what [`Producer::export`]
//! wrote. To lose nothing a host exports and stores
//! - after [`Producer::request`], before it publishes: else a response may find that its request is not known (it is
//!   [`NotCounted::Foreign`]);
//! - after each [`Heard::Response`], before it acknowledges the message (the session's `Acknowledge::Manual`): else that
//!   response is not counted and doesn't come again, so its Consumer stays awaited until the deadline.
//!
//! Whether the message of a request went out is the session's to know. A host that isn't sure publishes it again, byte for
//! byte: Consumers execute it once. Without an export all pending requests are forgotten, and their responses foreign.

mod engine;
mod heard;
mod memory;
mod request;
mod state;

pub use heard::{Answer, Heard, NotCounted, Stage, TimedOut};
pub use memory::{NAME, Pending, ProducerMemory, ProducerStore, REQUEST_ID, Responder};
pub use request::{Expect, Request, uuid};

use core::fmt;

use engine::Core;
use memory::Table;

use crate::Reading;
use crate::encoding::error::EncodeError;
use crate::language::message::Structure;
use crate::snapshot::{ExportError, ImportError};
use crate::transfer::{Channel, Encoding, Outgoing, Quality, Received, Scheme, TopicError};
use crate::transfer::{Notification, Sending};
use mqtt5_session::Instant;

/// A Producer, sans I/O.
///
/// ```
/// # use openc2_mqtt::producer::{Expect, Heard, ProducerMemory, ProducerPolicy, Producer, Request};
/// # use openc2_mqtt::transfer::{Channel, Received};
/// # use openc2_mqtt::{Action, Command, Instant, Ipv4Net, Target};
/// # fn publish(_: &openc2_mqtt::transfer::Outgoing<'_>) {}
/// let mut producer = Producer::new("p1@example.com", ProducerPolicy::default(), ProducerMemory::<4, 64>::new());
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
/// # fn on(producer: &mut Producer<'_, ProducerMemory<4, 64>>, received: &Received<'_>, now: Instant) {
/// match producer.handle(received, now) {
///     Heard::Response { from, response, complete, .. } => { /* `complete`: no other is awaited */ }
///     Heard::Malformed { from, error, complete, .. } => { /* it answered, but not as the language has it */ }
///     _ => {}
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

/// How a Producer behaves where the specifications leave a choice.
#[derive(Clone, Copy, Debug)]
pub struct ProducerPolicy<'d> {
    /// How messages are read, and which language version is spoken.
    pub reading: Reading,
    /// How requests are encoded.
    pub encoding: Encoding,
    /// Which structure requests have; responses are read in either.
    pub structure: Structure,
    /// How topics are named.
    pub scheme: Scheme<'d>,
    /// The quality of service of requests.
    pub quality: Quality,
    /// Its own topic for responses.
    pub own_topic: OwnTopic<'d>,
}

/// A Producer's own topic for responses, `oc2/rsp/[producer_id]`, to which it SHOULD subscribe (CS01 s3.3, CSD03 s3.1.8). No
/// specification says what a `producer_id` is; WD01 has no such topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnTopic<'d> {
    /// The Producer's identity, which is the `from` of its requests: nothing else is known to a Consumer. An identity that is
    /// empty or holds `/`, `+`, `#` or U+0000 is no level of a topic, so it has no such topic.
    #[default]
    Identity,
    /// This level.
    Named(&'d str),
    /// None.
    Absent,
}

impl Default for ProducerPolicy<'_> {
    /// Strict, v1.0, JSON with headers and body, QoS 1, with the topic of its own identity.
    fn default() -> Self {
        Self {
            reading: Reading::default(),
            encoding: Encoding::default(),
            structure: Structure::default(),
            scheme: Scheme::default(),
            quality: Quality::default(),
            own_topic: OwnTopic::default(),
        }
    }
}

/// Identifies a request from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    slot: u16,
    serial: u16,
}

/// Why a call was refused. It has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProducerRefused {
    /// The request can't be written: the buffer is too small, or the command breaks a rule.
    Encode(EncodeError),
    /// There is no topic for it.
    Topic(TopicError),
    /// As many requests are pending as there is room for.
    Requests,
    /// There is no room for the expected Consumers.
    Responders,
    /// A name is longer than [`NAME`] bytes, or an identifier longer than [`REQUEST_ID`].
    Name,
    /// The channel is for responses.
    Channel,
}

impl fmt::Display for ProducerRefused {
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

impl core::error::Error for ProducerRefused {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            Self::Topic(error) => Some(error),
            _ => None,
        }
    }
}

impl From<EncodeError> for ProducerRefused {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<TopicError> for ProducerRefused {
    fn from(error: TopicError) -> Self {
        Self::Topic(error)
    }
}

impl<'d, M: ProducerStore> Producer<'d, M> {
    /// A Producer of this identity, which keeps its requests in `memory`.
    pub const fn new(id: &'d str, policy: ProducerPolicy<'d>, memory: M) -> Self {
        Self { core: Core { id, policy }, memory }
    }

    /// How it behaves.
    pub const fn policy(&self) -> &ProducerPolicy<'d> {
        &self.core.policy
    }

    /// The topics to subscribe to: the one for all responses and, if there is one, its own (CS01 s3.3).
    pub fn channels(&self) -> impl Iterator<Item = Channel<'d>> + use<'d, M> {
        let own = match self.core.policy.own_topic {
            OwnTopic::Identity => Some(self.core.id),
            OwnTopic::Named(level) => Some(level),
            OwnTopic::Absent => None,
        };
        let own = own.map(Channel::ResponsesTo).filter(|own| own.exists(&self.core.policy.scheme));
        [Channel::Responses].into_iter().chain(own)
    }

    /// Writes a notification. What is to be published comes in `buffer`, topic and payload; `utc` is the moment in milliseconds
    /// since 1970-01-01T00:00Z, if known. Nothing is remembered of it.
    pub fn notify<'b>(
        &self,
        notification: &Notification<'_>,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Result<Outgoing<'b>, ProducerRefused> {
        let Core { id, policy } = &self.core;
        let sending = Sending { scheme: &policy.scheme, quality: policy.quality, language: policy.reading.language };
        notification.write(id, sending, utc, buffer)
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
    ) -> Result<(RequestId, Outgoing<'b>), ProducerRefused> {
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
    ) -> Result<(RequestId, Outgoing<'b>), ProducerRefused> {
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

    /// Takes back a request that was never published, as if it had not been made.
    pub(crate) fn forget(&mut self, request: RequestId) {
        Table::new(&mut self.memory).forget(request);
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

    /// Calls `each` with every Consumer that answered or is awaited: its name, and what it answered last.
    pub fn responders(&mut self, request: RequestId, each: impl FnMut(&str, Answer)) {
        Table::new(&mut self.memory).responders(request, each);
    }

    /// The request that was sent under this `request_id`, while it is remembered.
    pub fn find(&mut self, request_id: &str) -> Option<RequestId> {
        Table::new(&mut self.memory).find(request_id)
    }

    /// Calls `each` with every request that is remembered: its [`RequestId`], its `request_id`, and whether it is pending.
    pub fn requests(&mut self, mut each: impl FnMut(RequestId, &str, bool)) {
        for (request, pending) in Table::new(&mut self.memory).requests() {
            each(request, pending.id.as_str(), pending.state == memory::State::Pending);
        }
    }

    /// Writes all requests and responders into `buffer`, for a process that is to go on where this one ends; gives the
    /// length, at most [`ProducerMemory::EXPORT`]. Costs one look at each responder for each request. `utc` is the moment, if known.
    pub fn export(&mut self, now: Instant, utc: Option<u64>, buffer: &mut [u8]) -> Result<usize, ExportError> {
        Table::new(&mut self.memory).export(now, utc, buffer)
    }

    /// Takes up what an earlier process exported, before anything else is done with this Producer. If `utc` is known here and
    /// was at the export, the deadlines stay as they were. Else they come later, by the time in which no process ran.
    ///
    /// The [`RequestId`]s are new ones: see [`requests`](Self::requests) and [`find`](Self::find). The bytes are protected
    /// against accidents, not against an attacker.
    pub fn import(&mut self, bytes: &[u8], now: Instant, utc: Option<u64>) -> Result<(), ImportError> {
        Table::new(&mut self.memory).import(bytes, now, utc)
    }
}
