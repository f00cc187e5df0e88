//! Subscribing, and the messages of a subscription.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use futures_core::Stream;
use mqtt5_codec::{Filter, QoS, ReasonCode, RetainHandling, Subscription, SubscriptionOptions};
use mqtt5_session::Refused;

use crate::publish::RequestError;
use crate::received::Inbound;
use crate::routes::Results;
use crate::slot::Slot;
use crate::state::User;

/// What to subscribe to: filters, each with its options. A `&str` is one filter with the default options.
///
/// ```
/// use mqtt5_host::Filters;
/// use mqtt5_host::codec::QoS;
/// let filters = Filters::one("plant/+/level").and("plant/+/alarm").maximum_qos(QoS::AtLeastOnce).no_local();
/// ```
#[derive(Clone, Debug)]
pub struct Filters(Vec<(Box<str>, SubscriptionOptions)>);

impl Filters {
    /// One filter, at QoS 2: messages come at the level at which they were published.
    #[must_use]
    pub fn one(filter: &str) -> Self {
        Self(vec![(filter.into(), SubscriptionOptions::default())])
    }

    /// One more filter, with the default options: those set later are for it too.
    #[must_use]
    pub fn and(mut self, filter: &str) -> Self {
        self.0.push((filter.into(), SubscriptionOptions::default()));
        self
    }

    /// One more filter, with these options.
    #[must_use]
    pub fn and_with(mut self, filter: &str, options: SubscriptionOptions) -> Self {
        self.0.push((filter.into(), options));
        self
    }

    fn each(mut self, set: impl Fn(&mut SubscriptionOptions)) -> Self {
        self.0.iter_mut().for_each(|(_, options)| set(options));
        self
    }

    /// Messages come at this level at most, for all filters so far.
    #[must_use]
    pub fn maximum_qos(self, qos: QoS) -> Self {
        self.each(|options| options.maximum_qos = qos)
    }

    /// Messages of this client itself do not come, for all filters so far.
    #[must_use]
    pub fn no_local(self) -> Self {
        self.each(|options| options.no_local = true)
    }

    /// Messages keep the RETAIN flag with which they were published, for all filters so far.
    #[must_use]
    pub fn retain_as_published(self) -> Self {
        self.each(|options| options.retain_as_published = true)
    }

    /// Whether retained messages come at once, for all filters so far.
    #[must_use]
    pub fn retain_handling(self, handling: RetainHandling) -> Self {
        self.each(|options| options.retain_handling = handling)
    }
}

impl From<&str> for Filters {
    fn from(filter: &str) -> Self {
        Self::one(filter)
    }
}

impl From<&String> for Filters {
    fn from(filter: &String) -> Self {
        Self::one(filter)
    }
}

impl<'a> FromIterator<&'a str> for Filters {
    fn from_iter<T: IntoIterator<Item = &'a str>>(filters: T) -> Self {
        Self(filters.into_iter().map(|filter| (filter.into(), SubscriptionOptions::default())).collect())
    }
}

impl<'a> FromIterator<Subscription<'a>> for Filters {
    fn from_iter<T: IntoIterator<Item = Subscription<'a>>>(subscriptions: T) -> Self {
        Self(subscriptions.into_iter().map(|one| (one.filter.as_str().into(), one.options)).collect())
    }
}

/// A subscription on its way. Dropped before it is ready, it is taken back.
#[must_use = "nothing is subscribed to before this is awaited"]
pub struct Subscribing {
    user: User,
    filters: Option<Filters>,
    asked: Option<(Messages, Arc<Slot<Results>>)>,
}

impl Subscribing {
    pub(crate) const fn new(user: User, filters: Filters) -> Self {
        Self { user, filters: Some(filters), asked: None }
    }

    fn ask(&mut self, filters: Filters) -> Result<(), RequestError> {
        for (filter, _) in &filters.0 {
            Filter::new(filter).map_err(|rule| RequestError::Refused(Refused::Rule(rule)))?;
        }
        let slot = Arc::new(Slot::new());
        let id = self.user.with(|state| {
            state.is_open()?;
            let id = state.routes.enter(filters.0.into(), Arc::clone(&slot))?;
            if state.session.is_connected() {
                state.subscribe_what_waits();
                state.rouse();
            }
            Ok(id)
        })?;
        self.asked = Some((Messages { user: self.user.clone(), id, granted: Box::default() }, slot));
        Ok(())
    }
}

impl Future for Subscribing {
    type Output = Result<Messages, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(filters) = self.filters.take()
            && let Err(error) = self.ask(filters)
        {
            return Poll::Ready(Err(error));
        }
        let Some((mut messages, slot)) = self.asked.take() else { return Poll::Pending };
        match slot.poll(context) {
            Poll::Pending => {
                self.asked = Some((messages, slot));
                Poll::Pending
            }
            Poll::Ready(Ok(granted)) => {
                messages.granted = granted;
                Poll::Ready(Ok(messages))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }
}

impl fmt::Debug for Subscribing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribing").field("filters", &self.filters).finish_non_exhaustive()
    }
}

/// The messages of one subscription, a [`Stream`]. It goes on over lost connections, and ends with the client, or when the
/// server does not grant the subscription any more.
///
/// What is not taken waits, in memory that the options bound, and is not acknowledged meanwhile. Dropping it unsubscribes;
/// what waits then is acknowledged and dropped.
pub struct Messages {
    user: User,
    id: u32,
    granted: Box<[ReasonCode]>,
}

impl Messages {
    /// What the server granted, or why not, for each filter in their order.
    #[must_use]
    pub const fn results(&self) -> &[ReasonCode] {
        &self.granted
    }

    /// Takes the next message, or says who waits for it. `None` when no more will come.
    pub fn poll_take(&mut self, context: &mut Context<'_>) -> Poll<Option<Inbound>> {
        self.user.with(|state| match state.routes.take(self.id, context.waker()) {
            Ok(Some(parcel)) => Poll::Ready(Some(state.hand_out(parcel, self.user.shared()))),
            Ok(None) => Poll::Pending,
            Err(()) => Poll::Ready(None),
        })
    }

    /// The next message; `None` when no more will come. Dropped before it is ready, it has taken nothing.
    #[expect(clippy::should_implement_trait, reason = "the name that every stream has for it")]
    pub fn next(&mut self) -> impl Future<Output = Option<Inbound>> + Send + '_ {
        poll_fn(|context| self.poll_take(context))
    }

    /// Unsubscribes, and resolves with the server's answer for each filter; with none if the server had forgotten the
    /// subscription, or did not know it yet.
    pub fn unsubscribe(self) -> impl Future<Output = Result<Box<[ReasonCode]>, RequestError>> + Send {
        let slot = Arc::new(Slot::new());
        let answer = Arc::clone(&slot);
        self.user.with(|state| state.leave_route(self.id, Some(answer)));
        let user = self.user.clone();
        // It has been left: nothing is left to do when it is dropped.
        let mut left = self;
        left.id = 0;
        poll_fn(move |context| {
            let _ = &user;
            slot.poll(context)
        })
    }
}

impl Stream for Messages {
    type Item = Inbound;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Inbound>> {
        self.get_mut().poll_take(context)
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        if self.id != 0 {
            self.user.with(|state| state.leave_route(self.id, None));
        }
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("id", &self.id).field("results", &self.granted).finish_non_exhaustive()
    }
}
