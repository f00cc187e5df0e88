//! A Producer on a session.

use core::ops::ControlFlow;

use mqtt5_session::{Client, Event, Instant, Memory};

use super::JoinError;
use super::joining::{Joining, Step};
use crate::encoding::text::Str;
use crate::language::response::{Response, Status};
use crate::producer::{Heard, Producer, ProducerStore, Request, RequestId, TimedOut, uuid};
use crate::transfer::Notification;
use crate::transfer::Received;

/// A [`Producer`] on a session: it subscribes to the topics for responses, publishes requests, and tells what is answered. It
/// does no I/O: a host gives it each event of the session, and asks for what has timed out.
///
/// The crate's [front page](crate#a-producer) has an example.
#[derive(Debug)]
pub struct Call<'d, M> {
    producer: Producer<'d, M>,
    joining: Joining,
    buffer: &'d mut [u8],
}

/// What came of an event.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nothing can be boxed, and the response is read where it lies")]
pub enum Called<'i> {
    /// All subscriptions are granted: requests may go out from now on.
    Ready,
    /// A message came.
    Heard(Heard<'i>),
    /// The event asks for nothing of the host: it is the session's.
    Nothing,
}

impl<'d, M: ProducerStore> Call<'d, M> {
    /// A Producer that writes each request, topic and payload, into `buffer`; the topics to subscribe to have to fit there too.
    pub const fn new(producer: Producer<'d, M>, buffer: &'d mut [u8]) -> Self {
        Self { producer, joining: Joining::NEW, buffer }
    }

    /// The Producer: to export its state, to find or cancel a request, to see who answered.
    pub const fn producer(&mut self) -> &mut Producer<'d, M> {
        &mut self.producer
    }

    /// Whether all subscriptions are granted.
    pub fn is_ready(&self) -> bool {
        self.joining.is_ready()
    }

    /// Takes an event of the session.
    ///
    /// # Errors
    /// The server doesn't grant a subscription.
    pub fn handle<'i, S: Memory>(
        &mut self,
        event: &Event<'i>,
        client: &mut Client<S>,
        now: Instant,
    ) -> Result<Called<'i>, JoinError> {
        let Event::Message(incoming) = event else {
            let (channels, scheme) = (self.producer.channels(), self.producer.policy().scheme);
            let step = self.joining.handle(event, client, channels, &scheme, self.buffer, now)?;
            return Ok(if step == Step::Ready { Called::Ready } else { Called::Nothing });
        };
        Ok(Called::Heard(self.producer.handle(&Received::from(incoming), now)))
    }

    /// Publishes a command under a fresh `request_id`, made of 16 random bytes. `utc` is the moment in milliseconds since
    /// 1970-01-01T00:00Z, if the host knows it.
    ///
    /// # Errors
    /// [`JoinError::NotReady`] before [`Called::Ready`]; there is no room, in the Producer's memory, the buffer or the session.
    /// Then nothing is pending.
    pub fn request<S: Memory>(
        &mut self,
        request: &Request<'_>,
        random: [u8; 16],
        client: &mut Client<S>,
        now: Instant,
        utc: Option<u64>,
    ) -> Result<RequestId, JoinError> {
        if !self.is_ready() {
            return Err(JoinError::NotReady);
        }
        let (id, outgoing) = self.producer.request(request, random, now, utc, self.buffer)?;
        if let Err(refused) = client.publish(&outgoing.message()) {
            self.producer.forget(id);
            return Err(refused.into());
        }
        Ok(id)
    }

    /// Runs one request from beginning to end; it is called with each event. Once the subscriptions are granted it publishes
    /// the request, under a `request_id` made of `random`. It calls `each` with every response. When all expected responses
    /// have come, it breaks with the status of the last. (A request with [`Expect::Unknown`](crate::producer::Expect::Unknown)
    /// ends only at the host's deadline.)
    ///
    /// # Errors
    /// Breaks with what [`handle`](Self::handle) and [`request`](Self::request) refuse, and with [`JoinError::Answer`] if the last
    /// answer breaks the language.
    #[expect(clippy::too_many_arguments, reason = "it is one step for what else are several")]
    pub fn ask<'i, S: Memory>(
        &mut self,
        request: &Request<'_>,
        random: [u8; 16],
        event: &Event<'i>,
        client: &mut Client<S>,
        now: Instant,
        utc: Option<u64>,
        mut each: impl FnMut(Str<'i>, &Response<'i>),
    ) -> ControlFlow<Result<Status, JoinError>> {
        let heard = match self.handle(event, client, now) {
            Ok(Called::Heard(heard)) => heard,
            Ok(Called::Ready) if self.asked(random).is_none() => {
                return match self.request(request, random, client, now, utc) {
                    Ok(_) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(Err(error)),
                };
            }
            Ok(_) => return ControlFlow::Continue(()),
            Err(error) => return ControlFlow::Break(Err(error)),
        };
        match heard {
            Heard::Response { request, from, response, complete, .. } if self.asked(random) == Some(request) => {
                each(from, &response);
                if complete { ControlFlow::Break(Ok(response.status)) } else { ControlFlow::Continue(()) }
            }
            Heard::Malformed { request, error, complete: true, .. } if self.asked(random) == Some(request) => {
                ControlFlow::Break(Err(JoinError::Answer(error)))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// The request that was made of these random bytes.
    fn asked(&mut self, random: [u8; 16]) -> Option<RequestId> {
        self.producer.find(core::str::from_utf8(&uuid(random)).ok()?)
    }

    /// Publishes a notification.
    pub fn notify<S: Memory>(
        &mut self,
        notification: &Notification<'_>,
        client: &mut Client<S>,
        utc: Option<u64>,
    ) -> Result<(), JoinError> {
        let outgoing = self.producer.notify(notification, utc, self.buffer)?;
        client.publish(&outgoing.message())?;
        Ok(())
    }

    /// When the next request's time is over.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        self.producer.poll_timeout()
    }

    /// One request whose time is over; call it again until there is none.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<TimedOut> {
        self.producer.handle_timeout(now)
    }
}
