//! What happens to a client beside what it asked for.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use futures_core::Stream;
use mqtt5_codec::{ConnAck, Property, ReasonCode};

use crate::error::HostError;
use crate::received::{Inbound, Parcel};
use crate::state::{State, User};

/// How many events wait to be taken, messages not counted; the oldest gives way.
const MOST: usize = 256;

/// Something that happened to a client.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostEvent {
    /// An attempt to connect begins.
    Connecting {
        /// The first one is 1.
        attempt: u64,
        /// Where.
        place: Arc<str>,
    },
    /// The server accepted the connection.
    Connected(Accepted),
    /// A connection ended, or did not come about.
    Disconnected {
        /// Why.
        error: HostError,
        /// How long the next attempt waits.
        retry_in: Duration,
    },
    /// A message came for none of our subscriptions: for one of an earlier process, most likely.
    Message(Inbound),
    /// So many messages of QoS 0 were dropped, since nobody took those before them.
    Dropped(u64),
    /// When it was asked for again, the server did not grant a subscription, for these reasons; below 0x80 it did.
    SubscriptionDenied(Vec<(Box<str>, ReasonCode)>),
    /// The client has ended; with an error, if it was not closed. Nothing follows.
    Ended(Option<HostError>),
}

/// What a server says when it accepts a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Whether the session goes on: what was under way is resumed. Otherwise it is lost, and subscriptions are asked for again.
    pub resumed: bool,
    /// The client identifier that the server assigned.
    pub assigned_client_id: Option<String>,
    /// The keep-alive interval that the server demands, in seconds.
    pub server_keep_alive: Option<u16>,
    /// Where this client may receive responses, if it asked.
    pub response_information: Option<String>,
    /// Names and values of the server's own.
    pub user_properties: Vec<(String, String)>,
}

impl HostEvent {
    pub(crate) fn connected(resumed: bool, packet: &ConnAck<'_>) -> Self {
        let mut accepted = Accepted {
            resumed,
            assigned_client_id: None,
            server_keep_alive: None,
            response_information: None,
            user_properties: Vec::new(),
        };
        for property in packet.properties.iter() {
            match property {
                Property::AssignedClientIdentifier(id) => accepted.assigned_client_id = Some(id.as_str().to_owned()),
                Property::ServerKeepAlive(seconds) => accepted.server_keep_alive = Some(seconds),
                Property::ResponseInformation(text) => accepted.response_information = Some(text.as_str().to_owned()),
                Property::UserProperty(name, value) => {
                    accepted.user_properties.push((name.as_str().to_owned(), value.as_str().to_owned()));
                }
                _ => {}
            }
        }
        Self::Connected(accepted)
    }
}

enum Queued {
    Event(HostEvent),
    Message(Parcel),
}

/// Events that wait to be taken.
pub(crate) struct EventQueue {
    queue: VecDeque<Queued>,
    /// How many of them are no messages.
    events: usize,
    /// Messages dropped since that was told.
    dropped: u64,
    reader: Option<Waker>,
    open: bool,
}

impl Default for EventQueue {
    fn default() -> Self {
        Self { queue: VecDeque::new(), events: 0, dropped: 0, reader: None, open: true }
    }
}

impl EventQueue {
    pub(crate) fn wake(&mut self, wake: &mut Vec<Waker>) {
        wake.extend(self.reader.take());
    }

    /// Puts a message among the events; gives it back if nobody takes those.
    pub(crate) fn push_message(&mut self, parcel: Parcel, wake: &mut Vec<Waker>) -> Option<Parcel> {
        if !self.open {
            return Some(parcel);
        }
        self.queue.push_back(Queued::Message(parcel));
        self.wake(wake);
        None
    }

    /// Keeps of the messages what is said to be kept. How many bytes of that are to be acknowledged.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Parcel) -> bool) -> usize {
        let mut heavy = 0;
        self.queue.retain(|queued| match queued {
            Queued::Message(parcel) if keep(parcel) => {
                heavy += parcel.heavy();
                true
            }
            Queued::Message(_) => false,
            Queued::Event(_) => true,
        });
        heavy
    }
}

impl State {
    /// Tells what happened.
    pub(crate) fn report(&mut self, event: HostEvent) {
        let events = &mut self.events;
        if !events.open {
            return;
        }
        if events.events >= MOST {
            let oldest = events.queue.iter().position(|queued| matches!(queued, Queued::Event(_)));
            oldest.and_then(|oldest| events.queue.remove(oldest));
        } else {
            events.events += 1;
        }
        events.queue.push_back(Queued::Event(event));
        events.wake(&mut self.wake);
    }

    /// A message of QoS 0 has no room.
    pub(crate) fn drop_one(&mut self) {
        self.events.dropped = self.events.dropped.saturating_add(1);
        self.events.wake(&mut self.wake);
    }
}

/// What happens to a client, a [`Stream`]. Whoever does not care drops it; what nobody takes is bounded: of events the
/// oldest give way, messages wait as those of subscriptions do.
pub struct Events(User);

impl Events {
    pub(crate) const fn new(user: User) -> Self {
        Self(user)
    }

    /// Takes the next event, or says who waits for it. `None` after [`HostEvent::Ended`].
    pub fn poll_take(&mut self, context: &mut Context<'_>) -> Poll<Option<HostEvent>> {
        self.0.with(|state| {
            if state.events.dropped > 0 {
                return Poll::Ready(Some(HostEvent::Dropped(core::mem::take(&mut state.events.dropped))));
            }
            match state.events.queue.pop_front() {
                Some(Queued::Event(event)) => {
                    state.events.events -= 1;
                    Poll::Ready(Some(event))
                }
                Some(Queued::Message(parcel)) => {
                    Poll::Ready(Some(HostEvent::Message(state.hand_out(parcel, self.0.shared()))))
                }
                None if state.end.is_some() => Poll::Ready(None),
                None => {
                    state.events.reader = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }

    /// The next event; `None` after [`HostEvent::Ended`]. Dropped before it is ready, it has taken nothing.
    #[expect(clippy::should_implement_trait, reason = "the name that every stream has for it")]
    pub fn next(&mut self) -> impl Future<Output = Option<HostEvent>> + Send + '_ {
        poll_fn(|context| self.poll_take(context))
    }
}

impl Stream for Events {
    type Item = HostEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<HostEvent>> {
        self.get_mut().poll_take(context)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.0.with(|state| {
            state.events.open = false;
            state.events.events = 0;
            for queued in core::mem::take(&mut state.events.queue) {
                if let Queued::Message(parcel) = queued {
                    state.discard(&parcel);
                }
            }
        });
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
