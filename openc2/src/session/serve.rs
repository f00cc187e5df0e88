//! A Consumer on a session.

use mqtt5_session::{Client, Event, Instant, Memory, Refused};

use super::JoinError;
use super::joining::{Joining, Step};
use crate::command::Command;
use crate::consumer::{Consumer, ConsumerStore, Ignored, Reaction, Ticket};
use crate::error::Error;
use crate::message::Headers;
use crate::notification::Notification;
use crate::raw::Raw;
use crate::response::{Response, Status};
use crate::transfer::{Received, Verdict};

/// A [`Consumer`] on a session: it subscribes to its topics, takes commands, and publishes what it answers. It does no I/O: a
/// host gives it each event of the session, and carries out [`Served::Command`].
///
/// A response that the session has no room for is an error, and not sent; but it is kept, so a Producer that asks again under the
/// same `request_id` gets it. The session needs room for as many responses as commands may come before the server acknowledges
/// the first.
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
        /// What stands for the command from now on.
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
    /// The event asks for nothing of the host: it is the session's, or one of several SUBACKs.
    Nothing,
}

impl<'d, M: ConsumerStore> Serve<'d, M> {
    /// A Consumer that writes each response, topic and payload, into `buffer`; the topics of one SUBSCRIBE, of up to eight
    /// filters, have to fit there too.
    pub const fn new(consumer: Consumer<'d, M>, buffer: &'d mut [u8]) -> Self {
        Self { consumer, joining: Joining::NEW, buffer }
    }

    /// The Consumer: to export its state, to find a command, to see how its memory does.
    pub const fn consumer(&mut self) -> &mut Consumer<'d, M> {
        &mut self.consumer
    }

    /// Whether all subscriptions are granted.
    pub fn is_ready(&self) -> bool {
        self.joining.is_ready()
    }

    /// Takes an event of the session. `utc` is the moment in milliseconds since 1970-01-01T00:00Z, if the host knows it.
    ///
    /// # Errors
    /// The server doesn't grant a subscription; or a message could not be answered, see above. The Consumer goes on.
    pub fn handle<'i, S: Memory>(
        &mut self,
        event: &Event<'i>,
        client: &mut Client<S>,
        now: Instant,
        utc: Option<u64>,
    ) -> Result<Served<'i>, JoinError> {
        let Event::Message(incoming) = event else {
            let (channels, scheme) = (self.consumer.channels(), self.consumer.policy().scheme);
            let step = self.joining.handle(event, client, channels, &scheme, self.buffer)?;
            return Ok(if step == Step::Ready { Served::Ready } else { Served::Nothing });
        };
        Ok(match self.consumer.handle(&Received::from(incoming), now, utc, self.buffer)? {
            Reaction::Execute { ticket, command, headers, reply, verdict } => {
                // A lost acknowledgement must not lose the command.
                let unsent = reply.and_then(|reply| client.publish(&reply.message()).err());
                Served::Command { ticket, command, headers, unsent, verdict }
            }
            Reaction::Reply { reply, status, error, verdict, .. } => {
                client.publish(&reply.message())?;
                Served::Answered { status, error, verdict }
            }
            Reaction::Notification { content, headers, verdict } => Served::Notification { content, headers, verdict },
            Reaction::Ignored { why, verdict } => Served::Ignored { why, verdict },
        })
    }

    /// Tells how a command goes: 102 as often as it takes, then one final status. What the Producer wants to hear of it is
    /// published.
    pub fn respond<S: Memory>(
        &mut self,
        ticket: Ticket,
        response: &Response<'_>,
        client: &mut Client<S>,
        now: Instant,
        utc: Option<u64>,
    ) -> Result<(), JoinError> {
        if let Some(reply) = self.consumer.respond(ticket, response, now, utc, self.buffer)? {
            client.publish(&reply.message())?;
        }
        Ok(())
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
