//! Publishing: who waits for room, and who for an acknowledgement.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::sync::Arc;

use mqtt5_codec::{Delivery, PacketId, Publish, QoS, ReasonCode, Sender, TopicRef};
use mqtt5_session::{Publication, Refused};

use crate::error::HostError;
use crate::message::Outbound;
use crate::options::Offline;
use crate::slot::Slot;
use crate::state::{Pending, State, User};

/// What became of a message that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The server has answered, with this reason code: below 0x80 it has taken the message.
    Acknowledged(ReasonCode),
    /// At QoS 0 there is no answer: it was queued for the connection.
    Queued,
    /// The rest of the exchange was forbidden by the limits of a new connection: the message may have arrived or not.
    Unconfirmed,
    /// The session ended, on the server's side or on ours, before an answer came: the message may have arrived or not.
    SessionLost,
    /// The client ended before an answer came.
    Closed,
}

impl Outcome {
    /// Whether the server has taken the message, or at QoS 0 whether it was sent off.
    ///
    /// Packet Identifier not found (0x92) is no failure: it comes when a connection was lost in mid-exchange, of a message
    /// that the server had taken before (section 3.7.2.1).
    #[must_use]
    pub fn is_success(&self) -> bool {
        match self {
            Self::Acknowledged(reason) => !reason.is_error() || *reason == ReasonCode::PACKET_IDENTIFIER_NOT_FOUND,
            Self::Queued => true,
            _ => false,
        }
    }
}

/// Why something that was asked for is not done. It has changed nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// A statement of the standard, or a limit that the server stated, forbids it.
    #[error("{0}")]
    Refused(#[source] Refused),
    /// The packet is larger than the memory for what is sent: it would never fit.
    #[error("a packet of {need} bytes does not fit into {most} bytes of memory")]
    TooLarge {
        /// The length of the packet, in bytes.
        need: usize,
        /// What is there for packets, in bytes.
        most: usize,
    },
    /// There is no room now.
    #[error("there is no room now")]
    Full,
    /// There is no connection, and the options say that nothing waits for one.
    #[error("there is no connection")]
    NotConnected,
    /// This client has a subscription with this filter: a server knows no second one.
    #[error("{0:?} is subscribed to already")]
    Subscribed(Box<str>),
    /// The server granted none of the filters, for these reasons.
    #[error("the server grants no filter: {}", names(.0))]
    Denied(Box<[ReasonCode]>),
    /// The client is being closed, or has ended; with an error, if it did not end by itself.
    #[error("the client is closed{}", because(.0.as_deref()))]
    Closed(Option<Box<HostError>>),
}

fn names(reasons: &[ReasonCode]) -> String {
    let names: Vec<String> =
        reasons.iter().map(|reason| format!("{} (0x{:02X})", reason.name(), reason.value())).collect();
    names.join(", ")
}

fn because(error: Option<&HostError>) -> String {
    error.map_or_else(String::new, |error| format!(": {error}"))
}

/// Those who wait for room, the first one first.
#[derive(Debug, Default)]
pub(crate) struct Publishers {
    queue: VecDeque<(u64, Waker)>,
    tickets: u64,
    /// Whether the first one waits for memory, which what is written gives back.
    short: bool,
}

impl Publishers {
    /// Has the first one try again.
    pub(crate) fn next(&mut self, wake: &mut Vec<Waker>) {
        self.short = false;
        wake.extend(self.queue.front().map(|(_, waker)| waker.clone()));
    }

    /// Whether anyone waits.
    pub(crate) fn wait_for_room(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether the first one waits for memory.
    pub(crate) const fn is_short(&self) -> bool {
        self.short
    }

    pub(crate) fn wake_all(&self, wake: &mut Vec<Waker>) {
        wake.extend(self.queue.iter().map(|(_, waker)| waker.clone()));
    }

    fn is_turn_of(&self, ticket: Option<u64>) -> bool {
        self.queue.front().is_none_or(|(first, _)| Some(*first) == ticket)
    }

    fn place(&self, ticket: u64) -> Option<usize> {
        self.queue.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()
    }

    /// Waits, behind those who wait already.
    fn wait(&mut self, ticket: &mut Option<u64>, waker: &Waker) {
        let place = ticket.and_then(|ticket| self.place(ticket));
        if let Some((_, old)) = place.and_then(|place| self.queue.get_mut(place)) {
            old.clone_from(waker);
            return;
        }
        self.tickets += 1;
        *ticket = Some(self.tickets);
        self.queue.push_back((self.tickets, waker.clone()));
    }

    /// Waits no more, and lets the next one try.
    fn leave(&mut self, ticket: &mut Option<u64>, wake: &mut Vec<Waker>) {
        if let Some(place) = ticket.take().and_then(|ticket| self.place(ticket)) {
            self.queue.remove(place);
            if place == 0 {
                self.next(wake);
            }
        }
    }
}

impl State {
    /// Publishes, if there is room now.
    fn publish(&mut self, mut publication: Publication<'_>) -> Result<Acknowledgement, RequestError> {
        self.is_open()?;
        let online = self.session.is_connected();
        publication.hold = !online || publication.qos != QoS::AtMostOnce;
        if !online {
            self.may_wait(&publication)?;
        }
        if publication.qos != QoS::AtMostOnce && self.publishing >= self.options.in_flight.into() {
            return Err(RequestError::Full);
        }
        let result = match self.session.publish(&publication) {
            Ok(id) => id,
            Err(Refused::Bytes { need }) if need > self.options.send_bytes / 4 * 3 => {
                return Err(RequestError::TooLarge { need, most: self.options.send_bytes / 4 * 3 });
            }
            Err(Refused::Bytes { .. }) => {
                self.publishers.short = true;
                return Err(RequestError::Full);
            }
            // The connection is ending, though not by us: the next one may take it.
            Err(Refused::Exchanges { .. } | Refused::ReceiveMaximum | Refused::Closing) => {
                return Err(RequestError::Full);
            }
            Err(refused) => return Err(RequestError::Refused(refused)),
        };
        self.rouse();
        Ok(Acknowledgement(match result {
            Some(id) => Awaited::Slot(self.await_answer(id)),
            None => Awaited::Queued,
        }))
    }

    fn await_answer(&mut self, id: PacketId) -> Arc<Slot<Outcome>> {
        let slot = Arc::new(Slot::new());
        self.pending.insert(id, Pending::Publish(Arc::clone(&slot)));
        self.publishing += 1;
        slot
    }

    pub(crate) fn is_open(&self) -> Result<(), RequestError> {
        match (&self.end, self.closing) {
            (Some(end), _) => Err(RequestError::Closed(end.0.clone().map(Box::new))),
            (None, Some(_)) => Err(RequestError::Closed(None)),
            (None, None) => Ok(()),
        }
    }

    /// Whether there is room for what waits for a connection.
    fn may_wait(&self, publication: &Publication<'_>) -> Result<(), RequestError> {
        let Offline::Queue { bytes } = self.options.offline else { return Err(RequestError::NotConnected) };
        // Any identifier is as long.
        let delivery = match (publication.qos, PacketId::new(1)) {
            (QoS::AtMostOnce, _) | (_, None) => Delivery::AtMostOnce,
            (_, Some(id)) => Delivery::AtLeastOnce { id, dup: false },
        };
        let &Publication { topic, payload, retain, properties, .. } = publication;
        let packet = Publish { topic: TopicRef::Name(topic), delivery, retain, properties, payload };
        // What can't be encoded is refused by the session, which says why.
        let need = packet.encoded_len(Sender::Client).map_or(0, |len| len.saturating_add(12).next_multiple_of(16));
        let held = self.session.figures(self.now()).bytes_held;
        if need > bytes {
            Err(RequestError::TooLarge { need, most: bytes })
        } else if held.saturating_add(need) > bytes {
            Err(RequestError::Full)
        } else {
            Ok(())
        }
    }
}

/// A message on its way into the session. Dropped before it is ready, it has not been published.
#[must_use = "nothing is published before this is awaited"]
pub struct Publishing<'a, P> {
    user: &'a User,
    message: Outbound<'a, P>,
    ticket: Option<u64>,
}

impl<'a, P> Publishing<'a, P> {
    pub(crate) const fn new(user: &'a User, message: Outbound<'a, P>) -> Self {
        Self { user, message, ticket: None }
    }
}

impl<P> Unpin for Publishing<'_, P> {}

impl<P: AsRef<[u8]>> Future for Publishing<'_, P> {
    type Output = Result<Acknowledgement, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { user, message, ticket } = &mut *self;
        let done = message.lend(|publication| {
            user.with(|state| {
                let turn = state.publishers.is_turn_of(*ticket) || state.is_open().is_err();
                match if turn { state.publish(publication) } else { Err(RequestError::Full) } {
                    Err(RequestError::Full) => {
                        state.publishers.wait(ticket, context.waker());
                        Poll::Pending
                    }
                    done => {
                        state.publishers.leave(ticket, &mut state.wake);
                        Poll::Ready(done)
                    }
                }
            })
        });
        done.unwrap_or_else(|rule| Poll::Ready(Err(RequestError::Refused(Refused::Rule(rule)))))
    }
}

impl<P> Drop for Publishing<'_, P> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.user.with(|state| state.publishers.leave(&mut self.ticket, &mut state.wake));
        }
    }
}

impl<P> fmt::Debug for Publishing<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publishing").field("topic", &self.message.topic).finish_non_exhaustive()
    }
}

/// Publishes now or not at all.
pub(crate) fn try_publish<P: AsRef<[u8]>>(
    user: &User,
    message: &Outbound<'_, P>,
) -> Result<Acknowledgement, RequestError> {
    let done = message.lend(|publication| {
        user.with(|state| {
            // Nobody goes before those who wait.
            if state.publishers.is_turn_of(None) { state.publish(publication) } else { Err(RequestError::Full) }
        })
    });
    done.unwrap_or_else(|rule| Err(RequestError::Refused(Refused::Rule(rule))))
}

#[derive(Debug)]
enum Awaited {
    Queued,
    Slot(Arc<Slot<Outcome>>),
}

/// What becomes of a published message, once that is known. Dropping it cancels nothing.
#[must_use = "the message is on its way whether this is awaited or not; drop it to say that its fate does not matter"]
#[derive(Debug)]
pub struct Acknowledgement(Awaited);

impl Future for Acknowledgement {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        match &self.0 {
            Awaited::Queued => Poll::Ready(Outcome::Queued),
            Awaited::Slot(slot) => slot.poll(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_has_taken_is_a_success() {
        assert!(Outcome::Acknowledged(ReasonCode::NO_MATCHING_SUBSCRIBERS).is_success());
        assert!(Outcome::Acknowledged(ReasonCode::PACKET_IDENTIFIER_NOT_FOUND).is_success());
        assert!(!Outcome::Acknowledged(ReasonCode::QUOTA_EXCEEDED).is_success());
        assert!(!Outcome::SessionLost.is_success());
    }
}
