//! A client with a thread of its own: what it is asked for, in calls that block.

mod builder;
mod run;

use core::future::Future;
use core::time::Duration;
use std::time::Instant;

use mqtt5_codec::ReasonCode;
use mqtt5_host::{Filters, HostError, HostEvent, Inbound, Outbound, Outcome, RequestError, wait, wait_until};

pub use builder::{Builder, open};

/// Waits so long, or for ever where that is beyond the end of time.
fn within_time<F: Future>(within: Duration, future: F) -> Option<F::Output> {
    match Instant::now().checked_add(within) {
        Some(deadline) => wait_until(deadline, future),
        None => Some(wait(future)),
    }
}

/// A client, for any number of threads: clones are the same one. When the last of them, of its subscriptions and its events is
/// gone, it says goodbye to the server.
#[derive(Clone, Debug)]
pub struct Handle(mqtt5_host::Handle);

impl Handle {
    /// Publishes a message. Returns when it has been accepted into the client's memory, which may take until there is room: that
    /// is the backpressure. What the server says to it is told by the [`Acknowledgement`].
    ///
    /// # Errors
    /// [`RequestError`], and nothing has been published.
    pub fn publish<P: AsRef<[u8]>>(&self, message: Outbound<'_, P>) -> Result<Acknowledgement, RequestError> {
        wait(self.0.publish(message)).map(Acknowledgement)
    }

    /// Publishes a message if there is room for it now. Never waits.
    ///
    /// # Errors
    /// [`RequestError::Full`] where [`publish`](Self::publish) would wait, and whatever that would fail with.
    pub fn try_publish<P: AsRef<[u8]>>(&self, message: &Outbound<'_, P>) -> Result<Acknowledgement, RequestError> {
        self.0.try_publish(message).map(Acknowledgement)
    }

    /// Subscribes. Returns with the messages, once the server has granted at least one filter; without a connection, that takes
    /// until there is one.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn subscribe(&self, filters: impl Into<Filters>) -> Result<Messages, RequestError> {
        wait(self.0.subscribe(filters)).map(Messages)
    }

    /// Closes the client: nothing more is accepted, what was published is given until then to be acknowledged, and the
    /// connection is ended in order.
    ///
    /// # Errors
    /// If messages were not acknowledged by then, or if the client had ended by an error.
    pub fn close(&self, within: Duration) -> Result<(), HostError> {
        wait(self.0.close(within))
    }

    /// Whether there is a connection now. It may be gone when this returns.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.is_connected()
    }

    /// The same client for code that awaits: its futures need no runtime.
    #[must_use]
    pub const fn asynchronous(&self) -> &mqtt5_host::Handle {
        &self.0
    }
}

/// The server's answer to a message that was published. Dropping it cancels nothing.
#[derive(Debug)]
pub struct Acknowledgement(mqtt5_host::Acknowledgement);

impl Acknowledgement {
    /// Waits for the answer: a reason code, or that nobody knows since the session was lost.
    #[must_use]
    pub fn wait(self) -> Outcome {
        wait(self.0)
    }

    /// Waits so long for it; without an answer, it may be waited for again.
    pub fn wait_for(&mut self, within: Duration) -> Option<Outcome> {
        within_time(within, &mut self.0)
    }
}

/// The messages of a subscription. As an iterator it waits for the next one, and ends with the client.
#[derive(Debug)]
pub struct Messages(mqtt5_host::Messages);

impl Messages {
    /// The next message; `None` if none comes so soon, or the client has ended.
    pub fn next_within(&mut self, within: Duration) -> Option<Inbound> {
        within_time(within, self.0.next()).flatten()
    }

    /// Unsubscribes, and gives the server's answer to each filter.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn unsubscribe(self) -> Result<Box<[ReasonCode]>, RequestError> {
        wait(self.0.unsubscribe())
    }
}

impl Iterator for Messages {
    type Item = Inbound;

    fn next(&mut self) -> Option<Inbound> {
        wait(self.0.next())
    }
}

/// What happens to a client. As an iterator it waits for the next event, and ends after [`HostEvent::Ended`].
#[derive(Debug)]
pub struct Events(mqtt5_host::Events);

impl Events {
    /// The next event; `None` if none comes so soon, or the client has ended.
    pub fn next_within(&mut self, within: Duration) -> Option<HostEvent> {
        within_time(within, self.0.next()).flatten()
    }
}

impl Iterator for Events {
    type Item = HostEvent;

    fn next(&mut self) -> Option<HostEvent> {
        wait(self.0.next())
    }
}
