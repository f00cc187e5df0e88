//! A Consumer on a session.

use mqtt5_codec::PacketId;
use mqtt5_session::{Client, Event, Instant, Memory, Refused};

use super::joining::{Joining, Step};
use super::{JoinError, may_pass};
use crate::consumer::{Consumer, ConsumerRefused, ConsumerStore, Ignored, Reaction, Ticket};
use crate::encoding::error::{EncodeError, Error};
use crate::encoding::raw::Raw;
use crate::language::command::Command;
use crate::language::message::Headers;
use crate::language::response::{Response, Status};
use crate::transfer::Notification;
use crate::transfer::{Received, Verdict};

/// A [`Consumer`] on a session: it subscribes to its topics, takes commands, and publishes what it answers. It does no I/O: a
/// host gives it each event of the session, and carries out [`Served::Command`].
///
/// What a sender does never ends a Consumer. A final response for which the session has no exchange or no memory is held back,
/// and published at a later event that finds room. Until then its place in the [memory](crate::consumer#memory) is not given to
/// another request. A response that is not remembered, such as the answer to a query or a refusal, is not held back:
/// [`Served::Unanswered`] reports it.
///
/// The crate's [front page](crate#a-consumer) has an example.
#[derive(Debug)]
pub struct Serve<'d, M> {
    consumer: Consumer<'d, M>,
    joining: Joining,
    buffer: &'d mut [u8],
}

/// What came of an event.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nothing can be boxed, and the command is read where it lies")]
pub enum Served<'i> {
    /// All subscriptions are granted: commands come from now on.
    Ready,
    /// The host is to carry out a command, and to tell how it goes by [`Serve::respond`]. If an acknowledgement was asked for,
    /// it is published.
    Command {
        /// Identifies the command from now on.
        ticket: Ticket,
        /// The command.
        command: Command<'i>,
        /// Its headers.
        headers: Headers<'i>,
        /// Why the acknowledgement that was asked for could not be published.
        unsent: Option<Refused>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// A message was answered without the host: a query, a command that can't be carried out, or one that came before.
    Answered {
        /// The status of the response.
        status: Status,
        /// What was wrong with the message itself.
        error: Option<Error>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// A notification came.
    Notification {
        /// What it says.
        content: Raw<'i>,
        /// Its headers.
        headers: Headers<'i>,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// A message was passed over.
    Ignored {
        /// Why.
        why: Ignored,
        /// What was wrong with the PUBLISH, and what was forgiven.
        verdict: Verdict<'i>,
    },
    /// A message was to be answered without the host, but the answer has no room in the buffer or in the session. Nothing is
    /// wrong with the Consumer.
    #[non_exhaustive]
    Unanswered {
        /// Why not.
        why: JoinError,
    },
    /// The event asks for nothing of the host: it is the session's, or one of several SUBACKs.
    Nothing,
}

impl<'d, M: ConsumerStore> Serve<'d, M> {
    /// A Consumer that writes each response, topic and payload, into `buffer`; the topics of one SUBSCRIBE, of up to eight
    /// filters, have to fit there too.
    pub const fn new(consumer: Consumer<'d, M>, buffer: &'d mut [u8]) -> Self {
        Self { consumer, joining: Joining::NEW, buffer }
    }

    /// The Consumer: to export its state, to find a command, to see how full its memory is.
    pub const fn consumer(&mut self) -> &mut Consumer<'d, M> {
        &mut self.consumer
    }

    /// Whether all subscriptions are granted.
    pub fn is_ready(&self) -> bool {
        self.joining.is_ready()
    }

    /// Takes an event of the session. `utc` is the moment in milliseconds since 1970-01-01T00:00Z, if the host knows it.
    ///
    /// If a `request_id` is so long that no answer to it has room in the buffer, the request is answered 400 without it.
    ///
    /// # Errors
    /// The Consumer can't subscribe to its topics: the server doesn't grant one, or there is no room for them. No message is an
    /// error.
    pub fn handle<'i, S: Memory>(
        &mut self,
        event: &Event<'i>,
        client: &mut Client<S>,
        now: Instant,
        utc: Option<u64>,
    ) -> Result<Served<'i>, JoinError> {
        let Event::Message(incoming) = event else {
            let (channels, scheme) = (self.consumer.channels(), self.consumer.policy().scheme);
            let step = self.joining.handle(event, client, channels, &scheme, self.buffer, now)?;
            self.catch_up(client, now, utc);
            return Ok(if step == Step::Ready { Served::Ready } else { Served::Nothing });
        };
        self.catch_up(client, now, utc);
        let received = Received::from(incoming);
        let reaction = match self.consumer.handle(&received, now, utc, self.buffer) {
            Ok(reaction) => reaction,
            Err(refused) => return Ok(self.refuse(&received, refused, client, utc)),
        };
        Ok(match reaction {
            Reaction::Execute { ticket, command, headers, reply, verdict } => {
                // A lost acknowledgement must not lose the command.
                let unsent = reply.and_then(|reply| client.publish(&reply.message()).err());
                Served::Command { ticket, command, headers, unsent, verdict }
            }
            Reaction::Reply { reply, status, error, verdict, .. } => {
                answered(client.publish(&reply.message()), Served::Answered { status, error, verdict })
            }
            Reaction::Notification { content, headers, verdict } => Served::Notification { content, headers, verdict },
            Reaction::Ignored { why, verdict } => Served::Ignored { why, verdict },
        })
    }

    /// Tells how a command goes: 102 as often as it takes, then one final status. What the Producer wants to hear of it is
    /// published; a final response for which the session has no room now is published later.
    ///
    /// # Errors
    /// The response breaks a rule, or the buffer is too small for it: then nothing has changed, and the command is still to be
    /// answered. Or the session refuses the response: a 102 for which there is no room now, or one that is too large for the
    /// server. Then it is lost, and the Consumer goes on.
    pub fn respond<S: Memory>(
        &mut self,
        ticket: Ticket,
        response: &Response<'_>,
        client: &mut Client<S>,
        now: Instant,
        utc: Option<u64>,
    ) -> Result<(), JoinError> {
        let Some(reply) = self.consumer.respond(ticket, response, now, utc, self.buffer)? else { return Ok(()) };
        let Err(refused) = client.publish(&reply.message()) else { return Ok(()) };
        let later = !response.status.is_interim() && may_pass(refused, client, now);
        if later && self.consumer.hold_back(ticket) { Ok(()) } else { Err(refused.into()) }
    }

    /// Publishes what was held back, as far as there is room; subscriptions come first.
    fn catch_up<S: Memory>(&mut self, client: &mut Client<S>, now: Instant, utc: Option<u64>) {
        if !self.is_ready() {
            return;
        }
        let mut from = 0;
        while let Some(slot) = self.consumer.next_held_back(from) {
            from = slot.saturating_add(1);
            let reply = self.consumer.held_back(slot, now, utc, self.buffer);
            match reply.map(|reply| client.publish(&reply.message())) {
                Some(Err(refused)) if may_pass(refused, client, now) => return,
                _ => self.consumer.settle(slot),
            }
        }
    }

    /// A message to which no answer can be written: it is told so, if its identifier is why.
    #[cold]
    fn refuse<'i, S: Memory>(
        &mut self,
        received: &Received<'i>,
        refused: ConsumerRefused,
        client: &mut Client<S>,
        utc: Option<u64>,
    ) -> Served<'i> {
        if let ConsumerRefused::Encode(EncodeError::Full { need }) = refused
            && let Some((reply, verdict)) = self.consumer.without_identifier(received, need, utc, self.buffer)
        {
            let served = Served::Answered { status: Status::BadRequest, error: None, verdict };
            return answered(client.publish(&reply.message()), served);
        }
        Served::Unanswered { why: refused.into() }
    }

    /// Publishes a notification.
    pub fn notify<S: Memory>(
        &mut self,
        notification: &Notification<'_>,
        client: &mut Client<S>,
        utc: Option<u64>,
    ) -> Result<(), JoinError> {
        let outgoing = self.consumer.notify(notification, utc, self.buffer)?;
        client.publish(&outgoing.message())?;
        Ok(())
    }
}

/// This, unless it could not be published.
fn answered<'i>(published: Result<Option<PacketId>, Refused>, served: Served<'i>) -> Served<'i> {
    match published {
        Ok(_) => served,
        Err(refused) => Served::Unanswered { why: refused.into() },
    }
}
