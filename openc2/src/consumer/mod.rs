//! A Consumer: requests in, responses out, each command executed once.
//!
//! It stands beside an MQTT session and doesn't see it: the host hands it what was [`Received`] and publishes what is
//! [`Outgoing`]. Time is passed in, all memory is lent.
//!
//! # Memory
//! A command is executed once while its request is remembered: while the command is carried out, and then for
//! [`ConsumerPolicy::window`] milliseconds after its answer, if the memory suffices. When room is needed, the request that was
//! answered longest ago is forgotten first. A command that is being carried out is never forgotten. When nothing else is left,
//! or one sender has its [`share`](ConsumerPolicy::share) of the memory, a new command is answered 503. A sender whose share is
//! full of answered requests pushes out only its own oldest one. (`from` is a claim: whoever may publish commands can push out
//! others' requests under many names. The server decides who may publish.)
//!
//! A request that comes again is known by its `from` and its `request_id`, or by its `command_id` if it has no `request_id`.
//! Its command has to be the same, byte for byte: another command under the same identifier is answered 400, and not carried
//! out. Commands in different encodings can't be compared, so they are taken for the same.
//!
//! To hold a window, the memory needs one slot for each command that comes in it, and one for each command that is carried out
//! at a time; one sender may use three quarters of the slots. Each slot has its share of the bytes, for `from`, `request_id`,
//! `command_id` and the response. A UUID takes 36 bytes and a response without results some 130 bytes in JSON, so 256 bytes a
//! slot are a good start. A request whose names are longer than a slot is answered 400. [`Consumer::figures`] tells whether the
//! memory suffices: where [`held`](ConsumerFigures::held) is shorter than the window, it does not.
//!
//! # Retained commands
//! A retained message is delivered again at every subscription, for as long as the server keeps it. CS01 s3.2 forbids it, and
//! by default it is answered 400. [`Breaches::retained`] or lenient reading can let it pass. Even then a retained command is
//! carried out only if all of this holds:
//! - it says when it was `created`, and the host knows the time of day;
//! - that moment lies within the window, and not in the future;
//! - it lies after this process began, unless the process took up the state of an earlier one;
//! - it lies after the last request that was pushed out, and after what an earlier process forgot under a shorter window;
//! - it lies after the latest `created` of a command that was carried out before that moment came.
//!
//! So none is carried out twice over restarts, as long as the host's clock does not go back.
//!
//! # Restarts
//! A new connection changes nothing here. A new process remembers nothing, unless the host hands it what
//! [`Consumer::export`] wrote. To execute nothing twice within the window a host exports and stores
//! - after [`Reaction::Execute`], before it begins to carry the command out;
//! - after [`Consumer::respond`] with a final status, before it publishes the response.
//!
//! A command that was begun and not answered is then [`unfinished`](Consumer::unfinished) in the new process, and its request
//! is passed over should it come again. The host answers it, with 500 if it can't tell how far the command came, or
//! [abandons](Consumer::abandon) it, so that it may be executed anew.
//!
//! Without an export a new process takes every request for a new one, so what the server delivers again is executed again.
//! A host that can't store, and whose commands must not be executed twice, sets [`ConsumerPolicy::since`] to the time at
//! which it began: what was created before that is answered 503, and the Producer decides whether it still wants it.

mod breach;
mod declaration;
mod engine;
mod memory;
mod rate;
mod reply;
mod state;

pub use breach::{Breaches, OnBreach};
pub use declaration::{Access, Answering, Broadcast, ConsumerPolicy, Declaration};
pub use memory::{ConsumerMemory, ConsumerStore, Slot};

use core::fmt;

use engine::Core;
use memory::Table;
use reply::Clocks;

use crate::encoding::error::{EncodeError, Error};
use crate::encoding::raw::Raw;
use crate::language::command::Command;
use crate::language::message::Headers;
use crate::language::response::{Response, Status};
use crate::snapshot::{ExportError, ImportError};
use crate::transfer::{Channel, Clause, Outgoing, Received, TopicError, Verdict};
use crate::transfer::{Notification, Sending};
use mqtt5_session::Instant;

/// A Consumer, sans I/O.
///
/// ```
/// # use openc2_mqtt::consumer::{Consumer, Declaration, ConsumerMemory, ConsumerPolicy, Reaction};
/// # use openc2_mqtt::transfer::{Received, publish_properties};
/// # use openc2_mqtt::{Action, Encoding, Instant, MessageType, Pair, Response, Status, Texts, slpf};
/// # use mqtt5_codec::{QoS, Topic};
/// let pairs = [Pair { action: Action::Deny, targets: Texts::from(&["ipv4_net"]) }];
/// let declaration = Declaration::new("c1@example.com", "c1", &slpf::PROFILES, &pairs);
/// let mut consumer = Consumer::new(declaration, ConsumerPolicy::default(), ConsumerMemory::<8, 4096>::new());
/// # let payload = br#"{"headers":{"request_id":"1","from":"p"},"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"192.0.2.1"}}}}}"#;
/// # let properties = publish_properties(MessageType::Request, Encoding::Json, None);
/// # let received = Received { topic: Topic::new("oc2/cmd/ap/slpf").unwrap(), qos: QoS::AtLeastOnce, retain: false, properties: properties.as_properties(), payload };
/// # let (now, utc) = (Instant::from_millis(0), None);
/// # fn publish(_: &openc2_mqtt::transfer::Outgoing<'_>) {}
/// # fn carry_out(_: &openc2_mqtt::Command<'_>) -> bool { true }
///
/// let mut buffer = [0; 1024];
/// match consumer.handle(&received, now, utc, &mut buffer).unwrap() {
///     Reaction::Reply { reply, .. } => publish(&reply),
///     Reaction::Execute { ticket, command, reply, .. } => {
///         if let Some(acknowledgement) = reply {
///             publish(&acknowledgement);
///         }
///         let status = if carry_out(&command) { Status::Ok } else { Status::InternalError };
///         if let Some(reply) = consumer.respond(ticket, &Response::new(status), now, utc, &mut buffer).unwrap() {
///             publish(&reply);
///         }
///     }
///     _ => {}
/// }
/// ```
#[derive(Debug)]
pub struct Consumer<'d, M> {
    core: Core<'d>,
    memory: M,
}

/// A command that the host is carrying out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    slot: u16,
    serial: u16,
}

/// What came of a message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nothing can be boxed, and the command is read where it lies")]
pub enum Reaction<'i, 'b> {
    /// The host is to carry out a command, and to tell how it goes by [`Consumer::respond`].
    Execute {
        /// Identifies the command from now on.
        ticket: Ticket,
        /// The command.
        command: Command<'i>,
        /// Its headers.
        headers: Headers<'i>,
        /// The acknowledgement to publish first, if one was asked for.
        reply: Option<Outgoing<'b>>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// The message is answered: publish this.
    Reply {
        /// The response.
        reply: Outgoing<'b>,
        /// Its status.
        status: Status,
        /// Whether the request had been answered before and this is the same answer again.
        repeated: bool,
        /// What was wrong with the message itself.
        error: Option<Error>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// A notification came, which is not answered. It may have come on any topic.
    Notification {
        /// What it says; only profiles define what that may be.
        content: Raw<'i>,
        /// Its headers.
        headers: Headers<'i>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// The message is not answered.
    Ignored {
        /// Why not.
        why: Ignored,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
}

/// Why a message is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// Its content type is not that of OpenC2.
    NotOpenC2,
    /// It is not a request. Answers to answers could go round in circles.
    NotARequest,
    /// It came on a topic that is not for commands.
    Topic,
    /// Its `to` names others.
    ForOthers,
    /// It is for a profile that this Consumer lacks, or it was sent to everyone and asks for nothing that it can do.
    NotForUs,
    /// The actuator's specifiers name another one.
    OtherActuator,
    /// It breaks this clause, and such requests are passed over ([`Breaches`]).
    Breach(Clause),
    /// The same command is being carried out; its response will come.
    Running,
    /// No response is wanted.
    Unwanted,
}

/// How full a Consumer's memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerFigures {
    /// Commands that are being carried out.
    pub running: u16,
    /// Requests that were answered and are remembered.
    pub answered: u16,
    /// Slots that are free.
    pub free: u16,
    /// Requests that were forgotten before the window was over, since their place was needed.
    pub pushed_out: u32,
    /// The shortest time for which one of these was remembered after its answer, in milliseconds: for so long, and no longer,
    /// exactly-once was kept. `None` if it was kept for the whole window.
    pub held: Option<u64>,
}

/// Why a call was refused. It has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsumerRefused {
    /// The response can't be written: the buffer is too small, or the response breaks a rule.
    Encode(EncodeError),
    /// There is no topic for it.
    Topic(TopicError),
    /// No command of this ticket is being carried out, or no longer.
    NoSuchTicket,
}

impl fmt::Display for ConsumerRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Topic(error) => error.fmt(f),
            Self::NoSuchTicket => f.write_str("this command is not being carried out"),
        }
    }
}

impl core::error::Error for ConsumerRefused {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            Self::Topic(error) => Some(error),
            _ => None,
        }
    }
}

impl From<EncodeError> for ConsumerRefused {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<TopicError> for ConsumerRefused {
    fn from(error: TopicError) -> Self {
        Self::Topic(error)
    }
}

impl<'d, M: ConsumerStore> Consumer<'d, M> {
    /// A Consumer that remembers requests in `memory` for the policy's window.
    pub fn new(declaration: Declaration<'d>, policy: ConsumerPolicy<'d>, memory: M) -> Self {
        Self { core: Core::new(declaration, policy), memory }
    }

    /// What it is and can do.
    pub const fn declaration(&self) -> &Declaration<'d> {
        &self.core.declaration
    }

    /// How it behaves.
    pub const fn policy(&self) -> &ConsumerPolicy<'d> {
        &self.core.policy
    }

    /// The topics to subscribe to: one for all, one for each profile, its own (CS01 s3.3).
    pub fn channels(&self) -> impl Iterator<Item = Channel<'d>> + use<'d, M> {
        self.core.declaration.channels(self.core.policy.scheme.layout)
    }

    /// Takes a message. What is to be published comes in `buffer`, topic and payload. `now` is the session's clock, `utc`
    /// milliseconds since 1970-01-01T00:00Z, if the host knows them.
    ///
    /// Refused if the response finds no room; then nothing has changed, and the call may be repeated with a larger buffer.
    pub fn handle<'i, 'b>(
        &mut self,
        received: &Received<'i>,
        now: Instant,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Result<Reaction<'i, 'b>, ConsumerRefused> {
        self.core.handle(Table::new(&mut self.memory), received, Clocks { now, utc }, buffer)
    }

    /// Tells how a command goes: 102 as often as it takes, then one final status. What is to be published comes in
    /// `buffer`; `None` if the Producer doesn't want this response. The final response is kept, to be repeated should
    /// the request come again.
    pub fn respond<'b>(
        &mut self,
        ticket: Ticket,
        response: &Response<'_>,
        now: Instant,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Result<Option<Outgoing<'b>>, ConsumerRefused> {
        self.core.respond(Table::new(&mut self.memory), ticket, response, Clocks { now, utc }, buffer)
    }

    /// Marks the final response to this command as not yet published; `true` if it is kept until it can be.
    pub(crate) fn hold_back(&mut self, ticket: Ticket) -> bool {
        Table::new(&mut self.memory).hold_back(ticket)
    }

    /// The next slot from this one on whose final response was held back.
    pub(crate) fn next_held_back(&mut self, from: usize) -> Option<usize> {
        Table::new(&mut self.memory).unsent(from)
    }

    /// The response that was held back in this slot; `None` if it can't be written.
    pub(crate) fn held_back<'b>(
        &mut self,
        slot: usize,
        now: Instant,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Option<Outgoing<'b>> {
        self.core.held_back(&Table::new(&mut self.memory), slot, Clocks { now, utc }, buffer)
    }

    /// Notes that the response held back in this slot was published, or never will be.
    pub(crate) fn settle(&mut self, slot: usize) {
        Table::new(&mut self.memory).settle(slot);
    }

    /// Answers 400 without the `request_id`, if the identifier is why a response of `need` bytes has no room.
    pub(crate) fn without_identifier<'i, 'b>(
        &self,
        received: &Received<'i>,
        need: usize,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Option<(Outgoing<'b>, Verdict<'i>)> {
        self.core.without_identifier(received, need, Clocks { now: Instant::from_millis(0), utc }, buffer)
    }

    /// Forgets a command that will never be answered. Should its request come again, it is executed.
    pub fn abandon(&mut self, ticket: Ticket) -> Result<(), ConsumerRefused> {
        match Table::new(&mut self.memory).running(ticket) {
            Some(slot) => {
                slot.free();
                Ok(())
            }
            None => Err(ConsumerRefused::NoSuchTicket),
        }
    }

    /// Writes a notification. What is to be published comes in `buffer`, topic and payload; `utc` is the moment in milliseconds
    /// since 1970-01-01T00:00Z, if known. Nothing is remembered of it.
    pub fn notify<'b>(
        &self,
        notification: &Notification<'_>,
        utc: Option<u64>,
        buffer: &'b mut [u8],
    ) -> Result<Outgoing<'b>, ConsumerRefused> {
        let Core { declaration, policy, .. } = &self.core;
        let sending = Sending { scheme: &policy.scheme, quality: policy.quality, language: policy.reading.language };
        notification.write(declaration.id, sending, utc, buffer)
    }

    /// How full the memory is.
    pub fn figures(&mut self, now: Instant) -> ConsumerFigures {
        let [running, answered, free] = Table::new(&mut self.memory).figures(now);
        let forgotten = &self.core.forgotten;
        ConsumerFigures { running, answered, free, pushed_out: forgotten.count, held: forgotten.held }
    }

    /// The command of this identifier that is being carried out for this sender, to cancel it or to tell how it goes.
    /// Without a `command_id` of its own, a command has its `request_id` (LS1 s3.3.1).
    pub fn find(&mut self, from: &str, command_id: &str) -> Option<Ticket> {
        Table::new(&mut self.memory).find_command(from, command_id)
    }

    /// How many commands are being carried out.
    pub fn running(&mut self) -> usize {
        Table::new(&mut self.memory).unfinished().count()
    }

    /// Calls `each` with every command that is being carried out: its ticket, who asked for it, and its identifier, the
    /// `command_id` or else the `request_id`. After an import these are the ones that the last process did not finish.
    pub fn unfinished(&mut self, mut each: impl FnMut(Ticket, &str, &str)) {
        for (ticket, _, parts) in Table::new(&mut self.memory).unfinished() {
            each(ticket, parts.from, if parts.command.is_empty() { parts.id } else { parts.command });
        }
    }

    /// Writes what is remembered into `buffer`, for a process that is to go on where this one ends; gives the length, at
    /// most [`ConsumerMemory::EXPORT`]. `utc` is the moment, if known.
    pub fn export(&mut self, now: Instant, utc: Option<u64>, buffer: &mut [u8]) -> Result<usize, ExportError> {
        self.core.export(&Table::new(&mut self.memory), Clocks { now, utc }, buffer)
    }

    /// Takes up what an earlier process exported, before anything else is done with this Consumer. If `utc` is known here and
    /// was at the export, requests are forgotten when the earlier process would have forgotten them. Else they are remembered
    /// longer, by the time in which no process ran. Commands that were being carried out still are: see
    /// [`unfinished`](Self::unfinished).
    ///
    /// The bytes are protected against accidents, not against an attacker.
    pub fn import(&mut self, bytes: &[u8], now: Instant, utc: Option<u64>) -> Result<(), ImportError> {
        self.core.import(Table::new(&mut self.memory), bytes, Clocks { now, utc })
    }
}
