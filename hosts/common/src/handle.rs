//! The handle of a client: cheap to clone, for any number of tasks and threads.

use core::fmt;
use core::future::Future;
use core::task::Poll;
use core::time::Duration;

use mqtt5_codec::ReasonCode;

use crate::error::{Cause, HostError, Step};
use crate::message::Outbound;
use crate::messages::{Filters, Subscribing};
use crate::publish::{Acknowledgement, Publishing, RequestError, try_publish};
use crate::state::{AuthStep, User, Watching};

/// A client, for whoever publishes and subscribes. Clones are the same client; when the last of them, of its subscriptions and
/// its events is gone, it says goodbye to the server.
///
/// Its futures need no runtime: [`wait`](crate::wait) is enough.
#[derive(Clone)]
pub struct Handle(User);

impl Handle {
    pub(crate) const fn new(user: User) -> Self {
        Self(user)
    }

    /// Publishes a message. Resolves when the message has been accepted into the client's memory, in the order of those who
    /// wait for room: that is the backpressure. What the server says to it is told by the [`Acknowledgement`].
    ///
    /// Dropped before it is ready, it has published nothing.
    pub fn publish<'a, P: AsRef<[u8]>>(&'a self, message: Outbound<'a, P>) -> Publishing<'a, P> {
        Publishing::new(&self.0, message)
    }

    /// Publishes a message if there is room for it now. Never waits.
    ///
    /// # Errors
    /// [`RequestError::Full`] where [`publish`](Self::publish) would wait, and whatever that would fail with.
    pub fn try_publish<P: AsRef<[u8]>>(&self, message: &Outbound<'_, P>) -> Result<Acknowledgement, RequestError> {
        try_publish(&self.0, message)
    }

    /// Subscribes. Resolves with the messages, once the server has granted at least one filter; without a connection, that
    /// takes until there is one.
    ///
    /// Dropped before it is ready, the subscription is taken back.
    pub fn subscribe(&self, filters: impl Into<Filters>) -> Subscribing {
        Subscribing::new(self.0.clone(), filters.into())
    }

    /// Closes the client: nothing more is accepted, what was published is given until the deadline to be acknowledged, then
    /// the connection is ended in order. Resolves when that is done; with an error if messages were not acknowledged by then,
    /// or if the client had ended by an error.
    ///
    /// It begins at once, and dropping the future does not stop it. A second call only waits.
    pub fn close(&self, deadline: Duration) -> impl Future<Output = Result<(), HostError>> + Send + 'static {
        self.0.with(|state| state.close(deadline));
        self.ended()
    }

    /// Resolves when the client has ended; with an error, if it was not closed.
    pub fn ended(&self) -> impl Future<Output = Result<(), HostError>> + Send + 'static {
        Watching::new(self.0.shared(), |state| match &state.end {
            Some(end) => Poll::Ready(end.0.clone().map_or(Ok(()), Err)),
            None => Poll::Pending,
        })
    }

    /// Resolves when there is a connection; with an error, if the client ends before.
    pub fn connected(&self) -> impl Future<Output = Result<(), HostError>> + Send + 'static {
        Watching::new(self.0.shared(), |state| match &state.end {
            Some(end) => {
                let closed = || HostError::new(Step::Connect, "the server", Cause::Stopped);
                Poll::Ready(Err(end.0.clone().unwrap_or_else(closed)))
            }
            None if state.is_connected() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        })
    }

    /// Authenticates again on the connection there is, by the method of the [`Authenticator`](crate::Authenticator)
    /// [MQTT-4.12.1-1]. What comes of it is told by an event if it fails: the connection ends.
    pub fn reauthenticate(&self) {
        self.0.with(|state| {
            if state.session.is_connected() {
                state.auth = Some(AuthStep { reason: ReasonCode::RE_AUTHENTICATE, data: None });
                state.rouse();
            }
        });
    }

    /// Whether there is a connection now. It may be gone when this returns.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.with(|state| state.is_connected())
    }

    /// What the client holds, for those who operate it.
    #[must_use]
    pub fn figures(&self) -> mqtt5_session::Figures {
        self.0.with(|state| state.session.figures(state.now()))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.with(|state| state.session.fmt(f))
    }
}
